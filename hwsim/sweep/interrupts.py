"""Ctrl-C while points are evaluated: the first asks to stop after the points in hand, the second stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.resource_tracker import ensure_running
from typing import Any, Self

Stop = Callable[[], bool]
"""Whether no further point should be begun."""


class Interrupts:
    """Takes SIGINT while it is entered, in the main thread and where nobody else has taken it.

    Args:
        told: called once after the first, by whoever looks whether to stop.
    """

    def __init__(self, told: Callable[[], None] = lambda: None) -> None:
        self.asked = self._said = False
        self._told = told
        self._before: Any = None

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def __call__(self) -> bool:
        """See `Stop`."""
        if self.asked and not self._said:
            self._said = True
            self._told()
        return self.asked

    def _note(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def never() -> bool:
    """A `Stop` that does not."""
    return False


@contextmanager
def withheld() -> Iterator[None]:
    """Processes that start in here never see SIGINT; the caller sees it afterwards."""
    ensure_running()  # multiprocessing's own helper, whose first start would let the signal in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
