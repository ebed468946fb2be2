"""``hwsim formats``: sizes of the sparse formats on random masks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import add_json, at_least
from hwsim.cli.output import print_json, print_text
from hwsim.errors import InputError

if TYPE_CHECKING:
    from hwsim.sparsity.formats import FormatRow

LARGEST = 1 << 26
"""Most elements of the masks that are drawn."""
_EXAMPLES = """\
Unstructured formats are measured at each density, N:M ratios at their own.

example:
  hwsim formats --density 0.5 0.25 0.1 --value-bits 8 --shape 1024x1024 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Compare the sizes of sparse formats: bits per element on actual random masks."
    parser.epilog = _EXAMPLES
    parser.add_argument("--density", type=float, nargs="+", default=[0.5, 0.25, 0.125], metavar="D",
                        help="fractions of non-zeros, 0 to 1 (default: 0.5 0.25 0.125)")  # fmt: skip
    parser.add_argument("--value-bits", type=int, default=8, metavar="BITS", help="bits of a value (default: 8)")
    parser.add_argument("--shape", default="1024x1024", metavar="KxN", help="of the weights (default: 1024x1024)")
    parser.add_argument("--seed", type=int, default=0, help="of the masks (default: 0)")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    shape = _shape(arguments.shape)
    at_least("--value-bits", arguments.value_bits, 1)
    at_least("--seed", arguments.seed, 0)
    for density in arguments.density:
        if not 0 <= density <= 1:
            raise InputError("--density", "0 to 1", density)
    from hwsim.provenance import provenance
    from hwsim.sparsity.formats import formats_table

    rows = formats_table(arguments.density, arguments.value_bits, shape, arguments.seed)
    if not arguments.json:
        print_text(_table(rows, arguments.value_bits, shape))
        return 0
    inputs = {"densities": arguments.density, "value_bits": arguments.value_bits, "shape": list(shape)}
    print_json({"formats": [_row(row) for row in rows], "provenance": provenance(inputs, seed=arguments.seed)})
    return 0


def _shape(text: str) -> tuple[int, int]:
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and 0 < len(part) < 10 for part in parts):
        raise InputError("--shape", "KxN, such as 1024x1024", text)
    k, n = int(parts[0]), int(parts[1])
    if not 0 < k * n <= LARGEST:
        raise InputError("--shape", f"1 to {LARGEST} elements", f"{text}, {k * n} elements")
    return k, n


def _row(row: FormatRow) -> dict[str, Any]:
    return {
        "format": row.format,
        "density": row.density,
        "bits_per_element": row.bits_per_element,
        "ratio_to_dense": row.ratio_to_dense,
        "bits": row.bits.total,
    }


def _table(rows: list[FormatRow], value_bits: int, shape: tuple[int, int]) -> str:
    lines = [f"{value_bits}-bit values, K x N = {shape[0]} x {shape[1]}", ""]
    lines.append(f"{'format':<10} {'density':>8} {'bits/element':>13} {'of dense':>9}")
    for row in rows:
        numbers = f"{row.density:>8.4f} {row.bits_per_element:>13.3f} {row.ratio_to_dense:>9.3f}"
        lines.append(f"{row.format:<10} {numbers}")
    return "\n".join(lines)
