"""GEMMs on hwsim, as SCALE-Sim simulates them: with the tiling search, with one tiling, and the array alone.

``search``  the whole layer result that ``hwsim run --gemm`` gives: best tiling, DRAM, stalls, traffic, energy
``fixed``   one tiling (the deepest) with DRAM: passes, traffic, network, cycles
``array``   the array alone on the tiles of SCALE-Sim (ws: T = M, os: T = K), memory that never stalls
``systolic``  the same without a second set of weights in the PEs: the array that is nearest to SCALE-Sim's
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.child import run_child
from benchmarks.scalesim import Case, cases
from benchmarks.timing import measure
from hwsim.memory import Dram
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.model import tile_network
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.system import system_network
from hwsim.nm_array.traffic import traffic
from hwsim.sparsity.nm import check_nm, encode_nm, nm_mask
from hwsim.sparsity.ratio import Ratio
from hwsim.workload import Operator
from mappers.network import simulate_operator

CLOCK_HZ = 200e6  # our assumption; only the DRAM's share of the cycles depends on it
DRAM = "ddr4-2400-x64"
SEED = 0
VARIANTS = ("search", "fixed", "array", "systolic")


def array_config(case: Case, variant: str) -> NmArrayConfig:
    """The array of a variant: the default preset; without DRAM its tiles are as deep as those of SCALE-Sim."""
    config = NmArrayConfig(rows=case.rows, cols=case.cols, dataflow=case.dataflow)
    if variant in ("array", "systolic"):
        deep = max(case.m, case.k)
        config = config.replace(tile_depth=deep, o_depth=2 * deep)
    return config.plain_systolic() if variant == "systolic" else config


def tile_beats(case: Case, config: NmArrayConfig) -> int:
    """The deepest tile that the array takes: beats of a pass."""
    kept = Ratio.parse(case.ratio)
    steps = -(-case.k // config.modes[config.mode_number(kept)].span)
    return min(config.tile_depth, case.m if case.dataflow == "ws" else steps)


def simulation(case: Case, variant: str) -> Callable[[], tuple[int, dict[str, Any]]]:
    """A call that simulates the case from its shape and returns its cycles and how it was cut."""
    config, ratio = array_config(case, variant), Ratio.parse(case.ratio)
    dram, shape = Dram.preset(DRAM), Shape(m=case.m, k=case.k, n=case.n)

    def search() -> tuple[int, dict[str, Any]]:
        operator = Operator(name="gemm", kind="linear", m=case.m, k=case.k, n=case.n)
        layer = simulate_operator(operator, config, ratio, dram, CLOCK_HZ)
        return layer.cycles, layer.tiling

    def one_tiling() -> tuple[int, dict[str, Any]]:
        program = lower(config, shape, ratio, Tiling(beats=tile_beats(case, config)))
        net = (system_network(program, traffic(program), dram, CLOCK_HZ) if variant == "fixed"
               else tile_network(program))
        timeline = net.solve()
        return timeline.cycles, {"beats": program.tiling.beats, "order": program.tiling.order,
                                 "passes": program.passes, **rhythm(timeline.start["compute"])}

    return search if variant == "search" else one_tiling


def rhythm(starts: npt.NDArray[np.int64]) -> dict[str, int]:
    """``period``: usual cycles from one pass to the next; ``waits``: cycles of all passes beyond it."""
    gaps = np.diff(starts)
    period = int(np.median(gaps)) if len(gaps) else 0
    return {"period": period, "waits": int(gaps.sum()) - len(gaps) * period}


def runs_variant(case: Case, variant: str) -> bool:
    """The plain systolic array has no sparse mode."""
    return variant != "systolic" or case.ratio == "1:1"


def hwsim_rows(sizes: list[int], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One row per case and variant: cycles, tiling, seconds after warm-up; and of a fresh process, its memory too."""
    rows = []
    for case in cases(sizes):
        for variant in VARIANTS:
            if runs_variant(case, variant):
                say(f"hwsim {case.m}^3 {case.dataflow} {case.ratio} {variant}")
                call = simulation(case, variant)
                cycles, tiling = call()
                rows.append({"case": asdict(case), "variant": variant, "cycles": cycles, "tiling": tiling,
                             "config": array_config(case, variant).to_mapping(), "warm": measure(call).to_dict(),
                             "fresh_process": fresh_process(case, variant)})
    return rows


_FRESH = """import json, sys
from benchmarks.gemm import Case, simulation
from benchmarks.scalesim_child import peak_bytes
case, variant = json.loads(sys.argv[1])
simulation(Case(**case), variant)()
print(peak_bytes(), file=sys.stderr)
"""


def fresh_process(case: Case, variant: str, runs: int = 3) -> dict[str, Any]:
    """A new Python that imports, simulates once and ends (compiled code from Numba's cache); the fastest of some."""
    question = json.dumps([asdict(case), variant])
    found = [run_child([sys.executable, "-c", _FRESH, question], folder=Path(__file__).resolve().parent.parent)
             for _ in range(runs)]
    best = min(found, key=lambda used: used.wall_s)
    if any(used.returncode for used in found):
        raise RuntimeError(f"hwsim failed in a fresh process: {best.said}")
    return {"wall_s": best.wall_s, "cpu_s": best.cpu_s, "peak_bytes": int(best.said.split()[-1]), "runs": runs}


def pattern_rows(sizes: list[int], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Time to read a 2:4 pattern of size x size once, in several ways: the floor for a tool that looks at the data."""
    rows, ratio = [], Ratio(2, 4)
    for size in sizes:
        say(f"pattern {size}^2")
        weights = np.random.default_rng(SEED).integers(-127, 128, (size, size)).astype(np.int8)
        mask = nm_mask(weights, ratio, 0)
        pruned = np.where(mask, weights, 0).astype(np.int8)
        code = encode_nm(pruned, ratio, 0)
        ways = {"count_nonzero of the mask": (lambda m=mask: np.count_nonzero(m)),
                "sum of the stored positions": (lambda c=code: int(c.indices.sum())),
                "count_nonzero of the INT8 weights": (lambda w=pruned: np.count_nonzero(w)),
                "check_nm (every group obeys 2:4)": (lambda w=pruned: check_nm(w, ratio, 0)),
                "encode_nm": (lambda w=pruned: encode_nm(w, ratio, 0))}
        rows.append({"size": size, "seed": SEED, "ratio": str(ratio),
                     "ways": {name: measure(way, budget_s=1.0).to_dict() for name, way in ways.items()}})
    return rows
