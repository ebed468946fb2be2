"""What columns cost in actions: multiply-accumulates, multiplexer steps, adders, registers. Energy prices them."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.dsp_chain import timing
from hwsim.dsp_chain.config import ROWS, SparseChainConfig
from hwsim.dsp_chain.work import Block, Column, blocks_of, same_device
from hwsim.energy import ActionCount

SUM_BITS, P_BITS, PACKED_BITS, PRODUCT_BITS = 32, 48, 27, 45
"""Registers of an accumulator and, inside a DSP, of its sum, its packed operand and its product."""


def action_counts(columns: Sequence[Column]) -> list[ActionCount]:
    """Actions of a chain or a unit; registers are charged in the cycles in which a beat passes them.

    Multiply-accumulates count with each row that is used: of a packed product both halves in MM mode, one in MV mode,
    zero weights too. A multiplexer of n inputs is n - 1 of two, whatever it selects. Not counted: control.
    """
    config, blocks = same_device(columns), blocks_of(columns)
    beats = sum(block.n for block in blocks)
    macs = sum(block.n * (1 if block.single else ROWS) for block in blocks) * config.length * config.chains
    outputs = len(blocks) * config.m * ROWS * config.chains
    results = len(columns) * config.m * ROWS * config.chains * SUM_BITS
    if not config.accumulates:
        results = outputs * config.sum_bits
    counts = [
        _count("dsp", "multiply-accumulate", macs, "mac.int8"),
        _count("dsp", "registers", beats * config.chains * _dsp_bits(config), "register.write"),
        _count("mux", "choose", beats * config.chains * _mux_bits(config), "mux2.held"),
        _count("operands", "registers", beats * config.chains * _operand_bits(config), "register.write"),
        _count("nodes", "add", beats * config.chains * config.groups, "add.int32"),
        _count("nodes", "registers", beats * config.chains * _node_bits(config), "register.write"),
        *_queues(config, blocks, results)]
    if config.accumulates:
        counts += [_count("accumulators", "add", outputs, "add.int32"),
                   _count("accumulators", "read", outputs * SUM_BITS, "register.read"),
                   _count("accumulators", "write", outputs * SUM_BITS, "register.write")]
    return counts


def _queues(config: SparseChainConfig, blocks: Sequence[Block], results: int) -> list[ActionCount]:
    """Slices, weight beats and results are written and read once, by each port that brings them."""
    slices = sum(block.activations.size for block in blocks if block.activations is not None)
    weights = sum(block.weights.size for block in blocks) * (8 + config.index_bits)
    bits = {"slices": 8 * slices, "weights": weights, "results": results}
    return [_count(f"{name} queue", action, count, f"register.{action}")
            for name, count in bits.items() for action in ("write", "read")]


def _dsp_bits(config: SparseChainConfig) -> int:
    """Bits of the registers inside a chain's DSPs."""
    inputs = config.input_stages * 3 * 8 + config.preadd_stages * (PACKED_BITS + 8)
    return config.length * (inputs + config.product_stages * PRODUCT_BITS + P_BITS) + (config.groups - 1) * P_BITS


def _mux_bits(config: SparseChainConfig) -> int:
    """Bits through 2:1 multiplexers in front of a chain."""
    return sum(len(config.met_blocks(p)) * config.m - 1 for p in range(config.length)) * 8 * ROWS


def _operand_bits(config: SparseChainConfig) -> int:
    """Bits of a chain's operand registers: weights before the multiplexers, all behind them, delay lines."""
    behind = sum(timing.MUX + timing.skew(config, p) for p in range(config.length)) * 8 * (ROWS + 1)
    return config.length * (8 + config.index_bits) + behind


def _node_bits(config: SparseChainConfig) -> int:
    """Bits of the nodes' registers: both sums, the low one's way to the next node, the lines in which they meet."""
    end = timing.node(config, config.groups - 1)
    waits = sum(end - timing.node(config, group) for group in config.end_groups)
    ways = (config.groups - 1) * (config.group_length + timing.PASS - timing.NODE)
    return config.sum_bits * (ROWS * (config.groups + waits + config.lanes) + ways)


def _count(component: str, action: str, count: int, cost: str) -> ActionCount:
    return ActionCount(component=component, action=action, count=count, cost=cost)
