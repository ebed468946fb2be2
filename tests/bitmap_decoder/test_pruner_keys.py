"""Keys in the pruner: the tiles of the KV cache's own encoder, groups, times of the transposing memory, account."""

import numpy as np
import pytest

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.query import Block
from hwsim.bitmap_decoder.components import AnyComponent
from hwsim.bitmap_decoder.format import unpack_values
from hwsim.bitmap_decoder.pruner import timing
from hwsim.bitmap_decoder.pruner.account import pruner_counts
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.model import pruner_network
from hwsim.bitmap_decoder.pruner.reference import keep_mask, prune, pruned, records
from hwsim.bitmap_decoder.pruner.vectors import Batch, keep_of
from hwsim.energy import EnergyTree
from hwsim.errors import InputError
from hwsim.kv.cache import CacheConfig, LayerCache
from hwsim.sparsity.mustafar import BitmapFormat

KEYS = PrunerConfig(side="keys")
TINY = PrunerConfig(tile=8, lanes=4, pad=2, beat_values=4, data_type="int8", length=12, side="keys")


def tiles(jobs):
    """Bitmaps in bytes and stored values of jobs, one after the other."""
    return np.packbits(np.concatenate([job.bitmaps for job in jobs]), axis=1), np.concatenate([j.values for j in jobs])


@pytest.mark.parametrize("sparsity", [0.5, 0.7])
def test_the_tiles_are_those_of_a_compressed_cache(sparsity):
    """Two groups of 64 tokens, appended to a cache token by token."""
    dense = np.random.default_rng(1).standard_normal((128, 128)).astype(np.float16)
    cache = LayerCache(CacheConfig(key_sparsity=sparsity, window=0, group=64), heads=1)
    for token in dense:
        cache.append(token[None, None], token[None, None])
    jobs = prune(KEYS, dense, keep_of(128, sparsity))
    for job, (tokens, code) in zip(jobs, cache.codes["keys"], strict=True):
        bitmap, values = tiles([job])
        assert tokens == 64 and (bitmap == code.bitmap).all()
        assert (values.view(np.float16) == code.values).all() and len(values) == len(code.values)
    batch = Batch(config=KEYS, vectors=dense.view(np.uint16), keep=keep_of(128, sparsity))
    ends = [len(code.values) for _, code in cache.codes["keys"]]
    offsets = np.concatenate([code.offsets[:-1] + first for first, (_, code) in
                              zip([0, ends[0]], cache.codes["keys"], strict=True)])
    assert records(batch, jobs).offset.tolist() == offsets.tolist()


def test_whole_numbers_as_the_formats_encoder_has_them():
    config = PrunerConfig(tile=16, pad=4, beat_values=4, lanes=4, data_type="int8", length=24, side="keys")
    dense = np.random.default_rng(2).integers(-128, 128, (48, 24)).astype(np.int8)
    sparse = np.where(keep_mask(config, dense, 9), dense, 0).astype(np.int8)
    code = BitmapFormat(tile=16, pad=4, value_bits=8).encode(sparse[None], "keys")
    bitmap, values = tiles(prune(config, dense, 9))
    assert (bitmap == code.bitmap).all() and values.tolist() == code.values.tolist()


def test_a_group_is_the_keys_of_an_attention_block():
    dense = np.random.default_rng(3).standard_normal((64, 128)).astype(np.float16)
    [job] = prune(KEYS, dense, 50)
    block = Block(config=AttentionConfig(), keys=dense.view(np.uint16), values=dense.view(np.uint16),
                  kept=(keep_mask(KEYS, dense.view(np.uint16), 50),) * 2)
    assert (job.bitmaps == block.bitmaps[:128]).all() and (job.values == block.stored[:len(job.values)]).all()


