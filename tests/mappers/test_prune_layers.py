"""Layers with pruned weights in FF and BP against what the definition gives by plain autograd and NumPy."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from hwsim.errors import InputError  # noqa: E402
from hwsim.sparsity.nm import check_nm, nm_mask  # noqa: E402
from hwsim.sparsity.ratio import Ratio  # noqa: E402
from mappers.prune.layers import NmConv2d, NmLinear, masks, nm_layers  # noqa: E402
from mappers.prune.methods import BP_AXIS, FF_AXIS, METHODS  # noqa: E402

pytestmark = pytest.mark.slow

RATIOS = ["2:4", "2:8", "1:8", "2:16"]
SHAPES = ["linear", "linear ragged", "linear sequence", "conv", "conv stride", "conv 1x1 ragged"]


def draw(shape, seed):
    """A layer, an input and an output gradient; the seed stands in the test's name."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    if shape.startswith("linear"):
        layer = NmLinear(20 if "ragged" in shape else 32, 13 if "ragged" in shape else 16, bias="ragged" in shape)
        x = torch.randn((3, 5, 32) if "sequence" in shape else (6, layer.in_features), generator=generator)
    elif "1x1" in shape:
        layer, x = NmConv2d(10, 6, 1), torch.randn((2, 10, 4, 4), generator=generator)
    else:
        layer = NmConv2d(16, 32, 3, stride=2 if "stride" in shape else 1, padding=1, bias=False)
        x = torch.randn((2, 16, 6, 6), generator=generator)
    return layer, x.requires_grad_(), torch.randn(layer(x).shape, generator=generator)


def plain(layer, x, weight):
    """The same operation by PyTorch itself, with any weight."""
    if isinstance(layer, nn.Linear):
        return functional.linear(x, weight, layer.bias)
    return functional.conv2d(x, weight, layer.bias, layer.stride, layer.padding)


def gradients(y, gy, of):
    return torch.autograd.grad(y, of, gy, retain_graph=True)


def pruned(layer, axis, ratio):
    w = layer.weight.detach().numpy()
    return torch.from_numpy(np.where(nm_mask(w, ratio, axis), w, np.float32(0)))


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", ["dense", "sr-ste", "sdgp", "bdwp"])
@pytest.mark.parametrize("seed", [0, 1])
def test_each_direction_uses_its_own_weights(method, shape, ratio, seed):
    layer, x, gy = draw(shape, seed)
    rule, ratio = METHODS[method], Ratio.parse(ratio)
    layer.prune(rule, ratio, shape)
    dense = layer.weight.detach().clone()
    ff = pruned(layer, FF_AXIS, ratio) if rule.forward else dense
    bp = pruned(layer, BP_AXIS, ratio) if rule.backward else ff
    y = layer(x)
    assert torch.equal(y, plain(layer, x, ff))
    wanted_x = gradients(plain(layer, x, bp), gy, [x])[0]
    ff.requires_grad_()
    wanted_w = gradients(plain(layer, x, ff), gy, [ff])[0]
    if rule.penalty:
        wanted_w = wanted_w + rule.penalty * torch.where(ff == 0, dense, 0.0)
    got_x, got_w, *got_b = gradients(y, gy, [x, layer.weight, *([] if layer.bias is None else [layer.bias])])
    torch.testing.assert_close(got_x, wanted_x)
    torch.testing.assert_close(got_w, wanted_w)
    if got_b:
        torch.testing.assert_close(got_b[0], gradients(plain(layer, x, dense), gy, [layer.bias])[0])
    assert torch.equal(layer.weight, dense)
    if rule.backward:
        check_nm(bp.detach().numpy(), ratio, BP_AXIS)
        assert not np.array_equal(*masks(layer))


