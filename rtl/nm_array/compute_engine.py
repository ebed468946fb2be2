"""The engine that runs passes: when each starts, and what ends it."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.timing import drain_cycles, switch_cycles
from rtl.nm_array import layouts
from rtl.nm_array.issue import Issue, issue_os, issue_ws


class ComputeEngine(wiring.Component):
    """Run passes: issue one step a cycle from the cycle after the start; passes follow each other without a gap.

    A pass starts when it is loaded, its operand tiles and parameters are there, and the result buffer has room for
    all its results; behind a pass of the other dataflow, when that has left the array.
    """

    def __init__(self, config: NmArrayConfig):
        self.config = config
        self.ws, self.os = "ws" in config.dataflows, "os" in config.dataflows
        super().__init__({
            "loaded": In(1), "descriptor": In(layouts.descriptor(config)), "started": Out(1), "computing": Out(1),
            "a_filled": In(range(config.a_slots + 1)), "w_filled": In(range(config.w_slots + 1)),
            "q_filled": In(range(config.q_slots + 1)), "a_take": Out(1), "w_take": Out(1), "q_take": Out(1),
            "slot": Out(layouts.bits_for(config.a_slots)), "w_slot": Out(layouts.bits_for(config.w_slots)),
            "beat": Out(layouts.bits_for(config.tile_depth)), "read": Out(1),
            "w_beat": Out(layouts.bits_for(config.w_depth)), "w_read": Out(1),
            "a_release": Out(layouts.bits_for(config.a_slots + 1)),
            "w_release": Out(layouts.bits_for(config.w_slots + 1)),
            "control": Out(layouts.control(config)), "rows": Out(layouts.descriptor(config)["rows"].shape),
            "ws_result": Out(layouts.result_control(config)), "os_result": Out(layouts.result_control(config)),
            "left": In(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the engine."""
        m, config = Module(), self.config
        now = Signal(layouts.descriptor(config))
        busy, done = Signal(), Signal()
        stationary = now.output_stationary if config.dataflow == "both" else Const(int(self.os))
        capturing = self._results_after_slot(m, now, done & stationary) if self.os else Const(0)
        m.d.comb += [self.slot.eq(now.a_slot), self.w_slot.eq(now.w_slot), self.computing.eq(busy),
                     self.control.mode.eq(now.mode), self.rows.eq(now.rows)]
        if config.dataflow == "both":
            m.d.comb += self.control.output_stationary.eq(now.output_stationary)
            with m.If(stationary):
                self._run_os(m, now, busy, done, capturing)
            with m.Else():
                self._run_ws(m, now, busy, done)
        elif self.os:
            self._run_os(m, now, busy, done, capturing)
        else:
            self._run_ws(m, now, busy, done)
        m.d.comb += self.a_release.eq(Mux(done, now.a_free, 0))
        if self.ws:  # also by an os pass, which has no use for these weights
            m.d.comb += self.control.swap.eq(self.started)
        self._start(m, now, busy, done)
        return m

    def _run_ws(self, m: Module, now: Signal, busy: Signal, done: Signal) -> None:
        """Each beat gives one partial sum per column."""
        issue = issue_ws(m, self.config, now, busy)
        self._issued(m, issue)
        sums, result = issue.valid & issue.whole, self.ws_result
        m.d.comb += [done.eq(busy & issue.end), result.valid.eq(sums),
                     result.begin.eq(0), result.address.eq(issue.beat), result.first.eq(now.first & issue.fresh),
                     result.last.eq(now.last & issue.final), result.q_slot.eq(now.q_slot),
                     result.q_free.eq(Mux(done & now.last, now.q_free, 0))]

    def _run_os(self, m: Module, now: Signal, busy: Signal, done: Signal, capturing: Value) -> None:
        """A last pass takes at least the time that the drain chain needs; then its results follow."""
        least = drain_cycles(self.config)
        cycle, waiting = Signal(range(least)), Signal()
        issue = issue_os(m, self.config, now, busy & ~waiting)
        self._issued(m, issue)
        enough = ~now.last | (cycle == least - 1)
        with m.If(busy & (cycle != least - 1)):
            m.d.sync += cycle.eq(cycle + 1)
        with m.If(issue.end):
            m.d.sync += waiting.eq(1)
        with m.If(done | ~busy):
            m.d.sync += [waiting.eq(0), cycle.eq(0)]
        m.d.comb += [done.eq(busy & (waiting | issue.end) & enough), self.w_release.eq(Mux(done, now.w_free, 0)),
                     self.w_beat.eq(issue.w_beat), self.w_read.eq(issue.w_read),
                     self.control.clear.eq(issue.fresh & now.first),
                     self.control.capture.eq(capturing), self.control.advance.eq((busy & ~waiting) | capturing)]

    def _issued(self, m: Module, issue: Issue) -> None:
        m.d.comb += [self.control.valid.eq(issue.valid), self.control.step.eq(issue.step), self.beat.eq(issue.beat),
                     self.read.eq(issue.read)]

    def _results_after_slot(self, m: Module, now: Signal, done: Value) -> Value:
        """os: capture from the cycle after the slot, then one result row a cycle, whatever pass runs by then."""
        depth, result = self.config.interleaved, self.os_result
        left, capturing = Signal(range(self.config.result_rows("os") + 1)), Signal(range(depth + 1))
        q_slot, q_free = Signal.like(now.q_slot), Signal.like(now.q_free)
        m.d.comb += [result.valid.eq(left != 0), result.first.eq(1), result.last.eq(1), result.begin.eq(capturing != 0),
                     result.q_slot.eq(q_slot), result.q_free.eq(Mux(left == 1, q_free, 0))]
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.If(capturing != 0):
            m.d.sync += capturing.eq(capturing - 1)
        with m.If(done & now.last):
            m.d.sync += [left.eq(now.rows), capturing.eq(depth), q_slot.eq(now.q_slot), q_free.eq(now.q_free)]
        return capturing != 0

    def _start(self, m: Module, now: Signal, busy: Signal, done: Signal) -> None:
        """Take the next pass when everything that it needs is there: last here, as it overrides what goes on."""
        config, after = self.config, self.descriptor
        room = Signal(range(config.o_depth + 1), init=config.o_depth)
        stationary = after.output_stationary if config.dataflow == "both" else self.os
        results = Mux(after.last, Mux(stationary, after.rows, after.beats), 0)
        ready = self.loaded & (~busy | done) & (self.a_filled >= after.a_take) & (self.q_filled >= after.q_take)
        if self.os:
            ready &= ~stationary | (self.w_filled >= after.w_take)
            m.d.comb += self.w_take.eq(self.started & stationary & after.w_take)
        if config.dataflow == "both":
            ready &= self._settled(m, busy, done) | (after.output_stationary == now.output_stationary)
        m.d.comb += [self.started.eq(ready & (room >= results)), self.a_take.eq(self.started & after.a_take),
                     self.q_take.eq(self.started & after.q_take)]
        m.d.sync += room.eq(room + self.left - Mux(self.started, results, 0))
        with m.If(done):
            m.d.sync += busy.eq(0)
        with m.If(self.started):
            m.d.sync += [busy.eq(1), now.eq(after)]

    def _settled(self, m: Module, busy: Signal, done: Signal) -> Value:
        """Whether the last pass has left the array."""
        waits = switch_cycles(self.config)
        waiting = Signal(range(waits))
        with m.If(done):
            m.d.sync += waiting.eq(waits - 1)
        with m.Elif(waiting != 0):
            m.d.sync += waiting.eq(waiting - 1)
        return ~busy & (waiting == 0)
