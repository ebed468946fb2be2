"""Shapes of models from Hugging Face's ``config.json``, and the zoo: such files of known models.

Defaults of keys that a file may leave out are those of the transformers library's configuration classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hwsim.errors import InputError
from hwsim.fields import convert, nearest, one_of
from hwsim.workload.decoder.config import DecoderConfig
from hwsim.workload.decoder.json_file import json_object

_ZOO = Path(__file__).with_name("models")
_ACTIVATIONS = {"silu": "silu", "swish": "silu", "relu": "relu", "gelu": "gelu", "gelu_new": "gelu",
                "gelu_fast": "gelu", "gelu_pytorch_tanh": "gelu"}  # fmt: skip
_MISSING = object()


def model_names() -> tuple[str, ...]:
    """Models of the zoo."""
    return tuple(sorted(path.stem for path in _ZOO.glob("*.json")))


def load_model(name: str | Path) -> DecoderConfig:
    """A model of the zoo by name, or of a ``config.json`` by its path (it ends in .json).

    Raises:
        InputError: no such model or file, or a file that `from_hugging_face` refuses.
    """
    if str(name).endswith(".json"):
        return from_hugging_face(name)
    names = model_names()
    if name not in names:
        wanted = f"a config.json, or one of {', '.join(names)}{nearest(name, names)}"
        raise InputError("model", wanted, str(name))
    return from_hugging_face(_ZOO / f"{name}.json")


def from_hugging_face(source: str | Path | Mapping[str, Any], name: str = "") -> DecoderConfig:
    """The model that a ``config.json`` describes.

    Args:
        source: path of the file, or what it holds.
        name: of the model; default: ``_name_or_path`` of a mapping, else the file's name, or its folder's when the
            file is called ``config.json``.

    Raises:
        InputError: the file cannot be read, is no JSON object, or describes another architecture; a key is missing
            or has the wrong type; the sizes fit no model.
    """
    if isinstance(source, Mapping):
        keys = _Keys(source, "config.json")
        known = name or keys.text("_name_or_path", "model").rsplit("/", 1)[-1] or "model"
    else:
        path = Path(source)
        keys = _Keys(json_object(path), str(path))
        known = name or (path.resolve().parent.name if path.name == "config.json" else path.stem)
    architecture = keys.architecture()
    fields = {**_common(keys), **_READERS[architecture](keys)}
    return DecoderConfig.from_mapping({"name": known, "architecture": architecture, **fields}, keys.place)


class _Keys:
    """Typed reading of the file's keys; null counts as left out."""

    def __init__(self, data: Mapping[str, Any], place: str):
        self.data, self.place = data, place

    def _get(self, hint: Any, key: str, default: Any) -> Any:
        value = self.data.get(key)
        if value is None:
            if default is _MISSING:
                raise InputError(self.place, f"the key {key!r}", "a file without it")
            return default
        return convert(hint, value, f"{self.place}: {key}")

    def number(self, key: str, default: Any = _MISSING) -> Any:
        return self._get(int, key, default)

    def flag(self, key: str, default: bool) -> bool:
        return bool(self._get(bool, key, default))

    def text(self, key: str, default: Any = _MISSING) -> str:
        return str(self._get(str, key, default))

    def activation(self, key: str) -> str:
        return _ACTIVATIONS[one_of(f"{self.place}: {key}", self.text(key), _ACTIVATIONS)]

    def architecture(self) -> str:
        names = self._get(tuple[str, ...], "architectures", _MISSING)
        if len(names) != 1:
            raise InputError(f"{self.place}: architectures", "one name", list(names))
        return str(one_of(f"{self.place}: architectures", names[0], _READERS))


def _common(keys: _Keys) -> dict[str, Any]:
    hidden, heads = keys.number("hidden_size"), keys.number("num_attention_heads")
    given = keys.number("head_dim", None)
    if given is None and (heads < 1 or hidden % heads):
        raise InputError(f"{keys.place}: num_attention_heads", f"a divisor of hidden_size {hidden}", heads)
    return {
        "hidden": hidden, "layers": keys.number("num_hidden_layers"), "heads": heads,
        "kv_heads": keys.number("num_key_value_heads", heads), "head_dim": given or hidden // heads,
        "vocabulary": keys.number("vocab_size"), "max_positions": keys.number("max_position_embeddings"),
    }  # fmt: skip


def _gated(keys: _Keys) -> dict[str, Any]:
    return {
        "intermediate": keys.number("intermediate_size"), "activation": keys.activation("hidden_act"),
        "tied_embeddings": keys.flag("tie_word_embeddings", False),
    }  # fmt: skip


def _llama(keys: _Keys) -> dict[str, Any]:
    attention = keys.flag("attention_bias", False)
    biases = {"qkv_bias": attention, "out_bias": attention, "mlp_bias": keys.flag("mlp_bias", False)}
    return {**_gated(keys), **biases}


def _mistral(keys: _Keys) -> dict[str, Any]:
    return {**_gated(keys), "sliding_window": keys.number("sliding_window", None)}


def _mixtral(keys: _Keys) -> dict[str, Any]:
    experts = {"experts": keys.number("num_local_experts"), "experts_per_token": keys.number("num_experts_per_tok")}
    return {**_mistral(keys), **experts}


def _qwen2(keys: _Keys) -> dict[str, Any]:
    if keys.flag("use_sliding_window", False):
        raise InputError(f"{keys.place}: use_sliding_window", "false: windows of some layers only are not modelled",
                         "true")  # fmt: skip
    return {**_gated(keys), "qkv_bias": True}


def _opt(keys: _Keys) -> dict[str, Any]:
    if not keys.flag("do_layer_norm_before", True):
        raise InputError(f"{keys.place}: do_layer_norm_before", "true: norms behind the sums are not modelled", "false")
    projected = keys.number("word_embed_proj_dim", keys.number("hidden_size"))
    if projected != keys.number("hidden_size"):
        raise InputError(f"{keys.place}: word_embed_proj_dim", f"hidden_size {keys.number('hidden_size')}", projected)
    bias = keys.flag("enable_bias", True)
    return {
        "intermediate": keys.number("ffn_dim"), "activation": keys.activation("activation_function"), "norm": "layer",
        "gated": False, "rope": False, "qkv_bias": bias, "out_bias": bias, "mlp_bias": bias,
        # the library's table starts two rows late
        "learned_positions": keys.number("max_position_embeddings") + 2,
        "tied_embeddings": keys.flag("tie_word_embeddings", True),
    }  # fmt: skip


_READERS: dict[str, Callable[[_Keys], dict[str, Any]]] = {
    "LlamaForCausalLM": _llama,
    "MistralForCausalLM": _mistral,
    "Qwen2ForCausalLM": _qwen2,
    "OPTForCausalLM": _opt,
    "MixtralForCausalLM": _mixtral,
}
