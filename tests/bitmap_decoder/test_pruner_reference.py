"""Values of the pruner: against a list of numbers sorted by hand, the bitmap format's own encoder, and hard cases."""

import numpy as np
import pytest

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.reference import keep_mask, prune, pruned, records
from hwsim.bitmap_decoder.pruner.vectors import Batch, keep_of
from hwsim.config import shared
from hwsim.errors import InputError
from hwsim.sparsity.mustafar import BitmapFormat
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import Ratio
from rtl.bitmap_decoder.cases import draw_elements

INT8 = PrunerConfig(tile=8, pad=4, data_type="int8", beat_values=8, lanes=4, length=24)


def by_hand(sizes, keep):
    """Positions of the kept non-zeros: sort by size, then by position."""
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i))[:keep]
    return sorted(i for i in order if sizes[i])


@pytest.mark.parametrize("kind", ["any", "small", "special"])
@pytest.mark.parametrize("data_type", ["fp16", "int8"])
def test_the_largest_stay_and_among_equals_the_first(kind, data_type):
    config = PrunerConfig(data_type=data_type)
    vectors = draw_elements(kind, config, (6, 40), np.random.default_rng(1))
    for keep in (0, 1, 7, 20, 40):
        kept = keep_mask(config, vectors, keep)
        for row, mask in zip(vectors.tolist(), kept, strict=True):
            sizes = [value & 0x7FFF if data_type == "fp16" else abs(value) for value in row]
            assert np.flatnonzero(mask).tolist() == by_hand(sizes, keep)


def test_the_rule_is_that_of_n_of_m_pruning():
    vectors = np.random.default_rng(2).integers(-9, 10, (50, 16)).astype(np.int8)
    wanted = nm_mask(vectors, Ratio(4, 16), 1) & (vectors != 0)
    assert (keep_mask(INT8, vectors, 4) == wanted).all()


def test_hard_cases_by_hand():
    vector = np.array([[-128, 127, 0, 127, -127, 1, 0, 1]], np.int8)
    assert np.flatnonzero(keep_mask(INT8, vector, 3)).tolist() == [0, 1, 3]
    assert np.flatnonzero(keep_mask(INT8, vector, 8)).tolist() == [0, 1, 3, 4, 5, 7]
    halves = np.array([[0x8000, 0x7C00, 0xFC01, 0x0001, 0x7BFF, 0x0000]], np.uint16)
    assert np.flatnonzero(keep_mask(PrunerConfig(), halves, 2)).tolist() == [1, 2]
    assert np.flatnonzero(keep_mask(PrunerConfig(), halves, 6)).tolist() == [1, 2, 3, 4]


def test_a_value_cache_as_the_formats_own_encoder_has_it():
    """64 tokens of 128 channels at 70 %: bitmaps, values and counts of Mustafar's value tiles."""
    dense = np.random.default_rng(3).standard_normal((64, 128)).astype(np.float16)
    keep = keep_of(128, 0.7)
    assert keep == 39 and keep_of(128, 0.5) == 64 and keep_of(5, 1) == 0
    vectors = prune(PrunerConfig(), dense, keep)
    sparse = np.zeros_like(dense)
    for token, vector in enumerate(vectors):
        sparse[token, vector.kept[0]] = dense[token, vector.kept[0]]
        assert vector.kept.sum() == keep
    code = BitmapFormat().encode(sparse[None], "values")  # the first 64 channels of all tokens, then the others
    for token, vector in enumerate(vectors):
        begin = 0
        for half, tile in enumerate((token, 64 + token)):
            assert (np.packbits(vector.bitmaps[half]) == code.bitmap[tile]).all()
            stored = int(vector.stored[half])
            wanted = code.values[code.offsets[tile]:code.offsets[tile + 1]].view(np.uint16)
            assert (vector.values[begin:begin + stored] == wanted).all()
            begin += stored


def test_records_by_hand():
    """Tiles of 8, fours of values, beats of 8: two vectors of 12 elements."""
    vectors = np.array([[1, 2, 3, 4, 5, 0, 0, 0, 9, 0, 0, 0], [7] * 12], np.int8)
    batch = Batch(config=INT8, vectors=vectors, keep=12)
    told = records(batch, pruned(batch))
    assert told.count.tolist() == [5, 1, 8, 4] and told.offset.tolist() == [0, 8, 16, 24]
    assert told.end.tolist() == [False, True, False, True] and told.last.tolist() == [False, False, False, True]
    assert not told.nan.any()


def test_with_whole_beats_offsets_are_the_sums_of_the_tiles_before():
    dense = np.random.default_rng(4).integers(0, 0x7C00, (9, 128)).astype(np.uint16)
    batch = Batch(config=PrunerConfig(), vectors=dense, keep=50)
    vectors = pruned(batch)
    stored = np.concatenate([vector.stored for vector in vectors])
    assert records(batch, vectors).offset.tolist() == (np.cumsum(stored) - stored).tolist()


def test_a_nan_is_told_by_its_vector_alone_and_refused_in_python():
    dense = np.full((3, 70), 0x3C00, np.uint16)
    dense[1, 66] = 0xFC01
    batch = Batch(config=PrunerConfig(), vectors=dense, keep=1)
    vectors = pruned(batch)
    assert records(batch, vectors).nan.tolist() == [False, False, True, True, False, False]
    assert np.flatnonzero(vectors[1].kept[0]).tolist() == [66]
    with pytest.raises(InputError, match=r"NaN at \(1, 66\)"):
        prune(PrunerConfig(), dense.view(np.float16), 1)
    infinite = np.array([[np.inf, 1, -np.inf]], np.float16)
    assert prune(PrunerConfig(), infinite, 2)[0].kept.tolist() == [[True, False, True]]


@pytest.mark.parametrize(("vectors", "keep", "place"), [
    (np.zeros((1, 4), np.float32), 1, "vectors"), (np.zeros(4, np.float16), 1, "vectors"), ([[1]], 1, "vectors"),
    (np.zeros((1, 129), np.float16), 1, "vectors"), (np.zeros((0, 4), np.float16), 0, "vectors"),
    (np.zeros((1, 4), np.float16), 5, "keep"), (np.zeros((1, 4), np.float16), -1, "keep"),
    (np.zeros((1, 4), np.float16), 1.0, "keep"), (np.zeros((1, 4), np.float16), True, "keep")])
def test_what_cannot_be_pruned_is_refused(vectors, keep, place):
    with pytest.raises(InputError, match=place):
        prune(PrunerConfig(), vectors, keep)


def test_batches_of_several_pruners_and_none_are_refused():
    batches = [Batch(config=PrunerConfig(lanes=lanes), vectors=np.zeros((1, 8), np.uint16), keep=1) for lanes in (4, 8)]
    for given in (batches, []):
        with pytest.raises(InputError, match="batches"):
            shared("batches", given)
    with pytest.raises(InputError, match="sparsity"):
        keep_of(128, 1.5)
