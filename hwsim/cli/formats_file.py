"""``hwsim formats --encode`` and ``--decode``: arrays to bitmap files and back, every byte checked."""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path
from typing import Any

from hwsim.cli.output import print_json, print_text
from hwsim.errors import InputError


def encode_file(arguments: argparse.Namespace, settings: dict[str, Any]) -> int:
    """Encode an .npy file, tiles along its last axis."""
    import numpy as np

    from hwsim.report.files import write_file
    from hwsim.sparsity.bitmap import encode_bitmap
    from hwsim.sparsity.bitmap_bytes import to_bytes
    from hwsim.sparsity.mustafar import BitmapFormat

    if not arguments.output:
        raise InputError("--output", "the file to write", "none")
    raw = _read(arguments.encode)
    try:
        array = np.load(BytesIO(raw), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(arguments.encode, "an .npy file of one array", str(error)) from None
    if not isinstance(array, np.ndarray):
        raise InputError(arguments.encode, "an .npy file of one array", "an .npz archive")
    given = {"value_bits": 8 * array.dtype.itemsize} if array.dtype.itemsize in (1, 2) else {}
    form = BitmapFormat.from_mapping({**given, **settings}, "--set")
    code = encode_bitmap(array, (form.tile,), form.pad, form.offset_bits, arguments.encode)
    data = to_bytes(code, form.value_bits, arguments.encode)
    write_file(arguments.output, data, force=arguments.force)
    return _say(arguments, code, form.value_bits, len(data))


def decode_file(arguments: argparse.Namespace) -> int:
    """Check a bitmap file, say what is in it, and write the array where ``-o`` is given."""
    import numpy as np

    from hwsim.report.files import write_file
    from hwsim.sparsity.bitmap_bytes import from_bytes, stored_bits

    data = _read(arguments.decode)
    code = from_bytes(data, arguments.decode)
    if arguments.output:
        buffer = BytesIO()
        np.save(buffer, code.decode(), allow_pickle=False)
        write_file(arguments.output, buffer.getvalue(), force=arguments.force)
    return _say(arguments, code, stored_bits(data), len(data))


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise InputError(name, "a readable file", error.strerror or str(error)) from None


def _say(arguments: argparse.Namespace, code: Any, value_bits: int, size: int) -> int:
    bits = code.bits(value_bits)
    elements = 1
    for length in code.shape:
        elements *= length
    dense = max(elements * value_bits, 1)
    found = {
        "shape": list(code.shape), "tile": list(code.tile), "pad": code.pad, "value_bits": value_bits,
        "offset_bits": code.offset_bits, "non_zeros": int(code.counts.sum()), "file_bytes": size,
        "ratio": bits.total / dense, "values": bits.values / dense, "bitmap": bits.metadata / dense,
        "offsets": bits.pointers / dense,
    }  # fmt: skip
    if arguments.json:
        print_json(found)
    else:
        print_text("\n".join(f"{name:<12}{value}" for name, value in found.items()))
    return 0
