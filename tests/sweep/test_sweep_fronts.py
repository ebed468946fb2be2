"""Fronts of a table with several workloads: what does other work is no rival."""

import json

import pytest

from hwsim.sweep.fronts import on_fronts


def row(point, workload, inputs, seconds, feasible=None):
    return {"point": point, "status": "ok", "feasible": feasible, "workload": workload, "inputs": json.dumps(inputs),
            "metric.seconds": seconds}


def llm(prompt, **changes):
    return {"llm": {"model": "m", "prompt": prompt, "tokens": 8, "engine": {"slrs": 1}} | changes}


@pytest.mark.parametrize("other", [llm(64), llm(16, model="n"), llm(16, tokens=9)])
def test_generations_are_rivals_only_at_equal_work(other):
    rows = [row("fast", "m", llm(16), 1.0), row("slow", "m", llm(16, engine={"slrs": 2}), 2.0),
            row("other", "m", other, 5.0)]
    assert [each["point"] for each in on_fronts(rows, {"seconds": "min"})] == ["fast", "other"]


def test_workload_by_workload_and_only_what_counts():
    small, large = ({"workload": {"kv": "m", "contexts": [length]}} for length in (64, 128))
    rows = [row("b", "kv", large, 3.0), row("a", "kv", small, 2.0), row("a2", "kv", small, 1.0),
            row("b2", "kv", large, 3.0), row("out", "kv", small, 0.5, feasible=False),
            {**row("failed", "kv", small, 0.1), "status": "error"}, row("unknown", "kv", small, None)]
    assert [each["point"] for each in on_fronts(rows, {"seconds": "min"})] == ["b", "b2", "a2"]
    assert [each["point"] for each in on_fronts(rows, {"seconds": "max"})] == ["b", "b2", "a"]
