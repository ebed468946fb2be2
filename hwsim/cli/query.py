"""``hwsim query``: SQL over the points of a sweep."""

from __future__ import annotations

import argparse
import csv
import io
import math
from decimal import Decimal
from typing import Any

from hwsim.cli.arguments import add_json
from hwsim.cli.output import print_json, print_text
from hwsim.errors import InputError

_EXACT = 2**53
"""Floats below it hold every whole number."""
_EXAMPLES = """\
The table is called points, a row each. Names of columns have dots in them, so they stand in double quotes; without SQL
the columns are listed.

examples:
  hwsim query out/sweep
  hwsim query out/sweep 'SELECT count(*) FROM points WHERE feasible'
  hwsim query out/sweep 'SELECT point, proven, "proof.date", "proof.parts" FROM points WHERE proven IS NOT NULL'
  hwsim query out/sweep 'SELECT point, "metric.edp_joule_seconds" FROM points WHERE "metric.multipliers" <= 1000 ORDER BY 2 LIMIT 1' --json
"""  # noqa: E501


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Ask the points of a sweep in SQL."
    parser.epilog = _EXAMPLES
    parser.add_argument("folder", metavar="DIR", help="folder of 'hwsim sweep'")
    parser.add_argument("sql", metavar="SQL", nargs="?", default="DESCRIBE points", help="DuckDB's SQL")
    parser.add_argument("--csv", action="store_true", help="print CSV on standard output, and nothing else")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask and print."""
    from hwsim.cli.packages import needed

    needed("duckdb", "pyarrow")
    from hwsim.sweep.query import query

    if arguments.csv and arguments.json:
        raise InputError("query", "--csv or --json", "both")
    names, rows = query(arguments.folder, arguments.sql)
    if arguments.json:
        print_json([dict(zip(names, map(_plain, row), strict=True)) for row in rows])
    elif arguments.csv:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([names, *([_plain(value) for value in row] for row in rows)])
        print_text(text.getvalue())
    else:
        print_text(table_text(names, rows))
    return 0


def _plain(value: Any) -> Any:
    """What JSON can hold; counts, which the table keeps as floats, as whole numbers."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, str)) or value is None else str(value)


def table_text(names: list[str], rows: list[tuple[Any, ...]]) -> str:
    """Columns under their names, numbers to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    right = [bool(rows) and all(isinstance(row[place], (int, float)) or row[place] is None for row in rows)
             for place in range(len(names))]  # fmt: skip
    lines = [[cell.rjust(width) if number else cell.ljust(width)
              for cell, width, number in zip(row, widths, right, strict=True)] for row in (names, *cells)]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _cell(value: Any) -> str:
    """Six significant digits; whole numbers whole."""
    if value is None:
        return "-"
    if not isinstance(value, float) or not math.isfinite(value):
        return " ".join(str(value).split())
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.6g}" if 1e-3 <= abs(value) < 1e6 else f"{value:.6g}"
