"""A training step of a small multilayer perceptron as the core's work, and the specification of its values.

    FF   H_l = round(relu(H_(l-1) · F_l))        F_l: the weights, N:M along the inputs
    loss dY  = round((Y - T) · scale / batch)    of half the mean squared error, off the core, as is ReLU's derivative
    BP   dH  = round(dY · B_l^T) where H > 0     B_l: the weights, N:M along the outputs
    WU   dW  = round(H^T · dY)                   dense; goes to WUVE, and the new weights from there to SORE

All from one master weight matrix in FP32 for each layer; 16-bit operands, sums in FP32 in the array's order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.floats import FORMATS, round_to, to_float32
from hwsim.nm_array.float_reference import BiasRelu
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.reference import expected_beats, from_result_beats
from hwsim.sore.reference import codes, select_bits
from hwsim.sore.reference import reference as select
from hwsim.sore.slices import Slice
from hwsim.sparsity.nm import NmTensor, from_groups
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.training_core.config import TrainingCoreConfig
from hwsim.training_core.work import Bits, Gemm, Kind, Layer, Step, Task, Trained
from hwsim.wuve.reference import reference as updated
from hwsim.wuve.update import Update

Tilings = Mapping[tuple[Kind, int], Tiling]
"""By kind of GEMM and number of the layer."""


def run_step(config: TrainingCoreConfig, layers: Sequence[Layer], task: Task, tilings: Tilings | None = None) -> Step:
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

    def __init__(self, config: TrainingCoreConfig, layers: Sequence[Layer], task: Task, tilings: Tilings):
        _check(config, layers, task)
        self.config, self.layers, self.task, self.tilings = config, layers, task, tilings
        self.fmt = FORMATS[config.data_type]
        self.gemms: list[Gemm] = []
        self.codes = [select_bits(config.sore, round_to(self.fmt, layer.weight).astype(np.uint16), layer.ratio)
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

    def _gemm(self, kind: Kind, number: int, a: Bits, w: Bits, relu: bool, after: int) -> Bits:
        """Add a GEMM; its results (M, N)."""
        array, ratio = self.config.array, DENSE if kind == "WU" else self.layers[number].ratio
        shape = Shape(m=a.shape[0], k=a.shape[1], n=w.shape[1])
        tiling = self.tilings.get((kind, number)) or whole_tiles(self.config, shape, ratio)
        if kind == "WU":  # WUVE and SORE want the rows of one slice of columns after the other
            tiling = Tiling(beats=tiling.beats, order="nm", dataflow=tiling.dataflow)
        program = lower(array, shape, ratio, tiling)
        parameters = BiasRelu(np.zeros(shape.n, np.float32), relu)
        results = expected_beats(program, a[None], w[None], [parameters])
        self.gemms.append(Gemm(kind=kind, layer=number, program=program, a=a[None], w=w[None], parameters=parameters,
                               results=results, after=after))
        return np.asarray(from_result_beats(program, results)[0], np.uint16)

    def _train(self, number: int) -> Trained:
        """Update and select, from the results of the last GEMM, its weight gradient."""
        layer, config = self.layers[number], self.config
        kept = _positions(self.codes[number][0])
        update = Update(config=config.wuve, parameters=self.task.parameters, gradient=self.gemms[-1].results,
                        weight=_in_slices(layer.weight, config.cols), momentum=_in_slices(layer.momentum, config.cols),
                        dropped=_in_slices(~kept, config.cols))
        result = updated(update)
        rows, columns = layer.weight.shape
        slices = [Slice(config=config.sore, ratio=layer.ratio, bits=result.compute[at:at + rows])
                  for at in range(0, update.beats, rows)]
        selected = [select(part) for part in slices]
        forward, backward = codes(slices, selected, columns)
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
