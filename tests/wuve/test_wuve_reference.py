"""Values of WUVE against plain NumPy SGD, against the same operations in NumPy's own FP32, and against PyTorch."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.floats import BF16, FORMATS, FP16, round_to, to_float32
from hwsim.wuve.config import WuveConfig
from hwsim.wuve.reference import reference
from hwsim.wuve.update import Hyperparameters, Update, update_of
from rtl.wuve.cases import VALUES, draw_update

SGD = {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 5e-4, "gradient_scale": 2.0**-10}


def in_float32(update):
    """The stated operations in NumPy's FP32, one by one: an independent judge of `hwsim.floats` and of their order."""
    f32, given = np.float32, update.parameters
    with np.errstate(all="ignore"):
        gradient = to_float32(update.gradient, update.config.format) * f32(given.gradient_scale)
        factor = np.where(update.dropped, f32(given.weight_decay + given.sparse_decay), f32(given.weight_decay))
        momentum = f32(given.momentum) * update.momentum + (gradient + update.weight * factor)
        weight = update.weight - f32(given.learning_rate) * momentum
    return weight, momentum


def same(mine, judge):
    """Equal bits, but for the bits of NaNs, which must be canonical."""
    nan = np.isnan(judge)
    np.testing.assert_array_equal(np.isnan(mine), nan)
    assert (mine.view(np.uint32)[nan] == 0x7FC00000).all()
    np.testing.assert_array_equal(mine.view(np.uint32)[~nan], judge.view(np.uint32)[~nan])


@pytest.mark.parametrize("data_type", ["fp16", "bf16"])
@pytest.mark.parametrize("kind", sorted(set(VALUES)))
def test_the_stated_operations_one_by_one(data_type, kind):
    rng = np.random.default_rng([len(data_type), len(kind)])
    for _ in range(10):
        update = draw_update(kind, WuveConfig(lanes=16, data_type=data_type), 50, rng)
        found = reference(update)
        weight, momentum = in_float32(update)
        same(found.momentum, momentum)
        same(found.weight, weight)
        np.testing.assert_array_equal(found.compute, round_to(FORMATS[data_type], found.weight))
    if data_type == "fp16":  # NumPy rounds to half precision itself
        with np.errstate(over="ignore"):
            half = found.weight.astype(np.float16).view(np.uint16)
        number = ~np.isnan(found.weight)
        np.testing.assert_array_equal(found.compute[number], half[number])


def steps(config, parameters, count, size=512, seed=3):
    """Several updates of one tensor: gradients by step (count, size), and (weights, momenta) after each."""
    rng = np.random.default_rng(seed)
    weight, momentum = rng.normal(0, 0.05, size).astype(np.float32), np.zeros(size, np.float32)
    gradients, dropped, after = [], rng.random(size) < 0.5, [(weight, momentum)]
    for _ in range(count):
        bits = round_to(config.format, rng.normal(0, 1, size).astype(np.float32)).astype(np.uint16)
        update = update_of(config, parameters, bits, *after[-1], dropped)
        found = reference(update)
        after.append((found.weight.reshape(-1)[:size].copy(), found.momentum.reshape(-1)[:size].copy()))
        gradients.append(to_float32(bits, config.format))
    return gradients, dropped, after


@pytest.mark.parametrize("data_type", ["fp16", "bf16"])
def test_many_steps_follow_sgd_in_double_precision(data_type):
    """PyTorch's formula with SR-STE's term, in float64: after 20 steps the roundings have moved weights by < 1e-6."""
    parameters = Hyperparameters(**SGD, sparse_decay=2e-4)
    gradients, dropped, after = steps(WuveConfig(lanes=7, data_type=data_type), parameters, 20)
    weight, momentum = after[0][0].astype(np.float64), np.zeros(len(dropped))
    for gradient in gradients:
        total = gradient * parameters.gradient_scale + (parameters.weight_decay
                                                        + parameters.sparse_decay * dropped) * weight
        momentum = parameters.momentum * momentum + total
        weight = weight - parameters.learning_rate * momentum
    np.testing.assert_allclose(after[-1][0], weight, rtol=0, atol=1e-6)
    assert np.abs(after[-1][0] - after[0][0]).max() > 1e-3


