"""What leaks or idles in caches and training: which parts there are, and that they cost by the second."""

from __future__ import annotations

import pytest

from hwsim.energy import EnergyTree
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.standing import inventory, standing
from hwsim.training.energy import standing_of
from hwsim.training.machine import TrainingMachine


def test_engines_of_a_cache_leak_by_what_they_are_built_of() -> None:
    experiment = KvExperiment.from_mapping({"workload": {"kv": "llama2-7b"}})
    machine = experiment.accelerator
    dense, decoded, skip = (inventory(machine, 128, 1, engine) for engine in ("dense", "decoded", "skip"))
    assert set(decoded) - set(dense) == {"decoders", "pruners"} and set(skip) - set(dense) == {"pruners"}
    assert skip["units"].um2 > dense["units"].um2 == decoded["units"].um2
    assert dense["block buffers"] == skip["block buffers"]
    assert dense["block buffers"].sram_bits == machine.units * machine.slots * 2 * 64 * 128 * 16


def test_leakage_and_idle_memory_grow_with_time_alone() -> None:
    experiment = KvExperiment.from_mapping({"workload": {"kv": "llama2-7b"}})
    once, twice = (EnergyTree.of(standing(experiment, "skip", cycles)) for cycles in (1e6, 2e6))
    assert twice.total == pytest.approx(2 * once.total, rel=1e-12)
    assert once.components["DRAM"] == pytest.approx(64 * 24e-3 * 1e6 / experiment.clock_hz, rel=1e-12)


def test_a_training_machine_leaks_in_all_of_its_engines() -> None:
    machine = TrainingMachine.preset("sat")
    tree = EnergyTree.of(standing_of(machine, 200_000_000))  # a second
    assert {"PE", "finish", "buffers", "line buffer", "SORE", "update", "DRAM"} == set(tree.components)
    assert tree.components["DRAM"] == pytest.approx(4 * 0.3264, rel=1e-9)
    assert tree.components["line buffer"] == pytest.approx(8 * machine.line_bytes * 10.3e-9, rel=1e-9)
