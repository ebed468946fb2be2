"""What holds for all tests."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("hwsim", deadline=None, print_blob=True)  # a busy machine is no failure
settings.load_profile("hwsim")
SLOW_FILE = "\npytestmark = pytest.mark.slow\n"


def pytest_configure() -> None:
    """Ctrl-C can be tested in a run in the background, too, which shells start with SIGINT ignored."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The fast tier does not even import files of slow tests only: some take seconds for PyTorch alone."""
    if config.option.markexpr != "not slow" or not collection_path.name.startswith("test_"):
        return None
    return True if SLOW_FILE in collection_path.read_text() else None
