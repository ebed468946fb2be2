"""The components of the family by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.config import DecoderConfig, DotConfig
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.config import one_of

ComponentConfig = DecoderConfig | DotConfig | PrunerConfig | AttentionConfig
COMPONENTS: Mapping[str, type[DecoderConfig] | type[DotConfig] | type[PrunerConfig] | type[AttentionConfig]] = {
    "decoder": DecoderConfig, "dot": DotConfig, "pruner": PrunerConfig, "attention": AttentionConfig}
"""Configurations by the setting ``component``."""


class AnyComponent:
    """Configurations of all components by one call."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], place: str = "") -> ComponentConfig:
        """The configuration that the key ``component`` chooses; without it, of a decoder.

        Raises:
            InputError: another component, an unknown key, or a value that cannot be built.
        """
        name = one_of("component", mapping.get("component", "decoder"), COMPONENTS)
        return COMPONENTS[name].from_mapping(mapping, place)
