"""Sparse times dense on `BitmapDot`, beside STONNE: seconds of the simulation, cycles of the accelerator; one core.

Run it by ``python -m benchmarks.spmm_bitmap [-o DIR] [--rtl]``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import circumstances
from benchmarks.tables import markdown_table, number
from benchmarks.timing import measure, once
from hwsim.bitmap_decoder.config import DotConfig
from hwsim.bitmap_decoder.dot_model import dot_network
from hwsim.bitmap_decoder.jobs import DotJob
from hwsim.bitmap_decoder.spmm import Spmm
from hwsim.floats import FP16, to_float32

SIZE, ZEROS, MULTIPLIERS, SEED = 256, 0.8, 256, 0
STONNE = {"version": "22634b8", "wall_s": 17.6, "cycles": 15825, "peak_bytes": 11e6,
          "work": "sparse GEMM 256 x 256 x 256, 80 % zeros, 256 multipliers, values checked; another random matrix",
          "machine": "two cores of this kind, within 30 to 50 %"}
SHAPES = ((1, 256), (2, 128), (4, 64), (8, 32), (16, 16))  # macs, cols
TARGET_S = 1.0


def operands(data_type: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A, X, and what of A is kept."""
    rng = np.random.default_rng(SEED)
    kept = rng.random((SIZE, SIZE)) >= ZEROS
    if data_type == "int8":
        a, x = (rng.integers(1, 128, (SIZE, SIZE)).astype(np.int8) for _ in range(2))
    else:
        a, x = (rng.standard_normal((SIZE, SIZE)).astype(np.float16).view(np.uint16) for _ in range(2))
    return np.where(kept, a, 0).astype(a.dtype), x, kept


def configuration(macs: int, cols: int, data_type: str) -> DotConfig:
    """256 multipliers; values that keep up."""
    return DotConfig.preset("spmm-256", macs=macs, cols=cols, data_type=data_type, beat_values=max(8, macs),
                            buffer_beats=6)


def simulated(macs: int, cols: int, data_type: str) -> dict[str, Any]:
    """One shape of the multipliers: seconds, cycles, and where these go. Stops when a value is wrong."""
    a, x, kept = operands(data_type)
    config = configuration(macs, cols, data_type)

    def simulate() -> Spmm:
        product = Spmm(config, a, x, kept)
        check(product, data_type)
        product.cycles  # noqa: B018 - solves the network
        return product

    cold, warm = once(simulate), measure(simulate)
    product = simulate()
    steps, busy = product.timeline.stalls("step"), len(product.steps.job)
    floor = int(kept.sum()) * SIZE / MULTIPLIERS
    first = int(product.timeline.start["step"][0])
    return {"macs": macs, "cols": cols, "data_type": data_type, "jobs": len(product.jobs), "first_run_s": cold,
            "warm": warm.to_dict(), "cycles": product.cycles, "floor": floor, "part_filled": busy - floor,
            "first_x": first, "between_jobs": steps.starved + steps.blocked - first, "drain": steps.idle,
            "utilization": product.utilization, "v_bits": config.beat_values * config.element_bits + 1,
            "x_bits": cols * config.element_bits + 1, "o_bits": 32 * cols + 1}


def check(product: Spmm, data_type: str) -> None:
    """Values against a dense product: exactly, or within the rounding of FP32 sums."""
    if data_type == "int8":
        equal = np.array_equal(product.z, product.a.astype(np.int64) @ product.x)
    else:
        a, x = (to_float32(bits, FP16).astype(np.float64) for bits in (product.a, product.x))
        equal = bool((np.abs(product.z - a @ x) <= SIZE * 2.0**-24 * (np.abs(a) @ np.abs(x))).all())
    if not equal:
        raise RuntimeError(f"{data_type}: a value of the product is wrong")


def on_rtl(macs: int, cols: int) -> dict[str, Any]:
    """The same product, whole, on the generated Verilog in Verilator: every transfer of every port compared."""
    from rtl.bitmap_decoder.dot_cases import dot_case
    from rtl.bitmap_decoder.family import BitmapDecoderFamily
    from rtl.verify.run import build_family_bench, run_cases

    config = configuration(macs, cols, "int8")
    case = dot_case(Spmm(config, *operands("int8")).jobs)
    [found] = run_cases(build_family_bench(BitmapDecoderFamily(), config, "verilator"), [case])
    if not found.equal:
        raise RuntimeError(f"the RTL differs from the model: {found.differences}")
    return {"macs": macs, "cols": cols, "cycles": found.rtl_cycles, "transfers": found.transfers}


def decode_rows() -> list[dict[str, Any]]:
    """1,024 rows of 128 with 39 kept, as Mustafar keeps at 70 %, against the same device with all kept."""
    rows = []
    for macs in (1, 2, 4, 8):
        config = DotConfig(macs=macs, x_depth=128, beat_values=16, buffer_beats=4)
        kept = np.argsort(np.random.default_rng(SEED).random((1024, 128)), axis=1) < 128 - int(128 * 0.7)
        sparse, dense = (dot_network([DotJob(config=config, dense=np.zeros(kept.shape, np.uint16), kept=each,
                                             x=np.zeros((128, 1), np.uint16))]).solve().cycles
                         for each in (kept, np.ones_like(kept)))
        rows.append({"macs": macs, "cycles": sparse, "dense_cycles": dense, "ratio": dense / sparse})
    return rows


