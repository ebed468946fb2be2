"""``hwsim sweep``: every point of a design space, or a search in one that is too large, as rows of a table."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import add_json, at_least
from hwsim.cli.output import ProgressBar, print_json, print_text
from hwsim.cli.packages import needed
from hwsim.errors import InputError

if TYPE_CHECKING:
    from hwsim.sweep.pool import Backend
    from hwsim.sweep.rows import Point
    from hwsim.sweep.run import Tally
    from hwsim.sweep.spec import Sweep

_EXAMPLES = """\
Points whose rows are in the folder already are not evaluated again, so the same command goes on where it was stopped.
A point that fails is a row with its error.

examples:
  hwsim sweep examples/sweep.toml --dry-run
  hwsim sweep examples/sweep.toml -o out/sweep
  hwsim sweep examples/sweep.toml -o out/sweep --scheduler tcp://127.0.0.1:8786
  hwsim sweep examples/sweep.toml -o out/search --search 200 --sampler tpe
"""
_SHOWN_FRONT = 12


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Evaluate the points of a design space; a Parquet dataset of one row a point."
    parser.epilog = _EXAMPLES
    parser.add_argument("file", metavar="SWEEP.toml", help="what is varied")
    parser.add_argument("-o", "--output", metavar="DIR", help="folder of the dataset (default: out/<name of the file>)")
    parser.add_argument("--dry-run", action="store_true", help="say how many points there are and how long they take")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: all cores; 0: this one alone)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="evaluate on the Dask cluster of this scheduler")
    parser.add_argument("--retry", action="store_true", help="evaluate stored points with an error again")
    parser.add_argument("--search", type=int, metavar="N", help="look for the front with N points of the space")
    parser.add_argument("--sampler", choices=["nsga2", "tpe"], help="of the search (default: tpe)")
    parser.add_argument("--seed", type=int, help="of the search (default: 0)")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Plan, evaluate, print."""
    needed("pyarrow", *(["optuna"] if arguments.search is not None else []),
           *(["distributed"] if arguments.scheduler is not None else []))  # fmt: skip
    from hwsim.sweep.run import TooManyFailures
    from hwsim.sweep.spec import load_sweep

    _check(arguments)
    sweep = load_sweep(arguments.file)
    folder = Path(arguments.output or Path("out") / Path(arguments.file).stem)
    if arguments.dry_run:
        return _dry_run(sweep, folder, arguments)
    try:
        with _interruptible(folder, arguments):
            tally, rows = _evaluated(sweep, folder, arguments)
    except TooManyFailures as failed:
        sys.stderr.write(f"hwsim: {sweep.name}: {failed}\n")
        return 1
    _show(sweep, folder, tally, rows, arguments.json)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.search is None:
        for option in ("sampler", "seed"):
            if getattr(arguments, option) is not None:
                raise InputError(f"--{option}", "--search N beside it", "none")
    else:
        at_least("--search", arguments.search, 1)
        at_least("--seed", arguments.seed or 0, 0)
        if arguments.dry_run or arguments.retry:
            raise InputError("--search", "no --dry-run or --retry beside it", "one of them")
    if arguments.workers is not None:
        at_least("--workers", arguments.workers, 0)
        if arguments.scheduler is not None:
            raise InputError("--scheduler", "no --workers beside it", arguments.workers)


def _workers(arguments: argparse.Namespace) -> int:
    return len(os.sched_getaffinity(0)) if arguments.workers is None else int(arguments.workers)


def _backend(arguments: argparse.Namespace, most: int) -> Backend:
    from hwsim.cli.evaluate import evaluate
    from hwsim.sweep.pool import Here, Processes

    if arguments.scheduler is not None:
        from hwsim.sweep.cluster import Cluster

        return Cluster(evaluate, arguments.scheduler)
    workers = min(_workers(arguments), most)
    return Processes(evaluate, workers) if workers else Here(evaluate)


def _dry_run(sweep: Sweep, folder: Path, arguments: argparse.Namespace) -> int:
    from hwsim.cli.evaluate import evaluate
    from hwsim.sweep.plan import points_of
    from hwsim.sweep.run import estimate, spoken
    from hwsim.sweep.store import stored_points

    points, workers = points_of(sweep), max(_workers(arguments), 1)
    spaces = {space.name: sum(point.space == space.name for point in points) for space in sweep.spaces}
    refused = _refusals(sweep, points)
    found = estimate(points, stored_points(folder), evaluate, workers)
    if arguments.json:
        print_json({"points": found.points, "spaces": spaces, "refused": sum(each["points"] for each in refused),
                    "reasons": refused, "stored": found.stored, "sampled": found.sampled, "failed": found.failed,
                    "workers": workers, "seconds": found.seconds})  # fmt: skip
        return 0
    lines = [f"{found.points:,} points: " + ", ".join(f"{name} {count:,}" for name, count in spaces.items()),
             f"{found.stored:,} stored in {folder}"]
    if refused:
        lines.append(f"{sum(each['points'] for each in refused):,} refused, which become rows with an error:")
        lines += [f"  {each['points']:,} x {each['reason']}; the first: {each['given']} at {each['at']}"
                  for each in refused]
    if found.failed:
        lines.append(f"{len(found.failed):,} of the {found.sampled} points measured failed; the first: "
                     f"{found.failed[0]}")
    if found.seconds is not None:
        lines.append(f"about {spoken(found.seconds)} on {workers} cores, by {found.sampled} points measured")
    print_text("\n".join(lines))
    return 0


