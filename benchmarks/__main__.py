"""Command line: ``python -m benchmarks [-o DIR] [--only NAME …] [--sizes 512,1024] [--scalesim-limit SECONDS]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import report, sections


def sizes(text: str) -> list[int]:
    """Whole numbers of at least 32 with commas between them."""
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and 32 <= int(part) <= 65536 for part in parts):
        raise argparse.ArgumentTypeError(f"wanted numbers from 32 to 65536 such as 512,1024; got {text!r}")
    return sorted({int(part) for part in parts})


def seconds(text: str) -> float:
    """A number of seconds, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"wanted a number of seconds, 0 or more; got {text!r}")
    return value


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Speed of hwsim beside SCALE-Sim 3.0.0 and RTL simulation.",
        epilog="Example: python -m benchmarks --only gemm solver --sizes 512,1024")
    made.add_argument("-o", "--output", type=Path, default=Path("sim_results/benchmarks"), metavar="DIR",
                      help="folder of benchmarks.json, .md and .png, search.png and scalesim.json (%(default)s)")
    made.add_argument("--only", nargs="+", choices=list(sections.SECTIONS), default=list(sections.SECTIONS),
                      metavar="NAME", help=f"measure only some of {', '.join(sections.SECTIONS)}; the others are taken "
                                           "from the folder")
    made.add_argument("--sizes", type=sizes, default=[512, 1024, 2048], metavar="N,N,…",
                      help="GEMMs of N x N x N (512,1024,2048)")
    made.add_argument("--scalesim-limit", type=seconds, default=900.0, metavar="SECONDS",
                      help="most time for one SCALE-Sim case; 0: take stored figures only (%(default)s)")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Measure, then write the files; the table also goes to standard output."""
    asked = parser().parse_args(arguments)
    request = sections.Request(folder=asked.output, sizes=asked.sizes, scalesim_limit_s=asked.scalesim_limit,
                               say=lambda text: print(text, file=sys.stderr, flush=True))
    found = sections.run(asked.only, request)
    text = report.markdown(found)
    (asked.output / "benchmarks.md").write_text(text)
    if {"gemm", "scalesim"} <= set(found):
        from benchmarks.plot import figure

        figure(found, asked.output / "benchmarks.png")
    if "search" in found:
        from benchmarks.sweep_tables import search_figure

        search_figure(found["search"]["results"], asked.output / "search.png")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
