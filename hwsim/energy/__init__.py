"""Energy: what one action costs, with its source (`table`), and what a run's actions add up to (`account`)."""

from hwsim.energy.account import ActionCount, EnergyTree, of_bytes
from hwsim.energy.table import Cost, CostTable, Joules, load_costs, mux_bits, nanojoules, picojoules

__all__ = [
    "ActionCount",
    "Cost",
    "CostTable",
    "EnergyTree",
    "Joules",
    "load_costs",
    "mux_bits",
    "nanojoules",
    "of_bytes",
    "picojoules",
]
