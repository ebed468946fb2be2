"""Puts the data of a sweep into one HTML file: style, scripts and data inside, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

SCRIPTS = ("format.js", "state.js", "plot.js", "explore.js", "bars.js", "layers.js", "table.js", "filters.js", "app.js")
"""In the order in which they run; later ones use the functions of earlier ones."""


def page(data: Mapping[str, Any]) -> str:
    """The page of a sweep's data (see `hwsim.report.html.data`). Equal data, equal text."""
    style, script = _static("report.css"), "\n".join(_static(name) for name in SCRIPTS)
    title = escape(f"{data['name']}: {data['count']} points")
    filled = {
        "title": title, "name": escape(str(data["name"])), "style": style, "script": script, "policy": policy(script),
        "data": embedded(data)}
    return _filled(_static("page.html"), filled)


def embedded(data: Mapping[str, Any]) -> str:
    """JSON that can stand inside ``<script>``: no text in it can end the element or open a comment."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def policy(script: str) -> str:
    """Content security policy: the one script by its hash, and no connection anywhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The template with ``{{name}}`` replaced, in one pass: what is put in is not looked at again."""
    parts = template.split("{{")
    done = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("}}")
        done += [values[name], rest]
    return "".join(done)


@cache
def _static(name: str) -> str:
    return files("hwsim.report.html").joinpath("static", name).read_text(encoding="utf-8")
