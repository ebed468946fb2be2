"""SORE as a family that can be verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.sore.config import SoreConfig
from rtl.sore.cases import draw_case
from rtl.sore.emit import NAME, convert
from rtl.sore.engine import Sore
from rtl.sore.random_configuration import draw_configuration
from rtl.verify.family import Case


class SoreFamily:
    """See `rtl.verify.family.Family`. Settings: the fields of `SoreConfig`, ``preset``, and those of the cases."""

    name = NAME

    def configuration(self, settings: Mapping[str, Any], rng: np.random.Generator) -> SoreConfig:
        """See `rtl.sore.random_configuration.draw_configuration`."""
        return draw_configuration(settings, rng)

    def case(self, configuration: SoreConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
        """See `rtl.sore.cases.draw_case`."""
        return draw_case(configuration, settings, rng)

    def component(self, configuration: SoreConfig) -> Sore:
        """The engine."""
        return Sore(configuration)

    def verilog(self, component: Sore) -> str:
        """The engine as users get it."""
        return convert(component)
