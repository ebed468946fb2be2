from __future__ import annotations

from typing import Any

import pytest

from hwsim.report.columns import scaled
from hwsim.report.table import HEAD_LAYERS, TAIL_LAYERS, clipped


def test_columns_add_up(make: Any) -> None:
    lines = make().table().splitlines()
    assert lines[0] == "net on array 4x4, weights 2:4, 200 MHz"
    header, (number, *first) = lines[3].split(), lines[5].split()
    assert number == "1"
    row = dict(zip([word for word in header if word != "MB"], first, strict=True))
    assert row["layer"] == "layer0" and row["MxKxN"] == "10x10x10" and row["ratio"] == "2:4"
    assert row["cycles"] == "100" and row["share%"] == "32.6" and row["util%"] == "31.2"
    assert [row[f"{part}%"] for part in ("busy", "starv", "block", "idle")] == ["50.0", "25.0", "0.0", "25.0"]
    assert row["DRAM"] == "0.001" and row["speedup"] == "2.00"
    traffic = lines[8].split()
    assert traffic[:3] == ["4", "pool", "traffic"] and traffic[3] == "-"
    total = next(line for line in lines if line.startswith("total"))
    assert "4 layers" in total and "307" in total and total.endswith("1.98")
    assert any(line.startswith("dense") and "1.98x" in line for line in lines)


@pytest.mark.parametrize("layers", [1, 20, 200])
@pytest.mark.parametrize("all_layers", [False, True])
def test_width_alignment_and_length(make: Any, layers: int, all_layers: bool) -> None:
    lines = make(layers=layers, ratios=("2:4", "2:8"), baselines=("dense", "systolic")).table(
        all_layers=all_layers
    ).splitlines()
    assert max(map(len, lines)) <= 120
    body = lines[3 : lines.index("", 3)]
    assert len({len(line) for line in body}) == 1
    shown = sum(" layer" in line[:12] for line in body)
    if all_layers or layers < 20:
        assert shown == layers
    elif layers > HEAD_LAYERS + TAIL_LAYERS + 1:
        assert shown == HEAD_LAYERS + TAIL_LAYERS - 1  # the last is the pooling
        assert f".. {layers + 1 - HEAD_LAYERS - TAIL_LAYERS} more layers" in "\n".join(body)


def test_without_baselines(make: Any) -> None:
    text = make(baselines=()).table()
    assert "dense  " not in text and "307" in text


@pytest.mark.parametrize(("text", "wanted"), [("short", "short"), ("abcdefghijkl", "abcd..ijkl"), ("a" * 10, "a" * 10)])
def test_clipped(text: str, wanted: str) -> None:
    assert clipped(text, 10) == wanted


@pytest.mark.parametrize(("value", "text"), [
    (9.82e-3, "9.82 ms"), (10e-3, "10.0 ms"), (0.1234, "123 ms"), (0.9999e-3, "1.00 ms"), (0.0, "0.00 us")])
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert scaled(value, (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))) == text
