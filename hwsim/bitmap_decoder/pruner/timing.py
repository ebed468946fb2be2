"""Cycle constants of the pruner, counted in registers. The RTL builds exactly these; the model uses them.

The last beat of a vector is taken in cycle t. In t + 1 the vector stands complete, and *moves* on if selection is
free, while the first beat of the next one may be taken. A vector that moves in cycle m is compared from m + 1 on, a
digit a cycle; then its tiles are marked, one a cycle, and each is at the queues' output two cycles later. In the cycle
after the last tile it *passes* on if packing is free, and the next one may move. Passed in cycle s, it is packed from
s + 1 on, a chunk of ``lanes`` elements a cycle; in the cycle of its last chunk the next one may pass.

Keys are written into one half of the memory instead, ``lanes`` channels a cycle from s + 1 on. In the cycle after a
group's last write its half is full, and is *loaded* if the other half has been read: the header is told. From the cycle
after, ``lanes`` tokens of a channel are *fetched* in a cycle, and a cycle later they are at hand and packed. Whatever
has been fetched may be written over from the next cycle on, channels that stand together all at once.
"""

from __future__ import annotations

from hwsim.bitmap_decoder.pruner.config import PrunerConfig

QUEUE = 1          # cycles through the queue of descriptors
HANDOVER = 1       # cycles from an event to what waits for it: one register
RESULT_QUEUE = 2   # write to visible at the ports h, b and c
MARK = 1           # register between the last digit and the first tile
CHUNK = 1          # register behind a chunk and its bits
COMPACT = 1        # register behind the chunk's non-zeros, moved together
WRITE = 1          # into the buffer of values, visible at port v
FETCH = 1          # read of the transposing memory

PACK = CHUNK + COMPACT + WRITE
"""From the step that completes a beat of values to that beat at port ``v``."""

MAGNITUDE_BITS = {"fp16": 15, "int8": 8}


def digits(config: PrunerConfig) -> int:
    """Cycles of selection: digits of a magnitude."""
    return -(-MAGNITUDE_BITS[config.data_type] // config.digit_bits)


def select(config: PrunerConfig, tiles: int) -> int:
    """From a vector's move to the cycle in which it can pass: cycles between the moves of vectors, at least."""
    return digits(config) + tiles + MARK


def interval(config: PrunerConfig, elements: int) -> int:
    """Cycles a vector in the long run, when no port stalls: one beat a cycle where the input takes longest.

    Packing takes no longer than the input if ``lanes`` divides ``tile``. It is slower where values come faster than
    port v takes them, as it can be with ``beat_values`` below ``lanes`` (`PrunerConfig.full_rate_beats` says when not):
    at least a cycle for each value beat.

    Keys: of whole groups, rounded up, for vectors of two beats or more.
    """
    if config.side == "keys":
        columns = -(-elements * config.most_chunks // config.tile)
        return max(-(-elements // config.lanes), select(config, -(-elements // config.tile)), columns)
    tiles, rest = divmod(elements, config.tile)
    chunks = tiles * -(-config.tile // config.lanes) + -(-rest // config.lanes)
    return max(-(-elements // config.lanes), select(config, -(-elements // config.tile)), chunks)


def latency(config: PrunerConfig, elements: int) -> dict[str, int]:
    """By output port: cycles from a vector's last beat to the first transfer, when nothing is in its way.

    For ``v`` that of the first chunk's beat: the sooner a beat has its values, the sooner it leaves. Keys: from the
    last beat of a group.
    """
    tiles = -(-elements // config.tile)
    if config.side == "keys":
        load = HANDOVER + select(config, tiles) + -(-elements // config.lanes) + HANDOVER
        step = load + HANDOVER + FETCH
        return {"h": load + RESULT_QUEUE, "b": step + RESULT_QUEUE, "c": step + RESULT_QUEUE, "v": step + PACK}
    first = HANDOVER + digits(config) + MARK + RESULT_QUEUE
    passed = HANDOVER + select(config, tiles)
    return {"b": first, "c": first, "h": first + tiles - 1, "v": passed + HANDOVER + PACK}
