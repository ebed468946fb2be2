"""Bad input is named precisely; deadlocks say who waits for whom."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.network import Deadlock, Network


@pytest.fixture
def net():
    net = Network("n")
    net.process("a", firings=4)
    net.process("b", firings=3)
    return net


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "a", "firings": 1}, "process 'a'"),
        ({"name": "x", "firings": -1}, "firings"),
        ({"name": "x", "firings": 1.5}, "firings"),
        ({"name": "x", "firings": True}, "firings"),
        ({"name": "x", "firings": 2, "interval": -1}, "interval"),
        ({"name": "x", "firings": 2, "interval": 2.0}, "interval"),
        ({"name": "x", "firings": 2, "interval": [1, -5]}, r"interval\[1\]"),
        ({"name": "x", "firings": 2, "interval": [1, 2, 3]}, r"shape \(2,\).*shape \(3,\)"),
        ({"name": "x", "firings": 2, "interval": [1.0, 2.0]}, "float64"),
        ({"name": "x", "firings": 2, "interval": np.array([1, 1 << 63], np.uint64)}, "interval"),
        ({"name": "x", "firings": 2, "latency": [[1, 2]]}, "latency"),
        ({"name": "x", "firings": 2, "offer": [1, 0]}, "offer"),
        ({"name": "x", "firings": 2, "accept": np.ones((2, 2), bool)}, "accept"),
    ],
)
def test_process(net, arguments, words):
    with pytest.raises(InputError, match=words):
        net.process(arguments.pop("name"), **arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"process": "b", "on": "z"}, r"\['a', 'b'\].*'z'"),
        ({"process": "z", "on": "a"}, "'z'"),
        ({"process": "b", "on": "a", "index": [0, 1]}, "index"),
        ({"process": "b", "on": "a", "index": [0, 4, 1]}, r"arc 'a -> b': index\[1\].*got 4"),
        ({"process": "b", "on": "a", "index": [0, -2, 1]}, r"index\[1\]"),
        ({"process": "b", "on": "a", "index": [0.0, 1.0, 2.0]}, "float64"),
        ({"process": "b", "on": "a", "index": [0, 1, 2], "shift": 1}, "index or shift"),
        ({"process": "b", "on": "a", "shift": 0.5}, "shift"),
        ({"process": "b", "on": "a", "delay": -1}, "delay"),
        ({"process": "b", "on": "a", "stall": "late"}, "late"),
        ({"process": "a", "on": "b"}, "firing 3 of 'a'.*below 3"),
        ({"process": "a", "on": "a"}, "itself"),
        ({"process": "a", "on": "a", "index": [-1, 1, 0, 0]}, r"index\[1\]"),
    ],
)
def test_depend(net, arguments, words):
    with pytest.raises(InputError, match=words):
        net.depend(arguments.pop("process"), **arguments)
    assert not net.arcs


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"depth": 0}, "depth"),
        ({"depth": 2, "initial": 3}, "initial"),
        ({"depth": None, "free": [0, 0, 0, 0]}, "free"),
        ({"depth": 2, "need": [0, 1, 4]}, r"need\[2\].*got 4"),
        ({"depth": 2, "need": [2, 0, 1]}, "need goes back"),
        ({"depth": 1, "need": [0, 1, 1]}, "token 2 is never released"),
        ({"depth": 2, "free": [0, 1, 2, 3]}, r"free\[3\]"),
        ({"depth": 2, "put": [0, 2, 1]}, r"put\[2\].*1 after 2"),
        ({"depth": 2, "put": [-1, 2, 3]}, r"put\[0\]"),
        ({"depth": 2, "put": [1, 1, 1]}, "at most 2 tokens by one firing"),
        ({"depth": 2, "put": [1, 2]}, r"need\[2\].*token below 2"),
        ({"depth": 2, "forward": -1}, "forward"),
        ({"depth": 2, "backward": [1]}, "backward"),
        ({"depth": 2, "release": [1]}, "release"),
    ],
)
def test_channel(net, arguments, words):
    with pytest.raises(InputError, match=f"(?s)channel 'c'.*{words}"):
        net.channel("c", "a", "b", **arguments)
    assert not net.arcs and not net.channels


def test_more_taken_than_put(net):
    with pytest.raises(InputError, match="firing 3 of 'a'"):
        net.channel("c", "b", "a", depth=2)
    with pytest.raises(InputError, match="need"):
        net.tokens("t", "a", "b", give=[0], take=[1, 2])


def test_names_are_unique(net):
    net.depend("b", on="a")
    net.depend("b", on="a")
    assert list(net.arcs) == ["a -> b", "a -> b #2"]
    net.channel("c", "a", "b", depth=2)
    with pytest.raises(InputError, match="new name"):
        net.channel("c", "a", "b", depth=2)
    with pytest.raises(InputError, match="new name"):
        net.depend("b", on="a", name="c.room")


def test_deadlock_names_the_circle():
    net = Network("ring")
    for name in ("fetch", "decode", "spare"):
        net.process(name, firings=5)
    net.channel("words", "fetch", "decode", depth=2, need=[0, 3, 3, 4, 4])
    net.depend("spare", on="decode")
    with pytest.raises(Deadlock) as caught:
        net.solve()
    deadlock = caught.value
    assert isinstance(deadlock, RuntimeError)
    assert deadlock.fired == {"fetch": 3, "decode": 1, "spare": 1}
    assert {wait.process for wait in deadlock.waits} == {"fetch", "decode", "spare"}
    assert {(w.process, w.firing, w.on, w.on_firing, w.arc, w.stall) for w in deadlock.cycle} == {
        ("fetch", 3, "decode", 1, "words.room", "blocked"),
        ("decode", 1, "fetch", 3, "words", "starved"),
    }
    text = str(deadlock)
    assert "'decode' is starved at firing 1: waits for firing 3 of 'fetch' over 'words'" in text
    assert "cycle of waiting" in text and len(text.splitlines()) > 4
    assert str(pickle.loads(pickle.dumps(deadlock))) == text


def test_deadlock_without_initial_tokens():
    net = Network("loop")
    net.process("a", firings=3)
    net.process("b", firings=3)
    net.channel("there", "a", "b", depth=2)
    net.tokens("back", "b", "a")
    with pytest.raises(Deadlock):
        net.solve()
    net = Network("loop")
    net.process("a", firings=3)
    net.process("b", firings=3)
    net.channel("there", "a", "b", depth=2)
    net.tokens("back", "b", "a", initial=1)
    assert net.solve().start["a"].tolist() == [0, 2, 4]
