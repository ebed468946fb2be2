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


def kind(stages, cascaded):
    """Number of the kind of slice with registers as ``stages`` says: input, pre-adder, product."""
    names = ("input_stages", "preadd_stages", "product_stages")
    return KINDS.index((dict(zip(names, map(int, stages), strict=True)), cascaded))


WRONG = {
    kind("111", True): (".DREG(32'd1)", ".DREG(32'd0)"), kind("011", True): (".AREG(32'd0)", ".AREG(32'd1)"),
    kind("010", True): (".ADREG(32'd1)", ".ADREG(32'd0)"), kind("110", True): (".BREG(32'd2)", ".BREG(32'd1)"),
    kind("100", True): (".MREG(32'd0)", ".MREG(32'd1)"), kind("100", False): (".CREG(32'd1)", ".CREG(32'd0)"),
    kind("111", False): ("RND(48'h00000001ffff)", "RND(48'h000000020000)"),
    kind("101", False): (".INMODE(5'h04)", ".INMODE(5'h00)"),
    kind("011", False): (".AMULTSEL(\"AD\")", ".AMULTSEL(\"A\")"),
    kind("001", True): (".PCIN(", ".PCIN(48'd1 + "), kind("000", True): (".OPMODE(", ".OPMODE(9'h180 | "),
    kind("001", False): (".OPMODEREG(32'd1)", ".OPMODEREG(32'd0)"), kind("101", True): (".CEM(1'h1)", ".CEM(1'h0)")}
"""One thing wrong in the instance of each of these kinds."""


def test_what_is_wrong_in_an_instance_shows_in_it_and_in_no_other():
    def change(text):
        parts = re.split(r"(?m)^(?=module )", text)
        for number, (right, wrong) in WRONG.items():
            [at] = [i for i, part in enumerate(parts) if part.startswith(f"module \\pairs.slice{number}_True ")]
            assert parts[at].count(right) == 1
            parts[at] = _cascade(parts[at].replace(right, wrong))
        return "".join(parts)

    assert {number for number, count in enumerate(differing(change)) if count} == set(WRONG)


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
