"""Measuring the kernels: on a GPU, or as a dry run of the same path in Triton's interpreter.

PyTorch and Triton are imported when something is measured, not before.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.config import one_of
from hwsim.errors import InputError
from hwsim.gpu.measure.config import MeasureConfig
from hwsim.gpu.measure.file import EVENTS, INTERPRETER, MeasuredPoint, Measurement
from hwsim.gpu.measure.power import Power, PowerSampler, Sensor, nvml_sensor
from hwsim.gpu.measure.timer import EventTimer, HostTimer, Timer, flush_bytes, spread
from hwsim.gpu.shape import GemmShape

if TYPE_CHECKING:
    from hwsim.gpu.kernels.cases import Case, Ready

TOLERANCE = 2e-3
"""Largest error over the largest element of the reference: FP16 results and weights are rounded to 2^-11."""
SPARSITIES = (0.5, 0.7, 0.9)
SWITCH = "TRITON_INTERPRET"


@dataclass(frozen=True)
class Job:
    """One kernel at one shape and sparsity."""

    kernel: str
    shape: GemmShape
    sparsity: float


@dataclass(frozen=True)
class Bench:
    """Where kernels are measured.

    Attributes:
        timer: of calls.
        sensor: of power; None: there is none.
        wait: returns when everything that was launched is done.
        facts: of the GPU and its software, for the file.
        timing: `EVENTS` or `INTERPRETER`.
    """

    timer: Timer
    sensor: Sensor | None
    wait: Callable[[], Any]
    facts: dict[str, Any]
    timing: str


def open_bench(interpret: bool) -> Bench:
    """The GPU that PyTorch sees, or the interpreter.

    Raises:
        InputError: PyTorch or Triton is missing; no GPU and no interpreter; kernels were imported the other way.
    """
    missing = [name for name in ("torch", "triton") if find_spec(name) is None]
    if missing:
        given = f"no {' and no '.join(missing)}"
        raise InputError("gpu measure", "PyTorch and Triton: pip install 'hwsim[gpu]'", given)
    import torch

    if not interpret and not torch.cuda.is_available():
        raise InputError("gpu measure", "a GPU that PyTorch can use, or --interpret for a dry run", "none")
    if "hwsim.gpu.kernels" not in sys.modules:
        os.environ[SWITCH] = "1" if interpret else "0"
    from hwsim.gpu.kernels import interpreted

    if interpreted() != interpret:
        raise InputError(SWITCH, "as it was when the kernels were imported", "another value")
    return _dry_bench() if interpret else _cuda_bench()


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "triton")}


def _dry_bench() -> Bench:
    return Bench(HostTimer(), None, lambda: None, {"name": "none", **_versions()}, INTERPRETER)


def _cuda_bench() -> Bench:
    import torch

    sheet = torch.cuda.get_device_properties(torch.cuda.current_device())
    buffer = torch.empty(flush_bytes(sheet.L2_cache_size), dtype=torch.uint8, device="cuda")
    facts = {"name": sheet.name, "compute_capability": f"{sheet.major}.{sheet.minor}",
             "multiprocessors": sheet.multi_processor_count, "memory_bytes": sheet.total_memory,
             "l2_bytes": sheet.L2_cache_size, "cuda": torch.version.cuda, **_versions()}
    return Bench(EventTimer(torch.cuda, buffer), nvml_sensor(str(sheet.uuid)), torch.cuda.synchronize, facts, EVENTS)


def cases() -> dict[str, Case]:
    """Kernels and baselines, by name; after `open_bench`."""
    from hwsim.gpu.kernels.baselines import BASELINES
    from hwsim.gpu.kernels.cases import CASES

    return {**CASES, **BASELINES}


def plan(kernels: Sequence[str], shapes: Sequence[GemmShape], sparsities: Sequence[float], dtype: str,
         bench: Bench) -> list[Job]:  # fmt: skip
    """All jobs of a run; after `open_bench`.

    Args:
        kernels: by name; none: all that the bench can run and that take the type.
        shapes: none: those of each kernel, small ones for the interpreter.
        sparsities: none: some usual ones, one for the interpreter; a kernel with a sparsity of its own has that alone.
        dtype: of operands.
        bench: where they run.

    Raises:
        InputError: no such kernel.
    """
    known, dry = cases(), bench.timing == INTERPRETER
    ours = [name for name, case in known.items() if dtype in case.dtypes and not (dry and case.gpu_only)]
    jobs = []
    for kernel in kernels or ours:
        case = known[one_of("--kernel", kernel, known)]
        each = tuple(sparsities) or (SPARSITIES[:1] if dry else SPARSITIES)
        for shape in shapes or (case.smallest if dry else case.usual):
            jobs += [Job(kernel, shape, one) for one in (each if case.sparsity is None else (case.sparsity,))]
    return jobs


def measure(config: MeasureConfig, jobs: Sequence[Job], bench: Bench,
            progress: Callable[[int, int, str], None] = lambda done, total, name: None) -> Measurement:
    """Measure all jobs, one after the other; each on operands of its own from the same seed.

    Raises:
        InputError: a kernel that is not known, or that does not take a shape or the type.
    """
    from hwsim.gpu.kernels.cases import prepare

    known, found = cases(), []
    for done, job in enumerate(jobs):
        progress(done, len(jobs), job.kernel)
        case = known[one_of("--kernel", job.kernel, known)]
        ready = prepare(case, job.shape, job.sparsity, config.dtype, np.random.default_rng(config.seed))
        found.append(_point(config, job, case, ready, bench))
    return Measurement(bench.timing, bench.facts, config, tuple(found))


def _point(config: MeasureConfig, job: Job, case: Case, ready: Ready, bench: Bench) -> MeasuredPoint:
    result = ready.product.run().cpu().double().numpy()
    error = float(np.abs(result - ready.reference).max() / max(np.abs(ready.reference).max(), 1e-30))
    for _ in range(config.warm_up - 1):
        ready.product.run()
    bench.wait()
    times = spread(bench.timer.times(ready.product.run, config.repeats))
    power, calls = _power(config, ready, bench, times.us)
    return MeasuredPoint(
        kernel=job.kernel, model=case.model, shape=job.shape, dtype=config.dtype, sparsity=ready.sparsity,
        times=times, bytes=ready.product.bytes, error=error, right=error <= TOLERANCE, power=power,
        joules=None if power is None else power.joules / calls)


def _power(config: MeasureConfig, ready: Ready, bench: Bench, us: float) -> tuple[Power | None, int]:
    """Power over calls back to back, and how many: as many as fill the time, flushes of L2 left out.

    The same calls run once before sampling begins: NVML's figure is an average over the last second on most boards.
    """
    if bench.sensor is None or not config.power_seconds:
        return None, 0
    calls = max(1, round(config.power_seconds * 1e6 / us))
    for _ in range(calls):
        ready.product.run()
    bench.wait()
    with PowerSampler(bench.sensor) as sampler:
        for _ in range(calls):
            ready.product.run()
        bench.wait()
    return sampler.power, calls
