"""Cycle constants of chain and unit, counted in registers. The RTL builds exactly these; the model uses them.

A beat is taken from its queues in cycle t (a *step*). In t + 1 weights and activations stand in registers, and each DSP
selects its activations; in t + 2 DSP 0 has its operands, DSP p `skew` cycles later. Behind the last group's sum come
its node, which all others are delayed to meet, and the selection of lanes.
"""

from __future__ import annotations

from hwsim.dsp_chain.config import SparseChainConfig

QUEUE = 1          # cycles through the queues of slices and weight beats
HANDOVER = 1       # cycles from an event to what waits for it: one register
ISSUE = 1          # register behind the queues
MUX = 1            # register behind a sparse multiplexer
ADD = 1            # register P of a DSP: from one DSP to the next inside a group
PASS = 1           # register C: more than that from one group to the next
NODE = 1           # register of a reduction node
SELECT = 1         # register behind the selection of lanes
ACCUMULATE = 1     # register behind an accumulator
RESULT_QUEUE = 2   # write to visible at the port


def skew(config: SparseChainConfig, dsp: int) -> int:
    """Cycles that a DSP works behind DSP 0 of its chain."""
    return dsp * ADD + dsp // config.group_length * PASS


def node(config: SparseChainConfig, group: int) -> int:
    """From a chain's inputs to the sum of a group."""
    return MUX + skew(config, (group + 1) * config.group_length - 1) + config.operand_stages + ADD


def sums(config: SparseChainConfig) -> int:
    """From a chain's inputs to the sums of a beat."""
    return node(config, config.groups - 1) + NODE + SELECT


def chain(config: SparseChainConfig) -> int:
    """From a step to its sums at the port of a `ChainConfig`'s device."""
    return ISSUE + sums(config) + RESULT_QUEUE


def full_rate_depth(config: SparseChainConfig) -> int:
    """Entries of the result queue with which a `ChainConfig`'s device takes a beat in every cycle, if no port stalls:
    one for each cycle from a beat's step to the credit that its sums give back.
    """
    return chain(config) + HANDOVER


def mpu(config: SparseChainConfig) -> int:
    """From a slice's step, the last of its outputs, to the first of these results at the port of an `MpuConfig`'s."""
    return ISSUE + sums(config) + ACCUMULATE + RESULT_QUEUE
