"""A Dask cluster that runs already: its workers evaluate groups of points and give the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

from hwsim.errors import InputError
from hwsim.provenance import revision
from hwsim.sweep.interrupts import Stop, never
from hwsim.sweep.pool import Evaluate, row_of
from hwsim.sweep.rows import Point, Row, bad_row

CHUNK = 32
"""Most points of a task: few enough that not much is lost with a worker, of one group where that has as many."""
_ANSWER = 10  # s


def _rows(evaluate: Evaluate, points: Sequence[Point]) -> list[Row]:
    return [row_of(evaluate, point) for point in points]


class Cluster:
    """Workers of a Dask scheduler, on which the same revision of this package is installed.

    Args:
        evaluate: a point.
        address: of the scheduler, ``tcp://host:port``.

    Raises:
        InputError: nobody answers, there are no workers, or they have another revision.
    """

    def __init__(self, evaluate: Evaluate, address: str):
        self.evaluate, self.address = evaluate, address
        self._client: Any = None

    def __enter__(self) -> Self:
        from distributed import Client

        try:
            self._client = Client(self.address, timeout=_ANSWER, set_as_default=False)
            theirs = self._client.run(revision)
        except (OSError, ValueError, TypeError) as error:
            self._close()
            raise InputError("--scheduler", "a Dask scheduler that answers", f"{self.address}: {error}") from None
        if set(theirs.values()) != {revision()}:
            self._close()
            given = ", ".join(sorted(set(theirs.values()))) or "no worker"
            raise InputError("--scheduler", f"workers with revision {revision()}", given)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def run(self, points: Sequence[Point], stop: Stop = never) -> Iterator[Row]:
        """See `hwsim.sweep.pool.Backend`.

        Dask blames all tasks that a dead worker had, not only the one that it was at. So the points of a task that is
        blamed are tried each by itself, and those that are blamed again at the end, with nobody else at work.
        """
        from distributed import as_completed

        def submit(chunk: list[Point]) -> Any:
            return self._client.submit(_rows, self.evaluate, chunk, pure=False)

        tasks = {submit(chunk): chunk for chunk in _chunks(points)}
        running = as_completed(list(tasks), loop=self._client.loop)
        accused: list[Point] = []
        for future in running:
            if stop():
                return
            chunk, (rows, reason) = tasks.pop(future), _gathered(future)
            yield from rows
            if reason and len(chunk) > 1:
                for point in chunk:
                    alone = submit([point])
                    tasks[alone] = [point]
                    running.add(alone)
            elif reason:
                accused += chunk
        for point in accused:
            if stop():
                return
            rows, reason = _gathered(submit([point]))
            yield from rows or [bad_row(point, f"worker died: {reason}")]


def _gathered(future: Any) -> tuple[list[Row], str]:
    """Rows of a task; or none, and why: an evaluation never raises, so it is about the worker that had it."""
    try:
        return future.result(), ""
    except Exception as error:  # a result can be lost with its worker, too
        return [], f"{type(error).__name__}: {error}"


def _chunks(points: Sequence[Point]) -> list[list[Point]]:
    """Lists of points of one group each."""
    chunks: list[list[Point]] = []
    for point in points:
        if chunks and chunks[-1][0].group == point.group and len(chunks[-1]) < CHUNK:
            chunks[-1].append(point)
        else:
            chunks.append([point])
    return chunks
