"""The argument parser of all commands: its errors are `InputError`s of one line, its help keeps its line breaks."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from hwsim.errors import InputError
from hwsim.settings import parse_set

_FORMS: tuple[tuple[str, Callable[[re.Match[str]], tuple[str, str, str]]], ...] = (
    (
        r"argument (.+?): invalid choice: (.+?) \(choose from (.+)\)",
        lambda m: (m[1], f"one of {m[3]}".replace("'", ""), m[2].strip("'")),
    ),
    (r"argument (.+?): invalid (\S+) value: '(.*)'", lambda m: (m[1], _type_name(m[2]), m[3])),
    (r"argument (.+?): expected (.+)", lambda m: (m[1], m[2], "none")),
    (r"argument (.+?): not allowed with argument (.+)", lambda m: (m[1], f"no {m[2]} beside it", "both")),
    (r"one of the arguments (.+) is required", lambda m: ("", f"one of {m[1]}", "none")),
    (r"the following arguments are required: (.+)", lambda m: ("", m[1], "nothing")),
    (r"unrecognized arguments: (.+)", lambda m: ("", "arguments that --help lists", m[1])),
    (r"ambiguous option: (\S+) could match (.+)", lambda m: ("", f"one of {m[2]}", m[1])),
)


class ArgumentParser(argparse.ArgumentParser):
    """argparse with errors like those of the rest of the program, and without abbreviated options."""

    def __init__(self, **options: Any):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Write help or version; argparse's own would hide that there is no room for it."""
        stream = file or sys.stdout
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(message.encode(encoding, "backslashreplace").decode(encoding))

    def error(self, message: str) -> NoReturn:
        """Raise `InputError` instead of printing usage."""
        for form, parts in _FORMS:
            found = re.fullmatch(form, message, re.DOTALL)
            if found:
                place, wanted, given = parts(found)
                place = "COMMAND" if place == "command" else place
                raise InputError(f"{self.prog} {place}".strip().removeprefix("hwsim "), wanted, given)
        raise InputError(self.prog, "arguments as --help lists them", message)


def _type_name(name: str) -> str:
    return {"int": "an integer", "float": "a number"}.get(name, name)


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, and nothing else")


def add_set(parser: argparse.ArgumentParser, what: str) -> None:
    """``--set key=value``, any number of times."""
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings", help=what)


def settings_of(words: list[str]) -> dict[str, Any]:
    """Plain data of all ``--set`` words."""
    return parse_set(words)


def at_least(place: str, value: int, low: int) -> int:
    """An integer option that is not too small."""
    if value < low:
        raise InputError(place, f"an integer of at least {low}", value)
    return value
