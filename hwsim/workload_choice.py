"""Where a workload comes from, as an experiment says it: one source and its parameters, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError

LARGEST_RANK = 1 << 31
"""Largest M, K, N and number of groups of a GEMM that is given by its shape."""


@dataclass(frozen=True)
class Gemm:
    """Shape of a matrix product, ``groups`` times, written ``MxKxN`` or ``MxKxNxgroups``."""

    m: int
    k: int
    n: int
    groups: int = 1

    @classmethod
    def parse(cls, text: str) -> Gemm:
        """Shape of ``"1024x1024x1024"``; `InputError` for anything else."""
        parts = text.lower().replace("×", "x").split("x")
        legal = all(part.strip().isascii() and part.strip().isdigit() and len(part) < 20 for part in parts)
        if not legal or len(parts) not in (3, 4):
            raise InputError("gemm", "MxKxN, such as 1024x1024x1024", text)
        sizes = [int(part) for part in parts]
        for rank, size in zip("MKNG", sizes, strict=False):
            in_range(f"gemm {rank}", size, 1, LARGEST_RANK)
        return cls(*sizes)

    def __str__(self) -> str:
        ranks = f"{self.m}x{self.k}x{self.n}"
        return ranks if self.groups == 1 else f"{ranks}x{self.groups}"


@dataclass(frozen=True, kw_only=True)
class Dims(Configuration):
    """Values of the dimensions that an ONNX file leaves open: a table of names and sizes."""

    sizes: tuple[tuple[str, int], ...] = ()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], place: str = "") -> Self:
        """From a table ``{batch = 1}``."""
        if not isinstance(mapping, Mapping):
            raise InputError(place or "dims", "a table of dimension names and sizes", mapping)
        for name, size in mapping.items():
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise InputError(f"{place}.{name}", "an integer of at least 1", size)
        return cls(sizes=tuple(mapping.items()))

    def to_mapping(self) -> dict[str, Any]:
        """The table."""
        return dict(self.sizes)


_SOURCES: dict[str, tuple[str, ...]] = {
    "zoo": ("batch", "resolution", "classes", "sequence", "context"),
    "network": ("batch", "sequence"),
    "onnx": ("unsupported", "dims"),
    "scalesim": (),
    "weights": ("layer", "m_rows", "layout"),
    "gemm": (),
}


@dataclass(frozen=True, kw_only=True)
class WorkloadChoice(Configuration):
    """Where the workload comes from: exactly one of the first six fields, and the parameters that go with it."""

    zoo: str | None = None  # name of a network of the zoo
    network: Literal["efficientnet-lite0", "minilm"] | None = None  # real trained weights
    onnx: str | None = None  # path
    scalesim: str | None = None  # path of a topology (.csv)
    weights: str | None = None  # path: .npy, .npz, .safetensors
    gemm: Gemm | None = None
    batch: int | None = None
    resolution: int | None = None  # pixels
    classes: int | None = None
    sequence: int | None = None  # tokens
    context: int | None = None  # tokens
    unsupported: Literal["refuse", "traffic"] | None = None  # operators that are not known
    dims: Dims | None = None
    layer: str | None = None  # array of the file; default: all
    m_rows: int | None = None  # rows of A for each matrix
    layout: Literal["nk", "kn"] | None = None  # order of 2-D arrays, (out, in) or (in, out)

    def check(self) -> None:
        """Refuse no source or two, and parameters of another source."""
        given = [name for name in _SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise InputError("", f"one of {', '.join(_SOURCES)}", " and ".join(given) or "none")
        allowed = _SOURCES[given[0]]
        for name in sorted({name for names in _SOURCES.values() for name in names}):
            value = getattr(self, name)
            if value is not None and name not in allowed:
                wanted = f"only {', '.join(allowed)} with {given[0]}" if allowed else f"no parameters with {given[0]}"
                raise InputError(name, wanted, value)
            if isinstance(value, int):
                in_range(name, value, 0 if name == "context" else 1, LARGEST_RANK)
        if self.weights is not None and self.m_rows is None:
            raise InputError("m_rows", "the number of rows of A (m_rows = 256, --m-rows 256)", "nothing")

    @property
    def source(self) -> str:
        """Name of the field that says where the workload comes from."""
        return next(name for name in _SOURCES if getattr(self, name) is not None)

    def parameters(self, *names: str) -> dict[str, Any]:
        """Those of the named parameters that were given."""
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}
