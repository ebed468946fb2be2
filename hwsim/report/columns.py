"""Text in columns: what every printed table is made of."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width: the first to the left, the others to the right; a rule below the head."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = ["  ".join(cell.rjust(width) if column else cell.ljust(width)
                      for column, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
            for line in lines]  # fmt: skip
    return [text[0], "-" * max(map(len, text)), *text[1:]]


def clipped(text: str, width: int) -> str:
    """Text of at most ``width`` characters; the middle of a longer one is left out."""
    if len(text) <= width:
        return text
    head = (width - 2) // 2
    return f"{text[:head]}..{text[len(text) - (width - 2 - head):]}"


def times(value: float | None, decimals: int = 2) -> str:
    """A quotient as factor; a dash where there is none."""
    return "-" if value is None else f"{value:.{decimals}f}x"


def scaled(value: float, units: Sequence[tuple[str, float]]) -> str:
    """Three significant digits, zeros among them, in the first unit (name, size) that the rounded value reaches.

    Units come from the largest to the smallest, which takes what is smaller still.
    """
    rounded = float(f"{value:.3g}")
    unit, size = next(((unit, size) for unit, size in units if rounded >= size), units[-1])
    return f"{value / size:#.3g}".removesuffix(".") + f" {unit}"
