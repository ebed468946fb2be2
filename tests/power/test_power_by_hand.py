"""Energies of circuits counted by hand: a netlist with its activity, and one mapped, simulated and priced for real."""

import json
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.errors import InputError
from rtl.bench import Stimulus, stream_ports
from rtl.power.activity import read_saif
from rtl.power.estimate import estimate
from rtl.power.gates import GateBench, map_verilog
from rtl.power.liberty import read_power
from rtl.power.netlist import elaborate
from rtl.synth.liberty import read_libraries
from rtl.verilog import emit

LIBRARY = Path(__file__).with_name("power.lib")
STATES = LIBRARY.with_name("states.lib")
SLEW = 1e-10


def _cell(kind, **pins):
    return {"type": kind, "connections": {pin: [bit] for pin, bit in pins.items()}}


def _wires(**bits):
    return {name: {"bits": list(of) if isinstance(of, tuple) else [of]} for name, of in bits.items()}


# clk, a[1:0] -> a leaf with a NAND -> an inverter and a flip-flop of the top; a second one shows its inverse only.
DESIGN = {"modules": {
    "leaf": {"ports": _wires(x=(2, 3), y=4), "netnames": _wires(x=(2, 3), y=4),
             "cells": {"nand": _cell("NAND2", A=2, B=3, Y=4)}},
    "top": {"ports": _wires(clk=2, a=(3, 4), q=7, n=8),
            "netnames": _wires(clk=2, a=(3, 4), w=5, v=6, q=7, n=8, still=9, one="1"),
            "cells": {"u": {"type": "leaf", "connections": {"x": [3, 4], "y": [5]}},
                      "inv": _cell("INV", A=5, Y=6), "ff": _cell("DFF", C=2, D=6, Q=7),
                      "nf": _cell("DFF", C=2, D=6, QN=8), "held": _cell("INV", A="1", Y=9)}}}}
SAIF = """(SAIFILE (SAIFVERSION "2.0")
(DURATION 100)
 (INSTANCE top
  (NET
   (clk (T0 50) (T1 50) (TZ 0) (TX 0) (TB 0) (TC 40))
   (a\\[0\\] (T0 50) (T1 50) (TZ 0) (TX 0) (TB 0) (TC 12))
   (a\\[1\\] (T0 75) (T1 25) (TZ 0) (TX 0) (TB 0) (TC 4))
   (w (T0 10) (T1 90) (TZ 0) (TX 0) (TB 0) (TC 6))
   (v (T0 90) (T1 10) (TZ 0) (TX 0) (TB 0) (TC 6))
   (still (T0 100) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 0))
   (q (T0 80) (T1 20) (TZ 0) (TX 0) (TB 0) (TC 2))
   (n (T0 20) (T1 80) (TZ 0) (TX 0) (TB 0) (TC 2))
  )
  (INSTANCE u
   (NET
    (x\\[0\\] (T0 50) (T1 50) (TZ 0) (TX 0) (TB 0) (TC 12))
    (x\\[1\\] (T0 75) (T1 25) (TZ 0) (TX 0) (TB 0) (TC 4))
    (y (T0 10) (T1 90) (TZ 0) (TX 0) (TB 0) (TC 6))
   )
  )
 )
)
"""


def _estimate(tmp_path, design=DESIGN, text=SAIF, cells=LIBRARY):
    path = tmp_path / "x.saif"
    path.write_text(text)
    library = read_power(cells.read_text(), cells.name)
    return estimate(elaborate(design, "top", library.cells, read_saif(path, "top")), library, SLEW)


def test_a_netlist_counted_by_hand(tmp_path):
    found = _estimate(tmp_path)
    top, leaf = found.components["top"], found.components["leaf"]
    # C V^2 / 2 = 2 fJ for each fF and toggle; wires: 1 fF for one sink, 3 fF for two.
    # clock: two pins of 4 fF and 3 fF of wire, 40 toggles; inside (2 + 6) / 2 fJ a toggle while D equals Q:
    # the first has P(D) = 0.1, P(Q) = 0.2; the second shows QN = 1 for 0.8, so its Q is 1 for 0.2 as well.
    alike = 0.1 * 0.2 + 0.9 * 0.8
    assert top.clock == pytest.approx((11 * 2 * 40 + 2 * 40 * 4 * alike) * 1e-15)
    # inverter: (3 + 5) / 2 for 6 toggles; flip-flops: Q and QN, whether connected or not, 8 for each of 2 toggles
    assert top.internal == pytest.approx((6 * 4 + 2 * (2 * 8 + 2 * 8)) * 1e-15)
    # inverter drives two D of 1 fF; the flip-flops drive ports without load
    assert top.switching == pytest.approx((2 + 3) * 2 * 6 * 1e-15)
    assert (top.leakage, top.cells) == (pytest.approx(180e-9), 4)
    # NAND: each of 6 toggles is A's for 12/16 and B's for 4/16; A's own 12 toggles cost 1 while B is low (0.75)
    assert leaf.internal == pytest.approx((6 * (10 * 0.75 + 20 * 0.25) + 12 * 0.75) * 1e-15)
    assert leaf.switching == pytest.approx((2 + 1) * 2 * 6 * 1e-15)
    # inputs: NAND's pins of 1 and 3 fF with 1 fF of wire each
    assert leaf.inputs == pytest.approx(((1 + 1) * 2 * 12 + (3 + 1) * 2 * 4) * 1e-15)
    assert (leaf.clock, top.inputs, leaf.cells) == (0, 0, 1)
    # the inverter may drive 5 fF and has them; nothing has too much
    assert found.overloaded == 0
    assert found.total.dynamic == pytest.approx(sum(each.dynamic for each in found.components.values()))