def measured(rtl: bool) -> dict[str, Any]:
    """All figures with their inputs and circumstances."""
    before = circumstances()
    results = [simulated(macs, cols, "int8") for macs, cols in SHAPES] + [simulated(4, 64, "fp16")]
    inputs = {"size": SIZE, "zeros": ZEROS, "multipliers": MULTIPLIERS, "seed": SEED}
    return {"command": "python -m benchmarks.spmm_bitmap", "inputs": inputs, "circumstances": before,
            "peer": {"STONNE": STONNE}, "results": results, "decode": decode_rows(),
            "rtl": [on_rtl(4, 64)] if rtl else []}


def markdown(found: dict[str, Any]) -> str:
    """The page."""
    machine, rows = found["circumstances"]["machine"], found["results"]
    parts = ("cycles", "floor", "part_filled", "first_x", "between_jobs", "drain")
    table = [[f"{r['macs']} × {r['cols']}", r["data_type"], number(1e3 * r["warm"]["median_s"]),
              number(1e3 * r["warm"]["cpu_median_s"]), number(r["first_run_s"]), *(number(r[part]) for part in parts),
              f"{100 * r['utilization']:.1f} %", f"{r['v_bits']}, {r['x_bits']}, {r['o_bits']}"] for r in rows]
    head = ["macs × cols", "type", "ms median", "CPU ms", "first run s", "cycles", "floor", "+ part-filled steps",
            "+ first X", "+ between jobs", "+ drain", "multipliers busy", "bits of v, x, o"]
    decode = [[r["macs"], number(r["cycles"]), number(r["dense_cycles"]), f"{r['ratio']:.2f}"] for r in found["decode"]]
    chosen = next(r for r in rows if (r["macs"], r["data_type"]) == (4, "int8"))
    slowest = max(r["warm"]["median_s"] for r in rows)
    return "\n\n".join([
        "# Bitmap-skip SpMM, 256³ at 80 % zeros on 256 multipliers",
        f"Values checked in every run. {machine['cores']} cores, {machine['cpu']}, one is used; processes that wanted "
        f"a core before: {found['circumstances']['load_1min']}. Slowest median {number(slowest)} s (wanted: below "
        f"{TARGET_S:g} s). STONNE {STONNE['version']}: {STONNE['wall_s']} s, {number(STONNE['cycles'])} cycles "
        f"({STONNE['work']}; {STONNE['machine']}).",
        markdown_table(head, table), explanation(chosen), *map(proof, found["rtl"]),
        "## Rows of a KV cache\n\n1,024 rows of 128 FP16, 39 kept in each (70 %), one column, against the same device "
        "with everything kept. The values keep up (16 a beat).",
        markdown_table(["macs", "cycles", "cycles dense", "times fewer"], decode)]) + "\n"


def proof(row: dict[str, Any]) -> str:
    """What was compared."""
    return (f"The whole product at {row['macs']} × {row['cols']} on the generated Verilog, in Verilator: "
            f"{number(row['cycles'])} cycles, all {number(row['transfers'])} transfers in the model's cycles, "
            "every sum the reference's.")


def explanation(row: dict[str, Any]) -> str:
    """Where the cycles of both go."""
    rounds = -(-int((1 - ZEROS) * SIZE * SIZE) // MULTIPLIERS)
    streamed = rounds * SIZE
    rest = STONNE["cycles"] - streamed
    return (
        f"*floor*: non-zeros × {SIZE} columns / {MULTIPLIERS} multipliers; nothing that skips zeros of A alone can be "
        "faster. *part-filled steps*: a step never reaches into the next row, and at most one tile ends in a step, so "
        "that 16 macs outrun the 13 non-zeros of a tile. *first X*: nothing is multiplied before the first slice of X "
        "has come; later slices come while one is used.\n\n"
        f"At 4 × 64 this device takes {number(row['cycles'])} cycles, STONNE {number(STONNE['cycles'])}: "
        f"{STONNE['cycles'] / row['cycles']:.2f} times as many. STONNE's sparse dataflow holds {MULTIPLIERS} non-zeros "
        f"of A at a time and streams all columns past them: {rounds} rounds of {SIZE} are {number(streamed)}. The "
        f"other {number(rest)}, {rest / rounds:.0f} a round, we take for loading the non-zeros and filling its "
        "networks, which do not overlap with streaming; its counts by phase were not kept, so that is inferred. This "
        "device has no such rounds: A flows through, X is held. It pays for that with ports: A comes once for every "
        "slice of X, and X is held in a copy for each of the 4 lanes. Nothing here waits for DRAM.")


def main(arguments: list[str] | None = None) -> int:
    """Measure, write both files, print the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spmm_bitmap", description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("sim_results/benchmarks"), metavar="DIR",
                        help="folder of spmm_bitmap.json and spmm_bitmap.md (%(default)s)")
    parser.add_argument("--rtl", action="store_true", help="run one shape on the RTL too: a minute to build it")
    asked = parser.parse_args(arguments)
    folder, found = asked.output, measured(asked.rtl)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spmm_bitmap.json").write_text(json.dumps(found, indent=1) + "\n")
    page = markdown(found)
    (folder / "spmm_bitmap.md").write_text(page)
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
