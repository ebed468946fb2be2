"""The GEMMs of a training step: forward (FF), backward (BP) and weight update (WU) of every operator, in running order.

With Z[M,N] = A[M,K] · B[K,N] in FF (A activations, B weights), BP is dA = dZ · Bᵀ and WU is dB = Aᵀ · dZ. Weights are
N:M-sparse in FF along the input channels and in BP along the output channels (BDWP, arXiv 2309.13015); WU has no weight
operand and is dense. Of a convolution with stride s, BP is cut by the position of the input pixel modulo s, so that no
inserted zero is multiplied: together these GEMMs have the MACs of FF.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hwsim.errors import InputError
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.training.maps import MapView
from hwsim.workload import ConvGeometry, Operator, Workload

Part = Literal["FF", "BP", "WU"]
PARTS: tuple[Part, ...] = ("FF", "BP", "WU")
ELEMENT_BYTES = 2
"""Of activations, gradients and weights: FP16 or bfloat16."""
NORM_FORWARD, NORM_BACKWARD = 2, 5
"""Times a batch norm moves the elements of its map: FF reads and writes them (the sums are formed while the array
writes); BP reads gradient and input for the two sums, reads both again and writes the new gradient."""


@dataclass(frozen=True, kw_only=True)
class Gemm:
    """Z[m,n] = A[m,k] · B[k,n], ``groups`` times, with B at ``ratio`` along k and A read through ``view``."""

    m: int
    k: int
    n: int
    groups: int = 1
    ratio: Ratio = DENSE
    view: MapView

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the dense GEMM."""
        return self.m * self.k * self.n * self.groups

    @property
    def kept_macs(self) -> int:
        """Those with a kept weight."""
        return self.m * self.ratio.groups(self.k) * self.ratio.n * self.n * self.groups


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One operator in one part of the step.

    Args:
        layer: name of the operator.
        part: FF, BP or WU.
        gemms: run one after the other; none for an operator without MACs.
        moved: bytes of element-wise work that goes through DRAM beside the GEMMs (norms, pooling, activations).
        weights: elements of the operator's weights; 0 where it has none.
        ratio: of its weights.
    """

    layer: str
    part: Part
    gemms: tuple[Gemm, ...] = ()
    moved: int = 0
    weights: int = 0
    ratio: Ratio = DENSE

    @property
    def macs(self) -> int:
        """Dense multiply-accumulates."""
        return sum(gemm.macs for gemm in self.gemms)

    @property
    def kept_macs(self) -> int:
        """Multiply-accumulates with a kept weight."""
        return sum(gemm.kept_macs for gemm in self.gemms)


def training_stages(workload: Workload, ratio: Ratio, *, batch_norm: bool) -> tuple[Stage, ...]:
    """The step in running order: FF of all operators, then BP and WU of each from the last to the first.

    The first layer with weights (it reads the network's input) and the last one (the classifier) stay dense; the first
    has no BP. Products of two activations (attention) have no weights: they are dense, with two GEMMs in BP.

    Args:
        workload: the network at its batch.
        ratio: N:M of the weights.
        batch_norm: a batch norm follows every convolution.

    Raises:
        InputError: a convolution with groups, which no network here has.
    """
    last = [op.name for op in workload if op.has_weights][-1]
    stages = []
    for op in workload:
        own = ratio if op.has_weights and op.inputs and op.name != last else DENSE
        stages.append((op, own))
    forward = [_forward(op, own, batch_norm) for op, own in stages]
    backward = [stage for op, own in reversed(stages) for stage in _backward(op, own, batch_norm)]
    return (*forward, *backward)


def _forward(op: Operator, ratio: Ratio, batch_norm: bool) -> Stage:
    gemms = () if op.kind == "traffic" else (
        Gemm(m=op.m, k=op.k, n=op.n, groups=op.groups, ratio=ratio, view=_input_view(op, "m")),)
    return Stage(layer=op.name, part="FF", gemms=gemms, weights=op.weight_elements, ratio=ratio,
                 moved=ELEMENT_BYTES * _moved_forward(op, batch_norm))


def _backward(op: Operator, ratio: Ratio, batch_norm: bool) -> list[Stage]:
    moved = ELEMENT_BYTES * _moved_backward(op, batch_norm)
    if op.kind == "traffic":
        return [Stage(layer=op.name, part="BP", moved=moved)]
    update = Stage(layer=op.name, part="WU", weights=op.weight_elements, ratio=ratio, gemms=(
        Gemm(m=op.k, k=op.m, n=op.n, view=_input_view(op, "k")),)) if op.has_weights else None
    gemms = _input_gradient(op, ratio) if op.inputs else ()
    back = Stage(layer=op.name, part="BP", gemms=gemms, moved=moved, weights=op.weight_elements, ratio=ratio)
    return [back, update] if update else [back]


def _moved_forward(op: Operator, batch_norm: bool) -> int:
    """Elements of element-wise work. An activation other than ReLU keeps its input for BP, beside its output."""
    if op.kind == "traffic":
        return op.input_elements + op.output_elements
    if batch_norm and op.kind == "conv":
        return NORM_FORWARD * op.output_elements
    return op.output_elements if op.activation not in ("none", "relu") else 0


def _moved_backward(op: Operator, batch_norm: bool) -> int:
    """Elements of element-wise work: the derivative reads what was kept; a sum keeps nothing."""
    if op.kind == "traffic":
        summed = len(op.inputs) > 1 and op.input_elements == len(op.inputs) * op.output_elements
        return (1 if summed else 2) * op.input_elements + op.output_elements
    if batch_norm and op.kind == "conv":
        return NORM_BACKWARD * op.output_elements
    return op.output_elements if op.activation != "none" else 0


def _input_view(op: Operator, rank: Literal["m", "k"]) -> MapView:
    """A of FF (rank m) or Aᵀ of WU (rank k) over the operator's input; windows of 1 x 1 kernels do not overlap."""
    conv = op.conv
    if conv is None or conv.kernel == (1, 1):
        return MapView(channels=op.k, rank=rank)
    _refuse_groups(op.name, conv)
    return MapView(height=conv.height, width=conv.width, channels=conv.in_channels, out_height=conv.out_height,
                   out_width=conv.out_width, kernel=conv.kernel[0], stride=conv.stride[0], before=conv.padding[0],
                   rank=rank)


def _input_gradient(op: Operator, ratio: Ratio) -> tuple[Gemm, ...]:
    """GEMMs of BP."""
    if op.kind == "matmul":  # dA = dZ · Bᵀ and dB = Aᵀ · dZ
        return (Gemm(m=op.m, k=op.n, n=op.k, groups=op.groups, view=MapView(channels=op.n)),
                Gemm(m=op.k, k=op.m, n=op.n, groups=op.groups, view=MapView(channels=op.m)))
    if op.conv is None:
        return (Gemm(m=op.m, k=op.n, n=op.k, ratio=ratio, view=MapView(channels=op.n)),)
    _refuse_groups(op.name, op.conv)
    rows, columns = (_residues(op.conv, axis) for axis in (0, 1))
    return tuple(_residue_gemm(op.conv, ratio, row, column) for row in rows for column in columns)


@dataclass(frozen=True)
class _Residue:
    """Input positions of one residue modulo the stride: how many there are, and the kernel positions they meet."""

    count: int
    taps: int
    before: int  # outputs that the first position's window starts before output 0


def _residues(conv: ConvGeometry, axis: int) -> list[_Residue]:
    """Residues along one axis. Input y meets output o at kernel position t where o * stride + t = y + padding."""
    size, stride = (conv.height, conv.width)[axis], conv.stride[axis]
    kernel, padding = conv.kernel[axis], conv.padding[axis]
    found = []
    for first in range(min(stride, size)):
        residue = (first + padding) % stride
        taps = len(range(residue, kernel, stride))
        newest = (first + padding - residue) // stride  # output that meets the first position at the lowest tap
        if taps:
            found.append(_Residue(len(range(first, size, stride)), taps, taps - 1 - newest))
    return found


def _residue_gemm(conv: ConvGeometry, ratio: Ratio, row: _Residue, column: _Residue) -> Gemm:
    m, k = conv.batch * row.count * column.count, row.taps * column.taps * conv.out_channels
    view = MapView(channels=k) if row.taps == column.taps == 1 else MapView(
        height=conv.out_height, width=conv.out_width, channels=conv.out_channels, out_height=row.count,
        out_width=column.count, kernel=row.taps, before=row.before)
    return Gemm(m=m, k=k, n=conv.in_channels, ratio=ratio, view=view)


def _refuse_groups(name: str, conv: ConvGeometry) -> None:
    if conv.groups > 1 or conv.dilation != (1, 1):
        raise InputError(f"training of {name}", "a convolution without groups and dilation",
                         f"{conv.groups} groups, dilation {conv.dilation}")
