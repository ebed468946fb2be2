"""Cycle constants of the N:M array, counted in pipeline registers. The RTL builds exactly these; the model uses them.

All are cycles after a pass *starts* (cycle x: the sequencer takes the pass). Step i of the pass is issued at
x + 1 + i, its operands leave the buffers one cycle later and reach PE (r, c) after r + c more, so a PE works on it
at x + 2 + i + r + c.
"""

from __future__ import annotations

import numpy as np

from hwsim.nm_array.config import NmArrayConfig

SUM = 1           # register behind the accumulator (ws) or the drain chain (os)
REQUANTIZE = 4    # registers: add bias, multiply, shift, round with offset and clamp
RESULT_BUFFER = 2  # write to visible at the port


def result_path(config: NmArrayConfig) -> int:
    """Cycles from the issue of a result to its beat at port ``o``: the last column's registers, end to end."""
    return parameters_read(config) + REQUANTIZE + RESULT_BUFFER


def parameters_read(config: NmArrayConfig) -> int:
    """Cycles from the issue of a result until the last column has its requantisation parameters."""
    return config.rows + config.product_stages + config.cols + SUM


def slot_cycles(config: NmArrayConfig, beats: np.ndarray, steps: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Cycles that each pass occupies the array: arrays (passes,) -> (passes,).

    ``os``: the results of a finished tile leave over the drain chain, one row a cycle, so a last pass takes at
    least as many cycles as the array has rows.
    """
    compute = beats * steps
    return compute if config.dataflow == "ws" else np.where(last, np.maximum(compute, config.rows), compute)


def load_cycles(config: NmArrayConfig, rows: np.ndarray) -> np.ndarray:
    """Cycles to bring the weights of a pass into the PEs; ``os`` streams them during the pass instead."""
    return rows if config.dataflow == "ws" else np.zeros_like(rows)


def first_result(config: NmArrayConfig, slot: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Cycles from the start of a pass to its first beat at port ``o``: (passes,)."""
    issued = steps if config.dataflow == "ws" else slot + 1
    return issued + result_path(config)


def result_spacing(config: NmArrayConfig, steps: np.ndarray) -> np.ndarray:
    """Cycles between the result beats of a pass: (passes,)."""
    return steps if config.dataflow == "ws" else np.ones_like(steps)
