"""``hwsim trace``: one run as a timeline for Perfetto or chrome://tracing, and as a VCD for waveform viewers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hwsim.cli.arguments import add_json, add_set, at_least, settings_of
from hwsim.cli.families import FAMILIES
from hwsim.cli.output import print_json, print_text
from hwsim.errors import InputError
from hwsim.fields import one_of

if TYPE_CHECKING:
    from hwsim.trace.tracks import Trace

_EXAMPLES = """\
FAMILY alone is a random case, the one that 'hwsim verify' runs on the RTL by the same --seed, --configuration, --case
and --set. With --gemm, --workload or --experiment it is one layer of 'hwsim run', with its memory. 'llm MODEL' is a
step of 'hwsim llm', FILE.prog or FILE.asm a program. --from and --to are cycles; microseconds for programs and llm.
An experiment with several ratios is traced at its first; another: --set 'pruning.ratios=["2:8"]'.
Options that do not belong to the kind of run are refused.

examples:
  hwsim trace nm_array --gemm 64x256x64 --set rows=16 --set cols=16 --set n=2 --set m=4 -o out/trace
  hwsim trace nm_array --experiment examples/demo.toml --layer block15.dw --beats --to 5000 -o out/trace
  hwsim trace sore --seed 7 --case 3 -o out/trace
  hwsim trace llm llama2-7b --decode-at 144 --to 200 -o out/trace
  hwsim trace examples/attention.asm -o out/trace --formats perfetto

Open trace.json or trace.pftrace in ui.perfetto.dev, trace.vcd in GTKWave or Surfer; docs/trace.md says what is shown.
"""
FILES: Mapping[str, str] = {"json": "trace.json", "perfetto": "trace.pftrace", "vcd": "trace.vcd"}
"""By format: name of the file."""
EVENTS = 1_000_000
_LAYER, _CASE, _STEP, _PROGRAM = "a layer", "a random case", "llm", "a program"
_BELONGS: Mapping[str, str] = {
    **dict.fromkeys(("seed", "configuration", "case"), _CASE),
    **dict.fromkeys(("experiment", "gemm", "workload", "layer", "beats"), _LAYER),
    **dict.fromkeys(("preset", "prefill", "decode_at"), _STEP)}  # fmt: skip
"""By option: the one kind of run that has it."""
_SOURCE = "--experiment, --gemm or --workload beside it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Write the timeline of one run: what each process does in each cycle, and what it waits for."
    parser.epilog = _EXAMPLES
    parser.add_argument("what", metavar="WHAT", help=f"one of {', '.join(FAMILIES)}; llm; FILE.prog or FILE.asm")
    parser.add_argument("model", nargs="?", metavar="MODEL", help="with llm: a model's name, or a config.json")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help=f"write {', '.join(FILES.values())} there")
    parser.add_argument("--formats", default="json,vcd", help=f"some of {','.join(FILES)} (default: json,vcd)")
    parser.add_argument("--from", dest="begin", metavar="T", help="first cycle (programs: us) that is shown")
    parser.add_argument("--to", dest="end", metavar="T", help="where the shown part ends")
    parser.add_argument("--events", type=int, default=EVENTS, metavar="N",
                        help=f"most events in a file (default: {EVENTS:,})")
    parser.add_argument("--seed", type=int, help="of a random case (default: 0)")
    parser.add_argument("--configuration", type=int, metavar="K", help="its configuration's number (default: 0)")
    parser.add_argument("--case", type=int, metavar="K", help="its number (default: 0)")
    parser.add_argument("--experiment", metavar="FILE", help="a layer of this experiment, at its first ratio")
    parser.add_argument("--gemm", metavar="MxKxN", help="a matrix product by its shape")
    parser.add_argument("--workload", metavar="NAME", help="a layer of a network of the zoo")
    parser.add_argument("--layer", metavar="NAME", help="which layer")
    parser.add_argument("--beats", action="store_true", help="a layer by beats at the ports, not by tiles")
    parser.add_argument("--preset", help="with llm: board, assignment and compiler (default: u280)")
    parser.add_argument("--prefill", type=int, metavar="N", help="with llm: a prompt of N tokens")
    parser.add_argument("--decode-at", type=int, metavar="L", help="with llm: one token at a cache of L tokens")
    add_set(parser, "as for the command that runs the same; may be given many times")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run, write and print; exit status 1 when a program's token never comes."""
    from hwsim.llm.deadlock import ProgramDeadlock
    from hwsim.report.files import Staging

    at_least("--events", arguments.events, 1)
    asked = [one_of("--formats", name, FILES) for name in arguments.formats.split(",")]
    names = [FILES[name] for name in FILES if name in asked]
    try:
        with Staging(arguments.output, names, force=arguments.force) as staging:
            whole = _traced(arguments)
            trace = whole.part(_tick("--from", arguments.begin, whole), _tick("--to", arguments.end, whole))
            for name in names:
                staging.write(name, b"".join(_WRITERS[name](trace, arguments.events)))
    except ProgramDeadlock as deadlock:
        sys.stderr.write(f"hwsim: {deadlock}\n")
        return 1
    _show(trace, [str(Path(arguments.output) / name) for name in names], arguments.json)
    return 0


