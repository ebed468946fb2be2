import json

import pytest

from hwsim.errors import InputError
from hwsim.kv_workload.models import KvModel
from hwsim.workload.decoder import DecoderConfig, from_hugging_face, load_model, model_names
from hwsim.workload.decoder.hugging_face import _ZOO
from hwsim.workload.decoder.parameters import linear_weights, parameter_count

# parameters of the released checkpoints (the safetensors totals that Hugging Face shows)
PUBLISHED = {
    "llama2-7b": 6_738_415_616,
    "llama2-13b": 13_015_864_320,
    "llama-3-8b": 8_030_261_248,
    "mistral-7b": 7_241_732_096,
    "mixtral-8x7b": 46_702_792_704,
    "opt-6.7b": 6_658_473_984,
    "qwen2.5-7b": 7_615_616_512,
}


def zoo_file(name: str, **changes) -> dict:
    data = json.loads((_ZOO / f"{name}.json").read_text()) | changes
    return {key: value for key, value in data.items() if value != "left out"}


def test_parameters_are_those_of_the_released_checkpoints():
    assert {name: parameter_count(load_model(name)) for name in model_names()} == PUBLISHED


def test_shapes_survive_being_written_and_read():
    for name in model_names():
        config = load_model(name)
        assert config.name == name
        assert DecoderConfig.from_mapping(config.to_mapping()) == config


def test_defaults_are_those_of_the_library():
    plain = from_hugging_face(zoo_file("llama-3-8b", num_key_value_heads="left out", attention_bias=True), "mine")
    assert (plain.kv_heads, plain.head_dim, plain.qkv_bias, plain.out_bias) == (32, 128, True, True)
    opt = load_model("opt-6.7b")
    assert (opt.tied_embeddings, opt.norm, opt.rope, opt.learned_positions) == (True, "layer", False, 2050)
    assert from_hugging_face(zoo_file("llama2-7b", head_dim=64)).query_width == 2048
    assert load_model("qwen2.5-7b").qkv_bias and not load_model("qwen2.5-7b").out_bias


def test_a_file_is_called_by_its_folder(tmp_path):
    path = tmp_path / "my-model" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps(zoo_file("mixtral-8x7b")))
    assert load_model(path) == load_model("mixtral-8x7b").replace(name="my-model")


@pytest.mark.parametrize(("changes", "message"), [
    ({"architectures": ["GPT2LMHeadModel"]}, "architectures: wanted one of LlamaForCausalLM, .*got GPT2LMHeadModel"),
    ({"architectures": []}, "architectures: wanted one name"),
    ({"architectures": "LlamaForCausalLM"}, "architectures: wanted a list"),
    ({"architectures": "left out"}, "wanted the key 'architectures'"),
    ({"hidden_size": "left out"}, "wanted the key 'hidden_size'"),
    ({"hidden_size": None}, "wanted the key 'hidden_size'"),
    ({"hidden_size": "4096"}, "hidden_size: wanted an? int"),
    ({"hidden_size": 4096.5}, "hidden_size: wanted an? int"),
    ({"num_hidden_layers": 0}, "layers: wanted 1 to 1000"),
    ({"num_hidden_layers": 10**9}, "layers: wanted 1 to 1000"),
    ({"intermediate_size": -1}, "intermediate: wanted a number above 0"),
    ({"num_attention_heads": 33}, "num_attention_heads: wanted a divisor of hidden_size 4096"),
    ({"num_attention_heads": 0}, "num_attention_heads: wanted a divisor"),
    ({"num_key_value_heads": 5}, "kv_heads: wanted a divisor of 32"),
    ({"hidden_act": "mish"}, "hidden_act: wanted one of silu"),
    ({"head_dim": 127}, "head_dim: wanted an even number"),
    ({"attention_bias": 1}, "attention_bias: wanted true or false"),
])  # fmt: skip
def test_bad_files_give_one_clear_line(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        from_hugging_face(zoo_file("llama2-7b", **changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("model", "changes", "message"), [
    ("opt-6.7b", {"do_layer_norm_before": False}, "do_layer_norm_before"),
    ("opt-6.7b", {"word_embed_proj_dim": 512}, "word_embed_proj_dim: wanted hidden_size 4096, got 512"),
    ("qwen2.5-7b", {"use_sliding_window": True}, "use_sliding_window"),
    ("mixtral-8x7b", {"num_experts_per_tok": 9}, "experts_per_token: wanted 1 to 8"),
])  # fmt: skip
def test_what_is_not_modelled_is_refused(model, changes, message):
    with pytest.raises(InputError, match=message):
        from_hugging_face(zoo_file(model, **changes))


@pytest.mark.parametrize("text", ['{"architectures": ["Llama', "[1, 2]", "", "\ufeff{", "[" * 100_000])
def test_broken_json_is_refused(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError, match="config.json: wanted (valid JSON|a JSON object)") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_unknown_models_are_refused(tmp_path):
    with pytest.raises(InputError, match="did you mean 'llama2-7b'"):
        load_model("lama2-7b")
    with pytest.raises(InputError, match="wanted a readable JSON file, got No such file"):
        load_model(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="wanted a readable JSON file"):
        load_model(tmp_path / "bytes.json")


@pytest.mark.parametrize("name", KvModel.presets)
def test_shapes_agree_with_the_models_of_the_kv_cache(name):
    ours, theirs = load_model(name), KvModel.preset(name)
    assert sum(k * n for k, n in linear_weights(ours).values()) == theirs.read_weights
    assert (ours.layers, ours.kv_heads, ours.head_dim) == (
        theirs.shape.layers, theirs.shape.kv_heads, theirs.shape.channels)  # fmt: skip
    assert 2 * ours.kv_elements(1) == theirs.token_bytes


def test_linear_weights_are_the_matrices_of_all_layers():
    weights = linear_weights(load_model("llama2-7b"))
    assert len(weights) == 32 * 7 + 1
    assert weights["layers.31.down_proj"] == (11008, 4096) and weights["lm_head"] == (4096, 32000)
    mixtral = linear_weights(load_model("mixtral-8x7b"))
    assert len(mixtral) == 32 * (4 + 8 * 3) + 1 and mixtral["layers.0.expert7.up_proj"] == (4096, 14336)
