"""The dequantiser as a component of its family that can be verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.dsp_chain.dequant.config import DequantConfig
from rtl.dsp_chain.dequant.cases import CASE_KEYS, draw_case
from rtl.dsp_chain.dequant.contract import contract
from rtl.dsp_chain.dequant.dequant import Dequant
from rtl.dsp_chain.dequant.random_configuration import draw_configuration
from rtl.verify.family import Case


class DequantFamily:
    """See `rtl.dsp_chain.family.ComponentFamily`. It has no DSP slices of its own: its multipliers are inferred."""

    case_keys: Sequence[str] = CASE_KEYS

    def configuration(self, component: str, settings: Mapping[str, Any], rng: np.random.Generator) -> DequantConfig:
        """See `rtl.dsp_chain.dequant.random_configuration.draw_configuration`."""
        return draw_configuration(settings, rng)

    def case(self, config: DequantConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
        """See `rtl.dsp_chain.dequant.cases.draw_case`."""
        return draw_case(config, settings, rng)

    def component(self, config: DequantConfig, primitive: bool = False) -> Dequant:
        """A fresh dequantiser."""
        return Dequant(config)

    def contract(self, config: DequantConfig) -> list[str]:
        """See `rtl.dsp_chain.dequant.contract.contract`."""
        return contract(config)
