"""The model against simulation of the RTL: the same GEMM, the same cycle of every transfer, how long each takes."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.timing import measure
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.model import beat_network, tile_network
from hwsim.nm_array.program import Program, Shape, Tiling, lower
from hwsim.nm_array.reference import reference, result_beats
from hwsim.quantize import Requantization
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import DENSE, Ratio
from rtl.bench import Bench, Engine, Stimulus, Transfers, build_bench
from rtl.nm_array.array import NmArray
from rtl.nm_array.emit import convert
from rtl.nm_array.tokens import operand_tokens, result_tokens

ENGINES: tuple[Engine, ...] = ("verilator", "cxxrtl")
PORTS = "dawqo"
SIDE, SEED, RUNS = 8, 0, 3


def array(dataflow: str) -> NmArrayConfig:
    """The 8 x 8 array, 2:4 and dense."""
    return NmArrayConfig(rows=SIDE, cols=SIDE, ratios=(Ratio(2, 4),), dataflow=dataflow, tile_depth=64, o_depth=128)


@contextmanager
def _empty_cache() -> Iterator[None]:
    """An empty build cache inside, so that builds are measured and not found."""
    before = os.environ.get("HWSIM_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HWSIM_CACHE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["HWSIM_CACHE"]
            else:
                os.environ["HWSIM_CACHE"] = before


@dataclass(frozen=True, kw_only=True, eq=False)
class Gemm:
    """A GEMM of random INT8 operands: its passes, what goes into the ports, and the results that must come out."""

    program: Program
    stimulus: Stimulus
    wanted: list[int]


def gemm(config: NmArrayConfig, size: int, ratio: Ratio) -> Gemm:
    """A cube with the deepest tiles that fit."""
    rng = np.random.default_rng(SEED)
    deepest = min(config.tile_depth, size if config.dataflow == "ws" else -(-size // ratio.m))
    program = lower(config, Shape(m=size, k=size, n=size), ratio, Tiling(beats=deepest))
    a = rng.integers(-128, 128, (1, size, size)).astype(np.int8)
    w = rng.integers(-127, 128, (1, size, size)).astype(np.int8)
    w = np.where(nm_mask(w, ratio, 1), w, 0).astype(np.int8)
    rq = [Requantization(rng.integers(-20000, 20000, size), rng.integers(1 << 15, 1 << 16, size),
                         rng.integers(20, 27, size), 3)]
    wanted = result_tokens(result_beats(program, reference(a, w, rq)))
    stimulus = Stimulus(tokens=operand_tokens(program, a, w, rq), expect={"o": len(wanted)}, limit=1_000_000)
    return Gemm(program=program, stimulus=stimulus, wanted=wanted)


def check(case: Gemm, seen: Transfers) -> int:
    """Number of transfers, all of them in the model's cycle and with the reference's value.

    Raises:
        RuntimeError: the RTL and the model differ.
    """
    model = beat_network(case.program).solve()
    for port in PORTS:
        if not np.array_equal(seen.cycle[port], model.start[port]):
            raise RuntimeError(f"port {port}: the RTL's cycles are not the model's")
    if seen.value["o"] != case.wanted or not seen.finished or seen.violations:
        raise RuntimeError("the RTL's results are not the reference's")
    if tile_network(case.program).solve().start["o"][-1] != model.start["o"][-1]:
        raise RuntimeError("the model by tiles and the model by beats differ")
    return sum(len(cycles) for cycles in seen.cycle.values())


def timed_build(config: NmArrayConfig, engine: Engine) -> tuple[Bench, float]:
    """A bench from nothing, Verilog or C++ included, and its seconds."""
    begun = time.perf_counter()
    bench = build_bench(lambda: NmArray(config), engine=engine, name="nm_array", verilog=convert)
    return bench, time.perf_counter() - begun


def _row(config: NmArrayConfig, size: int, ratio: Ratio, benches: dict[str, Bench]) -> dict[str, Any]:
    case = gemm(config, size, ratio)
    row: dict[str, Any] = {"shape": f"{size}x{size}x{size}", "dataflow": config.dataflow, "ratio": str(ratio),
                           "seed": SEED, "engines": {}}
    for engine, bench in benches.items():
        seen = bench.run([case.stimulus])[0]
        row["transfers_compared"] = check(case, seen)
        row["last_transfer_cycle"] = int(seen.cycle["o"][-1])
        timed = measure(lambda bench=bench: bench.run([case.stimulus]), warm_up=0, least=RUNS, most=RUNS)
        row["engines"][engine] = {**timed.to_dict(), "cycles": seen.cycles_run,
                                  "cycles_per_s": seen.cycles_run / timed.median}
    for name, net in (("model by beats", beat_network), ("model by tiles", tile_network)):
        def model(net: Any = net) -> int:
            return net(lower(config, case.program.shape, ratio, case.program.tiling)).solve().cycles

        timed = measure(model)
        row["engines"][name] = {**timed.to_dict(), "cycles": row["last_transfer_cycle"] + 1,
                                "cycles_per_s": (row["last_transfer_cycle"] + 1) / timed.median}
    return row


def rtl_rows(say: Callable[[str], None], sizes: tuple[int, ...] = (64, 128)) -> dict[str, Any]:
    """Builds once per engine and dataflow with an empty cache, then runs; every transfer's cycle is compared."""
    builds, rows = [], []
    for dataflow in ("ws", "os"):
        config = array(dataflow)
        with _empty_cache():
            benches: dict[str, Bench] = {}
            for engine in ENGINES:
                say(f"RTL {dataflow}: building with {engine}")
                benches[engine], seconds = timed_build(config, engine)
                builds.append({"engine": engine, "dataflow": dataflow, "seconds": seconds, "runs": 1})
            for size in sizes:
                for ratio in (DENSE, Ratio(2, 4)):
                    say(f"RTL {dataflow} {size}^3 {ratio}")
                    rows.append(_row(config, size, ratio, benches))
    return {"config": {df: array(df).to_mapping() for df in ("ws", "os")}, "builds": builds, "rows": rows}
