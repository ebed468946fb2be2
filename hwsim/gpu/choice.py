"""GPUs that an experiment is compared with: the table ``[gpu]`` of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from hwsim.config import Configuration, one_of, positive
from hwsim.errors import InputError
from hwsim.gpu.board import GpuBoard
from hwsim.gpu.shape import DataType


@dataclass(frozen=True, kw_only=True)
class Prices(Configuration):
    """Dollars by preset of a board: a table."""

    dollars: tuple[tuple[str, float], ...] = ()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], place: str = "") -> Self:
        """From a table ``{"h100-sxm" = 30000}``."""
        if not isinstance(mapping, Mapping):
            raise InputError(place or "prices", "a table of boards and dollars", mapping)
        for name, value in mapping.items():
            one_of(place or "prices", name, GpuBoard.presets)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InputError(f"{place}.{name}", "dollars", value)
            positive(f"{place}.{name}", value)
        return cls(dollars=tuple((name, float(value)) for name, value in mapping.items()))

    def to_mapping(self) -> dict[str, Any]:
        """The table."""
        return dict(self.dollars)


@dataclass(frozen=True, kw_only=True)
class GpuChoice(Configuration):
    """Boards beside an accelerator, and what they run.

    ``data_type`` "auto" is INT8 where the accelerator computes in INT8 and the board's tensor cores can, else FP16.
    """

    boards: tuple[str, ...] = ("a100-80g", "v100s-32g", "h100-sxm", "rtx6000-ada")  # the first is that of sweeps
    data_type: Literal["auto", "fp16", "int8"] = "auto"
    sparse: bool = True            # weights that obey 2:4 run as 2:4 where that is faster
    dollars: float | None = None   # price of the accelerator; None: not known
    prices: Prices = Prices()      # of boards, in the place of those that `GpuBoard` knows

    def check(self) -> None:
        """Refuse unknown boards, one given twice, a data type that a board cannot, and a price that is not positive."""
        for number, name in enumerate(self.boards):
            one_of(f"boards[{number}]", name, GpuBoard.presets)
        if len(set(self.boards)) != len(self.boards):
            raise InputError("boards", "each board once", ", ".join(self.boards))
        if self.data_type == "int8":
            for board in self.chosen:
                if not board.has_tensor("int8"):
                    raise InputError("data_type", "one that all boards' tensor cores take", f"int8 with {board.name}")
        if self.dollars is not None:
            positive("dollars", self.dollars)

    @property
    def chosen(self) -> tuple[GpuBoard, ...]:
        """The boards, at the given prices."""
        given, boards = self.prices.to_mapping(), [(name, GpuBoard.preset(name)) for name in self.boards]
        return tuple(board.replace(dollars=given[name]) if name in given else board for name, board in boards)

    @property
    def first(self) -> Self:
        """The choice of the first board alone, that of sweeps; of none if there is none."""
        return self.replace(boards=self.boards[:1])

    def type_on(self, board: GpuBoard, accelerator: str) -> DataType:
        """What a board computes in beside an accelerator of some data type."""
        asked = accelerator if self.data_type == "auto" else self.data_type
        return "int8" if asked == "int8" and board.has_tensor("int8") else "fp16"
