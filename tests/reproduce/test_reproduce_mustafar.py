"""``hwsim reproduce mustafar``: rows, marks, tolerances, text, files, bad input."""

import json

import pytest

from hwsim.cli import main
from hwsim.kv_workload.models import KvModel
from hwsim.kv_workload.storage import expected_ratio
from hwsim.reproduce import mustafar
from hwsim.reproduce.mustafar_figure import FIGURES
from hwsim.reproduce.mustafar_gpu import RTX_6000_ADA, most_tokens, spmv_share, token_seconds, window_share
from hwsim.reproduce.mustafar_outcome import MustafarExperiment, gain
from hwsim.reproduce.published import load_published
from mappers.kv.mustafar import run

pytestmark = pytest.mark.slow
SMALL = MustafarExperiment(context=512, batches=(1, 2), units=(32, 128))
SETTINGS = ["--set", "context=512", "--set", "batches=[1]", "--set", "units=[64]"]
ROW_KEYS = ["quantity", "published", "ours", "error_percent", "mark", "source"]


@pytest.fixture(scope="module")
def outcome():
    return run(SMALL)


def test_every_published_figure_has_its_row(outcome):
    rows = {row.quantity: row for row in mustafar.rows(outcome)}
    assert len(rows) == len(mustafar.rows(outcome))
    for figure in load_published("mustafar").values():
        row = rows[figure.quantity]
        assert (row.published, row.mark, row.source) == (figure.value, figure.mark, figure.source)
    assert {key for key, figure in load_published("mustafar").items() if rows[figure.quantity].ours is None} == set(
        mustafar.NO_FIGURE)


def test_storage_is_within_a_point_of_the_paper(outcome):
    rows = {row.quantity: row for row in mustafar.rows(outcome)}
    for percent in (50, 70):
        row = rows[f"storage, compressed / dense bytes, {percent} %"]
        assert abs(row.ours - row.published) < 0.01


def test_storage_is_within_half_a_point_of_the_arithmetic(outcome):
    assert list(outcome.expected) == [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    for part, expected in outcome.expected.items():
        assert abs(outcome.measured["synthetic"][part].mean - expected) < 0.005


def test_break_even_sparsity(outcome):
    percent = mustafar.break_even(outcome)
    below, above = (expected_ratio(SMALL.pruning().cache(part / 100)) for part in (percent, percent - 1))
    assert below < 1 <= above and 12 < percent < 18


def test_shares_of_the_roofline_are_bytes():
    assert window_share(2048, 32) == 1 / 64
    assert spmv_share(2048, 32, 0.5) == 63 / 128
    assert spmv_share(2048, 0, 1.0) == 1.0


def test_batch_1_is_slower_on_the_gpu(outcome):
    row = next(row for row in mustafar.rows(outcome) if "batch 1 on the GPU" in row.quantity)
    assert row.published is None and row.ours > 1


def test_capacity_of_the_gpu(outcome):
    model, gpu = KvModel.preset("llama-3-8b"), RTX_6000_ADA
    least, most = outcome.contexts
    for tokens, batch, fits in ((most, 6, True), (most + 1, 6, False), (least, 7, False), (least - 1, 7, True)):
        assert (model.weight_bytes + batch * tokens * model.token_bytes <= gpu.memory_bytes) is fits
    assert most_tokens(gpu, model, 6) == most
    assert outcome.sequences[0.7] > outcome.sequences[0.5] >= 8
    assert token_seconds(gpu, model, 0.0) == pytest.approx(2 * model.read_weights / 960e9)
    for part in (0.5, 0.7):
        assert 1 < outcome.served[part] < outcome.roofline[part]


def test_bytes_help_only_where_macs_do_not_bind(outcome):
    few, many = (outcome.by_units[0.7][units] for units in (32, 128))
    assert gain(few, "decoded") < 1.05 < gain(few, "skip")
    assert gain(many, "decoded") > 1.1
    assert gain(many, "skip") >= gain(many, "decoded") > gain(few, "decoded")


def test_text_names_what_has_no_figure(outcome):
    text = mustafar.text(outcome)
    words = " ".join(mustafar.explanation(outcome).split())
    assert "published 65 % and 45 %" in words and words.count("; no figure") == 1
    assert "Patterns: synthetic" in text
    assert max(map(len, mustafar.explanation(outcome).splitlines())) <= mustafar.WIDTH


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn(outcome, name):
    assert FIGURES[name](outcome).startswith(b"\x89PNG")


def test_command_prints_json_and_writes_files(tmp_path, capsys):
    out = tmp_path / "mustafar"
    assert main(["reproduce", "mustafar", *SETTINGS, "--json", "-o", str(out)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown) == ["rows"] and list(shown["rows"][0]) == ROW_KEYS
    assert {file.name for file in out.iterdir()} == {*FIGURES, "table.txt", "result.json"}
    result = json.loads((out / "result.json").read_text())
    assert result["rows"] == shown["rows"] and result["provenance"]["inputs"]["context"] == 512


@pytest.mark.parametrize(("arguments", "error"), [
    (["--set", "context=100"], "context: wanted 288 to"), (["--set", "batches=[2, 1]"], "batches: wanted rising"),
    (["--set", "units=[]"], "units: wanted rising"), (["--set", "accelerator.macs=33"], "accelerator.macs: wanted"),
    (["--set", "speed=1"], "key 'speed'")])
def test_bad_input_is_one_line(arguments, error, capsys):
    assert main(["reproduce", "mustafar", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and error in shown.err
