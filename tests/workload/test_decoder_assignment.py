import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.workload.decoder import Assignment, assignment_names, load_assignment, load_model, model_names
from hwsim.workload.decoder.assignment import write_assignment
from hwsim.workload.decoder.block_ratio import drawn_blocks, legal_n, mixed, stored_bytes
from hwsim.workload.decoder.parameters import linear_weights

LLAMA = load_model("llama2-7b")
TINY = LLAMA.replace(hidden=64, intermediate=160, layers=2, heads=4, kv_heads=4, head_dim=16, vocabulary=100)


def assignment(*rules, **more) -> Assignment:
    return Assignment.from_mapping({"name": "mine", "rules": list(rules), **more})


def test_the_artifact_prunes_queries_and_keys_only():
    plan = load_assignment("artifact").of(LLAMA)
    sparse = {name for name in plan.rules if plan.density(name) < 1}
    assert sparse == {f"layers.{layer}.{part}_proj" for layer in range(32) for part in "qk"}
    assert {plan.density(name) for name in sparse} == {0.7}
    assert {plan.bits(name) for name in plan.rules} == {4} and plan.mean_bits == 4
    assert plan.stored("layers.0.v_proj").values == 4096 * 4096 // 2


def test_bytes_are_the_closed_form():
    plan = assignment({"match": "*", "bits": 3, "n": [[0, 0.25], [4, 0.25], [16, 0.5]]}).of(TINY)
    stored = plan.stored("layers.1.down_proj")
    blocks = 10 * 4
    kept = blocks // 4 * 64 + blocks // 2 * 256
    assert stored.values == kept * 3 // 8
    assert stored.indices == blocks // 4 * 64 * 4 // 8  # dense blocks need none
    assert (stored.blocks, stored.scales) == (blocks, 2 * 64)
    assert stored.total == plan.stored_bytes("layers.1.down_proj")
    assert plan.density("layers.1.down_proj") == 0.25 * 0.25 + 0.5


def test_groups_of_rows_have_their_own_scales_and_edges_are_whole_blocks():
    assert stored_bytes((160, 64), 16, ((16, 1.0),), 4, 64).scales == 2 * 64 * 3
    edge = stored_bytes((17, 33), 16, ((8, 1.0),), 8)
    assert (edge.values, edge.indices, edge.blocks) == (6 * 128, 6 * 64, 6)


def test_totals_of_presets():
    dense = load_assignment("dense-int8").of(LLAMA)
    matrices = sum(k * n for k, n in linear_weights(LLAMA).values())
    columns = sum(n for _, n in linear_weights(LLAMA).values())
    assert dense.total_bytes == matrices + 2 * columns
    assert dense.mean_density == 1
    half = load_assignment("flightllm-3.5").of(LLAMA)
    head = 4096 * 32000 / matrices
    assert half.mean_bits == pytest.approx(3.5 * (1 - head) + 4 * head)
    assert half.mean_density == pytest.approx(1 - 0.3 * 32 * 2 * 4096**2 / matrices)


@pytest.mark.parametrize("name", assignment_names())
def test_presets_fit_the_models_they_can_fit(name):
    for model in model_names():
        config = load_model(model)
        plan = load_assignment(name)
        if name == "artifact" and (config.layers, config.heads) != (32, 32):
            with pytest.raises(InputError, match="assignment artifact: attention.budgets"):
                plan.of(config)
        else:
            assert set(plan.of(config).rules) == set(linear_weights(config))
        assert plan.source == "random"


def test_the_first_match_counts_and_layers_are_slices():
    plan = assignment({"match": "layers.*.q_proj", "layers": "1", "bits": 2},
                      {"match": "layers.*", "layers": "-1:", "bits": 3}, {"match": "*"}).of(TINY)  # fmt: skip
    bits = {name: plan.bits(name) for name in ("layers.0.q_proj", "layers.1.q_proj", "layers.1.o_proj", "lm_head")}
    assert bits == {"layers.0.q_proj": 8, "layers.1.q_proj": 2, "layers.1.o_proj": 3, "lm_head": 8}


@pytest.mark.parametrize("m", [2, 4, 8, 16])
def test_mixes_have_the_mean_they_were_asked_for(m):
    for density in np.linspace(0.01, 1, 34):
        shares = mixed(m, float(density))
        assert sum(n * share for n, share in shares) / m == pytest.approx(density)
        assert sum(share for _, share in shares) == pytest.approx(1) and {n for n, _ in shares} <= set(legal_n(m))
    assert legal_n(16) == (0, 2, 4, 8, 16)


