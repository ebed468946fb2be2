"""The N:M array as a family that can be verified, and one given program on RTL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.program import Program
from hwsim.nm_array.reference import Elements, Parameters
from hwsim.nm_array.schedule import Bools
from rtl.nm_array.array import NmArray
from rtl.nm_array.cases import Work, describe, draw_case, make_case
from rtl.nm_array.emit import NAME, convert
from rtl.nm_array.random_configuration import draw_configuration
from rtl.verify.family import Case
from rtl.verify.report import Report
from rtl.verify.run import build_family_bench, run_cases


class NmArrayFamily:
    """See `rtl.verify.family.Family`. Settings: the fields of `NmArrayConfig`, ``preset``, and those of the cases."""

    name = NAME

    def configuration(self, settings: Mapping[str, Any], rng: np.random.Generator) -> NmArrayConfig:
        """See `rtl.nm_array.random_configuration.draw_configuration`."""
        return draw_configuration(settings, rng)

    def case(self, configuration: NmArrayConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
        """See `rtl.nm_array.cases.draw_case`."""
        return draw_case(configuration, settings, rng)

    def component(self, configuration: NmArrayConfig) -> NmArray:
        """The array."""
        return NmArray(configuration)

    def verilog(self, component: NmArray) -> str:
        """The array as users get it."""
        return convert(component)


def verify_program(program: Program, a: Elements, w: Elements, rq: Sequence[Parameters],
                   offer: Mapping[str, Bools] | None = None, ready: Bools | None = None,
                   engine: str = "verilator", limit: int | None = None) -> Report:
    """One program with its data on RTL, against model and reference.

    Args:
        program: a whole layer, or a part of one by ``program.select(slice(first, end))``.
        a: activations (groups, M, K), int8 or bit patterns.
        w: weights (groups, K, N) that keep the program's N:M along K.
        rq: parameters of the results by group.
        offer: by input port: bool (cycles,), when its source may begin to offer.
        ready: bool (cycles,), when the sink of port ``o`` is ready.
        engine: one of `rtl.bench.ENGINES`.
        limit: most cycles to wait; by default a quarter more than the model's and 1000.
    """
    return verify_programs([Work(program=program, a=a, w=w, rq=rq)], offer, ready, engine, limit)


def verify_programs(works: Sequence[Work], offer: Mapping[str, Bools] | None = None, ready: Bools | None = None,
                    engine: str = "verilator", limit: int | None = None) -> Report:
    """Programs one after the other, without a reset between, on RTL; see `verify_program`."""
    described = {"programs": [describe(work.program) for work in works]}
    config, case = works[0].program.config, make_case(works, offer, ready, described)
    bench = build_family_bench(NmArrayFamily(), config, engine)
    report = Report(family=NAME, engine=engine, seed=None, configurations=1, verified=[config.to_mapping()])
    [comparison] = run_cases(bench, [case], limit=limit)
    report.add(comparison, {"family": NAME, "engine": engine, "configuration": config.to_mapping(),
                            "case": described})
    return report
