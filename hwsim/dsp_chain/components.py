"""The components of the family by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from hwsim.config import Configuration, one_of

COMPONENTS: Mapping[str, str] = {
    "chain": "hwsim.dsp_chain.config:ChainConfig",
    "mpu": "hwsim.dsp_chain.config:MpuConfig",
    "dequant": "hwsim.dsp_chain.dequant.config:DequantConfig",
}
"""By the setting ``component``: module and class of the configuration, imported when it is asked for."""


def configuration_class(component: str) -> type[Configuration]:
    """The configuration of a component; `InputError` with the list of names if there is no such component."""
    module, _, name = COMPONENTS[one_of("component", component, COMPONENTS)].partition(":")
    found: type[Configuration] = getattr(import_module(module), name)
    return found


class AnyComponent:
    """Configurations of all components by one call."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], place: str = "") -> Configuration:
        """The configuration that the key ``component`` chooses; without it, of a chain.

        Raises:
            InputError: another component, an unknown key, or a value that cannot be built.
        """
        return configuration_class(mapping.get("component", "chain")).from_mapping(mapping, place)
