"""A training step as stream tokens, bit for bit."""

from __future__ import annotations

import numpy as np

from hwsim.training_core.model import Flow
from hwsim.training_core.work import Step
from hwsim.wuve.update import Update
from rtl.nm_array.tokens import descriptor_tokens, operand_tokens
from rtl.nm_array.tokens import result_tokens as array_results
from rtl.parts.tokens import pack
from rtl.sore.tokens import descriptor_tokens as slice_tokens
from rtl.sore.tokens import result_tokens as selected_tokens
from rtl.training_core.layouts import ROUTE_BITS
from rtl.wuve.tokens import parameter_tokens
from rtl.wuve.tokens import result_tokens as updated_tokens


def input_tokens(step: Step) -> dict[str, list[int]]:
    """Tokens of all input ports."""
    flow = Flow(step)
    each = [operand_tokens(gemm.program, gemm.a, gemm.w, [gemm.parameters]) for gemm in step.gemms]
    tokens = {port: [token for part in each for token in part[port]] for port in ("a", "w", "q")}
    to_update = np.array([gemm.update for gemm in step.gemms], np.int64)
    return {"d": descriptor_tokens(flow.schedule), **tokens, "r": pack([(to_update, 1), (flow.beats, ROUTE_BITS)]),
            "h": parameter_tokens([trained.update for trained in step.trained]),
            "s": [token for trained in step.trained for token in state_tokens(trained.update)],
            "k": slice_tokens([part for trained in step.trained for part in trained.slices])}


def state_tokens(update: Update) -> list[int]:
    """Port ``s``: one token per beat of one tensor."""
    columns = []
    for lane in range(update.config.lanes):
        columns += [(update.weight.view(np.uint32)[:, lane].astype(np.int64), 32),
                    (update.momentum.view(np.uint32)[:, lane].astype(np.int64), 32),
                    (update.dropped[:, lane].astype(np.int64), 1)]
    return pack(columns)


def output_tokens(step: Step) -> dict[str, list[int]]:
    """What must come at each output port."""
    results = [token for gemm in step.gemms if not gemm.update for token in
               array_results(gemm.results)]
    updated = [token for trained in step.trained for token in updated_tokens(trained.update, trained.result)]
    selected = {port: [token for trained in step.trained for beats in trained.selected
                       for token in selected_tokens(step.config.sore, beats[port])] for port in ("f", "b")}
    return {"o": results, "u": updated, **selected}
