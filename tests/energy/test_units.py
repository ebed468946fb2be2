"""Dimensions: what mypy refuses, and what files are refused for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hwsim.energy import Joules, Seconds, duration, mean_power, spent
from hwsim.energy.units import energy_of, power_of
from hwsim.errors import InputError

MIXED = """\
from hwsim.energy import Joules, Seconds, Watts, duration, mean_power, picojoules, spent

energy, time = picojoules(3.0), duration(10, 1e9)
power: Watts = mean_power(energy, time)
right: Joules = spent(power, time)
wrong_1: Joules = power
wrong_2: Joules = energy + power
wrong_3 = spent(energy, time)
wrong_4 = spent(power, 1e-9)
wrong_5: Joules = 3.0
wrong_6: Seconds = power
"""


def test_power_and_time_make_energy() -> None:
    power = power_of(20, "mW")
    assert spent(power, duration(5e6, 1e9)) == pytest.approx(1e-4, rel=1e-15)
    assert mean_power(Joules(1e-4), Seconds(5e-3)) == pytest.approx(power, rel=1e-15)
    assert energy_of(1000, "pJ") == pytest.approx(energy_of(1, "nJ"), rel=1e-15)


def test_units_of_the_other_kind_are_refused() -> None:
    with pytest.raises(InputError, match="unit of energy .*got mW"):
        energy_of(1, "mW")
    with pytest.raises(InputError, match="unit of power .*got pJ"):
        power_of(1, "pJ")


@pytest.mark.slow
def test_a_type_checker_keeps_dimensions_apart(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    snippet = tmp_path / "mixed.py"
    snippet.write_text(MIXED)
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", "--cache-dir", str(tmp_path / "cache")]
    told = subprocess.run([*command, str(snippet)], capture_output=True, text=True, check=False,
                          cwd=Path(__file__).parents[2]).stdout
    lines = {int(line.split(":")[1]) for line in told.splitlines() if ": error:" in line}
    assert lines == {6, 7, 8, 9, 10, 11}, told
