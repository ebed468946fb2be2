"""Programs: every product is done once, tiles stay in their rings, parts of programs are programs."""

import numpy as np
import pytest
from nm_programs import draw_operands, draw_program

from hwsim.errors import InputError
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.rings import allocate, freeing_pass
from hwsim.sparsity.ratio import DENSE, Ratio


def test_the_passes_cover_the_gemm_exactly_once():
    rng = np.random.default_rng(1)
    for _ in range(50):
        p = draw_program(rng, most=12)
        done = np.zeros((p.shape.groups, p.shape.m, p.shape.k, p.shape.n), int)
        for g, m0, ms, k0, ks, n0, ns in zip(p.group, p.m0, p.m_size, p.k0, p.k_size, p.n0, p.n_size, strict=True):
            done[g, m0:m0 + ms, k0:k0 + ks, n0:n0 + ns] += 1
        assert (done == 1).all()
        assert p.results.sum() * p.config.cols >= p.shape.m * p.shape.n * p.shape.groups


def test_first_and_last_frame_each_result_tile_and_k_turns_back():
    rng = np.random.default_rng(2)
    for _ in range(50):
        p = draw_program(rng)
        steps = int(np.flatnonzero(p.last)[0]) + 1
        frames = np.arange(p.passes).reshape(-1, steps)
        assert p.first[frames].sum() == p.last[frames].sum() == len(frames)
        assert p.first[frames[:, 0]].all() and p.last[frames[:, -1]].all()
        assert (np.diff(p.k0[frames[::2]]) > 0).all() and (np.diff(p.k0[frames[1::2]]) < 0).all()
        assert (p.q_fill >= 0).tolist() == p.last.tolist()


def test_a_ring_holds_what_its_passes_read():
    rng = np.random.default_rng(3)
    for _ in range(100):
        tile, slots = rng.integers(-1, 7, int(rng.integers(1, 40))), int(rng.integers(1, 6))
        fill = allocate(tile, slots)
        held: list[int] = []
        for t, f in zip(tile.tolist(), fill.tolist(), strict=True):
            if t < 0:
                assert f == -1
            elif f == len(held):
                assert t not in held[-slots:]
                held.append(t)
            else:
                assert held[f] == t and f >= len(held) - slots
        freed = freeing_pass(fill, len(held))
        assert (np.diff(freed) >= 0).all()
        assert all(freed[f] >= np.flatnonzero(fill == f).max() for f in range(len(held)))


def test_a_slot_is_freed_before_its_next_fill_is_read():
    rng = np.random.default_rng(4)
    for _ in range(50):
        p = draw_program(rng)
        for first, freed, slots in ((p.a_pass, p.a_freed, p.config.a_slots), (p.w_pass, p.w_freed, p.config.w_slots),
                                    (p.q_pass, p.q_freed, p.config.q_slots)):
            assert (freed[: max(0, len(freed) - slots)] < first[slots:]).all()


def test_select_is_the_program_of_those_passes():
    rng = np.random.default_rng(5)
    for _ in range(30):
        p = draw_program(rng)
        whole = p.select(slice(None))
        assert (whole.a_fill == p.a_fill).all() and (whole.q_fill == p.q_fill).all()
        ends = np.flatnonzero(p.last) + 1
        part = p.select(slice(int(ends[0]), int(ends[-1])) if len(ends) > 1 else slice(0, int(ends[0])))
        for port in "awq":
            fill = getattr(part, f"{port}_fill")
            read, first = np.unique(fill[fill >= 0], return_index=True)
            assert read.tolist() == list(range(len(getattr(part, f"{port}_pass")))) and (np.diff(first) > 0).all()


@pytest.mark.parametrize(("m", "k", "n"), [(0, 1, 1), (1, -1, 1), (1, 1, True), (1.5, 1, 1)])
def test_bad_shapes_are_refused(m, k, n):
    with pytest.raises(InputError):
        Shape(m=m, k=k, n=n)


def test_what_does_not_fit_the_array_is_refused():
    config = NmArrayConfig(rows=2, cols=2, tile_depth=4, o_depth=4)
    with pytest.raises(InputError, match="tiling.beats: wanted 1 to 4 .by tile_depth"):
        lower(config, Shape(m=1, k=1, n=1), DENSE, Tiling(beats=5))
    with pytest.raises(InputError, match="GEMM k"):  # INT32 sums could overflow
        lower(config, Shape(m=1, k=131072, n=1), DENSE, Tiling(beats=1))
    with pytest.raises(InputError, match="tiling.dataflow: wanted ws, got"):
        lower(config, Shape(m=1, k=1, n=1), DENSE, Tiling(beats=1, dataflow="os"))
    with pytest.raises(InputError, match="tiling.dataflow: wanted ws or os, got None"):
        lower(config.replace(dataflow="both"), Shape(m=1, k=1, n=1), DENSE, Tiling(beats=1))
    with pytest.raises(InputError, match="ratio: wanted one of 1:1, 2:8, 2:4, got 1:2"):
        lower(config, Shape(m=1, k=1, n=1), Ratio(1, 2), Tiling(beats=1))
    with pytest.raises(InputError, match="passes"):
        lower(config, Shape(m=10**6, k=10**5, n=10**3), DENSE, Tiling(beats=1))


def test_operands_keep_the_pattern():
    rng = np.random.default_rng(6)
    program = draw_program(rng)
    a, w, rq = draw_operands(program, rng)
    assert a.dtype == w.dtype == np.int8 and len(rq) == program.shape.groups
