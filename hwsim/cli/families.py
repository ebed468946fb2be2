"""Accelerator families by name, and their configurations from ``--set`` words."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from hwsim.fields import one_of

FAMILIES: Mapping[str, str] = {
    "nm_array": "hwsim.nm_array.config:NmArrayConfig",
    "sore": "hwsim.sore.config:SoreConfig",
    "wuve": "hwsim.wuve.config:WuveConfig",
    "training_core": "hwsim.training_core.config:TrainingCoreConfig",
    "bitmap_decoder": "hwsim.bitmap_decoder.components:AnyComponent",
    "dsp_chain": "hwsim.dsp_chain.components:AnyComponent",
}
"""By name: module and class of the configuration, imported when it is asked for."""


def configuration(family: str, settings: Mapping[str, Any]) -> Any:
    """Configuration of a family; `InputError` for a family or a key that is not known."""
    module, _, name = FAMILIES[one_of("FAMILY", family, FAMILIES)].partition(":")
    return getattr(import_module(module), name).from_mapping(settings, family)
