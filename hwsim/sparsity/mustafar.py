"""The bitmap format of Mustafar's compressed KV cache (arXiv 2505.22913, and the released code), with its parameters.

A head's keys and values are matrices of (tokens, channels). A tile is 1×64: 64 tokens of one channel for keys, so that
all meet the same element of the query; 64 channels of one token for values, so that all meet the same attention weight.
Tiles stand in blocks of 64 tokens: keys channel by channel; values first by 64 channels, then token by token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import gammaln

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError
from hwsim.sparsity.bitmap import BitmapTensor, encode_bitmap
from hwsim.sparsity.expect import padded_count
from hwsim.sparsity.size import Array

Side = Literal["keys", "values"]
_DTYPES = {4: ("int8",), 8: ("int8", "uint8"), 16: ("float16", "int16", "uint16")}


@dataclass(frozen=True)
class Fractions:
    """Sizes as fractions of dense values of the same width."""

    values: float
    bitmap: float
    offsets: float

    @property
    def ratio(self) -> float:
        """All three."""
        return self.values + self.bitmap + self.offsets


@dataclass(frozen=True, kw_only=True)
class BitmapFormat(Configuration):
    """Parameters of the format; as they are, Mustafar's. The one object for encoder, hardware and arithmetic.

    Offsets are counted in values and start at each code's first tile. The released code counts pairs of halves, and
    starts at each head's: `released_layout` gives that.
    """

    tile: int = 64         # elements of a tile, and tokens of a block: a multiple of 8
    pad: int = 8           # values of a tile are padded to a multiple of this
    value_bits: int = 16   # of one value: 4 and 8 integers, 16 FP16 or integers
    offset_bits: int = 32  # of one tile's offset; 0: none, popcounts say where a tile begins

    def check(self) -> None:
        """Refuse what the hardware has no field for."""
        in_range("tile", self.tile, 8, 128)
        if self.tile % 8:
            raise InputError("tile", "a multiple of 8", self.tile)
        in_range("pad", self.pad, 1, 8)
        if self.value_bits not in _DTYPES:
            raise InputError("value_bits", "4, 8 or 16", self.value_bits)
        if self.offset_bits not in (0, 32):
            raise InputError("offset_bits", "0 or 32", self.offset_bits)

    def encode(self, array: Array, side: Side, place: str = "KV cache") -> BitmapTensor:
        """Compress (heads, tokens, channels) of pruned keys or values; zeros are what was pruned.

        Args:
            array: tokens a multiple of ``tile``, and for values also channels.
            side: which of the two.
            place: what the array is, for error messages.

        Raises:
            InputError: another shape or dtype than the format holds, a 4-bit value outside -8..7, NaN or infinity.
        """
        if array.dtype.name not in _DTYPES[self.value_bits]:
            wanted = f"{' or '.join(_DTYPES[self.value_bits])} for {self.value_bits}-bit values"
            raise InputError(place, wanted, array.dtype.name)
        if self.value_bits == 4 and array.size and not -8 <= array.min() <= array.max() <= 7:
            raise InputError(place, "4-bit values from -8 to 7", f"{array.min()} to {array.max()}")
        tiles = self.tiles_of(np.ascontiguousarray(array), side, place)
        return encode_bitmap(tiles, (self.tile,), self.pad, self.offset_bits, place)

    def decode(self, code: BitmapTensor, side: Side, shape: tuple[int, int, int]) -> Array:
        """Inverse of `encode`: (heads, tokens, channels) of that shape. InputError as `BitmapTensor.decode`."""
        dense = np.empty(shape, code.values.dtype)
        code.decode(self.tiles_of(dense, side, "shape"))
        return dense

    def tiles_of(self, array: Array, side: Side, place: str) -> Array:
        """The array, not copied, with the elements of its tiles along the last axis and its tiles in order.

        Returns:
            keys: (blocks of all heads, channels, tile); values: (blocks, channels / tile, tokens of a block, tile).
        """
        tile = self.tile
        if array.ndim != 3 or array.shape[1] % tile or not array.flags.c_contiguous:
            wanted = f"contiguous (heads, tokens, channels) with tokens a multiple of {tile}"
            layout = "" if array.flags.c_contiguous else ", not contiguous"
            raise InputError(place, wanted, f"shape {array.shape}{layout}")
        heads, tokens, channels = array.shape
        blocks = heads * (tokens // tile)
        if side == "keys":
            return array.reshape(blocks, tile, channels).transpose(0, 2, 1)
        if channels % tile:
            raise InputError(place, f"channels a multiple of {tile}", channels)
        return array.reshape(blocks, tile, channels // tile, tile).transpose(0, 2, 1, 3)

    def fractions(self, code: BitmapTensor) -> Fractions:
        """Measured sizes of a code."""
        bits = code.bits(self.value_bits)
        dense = int(np.prod(code.shape)) * self.value_bits
        return Fractions(bits.values / dense, bits.metadata / dense, bits.pointers / dense)

    def expected(self, kept: int, channels: int, side: Side) -> Fractions:
        """The format's own arithmetic when each token keeps ``kept`` of its channels, all choices alike.

        The non-zeros of a value tile are then hypergeometric (``tile`` of ``channels``), those of a key tile binomial
        (``tile`` tokens, each with chance kept / channels).
        """
        in_range("kept", kept, 0, channels)
        if side == "values":
            stored = padded_count(channels, kept, self.tile, self.pad)
        else:
            stored = _padded_binomial(self.tile, kept / channels, self.pad)
        bits = self.tile * self.value_bits
        return Fractions(stored / self.tile, self.tile / bits, self.offset_bits / bits)


def _padded_binomial(size: int, chance: float, pad: int) -> float:
    """Expected non-zeros of ``size`` independent elements, rounded up to a multiple of ``pad``."""
    found = np.arange(size + 1)
    if chance in (0.0, 1.0):
        return chance * (-(-size // pad) * pad)
    choose = gammaln(size + 1) - gammaln(found + 1) - gammaln(size - found + 1)
    weights = np.exp(choose + found * np.log(chance) + (size - found) * np.log1p(-chance))
    return float(np.sum(weights * (-(-found // pad) * pad)))


def kept_channels(channels: int, sparsity: float) -> int:
    """Channels that a token keeps, ``channels - int(channels · sparsity)``; InputError for a sparsity outside 0..1.

    (The released code's threshold keeps one more, the largest of those it means to prune.)
    """
    if not 0 <= sparsity <= 1:
        raise InputError("sparsity", "0 to 1", sparsity)
    return channels - int(channels * sparsity)


def released_layout(code: BitmapTensor, heads: int) -> tuple[Array, Array, list[Array]]:
    """The arrays of the released code: what a kernel or a memory of hardware is filled with.

    Args:
        code: of 64-wide FP16 tiles, as `BitmapFormat` makes it.
        heads: heads that the code holds, each the same number of tiles.

    Returns:
        bitmaps (heads, tiles) int64, first element in the most significant bit; offsets (heads, tiles + 1) int32 in
        32-bit words of two values, from the head's first value; per head its (stored,) values.

    Raises:
        InputError: tiles of another width, an odd padding, or tiles that do not divide among the heads.
    """
    if code.tile != (64,) or code.pad % 2 or heads < 1 or len(code.bitmap) % heads:
        given = f"tile {code.tile}, pad {code.pad}, {len(code.bitmap)} tiles for {heads} heads"
        raise InputError("released layout", "64-wide tiles, an even pad and equal heads", given)
    tiles = len(code.bitmap) // heads
    bitmaps = code.bitmap.view(">u8").astype(np.uint64).view(np.int64).reshape(heads, tiles)
    starts = code.offsets[:: max(tiles, 1)][: heads + 1]
    each = np.arange(heads)[:, None] * tiles + np.arange(tiles + 1)
    offsets = ((code.offsets[each] - starts[:-1, None]) // 2).astype(np.int32)
    return bitmaps, offsets, [code.values[a:b] for a, b in zip(starts[:-1], starts[1:], strict=True)]
