"""Configurations of the array: what is refused, what is derived; how settings fix and draw them."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.nm_array.config import NmArrayConfig
from hwsim.sparsity.ratio import DENSE, Ratio
from rtl.nm_array.cases import draw_case
from rtl.nm_array.random_configuration import RATIOS, draw_configuration


def draw(seed=0, **settings):
    return draw_configuration(settings, np.random.default_rng(seed))


@pytest.mark.parametrize("fields", [
    {"rows": 0}, {"cols": 257}, {"multipliers": 3}, {"tile_depth": 0}, {"o_depth": 255}, {"a_slots": 0},
    {"product_stages": 5}, {"dataflow": "is"}, {"data_type": "int4"}, {"ratios": ["3:4"]}, {"ratios": "2:4"},
    {"rows": 2.5}, {"shadow_weights": 1}, {"no_such_field": 1}])
def test_what_cannot_be_built_is_refused(fields):
    with pytest.raises(InputError):
        NmArrayConfig.from_mapping(fields)


@pytest.mark.parametrize("name", NmArrayConfig.presets)
def test_presets_are_written_and_read_back(name):
    config = NmArrayConfig.preset(name)
    assert NmArrayConfig.from_mapping(config.to_mapping()) == config


@pytest.mark.parametrize("multipliers", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("ratio", RATIOS)
def test_every_mode_keeps_all_multipliers_busy(multipliers, ratio):
    config = NmArrayConfig(multipliers=multipliers, ratios=(ratio,))
    for mode in config.modes:
        assert mode.slots == mode.groups * mode.ratio.n == multipliers * mode.steps
        assert mode.span == mode.groups * mode.ratio.m <= config.span
    assert config.mode_number(DENSE) == 0 and config.mode_number(ratio) == 1


def test_ratios_are_a_set():
    config = NmArrayConfig(ratios=("2:4", "2:8", "2:4", "1:1"))
    assert config.ratios == (Ratio(2, 8), Ratio(2, 4)) == NmArrayConfig(ratios=("2:8", "2:4")).ratios


def test_drawn_configurations_are_legal_and_differ():
    drawn = [draw(seed) for seed in range(300)]
    assert len({config.digest() for config in drawn}) > 290
    for field, least in (("rows", 12), ("cols", 12), ("multipliers", 5), ("dataflow", 3), ("a_slots", 8),
                         ("w_slots", 8), ("q_slots", 8), ("shadow_weights", 2), ("product_stages", 5)):
        assert len({getattr(config, field) for config in drawn}) == least, field
    assert {ratio for config in drawn for ratio in config.ratios} == set(RATIOS)


def test_fixed_fields_stay_and_the_others_do_not_change():
    free, fixed = draw(3), draw(3, cols=4, product_stages=2)
    assert fixed == free.replace(cols=4, product_stages=2)
    for seed in range(100):
        assert draw(seed, o_depth=3).o_depth == 3 and draw(seed, tile_depth=30).tile_depth == 30


def test_n_and_m_choose_the_ratio():
    assert draw(n=2, m=8).ratios == (Ratio(2, 8),) and draw(n=4, m=4).ratios == ()
    assert draw(n=2, m=8, ratios=["2:8", "1:2"]).ratios == (Ratio(2, 8), Ratio(1, 2))


def test_a_preset_fixes_everything():
    assert draw(preset="small-4x4", rows=2) == NmArrayConfig.preset("small-4x4", rows=2)


@pytest.mark.parametrize("settings", [
    {"n": 2}, {"m": 8}, {"n": 3, "m": 8}, {"n": 8, "m": 2}, {"n": "2", "m": 8}, {"n": 2, "m": 8, "ratios": ["1:2"]},
    {"rows": 0}, {"rows": "three"}, {"tile_depth": "x"}, {"colls": 3}, {"preset": "none"}, {"o_depth": 0}])
def test_illegal_settings_are_refused(settings):
    with pytest.raises(InputError):
        draw(**settings)


@pytest.mark.parametrize("beats", [0, -1, 17, 10**20, 1.5, "x"])
def test_a_case_of_passes_that_the_array_cannot_run_is_refused(beats):
    config = NmArrayConfig.preset("small-4x4")
    with pytest.raises(InputError, match=r"tiling\.beats: wanted"):
        draw_case(config, {"tiling": {"beats": beats}}, np.random.default_rng(1))
