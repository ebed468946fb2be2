"""Programs that follow each other without a reset: fills go on, modes change from pass to pass."""

import numpy as np
import pytest
from amaranth.hdl import Signal
from nm_programs import draw_operands, draw_program
from test_model import check_levels_agree

from hwsim.errors import InputError
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.model import beat_network
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.schedule import join
from hwsim.nm_array.times import Times
from hwsim.sparsity.ratio import Ratio
from rtl.nm_array import array, cases, tokens
from rtl.nm_array.cases import Work, draw_case
from rtl.nm_array.family import verify_programs
from rtl.nm_array.random_configuration import draw_configuration
from rtl.verify import verify

MIXED = {"rows": 2, "cols": 3, "tile_depth": 4, "ratios": ["1:4", "2:4", "4:8"], "multipliers": 2, "a_slots": 3,
         "w_slots": 2, "q_slots": 3, "programs": 3}


def draw_programs(rng, count, most=12, **fixed):
    """Programs of one array, each of its own shape, tiling and ratio."""
    config = draw_configuration(fixed, rng).to_mapping()
    return [draw_program(rng, most, **config) for _ in range(count)]


def run(settings, cases=4):
    return verify("nm_array", settings, seed=3, cases=cases, engine="amaranth")


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_programs_follow_each_other_without_a_reset(dataflow):
    report = run(MIXED | {"dataflow": dataflow}, 10)
    assert report.passed and report.transfers > 500, report.summary()


def gapless_works(dataflow, rng):
    """Programs of one or two passes whose modes change, on an array that can fetch tiles well ahead."""
    config = NmArrayConfig(rows=3, cols=2, multipliers=2, dataflow=dataflow, tile_depth=8, o_depth=64, d_slots=8,
                           a_slots=8, w_slots=8, q_slots=8, ratios=("1:4", "2:4", "4:8"))
    works = []
    for ratio, passes in (("4:8", 2), ("1:4", 1), ("4:8", 2), ("1:1", 1), ("4:8", 1), ("2:4", 2)):
        span = config.modes[config.mode_number(Ratio.parse(ratio))].span
        shape = Shape(m=8, k=3 * span * passes, n=2) if dataflow == "ws" else Shape(m=3, k=8 * span * passes, n=2)
        program = lower(config, shape, Ratio.parse(ratio), Tiling(beats=8))
        a, w, rq = draw_operands(program, rng)
        works.append(Work(program=program, a=a, w=w, rq=rq))
    return works


@pytest.mark.parametrize("dataflow", [pytest.param("ws", marks=pytest.mark.slow), "os"])
def test_modes_change_with_no_cycle_between(dataflow):
    works = gapless_works(dataflow, np.random.default_rng(6))
    joined = join([work.program for work in works])
    start = beat_network(joined).solve().start["compute"]
    at_once = np.diff(start) == Times(joined).slot[:-1]
    assert (at_once & (np.diff(joined.mode_number) != 0)).sum() >= 3
    report = verify_programs(works, engine="amaranth")
    assert report.passed, report.summary()


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("engine", ["verilator", "cxxrtl"])
def test_many_sequences(dataflow, engine):
    fixed = {key: value for key, value in MIXED.items() if key not in ("a_slots", "w_slots", "q_slots", "programs")}
    for programs in (2, 4):
        report = verify("nm_array", fixed | {"dataflow": dataflow, "programs": programs}, seed=4, cases=100,
                        configurations=2, engine=engine)
        assert report.passed and report.cases == 200, report.summary()


@pytest.mark.slow
def test_given_programs_without_a_reset_between():
    rng = np.random.default_rng(1)
    programs = draw_programs(rng, 3, rows=2, cols=2, multipliers=1, ratios=["2:4"])
    works = []
    for program in programs:
        a, w, rq = draw_operands(program, rng)
        works.append(Work(program=program, a=a, w=w, rq=rq))
    report = verify_programs(works, {"a": rng.random(300) < 0.5}, rng.random(300) < 0.6, engine="amaranth")
    assert report.passed and report.cases == 1, report.summary()


