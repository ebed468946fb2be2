"""The cocotb test that drives and watches the stream ports; runs inside the simulator's process.

It reads the cases from the pickle file named by ``HWSIM_BENCH_IN`` and writes their transfers to ``HWSIM_BENCH_OUT``.
One cycle is two time steps: the inputs change with the falling clock edge and settle; before the rising edge everything
is read. Nothing races, in any simulator, and a cycle costs two wake-ups of Python.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from rtl.bench.recorder import Case
from rtl.bench.transfers import RESET_CYCLES, Port, Stimulus, Transfers

IN_VARIABLE, OUT_VARIABLE = "HWSIM_BENCH_IN", "HWSIM_BENCH_OUT"


class Pins:
    """The ports of the device, with writes left out where nothing changes."""

    def __init__(self, dut: Any, ports: tuple[Port, ...]):
        sources = [port for port in ports if port.direction == "in"]
        sinks = [port for port in ports if port.direction == "out"]
        self._valid = [getattr(dut, f"{port.name}__valid") for port in sources]
        self._ready = [getattr(dut, f"{port.name}__ready") for port in sinks]
        self._taken = [getattr(dut, f"{port.name}__ready") for port in sources]
        self._given = [getattr(dut, f"{port.name}__valid") for port in sinks]
        self._payload = [getattr(dut, f"{port.name}__payload") if port.width else None for port in sources]
        self._offered = [getattr(dut, f"{port.name}__payload") if port.width else None for port in sinks]
        # A device without registers has neither of these.
        self.clock, self.reset = getattr(dut, "clk", None), getattr(dut, "rst", None)
        self._driven: tuple[int, int, list[int | None]] = (-1, -1, [None] * len(sources))

    def drive(self, valid: int, ready: int, payload: list[int]) -> None:
        """Put this on the inputs of the device."""
        was_valid, was_ready, was_payload = self._driven
        for p, value in enumerate(payload):
            handle = self._payload[p]
            if value is not was_payload[p] and handle is not None:
                handle.value = value
        _write_changes(self._valid, was_valid, valid)
        _write_changes(self._ready, was_ready, ready)
        self._driven = (valid, ready, [*payload])

    def taken(self) -> int:
        """Mask of the device's ready."""
        return _read_mask(self._taken)

    def given(self) -> int:
        """Mask of the device's valid."""
        return _read_mask(self._given)

    def offered(self, p: int) -> int:
        """Payload of an output."""
        handle = self._offered[p]
        return 0 if handle is None else _number(handle, "offers an undefined payload")


def _write_changes(handles: list[Any], old: int, new: int) -> None:
    if old != new:
        for p, handle in enumerate(handles):
            if old < 0 or (old ^ new) >> p & 1:
                handle.value = new >> p & 1


def _number(handle: Any, trouble: str) -> int:
    try:
        return int(handle.value)
    except ValueError as error:
        port = handle._name.rpartition("__")[0]
        raise ValueError(f"port {port} {trouble}: {handle.value}") from error


def _read_mask(handles: list[Any]) -> int:
    mask = 0
    for p, handle in enumerate(handles):
        if _number(handle, "has an undefined handshake"):
            mask |= 1 << p
    return mask


async def _case(pins: Pins, ports: tuple[Port, ...], stimulus: Stimulus, low: Timer, high: Timer) -> Transfers:
    case, clock = Case(ports, stimulus), pins.clock
    pins.drive(0, 0, case.payload)
    for value in [1] * RESET_CYCLES + [0]:
        # The falling edge after the reset belongs to cycle 0.
        if pins.reset is not None:
            pins.reset.value = value
        if value and clock is not None:
            clock.value = 0
            await low
            clock.value = 1
            await high
    while case.drive():
        if clock is not None:
            clock.value = 0
        pins.drive(case.valid, case.ready, case.payload)
        await low
        case.observe(pins.taken(), pins.given(), pins.offered)
        if clock is not None:
            clock.value = 1
        await high
    return case.transfers()


@cocotb.test()
async def bench(dut: Any) -> None:
    """Run every case and write the transfers."""
    ports, stimuli = pickle.loads(Path(os.environ[IN_VARIABLE]).read_bytes())
    pins = Pins(dut, ports)
    low, high = Timer(1, "step"), Timer(1, "step")
    transfers = [await _case(pins, ports, stimulus, low, high) for stimulus in stimuli]
    Path(os.environ[OUT_VARIABLE]).write_bytes(pickle.dumps(transfers))
