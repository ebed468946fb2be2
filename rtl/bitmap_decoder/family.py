"""The components as one family that can be verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.components import ComponentConfig
from hwsim.bitmap_decoder.config import DecoderConfig
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from rtl.bitmap_decoder.attention.cases import draw_attention_case
from rtl.bitmap_decoder.cases import draw_decoder_case
from rtl.bitmap_decoder.component import Component, component_of
from rtl.bitmap_decoder.dot_cases import draw_dot_case
from rtl.bitmap_decoder.emit import NAME, convert
from rtl.bitmap_decoder.pruner.cases import draw_pruner_case
from rtl.bitmap_decoder.random_configuration import draw_configuration
from rtl.verify.family import Case


class BitmapDecoderFamily:
    """See `rtl.verify.family.Family`. Settings: ``component``, the fields of its configuration, ``preset``, and those
    of the cases.
    """

    name = NAME

    def configuration(self, settings: Mapping[str, Any], rng: np.random.Generator) -> ComponentConfig:
        """See `rtl.bitmap_decoder.random_configuration.draw_configuration`."""
        return draw_configuration(settings, rng)

    def case(self, configuration: ComponentConfig, settings: Mapping[str, Any],
             rng: np.random.Generator) -> Case:
        """A random case of that component."""
        if isinstance(configuration, DecoderConfig):
            return draw_decoder_case(configuration, settings, rng)
        if isinstance(configuration, AttentionConfig):
            return draw_attention_case(configuration, settings, rng)
        if isinstance(configuration, PrunerConfig):
            return draw_pruner_case(configuration, settings, rng)
        return draw_dot_case(configuration, settings, rng)

    def component(self, configuration: ComponentConfig) -> Component:
        """The component."""
        return component_of(configuration)

    def verilog(self, component: Component) -> str:
        """The component as users get it."""
        return convert(component)
