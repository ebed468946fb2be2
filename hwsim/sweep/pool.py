"""Worker processes of this machine: each takes points from its own group, and sends a row as soon as it is done.

A point never ends the sweep: bad input, a lack of memory and any other error are rows, and where a worker dies, the
point that it was working on is a row that says so, the others go to a new worker.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol, Self

from hwsim.errors import InputError
from hwsim.sweep.interrupts import Stop, never, withheld
from hwsim.sweep.rows import Outcome, Point, Row, bad_row, good_row

Evaluate = Callable[[Point], Outcome]
"""Importable by its name, so that it can be sent to other processes."""
CHUNK_SECONDS, LARGEST_CHUNK = 0.05, 64
"""How long a chunk of points keeps a worker busy, about, and how many points it has at most."""

GRACE = 20.0
"""Seconds that points in hand have after Ctrl-C: the first of a process, which loads and compiles, takes some."""
_GLANCE = 0.2  # s: how often a pool looks whether it should stop


class Backend(Protocol):
    """Where points are evaluated: a context manager."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, *_: object) -> None:
        """Stop at once."""

    def run(self, points: Sequence[Point], stop: Stop = never) -> Iterator[Row]:
        """A row for each point, in any order; after ``stop`` only of those that are in hand."""


def row_of(evaluate: Evaluate, point: Point) -> Row:
    """Evaluate a point; what goes wrong is in the row."""
    start = time.perf_counter()
    try:
        outcome = evaluate(point)
    except InputError as error:
        return bad_row(point, str(error), time.perf_counter() - start)
    except MemoryError as error:
        return bad_row(point, f"memory: wanted a point that fits, got {str(error) or 'no room'}",
                       time.perf_counter() - start)  # fmt: skip
    except Exception as error:  # of whatever kind: the sweep goes on
        return bad_row(point, f"{type(error).__name__}: {error}", time.perf_counter() - start)
    return good_row(point, outcome, time.perf_counter() - start)


class Here:
    """The calling process: no worker to start, and none to die."""

    def __init__(self, evaluate: Evaluate):
        self.evaluate = evaluate

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, points: Sequence[Point], stop: Stop = never) -> Iterator[Row]:
        """See `Backend`."""
        for point in points:
            if stop():
                return
            yield row_of(self.evaluate, point)


def _work(evaluate: Evaluate, pipe: Connection) -> None:
    """A worker's life: chunks in, rows out, until the other end is gone."""
    try:
        pipe.send(None)
        while True:
            for point in pipe.recv():
                pipe.send(row_of(evaluate, point))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass


class _Worker:
    """A process, the group of points that it is at, and the points that it has been sent."""

    def __init__(self, evaluate: Evaluate):
        context = get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(evaluate, other), daemon=True)
        with withheld():  # Ctrl-C is for the process that stores
            self.process.start()
        other.close()
        self.ready = False
        self.group: deque[Point] = deque()
        self.sent: deque[Point] = deque()

    def stop(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()

    def death(self) -> str:
        """What ended the process."""
        self.process.join()
        code = self.process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"


class Processes:
    """Worker processes, kept between runs.

    Args:
        evaluate: a point.
        workers: how many processes.

    Raises:
        InputError: a worker does not start.
    """

    def __init__(self, evaluate: Evaluate, workers: int):
        self.evaluate, self.count = evaluate, workers
        self._workers: list[_Worker] = []
        self._done, self._seconds = 0, 0.0

    def __enter__(self) -> Self:
        self._workers = [_Worker(self.evaluate) for _ in range(self.count)]
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers = []

    def started(self) -> None:
        """Wait until all workers have started."""
        for worker in self._workers:
            while not worker.ready:
                self._receive(worker)

    def run(self, points: Sequence[Point], stop: Stop = never) -> Iterator[Row]:
        """See `Backend`; points that take longer than `GRACE` after ``stop`` are given up."""
        groups = _groups(points)
        left, last = len(points), math.inf
        while left and time.monotonic() < last:
            if not stop():
                for worker in self._workers:
                    if worker.ready and not worker.sent:
                        self._feed(worker, groups)
            elif any(worker.sent for worker in self._workers):
                last = min(last, time.monotonic() + GRACE)
            else:
                return
            busy = [worker.pipe for worker in self._workers if worker.sent or not worker.ready]
            for pipe in wait(busy, _GLANCE):
                row = self._receive(next(worker for worker in self._workers if worker.pipe is pipe))
                if row is not None:
                    left -= 1
                    yield row

    def _feed(self, worker: _Worker, groups: deque[deque[Point]]) -> None:
        """Send a chunk of the worker's group; where that is empty, of a new one, or of half of another's."""
        if not worker.group and groups:
            worker.group = groups.popleft()
        elif not worker.group:
            fullest = max(self._workers, key=lambda other: len(other.group))
            worker.group = deque(fullest.group.pop() for _ in range((len(fullest.group) + 1) // 2))
        mean = self._seconds / self._done if self._done else CHUNK_SECONDS
        size = min(max(int(CHUNK_SECONDS / max(mean, 1e-9)), 1), LARGEST_CHUNK, len(worker.group))
        chunk = [worker.group.popleft() for _ in range(size)]
        if chunk:
            worker.sent.extend(chunk)
            try:
                worker.pipe.send(chunk)
            except OSError:
                pass  # it is dead: receiving says so

    def _receive(self, worker: _Worker) -> Row | None:
        """A row of a worker, or what its death makes of the point that it was at."""
        try:
            row: Row | None = worker.pipe.recv()
        except (EOFError, OSError):
            return self._buried(worker)
        if row is None:
            worker.ready = True
            return None
        worker.sent.popleft()
        self._done, self._seconds = self._done + 1, self._seconds + row["seconds"]
        return row

    def _buried(self, worker: _Worker) -> Row:
        if not worker.ready:
            raise InputError("--workers", "processes that start", worker.death())
        point, reason = worker.sent.popleft(), worker.death()
        new = _Worker(self.evaluate)
        new.group = deque([*worker.sent, *worker.group])
        self._workers[self._workers.index(worker)] = new
        worker.stop()
        return bad_row(point, f"worker died: {reason}")


def _groups(points: Sequence[Point]) -> deque[deque[Point]]:
    """Points that share work together."""
    found: dict[Any, deque[Point]] = {}
    for point in points:
        found.setdefault(point.group, deque()).append(point)
    return deque(found.values())
