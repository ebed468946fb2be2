"""Cycle constants of the N:M array, counted in pipeline registers. The RTL builds exactly these; the model uses them.

All are cycles after a pass *starts* (cycle x: the sequencer takes the pass). Step i of the pass is issued at
x + 1 + i, its operands leave the buffers one cycle later and reach PE (r, c) after ``r * skew + c`` more, so a PE works
on it at x + 2 + i + r * skew + c. The skew of weight-stationary rows is the latency of the adder that each adds to the
partial sum on its way down; output-stationary rows stand one cycle behind each other.
"""

from __future__ import annotations

import numpy as np

from hwsim.nm_array.config import Dataflow, NmArrayConfig
from hwsim.nm_array.schedule import Ints, Schedule

DATAFLOWS: tuple[Dataflow, Dataflow] = ("ws", "os")
REQUANTIZE = 4    # INT8: registers: add bias, multiply, shift, round with offset and clamp
ROUND = 1         # floating point, behind the adder of the bias: round to 16 bits
RESULT_BUFFER = 2  # write to visible at the port


def finish(config: NmArrayConfig) -> int:
    """Cycles from a finished sum to the element that goes into the result buffer."""
    return config.sum_latency + ROUND if config.floating else REQUANTIZE


def accumulate(config: NmArrayConfig) -> int:
    """Cycles from a column's bottom to the finished sum; a purely output-stationary array only passes it on."""
    return config.sum_latency if "ws" in config.dataflows else 1


def grid_path(config: NmArrayConfig, dataflow: Dataflow) -> int:
    """Cycles from the issue of a result until column 0 accumulates it, less two (buffer and first register)."""
    if dataflow == "ws":
        return config.rows * config.sum_latency + config.product_latency
    return config.rows + config.product_latency + config.interleaved - 1


def parameters_read(config: NmArrayConfig, dataflow: Dataflow) -> int:
    """Cycles from the issue of a result until the last column has its parameters."""
    return grid_path(config, dataflow) + config.cols + accumulate(config)


def result_path(config: NmArrayConfig, dataflow: Dataflow) -> int:
    """Cycles from the issue of a result to its beat at port ``o``: the last column's registers, end to end."""
    return parameters_read(config, dataflow) + finish(config) + RESULT_BUFFER


def reuse_cycles(config: NmArrayConfig) -> int:
    """ws: cycles from the summand of a column's sum to the next of the same sum: adder, then memory.

    An INT32 sum is added on its way into the memory, and can be read at once.
    """
    return config.sum_latency + 1 if config.floating else 1


def sweep_cycles(schedule: Schedule) -> Ints:
    """ws: cycles for one sweep over a tile's rows when the next sweep adds to the same sums: (passes,)."""
    return np.maximum(schedule.beats, reuse_cycles(schedule.config))


def slot_cycles(schedule: Schedule) -> Ints:
    """Cycles that each pass occupies the array: (passes,).

    ``os``: each unit and step takes as long as a sum takes to come back, whether or not as many outputs share the PE.
    The results of a finished tile leave over the drain chain, one a cycle, so a last pass takes at least that long.
    """
    config, sweep = schedule.config, sweep_cycles(schedule)
    ws = (schedule.steps - 1) * sweep + np.where(schedule.last, schedule.beats, sweep)
    os = schedule.beats * schedule.steps * config.sum_latency
    drained = np.where(schedule.last, np.maximum(os, drain_cycles(config)), os)
    return np.where(schedule.output_stationary, drained, ws)


def first_result(schedule: Schedule, slot: Ints) -> Ints:
    """Cycles from the start of a pass to its first beat at port ``o``: (passes,).

    ``ws``, INT8: the steps of a row of A follow each other, its PE adds them up. Floating point: one sweep over all
    rows for each step, as a sum cannot take the next summand at once; the last sweep gives the results.
    """
    config, steps = schedule.config, schedule.steps
    swept = (steps - 1) * sweep_cycles(schedule) + 1 if config.floating else steps
    ws, os = (result_path(config, dataflow) for dataflow in DATAFLOWS)
    return np.where(schedule.output_stationary, slot + 1 + os, swept + ws)


def result_spacing(schedule: Schedule) -> Ints:
    """Cycles between the result beats of a pass: (passes,)."""
    if schedule.config.floating:
        return np.ones_like(schedule.steps)
    return np.where(schedule.output_stationary, 1, schedule.steps)


def drain_cycles(config: NmArrayConfig) -> int:
    """os: fewest cycles between the ends of two result tiles. While a row's results leave, those above follow."""
    return config.rows * config.interleaved


def weight_gap(config: NmArrayConfig) -> int:
    """ws: cycles that the next weights wait, so that they do not overtake the operands: these take ``sum_latency``
    cycles from row to row, weights two (one down, one for the beat).
    """
    return max(0, (config.sum_latency - 2) * (config.rows - 1) - 2)


def switch_cycles(config: NmArrayConfig) -> int:
    """Cycles from the end of a pass to the start of one of the other dataflow: what leaves the PEs has to be out first.

    ws to os: the last sum is at the bottom after ``rows * sum_latency``, and the new dataflow arrives there one cycle
    a row. os to ws: the top row's results leave it one PE's outputs after its own capture.
    """
    down, out = config.rows * (config.sum_latency - 1) + 1, config.rows + 2 * config.interleaved - 1
    return config.product_latency + max(down, out)
