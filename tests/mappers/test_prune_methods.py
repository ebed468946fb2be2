"""The methods, the trainings of a table, and the table's numbers; none of it needs PyTorch."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from hwsim.errors import InputError
from hwsim.sparsity.ratio import DENSE, Ratio
from mappers.prune.campaign import Score, Store, key_of
from mappers.prune.methods import METHODS, method_of
from mappers.prune.picture import accuracy_png
from mappers.prune.recipe import RECIPES, Training, trainings
from mappers.prune.table import rows_of, text_table

RATIOS = [Ratio(2, 4), Ratio(2, 8), Ratio(1, 8), Ratio(2, 16)]
RESULTS = Path(__file__).parents[2] / "sim_results" / "training-accuracy"


def test_directions_of_the_methods():
    assert {name: (method.forward, method.backward) for name, method in METHODS.items()} == {
        "dense": (False, False), "sr-ste": (True, False), "sdgp": (False, True), "bdwp": (True, True),
        "decay": (True, False), "asp": (True, False)}  # fmt: skip
    assert METHODS["sr-ste"].penalty == 2e-4 and METHODS["asp"].fixed and METHODS["dense"].dense
    assert [METHODS[name].residue(0.0) for name in METHODS] == [1, 0, 1, 0, 1, 1]
    assert [METHODS[name].residue(1.0) for name in METHODS] == [1, 0, 1, 0, 0, 0]
    steps = [METHODS["decay"].residue(k / 100) for k in range(101)]
    assert steps == sorted(steps, reverse=True) and steps[10] == 1 and 0 < steps[69] < 0.02 and steps[70] == 0
    with pytest.raises(InputError, match="method: wanted one of dense, sr-ste.*got rigl"):
        method_of("rigl")


def test_every_training_of_the_table_once():
    plan = trainings(["resnet9", "vit"], list(METHODS), RATIOS, [0, 1, 2])
    assert len(plan) == 2 * (1 + 5 * 4) * 3 == len({training.name for training in plan})
    assert sum(training.ratio == DENSE for training in plan) == 6
    assert [training.seed for training in plan] == sorted(training.seed for training in plan)
    assert plan[0].recipe == RECIPES["resnet9"]
    short = trainings(["vit"], ["dense"], RATIOS, [5], epochs=3)
    assert [each.plain()["epochs"] for each in short] == [3] and short[0].plain()["ratio"] == "1:1"


@pytest.mark.parametrize("wrong, message", [
    ({"networks": ["vgg"]}, "network: wanted one of"), ({"networks": []}, "networks: wanted at least one"),
    ({"methods": ["dense", "dense"]}, "none twice"), ({"methods": ["magic"]}, "method: wanted"),
    ({"ratios": [Ratio(4, 4)]}, "ratio of bdwp: wanted N:M with N below M, got 1:1"), ({"seeds": [-1]}, "seed"),
    ({"epochs": 0}, "epochs"),
])  # fmt: skip
def test_bad_trainings(wrong, message):
    with pytest.raises(InputError, match=message):
        trainings(**{"networks": ["vit"], "methods": ["bdwp"], "ratios": RATIOS, "seeds": [0], **wrong})
    with pytest.raises(InputError, match="ratio of dense: wanted 1:1"):
        Training(network="vit", method="dense", ratio=Ratio(2, 4), seed=0)


def test_rows_by_hand():
    plan = trainings(["vit", "resnet9"], ["dense", "bdwp"], [Ratio(2, 8)], [0, 1, 2])
    given = {("vit", "dense"): (0.9, 0.92, 0.94), ("vit", "bdwp"): (0.91, 0.91, 0.91),
             ("resnet9", "dense"): (1.0, 1.0, 0.97), ("resnet9", "bdwp"): (0.5, 0.6, 0.7)}  # fmt: skip
    scores = {each.name: Score(accuracy=given[each.network, each.method][each.seed], train_accuracy=1.0, loss=0.1)
              for each in plan}  # fmt: skip
    rows = rows_of(plan, scores)
    assert [(row.network, row.method, row.ratio, row.seeds) for row in rows] == [
        ("vit", "dense", "1:1", 3), ("vit", "bdwp", "2:8", 3), ("resnet9", "dense", "1:1", 3),
        ("resnet9", "bdwp", "2:8", 3)]  # fmt: skip
    assert [row.mean for row in rows] == pytest.approx([92, 91, 99, 60])
    assert [row.spread for row in rows] == pytest.approx([2, 0, 3**0.5, 10])
    assert [row.against_dense for row in rows] == pytest.approx([0, -1, 0, -39])
    assert (rows[3].lowest, rows[3].highest) == (50, 70)
    text = text_table(rows, "head")
    assert text.startswith("head\n") and max(map(len, text.splitlines())) <= 120
    line = text.splitlines()[-1].split()
    assert line == ["resnet9", "BDWP", "2:8", "sparse", "sparse", "60.00", "10.00", "50.00", "70.00", "-39.00",
                    "100.00"]  # fmt: skip
    assert accuracy_png(rows) == accuracy_png(rows)


def test_one_seed_has_no_spread_and_no_dense_no_difference():
    plan = trainings(["vit"], ["bdwp"], [Ratio(2, 8)], [4])
    rows = rows_of(plan, {plan[0].name: Score(accuracy=0.5, train_accuracy=0.5, loss=1.0)})
    assert rows[0].spread is None and rows[0].against_dense is None
    assert accuracy_png(rows)[:4] == b"\x89PNG"


def test_the_store_resumes_its_own_state_only(tmp_path):
    path, one = tmp_path / "part.json", Score(accuracy=0.1 + 0.2, train_accuracy=1.0, loss=1e-9)
    Store(path, "a").add("x", one)
    again = Store(path, "a")
    assert again.scores == {"x": one}
    again.add("y", one)
    assert set(Store(path, "a").scores) == {"x", "y"} and Store(path, "b").scores == {}
    assert [file.name for file in tmp_path.iterdir()] == ["part.json"]
    for text in ("{", "[]", '{"key": "a", "scores": {"x": {"accuracy": 1}}}', '{"scores": {}}'):
        path.write_text(text)
        with pytest.raises(InputError, match="part.json: wanted a readable file of finished trainings"):
            Store(path, "a")


def test_the_key_follows_recipe_and_versions_only():
    plan, more = (trainings(["vit"], ["bdwp"], RATIOS, seeds) for seeds in ([0], [0, 1]))
    assert key_of(plan, {"torch": "1"}) == key_of(more, {"torch": "1"}) != key_of(plan, {"torch": "2"})
    assert key_of(plan, {}) != key_of(trainings(["vit"], ["bdwp"], RATIOS, [0], epochs=3), {})


def test_the_kept_table_is_what_its_trainings_give():
    kept = json.loads((RESULTS / "result.json").read_text())
    plan = [Training(network=each["network"], method=each["method"], ratio=Ratio.parse(each["ratio"]),
                     seed=each["seed"]) for each in kept["trainings"]]  # fmt: skip
    assert plan == trainings(["resnet9", "vit"], list(METHODS), RATIOS, [0, 1, 2])
    assert [each.plain() == {key: held[key] for key in each.plain()}
            for each, held in zip(plan, kept["trainings"], strict=True)] == [True] * 126  # fmt: skip
    scores = {each.name: Score(**{key: held[key] for key in ("accuracy", "train_accuracy", "loss")})
              for each, held in zip(plan, kept["trainings"], strict=True)}  # fmt: skip
    rows = rows_of(plan, scores)
    assert [asdict(row) for row in rows] == kept["rows"]
    assert (RESULTS / "table.txt").read_text().splitlines()[3:] == text_table(rows, "").splitlines()[3:]
    for row in rows:
        if row.method == "bdwp" and row.ratio == "2:8":
            assert row.against_dense is not None and row.against_dense >= -1
