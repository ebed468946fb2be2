"""Start times of random networks equal those of the literal cycle-by-cycle machine, firing by firing."""

from __future__ import annotations

import itertools

import naive
import numpy as np
import pytest

from hwsim.network import Deadlock, Network

GROUPS, PER_GROUP = 28, 75
FAST_GROUPS = 3


def some_duration(rng, count, most, least=0):
    """One number, or one per firing."""
    if rng.random() < 0.5:
        return int(rng.integers(least, most + 1))
    return rng.integers(least, most + 1, count)


def some_gate(rng):
    if rng.random() < 0.6:
        return None
    return rng.random(int(rng.integers(0, 60))) < rng.uniform(0.2, 0.9)


class Case:
    """A random network, told to both sides in their own words."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.net, self.machines, self.fifos, self.rules = Network(f"seed {seed}"), [], [], []
        shape = self.rng.choice(["chain", "fork", "graph"])
        count = int(self.rng.integers(1, 6))
        self.firings = [int(self.rng.integers(0, 25))] * count
        if self.rng.random() < 0.5:
            self.firings = [int(self.rng.integers(0, 25)) for _ in range(count)]
        for v in range(count):
            self.add_process(v)
        pairs = {
            "chain": [(v, v + 1) for v in range(count - 1)],
            "fork": [(0, v) for v in range(1, count - 1)] + [(v, count - 1) for v in range(1, count - 1)],
            "graph": [p for p in itertools.combinations(range(count), 2) if self.rng.random() < 0.5],
        }[str(shape)]
        for u, v in pairs:
            self.add_channel(u, v)
        if self.rng.random() < 0.5:
            for _ in range(int(self.rng.integers(1, 3))):
                self.add_feedback()

    def add_process(self, v):
        n, rng = self.firings[v], self.rng
        interval, latency = some_duration(rng, n, 4), some_duration(rng, n, 5)
        offer, accept = some_gate(rng), some_gate(rng)
        self.net.process(f"p{v}", firings=n, interval=interval, latency=latency, offer=offer, accept=accept)
        self.machines.append(naive.Machine(f"p{v}", n, interval, latency, offer, accept))

    def add_channel(self, u, v):
        rng, (n, m) = self.rng, (self.firings[u], self.firings[v])
        depth, forward, backward = int(rng.integers(1, 9)), int(rng.integers(0, 3)), int(rng.integers(0, 3))
        initial = int(rng.integers(0, depth + 1)) if rng.random() < 0.3 else 0
        release = some_duration(rng, m, 3)
        if not m and n + initial > depth:
            return  # nobody takes the tokens
        names = (f"c{len(self.fifos)}", f"p{u}", f"p{v}")
        times = {"depth": depth, "forward": forward, "backward": backward, "release": release, "initial": initial}
        kind = rng.choice(["plain", "need", "need and put"])
        if kind == "plain" and 0 <= n + initial - m <= depth:
            self.net.channel(*names, **times)
            peek, pop, push = [1] * m, [1] * m, [1] * n
        else:
            given = rng.random() < 0.4
            peek, pop, push = self.rates(n, m, depth, str(kind), initial, given)
            if max(push, default=0) > 1:  # several entries at once: they come back in order when release is one number
                times["release"] = release = 2
            need = np.concatenate([[0], np.cumsum(pop)[:-1]]).astype(int)[:m] + np.array(peek, int) - 1
            need[np.array(peek, int) == 0] = -1
            put = None if all(p == 1 for p in push) else np.repeat(np.arange(n), push)
            free = self.room(push, pop, depth - initial) if given else None
            self.net.channel(*names, need=need, put=put, free=free, **times)
        self.fifos.append(naive.Fifo(*names[1:], depth, push, peek, pop, forward, backward, release, initial))

    def rates(self, n, m, depth, kind, initial, free_given):
        """Tokens put per source firing; tokens looked at, and taken off, per target firing (in the end all)."""
        rng = self.rng
        push = [1] * n
        if not m:
            return [], [], push
        if kind == "need and put":
            push = [int(x) for x in rng.integers(0, min(depth, 3) + 1, n)]
        total = sum(push) + initial
        peek, pop, taken = [], [], 0
        even, jitter = np.arange(1, m) * total // m, rng.integers(-1, 2, m - 1)
        cuts = np.sort(np.clip(even + jitter * (rng.random() < 0.5), 0, total)).tolist() + [total]
        for k, cut in enumerate(cuts):
            again = k + 1 < m and (free_given or cuts[k + 1] == cut)
            keep = int(again and cut > taken and rng.random() < 0.5)  # looks at the token, takes it off later
            peek.append(cut - taken)
            pop.append(cut - taken - keep)
            taken = cut - keep
        return peek, pop, push

    @staticmethod
    def room(push, pop, depth):
        """The target's firing whose taking off makes room for each source firing; -1 = none needed."""
        popped_by = np.repeat(np.arange(len(pop)), pop)
        last = np.cumsum(push) - 1 - depth
        return [int(popped_by[t]) if p and 0 <= t < len(popped_by) else -1 for t, p in zip(last, push, strict=True)]

    def add_feedback(self):
        """A raw arc from anywhere to anywhere; may well be a deadlock."""
        rng, count = self.rng, len(self.machines)
        u, v = int(rng.integers(count)), int(rng.integers(count))
        n, m = self.firings[u], self.firings[v]
        shift = int(rng.integers(1, 6))
        delay = some_duration(rng, m, 4)
        index = np.array([min(k - shift, n - 1) for k in range(m)], int)
        room = rng.random() < 0.5
        if room and (index == np.arange(m) - shift).all():
            self.net.depend(f"p{v}", on=f"p{u}", shift=shift, delay=delay, stall="blocked")
        else:
            index[rng.random(m) < 0.3] = -1
            index = np.maximum(index, -1)
            self.net.depend(f"p{v}", on=f"p{u}", index=index, delay=delay, stall="blocked" if room else "starved")
        self.rules.append(naive.Rule(f"p{u}", f"p{v}", index.tolist(), delay, not room))


def solve(net):
    try:
        return net.solve(), None
    except Deadlock as deadlock:
        return None, deadlock


@pytest.mark.parametrize("group", [pytest.param(g, marks=[pytest.mark.slow] if g >= FAST_GROUPS else [])
                                   for g in range(GROUPS)])
def test_start_times(group):
    done = stuck = 0
    for seed in range(group * PER_GROUP, (group + 1) * PER_GROUP):
        case = Case(seed)
        timeline, deadlock = solve(case.net)
        limit = timeline.cycles + 1 if timeline else 1000
        logs = naive.simulate(case.machines, case.fifos, case.rules, limit)
        if deadlock is not None:
            stuck += 1
            assert {name: len(log) for name, log in logs.items()} == deadlock.fired, f"seed {seed}"
            assert deadlock.cycle, f"seed {seed}"
            continue
        done += 1
        for name, log in logs.items():
            assert timeline.start[name].tolist() == log, f"seed {seed}, {name}"
        for machine in case.machines:
            stalls = timeline.stalls(machine.name)
            assert (stalls.starved, stalls.blocked) == (machine.starved, machine.blocked), f"seed {seed}"
            assert stalls.busy >= 0 and stalls.idle >= 0, f"seed {seed}"
            assert stalls.busy + stalls.starved + stalls.blocked + stalls.idle == timeline.cycles, f"seed {seed}"
        for name, channel in case.net.channels.items():
            assert timeline.occupancy(name).maximum <= channel.depth, f"seed {seed}, {name}"
    assert done >= PER_GROUP // 2, f"only {done} of {PER_GROUP} ran to the end"
