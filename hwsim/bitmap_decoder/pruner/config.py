"""Configuration of the pruner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hwsim.bitmap_decoder.config import BitmapConfig
from hwsim.config import in_range


@dataclass(frozen=True, kw_only=True)
class PrunerConfig(BitmapConfig):
    """`BitmapPruner`: dense vectors in, bitmaps and packed values of their largest elements out.

    The compressed side leaves here: ``buffer_beats`` hold values on their way to port ``v``, ``b_slots`` is the depth
    of the queue of bitmaps and of that of counts, ``o_depth`` of that of headers. Three vectors are under way at once:
    one comes in, ``lanes`` elements a cycle; in one, selection decides ``digit_bits`` bits of the threshold in a cycle;
    one is packed, ``lanes`` elements a cycle. See `hwsim.bitmap_decoder.pruner.timing` for the rate.

    ``side``: tiles of ``values`` lie along the channels of a token. Those of ``keys`` lie along ``tile`` tokens of a
    channel: pruned vectors go to a transposing memory of twice ``tile`` vectors, and leave as groups of tokens.
    """

    component: Literal["pruner"] = "pruner"
    lanes: int = 8             # elements of an input beat, and elements packed in a cycle; at most a tile
    length: int = 128          # most elements of a vector
    digit_bits: int = 2        # bits of the threshold found in a cycle: 2**digit_bits - 1 counters of all elements
    buffer_beats: int = 6
    b_slots: int = 4           # for values, at least the tiles of a vector
    o_depth: int = 2
    p_slots: int = 2           # queue of descriptors
    side: Literal["values", "keys"] = "values"  # which way tiles lie

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mustafar-8": {},
        "mustafar-8-small": {"digit_bits": 1},
        "mustafar-16": {"lanes": 16, "beat_values": 16, "digit_bits": 3},
        "mustafar-8-keys": {"side": "keys"},
        "int8-small": {"tile": 16, "pad": 4, "data_type": "int8", "beat_values": 4, "lanes": 4, "length": 32,
                       "digit_bits": 1},
    }

    def check_step(self) -> None:
        """Lanes, vectors, and the queues of what comes of one."""
        in_range("lanes", self.lanes, 1, self.tile)
        in_range("length", self.length, 1, 256)
        in_range("digit_bits", self.digit_bits, 1, 4)
        in_range("p_slots", self.p_slots, 1, 64)
        in_range("b_slots", self.b_slots, 1 if self.side == "keys" else self.most_tiles, 64)

    @property
    def step_values(self) -> int:
        """A non-zero for each lane."""
        return self.lanes

    @property
    def most_beats(self) -> int:
        """Input beats of the longest vector."""
        return -(-self.length // self.lanes)

    @property
    def most_chunks(self) -> int:
        """Steps that packing takes for a whole tile."""
        return -(-self.tile // self.lanes)

    @property
    def most_tiles(self) -> int:
        """Tiles of the longest vector."""
        return -(-self.length // self.tile)

    @property
    def least_beats(self) -> int:
        """Beats that the buffer must hold so that what one cycle packs always fits behind a beat that is not full."""
        return -(-(self.beat_values - 1 + self.lanes) // self.beat_values)

    @property
    def full_rate_beats(self) -> int:
        """Beats with which packing does not wait while port v is always ready, if a beat holds ``lanes`` values and no
        tile has more values, filled up, than ``beat_values`` for each of its chunks.

        Beyond the least: the beats of four cycles, three in the pipeline to the port and one until their room is seen.
        """
        return self.least_beats + 4
