"""Writes a workload layer by layer, tracking shapes, so that the zoo reads like the tables of the papers.

``Features`` is a feature map (NCHW), ``Tokens`` a sequence of vectors; both know which operator made them (None = the
network's input). Every method appends operators and returns the result's shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import InputError
from .geometry import ConvGeometry, need_int, same_padding
from .graph import Operator, Workload


@dataclass(frozen=True)
class Features:
    """Shape and maker of a feature map (NCHW elements)."""

    maker: str | None
    batch: int
    channels: int
    height: int
    width: int

    @property
    def elements(self) -> int:
        """Number of elements."""
        return self.batch * self.channels * self.height * self.width

    @property
    def sources(self) -> tuple[str, ...]:
        """The maker as the ``inputs`` of an operator."""
        return () if self.maker is None else (self.maker,)


@dataclass(frozen=True)
class Tokens:
    """Shape and maker of ``batch`` sequences of ``sequence`` vectors of ``width`` elements."""

    maker: str | None
    batch: int
    sequence: int
    width: int

    @property
    def rows(self) -> int:
        """GEMM rows: tokens over the whole batch."""
        return self.batch * self.sequence

    @property
    def elements(self) -> int:
        """Number of elements."""
        return self.rows * self.width

    @property
    def sources(self) -> tuple[str, ...]:
        """The maker as the ``inputs`` of an operator."""
        return () if self.maker is None else (self.maker,)


class NetworkBuilder:
    """Appends operators and keeps their shapes; ``build()`` gives the checked ``Workload``."""

    def __init__(self, name: str):
        self.name = name
        self.operators: list[Operator] = []

    def build(self) -> Workload:
        """The workload written so far."""
        return Workload(name=self.name, operators=tuple(self.operators))

    def image(self, batch: int, height: int, width: int, channels: int = 3) -> Features:
        """The input of a network on images."""
        for field, value in (("batch", batch), ("height", height), ("width", width), ("channels", channels)):
            need_int(f"{self.name}: {field}", value)
        return Features(None, batch, channels, height, width)

    def conv(
        self, name: str, x: Features, channels: int, kernel: int = 3, *, stride: int = 1,
        padding: int | tuple[int, int, int, int] | str | None = None, groups: int = 1, activation: str = "none",
    ) -> Features:  # fmt: skip
        """A convolution; ``padding`` None = (kernel - 1) // 2 on all sides, ``"same"`` = TensorFlow's, or given."""
        if padding == "same":
            sides = same_padding(x.height, x.width, (kernel, kernel), (stride, stride))
        elif isinstance(padding, tuple):
            sides = padding
        elif padding is None or isinstance(padding, int):
            sides = ((kernel - 1) // 2 if padding is None else padding,) * 4
        else:
            raise InputError(f"{name}: padding", '"same", an int, 4 ints or None', padding)
        geometry = ConvGeometry(
            in_channels=x.channels, out_channels=channels, height=x.height, width=x.width, kernel=(kernel, kernel),
            stride=(stride, stride), padding=sides, groups=groups, batch=x.batch,
        )  # fmt: skip
        self.operators.append(Operator.of_conv(name, geometry, inputs=x.sources, activation=activation))
        return Features(name, x.batch, channels, geometry.out_height, geometry.out_width)

    def depthwise(
        self, name: str, x: Features, kernel: int = 3, *, stride: int = 1,
        padding: int | tuple[int, int, int, int] | str | None = None, activation: str = "none",
    ) -> Features:  # fmt: skip
        """A depthwise convolution: one group per channel."""
        return self.conv(
            name, x, x.channels, kernel, stride=stride, padding=padding, groups=x.channels, activation=activation
        )

    def pool(self, name: str, x: Features, kernel: int, *, stride: int | None = None, padding: int = 0) -> Features:
        """Pooling without MACs; ``stride`` defaults to ``kernel``."""
        step = stride or kernel
        height, width = ((size + 2 * padding - kernel) // step + 1 for size in (x.height, x.width))
        if height < 1 or width < 1:
            raise InputError(f"{name}: kernel", f"a kernel that fits {x.height} x {x.width}", kernel)
        out = replace(x, maker=name, height=height, width=width)
        self.traffic(name, x.sources, x.elements, out.elements)
        return out

    def global_pool(self, name: str, x: Features) -> Tokens:
        """Average over all pixels: one token of ``channels`` per image."""
        self.traffic(name, x.sources, x.elements, x.batch * x.channels)
        return Tokens(name, x.batch, 1, x.channels)

    def flatten(self, x: Features) -> Tokens:
        """One token per image from all its elements; moves nothing."""
        return Tokens(x.maker, x.batch, 1, x.channels * x.height * x.width)

    def add(self, name: str, a: Features, b: Features) -> Features:
        """Element-wise sum of two feature maps of one shape."""
        if replace(a, maker=None) != replace(b, maker=None):
            raise InputError(f"{name}: shapes", "two equal shapes", f"{a} and {b}")
        self.traffic(name, a.sources + b.sources, 2 * a.elements, a.elements)
        return replace(a, maker=name)

    def linear(self, name: str, x: Tokens, width: int, *, activation: str = "none") -> Tokens:
        """A matrix of weights applied to every token."""
        op = Operator(
            name=name, kind="linear", m=x.rows, k=x.width, n=width, inputs=x.sources, activation=activation
        )
        self.operators.append(op)
        return replace(x, maker=name, width=width)

    def token_traffic(self, name: str, *xs: Tokens) -> Tokens:
        """A norm, activation, sum or product of tokens: reads all, writes one of the last one's shape."""
        sources = tuple(source for x in xs for source in x.sources)
        self.traffic(name, sources, sum(x.elements for x in xs), xs[-1].elements)
        return replace(xs[-1], maker=name)

    def traffic(self, name: str, inputs: tuple[str, ...], read: int, written: int) -> None:
        """An operator without MACs that reads and writes elements."""
        op = Operator(name=name, kind="traffic", inputs=inputs, input_elements=read, output_elements=written)
        self.operators.append(op)

    def attention(self, name: str, q: Tokens, k: Tokens, v: Tokens, heads: int, *, context: int = 0) -> Tokens:
        """Scaled dot product of ``heads`` heads: scores, softmax, values; groups = batch x heads.

        ``context`` earlier tokens come from a cache of keys and values (read as operands, made by no operator).
        Products that a causal mask throws away are counted as MACs.
        """
        need_int(f"{name}: context", context, 0)
        if q.width % heads:
            raise InputError(f"{name}: heads", f"a divisor of the width {q.width}", heads)
        groups, depth, keys = q.batch * heads, q.width // heads, context + k.sequence
        scores = Operator(
            name=f"{name}.scores", kind="matmul", m=q.sequence, k=depth, n=keys, groups=groups,
            inputs=q.sources + k.sources,
        )  # fmt: skip
        cells = scores.output_elements
        self.operators.append(scores)
        self.traffic(f"{name}.softmax", (scores.name,), cells, cells)
        values = Operator(
            name=f"{name}.values", kind="matmul", m=q.sequence, k=keys, n=depth, groups=groups,
            inputs=(f"{name}.softmax", *v.sources),
        )  # fmt: skip
        self.operators.append(values)
        return replace(q, maker=values.name)
