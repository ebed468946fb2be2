"""Verilog of the N:M array, its repeated parts converted once."""

from __future__ import annotations

from hwsim.nm_array.config import NmArrayConfig
from rtl.nm_array.array import NmArray
from rtl.nm_array.contract import contract
from rtl.parts.stand_in import convert_parts

NAME = "nm_array"
"""Name of the top module, and what the names of the parts begin with."""


def emit_nm_array(config: NmArrayConfig) -> str:
    """Verilog of the array: module ``nm_array`` first, then its parts; ports as `rtl.nm_array.array.NmArray`.

    The header tells the bits of each payload and the driver's duties (`rtl.nm_array.contract`).
    """
    return convert(NmArray(config))


def convert(array: NmArray) -> str:
    """Verilog of that array, which is used up by this."""
    return convert_parts(array, NAME, array.config, contract(array.config))
