"""Durations of each pass, from the constants of `hwsim.nm_array.timing`: what both networks are built of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwsim.nm_array import timing
from hwsim.nm_array.schedule import Ints, Schedule

DESCRIPTOR_QUEUE = 1  # cycles through the descriptor queue
HANDOVER = 1          # cycles from an event to the engine that waits for it: one register


@dataclass(frozen=True)
class Times:
    """Durations of each pass, cycles: arrays (passes,)."""

    program: Schedule

    @property
    def steps(self) -> Ints:
        """Cycles for which each beat of operands is used."""
        return self.program.steps

    @cached_property
    def slot(self) -> Ints:
        """Cycles that the pass occupies the array."""
        return timing.slot_cycles(self.program)

    @cached_property
    def load(self) -> Ints:
        """Cycles to bring the weights of a pass into the PEs; ``os`` streams them during the pass instead."""
        return np.where(self.program.output_stationary, 0, self.program.rows)

    @cached_property
    def first_result(self) -> Ints:
        """From start to the first result beat."""
        return timing.first_result(self.program, self.slot)

    @cached_property
    def last_result(self) -> Ints:
        """From start to the last result beat."""
        return self.first_result + (self.program.results - 1) * timing.result_spacing(self.program)

    @cached_property
    def a_release(self) -> Ints:
        """From start to the cycle in which the activation slot can be written again: the last row reads last."""
        config = self.program.config
        skew = np.where(self.program.output_stationary, 1, config.sum_latency)
        return self.slot + skew * (config.rows - 1) + 1

    @cached_property
    def w_release(self) -> Ints:
        """From start (of the load, or of the ``os`` pass) to the weight slot's release: the last column reads last."""
        return np.where(self.program.output_stationary, self.slot, self.load) + self.program.config.cols

    @cached_property
    def q_release(self) -> Ints:
        """From start to the release of the parameters: the last column has read them for the last result."""
        return self.last_result - timing.finish(self.program.config) - timing.RESULT_BUFFER

    @cached_property
    def hold(self) -> Ints:
        """From the start of a pass until the next pass's weights may move: (passes,).

        They wait for the PEs' registers: without shadow weights until the pass has been issued, and behind the
        operands on their way. After an ``os`` pass they wait for its weights to be issued: both take the same path.
        """
        p = self.program
        after = np.zeros(p.passes, np.int64) if p.config.shadow_weights else self.slot
        held = np.where(p.output_stationary, self.slot, after + timing.weight_gap(p.config))
        return held + HANDOVER

    @cached_property
    def settle(self) -> Ints:
        """From the end of the pass before, where its dataflow was the other one: (passes,)."""
        other = np.diff(self.program.output_stationary, prepend=self.program.output_stationary[:1])
        return np.where(other, timing.switch_cycles(self.program.config), 0)
