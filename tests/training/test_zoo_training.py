"""The networks as they are trained: their layers are those of the zoo, their batch is given."""

import pytest

from hwsim.workload import zoo
from hwsim.workload.zoo_training import NETWORKS, vgg19_cifar


def test_vgg19_for_cifar_has_the_convolutions_of_vgg19():
    small, large = ({op.name: op for op in net if op.kind == "conv"} for net in (vgg19_cifar(), zoo.vgg19()))
    assert list(small) == list(large)
    assert all(small[name].weight_shape == large[name].weight_shape for name in small)
    assert sum(op.weight_elements for op in small.values()) == 20_018_880
    assert vgg19_cifar()["fc"].k == 512


@pytest.mark.parametrize("name", NETWORKS)
def test_work_grows_with_the_batch(name):
    one, four = (NETWORKS[name].build(batch) for batch in (1, 4))
    assert four.macs == 4 * one.macs and four.weight_elements == one.weight_elements


@pytest.mark.parametrize(("name", "pixels"), [("resnet9", 32), ("vgg19", 32), ("resnet18", 64), ("resnet50", 224)])
def test_images_have_the_size_of_their_data(name, pixels):
    network = NETWORKS[name]
    first = network.build(1).operators[0]
    assert (first.conv.height, first.conv.width) == (pixels, pixels)
    assert f"{pixels}x{pixels}" in network.data
