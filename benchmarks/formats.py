"""Speed of the bitmap format on a Llama-2-7B KV cache of 4,096 tokens, beside SciPy's CSR; one core.

One layer is measured, keys and values; the whole cache is that times the number of layers, and the result says so.
*Dense-equivalent* bytes per second: FP16 bytes of the dense array over the seconds of the call.

    python -m benchmarks.formats [-o DIR] [--sparsity 0.5 0.7] [--tokens 4096]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import circumstances
from benchmarks.tables import markdown_table
from benchmarks.timing import Sample, measure
from hwsim.kv.prune import prune_tokens
from hwsim.kv.shape import CacheShape
from hwsim.sparsity.mustafar import BitmapFormat

FILE = "formats.json"
NETWORK = "llama-2-7b"
RUNS = {"warm_up": 2, "least": 15, "most": 60, "budget_s": 6.0}
TARGET = 1.0  # GB/s, dense-equivalent, for encode and for decode
Work = dict[str, Callable[[], Any]]


def layer(shape: CacheShape, tokens: int, seed: int) -> dict[str, np.ndarray]:
    """Random keys and values of one layer, (heads, tokens, channels) float16."""
    rng = np.random.default_rng(seed)
    size = (shape.kv_heads, tokens, shape.channels)
    return {side: rng.standard_normal(size, np.float32).astype(np.float16) for side in ("keys", "values")}


def work(dense: dict[str, np.ndarray], sparsity: float) -> dict[str, Work]:
    """What is timed: name → side → call. Every result is checked once before."""
    from scipy.sparse import csr_array

    form = BitmapFormat()
    calls: dict[str, Work] = {name: {} for name in ("prune", "encode", "decode", "CSR encode", "CSR decode")}
    for side, full in dense.items():
        pruned = prune_tokens(full, sparsity)
        code = form.encode(pruned, side)
        patterns = pruned.view(np.uint16).reshape(-1, pruned.shape[-1])  # SciPy has no float16
        rows = csr_array(patterns)
        if not np.array_equal(form.decode(code, side, pruned.shape), pruned):
            raise RuntimeError(f"{side}: what was decoded differs from what was encoded")
        if not np.array_equal(rows.toarray(), patterns):
            raise RuntimeError(f"{side}: SciPy's CSR came back different")
        calls["prune"][side] = lambda full=full: prune_tokens(full, sparsity)
        calls["encode"][side] = lambda pruned=pruned, side=side: form.encode(pruned, side)
        # A fresh tensor each time: counts and offsets are worked out and checked again, as for one read from memory.
        calls["decode"][side] = lambda code=code, side=side, pruned=pruned: form.decode(replace(code), side,
                                                                                        pruned.shape)
        calls["CSR encode"][side] = lambda patterns=patterns: csr_array(patterns)
        calls["CSR decode"][side] = lambda rows=rows: rows.toarray()
    return calls


def row(name: str, side: str, sample: Sample, size: int, layers: int) -> dict[str, Any]:
    """Plain data of one measurement."""
    cpu = sample.cpu_median or sample.median
    return {"work": name, "side": side, **sample.to_dict(), "dense_bytes": size,
            "gb_per_s_median": size / sample.median / 1e9, "gb_per_s_best": size / sample.minimum / 1e9,
            "gb_per_s_cpu": size / cpu / 1e9, "scaled_to_all_layers_s": sample.median * layers}


def measured(sparsities: list[float], tokens: int, say: Callable[[str], None]) -> dict[str, Any]:
    """All measurements with their inputs and circumstances."""
    shape = CacheShape.preset(NETWORK)
    dense = layer(shape, tokens, seed=0)
    before = circumstances()
    results = []
    for sparsity in sparsities:
        for name, sides in work(dense, sparsity).items():
            for side, call in sides.items():
                found = row(name, side, measure(call, **RUNS), dense[side].nbytes, shape.layers)
                say(f"{sparsity:g} {name} {side}: {found['gb_per_s_median']:.2f} GB/s")
                results.append({"sparsity": sparsity, **found})
    inputs = {"network": NETWORK, "tokens": tokens, "sparsities": sparsities, "seed": 0, **RUNS}
    return {"command": "python -m benchmarks.formats", "inputs": inputs, "circumstances": before,
            "load_1min_after": circumstances()["load_1min"], "cache_bytes": shape.dense_bytes(tokens),
            "layer_bytes": shape.layer_bytes(tokens), "results": results}


def markdown(found: dict[str, Any]) -> str:
    """The page: what was measured, on what, and each row."""
    machine, inputs = found["circumstances"]["machine"], found["inputs"]
    table = [
        [f"{r['sparsity']:g}", r["work"], r["side"], f"{r['gb_per_s_median']:.2f}", f"{r['gb_per_s_best']:.2f}",
         f"{r['gb_per_s_cpu']:.2f}", f"{r['scaled_to_all_layers_s']:.2f}", r["runs"]]
        for r in found["results"]
    ]
    head = ["sparsity", "work", "side", "GB/s median", "GB/s best", "GB/s of CPU time", "all layers, s", "runs"]
    ours = [r for r in found["results"] if r["work"] in ("encode", "decode")]
    slowest, best, of_cpu = (min(r[f"gb_per_s_{key}"] for r in ours) for key in ("median", "best", "cpu"))
    versions = found["circumstances"]["versions"]
    return "\n\n".join([
        "# Speed of the bitmap format on a KV cache",
        f"{inputs['network']}, {inputs['tokens']} tokens: {found['cache_bytes'] / 2**30:g} GiB in FP16. One layer "
        f"({found['layer_bytes'] / 2**20:g} MiB, half of it keys) is measured; *all layers* is its median times the "
        "number of layers, for that side. GB/s are dense-equivalent: bytes of the dense FP16 array over the time. "
        "Encoding includes the test for NaN and infinities, decoding that of the whole code. SciPy's CSR holds the "
        "same values as 16-bit patterns, one row per token and head.",
        f"{machine['cores']} cores, {machine['cpu']}; one is used. Processes that wanted a core: "
        f"{found['circumstances']['load_1min']} before, {found['load_1min_after']} after. Where that is more than the "
        "cores, wall time is waiting too: CPU time is nearest to a core of one's own. Python "
        f"{versions['python']}, NumPy {versions['numpy']}, Numba {versions['numba']}, SciPy {versions['scipy']}.",
        f"Slowest of encode and decode: **{slowest:.2f} GB/s** median of wall time, {best:.2f} best, {of_cpu:.2f} "
        f"median of CPU time (wanted on one core: {TARGET:g}).",
        markdown_table(head, table)]) + "\n"  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Measure, write both files, print the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formats", description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("sim_results/benchmarks"), metavar="DIR",
                        help="folder of formats.json and formats.md (%(default)s)")
    parser.add_argument("--sparsity", type=float, nargs="+", default=[0.5, 0.7], metavar="S",
                        help="of keys and values (0.5 0.7)")
    parser.add_argument("--tokens", type=int, default=4096, metavar="N", help="a multiple of 64 (%(default)s)")
    asked = parser.parse_args(arguments)
    found = measured(asked.sparsity, asked.tokens, lambda text: print(text, file=sys.stderr, flush=True))
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / FILE).write_text(json.dumps(found, indent=1) + "\n")
    page = markdown(found)
    (asked.output / "formats.md").write_text(page)
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