def test_drawn_blocks_have_the_shares_and_come_again():
    plan = assignment({"match": "*", "density": 0.7}, seed=5).of(LLAMA)
    blocks = plan.blocks("layers.0.down_proj")
    assert blocks.shape == (688, 256) and abs(int((blocks == 16).sum()) - 0.4 * blocks.size) <= 1
    assert abs(blocks.mean() / 16 - 0.7) < 1e-4
    assert (plan.blocks("layers.0.down_proj") == blocks).all()
    assert (plan.blocks("layers.1.down_proj") != blocks).any()
    odd = drawn_blocks((17, 48), ((2, 1 / 3), (4, 1 / 3), (8, 1 / 3)), np.random.default_rng(0))
    assert sorted(odd.ravel()) == [2, 2, 4, 4, 8, 8]


def test_a_baseline_without_sparsity_keeps_the_bits():
    dense = load_assignment("flightllm-3.5").dense().of(LLAMA)
    assert dense.mean_density == 1 and dense.assignment.attention.density(0, 32, 2048) == 1
    assert dense.mean_bits == load_assignment("flightllm-3.5").of(LLAMA).mean_bits


def test_files_come_back(tmp_path):
    for name in assignment_names():
        path = tmp_path / f"{name}.json"
        write_assignment(load_assignment(name), path)
        assert load_assignment(path) == load_assignment(name)
    (tmp_path / "own.toml").write_text('[[rules]]\nmatch = "*"\n')
    assert load_assignment(tmp_path / "own.toml").name == "own"


@pytest.mark.parametrize(("rule", "message"), [
    ({"bits": 5}, "bits: wanted one of 2, 3, 4, 8, got 5"),
    ({"m": 12}, "m: wanted one of 2, 4, 8, 16.*got 12"),
    ({"n": [[3, 1.0]]}, "n: wanted one of 0, 2, 4, 8, 16, got 3"),
    ({"n": [[32, 1.0]]}, "n: wanted one of"),
    ({"m": 4, "n": [[8, 1.0]]}, "n: wanted one of 0, 1, 2, 4, got 8"),
    ({"n": [[2, 0.5], [4, 0.4]]}, "shares that add up to 1"),
    ({"n": [[2, 0.5], [2, 0.5]]}, "each N once"),
    ({"n": [[2, 1.5], [4, -0.5]]}, "shares of 0 to 1"),
    ({"density": 0.0}, "density: wanted above 0"),
    ({"density": 1.1}, "density: wanted above 0 and at most 1"),
    ({"density": 0.5, "n": [[8, 1.0]]}, "density: wanted either density or n"),
    ({"layers": "a:b"}, "layers: wanted a layer or a slice"),
    ({"layers": "::0"}, "layers: wanted a layer or a slice"),
    ({"layers": "-1"}, "layers: wanted a layer or a slice"),
    ({"group": -1}, "group: wanted at least 0"),
    ({"bit": 4}, "did you mean 'bits'"),
])  # fmt: skip
def test_bad_rules_are_refused(rule, message):
    with pytest.raises(InputError, match=message) as caught:
        assignment({"match": "*", **rule})
    assert "rules[0]" in str(caught.value)


@pytest.mark.parametrize(("rules", "message"), [
    ([{"match": "layers.*"}], "a rule for every weight of llama2-7b, got none for lm_head"),
    ([{"match": "layers.*.z_proj"}, {"match": "*"}], r"rules\[0\].match: wanted a pattern of weights"),
    ([{"match": "*", "layers": "7:"}, {"match": "*"}], r"rules\[0\].match: .*got \* 7:"),
    ([{"match": "*"}, {"match": "lm_head"}], None),
])  # fmt: skip
def test_rules_must_cover_all_weights_and_match_some(rules, message):
    if message is None:
        assert assignment(*rules).of(TINY).bits("lm_head") == 8
    else:
        with pytest.raises(InputError, match=message):
            assignment(*rules).of(TINY)


def test_unknown_names_are_refused(tmp_path):
    with pytest.raises(InputError, match="did you mean 'artifact'"):
        load_assignment("artefact")
    with pytest.raises(InputError, match="did you mean 'layers.0.q_proj'"):
        load_assignment("dense-int8").of(TINY).bits("layers.0.qproj")
    (tmp_path / "cut.json").write_text('{"name": "x", "rules": [')
    with pytest.raises(InputError, match="cut.json: wanted valid JSON"):
        load_assignment(tmp_path / "cut.json")
    with pytest.raises(InputError, match="rules: wanted at least one rule"):
        assignment()
