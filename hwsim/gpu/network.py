"""A network on a GPU: a kernel for each operator, one after the other, each with its launch.

- Linear layers and products of activations are GEMMs of the vendor's library.
- A convolution is the GEMM that the library's *implicit GEMM* lowers it to, with weights as A; its input is read once,
  not once for each place of the kernel. Other algorithms of the library (Winograd, FFT) are not modelled.
- A depthwise convolution is no GEMM worth tensor cores: bytes, or multiplications on the ordinary cores, at their peak.
- Operators without multiplications (sums, norms, softmax, pooling) are taken as fused into the kernels before them, as
  serving software does: their bytes at the memory's rate, without a launch of their own.
- Weights that obey 2:4 may run on sparse tensor cores, where that is faster.

The host, graph capture and caches between kernels are not modelled. Constants are those of FP16 products, for INT8 too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hwsim.gpu.board import GpuBoard
from hwsim.gpu.choice import GpuChoice
from hwsim.gpu.constants import default_constants
from hwsim.gpu.coverage import extrapolated
from hwsim.gpu.model import fits_2_4, predict
from hwsim.gpu.shape import BITS, DataType, GemmShape
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload import Operator, Workload


@dataclass(frozen=True, kw_only=True)
class GpuLayer:
    """One operator.

    Attributes:
        kernel: ``gemm``, ``implicit gemm``, either with `` 2:4``, ``depthwise``, or ``fused``.
        bound: the largest of ``launch``, ``memory``, ``compute`` and ``decode``.
        joules: (low, nominal, high) of the board.
        outside: axes along which the prediction is extrapolated.
    """

    name: str
    kernel: str
    seconds: float
    bound: str
    joules: tuple[float, float, float]
    outside: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data: seconds, joules."""
        return {"name": self.name, "kernel": self.kernel, "seconds": self.seconds, "bound": self.bound,
                "joules": self.joules[1], "extrapolated": list(self.outside)}


@dataclass(frozen=True, kw_only=True)
class GpuNetwork:
    """A network on one board.

    Attributes:
        board: with its price.
        data_type: of weights and activations.
        inputs: images, or rows of activations (tokens), of one run.
        unit: what they are.
        fits: whether weights and the largest activations fit in the board's memory.
    """

    board: GpuBoard
    data_type: DataType
    layers: tuple[GpuLayer, ...]
    inputs: int
    unit: str
    fits: bool

    @property
    def seconds(self) -> float:
        """Sum over the layers."""
        return sum(layer.seconds for layer in self.layers)

    @property
    def joules(self) -> tuple[float, float, float]:
        """(low, nominal, high), sums over the layers."""
        low, nominal, high = (sum(layer.joules[part] for layer in self.layers) for part in range(3))
        return low, nominal, high

    @property
    def bound(self) -> str:
        """What most of the time goes to: seconds of the layers by their bounds."""
        spent: Counter[str] = Counter()
        for layer in self.layers:
            spent[layer.bound] += layer.seconds  # type: ignore[assignment]
        return max(spent, key=lambda name: spent[name])

    @property
    def outside(self) -> dict[str, int]:
        """Kernels that are extrapolated, by axis."""
        return dict(sorted(Counter(axis for layer in self.kernels for axis in layer.outside).items()))

    @property
    def kernels(self) -> tuple[GpuLayer, ...]:
        """The operators that are kernels of their own; the fused ones are none."""
        return tuple(layer for layer in self.layers if layer.kernel != "fused")

    @property
    def per_second_and_dollar(self) -> float | None:
        """Inputs a second for each dollar of the board; None where no price is known."""
        return None if self.board.dollars is None else self.inputs / self.seconds / self.board.dollars

    def to_dict(self) -> dict[str, Any]:
        """Plain data: seconds, joules, dollars."""
        low, nominal, high = self.joules
        return {"board": self.board.name, "data_type": self.data_type, "seconds": self.seconds, "bound": self.bound,
                "inputs": self.inputs, "unit": self.unit, "inputs_per_s": self.inputs / self.seconds,
                "joules": {"low": low, "nominal": nominal, "high": high}, "fits": self.fits,
                "dollars": self.board.dollars, "inputs_per_s_per_dollar": self.per_second_and_dollar,
                "kernels": len(self.kernels), "extrapolated_kernels": self.outside,
                "layers": [layer.to_dict() for layer in self.layers]}


