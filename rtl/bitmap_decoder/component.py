"""Which component a configuration builds."""

from __future__ import annotations

from hwsim.bitmap_decoder.config import DecoderConfig, DotConfig
from rtl.bitmap_decoder.decoder import BitmapDecoder
from rtl.bitmap_decoder.dot import BitmapDot

Component = BitmapDecoder | BitmapDot


def component_of(config: DecoderConfig | DotConfig) -> Component:
    """A fresh component."""
    return BitmapDecoder(config) if isinstance(config, DecoderConfig) else BitmapDot(config)
