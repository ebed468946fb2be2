"""One training, from initial weights to the accuracy on held-out images (PyTorch, CPU).

The result depends on the inputs, PyTorch's version and the kind of CPU, not on how many trainings run beside it: every
training computes with one thread, and draws from generators of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hwsim.errors import InputError
from mappers.prune.data import CLASSES, Images, digits, shifted
from mappers.prune.layers import nm_layers
from mappers.prune.methods import Method, method_of
from mappers.prune.networks import build
from mappers.prune.patterns import pattern_bytes
from mappers.prune.recipe import Recipe, Training

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network.

    Args:
        model: in evaluation mode; its N:M layers are at the end of their method.
        accuracy: fraction of the held-out images that are classified rightly, after the last step.
        loss: mean cross-entropy of the last epoch's steps.
        train_accuracy: fraction of the training images, without shifts.
    """

    model: nn.Module
    accuracy: float
    loss: float
    train_accuracy: float


def train(training: Training, images: Images, progress: Progress | None = None) -> Trained:
    """Train by the recipe and measure once, at the end: no checkpoint is chosen by the held-out images.

    Args:
        training: what to train.
        images: both parts.
        progress: called with (epochs done, epochs) after each.

    Raises:
        InputError: the weights or the loss are no numbers any more (the training diverged).
    """
    torch.set_num_threads(1)
    model, method = build(training.network, CLASSES, training.seed), method_of(training.method)
    for name, layer in nm_layers(model).items():
        if not method.dense:
            layer.prune(method, training.ratio, f"{training.name}: {name}")
    loss = _fit(model, method, training, images, progress)
    model.eval()
    return Trained(model, accuracy(model, images.test, images.test_labels), loss,
                   accuracy(model, images.train, images.train_labels))  # fmt: skip


def _fit(model: nn.Module, method: Method, training: Training, images: Images, progress: Progress | None) -> float:
    """All steps; returns the mean loss of the last epoch."""
    recipe, rng = training.recipe, np.random.default_rng([training.seed, 1])
    steps = max(1, images.train_labels.size // recipe.batch)
    total, done, losses = recipe.epochs * steps, 0, [math.nan]
    optimizer, restart = _optimizer(model, recipe), math.ceil(method.pruned_from * total) if method.fixed else 0
    for epoch in range(recipe.epochs):
        model.train()
        losses = []
        for x, labels in _batches(images, recipe.batch, steps, rng):
            for layer in nm_layers(model).values():
                layer.proceed(done / total)
            if restart and done == restart:  # momentum would move weights that are pruned for good
                optimizer = _optimizer(model, recipe)
            cycle = (0, restart) if done < restart else (restart, total)
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * _schedule((done - cycle[0]) / (cycle[1] - cycle[0]), recipe.warmup)
            losses.append(_step(model, optimizer, x, labels))
            done += 1
        if not math.isfinite(sum(losses)):
            given = f"a loss of {sum(losses)} in epoch {epoch + 1}"
            raise InputError(training.name, "a training that converges", given)
        if progress is not None:
            progress(epoch + 1, recipe.epochs)
    for layer in nm_layers(model).values():
        layer.proceed(1.0)
    return sum(losses) / len(losses)


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, labels: Tensor) -> float:
    optimizer.zero_grad()
    loss = functional.cross_entropy(model(x), labels)
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def _batches(images: Images, batch: int, steps: int, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of shifted images in a new order; the rest that fills no batch is left out."""
    order = rng.permutation(images.train_labels.size)
    for step in range(steps):
        chosen = order[step * batch : (step + 1) * batch]
        x = np.ascontiguousarray(shifted(images.train[chosen], rng))
        yield torch.from_numpy(x), torch.from_numpy(images.train_labels[chosen])


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), recipe.rate, momentum=0.9, nesterov=True,
                               weight_decay=recipe.weight_decay)  # fmt: skip
    return torch.optim.AdamW(model.parameters(), recipe.rate, weight_decay=recipe.weight_decay, fused=True)


def _schedule(progress: float, warmup: float) -> float:
    """Share of the highest learning rate: linear rise, then a half cosine to 0."""
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def train_patterns(training: Training) -> tuple[float, float, bytes]:
    """Train on the digits and give the weights away.

    Returns:
        accuracy; accuracy with the N:M layers' master weights rounded to float16; the file's bytes
        (`mappers.prune.patterns`).
    """
    images = digits()
    done = train(training, images)
    weights = {name: layer.weight.detach().numpy() for name, layer in nm_layers(done.model).items()}
    data = pattern_bytes(weights, training.ratio)
    with torch.no_grad():
        for layer in nm_layers(done.model).values():
            layer.weight.copy_(layer.weight.half())
    return done.accuracy, accuracy(done.model, images.test, images.test_labels), data


def accuracy(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of images (count, 1, 8, 8) that a model in evaluation mode classifies rightly."""
    with torch.no_grad():
        chosen = model(torch.from_numpy(images)).argmax(-1).numpy()
    return float((chosen == labels).mean())
