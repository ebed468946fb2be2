"""Import time in fresh processes, and the network solver's time per firing."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.child import run_child
from benchmarks.timing import Sample
from hwsim.network import Network, kernel

STATEMENTS = {"python alone": "pass", "import hwsim": "import hwsim",
              "the parts that simulate": "import mappers.network, hwsim.network.kernel"}
PROCESSES, FIRINGS, DEPTH = 4, 2_000_000, 2


def import_rows(say: Callable[[str], None], runs: int = 15) -> dict[str, Any]:
    """Wall seconds of fresh Pythons that only import, taken in turns; and what remains without Python's own."""
    root = Path(__file__).resolve().parent.parent
    walls: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    say("import times")
    for _ in range(runs):
        for name, statement in STATEMENTS.items():
            used = run_child([sys.executable, "-c", statement], folder=root)
            if used.returncode:
                raise RuntimeError(f"{name}: {used.said}")
            walls[name].append(used.wall_s)
    alone = statistics.median(walls["python alone"])
    return {name: {**Sample.of(seconds).to_dict(), "median_beyond_python_s": statistics.median(seconds) - alone}
            for name, seconds in walls.items()}


def chain(uniform: bool, firings: int = FIRINGS) -> Network:
    """Processes in a row, joined by FIFOs of two entries; intervals of 1, or 1 to 4 drawn at random for each firing."""
    net, rng = Network("chain"), np.random.default_rng(0)
    for stage in range(PROCESSES):
        interval = 1 if uniform else rng.integers(1, 5, firings)
        net.process(f"p{stage}", firings=firings, interval=interval, latency=interval)
        if stage:
            net.channel(f"c{stage}", f"p{stage - 1}", f"p{stage}", depth=DEPTH)
    return net


@contextmanager
def _timed_kernel(seconds: list[float]) -> Iterator[None]:
    """Inside, every call of the compiled solver adds its seconds to the list."""
    run = kernel.run

    def timed(*arguments: Any) -> None:
        begun = time.perf_counter()
        run(*arguments)
        seconds.append(time.perf_counter() - begun)

    kernel.run = timed
    try:
        yield
    finally:
        kernel.run = run


def solver_rows(say: Callable[[str], None], runs: int = 9) -> list[dict[str, Any]]:
    """Seconds and nanoseconds per firing of a chain: the compiled kernel alone, and the whole ``solve()``."""
    rows = []
    for uniform in (True, False):
        say(f"solver, {'equal' if uniform else 'random'} intervals")
        net, inside, whole = chain(uniform), [], []
        net.solve()
        with _timed_kernel(inside):
            for _ in range(runs):
                begun = time.perf_counter()
                cycles = net.solve().cycles
                whole.append(time.perf_counter() - begun)
        total = PROCESSES * FIRINGS
        rows.append({"intervals": "1" if uniform else "1 to 4, random", "processes": PROCESSES, "firings": total,
                     "depth": DEPTH, "cycles": cycles,
                     **{name: {**(sample := Sample.of(seconds)).to_dict(), "median_ns_per_firing":
                               sample.median / total * 1e9, "min_ns_per_firing": sample.minimum / total * 1e9}
                        for name, seconds in (("kernel", inside), ("solve", whole))}})
    return rows
