"""A bench for any Amaranth component with stream ports: random stalls in, the cycle of every transfer out.

The same cases run on four engines, with identical results: Amaranth's simulator, cocotb on Verilator or Icarus Verilog,
and CXXRTL compiled together with the whole case loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

from amaranth.lib import wiring

from hwsim.errors import InputError
from rtl.bench.device import stream_ports
from rtl.bench.transfers import Bench, Port, Stimulus, Transfers

Engine = Literal["amaranth", "verilator", "cxxrtl", "icarus"]
ENGINES: tuple[str, ...] = get_args(Engine)

__all__ = ["ENGINES", "Bench", "Engine", "Port", "Stimulus", "Transfers", "build_bench", "stream_ports"]


def build_bench(
    component_factory: Callable[[], wiring.Component],
    *,
    engine: Engine,
    name: str,
    tool: str | None = None,
    verilog: Callable[[Any], str] | None = None,
) -> Bench:
    """Put an engine around a device; compiled engines build it, or find it in the cache.

    Args:
        component_factory: makes a fresh component each time it is called.
        engine: one of `ENGINES`.
        name: of the Verilog module, and in messages.
        tool: path of another ``verilator``, ``g++`` or ``iverilog`` than the engine would take by itself.
        verilog: converts the component for the engines that run Verilog, with a top module of that name; by default
            `rtl.verilog.emit`.

    Raises:
        InputError: an unknown engine or name, a port that is no stream, or a missing tool.
    """
    if not name.isidentifier():
        raise InputError("name", "a Verilog identifier", name)
    if engine == "amaranth":
        from rtl.bench.amaranth_bench import AmaranthBench

        return AmaranthBench(component_factory)
    if engine == "cxxrtl":
        from rtl.bench.cxxrtl_bench import CxxrtlBench

        return CxxrtlBench(component_factory, name, tool)
    if engine == "verilator":
        from rtl.bench.verilator_bench import VerilatorBench

        return VerilatorBench(component_factory, name, tool, verilog)
    if engine == "icarus":
        from rtl.bench.icarus_bench import IcarusBench

        return IcarusBench(component_factory, name, tool, verilog)
    raise InputError("engine", f"one of {', '.join(ENGINES)}", engine)
