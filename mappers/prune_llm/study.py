"""MiniLM pruned and quantised within a budget, by all methods with the same choices, on text seen and not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from hwsim.config import Configuration, in_range
from hwsim.workload.decoder.block_ratio import stored_bytes
from mappers.prune_llm.blocks import shares_of
from mappers.prune_llm.methods import METHODS, Method
from mappers.prune_llm.minilm import Calibration, agreement, calibrate, importance, passages
from mappers.prune_llm.network import PrunedNetwork, prune_network
from mappers.prune_llm.sensitivity import Choice, Grid, layer_options, within

Progress = Callable[[int, int, str], None]

JUDGES = 12
"""Passages, of those that calibrate, on which the importance of layers is measured."""


@dataclass(frozen=True, kw_only=True)
class Study(Configuration):
    """What is pruned how far.

    Args:
        budget: mean over all weights, pruned ones counted.
        unit: of the budget: bits as stored (values, indices, blocks, scales), bits of kept weights, or N/M.
        method: whose weights are kept.
        grid: what each layer chooses from.
        passages: of text that calibrate.
        held_out: other passages, on which results are measured.
        length: tokens of a passage.
        seed: which passages.
    """

    budget: float = 3.0
    unit: Literal["stored_bits", "bits", "density"] = "stored_bits"
    method: Method = "sparsegpt"
    grid: Grid = Grid()
    passages: int = 64
    held_out: int = 16
    length: int = 128
    seed: int = 0

    def check(self) -> None:
        """Refuse no text, no budget, and too short passages."""
        in_range("budget", self.budget, 0.0)
        for name in ("passages", "held_out"):
            in_range(name, getattr(self, name), 1)
        in_range("length", self.length, 8)
        in_range("seed", self.seed, 0, 2**63 - 1)


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One layer; errors are relative to the layer's output."""

    layer: str
    k: int
    n: int
    density: float
    bits: int
    stored_bits: float
    importance: float
    error: float
    held_out_error: float


@dataclass(frozen=True, kw_only=True)
class MethodRow:
    """All layers by one method; means over the layers, cosine of the embeddings of held-out text to the dense ones."""

    method: Method
    error: float
    held_out_error: float
    cosine: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """Results of a study."""

    study: Study
    pruned: PrunedNetwork
    layers: tuple[LayerRow, ...]
    methods: tuple[MethodRow, ...]


def run(study: Study, progress: Progress) -> Outcome:
    """Calibrate, measure, choose and prune.

    Raises:
        InputError: packages or text are missing, or the budget is below the cheapest options.
    """
    texts = passages(study.passages + study.held_out, study.seed)
    seen, held = texts[: study.passages], texts[study.passages :]
    calibration, unseen = calibrate(seen, study.length), calibrate(held, study.length)
    weights = importance(calibration, seen[:JUDGES], study.length)
    options = {}
    for number, (name, weight) in enumerate(calibration.weights.items()):
        progress(number, len(calibration.weights), f"options of {name}")
        options[name] = layer_options(weight, calibration.grams[name], study.grid)
    choices = within(options, study.budget, study.unit, weights)
    networks = {}
    for number, method in enumerate(METHODS):
        progress(number, len(METHODS), method)
        networks[method] = prune_network("minilm", calibration.weights, calibration.grams, choices, method,
                                         calibration.source)  # fmt: skip
    pruned = networks[study.method]
    return Outcome(study=study, pruned=pruned, layers=_layer_rows(pruned, choices, weights, calibration, unseen),
                   methods=tuple(_method_row(network, unseen, held, study.length) for network in networks.values()))


def _held_out(pruned: PrunedNetwork, unseen: Calibration) -> dict[str, float]:
    return {name: unseen.grams[name].output_error(unseen.weights[name], weight)
            for name, weight in pruned.weights.items()}  # fmt: skip


def _layer_rows(pruned: PrunedNetwork, choices: dict[str, Choice], weights: dict[str, float],
                calibration: Calibration, unseen: Calibration) -> tuple[LayerRow, ...]:  # fmt: skip
    held_out = _held_out(pruned, unseen)
    rows = []
    for name, choice in choices.items():
        k, n = calibration.weights[name].shape
        nbytes = stored_bytes((k, n), choice.m, shares_of(choice.blocks), choice.bits).total
        rows.append(LayerRow(layer=name, k=k, n=n, density=choice.density, bits=choice.bits,
                             stored_bits=8 * nbytes / (k * n), importance=weights[name], error=pruned.errors[name],
                             held_out_error=held_out[name]))  # fmt: skip
    return tuple(rows)


def _method_row(network: PrunedNetwork, unseen: Calibration, held: list[str], length: int) -> MethodRow:
    held_out, count = _held_out(network, unseen), len(network.errors)
    return MethodRow(method=network.method, error=sum(network.errors.values()) / count,
                     held_out_error=sum(held_out.values()) / count,
                     cosine=agreement(network.weights, held, length))  # fmt: skip


def text_table(outcome: Outcome) -> str:
    """Layers, their means, and methods."""
    rows, study = outcome.layers, outcome.study
    total = sum(row.k * row.n for row in rows)
    lines = [f"{'layer':18} {'k':>5} {'n':>5} {'density':>8} {'bits':>5} {'stored bits':>12} {'importance':>11} "
             f"{'error':>9} {'held out':>9}"]  # fmt: skip
    mean = replace(rows[0], layer="mean over weights", **{
        name: sum(row.k * row.n * getattr(row, name) for row in rows) / total
        for name in ("density", "bits", "stored_bits", "importance", "error", "held_out_error")})  # fmt: skip
    for row in (*rows, mean):
        size = f"{row.k:5} {row.n:5}" if row is not mean else " " * 11
        lines.append(f"{row.layer:18} {size} {row.density:8.3f} {row.bits:5.3g} {row.stored_bits:12.3f} "
                     f"{row.importance:11.4f} {row.error:9.5f} {row.held_out_error:9.5f}")  # fmt: skip
    lines += ["", f"budget {study.budget:g} {study.unit}, weights by {study.method}; {outcome.pruned.source}", "",
              f"{'same choices by':18} {'layer mean':>11} {'held out':>9} {'cosine':>8}"]  # fmt: skip
    lines += [f"{row.method:18} {row.error:11.5f} {row.held_out_error:9.5f} {row.cosine:8.4f}"
              for row in outcome.methods]  # fmt: skip
    return "\n".join(lines) + "\n"
