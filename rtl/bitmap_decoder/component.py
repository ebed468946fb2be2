"""Which component a configuration builds."""

from __future__ import annotations

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.components import ComponentConfig
from hwsim.bitmap_decoder.config import DecoderConfig
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from rtl.bitmap_decoder.attention.engine import BitmapAttention
from rtl.bitmap_decoder.decoder import BitmapDecoder
from rtl.bitmap_decoder.dot import BitmapDot
from rtl.bitmap_decoder.pruner.pruner import BitmapPruner

Component = BitmapDecoder | BitmapDot | BitmapPruner | BitmapAttention


def component_of(config: ComponentConfig) -> Component:
    """A fresh component."""
    if isinstance(config, AttentionConfig):
        return BitmapAttention(config)
    if isinstance(config, PrunerConfig):
        return BitmapPruner(config)
    return BitmapDecoder(config) if isinstance(config, DecoderConfig) else BitmapDot(config)
