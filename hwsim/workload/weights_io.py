"""A user's own weights: ``load_weights("model.safetensors")`` gives matrices B ``(groups, K, N)`` by name, float32.

* ``.npy`` holds one array, ``.npz`` one or many, or one SciPy sparse matrix (``scipy.sparse.save_npz``, made dense);
* ``.safetensors`` (extra ``safetensors``; float16 and bfloat16 become float32);
* ``.onnx`` (extra ``onnx``): the weights of the imported operators.

A 2-D array is a linear layer. Frameworks store it as (out, in) = (N, K), so ``layout="nk"`` is the default and it is
transposed; ``layout="kn"`` says that it is (K, N) already. A 4-D array is a convolution (OIHW, one group unless
``groups`` names another number for it) and becomes a matrix with K in the order of ``im2col``.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .geometry import conv_weight_matrix

SUFFIXES = (".npy", ".npz", ".safetensors", ".onnx")
_BROKEN = (  # what NumPy's, SciPy's and zipfile's readers raise on damaged files (found by damaging files at random)
    ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile, zlib.error, struct.error, SyntaxError, TokenError,
    NotImplementedError, RuntimeError, MemoryError, OverflowError,
)  # fmt: skip


def load_weights(
    path: str | Path, *, layout: str = "nk", other: str = "refuse", groups: Mapping[str, int] | None = None,
    dims: Mapping[str, int] | None = None,
) -> dict[str, NDArray[np.float32]]:  # fmt: skip
    """Weight matrices ``(groups, K, N)`` of a file, by array name.

    Args:
        path: a file with one of ``SUFFIXES``.
        layout: order of 2-D arrays: ``"nk"`` (out, in) or ``"kn"`` (in, out). Not used for ``.onnx``.
        other: what to do with arrays that are neither 2-D nor 4-D (biases, norms): ``"refuse"`` or ``"skip"``.
        groups: groups of convolutions by array name (depthwise: its number of channels); 1 where not given.
        dims: values of open dimensions of an ``.onnx`` file.

    Raises:
        InputError: missing, empty, truncated or foreign file; array not numeric, of another rank, empty, or with NaN
            or infinity (the first position is named).
    """
    file = Path(path)
    for place, value, allowed in (("layout", layout, ("nk", "kn")), ("other", other, ("refuse", "skip"))):
        if value not in allowed:
            raise InputError(f"{file}: {place}", " or ".join(allowed), value)
    if file.suffix not in SUFFIXES:
        raise InputError(str(file), "a file named " + ", ".join(f"*{suffix}" for suffix in SUFFIXES), file.name)
    if not file.is_file():
        raise InputError(str(file), "an existing file", "no such file")
    if file.stat().st_size == 0:
        raise InputError(str(file), "weights", "an empty file")
    if file.suffix == ".onnx":
        from .onnx_import import import_onnx

        matrices = import_onnx(file, dims=dims, unsupported="traffic")[1]
        return {name: _checked(f"{file}: {name}", array) for name, array in matrices.items()}
    arrays = _read_safetensors(file) if file.suffix == ".safetensors" else _read_numpy(file)
    found = _matrices(file, arrays, layout, other, dict(groups or {}))
    if not found:
        raise InputError(str(file), "at least one weight matrix", f"arrays {', '.join(arrays) or 'none'}")
    return found


def _matrices(
    file: Path, arrays: dict[str, NDArray], layout: str, other: str, groups: dict[str, int]
) -> dict[str, NDArray[np.float32]]:
    for name in groups:
        if name not in arrays:
            raise InputError(f"{file}: groups", "names of arrays of this file", name)
    found = {}
    for name, array in arrays.items():
        if array.ndim not in (2, 4) and other == "skip":
            continue
        place = f"{file}: array {name}"
        checked = _checked(place, array)
        if array.ndim == 2:
            found[name] = np.ascontiguousarray(checked.T if layout == "nk" else checked)[None]
        elif array.ndim == 4:
            found[name] = conv_weight_matrix(checked, groups.get(name, 1))
        else:
            raise InputError(place, "2 dimensions (or 4: OIHW)", f"shape {array.shape}")
    return found


def _checked(place: str, array: NDArray) -> NDArray[np.float32]:
    """The array as float32: numeric, not empty, finite."""
    if array.dtype.kind not in "biuf":
        raise InputError(place, "numbers", f"dtype {array.dtype}")
    if array.size == 0:
        raise InputError(place, "at least one element", f"shape {array.shape}")
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(index) for index in np.unravel_index(int(np.argmax(bad)), array.shape))
        raise InputError(f"{place}[{', '.join(map(str, where))}]", "a finite number", str(array[where]))
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise InputError(place, "numbers within float32", f"{np.abs(array).max()}")
    return values


def _read_numpy(file: Path) -> dict[str, NDArray]:
    """Arrays of an .npy or .npz; pickled objects are never loaded."""
    try:
        with file.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {file.stem: loaded}
            arrays = {name: loaded[name] for name in loaded.files}
    except _BROKEN as error:
        given = "something else" if "pickle" in str(error) else str(error)  # NumPy's advice would be to trust it
        raise InputError(str(file), "a whole NumPy file of numbers", given) from None
    return {file.stem: _dense(file)} if {"format", "shape", "data"} <= arrays.keys() else arrays


def _dense(file: Path) -> NDArray:
    from scipy import sparse

    try:
        return sparse.load_npz(file).toarray()
    except (*_BROKEN, IndexError, TypeError) as error:
        raise InputError(str(file), "a whole SciPy sparse matrix", str(error)) from None


def _read_safetensors(file: Path) -> dict[str, NDArray]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise InputError(str(file), "the package: pip install safetensors", "not installed") from None
    try:
        with safe_open(file, framework="numpy") as opened:
            names = list(opened.keys())
            kinds = {name: opened.get_slice(name).get_dtype() for name in names}
            half = [name for name in names if kinds[name] == "BF16"]
            arrays = {name: opened.get_tensor(name) for name in names if name not in half}
    except (SafetensorError, TypeError, *_BROKEN) as error:
        raise InputError(str(file), "a whole safetensors file", str(error)) from None
    return arrays | {name: _bfloat16(file, name) for name in half}


def _bfloat16(file: Path, name: str) -> NDArray[np.float32]:
    """A bfloat16 tensor, widened: NumPy has no such type, and it is the upper half of a float32."""
    import json

    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        entry = json.loads(stream.read(length))[name]
        begin, end = entry["data_offsets"]
        stream.seek(8 + length + begin)
        raw = np.frombuffer(stream.read(end - begin), dtype="<u2")
    return (raw.astype(np.uint32) << 16).view(np.float32).reshape(entry["shape"])
