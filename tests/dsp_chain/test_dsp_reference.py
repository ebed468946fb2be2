"""Configurations, work, reference and account: what is refused, and values against brute force."""

import itertools

import numpy as np
import pytest

from hwsim.dsp_chain.account import action_counts
from hwsim.dsp_chain.components import COMPONENTS, AnyComponent, configuration_class
from hwsim.dsp_chain.config import BLOCK_SIZES, ChainConfig, MpuConfig, possible_n
from hwsim.dsp_chain.reference import sums_of, totals_of
from hwsim.dsp_chain.work import Block, Column, pack_block, same_device
from hwsim.energy import EnergyTree
from hwsim.errors import InputError
from rtl.dsp_chain.cases import draw_block, draw_case
from rtl.dsp_chain.family import DspChainFamily

SMALL = MpuConfig(vpus=2, length=8, m=4, group_length=2)


@pytest.mark.parametrize("fields", [
    {"m": 3}, {"m": 32}, {"length": 20}, {"length": 128}, {"group_length": 3}, {"group_length": 9}, {"a_slots": 0},
    {"length": 32, "group_length": 0}, {"legal_n": [3]}, {"legal_n": [4, 2]}, {"legal_n": []}, {"legal_n": [0, 2]},
    {"legal_n": [1], "group_length": 4}, {"input_stages": 2}, {"o_depth": 0}, {"vpus": 2}, {"component": "pe"},
    {"component": "mpu", "vpus": 0}, {"component": "mpu", "lanes": 2}])
def test_what_cannot_be_built_is_refused(fields):
    with pytest.raises(InputError):
        AnyComponent.from_mapping(fields)


def test_an_n_whose_sub_chain_is_no_whole_number_of_groups_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"legal_n.*2 DSPs, in whole groups of 4") as caught:
        ChainConfig(length=32, m=16, group_length=4, legal_n=(1, 16))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["chain", "mpu"])
def test_configurations_are_written_and_read_back(name):
    kind = configuration_class(name)
    assert name in COMPONENTS
    for preset in kind.presets:
        config = AnyComponent.from_mapping({"component": name, "preset": preset})
        assert AnyComponent.from_mapping(config.to_mapping()) == config and config.component == name
    config = kind.from_mapping({"legal_n": [2, 16], "o_depth": 3})
    assert AnyComponent.from_mapping(config.to_mapping()) == config and config.modes == (2, 16)


