"""The two engines that descriptors drive: weights into the PEs, then the pass itself."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.nm_array.config import NmArrayConfig
from rtl.nm_array import layouts


class LoadEngine(wiring.Component):
    """Take descriptors; ws: read a weight tile, one beat a cycle, and hand the pass on when the PEs hold it.

    Holds one pass at a time: the next is taken one cycle after ``started`` (later without shadow weights, when the
    pass has left the array).
    """

    def __init__(self, config: NmArrayConfig):
        self.config = config
        super().__init__({
            "i": In(stream.Signature(layouts.descriptor(config))),
            "w_filled": In(range(config.w_slots + 1)), "w_take": Out(1),
            "beat": Out(layouts.bits_for(config.w_depth)), "slot": Out(layouts.bits_for(config.w_slots)),
            "release": Out(layouts.bits_for(config.w_slots + 1)), "valid": Out(1),
            "computing": In(1), "started": In(1),
            "loaded": Out(1), "descriptor": Out(layouts.descriptor(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the engine."""
        m, ws = Module(), self.config.dataflow == "ws"
        pending, fire = Signal(), Signal()
        may_load = ~pending
        if ws:
            may_load &= self.w_filled >= self.i.payload.w_take
            if not self.config.shadow_weights:
                may_load &= ~self.computing
        m.d.comb += [self.i.ready.eq(may_load), fire.eq(self.i.valid & self.i.ready)]
        with m.If(self.started):
            m.d.sync += [pending.eq(0), self.loaded.eq(0)]
        with m.If(fire):
            m.d.sync += [pending.eq(1), self.descriptor.eq(self.i.payload)]
        if ws:
            self._read_weights(m, fire)
        else:
            with m.If(fire):
                m.d.sync += self.loaded.eq(1)
        return m

    def _read_weights(self, m: Module, fire: Value) -> None:
        """Issue ``rows`` reads, one a cycle, from the cycle after ``fire``."""
        now, finishing = self.descriptor, Signal()
        m.d.comb += [self.w_take.eq(fire & self.i.payload.w_take), self.slot.eq(now.w_slot),
                     finishing.eq(self.valid & (self.beat == now.rows - 1)),
                     self.release.eq(Mux(finishing, now.w_free, 0))]
        with m.If(self.valid):
            m.d.sync += self.beat.eq(self.beat + 1)
        with m.If(finishing):
            m.d.sync += [self.valid.eq(0), self.loaded.eq(1)]
        with m.If(fire):
            m.d.sync += [self.valid.eq(1), self.beat.eq(0)]


