"""FlightLLM: every step that the artifact published, in its configuration; the headlines' rows."""

import pytest

from hwsim.llm.isa import Opcode
from hwsim.llm_workload.experiment import LlmExperiment
from hwsim.reproduce import flightllm
from hwsim.reproduce.flightllm_figure import FIGURES
from hwsim.reproduce.flightllm_outcome import FlightllmExperiment, artifact_steps
from mappers.llm.flightllm import run
from mappers.llm.generate import Generator

EXACT = 1e-5
"""Relative; what is left is the artifact's printing of six digits."""
DRAWN = 1e-3
"""Prompts longer than the smallest budget of a head: which blocks the masks keep is drawn."""


@pytest.fixture(scope="module")
def generator():
    experiment = LlmExperiment.preset("vhk158-artifact")
    model, assignment = experiment.loaded()
    return Generator(model, experiment.engine, assignment, experiment.compiler)


def close(published, ours, tolerance):
    return ours == pytest.approx(published, rel=tolerance, abs=1e-6)


@pytest.mark.parametrize("step", [
    pytest.param(step, id=f"{step.stage}-{step.length}",
                 marks=() if (step.stage, step.length) in (("decode", 144), ("decode", 2048)) else pytest.mark.slow)
    for step in artifact_steps()])
def test_steps_of_the_artifact(generator, step):
    ours = generator.prefill(step.length) if step.stage == "prefill" else generator.decode(step.length)
    tolerance = DRAWN if step.length > 128 and step.stage == "prefill" else EXACT
    assert close(step.total, ours.total_ms, tolerance)
    for queue, busy in step.busy.to_mapping().items():
        tight = 1e-3 if queue == "ST" else tolerance  # a divisor of picoseconds: short stores are rounded
        assert close(busy, ours.busy[Opcode[queue]] / 1e9, tight)
    assert close(step.instructions, ours.instructions, 0 if tolerance == EXACT else tolerance)


def test_the_divisor_of_all_times_is_a_parameter(generator):
    engine = generator.compiler.engine.replace(time_divisor=1.0)
    plain = Generator(generator.compiler.model, engine, generator.compiler.weights.assignment,
                      generator.compiler.machine.options)
    assert plain.decode(144).total_ms == pytest.approx(3.2 * generator.decode(144).total_ms, rel=1e-5)


@pytest.mark.slow
def test_all_rows_have_marks_and_ours_beside_them():
    experiment = FlightllmExperiment(
        longest=640, models=("llama2-7b",), card=LlmExperiment.preset("u280", prompt=16, tokens=16))
    outcome = run(experiment)
    rows = flightllm.rows(outcome)
    assert all(row.ours is not None and row.published is not None for row in rows)
    worst = [row for row in rows if row.mark == "artifact" and abs(row.error_percent) > 0.1]
    assert worst == []
    assert {row.mark for row in rows} == {"artifact", "paper", "second", "derived"}
    assert "different bases" in " ".join(flightllm.explanation(outcome).split())
    assert flightllm.to_dict(outcome)["rows"]
    assert all(draw(outcome).startswith(b"\x89PNG") for draw in FIGURES.values())
