"""How far apart the rows of the array work: what is issued once reaches each row some cycles after the row above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value

from hwsim.nm_array.config import NmArrayConfig
from rtl.parts.registers import chain


@dataclass(frozen=True)
class Skew:
    """``cycles`` from row to row; with ``switched`` only one cycle while ``together`` is set.

    Both chains run all the time. ``together`` travels along the fast one, and the array is empty when it changes.
    """

    cycles: int = 1
    switched: bool = False

    @classmethod
    def of_rows(cls, config: NmArrayConfig) -> Skew:
        """Of the array's rows: ws, each adds to the sum from above; os, each only passes weights on."""
        if config.dataflow == "os" or config.sum_latency == 1:
            return cls()
        return cls(config.sum_latency, switched=config.dataflow == "both")

    def apart(self, m: Module, source: Any, rows: int, together: Value, name: str) -> list[Any]:
        """The source as each row sees it, row 0 at once; registers with reset."""
        slow = chain(m, source, rows, self.cycles, name)
        if not self.switched:
            return slow
        fast, select = chain(m, source, rows, 1, f"{name}_fast"), chain(m, together, rows, 1, f"{name}_together")
        seen = [Signal.like(source, name=f"{name}_seen{r}") for r in range(rows)]
        m.d.comb += [seen[r].eq(Mux(select[r], as_value(fast[r]), as_value(slow[r]))) for r in range(rows)]
        return seen


SYSTOLIC = Skew()
"""Each row one cycle behind the one above."""


def as_value(source: Any) -> Value:
    """The bits of a signal or of a view."""
    return Value.cast(source)