@pytest.mark.parametrize("count", [1, 7, 8, 9, 21])
def test_what_is_kept_comes_back_with_a_ragged_last_group(count):
    print("count", count)
    dense = np.random.default_rng(count).integers(-9, 10, (count, 11)).astype(np.int8)
    batch = Batch(config=TINY, vectors=dense, keep=5)
    back = [unpack_values(TINY, job.bitmaps, job.values)[:, :job.elements].T for job in pruned(batch)]
    assert [len(group) for group in back] == batch.job_vectors.tolist()
    assert (np.concatenate(back) == np.where(keep_mask(TINY, dense, 5), dense, 0)).all()
    assert [chunks.tolist() for chunks in batch.job_chunks] == [[-(-len(group) // 4)] * 11 for group in back]


def test_records_by_hand():
    """Ten tokens of two channels: groups of eight and of two; pads of 2, beats of 4."""
    config = TINY.replace(data_type="fp16")
    dense = np.array([[1, 0]] * 5 + [[0, 3]] * 3 + [[2, 0x7E00]] * 2, np.uint16)
    batch = Batch(config=config, vectors=dense, keep=2)
    told = records(batch, pruned(batch))
    assert told.count.tolist() == [5, 3, 2, 2] and told.offset.tolist() == [0, 6, 12, 14]
    assert told.nan.tolist() == [False, False, True, True]
    assert told.end.tolist() == [False, True, False, True] and told.last.tolist() == [False, False, False, True]


def times(config, elements, count, keep, **ready):
    vectors = np.random.default_rng(4).integers(1, 99, (count, elements))
    vectors = vectors.astype(np.uint16 if config.data_type == "fp16" else np.int8)
    return pruner_network([Batch(config=config, vectors=vectors, keep=keep)], ready=ready).solve().start


@pytest.mark.parametrize(("config", "elements", "cycles"), [
    (KEYS, 128, 16), (PrunerConfig(side="keys", lanes=16, beat_values=16, digit_bits=3), 128, 8),
    (PrunerConfig(side="keys", lanes=48, beat_values=48, digit_bits=4, buffer_beats=8), 96, 7), (TINY, 12, 7)])
@pytest.mark.parametrize("share", [0.3, 1])
def test_the_stream_of_tokens_never_stops_for_the_transposer(config, elements, cycles, share):
    """Also where a group takes as long to read as to write: from group to group no cycle is lost."""
    start = times(config, elements, 9 * config.tile, int(share * elements))
    assert timing.interval(config, elements) == cycles
    assert set(np.diff(start["h"])[1:].tolist()) == {cycles * config.tile}
    if -(-elements // config.lanes) == cycles:
        assert (np.diff(start["i"]) == 1).all()


def test_a_group_by_hand():
    """Two tokens of 12 channels, INT8, by fours: descriptor 0, queue 1, start, beats 2 to 7. The first moves in 5: four
    digits, a register, two tiles marked, and it passes in 12, when the second moves. Three writes each; load 23, fetch
    24, step 25: a step for each channel, whose two values fill half a beat.
    """
    start = times(TINY, 12, 2, 12)
    assert start["i"].tolist() == list(range(2, 8)) and start["pass"].tolist() == [12, 19]
    assert start["write"].tolist() == [13, 14, 15, 20, 21, 22] and start["load"].tolist() == [23]
    assert start["h"].tolist() == [23 + 2] and start["step"].tolist() == list(range(25, 37))
    assert start["b"].tolist() == start["c"].tolist() == list(range(27, 39))
    assert start["v"].tolist() == list(range(26 + 3, 26 + 3 + 12, 2))


def test_a_port_that_waits_holds_back_two_groups():
    """Nothing leaves at v: both halves fill up, and what is on its way stops behind them."""
    start = times(KEYS, 128, 64 * 4, 64, v=np.zeros(6000, bool))
    taken = int((start["i"] < 6000).sum()) // 16
    assert start["v"][0] == 6000 and 2 * 64 < taken <= 2 * 64 + 4
    start = times(KEYS.replace(o_depth=1), 128, 64 * 4, 64, h=np.zeros(6000, bool))
    assert start["h"][0] == 6000 and start["load"][1] == 6001


def test_a_batch_ends_its_group():
    vectors = np.ones((3, 12), np.int8)
    batches = [Batch(config=TINY, vectors=vectors, keep=keep) for keep in (4, 0, 12)]
    start = pruner_network(batches).solve().start
    assert len(start["h"]) == 3 and len(start["b"]) == 36 and (np.diff(start["load"]) > 0).all()
    assert len(start["v"]) == 4 + 0 + 12  # 3 tokens of 4 channels, filled up to 4 values: a beat each; then of all 12


@pytest.mark.parametrize("fields", [{"side": "both"}, {"side": "keys", "b_slots": 0}, {"side": "values", "b_slots": 1}])
def test_what_cannot_be_built_is_refused(fields):
    with pytest.raises(InputError):
        AnyComponent.from_mapping({"component": "pruner", **fields})


def test_one_place_for_bitmaps_is_enough_for_keys():
    config = AnyComponent.from_mapping({"component": "pruner", "side": "keys", "b_slots": 1})
    assert config == KEYS.replace(b_slots=1)


def test_the_account_by_hand():
    """Ten tokens of 12 channels: 3 beats each; groups of 8 and 2 tokens: 2 steps and 1 step for each channel."""
    counts = pruner_counts([Batch(config=TINY, vectors=np.ones((10, 12), np.int8), keep=12)])
    found = {(each.component, each.action): each.count for each in counts}
    assert found["transpose", "write"] == 10 * 12 * 8 and found["transpose", "write elements"] == 10 * 3 * 4 * 8
    assert found["transpose", "read elements"] == 36 * 4 * 8 and found["transpose", "write bits"] == 10 * 3 * 4
    assert found["transpose", "read bits"] == 2 * 3 * 8 * 4 and found["transpose", "choose bits"] == 36 * 8 * 3
    assert found["transpose", "cross"] == (30 + 36) * 2 * 32 and found["packing", "write chunk"] == 36 * 4 * 17
    assert found["headers", "write"] == 2 * 72 and found["bitmaps", "write"] == 24 * 8
    assert found["marking", "count ones"] == 10 * 2 * (3 * 4 + 1)
    assert EnergyTree.of(counts).total > 0
