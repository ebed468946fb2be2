"""Networks as graphs of GEMM-like operators: ``Operator``, ``Workload``.

GEMM ranks: ``Z[M, N] = A[M, K] . B[K, N]``; A = activations (M = batch x output pixels or tokens), B = weights (N =
output channels), once per group. Counts are *elements*; multiply by the bytes of the chosen number format.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .geometry import ConvGeometry, conv_output, conv_weight_matrix, im2col, need_int, same_padding

if TYPE_CHECKING:
    import networkx

__all__ = [
    "ACTIVATIONS", "KINDS", "ConvGeometry", "Operator", "Workload", "conv_output", "conv_weight_matrix", "im2col",
    "same_padding",
]  # fmt: skip

KINDS = ("conv", "linear", "matmul", "traffic")
ACTIVATIONS = ("none", "relu", "relu6", "gelu", "silu", "hardswish", "tanh")


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One operator: ``groups`` independent GEMMs of ``m x k x n``, or traffic without MACs.

    Args:
        name: unique in its workload.
        kind: ``"conv"``, ``"linear"``, ``"matmul"`` (both operands are activations: attention) or ``"traffic"``
            (element-wise, pooling, norm, softmax: no MACs, bytes only; ``m = k = n = 0``).
        m, k, n: GEMM ranks of one group.
        groups: GEMMs side by side: groups of a convolution, or batch x heads of an attention product.
        conv: geometry of a convolution; m, k, n, groups must agree with it.
        inputs: names of the operators whose results are read; empty for an operator that reads the network's input.
        input_elements: activations read once, both operands for a matmul (0 = derive it; needed for traffic).
        output_elements: activations written (0 = derive it; needed for traffic).
        activation: element-wise function fused into the output, one of ``ACTIVATIONS``.
    """

    name: str
    kind: str
    m: int = 0
    k: int = 0
    n: int = 0
    groups: int = 1
    conv: ConvGeometry | None = None
    inputs: tuple[str, ...] = ()
    input_elements: int = 0
    output_elements: int = 0
    activation: str = "none"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError("operator: name", "a string that is not empty", self.name)
        place = f"operator {self.name}"
        for field, allowed in (("kind", KINDS), ("activation", ACTIVATIONS)):
            if getattr(self, field) not in allowed:
                raise InputError(f"{place}: {field}", "one of " + ", ".join(allowed), getattr(self, field))
        if not isinstance(self.inputs, tuple) or not all(isinstance(name, str) for name in self.inputs):
            raise InputError(f"{place}: inputs", "a tuple of operator names", self.inputs)
        ranks = (self.m, self.k, self.n)
        if self.kind == "traffic" and any(ranks):
            raise InputError(f"{place}: m, k, n", "0 for traffic, which has no MACs", ranks)
        for field in ("m", "k", "n"):
            need_int(f"{place}: {field}", getattr(self, field), 0 if self.kind == "traffic" else 1)
        need_int(f"{place}: groups", self.groups)
        self._check_conv(place)
        self._fill_counts(place)

    def _check_conv(self, place: str) -> None:
        if (self.conv is not None) != (self.kind == "conv"):
            wanted = "a ConvGeometry for a conv, None for every other kind"
            raise InputError(f"{place}: conv", wanted, self.conv if self.conv else "None")
        if self.conv is not None:
            wanted_ranks = (self.conv.m, self.conv.k, self.conv.n, self.conv.groups)
            given = (self.m, self.k, self.n, self.groups)
            if given != wanted_ranks:
                raise InputError(f"{place}: m, k, n, groups", f"{wanted_ranks} (of its geometry)", given)

    def _fill_counts(self, place: str) -> None:
        read = self.groups * (self.m * self.k + (self.k * self.n if self.kind == "matmul" else 0))
        derived = {
            "input_elements": self.conv.input_elements if self.conv else read,
            "output_elements": self.groups * self.m * self.n,
        }
        for field, value in derived.items():
            need_int(f"{place}: {field}", getattr(self, field), 0)
            if not getattr(self, field):
                object.__setattr__(self, field, value)

    @property
    def has_weights(self) -> bool:
        """True when B is a stored weight matrix."""
        return self.kind in ("conv", "linear")

    @property
    def weight_elements(self) -> int:
        """Elements of B over all groups; 0 when the operator has no weights (biases are not counted)."""
        return self.groups * self.k * self.n if self.has_weights else 0

    @property
    def weight_shape(self) -> tuple[int, int, int]:
        """Shape ``(groups, K, N)`` of the weights array of this operator."""
        return self.groups, self.k, self.n

    @property
    def macs(self) -> int:
        """Dense multiply-accumulates over all groups."""
        return self.groups * self.m * self.k * self.n

    @property
    def is_depthwise(self) -> bool:
        """True for a convolution with one input channel per group."""
        return self.conv is not None and self.groups > 1 and self.groups == self.conv.in_channels

    @classmethod
    def of_conv(
        cls, name: str, conv: ConvGeometry, *, inputs: tuple[str, ...] = (), activation: str = "none"
    ) -> Operator:
        """Operator of a convolution, its ranks taken from the geometry."""
        return cls(
            name=name, kind="conv", m=conv.m, k=conv.k, n=conv.n, groups=conv.groups, conv=conv, inputs=inputs,
            activation=activation,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A named network: operators in an order they can run in.

    ``InputError`` on no operators, duplicate names, inputs that no operator makes, and cycles. Operators given out of
    order are accepted and put in the nearest order that runs.
    """

    name: str
    operators: tuple[Operator, ...]

    def __post_init__(self) -> None:
        place = f"workload {self.name}"
        object.__setattr__(self, "operators", tuple(self.operators))
        if not self.operators:
            raise InputError(f"{place}: operators", "at least one operator", "none")
        seen: set[str] = set()
        for op in self.operators:
            if op.name in seen:
                raise InputError(f"{place}: operators", "unique names", f"{op.name} twice")
            seen.add(op.name)
        for op in self.operators:
            for source in op.inputs:
                if source not in seen:
                    raise InputError(f"{place}: {op.name}.inputs", "names of operators of this workload", source)
        object.__setattr__(self, "operators", _in_running_order(place, self.operators))

    @cached_property
    def _by_name(self) -> dict[str, Operator]:
        return {op.name: op for op in self.operators}

    def __getitem__(self, name: str) -> Operator:
        try:
            return self._by_name[name]
        except KeyError:
            raise InputError(f"workload {self.name}: operator", "a name of this workload", name) from None

    def __iter__(self) -> Iterator[Operator]:
        return iter(self.operators)

    def __len__(self) -> int:
        return len(self.operators)

    @property
    def gemms(self) -> tuple[Operator, ...]:
        """Operators that do MACs (everything but traffic)."""
        return tuple(op for op in self.operators if op.kind != "traffic")

    @property
    def macs(self) -> int:
        """Dense MACs of the network."""
        return sum(op.macs for op in self.operators)

    @property
    def weight_elements(self) -> int:
        """Weights of the network (GEMM operators; biases, norms and embeddings are not counted)."""
        return sum(op.weight_elements for op in self.operators)

    def totals(self) -> dict[str, int]:
        """Counts over the network: operators, gemms, macs, weight, input and output elements."""
        return {
            "operators": len(self.operators),
            "gemms": len(self.gemms),
            "macs": self.macs,
            "weight_elements": self.weight_elements,
            "input_elements": sum(op.input_elements for op in self.operators),
            "output_elements": sum(op.output_elements for op in self.operators),
        }

    def select(self, names: Iterable[str]) -> Workload:
        """The operators named, as a workload of their own; inputs from outside it are dropped."""
        from dataclasses import replace

        wanted = {self[name].name for name in names}
        kept = [op for op in self.operators if op.name in wanted]
        cut = (replace(op, inputs=tuple(i for i in op.inputs if i in wanted)) for op in kept)
        return Workload(name=self.name, operators=tuple(cut))

    def graph(self) -> networkx.DiGraph[Any]:
        """The DAG: a node per operator (attribute ``operator``), an edge from producer to consumer."""
        import networkx

        dag: networkx.DiGraph[Any] = networkx.DiGraph(name=self.name)
        for op in self.operators:
            dag.add_node(op.name, operator=op)
        dag.add_edges_from((source, op.name) for op in self.operators for source in op.inputs)
        return dag


def _in_running_order(place: str, operators: tuple[Operator, ...]) -> tuple[Operator, ...]:
    """Operators so that producers come before consumers, the given order kept where it already runs."""
    done: set[str] = set()
    ordered: list[Operator] = []
    waiting = deque(operators)
    while waiting:
        held: deque[Operator] = deque()
        for op in waiting:
            if done.issuperset(op.inputs):
                done.add(op.name)
                ordered.append(op)
            else:
                held.append(op)
        if len(held) == len(waiting):
            raise InputError(f"{place}: operators", "a graph without cycles", "a cycle through " + held[0].name)
        waiting = held
    return tuple(ordered)
