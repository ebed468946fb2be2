"""The benchmark of the bitmap format on a tiny cache: it measures what it says, and its page holds every row."""

import pytest

from benchmarks import formats


def test_rows_and_page(monkeypatch):
    monkeypatch.setattr(formats, "RUNS", {"warm_up": 0, "least": 2, "most": 2, "budget_s": 0.0})
    said = []
    found = formats.measured([0.5], 64, said.append)
    assert len(found["results"]) == len(said) == 5 * 2
    assert found["cache_bytes"] == 32 * found["layer_bytes"] == 32 * 2**20
    for row in found["results"]:
        assert row["dense_bytes"] == 2**19 and row["runs"] == 2
        assert row["gb_per_s_median"] == pytest.approx(2**19 / row["median_s"] / 1e9)
        assert row["scaled_to_all_layers_s"] == pytest.approx(32 * row["median_s"])
    page = formats.markdown(found)
    assert page.count("\n| 0.5 |") == 10 and "one is used" in page
