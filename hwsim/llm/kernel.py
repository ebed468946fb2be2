"""Compiled loops over a program: where instructions begin in the words, when they start on the queues."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True)
def instruction_starts(
    words: npt.NDArray[np.uint32], lengths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], int]:
    """First word of each instruction, and the word reached.

    Args:
        words: shape (words,).
        lengths: shape (16,): words by the code in bits 31:28; 0 = no such code, where the walk ends.
    """
    starts = np.empty(len(words), np.int64)
    count, at = 0, 0
    while at < len(words):
        length = lengths[words[at] >> np.uint32(28)]
        if length == 0:
            break
        starts[count] = at
        count += 1
        at += length
    return starts[:count].copy(), at


@njit(cache=True)
def run_queues(
    order: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    wait: npt.NDArray[np.uint8],
    release: npt.NDArray[np.uint8],
    duration: npt.NDArray[np.int64],
    token_first: npt.NDArray[np.int64],
    tokens: npt.NDArray[np.int64],
    done: npt.NDArray[np.int64],
    given: npt.NDArray[np.int64],
    taken: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    starved: npt.NDArray[np.int64],
) -> None:
    """Run each queue as far as it goes, again and again until none moves. Start times do not depend on the order.

    Args:
        order: instructions sorted by queue, in program order within each.
        first: shape (queues + 1,): where each queue begins in `order`.
        wait: token masks, by instruction in program order.
        release: the same.
        duration: by instruction in program order, ps.
        token_first: shape (queues, queues): where the tokens from one queue to another begin in `tokens`.
        tokens: scratch, one for each token released: when.
        done: shape (queues,), zeros; out: how many instructions of each queue ran.
        given: shape (queues, queues), zeros; out: tokens released, [from, to].
        taken: the same; out: tokens taken.
        start: out, by instruction; valid for those that ran.
        starved: shape (queues, queues), zeros; out: how long a queue waited, by the queue whose token came last.
    """
    queues = len(first) - 1
    free = np.zeros(queues, np.int64)
    moved = True
    while moved:
        moved = False
        for v in range(queues):
            while first[v] + done[v] < first[v + 1]:
                i = order[first[v] + done[v]]
                begin, last, there = free[v], -1, True
                for u in range(queues):
                    if wait[i] >> u & 1:
                        if taken[u, v] == given[u, v]:
                            there = False
                            break
                        come = tokens[token_first[u, v] + taken[u, v]]
                        if come > begin:
                            begin, last = come, u
                if not there:
                    break
                for u in range(queues):
                    taken[u, v] += wait[i] >> u & 1
                if last >= 0:
                    starved[v, last] += begin - free[v]
                start[i] = begin
                free[v] = begin + duration[i]
                for w in range(queues):
                    if release[i] >> w & 1:
                        tokens[token_first[v, w] + given[v, w]] = free[v]
                        given[v, w] += 1
                done[v] += 1
                moved = True
