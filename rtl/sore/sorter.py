"""Top-N sorters that keep their slots in order of position, and the drain from which the slots leave."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.sore.config import SoreConfig
from rtl.parts.registers import Make, built
from rtl.sore import layouts


class TopN(wiring.Component):
    """Keep the N largest magnitudes of a group, one element a cycle; slots complete 1 cycle after the last element.

    *Ranks beside ordered slots.* Slots stand as results leave: non-zeros by position, then zeros by position; so there
    is no second sort. Beside each non-zero stands its rank, the number of kept non-zeros that lose against it. A new
    element meets all slots at once (N comparators, one level deep). When all N slots are non-zeros and it beats the
    one of rank 0, that one leaves, those behind it move up, and it goes to the end. Before, it goes behind the
    non-zeros, and the zeros move back. Among equals the earlier wins, so a new element loses ties.

    ``limit`` has one bit set, that of slot N - 1.
    """

    def __init__(self, config: SoreConfig):
        self.config = config
        position = max(config.index_bits, 1)  # Verilog has no ports of no bits
        super().__init__({"valid": In(1), "first": In(1), "position": In(position), "limit": In(config.kept),
                          "value": In(16), "slots": Out(ArrayLayout(layouts.slot(config), config.kept))})

    def elaborate(self, platform: object) -> Module:
        """Build the sorter."""
        m, kept = Module(), self.config.kept
        used, nonzero = Signal(kept), Signal(kept)
        rank = [Signal(range(max(kept, 2)), name=f"rank{i}", reset_less=True) for i in range(kept)]
        slots = Signal(ArrayLayout(layouts.slot(self.config), kept), reset_less=True)
        m.d.comb += self.slots.eq(slots)
        # What is there before this element: nothing, when it is the group's first.
        there, full_of = Signal(kept), Signal(kept)
        m.d.comb += [there.eq(Mux(self.first, 0, used)), full_of.eq(Mux(self.first, 0, nonzero))]
        beaten, new, full, replace, enters = Signal(kept), Signal(), Signal(), Signal(), Signal()
        lowest = [full_of[i] & (rank[i] == 0) for i in range(kept)]
        m.d.comb += [beaten.eq(Cat(self.value[:15] > slots[i].value[:15] for i in range(kept)) & full_of),
                     new.eq(self.value[:15].any()), full.eq((full_of & self.limit).any()),
                     replace.eq(new & full & (Cat(lowest) & beaten).any()), enters.eq(new & (replace | ~full))]
        place, up, back = (Signal(kept, name=name) for name in ("place", "up", "back"))
        for i in range(kept):
            behind_used = ~there[i] & (there[i - 1] if i else 1)
            behind_nonzero = ~full_of[i] & (full_of[i - 1] if i else 1)
            m.d.comb += [place[i].eq(Mux(new, Mux(full, replace & self.limit[i], behind_nonzero), behind_used)),
                         up[i].eq(replace & Cat(lowest[:i + 1]).any()),
                         back[i].eq(new & ~full & ((~full_of[i - 1]) if i else 0))]
        losing = [(rank[i] + (enters & ~beaten[i]) - replace)[:len(rank[i])] for i in range(kept)]
        entry = [Cat(slots[i].as_value(), losing[i], there[i], full_of[i]) for i in range(kept)]
        own_rank = (sum(beaten[i] for i in range(kept)) - replace)[:len(rank[0])]
        fresh = Cat(Mux(new, self.value, 0), self.position[:self.config.index_bits], own_rank, 1, new)
        with m.If(self.valid):
            for i in range(kept):
                source = Mux(back[i], entry[i - 1], entry[i]) if i else entry[i]
                source = Mux(up[i], entry[i + 1], source) if i + 1 < kept else source
                m.d.sync += Cat(slots[i].as_value(), rank[i], used[i], nonzero[i]).eq(Mux(place[i], fresh, source))
        return m


class SorterBank(wiring.Component):
    """A sorter for each lane, and the drain: after the ``end`` of a group, N beats in N cycles.

    An element of each lane a cycle. The first beat is at ``data`` with ``write`` 2 cycles after the group's ``end``;
    nothing stops it. The next group's ``end`` comes N cycles later at the soonest.
    """

    def __init__(self, config: SoreConfig, make: Make = built):
        self.config, self.make = config, make
        super().__init__({"step": In(layouts.step(config)), "row": In(layouts.row(config)),
                          "write": Out(1), "data": Out(layouts.result_beat(config))})

    def elaborate(self, platform: object) -> Module:
        """Build sorters and drain."""
        m, config = Module(), self.config
        complete, left = Signal(layouts.step(config)), Signal(range(config.kept + 1))
        drained = Signal(layouts.step(config))
        m.d.sync += [complete.eq(self.step), complete.valid.eq(self.step.valid & self.step.end),
                     left.eq(Mux(left == 0, 0, left - 1))]
        with m.If(complete.valid):
            m.d.sync += [drained.eq(complete), left.eq(layouts.kept_of(config, complete.mode))]
        m.d.comb += [self.write.eq(left != 0), self.data.last.eq(drained.last & (left == 1)),
                     self.data.nan.eq(drained.nan)]
        limit = Signal(config.kept)
        m.d.comb += limit.eq(Cat(layouts.kept_of(config, self.step.mode) == i + 1 for i in range(config.kept)))
        for lane in range(config.lanes):
            m.submodules[f"lane{lane}"] = sorter = self.make("sorter", lambda: TopN(config))
            m.d.comb += [sorter.valid.eq(self.step.valid), sorter.first.eq(self.step.first), sorter.limit.eq(limit),
                         sorter.position.eq(self.step.position), sorter.value.eq(self.row[lane])]
            drain = Signal(ArrayLayout(layouts.slot(config), config.kept), name=f"drain{lane}", reset_less=True)
            m.d.comb += self.data.slots[lane].eq(drain[0])
            m.d.sync += drain.as_value().eq(Mux(complete.valid, sorter.slots.as_value(),
                                                drain.as_value() >> layouts.slot(config).size))
        return m
