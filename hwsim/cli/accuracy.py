"""``hwsim accuracy``: what N:M sparse training costs in accuracy, on real images."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import add_json, at_least
from hwsim.cli.output import ProgressBar, print_json, print_text
from hwsim.errors import InputError
from hwsim.sparsity.ratio import Ratio

if TYPE_CHECKING:
    from hwsim.report.files import Staging
    from mappers.prune.campaign import Score
    from mappers.prune.recipe import Training
    from mappers.prune.table import Row

PARTIAL = "trainings.part.json"
"""Finished trainings of a table that is not; gone when it is."""
SAVED_METHOD, SAVED_RATIO = "bdwp", "2:8"
"""Of which training the weights and masks are kept."""
UNITS = {"accuracy": "fraction of the held-out images", "train_accuracy": "fraction of the training images",
         "loss": "nats, mean of the last epoch", "mean": "%", "spread": "percentage points, sample standard deviation",
         "lowest": "%", "highest": "%", "against_dense": "percentage points", "train_mean": "%"}  # fmt: skip
_EXAMPLES = """\
Needs PyTorch and scikit-learn, whose handwritten digits are the images. With -o an interrupted table goes on where it
was when the same command is given again, and it keeps the weights and both masks of a BDWP training at 2:8.

examples:
  hwsim accuracy -o out/accuracy
  hwsim accuracy --networks vit --methods dense bdwp --ratios 2:8 --seeds 0 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Train small networks dense and N:M sparse by each method: accuracy, mean and spread of seeds."
    parser.epilog = _EXAMPLES
    parser.add_argument("--networks", nargs="+", default=["resnet9", "vit"], metavar="NAME",
                        help="resnet9, vit (default: both)")  # fmt: skip
    parser.add_argument("--methods", nargs="+", metavar="NAME",
                        default=["dense", "sr-ste", "sdgp", "bdwp", "decay", "asp"],
                        help="dense, sr-ste, sdgp, bdwp, decay, asp (default: all)")  # fmt: skip
    parser.add_argument("--ratios", nargs="+", default=["2:4", "2:8", "1:8", "2:16"], metavar="N:M",
                        help="of all layers but the first and the last (default: 2:4 2:8 1:8 2:16)")  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="S", help="default: 0 1 2")
    parser.add_argument("--epochs", type=int, metavar="E", help="of each training (default: the network's recipe)")
    parser.add_argument("--workers", type=int, default=2, metavar="W", help="processes of one thread (default: 2)")
    parser.add_argument("-o", "--output", metavar="DIR",
                        help="write result.json, table.txt, accuracy.png and *-bdwp-2-8.npz there")  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace existing results")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Train, print and write."""
    from mappers.prune.campaign import versions_of_training
    from mappers.prune.recipe import trainings

    at_least("--workers", arguments.workers, 1)
    ratios = [Ratio.parse(text, "--ratios") for text in arguments.ratios]
    plan = trainings(arguments.networks, arguments.methods, ratios, arguments.seeds, arguments.epochs)
    versions = versions_of_training()
    if arguments.output is None:
        scores = _scores(plan, versions, None, arguments.workers)
        _show(*_result(plan, scores, versions, []), arguments.json)
        return 0
    from hwsim.report.files import Staging

    saved = [each for each in plan if _saved(each) and each.seed == arguments.seeds[0]]
    names = [*map(_pattern_name, saved), "accuracy.png", "table.txt", "result.json"]
    with Staging(arguments.output, names, force=arguments.force) as staging:
        scores = _scores(plan, versions, staging.directory, arguments.workers)
        patterns = [_write_patterns(staging, each, scores[each.name]) for each in saved]
        rows, text, result = _result(plan, scores, versions, patterns)
        _write(staging, rows, text, result)
    (staging.directory / PARTIAL).unlink(missing_ok=True)
    _show(rows, text, result, arguments.json)
    return 0


def _scores(plan: Sequence[Training], versions: dict[str, str], folder: Path | None, workers: int) -> dict[str, Score]:
    """Train what the folder's partial file does not hold yet; without a folder nothing is kept."""
    from mappers.prune.campaign import Store, key_of, run_all

    store = Store(folder and folder / PARTIAL, key_of(plan, versions))
    with ProgressBar() as bar:
        return run_all(plan, store, workers, bar)


def _saved(training: Training) -> bool:
    return training.method == SAVED_METHOD and str(training.ratio) == SAVED_RATIO


def _pattern_name(training: Training) -> str:
    return f"{training.network}-{training.method}-{str(training.ratio).replace(':', '-')}.npz"


def _write_patterns(staging: Staging, training: Training, expected: Score) -> dict[str, Any]:
    """Train once more in this process, which must give the very same score, and keep weights and masks."""
    from mappers.prune.train import train_patterns

    again, rounded, data = train_patterns(training)
    if again != expected.accuracy:
        raise InputError(training.name, f"the accuracy of the table again ({expected.accuracy})", again)
    staging.write(_pattern_name(training), data)
    return {"file": _pattern_name(training), "training": training.name, "accuracy": again,
            "accuracy_of_float16_weights": rounded}  # fmt: skip


def _result(plan: Sequence[Training], scores: dict[str, Score], versions: dict[str, str],
            patterns: list[dict[str, Any]]) -> tuple[list[Row], str, dict[str, Any]]:  # fmt: skip
    """Rows, text and plain data."""
    from hwsim.provenance import provenance
    from mappers.prune.data import SOURCE, SPLIT_SEED
    from mappers.prune.methods import METHODS
    from mappers.prune.table import rows_of, text_table

    rows = rows_of(plan, scores)
    methods = {name: asdict(METHODS[name]) for name in dict.fromkeys(each.method for each in plan)}
    seeds = list(dict.fromkeys(each.seed for each in plan))
    inputs = {"data": SOURCE, "split_seed": SPLIT_SEED, "seeds": seeds, "methods": methods}
    origin = provenance(inputs, seed=SPLIT_SEED)
    origin["versions"] |= versions
    origin["units"] = UNITS
    held = [{"name": each.name, **each.plain(), **asdict(scores[each.name])} for each in plan]
    head = f"{SOURCE}; seeds {' '.join(map(str, seeds))}"
    return rows, text_table(rows, head), {"rows": [asdict(row) for row in rows], "trainings": held,
                                          "patterns": patterns, "provenance": origin}  # fmt: skip


def _write(staging: Staging, rows: Sequence[Row], text: str, result: dict[str, Any]) -> None:
    from mappers.prune.picture import accuracy_png

    staging.write("accuracy.png", accuracy_png(rows))
    staging.write("table.txt", text.encode())
    staging.write("result.json", (json.dumps(result, indent=2, allow_nan=False) + "\n").encode())


def _show(rows: Sequence[Row], text: str, result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        print_text(text)
