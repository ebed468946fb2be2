"""GEMMs of a training step: shapes, MACs of strided BP against a count by brute force, which layers are sparse."""

import itertools
import random

import numpy as np
import pytest
from training_cases import RATIO, tiny_workload

from hwsim.errors import InputError
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.training.bound import ideal_bound, network_bound
from hwsim.training.stages import ELEMENT_BYTES, NORM_BACKWARD, NORM_FORWARD, training_stages
from hwsim.workload import ConvGeometry, Operator, Workload
from hwsim.workload.builder import NetworkBuilder
from hwsim.workload.zoo_training import NETWORKS


def by_name(stages):
    return {(stage.layer, stage.part): stage for stage in stages}


def test_order_shapes_and_sparse_layers():
    stages = training_stages(tiny_workload(2), RATIO, batch_norm=True)
    assert [(stage.layer, stage.part) for stage in stages] == [
        ("first", "FF"), ("second", "FF"), ("third", "FF"), ("pool", "FF"), ("fc", "FF"),
        ("fc", "BP"), ("fc", "WU"), ("pool", "BP"), ("third", "BP"), ("third", "WU"), ("second", "BP"),
        ("second", "WU"), ("first", "BP"), ("first", "WU")]
    found = by_name(stages)
    assert found["first", "BP"].gemms == ()
    forward, update = found["second", "FF"].gemms[0], found["second", "WU"].gemms[0]
    assert (forward.m, forward.k, forward.n, forward.ratio) == (2 * 16, 72, 12, RATIO)
    assert (update.m, update.k, update.n, update.ratio) == (72, 2 * 16, 12, DENSE)
    back = found["third", "BP"].gemms[0]
    assert (back.m, back.k, back.n, back.ratio) == (2 * 16, 8, 12, RATIO)
    for layer in ("first", "fc"):
        assert found[layer, "FF"].ratio == DENSE
    assert {gemm.ratio for gemm in found["fc", "BP"].gemms} == {DENSE}
    outputs = 2 * 64 * 8
    assert found["first", "FF"].moved == NORM_FORWARD * ELEMENT_BYTES * outputs
    assert found["first", "BP"].moved == NORM_BACKWARD * ELEMENT_BYTES * outputs
    assert sum(stage.moved for stage in training_stages(tiny_workload(2), RATIO, batch_norm=False)) < sum(
        stage.moved for stage in stages)


def pairs(size, out, kernel, stride, padding):
    """(input, kernel position) pairs whose output position is whole: what BP without inserted zeros works on."""
    return sum((y + padding - t) % stride == 0 for y in range(size) for t in range(kernel))


@pytest.mark.parametrize("seed", range(20))
def test_bp_of_a_strided_convolution_multiplies_no_inserted_zero(seed):
    draw = random.Random(seed)
    kernel, stride = draw.choice([1, 2, 3, 5, 7]), draw.choice([1, 2, 3])
    size, padding = draw.randint(kernel, 17), draw.randint(0, kernel // 2)
    conv = ConvGeometry(in_channels=4, out_channels=8, height=size, width=size, kernel=(kernel, kernel),
                        stride=(stride, stride), padding=(padding,) * 4, batch=3)
    op = Operator.of_conv("conv", conv, inputs=("before",))
    net = Workload(name="one", operators=(
        Operator(name="before", kind="traffic", input_elements=1, output_elements=1), op))
    gemms = by_name(training_stages(net, DENSE, batch_norm=False))["conv", "BP"].gemms
    one_axis = pairs(size, conv.out_height, kernel, stride, padding)
    print(f"seed {seed}: kernel {kernel}, stride {stride}, size {size}, padding {padding}")
    assert sum(gemm.macs for gemm in gemms) == 3 * one_axis**2 * 4 * 8
    for gemm in gemms:
        check_lines(gemm.view, gemm.m // 3, conv)


def check_lines(view, pixels, conv):
    """Lines of the gradient that BP's windows touch, by brute force over input lines of the residue."""
    if view.kernel == 1 and view.out_width == 1:
        return
    rows = pixels // view.out_width
    for line in range(rows):
        pixel = np.array([line * view.out_width])
        low, high = view.lines(pixel, pixel)
        wanted = [line - view.before + step for step in range(view.kernel)]
        inside = [at for at in wanted if 0 <= at < conv.out_height]
        assert list(range(int(low[0]), int(high[0]))) == inside


def test_products_of_activations_have_two_gemms_in_bp_and_no_wu():
    found = by_name(training_stages(NETWORKS["vit"].build(2), Ratio(2, 8), batch_norm=False))
    scores = found["layer0.attention.scores", "FF"].gemms[0]
    assert sum(gemm.macs for gemm in found["layer0.attention.scores", "BP"].gemms) == 2 * scores.macs
    assert ("layer0.attention.scores", "WU") not in found
    assert found["layer0.mlp1", "FF"].moved == ELEMENT_BYTES * 2 * 197 * 3072  # GELU's input is kept


def test_sums_keep_nothing_for_bp():
    net = NetworkBuilder("sum")
    x = net.conv("a", net.image(1, 4, 4), 8)
    net.add("sum", x, net.conv("b", x, 8))
    found = by_name(training_stages(net.build(), DENSE, batch_norm=False))
    assert found["sum", "BP"].moved == ELEMENT_BYTES * 3 * 128


def test_grouped_convolutions_are_refused():
    net = NetworkBuilder("grouped")
    x = net.conv("a", net.image(1, 8, 8), 8)
    net.depthwise("dw", x)
    with pytest.raises(InputError, match="training of dw: wanted a convolution without groups"):
        training_stages(net.build(), DENSE, batch_norm=False)


@pytest.mark.parametrize(("ratio", "bound"), [("2:4", 1.5), ("2:8", 2.0), ("2:16", 2.4)])
def test_bounds(ratio, bound):
    parsed = Ratio.parse(ratio)
    assert ideal_bound(parsed) == pytest.approx(bound)
    for name, network in NETWORKS.items():
        dense, sparse = (training_stages(network.build(1), each, batch_norm=network.batch_norm)
                         for each in (DENSE, parsed))
        own = network_bound(dense, sparse)
        assert 1 < own < bound, name
        assert sum(stage.macs for stage in dense) == sum(stage.macs for stage in sparse)


def test_parts_have_the_networks_macs():
    for network in NETWORKS.values():
        workload = network.build(1)
        stages = training_stages(workload, DENSE, batch_norm=network.batch_norm)
        total = {part: sum(stage.macs for stage in group) for part, group in itertools.groupby(
            sorted(stages, key=lambda stage: stage.part), key=lambda stage: stage.part)}
        assert total["FF"] == workload.macs
        assert total["WU"] == sum(op.macs for op in workload if op.has_weights)
