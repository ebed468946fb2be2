"""DRAM bytes of tiles against a naive count: every line of the feature map that the tile's rows look at."""

import pytest

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.traffic import Lines, traffic
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload import ConvGeometry

CONFIG = NmArrayConfig(rows=8, cols=4, tile_depth=16, o_depth=32, ratios=("2:4",))


def lines_touched(program, p, conv):
    """Virtual input lines (padding counted) and channels of one pass, by looking at every element."""
    channels = conv.in_channels // conv.groups
    lines, seen = set(), set()
    for m in range(program.m0[p], program.m0[p] + program.m_size[p]):
        image, oy = divmod(m // conv.out_width, conv.out_height)
        for k in range(program.k0[p], program.k0[p] + program.k_size[p]):
            ky, ci = k // (conv.kernel[1] * channels), k % channels
            lines.add((image, oy * conv.stride[0] + ky * conv.dilation[0]))
            seen.add(ci)
    spans = {}
    for image, line in lines:
        low, high = spans.get(image, (line, line))
        spans[image] = min(low, line), max(high, line)
    return sum(high - low + 1 for low, high in spans.values()), len(seen)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [(3, 3), (1, 5), (5, 1)])
@pytest.mark.parametrize("batch", [1, 3])
def test_convolution_fetches_whole_lines(stride, kernel, batch):
    conv = ConvGeometry(batch=batch, in_channels=8, out_channels=6, height=9, width=7, kernel=kernel,
                        stride=(stride, stride), padding=(2, 2, 2, 2))
    program = lower(CONFIG, Shape(m=conv.m, k=conv.k, n=conv.n), DENSE, Tiling(beats=10))
    got = traffic(program, Lines.of_im2col(conv))
    for fill, p in enumerate(program.a_pass):
        lines, channels = lines_touched(program, p, conv)
        expanded = program.m_size[p] * program.k_size[p]
        assert got.a[fill] == min(expanded, lines * conv.width * channels)


def test_weights_travel_as_kept_values_and_positions():
    program = lower(CONFIG, Shape(m=5, k=40, n=6), Ratio(2, 4), Tiling(beats=5))
    moved = traffic(program)
    # 40 / 4 groups, 2 kept values of 8 + 2 bits each, 6 channels
    # Tiles of 4 and 2 columns, 32 and 8 elements of K there and back
    assert moved.totals()["w"] == 10 * 2 * 10 * 6 // 8
    assert moved.w.tolist() == [8 * 2 * 10 * 4 // 8, 2 * 2 * 10 * 4 // 8, 2 * 2 * 10 * 2 // 8, 8 * 2 * 10 * 2 // 8]


def test_results_are_written_once():
    program = lower(CONFIG, Shape(m=23, k=40, n=11, groups=3), DENSE, Tiling(beats=7, order="nm"))
    assert traffic(program).totals()["o"] == 23 * 11 * 3


def test_packed_groups_store_no_zeros():
    conv = ConvGeometry(in_channels=4, out_channels=4, height=6, width=6, kernel=(2, 2), groups=4)
    packed = lower(CONFIG, Shape(m=conv.m, k=conv.k * 2, n=2, groups=2), DENSE, Tiling(beats=16))
    assert traffic(packed, Lines.of_im2col(conv), packed=2).totals()["w"] == conv.groups * conv.k
