"""What holds for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

SLOW_FILE = "\npytestmark = pytest.mark.slow\n"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The fast tier does not even import files of slow tests only: some take seconds for PyTorch alone."""
    if config.option.markexpr != "not slow" or not collection_path.name.startswith("test_"):
        return None
    return True if SLOW_FILE in collection_path.read_text() else None
