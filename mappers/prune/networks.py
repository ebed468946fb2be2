"""Two small networks for images of 8 x 8 pixels, with the channel counts that groups of 16 divide (PyTorch).

As is common in N:M training, the first convolution (its one input channel makes no group), the patch embedding and
the classifier stay dense; all other convolutions and linear layers can be pruned. Attention products have no weights.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwsim.errors import InputError
from mappers.prune.layers import NmConv2d, NmLinear


class ConvBlock(nn.Module):
    """3 x 3 convolution without bias, batch normalisation, ReLU, and a 2 x 2 maximum where asked for."""

    def __init__(self, inputs: int, outputs: int, *, pool: bool = False, first: bool = False):
        super().__init__()
        self.conv = (nn.Conv2d if first else NmConv2d)(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """X (batch, inputs, h, w) to (batch, outputs, h, w), or half of h and w."""
        x = functional.relu(self.norm(self.conv(x)))
        return functional.max_pool2d(x, 2) if self.pool else x


class ResNet9(nn.Module):
    """ResNet-9 with 16, 32, 64 and 64 channels, and two poolings instead of four: the images are 8 x 8."""

    def __init__(self, classes: int):
        super().__init__()
        self.stem = ConvBlock(1, 16, first=True)
        self.layer1 = ConvBlock(16, 32, pool=True)
        self.res1 = nn.Sequential(ConvBlock(32, 32), ConvBlock(32, 32))
        self.layer2 = ConvBlock(32, 64, pool=True)
        self.layer3 = ConvBlock(64, 64)
        self.res3 = nn.Sequential(ConvBlock(64, 64), ConvBlock(64, 64))
        self.classifier = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        """X (batch, 1, 8, 8) to logits (batch, classes)."""
        x = self.layer1(self.stem(x))
        x = x + self.res1(x)
        x = self.layer3(self.layer2(x))
        x = x + self.res3(x)
        return self.classifier(x.amax((2, 3)))


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = NmLinear(width, 3 * width), NmLinear(width, width)
        self.up, self.down = NmLinear(width, 2 * width), NmLinear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """X (batch, tokens, width) to the same shape."""
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class ViT(nn.Module):
    """Vision transformer: 16 patches of 2 x 2 pixels, width 64, 2 blocks of 4 heads, mean of the tokens."""

    def __init__(self, classes: int, width: int = 64, blocks: int = 2, heads: int = 4):
        super().__init__()
        self.embed = nn.Conv2d(1, width, 2, stride=2)
        # As large as the embedded patches: with the usual 0.02 so few images do not teach it where a patch is.
        self.position = nn.Parameter(0.5 * torch.randn(16, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """X (batch, 1, 8, 8) to logits (batch, classes)."""
        tokens = self.embed(x).flatten(2).transpose(1, 2) + self.position
        return self.classifier(self.norm(self.blocks(tokens)).mean(1))


NETWORKS: dict[str, Callable[[int], nn.Module]] = {"resnet9": ResNet9, "vit": ViT}


def build(name: str, classes: int, seed: int) -> nn.Module:
    """A network with the initial weights of a seed; the global random state stays as it was."""
    if name not in NETWORKS:
        raise InputError("network", f"one of {', '.join(NETWORKS)}", name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return NETWORKS[name](classes)
