"""Checkpoints written by hand in both containers; hostile and broken ones are refused without being run."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.workload.torch_pickle import load_tensors

W = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


class Stored:
    """Stands for a tensor: flat storage, and a window on it."""

    def __init__(
        self, key: str, flat: np.ndarray, shape: tuple, kind: str = "FloatStorage", offset: int = 0, stride: tuple = ()
    ):
        self.pid = (kind, key, "cpu", flat.size)
        contiguous = tuple(int(np.prod(shape[i + 1 :])) for i in range(len(shape)))
        self.window = (offset, shape, stride or contiguous)


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Names of PyTorch to be pickled by reference."""
    modules = {name: types.ModuleType(name) for name in ("torch", "torch._utils")}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)

    def rebuild(*_: Any) -> None: ...

    rebuild.__module__, rebuild.__qualname__, rebuild.__name__ = "torch._utils", *["_rebuild_tensor_v2"] * 2
    modules["torch._utils"]._rebuild_tensor_v2 = rebuild  # type: ignore[attr-defined]
    names = ("FloatStorage", "BFloat16Storage", "LongStorage")
    kinds = {kind: type(kind, (), {"__module__": "torch"}) for kind in names}
    for kind, stand_in in kinds.items():
        setattr(modules["torch"], kind, stand_in)
    return types.SimpleNamespace(rebuild=rebuild, kinds=kinds)


def dump(torch: types.SimpleNamespace, root: Any) -> bytes:
    class Pid:
        def __init__(self, pid: tuple):
            self.pid = pid

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return ("storage", torch.kinds[obj.pid[0]], *obj.pid[1:]) if isinstance(obj, Pid) else None

        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, Stored):
                return torch.rebuild, (Pid(obj.pid), *obj.window, False, OrderedDict())
            return NotImplemented

    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(root)
    return stream.getvalue()


def legacy(torch: types.SimpleNamespace, root: Any, storages: dict[str, np.ndarray]) -> bytes:
    parts = [pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2), pickle.dumps({"little_endian": True}, 2)]
    parts += [dump(torch, root), pickle.dumps(list(storages), 2)]
    return b"".join(parts) + b"".join(struct.pack("<q", flat.size) + flat.tobytes() for flat in storages.values())


def zipped(torch: types.SimpleNamespace, root: Any, storages: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("net/data.pkl", dump(torch, root))
        for key, flat in storages.items():
            archive.writestr(f"net/data/{key}", flat.tobytes())
    return stream.getvalue()


@pytest.mark.parametrize("container", [legacy, zipped])
def test_both_containers(container: Any, torch: types.SimpleNamespace, tmp_path: Path) -> None:
    half = (W.view(np.uint32) >> 16).astype("<u2")
    root = OrderedDict(
        plain=Stored("0", W, (2, 3, 4)), turned=Stored("0", W, (4, 2), offset=4, stride=(1, 12)),
        nested={"half": Stored("1", half, (24,), "BFloat16Storage"), "epoch": 3},
        steps=Stored("2", np.zeros(1), (), "LongStorage"),
    )  # fmt: skip
    (tmp_path / "c.pth").write_bytes(container(torch, root, {"0": W, "1": half, "2": np.array([7], "<i8")}))
    tensors = load_tensors(tmp_path / "c.pth")
    assert set(tensors) == {"plain", "turned", "nested.half", "steps"}
    assert np.array_equal(tensors["plain"], W)
    assert np.array_equal(tensors["turned"], W[:, 1].T)
    assert np.array_equal(tensors["nested.half"], W.ravel())
    assert tensors["steps"].shape == () and tensors["steps"] == 7


class Hostile:
    """Unpickled by ``pickle``, it would make a folder."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("container", [legacy, zipped])
def test_code_is_refused_and_not_run(container: Any, torch: types.SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "c.pth").write_bytes(container(torch, {"w": Hostile(tmp_path / "made")}, {}))
    with pytest.raises(InputError, match="asks for .*mkdir"):
        load_tensors(tmp_path / "c.pth")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("container", [legacy, zipped])
def test_cut_checkpoints_are_refused(container: Any, torch: types.SimpleNamespace, tmp_path: Path) -> None:
    whole = container(torch, {"w": Stored("0", W, (2, 3, 4))}, {"0": W})
    for keep in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "c.pth").write_bytes(whole[:keep])
        with pytest.raises(InputError, match="whole PyTorch checkpoint"):
            load_tensors(tmp_path / "c.pth")


def test_windows_outside_their_storage_are_refused(torch: types.SimpleNamespace, tmp_path: Path) -> None:
    for offset, shape, stride in ((20, (5,), (1,)), (0, (25,), (1,)), (0, (3,), (-1,)), (-1, (2,), (1,))):
        root = {"w": Stored("0", W, shape, offset=offset, stride=stride)}
        (tmp_path / "c.pth").write_bytes(legacy(torch, root, {"0": W}))
        with pytest.raises(InputError, match="whole PyTorch checkpoint"):
            load_tensors(tmp_path / "c.pth")


def test_files_that_are_not_checkpoints_are_refused(torch: types.SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_tensors(tmp_path / "none.pth")
    (tmp_path / "c.pth").write_bytes(pickle.dumps({"w": 3}))
    with pytest.raises(InputError, match="whole PyTorch checkpoint"):
        load_tensors(tmp_path / "c.pth")
    (tmp_path / "c.pth").write_bytes(legacy(torch, {"epoch": 3}, {}))
    with pytest.raises(InputError, match="at least one tensor"):
        load_tensors(tmp_path / "c.pth")
