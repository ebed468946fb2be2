"""Calibration of MiniLM-L6, a trained network that comes as a package, on English text that comes with Python.

The text: the language reference as ``pydoc`` holds it (``pydoc_data.topics``, PSF licence), cut into passages; another
version of Python has another text. Activations are those of the dense network.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.config import in_range
from hwsim.workload.networks import minilm
from hwsim.workload.networks.real import RealNetwork
from mappers.prune_llm.blocks import uniform
from mappers.prune_llm.gram import Gram
from mappers.prune_llm.methods import prune_weight

PASSAGE, BATCH = 900, 16
"""Characters of a passage; passages that run at once."""
_SHARED = {"key": "query", "value": "query"}
"""Layers that read the same input as another."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """A network's weights and what its layers read.

    Args:
        weights: by layer, (k, n).
        grams: of the inputs of each layer.
        source: of weights and text.
    """

    weights: dict[str, NDArray[np.float32]]
    grams: dict[str, Gram]
    source: str


def passages(count: int, seed: int = 0) -> list[str]:
    """Different passages of English, in random order.

    Raises:
        InputError: the text has fewer.
    """
    from pydoc_data.topics import topics

    cut = []
    for topic in sorted(topics):
        text = " ".join(topics[topic].split())
        cut += [text[begin : begin + PASSAGE] for begin in range(0, len(text) - PASSAGE + 1, PASSAGE)]
    in_range("passages", count, 1, len(cut))
    return [cut[index] for index in np.random.default_rng(seed).permutation(len(cut))[:count]]


def calibrate(texts: Sequence[str], length: int = 128) -> Calibration:
    """Run texts, cut to ``length`` tokens, through the network; padding is left out.

    Raises:
        InputError: packages are missing, no text, or a length that the network does not take.
    """
    sums: dict[str, NDArray[np.float64]] = {}
    rows = 0
    for begin in range(0, len(texts), BATCH):
        part = list(texts[begin : begin + BATCH])
        network = minilm.load(len(part), length)
        ids = minilm.tokenise(part, length)
        real = (ids != 0).ravel()
        rows += int(real.sum())
        _, recording = network.run(ids)
        for name in network.weights:
            if _shared(name) == name:
                x = recording[name][0][real]
                sums[name] = sums.get(name, 0.0) + (x.T @ x).astype(np.float64)
    own = {name: Gram(total / rows, rows) for name, total in sums.items()}
    weights = {name: weight[0] for name, weight in network.weights.items()}
    source = f"{network.source}; {rows} tokens of pydoc_data of Python {platform.python_version()}"
    return Calibration(weights, {name: own[_shared(name)] for name in weights}, source)


def _shared(name: str) -> str:
    layer, part = name.split(".")
    return f"{layer}.{_SHARED.get(part, part)}"


def importance(calibration: Calibration, texts: Sequence[str], length: int = 128) -> dict[str, float]:
    """How much the network's result suffers from each layer's error, for `mappers.prune_llm.sensitivity.within`.

    One layer at a time is pruned to 4:16: the loss of cosine by the layer's relative output error. Both are quadratic
    in small changes of a layer, so their ratio hardly depends on how much is pruned.
    """
    network, ids, dense = _reference(texts, length)
    found = {}
    for name, weight in calibration.weights.items():
        gram = calibration.grams[name]
        pruned = prune_weight(weight, gram, uniform((weight.shape[0], weight.shape[1]), 4), "wanda").value
        found[name] = (1 - _cosine(network, ids, dense, {name: pruned})) / gram.output_error(weight, pruned)
    return found


def agreement(pruned: Mapping[str, NDArray[np.floating]], texts: Sequence[str], length: int = 128) -> float:
    """Mean cosine between the embeddings of texts by the dense network and by one with some layers replaced."""
    return _cosine(*_reference(texts, length), pruned)


def _reference(texts: Sequence[str], length: int) -> tuple[RealNetwork, NDArray[np.int64], NDArray[np.float32]]:
    """The dense network, token ids, and the embeddings it gives (of length 1)."""
    network = minilm.load(len(texts), length)
    ids = minilm.tokenise(list(texts), length)
    return network, ids, network.run(ids)[0]


def _cosine(network: RealNetwork, ids: NDArray[np.int64], dense: NDArray[np.float32],
            pruned: Mapping[str, NDArray[np.floating]]) -> float:  # fmt: skip
    changed = network.with_weights({name: w[None].astype(np.float32) for name, w in pruned.items()})
    return float((dense * changed.run(ids)[0]).sum(axis=1).mean())
