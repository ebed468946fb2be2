from __future__ import annotations

from typing import Any

import pytest

from hwsim.config import load_toml, merged, parse_set
from hwsim.errors import InputError
from hwsim.settings import laid_over


def test_load_toml(tmp_path: Any) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfrows = 5\n[main]\nsize = 3\n")
    assert load_toml(path) == load_toml(str(path)) == {"rows": 5, "main": {"size": 3}}


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        (b"", "", "at least one key"),
        (b"# nothing\n", "", "at least one key"),
        (b"a = 1\na = 2\n", ": line 2", "Cannot overwrite a value"),
        (b"[t]\n[t]\n", ": line 2", "Cannot declare"),
        (b"a = 1\n\nb = [1,\n", ": line 3", "Invalid value"),
        (b"a = 1\nb\n", ": line 2", "Expected '='"),
        (b"a = 1\nb = '\xff'\n", ": line 2", "byte 0xff"),
        (b"a = " + b"1" * 5000, "", "digits"),
        (b"a = " + b"[" * 100000, "", "nested too deep"),
    ],
)
def test_load_toml_refuses(tmp_path: Any, data: bytes, place: str, message: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        load_toml(path)
    assert caught.value.place == f"{path}{place}"


def test_load_toml_refuses_what_is_no_file(tmp_path: Any) -> None:
    for path, message in [(tmp_path / "none.toml", "No such file"), (tmp_path, "directory"), ("a\0b", "null")]:
        with pytest.raises(InputError, match=message):
            load_toml(path)


def test_parse_set() -> None:
    words = ["rows=5", "dataflow=ws", "a.b=2:8", "a.c=[1, 2]", "x= 0.5 ", 'y="5"', "z=true", "d=ddr4-2400-x64"]
    assert parse_set([*words, "e=a=b", "day=2024-01-01"]) == {
        "rows": 5,
        "dataflow": "ws",
        "a": {"b": "2:8", "c": [1, 2]},
        "x": 0.5,
        "y": "5",
        "z": True,
        "d": "ddr4-2400-x64",
        "e": "a=b",
        "day": "2024-01-01",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rows"], "wanted key=value, got rows"),
        (["=5"], "wanted key=value"),
        (["a..b=5"], "wanted key=value"),
        (["rows="], "wanted key=value"),
        (["rows=5", "rows=5"], "wanted each key once"),
        (["a=5", "a.b=5"], "wanted each key once"),
        (["a.b=5", "a=5"], "wanted each key once"),
        (["a=[1, 2"], "wanted a TOML value"),
        (["a='x"], "wanted a TOML value"),
        (["a=1\nb=2"], "wanted one value"),
    ],
)
def test_parse_set_refuses(words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_set(words)


def test_merged_goes_down_and_copies() -> None:
    base = {"a": 1, "t": {"x": 1, "y": 2}}
    assert merged(base, {"t": {"y": 3}, "b": 2}) == {"a": 1, "t": {"x": 1, "y": 3}, "b": 2}
    assert merged(base, {"t": 5}) == {"a": 1, "t": 5}
    assert base == {"a": 1, "t": {"x": 1, "y": 2}}


def test_laid_over_lets_a_preset_take_the_place_of_a_table() -> None:
    base = {"machine": {"dram": {"bus_bits": 64, "channels": 4}, "clock": 1}}
    assert laid_over(base, {"machine": {"dram": {"channels": 2}}}) == {
        "machine": {"dram": {"bus_bits": 64, "channels": 2}, "clock": 1}}
    assert laid_over(base, {"machine": {"dram": {"preset": "hbm2"}}}) == {
        "machine": {"dram": {"preset": "hbm2"}, "clock": 1}}
    assert base["machine"]["dram"]["channels"] == 4
