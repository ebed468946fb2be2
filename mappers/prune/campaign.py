"""All trainings of a table on several processes: resumable, and with the same result whatever the number of processes.

Finished trainings go into one file at once, whole or not at all; it belongs to one state of the inputs, of the training
code and of the packages, and is started over for any other.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from hwsim.errors import InputError
from hwsim.report.files import write_file
from mappers.prune.recipe import Training

Progress = Callable[[int, int, str], None]
_CODE = ("data.py", "layers.py", "methods.py", "networks.py", "recipe.py", "selection.py",
         "train.py")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Score:
    """What a training reached: fractions of the held-out and of the training images, and the last epoch's loss."""

    accuracy: float
    train_accuracy: float
    loss: float


class Store:
    """Scores of finished trainings in a file, by the training's name.

    Args:
        path: of the file; need not exist. None keeps nothing.
        key: state that the scores belong to, see ``key_of``.
    """

    def __init__(self, path: Path | None, key: str):
        self.path, self._key = path, key
        self.scores: dict[str, Score] = {}
        if path is not None:
            self._load(path)

    def _load(self, path: Path) -> None:
        try:
            held = json.loads(path.read_text())
            if held["key"] == self._key:
                self.scores = {name: Score(**score) for name, score in held["scores"].items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            wanted = "a readable file of finished trainings (remove it to start over)"
            raise InputError(str(path), wanted, "another file") from None

    def add(self, name: str, score: Score) -> None:
        """Keep one more score, on disk when this returns."""
        self.scores[name] = score
        if self.path is None:
            return
        held = {"key": self._key, "scores": {name: asdict(score) for name, score in self.scores.items()}}
        write_file(self.path, json.dumps(held, indent=1).encode(), force=True)


def key_of(trainings: Sequence[Training], versions: dict[str, str]) -> str:
    """SHA-256 over what can change a score: recipes, training code, versions. Which trainings there are does not."""
    recipes = {training.network: asdict(training.recipe) for training in trainings}
    code = [(Path(__file__).parent / name).read_bytes() for name in _CODE]
    text = json.dumps([recipes, versions, [hashlib.sha256(source).hexdigest() for source in code]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def score(training: Training) -> Score:
    """Train once in this process."""
    from mappers.prune.data import digits
    from mappers.prune.train import train

    done = train(training, digits())
    return Score(accuracy=done.accuracy, train_accuracy=done.train_accuracy, loss=done.loss)


def run_all(trainings: Sequence[Training], store: Store, workers: int, progress: Progress) -> dict[str, Score]:
    """Scores of all trainings, by name, in the given order; those that the store has are not run again.

    Raises:
        InputError: a training failed, or a process was killed.
    """
    missing = [training for training in trainings if training.name not in store.scores]
    done = len(trainings) - len(missing)
    progress(done, len(trainings), missing[0].name if missing else "")
    executor = ProcessPoolExecutor(min(workers, max(1, len(missing))), multiprocessing.get_context("spawn"), _quiet)
    try:
        futures = {executor.submit(score, training): training for training in missing}
        for future in as_completed(futures):
            store.add(futures[future].name, future.result())
            done += 1
            progress(done, len(trainings), futures[future].name)
    except BrokenProcessPool:
        raise InputError("workers", "memory for each of them", "one was killed") from None
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
            process.join()
        raise
    finally:
        executor.shutdown(cancel_futures=True)
    return {training.name: store.scores[training.name] for training in trainings}


def _quiet() -> None:
    """A worker that Ctrl-C ends without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def versions_of_training() -> dict[str, str]:
    """What can change a score besides inputs and code. Raises InputError where a package is missing."""
    try:
        torch, sklearn = import_module("torch"), import_module("sklearn")
    except ImportError as error:
        wanted = 'PyTorch and scikit-learn (pip install "hwsim[training]"; make accuracy does it)'
        raise InputError("training", wanted, str(error)) from None
    return {"torch": str(torch.__version__), "scikit-learn": str(sklearn.__version__),
            "cpu": str(torch.backends.cpu.get_cpu_capability())}  # fmt: skip
