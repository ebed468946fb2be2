"""The whole core: the three engines, and the paths between them."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.training_core.config import TrainingCoreConfig
from rtl.nm_array import layouts as array_layouts
from rtl.nm_array.array import NmArray
from rtl.parts.registers import Make, built
from rtl.sore import layouts as sore_layouts
from rtl.sore.engine import Sore
from rtl.training_core import layouts
from rtl.wuve import layouts as wuve_layouts
from rtl.wuve.engine import Wuve


class TrainingCore(wiring.Component):
    """Array, WUVE and SORE. Port ``r`` says for so many result beats of the array whether they leave at ``o`` or are
    gradients: these go into WUVE together with a beat of state from ``s``. WUVE's results leave at ``u``, and in the
    same cycle the new weights go into SORE. All other ports are the engines' own: ``d``, ``a``, ``w``, ``q`` the
    array's, ``h`` WUVE's hyper-parameters, ``k`` SORE's slices, ``f`` and ``b`` its results.

    Args:
        config: the same object that the reference and the cycle model take.
        make: makes each part that is there many times; see `rtl.parts.registers`.
    """

    def __init__(self, config: TrainingCoreConfig, make: Make = built):
        self.config, self.make = config, make
        array, wuve, sore = config.array, config.wuve, config.sore
        selected = sore_layouts.result_beat(sore)
        inputs = {"d": array_layouts.descriptor(array), "a": array_layouts.activation_beat(array),
                  "w": array_layouts.weight_beat(array), "q": array_layouts.parameter_beat(array),
                  "r": layouts.route(), "h": wuve_layouts.parameters(wuve), "s": layouts.state(config),
                  "k": sore_layouts.descriptor(sore)}
        outputs = {"o": array_layouts.result_beat(array), "u": wuve_layouts.result_beat(wuve), "f": selected,
                   "b": selected}
        super().__init__({**{name: In(stream.Signature(shape)) for name, shape in inputs.items()},
                          **{name: Out(stream.Signature(shape)) for name, shape in outputs.items()}})

    def elaborate(self, platform: object) -> Module:
        """Build the core."""
        m, config = Module(), self.config
        m.submodules.array = self.array = NmArray(config.array, self.make)
        m.submodules.wuve = self.wuve = Wuve(config.wuve, self.make)
        m.submodules.sore = self.sore = Sore(config.sore, self.make)
        for engine, names in ((self.array, {name: name for name in "dawq"}), (self.wuve, {"h": "p"}),
                              (self.sore, {"k": "p"})):
            for port, inner in names.items():
                wiring.connect(m, wiring.flipped(getattr(self, port)), getattr(engine, inner))
        for port in "fb":
            wiring.connect(m, getattr(self.sore, port), wiring.flipped(getattr(self, port)))
        self._route(m)
        self._fork(m)
        return m

    def _route(self, m: Module) -> None:
        """Results to port ``o``, or joined with the state into WUVE."""
        layout = layouts.route()
        m.submodules.routes = routes = SyncFIFO(width=layout.size, depth=self.config.route_slots)
        now, sent = layout(routes.r_data), Signal(layout["beats"].shape)
        results, gradients, taken = self.array.o, self.wuve.i, Signal()
        out, update = Signal(), Signal()
        m.d.comb += [
            routes.w_data.eq(self.r.payload), routes.w_en.eq(self.r.valid), self.r.ready.eq(routes.w_rdy),
            out.eq(routes.r_rdy & ~now.update), update.eq(routes.r_rdy & now.update),
            self.o.payload.eq(results.payload), self.o.valid.eq(results.valid & out),
            gradients.valid.eq(results.valid & update & self.s.valid),
            self.s.ready.eq(results.valid & update & gradients.ready),
            results.ready.eq((out & self.o.ready) | (self.s.valid & self.s.ready)),
            taken.eq(results.valid & results.ready), routes.r_en.eq(taken & (sent == now.beats - 1))]
        with m.If(taken):
            m.d.sync += sent.eq(sent + 1)
        with m.If(routes.r_en):
            m.d.sync += sent.eq(0)
        for lane in range(self.config.cols):
            operand, state = gradients.payload[lane], self.s.payload[lane]
            m.d.comb += [operand.gradient.eq(results.payload[lane]), operand.weight.eq(state.weight),
                         operand.momentum.eq(state.momentum), operand.dropped.eq(state.dropped)]

    def _fork(self, m: Module) -> None:
        """Updated weights to port ``u`` and into SORE, in the same cycle."""
        updated, rows = self.wuve.o, self.sore.i
        m.d.comb += [self.u.payload.eq(updated.payload), self.u.valid.eq(updated.valid & rows.ready),
                     rows.valid.eq(updated.valid & self.u.ready), updated.ready.eq(self.u.ready & rows.ready)]
        m.d.comb += [rows.payload[lane].eq(updated.payload.lanes[lane].compute) for lane in range(self.config.cols)]
