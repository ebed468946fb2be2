"""The families that can be verified."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from hwsim.config import one_of
from rtl.verify.family import Family

FAMILIES: Mapping[str, str] = {
    "nm_array": "rtl.nm_array.family:NmArrayFamily",
    "sore": "rtl.sore.family:SoreFamily",
    "wuve": "rtl.wuve.family:WuveFamily",
    "training_core": "rtl.training_core.family:TrainingCoreFamily",
    "bitmap_decoder": "rtl.bitmap_decoder.family:BitmapDecoderFamily",
    "dsp_chain": "rtl.dsp_chain.family:DspChainFamily",
}
"""By name: module and class of the family, imported when it is asked for."""


def find_family(name: str) -> Family[Any]:
    """The family of that name, or `InputError` with the list of names."""
    module, _, attribute = FAMILIES[one_of("family", name, FAMILIES)].partition(":")
    family: Family[Any] = getattr(import_module(module), attribute)()
    return family