def _refusals(sweep: Sweep, points: Sequence[Point]) -> list[dict[str, Any]]:
    """By reason, most frequent first: how many points are refused, what the first of them has, and where it is."""
    from hwsim.sweep.keys import dotted, found

    axes = {space.name: [axis.path for axis in space.axes] for space in sweep.spaces}
    reasons: dict[str, dict[str, Any]] = {}
    for point in points:
        if not point.refused:
            continue
        reason, _, given = point.refused.rpartition(", got ")
        if reason not in reasons:
            values = []
            for path in axes[point.space]:
                try:
                    values.append(f"{dotted(path)} = {json.dumps(found(point.inputs, path))}")
                except KeyError:
                    pass  # its condition does not hold
            reasons[reason] = {"points": 0, "reason": reason, "given": given, "at": ", ".join(values)}
        reasons[reason]["points"] += 1
    return sorted(reasons.values(), key=lambda each: -each["points"])


def _evaluated(sweep: Sweep, folder: Path, arguments: argparse.Namespace) -> tuple[Tally, list[dict[str, Any]]]:
    """The count, and the rows of the sweep's points."""
    from hwsim.sweep.plan import points_of, refuse_common_mistakes
    from hwsim.sweep.run import run
    from hwsim.sweep.store import Store, read_table

    if arguments.search is not None:
        from hwsim.sweep.search import search

        refuse_common_mistakes(sweep)
        with Store(folder) as store, _backend(arguments, arguments.search) as backend, ProgressBar() as bar:
            tally, names = search(sweep, arguments.search, store, backend, sampler=arguments.sampler or "tpe",
                                  seed=arguments.seed or 0, progress=bar)  # fmt: skip
    else:
        points: list[Point] = points_of(sweep)
        names = {point.name for point in points}
        with Store(folder) as store, ProgressBar() as bar:
            with _backend(arguments, len(names - set(store.stored())) or 1) as backend:
                tally = run(sweep, points, store, backend, retry=arguments.retry, progress=bar)
    return tally, [row for row in read_table(folder).to_pylist() if row["point"] in names]


@contextmanager
def _interruptible(folder: Path, arguments: argparse.Namespace) -> Iterator[None]:
    """Ctrl-C says what is stored, and what goes on."""
    from hwsim.sweep.store import stored_points

    try:
        yield
    except KeyboardInterrupt:
        count = len(stored_points(folder))
        stored = f"{count:,} row{' is' if count == 1 else 's are'} stored in {folder}"
        raise KeyboardInterrupt(f"interrupted: {stored}; this goes on: {_command(folder, arguments)}") from None


def _command(folder: Path, arguments: argparse.Namespace) -> str:
    """The command again, but what has been done: rows with an error are not forgotten twice."""
    options = [("-o", folder), ("--workers", arguments.workers), ("--scheduler", arguments.scheduler),
               ("--search", arguments.search), ("--sampler", arguments.sampler), ("--seed", arguments.seed)]
    given = [str(word) for name, value in options if value is not None for word in (name, value)]
    return shlex.join(["hwsim", "sweep", arguments.file, *given, *(["--json"] if arguments.json else [])])


def _show(sweep: Sweep, folder: Path, tally: Tally, rows: list[dict[str, Any]], as_json: bool) -> None:
    from hwsim.sweep.fronts import on_fronts
    from hwsim.sweep.run import spoken

    best = on_fronts(rows, sweep.objectives)
    if as_json:
        print_json({"folder": str(folder), "points": tally.points, "stored": tally.stored, "evaluated": tally.done,
                    "failed": tally.failed, "seconds": tally.seconds, "points_per_second": tally.rate,
                    "front": [{"point": row["point"], **_metrics(sweep, row)} for row in best]})  # fmt: skip
        return
    lines = [f"{tally.points:,} points in {folder}: {tally.stored:,} stored before, {tally.done:,} evaluated"
             + (f" in {spoken(tally.seconds)}, {tally.rate:.1f} points/s" if tally.done else "")]
    if tally.failed:
        lines.append(f"{tally.failed:,} failed; the last: {tally.last}")
    if tally.other:
        lines.append(f"{tally.other:,} are of another revision of the program; a new folder evaluates them again")
    print_text("\n".join([*lines, "", *_front(sweep, best)]))


def _metrics(sweep: Sweep, row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[f"metric.{name}"] for name in dict.fromkeys([*sweep.objectives, *sweep.metrics])}


def _front(sweep: Sweep, best: list[dict[str, Any]]) -> list[str]:
    """The front as a table, some of it evenly spread where it is long."""
    from hwsim.cli.query import table_text

    goal = ", ".join(f"{name} {way}" for name, way in sweep.objectives.items())
    if not best:
        return [f"no point with all of {goal}"]
    some = best if len(best) <= _SHOWN_FRONT else [best[number * (len(best) - 1) // (_SHOWN_FRONT - 1)]
                                                   for number in range(_SHOWN_FRONT)]
    names = ["point", "space", *_metrics(sweep, best[0])]
    count = f"{len(best):,} point{'' if len(best) == 1 else 's'}"
    count += f", {len(some)} of them below" if len(some) < len(best) else ""
    return [f"front of {goal}, by workload: {count}",
            table_text(names, [(row["point"], row["space"], *_metrics(sweep, row).values()) for row in some])]
