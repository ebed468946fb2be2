"""The whole N:M array: buffers, engines, the grid of PEs and what stands behind it."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.timing import accumulate, finish, grid_path
from rtl.nm_array import layouts
from rtl.nm_array.compute_engine import ComputeEngine
from rtl.nm_array.load_engine import LoadEngine
from rtl.nm_array.pe import Hop, Pe
from rtl.nm_array.results import Accumulator, ResultBuffer, finishing
from rtl.nm_array.skew import Skew, as_value
from rtl.nm_array.tile_buffer import TileBuffer
from rtl.parts.registers import Make, built, chain


class NmArray(wiring.Component):
    """N:M sparse array for GEMM. Ports with backpressure: ``d`` passes, ``a`` activations, ``w`` weights, ``q``
    parameters of the results, ``o`` results. ``rows * cols * multipliers`` products a cycle, pass after pass; first
    result `hwsim.nm_array.timing.result_path` cycles after its last operands were issued.

    Args:
        config: the same object that the reference and the cycle model take.
        make: makes each part that is there many times; see `rtl.parts.registers`.
    """

    def __init__(self, config: NmArrayConfig, make: Make = built):
        self.config, self.make = config, make
        super().__init__({
            "d": In(stream.Signature(layouts.descriptor(config))),
            "a": In(stream.Signature(layouts.activation_beat(config))),
            "w": In(stream.Signature(layouts.weight_beat(config))),
            "q": In(stream.Signature(layouts.parameter_beat(config))),
            "o": Out(stream.Signature(layouts.result_beat(config)))})

    def elaborate(self, platform: object) -> Module:
        """Build the array."""
        m, config = Module(), self.config
        self.a_buffer = m.submodules.a_buffer = TileBuffer(
            layouts.lanes(config), banks=config.rows, slots=config.a_slots, depth=config.tile_depth, name="a",
            make=self.make, skew=Skew.of_rows(config))
        self.w_buffer = m.submodules.w_buffer = TileBuffer(
            layouts.weights(config), banks=config.cols, slots=config.w_slots, depth=config.w_depth, name="w",
            make=self.make)
        self.q_buffer = m.submodules.q_buffer = TileBuffer(
            layouts.parameters(config), banks=config.cols, slots=config.q_slots, depth=1, name="q", make=self.make)
        m.submodules.load = self.load = LoadEngine(config)
        m.submodules.compute = self.compute = ComputeEngine(config)
        for port, buffer in ((self.a, self.a_buffer), (self.w, self.w_buffer), (self.q, self.q_buffer)):
            wiring.connect(m, wiring.flipped(port), buffer.i)
        self._connect_engines(m)
        self._grid(m)
        self._columns(m)
        return m

    def _connect_engines(self, m: Module) -> None:
        """Descriptor queue → load → compute, and what the engines take from the buffers."""
        load, compute, a, w, q = self.load, self.compute, self.a_buffer, self.w_buffer, self.q_buffer
        m.submodules.queue = queue = SyncFIFO(width=layouts.descriptor(self.config).size, depth=self.config.d_slots)
        m.d.comb += [
            queue.w_data.eq(self.d.payload), queue.w_en.eq(self.d.valid), self.d.ready.eq(queue.w_rdy),
            load.i.payload.eq(queue.r_data), load.i.valid.eq(queue.r_rdy), queue.r_en.eq(load.i.ready),
            load.started.eq(compute.started), load.computing.eq(compute.computing),
            compute.loaded.eq(load.loaded), compute.descriptor.eq(load.descriptor),
            load.w_filled.eq(w.filled), compute.w_filled.eq(w.filled), w.take.eq(load.w_take | compute.w_take),
            compute.a_filled.eq(a.filled), a.take.eq(compute.a_take), a.slot.eq(compute.slot),
            a.beat.eq(compute.beat), a.read.eq(compute.read), a.release.eq(compute.a_release),
            compute.q_filled.eq(q.filled), q.take.eq(compute.q_take)]
        if self.config.dataflow == "both":
            m.d.comb += [load.output_stationary.eq(compute.control.output_stationary),
                         a.together.eq(compute.control.output_stationary)]
        # The engines never read weights in the same cycle: those of ws passes wait while an os pass is issued.
        m.d.comb += [w.slot.eq(Mux(load.valid, load.slot, compute.w_slot)),
                     w.beat.eq(Mux(load.valid, load.beat, compute.w_beat)), w.read.eq(load.valid | compute.w_read),
                     w.release.eq(load.release | compute.w_release)]

    def _grid(self, m: Module) -> None:
        """PEs, each joined to its left and upper neighbour. ``self.bottom``: the sum of each column's last PE."""
        rows, cols = self.config.rows, self.config.cols
        controls, loads = self._row_controls(m), self._load_controls(m)
        self.drain = [Signal(name=f"drain{c}") for c in range(cols)]
        lanes, words = ([buffer.data[i] for i in range(banks)]
                        for buffer, banks in ((self.a_buffer, rows), (self.w_buffer, cols)))
        grid: list[list[Any]] = []
        for r in range(rows):
            grid.append([])
            for c in range(cols):
                pe = self._part(m, f"pe{r}_{c}", "pe" if r else "pe_top", Pe, self.config, not r)
                grid[r].append(pe)
                left, above = grid[r][c - 1] if c else None, grid[r - 1][c] if r else None
                m.d.comb += [pe.a_in.eq(lanes[r]), pe.w_in.eq(words[c]),
                             pe.control_in.eq(left.control_out if left else controls[r])]
                if above:
                    m.d.comb += pe.sum_in.eq(above.sum_out)
                if "ws" in self.config.dataflows:
                    m.d.comb += pe.load_in.eq(above.load_out if above else loads[c])
                if "os" in self.config.dataflows:
                    m.d.comb += [pe.drain.eq(self.drain[c]), *([pe.drain_in.eq(above.drain_out)] if above else [])]
                if c + 1 < cols:
                    lanes[r] = self._hop(m, f"a_hop{r}_{c}", "a_hop", lanes[r])
                if r + 1 < rows:
                    words[c] = self._hop(m, f"w_hop{r}_{c}", "w_hop", words[c])
        self.bottom = [pe.sum_out for pe in grid[-1]]

    def _part(self, m: Module, name: str, kind: str, component: type[wiring.Component], *given: Any) -> Any:
        part = m.submodules[name] = self.make(kind, lambda: component(*given))
        return part

    def _hop(self, m: Module, name: str, kind: str, source: Any) -> Any:
        """Operands as the next PE sees them."""
        hop = self._part(m, name, kind, Hop, source.shape())
        m.d.comb += hop.i.eq(source)
        return hop.o

    def _row_controls(self, m: Module) -> list[Any]:
        """Control as each row's first PE sees it. ws: rows beyond the tile's K take no part, whatever they hold."""
        config, compute = self.config, self.compute
        issued = Signal(StructLayout({"control": layouts.control(config), "rows": compute.rows.shape()}))
        held = Signal.like(issued, name="issued_held")
        m.d.comb += [issued.control.eq(compute.control), issued.rows.eq(compute.rows)]
        m.d.sync += held.eq(issued)
        together = held.control.output_stationary if config.dataflow == "both" else Const(0)
        controls = []
        for r, seen in enumerate(Skew.of_rows(config).apart(m, held, config.rows, together, "control")):
            control = Signal(layouts.control(config), name=f"row_control{r}")
            m.d.comb += control.eq(seen.control)
            if "ws" in config.dataflows:
                stationary = seen.control.output_stationary if config.dataflow == "both" else 0
                m.d.comb += control.valid.eq(seen.control.valid & (stationary | (seen.rows > r)))
            controls.append(control)
        return controls

    def _load_controls(self, m: Module) -> list[Any]:
        """ws: which PE row a weight beat is for, one cycle later in each column."""
        if "ws" not in self.config.dataflows:
            return []
        issued = Signal(layouts.weight_control(self.config))
        m.d.comb += [issued.valid.eq(self.load.valid), issued.row.eq(self.load.beat)]
        return chain(m, issued, self.config.cols + 1, 1, "load")[1:]

    def _result_control(self, m: Module) -> Any:
        """What column 0 sees of a result: one cycle before its sum. os results take the shorter way."""
        config = self.config
        if config.dataflow != "both":
            [dataflow] = config.dataflows
            issued = self.compute.ws_result if dataflow == "ws" else self.compute.os_result
            return chain(m, issued, grid_path(config, dataflow) + 1, 1, "result")[-1]
        ws, os = (grid_path(config, dataflow) for dataflow in ("ws", "os"))
        joined = Signal(layouts.result_control(config))
        far = chain(m, self.compute.ws_result, ws - os + 1, 1, "far_result")[-1]
        m.d.comb += joined.eq(Mux(far.valid, as_value(far), as_value(self.compute.os_result)))
        return chain(m, joined, os + 1, 1, "result")[-1]

    def _columns(self, m: Module) -> None:
        """Accumulator and finish of each column, then the result buffer."""
        config = self.config
        controls = chain(m, self._result_control(m), max(config.cols, accumulate(config) + 1), 1, "column")
        m.submodules.results = results = ResultBuffer(config, self.make)
        wiring.connect(m, results.o, wiring.flipped(self.o))
        # Column 0 adds its sum one cycle after it sees its control; the parameters are needed when that is done.
        q, asking = self.q_buffer, controls[accumulate(config)]
        m.d.comb += [self.compute.left.eq(results.left), q.slot.eq(asking.q_slot), q.beat.eq(0),
                     q.read.eq(asking.valid & asking.last), q.release.eq(asking.q_free)]
        for c in range(config.cols):
            m.submodules[f"accumulator{c}"] = accumulator = self.make(
                "accumulator", lambda: Accumulator(config))
            m.submodules[f"finish{c}"] = finished = self.make("finish", lambda: finishing(config))
            valid = chain(m, accumulator.z_valid, finish(config) + 1, 1, f"valid{c}_")[-1]
            m.d.comb += [accumulator.control.eq(controls[c]), accumulator.sum_in.eq(self.bottom[c]),
                         self.drain[c].eq(accumulator.begin), finished.z.eq(accumulator.z),
                         finished.parameters.eq(q.data[c]), results.y[c].eq(finished.y),
                         results.y_valid[c].eq(valid)]
