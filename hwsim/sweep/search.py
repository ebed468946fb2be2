"""A search for the front of a space that is too large to be listed: Optuna proposes points, the store keeps them.

Trials live in ``search.db`` of the sweep's folder (Optuna's own storage), so a search goes on where it was stopped.
Points are asked for in batches and told in the order in which they were asked: equal seeds give equal searches,
whatever the number of workers. Every other point is not the sampler's, nor is one in place of a proposal that the
search has seen: it is the most promising of some new ones by an additive model of the costs (`surrogate`), neighbours
of the front among them. So nothing is spent twice, and the search ends by itself where the space does.
"""

from __future__ import annotations

import sqlite3
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hwsim.sweep.axes import Axis
from hwsim.sweep.pareto import costs_of, front
from hwsim.sweep.plan import chosen, point_of, refuse_unknown_keys, within
from hwsim.sweep.pool import Backend
from hwsim.sweep.rows import Point, Row
from hwsim.sweep.run import Progress, Tally, description, keep
from hwsim.sweep.spec import Sweep
from hwsim.sweep.store import Store, read_parts
from hwsim.sweep.surrogate import most_promising

if TYPE_CHECKING:
    import optuna

Sampler = Literal["nsga2", "tpe"]
BATCH, CANDIDATES = 8, 100
"""Points of a batch; points among which the most promising is chosen."""
_VIOLATED = "violated"


def search(sweep: Sweep, count: int, store: Store, backend: Backend, *, sampler: Sampler = "tpe", seed: int = 0,
           progress: Progress | None = None) -> tuple[Tally, set[str]]:
    """Evaluate up to ``count`` points, those of earlier runs of the same search among them.

    Args:
        sweep: gives spaces, objectives and constraints.
        count: points with a row in the end.
        store: the folder, open.
        backend: evaluates, started.
        sampler: Optuna's NSGA-II or its tree of Parzen estimators.
        seed: of the sampler.
        progress: called with (done, all, words).

    Returns:
        the count, and the names of the points.
    """
    for space in sweep.spaces:
        refuse_unknown_keys(space)
    store.describe(description(sweep))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's, of arguments that it calls experimental
        state = _Search(sweep, store, sampler, seed)
        tally = Tally(points=count, stored=len(state.seen))
        while len(state.seen) < count:
            batch = state.ask(min(BATCH, count - len(state.seen)))
            if not batch:
                break
            new = [point for _, point in batch if point.name not in state.rows]
            tally.stored += len(batch) - len(new)
            state.tell(batch, keep(sweep, new, store, backend, tally, progress))
    tally.points = len(state.seen)
    return tally, set(state.seen)


