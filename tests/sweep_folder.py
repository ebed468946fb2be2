"""A sweep's folder with really evaluated points, made in this process: what the report is tested on."""

from __future__ import annotations

from pathlib import Path

from hwsim.cli.evaluate import evaluate
from hwsim.sweep.plan import points_of
from hwsim.sweep.pool import Here
from hwsim.sweep.proofs import add_proof, sources
from hwsim.sweep.run import run
from hwsim.sweep.spec import load_sweep
from hwsim.sweep.store import Store, read_table

HOSTILE = '</script><script>alert(1)</script> <b>&amp; "\u2028 {{script}} <!-- \u00b5'
SWEEP = f"""
name = '{HOSTILE}'
max_failures = 1.0
[objectives]
cycles = "min"
energy_joules = "min"
[[space]]
name = "array"
baselines = ["dense"]
workloads = [{{workloads}}]
constraints = ["metric.multipliers <= 24"]
[space.base]
accelerator = {{ preset = "{{preset}}" }}
pruning = {{ layers = {{ "*" = "2:4" }} }}
[space.axes]
accelerator.rows = {{rows}}
pruning.ratio = ["1:1", "2:4"]
memory.preset = ["ddr4-2400-x64", "hbm2"]
"""


GEMMS = '{ gemm = "16x32x16" }, { gemm = "8x64x8" }'


def make_folder(folder: Path, rows: str = "[2, 8]", workloads: str = GEMMS, preset: str = "small-4x4") -> Path:
    """Evaluate the points of `SWEEP` with these values of the array's rows; a row of 0 is a point that fails."""
    file = folder / "sweep.toml"
    text = SWEEP.replace("{rows}", rows).replace("{workloads}", workloads).replace("{preset}", preset)
    file.write_text(text, encoding="utf-8")
    sweep = load_sweep(file)
    with Store(folder / "out") as store, Here(evaluate) as here:
        run(sweep, points_of(sweep), store, here)
    return folder / "out"


def add_proofs(folder: Path) -> list[str]:
    """Give each of the first four points a proof of another kind; their states as the report names them."""
    table = read_table(folder)
    kinds = {"proven": ("proven", None), "stale": ("proven", "then"), "disproven": ("disproven", None),
             "outdated": ("outdated", None)}  # fmt: skip
    points = zip(table["point"].to_pylist(), table["revision"].to_pylist(), kinds.values(), strict=False)
    for point, revision, (status, other) in points:
        add_proof(folder, {
            "point": point, "status": status, "failure": HOSTILE if status == "disproven" else None,
            "sources": sources(), "revision": other or revision, "engine": "verilator", "transfers": 7,
            "mismatches": 0, "cycles": 9, "cases": 1, "seed": 3,
            "parts": [{"name": "array", "what": "1 random cases"}]})  # fmt: skip
    return list(kinds)
