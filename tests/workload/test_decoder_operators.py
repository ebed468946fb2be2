import networkx
import pytest

from hwsim.errors import InputError
from hwsim.workload import zoo_transformer
from hwsim.workload.decoder import embedding_operators, head_operators, load_model, model_names, operators
from hwsim.workload.decoder.operators import INPUT, expert_rows, graph

CASES = [(1, 1), (1, 144), (128, 128), (16, 2000), (33, 1999)]


def by_kind(ops, *kinds: str) -> int:
    return sum(op.macs for op in ops if op.kind in kinds)


@pytest.mark.parametrize("name", model_names())
def test_macs_are_the_closed_forms(name):
    c = load_model(name)
    for tokens, context in CASES:
        ops = operators(c, tokens, context, c.layers - 1)
        attention = c.hidden * c.head_dim * (2 * c.heads + 2 * c.kv_heads)
        mlp = (3 if c.gated else 2) * c.hidden * c.intermediate * c.experts_per_token
        router = c.hidden * c.experts if c.experts > 1 else 0
        assert by_kind(ops, "linear", "router") == tokens * (attention + mlp + router)
        assert by_kind(ops, "scores") == by_kind(ops, "values") == tokens * context * c.heads * c.head_dim
        assert sum(op.macs for op in ops) == by_kind(ops, "linear", "router", "scores", "values")


def test_heads_may_be_narrower_than_the_residual_stream():
    c = load_model("llama2-7b").replace(head_dim=64)
    shapes = {op.name: (op.k, op.n) for op in operators(c, 1, 9) if op.kind == "linear"}
    assert (shapes["q_proj"], shapes["o_proj"]) == ((4096, 2048), (2048, 4096))


def test_a_block_agrees_with_the_layer_of_the_older_zoo():
    for tokens, context in ((512, 0), (1, 700)):
        other = zoo_transformer.llama2_7b_layer(sequence=tokens, context=context)
        ops = operators(load_model("llama2-7b"), tokens, tokens + context)
        assert sum(op.macs for op in ops) == sum(op.macs for op in other)


@pytest.mark.parametrize("name", model_names())
def test_order_is_legal_and_all_results_are_used(name):
    c = load_model(name)
    for tokens, context in CASES:
        ops = operators(c, tokens, context)
        g = graph(ops)
        assert networkx.is_directed_acyclic_graph(g)
        assert [node for node in g if not g.out_degree(node)] == [ops[-1].name] == ["mlp_add"]
        assert networkx.ancestors(g, "mlp_add") == set(g) - {"mlp_add"}
        assert ops[-1].n == c.hidden


def test_kinds_follow_the_shape():
    names = {name: [op.name for op in operators(load_model(name), 1, 100)] for name in model_names()}
    assert "q_rope" in names["llama2-7b"] and "q_rope" not in names["opt-6.7b"]
    assert "gate_proj" in names["qwen2.5-7b"] and "gate_proj" not in names["opt-6.7b"]
    assert "router" in names["mixtral-8x7b"] and "router" not in names["mistral-7b"]
    opt = {op.name: op for op in operators(load_model("opt-6.7b"), 1, 100)}
    assert opt["q_proj"].bias and opt["down_proj"].bias and opt["input_norm"].bias_elements == 4096
    qwen = {op.name: op for op in operators(load_model("qwen2.5-7b"), 1, 100)}
    assert [qwen[name].bias for name in ("q_proj", "v_proj", "o_proj", "up_proj")] == [True, True, False, False]
    assert (qwen["scores"].heads, qwen["scores"].kv_heads) == (28, 4)
    assert (qwen["append_k"].heads, qwen["append_k"].m, qwen["append_k"].n) == (4, 1, 128)


def test_experts_share_the_rows_evenly():
    c = load_model("mixtral-8x7b")
    assert expert_rows(c, 1) == (1, 1)
    assert expert_rows(c, 3) == (1,) * 6
    assert expert_rows(c, 5) == (2, 2, 1, 1, 1, 1, 1, 1)
    assert sum(expert_rows(c, 129)) == 258 and len(expert_rows(c, 129)) == 8
    adds = [op for op in operators(c, 5, 9) if op.kind == "add" and op.name != "attention_add"]
    assert sum(op.m for op in adds) == 10
    assert [op.weight for op in operators(c, 1, 9, 7) if op.name == "expert1.up_proj"] == ["layers.7.expert1.up_proj"]


def test_a_sliding_window_limits_what_is_seen():
    c = load_model("mistral-7b").replace(sliding_window=100)
    seen = {tokens: next(op.n for op in operators(c, tokens, 1000) if op.kind == "scores") for tokens in (1, 64, 1000)}
    assert seen == {1: 100, 64: 163, 1000: 1000}
    assert c.kv_elements(50) == 2 * 32 * 1024 * 50 and c.kv_elements(5000) == 2 * 32 * 1024 * 100


def test_embedding_and_head():
    opt, llama = load_model("opt-6.7b"), load_model("llama2-7b")
    assert [op.name for op in embedding_operators(opt, 3)] == ["embedding", "positions", "embedding_add"]
    (rows,) = embedding_operators(llama, 3)
    assert rows.weight_elements == rows.output_elements == 3 * 4096 and rows.inputs == (INPUT,)
    norm, head = head_operators(llama, rows=128)
    assert (norm.kind, norm.m, head.macs) == ("norm", 128, 128 * 4096 * 32000)


@pytest.mark.parametrize(("tokens", "context", "layer", "place"), [
    (0, 5, 0, "tokens"), (6, 5, 0, "tokens"), (1, 4097, 0, "context"), (1, 0, 0, "context"), (1, 5, 32, "layer"),
    (1, 5, -1, "layer"),
])  # fmt: skip
def test_lengths_that_make_no_sense_are_refused(tokens, context, layer, place):
    with pytest.raises(InputError, match=f"^{place}: wanted"):
        operators(load_model("llama2-7b"), tokens, context, layer)


def test_a_graph_refuses_what_is_out_of_order():
    ops = operators(load_model("llama2-7b"), 1, 5)
    with pytest.raises(InputError, match="inputs made by earlier operators, got input_norm"):
        graph(ops[1:])
    with pytest.raises(InputError, match="names that differ"):
        graph(ops + ops[:1])
