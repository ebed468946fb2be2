"""One training: data, determinism, what the methods leave behind, and clear errors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from hwsim.errors import InputError  # noqa: E402
from hwsim.sparsity.nm import check_nm  # noqa: E402
from hwsim.sparsity.ratio import DENSE, Ratio  # noqa: E402
from mappers.prune.data import CLASSES, Images, digits, held_out_half, shifted  # noqa: E402
from mappers.prune.layers import masks, nm_layers  # noqa: E402
from mappers.prune.methods import BP_AXIS, FF_AXIS  # noqa: E402
from mappers.prune.networks import build  # noqa: E402
from mappers.prune.recipe import RECIPES, Recipe, Training  # noqa: E402
from mappers.prune.train import accuracy, train  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def few():
    """A quarter of the digits' training half, all held-out ones."""
    images = digits()
    return Images(images.train[::4], images.train_labels[::4], images.test, images.test_labels)


def training(network="vit", method="bdwp", ratio="2:8", seed=0, epochs=1):
    return Training(network=network, method=method, ratio=Ratio.parse(ratio), seed=seed, epochs=epochs)


def test_halves_of_the_digits():
    images = digits()
    assert images.train.shape == (896, 1, 8, 8) and images.test.shape == (901, 1, 8, 8)
    assert images.train.dtype == np.float32 and images.train.mean() == pytest.approx(0, abs=1e-4)
    assert images.train.std() == pytest.approx(1, abs=1e-4)
    for label in range(CLASSES):
        counts = [(labels == label).sum() for labels in (images.train_labels, images.test_labels)]
        assert 0 <= counts[1] - counts[0] <= 1
    held = held_out_half(np.array([0, 1, 1, 0, 0, 1, 1]), 0)
    assert held.sum() == 2 + 2 and np.array_equal(held, held_out_half(np.array([0, 1, 1, 0, 0, 1, 1]), 0))
    assert not {image.tobytes() for image in images.train} & {image.tobytes() for image in images.test}


def test_shifts_move_half_of_the_images_by_one_pixel():
    image = np.arange(64, dtype=np.float32).reshape(1, 1, 8, 8)
    moved = shifted(np.repeat(image, 900, axis=0), np.random.default_rng(0))
    assert moved.shape == (900, 1, 8, 8) and moved.dtype == np.float32
    padded = np.pad(image[0, 0], 1, mode="edge")
    seen = {}
    for each in moved[:, 0]:
        where = [(i, j) for i, j in np.ndindex(3, 3) if np.array_equal(each, padded[i:i + 8, j:j + 8])]
        seen[where[0]] = seen.get(where[0], 0) + 1
    assert len(seen) == 9 and seen[1, 1] == pytest.approx(900 * (0.5 + 0.5 / 9), rel=0.1)


@pytest.mark.parametrize("network, layers, dense", [("resnet9", 7, {"stem.conv", "classifier"}),
                                                    ("vit", 8, {"embed", "classifier"})])  # fmt: skip
def test_networks_leave_the_first_and_the_last_layer_dense(network, layers, dense):
    before = torch.random.get_rng_state()
    model = build(network, CLASSES, 3)
    assert torch.equal(before, torch.random.get_rng_state())
    prunable = nm_layers(model)
    gemms = {name for name, layer in model.named_modules() if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear))}
    assert len(prunable) == layers and gemms - set(prunable) == dense
    assert all(size % 16 == 0 for layer in prunable.values() for size in layer.weight.shape[:2])
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, CLASSES)
    twin, other = build(network, CLASSES, 3), build(network, CLASSES, 4)
    key = next(iter(prunable))
    assert torch.equal(nm_layers(twin)[key].weight, prunable[key].weight)
    assert not torch.equal(nm_layers(other)[key].weight, prunable[key].weight)
    with pytest.raises(InputError, match="network"):
        build("vgg", CLASSES, 0)


@pytest.mark.parametrize("network", ["resnet9", "vit"])
def test_equal_seeds_give_equal_weights(network, few):
    first, again, other = (train(training(network, seed=seed), few) for seed in (1, 1, 2))
    for name, layer in nm_layers(first.model).items():
        assert torch.equal(layer.weight, nm_layers(again.model)[name].weight)
        assert not torch.equal(layer.weight, nm_layers(other.model)[name].weight)
    assert (first.accuracy, first.loss) == (again.accuracy, again.loss) and first.loss != other.loss


@pytest.mark.parametrize("method", ["dense", "sr-ste", "sdgp", "bdwp", "decay", "asp"])
def test_every_method_learns_and_ends_as_it_says(method, few):
    ratio = DENSE if method == "dense" else Ratio(2, 8)
    done, epochs = [], []
    for length in (1, 12):
        plan = Training(network="vit", method=method, ratio=ratio, seed=0, epochs=length)
        done.append(train(plan, few, lambda k, of: epochs.append((k, of))))
    assert done[1].loss < 0.9 * done[0].loss and done[1].train_accuracy > 0.3  # chance is 0.1
    assert epochs == [(1, 1)] + [(k + 1, 12) for k in range(12)]
    for name, layer in nm_layers(done[1].model).items():
        operands = layer.operands()
        forward, backward = operands.forward.numpy(), operands.backward.numpy()
        if method in ("sr-ste", "bdwp", "decay", "asp"):
            check_nm(forward, ratio, FF_AXIS, name)
        else:
            assert np.count_nonzero(forward) == forward.size
        if method in ("sdgp", "bdwp"):
            check_nm(backward, ratio, BP_AXIS, name)
        if method == "asp":
            assert np.count_nonzero(layer.weight.detach().numpy()) <= layer.weight.numel() // 4
        elif method != "dense":
            assert np.count_nonzero(layer.weight.detach().numpy()) == layer.weight.numel()
            assert not np.array_equal(*masks(layer))


def test_a_diverging_training_says_so(few, monkeypatch):
    wild = Recipe(optimizer="sgd", rate=1e30, weight_decay=0.0, epochs=2)
    monkeypatch.setitem(RECIPES, "vit", wild)
    with pytest.raises(InputError, match="vit dense 1:1 seed 0: wanted a training that converges, got a loss of nan"):
        train(Training(network="vit", method="dense", ratio=DENSE, seed=0), few)
    with pytest.raises(InputError, match=r"vit bdwp 2:8 seed 0: blocks.0.qkv: wanted numbers, got NaN at \(0, 0\)"):
        train(Training(network="vit", method="bdwp", ratio=Ratio(2, 8), seed=0), few)


def test_accuracy_counts_right_answers():
    model = torch.nn.Flatten()
    images = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]].reshape(5, 1, 2, 2)
    assert accuracy(model, images, np.array([0, 1, 2, 0, 1])) == 3 / 5
