"""What is there, whatever it does: the silicon whose leakage costs by the second."""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.energy.account import ActionCount, held
from hwsim.energy.units import Seconds


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """Logic by its area (um2 at 40 to 45 nm, as the cost table has it) and memories by their bits."""

    um2: float = 0.0
    sram_bits: float = 0.0

    def __add__(self, other: Inventory) -> Inventory:
        return Inventory(um2=self.um2 + other.um2, sram_bits=self.sram_bits + other.sram_bits)

    def times(self, number: float) -> Inventory:
        """So many of them."""
        return Inventory(um2=number * self.um2, sram_bits=number * self.sram_bits)

    def held(self, component: str, time: Seconds) -> list[ActionCount]:
        """Its leakage over a time."""
        return [held(component, what, pieces, time, cost)
                for what, pieces, cost in (("leakage of logic", self.um2, "leakage.logic"),
                                           ("leakage of SRAM", self.sram_bits, "leakage.sram")) if pieces]