class ComputeEngine(wiring.Component):
    """Run passes: issue one step a cycle from the cycle after the start; passes follow each other without a gap.

    A pass starts when it is loaded, its operand tiles and parameters are there, and the result buffer has room for
    all its results.
    """

    def __init__(self, config: NmArrayConfig):
        self.config = config
        self.results = config.longest_result + 1
        super().__init__({
            "loaded": In(1), "descriptor": In(layouts.descriptor(config)), "started": Out(1), "computing": Out(1),
            "a_filled": In(range(config.a_slots + 1)), "w_filled": In(range(config.w_slots + 1)),
            "q_filled": In(range(config.q_slots + 1)), "a_take": Out(1), "w_take": Out(1), "q_take": Out(1),
            "slot": Out(layouts.bits_for(config.a_slots)), "w_slot": Out(layouts.bits_for(config.w_slots)),
            "beat": Out(layouts.bits_for(config.tile_depth)), "read": Out(1),
            "a_release": Out(layouts.bits_for(config.a_slots + 1)),
            "w_release": Out(layouts.bits_for(config.w_slots + 1)),
            "control": Out(layouts.control(config)), "result": Out(layouts.result_control(config)),
            "left": In(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the engine."""
        m, config = Module(), self.config
        now = Signal(layouts.descriptor(config))
        step, busy, done = Signal(layouts.control(config)["step"].shape), Signal(), Signal()
        last_step = Signal()
        with m.Switch(now.mode):
            for number, mode in enumerate(config.modes):
                with m.Case(number):
                    m.d.comb += last_step.eq(step == mode.steps - 1)
        end_of_beats, issuing = Signal(), Signal()
        m.d.comb += [end_of_beats.eq(last_step & (self.beat == now.beats - 1)), self.slot.eq(now.a_slot),
                     self.w_slot.eq(now.w_slot), self.control.valid.eq(issuing), self.control.step.eq(step),
                     self.control.mode.eq(now.mode), self.computing.eq(busy),
                     self.read.eq(issuing & (step == 0))]  # the buffers hold the word for the other steps
        with m.If(issuing):
            m.d.sync += step.eq(Mux(last_step, 0, step + 1))
            with m.If(last_step):
                m.d.sync += self.beat.eq(self.beat + 1)
        if config.dataflow == "ws":
            m.d.comb += [issuing.eq(busy), done.eq(busy & end_of_beats), self.control.swap.eq(self.started)]
            self._results_with_beats(m, now, issuing & last_step, end_of_beats)
        else:
            self._pad(m, now, busy, issuing, end_of_beats, done)
            m.d.comb += self.control.clear.eq(now.first & (self.beat == 0) & (step == 0))
            self._results_after_slot(m, now, done)
        m.d.comb += [self.a_release.eq(Mux(done, now.a_free, 0)), self.w_release.eq(Mux(done, now.w_free, 0))]
        self._start(m, now, step, busy, done)
        return m

    def _start(self, m: Module, now: Signal, step: Signal, busy: Signal, done: Signal) -> None:
        """Take the next pass when everything that it needs is there: last here, as it overrides what goes on."""
        config, after = self.config, self.descriptor
        room = Signal(range(config.o_depth + 1), init=config.o_depth)
        ws = config.dataflow == "ws"
        results = Mux(after.last, after.beats if ws else after.rows, 0)
        ready = self.loaded & (~busy | done) & (self.a_filled >= after.a_take) & (self.q_filled >= after.q_take)
        if not ws:
            ready &= self.w_filled >= after.w_take
            m.d.comb += self.w_take.eq(self.started & after.w_take)
        m.d.comb += [self.started.eq(ready & (room >= results)), self.a_take.eq(self.started & after.a_take),
                     self.q_take.eq(self.started & after.q_take)]
        m.d.sync += room.eq(room + self.left - Mux(self.started, results, 0))
        with m.If(done):
            m.d.sync += busy.eq(0)
        with m.If(self.started):
            m.d.sync += [busy.eq(1), now.eq(after), self.beat.eq(0), step.eq(0)]

    def _results_with_beats(self, m: Module, now: Signal, whole: Value, end: Value) -> None:
        """ws: each beat gives one partial sum per column."""
        m.d.comb += [self.result.valid.eq(whole), self.result.address.eq(self.beat), self.result.first.eq(now.first),
                     self.result.last.eq(now.last), self.result.q_slot.eq(now.q_slot),
                     self.result.q_free.eq(Mux(whole & end & now.last, now.q_free, 0))]

    def _pad(self, m: Module, now: Signal, busy: Signal, issuing: Signal, end: Value, done: Signal) -> None:
        """os: a last pass takes at least ``rows`` cycles, the time that the drain chain needs."""
        cycle, waiting = Signal(range(self.config.rows)), Signal()
        enough = ~now.last | (cycle == self.config.rows - 1)
        m.d.comb += [issuing.eq(busy & ~waiting), done.eq(busy & (waiting | end) & enough)]
        with m.If(busy & (cycle != self.config.rows - 1)):
            m.d.sync += cycle.eq(cycle + 1)
        with m.If(issuing & end):
            m.d.sync += waiting.eq(1)
        with m.If(done | ~busy):
            m.d.sync += [waiting.eq(0), cycle.eq(0)]

    def _results_after_slot(self, m: Module, now: Signal, done: Signal) -> None:
        """os: capture in the cycle after the slot, then one result row a cycle while the next pass runs."""
        left, begin = Signal(range(self.results)), Signal()
        q_slot, q_free = Signal.like(now.q_slot), Signal.like(now.q_free)
        ending = left == 1
        m.d.sync += [self.control.capture.eq(done & now.last), begin.eq(done & now.last)]
        m.d.comb += [self.result.valid.eq(left != 0), self.result.last.eq(1), self.result.begin.eq(begin),
                     self.result.q_slot.eq(q_slot), self.result.q_free.eq(Mux(ending, q_free, 0))]
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.If(done & now.last):
            m.d.sync += [left.eq(now.rows), q_slot.eq(now.q_slot), q_free.eq(now.q_free)]
