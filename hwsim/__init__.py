"""Co-design toolkit for sparse accelerators: the simulator, and its API for Python programs.

    import hwsim

    experiment = hwsim.load_experiment("examples/gemm.toml")
    outcome = hwsim.run_experiment(experiment)
    print(outcome.table())

Names are imported when they are first used: ``import hwsim`` alone loads nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hwsim.cli.simulate import run_experiment
    from hwsim.config import Configuration
    from hwsim.energy import EnergyTree, load_costs
    from hwsim.errors import InputError
    from hwsim.experiment import Experiment, load_experiment
    from hwsim.memory import Dram, Sram
    from hwsim.nm_array.config import NmArrayConfig
    from hwsim.report.outcome import Outcome
    from hwsim.sparsity.ratio import Ratio
    from hwsim.workload import Operator, Workload

__all__ = [
    "Configuration",
    "Dram",
    "EnergyTree",
    "Experiment",
    "InputError",
    "NmArrayConfig",
    "Operator",
    "Outcome",
    "Ratio",
    "Sram",
    "Workload",
    "__version__",
    "load_costs",
    "load_experiment",
    "run_experiment",
]

_HOMES = {
    "Configuration": "hwsim.config",
    "Dram": "hwsim.memory",
    "EnergyTree": "hwsim.energy",
    "Experiment": "hwsim.experiment",
    "InputError": "hwsim.errors",
    "NmArrayConfig": "hwsim.nm_array.config",
    "Operator": "hwsim.workload",
    "Outcome": "hwsim.report.outcome",
    "Ratio": "hwsim.sparsity.ratio",
    "Sram": "hwsim.memory",
    "Workload": "hwsim.workload",
    "load_costs": "hwsim.energy",
    "load_experiment": "hwsim.experiment",
    "run_experiment": "hwsim.cli.simulate",
}


def __getattr__(name: str) -> Any:
    """Import a public name on its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hwsim' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
