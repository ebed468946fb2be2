"""WUVE as a family that can be verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.wuve.config import WuveConfig
from rtl.verify.family import Case
from rtl.wuve.cases import draw_case
from rtl.wuve.emit import NAME, convert
from rtl.wuve.engine import Wuve
from rtl.wuve.random_configuration import draw_configuration


class WuveFamily:
    """See `rtl.verify.family.Family`. Settings: the fields of `WuveConfig`, ``preset``, and those of the cases."""

    name = NAME

    def configuration(self, settings: Mapping[str, Any], rng: np.random.Generator) -> WuveConfig:
        """See `rtl.wuve.random_configuration.draw_configuration`."""
        return draw_configuration(settings, rng)

    def case(self, configuration: WuveConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
        """See `rtl.wuve.cases.draw_case`."""
        return draw_case(configuration, settings, rng)

    def component(self, configuration: WuveConfig) -> Wuve:
        """The engine."""
        return Wuve(configuration)

    def verilog(self, component: Wuve) -> str:
        """The engine as users get it."""
        return convert(component)
