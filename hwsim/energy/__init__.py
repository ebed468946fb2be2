"""Energy: what one action costs, with its source (`table`), and what a run's actions add up to (`account`)."""

from hwsim.energy.account import ActionCount, EnergyTree, held, of_bytes
from hwsim.energy.inventory import Inventory
from hwsim.energy.table import Cost, CostTable, load_costs, mux_bits
from hwsim.energy.technology import EnergyChoice, logic_factor, technologies
from hwsim.energy.units import Joules, Seconds, Watts, duration, mean_power, nanojoules, picojoules, spent

__all__ = [
    "ActionCount",
    "Cost",
    "CostTable",
    "EnergyChoice",
    "EnergyTree",
    "Inventory",
    "Joules",
    "Seconds",
    "Watts",
    "duration",
    "held",
    "load_costs",
    "logic_factor",
    "mean_power",
    "mux_bits",
    "nanojoules",
    "of_bytes",
    "picojoules",
    "spent",
    "technologies",
]
