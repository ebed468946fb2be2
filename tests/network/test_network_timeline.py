"""What a timeline says: totals, stalls of every kind, plain data, findings before the run."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.network import Network, Stalls


def test_nothing_fires():
    net = Network("empty")
    assert net.solve().cycles == 0
    net.process("a", firings=0, interval=[], latency=[])
    timeline = net.solve()
    assert timeline.cycles == 0 and timeline.start["a"].shape == (0,)
    assert timeline.stalls("a") == Stalls(0, 0, 0, 0)


def test_total_is_the_latest_end():
    net = Network("ends")
    net.process("slow", firings=2, interval=[3, 4], latency=[50, 2])
    net.process("deep", firings=1, latency=6)
    assert net.solve().cycles == 7


def test_offer_is_held_and_starves():
    net = Network("source")
    net.process("s", firings=3, offer=np.array([0, 0, 1, 0, 0, 0], bool))
    timeline = net.solve()
    assert timeline.start["s"].tolist() == [2, 6, 7]
    assert timeline.stalls("s") == Stalls(busy=3, starved=5, blocked=0, idle=0)


def test_offer_comes_before_the_wait_for_room():
    # Offered in cycle 1 and held: it starts when the room is there, whatever the pattern says by then.
    net = Network("held")
    net.process("gate", firings=1)
    net.process("s", firings=1, offer=np.array([0, 1, 0, 0, 0, 0, 0, 0], bool))
    net.depend("s", on="gate", delay=5, stall="blocked")
    timeline = net.solve()
    assert timeline.start["s"].tolist() == [5]
    assert timeline.stalls("s") == Stalls(busy=1, starved=1, blocked=4, idle=0)


def test_accept_blocks():
    net = Network("sink")
    net.process("s", firings=2, accept=np.array([0, 1, 0, 0, 1, 0], bool))
    timeline = net.solve()
    assert timeline.start["s"].tolist() == [1, 4]
    assert timeline.stalls("s") == Stalls(busy=2, starved=0, blocked=3, idle=0)


def test_dependency_on_itself_counts_as_told():
    for stall, wanted in (("starved", Stalls(3, 6, 0, 0)), ("blocked", Stalls(3, 0, 6, 0))):
        net = Network("recurrence")
        net.process("acc", firings=3)
        net.depend("acc", on="acc", shift=1, delay=4, stall=stall)
        assert net.solve().start["acc"].tolist() == [0, 4, 8]
        assert net.solve().stalls("acc") == wanted


def test_data_is_plain_and_survives_pickling():
    net = Network("plain")
    net.process("a", firings=5, interval=np.full(5, 2))
    net.process("b", firings=5)
    net.process("never", firings=0)
    net.channel("c", "a", "b", depth=2)
    timeline = net.solve()
    data = json.loads(json.dumps(timeline.to_dict()))
    assert data["cycles"] == timeline.cycles == 10
    assert data["processes"][0] == {
        "process": "a", "firings": 5, "first": 0, "last": 8, "busy": 10, "starved": 0, "blocked": 0, "idle": 0,
    }  # fmt: skip
    assert data["channels"][0]["maximum"] == 1
    assert pickle.loads(pickle.dumps(timeline)).to_dict() == timeline.to_dict()
    with pytest.raises(ValueError, match="read-only"):
        timeline.start["a"][0] = 3
    for ask in (timeline.stalls, timeline.occupancy):
        with pytest.raises(InputError, match="nobody"):
            ask("nobody")


def test_solving_twice_gives_the_same():
    net = Network("again")
    net.process("a", firings=4, interval=3)
    assert net.solve().start["a"].tolist() == net.solve().start["a"].tolist() == [0, 3, 6, 9]


def test_findings_and_graph():
    net = Network("odd")
    net.process("alone", firings=1)
    net.process("a", firings=6, latency=0)
    net.process("b", firings=4, latency=0)
    net.channel("c", "a", "b", depth=2, backward=0)
    kinds = {(finding.severity, finding.kind, finding.names) for finding in net.check()}
    assert kinds == {
        ("error", "combinational loop", ("a", "b")),
        ("warning", "unconnected process", ("alone",)),
        ("warning", "tokens never taken", ("c",)),
    }
    drawn = net.graph()
    assert drawn.nodes["a"]["firings"] == 6
    assert drawn.edges["b", "a", "c.room"] == {"stall": "blocked", "shift": 2, "delay": 0}


def test_sound_network_has_no_findings():
    net = Network("sound")
    net.process("a", firings=4)
    net.process("b", firings=4)
    net.channel("c", "a", "b", depth=2)
    assert net.check() == []


def test_import_stays_light():
    code = "import sys, hwsim.network; print([m for m in ('numba', 'networkx') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
