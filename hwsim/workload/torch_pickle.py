"""PyTorch checkpoints (.pth, .pt, .bin) without PyTorch and without running what they hold.

A checkpoint is a pickle, which may call any function on loading. Trick, *allow-list unpickling*: only the handful of
names that a table of plain tensors needs are resolved, to stand-ins of this file; every other name is refused. Both
containers are read: the legacy one (pickles in a row, then raw storages) and the zip of PyTorch >= 1.6.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
_DTYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8", "IntStorage": "<i4",
    "ShortStorage": "<i2", "CharStorage": "<i1", "ByteStorage": "<u1", "BoolStorage": "?", "BFloat16Storage": "<u2",
}  # fmt: skip
_BROKEN = (
    pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error,
    zipfile.BadZipFile, OverflowError, MemoryError, UnicodeDecodeError, NotImplementedError, RecursionError,
)  # fmt: skip


class _Refused(Exception):
    """The pickle names something that plain tensors do not need."""


@dataclass
class _Storage:
    """Flat data of one or more tensors; ``data`` comes after the pickle was read."""

    kind: str
    key: str
    elements: int
    data: NDArray | None = None


@dataclass
class _Tensor:
    """A strided window on a storage (sizes and strides in elements)."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self) -> NDArray:
        data = self.storage.data
        if data is None or len(self.size) != len(self.stride) or min(self.offset, 0, *self.size, *self.stride) < 0:
            raise ValueError("tensor without data or with bad strides")
        last = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        if 0 not in self.size and last >= len(data):
            raise ValueError("tensor larger than its storage")
        steps = tuple(step * data.itemsize for step in self.stride)
        view = np.lib.stride_tricks.as_strided(data[self.offset :], self.size, steps, writeable=False)
        if self.storage.kind == "BFloat16Storage":
            return (view.astype(np.uint32) << 16).view(np.float32)
        return np.array(view, order="C")


def _rebuild_tensor(storage: _Storage, offset: int, size: tuple, stride: tuple, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(size), tuple(stride))


def _rebuild_parameter(tensor: _Tensor, *_: Any) -> _Tensor:
    return tensor


class _TensorUnpickler(pickle.Unpickler):
    """Unpickler that knows tensors, storages and ordered dictionaries, nothing else."""

    def __init__(self, file: BinaryIO):
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
            ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
        }
        if module == "torch" and name in _DTYPES:
            return name
        if (module, name) not in known:
            raise _Refused(f"{module}.{name}")
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or pid[1] not in _DTYPES:
            raise ValueError("unknown persistent object")
        return self.storages.setdefault(str(pid[2]), _Storage(pid[1], str(pid[2]), int(pid[4])))


def load_tensors(path: str | Path) -> dict[str, NDArray]:
    """All tensors of a checkpoint by name; nested dictionaries give names joined by dots. bfloat16 becomes float32.

    ``InputError`` when the file is missing, is not a checkpoint, is cut short, or names code that tensors do not need.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(str(file), "an existing file", "no such file")
    try:
        with file.open("rb") as stream:
            root = _read_zip(stream) if zipfile.is_zipfile(stream) else _read_legacy(stream)
        tensors: dict[str, NDArray] = {}
        _collect("", root, tensors)
    except _Refused as error:
        raise InputError(str(file), "a checkpoint of plain tensors", f"a pickle that asks for {error}") from None
    except _BROKEN as error:
        raise InputError(str(file), "a whole PyTorch checkpoint", f"{type(error).__name__}: {error}") from None
    if not tensors:
        raise InputError(str(file), "a checkpoint with at least one tensor", "none")
    return tensors


def _read_legacy(stream: BinaryIO) -> Any:
    stream.seek(0)
    for expected in (_LEGACY_MAGIC, _LEGACY_VERSION):
        if _TensorUnpickler(stream).load() != expected:
            raise ValueError("neither a zip nor a legacy checkpoint")
    _TensorUnpickler(stream).load()  # sizes of C types on the writer's machine: always the standard ones
    unpickler = _TensorUnpickler(stream)
    root = unpickler.load()
    for key in _TensorUnpickler(stream).load():
        storage = unpickler.storages[key]
        (elements,) = struct.unpack("<q", stream.read(8))
        _fill(storage, stream.read(elements * np.dtype(_DTYPES[storage.kind]).itemsize) if elements >= 0 else b"")
    return root


def _read_zip(stream: BinaryIO) -> Any:
    with zipfile.ZipFile(stream) as archive:
        entries = [name for name in archive.namelist() if name.split("/")[-1] == "data.pkl"]
        if not entries:
            raise ValueError("a zip without data.pkl")
        folder = entries[0].removesuffix("data.pkl")
        unpickler = _TensorUnpickler(io.BytesIO(archive.read(entries[0])))
        root = unpickler.load()
        for storage in unpickler.storages.values():
            _fill(storage, archive.read(f"{folder}data/{storage.key}"))
    return root


def _fill(storage: _Storage, raw: bytes) -> None:
    dtype = np.dtype(_DTYPES[storage.kind])
    if len(raw) < storage.elements * dtype.itemsize:
        raise ValueError(f"storage {storage.key} is cut short")
    storage.data = np.frombuffer(raw, dtype=dtype, count=storage.elements)


def _collect(prefix: str, node: Any, tensors: dict[str, NDArray]) -> None:
    if isinstance(node, _Tensor):
        tensors[prefix or "tensor"] = node.array()
    elif isinstance(node, dict):
        for key, child in node.items():
            _collect(f"{prefix}.{key}" if prefix else str(key), child, tensors)
