"""The cache's bitmap format against a reference that walks over every element."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.sparsity.bitmap import BitmapTensor
from hwsim.sparsity.mustafar import BitmapFormat, kept_channels, released_layout


def cache(seed, heads, tokens, channels, density=0.4, dtype=np.float16):
    rng = np.random.default_rng(seed)
    shape = (heads, tokens, channels)
    return (rng.integers(1, 8, shape) * (rng.random(shape) < density)).astype(dtype)


def walk(x, side):
    """(bitmaps, word offsets, values) of each head, element by element, as the released kernels do it."""
    heads, tokens, channels = x.shape
    found = []
    for head in x:
        bitmaps, offsets, values = [], [0], []
        for block in range(tokens // 64):
            rows = head[block * 64 : block * 64 + 64]
            if side == "keys":
                tiles = [rows[:, c] for c in range(channels)]
            else:
                tiles = [rows[t, c : c + 64] for c in range(0, channels, 64) for t in range(64)]
            for tile in tiles:
                bits, kept = 0, []
                for element in tile:
                    bits = bits << 1 | int(element != 0)
                    kept += [element] if element else []
                kept += [0] * (-len(kept) % 8)
                bitmaps.append(bits)
                values += kept
                offsets.append(offsets[-1] + len(kept) // 2)
        found.append((bitmaps, offsets, values))
    return found


@pytest.mark.parametrize("side", ["keys", "values"])
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
def test_layout_is_the_released_one(side, density):
    x = cache(5, 2, 128, 128, density)
    bitmaps, offsets, values = released_layout(BitmapFormat().encode(x, side), heads=2)
    assert bitmaps.dtype == np.int64 and offsets.dtype == np.int32
    for head, (bits, starts, kept) in enumerate(walk(x, side)):
        assert (bitmaps[head].view(np.uint64) == np.array(bits, np.uint64)).all()
        assert offsets[head].tolist() == starts and values[head].tolist() == kept


@given(st.integers(1, 16), st.integers(1, 8), st.sampled_from([4, 8, 16]), st.sampled_from([0, 32]),
       st.sampled_from(["keys", "values"]), st.integers(0, 999))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_round_trip_of_every_format(eighths, pad, value_bits, offset_bits, side, seed):
    form = BitmapFormat(tile=8 * eighths, pad=pad, value_bits=value_bits, offset_bits=offset_bits)
    assert BitmapFormat.from_mapping(form.to_mapping()) == form
    x = cache(seed, 2, form.tile * 2, form.tile, 0.3, np.float16 if value_bits == 16 else np.int8)
    code = form.encode(x, side)
    assert np.array_equal(form.decode(code, side, x.shape), x)
    tiles = x.size // form.tile
    bits = code.bits(value_bits)
    assert (bits.metadata, bits.pointers) == (x.size, tiles * offset_bits)
    lines = x.transpose(0, 2, 1).reshape(-1, form.tile) if side == "keys" else x.reshape(-1, form.tile)
    assert bits.values == int((-(-np.count_nonzero(lines, axis=1) // pad) * pad).sum()) * value_bits
    assert form.fractions(code).ratio == pytest.approx(bits.total / (x.size * value_bits))


def test_a_transposed_copy_encodes_alike():
    x = cache(1, 1, 64, 128)
    code = BitmapFormat().encode(np.asfortranarray(x), "keys")
    assert np.array_equal(BitmapFormat().decode(code, "keys", x.shape), x)


def test_kept_channels_and_arithmetic_at_the_ends():
    assert [kept_channels(128, s) for s in (0, 0.3, 0.5, 0.7, 1)] == [128, 90, 64, 39, 0]
    for side in ("keys", "values"):
        assert BitmapFormat().expected(128, 128, side).values == 1
        assert BitmapFormat().expected(0, 128, side).ratio == 0.09375


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"tile": 4}, "tile"), ({"tile": 136}, "tile"), ({"tile": 12}, "multiple of 8"), ({"pad": 0}, "pad"),
     ({"pad": 9}, "pad"), ({"value_bits": 32}, "4, 8 or 16"), ({"offset_bits": 16}, "0 or 32")],
)  # fmt: skip
def test_bad_formats(changes, message):
    with pytest.raises(InputError, match=message):
        BitmapFormat(**changes)


def test_bad_arrays():
    form = BitmapFormat()
    infinite = cache(0, 1, 64, 64)
    infinite[0, 3, 5] = np.inf
    for x, side, message in (
        (cache(0, 1, 65, 64), "keys", "multiple of 64"), (cache(0, 1, 64, 32), "values", "channels a multiple of 64"),
        (cache(0, 1, 64, 64, dtype=np.float32), "keys", "float16"), (infinite, "keys", "finite numbers, got inf at"),
        (np.where(infinite > 99, np.nan, infinite).astype(np.float16), "values", "finite numbers, got NaN at"),
        (np.ones((64, 64), np.float16), "keys", "heads, tokens, channels"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            form.encode(x, side)
    with pytest.raises(InputError, match="-8 to 7"):
        BitmapFormat(value_bits=4).encode(np.full((1, 64, 64), 9, np.int8), "keys")
    with pytest.raises(InputError, match="out: wanted"):
        form.encode(cache(0, 1, 64, 64), "keys").decode(np.zeros((1, 2), np.float16))
    with pytest.raises(InputError, match="released layout"):
        released_layout(BitmapTensor(np.zeros(0), np.zeros((3, 8), np.uint8), (192,), (64,), 8), 2)
