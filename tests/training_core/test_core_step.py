"""The step's values against a judge of its own, and what cannot be a step."""

import numpy as np
import pytest
from core_steps import PARAMETERS, SMALL, perceptron

from hwsim.errors import InputError
from hwsim.floats import FORMATS, round_to, to_float32
from hwsim.nm_array.program import Tiling
from hwsim.sparsity.nm import check_nm, encode_nm, nm_mask
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.training_core.config import TrainingCoreConfig
from hwsim.training_core.step import run_step
from hwsim.training_core.work import Layer, Task

FMT = FORMATS["fp16"]


def judged(layers, task):
    """The same step in float64 and with masks by `nm_mask`: new weights and momentum by layer, last layer first."""
    p = task.parameters
    hidden, masks = [to_float32(task.x, FMT).astype(float)], []
    for number, layer in enumerate(layers):
        w = to_float32(round_to(FMT, layer.weight), FMT)
        masks.append((nm_mask(w, layer.ratio, 0), nm_mask(w, layer.ratio, 1), w.astype(float)))
        z = hidden[-1] @ np.where(masks[-1][0], w, 0)
        hidden.append(np.maximum(z, 0) if number < len(layers) - 1 else z)
    gradient, found = (hidden[-1] - task.target) / len(task.x), []
    for number in reversed(range(len(layers))):
        layer, (forward, backward, w) = layers[number], masks[number]
        momentum = p.momentum * layer.momentum + hidden[number].T @ gradient + layer.weight * (
            p.weight_decay + p.sparse_decay * ~forward)
        found.append((layer.weight - p.learning_rate * momentum, momentum))
        gradient = (gradient @ np.where(backward, w, 0).T) * (hidden[number] > 0)
    return found


@pytest.mark.parametrize(("sizes", "batch", "ratio"), [((8, 12, 5), 6, "2:4"), ((7, 9, 4, 3), 3, "2:4"),
                                                       ((6, 5), 4, "1:1")])
def test_a_step_is_sgd_with_both_masks(sizes, batch, ratio):
    layers, task = perceptron(SMALL, sizes, batch, seed=sum(sizes), ratio=ratio)
    step = run_step(SMALL, layers, task)
    for trained, (weight, momentum) in zip(step.trained, judged(layers, task), strict=True):
        np.testing.assert_allclose(trained.weight, weight, rtol=5e-3, atol=2e-3)
        np.testing.assert_allclose(trained.momentum, momentum, rtol=2e-2, atol=1e-2)
        assert np.abs(trained.weight - weight).max() > 0  # another arithmetic: they cannot be the same numbers


def test_exactly_the_weights_that_ff_does_not_use_decay_more():
    """A decay that changes dropped weights by half of themselves, beside none."""
    sizes, off = (13, 10, 6), 2.0**-20
    layers, task = perceptron(SMALL, sizes, 5, seed=5, parameters=PARAMETERS.replace(sparse_decay=0.5))
    plain = Task(x=task.x, target=task.target, parameters=PARAMETERS.replace(sparse_decay=0.0))
    more, less = (run_step(SMALL, layers, each).trained for each in (task, plain))
    for layer, decayed, kept in zip(reversed(layers), more, less, strict=True):
        used = nm_mask(to_float32(round_to(FMT, layer.weight).astype(np.uint16), FMT), layer.ratio, 0)
        assert used.any() and not used.all()
        wanted = np.where(used, 0, 0.5 * layer.weight)
        np.testing.assert_allclose(decayed.momentum - kept.momentum, wanted, rtol=1e-4, atol=off)


def test_the_new_masks_are_those_of_the_new_weights():
    layers, task = perceptron(SMALL, (13, 10, 6), 5, seed=3)
    for trained in run_step(SMALL, layers, task).trained:
        bits = round_to(FMT, trained.weight).astype(np.uint16)
        new = to_float32(bits, FMT)
        for code, axis in ((trained.forward, 0), (trained.backward, 1)):
            kept = np.where(nm_mask(new, Ratio(2, 4), axis), new, 0)
            assert (to_float32(code.decode(), FMT) == kept).all()
            check_nm(kept, Ratio(2, 4), axis)
            assert (encode_nm(kept, Ratio(2, 4), axis).values != 0).sum() == (code.values != 0).sum()


def test_the_order_of_the_sums_does_not_change_what_is_trained_much_and_the_update_takes_whole_slices():
    layers, task = perceptron(SMALL, (9, 11, 7), 6, seed=4)
    ws = {(kind, n): Tiling(beats=3, order="mn", dataflow="ws") for kind in ("FF", "BP", "WU") for n in range(2)}
    plain, other = run_step(SMALL, layers, task), run_step(SMALL, layers, task, ws)
    for a, b in zip(plain.trained, other.trained, strict=True):
        np.testing.assert_allclose(a.weight, b.weight, rtol=1e-3, atol=1e-3)
        assert a.update.beats == b.update.beats == a.weight.shape[0] * -(-a.weight.shape[1] // SMALL.cols)
    assert {gemm.program.dataflow for gemm in other.gemms} == {"ws"}


def test_training_lowers_the_loss():
    layers, task = perceptron(SMALL, (12, 16, 4), 16, seed=8)
    loss = []
    for _ in range(12):
        step = run_step(SMALL, layers, task)
        loss.append(float(((to_float32(step.outputs, FMT) - task.target) ** 2).mean()))
        layers = [Layer(weight=t.weight, momentum=t.momentum, ratio=layer.ratio)
                  for t, layer in zip(reversed(step.trained), layers, strict=True)]
    assert loss[-1] < 0.6 * loss[0], loss


def test_what_is_no_step_is_refused():
    layers, task = perceptron(SMALL, (8, 12, 5), 6, seed=1)
    bad = layers[0].weight.copy()
    bad[3, 2] = np.nan
    with pytest.raises(InputError, match=r"weight: wanted numbers, got NaN at \(3, 2\)"):
        Layer(weight=bad, momentum=layers[0].momentum, ratio=DENSE)
    with pytest.raises(InputError, match="ratio: wanted one of 1:1, 2:4, got 1:4"):
        run_step(SMALL, [Layer(weight=layers[0].weight, momentum=layers[0].momentum, ratio=Ratio(1, 4))], task)
    with pytest.raises(InputError, match="layers: wanted at least one"):
        run_step(SMALL, [], task)
    with pytest.raises(InputError, match="layer 0: wanted 8 inputs, got 12"):
        run_step(SMALL, layers[1:], task)
    with pytest.raises(InputError, match="target: wanted float32 of shape"):
        run_step(SMALL, layers, Task(x=task.x, target=task.target[:3], parameters=PARAMETERS))
    with pytest.raises(InputError, match="cols: wanted a multiple of the largest M"):
        TrainingCoreConfig(cols=6, ratios=("2:4",))
    for depth in (0, 1):  # not the array's queue; SORE wants room for N
        with pytest.raises(InputError, match=f"vector_depth: wanted [12] to 65536, got {depth}"):
            TrainingCoreConfig(cols=8, ratios=("2:8",), vector_depth=depth)
