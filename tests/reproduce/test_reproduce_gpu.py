"""``hwsim reproduce gpu``: every published figure beside ours; signs and errors that must hold."""

import json

import pytest

from hwsim.cli import main
from hwsim.gpu.points import MEASURED
from hwsim.reproduce import gpu
from hwsim.reproduce.gpu_figure import FIGURES
from hwsim.reproduce.published import load_published


@pytest.fixture(scope="module")
def outcome():
    return gpu.run(gpu.GpuExperiment())


def test_every_figure_and_every_cell_has_a_row(outcome):
    rows = gpu.rows(outcome)
    assert outcome.ours.keys() == load_published("gpu").keys()
    assert len(rows) == len(outcome.ours) + 48 * len(MEASURED) == len({row.quantity for row in rows})
    assert all(row.published and row.ours for row in rows)


def test_two_of_four_pays_where_it_did(outcome):
    for key, figure in load_published("gpu").items():
        if key.startswith("2:4"):
            assert (outcome.ours[key] > 1) == (figure.value > 1), key


def test_held_out_cells(outcome):
    """Of the rate: an error of -22 % of the time is one of +28 % of the rate. One shape's published rates of Sputnik
    lie a fifth below those of its neighbours, smaller and larger, at 8 columns; the model does not know why.
    """
    errors = {row.quantity: abs(row.error_percent) for row in gpu.rows(outcome) if "held out" in row.quantity}
    assert len(errors) == 96 and sorted(errors.values())[48] < 10
    assert all("sputnik 9216x9216x8 " in quantity for quantity, error in errors.items() if error >= 25)
    assert max(errors.values()) < 29


def test_other_constants_give_other_figures(outcome):
    slow = outcome.experiment.constants.replace(cublas_launch_us=50.0)
    other = gpu.run(gpu.GpuExperiment(constants=slow))
    assert other.ours["tokens 512"] < outcome.ours["tokens 512"] and other.ours["mean 0.7"] > outcome.ours["mean 0.7"]


def test_figure(outcome):
    assert {name: draw(outcome)[:4] for name, draw in FIGURES.items()} == {"kernels.png": b"\x89PNG"}


def test_command(tmp_path, capfd):
    assert main(["reproduce", "gpu", "-o", str(tmp_path / "out"), "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)["rows"]
    stored = json.loads((tmp_path / "out" / "result.json").read_text())
    assert stored["rows"] == rows and {part["kernel"] for part in stored["errors"]} == set(MEASURED)
    assert "held out" in (tmp_path / "out" / "table.txt").read_text()
    assert main(["reproduce", "gpu", "--set", "constants.memory_efficiency=2"]) == 2
    assert "memory_efficiency" in capfd.readouterr().err
