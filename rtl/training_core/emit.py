"""Verilog of the training core; what each port carries and the driver's duties in the header."""

from __future__ import annotations

from hwsim.training_core.config import TrainingCoreConfig
from rtl.nm_array.contract import contract as array_contract
from rtl.parts.stand_in import convert_parts
from rtl.sore.emit import contract as sore_contract
from rtl.training_core import layouts
from rtl.training_core.core import TrainingCore
from rtl.wuve.emit import contract as wuve_contract

NAME = "training_core"
"""Name of the top module, and what the names of its parts begin with."""


def convert(core: TrainingCore) -> str:
    """Verilog of that core, which is used up by this."""
    return convert_parts(core, NAME, core.config, contract(core.config))


def contract(config: TrainingCoreConfig) -> list[str]:
    """Lines that a user of the Verilog needs."""
    route, state = layouts.route(), layouts.state(config)
    lane = state.elem_shape
    return [
        "ports: d, a, w, q are the array's; h is WUVE's p, u its o; k is SORE's p, f and b its own.",
        f"  r__payload: {route.size} bits: " + ", ".join(
            f"{name} [{field.offset} +: {field.width}]" for name, field in route),
        f"  s__payload: {state.size} bits: " + ", ".join(
            f"{name} [{lane.size}*c + {field.offset} +: {field.width}]" for name, field in lane),
        "  r, where so many result beats of the array go: update 0 out at o, 1 into WUVE, each with a beat of s.",
        "  The beats of a tensor of WUVE are rows of a slice of columns, slice after slice, and so are SORE's slices.",
        "of the array:", *(f"  {line}" for line in array_contract(config.array)),
        "of WUVE (its i is made of the array's results and s):", *(f"  {line}" for line in wuve_contract(config.wuve)),
        "of SORE (its i is compute of u):", *(f"  {line}" for line in sore_contract(config.sore)),
    ]
