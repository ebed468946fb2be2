from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwsim import provenance as module
from hwsim.errors import InputError
from hwsim.provenance import file_digest, provenance, revision, versions


def test_what_is_kept(tmp_path: Path) -> None:
    (tmp_path / "w.npy").write_bytes(b"abc")
    kept = provenance({"rows": 4}, seed=7, files=[tmp_path / "w.npy"])
    assert kept["inputs"] == {"rows": 4} and kept["seed"] == 7
    assert kept["files"] == {"w.npy": hashlib.sha256(b"abc").hexdigest()}
    assert str(tmp_path) not in json.dumps(kept)
    assert set(versions()) == {"hwsim", "numpy", "numba", "python"} and "unknown" not in versions().values()


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        file_digest(tmp_path / "gone")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    revision.cache_clear()
    yield tmp_path
    revision.cache_clear()


def test_without_git(checkout: Path) -> None:
    assert revision() == "unknown"


def test_broken_git(checkout: Path) -> None:
    (checkout / ".git").mkdir()
    assert revision() == "unknown"


def test_commit_and_changes(checkout: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "core.hooksPath=/dev/null"]
        subprocess.run(["git", *identity, *arguments], cwd=checkout, check=True, capture_output=True)

    git("init")
    for folder in ("hwsim", "docs"):
        (checkout / folder).mkdir()
        (checkout / folder / "x").write_text("1")
    git("add", ".")
    git("commit", "-m", "x")
    clean = revision()
    assert re.fullmatch(r"[0-9a-f]{40}", clean)
    for folder, wanted in (("docs", clean), ("hwsim", f"{clean}+changes")):
        (checkout / folder / "x").write_text("2")
        revision.cache_clear()
        assert revision() == wanted
