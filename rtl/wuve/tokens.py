"""Updates and results as stream tokens, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwsim.wuve.reference import Updated
from hwsim.wuve.update import Update
from rtl.parts.tokens import pack


def parameter_tokens(updates: Sequence[Update]) -> list[int]:
    """Port ``p``: one token per tensor."""
    config, rows = updates[0].config, []
    for update in updates:
        given = update.parameters
        singles = np.array([given.learning_rate, given.momentum, *given.decays], np.float32).view(np.uint32)
        rows.append([update.beats, given.scale_bits(config.format), *singles.tolist()])
    widths = [config.most_beats.bit_length(), config.format.bits, 32, 32, 32, 32]
    return pack(list(zip(np.array(rows, np.int64).T, widths, strict=True)))


def operand_tokens(update: Update) -> list[int]:
    """Port ``i``: one token per beat of one tensor."""
    columns = []
    for lane in range(update.config.lanes):
        columns += [(update.gradient[:, lane].astype(np.int64), update.config.format.bits),
                    (update.weight.view(np.uint32)[:, lane].astype(np.int64), 32),
                    (update.momentum.view(np.uint32)[:, lane].astype(np.int64), 32),
                    (update.dropped[:, lane].astype(np.int64), 1)]
    return pack(columns)


def result_tokens(update: Update, updated: Updated) -> list[int]:
    """Port ``o``: one token per beat of one tensor."""
    columns = []
    for lane in range(update.config.lanes):
        columns += [(updated.weight.view(np.uint32)[:, lane].astype(np.int64), 32),
                    (updated.momentum.view(np.uint32)[:, lane].astype(np.int64), 32),
                    (updated.compute[:, lane].astype(np.int64), update.config.format.bits)]
    last = np.arange(update.beats) == update.beats - 1
    return pack([*columns, (last.astype(np.int64), 1)])
