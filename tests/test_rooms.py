"""Who may import whom: the simulator knows neither RTL nor mappers, the RTL no mapper; only the commands know all."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "hwsim": {"rtl", "mappers", "benchmarks"},
    "rtl": {"mappers", "benchmarks"},
    "mappers": {"rtl", "benchmarks"},
}
DOOR = ROOT / "hwsim" / "cli"


def imported(path: Path) -> set[str]:
    """Top packages that a file imports anywhere, in functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_rooms_do_not_know_the_floors_above(room):
    files = [path for path in (ROOT / room).rglob("*.py") if DOOR not in path.parents]
    assert len(files) > 5
    assert {str(path.relative_to(ROOT)): found for path in files if (found := imported(path) & FORBIDDEN[room])} == {}


def test_the_commands_are_the_one_door():
    found = set().union(*(imported(path) for path in DOOR.glob("*.py")))
    assert {"rtl", "mappers"} <= found
