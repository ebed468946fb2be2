"""Transformers of the zoo. Attention products are ``matmul`` operators with groups = batch x heads.

Only shapes: no weights. Biases, norm parameters and positions add no MACs. Causal masks save nothing here: the
products they throw away are counted.
"""

from __future__ import annotations

from .builder import NetworkBuilder, Tokens
from .geometry import need_int
from .graph import Workload


def encoder_layer(
    net: NetworkBuilder, place: str, x: Tokens, heads: int, hidden: int, *, pre_norm: bool, context: int = 0
) -> Tokens:
    """One layer of queries, keys, values, attention, projection and a GELU MLP, with its norms and sums."""
    y = net.token_traffic(f"{place}.norm1", x) if pre_norm else x
    q, k, v = (net.linear(f"{place}.{part}", y, x.width) for part in ("query", "key", "value"))
    y = net.attention(f"{place}.attention", q, k, v, heads, context=context)
    y = net.linear(f"{place}.projection", y, x.width)
    x = net.token_traffic(f"{place}.add1", x, y)
    if not pre_norm:
        x = net.token_traffic(f"{place}.norm1", x)
    y = net.token_traffic(f"{place}.norm2", x) if pre_norm else x
    y = net.linear(f"{place}.mlp1", y, hidden, activation="gelu")
    y = net.linear(f"{place}.mlp2", y, x.width)
    x = net.token_traffic(f"{place}.add2", x, y)
    return x if pre_norm else net.token_traffic(f"{place}.norm2", x)


def vit_b16(batch: int = 1, resolution: int = 224, classes: int = 1000) -> Workload:
    """ViT-B/16 (Dosovitskiy et al., ICLR 2021, table 1): 12 layers of 768, 12 heads, MLP 3072, one class token."""
    net = NetworkBuilder("vit_b16")
    patches = net.conv("patches", net.image(batch, resolution, resolution), 768, 16, stride=16, padding=0)
    tokens = patches.height * patches.width + 1
    x = net.token_traffic("positions", Tokens(patches.maker, batch, tokens, 768))
    for layer in range(12):
        x = encoder_layer(net, f"layer{layer}", x, 12, 3072, pre_norm=True)
    x = net.token_traffic("norm", x)
    net.linear("head", Tokens(x.maker, batch, 1, 768), classes)
    return net.build()


def _embedded(net: NetworkBuilder, batch: int, sequence: int, width: int) -> Tokens:
    need_int(f"{net.name}: batch", batch)
    need_int(f"{net.name}: sequence", sequence)
    return net.token_traffic("embedding", Tokens(None, batch, sequence, width))


def bert_base(batch: int = 1, sequence: int = 128) -> Workload:
    """BERT-base (Devlin et al., 2019): 12 layers of 768, 12 heads, MLP 3072; with the pooler, without a task's head."""
    net = NetworkBuilder("bert_base")
    x = net.token_traffic("embedding.norm", _embedded(net, batch, sequence, 768))
    for layer in range(12):
        x = encoder_layer(net, f"layer{layer}", x, 12, 3072, pre_norm=False)
    net.linear("pooler", Tokens(x.maker, batch, 1, 768), 768, activation="tanh")
    return net.build()


def gpt2_small(batch: int = 1, sequence: int = 1024, context: int = 0) -> Workload:
    """GPT-2 small (Radford et al., 2019): 12 layers of 768, 12 heads, MLP 3072, vocabulary 50257 (head on all tokens).

    ``sequence`` new tokens after ``context`` cached ones: prefill (1024, 0), decode (1, context).
    """
    net = NetworkBuilder("gpt2_small")
    x = _embedded(net, batch, sequence, 768)
    for layer in range(12):
        x = encoder_layer(net, f"layer{layer}", x, 12, 3072, pre_norm=True, context=context)
    net.linear("head", net.token_traffic("norm", x), 50257)
    return net.build()


def llama2_7b_layer(batch: int = 1, sequence: int = 512, context: int = 0) -> Workload:
    """One decoder layer of LLaMA2-7B (Touvron et al., 2023): width 4096, 32 heads, gated SiLU MLP of 11008.

    ``sequence`` new tokens after ``context`` cached ones: prefill (512, 0), decode (1, context). The model has 32.
    """
    net = NetworkBuilder("llama2_7b_layer")
    need_int("llama2_7b_layer: batch", batch)
    need_int("llama2_7b_layer: sequence", sequence)
    x = Tokens(None, batch, sequence, 4096)
    y = net.token_traffic("norm1", x)
    q, k, v = (net.linear(part, y, 4096) for part in ("query", "key", "value"))
    q, k = net.token_traffic("rotate_query", q), net.token_traffic("rotate_key", k)
    y = net.linear("projection", net.attention("attention", q, k, v, 32, context=context), 4096)
    x = net.token_traffic("add1", x, y)
    y = net.token_traffic("norm2", x)
    gate = net.linear("gate", y, 11008, activation="silu")
    y = net.token_traffic("gated", gate, net.linear("up", y, 11008))
    net.token_traffic("add2", x, net.linear("down", y, 4096))
    return net.build()