def test_the_gradients_are_those_of_finite_differences():
    torch.manual_seed(3)
    for layer, x in ((NmLinear(8, 4).double(), torch.randn(3, 8)), (NmConv2d(4, 4, 3, padding=1).double(),
                                                                   torch.randn(2, 4, 3, 3))):  # fmt: skip
        x = x.double().requires_grad_()
        assert torch.autograd.gradcheck(layer, (x,))
        weight = layer.weight

        def of_weight(w, layer=layer, x=x):
            layer.weight = nn.Parameter(w)
            del layer.weight
            layer.weight = w
            return layer(x)

        assert torch.autograd.gradcheck(of_weight, (weight.detach().clone().requires_grad_(),))


@pytest.mark.parametrize("progress, factor", [(0.0, 1.0), (0.05, 1.0), (0.1, 1.0), (0.4, 0.5), (0.55, 0.25), (0.7, 0.0),
                                              (1.0, 0.0)])  # fmt: skip
def test_a_decaying_mask_fades_the_pruned_weights(progress, factor):
    layer, x, gy = draw("conv", 5)
    layer.prune(METHODS["decay"], Ratio(2, 8), "a")
    layer.proceed(progress)
    w = layer.weight.detach()
    faded = torch.where(pruned(layer, FF_AXIS, Ratio(2, 8)) == 0, factor * w, w)
    torch.testing.assert_close(layer(x), plain(layer, x, faded))
    got_x = gradients(layer(x), gy, [x])[0]
    torch.testing.assert_close(got_x, gradients(plain(layer, x, faded), gy, [x])[0])


def test_a_fixed_mask_stays_and_its_weights_stay_zero():
    layer, x, gy = draw("linear", 6)
    layer.prune(METHODS["asp"], Ratio(1, 8), "a")
    dense = layer.weight.detach().clone()
    layer.proceed(0.49)
    assert torch.equal(layer(x), plain(layer, x, dense))
    layer.proceed(0.5)
    kept = pruned(layer, FF_AXIS, Ratio(1, 8)) != 0
    assert torch.equal(layer.weight, torch.where(kept, dense, 0.0)) and kept.sum() == kept.numel() // 8
    gw = gradients(layer(x), gy, [layer.weight])[0]
    assert (gw[~kept] == 0).all() and (gw[kept] != 0).any()
    with torch.no_grad():
        layer.weight[kept] = 0.0  # all equal now: a new choice would take other positions
    layer.proceed(0.9)
    assert torch.equal(layer.fixed, kept)


def test_among_equals_the_lower_position_stays_in_both_directions():
    layer = NmLinear(8, 8, bias=False)
    layer.prune(METHODS["bdwp"], Ratio(2, 4), "a")
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, -1.0] * 4).repeat(8, 1))
    ff, bp = masks(layer)
    assert np.array_equal(ff, np.tile([True, True, False, False], (8, 2)))
    assert np.array_equal(bp, np.tile([[True], [True], [False], [False]], (2, 8)))
    with torch.no_grad():
        layer.weight.zero_()  # groups without any weight keep their lowest positions too
    assert np.array_equal(masks(layer)[0], ff) and np.array_equal(masks(layer)[1], bp)


def test_bad_layers():
    layer = NmLinear(8, 4)
    layer.prune(METHODS["bdwp"], Ratio(2, 4), "block.up")
    with torch.no_grad():
        layer.weight[2, 5] = float("nan")
    with pytest.raises(InputError, match=r"block.up: .*NaN at \(2, 5\)"):
        layer(torch.zeros(1, 8))
    with pytest.raises(InputError, match="one group"):
        NmConv2d(8, 8, 3, groups=2).prune(METHODS["bdwp"], Ratio(2, 4), "a")
    empty = NmLinear.__new__(NmLinear)
    nn.Module.__init__(empty)
    empty.weight = nn.Parameter(torch.zeros(4, 0))
    with pytest.raises(InputError, match="not empty"):
        empty.prune(METHODS["bdwp"], Ratio(2, 4), "a")
    assert nm_layers(nn.Sequential(nn.Linear(2, 2), layer)) == {"1": layer}
