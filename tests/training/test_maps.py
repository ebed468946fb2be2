"""The line buffer against a simulation by brute force: lines held, lines fetched, rows where lines do not fit."""

import random

import pytest
from training_cases import RATIO, small_machine, tiny_workload

from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.sparsity.ratio import DENSE
from hwsim.training.maps import MapView, activation_bytes
from hwsim.training.stages import Gemm, training_stages


def touched(view, pixel):
    """Lines, over all images, that one output pixel reads."""
    image, line = divmod(pixel // view.out_width, view.out_height)
    top = line * view.stride - view.before
    return {image * view.height + at for at in range(top, top + view.kernel) if 0 <= at < view.height}


def program_of(machine, gemm, dataflow, order, beats):
    shape = Shape(m=gemm.m, k=gemm.k, n=gemm.n, groups=gemm.groups)
    return lower(machine.array, shape, gemm.ratio, Tiling(beats=beats, order=order, dataflow=dataflow))


def brute_force(program, view, line_bytes):
    """Bytes by simulation, and how many sums were rounded. In FF and BP a visit is all fills of the same rows of A."""
    visits, held, key, before = [], set(), None, None
    over_m = view.rank == "m"
    first, size = (program.m0, program.m_size) if over_m else (program.k0, program.k_size)
    for at in program.a_pass:
        lines = set().union(*(touched(view, pixel) for pixel in range(first[at], first[at] + size[at])))
        lines = set(range(min(lines), max(lines) + 1)) if lines else lines
        channels = view.channels if over_m else min(int(program.m_size[at]), view.channels)
        part, per_line = 0 if over_m else int(program.m0[at]), 2 * view.width * channels
        kept = key == part and (max(held | lines) - min(held | lines) + 1) * per_line <= line_bytes
        if not (over_m and kept and before == first[at]):
            visits.append([0, 0, len(lines) * per_line <= line_bytes])
        visits[-1][0] += len(lines - held if kept else lines) * per_line
        visits[-1][1] += 2 * int(program.m_size[at] * program.k_size[at])
        held, key, before = lines, part, first[at]
    return sum(min(lines, rows) if fits else rows for lines, rows, fits in visits)


CONV = MapView(height=8, width=8, channels=8, out_height=8, out_width=8, kernel=3, before=1)


@pytest.mark.parametrize("order", ["mn", "nm"])
@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("rank", ["m", "k"])
@pytest.mark.parametrize("line_bytes", [400, 1500, 1 << 20])
@pytest.mark.parametrize("seed", range(3))
def test_lines_fetched_are_those_of_a_simulation(seed, line_bytes, rank, dataflow, order):
    draw = random.Random(seed)
    height, channels, kernel = draw.randint(5, 9), draw.choice([4, 8]), draw.choice([2, 3])
    view = MapView(height=height, width=height, channels=channels, out_height=height, out_width=height, kernel=kernel,
                   before=kernel // 2, rank=rank)
    pixels, taps = 3 * height * height, kernel * kernel * channels
    m, k = (pixels, taps) if rank == "m" else (taps, pixels)
    gemm = Gemm(m=m, k=k, n=9, view=view)
    machine = small_machine(line_bytes=line_bytes)
    program = program_of(machine, gemm, dataflow, order, beats=draw.choice([3, 4]))
    moved = activation_bytes(program, view, 2, machine.line_bytes)
    wanted = brute_force(program, view, machine.line_bytes)
    print(f"seed {seed}: {view}, wanted {wanted}, moved {moved.sum()}, {len(moved)} fills")
    assert wanted <= moved.sum() <= wanted + len(moved)  # each fill rounds its share up by less than a byte


@pytest.mark.parametrize("beats", [4, 8])
def test_map_is_fetched_once_when_a_is_the_outer_loop(beats):
    gemm = Gemm(m=3 * 64, k=72, n=12, ratio=RATIO, view=CONV)
    program = program_of(small_machine(), gemm, "ws", "mn", beats)
    moved = activation_bytes(program, CONV, 2, 1 << 20)
    once = 3 * CONV.height * CONV.width * CONV.channels * 2
    assert once <= moved.sum() <= once + len(moved)
    assert moved.sum() * 5 < 2 * (program.m_size * program.k_size)[program.a_pass].sum()  # what im2col would move


def test_without_room_rows_of_a_are_fetched():
    gemm = Gemm(m=64, k=72, n=12, view=CONV)
    program = program_of(small_machine(), gemm, "ws", "mn", 8)
    rows = 2 * (program.m_size * program.k_size)[program.a_pass]
    assert (activation_bytes(program, CONV, 2, 0) == rows).all()


def test_a_matrix_that_fits_is_fetched_once():
    view = MapView(channels=40)
    program = program_of(small_machine(), Gemm(m=30, k=40, n=30, view=view), "os", "mn", 4)
    moved = activation_bytes(program, view, 2, 1 << 20)
    assert 30 * 40 * 2 <= moved.sum() <= 30 * 40 * 2 + len(moved)
    assert activation_bytes(program, view, 2, 100).sum() == 2 * (program.m_size * program.k_size)[program.a_pass].sum()


def test_groups_share_nothing():
    view = MapView(channels=8)
    program = program_of(small_machine(), Gemm(m=4, k=8, n=4, groups=5, view=view), "ws", "mn", 4)
    assert activation_bytes(program, view, 2, 1 << 20).sum() == 5 * 4 * 8 * 2


def test_no_map_of_a_network_moves_more_than_its_rows():
    machine = small_machine()
    for stage in training_stages(tiny_workload(3), DENSE, batch_norm=False):
        for gemm in stage.gemms:
            for flow in ("ws", "os"):
                program = program_of(machine, gemm, flow, "mn", 4)
                rows = 2 * (program.m_size * program.k_size)[program.a_pass]
                moved = activation_bytes(program, gemm.view, 2, machine.line_bytes)
                assert 0 <= moved.sum() <= rows.sum() + len(moved)