def test_slews_go_through_the_netlist(tmp_path):
    wires = _wires(a=2, b=3, c=4, d=5)
    chain = {"modules": {"top": {"ports": _wires(a=2, d=5), "netnames": wires, "cells": {
        name: _cell("EDGE", A=bit, Y=bit + 1) for name, bit in (("one", 2), ("two", 3), ("three", 4))}}}}
    nets = "".join(f"({name} (T0 5) (T1 5) (TZ 0) (TX 0) (TB 0) (TC 10))\n" for name in wires)
    found = _estimate(tmp_path, chain, f"(DURATION 10)\n(INSTANCE top\n(NET\n{nets})\n)\n)\n", STATES)
    # b and c carry a pin of 4 fF and 1 fF of wire: half of the table's load, so edges are (0.1 + 0.2) / 2 ns longer
    # than half of those before; the first input has 0.1 ns. A cell takes 1000 fJ for each ns of its input's slew.
    slew_a = 0.1
    slew_b = 0.15 + slew_a / 2
    slew_c = 0.15 + slew_b / 2
    assert found.total.internal == pytest.approx(10 * 1000e-15 * (slew_a + slew_b + slew_c))
    assert found.overloaded == 2  # b and c: 5 fF on cells that may drive 4
    assert found.total.leakage == pytest.approx(3 * 6e-9)


@pytest.mark.parametrize(("kind", "message"), [
    ("$_DFF_P_", "leaf: a cell \\$_DFF_P_"), ("INV", "pins that the library")])
def test_cells_that_were_not_mapped_are_not_passed_over(tmp_path, kind, message):
    design = json.loads(json.dumps(DESIGN))
    design["modules"]["leaf"]["cells"]["nand"]["type"] = kind
    with pytest.raises(RuntimeError, match=message):
        _estimate(tmp_path, design)


@pytest.mark.parametrize(("old", "new", "message"), [
    ("(y (T0 10) (T1 90) (TZ 0) (TX 0) (TB 0) (TC 6))", "(y (T0 10) (T1 90) (TZ 0) (TX 0) (TB 0) (TC 5))",
     "pieces of nets were seen to toggle otherwise"), ("(v (T0", "(vv (T0", "1 nets of cells were not seen")])
def test_activity_that_does_not_fit_the_netlist(tmp_path, old, new, message):
    with pytest.raises(RuntimeError, match=message):
        _estimate(tmp_path, text=SAIF.replace(old, new))


def test_a_cell_that_the_library_lacks(tmp_path):
    design = json.loads(json.dumps(DESIGN))
    design["modules"]["leaf"]["cells"]["nand"]["type"] = "NAND9"
    with pytest.raises(RuntimeError, match="leaf: a cell NAND9"):
        _estimate(tmp_path, design)


@pytest.mark.parametrize("text", [
    None, "", SAIF.replace("DURATION 100", "DURATION 0"), SAIF.replace("INSTANCE top", "INSTANCE t")])
def test_files_that_are_no_activity(tmp_path, text):
    path = tmp_path / "x.saif"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match="x.saif: wanted a SAIF file"):
        read_saif(path, "top")


class Inverter(wiring.Component):
    """Hands on the inverse of each word, without a register."""

    i: In(stream.Signature(4))
    o: Out(stream.Signature(4))

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.o.payload.eq(~self.i.payload), self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready)]
        return m


@pytest.mark.slow
def test_gates_of_a_device_counted_by_hand():
    library = read_power(LIBRARY.read_text(), LIBRARY.name)
    device = Inverter()
    gates = map_verilog(emit(device, "inverter"), "inverter", stream_ports(device), read_libraries([LIBRARY]))
    bench = GateBench(gates)
    words = [0b0000, 0b0101, 0b0101, 0b1111, 0b0011]
    case = Stimulus(tokens={"i": words}, expect={"o": 5}, limit=50)
    [seen] = bench.run([case])
    assert seen.value["o"] == [~word & 15 for word in words] and seen.cycle["o"].tolist() == [0, 1, 2, 3, 4]
    found = estimate(elaborate(gates.netlist, "inverter", library.cells, bench.activity([case])), library, SLEW)
    path = [0b1111, *words, 0b1111]  # all ones before and behind the words, because nothing is offered then
    toggles = sum((a ^ b).bit_count() for a, b in zip(path, path[1:], strict=False))
    total = found.total
    assert toggles == 12 and total.cells == 4 and total.clock == 0
    assert total.internal == pytest.approx(toggles * 4e-15) and total.switching == 0
    assert total.inputs == pytest.approx(toggles * (2 + 1) * 2e-15)  # a pin of 2 fF, a wire of 1 fF, 2 fJ for each
    assert np.isclose(total.leakage, 40e-9)