class _Search:
    """The study, the rows that are known, and the points that the search has seen with their parameters."""

    def __init__(self, sweep: Sweep, store: Store, sampler: Sampler, seed: int):
        self.sweep = sweep
        self.study = _study(sweep, store, sampler, seed)
        self.random = np.random.default_rng([seed, len(self.study.trials)])
        self.rows: dict[str, Row] = {row["point"]: row for row in read_parts(store.folder).to_pylist()}
        self.seen: dict[str, dict[str, Any]] = {
            trial.user_attrs["point"]: trial.params for trial in self.study.trials
            if trial.user_attrs.get("point") in self.rows}  # fmt: skip

    def ask(self, count: int) -> list[tuple[optuna.Trial, Point]]:
        """Trials of points that the search has not seen, up to so many."""
        from optuna.trial import TrialState

        batch: list[tuple[optuna.Trial, Point]] = []
        tries = 0
        while len(batch) < count and tries < 3:
            tries += 1
            if len(batch) % 2 and tries == 1:
                self._propose()
            trial = self.study.ask()
            point = _asked(self.sweep, trial)
            if point is not None and point.name not in self.seen:
                self.seen[point.name] = trial.params
                batch.append((trial, point))
                tries = 0
                continue
            self.study.tell(trial, state=TrialState.FAIL)
            self._propose()
        return batch

    def tell(self, batch: list[tuple[optuna.Trial, Point]], rows: list[Row]) -> None:
        """Costs of the points of a batch, whose new rows these are; a row that is not feasible says so."""
        from optuna.trial import TrialState

        self.rows.update({row["point"]: row for row in rows})
        for trial, point in batch:
            row = self.rows[point.name]
            costs = costs_of([{**row, "feasible": None}], self.sweep.objectives)[0]
            trial.set_user_attr(_VIOLATED, 1.0 if row["feasible"] is False else -1.0)
            if np.isfinite(costs).all():
                self.study.tell(trial, list(costs))
            else:
                self.study.tell(trial, state=TrialState.FAIL)

    def _propose(self) -> None:
        """Queue the most promising of some new points: steps along one axis from the front, and any others."""
        done = [name for name in self.seen if name in self.rows]
        costs = costs_of([self.rows[name] for name in done], self.sweep.objectives)
        starts = [self.seen[done[index]] for index in front(costs)]
        found: dict[str, dict[str, Any]] = {}
        for attempt in range(CANDIDATES):
            near = attempt % 2 == 0 and len(starts) > 0
            values = _Values(self._moved(starts[attempt // 2 % len(starts)]) if near else {}, self.random)
            point = _asked(self.sweep, values)
            if point is not None and point.name not in self.seen:
                found.setdefault(point.name, values.params)
        if found:
            candidates = list(found.values())
            best = most_promising([self.seen[name] for name in done], costs, candidates)
            self.study.enqueue_trial(candidates[best])

    def _moved(self, start: dict[str, Any]) -> dict[str, Any]:
        """Parameters with one of them changed: to a neighbour where the axis is one of numbers, else to any other."""
        axes = {f"{space.name}: {axis.name}": axis for space in self.sweep.spaces for axis in space.axes}
        own = [key for key in start if key in axes and len(axes[key].values) > 1]
        if not own:
            return start
        key = str(self.random.choice(own))
        count = len(axes[key].values)
        if _ordered(axes[key]):
            return {**start, key: min(max(start[key] + int(self.random.choice([-1, 1])), 0), count - 1)}
        return {**start, key: (start[key] + int(self.random.integers(1, count))) % count}


class _Values:
    """Gives an axis the value that it has in ``params``, else a random one, which is noted there."""

    def __init__(self, params: dict[str, Any], random: np.random.Generator):
        self.params, self.random = dict(params), random

    def suggest_int(self, key: str, low: int, high: int) -> int:
        """As Optuna's."""
        return int(self.params.setdefault(key, int(self.random.integers(low, high + 1))))

    def suggest_categorical(self, key: str, choices: list[Any]) -> Any:
        """As Optuna's."""
        return self.params.setdefault(key, choices[int(self.random.integers(len(choices)))])

    def set_user_attr(self, key: str, value: Any) -> None:
        """Nothing to note: the trial that is queued says it."""


def _study(sweep: Sweep, store: Store, sampler: Sampler, seed: int) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    file = store.folder / "search.db"
    storage = optuna.storages.RDBStorage("sqlite://", engine_kwargs={"creator": lambda: _connected(file)})
    study = optuna.create_study(
        storage=storage, study_name=f"{sweep.name}-{sampler}-{seed}", load_if_exists=True,
        directions=["minimize"] * len(sweep.objectives))  # costs: those to be large come negated
    for trial in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # of a process that was killed
    fresh = seed + len(study.trials)  # a search that goes on draws other points than those it has
    if sampler == "nsga2":
        study.sampler = optuna.samplers.NSGAIISampler(population_size=2 * BATCH, seed=fresh, constraints_func=_violated)
    else:
        study.sampler = optuna.samplers.TPESampler(seed=fresh, n_startup_trials=2 * BATCH, constant_liar=True,
                                                   constraints_func=_violated)  # fmt: skip
    return study


def _connected(file: Path) -> sqlite3.Connection:
    """SQLite that a killed process leaves whole, without waiting for the disk at every parameter of a trial."""
    connection = sqlite3.connect(file, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _violated(trial: Any) -> tuple[float]:
    return (float(trial.user_attrs.get(_VIOLATED, 1.0)),)


def _asked(sweep: Sweep, trial: optuna.Trial | _Values) -> Point | None:
    """The point of a trial; None where the constraints on keys do not hold."""
    numbers = {space.name: number for number, space in enumerate(sweep.spaces)}
    name = trial.suggest_categorical("space", list(numbers)) if len(numbers) > 1 else sweep.spaces[0].name
    space = sweep.spaces[numbers[name]]

    def choose(axis: Axis) -> Any:
        key, last = f"{name}: {axis.name}", len(axis.values) - 1
        if _ordered(axis):
            return axis.values[trial.suggest_int(key, 0, last)]
        return axis.values[trial.suggest_categorical(key, list(range(last + 1)))]

    mapping = chosen(space, choose)
    if not within(space, mapping):
        return None
    point = point_of(space, mapping)
    trial.set_user_attr("point", point.name)
    return point


def _ordered(axis: Axis) -> bool:
    """Whether neighbours among the values are alike: numbers that rise or fall."""
    values = axis.values
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return numbers and list(values) in (sorted(values), sorted(values, reverse=True))
