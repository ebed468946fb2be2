from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NewType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.config import Configuration, in_range, one_of, positive
from hwsim.errors import InputError

Hertz = NewType("Hertz", float)


class Dataflow(Enum):
    WS = "ws"
    OS = "os"


@dataclass(frozen=True)
class Ratio:
    n: int
    m: int

    @classmethod
    def parse(cls, text: str) -> Ratio:
        n, colon, m = text.partition(":")
        if not colon:
            raise InputError("ratio", "N:M", text)
        return cls(int(n), int(m))

    def __str__(self) -> str:
        return f"{self.n}:{self.m}"


@dataclass(frozen=True, kw_only=True)
class Buffer(Configuration):
    size: int
    double: bool = True
    presets = {"small": {"size": 16}, "large": {"size": 1024, "double": False}}

    def check(self) -> None:
        in_range("size", self.size, 1, 4096)


@dataclass(frozen=True, kw_only=True)
class Array(Configuration):
    rows: int
    clock: Hertz = Hertz(1e9)
    name: str = "array"
    dataflow: Dataflow = Dataflow.WS
    mode: Literal["mm", "mv", 3] = "mm"
    ratios: tuple[Ratio, ...] = ()
    shape: tuple[int, float] = (1, 2.0)
    limit: int | None = None
    depth: int | Literal["auto"] = "auto"
    buffers: tuple[Buffer, ...] = ()
    main: Buffer = Buffer(size=8)


@dataclass(frozen=True, kw_only=True)
class Wrong(Configuration):
    limit: int | None = 3


@dataclass(frozen=True, kw_only=True)
class Unsupported(Configuration):
    table: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Opaque(Configuration):
    thing: object


FULL: dict[str, Any] = {
    "rows": 5,
    "clock": 2,
    "name": "x",
    "dataflow": "os",
    "mode": 3,
    "ratios": ["2:8", "1:4"],
    "shape": [3, 4],
    "limit": 7,
    "depth": 9,
    "buffers": [{"size": 3}, "large", {"preset": "small", "double": False}],
    "main": "small",
}


def test_reads_plain_data() -> None:
    array = Array.from_mapping(FULL)
    assert array.clock == 2.0 and isinstance(array.clock, float)
    assert array.dataflow is Dataflow.OS and array.mode == 3
    assert array.ratios == (Ratio(2, 8), Ratio(1, 4))
    assert array.shape == (3, 4.0) and isinstance(array.shape[1], float)
    assert array.buffers[1] == Buffer(size=1024, double=False) == Buffer.preset("large")
    assert array.buffers[2] == Buffer(size=16, double=False) == Buffer.preset("small", double=False)
    assert array.main == Buffer(size=16)


