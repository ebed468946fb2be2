"""Finds the command, runs it, and turns every failure into an exit status and one line on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from hwsim import __version__
from hwsim.cli.arguments import ArgumentParser
from hwsim.errors import InputError
from hwsim.fields import nearest

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("hwsim.cli.run", "one workload on one accelerator and its baselines: table, JSON, figure"),
    "verify": ("hwsim.cli.verify", "the RTL against the cycle model: values and the cycle of every transfer"),
    "trace": ("hwsim.cli.trace", "one run as a timeline for Perfetto and waveform viewers: who waits for whom"),
    "rtl": ("hwsim.cli.rtl", "Verilog of an accelerator"),
    "synth": ("hwsim.cli.synth", "FPGA resources of an accelerator, component by component"),
    "power": ("hwsim.cli.power", "what an accelerator's gates spend: switching activity of its cases, priced"),
    "accuracy": ("hwsim.cli.accuracy", "what N:M sparse training costs in accuracy (needs PyTorch)"),
    "llm": ("hwsim.cli.llm", "a language model on the accelerator that runs programs: one step, or a generation"),
    "prune": ("hwsim.cli.prune", "a trained network to N:M blocks and few bits within a budget, by three methods"),
    "formats": ("hwsim.cli.formats", "sizes of the sparse formats"),
    "reproduce": ("hwsim.cli.reproduce", "published figures beside ours"),
    "energy": ("hwsim.cli.energy", "where a result's joules come from, and what holds over the range of the costs"),
    "gpu": ("hwsim.cli.gpu", "the same products on GPUs: a model calibrated on published times"),
    "sweep": ("hwsim.cli.sweep", "every point of a design space, or a search in it: a table of results"),
    "query": ("hwsim.cli.query", "SQL over the points of a sweep"),
    "report": ("hwsim.cli.report", "a sweep as one interactive HTML page, as PDF and PNG"),
    "zoo": ("hwsim.cli.zoo", "the known networks and their operators"),
}
"""Command: (module with ``configure(parser)`` and ``execute(arguments) -> status``, what it does)."""

OK, CHECK_FAILED, BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141
"""Exit statuses. 130 and 141 are what a shell reports for a process ended by Ctrl-C or by a closed pipe."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status and never raises for bad input, Ctrl-C or a closed pipe."""
    try:
        status = _status(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return status
    except KeyboardInterrupt as stopped:
        # Where Ctrl-C fell into an exec() of text (dataclasses do that on import), CPython remembers it as unhandled
        # and kills itself with SIGINT at exit. The next exec() of text forgets it.
        exec("")
        return _failed(str(stopped) or "interrupted", INTERRUPTED)
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except InputError as error:
        return _failed(str(error), BAD_INPUT)
    except MemoryError as error:
        return _failed(f"memory: wanted a workload that fits, got {_one_line(error) or 'no room'}", BAD_INPUT)
    except OSError as error:
        place = error.filename or "standard output"
        _silence_stdout()
        return _failed(f"{place}: wanted a place that can be read or written, got {error.strerror or error}", BAD_INPUT)


def _status(argv: list[str]) -> int:
    try:
        return _dispatch(argv)
    except SystemExit as stop:  # --help and --version of argparse
        return stop.code if isinstance(stop.code, int) else OK


def _dispatch(argv: list[str]) -> int:
    if argv and argv[0] in COMMANDS:
        module: ModuleType = import_module(COMMANDS[argv[0]][0])
        parser = ArgumentParser(prog=f"hwsim {argv[0]}")
        module.configure(parser)
        return int(module.execute(parser.parse_args(argv[1:])))
    if argv and not argv[0].startswith("-"):
        raise InputError("COMMAND", f"one of {', '.join(COMMANDS)}{nearest(argv[0], COMMANDS)}", argv[0])
    if argv:
        _top_parser().parse_args(argv)
    raise InputError("COMMAND", f"one of {', '.join(COMMANDS)} (see hwsim --help)", "none")


def _top_parser() -> ArgumentParser:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name.ljust(width)}  {what}" for name, (_, what) in COMMANDS.items())
    parser = ArgumentParser(
        prog="hwsim",
        usage="hwsim COMMAND ...",
        description="Co-design toolkit for sparse accelerators.",
        epilog=f"commands:\n{listed}\n\n'hwsim COMMAND --help' says more, with an example.\n\n"
        "exit status: 0 done, 1 a check failed, 2 bad input (one line says which), 130 interrupted",
    )
    parser.add_argument("command", metavar="COMMAND", choices=list(COMMANDS), help="one of the commands below")
    parser.add_argument("--version", action="version", version=f"hwsim {__version__}")
    return parser


def _failed(line: str, status: int) -> int:
    text = f"hwsim: {' '.join(line.split())}\n"
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        pass  # nobody is left to be told
    return status


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _silence_stdout() -> None:
    """Point standard output at nothing, so that the interpreter's own flush at exit says nothing either."""
    try:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
        os.close(sink)
    except (OSError, ValueError, AttributeError):
        pass  # standard output is no file (a test's buffer)