def on_gpus(workload: Workload, choice: GpuChoice, ratios: Mapping[str, Ratio], data_type: str
            ) -> tuple[GpuNetwork, ...]:
    """A network on each board of a choice.

    Args:
        workload: its operators.
        choice: boards, and what they run.
        ratios: N:M of the weights by operator name; others are dense.
        data_type: of the accelerator that it is compared with.
    """
    inputs, unit = inputs_of(workload)
    return tuple(GpuNetwork(
        board=board, data_type=kind, inputs=inputs, unit=unit, layers=layers_on(workload, board, kind, choice, ratios),
        fits=BITS[kind] / 8 * (workload.weight_elements + max(op.input_elements + op.output_elements
                                                              for op in workload)) <= board.memory_bytes)
        for board, kind in ((board, choice.type_on(board, data_type)) for board in choice.chosen))


def layers_on(workload: Workload, board: GpuBoard, data_type: DataType, choice: GpuChoice,
              ratios: Mapping[str, Ratio]) -> tuple[GpuLayer, ...]:
    """Every operator; those of equal shape are computed once."""
    found = []
    for op in workload:
        sparse = choice.sparse and op.has_weights and obeys_2_4(ratios.get(op.name, DENSE))
        kernel, seconds, bound, joules, outside = _time(board, data_type, _Work.of(op), sparse)
        found.append(GpuLayer(name=op.name, kernel=kernel, seconds=seconds, bound=bound, joules=joules,
                              outside=outside))
    return tuple(found)


def inputs_of(workload: Workload) -> tuple[int, str]:
    """Images of a network with convolutions, else rows of its first product (tokens), and what they are called."""
    first = workload.gemms[0]
    return (first.conv.batch, "images") if first.conv else (first.m, "rows")


def obeys_2_4(ratio: Ratio) -> bool:
    """Whether any weights of N:M are weights of 2:4: at most two kept in each four."""
    return (ratio.n <= 2 and ratio.m >= 4) or (ratio.n, ratio.m) == (1, 2)


@dataclass(frozen=True)
class _Work:
    """What the time of an operator depends on; ``kind`` is a name of `GpuLayer.kernel`."""

    kind: str
    shape: GemmShape | None
    macs: int
    weights: int
    moved: int

    @classmethod
    def of(cls, op: Operator) -> _Work:
        moved = op.input_elements + op.output_elements
        if op.kind == "traffic":
            return cls("fused", None, 0, 0, moved)
        if op.is_depthwise:
            return cls("depthwise", None, op.macs, op.weight_elements, moved)
        # A product of activations counts both operands as its input; here one of them stands for the weights.
        operands = moved if op.has_weights else moved - op.groups * op.k * op.n
        shape = GemmShape(op.n, op.k, op.m, op.groups, operands=operands)
        return cls("implicit gemm" if op.conv else "gemm", shape, op.macs, op.weight_elements, moved)


_Found = tuple[str, float, str, tuple[float, float, float], tuple[str, ...]]


@lru_cache(maxsize=1 << 14)
def _time(board: GpuBoard, data_type: DataType, work: _Work, sparse: bool) -> _Found:
    """(kernel, seconds, bound, joules, axes outside of the calibration)."""
    if work.shape is None:
        return _beside_tensor_cores(board, data_type, work)
    shape = work.shape.in_type(data_type)
    kernels = [("cublas", 0.0, work.kind)]
    if sparse and board.has_tensor(data_type, sparse=True) and fits_2_4(shape):
        kernels.append(("semi_structured", 0.5, f"{work.kind} 2:4"))
    found = [(predict(board, kernel, shape, zeros), name) for kernel, zeros, name in kernels]
    best, name = min(found, key=lambda each: each[0].us)
    outside = extrapolated(board, best.kernel, shape, best.sparsity)
    return name, best.us * 1e-6, best.bound, best.joules, tuple(outside)


def _beside_tensor_cores(board: GpuBoard, data_type: DataType, work: _Work) -> _Found:
    """Depthwise convolutions and what is fused: no point calibrates either."""
    c = default_constants()
    bytes_ = BITS[data_type] / 8 * (work.moved + work.weights)
    parts = {"launch": c.cublas_launch_us * 1e-6 if work.macs else 0.0,
             "memory": bytes_ / (board.bytes_per_s * c.memory_efficiency),
             "compute": 2 * work.macs / board.vector_flops}
    seconds = parts["launch"] + max(parts["memory"], parts["compute"])
    joules = board.joules(seconds, bytes_ / board.bytes_per_s / seconds)
    return work.kind, seconds, max(parts, key=lambda name: parts[name]), joules, ("kernel",)
