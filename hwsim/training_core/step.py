"""A training step of a small multilayer perceptron as the core's work, and the specification of its values.

    FF   H_l = round(relu(H_(l-1) · F_l))        F_l: the weights, N:M along the inputs
    loss dY  = round((Y - T) · scale / batch)    of half the mean squared error, off the core, as is ReLU's derivative
    BP   dH  = round(dY · B_l^T) where H > 0     B_l: the weights, N:M along the outputs
    WU   dW  = round(H^T · dY)                   dense; goes to WUVE, and the new weights from there to SORE

All from one master weight matrix in FP32 for each layer; 16-bit operands, sums in FP32 in the array's order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.floats import FORMATS, round_to, to_float32
from hwsim.nm_array.float_reference import BiasRelu
from hwsim.nm_array.program import Program, Shape, Tiling, lower
from hwsim.nm_array.reference import expected_beats, from_result_beats
from hwsim.sore.reference import Beats, assemble
from hwsim.sore.reference import reference as select
from hwsim.sore.slices import Slice, column_slices
from hwsim.sparsity.nm import NmTensor, from_groups
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.training_core.config import TrainingCoreConfig
from hwsim.wuve.reference import Updated
from hwsim.wuve.reference import reference as updated
from hwsim.wuve.update import Hyperparameters, Update

Bits = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """A linear layer without a bias; all but the last of a network are followed by a ReLU.

    Args:
        weight: (inputs, outputs) float32 master weights.
        momentum: of the same shape, float32.
        ratio: N:M of both directions; one of the core's.
    """

    weight: Floats
    momentum: Floats
    ratio: Ratio

    def __post_init__(self) -> None:
        for name in ("weight", "momentum"):
            array = getattr(self, name)
            if array.dtype != np.float32 or array.ndim != 2 or array.shape != self.weight.shape or not array.size:
                raise InputError(name, "float32 (inputs, outputs)", f"{array.dtype} of shape {array.shape}")
            if np.isnan(array).any():
                raise InputError(name, "numbers", f"NaN at {tuple(int(i) for i in np.argwhere(np.isnan(array))[0])}")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """How one GEMM of the step runs: which one, and its tiling."""

    kind: str  # "FF", "BP" or "WU"
    layer: int
    tiling: Tiling


@dataclass(frozen=True, kw_only=True, eq=False)
class Gemm:
    """One GEMM of the step with its data.

    Attributes:
        stage: what it is.
        program: its passes.
        a: (1, M, K) bit patterns.
        w: (1, K, N) bit patterns.
        parameters: of the results.
        after: number of the GEMM whose results it needs; -1 for none.
    """

    stage: Stage
    program: Program
    a: Bits
    w: Bits
    parameters: BiasRelu
    after: int

    @property
    def update(self) -> bool:
        """Whether the results go to WUVE."""
        return self.stage.kind == "WU"


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """What a step makes of one layer.

    Attributes:
        update: what WUVE gets, in slices of the core's columns one below the other, and ``result`` what it gives.
        slices: what SORE gets; ``selected`` what it gives for each, by port.
        weight, momentum: (inputs, outputs) float32.
        forward, backward: the new N:M codes, along inputs and along outputs; values are bit patterns.
    """

    update: Update
    result: Updated
    slices: Sequence[Slice]
    selected: Sequence[dict[str, Beats]]
    weight: Floats
    momentum: Floats
    forward: NmTensor
    backward: NmTensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """A whole step: the GEMMs in the order in which they run, and what comes of each updated layer, in that order."""

    config: TrainingCoreConfig
    gemms: Sequence[Gemm]
    outputs: Bits  # (batch, outputs of the last layer)
    trained: Sequence[Trained]


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What to train on.

    Args:
        x: (batch, inputs) bit patterns of the core's data type.
        target: (batch, outputs) float32.
        parameters: of the weight update; its ``gradient_scale`` is the inverse of the loss scale.
    """

    x: Bits
    target: Floats
    parameters: Hyperparameters


def run_step(config: TrainingCoreConfig, layers: Sequence[Layer], task: Task, tilings: Any = None) -> Step:
    """The values of a training step.

    Args:
        config: of the core.
        layers: of the network, first to last.
        task: input, target and hyper-parameters.
        tilings: by (kind, number of the layer): how that GEMM runs; by default output-stationary, whole tiles.

    Raises:
        InputError: no layers, shapes that do not fit, NaN weights, or a ratio that the core lacks.
    """
    return _Run(config, layers, task, tilings or {}).step()


