"""``hwsim report``: a sweep as one self-contained HTML page, and as figures of paper quality."""

from __future__ import annotations

import argparse
from pathlib import Path

from hwsim.cli.arguments import add_json
from hwsim.cli.output import print_json, print_text
from hwsim.errors import InputError

_SUFFIXES = {"-o": (".html", ".htm"), "--pdf": (".pdf",), "--png": (".png",)}
"""A name says what is in the file."""
_EXAMPLES = """\
The page needs no network and no server: open it in a browser, send it by mail. The figures show the same fronts.

examples:
  hwsim report results/sweep -o report.html
  hwsim report results/sweep -o report.html --pdf report.pdf --png report.png --force
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Show a sweep: interactive HTML page, PDF, PNG."
    parser.epilog = _EXAMPLES
    parser.add_argument("folder", metavar="DIR", help="folder of a sweep ('hwsim sweep')")
    parser.add_argument("-o", "--output", metavar="FILE.html", help="the page (default: DIR/report.html)")
    parser.add_argument("--pdf", metavar="FILE.pdf", help="the figures as vectors, too")
    parser.add_argument("--png", metavar="FILE.png", help="the figures as pixels, too")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Read the dataset, then write each file."""
    from hwsim.report.files import write_file
    from hwsim.report.html.data import report_data
    from hwsim.report.html.page import page

    output = Path(arguments.output or Path(arguments.folder) / "report.html")
    figures = {kind: Path(name) for kind in ("pdf", "png") if (name := getattr(arguments, kind)) is not None}
    for option, file in {"-o": output, **{f"--{kind}": file for kind, file in figures.items()}}.items():
        if file.suffix.lower() not in _SUFFIXES[option]:
            raise InputError(option, f"a name that ends in {' or '.join(_SUFFIXES[option])}", file.name)
        if file.exists() and not arguments.force:
            wanted = "a name that is not taken (or --force to replace what is there)"
            raise InputError(str(file), wanted, "an existing file")
    data = report_data(arguments.folder)
    written = {output: page(data).encode()}
    if figures:
        from hwsim.report.html.figures import figure_bytes

        written |= {file: figure_bytes(data, kind) for kind, file in figures.items()}
    for file, content in written.items():
        write_file(file, content, force=arguments.force)
    counts = {"points": data["count"], "on_fronts": sum(data["front"]), "failed": data["failed"]["count"]}
    if arguments.json:
        print_json({**counts, "files": {str(file): len(content) for file, content in written.items()}})
        return 0
    said = "{points:,} points, {on_fronts:,} on fronts, {failed:,} failed".format_map(counts)
    print_text("\n".join([said, *(f"{file}: {len(content):,} bytes" for file, content in written.items())]))
    return 0
