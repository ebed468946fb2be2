"""Random configurations and cases of a family on RTL, against model and reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from hwsim.config import Configuration, in_range, one_of
from hwsim.errors import InputError
from rtl.bench import ENGINES, Bench, Engine, build_bench
from rtl.verify.compare import Comparison, compare
from rtl.verify.family import Case, Family
from rtl.verify.registry import find_family
from rtl.verify.report import Report

Progress = Callable[[int, int, str], None]
"""Called with cases done, cases in all, and what is being done now."""

_BATCH = 64  # cases of one start of a simulator


def verify(
    family: str, settings: Mapping[str, Any] | None = None, *, seed: int = 0, cases: int = 20, configurations: int = 1,
    engine: str = "verilator", limit: int | None = None, only: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Compare every transfer of random cases on RTL with the cycle model and the reference.

    Args:
        family: one of `rtl.verify.FAMILIES`.
        settings: what to fix of configurations and cases, by the keys of the family; all else is drawn.
        seed: the same seed and settings give the same configurations and cases.
        cases: of each configuration; they share one build.
        configurations: how many to draw.
        engine: one of `rtl.bench.ENGINES`.
        limit: most cycles to wait for one case; by default, a quarter more than the model's and 1000.
        only: repeat just this one: (number of the configuration, number of the case), as a failure tells.
        progress: told before each build and each batch of cases.

    Raises:
        InputError: an unknown family, engine or key, a value that cannot be used, or a missing tool.
    """
    chosen, fixed = find_family(family), dict(settings or {})
    one_of("engine", engine, ENGINES)
    _counts(seed=seed, cases=cases, configurations=configurations)
    if limit is not None:
        in_range("limit", limit, 1)
    if only is not None and not (0 <= only[0] < configurations and 0 <= only[1] < cases):
        raise InputError("only", f"a configuration below {configurations} and a case below {cases}", only)
    told, done, total = progress or _silent, 0, 1 if only else cases * configurations
    report = Report(family=family, engine=engine, seed=seed)
    for c in range(configurations) if only is None else (only[0],):
        numbers = range(cases) if only is None else (only[1],)
        configuration = chosen.configuration(fixed, np.random.default_rng([seed, c]))
        made = [chosen.case(configuration, fixed, np.random.default_rng([seed, c, k])) for k in numbers]
        told(done, total, f"configuration {c + 1} of {configurations}: build")
        bench = build_family_bench(chosen, configuration, engine)
        report.configurations += 1
        report.verified.append(configuration.to_mapping())
        again = {"family": family, "engine": engine, "settings": fixed, "seed": seed, "cases": cases,
                 "configurations": configurations, "configuration": configuration.to_mapping()}
        for batch in _batches(list(zip(numbers, made, strict=True))):
            told(done, total, f"configuration {c + 1} of {configurations}: {len(batch)} cases")
            compared = run_cases(bench, [case for _, case in batch], limit=limit)
            for (k, case), comparison in zip(batch, compared, strict=True):
                report.add(comparison, {**again, "only": [c, k], "case": dict(case.described)})
            done += len(batch)
    told(done, total, "done")
    return report


def build_family_bench(family: Family[Any], configuration: Configuration, engine: str) -> Bench:
    """A bench around a device of the family; engines that read Verilog get the text that users get."""
    return build_bench(lambda: family.component(configuration), engine=cast(Engine, engine), name=family.name,
                       verilog=family.verilog)


def run_cases(bench: Bench, cases: Sequence[Case], *, limit: int | None = None) -> list[Comparison]:
    """Run cases on a bench and compare each.

    Args:
        bench: around the device that the cases are for.
        cases: what to run.
        limit: most cycles to wait for one; by default, a quarter more than the model's and 1000.
    """
    stimuli = [replace(case.stimulus, limit=limit or case.cycles + case.cycles // 4 + 1000) for case in cases]
    return [compare(case, seen) for case, seen in zip(cases, bench.run(stimuli), strict=True)]


def _counts(**given: int) -> None:
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(name, "a whole number", value)
        in_range(name, value, 0 if name == "seed" else 1)


def _batches(items: list[tuple[int, Case]]) -> list[tuple[tuple[int, Case], ...]]:
    return [tuple(items[at:at + _BATCH]) for at in range(0, len(items), _BATCH)]


def _silent(done: int, total: int, what: str) -> None:
    """Nobody asked."""
