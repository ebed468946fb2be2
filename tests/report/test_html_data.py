"""What the report shows of a dataset: fronts by workload, numbers that are none, parts that add up."""

from __future__ import annotations

import base64
import json
import math
import re

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from hwsim.report.html.data import COLOURS, LAYER_ARRAYS, MEMORY_ONLY, assembled  # noqa: E402
from hwsim.report.html.labels import baselines_of, label_of  # noqa: E402
from hwsim.sweep.fronts import fronts_of  # noqa: E402
from hwsim.sweep.rows import METRICS  # noqa: E402

OBJECTIVES = [{"name": "cycles", "direction": "min"}, {"name": "gain", "direction": "max"}]


def columns(cycles, gain, workloads, details, feasible):
    count = len(cycles)
    inputs = [{"workload": {"gemm": workload}, "accelerator": {"rows": row}} for row, workload in enumerate(workloads)]
    return {"point": [f"p{row}" for row in range(count)], "status": ["ok"] * count, "workload": list(workloads),
            "inputs": [json.dumps(each) for each in inputs], "detail": [json.dumps(each) for each in details],
            "metric.cycles": list(cycles), "metric.gain": list(gain), "feasible": list(feasible)}


def assemble(rows, details=None, about=None):
    cycles, gain, workloads, feasible = zip(*rows, strict=True)
    table = columns(cycles, gain, workloads, details or [{}] * len(rows), feasible)
    return assembled({"name": "n", "objectives": OBJECTIVES, **(about or {})}, table, range(len(rows)), {})


def test_fronts_are_of_one_workload_and_of_feasible_points():
    rows = [(10, 1.0, "a", True), (20, 2.0, "a", True), (20, 1.5, "a", True), (5, 9.0, "a", False),
            (99, 0.1, "b", None), (100, 0.05, "b", None)]  # fmt: skip
    assert assemble(rows)["front"] == [True, True, False, False, True, False]


@pytest.mark.parametrize(("inputs", "wanted"), [
    ([{"gpu": {"boards": ["a100-80g", "h100-sxm"]}}, {"gpus": ["a100-80g"]}, {}], "A100 80 GB (model)"),
    ([{"gpu": {"preset": "rtx6000-ada"}}, {"gpu": {"name": "RTX 6000 Ada"}}], "RTX 6000 Ada (model)"),
    ([{"gpu": {"boards": ["a100-80g"]}}, {"gpu": {"boards": ["h100-sxm"]}}], "the GPU (model)"),
    ([{"gpu": {"boards": []}}], "the GPU (model)")])
def test_metrics_are_named_in_words_and_the_gpu_where_it_is_one(inputs, wanted):
    baselines = baselines_of(inputs)
    assert label_of("energy_gain_gpu", baselines) == f"energy gain over {wanted}"
    assert label_of("speedup_dense", baselines) == "speedup over dense"
    assert not [name for name in METRICS if re.search("_|joule|bytes", label_of(name, baselines))]


def test_fronts_equal_those_by_definition():
    seed = 5
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 12, (200, 2)).astype(float)
    groups = rng.integers(0, 3, 200).tolist()
    got = fronts_of({"cycles": values[:, 0].tolist(), "gain": values[:, 1].tolist()}, OBJECTIVES, groups, [True] * 200)
    for row in range(200):
        rivals = [other for other in range(200) if groups[other] == groups[row]]
        beaten = any(values[other, 0] <= values[row, 0] and values[other, 1] >= values[row, 1]
                     and tuple(values[other]) != tuple(values[row]) for other in rivals)  # fmt: skip
        assert got[row] is not beaten, f"seed {seed}, row {row}"


def test_numbers_that_are_none_are_no_values():
    rows = [(math.nan, 1.0, "a", True), (math.inf, 1.0, "a", True), (None, 1.0, "a", True), (7, 1.0, "a", True)]
    data = assemble(rows, [{"energy": {"PE": math.nan}}] * 3 + [{"energy": {"PE": 2.0}}])
    assert next(each for each in data["metrics"] if each["key"] == "cycles")["values"] == [None, None, None, 7.0]
    assert data["front"] == [False, False, False, True]
    assert data["energy"] == [{"key": "PE", "values": [0.0, 0.0, 0.0, 2.0]}]
    json.dumps(data, allow_nan=False)


def test_energy_adds_up_whatever_the_number_of_components():
    parts = {f"c{k}": float(k) for k in range(1, 15)}
    found = assemble([(1, 1.0, "a", True)] * 2, [{"energy": parts}, {"energy": {"c3": 5.0}}])["energy"]
    assert len(found) == COLOURS and found[-1]["key"] == "other"
    assert [sum(each["values"][row] for each in found) for row in (0, 1)] == [sum(parts.values()), 5.0]


def test_states_of_the_compute_engine_and_what_is_left_of_the_cycles():
    stalls = {"load": {"busy": 1}, "compute": {"busy": 6, "idle": 1, "blocked": 0}}
    found = assemble([(10, 1.0, "a", True), (3, 1.0, "a", True)], [{"stalls": stalls}, {"stalls": {}}])["stalls"]
    assert {each["key"]: each["values"] for each in found} == {
        "busy": [6.0, 0.0], "idle": [1.0, 0.0], MEMORY_ONLY: [3.0, 0.0]}


def test_layers_of_different_networks_lie_one_after_the_other():
    details = [{"layers": {"name": ["a", "b"], "cycles": [1, 2], "energy_joules": [0.5]}}, {},
               {"layers": {"name": ["c"], "cycles": [9]}}]  # fmt: skip
    layers = assemble([(1, 1.0, "a", True)] * 3, details)["layers"]
    assert layers["sets"] == [["a", "b"], [], ["c"]] and layers["codes"] == [0, 1, 2]
    arrays = {key: np.frombuffer(base64.b64decode(layers["arrays"][key]), "<f4").tolist() for key in LAYER_ARRAYS}
    assert arrays["cycles"] == [1.0, 2.0, 9.0] and arrays["energy_joules"] == [0.5, 0.0, 0.0]
    assert arrays["utilization"] == [0.0] * 3


def test_failed_points_are_told():
    table = columns([1, None], [1.0, None], ["a", "a"], [{}, {}], [True, None])
    table |= {"status": ["ok", "error"], "error": [None, "no room"]}
    data = assembled({"objectives": OBJECTIVES}, table, [0], {})
    assert data["count"] == 1 and data["failed"] == {"count": 1, "first": [{"point": "p1", "error": "no room"}]}
