"""What a family of accelerators has to offer so that its RTL can be verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from amaranth.lib import wiring

from hwsim.config import Configuration
from hwsim.energy import ActionCount
from hwsim.network import Timeline
from rtl.bench import Stimulus

ConfigurationT = TypeVar("ConfigurationT", bound=Configuration)


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One run of a device: what goes in, and everything that must come of it.

    Attributes:
        described: what the case is, as plain data for the report.
        stimulus: tokens and stalls.
        cycle: by port, inputs and outputs: the cycle of every transfer, from the cycle model.
        value: by output port: the payload of every transfer, from the reference.
        cycles: of the whole run, from the cycle model.
        timeline: of the cycle model: its ports, and what stands behind them.
        actions: counts them as the family's account does; None where a single run has no account.
    """

    described: Mapping[str, Any]
    stimulus: Stimulus
    cycle: Mapping[str, npt.NDArray[np.int64]]
    value: Mapping[str, list[int]]
    cycles: int
    timeline: Timeline
    actions: Callable[[], list[ActionCount]] | None = None


class Family(Protocol, Generic[ConfigurationT]):
    """A family: random configurations and cases of it, and its RTL.

    The same settings and the same state of ``rng`` must give the same configuration and the same case, on any machine.
    """

    name: str
    """As users type it; also the name of the Verilog module."""

    def configuration(self, settings: Mapping[str, Any], rng: np.random.Generator) -> ConfigurationT:
        """A legal configuration with the fields that the settings fix; the others are drawn.

        Raises:
            InputError: unknown keys, or values that no configuration can have.
        """

    def case(self, configuration: ConfigurationT, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
        """A random case for that configuration, with what the settings fix of it.

        Raises:
            InputError: values that do not fit the configuration.
        """

    def component(self, configuration: ConfigurationT) -> wiring.Component:
        """A fresh device; all its ports are streams."""

    def verilog(self, component: Any) -> str:
        """The Verilog that users get of a fresh device; engines that run Verilog simulate exactly this text."""
