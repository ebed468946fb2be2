"""The accuracy table: mean and spread over the seeds of every network, method and ratio, beside dense training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from mappers.prune.campaign import Score
from mappers.prune.methods import METHODS
from mappers.prune.recipe import Training


@dataclass(frozen=True, kw_only=True)
class Row:
    """One network, method and ratio.

    Args:
        network: its name.
        method: its name.
        ratio: "N:M", "1:1" for dense.
        seeds: how many.
        mean: accuracy on the held-out images over the seeds, %.
        spread: sample standard deviation of that, percentage points; None for one seed.
        lowest: of the seeds, %.
        highest: of the seeds, %.
        against_dense: mean minus the mean of dense, percentage points; None where dense was not trained.
        train_mean: accuracy on the training images, %.
    """

    network: str
    method: str
    ratio: str
    seeds: int
    mean: float
    spread: float | None
    lowest: float
    highest: float
    against_dense: float | None
    train_mean: float


def rows_of(trainings: Sequence[Training], scores: Mapping[str, Score]) -> list[Row]:
    """A row per network, method and ratio, in the order in which they first appear, networks together."""
    groups: dict[tuple[str, str, str], list[Score]] = {}
    for training in trainings:
        key = (training.network, training.method, str(training.ratio))
        groups.setdefault(key, []).append(scores[training.name])
    means = {key: 100 * mean(score.accuracy for score in group) for key, group in groups.items()}
    networks = list(dict.fromkeys(key[0] for key in groups))
    return [_row(key, groups[key], means) for network in networks for key in groups if key[0] == network]


def _row(key: tuple[str, str, str], scores: Sequence[Score], means: Mapping[tuple[str, str, str], float]) -> Row:
    accuracies = [100 * score.accuracy for score in scores]
    dense = means.get((key[0], "dense", "1:1"))
    return Row(network=key[0], method=key[1], ratio=key[2], seeds=len(scores), mean=means[key],
               spread=stdev(accuracies) if len(scores) > 1 else None, lowest=min(accuracies),
               highest=max(accuracies), against_dense=None if dense is None else means[key] - dense,
               train_mean=100 * mean(score.train_accuracy for score in scores))  # fmt: skip


def text_table(rows: Sequence[Row], head: str) -> str:
    """The table as text; ``head`` says what was trained on what."""
    header = ("network", "method", "N:M", "FF", "BP", "accuracy %", "spread", "lowest", "highest", "vs dense",
              "train %")  # fmt: skip
    lines = [header, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    shown = ["  ".join(cell.rjust(width) if column > 4 else cell.ljust(width)
                       for column, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
             for line in lines]  # fmt: skip
    note = ("accuracy: mean of the seeds on the held-out images after the last step; spread: standard deviation of the "
            "sample;\nvs dense: difference of the means, percentage points; FF, BP: what the method prunes there; "
            "train %: training images")  # fmt: skip
    return "\n".join([head, note, "", shown[0], "-" * max(map(len, shown)), *shown[1:]]) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    method = METHODS[row.method]
    return (
        row.network, method.title, row.ratio, "sparse" if method.forward else "dense", _backward(row),
        f"{row.mean:.2f}", "-" if row.spread is None else f"{row.spread:.2f}", f"{row.lowest:.2f}",
        f"{row.highest:.2f}", "-" if row.against_dense is None else f"{row.against_dense:+.2f}",
        f"{row.train_mean:.2f}",
    )  # fmt: skip


def _backward(row: Row) -> str:
    """BP: its own mask, FF's mask (zeros that lie along the wrong axis for skipping), or dense."""
    method = METHODS[row.method]
    if method.backward:
        return "sparse"
    return "FF's mask" if method.forward else "dense"
