"""Points that are generations of a language model: the figures of ``hwsim llm``, beside the dense chain."""

import json
from pathlib import Path

import pytest
from sweep_cases import written

from hwsim.cli.evaluate import evaluate
from hwsim.errors import InputError
from hwsim.llm_workload.experiment import LlmExperiment
from hwsim.sweep import plan
from hwsim.sweep.families import experiment_of
from hwsim.sweep.plan import points_of
from hwsim.sweep.pool import Here
from hwsim.sweep.run import run
from hwsim.sweep.spec import load_sweep
from hwsim.sweep.store import Store, read_table
from mappers.llm.generate import Generator

MODELS = Path(__file__).parents[2] / "hwsim" / "workload" / "decoder" / "models"
TEXT = """
    [base]
    llm = { model = "opt-6.7b", prompt = 16, tokens = 2, engine = { preset = "u280" } }
    [axes]
    llm.engine.mm = [[2, 16, 64], [2, 16, 128]]
"""


@pytest.mark.slow
def test_points_are_generations(tmp_path):
    sweep = load_sweep(written(tmp_path, TEXT))
    with Store(tmp_path / "out") as store, Here(evaluate) as here:
        run(sweep, points_of(sweep), store, here)
    rows = read_table(tmp_path / "out").to_pylist()
    assert {row["family"] for row in rows} == {"dsp_chain"} and not any(row["error"] for row in rows)
    assert sorted(row["metric.multipliers"] for row in rows) == [3072, 6144]
    for row in rows:
        experiment = LlmExperiment.from_mapping(json.loads(row["inputs"])["llm"])
        model, assignment = experiment.loaded()
        made = Generator(model, experiment.engine, assignment, experiment.compiler).generate(16, 2)
        dense = Generator(model, experiment.engine.replace(sparse_mux=False), assignment.dense(),
                          experiment.compiler).generate(16, 2)
        assert row["metric.seconds"] == made.seconds and row["metric.speedup_dense"] == dense.seconds / made.seconds
        assert row["metric.tokens_per_second"] == made.decode_tokens_per_s
        energy = float(made.prefill.energy.total) + float(made.decode.energy.total)
        detail = json.loads(row["detail"])
        assert row["metric.energy_joules"] == pytest.approx(energy) == pytest.approx(sum(detail["energy"].values()))
        for part in (detail["stalls"]["compute"].values(), detail["layers"]["cycles"]):
            assert sum(part) == pytest.approx(row["metric.cycles"], rel=1e-9)


def test_a_file_of_the_model_is_part_of_the_point(tmp_path):
    model = tmp_path / "config.json"
    text = TEXT.replace("opt-6.7b", str(model))
    names = []
    for positions in (2048, 1024):
        config = json.loads((MODELS / "opt-6.7b.json").read_text())
        plan._file_digest.cache_clear()  # as another process would find it
        model.write_text(json.dumps(config | {"max_position_embeddings": positions}))
        names.append({point.name for point in points_of(load_sweep(written(tmp_path, text)))})
    assert len(names[0] | names[1]) == 4


def test_other_tables_are_refused():
    with pytest.raises(InputError, match="the table llm alone, got memory"):
        experiment_of({"llm": {}, "memory": {"preset": "hbm2"}})
