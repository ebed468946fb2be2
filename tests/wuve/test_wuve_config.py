"""Configurations of WUVE: what is refused, how settings fix and draw them; its account."""

import numpy as np
import pytest

from hwsim.energy import EnergyTree
from hwsim.errors import InputError
from hwsim.wuve.account import action_counts
from hwsim.wuve.config import WuveConfig
from hwsim.wuve.update import Hyperparameters, update_of
from rtl.wuve.cases import draw_case
from rtl.wuve.random_configuration import draw_configuration


def draw(seed=0, **settings):
    return draw_configuration(settings, np.random.default_rng(seed))


@pytest.mark.parametrize("fields", [
    {"lanes": 0}, {"lanes": 300}, {"data_type": "fp32"}, {"multiply_stages": 5}, {"add_stages": -1},
    {"round_stages": 3}, {"flush": 1}, {"most_beats": 0}, {"p_slots": 65}, {"o_depth": 0}, {"rate": 1}])
def test_what_cannot_be_built_is_refused(fields):
    with pytest.raises(InputError):
        WuveConfig.from_mapping(fields)


@pytest.mark.parametrize("name", WuveConfig.presets)
def test_presets_are_written_and_read_back(name):
    config = WuveConfig.preset(name)
    assert WuveConfig.from_mapping(config.to_mapping()) == config


def test_settings_fix_and_draw():
    assert draw(preset="small-1", lanes=2) == WuveConfig.preset("small-1", lanes=2)
    assert draw(1, add_stages=3) == draw(1).replace(add_stages=3)
    assert draw(beats=70000).most_beats == 70000
    drawn = [draw(seed) for seed in range(200)]
    for name, values in (("multiply_stages", 5), ("add_stages", 5), ("round_stages", 3), ("flush", 2), ("lanes", 4)):
        assert len({getattr(config, name) for config in drawn}) == values
    for settings in ({"preset": "none"}, {"lane": 4}):
        with pytest.raises(InputError):
            draw(**settings)


@pytest.mark.parametrize("settings", [{"stalls": {"f": 0.1}}, {"values": "odd"}, {"beats": 0}, {"tensors": 0},
                                      {"beats": 300}, {"tensors": 1.5}])
def test_what_no_case_can_have_is_refused(settings):
    with pytest.raises(InputError):
        draw_case(WuveConfig.preset("small-1"), settings, np.random.default_rng(1))


def test_the_account_by_hand():
    """Seven weights in two beats of four lanes: eight elements; 2 registers a product, 4 a sum, 1 a rounding."""
    config = WuveConfig(lanes=4, o_depth=32)
    zeros = np.zeros(7, np.float32)
    counts = action_counts([update_of(config, Hyperparameters(learning_rate=0.1), zeros.astype(np.uint16), zeros,
                                      zeros)])
    found = {(c.component, c.action): c.count for c in counts}
    assert found["units", "scale gradient"] == 8
    assert found["units", "multiply"] == found["units", "add"] == 3 * 8
    assert found["registers", "operands write"] == 8 * 81
    assert found["registers", "momentum write"] == 8 * 32 * (4 + (2 + 4 + 1))
    assert found["registers", "weight write"] == 8 * 32 * ((2 + 4 + 4 + 2) + 1)
    assert found["result queue", "write"] == found["result queue", "read"] == 2 * (4 * 80 + 1)
    assert EnergyTree.of(counts).total > 0
