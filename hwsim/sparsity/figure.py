"""Bytes per element against density, all formats: one PNG for print."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from hwsim.report.figure import style
from hwsim.sparsity.formats import break_even, curve, density_formats
from hwsim.sparsity.registry import FORMATS, NM_RATIOS
from hwsim.sparsity.size import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT, DPI = 7.2, 3.9, 220
_COLORS = ("#333333", "#56b4e9", "#0072b2", "#009e73", "#d55e00", "#e69f00", "#cc79a7")
"""Told apart by colour-blind eyes too (Okabe and Ito, "Color Universal Design"), black a little lighter."""
_DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))


def line_look(k: int) -> tuple[str, str | tuple[int, tuple[int, ...]]]:
    """(colour, line style) of the k-th format: 7 colours and 5 styles have no common divisor, so 35 lines differ.

    Sizes that coincide (csr and csc, tiled-csl and condensed) lie on each other, in different styles.
    """
    return _COLORS[k % len(_COLORS)], _DASHES[k % len(_DASHES)]


def formats_png(value_bits: int, shape: tuple[int, int]) -> bytes:
    """The figure as the bytes of a PNG; equal arguments give equal bytes.

    Left: all densities, with a dot where a format stops being smaller than dense. Right: low densities, both axes
    logarithmic.

    Raises:
        InputError: an empty shape or value_bits below 1.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1.0))
        _draw(left, np.linspace(0, 1, 101), value_bits, shape)
        _mark_break_even(left, value_bits, shape)
        left.set(xlim=(0, 1), ylim=(0, 1.6 * value_bits / 8), title="(a) all densities; dots: equal to dense")
        _draw(right, np.geomspace(0.003, 0.3, 60), value_bits, shape)
        right.set(xscale="log", yscale="log", xlim=(0.003, 0.3), title="(b) low densities")
        for axes in (left, right):
            axes.set_xlabel("density (fraction of non-zeros)")
            axes.set_ylabel(f"bytes per element ({value_bits}-bit values)")
            axes.grid(linewidth=0.3, color="#dddddd")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=8, handlelength=2.2)
        title = f"Storage of sparse formats, {value_bits}-bit values, {shape[0]} × {shape[1]}"
        figure.suptitle(title, fontsize=8.5, fontweight="bold")
        FigureCanvasAgg(figure)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _draw(axes: Axes, densities: Array, value_bits: int, shape: tuple[int, int]) -> None:
    for k, one in enumerate(density_formats()):
        bold = one.name in ("dense", "mustafar")
        color, dashes = line_look(k)
        axes.plot(densities, curve(one.name, densities, value_bits, shape), label=one.name, color=color,
                  linestyle="-" if bold else dashes, linewidth=1.8 if bold else 1.0, zorder=3 if bold else 2)
    points = [(r.density, FORMATS[str(r)].bits_per_element(shape, r.density, value_bits) / 8) for r in NM_RATIOS]
    inside = [point for point in points if densities[0] <= point[0] <= densities[-1]]
    axes.plot(*zip(*inside, strict=True), linestyle="", marker="x", markersize=3.5, color="#000000", label="N:M",
              zorder=4)  # fmt: skip


def _mark_break_even(axes: Axes, value_bits: int, shape: tuple[int, int]) -> None:
    for k, one in enumerate(density_formats()):
        density = break_even(one.name, "dense", value_bits, shape)
        if 0 < density < 1:
            axes.plot(density, value_bits / 8, marker="o", markersize=3, color=line_look(k)[0], zorder=5)
