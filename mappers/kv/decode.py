"""A whole experiment with caches: every engine, context and sparsity scheduled, crossings looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from hwsim.kv_workload.energy import attention_energy, weight_energy
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.gpu import GPU_PATHS, gpu_step
from hwsim.kv_workload.layer import parts_of
from hwsim.kv_workload.machine import ENGINES, Engine
from hwsim.kv_workload.outcome import KvOutcome, KvRun, Timeline
from hwsim.kv_workload.step import Step, append_cycles, compression, weight_cycles
from hwsim.kv_workload.storage import cache_bytes, expected_ratio, longest_context, measured_ratio
from hwsim.provenance import provenance
from mappers.kv.splits import best_layer

Progress = Callable[[int, int, str], None]
SAMPLES = 9
"""Contexts of a timeline at which a token is simulated; between them its time is taken as linear."""


@lru_cache(maxsize=4096)
def step_of(experiment: KvExperiment, sparsity: float, engine: Engine, context: int) -> Step:
    """One token of every sequence."""
    workload, machine, pruning = experiment.workload, experiment.accelerator, experiment.pruning
    model, dense = workload.kv, engine == "dense"
    parts = parts_of(model, machine, pruning, sparsity, engine, context)
    layer = best_layer(experiment, parts)
    ratio = None if dense else measured_ratio(model, pruning, sparsity).mean
    packed = compression(experiment, 0 if ratio is None else pruning.group, ratio or 0.0)
    layers = model.shape.layers
    spread = layers * packed.cycles / pruning.group
    weights = layers * weight_cycles(experiment, model.layer_weights, workload.batch)
    weights += weight_cycles(experiment, model.head_weights, workload.batch)
    held = workload.batch * cache_bytes(model, pruning, context, ratio)
    attended = layers * (layer.cycles + append_cycles(experiment, 1)) + spread
    return Step(
        engine=engine, context=context, batch=workload.batch, clock_hz=experiment.clock_hz, layer=layer,
        attention_cycles=attended, compression_cycles=spread,
        weight_cycles=weights, cache_bytes=held, fits=held + model.weight_bytes <= experiment.capacity_bytes,
        attention_energy=attention_energy(experiment, sparsity, engine, parts, packed, layer.splits, attended),
        weight_energy=weight_energy(experiment, engine, weights))


def timeline_of(experiment: KvExperiment, sparsity: float, engine: Engine) -> Timeline:
    """Prompt and generated tokens. A prompt's attention is dense, on the matrix engine, half of it masked away."""
    workload, machine, clock = experiment.workload, experiment.accelerator, experiment.clock_hz
    shape, prompt = workload.kv.shape, workload.prompt
    attention = workload.batch * shape.query_heads * shape.channels * prompt * (prompt + 1)  # keys and values
    layer = weight_cycles(experiment, workload.kv.layer_weights, workload.batch * prompt)
    layer += -(-attention // machine.weight_macs) + append_cycles(experiment, prompt)
    prefill = shape.layers * layer + weight_cycles(experiment, workload.kv.head_weights, workload.batch)
    contexts = sorted({prompt + 1 + round(part * (workload.generate - 1) / (SAMPLES - 1)) for part in range(SAMPLES)})
    cycles = [step_of(experiment, sparsity, engine, context).cycles for context in contexts]
    decode = _sum_between(contexts, cycles)
    return Timeline(prefill=prefill / clock, compress=prompt_cycles(experiment, sparsity, engine) / clock,
                    decode=decode / clock)


def prompt_cycles(experiment: KvExperiment, sparsity: float, engine: Engine) -> int:
    """Pruning and packing of the prompt, all layers, after each layer's keys and values have been written."""
    if engine == "dense":
        return 0
    model, pruning = experiment.workload.kv, experiment.pruning
    tokens = pruning.cache(sparsity).compressed_tokens(experiment.workload.prompt)
    ratio = measured_ratio(model, pruning, sparsity).mean
    return model.shape.layers * compression(experiment, tokens, ratio).cycles


def _sum_between(contexts: Sequence[int], cycles: Sequence[float]) -> float:
    """Sum over all contexts from the first to the last, linear between those given."""
    total = cycles[0]
    for low, high, first, last in zip(contexts, contexts[1:], cycles, cycles[1:], strict=False):
        count = high - low
        total += count * first + (last - first) * (count + 1) / 2
    return total


def run(experiment: KvExperiment, progress: Progress = lambda *_: None) -> KvOutcome:
    """All runs of the experiment.

    Raises:
        InputError: real keys and values are asked for, and their packages are missing.
    """
    sparsities = experiment.pruning.sparsities
    runs = []
    for number, sparsity in enumerate(sparsities):
        progress(number, len(sparsities), f"sparsity {sparsity:g}")
        runs.append(_run(experiment, sparsity))
    return KvOutcome(experiment=experiment, runs=tuple(runs),
                     provenance=provenance(experiment.to_mapping(), seed=experiment.pruning.seed))


def _run(experiment: KvExperiment, sparsity: float) -> KvRun:
    workload, pruning = experiment.workload, experiment.pruning
    ratio = measured_ratio(workload.kv, pruning, sparsity)
    steps: Mapping[Engine, list[Step]] = {
        engine: [step_of(experiment, sparsity, engine, context) for context in workload.contexts]
        for engine in ENGINES}
    others: tuple[Engine, ...] = ("decoded", "skip")
    longest = {name: longest_context(workload.kv, pruning, workload.batch, part, experiment.capacity_bytes)
               for name, part in (("dense", None), ("bitmap", ratio.mean))}

    return KvRun(
        sparsity=sparsity, ratio=ratio, expected=expected_ratio(pruning.cache(sparsity), workload.kv.shape.channels),
        steps=steps, timelines={engine: timeline_of(experiment, sparsity, engine) for engine in ENGINES},
        faster={engine: crossing(experiment, sparsity, engine, "cycles") for engine in others},
        cheaper={engine: crossing(experiment, sparsity, engine, "joules_per_token") for engine in others},
        longest=longest, paid_back={engine: _paid_back(experiment, sparsity, engine) for engine in others},
        gpu={path: [gpu_step(experiment, sparsity, path, context, ratio.mean) for context in workload.contexts]
             for path in GPU_PATHS},
        gpu_faster=_gpu_gains(experiment, sparsity, ratio.mean, "seconds"),
        gpu_cheaper=_gpu_gains(experiment, sparsity, ratio.mean, "joules_per_token"))


def crossing(experiment: KvExperiment, sparsity: float, engine: Engine, what: str) -> int | None:
    """First context from which the engine stays below the dense one in attribute ``what`` of a step."""
    def below(context: int) -> bool:
        ours, dense = (getattr(step_of(experiment, sparsity, each, context), what) for each in (engine, "dense"))
        return bool(ours < dense)

    return first_below(experiment.workload.contexts, below)


def _gpu_gains(experiment: KvExperiment, sparsity: float, ratio: float, what: str) -> int | None:
    def below(context: int) -> bool:
        dense, ours = (getattr(gpu_step(experiment, sparsity, path, context, ratio), what) for path in GPU_PATHS)
        return bool(ours < dense)

    return first_below(experiment.workload.contexts, below)


def first_below(given: Sequence[int], below: Callable[[int], bool]) -> int | None:
    """First context from which ``below`` stays true; None if it is false at the longest.

    Looked for among the contexts given, which rise, from the longest down, then between two of them by halving; a
    change back and forth between the two is not seen.
    """
    contexts = list(given)
    if not below(contexts[-1]):
        return None
    high = contexts.pop()
    while contexts and below(contexts[-1]):
        high = contexts.pop()
    if not contexts:
        return high
    low = contexts[-1]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if below(middle) else (middle, high)
    return high


def _paid_back(experiment: KvExperiment, sparsity: float, engine: Engine) -> float | None:
    """Generated tokens that save as many cycles, at the prompt's length, as compressing the prompt took."""
    ours, dense = (step_of(experiment, sparsity, each, experiment.workload.prompt + 1) for each in (engine, "dense"))
    saved = dense.cycles - ours.cycles
    return prompt_cycles(experiment, sparsity, engine) / saved if saved > 0 else None
