"""Cycles of the engines against their own beat networks; bytes of an update."""

import random

import numpy as np
import pytest
from training_cases import RATIO, small_machine, tiny_workload

from hwsim.sore.config import SoreConfig
from hwsim.sore.model import beat_network as sore_network
from hwsim.sore.slices import column_slices
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.training.stages import training_stages
from hwsim.training.update import form_bytes, generate, sore_cycles, update, wuve_cycles
from hwsim.wuve.config import WuveConfig
from hwsim.wuve.model import beat_network as wuve_network
from hwsim.wuve.update import Hyperparameters, update_of


@pytest.mark.parametrize("seed", range(10))
def test_sore_takes_the_cycles_of_its_network(seed):
    draw = random.Random(seed)
    config = SoreConfig(lanes=16, ratios=(Ratio(2, 4), Ratio(2, 8), Ratio(2, 16), Ratio(1, 4)))
    k, n, ratio = draw.randint(1, 90), draw.randint(1, 60), draw.choice(config.ratios)
    print(f"seed {seed}: {k} x {n} at {ratio}")
    network = sore_network(column_slices(config, np.zeros((k, n), np.uint16), ratio))
    assert sore_cycles(config, k, n, ratio) == network.solve().cycles


@pytest.mark.parametrize("weights", [1, 8, 100, 1001])
def test_wuve_takes_the_cycles_of_its_network(weights):
    config = WuveConfig(lanes=8)
    zeros = np.zeros(weights, np.float32)
    one = update_of(config, Hyperparameters(learning_rate=0.1), np.zeros(weights, np.uint16), zeros, zeros)
    assert wuve_cycles(config, weights) == wuve_network([one]).solve().cycles


def stage_of(layer, ratio):
    return next(stage for stage in training_stages(tiny_workload(1), ratio, batch_norm=True)
                if (stage.layer, stage.part) == (layer, "WU"))


def test_bytes_of_an_update():
    machine = small_machine()
    weights = 72 * 12
    dense = update(machine, stage_of("second", DENSE), pregenerate=True)
    late = update(machine, stage_of("second", RATIO), pregenerate=False)
    early = update(machine, stage_of("second", RATIO), pregenerate=True)
    kept = {"weight gradients": 2 * weights, "master weights": 8 * weights, "momentum": 8 * weights}
    assert dense.moved == late.moved == {**kept, "weights": 2 * weights}
    form = weights // 2 * 18 // 8  # 2:4 keeps half, each 16 bits and a position of 2
    assert form_bytes(weights, RATIO) == form
    assert early.moved == {**kept, "weights": 2 * form}
    online = generate(machine, stage_of("second", RATIO))
    assert online.moved == {"weights": 2 * weights + form}
    assert early.engine >= late.engine and early.engine >= online.engine == online.sore == early.sore
    assert late.sore == dense.sore == 0


def test_slow_engines_set_the_pace():
    fast, slow = (small_machine(wuve=WuveConfig(lanes=lanes)) for lanes in (64, 1))
    stage = stage_of("second", DENSE)
    assert update(fast, stage, pregenerate=True).cycles == update(fast, stage, pregenerate=True).dram
    assert update(slow, stage, pregenerate=True).cycles == wuve_cycles(slow.wuve, stage.weights)
