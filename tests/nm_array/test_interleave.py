"""Floating-point sums in time: what interleaving hides, what it cannot, and what a change of dataflow costs."""

import numpy as np
import pytest
from nm_programs import draw_program
from test_model import check_levels_agree

from hwsim.nm_array import timing
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.model import beat_network, tile_network
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.schedule import join
from hwsim.nm_array.times import Times
from hwsim.sparsity.ratio import DENSE, Ratio

BASE = {"rows": 4, "cols": 4, "multipliers": 2, "ratios": ("2:4", "4:8"), "data_type": "fp16", "tile_depth": 128,
        "o_depth": 256, "a_slots": 8, "w_slots": 8, "q_slots": 8}
RATIOS = [DENSE, Ratio(2, 4), Ratio(4, 8)]


def stationary(m, k, ratio=DENSE, **changed):
    """An os program on the array, as many units in a pass as fit."""
    config = NmArrayConfig(**(BASE | {"dataflow": "os"} | changed))
    return lower(config, Shape(m=m, k=k, n=4), ratio, Tiling(beats=config.most_beats("os"), order="nm"))


def computing(program):
    """Cycles from the start of the first pass to the end of the last."""
    start = tile_network(program).solve().start["compute"]
    return int(start[-1] + Times(program).slot[-1] - start[0])


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_as_many_outputs_as_stages_keep_every_multiplier_busy(ratio, stages):
    program = stationary(4 * stages, 1024, ratio, sum_stages=stages)
    assert int(Times(program).slot.sum()) * program.config.macs_per_cycle == program.useful_macs


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
@pytest.mark.parametrize("interleave", [1, 2, 3, 4])
def test_fewer_outputs_leave_the_adder_idle(ratio, interleave):
    """The same GEMM, rows for whole tiles of 1 to 4 outputs: its passes take 4 / interleave times as long."""
    program = stationary(4 * 12, 1024, ratio, interleave=interleave)
    ideal = program.useful_macs // program.config.macs_per_cycle
    assert int(Times(program).slot.sum()) == ideal * 4 // interleave


def test_a_gemm_without_interleaving_takes_the_latency_of_a_sum_times_as_long():
    with_it, without = (computing(stationary(32, 2048, interleave=interleave)) for interleave in (4, 1))
    assert without == 4 * with_it


def test_few_rows_leave_nothing_to_interleave():
    """One row of A for each row of PEs, or fewer: other outputs are not there to fill the adder."""
    for rows in (1, 3, 4):
        slots = [Times(stationary(rows, 512, interleave=interleave, tile_depth=512)).slot for interleave in (1, 4)]
        assert slots[0].sum() == slots[1].sum() == 4 * 512 // 2
    assert Times(stationary(5, 512, interleave=1)).slot.sum() == 2 * Times(stationary(5, 512)).slot.sum()


def weighted(m, k, ratio=DENSE, **changed):
    config = NmArrayConfig(**(BASE | {"dataflow": "ws"} | changed))
    return lower(config, Shape(m=m, k=k, n=8), ratio, Tiling(beats=min(m, config.tile_depth)))


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
def test_weight_stationary_columns_hide_the_latency(ratio):
    """Partial sums meet the next summand one row down, so passes take as long as with adders of one cycle."""
    slow, fast = (weighted(64, 512, ratio, sum_stages=stages) for stages in (4, 1))
    assert (Times(slow).slot == Times(fast).slot).all()
    assert int(Times(slow).slot.sum()) * slow.config.macs_per_cycle == slow.useful_macs
    # The last row reads a tile so much later, and its slot comes free so much later.
    assert 0 <= computing(slow) - computing(fast) <= (4 - 1) * (slow.config.rows - 1)


@pytest.mark.parametrize("rows", range(1, 8))
@pytest.mark.parametrize("ratio", RATIOS, ids=str)
def test_short_sweeps_wait_for_their_own_sums(ratio, rows):
    """A column's accumulator gives a sum back after ``sum_stages`` + 1 cycles; only the last sweep need not wait."""
    program = weighted(rows, 512, ratio)
    sweep = max(rows, 4 + 1)
    sweeps = program.mode.steps * np.ones(program.passes, int)
    assert (Times(program).slot == sweep * (sweeps - program.last) + rows * program.last).all()


def test_integers_never_wait():
    for dataflow in ("ws", "os"):
        config = NmArrayConfig(**(BASE | {"dataflow": dataflow, "data_type": "int8"}))
        program = lower(config, Shape(m=4, k=512, n=8), Ratio(4, 8), Tiling(beats=4))
        plain = program.beats * program.mode.steps
        assert (Times(program).slot == np.where(program.last, np.maximum(plain, 4), plain)).all()


@pytest.mark.parametrize(("rows", "stages", "interleave", "product_stages"),
                         [(4, 4, 4, 1), (4, 4, 1, 2), (2, 3, 2, 0), (1, 1, 1, 4), (3, 2, 1, 0)])
def test_a_change_of_dataflow_costs_the_way_out_of_the_array(rows, stages, interleave, product_stages):
    """Whichever is longer: the sums' way down, less what the new dataflow needs to get there, or the drain's head."""
    config = NmArrayConfig(**(BASE | {"dataflow": "both", "rows": rows, "sum_stages": stages, "tile_depth": 8,
                                      "interleave": interleave, "product_stages": product_stages}))
    cost = product_stages + stages + max(rows * (stages - 1) + 1, rows + 2 * interleave - 1)  # the tree has one level
    assert timing.switch_cycles(config) == cost
    shape = Shape(m=4, k=8 * rows, n=4)
    parts = [lower(config, shape, DENSE, Tiling(beats=1, dataflow=dataflow)) for dataflow in ("os", "ws", "os")]
    joined = join(parts)
    start, times = tile_network(joined).solve().start["compute"], Times(joined)
    gap = start[1:] - (start[:-1] + times.slot[:-1])
    changes = np.flatnonzero(np.diff(joined.output_stationary))
    to_ws, to_os = gap[changes]
    assert to_ws == max(cost, rows + 2) and to_os == cost  # to ws, the weights load first: descriptor, rows, handover
    same = np.delete(np.arange(len(gap)), changes)
    assert (gap[same] < cost).all()


def test_the_largest_training_array_changes_in_about_a_hundred_cycles():
    config = NmArrayConfig.preset("training-32x32")
    assert timing.switch_cycles(config) == 2 + 4 + 32 * 3 + 1 == 103
    assert timing.drain_cycles(config) == 128 and timing.weight_gap(config) == 60 and timing.reuse_cycles(config) == 5


@pytest.mark.parametrize("data_type", ["fp16", "int8"])
def test_both_levels_of_the_model_agree_on_arrays_that_switch(data_type):
    rng = np.random.default_rng(4)
    for _ in range(40):
        check_levels_agree(draw_program(rng, data_type=data_type))
    for _ in range(40):
        first = draw_program(rng, 12, data_type=data_type, dataflow="both")
        fixed = first.config.to_mapping()
        programs = [first, *(draw_program(rng, 12, **fixed) for _ in range(3))]
        check_levels_agree(join(programs))


def test_stalls_never_make_a_float_array_faster():
    rng = np.random.default_rng(5)
    for _ in range(20):
        program = draw_program(rng, 12, data_type="bf16")
        free = beat_network(program).solve()
        stalled = beat_network(program, {port: rng.random(500) < 0.6 for port in "dawq"}, rng.random(500) < 0.6).solve()
        assert all((stalled.start[port] >= free.start[port]).all() for port in "dawqo")
