"""The bench on Amaranth's own simulator: nothing to build, for small fast cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amaranth.hdl import Cat, ClockDomain, Fragment, Module
from amaranth.lib import wiring
from amaranth.sim import Simulator

from rtl.bench.device import wired_ports
from rtl.bench.recorder import Case
from rtl.bench.transfers import RESET_CYCLES, Stimulus, Transfers, checked


class AmaranthBench:
    """A device in Amaranth's simulator; elaborated once, back to power-on at every `run`."""

    def __init__(self, component_factory: Callable[[], wiring.Component]):
        component = component_factory()
        wired = wired_ports(component)
        self.ports = tuple(port for port, _ in wired)
        sources = [wires for port, wires in wired if port.direction == "in"]
        sinks = [wires for port, wires in wired if port.direction == "out"]
        self._domain = ClockDomain("sync")
        top = Module()
        top.domains += self._domain
        top.submodules.device = component
        self._valid, self._payload = Cat(wires.valid for wires in sources), [wires.payload for wires in sources]
        self._ready = Cat(wires.ready for wires in sinks)
        self._answer = Cat([wires.ready for wires in sources] + [wires.valid for wires in sinks])
        self._sources, self._offered = len(sources), [wires.payload for wires in sinks]
        self._work: list[Stimulus] = []
        self._done: list[Transfers] = []
        self._design = Fragment.get(top, None)
        self._simulator: Simulator | None = None

    def run(self, stimuli: Sequence[Stimulus]) -> list[Transfers]:
        """Run the cases one after the other, with a reset before each."""
        self._work, self._done = checked(stimuli, self.ports), []
        if self._simulator is None:
            # Not before it is needed: a simulator that never runs complains about its testbench when it is collected.
            self._simulator = Simulator(self._design)
            self._simulator.add_clock(1e-6)
            self._simulator.add_testbench(self._testbench)
        else:
            self._simulator.reset()
        self._simulator.run()
        return self._done

    async def _testbench(self, ctx) -> None:  # type: ignore[no-untyped-def]
        for stimulus in self._work:
            case = Case(self.ports, stimulus)
            for value, low in ((self._domain.rst, 1), (self._valid, 0), (self._ready, 0)):
                ctx.set(value, low)
            for value, garbage in zip(self._payload, case.payload, strict=True):
                ctx.set(value, garbage)
            for _ in range(RESET_CYCLES):
                await ctx.tick()
            ctx.set(self._domain.rst, 0)
            await self._cycles(ctx, case)
            self._done.append(case.transfers())

    async def _cycles(self, ctx, case: Case) -> None:  # type: ignore[no-untyped-def]
        mask, shift, offered = (1 << self._sources) - 1, self._sources, self._offered
        driven, valid, ready = list(case.payload), 0, 0
        while case.drive():
            for p, payload in enumerate(case.payload):
                if payload is not driven[p]:
                    ctx.set(self._payload[p], payload)
                    driven[p] = payload
            if case.valid != valid:
                valid = case.valid
                ctx.set(self._valid, valid)
            if case.ready != ready:
                ready = case.ready
                ctx.set(self._ready, ready)
            answer = ctx.get(self._answer)
            case.observe(answer & mask, answer >> shift, lambda p: ctx.get(offered[p]))
            await ctx.tick()
