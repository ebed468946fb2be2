"""``hwsim formats``: sizes of the sparse formats, one format in detail, and arrays to bitmap files and back."""

from __future__ import annotations

import argparse
from typing import Any

from hwsim.cli.arguments import add_json, add_set, at_least, settings_of
from hwsim.cli.output import print_json, print_text
from hwsim.errors import InputError

LARGEST = 1 << 26
"""Most elements of the masks that are drawn."""
FILES = ("formats.txt", "formats.png", "formats.json")
_EXAMPLES = """\
Unstructured formats are measured on random masks of each density, N:M ratios at their own, blocks, groups and
constant fan-in on masks of their own structure. The arithmetic behind the break-even points is that of the mean mask.

examples:
  hwsim formats --density 0.5 0.25 0.1 --value-bits 8 --shape 1024x1024 -o out/formats
  hwsim formats --format mustafar --sparsity 0.7 --json
  hwsim formats --format mustafar --sparsity 0.7 --set tile=32 --set pad=4
  hwsim formats --encode weights.npy -o weights.hbm --set pad=8
  hwsim formats --decode weights.hbm -o back.npy
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Compare the sizes of sparse formats: bytes per element on actual random masks."
    parser.epilog = _EXAMPLES
    parser.add_argument("--density", type=float, nargs="+", default=[0.7, 0.5, 0.3, 0.1, 0.02], metavar="D",
                        help="fractions of non-zeros, 0 to 1 (default: 0.7 0.5 0.3 0.1 0.02)")  # fmt: skip
    parser.add_argument("--value-bits", type=int, metavar="BITS",
                        help="bits of a value (default: 8; with --format 16)")  # fmt: skip
    parser.add_argument("--shape", metavar="KxN",
                        help="of the weights (default: 1024x1024; tokens x channels 4096x128 of mustafar)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the masks (default: 0)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--format", metavar="NAME", help="one format in detail, as fractions of dense")
    what.add_argument("--encode", metavar="FILE.npy", help="write an array as a bitmap file")
    what.add_argument("--decode", metavar="FILE", help="check a bitmap file, say its size; with -o write the array")
    parser.add_argument("--sparsity", type=float, metavar="S", help="with --format: fraction of zeros, 0 to 1")
    add_set(parser, "parameters of the bitmap format: tile, pad, value_bits, offset_bits")
    parser.add_argument("-o", "--output", metavar="PATH",
                        help="folder of formats.txt, .png and .json; with --encode or --decode the file")  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    from hwsim.cli.formats_file import decode_file, encode_file
    from hwsim.cli.formats_one import one_format

    if arguments.settings and not (arguments.encode or arguments.format == "mustafar"):
        raise InputError("--set", "--encode or --format mustafar beside it", "neither")
    if arguments.sparsity is not None and not arguments.format:
        raise InputError("--sparsity", "--format beside it", "none")
    at_least("--seed", arguments.seed, 0)
    if arguments.value_bits is not None:
        at_least("--value-bits", arguments.value_bits, 1)
    if arguments.encode:
        return encode_file(arguments, settings_of(arguments.settings))
    if arguments.decode:
        return decode_file(arguments)
    if arguments.format:
        default = "4096x128" if arguments.format == "mustafar" else "1024x1024"
        shape = _shape(arguments.shape or default)
        return one_format(arguments, shape, settings_of(arguments.settings))
    return _compare(arguments, _shape(arguments.shape or "1024x1024"))


def _compare(arguments: argparse.Namespace, shape: tuple[int, int]) -> int:
    """The table of all formats, and its files."""
    from hwsim.cli.formats_table import comparison, table
    from hwsim.provenance import provenance

    for density in arguments.density:
        if not 0 <= density <= 1:
            raise InputError("--density", "0 to 1", density)
    value_bits = 8 if arguments.value_bits is None else arguments.value_bits
    rows, crossings = comparison(arguments.density, value_bits, shape, arguments.seed)
    inputs = {"densities": arguments.density, "value_bits": value_bits, "shape": list(shape)}
    data = {"formats": rows, "break_even": crossings, "provenance": provenance(inputs, seed=arguments.seed)}
    text = table(rows, crossings, value_bits, shape)
    if arguments.output:
        _write(arguments, text, data, value_bits, shape)
    if arguments.json:
        print_json(data)
    else:
        print_text(text)
    return 0


def _write(arguments: argparse.Namespace, text: str, data: dict[str, Any], value_bits: int,
           shape: tuple[int, int]) -> None:  # fmt: skip
    import json

    from hwsim.report.files import Staging
    from hwsim.sparsity.figure import formats_png

    with Staging(arguments.output, FILES, force=arguments.force) as staging:
        staging.write("formats.txt", f"{text}\n".encode())
        staging.write("formats.png", formats_png(value_bits, shape))
        staging.write("formats.json", (json.dumps(data, indent=2) + "\n").encode())


def _shape(text: str) -> tuple[int, int]:
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and 0 < len(part) < 10 for part in parts):
        raise InputError("--shape", "KxN, such as 1024x1024", text)
    k, n = int(parts[0]), int(parts[1])
    if not 0 < k * n <= LARGEST:
        raise InputError("--shape", f"1 to {LARGEST} elements", f"{text}, {k * n} elements")
    return k, n