def test_direct_construction_converts_and_checks() -> None:
    array = Array(rows=np.int64(4), clock=np.float32(0.5), ratios=["2:4"], main={"size": 2}, dataflow="os")  # type: ignore
    assert type(array.rows) is int and type(array.clock) is float and array.ratios == (Ratio(2, 4),)
    assert Buffer(size=1, double=np.bool_(True)).double is True  # type: ignore
    assert hash(array) == hash(array.replace())
    with pytest.raises(InputError, match="size: wanted 1 to 4096, got 0"):
        Buffer(size=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        array.rows = 5  # type: ignore
    with pytest.raises(TypeError):
        Buffer(3)  # type: ignore


@pytest.mark.parametrize(
    ("change", "place", "wanted"),
    [
        ({"rows": True}, "f.toml: rows", "an integer"),
        ({"rows": 5.0}, "f.toml: rows", "an integer"),
        ({"rows": "5"}, "f.toml: rows", "an integer"),
        ({"rows": None}, "f.toml: rows", "an integer"),
        ({"clock": True}, "f.toml: clock", "a number"),
        ({"clock": "fast"}, "f.toml: clock", "a number"),
        ({"clock": float("nan")}, "f.toml: clock", "a finite number"),
        ({"clock": float("inf")}, "f.toml: clock", "a finite number"),
        ({"clock": 10**400}, "f.toml: clock", "a finite number"),
        ({"name": 3}, "f.toml: name", "text"),
        ({"dataflow": "oss"}, "f.toml: dataflow", "one of ws, os (did you mean 'os'?)"),
        ({"dataflow": 1}, "f.toml: dataflow", "one of ws, os"),
        ({"mode": 3.0}, "f.toml: mode", "one of mm, mv, 3"),
        ({"mode": True}, "f.toml: mode", "one of mm, mv, 3"),
        ({"ratios": "2:8"}, "f.toml: ratios", "a list"),
        ({"ratios": {"a": 1}}, "f.toml: ratios", "a list"),
        ({"ratios": 3}, "f.toml: ratios", "a list"),
        ({"ratios": ["2:8", "2"]}, "f.toml: ratios[1]", "N:M"),
        ({"ratios": ["x:8"]}, "f.toml: ratios[0]", "a Ratio (invalid literal for int() with base 10: 'x')"),
        ({"ratios": [3]}, "f.toml: ratios[0]", "text that names a Ratio"),
        ({"shape": [1]}, "f.toml: shape", "a list of 2 values"),
        ({"limit": "x"}, "f.toml: limit", "an integer"),
        ({"depth": "manual"}, "f.toml: depth", "an integer or one of auto"),
        ({"buffers": [{"size": 1}, {"size": 0}]}, "f.toml: buffers[1].size", "1 to 4096"),
        ({"buffers": [{}]}, "f.toml: buffers[0]", "the key 'size'"),
        ({"main": 5}, "f.toml: main", "a table of size, double"),
        ({"main": "smal"}, "f.toml: main.preset", "one of small, large (did you mean 'small'?)"),
        (
            {"main": {"size": 1, "doubel": True}},
            "f.toml: main",
            "one of the keys size, double (did you mean 'double'?)",
        ),
        ({"main": {"size": 1, "double": 1}}, "f.toml: main.double", "true or false"),
        ({3: 1}, "f.toml", f"one of the keys {', '.join(FULL)}"),
    ],
)
def test_refuses(change: dict[Any, Any], place: str, wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        Array.from_mapping({**FULL, **change}, "f.toml")
    assert (caught.value.place, caught.value.wanted) == (place, wanted)


def test_refuses_missing_unknown_and_not_a_table() -> None:
    with pytest.raises(InputError, match=r"Array: wanted the key 'rows', got only the keys none"):
        Array.from_mapping({})
    with pytest.raises(InputError, match=r"x: wanted one of the keys rows, .*did you mean 'rows'\?\), got key 'row'"):
        Array.from_mapping({"row": 5}, "x:")
    with pytest.raises(InputError, match="Array: wanted a table of rows"):
        Array.from_mapping([1])  # type: ignore
    with pytest.raises(InputError, match="'preset'"):
        Array.from_mapping({"preset": "x", "rows": 1})
    with pytest.raises(InputError, match="'size'"):
        Buffer(size=1).replace(siez=2)


def test_a_class_that_could_not_keep_its_promises_is_refused() -> None:
    with pytest.raises(TypeError, match="must default to None"):
        Wrong()
    with pytest.raises(TypeError, match="cannot hold a field of type dict"):
        Unsupported(table={})
    with pytest.raises(TypeError, match="check"):

        class Own(Configuration):
            def __post_init__(self) -> None: ...


buffers = st.builds(Buffer, size=st.integers(1, 4096), double=st.booleans())
arrays = st.builds(
    Array,
    rows=st.integers(),
    clock=st.floats(allow_nan=False, allow_infinity=False),
    name=st.text(),
    dataflow=st.sampled_from(Dataflow),
    mode=st.sampled_from(["mm", "mv", 3]),
    ratios=st.lists(st.builds(Ratio, st.integers(), st.integers())),
    shape=st.tuples(st.integers(), st.integers(-100, 100)),
    limit=st.none() | st.integers(),
    depth=st.just("auto") | st.integers(),
    buffers=st.lists(buffers, max_size=3),
    main=buffers,
)


@pytest.mark.slow
@given(arrays)
def test_round_trip(array: Array) -> None:
    plain = json.loads(json.dumps(array.to_mapping()))
    again = Array.from_mapping(plain)
    assert again == array and again.digest() == array.digest() and hash(again) == hash(array)
    assert pickle.loads(pickle.dumps(array)) == array


@given(arrays, arrays)
def test_digest_tells_apart(a: Array, b: Array) -> None:
    assert (a.digest() == b.digest()) == (a.to_mapping() == b.to_mapping())


def test_digest_is_pinned_and_depends_on_the_class() -> None:
    assert Buffer(size=8).to_mapping() == {"size": 8, "double": True}
    text = b'{"Buffer":{"double":true,"size":8}}'
    assert Buffer(size=8).digest() == hashlib.sha256(text).hexdigest()
    assert Array(rows=1, clock=Hertz(1)).digest() == Array(rows=1, clock=Hertz(1.0)).digest()


def test_checks() -> None:
    assert in_range("x", 5, 5, 5) == 5 and in_range("x", 0.5) == 0.5 and positive("x", 2) == 2
    assert one_of("x", "a", ["a", "b"]) == "a"
    for call, message in [
        (lambda: in_range("x", 4, 5), "x: wanted at least 5, got 4"),
        (lambda: in_range("x", 6, None, 5), "x: wanted at most 5, got 6"),
        (lambda: in_range("x", 6, 1, 5), "x: wanted 1 to 5, got 6"),
        (lambda: in_range("x", float("nan")), "x: wanted a number, got nan"),
        (lambda: positive("x", 0), "x: wanted a number above 0, got 0"),
        (lambda: one_of("x", 1, [True]), "x: wanted one of True, got 1"),
    ]:
        with pytest.raises(InputError) as caught:
            call()  # type: ignore[no-untyped-call]
        assert str(caught.value) == message
