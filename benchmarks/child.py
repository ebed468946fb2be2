"""Run a command with a limit of time and of memory, and say what it used."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a finished child used. ``stopped``: it ran into the limit of time."""

    returncode: int
    wall_s: float
    cpu_s: float           # user + system
    peak_bytes: int        # largest resident set, of the forked copy of this process at least
    stopped: bool
    said: str              # end of its error output


def _limited(memory_bytes: int) -> None:
    """In the child, before the command: address space of at most ``memory_bytes`` (0: no limit)."""
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def run_child(command: Sequence[str], *, folder: Path | None = None, limit_s: float = 600.0, memory_bytes: int = 0,
              environment: Mapping[str, str] | None = None) -> Used:
    """Run ``command``; its process group ends with it or at the limit.

    Args:
        command: program and arguments.
        folder: working folder.
        limit_s: wall seconds after which it is stopped.
        memory_bytes: most address space, 0 for no limit.
        environment: variables in place of this process's.
    """
    begun = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             start_new_session=True, preexec_fn=lambda: _limited(memory_bytes))
    os.set_blocking(child.stderr.fileno(), False)
    said, stopped = b"", False
    while True:
        said = (said + (child.stderr.read() or b""))[-2000:]
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if not stopped and time.perf_counter() - begun > limit_s:
            os.killpg(child.pid, signal.SIGKILL)
            stopped = True
        time.sleep(0.01)
    wall = time.perf_counter() - begun
    said = (said + (child.stderr.read() or b""))[-2000:]
    child.stderr.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return Used(returncode=child.returncode, wall_s=wall, cpu_s=usage.ru_utime + usage.ru_stime,
                peak_bytes=usage.ru_maxrss * unit, stopped=stopped, said=said.decode(errors="replace"))