class _Run:
    """The step as it goes."""

    def __init__(self, config: TrainingCoreConfig, layers: Sequence[Layer], task: Task, tilings: Any):
        _check(config, layers, task)
        self.config, self.layers, self.task, self.tilings = config, layers, task, tilings
        self.fmt = FORMATS[config.data_type]
        self.gemms: list[Gemm] = []
        self.codes = [select_codes(config, round_to(self.fmt, layer.weight).astype(np.uint16), layer.ratio)
                      for layer in layers]

    def step(self) -> Step:
        hidden, trained = [self.task.x], []
        for number, (forward, _) in enumerate(self.codes):
            relu = number < len(self.layers) - 1
            hidden.append(self._gemm("FF", number, hidden[-1], forward.decode(), relu, len(self.gemms) - 1))
        scale = np.float32(1 / self.task.parameters.gradient_scale / len(self.task.x))
        error = (to_float32(hidden[-1], self.fmt) - self.task.target) * scale
        gradient, after = round_to(self.fmt, error).astype(np.uint16), len(self.gemms) - 1
        for number in reversed(range(len(self.layers))):
            below, source = gradient, after
            if number:
                backward = self.codes[number][1].decode()
                below = self._gemm("BP", number, gradient, np.ascontiguousarray(backward.T), False, source)
                below = np.where(to_float32(hidden[number], self.fmt) > 0, below, 0).astype(np.uint16)
                after = len(self.gemms) - 1
            self._gemm("WU", number, np.ascontiguousarray(hidden[number].T), gradient, False, source)
            trained.append(self._train(number))
            gradient = below
        return Step(config=self.config, gemms=self.gemms, outputs=hidden[-1], trained=trained)

    def _gemm(self, kind: str, number: int, a: Bits, w: Bits, relu: bool, after: int) -> Bits:
        """Add a GEMM; its results (M, N)."""
        array, ratio = self.config.array, DENSE if kind == "WU" else self.layers[number].ratio
        shape = Shape(m=a.shape[0], k=a.shape[1], n=w.shape[1])
        tiling = self.tilings.get((kind, number)) or whole_tiles(self.config, shape, ratio)
        if kind == "WU":  # WUVE and SORE want the rows of one slice of columns after the other
            tiling = Tiling(beats=tiling.beats, order="nm", dataflow=tiling.dataflow)
        program = lower(array, shape, ratio, tiling)
        parameters = BiasRelu(np.zeros(shape.n, np.float32), relu)
        gemm = Gemm(stage=Stage(kind=kind, layer=number, tiling=tiling), program=program, a=a[None], w=w[None],
                    parameters=parameters, after=after)
        self.gemms.append(gemm)
        self.beats = expected_beats(program, gemm.a, gemm.w, [parameters])
        return np.asarray(from_result_beats(program, self.beats)[0], np.uint16)

    def _train(self, number: int) -> Trained:
        """Update and select, from the gradient that was computed last."""
        layer, config = self.layers[number], self.config
        kept = _positions(self.codes[number][0])
        update = Update(config=config.wuve, parameters=self.task.parameters, gradient=self.beats,
                        weight=_in_slices(layer.weight, config.cols), momentum=_in_slices(layer.momentum, config.cols),
                        dropped=_in_slices(~kept, config.cols))
        result = updated(update)
        rows, columns = layer.weight.shape
        slices = [Slice(config=config.sore, ratio=layer.ratio, bits=result.compute[at:at + rows])
                  for at in range(0, update.beats, rows)]
        selected = [select(part) for part in slices]
        forward, backward = (assemble(slices, [beats[port] for beats in selected], port, columns) for port in "fb")
        return Trained(update=update, result=result, slices=slices, selected=selected,
                       weight=_from_slices(result.weight, layer.weight.shape),
                       momentum=_from_slices(result.momentum, layer.weight.shape), forward=forward, backward=backward)


def _check(config: TrainingCoreConfig, layers: Sequence[Layer], task: Task) -> None:
    """Refuse what does not fit together."""
    if not layers:
        raise InputError("layers", "at least one", "none")
    sizes = [task.x.shape[-1], *(layer.weight.shape[1] for layer in layers)]
    for number, layer in enumerate(layers):
        config.array.mode_number(layer.ratio)
        if layer.weight.shape[0] != sizes[number]:
            raise InputError(f"layer {number}", f"{sizes[number]} inputs", layer.weight.shape[0])
    if task.x.dtype != np.uint16 or task.x.ndim != 2:
        raise InputError("x", "uint16 (batch, inputs)", f"{task.x.dtype} of shape {task.x.shape}")
    if task.target.dtype != np.float32 or task.target.shape != (len(task.x), sizes[-1]):
        wanted = f"float32 of shape {(len(task.x), sizes[-1])}"
        raise InputError("target", wanted, f"{task.target.dtype} of shape {task.target.shape}")


def select_codes(config: TrainingCoreConfig, bits: Bits, ratio: Ratio) -> tuple[NmTensor, NmTensor]:
    """N:M codes of a weight matrix along inputs and along outputs, as SORE selects them; values are bit patterns."""
    slices = column_slices(config.sore, bits, ratio)
    found = [select(part) for part in slices]
    forward, backward = (assemble(slices, [beats[port] for beats in found], port, bits.shape[1]) for port in "fb")
    return forward, backward


def whole_tiles(config: TrainingCoreConfig, shape: Shape, ratio: Ratio) -> Tiling:
    """Output-stationary, as deep as the buffers hold."""
    units = -(-shape.k // config.array.modes[config.array.mode_number(ratio)].span)
    return Tiling(beats=min(units, config.array.most_beats("os")), dataflow="os")


def _positions(code: NmTensor) -> npt.NDArray[np.bool_]:
    """Which elements have a slot."""
    groups = np.zeros((*code.indices.shape[:-1], code.ratio.m), bool)
    np.put_along_axis(groups, code.indices.astype(np.int64), True, axis=-1)
    return from_groups(groups, code.length, code.axis)


def _in_slices(matrix: npt.NDArray[Any], lanes: int) -> npt.NDArray[Any]:
    """(K, N) to (slices * K, lanes): slices of columns one below the other, the last filled up with zeros."""
    padded = np.pad(matrix, ((0, 0), (0, -matrix.shape[1] % lanes)))
    return np.ascontiguousarray(padded.reshape(len(matrix), -1, lanes).swapaxes(0, 1).reshape(-1, lanes))


def _from_slices(beats: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Inverse of `_in_slices`."""
    rows, columns = shape
    return np.ascontiguousarray(beats.reshape(-1, rows, beats.shape[1]).swapaxes(0, 1).reshape(rows, -1)[:, :columns])
