import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.workload.decoder.assignment import load_assignment, write_assignment
from mappers.prune_llm import METHODS, Choice, Gram, Grid, load_pruned, network_options, prune_network, within
from mappers.prune_llm.blocks import uniform
from mappers.prune_llm.sensitivity import UNITS
from mappers.prune_llm.stored import StoredLayer, file_bytes

SEED = 7


def small():
    """Two layers: one with inputs that hardly matter, one with all alike."""
    rng = np.random.default_rng(SEED)
    weights = {"up": rng.normal(size=(64, 32)), "down": rng.normal(size=(32, 64))}
    sizes = np.where(np.arange(64) % 16 < 3, 8.0, 0.2)
    x = {"up": rng.normal(size=(300, 64)) * sizes, "down": rng.normal(size=(90, 32))}
    return weights, {name: Gram.of(rows) for name, rows in x.items()}


@pytest.fixture(scope="module")
def measured():
    weights, grams = small()
    return weights, grams, network_options(weights, grams, Grid(densities=(0.25, 0.5, 1.0), bits=(2, 4, 8)))


@pytest.mark.parametrize("unit", UNITS)
def test_budgets_are_kept_and_more_errs_less(measured, unit):
    _, _, options = measured
    errors = []
    for budget in {"stored_bits": (3.5, 5.0, 9.0), "bits": (2.0, 5.0, 8.0), "density": (0.25, 0.6, 1.0)}[unit]:
        chosen = within(options, budget, unit)
        assert sum(options[name].cost(unit)[_at(options[name], choice)] for name, choice in chosen.items()) <= (
            budget * sum(layer.elements for layer in options.values()) + 1e-6)  # fmt: skip
        errors.append(sum(choice.error for choice in chosen.values()))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.2 * errors[0]


def _at(layer, choice):
    return next(i for i in range(len(layer.bits)) if layer.blocks[i] is choice.blocks and layer.bits[i] == choice.bits)


def test_the_layer_that_suffers_less_is_pruned_more(measured):
    chosen = within(measured[2], 0.7, "density")
    assert chosen["up"].density < chosen["down"].density


def test_importance_turns_the_choice_around(measured):
    chosen = within(measured[2], 0.7, "density", {"up": 1000.0, "down": 1.0})
    assert chosen["up"].density > chosen["down"].density
    with pytest.raises(InputError, match="importance: wanted that of down, got none"):
        within(measured[2], 0.7, "density", {"up": 1.0})


def test_a_network_its_assignment_and_its_file(measured, tmp_path):
    weights, grams, options = measured
    chosen = within(options, 4.5)
    networks = {method: prune_network("small", weights, grams, chosen, method, "made up") for method in METHODS}
    sums = [sum(networks[method].errors.values()) for method in ("sparsegpt", "wanda", "magnitude")]
    assert sums == sorted(sums)
    pruned = networks["sparsegpt"]
    write_assignment(pruned.assignment(), tmp_path / "small.json")
    plan = load_assignment(tmp_path / "small.json")
    assert plan.source == "pruned" and {rule.match: rule.bits for rule in plan.rules} == {
        name: choice.bits for name, choice in chosen.items()}  # fmt: skip
    for rule in plan.rules:
        assert rule.mean == pytest.approx(chosen[rule.match].density)
    (tmp_path / "small.npz").write_bytes(pruned.file_bytes())
    assert pruned.file_bytes() == pruned.file_bytes()
    for name, layer in load_pruned(tmp_path / "small.npz").items():
        assert (layer.value == pruned.weights[name]).all() and (layer.blocks == chosen[name].blocks).all()
        assert layer.bits == chosen[name].bits


def stored(**changes) -> StoredLayer:
    parts = {"integers": np.zeros((16, 16), np.int8), "scales": np.ones(16, np.float16), "bits": 4, "m": 16,
             "blocks": np.full((1, 1), 4, np.uint8), **changes}  # fmt: skip
    return StoredLayer(**parts)


@pytest.mark.parametrize(("changes", "message"), [
    ({"integers": np.full((16, 16), 1, np.int8)}, "a: group 0 of column 0: wanted at most 4 weights, got 16"),
    ({"integers": np.full((16, 16), 9, np.int8)}, "a: wanted whole numbers of 4 bits, got 9"),
    ({"scales": np.ones(15, np.float16)}, "a: wanted scales, blocks and M of a 16 x 16 weight"),
    ({"m": 5}, "a: wanted scales, blocks and M"),
    ({"m": 0}, "a: wanted scales, blocks and M"),
    ({"bits": 7}, "a: wanted 2, 3, 4 or 8 bits, got 7"),
    ({"integers": np.zeros(16, np.int8)}, "a: wanted a matrix of int8"),
    ({"integers": np.zeros((16, 16))}, "a: wanted a matrix of int8"),
])  # fmt: skip
def test_files_that_break_their_own_rules_are_refused(tmp_path, changes, message):
    path = tmp_path / "bad.npz"
    path.write_bytes(file_bytes({"a": stored(**changes)}))
    with pytest.raises(InputError, match=message):
        load_pruned(path)


@pytest.mark.parametrize("content", [b"", b"not a file", b"cut", b"empty"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "bad.npz"
    whole = file_bytes({"a": stored()})
    path.write_bytes({b"cut": whole[: len(whole) // 2], b"empty": file_bytes({})}.get(content, content))
    with pytest.raises(InputError, match="bad.npz: wanted a file of pruned weights"):
        load_pruned(path)
    with pytest.raises(InputError, match="readable file of pruned weights, got No such file"):
        load_pruned(tmp_path / "none.npz")


def test_layers_without_what_they_need_are_refused(measured):
    weights, grams, options = measured
    with pytest.raises(InputError, match="activations: wanted those of down, got none"):
        network_options(weights, {"up": grams["up"]}, Grid())
    with pytest.raises(InputError, match="activations of up: wanted 64 inputs, got 32"):
        network_options({"up": weights["up"]}, {"up": grams["down"]}, Grid())
    with pytest.raises(InputError, match="choices: wanted one for up, got none"):
        prune_network("x", weights, grams, {}, "wanda", "")
    with pytest.raises(InputError, match="budget in stored_bits: wanted at least"):
        within(options, 0.1)
    with pytest.raises(InputError, match="unit: wanted one of stored_bits, bits, density"):
        within(options, 1.0, "bytes")
    with pytest.raises(InputError, match="layers: wanted at least one"):
        within({}, 1.0)
    unrounded = {name: Choice(uniform(w.shape, 4), 4, 16, 0.25, 0.0) for name, w in weights.items()}
    assert prune_network("x", weights, grams, unrounded, "wanda", "").assignment().rules[0].mean == 0.25


@pytest.mark.parametrize(("grid", "message"), [
    ({"densities": []}, "at least one each"), ({"densities": [1.2]}, r"densities\[0\]: wanted 0.0 to 1.0"),
    ({"bits": [4, 5]}, r"bits\[1\]: wanted one of 2, 3, 4, 8"),
    ({"m": 3}, "m: wanted one of 2, 4, 8, 16"),
])  # fmt: skip
def test_bad_grids_are_refused(grid, message):
    with pytest.raises(InputError, match=message):
        Grid.from_mapping(grid)
