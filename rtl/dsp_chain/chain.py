"""The configurable sparse DSP chain: slices in groups, a multiplexer before each, a node behind each group."""

from __future__ import annotations

from functools import partial
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain import timing
from hwsim.dsp_chain.config import SparseChainConfig
from rtl.dsp_chain import layouts
from rtl.dsp_chain.dsp48 import Dsp48
from rtl.dsp_chain.line import line
from rtl.dsp_chain.mux import SparseMux
from rtl.dsp_chain.node import ReductionNode
from rtl.parts.registers import Make, built, delayed


class CsdChain(wiring.Component):
    """The sums of a beat, M / N outputs for two rows: latency `hwsim.dsp_chain.timing.sums`, one beat a cycle, never
    stalls. ``mode`` may change from beat to beat.

    DSP p works ``skew(p)`` cycles behind DSP 0: its operands wait in delay lines behind its multiplexer, and the nodes'
    sums in others until the last node has its own. With mode N, DSP p is DSP ``r = p mod part`` of its sub-chain,
    ``part = N * length / M``, and its weight belongs to block r // N; dense, to input p of the slice.

    Args:
        config: the same object that the reference and the cycle model take.
        make: makes each part that is there many times; see `rtl.parts.registers`.
        primitive: DSP slices as instances of DSP48E2.
    """

    def __init__(self, config: SparseChainConfig, make: Make = built, primitive: bool = False):
        self.config, self.make, self.primitive = config, make, primitive
        super().__init__({"activations": In(layouts.activations(config)), "weights": In(layouts.weights(config)),
                          "mode": In(unsigned(layouts.mode(config))), "single": In(1),
                          "sums": Out(layouts.sums(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the chain."""
        m, config = Module(), self.config
        modes = line(m, self.mode, timing.sums(config) - timing.SELECT, "modes")
        node, met = None, {}
        for group in range(config.groups):
            node = self._group(m, group, modes, node)
            if group in config.end_groups:
                wait = timing.node(config, config.groups - 1) - timing.node(config, group)
                met[group] = line(m, Cat(node.lo, node.hi), wait, f"met{group}")[-1]
        self._select(m, met, modes[-1])
        return m

    def _group(self, m: Module, group: int, modes: list[Value], before: Any) -> Any:
        """DSPs of one group, and its node."""
        config, size = self.config, self.config.group_length
        first, cascade, sums = group * size, Const(0), Const(0)
        for p in range(first, first + size):
            kind = "dsp_cascaded" if p > first else "dsp_head"
            m.submodules[f"dsp{p}"] = dsp = self.make(kind, partial(Dsp48, config, p > first, self.primitive))
            hi, lo, weight = self._operands(m, p)
            m.d.comb += [dsp.hi.eq(hi), dsp.lo.eq(lo), dsp.weight.eq(weight)]
            if p > first:
                m.d.comb += dsp.pcin.eq(cascade)
            elif before is not None:
                ahead = timing.MUX + timing.skew(config, p) + config.operand_stages - 1
                m.d.comb += [dsp.c.eq(before.c), dsp.resume.eq(self._resumes(group, modes[ahead]))]
            cascade, sums = dsp.pcout, dsp.p
        m.submodules[f"node{group}"] = node = self.make("node", partial(ReductionNode, config))
        m.d.comb += node.p.eq(sums)
        if before is not None:
            m.d.comb += [node.before.eq(line(m, before.lo, size + timing.PASS - timing.NODE, f"low{group}")[-1]),
                         node.resume.eq(self._resumes(group, modes[timing.node(config, group)]))]
        return node

    def _resumes(self, group: int, mode: Value) -> Value:
        """Whether a group goes on with its neighbour's sum."""
        config = self.config
        inside = [i for i, n in enumerate(config.modes) if group * config.group_length % config.part(n)]
        return Cat(mode == i for i in inside).any()

    def _operands(self, m: Module, p: int) -> tuple[Value, Value, Value]:
        """What DSP p multiplies, skewed: the selected activations of both rows, and the weight."""
        config = self.config
        blocks = config.met_blocks(p)
        m.submodules[f"mux{p}"] = mux = self.make(f"mux{len(blocks)}", partial(SparseMux, config, len(blocks)))
        m.d.comb += [mux.single.eq(self.single), mux.index.eq(self.weights[p].index)]
        with m.Switch(self.mode):
            for i, n in enumerate(config.modes):
                with m.Case(i):
                    m.d.comb += mux.block.eq(blocks.index(p % config.part(n) // n))
                    if n == config.m:
                        m.d.comb += mux.index.eq(p % n)
        for row in range(2):
            for i, block in enumerate(blocks):
                for place in range(config.m):
                    m.d.comb += mux.rows[row][i * config.m + place].eq(self.activations[row][block * config.m + place])
        weight = delayed(m, self.weights[p].value, f"weight{p}", timing.MUX)
        late = line(m, Cat(mux.hi, mux.lo, weight), timing.skew(config, p), f"skew{p}")[-1]
        return late[:8], late[8:16], late[16:]

    def _select(self, m: Module, met: dict[int, Value], mode: Value) -> None:
        """Lanes: the nodes at the ends of the sub-chains."""
        config = self.config
        chosen = Signal(layouts.sums(config), reset_less=True)
        for lane in range(config.lanes):
            picked = Signal(2 * config.sum_bits, name=f"picked{lane}")
            with m.Switch(mode):
                for i, n in enumerate(config.modes):
                    with m.Case(i):
                        m.d.comb += picked.eq(met[config.end_group(lane, n)] if lane < config.m // n else 0)
            m.d.sync += chosen[lane].as_value().eq(picked)
        m.d.comb += self.sums.eq(chosen)
