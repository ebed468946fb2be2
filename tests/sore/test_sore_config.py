"""Configurations of SORE: what is refused, what is derived, how settings fix and draw them; its account."""

import numpy as np
import pytest

from hwsim.energy import EnergyTree
from hwsim.errors import InputError
from hwsim.sore.account import action_counts
from hwsim.sore.config import SoreConfig
from hwsim.sore.model import beat_network
from hwsim.sore.slices import Slice
from hwsim.sparsity.ratio import DENSE, Ratio
from rtl.sore.cases import draw_case
from rtl.sore.random_configuration import RATIOS, draw_configuration


def draw(seed=0, **settings):
    return draw_configuration(settings, np.random.default_rng(seed))


@pytest.mark.parametrize("fields", [
    {"lanes": 0}, {"lanes": 12}, {"lanes": 512}, {"lanes": 8, "ratios": ["1:16"]}, {"ratios": ["3:4"]},
    {"ratios": ["1:32"]}, {"ratios": "2:4"}, {"data_type": "fp32"}, {"o_depth": 1}, {"p_slots": 0},
    {"most_rows": 0}, {"rows": 5}])
def test_what_cannot_be_built_is_refused(fields):
    with pytest.raises(InputError):
        SoreConfig.from_mapping(fields)


@pytest.mark.parametrize("name", SoreConfig.presets)
def test_presets_are_written_and_read_back(name):
    config = SoreConfig.preset(name)
    assert SoreConfig.from_mapping(config.to_mapping()) == config


def test_modes_are_numbered_dense_first_and_order_and_repeats_do_not_matter():
    config = SoreConfig(lanes=16, ratios=("2:8", "1:16", "2:8", "1:1"))
    assert config.modes == (DENSE, Ratio(1, 16), Ratio(2, 8)) and config == SoreConfig(lanes=16, ratios=("1:16", "2:8"))
    assert (config.group, config.kept, config.index_bits) == (16, 2, 4)
    assert [config.mode_number(ratio) for ratio in config.modes] == [0, 1, 2]
    with pytest.raises(InputError, match="one of 1:1, 1:16, 2:8"):
        config.mode_number(Ratio(2, 4))


def test_settings_fix_and_draw():
    assert draw(preset="small-8", lanes=12) == SoreConfig.preset("small-8", lanes=12)
    assert draw(n=2, m=8).ratios == (Ratio(2, 8),) and draw(n=1, m=1).ratios == ()
    assert draw(rows=5000).most_rows == 5000
    assert {config.group for config in (draw(seed, lanes=12) for seed in range(40))} == {2, 4}
    assert {config.kept for config in (draw(seed, o_depth=2) for seed in range(40))} == {1, 2}
    drawn = [draw(seed) for seed in range(300)]
    assert {ratio for config in drawn for ratio in config.ratios} == set(RATIOS)
    assert {config.data_type for config in drawn} == {"fp16", "bf16"} and max(c.lanes for c in drawn) == 32
    assert any(config.o_depth == config.kept for config in drawn)
    for settings in ({"n": 2}, {"n": 2, "m": 4, "ratios": ["1:4"]}, {"preset": "none"}, {"lane": 4},
                     {"ratios": 5}, {"ratios": "2:4"}, {"ratios": {}}, {"ratios": [5]}, {"ratios": [["2:4"]]}):
        with pytest.raises(InputError):
            draw(**settings)


@pytest.mark.parametrize("settings", [{"stalls": 3}, {"stalls": {"x": 0.1}}, {"stalls": {"p": 1}}, {"values": "odd"},
                                      {"rows": 0}, {"rows": 1.5}, {"slices": True}])
def test_what_no_case_can_have_is_refused(settings):
    with pytest.raises(InputError):
        draw_case(SoreConfig.preset("small-8"), settings, np.random.default_rng(1))


def test_slices_of_different_engines_and_none_at_all_are_refused():
    parts = [Slice(config=SoreConfig(lanes=lanes), ratio=DENSE, bits=np.zeros((1, lanes), np.uint16))
             for lanes in (8, 16)]
    for slices in (parts, []):
        with pytest.raises(InputError, match="slices"):
            beat_network(slices)


def test_the_account_by_hand():
    """One whole group of 2:4 and a ragged one, 4 lanes, forward only: 8 steps, 2 groups, 4 beats."""
    config = SoreConfig(lanes=4, ratios=("2:4",), o_depth=8)
    part = Slice(config=config, ratio=Ratio(2, 4), bits=np.zeros((5, 4), np.uint16), backward=False)
    counts = {(c.component, c.action): c.count for c in action_counts([part])}
    slot = 16 + 2
    assert counts["intake", "row write"] == 8 * 4 * 16
    assert counts["sorters f", "compare"] == 8 * 4 * 2 * 15
    assert counts["sorters f", "slots write"] == 8 * 4 * 2 * (slot + 1 + 2)
    assert counts["sorters f", "drain write"] == (2 + 4) * 4 * 2 * slot
    assert counts["queue f", "write"] == counts["queue f", "read"] == 4 * (4 * slot + 2)
    assert not any(count for (component, _), count in counts.items() if component.endswith("b"))
    assert counts["transposer", "crossing"] == 0 and EnergyTree.of(action_counts([part])).total > 0


def test_the_account_of_both_directions_has_the_transposer():
    config = SoreConfig(lanes=8, ratios=("2:8",), o_depth=8)
    both = Slice(config=config, ratio=Ratio(2, 8), bits=np.zeros((16, 8), np.uint16))
    counts = {(c.component, c.action): c.count for c in action_counts([both])}
    assert counts["transposer", "crossing"] == 2 * 3 * 16 * 8 * 16
    assert counts["transposer", "write"] == counts["transposer", "read"] == 16 * 8 * 16
    assert all(counts["sorters f", action] == counts["sorters b", action]
               for action in ("compare", "slots write", "drain write"))
