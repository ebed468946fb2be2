"""The page of a sweep: whole, by itself, and not led astray by what names say."""

from __future__ import annotations

import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from sweep_folder import HOSTILE, make_folder  # noqa: E402

from hwsim.experiment import Experiment  # noqa: E402
from hwsim.report.html.data import report_data, toml_value  # noqa: E402
from hwsim.report.html.page import embedded, page  # noqa: E402


class Elements(HTMLParser):
    """Tags, attributes and the text of scripts as a browser splits them."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_folder(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="module")
def text(folder) -> str:
    return page(report_data(folder))


def test_the_data_in_the_page_are_those_of_the_dataset(folder, text):
    elements = Elements(text)
    assert len(elements.scripts) == 2
    data = json.loads(elements.scripts[0])
    assert data == json.loads(json.dumps(report_data(folder)))
    assert data["name"] == HOSTILE and data["count"] == len(data["points"]) == 16
    assert len(data["groups"]["levels"]) == 2 and sum(data["front"]) >= 2
    assert {"cycles", "speedup_dense"} <= {metric["key"] for metric in data["metrics"]}
    assert data["axes"] == ["accelerator.rows", "pruning.ratio", "memory.name"]


def test_nothing_is_loaded_from_anywhere(text):
    for tag, attributes in Elements(text).tags:
        assert "src" not in attributes, tag
        assert attributes.get("href") in (None, "#plot", "data:,"), tag
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(|WebSocket", text)
    assert set(re.findall(r"https?://[^\"'\s]+", text)) == {"http://www.w3.org/2000/svg"}  # a name, never an address
    assert "default-src 'none'" in text


def test_hostile_names_stay_text(text):
    elements = Elements(text)
    assert [tag for tag, _ in elements.tags if tag == "script"] == ["script", "script"]
    assert "<b>" not in text and "\u2028" not in elements.scripts[0]
    assert "{{" not in text.replace("{{script}}", "") and "&lt;/script&gt;&lt;script&gt;alert(1)" in text
    assert json.loads(embedded({"a": HOSTILE})) == {"a": HOSTILE}


def test_all_ids_that_the_scripts_use_are_there_once(text):
    elements = Elements(text)
    ids = [attributes["id"] for _, attributes in elements.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'byId\("(\w+)"\)', elements.scripts[1]))
    made = {"brush", "cursor"}  # by the script itself
    assert used <= set(ids) | made


def test_points_come_back_as_experiments(folder):
    data = report_data(folder)
    for row in range(data["count"]):
        lines, table = [], ""
        for each in data["inputs"]:  # as the page writes them
            code = each["codes"] if isinstance(each["codes"], int) else each["codes"][row]
            if code < 0:
                continue
            if each["table"] != table:
                table = each["table"]
                lines.append(f"[{table}]")
            lines.append(f"{each['name']} = {each['levels'][code]}")
        experiment = Experiment.from_mapping(tomllib.loads("\n".join(lines)))
        assert experiment.pruning.layers.to_mapping() == {"*": "2:4"}
        assert experiment.accelerator.config.rows in (2, 8)


@pytest.mark.parametrize("value", [
    1, -3, 0.1, 1e300, float("inf"), True, "", 'a "b"\\\n\x7f\u2028', [1, 2], ["2:4"], [], {"a b": [True], "c": 0.5}])
def test_values_as_toml(value):
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value


def test_equal_data_give_equal_bytes(folder, text):
    assert page(report_data(folder)) == text
