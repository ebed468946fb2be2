"""Runs what ``hwsim reproduce flightllm`` compares."""

from __future__ import annotations

from collections.abc import Callable

from hwsim.reproduce.flightllm_outcome import (
    FlightllmExperiment,
    FlightllmOutcome,
    artifact_generations,
    artifact_steps,
)
from mappers.llm.generate import Generator, ablation
from mappers.llm.lengths import ProgramBytes

Progress = Callable[[int, int, str], None]


def run(experiment: FlightllmExperiment, progress: Progress = lambda *_: None) -> FlightllmOutcome:
    """All steps and generations of the artifact, then the models on the card."""
    model, assignment = experiment.artifact.loaded()
    generator = Generator(model, experiment.artifact.engine, assignment, experiment.artifact.compiler)
    steps = {}
    for number, row in enumerate(artifact_steps()):
        progress(number, len(artifact_steps()), f"{row.stage} {row.length}")
        steps[row.stage, row.length] = generator.prefill(row.length) if row.stage == "prefill" \
            else generator.decode(row.length)
    cases = [case for case in artifact_generations() if case.prompt + case.tokens <= experiment.longest]
    generations = {(case.prompt, case.tokens): generator.generate(case.prompt, case.tokens, progress) for case in cases}
    ablations = {}
    for name in experiment.models:
        card = experiment.card.replace(model=name)
        model, assignment = card.loaded()
        ablations[name], _ = ablation(model, card.engine, assignment, card.compiler, card.prompt, card.tokens, progress)
    model, _ = experiment.card.replace(model=experiment.models[0]).loaded()
    options = experiment.card.compiler.replace(loads="channel")
    sizes = ProgramBytes(model, experiment.card.engine, options).of(on_chip=experiment.card.engine.on_chip_decode)
    return FlightllmOutcome(experiment=experiment, steps=steps, generations=generations, ablations=ablations,
                            sizes=sizes)
