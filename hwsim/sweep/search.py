"""A search for the front of a space that is too large to be listed: Optuna proposes points, the store keeps them.

Trials live in ``search.db`` of the sweep's folder (Optuna's own storage), so a search goes on where it was stopped.
Points are asked for in batches and told in the order in which they were asked: equal seeds give equal searches,
whatever the number of workers. A point that is stored already costs nothing and does not count.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from hwsim.sweep.axes import Axis
from hwsim.sweep.pareto import costs_of
from hwsim.sweep.plan import chosen, point_of, refuse_unknown_keys, within
from hwsim.sweep.pool import Backend
from hwsim.sweep.rows import Point, Row
from hwsim.sweep.run import Progress, Tally, description, keep
from hwsim.sweep.spec import Sweep
from hwsim.sweep.store import Store, read_parts

if TYPE_CHECKING:
    import optuna

Sampler = Literal["nsga2", "tpe"]
BATCH, PATIENCE = 8, 40
"""Points asked for at a time; batches without a new point after which the space is taken as seen."""
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
    known: dict[str, Row] = {row["point"]: row for row in read_parts(store.folder).to_pylist()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's, of arguments that it calls experimental
        study = _study(sweep, store, sampler, seed)
        seen = {trial.user_attrs["point"] for trial in study.trials if trial.user_attrs.get("point") in known}
        tally = Tally(points=count, stored=len(seen))
        idle = 0
        while len(seen) < count and idle < PATIENCE:
            before = len(seen)
            _batch(sweep, study, known, seen, count, store, backend, tally, progress)
            idle = idle + 1 if len(seen) == before else 0
    tally.points = len(seen)
    return tally, seen


def _study(sweep: Sweep, store: Store, sampler: Sampler, seed: int) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(f"sqlite:///{(store.folder / 'search.db').absolute()}")
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


def _violated(trial: Any) -> tuple[float]:
    return (float(trial.user_attrs.get(_VIOLATED, 1.0)),)


def _batch(sweep: Sweep, study: optuna.Study, known: dict[str, Row], seen: set[str], count: int, store: Store,
           backend: Backend, tally: Tally, progress: Progress | None) -> None:
    """Ask for a batch, evaluate what is not stored, tell all."""
    from optuna.trial import TrialState

    asked: list[tuple[optuna.Trial, Point | None]] = []
    new: dict[str, Point] = {}
    names = set(seen)
    while len(asked) < BATCH and len(names) < count:
        trial = study.ask()
        point = _asked(sweep, trial)
        asked.append((trial, point))
        if point is not None:
            names.add(point.name)
            if point.name not in known:
                new[point.name] = point
    rows = keep(sweep, list(new.values()), store, backend, tally, progress)
    known.update({row["point"]: row for row in rows})
    tally.stored += len(names - seen) - len(new)
    seen |= names
    for trial, point in asked:
        costs = costs_of([known[point.name]], sweep.objectives)[0] if point is not None else None
        if costs is None or not all(abs(cost) != float("inf") for cost in costs):
            costs = _any_costs(known[point.name], sweep.objectives) if point is not None else None
            trial.set_user_attr(_VIOLATED, 1.0)
        else:
            trial.set_user_attr(_VIOLATED, -1.0)
        if costs is None:
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, list(costs))


def _any_costs(row: Row, objectives: Mapping[str, str]) -> Any:
    """Costs of a row that is not feasible; None where it failed."""
    costs = costs_of([{**row, "feasible": None}], objectives)[0]
    return costs if all(abs(cost) != float("inf") for cost in costs) else None


def _asked(sweep: Sweep, trial: optuna.Trial) -> Point | None:
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
