"""Place and route: the harness, what is read from a report, and a small device on nextpnr."""

import pytest

from hwsim.cli import main
from hwsim.dsp_chain.dequant.config import DequantConfig
from rtl.synth import place, synthesise
from rtl.synth.harness import harness
from rtl.synth.placement import placement_of
from rtl.synth.table import placement_lines

DESIGN = """module top(clk, rst, a, b, y, z);
  input clk;
  wire clk;
  input rst;
  input [3:0] a;
  input b;
  output [1:0] y;
  output z;
endmodule
module other(q);
  input [9:0] q;
endmodule
"""


def test_the_harness_has_a_register_for_each_bit_of_a_port_and_one_for_the_reset():
    text, registers = harness(DESIGN, "top")
    assert registers == 5 + 3 + 1
    assert "reg [4:0] drive;" in text and "reg [2:0] taken;" in text
    pins = ".clk(clk), .rst(reset), .a(drive[0 +: 4]), .b(drive[4 +: 1]), .y(seen[0 +: 2]), .z(seen[2 +: 1])"
    assert f"top device({pins});" in text


def step(kind, delay, begins, ends):
    return {"type": kind, "delay": delay, "from": {"cell": begins}, "to": {"cell": ends}}


def test_the_slowest_path_between_registers_by_hand():
    """One look-up table between two registers, beside a longer path from a pin; the second holds ``sum[1]``."""
    path = [step("clk-to-q", 0.5, "a", "a"), step("routing", 1.25, "a", "lut"), step("logic", 0.25, "lut", "lut"),
            step("routing", 2.0, "lut", "b"), step("setup", 0.125, "b", "b")]
    report = {"fmax": {"clk": {"achieved": 242.5, "constraint": 200}},
              "utilization": {"TRELLIS_FF": {"used": 2, "available": 10}, "DP16KD": {"used": 0, "available": 1}},
              "critical_paths": [{"from": "<async>", "to": "posedge clk", "path": [step("routing", 9.0, "pin", "a")]},
                                 {"from": "posedge clk", "to": "posedge clk", "path": path}]}
    nets = {"device.part.sum": {"hide_name": 0, "bits": [5, 6]}, "$auto$1": {"hide_name": 1, "bits": [6]},
            "device.first": {"hide_name": 0, "bits": [7]}}
    module = {"netnames": nets, "cells": {"a": {"connections": {"Q": [7]}}, "b": {"connections": {"Q": [6]}}}}
    found = placement_of(report, module, "by hand", 9)
    assert (found.begins, found.ends) == ("first", "part.sum[1]")
    assert (found.logic_ns, found.routing_ns, found.levels) == (0.875, 3.25, 1)
    assert found.used == {"TRELLIS_FF": (2, 10)} and found.frequency_mhz == 242.5
    text = "\n".join(placement_lines(found))
    assert "242.5 MHz" in text and "from first to part.sum[1]" in text and "TRELLIS_FF 2 of 10" in text


@pytest.mark.parametrize(("words", "given"), [
    ([], "ultrascale+"), (["--target", "ecp5", "--liberty", "x.lib"], "--liberty")])
def test_only_an_ecp5_is_placed(words, given, capfd):
    assert main(["synth", "dsp_chain", "--place", *words]) == 2
    assert capfd.readouterr().err == f"hwsim: --place: wanted --target ecp5, got {given}\n"


@pytest.mark.slow
def test_a_placed_device_has_the_flip_flops_that_synthesis_counted():
    """And the harness'; its multiplier too."""
    config = DequantConfig.preset("small-4", lanes=1, group=1)
    counted, placed = synthesise("dsp_chain", config, "ecp5").total, place("dsp_chain", config)
    assert placed.used["TRELLIS_FF"][0] == counted.ff + placed.harness_ff
    assert placed.used["MULT18X18D"][0] == counted.dsp == 1
    assert 20 < placed.frequency_mhz < 400 and placed.levels > 1
    assert 1e3 / placed.frequency_mhz == pytest.approx(placed.logic_ns + placed.routing_ns, rel=1e-3)
