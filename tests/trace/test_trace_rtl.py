"""What a trace says of a port's wires, against the RTL: valid and ready of every port in every cycle."""

import numpy as np
import pytest

from hwsim.cli.trace_runs import case_trace
from rtl.bench import amaranth_bench
from rtl.verify.registry import find_family
from rtl.verify.run import build_family_bench, run_cases

SETTINGS = {
    "nm_array": {"rows": 3, "cols": 2}, "sore": {"lanes": 2}, "wuve": {"lanes": 2},
    "training_core": {"rows": 1, "cols": 2, "ratios": ["1:2"], "multipliers": 1, "sum_stages": 1, "batch": 2},
    "bitmap_decoder": {"component": "dot"}, "dsp_chain": {"component": "chain"},
}


def level(at, value, cycles):
    """A wire's value in each cycle."""
    return value[np.searchsorted(at, np.arange(cycles), side="right") - 1]


@pytest.mark.slow
@pytest.mark.parametrize("family", SETTINGS)
def test_every_wire_of_every_port_in_every_cycle(family, monkeypatch):
    """After a port's last token the model says nothing of its ready; everywhere else RTL and trace agree."""
    wires, case_type = [], amaranth_bench.Case

    class Watched(case_type):
        def observe(self, ready, valid, payload):
            wires.append((self.valid, ready, valid, self.ready))
            super().observe(ready, valid, payload)

    monkeypatch.setattr(amaranth_bench, "Case", Watched)
    chosen, compared = find_family(family), 0
    for seed in range(2):
        print("seed", seed)
        configuration = chosen.configuration(SETTINGS[family], np.random.default_rng([seed, 0]))
        case = chosen.case(configuration, SETTINGS[family], np.random.default_rng([seed, 0, 0]))
        bench = build_family_bench(chosen, configuration, "amaranth")
        wires.clear()
        [comparison] = run_cases(bench, [case])
        assert comparison.transfers and not (comparison.cycle_mismatches or comparison.unfinished)
        trace = case_trace(family, SETTINGS[family], seed, 0, 0)
        seen = np.array(wires)[: trace.end]
        numbers = {way: [port.name for port in bench.ports if port.direction == way] for way in ("in", "out")}
        for track in trace.tracks:
            if track.port is None:
                continue
            bit = numbers[track.port.direction].index(track.name)
            columns = (0, 1) if track.port.direction == "in" else (2, 3)
            valid, ready = (seen[:, column] >> bit & 1 for column in columns)
            told = level(track.port.ready_at, track.port.ready, trace.end)
            assert np.array_equal(level(track.port.valid_at, track.port.valid, trace.end), valid), track.name
            assert np.array_equal(np.where(told < 0, ready, told), ready), track.name
            assert (told[:track.start.max(initial=-1) + 1] >= 0).all()
            assert np.array_equal(np.flatnonzero(valid & ready), track.start)
            compared += trace.end
    assert compared > 200
