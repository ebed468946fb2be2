"""The comparison of ``hwsim formats`` as plain data and as text."""

from __future__ import annotations

from typing import Any

from hwsim.sparsity.formats import break_even, density_formats, formats_table
from hwsim.sparsity.registry import FORMATS

Rows = list[dict[str, Any]]


def comparison(densities: list[float], value_bits: int, shape: tuple[int, int], seed: int) -> tuple[Rows, Rows]:
    """(measured sizes, break-even densities against dense and against mustafar), as plain data."""
    rows = [
        {
            "format": row.format,
            "density": row.density,
            "bits_per_element": row.bits_per_element,
            "bytes_per_element": row.bits_per_element / 8,
            "ratio_to_dense": row.ratio_to_dense,
            "bits": row.bits.total,
        }
        for row in formats_table(densities, value_bits, shape, seed)
    ]
    crossings = [
        {
            "format": one.name,
            "dense": break_even(one.name, "dense", value_bits, shape),
            "mustafar": break_even(one.name, "mustafar", value_bits, shape),
        }
        for one in density_formats()
        if one.name != "dense"
    ]
    return rows, crossings


def table(rows: Rows, crossings: Rows, value_bits: int, shape: tuple[int, int]) -> str:
    """Bytes per element by format and density, with the densities up to which a format is smaller."""
    names = [one.name for one in density_formats()]
    measured = {name: [row for row in rows if row["format"] == name] for name in names}
    columns = range(len(measured["dense"]))
    densities = [measured["bitmap"][k]["density"] for k in columns]
    limits = {row["format"]: row for row in crossings}
    head = "".join(f"{density:>9.4g}" for density in densities)
    lines = [
        f"{value_bits}-bit values, K x N = {shape[0]} x {shape[1]}: bytes per element at each density,",
        "and the densities up to which a format is no larger than dense and than mustafar",
        "",
        f"{'format':<11}{head} {'dense':>8} {'mustafar':>9}  what",
    ]
    for name in names:
        numbers = "".join(f"{measured[name][k]['bytes_per_element']:>9.4f}" for k in columns)
        ends = [_limit(limits[name][other]) if name in limits else "" for other in ("dense", "mustafar")]
        one = FORMATS[name]
        lines.append(f"{name:<11}{numbers} {ends[0]:>8} {ends[1]:>9}  {one.title} ({one.source})")
    lines += ["", "N:M at their own densities", f"{'ratio':<11}{'density':>9}{'bytes':>9}"]
    lines += [
        f"{row['format']:<11}{row['density']:>9.4f}{row['bytes_per_element']:>9.4f}"
        for row in rows
        if ":" in row["format"]
    ]
    return "\n".join(lines)


def _limit(density: float) -> str:
    if density in (0.0, 1.0):
        return "always" if density else "never"
    return f"{density:.4f}"