@pytest.mark.slow
def test_one_drawn_case_in_four_is_a_sequence_and_modes_change_within_it():
    config = draw_configuration(MIXED, np.random.default_rng(0))
    drawn = [draw_case(config, {}, np.random.default_rng(seed)).described["programs"] for seed in range(200)]
    several = [programs for programs in drawn if len(programs) > 1]
    assert 30 <= len(several) <= 70 and {len(programs) for programs in several} == {2, 3, 4}
    assert sum(len({program["ratio"] for program in programs}) > 1 for programs in several) > len(several) / 2


def test_joined_fills_go_on_and_read_the_same_tiles():
    rng = np.random.default_rng(2)
    for _ in range(30):
        programs = draw_programs(rng, int(rng.integers(1, 5)))
        joined = join(programs)
        assert joined.passes == sum(p.passes for p in programs)
        for port in "awq":
            fills, fill, passes = 0, [], 0
            for p in programs:
                own = getattr(p, f"{port}_fill")
                fill += np.where(own >= 0, own + fills, -1).tolist()
                fills += len(getattr(p, f"{port}_pass"))
            assert getattr(joined, f"{port}_fill").tolist() == fill
            first = [fill.index(f) for f in range(fills)]
            assert getattr(joined, f"{port}_pass").tolist() == first
            freed = []
            for p in programs:
                freed += (getattr(p, f"{port}_freed") + passes).tolist()
                passes += p.passes
            assert getattr(joined, f"{port}_freed").tolist() == freed
        assert joined.w_beats.tolist() == [beats for p in programs for beats in p.w_beats.tolist()]
        assert joined.results.tolist() == [rows for p in programs for rows in p.results.tolist()]


def test_both_levels_of_the_model_agree_on_sequences():
    rng = np.random.default_rng(3)
    for _ in range(50):
        check_levels_agree(join(draw_programs(rng, int(rng.integers(2, 5)))))


def test_following_at_once_is_never_slower_than_a_reset_between():
    rng = np.random.default_rng(4)
    for _ in range(30):
        programs = draw_programs(rng, 3)
        alone = [beat_network(p).solve().cycles for p in programs]
        together = beat_network(join(programs)).solve().cycles
        assert max(alone) <= together <= sum(alone)


def test_programs_of_different_arrays_are_not_joined():
    rng = np.random.default_rng(5)
    with pytest.raises(InputError, match="all of the same array"):
        join([draw_program(rng, rows=2), draw_program(rng, rows=3)])
    with pytest.raises(InputError, match="at least one"):
        join([])


def slots_start_anew(monkeypatch):
    """Each program's descriptors count slots from 0, as after a reset."""
    parts = []

    def joining(programs):
        parts[:] = programs
        return join(programs)

    monkeypatch.setattr(cases, "join", joining)
    monkeypatch.setattr(cases, "descriptor_tokens",
                        lambda joined: [token for part in parts for token in tokens.descriptor_tokens(part)])


def mode_does_not_travel(monkeypatch):
    """All rows see the mode of the pass that is being issued."""
    whole = array.NmArray._row_controls

    def controls(self, m):
        mixed = []
        for r, held in enumerate(whole(self, m)):
            mixed.append(Signal.like(held, name=f"mixed{r}"))
            m.d.comb += [mixed[r].eq(held), mixed[r].mode.eq(self.compute.control.mode)]
        return mixed

    monkeypatch.setattr(array.NmArray, "_row_controls", controls)


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("fault", [slots_start_anew, mode_does_not_travel])
def test_faults_that_only_sequences_show_are_caught(monkeypatch, fault, dataflow):
    works = gapless_works(dataflow, np.random.default_rng(6))
    fault(monkeypatch)
    assert not verify_programs(works, engine="amaranth").passed
    assert all(verify_programs([work], engine="amaranth").passed for work in works)