def _traced(arguments: argparse.Namespace) -> Trace:
    """The whole run that the arguments ask for."""
    from hwsim.cli import trace_runs

    settings = settings_of(arguments.settings)
    kind = _kind(arguments)
    _refuse_others(arguments, kind)
    if kind == _STEP:
        if arguments.model is None:
            raise InputError("trace llm", "MODEL behind it", "none")
        return trace_runs.step_trace(arguments, settings)
    if arguments.model is not None:
        raise InputError("trace", "MODEL only with llm", arguments.model)
    if kind == _PROGRAM:
        return trace_runs.file_trace(Path(arguments.what), settings)
    if kind == _CASE:
        seed, configuration, case = (at_least(f"--{name}", getattr(arguments, name) or 0, 0)
                                     for name in ("seed", "configuration", "case"))
        return trace_runs.case_trace(arguments.what, settings, seed, configuration, case)
    one_of("FAMILY of a layer", arguments.what, ["nm_array"])
    empty = {name: None for name in ("onnx", "weights", "name", "m_rows")}
    return trace_runs.layer_trace(argparse.Namespace(**{**empty, **vars(arguments)}))


def _kind(arguments: argparse.Namespace) -> str:
    """What the words ask for: a step of a language model, a program, a layer or a random case."""
    if arguments.what == "llm":
        return _STEP
    if arguments.what not in FAMILIES and Path(arguments.what).suffix in (".prog", ".asm"):
        return _PROGRAM
    one_of("WHAT", arguments.what, [*FAMILIES, "llm", "FILE.prog", "FILE.asm"])
    sources = (arguments.experiment, arguments.gemm, arguments.workload)
    return _CASE if all(source is None for source in sources) else _LAYER


def _refuse_others(arguments: argparse.Namespace, kind: str) -> None:
    """Refuse the options of other kinds of runs: they would change nothing."""
    for name, own in _BELONGS.items():
        given = getattr(arguments, name)
        if own == kind or given is None or given is False:
            continue
        bare = own == _LAYER and kind == _CASE
        raise InputError(f"trace --{name.replace('_', '-')}", _SOURCE if bare else f"{own} (not beside {kind})",
                         "none" if bare else given)


def _tick(place: str, text: str | None, trace: Trace) -> int | None:
    """A time as users write it: a cycle, or microseconds of a program."""
    if text is None:
        return None
    try:
        found = int(text) if trace.cycles else round(1e6 * float(text))
    except (ValueError, OverflowError):
        found = -1
    if found < 0:
        raise InputError(f"trace {place}", "a cycle" if trace.cycles else "a time in microseconds", text)
    return found


def _json(trace: Trace, limit: int) -> Iterator[bytes]:
    from hwsim.trace.chrome import chrome_trace

    return chrome_trace(trace, limit)


def _perfetto(trace: Trace, limit: int) -> Iterator[bytes]:
    from hwsim.trace.perfetto import perfetto_trace

    return perfetto_trace(trace, limit)


def _vcd(trace: Trace, limit: int) -> Iterator[bytes]:
    from hwsim.trace.vcd import vcd_file

    return vcd_file(trace, limit)


_WRITERS = dict(zip(FILES.values(), (_json, _perfetto, _vcd), strict=True))
"""By file: its pieces, from a trace and the most events."""


def _show(trace: Trace, files: list[str], as_json: bool) -> None:
    from hwsim.trace.table import trace_data, trace_text

    if as_json:
        print_json({**trace_data(trace), "files": files})
    else:
        print_text("\n".join([trace_text(trace), f"written: {', '.join(files)}"]))
