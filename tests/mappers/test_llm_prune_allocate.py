from itertools import product

import numpy as np
import pytest

from hwsim.errors import InputError
from mappers.prune_llm.allocate import allocate, hull


def brute(costs, errors, budget):
    return min(sum(e[i] for e, i in zip(errors, chosen, strict=True))
               for chosen in product(*(range(len(c)) for c in costs))
               if sum(c[i] for c, i in zip(costs, chosen, strict=True)) <= budget)  # fmt: skip


def total(figures, chosen):
    return sum(f[i] for f, i in zip(figures, chosen, strict=True))


def random_case(rng):
    sizes = rng.integers(1, 6, 4)
    return [rng.integers(1, 20, n).astype(float) for n in sizes], [rng.random(n) for n in sizes]


def test_a_hull_is_convex_and_nothing_lies_below_it():
    rng = np.random.default_rng(5)
    for _ in range(50):
        costs, errors = rng.integers(0, 30, 12).astype(float), rng.random(12)
        path = hull(costs, errors)
        assert costs[path[0]] == costs.min() and errors[path[-1]] == errors.min()
        rates = -np.diff(errors[path]) / np.diff(costs[path])
        assert (rates > 0).all() and (np.diff(rates) < 0).all()
        line = np.interp(costs, costs[path], errors[path])
        assert (errors >= line - 1e-12).all()


def test_choices_keep_the_budget_and_come_near_the_best():
    seed = np.random.SeedSequence().entropy % 2**32
    print("seed", seed)
    rng = np.random.default_rng(seed)
    for _ in range(40):
        costs, errors = random_case(rng)
        budget = float(rng.integers(sum(c.min() for c in costs), sum(c.max() for c in costs) + 1))
        chosen = allocate(costs, errors, budget)
        assert total(costs, chosen) <= budget
        best, ours = brute(costs, errors, budget), total(errors, chosen)
        largest = max(float(np.ptp(e)) for e in errors)
        assert best - 1e-12 <= ours <= best + largest  # the one step that did not fit


def test_where_the_budget_ends_on_a_step_the_choice_is_the_best():
    rng = np.random.default_rng(8)
    for _ in range(20):
        costs, errors = random_case(rng)
        paths = [hull(c, e) for c, e in zip(costs, errors, strict=True)]
        steps = sorted(((errors[i][a] - errors[i][b]) / (costs[i][b] - costs[i][a]), costs[i][b] - costs[i][a])
                       for i, path in enumerate(paths) for a, b in zip(path, path[1:], strict=False))[::-1]  # fmt: skip
        spent = sum(costs[i][path[0]] for i, path in enumerate(paths))
        for price in [0.0, *(price for _, price in steps)]:
            spent += price
            chosen = allocate(costs, errors, spent)
            assert total(errors, chosen) == pytest.approx(brute(costs, errors, spent))


def test_what_is_left_is_spent_on_options_off_the_hull():
    costs, errors = [np.array([0.0, 5.0, 10.0])], [np.array([1.0, 0.9, 0.0])]
    assert hull(costs[0], errors[0]) == [0, 2]
    assert allocate(costs, errors, 9) == [1] and allocate(costs, errors, 10) == [2]


def test_a_budget_below_the_cheapest_is_refused():
    with pytest.raises(InputError, match="budget: wanted at least 3, what the cheapest options cost, got 2"):
        allocate([np.array([3.0, 4.0])], [np.array([1.0, 0.0])], 2)
