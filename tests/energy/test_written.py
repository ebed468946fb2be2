"""Trees as files have them: of every kind of result that is shipped, and what is refused."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.cli import main
from hwsim.energy import ActionCount, EnergyTree, Seconds, held, of_bytes
from hwsim.energy.show import tree_text
from hwsim.energy.table import Mark
from hwsim.energy.written import trees_of
from hwsim.errors import InputError

ROOT = Path(__file__).parents[2]
TREE = EnergyTree.of([ActionCount(component="pe", action="mac.int8", count=7),
                      of_bytes("dram", "read", 3, cost="dram.hbm2"),
                      held("dram", "idle", 2, Seconds(1e-6), "idle.dram.hbm2")])


def test_reads_back_what_was_written() -> None:
    found = list(trees_of(json.loads(json.dumps({"runs": [{"energy": TREE.to_dict()}]}))))
    assert [tree.place for tree in found] == ["runs[0].energy"]
    assert found[0].energy == TREE.total and (found[0].low, found[0].high) == TREE.bounds
    assert found[0].components == TREE.components
    assert [(leaf.component, leaf.action, leaf.energy, leaf.cost_name, leaf.bounds) for leaf in found[0].leaves] == [
        (leaf.component, leaf.action, leaf.energy, leaf.cost_name, leaf.bounds) for leaf in TREE.leaves]


@pytest.mark.parametrize(("change", "place"), [
    (lambda tree: tree.update(unit="pJ"), "x.unit"),
    (lambda tree: tree.update(energy=tree["energy"] * (1 + 1e-6)), "x.energy"),
    (lambda tree: tree.update(high=tree["high"] * 2), "x.high"),
    (lambda tree: tree["components"]["pe"].update(energy=1e-9), "x.pe"),
    (lambda tree: tree["components"]["pe"]["actions"]["mac.int8"].update(count=8), "x.pe.mac.int8.energy"),
    (lambda tree: tree["components"]["pe"]["actions"]["mac.int8"].update(unit_cost=0.3), "x.pe.mac.int8.energy"),
    (lambda tree: tree["components"]["pe"]["actions"]["mac.int8"].update(source=""), "x.pe.mac.int8.source"),
    (lambda tree: tree["components"]["pe"]["actions"]["mac.int8"].pop("mark"), "x.pe.mac.int8"),
])
def test_refuses_what_does_not_add_up(change: Any, place: str) -> None:
    data = copy.deepcopy(TREE.to_dict())
    change(data)
    with pytest.raises(InputError) as caught:
        list(trees_of(data, "x"))
    assert caught.value.place == place


RESULTS = {
    "network": (["run", "--gemm", "64x64x64", "--set", "n=2", "--set", "m=8", "--set", "energy.technology=16nm"], 5),
    "cache": (["run", str(ROOT / "examples/kv.toml"), "--set", "workload.contexts=[256]", "--set",
               "workload.prompt=256", "--set", "workload.generate=2", "--set", "pruning.sparsities=[0.5]"], 9),
    "language model": (["run", str(ROOT / "examples/llm.toml"), "--set", "llm.prompt=16", "--set", "llm.tokens=2"], 12),
    "training": (["reproduce", "sat", "--set", "batch=1", "--set", 'networks=["resnet9"]', "--set", 'ratios=["2:8"]'],
                 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", RESULTS)
def test_trees_of_shipped_kinds_of_results(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command, number = RESULTS[kind]
    assert main([*command, "-o", str(tmp_path / "out")]) == 0
    trees = list(trees_of(json.loads((tmp_path / "out/result.json").read_text())))  # raises where sums differ by 1e-9
    assert len(trees) == number and all(tree.energy > 0 for tree in trees)
    assert {leaf.mark for tree in trees for leaf in tree.leaves} <= set(get_args(Mark))
    capsys.readouterr()
    assert main(["energy", str(tmp_path / "out/result.json"), "--compare", "--json"]) == 0
    gains = json.loads(capsys.readouterr().out).values()
    assert gains and all(each["worst"] <= each["nominal"] <= each["best"] for each in gains)


@pytest.mark.slow
def test_a_point_of_a_sweep_adds_up(tmp_path: Path) -> None:
    from hwsim.cli.evaluate import evaluate
    from hwsim.sweep.rows import Point

    inputs = {"workload": {"gemm": "64x64x64"}, "pruning": {"ratio": "2:4"}}
    here, there = (evaluate(Point(name="", space="x", family="nm_array", folder=str(tmp_path), group="",
                                  inputs={**inputs, "energy": {"technology": name}})) for name in ("45nm", "28nm"))
    for outcome in (here, there):
        assert sum(outcome.detail["energy"].values()) == pytest.approx(outcome.metrics["energy_joules"], rel=1e-9)
    assert there.metrics["energy_joules"] < here.metrics["energy_joules"]
    assert there.metrics["cycles"] == here.metrics["cycles"]


RESULT = {"runs": [{"energy": TREE.to_dict(), "baseline_energy": {"dense, gated": TREE.to_dict()}}],
          "token_energy": TREE.to_dict(), "provenance": {"inputs": {"energy": {"technology": "45nm"}}}}


def _nodes(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values below the top."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from _nodes(value, (*path, key))


@given(st.sampled_from(list(_nodes(RESULT))),
       st.sampled_from(["delete", None, "abc", "", [], [None], {}, {"a": 1}, True, 0, -1, 1e308, math.inf, 10**400]))
def test_a_damaged_node_is_read_or_refused(path: tuple[Any, ...], damage: Any) -> None:
    data = copy.deepcopy(RESULT)
    *above, last = path
    inside: Any = data
    for key in above:
        inside = inside[key]
    if damage == "delete":
        del inside[last]
    else:
        inside[last] = damage
    try:
        found = list(trees_of(data))
    except InputError as error:
        assert error.place and "\n" not in str(error)
        return
    assert {tree.energy for tree in found} <= {TREE.total, 0.0}
    assert all(tree_text(tree, sources=True) for tree in found)


@pytest.mark.parametrize(("change", "line"), [
    (lambda tree: tree["components"].update(dram=None), "energy.dram: wanted a component, with energy, actions"),
    (lambda tree: tree.update(energy="abc"), "energy.energy: wanted a number"),
    (lambda tree: tree.update(components=[]), "energy.components: wanted a table of components"),
    (lambda tree: tree["components"]["pe"].pop("actions"), "energy.pe: wanted a component, with energy, actions, got "
                                                           "no actions"),
    (lambda tree: tree["components"]["pe"]["actions"].update({"mac.int8": None}), "energy.pe.mac.int8: wanted an act"),
    (lambda tree: tree["components"]["pe"]["actions"]["mac.int8"].update(mark="guess"), "energy.pe.mac.int8.mark: "),
    (lambda tree: tree.pop("components"), "got no components"),
    (lambda tree: tree.pop("unit"), "got no unit"),
    (dict.clear, "energy: wanted an energy tree"),
])
def test_a_tree_that_is_not_whole_is_one_line(change: Any, line: str, tmp_path: Path,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    data = copy.deepcopy(TREE.to_dict())
    change(data)
    (tmp_path / "x.json").write_text(json.dumps({"energy": data, "token_energy": TREE.to_dict()}))
    assert main(["energy", str(tmp_path / "x.json")]) == 2
    error = capsys.readouterr().err
    assert line in error and error.count("\n") == 1


def test_names_of_trees_are_quoted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text(json.dumps(RESULT))
    assert main(["energy", str(tmp_path / "x.json"), "--tree", "token_energi"]) == 2
    error = capsys.readouterr().err
    assert "'runs[0].baseline_energy.dense, gated'" in error and "did you mean 'token_energy'?" in error
