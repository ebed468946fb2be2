"""One layer's KV cache: old tokens pruned and compressed in groups, the newest dense (Mustafar, arXiv 2505.22913)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError
from hwsim.kv.prune import prune_tokens
from hwsim.sparsity.bitmap import BitmapTensor, bit_patterns, refuse_non_finite
from hwsim.sparsity.mustafar import BitmapFormat, Side
from hwsim.sparsity.size import Array, Bits

SIDES: tuple[Side, Side] = ("keys", "values")


@dataclass(frozen=True, kw_only=True)
class CacheConfig(Configuration):
    """How a cache is pruned and compressed.

    Groups of 256 tokens are the released code's; the paper's text says 64. The window is the number of newest tokens
    that are never compressed; until the next group is full, up to ``group - 1`` more wait beside it, dense too.
    """

    key_sparsity: float = 0.5
    value_sparsity: float = 0.5
    window: int = 32    # newest tokens, always dense
    group: int = 256    # tokens compressed together: a multiple of the format's tile
    format: BitmapFormat = field(default_factory=BitmapFormat)

    def check(self) -> None:
        """Refuse sparsities outside 0..1, groups that are no whole tiles, and formats that are not of FP16."""
        for name in ("key_sparsity", "value_sparsity"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(name, "0 to 1", getattr(self, name))
        in_range("window", self.window, 0, 1 << 20)
        in_range("group", self.group, 1, 1 << 20)
        if self.group % self.format.tile:
            raise InputError("group", f"a multiple of the tile, {self.format.tile}", self.group)
        if self.format.value_bits != 16:
            raise InputError("format.value_bits", "16: the cache holds FP16", self.format.value_bits)

    def compressed_tokens(self, tokens: int) -> int:
        """Tokens that are compressed when the cache holds so many: whole groups that leave the window full."""
        return max(tokens - self.window, 0) // self.group * self.group

    def sparsity(self, side: Side) -> float:
        """Of keys or of values."""
        return self.key_sparsity if side == "keys" else self.value_sparsity


@dataclass(frozen=True)
class CacheBits:
    """Bits of a cache: the compressed part by purpose, and the dense part."""

    compressed: Bits
    dense: int

    @property
    def total(self) -> int:
        """Both parts."""
        return self.compressed.total + self.dense


class LayerCache:
    """Keys and values of one layer, growing by tokens.

    Args:
        config: pruning, groups, window and format.
        heads: KV heads, times the batch.
        channels: of one head; a multiple of the format's tile.

    Raises:
        InputError: fewer than one head, or channels that are no whole tiles.
    """

    def __init__(self, config: CacheConfig, heads: int, channels: int = 128):
        in_range("heads", heads, 1, 1 << 20)
        if channels < 1 or channels % config.format.tile:
            raise InputError("channels", f"a multiple of the tile, {config.format.tile}", channels)
        self.config, self.heads, self.channels = config, heads, channels
        self.codes: dict[Side, list[tuple[int, BitmapTensor]]] = {"keys": [], "values": []}
        """Per side, the compressed runs in order: (tokens, code of (heads, tokens, channels))."""
        empty = np.zeros((heads, 0, channels), np.float16)
        self.recent: dict[Side, Array] = {"keys": empty, "values": empty}
        """Per side, (heads, tokens, channels) FP16 of what is not compressed yet."""

    @property
    def compressed(self) -> int:
        """Tokens that are compressed."""
        return sum(tokens for tokens, _ in self.codes["keys"])

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.compressed + self.recent["keys"].shape[1]

    def append(self, keys: Array, values: Array) -> int:
        """Take in new tokens, and compress the groups that become full; the first call is usually the whole prompt.

        Args:
            keys: (heads, new tokens, channels) float16, finite.
            values: the same shape.

        Returns:
            Tokens that this call compressed: 0, or a multiple of the group.

        Raises:
            InputError: another shape or dtype, NaN or infinity; the cache is as before.
        """
        new = {"keys": keys, "values": values}
        for side in SIDES:
            self._check(new[side], side)
        if keys.shape != values.shape:
            raise InputError("values", f"shape {keys.shape}, as the keys", f"shape {values.shape}")
        due = self.config.compressed_tokens(self.tokens + keys.shape[1]) - self.compressed
        grown = {side: np.concatenate([self.recent[side], new[side]], axis=1) for side in SIDES}
        codes = {side: self._compress(grown[side][:, :due], side) for side in SIDES} if due else {}
        for side in SIDES:
            if due:
                self.codes[side].append((due, codes[side]))
            self.recent[side] = grown[side][:, due:].copy()
        return due

    def _check(self, array: Array, side: Side) -> None:
        fits = array.ndim == 3 and (array.shape[0], array.shape[2]) == (self.heads, self.channels)
        if not fits or array.dtype != np.float16:
            wanted = f"float16 of shape ({self.heads}, tokens, {self.channels})"
            raise InputError(side, wanted, f"{array.dtype} of shape {array.shape}")
        refuse_non_finite(array, bit_patterns(np.ascontiguousarray(array).reshape(-1)), side)

    def _compress(self, dense: Array, side: Side) -> BitmapTensor:
        return self.config.format.encode(prune_tokens(dense, self.config.sparsity(side), side), side, side)

    def decode(self, side: Side) -> Array:
        """(heads, tokens, channels) float16: pruned tokens with zeros, then the dense ones.

        Raises:
            InputError: a code that has been damaged.
        """
        parts = [
            self.config.format.decode(code, side, (self.heads, tokens, self.channels))
            for tokens, code in self.codes[side]
        ]
        return np.concatenate([*parts, self.recent[side]], axis=1)

    def bits(self) -> CacheBits:
        """Exact size of both sides."""
        parts = [code.bits(16) for side in SIDES for _, code in self.codes[side]]
        compressed = Bits(
            sum(part.values for part in parts),
            sum(part.metadata for part in parts),
            sum(part.pointers for part in parts),
        )
        return CacheBits(compressed, sum(self.recent[side].size * 16 for side in SIDES))

    def ratio(self) -> float:
        """Bits held over bits of a dense FP16 cache of as many tokens; 1 when empty."""
        dense = 2 * self.heads * self.tokens * self.channels * 16
        return self.bits().total / dense if dense else 1.0
