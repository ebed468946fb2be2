"""Liberty files as numbers: units, tables, wires, conditions, and files that cannot be used."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from hwsim.errors import InputError
from rtl.power.liberty import read_power
from rtl.power.logic import ALWAYS, condition
from rtl.power.syntax import parse

LIBRARY = Path(__file__).with_name("power.lib")
STATES = LIBRARY.with_name("states.lib")


@pytest.fixture(scope="module")
def library():
    return read_power(LIBRARY.read_text(), LIBRARY.name)


@pytest.fixture(scope="module")
def states():
    return read_power(STATES.read_text(), STATES.name)


def test_numbers_are_in_si_units(library):
    inverter = library.cells["INV"]
    assert (library.name, library.voltage) == ("counted", 2.0)
    assert inverter.leakage == pytest.approx(10e-9) and inverter.pins["A"].capacitance == pytest.approx(2e-15)
    assert inverter.pins["Y"].output and not inverter.pins["A"].output
    assert inverter.pins["Y"].most_load == pytest.approx(5e-15) and inverter.pins["A"].most_load == np.inf
    [arc] = inverter.pins["Y"].energies
    at = np.zeros(1), np.zeros(1)
    assert (arc.related, arc.when) == ("A", ALWAYS)
    assert arc.rise(*at) == pytest.approx(3e-15) and arc.fall(*at) == pytest.approx(5e-15)
    assert library.cells["DFF"].pins["C"].clock and library.cells["DFF"].same == {"QN": ("Q", False)}


def test_tables_are_linear_inside_and_flat_outside(library):
    arcs = library.cells["NOR2"].pins["Y"].energies
    assert [arc.related for arc in arcs] == ["A", "B"]
    load, slew = np.array([5, 0, 10, 99, 0]) * 1e-15, np.array([0.2, 0.1, 0.3, 9, 0]) * 1e-9
    assert arcs[0].rise(load, slew) == pytest.approx(np.array([15, 0, 30, 30, 0]) * 1e-15)


def test_wires_by_fan_out(library):
    # 0.5 fF for a unit of length; 2 and 6 units for one and two sinks, 4 more for each further one
    assert library.wire(np.array([0.0, 1, 2, 5])) == pytest.approx(np.array([0, 1, 3, 9]) * 1e-15)


@pytest.mark.parametrize(("text", "holds"), [
    ("A & !B", lambda a, b, c: a and not b), ("A + B * C'", lambda a, b, c: a or (b and not c)),
    ("!(A ^ B) C", lambda a, b, c: a == b and c), ("(A|B)&(1^C)", lambda a, b, c: (a or b) and not c)])
def test_conditions_by_truth_table(text, holds):
    found = condition(text, {}, "here")
    shares = {"A": np.array([0.25]), "B": np.array([0.5]), "C": np.array([0.9])}
    by_hand = 0.0
    for a, b, c in product((0, 1), repeat=3):
        if holds(a, b, c):
            by_hand += (0.25 if a else 0.75) * 0.5 * (0.9 if c else 0.1)
    assert found.probability(shares) == pytest.approx(by_hand, rel=1e-12)


def test_conditions_see_both_outputs_of_a_flip_flop_as_one_state(library):
    [arc] = library.cells["DFF"].pins["C"].energies
    assert set(arc.when.pins) == {"D", "Q"}
    assert arc.when.probability({"D": np.array([0.5]), "Q": np.array([0.2])}) == pytest.approx(0.5)


def test_pins_of_one_group_and_arcs_for_all_other_states(states):
    pins = states.cells["BOTH"].pins
    assert [pins[name].capacitance for name in "AB"] == [pytest.approx(3e-15)] * 2
    shares = {"C": np.array([0.25])}
    assert [arc.when.probability(shares)[0] for arc in pins["B"].energies] == [0.25, 0.75]


def test_leakage_without_a_single_figure_is_the_mean_of_its_states(states):
    assert states.cells["EDGE"].leakage == pytest.approx(6e-9)


@pytest.mark.parametrize("text", ["", "A &", "(A", "A ) B", "A @ B", "&A"])
def test_text_that_is_no_condition(text):
    with pytest.raises(InputError, match="here: wanted a Boolean expression of pins"):
        condition(text, {}, "here")


@pytest.mark.parametrize(("text", "message"), [
    ("", r"line 1: wanted '\('"), ("library (a) { cell (b) {", r"line 1: wanted '}', got the end"),
    ("module (a) { }", r"wanted a Liberty file"), ("library (a) { x y }", r"line 1: wanted '\('"),
    ("library (a) { nom_voltage : 1; }", "wanted a library with internal_power of its cells, got none"),
    ("library (a) { }", "library a: nom_voltage: wanted a number, got None"),
    ('library (a) { nom_voltage : 1; time_unit : "1m"; }', "time_unit: wanted a multiple of s, got 1m")])
def test_files_that_cannot_be_used(text, message):
    with pytest.raises(InputError, match=f"x.lib.*{message}"):
        read_power(text, "x.lib")


@pytest.mark.parametrize(("old", "new", "message"), [
    ('when : "!B"', 'when : "!X"', r"cell NAND2: pin A: wanted pins of the cell, got \['X'\]"),
    ('related_pin : "A"; power (slope)', 'related_pin : "Q"; power (slope)', r"cell EDGE: pin Y: .*got \['Q'\]"),
    ("load_unit (1, ff)", "load_unit (1, mf)", "capacitive_load_unit: wanted a number and ff or pf, got 1, mf")])
def test_libraries_that_contradict_themselves(old, new, message):
    text = next(text for text in (LIBRARY.read_text(), STATES.read_text()) if old in text)
    with pytest.raises(InputError, match=message):
        read_power(text.replace(old, new), "x.lib")


def test_tables_of_the_wrong_size_are_refused():
    broken = LIBRARY.read_text().replace('"0, 10", "20, 30"', '"0, 10", "20"')
    with pytest.raises(InputError, match=r"cell NOR2: internal_power: wanted a table"):
        read_power(broken, "x.lib")


def test_syntax_keeps_groups_attributes_and_comments_apart():
    group = parse('library (a, "b") { /* x { */ k : "v;w" ; l (1, 2); l (3); g () { h : 1 } // }\n }', "x")
    assert (group.names, group.values) == (("a", "b"), {"k": ("v;w",), "l": ("3",)})
    assert group.lists == [("l", ("1", "2")), ("l", ("3",))] and [each.kind for each in group.groups] == ["g"]
