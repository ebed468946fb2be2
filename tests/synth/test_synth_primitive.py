"""DSP48E2 instances, simulated with a model after the manual (UG579), do what the behavioural slices do."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.components import configuration_class
from hwsim.dsp_chain.config import ChainConfig
from rtl.bench import Stimulus, build_bench
from rtl.dsp_chain.dsp48 import P_BITS, Dsp48
from rtl.dsp_chain.family import component_family, convert
from rtl.verify import run_cases
from rtl.verilog import emit

pytestmark = pytest.mark.slow
MODEL = Path(__file__).with_name("dsp48e2.v").read_text()
KINDS = [(dict(zip(("input_stages", "preadd_stages", "product_stages"), stages, strict=True)), cascaded)
         for stages in product((0, 1), repeat=3) for cascaded in (False, True)]
FIELDS = {"hi": 8, "lo": 8, "weight": 8, "c": 48, "pcin": 48, "resume": 1}
FILLED = 6  # transfers until what was there at power-on has left


class Pairs(wiring.Component):
    """Each kind of slice twice, as behaviour and as instance: operands at ``i``, all ``p`` at ``o`` a cycle later."""

    def __init__(self):
        width = sum(FIELDS.values())
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(2 * len(KINDS) * P_BITS))})

    def elaborate(self, platform):
        m, outputs, valid = Module(), [], Signal()
        for primitive, (number, (stages, cascaded)) in product((False, True), enumerate(KINDS)):
            config = ChainConfig(length=2, group_length=1, m=2, **stages)
            slice_ = Dsp48(config, cascaded, primitive)
            m.submodules[f"slice{number}_{primitive}"] = slice_
            at = 0
            for name, width in FIELDS.items():
                m.d.comb += getattr(slice_, name).eq(self.i.payload[at:at + width])
                at += width
            outputs.append(slice_.p)
        m.d.sync += valid.eq(self.i.valid)
        m.d.comb += [self.i.ready.eq(1), self.o.valid.eq(valid), self.o.payload.eq(Cat(outputs))]
        return m


def operands(count):
    """Random bits, extremes among them."""
    rng = np.random.default_rng(3)
    tokens = []
    for _ in range(count):
        token = at = 0
        for width in FIELDS.values():
            bits = int(rng.integers(0, 1 << width))
            edge = int(rng.choice([0, 1 << width - 1, (1 << width - 1) - 1, (1 << width) - 1]))
            token |= (edge if rng.random() < 0.3 else bits) << at
            at += width
        tokens.append(token)
    return tokens


def differing(change=lambda text: text):
    """By kind of slice, in how many transfers instance and behaviour differ; ``change`` is made to the Verilog."""
    bench = build_bench(Pairs, engine="verilator", name="pairs",
                        verilog=lambda component: change(emit(component, "pairs")) + MODEL)
    tokens = operands(300)
    [seen] = bench.run([Stimulus(tokens={"i": tokens}, expect={"o": len(tokens)}, limit=400)])
    assert seen.finished and len(seen.value["o"]) == 300 and not seen.violations
    half = len(KINDS) * P_BITS
    found = [0] * len(KINDS)
    for value in seen.value["o"][FILLED:]:
        apart = (value ^ value >> half) & (1 << half) - 1
        for number in range(len(KINDS)):
            found[number] += (apart >> number * P_BITS & (1 << P_BITS) - 1) != 0
    return found


def test_every_slice_does_the_same_as_an_instance():
    assert differing() == [0] * len(KINDS)


@pytest.mark.parametrize(("right", "wrong", "kinds"), [
    (".DREG(32'd1)", ".DREG(32'd0)", lambda stages, cascaded: stages["input_stages"]),
    (".AREG(32'd0)", ".AREG(32'd1)", lambda stages, cascaded: not stages["input_stages"]),
    (".ADREG(32'd1)", ".ADREG(32'd0)", lambda stages, cascaded: stages["preadd_stages"]),
    (".BREG(32'd2)", ".BREG(32'd1)", lambda stages, cascaded: stages["input_stages"] and stages["preadd_stages"]),
    (".MREG(32'd0)", ".MREG(32'd1)", lambda stages, cascaded: not stages["product_stages"]),
    (".CREG(32'd1)", ".CREG(32'd0)", lambda stages, cascaded: not cascaded),
    ("RND(48'h00000001ffff)", "RND(48'h000000020000)", lambda stages, cascaded: not cascaded),
    (".INMODE(5'h04)", ".INMODE(5'h00)", lambda stages, cascaded: True),
    (".AMULTSEL(\"AD\")", ".AMULTSEL(\"A\")", lambda stages, cascaded: True)],
    ids=["DREG", "AREG", "ADREG", "BREG", "MREG", "CREG", "RND", "INMODE", "AMULTSEL"])
def test_a_wrong_attribute_shows_in_the_slices_that_have_it_and_in_no_other(right, wrong, kinds):
    def change(text):
        assert right in text
        pieces = text.split("DSP48E2 #(")
        return "DSP48E2 #(".join([pieces[0], *(_cascade(piece.replace(right, wrong)) for piece in pieces[1:])])

    assert [bool(count) for count in differing(change)] == [bool(kinds(*kind)) for kind in KINDS]


def _cascade(instance):
    """As many registers to the cascades of A and B, which nobody uses, as the manual wants beside those of the ports.
    """
    for path in "AB":
        registers = re.search(rf"\.{path}REG\(32'd(\d)\)", instance)[1]
        instance = re.sub(rf"\.{path}CASCREG\(32'd\d\)", f".{path}CASCREG(32'd{registers})", instance)
    return instance


@pytest.mark.parametrize(("component", "fixed"), [
    ("chain", {"length": 8, "group_length": 2, "m": 4}),
    ("chain", {"length": 4, "group_length": 4, "m": 2, "input_stages": 0, "preadd_stages": 0, "product_stages": 0}),
    ("mpu", {"length": 4, "group_length": 1, "m": 4, "vpus": 2, "input_stages": 1, "product_stages": 0})])
def test_devices_of_instances_take_the_cycles_of_the_model_and_give_the_values_of_the_reference(component, fixed):
    config = configuration_class(component).from_mapping(fixed)
    family = component_family(component)
    cases = [family.case(config, {}, np.random.default_rng([9, number])) for number in range(40)]
    bench = build_bench(lambda: family.component(config, primitive=True), engine="verilator", name="dsp_chain",
                        verilog=lambda device: convert(device) + MODEL)
    compared = run_cases(bench, cases)
    assert [found for found in compared if not found.equal] == []
    assert sum(found.transfers for found in compared) > 1000
