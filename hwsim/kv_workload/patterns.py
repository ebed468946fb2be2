"""Keys and values to prune: synthetic ones with outlier channels, or real ones of a small trained transformer.

Only their patterns enter times and bytes. Magnitudes of real keys have channels that are large in all tokens (KIVI,
arXiv 2402.02750; KVQuant, arXiv 2401.18079), values have none; the synthetic ones follow that, with strengths that are
our assumption.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.kv_workload.pruning import Patterns

Halves = npt.NDArray[np.float16]

TOKENS, HEADS = 256, 16
"""Drawn tokens of a head, and heads, for keys and for values: blocks of a cache take turns with them."""
TAIL, OUTLIERS, FACTOR = 5, 0.03, 8.0
"""Degrees of freedom of Student's t; share of a head's key channels that are larger, and how many times."""
SIDE_BY_SIDE, REAL_SIZE = 4, 128
"""Heads of 32 channels that stand beside each other for one of 128."""
DESCRIPTION = {
    "synthetic": f"synthetic: Student's t with {TAIL} degrees of freedom, {OUTLIERS:.0%} of a head's key channels "
                 f"{FACTOR:g} times larger (assumption)",
    "minilm": "real keys and values of MiniLM-L6 (trained encoder, absolute positions, 256 tokens of English); "
              f"{SIDE_BY_SIDE} heads of 32 channels side by side as one of 128",
}
PASSAGE = """
The harbour wakes before the town does. At four the first lamps move along the quay, and men who have known each other
for thirty years exchange three words and a nod. Nets that were mended in the evening lie folded beside the bollards;
ropes are stiff with salt. By five the smaller boats have left, one after the other, and the gulls follow them past the
lighthouse to where the water turns from grey to green. What they bring back decides the price of supper in half of the
inns along the coast. In good years the ice house is full by noon and children are paid a coin to sort the catch into
baskets: mackerel, herring, now and then a ray that nobody ordered. In bad years the boats stay out for two days, and
wives count the weather instead of the fish. The harbour master keeps a book of all this. He writes the name of each
vessel, the hour when it left and the hour when it returned, the wind, and a column that he calls remarks. Most remarks
are short. Engine trouble. Fog. Sold to the hotel. But on one page of the summer when he was new in the office he wrote
that a whale had come up between the piers, looked at the town for as long as it takes to smoke a pipe, and gone away
again, and that nobody on the quay had said a word until the evening, when everybody talked of nothing else.
"""


@lru_cache(maxsize=8)
def drawn(patterns: Patterns, channels: int, seed: int) -> tuple[Halves, Halves]:
    """Keys and values, each (heads, tokens, channels) float16, read-only.

    Raises:
        InputError: ``minilm`` and its packages are missing, or its heads do not make up ``channels`` channels.
    """
    pair = _minilm(channels) if patterns == "minilm" else _synthetic(channels, seed)
    for array in pair:
        array.setflags(write=False)
    return pair


def _synthetic(channels: int, seed: int) -> tuple[Halves, Halves]:
    rng = np.random.default_rng(seed)
    shape = (HEADS, TOKENS, channels)
    scale = np.where(rng.random((HEADS, 1, channels)) < OUTLIERS, FACTOR, 1.0)
    keys, values = rng.standard_t(TAIL, shape) * scale, rng.standard_t(TAIL, shape)
    return keys.astype(np.float16), values.astype(np.float16)


def _minilm(channels: int) -> tuple[Halves, Halves]:
    from hwsim.workload.networks import minilm

    if channels != REAL_SIZE:
        raise InputError("pruning.patterns", f"synthetic, or heads of {REAL_SIZE} channels", f"heads of {channels}")
    network = minilm.load(batch=1, sequence=TOKENS)
    _, recording = network.run(minilm.tokenise([PASSAGE], TOKENS))
    keys = [recording.b(f"layer{layer}.attention.scores").transpose(0, 2, 1) for layer in range(minilm.LAYERS)]
    values = [recording.b(f"layer{layer}.attention.values") for layer in range(minilm.LAYERS)]
    return _wide(keys), _wide(values)


def _wide(layers: list[Any]) -> Halves:
    """Of each layer (heads, tokens, 32): (heads of all layers / 4, tokens, 128)."""
    beside = []
    for heads in layers:
        count, tokens, size = heads.shape
        grouped = heads.reshape(count // SIDE_BY_SIDE, SIDE_BY_SIDE, tokens, size)
        beside.append(grouped.transpose(0, 2, 1, 3).reshape(-1, tokens, SIDE_BY_SIDE * size))
    return np.ascontiguousarray(np.concatenate(beside), np.float16)