@pytest.mark.parametrize("m", BLOCK_SIZES)
def test_possible_n_by_definition(m):
    for length, group in itertools.product(range(m, 65, m), range(1, 9)):
        if length % group == 0:
            wanted = [n for n in range(1, m + 1) if m % n == 0 and (n * length // m) % group == 0]
            assert list(possible_n(length, group, m)) == wanted and wanted[-1] == m
            assert ChainConfig(length=length, group_length=group, m=m).lanes == m // wanted[0]


def test_settings_fix_and_draw():
    family, drawn = DspChainFamily(), set()
    for seed in range(60):
        config = family.configuration({"component": ("chain", "mpu")[seed % 2]}, np.random.default_rng(seed))
        drawn.add((config.component, config.m))
    assert drawn == set(itertools.product(("chain", "mpu"), BLOCK_SIZES))
    for fixed in ({"length": 12}, {"length": 64}, {"group_length": 7}, {"m": 8, "group_length": 5}, {"length": 2}):
        for seed in range(10):  # the others are drawn so that they fit
            config = family.configuration({"component": "chain", **fixed}, np.random.default_rng(seed))
            assert all(getattr(config, key) == value for key, value in fixed.items())
    preset = family.configuration({"component": "mpu", "preset": "small-2x8", "vpus": 3}, np.random.default_rng(1))
    assert preset == MpuConfig.preset("small-2x8", vpus=3)


@pytest.mark.parametrize("settings", [{"n": 3}, {"n": 8}, {"mode": "mx"}, {"columns": 0}, {"values": "odd"},
                                      {"slices": 1.5}, {"stalls": {"x": 0.1}}])
def test_a_case_that_does_not_fit_is_refused(settings):
    with pytest.raises(InputError):
        draw_case(SMALL, settings, np.random.default_rng(1))


def brute_totals(config, column, held):
    """(chains, 2, m) of a column, product by product."""
    totals = np.zeros((config.chains, 2, config.m), np.int64)
    for block in column.blocks:
        held = block.activations if block.activations is not None else held
        for chain, row, o in itertools.product(range(config.chains), range(2), range(config.m)):
            if block.single and row:
                continue
            weights = block.weights[chain if block.single else 0, o]
            indices = block.indices[chain if block.single else 0, o]
            x = held[0 if block.single else chain, row]
            for b, s in itertools.product(range(config.blocks), range(block.n)):
                place = s if block.n == config.m else int(indices[b, s])
                totals[chain, row, o] += int(weights[b, s]) * int(x[b * config.m + place])
    return totals, held


@pytest.mark.parametrize("single", [False, True], ids=["MM", "MV"])
def test_totals_against_brute_force(single):
    rng = np.random.default_rng(single)
    columns = [Column(blocks=[draw_block(SMALL, n, single, kind, i != 1, rng) for i, n in enumerate(ns)])
               for ns, kind in (((4, 1, 2), "any"), ((2, 2), "extreme"))]
    held = None
    for column, totals, sums in zip(columns, totals_of(columns), sums_of(columns), strict=True):
        wanted, held = brute_totals(SMALL, column, held)
        assert totals.dtype == np.int32 and (totals == wanted).all() and (np.sum(sums, axis=0) == wanted).all()
        assert not single or not totals[:, 1].any()


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_pruned_matrix_is_multiplied_as_numpy_does(n):
    rng, rows = np.random.default_rng(n), np.random.default_rng(9).integers(-128, 128, (2, 2, 8)).astype(np.int8)
    dense = rng.integers(-128, 128, (4, 2, 4))
    np.put_along_axis(dense, rng.permuted(np.tile(np.arange(4), (4, 2, 1)), axis=2)[:, :, n:], 0, axis=2)
    dense = dense.reshape(4, 8).astype(np.int8)
    weights, indices = pack_block(SMALL, dense, n)
    column = Column(blocks=[Block(config=SMALL, weights=weights[None], indices=indices[None], activations=rows)])
    assert (totals_of([column])[0] == rows.astype(np.int64) @ dense.T.astype(np.int64)).all()
    assert n == 4 or (dense.reshape(4, 2, 4) != 0).sum(2).max() == n
    for wrong in ({"n": 3}, {"dense": dense[:3]}, {"n": 1, "dense": np.ones((4, 8), np.int8)}):
        with pytest.raises(InputError):
            pack_block(**{"config": SMALL, "dense": dense, "n": n, **wrong})


def test_work_refuses_what_does_not_fit():
    rng = np.random.default_rng(1)
    good, held = draw_block(SMALL, 2, False, "any", True, rng), draw_block(SMALL, 2, False, "any", False, rng)
    row = draw_block(SMALL, 2, True, "any", False, rng)
    fields = {"config": SMALL, "weights": good.weights, "indices": good.indices, "activations": good.activations}
    for change in ({"weights": good.weights[:, :, :, :1]}, {"weights": good.weights.astype(np.int16)},
                   {"weights": np.repeat(good.weights, 2, 3)[..., :3]}, {"indices": good.indices + np.uint8(4)},
                   {"indices": good.indices[:, :3]}, {"activations": good.activations[:1]}, {"single": True}):
        with pytest.raises(InputError):
            Block(**(fields | change))
    for blocks in ([], [good, row]):
        with pytest.raises(InputError):
            Column(blocks=blocks)
    other = draw_block(SMALL.replace(vpus=3), 2, False, "any", True, rng)
    for columns in ([], [Column(blocks=[held])], [Column(blocks=[good]), Column(blocks=[row])],
                    [Column(blocks=[good]), Column(blocks=[other])]):
        with pytest.raises(InputError):
            same_device(columns)


def test_the_account_by_hand():
    """One dense block on 4 DSPs, one output group; MV uses one row of two."""
    config = ChainConfig(length=4, m=4, group_length=4)
    rng = np.random.default_rng(1)
    counts = {}
    for single in (False, True):
        column = Column(blocks=[draw_block(config, 4, single, "any", True, rng)])
        counts[single] = {(c.component, c.action): c.count for c in action_counts([column])}
    mm = counts[False]
    assert mm["dsp", "multiply-accumulate"] == 2 * 16 and counts[True]["dsp", "multiply-accumulate"] == 16
    assert mm["mux", "choose"] == 4 * 4 * 3 * 16 and mm["nodes", "add"] == 4
    assert mm["operands", "registers"] == 4 * (4 * 10 + 24 * (1 + 2 + 3 + 4))
    assert mm["nodes", "registers"] == 4 * config.sum_bits * 4 and mm["weights queue", "read"] == 16 * 10
    assert mm["dsp", "registers"] == 4 * 4 * (24 + 35 + 45 + 48) and mm["slices queue", "write"] == 64
    assert mm["results queue", "write"] == 8 * config.sum_bits
    unit = Column(blocks=[draw_block(SMALL, 1, False, "any", True, rng)])
    adds = {(c.component, c.action): c.count for c in action_counts([unit])}
    assert adds["accumulators", "add"] == 16 and adds["accumulators", "read"] == 16 * 32
    assert EnergyTree.of(action_counts([unit])).total > 0
