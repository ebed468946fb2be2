"""SCALE-Sim topology files: ``read_topology("net.csv").workload``.

Two formats, told apart by the number of columns of the header:

* convolutions: name, ifmap height, ifmap width, filter height, filter width, channels, number of filters, stride
  [, N:M sparsity];
* GEMMs: name, M, N, K [, N:M sparsity].

As SCALE-Sim reads them: the first line is a header, empty fields at the end of a line are dropped, the ifmap already
holds its padding, the output size rounds *up*, and a name with ``DP`` in it is a depthwise convolution whose filters
are per channel. The files do not say how layers are connected: operators have no ``inputs``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .geometry import ConvGeometry
from .graph import Operator, Workload

_CONV_COLUMNS = (
    "ifmap height", "ifmap width", "filter height", "filter width", "channels", "number of filters", "stride",
)  # fmt: skip
_GEMM_COLUMNS = ("M", "N", "K")


@dataclass(frozen=True, kw_only=True)
class Topology:
    """A topology file: its workload, and the N:M ratios that it gives for layers (kept, group), by operator name."""

    workload: Workload
    ratios: dict[str, tuple[int, int]]


def read_topology(path: str | Path) -> Topology:
    """Read a SCALE-Sim topology; ``InputError`` names file, line and column of what cannot be used."""
    file = Path(path)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(str(file), "an existing file", "no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(file), "a readable text file", str(error)) from None
    rows = [(number, _fields(line)) for number, line in enumerate(lines, start=1) if line.strip(" ,\t")]
    if not rows:
        raise InputError(str(file), "a header and at least one layer", "an empty file")
    columns = _columns_of(file, *rows[0])
    operators: list[Operator] = []
    ratios: dict[str, tuple[int, int]] = {}
    for number, fields in rows[1:]:
        place = f"{file}:{number}"
        name, sizes = _sizes(place, fields, columns)
        if any(op.name == name for op in operators):
            raise InputError(f"{place}:1 (name)", "a name not used before", name)
        operators.append(_gemm(name, sizes) if columns is _GEMM_COLUMNS else _conv(place, name, sizes))
        extra = [text for text in fields[len(columns) + 1 :] if text]
        if extra:
            ratios[name] = _ratio(f"{place}:{len(columns) + 2}", extra)
    if not operators:
        raise InputError(str(file), "at least one layer below the header", "a header alone")
    return Topology(workload=Workload(name=file.stem, operators=tuple(operators)), ratios=ratios)


def _fields(line: str) -> list[str]:
    fields = [text.strip() for text in line.split(",")]
    while fields and not fields[-1]:
        fields.pop()
    return fields


def _columns_of(file: Path, number: int, header: list[str]) -> tuple[str, ...]:
    if any(text.lstrip("-").isdigit() for text in header):
        raise InputError(f"{file}:{number}", "a header line of column names", ", ".join(header))
    if len(header) > len(_CONV_COLUMNS):
        return _CONV_COLUMNS
    if 4 <= len(header) <= 5:
        if [text.upper() for text in header[1:4]] != list(_GEMM_COLUMNS):
            raise InputError(f"{file}:{number}", "the columns name, M, N, K in this order", ", ".join(header))
        return _GEMM_COLUMNS
    raise InputError(f"{file}:{number}", "8 columns (convolutions) or 4 columns (GEMMs)", f"{len(header)} columns")


def _sizes(place: str, fields: list[str], columns: tuple[str, ...]) -> tuple[str, list[int]]:
    if len(fields) <= len(columns):
        raise InputError(place, f"{len(columns) + 1} fields: name, {', '.join(columns)}", f"{len(fields)} fields")
    if not fields[0]:
        raise InputError(f"{place}:1 (name)", "a name", "an empty field")
    sizes = []
    for column, (label, text) in enumerate(zip(columns, fields[1:], strict=False), start=2):
        if not (text.isascii() and text.isdigit()) or int(text) < 1:
            raise InputError(f"{place}:{column} ({label})", "an int >= 1", text or "an empty field")
        sizes.append(int(text))
    return fields[0], sizes


def _ratio(place: str, texts: list[str]) -> tuple[int, int]:
    parts = texts[0].split(":")
    if len(texts) > 1 or len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        raise InputError(f"{place} (sparsity)", "N:M or nothing", ", ".join(texts))
    kept, group = int(parts[0]), int(parts[1])
    if not 1 <= kept <= group:
        raise InputError(f"{place} (sparsity)", "N:M with 1 <= N <= M", texts[0])
    return kept, group


def _gemm(name: str, sizes: list[int]) -> Operator:
    m, n, k = sizes
    return Operator(name=name, kind="linear", m=m, k=k, n=n)


def _conv(place: str, name: str, sizes: list[int]) -> Operator:
    height, width, kh, kw, channels, filters, stride = sizes
    for column, label, size, kernel in ((4, "filter height", height, kh), (5, "filter width", width, kw)):
        if kernel > size:
            raise InputError(f"{place}:{column} ({label})", f"at most the ifmap's {size}", kernel)
    depthwise = "DP" in name
    geometry = ConvGeometry(
        in_channels=channels, out_channels=channels * filters if depthwise else filters, height=height, width=width,
        kernel=(kh, kw), stride=(stride, stride), groups=channels if depthwise else 1,
        padding=(0, 0, -(height - kh) % stride, -(width - kw) % stride),
    )  # fmt: skip
    return Operator.of_conv(name, geometry)
