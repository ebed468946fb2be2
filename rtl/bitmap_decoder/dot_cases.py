"""Conformance cases of the dot product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.bitmap_decoder.account import dot_counts
from hwsim.bitmap_decoder.config import DotConfig
from hwsim.bitmap_decoder.dot import Sums, sums
from hwsim.bitmap_decoder.dot_model import dot_network
from hwsim.bitmap_decoder.front import Gates
from hwsim.bitmap_decoder.jobs import DotJob
from rtl.bitmap_decoder.cases import draw_count, draw_elements, draw_kept, draw_shape, draw_stalls, made_case
from rtl.bitmap_decoder.tokens import input_tokens, operand_tokens, sum_tokens
from rtl.verify.family import Case

PORTS = ("h", "b", "v", "x", "o")


def dot_case(jobs: Sequence[DotJob], offer: Gates | None = None, ready: Gates | None = None,
             described: Mapping[str, Any] | None = None, results: Sequence[Sums] | None = None) -> Case:
    """The case of jobs that follow each other without a reset.

    Args:
        jobs: of one component, in order.
        offer: by input port: bool (cycles,), when its source may begin to offer; always, for ports left out.
        ready: by output port: bool (cycles,), when its sink is ready; always, for ports left out.
        described: what the case is, for reports.
        results: what comes of each job; by default, of the reference.
    """
    found = [sums(job) for job in jobs] if results is None else results
    tokens = {**input_tokens(jobs), "x": [token for job in jobs for token in operand_tokens(job)]}
    value = [token for each in found for token in sum_tokens(each)]
    return made_case(dot_network(jobs, offer, ready), tokens, {"o": value}, offer, ready, described,
                     lambda: dot_counts(jobs))


def draw_dot_case(config: DotConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
    """A random case: one to four jobs, ragged or not, of any density; `CASE_KEYS` of `cases` fix parts of it."""
    jobs, described = [], []
    for _ in range(draw_count(settings, "jobs", int(rng.integers(1, 5)), 64)):
        rows, drawn, kind = draw_shape(config, settings, rng)
        elements = drawn if "elements" in settings else min(drawn, config.x_depth)
        kept, density = draw_kept((rows, elements), config.tile, settings, rng)
        dense = draw_elements(kind, config, (rows, elements), rng)
        x = draw_elements(kind, config, (elements, config.cols), rng)
        jobs.append(DotJob(config=config, dense=dense, kept=kept, x=x))
        described.append({"rows": rows, "elements": elements, "density": density, "values": kind})
    cycles = 16 * sum(job.dense.size + job.elements for job in jobs) + 256
    fractions, stalls = draw_stalls(settings, PORTS, cycles, rng)
    return dot_case(jobs, {port: stalls[port] for port in PORTS[:-1]}, {"o": stalls["o"]},
                    {"jobs": described, "stalls": fractions})
