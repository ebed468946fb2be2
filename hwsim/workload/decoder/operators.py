"""A decoder-only model as operators: one block, the embedding in front and the head behind.

``tokens`` rows are processed now; ``context`` is the length of the key/value cache after them: prefill of P tokens is
``(P, P)``, decoding token number L is ``(1, L)``. The order of each tuple is a legal order of execution.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hwsim.config import in_range
from hwsim.errors import InputError
from hwsim.workload.decoder.config import DecoderConfig

if TYPE_CHECKING:
    import networkx

Kind = Literal["embedding", "norm", "linear", "rope", "append", "scores", "softmax", "values", "add", "activation",
               "mul", "router"]  # fmt: skip

INPUT = "input"
"""Name by which operators read what comes from outside: token ids, or the residual stream of the block before."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One operator; its result is ``heads`` matrices of ``m x n`` elements.

    Args:
        name: unique in its tuple, e.g. ``"q_proj"`` or ``"expert3.up_proj"``.
        kind: ``linear`` and ``router`` multiply ``m x k`` by a weight ``k x n`` (a router also takes the softmax and
            the best experts); ``scores`` and ``values`` multiply by the cache, once per query head (``k x n`` of one
            head: ``head_dim x context``, ``context x head_dim``); all others have k = 0 and touch ``m x n`` elements
            per head. ``append`` writes ``m`` tokens into the cache.
        m: rows: tokens, or those of them that an expert gets.
        k: contracted rank, 0 without MACs.
        n: columns.
        heads: matrices side by side, else 1.
        kv_heads: of ``scores`` and ``values``: different matrices of the cache among ``heads``; else 0.
        weight: name of the parameter, as `hwsim.workload.decoder.assignment` knows it, or None.
        inputs: names of the producers; `INPUT` for what comes from outside.
        bias: the linear layer or norm has one.
        function: of an activation (``silu``, ``gelu``, ``relu``) or norm (``rms``, ``layer``); else empty.
    """

    name: str
    kind: Kind
    m: int
    n: int
    k: int = 0
    heads: int = 1
    kv_heads: int = 0
    weight: str | None = None
    inputs: tuple[str, ...] = (INPUT,)
    bias: bool = False
    function: str = ""

    @property
    def macs(self) -> int:
        """Multiplications of a dense, unmasked execution."""
        return self.heads * self.m * self.k * self.n

    @property
    def weight_elements(self) -> int:
        """Elements of the weight that are read, biases not counted; rows of a table that are read."""
        if self.weight is None:
            return 0
        return {"embedding": self.m, "norm": 1}.get(self.kind, self.k) * self.n

    @property
    def bias_elements(self) -> int:
        """Elements of the bias."""
        return self.n if self.bias else 0

    @property
    def output_elements(self) -> int:
        """Elements of the result."""
        return self.heads * self.m * self.n


def embedding_operators(config: DecoderConfig, tokens: int) -> tuple[Operator, ...]:
    """Rows of the embedding (and of the table of positions, added) for ``tokens`` token ids."""
    in_range("tokens", tokens, 1, config.max_positions)
    rows = Operator(name="embedding", kind="embedding", m=tokens, n=config.hidden, weight="embedding")
    if not config.learned_positions:
        return (rows,)
    positions = Operator(name="positions", kind="embedding", m=tokens, n=config.hidden, weight="positions")
    total = Operator(name="embedding_add", kind="add", m=tokens, n=config.hidden, inputs=("embedding", "positions"))
    return rows, positions, total


def head_operators(config: DecoderConfig, rows: int = 1) -> tuple[Operator, ...]:
    """Final norm and product with the vocabulary for ``rows`` tokens; generation needs that of the last one only."""
    in_range("rows", rows, 1, config.max_positions)
    return (
        _norm(config, "final_norm", rows, INPUT, "final_norm"),
        Operator(name="lm_head", kind="linear", m=rows, k=config.hidden, n=config.vocabulary, weight="lm_head",
                 inputs=("final_norm",)),
    )  # fmt: skip


def operators(config: DecoderConfig, tokens: int, context: int, layer: int = 0) -> tuple[Operator, ...]:
    """Operators of one decoder block, the last of them the block's result.

    Args:
        config: the model.
        tokens: rows processed now.
        context: tokens in the cache after them.
        layer: of ``config.layers``, enters the names of weights.

    Raises:
        InputError: no token, a context shorter than them or longer than the model's, no such layer.
    """
    in_range("context", context, 1, config.max_positions)
    in_range("tokens", tokens, 1, context)
    in_range("layer", layer, 0, config.layers - 1)
    place = f"layers.{layer}"
    attention = _attention(config, tokens, config.seen(tokens, context), place)
    norm = _norm(config, "mlp_norm", tokens, "attention_add", f"{place}.mlp_norm")
    return *attention, norm, *(_mlp if config.experts == 1 else _experts)(config, tokens, place)


def _norm(config: DecoderConfig, name: str, rows: int, source: str, weight: str) -> Operator:
    return Operator(name=name, kind="norm", m=rows, n=config.hidden, weight=weight, inputs=(source,),
                    bias=config.norm == "layer", function=config.norm)  # fmt: skip


def _attention(config: DecoderConfig, tokens: int, context: int, place: str) -> list[Operator]:
    result = [_norm(config, "input_norm", tokens, INPUT, f"{place}.input_norm")]
    for name, heads in (("q", config.heads), ("k", config.kv_heads), ("v", config.kv_heads)):
        result.append(Operator(
            name=f"{name}_proj", kind="linear", m=tokens, k=config.hidden, n=heads * config.head_dim,
            weight=f"{place}.{name}_proj", inputs=("input_norm",), bias=config.qkv_bias))  # fmt: skip
        if config.rope and name != "v":
            result.append(Operator(name=f"{name}_rope", kind="rope", m=tokens, n=config.head_dim, heads=heads,
                                   inputs=(f"{name}_proj",)))  # fmt: skip
    query, key = ("q_rope", "k_rope") if config.rope else ("q_proj", "k_proj")
    for name, source in (("append_k", key), ("append_v", "v_proj")):
        result.append(Operator(name=name, kind="append", m=tokens, n=config.head_dim, heads=config.kv_heads,
                               inputs=(source,)))  # fmt: skip
    heads, kv_heads = config.heads, config.kv_heads
    result += [
        Operator(name="scores", kind="scores", m=tokens, k=config.head_dim, n=context, heads=heads, kv_heads=kv_heads,
                 inputs=(query, "append_k")),
        Operator(name="softmax", kind="softmax", m=tokens, n=context, heads=heads, inputs=("scores",)),
        Operator(name="values", kind="values", m=tokens, k=context, n=config.head_dim, heads=heads, kv_heads=kv_heads,
                 inputs=("softmax", "append_v")),
        Operator(name="o_proj", kind="linear", m=tokens, k=config.query_width, n=config.hidden,
                 weight=f"{place}.o_proj", inputs=("values",), bias=config.out_bias),
        Operator(name="attention_add", kind="add", m=tokens, n=config.hidden, inputs=(INPUT, "o_proj")),
    ]  # fmt: skip
    return result


def _mlp(config: DecoderConfig, tokens: int, place: str) -> list[Operator]:
    body = _mlp_body(config, tokens, place, "", "mlp_norm")
    total = Operator(name="mlp_add", kind="add", m=tokens, n=config.hidden, inputs=("attention_add", body[-1].name))
    return [*body, total]


def _mlp_body(config: DecoderConfig, rows: int, place: str, prefix: str, source: str) -> list[Operator]:
    """One MLP up to ``down_proj``; ``prefix`` tells experts apart."""
    hidden, wide = config.hidden, config.intermediate
    first, act = ("gate_proj" if config.gated else "up_proj"), f"{prefix}activation"

    def linear(name: str, k: int, n: int, inputs: tuple[str, ...]) -> Operator:
        return Operator(name=f"{prefix}{name}", kind="linear", m=rows, k=k, n=n, weight=f"{place}.{prefix}{name}",
                        inputs=inputs, bias=config.mlp_bias)  # fmt: skip

    body = [linear(first, hidden, wide, (source,)),
            Operator(name=act, kind="activation", m=rows, n=wide, inputs=(f"{prefix}{first}",),
                     function=config.activation)]  # fmt: skip
    if config.gated:
        body.append(linear("up_proj", hidden, wide, (source,)))
        act = f"{prefix}mul"
        body.append(Operator(name=act, kind="mul", m=rows, n=wide,
                             inputs=(f"{prefix}activation", f"{prefix}up_proj")))  # fmt: skip
    return [*body, linear("down_proj", wide, hidden, (act,))]


def expert_rows(config: DecoderConfig, tokens: int) -> tuple[int, ...]:
    """Rows of each expert that gets any, assuming perfect balance.

    As many experts as possible work, with rows that differ by one at most: one token visits ``experts_per_token``
    experts, a long prompt all of them. Real routers are less even, which leaves the MACs and changes the longest
    expert; fewer distinct experts would also read fewer weights.
    """
    visits = tokens * config.experts_per_token
    used = min(config.experts, visits)
    return tuple(visits // used + (number < visits % used) for number in range(used))


def _experts(config: DecoderConfig, tokens: int, place: str) -> list[Operator]:
    """Router, experts, and their results times the router's weights, added one after the other to the residual."""
    result = [Operator(name="router", kind="router", m=tokens, k=config.hidden, n=config.experts,
                       weight=f"{place}.router", inputs=("mlp_norm",))]  # fmt: skip
    residual = "attention_add"
    rows_of = expert_rows(config, tokens)
    for number, rows in enumerate(rows_of):
        prefix = f"expert{number}."
        result += _mlp_body(config, rows, place, prefix, "mlp_norm")
        total = "mlp_add" if number == len(rows_of) - 1 else f"{prefix}add"
        result += [
            Operator(name=f"{prefix}weigh", kind="mul", m=rows, n=config.hidden,
                     inputs=("router", f"{prefix}down_proj")),
            Operator(name=total, kind="add", m=rows, n=config.hidden, inputs=(residual, f"{prefix}weigh")),
        ]  # fmt: skip
        residual = total
    return result


def graph(ops: Iterable[Operator]) -> networkx.DiGraph:
    """Operators as a graph, edges from producers to consumers; node attribute ``operator``.

    Raises:
        InputError: two operators of one name, or one that reads what no earlier one makes.
    """
    import networkx

    result = networkx.DiGraph()
    result.add_node(INPUT)
    for op in ops:
        if op.name in result:
            raise InputError("operators", "names that differ", op.name)
        missing = [name for name in op.inputs if name not in result]
        if missing:
            raise InputError(f"operators: {op.name}", "inputs made by earlier operators", ", ".join(missing))
        result.add_node(op.name, operator=op)
        result.add_edges_from((name, op.name) for name in op.inputs)
    return result
