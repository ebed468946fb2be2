"""Whole workloads: sums, bounds, repeatability, refusals."""

import json

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.memory import Dram
from hwsim.nm_array.config import NmArrayConfig
from hwsim.sparsity.ratio import Ratio
from hwsim.workload import zoo
from mappers.network import simulate_network

DRAM = Dram.preset("ddr4-2400-x64")
CONFIG = NmArrayConfig(rows=16, cols=16, tile_depth=128, o_depth=256)


@pytest.fixture(scope="module")
def workload():
    return zoo.build("resnet9")


def ratios(workload, ratio):
    return {op.name: ratio for op in workload if op.has_weights and op.k >= 32}


def simulate(workload, ratio=None, **options):
    chosen = ratios(workload, ratio) if ratio else {}
    return simulate_network(workload, CONFIG, ratios=chosen, dram=DRAM, clock_hz=200e6, **options)


def test_a_network_is_the_sum_of_its_layers(workload):
    result = simulate(workload, Ratio(2, 8))
    assert [layer.name for layer in result.layers] == [operator.name for operator in workload]
    assert result.cycles == sum(layer.cycles for layer in result.layers)
    assert result.energy.total == pytest.approx(sum(layer.energy.total for layer in result.layers), rel=1e-12)
    for layer in result.layers:
        assert layer.cycles >= layer.bound_cycles >= layer.best_bound_cycles > 0
        assert all(sum(split.values()) == layer.cycles for split in layer.stalls.values())
        assert 0 <= layer.utilization <= 1


def test_fewer_kept_weights_take_fewer_cycles(workload):
    results = [simulate(workload, ratio) for ratio in (None, Ratio(2, 4), Ratio(2, 8))]
    dense, half, quarter = (result.cycles for result in results)
    assert dense > half > quarter
    busy = [sum(layer.stalls["compute"]["busy"] for layer in result.layers if layer.macs) for result in results]
    assert 1 < busy[0] / busy[1] <= 2 and 1 < busy[1] / busy[2] <= 2


def test_the_same_inputs_give_the_same_bytes(workload):
    first, second = (json.dumps(simulate(workload, Ratio(2, 4)).to_dict(), sort_keys=True) for _ in range(2))
    assert first == second


def test_weights_that_break_the_ratio_are_refused(workload):
    name = next(iter(ratios(workload, Ratio(2, 4))))
    weights = {name: np.ones(workload[name].weight_shape, np.float32)}
    with pytest.raises(InputError, match=f"{name} group at .*at most 2 non-zeros of 4"):
        simulate(workload, Ratio(2, 4), weights=weights)


def test_a_ratio_for_an_unknown_operator_is_refused(workload):
    with pytest.raises(InputError, match="ratios: wanted operators of .*, got nothing"):
        simulate_network(workload, CONFIG, ratios={"nothing": Ratio(2, 4)}, dram=DRAM, clock_hz=200e6)


def test_progress_names_each_operator(workload):
    seen = []
    simulate(workload, progress=lambda done, total, name: seen.append((done, total, name)))
    assert [name for _, _, name in seen] == [operator.name for operator in workload]
