"""What a run did on each net: toggles and time at 1, from a SAIF file (IEEE 1801, Annex I) as Verilator writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from hwsim.errors import InputError

_LINE = re.compile(r"\(INSTANCE (?P<instance>\S+)"
                   r"|\((?P<net>\S+) \(T0 \d+\) \(T1 (?P<high>\d+)\).*\(TC (?P<toggles>\d+)\)\)"
                   r"|\(DURATION (?P<duration>\d+)\)|^\s*(?P<open>\(NET)|^(?P<close>\s*)\)\s*$")


@dataclass
class Instance:
    """One instance: what was seen of its nets (toggles, share of the time at 1) and the instances in it."""

    nets: dict[str, tuple[int, float]] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)

    def inside(self, name: str) -> Instance:
        """The instance of that name in it; without nets where none was seen."""
        return self.instances.get(_plain(name), Instance())

    def net(self, wire: str, index: int, width: int) -> tuple[int, float] | None:
        """What was seen of a bit of a wire; None where it was not."""
        name = _plain(wire)
        found = self.nets.get(f"{name}[{index}]")
        return self.nets.get(name) if found is None and width == 1 else found


@dataclass(frozen=True)
class Activity:
    """Of a run: its top module, and how long it was in the simulator's time steps."""

    top: Instance
    duration: int


def read_saif(path: Path, top: str) -> Activity:
    """Read a SAIF file.

    Raises:
        InputError: a file that cannot be read, or without that top module or a duration.
    """
    root = Instance()
    stack, duration = [root], 0
    try:
        with path.open() as lines:
            for line in lines:
                match = _LINE.search(line)
                if match is None:
                    continue
                if match["net"]:
                    stack[-1].nets[_plain(match["net"])] = int(match["toggles"]), int(match["high"]) / max(duration, 1)
                elif match["instance"]:
                    stack.append(stack[-1].instances.setdefault(_plain(match["instance"]), Instance()))
                elif match["open"]:
                    stack.append(stack[-1])
                elif match["duration"]:
                    duration = int(match["duration"])
                elif len(stack) > 1:
                    stack.pop()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), "a SAIF file", error) from None
    found = root.instances.get(top)
    if found is None or not duration:
        raise InputError(str(path), f"a SAIF file with a duration and the instance {top}", "none")
    return Activity(found, duration)


def _plain(name: str) -> str:
    """A name without the escapes of SAIF and Verilog."""
    return name.replace("\\", "")