def test_dropped_weights_decay_more():
    parameters = Hyperparameters(learning_rate=1.0, sparse_decay=0.25)
    weight = np.full(4, 2.0, np.float32)
    zeros = np.zeros(4, np.float32)
    update = update_of(WuveConfig(lanes=4), parameters, zeros.astype(np.uint16), weight, zeros,
                       np.array([True, False, True, False]))
    assert reference(update).weight.tolist() == [[1.5, 2.0, 1.5, 2.0]]
    assert to_float32(reference(update).compute, FP16).tolist() == [[1.5, 2.0, 1.5, 2.0]]


def test_nan_and_infinity_go_through():
    config = WuveConfig(lanes=3)
    gradient = np.array([[FP16.infinity, FP16.nan | 0x8000, 0]], np.uint16)
    ones = np.ones((1, 3), np.float32)
    found = reference(Update(config=config, parameters=Hyperparameters(learning_rate=1.0), gradient=gradient,
                             weight=ones, momentum=ones * 0, dropped=np.zeros((1, 3), bool)))
    assert found.weight.view(np.uint32).tolist() == [[0xFF800000, 0x7FC00000, 0x3F800000]]
    assert found.compute.tolist() == [[0xFC00, FP16.nan, 0x3C00]]


def test_flushing_removes_subnormal_results():
    config = WuveConfig(lanes=1, flush=True)
    tiny = np.full((1, 1), 1e-39, np.float32)
    found = reference(Update(config=config, parameters=Hyperparameters(learning_rate=0.0), weight=tiny, momentum=tiny,
                             gradient=np.zeros((1, 1), np.uint16), dropped=np.zeros((1, 1), bool)))
    assert found.weight.item() == 0 == found.momentum.item()


@pytest.mark.slow
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_pytorch_takes_the_same_steps(momentum):
    """``torch.optim.SGD``: FP32 too, but its roundings stand in another order (and may be fused)."""
    torch = pytest.importorskip("torch")
    parameters = Hyperparameters(**SGD | {"momentum": momentum})
    gradients, _, after = steps(WuveConfig(lanes=8), parameters, 10)
    weight = torch.nn.Parameter(torch.from_numpy(after[0][0].copy()))
    optimizer = torch.optim.SGD([weight], lr=parameters.learning_rate, momentum=momentum,
                                weight_decay=parameters.weight_decay)
    for gradient, (mine, _) in zip(gradients, after[1:], strict=True):
        weight.grad = torch.from_numpy(gradient * np.float32(parameters.gradient_scale))
        optimizer.step()
        np.testing.assert_allclose(mine, weight.detach().numpy(), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(("fields", "place"), [
    ({"learning_rate": -1}, "learning_rate"), ({"learning_rate": float("nan")}, "learning_rate"),
    ({"momentum": 1e39}, "momentum"), ({"weight_decay": 3e38, "sparse_decay": 3e38}, "weight_decay"),
    ({"gradient_scale": 0}, "gradient_scale"), ({"decay": 1}, "Hyperparameters")])
def test_hyperparameters_that_are_refused(fields, place):
    with pytest.raises(InputError, match=place):
        Hyperparameters.from_mapping({"learning_rate": 0.1, **fields})


def test_a_scale_must_be_exact_in_sixteen_bits():
    for scale, fmt, good in ((2.0**-24, FP16, True), (2.0**-25, FP16, False), (0.1, FP16, False), (1e6, FP16, False),
                             (2.0**-100, BF16, True), (257.0, BF16, False)):
        parameters = Hyperparameters(learning_rate=0.1, gradient_scale=scale)
        if good:
            assert to_float32(np.uint16(parameters.scale_bits(fmt)), fmt) == scale
        else:
            with pytest.raises(InputError, match=f"gradient_scale: wanted a number that {fmt.name} holds exactly"):
                parameters.scale_bits(fmt)


def test_tensors_that_do_not_fit_are_refused():
    config, parameters = WuveConfig(lanes=4, most_beats=2), Hyperparameters(learning_rate=0.1)
    zeros, bits = np.zeros((3, 2), np.float32), np.zeros((3, 2), np.uint16)
    assert update_of(config, parameters, bits, zeros, zeros).beats == 2
    nine = np.zeros(9, np.float32)
    for arrays in ((bits[:2], zeros, zeros), (bits, zeros, zeros[:, :1]), (bits.astype(np.int16), zeros, zeros),
                   (bits, zeros.astype(np.float64), zeros), (nine.astype(np.uint16), nine, nine),
                   (bits[:0], zeros[:0], zeros[:0])):
        with pytest.raises(InputError):
            update_of(config, parameters, *arrays)
