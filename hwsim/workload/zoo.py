"""The model zoo: known networks by name. ``build("resnet50", batch=4)``; ``names()`` lists them.

The functions themselves are importable too; MAC totals are tested against published counts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from ..errors import InputError
from .graph import Workload
from .zoo_cnn import efficientnet_lite0, mobilenet_v1, resnet9, resnet18, resnet50, vgg19
from .zoo_transformer import bert_base, gpt2_small, llama2_7b_layer, vit_b16

MODELS: dict[str, Callable[..., Workload]] = {
    model.__name__: model
    for model in (
        resnet9, resnet18, resnet50, vgg19, mobilenet_v1, efficientnet_lite0, vit_b16, bert_base, gpt2_small,
        llama2_7b_layer,
    )
}  # fmt: skip

__all__ = [
    "MODELS", "bert_base", "build", "efficientnet_lite0", "gpt2_small", "llama2_7b_layer", "mobilenet_v1", "names",
    "resnet9", "resnet18", "resnet50", "vgg19", "vit_b16",
]  # fmt: skip


def names() -> tuple[str, ...]:
    """Names of all networks of the zoo."""
    return tuple(MODELS)


def build(name: str, **options: int) -> Workload:
    """The network ``name`` with its options (batch, and resolution or sequence and context, by network).

    Raises ``InputError`` for an unknown name or option.
    """
    if name not in MODELS:
        raise InputError("zoo: name of the network", "one of " + ", ".join(MODELS), name)
    known = inspect.signature(MODELS[name]).parameters
    for option in options:
        if option not in known:
            raise InputError(f"zoo: {name}", "options among " + ", ".join(known), option)
    return MODELS[name](**options)
