"""Runs the cocotb test of the bench in a simulator that was built before: stimuli in, transfers out, quiet."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cocotb_tools.check_results import get_results

import rtl
from rtl.bench.transfers import Port, Stimulus, Transfers, checked

_LOG_LINES = 30
# Rewriting assertions compiles every imported module anew at every start.
_ENVIRONMENT = {"COCOTB_LOG_LEVEL": "WARNING", "COCOTB_REWRITE_ASSERTION_FILES": ""}


def import_path() -> str:
    """The folder that has to be importable inside the simulator for its test module to be found."""
    return str(Path(rtl.__file__).parents[1])


def run_cocotb(
    runner: Any, build_dir: Path, top: str, ports: tuple[Port, ...], stimuli: Sequence[Stimulus],
    activity: Path | None = None,
) -> list[Transfers]:
    """All cases in one run of the simulator.

    Args:
        runner: of cocotb, for the simulator.
        build_dir: with the compiled device.
        top: its module.
        ports: of it.
        stimuli: the cases.
        activity: where to put the trace that a device built for it writes; without, none is written.

    Raises:
        RuntimeError: the simulator or the test in it failed; the message ends with the last lines of the log.
    """
    ready = checked(stimuli, ports)
    with tempfile.TemporaryDirectory(prefix="hwsim-bench-") as folder:
        given, got, log = Path(folder, "stimuli.pickle"), Path(folder, "transfers.pickle"), Path(folder, "log.txt")
        given.write_bytes(pickle.dumps((ports, ready)))
        failure = _failure(
            runner,
            hdl_toplevel=top,
            build_dir=build_dir,
            test_dir=folder,
            results_xml=str(Path(folder, "results.xml")),
            extra_env=_ENVIRONMENT | {"HWSIM_BENCH_IN": str(given), "HWSIM_BENCH_OUT": str(got)},
            log_file=log,
            test_args=["--trace", "--trace-file", str(activity)] if activity else [],
        )
        if failure or not got.is_file():
            raise RuntimeError(f"{top}: the simulation failed ({failure or 'no transfers'}){last_lines(log)}")
        transfers: list[Transfers] = pickle.loads(got.read_bytes())
    return transfers


def _failure(runner: Any, **options: Any) -> str:
    """Run the test; what went wrong, or an empty text."""
    runner.log.disabled = True
    try:
        results = runner.test(test_module="rtl.bench.cocotb_bench", hdl_toplevel_lang="verilog", **options)
        ran, failed = get_results(results)
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {error}"
    return f"{ran} tests ran, {failed} failed" if ran != 1 or failed else ""


def last_lines(log: Path) -> str:
    """The end of a log for an error message."""
    if not log.is_file():
        return ""
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "".join(os.linesep + "  " + line for line in lines)
