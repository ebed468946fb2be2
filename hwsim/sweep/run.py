"""A sweep from its points to its rows: what is stored is left out, what fails is counted, what takes long is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hwsim.provenance import provenance, revision
from hwsim.sweep.interrupts import Interrupts, Stop
from hwsim.sweep.plan import feasible
from hwsim.sweep.pool import Backend, Evaluate, row_of
from hwsim.sweep.rows import Point, Row, bad_row
from hwsim.sweep.spec import Sweep
from hwsim.sweep.store import Store

Progress = Callable[[int, int, str], None]
_STOPPING = "stopping after the points in hand (Ctrl-C: at once)"
_SAMPLED_GROUPS, _SAMPLED_POINTS, _SAMPLE_SECONDS = 8, 3, 20.0


class TooManyFailures(Exception):
    """More points failed than the sweep allows."""


@dataclass(kw_only=True)
class Tally:
    """What became of a sweep's points.

    Attributes:
        points: all of them.
        stored: of earlier runs.
        other: of these, from another revision of the program.
        done: rows made now.
        run: of these, not refused before anything ran.
        failed: of these, rows with an error.
        seconds: wall clock of the evaluation.
        last: error of the last that failed.
    """

    points: int
    stored: int = 0
    other: int = 0
    done: int = 0
    run: int = 0
    failed: int = 0
    seconds: float = 0.0
    last: str = ""

    @property
    def rate(self) -> float:
        """Points per second, of those that were run now."""
        return self.run / self.seconds if self.seconds else 0.0

    def count(self, row: Row, seconds: float, was_run: bool) -> None:
        """One more row, so many seconds after the beginning."""
        self.done, self.run, self.seconds = self.done + 1, self.run + was_run, seconds
        if row["status"] == "error":
            self.failed, self.last = self.failed + 1, row["error"]


def run(sweep: Sweep, points: Sequence[Point], store: Store, backend: Backend, *, retry: bool = False,
        progress: Progress | None = None) -> Tally:
    """Evaluate the points that are not stored yet, and store a row of each.

    Args:
        sweep: the file.
        points: of it.
        store: the folder, open.
        backend: evaluates, started.
        retry: stored points with an error are evaluated again.
        progress: called with (done, all, words).

    Raises:
        TooManyFailures: a larger part of the points than ``sweep.max_failures`` failed.
    """
    store.describe(description(sweep))
    known = store.stored()
    if retry:
        failed = {name for name, row in known.items() if row["status"] == "error"} & {point.name for point in points}
        store.forget(failed)
        known = {name: row for name, row in known.items() if name not in failed}
    missing = [point for point in points if point.name not in known]
    here = [known[point.name] for point in points if point.name in known]
    tally = Tally(points=len(points), stored=len(here), other=sum(row["revision"] != revision() for row in here))
    keep(sweep, missing, store, backend, tally, progress)
    return tally


def keep(sweep: Sweep, points: Sequence[Point], store: Store, backend: Backend, tally: Tally,
         progress: Progress | None = None) -> list[Row]:
    """Evaluate points, store their rows and count; gives the rows back in the order of the points.

    Raises:
        KeyboardInterrupt: Ctrl-C; what was in hand is stored.
        TooManyFailures: as `run`.
    """
    spaces = {space.name: space for space in sweep.spaces}
    by_name = {point.name: point for point in points}
    refused = [point for point in points if point.refused]
    good = [point for point in points if not point.refused]
    begun, before = time.monotonic(), tally.seconds
    found: dict[str, Row] = {}
    told = progress or _silent

    def tell(words: str = "") -> None:
        told(tally.stored + tally.done, tally.points, words or _words(tally))

    tell()
    with Interrupts(lambda: tell(_STOPPING)) as stop:
        for row in _rows(refused, good, backend, stop):
            row["feasible"] = feasible(spaces[row["space"]], row, by_name[row["point"]].inputs)
            store.add(row)
            found[row["point"]] = row
            tally.count(row, before + time.monotonic() - begun, not by_name[row["point"]].refused)
            if tally.failed > sweep.max_failures * tally.points:
                raise TooManyFailures(f"{tally.failed:,} of {tally.points:,} points failed, more than "
                                      f"{100 * sweep.max_failures:g} % (max_failures); the last: {tally.last}")
            tell(_STOPPING if stop() else "")
    if stop() and tally.stored + tally.done < tally.points:
        raise KeyboardInterrupt
    return [found[point.name] for point in points]


def _rows(refused: Sequence[Point], good: Sequence[Point], backend: Backend, stop: Stop) -> Iterable[Row]:
    for point in refused:
        yield bad_row(point, point.refused)
    if good:
        yield from backend.run(good, stop)


def _silent(done: int, total: int, words: str) -> None:
    """Nobody asked."""


def _words(tally: Tally) -> str:
    """Rate, time left and failures."""
    failed = f", {tally.failed:,} failed" if tally.failed else ""
    if not tally.rate:
        return f"the first points{failed}"
    left = (tally.points - tally.stored - tally.done) / tally.rate
    return f"{tally.rate:.1f} points/s, {spoken(left)} left{failed}"


def spoken(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def description(sweep: Sweep) -> dict[str, object]:
    """What ``sweep.json`` holds."""
    return {**sweep.to_dict(), "provenance": provenance({"sweep": sweep.name}, seed=0)}


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a sweep would do: points, how many are stored, how long the others take (s, None without a sample).

    ``sampled`` points were measured; ``failed`` are the errors of those that failed.
    """

    points: int
    stored: int
    sampled: int
    failed: tuple[str, ...]
    seconds: float | None


def estimate(points: Sequence[Point], known: Mapping[str, Row], evaluate: Evaluate, workers: int) -> Estimate:
    """Measure a sample of the points that are missing, here; nothing is stored.

    Of some groups of points that share work the first is measured, which pays for what they share, and some others.
    """
    missing = [point for point in points if point.name not in known and not point.refused]
    groups: dict[str, list[Point]] = {}
    for point in missing:
        groups.setdefault(point.group, []).append(point)
    firsts: list[float] = []
    others: list[float] = []
    failed: list[str] = []
    begun = time.monotonic()
    step = max(len(groups) // _SAMPLED_GROUPS, 1)
    if missing:
        row_of(evaluate, missing[0])  # imports and compiled code are loaded once
    for group in list(groups.values())[step // 2::step]:
        if firsts and time.monotonic() - begun > _SAMPLE_SECONDS:
            break
        spread = group[::max(len(group) // _SAMPLED_POINTS, 1)][:_SAMPLED_POINTS]
        rows = [row_of(evaluate, point) for point in spread]
        failed += [str(row["error"]) for row in rows if row["status"] == "error"]
        firsts.append(rows[0]["seconds"])
        others += [row["seconds"] for row in rows[1:]]
    first = sum(firsts) / max(len(firsts), 1)
    other = sum(others) / len(others) if others else first
    total = len(groups) * first + (len(missing) - len(groups)) * other
    return Estimate(points=len(points), stored=sum(point.name in known for point in points),
                    sampled=len(firsts) + len(others), failed=tuple(failed),
                    seconds=total / max(workers, 1) if missing else None)
