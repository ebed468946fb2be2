"""The file of measured points, and constants from it."""

import json

import numpy as np
import pytest

from hwsim.cli import main
from hwsim.errors import InputError
from hwsim.gpu import GemmShape, GpuBoard, predict
from hwsim.gpu.constants import default_constants
from hwsim.gpu.measure.config import MeasureConfig
from hwsim.gpu.measure.file import EVENTS, INTERPRETER, MeasuredPoint, Measurement, read_points
from hwsim.gpu.measure.fit import MEASURED, calibrate_measured
from hwsim.gpu.measure.timer import spread

BOARD = GpuBoard.preset("h100-sxm")
FACTS = {"name": "NVIDIA H100", "multiprocessors": 132}
OTHER = default_constants().replace(cublas_launch_us=5.5, memory_efficiency=0.71, bitmap_element_cycles=0.4,
                                    flash_tile_cycles=700.0)


def measured(kernels=("cublas", "flash_llm", "bitmap"), timing=EVENTS, **changes):
    """What a GPU would give whose constants are `OTHER`."""
    weights = (4096, 4096), (9216, 9216), (14336, 4096), (21504, 7168)
    shapes = [GemmShape(m, k, n) for m, k in weights for n in (1, 16)]
    found = []
    for kernel in kernels:
        for shape in shapes:
            for sparsity in (0.0,) if kernel == "cublas" else (0.5, 0.7, 0.9):
                us = predict(BOARD, kernel, shape, sparsity, OTHER).us
                found.append(MeasuredPoint(**{
                    "kernel": f"our {kernel}", "model": kernel, "shape": shape, "dtype": "float16",
                    "sparsity": sparsity, "times": spread(np.full(3, us)), "bytes": 1, "error": 0.0, "right": True,
                    "power": None, "joules": None, **changes}))
    return Measurement(timing, FACTS, MeasureConfig(), tuple(found))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "points.json"
    path.write_bytes(measured().to_json())
    return path


def test_constants_come_back_from_points_that_they_made(file):
    points = read_points(file, BOARD)
    constants, errors = calibrate_measured(points, BOARD, "file")
    for name in ("cublas_launch_us", "memory_efficiency", "bitmap_element_cycles", "flash_tile_cycles"):
        assert getattr(constants, name) == pytest.approx(getattr(OTHER, name), rel=1e-2), name
    assert constants.sputnik_value_cycles == default_constants().sputnik_value_cycles
    assert [one.kernel for one in errors] == ["cublas", "flash_llm", "bitmap"]
    for one in errors:
        assert one.held_out.size and np.abs(one.held_out).max() < 1e-3


def test_points_are_held_out_by_shape(file):
    points = read_points(file, BOARD)
    for kernel in ("cublas", "bitmap"):
        halves = [{(p.shape.m, p.shape.k) for p in points if kernel in p.us and p.calibrates is half}
                  for half in (True, False)]
        assert halves == [{(4096, 4096), (9216, 9216)}, {(14336, 4096), (21504, 7168)}]


def test_only_what_the_model_can_use_is_read(tmp_path):
    for change in ({"model": None}, {"right": False}, {"dtype": "int8"}):
        path = tmp_path / "other.json"
        path.write_bytes(measured(("cublas",), **change).to_json())
        assert read_points(path, BOARD) == ()
        with pytest.raises(InputError, match="FP16 points of cublas"):
            calibrate_measured((), BOARD, "file")


def test_too_few_points_of_a_kernel(file):
    points = [point for point in read_points(file, BOARD) if point.shape.m == 4096]
    with pytest.raises(InputError, match="points of cublas at two sizes of weights"):
        calibrate_measured(points, BOARD, "file")
    assert set(MEASURED) >= {kernel for point in points for kernel in point.us}


def test_command(file, tmp_path, capfd):
    out = tmp_path / "constants.toml"
    assert main(["gpu", "calibrate", "--gpu", "h100-sxm", "--points", str(file), "-o", str(out)]) == 0
    assert "bitmap_element_cycles = 0.4\n" in out.read_text()
    assert str(file) in capfd.readouterr().out


def damaged(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(("change", "wanted"), [
    (lambda data: data.update(timing=INTERPRETER), "wanted times of a GPU (cuda events), got interpreter timing"),
    (lambda data: data.update(format="else"), "wanted hwsim gpu points 1, got else"),
    (lambda data: data.pop("points"), "KeyError: 'points'"),
    (lambda data: data["points"][0].pop("times"), "KeyError: 'times'"),
    (lambda data: data["points"][0].update(shape=3), "TypeError"),
    (lambda data: data["points"][0]["times"].update(us=0.0), "us: wanted"),
    (lambda data: data["gpu"].update(multiprocessors=108), "--gpu: wanted 108 multiprocessors")])
def test_files_that_are_refused(file, change, wanted, capfd):
    damaged(file, change)
    assert main(["gpu", "calibrate", "--gpu", "h100-sxm", "--points", str(file)]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and wanted in err


def test_files_that_are_none(tmp_path, capfd):
    for path in (tmp_path / "none.json", tmp_path):
        assert main(["gpu", "calibrate", "--points", str(path)]) == 2
    (tmp_path / "bytes").write_bytes(b"\xff\xfe{")
    assert main(["gpu", "calibrate", "--points", str(tmp_path / "bytes")]) == 2
    assert capfd.readouterr().err.count("\n") == 3
