"""The loops of a pass: which step each cycle issues, what it reads, and where the pass ends."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Signal, Value

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.timing import reuse_cycles
from rtl.nm_array import layouts


@dataclass(frozen=True, eq=False)
class Issue:
    """One cycle of a pass: whether it issues, its step, the beats and whether to read them.

    ``whole``: the sums that it completes may leave; ``fresh``: they start anew in a first pass; ``final``: they are
    done in a last one; ``end``: the pass issues nothing after it.
    """

    valid: Value
    step: Value
    beat: Value
    read: Value
    whole: Value
    fresh: Value
    final: Value
    end: Value
    w_beat: Value
    w_read: Value


def issue_ws(m: Module, config: NmArrayConfig, now: Signal, busy: Value) -> Issue:
    """Rows of A. INT8: all steps of a row, then the next. Floating point: all rows, for each step; a sweep that
    another follows takes at least the cycles after which a sum can be read again.
    """
    reuse = reuse_cycles(config)
    beat = Signal(range(max(config.tile_depth, reuse)), name="ws_beat")
    step, last_step = _steps(m, config, now, "ws")
    if config.floating:
        inside, over = beat < now.beats, beat == now.beats - 1
        followed = ~(now.last & last_step)
        swept = Mux(followed & (now.beats < reuse), beat == reuse - 1, over)
        _count(m, busy, [(beat, swept), (step, last_step)])
        return Issue(valid=busy & inside, step=step, beat=beat, read=busy & inside, whole=Const(1), fresh=step == 0,
                     final=last_step, end=busy & swept & last_step, w_beat=Const(0), w_read=Const(0))
    _count(m, busy, [(step, last_step), (beat, beat == now.beats - 1)])
    return Issue(valid=busy, step=step, beat=beat, read=busy & (step == 0), whole=last_step, fresh=Const(1),
                 final=Const(1), end=busy & last_step & (beat == now.beats - 1), w_beat=Const(0), w_read=Const(0))


def issue_os(m: Module, config: NmArrayConfig, now: Signal, busy: Value) -> Issue:
    """Units of K; of each its steps; of each, as many cycles as a sum takes, the interleaved outputs in the first."""
    latency, depth = config.sum_latency, config.interleaved
    beat, phase = Signal(range(config.most_beats("os")), name="os_beat"), Signal(range(latency), name="phase")
    unit = Signal(layouts.bits_for(config.tile_depth), name="unit")  # first beat of A of this unit
    step, last_step = _steps(m, config, now, "os")
    last_phase, last_beat = phase == latency - 1, beat == now.beats - 1
    _count(m, busy, [(phase, last_phase), (step, last_step), (beat, last_beat)])
    with m.If(busy & last_phase & last_step):
        m.d.sync += unit.eq(Mux(last_beat, 0, unit + depth))
    valid = busy & (phase < depth)
    fresh = (beat == 0) & (step == 0)
    # A single output's word stays in the buffer's register for all steps; several take turns there.
    read = valid & ((step == 0) if depth == 1 else Const(1))
    return Issue(valid=valid, step=step, beat=unit + phase, read=read, whole=Const(0), fresh=fresh, final=Const(1),
                 end=busy & last_phase & last_step & last_beat, w_beat=beat,
                 w_read=busy & (phase == 0) & (step == 0))


def _steps(m: Module, config: NmArrayConfig, now: Signal, name: str) -> tuple[Signal, Signal]:
    """The counter of steps, and whether it stands at the mode's last."""
    step = Signal(layouts.control(config)["step"].shape, name=f"{name}_step")
    last = Signal(name=f"{name}_last_step")
    with m.Switch(now.mode):
        for number, mode in enumerate(config.modes):
            with m.Case(number):
                m.d.comb += last.eq(step == mode.steps - 1)
    return step, last


def _count(m: Module, busy: Value, loops: list[tuple[Signal, Value]]) -> None:
    """Nested loops, the innermost first: (counter, whether at its end); a pass leaves them all at 0."""
    turn = busy
    for counter, end in loops:
        with m.If(turn):
            m.d.sync += counter.eq(Mux(end, 0, counter + 1))
        turn = turn & end
