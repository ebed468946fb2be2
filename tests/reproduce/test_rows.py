"""Rows of a reproduction: errors, form, table; published figures as data."""

import json

import pytest

from hwsim.errors import InputError
from hwsim.reproduce.published import Published, load_published
from hwsim.reproduce.rows import Row, rows_json, rows_table, rows_text

KNOWN = Row(quantity="speedup", published=2.0, ours=1.5, mark="paper", source="paper A")
UNKNOWN = Row(quantity="power", published=None, ours=3.0, mark="unknown", source="none")


def test_errors_are_relative_to_the_published_figure():
    assert KNOWN.error_percent == pytest.approx(-25.0)
    assert UNKNOWN.error_percent is None
    assert Row(quantity="x", published=-2.0, ours=-1.0, mark="derived", source="s").error_percent == pytest.approx(50.0)
    assert Row(quantity="x", published=1.0, ours=None, mark="paper", source="s").error_percent is None
    assert Row(quantity="x", published=0.0, ours=1.0, mark="paper", source="s").error_percent is None


def test_form():
    assert rows_json([KNOWN]) == {"rows": [{"quantity": "speedup", "published": 2.0, "ours": 1.5,
                                            "error_percent": -25.0, "mark": "paper", "source": "paper A"}]}
    assert json.loads(rows_text([KNOWN, UNKNOWN])) == rows_json([KNOWN, UNKNOWN])


def test_table_numbers_its_sources():
    lines = rows_table([KNOWN, UNKNOWN, KNOWN]).splitlines()
    assert lines[2].split() == ["speedup", "2", "1.5", "-25.0", "%", "paper", "[1]"]
    assert lines[3].split() == ["power", "-", "3", "unknown", "[2]"]
    assert lines[-2:] == ["[1] paper A", "[2] none"]


def test_published_figures_of_sat():
    figures = load_published("sat")
    assert figures["average 2:8"].value == 1.75 and figures["average 2:8"].mark == "paper"
    assert "2309.13015" in figures["average 2:8"].source
    assert figures["share of bound"].value == pytest.approx(
        figures["average 2:8"].value / figures["bound 2:8"].value)
    assert figures["average 2:4"].row(1.4) == Row(
        quantity=figures["average 2:4"].quantity, published=None, ours=1.4, mark="unknown",
        source=figures["average 2:4"].source)


@pytest.mark.parametrize(("mark", "value", "wanted"), [
    ("guessed", 1.0, "mark: wanted one of paper"), ("unknown", 1.0, "value: wanted a value unless"),
    ("paper", None, "value: wanted a value unless")])
def test_published_figures_are_marked(mark, value, wanted):
    with pytest.raises(InputError, match=wanted):
        Published(key="k", quantity="q", mark=mark, source="s", value=value)
