"""Configurations of the chain and of the processing unit: from each, reference, model, RTL and account are built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hwsim.config import Configuration, in_range, one_of
from hwsim.errors import InputError

BLOCK_SIZES = (2, 4, 8, 16)
LOW_BITS = 18
"""Width of the low product field: the high activation is packed so many bits up."""
MOST_CHAINED = 8
"""DSPs whose low products, summed, always fit the low field: see `rtl.dsp_chain.node`."""
ROWS = 2
"""Activation rows that a chain takes at once: the two halves of a packed operand."""


@dataclass(frozen=True, kw_only=True)
class SparseChainConfig(Configuration):
    """A chain of DSP48E2 slices for N:M weights (FlightLLM, arXiv 2401.03868, section 4.2), the same in all components.

    A beat multiplies ``length`` weights with activations of one slice: ``length`` inputs, that is ``length / m`` blocks
    of M inputs each. N of each block's M weights are kept, and all blocks of a beat have the same N, which may change
    from beat to beat. Dense (N = M), the whole chain adds up one output; at N:M it splits into M / N sub-chains of
    ``N * length / M`` DSPs, one output each. So M outputs of one slice take N beats.

    The chain is cut into groups of ``group_length`` DSPs: inside a group sums go down the dedicated cascade, between
    groups through the fabric, or the next group begins anew. So a sub-chain is a whole number of groups.
    """

    length: int = 32                           # DSPs of a chain; two INT8 multiply-accumulates each
    group_length: int = 2                      # DSPs whose cascade is fixed
    m: int = 16                                # inputs of a block
    legal_n: tuple[int, ...] | None = None     # values of N that the hardware knows, ascending; all possible ones
    input_stages: int = 1                      # registers A and D (and B) of a DSP: 0 or 1
    preadd_stages: int = 1                     # register AD (and a second B): 0 or 1
    product_stages: int = 1                    # register M: 0 or 1
    a_slots: int = 2                           # queue of activation slices
    w_slots: int = 2                           # queue of weight beats
    o_depth: int = 2                           # queue of results, see the component

    def check(self) -> None:
        """Raise `InputError` for a chain that cannot be built."""
        one_of("m", self.m, BLOCK_SIZES)
        in_range("length", self.length, 2, 64)
        in_range("group_length", self.group_length, 1, MOST_CHAINED)
        if self.length % self.m:
            raise InputError("length", f"a multiple of m ({self.m})", self.length)
        if self.length % self.group_length:
            raise InputError("group_length", f"a divisor of length ({self.length})", self.group_length)
        for name in ("input_stages", "preadd_stages", "product_stages"):
            in_range(name, getattr(self, name), 0, 1)
        for name in ("a_slots", "w_slots"):
            in_range(name, getattr(self, name), 1, 64)
        in_range("o_depth", self.o_depth, 1, 1 << 12)
        if self.legal_n is not None:
            self._check_legal_n(self.legal_n)

    def _check_legal_n(self, given: tuple[int, ...]) -> None:
        if not given or list(given) != sorted(set(given)):
            raise InputError("legal_n", "at least one N, ascending", list(given))
        for n in given:
            if n < 1 or self.m % n:
                raise InputError("legal_n", f"divisors of m ({self.m})", n)
            if n not in possible_n(self.length, self.group_length, self.m):
                wanted = f"values of N with N * length / m, here {n * self.length // self.m} DSPs, in whole groups"
                raise InputError("legal_n", f"{wanted} of {self.group_length}", n)

    @property
    def modes(self) -> tuple[int, ...]:
        """The legal values of N, ascending; a weight beat names one by its place."""
        return self.legal_n or possible_n(self.length, self.group_length, self.m)

    @property
    def chains(self) -> int:
        """Chains that work side by side."""
        return 1

    @property
    def accumulates(self) -> bool:
        """Whether sums over several slices are added up."""
        return False

    @property
    def blocks(self) -> int:
        """Blocks of a slice."""
        return self.length // self.m

    @property
    def groups(self) -> int:
        """Groups of a chain."""
        return self.length // self.group_length

    @property
    def lanes(self) -> int:
        """Most outputs of a beat: M / N for the least N."""
        return self.m // self.modes[0]

    @property
    def index_bits(self) -> int:
        """Bits of a weight's place in its block."""
        return self.m.bit_length() - 1

    @property
    def sum_bits(self) -> int:
        """Bits of a beat's sum: ``length`` products from -127 * 128 to 2**14, signed."""
        return 16 + (self.length - 1).bit_length()

    def part(self, n: int) -> int:
        """DSPs of a sub-chain at N:M."""
        return n * self.length // self.m

    def met_blocks(self, dsp: int) -> list[int]:
        """The blocks of a slice that a DSP can meet, over all legal N, ascending."""
        return sorted({dsp % self.part(n) // n for n in self.modes})

    def end_group(self, lane: int, n: int) -> int:
        """The group that ends a lane's sub-chain at N:M."""
        return (lane + 1) * self.part(n) // self.group_length - 1

    @property
    def end_groups(self) -> set[int]:
        """The groups that end a sub-chain for some legal N."""
        return {self.end_group(lane, n) for n in self.modes for lane in range(self.m // n)}

    @property
    def operand_stages(self) -> int:
        """Cycles from a DSP's operands to its adder."""
        return self.input_stages + self.preadd_stages + self.product_stages


def possible_n(length: int, group_length: int, m: int) -> tuple[int, ...]:
    """Divisors N of m for which a sub-chain of ``N * length / m`` DSPs is a whole number of groups, ascending."""
    return tuple(n for n in (1, 2, 4, 8, 16) if n <= m and n * length // m % group_length == 0)


@dataclass(frozen=True, kw_only=True)
class ChainConfig(SparseChainConfig):
    """`SparseChain`: one chain by itself; every weight beat gives a beat of M / N sums for two rows of activations."""

    component: Literal["chain"] = "chain"
    o_depth: int = 64          # beats; see `hwsim.dsp_chain.timing.full_rate_depth`

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "flightllm-32": {"length": 32, "group_length": 2, "m": 16},
        "small-8": {"length": 8, "group_length": 2, "m": 4, "o_depth": 24},
    }


@dataclass(frozen=True, kw_only=True)
class MpuConfig(SparseChainConfig):
    """`Mpu`: ``vpus`` chains in step, each with accumulators for M outputs of two rows, INT32.

    MM mode: all chains take the same weights, each its own two rows of activations. MV mode: all take the same single
    row, each its own weights, that is M other outputs. The mode is chosen at run time, slice by slice.
    """

    component: Literal["mpu"] = "mpu"
    vpus: int = 2              # chains
    o_depth: int = 2           # columns of results that the queue holds

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "flightllm-4x32": {"vpus": 4, "length": 32, "group_length": 2, "m": 16},
        "small-2x8": {"vpus": 2, "length": 8, "group_length": 2, "m": 4},
    }

    def check(self) -> None:
        """Raise `InputError` for a unit that cannot be built."""
        super().check()
        in_range("vpus", self.vpus, 1, 64)

    @property
    def chains(self) -> int:
        """One a VPU."""
        return self.vpus

    @property
    def accumulates(self) -> bool:
        """Sums over several slices are added up."""
        return True
