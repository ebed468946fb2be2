"""Linear and 2-D convolution whose FF and BP use N:M pruned weights of one dense master weight (PyTorch).

The master weight is (out, in) or (out, in, height, width). FF reduces over axis 1 (per kernel position), BP over axis
0; groups of M are cut there, and a last group that is not full counts as padded with zeros, as everywhere in hwsim.
The weight gradient is that of a dense layer with the same input and output gradient: it reaches all master weights,
pruned or not (straight-through), but for a fixed mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hwsim.errors import InputError
from hwsim.sparsity.ratio import Ratio
from mappers.prune.methods import BP_AXIS, FF_AXIS, Method
from mappers.prune.selection import select


@dataclass(frozen=True, eq=False)
class Operands:
    """What one step of a layer multiplies by; all tensors have the weight's shape.

    Args:
        forward: weight of FF.
        backward: weight of BP.
        kept: the only positions whose master weights learn; None for all.
        penalty: added to the gradient of the master weight; None for nothing.
    """

    forward: Tensor
    backward: Tensor
    kept: Tensor | None = None
    penalty: Tensor | None = None

    def master_gradient(self, gradient: Tensor) -> Tensor:
        """Gradient of the master weight from that of the weight that FF used."""
        if self.kept is not None:
            gradient = gradient * self.kept
        return gradient if self.penalty is None else gradient + self.penalty


class _Linear(torch.autograd.Function):
    """x (…, in) -> (…, out)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, operands: Operands) -> Tensor:
        ctx.save_for_backward(x)
        ctx.operands = operands
        return functional.linear(x, operands.forward, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x,), operands, gy = ctx.saved_tensors, ctx.operands, gradients[0]
        rows = gy.reshape(-1, gy.shape[-1])
        gx = gy @ operands.backward if ctx.needs_input_grad[0] else None
        gw = operands.master_gradient(rows.T @ x.reshape(-1, x.shape[-1]))
        return gx, gw, rows.sum(0) if ctx.needs_input_grad[2] else None, None


class _Conv2d(torch.autograd.Function):
    """x (batch, in, height, width) -> (batch, out, height', width')."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, operands: Operands,
                geometry: dict[str, Any]) -> Tensor:  # fmt: skip
        ctx.save_for_backward(x)
        ctx.operands, ctx.geometry = operands, geometry
        return functional.conv2d(x, operands.forward, bias, **geometry)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x,), operands, gy = ctx.saved_tensors, ctx.operands, gradients[0]
        gx = None
        if ctx.needs_input_grad[0]:
            gx = torch.nn.grad.conv2d_input(x.shape, operands.backward, gy, **ctx.geometry)
        gw = torch.nn.grad.conv2d_weight(x, operands.forward.shape, gy, **ctx.geometry)
        gb = gy.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return gx, operands.master_gradient(gw), gb, None, None


class NmLayer(nn.Module):
    """What both layers share: the method, the ratio, and how far the training is. Dense until ``prune`` is called."""

    weight: nn.Parameter
    place = "layer"
    method: Method | None = None
    ratio = Ratio(1, 1)
    residue = 1.0
    fixed: Tensor | None = None

    def prune(self, method: Method, ratio: Ratio, place: str) -> None:
        """Train this layer by a method from now on.

        Args:
            method: see `mappers.prune.methods`.
            ratio: N:M of both directions.
            place: name of the layer, for error messages.

        Raises:
            InputError: a weight without elements.
        """
        if not self.weight.numel():
            raise InputError(place, "weights that are not empty", f"shape {tuple(self.weight.shape)}")
        self.method, self.ratio, self.place = method, ratio, place
        self.residue, self.fixed = method.residue(0.0), None

    def mask(self, axis: int) -> Tensor:
        """What N:M along an axis keeps of the master weight, bool. Raises InputError for a NaN."""
        return torch.from_numpy(select(self.weight.detach().numpy(), self.ratio, axis, self.place))

    def proceed(self, progress: float) -> None:
        """Say how far the training is, 0 to 1; a method with a fixed mask chooses it when pruning begins."""
        if self.method is None:
            return
        self.residue = self.method.residue(progress)
        if self.method.fixed and self.residue == 0 and self.fixed is None:
            self.fixed = self.mask(FF_AXIS)
            with torch.no_grad():
                self.weight *= self.fixed

    def operands(self) -> Operands:
        """Weights of FF and BP, as the method has them now."""
        w, method = self.weight.detach(), self.method
        if method is None:
            return Operands(w, w)
        forward, kept, penalty = w, None, None
        if self.residue < 1:
            kept = self.mask(FF_AXIS) if self.fixed is None else self.fixed
            forward = torch.where(kept, w, self.residue * w)
            penalty = torch.where(kept, 0.0, method.penalty * w) if method.penalty else None
        backward = torch.where(self.mask(BP_AXIS), w, 0.0) if method.backward else forward
        return Operands(forward, backward, self.fixed, penalty)


class NmLinear(nn.Linear, NmLayer):
    """`torch.nn.Linear` that can be trained N:M sparse."""

    def forward(self, x: Tensor) -> Tensor:
        """X (…, in) to (…, out)."""
        return _Linear.apply(x, self.weight, self.bias, self.operands())


class NmConv2d(nn.Conv2d, NmLayer):
    """`torch.nn.Conv2d` (zero padding given by numbers) that can be trained N:M sparse."""

    def prune(self, method: Method, ratio: Ratio, place: str) -> None:
        """As `NmLayer.prune`; refuses a grouped convolution, whose axis 0 is not the reduction of BP."""
        if self.groups != 1:
            raise InputError(place, "a convolution of one group", f"{self.groups} groups")
        super().prune(method, ratio, place)

    def forward(self, x: Tensor) -> Tensor:
        """X (batch, in, height, width) to (batch, out, height', width')."""
        geometry = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}
        return _Conv2d.apply(x, self.weight, self.bias, self.operands(), geometry)


def nm_layers(model: nn.Module) -> dict[str, NmLayer]:
    """The layers of a model that can be pruned, by name."""
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, NmLayer)}


def masks(layer: NmLayer) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Masks of FF and BP of the master weight as it is now."""
    return layer.mask(FF_AXIS).numpy(), layer.mask(BP_AXIS).numpy()
