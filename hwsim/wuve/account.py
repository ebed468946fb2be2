"""What updates cost in actions: multiplications, additions, register moves, queue accesses. Energy prices them."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.config import shared
from hwsim.energy import ActionCount, Inventory, load_costs, of_bytes
from hwsim.wuve import timing
from hwsim.wuve.config import WuveConfig
from hwsim.wuve.update import Update

RESULT_BITS = 32 + 32 + 16
SMALLEST_SRAM, LARGEST_SRAM = 64, 64 << 20
"""Range of the cost table (bytes); a smaller queue is priced as the smallest, which overstates it."""


def action_counts(updates: Sequence[Update]) -> list[ActionCount]:
    """Actions of updates on one engine; every lane of every beat works. Not counted: rounding to 16 bits, control,
    the registers inside the floating-point units, and the memory that operands come from and results go to.
    """
    config = shared("updates", updates)
    elements = sum(update.beats for update in updates) * config.lanes
    carried = _carried(config)
    counts = [ActionCount(component="units", action="scale gradient", count=elements, cost="multiply.fp16"),
              ActionCount(component="units", action="multiply", count=3 * elements, cost="multiply.fp32"),
              ActionCount(component="units", action="add", count=3 * elements, cost="add.fp32")]
    counts += [ActionCount(component="registers", action=f"{what} write", count=bits * elements, cost="register.write")
               for what, bits in carried.items()]
    beat_bytes = (config.lanes * RESULT_BITS + 1) / 8
    capacity = int(min(max(config.o_depth * beat_bytes, SMALLEST_SRAM), LARGEST_SRAM))
    return counts + [of_bytes("result queue", action, elements // config.lanes * beat_bytes, cost="sram",
                              capacity_bytes=capacity) for action in ("write", "read")]


def inventory(config: WuveConfig) -> Inventory:
    """The engine's silicon: multipliers, adders and pipelines of all lanes, the result queue. Not counted: control."""
    area = load_costs().area
    lane = (area("multiply.fp16") + 3 * area("multiply.fp32") + 3 * area("add.fp32")
            + sum(_carried(config).values()) * area("register"))
    return Inventory(um2=config.lanes * lane, sram_bits=config.o_depth * (config.lanes * RESULT_BITS + 1))


def _carried(config: WuveConfig) -> dict[str, int]:
    """Bits of a lane's registers that carry operands and results past the units."""
    momentum, weight, end = timing.momentum_at(config), timing.weight_at(config), timing.pipeline(config)
    return {"operands": 16 + 32 + 32 + 1, "momentum": 32 * (config.add_stages + end - momentum),
            "weight": 32 * (weight - config.add_stages + end - weight)}
