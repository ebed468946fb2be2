"""Cycle constants of SORE, counted in pipeline registers. The RTL builds exactly these; the model uses them.

A row that is taken in cycle x is in the input register in x + 1. There the forward sorters take it, and the transposer
writes it. With the block's last row (real, or a zero that fills up the slice) in x + 1, the forward slots are complete
in x + 2, in the drain from x + 3 on, and two cycles later at the port. The transposer reads the block from x + 2 on,
one column a cycle; a column is there one cycle after its address, and behind the crossing another one later.
"""

from __future__ import annotations

from hwsim.sparsity.ratio import Ratio

INPUT = 1         # register behind port i
SORT = 1          # register of the sorters
DRAIN = 1         # register from which the slots leave, one a cycle
RESULT_QUEUE = 2  # write to visible at the port
READ = 2          # transposer: from the last row's write to the first column's word
CROSSING = 1      # register behind the second crossing
DESCRIPTOR_QUEUE = 1  # cycles through the descriptor queue
HANDOVER = 1      # cycles from an event to the engine that waits for it: one register

FORWARD = INPUT + SORT + DRAIN + RESULT_QUEUE
"""From the cycle in which a group's last row is taken to its first forward beat at the port."""


def backward(m: int) -> int:
    """The same for the backward beats of a block of m rows: its last column is sorted m - 1 cycles after the first."""
    return INPUT + READ + CROSSING + (m - 1) + SORT + DRAIN + RESULT_QUEUE


def settle(ratio: Ratio) -> int:
    """Cycles after a slice before one of another ratio may start.

    Groups of one size follow each other through transposer and drains at any distance they come in; a shorter one
    could catch up with a longer one. M cycles empty the transposer, N the drain.
    """
    return ratio.m + ratio.n


def full_rate_depth(ratio: Ratio) -> int:
    """Entries of a result queue with which rows of one ratio can be taken every cycle, in both directions.

    A group reserves N entries with its first row. Backward beat s of it leaves M - 1 + `backward` + s cycles later, and
    its entry is free one cycle after that; meanwhile a group more is reserved every M cycles.
    """
    n, m = ratio.n, ratio.m
    whole, into = divmod(m - 1 + backward(m) + HANDOVER - 1, m)
    return n + n * (whole + 1) - min(n, m - into)
