"""What the array sees of its memory, beat by beat: stalls at its ports that repeat a run with DRAM exactly.

`hwsim.nm_array.system` times tiles; the RTL has no DRAM. These gates offer each operand beat in the cycle in which the
memory delivered it, and hold results back while the write buffer had no room. Under them the beat-level model, and so
the RTL, must start every pass in the cycle that the run with DRAM said.
"""

from __future__ import annotations

import numpy as np

from hwsim.network import Timeline
from hwsim.nm_array.program import Program
from hwsim.nm_array.schedule import Bools, Ints
from hwsim.nm_array.times import Times


def memory_stalls(program: Program, timeline: Timeline) -> tuple[dict[str, Bools], Bools]:
    """Gates for `beat_network` and for a bench, from a solved `system_network` of the program.

    Returns:
        offers by input port and readiness of port ``o``: bool (cycles,).
    """
    beats = {"a": program.a_beats, "w": program.w_beats, "q": np.ones(len(program.q_pass), np.int64)}
    offers = {port: _offered(timeline.start[port], count, timeline.cycles) for port, count in beats.items()}
    return offers, _ready(program, timeline)


def _offered(first: Ints, beats: Ints, cycles: int) -> Bools:
    """True in the cycle of each beat of tiles that begin in ``first`` and go on one beat a cycle."""
    offer = np.zeros(cycles, bool)
    in_tile = np.arange(int(beats.sum())) - np.repeat(np.cumsum(beats) - beats, beats)
    offer[np.repeat(first, beats) + in_tile] = True
    return offer


def _ready(program: Program, timeline: Timeline) -> Bools:
    """False while a tile's last beat waited for the write buffer; all earlier beats had left by then."""
    finishing = np.flatnonzero(program.last)
    last_beat = timeline.start["o"]
    free = timeline.start["compute"][finishing] + Times(program).last_result[finishing]
    free[1:] = np.maximum(free[1:], last_beat[:-1] + program.results[finishing][1:])
    change = np.zeros(timeline.cycles + 1, np.int64)
    np.add.at(change, free, 1)
    np.add.at(change, last_beat, -1)
    return np.cumsum(change[:-1]) == 0
