"""The components as one family that can be verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from amaranth.lib import wiring

from hwsim.config import Configuration
from hwsim.dsp_chain.components import COMPONENTS, configuration_class
from rtl.parts.stand_in import convert_parts
from rtl.verify.draw import component_for
from rtl.verify.family import Case

NAME = "dsp_chain"
"""Name of the top module, and what the names of its parts begin with."""
PARTS: Mapping[str, str] = {
    "chain": "rtl.dsp_chain.units:UnitFamily",
    "mpu": "rtl.dsp_chain.units:UnitFamily",
    "dequant": "rtl.dsp_chain.dequant.family:DequantFamily",
}
"""By component: module and class of its `ComponentFamily`, imported when it is asked for."""


class ComponentFamily(Protocol):
    """What a component of the family offers."""

    case_keys: Sequence[str]
    """Settings that are no fields of its configuration."""

    def configuration(self, component: str, settings: Mapping[str, Any], rng: np.random.Generator) -> Configuration:
        """A legal configuration of that component with the fields that the settings fix (``component`` may be among
        them); the others are drawn.
        """

    def case(self, config: Any, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
        """A random case for that configuration, with what the settings fix of it."""

    def component(self, config: Any, primitive: bool = False) -> wiring.Component:
        """A fresh device with the attributes ``config`` and ``make`` (`rtl.parts.registers.Make`).

        Args:
            config: of the device.
            primitive: DSP slices as instances of DSP48E2, for synthesis.
        """

    def contract(self, config: Any) -> list[str]:
        """Lines that a user of the Verilog needs."""


def component_family(component: str) -> ComponentFamily:
    """The family of one component."""
    module, _, name = PARTS[component].partition(":")
    found: ComponentFamily = getattr(import_module(module), name)()
    return found


class DspChainFamily:
    """See `rtl.verify.family.Family`. Settings: ``component``, the fields of its configuration, ``preset``, and those
    of the cases.
    """

    name = NAME

    def configuration(self, settings: Mapping[str, Any], rng: np.random.Generator) -> Configuration:
        """A configuration with the fields that the settings fix; without ``component``, of any."""
        kinds = {name: (configuration_class(name), component_family(name).case_keys) for name in COMPONENTS}
        component = component_for(settings, kinds, rng)
        return component_family(component).configuration(component, settings, rng)

    def case(self, configuration: Any, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
        """A random case of that component."""
        return component_family(configuration.component).case(configuration, settings, rng)

    def component(self, configuration: Any) -> wiring.Component:
        """The component."""
        return component_family(configuration.component).component(configuration)

    def verilog(self, component: Any) -> str:
        """The component as users get it."""
        return convert(component)


def emit_component(config: Any, primitive: bool = False) -> str:
    """Verilog of a component.

    Args:
        config: of the component.
        primitive: DSP slices as instances of DSP48E2, for synthesis.
    """
    return convert(component_family(config.component).component(config, primitive))


def convert(component: Any) -> str:
    """Verilog of that component, which is used up by this."""
    config = component.config
    return convert_parts(component, NAME, config, component_family(config.component).contract(config))
