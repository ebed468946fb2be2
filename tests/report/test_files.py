from __future__ import annotations

import os
from pathlib import Path

import pytest

from hwsim.errors import InputError
from hwsim.report.files import Staging, write_file


def test_files_appear_together(tmp_path: Path) -> None:
    with Staging(tmp_path / "a" / "b", ["x", "y"]) as staging:
        staging.write("x", b"1")
        assert not (tmp_path / "a" / "b" / "x").exists()
        staging.write("y", b"2")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["x", "y"]
    assert (tmp_path / "a" / "b" / "y").read_bytes() == b"2"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_after_a_failure(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "kept").write_text("")
    with pytest.raises(error), Staging(tmp_path / "new" / "folder", ["x", "y"]) as staging:
        staging.write("x", b"1")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_old_files_survive_a_failure(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    with pytest.raises(ValueError), Staging(tmp_path, ["x"], force=True) as staging:
        staging.write("x", b"new")
        raise ValueError
    assert (tmp_path / "x").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_existing_files_need_force(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="existing x"):
        write_file(tmp_path / "x", b"new")
    write_file(tmp_path / "x", b"new", force=True)
    assert (tmp_path / "x").read_bytes() == b"new" and not (tmp_path / "nowhere").exists()


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a directory"):
        write_file(tmp_path, b"", force=True)


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    for folder in (tmp_path / "x", tmp_path / "x" / "y"):
        with pytest.raises(InputError, match="can be written"), Staging(folder, ["z"]):
            pass


def test_mode_follows_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_file(tmp_path / "x", b"")
    finally:
        os.umask(old)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


def test_only_announced_names(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wanted one of x, got y"), Staging(tmp_path, ["x"]) as staging:
        staging.write("y", b"")
