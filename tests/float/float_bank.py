"""Many floating-point units beside each other in Verilator, streamed through: one vector of operands each cycle."""

import subprocess
from pathlib import Path

import numpy as np
from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim import floats
from hwsim.floats import BF16, FORMATS, FP16, FP32
from rtl.bench.cache import built, key_of
from rtl.bench.verilator_build import find_kit
from rtl.float import FloatAdd, FloatCompare, FloatMultiply, FloatMultiplyAdd, FloatRound
from rtl.verilog import emit

FLAGS = ("-O1", "-std=c++17", "-DVL_TIME_CONTEXT", "-pthread")
MAIN = """
#include "Vtop.h"
#include <cstdint>
#include <cstdio>
#include <vector>
int main() {
  VerilatedContext context;
  Vtop top{&context};
  uint32_t in[INPUTS];
  uint32_t out[OUTPUTS];
  top.rst = 0;
  while (std::fread(in, sizeof in, 1, stdin)) {
DRIVE
    top.clk = 0;
    top.eval();
SAMPLE
    std::fwrite(out, sizeof out, 1, stdout);
    top.clk = 1;
    top.eval();
  }
  top.final();
}
"""


class Unit:
    """One unit of the bank: how it is made, which operands it takes, and the bits that it must give for them."""

    def __init__(self, kind, fmt, stages=None, flush=False):
        self.kind, self.fmt, self.flush = kind, fmt, flush
        arguments = () if stages is None else (stages,)
        flushed = {} if kind is FloatCompare else {"flush": flush}
        formats = () if kind is FloatAdd else (fmt,)
        self.make = lambda: kind(*formats, *arguments, **flushed)
        self.name = f"{kind.__name__}_{fmt.name}_{'default' if stages is None else stages}_{flush:d}"
        self.width = fmt.bits if kind is FloatRound else 4 if kind is FloatCompare else 32

    def operands(self):
        """By port: the operand stream."""
        name = "fp32" if self.kind in (FloatAdd, FloatRound) else self.fmt.name
        count = {FloatRound: 1, FloatMultiplyAdd: 3}.get(self.kind, 2)
        return {port: f"{port}_{name}" for port in "abc"[:count]}

    def expected(self, streams):
        """Bits of every result."""
        given = [streams[name] for name in self.operands().values()]
        if self.kind is FloatCompare:
            return sum(bits.astype(np.uint32) << k for k, bits in enumerate(floats.compare(*given, self.fmt)))
        if self.kind is FloatRound:
            return floats.round_to(self.fmt, given[0].view(np.float32), self.flush).astype(np.uint32)
        if self.kind is FloatAdd:
            result = floats.add(given[0].view(np.float32), given[1].view(np.float32), self.flush)
        elif self.kind is FloatMultiply:
            result = floats.multiply(*given, self.fmt, self.flush)
        else:
            result = floats.multiply_add(*given[:2], self.fmt, given[2].view(np.float32), self.flush)
        return result.view(np.uint32)


def units(stages=None, flush=False):
    """One of each kind and format; with that many registers where a unit can have them."""
    kinds = [(FloatAdd, (FP32,), 4), (FloatMultiply, FORMATS.values(), 4), (FloatMultiplyAdd, FORMATS.values(), 6),
             (FloatRound, (FP16, BF16), 2), (FloatCompare, () if flush else FORMATS.values(), 1)]
    return [Unit(kind, fmt, stages, flush) for kind, formats, most in kinds for fmt in formats if (stages or 0) <= most]


STREAMS = {f"{port}_{fmt.name}": 32 if port == "c" else fmt.bits for fmt in FORMATS.values() for port in "abc"}


class Bank(wiring.Component):
    """The units, each with its operands from the streams of the same names and its result on a port of its own name."""

    def __init__(self, units):
        self.units = units
        super().__init__({name: In(bits) for name, bits in STREAMS.items()}
                         | {f"z_{unit.name}": Out(unit.width) for unit in units})

    def elaborate(self, platform):
        m = Module()
        for unit in self.units:
            device = unit.make()
            unit.latency = device.latency
            m.submodules[unit.name] = device
            for port, name in unit.operands().items():
                m.d.comb += getattr(device, port).eq(getattr(self, name))
            result = Cat(device.lt, device.eq, device.gt, device.unordered) if unit.kind is FloatCompare else device.z
            m.d.comb += getattr(self, f"z_{unit.name}").eq(result)
        return m


class Stream:
    """A bank in Verilator: built once, then kept."""

    def __init__(self, units):
        kit, self.units = find_kit(None), units
        text = emit(Bank(units), "bank")
        drive = "".join(f"    top.{name} = in[{k}];\n" for k, name in enumerate(STREAMS))
        sample = "".join(f"    out[{k}] = top.z_{unit.name};\n" for k, unit in enumerate(units))
        main = MAIN.replace("DRIVE\n", drive).replace("SAMPLE\n", sample)
        main = main.replace("INPUTS", str(len(STREAMS))).replace("OUTPUTS", str(len(units)))
        self.folder = built("float-bank", key_of([kit.key, text, main, *FLAGS]),
                            lambda folder: compile_bank(folder, text, main, kit))

    def run(self, streams):
        """By unit: bits of its result for every vector, from the cycle that its latency promises."""
        tail = max(unit.latency for unit in self.units)
        columns = [np.append(streams[name], np.zeros(tail, np.uint32)) for name in STREAMS]
        rows = np.ascontiguousarray(np.stack(columns, 1).astype(np.uint32))
        done = subprocess.run([self.folder / "bank"], input=rows.tobytes(), stdout=subprocess.PIPE, check=True,
                              timeout=300)
        seen = np.frombuffer(done.stdout, np.uint32).reshape(-1, len(self.units))
        assert len(seen) == len(rows)
        count = len(rows) - tail
        return {unit.name: seen[unit.latency : unit.latency + count, k] for k, unit in enumerate(self.units)}


def compile_bank(folder: Path, text, main, kit):
    (folder / "design.v").write_text(text)
    (folder / "main.cpp").write_text(main)
    environment = kit.verilator.environment()
    call = [*kit.verilator.command, "-cc", "--prefix", "Vtop", "-Mdir", ".", "--top-module", "bank", "-Wno-fatal",
            "-Wno-lint", "-Wno-style", "-O3", "design.v"]
    subprocess.run(call, cwd=folder, env=environment, check=True, capture_output=True)
    root = kit.verilator.root or subprocess.run([*kit.verilator.command, "--getenv", "VERILATOR_ROOT"], text=True,
                                                capture_output=True, check=True).stdout.strip()
    include = Path(root) / "include"
    runtime = built("float-runtime", key_of([kit.key, *FLAGS]), lambda place: compile_runtime(place, include, kit))
    sources = sorted(str(path.name) for path in folder.glob("Vtop*.cpp"))
    subprocess.run([kit.compiler, *FLAGS, f"-I{include}", f"-I{include / 'vltstd'}", "-I.", "main.cpp", *sources,
                    *map(str, runtime.glob("*.o")), "-o", "bank"], cwd=folder, check=True, capture_output=True)


def compile_runtime(folder: Path, include: Path, kit):
    """Verilator's runtime, the same for every bank."""
    sources = [str(include / name) for name in ("verilated.cpp", "verilated_threads.cpp")]
    subprocess.run([kit.compiler, *FLAGS, f"-I{include}", f"-I{include / 'vltstd'}", "-c", *sources], cwd=folder,
                   check=True, capture_output=True)
