"""SCALE-Sim 3.0.0 as a peer: its environment, its measurements, which are kept, and closed forms of its cycles."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.child import Used, run_child
from benchmarks.machine import circumstances, cores, cpu_model, memory_bytes

REQUIREMENTS = ("scalesim==3.0.0", "numpy>=2.3,<2.4")
"""It breaks with NumPy 2.4, so it gets an environment of its own."""
SIDE = 32  # rows and columns of the array
GROWTH = 8  # twice the size is 8 times the folds x cycles that it writes down one by one
ROOM = 0.75  # part of the free memory that it may have


@dataclass(frozen=True, kw_only=True)
class Case:
    """One GEMM (elements) on one array (PEs)."""

    m: int
    k: int
    n: int
    rows: int = SIDE
    cols: int = SIDE
    dataflow: str = "ws"
    ratio: str = "1:1"

    @classmethod
    def cube(cls, size: int, dataflow: str, ratio: str) -> Case:
        """``size`` x ``size`` x ``size`` on the 32 x 32 array."""
        return cls(m=size, k=size, n=size, dataflow=dataflow, ratio=ratio)

    def half(self) -> Case:
        """The same with half of each rank."""
        return Case(**{**asdict(self), "m": self.m // 2, "k": self.k // 2, "n": self.n // 2})

    @property
    def key(self) -> str:
        """Name under which a measurement is kept: inputs, versions and machine."""
        shape = f"{self.m}x{self.k}x{self.n} {self.dataflow} {self.ratio} on {self.rows}x{self.cols}"
        python = ".".join(platform.python_version_tuple()[:2])
        return "; ".join([shape, *REQUIREMENTS, f"python {python}", cpu_model(), f"{cores()} cores"])


def cases(sizes: list[int]) -> Iterator[Case]:
    """Cubes of those sizes, both dataflows, dense and 2:4; small ones first: they say how long large ones take."""
    for size in sorted(sizes):
        for dataflow, ratio in (("ws", "1:1"), ("ws", "2:4"), ("os", "1:1"), ("os", "2:4")):
            yield Case.cube(size, dataflow, ratio)


def kept_k(k: int, ratio: str) -> int:
    """Reduction that is left of K: N of every M, a ragged group counted whole."""
    kept, group = (int(part) for part in ratio.split(":"))
    return -(-k // group) * kept


def folds(case: Case) -> int:
    """Tiles of the stationary operand, each of which fills the array once."""
    k = kept_k(case.k, case.ratio)
    down = k if case.dataflow == "ws" else case.m
    return -(-down // case.rows) * -(-case.n // case.cols)


def closed_form(case: Case) -> int:
    """The cycles that SCALE-Sim counts, ``Total Cycles`` of its report, without running it.

    ws: folds · (2R + C + T − 2) − 1 with T = M; os: folds · (T + R + C − 2) − 1 with T = K kept. Every fold loads,
    streams and drains alone.
    """
    if case.dataflow == "ws":
        return folds(case) * (2 * case.rows + case.cols + case.m - 2) - 1
    return folds(case) * (kept_k(case.k, case.ratio) + case.rows + case.cols - 2) - 1


def environment() -> Path:
    """Python of an environment with SCALE-Sim, in the user's cache; made on first use (downloads ~150 MB).

    Raises:
        RuntimeError: it cannot be installed.
    """
    from rtl.bench.cache import built, key_of

    place = built("scalesim", key_of([*REQUIREMENTS, platform.python_version()]), _install)
    return place / "bin" / "python"


def _install(folder: Path) -> None:
    for command in ([sys.executable, "-m", "venv", str(folder)],
                    [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *REQUIREMENTS]):
        used = run_child(command, limit_s=1200)
        if used.returncode:
            raise RuntimeError(f"SCALE-Sim cannot be installed: {used.said.strip().splitlines()[-1:]}")


def run_case(case: Case, limit_s: float) -> dict[str, Any]:
    """Measure one case in a child process; what it used, or why there is no result."""
    python, script = environment(), Path(__file__).with_name("scalesim_child.py").read_text()
    before, room = circumstances(), int(ROOM * memory_bytes("MemAvailable"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "child.py").write_text(script)
        (folder / "case.json").write_text(json.dumps(asdict(case)))
        used = run_child([str(python), "child.py", "case.json", "result.json"], folder=folder, limit_s=limit_s,
                         memory_bytes=room)
        answer = folder / "result.json"
        found = json.loads(answer.read_text()) if answer.exists() else {}
    return {"case": asdict(case), "limit_s": limit_s, "memory_limit_bytes": room, "circumstances": before,
            **_outcome(used, found)}


def _outcome(used: Used, found: Mapping[str, Any]) -> dict[str, Any]:
    """Status and figures of a child that ended."""
    figures = {"wall_s": used.wall_s, "cpu_s": used.cpu_s, "peak_bytes": found.get("peak_bytes") or used.peak_bytes}
    if found:
        return {"status": "measured", **figures, **{key: found[key] for key in found if key != "peak_bytes"}}
    if used.stopped:
        return {"status": f"stopped after {used.wall_s:.0f} s", **figures}
    if "MemoryError" in used.said or "allocate" in used.said or used.returncode == -9:
        return {"status": f"out of memory after {used.wall_s:.0f} s", **figures}
    return {"status": f"failed: {used.said.strip().splitlines()[-1:]}", **figures}


def estimate(case: Case, kept: Mapping[str, Mapping[str, Any]]) -> tuple[float, float]:
    """Seconds and bytes that a case will about need, from the same one at half the size; 0 where that is not known."""
    smaller = kept.get(case.half().key, {})
    if smaller.get("status") != "measured":
        return 0.0, 0.0
    return GROWTH * smaller["wall_s"], GROWTH * smaller["peak_bytes"]


def refusal(case: Case, kept: Mapping[str, Mapping[str, Any]], limit_s: float) -> str:
    """Why a case is not started; empty when it is."""
    if limit_s <= 0:
        return "not run: only stored figures were asked for"
    seconds, needed = estimate(case, kept)
    room = ROOM * memory_bytes("MemAvailable")
    if seconds > limit_s or (room and needed > room):
        return (f"not run: estimated {seconds:.0f} s and {needed / 1e9:.0f} GB ({GROWTH} times half the size); "
                f"limits {limit_s:.0f} s and {room / 1e9:.0f} GB")
    return ""
