"""The accelerator that programs run on: matrix engine, special function unit, buffers, memories, clock.

A core (one SLR of the FPGA) has a matrix engine of sparse DSP chains, a special function unit, buffers, six instruction
queues and its own HBM channels. All cores run the same program, each on its share of the outputs. Presets:

``vhk158-artifact``
    The configuration and rules of the FlightLLM artifact (github.com/FlightLLM/flightllm_test_demo, ``config.yaml`` and
    ``inst_gen/inst_profiler.py``), nothing added. It runs the whole model on *one* engine and divides every time by
    3.2; see `EngineConfig.time_divisor`.
``u280``
    An Alveo U280 of our derivation; the source and mark of each figure stand in `SOURCES`. Nothing is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hwsim.config import Configuration, in_range, positive
from hwsim.errors import InputError
from hwsim.llm.encoding import CHANNELS
from hwsim.llm.isa import BLOCK

GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class EngineBuffers(Configuration):
    """Buffers of one core. A and the global buffer have banks of 16 bytes, so many for each of their HBM channels.

    The matrix that comes in many rows lies in A (MM: activations; MV: weights), the other operand in B. Defaults: the
    artifact's ``config.yaml``.
    """

    a_depth: int = 4096
    a_banks: int = 16        # of a channel in MM: 128 rows over eight channels
    a_banks_mv: int = 4      # of a channel in MV
    b_depth: int = 4096
    b_bytes: int = 32        # width: columns of MM times 16
    global_depth: int = 512
    global_banks: int = 16   # of a channel; one address of all channels holds an MM's row of blocks
    meta_depth: int = 4096   # positions of the kept weights
    meta_bytes: int = 16
    blocks_depth: int = 4096  # N of each weight block
    blocks_bytes: int = 1
    bias_depth: int = 4096
    bias_bytes: int = 64

    def check(self) -> None:
        """Refuse sizes that are not positive or that instructions cannot address."""
        for name, value in self.to_mapping().items():
            in_range(name, value, 1, 1 << 16)
        in_range("global_depth", self.global_depth, 1, 1 << 12)

    @property
    def a_bytes(self) -> int:
        """Width of A for one channel in MM."""
        return BLOCK * self.a_banks


@dataclass(frozen=True, kw_only=True)
class EngineMemory(Configuration):
    """HBM and DDR of the board. HBM channels are shared out evenly among the cores.

    A core counts its channels from 0: first those of A and the global buffer, then the one of B, positions, block table
    and bias.
    """

    channels: int = 32                 # HBM channels of the board
    channel_bytes_per_s: float
    channel_bytes: int = 256 << 20
    a_channels: int = 8                # of a core: A and the global buffer, in parallel
    efficiency_same: float = 0.7       # of the peak, transfers that stay in their channel
    efficiency_cross: float = 0.35     # transfers that cross channels
    tables: Literal["hbm", "ddr"] = "hbm"  # where biases, instructions and what loads to BLOCKS lie
    ddr_bytes_per_s: float | None = None   # peak of the board; needed where tables lie in DDR

    def check(self) -> None:
        """Refuse rates and sizes that are not positive, and DDR without a rate."""
        in_range("channels", self.channels, 1, CHANNELS)
        in_range("a_channels", self.a_channels, 1, self.channels - 1)
        for name in ("channel_bytes_per_s", "channel_bytes"):
            positive(name, getattr(self, name))
        for name in ("efficiency_same", "efficiency_cross"):
            in_range(name, positive(name, getattr(self, name)), None, 1.0)
        if self.ddr_bytes_per_s is not None:
            positive("ddr_bytes_per_s", self.ddr_bytes_per_s)
        if self.tables == "ddr" and self.ddr_bytes_per_s is None:
            raise InputError("ddr_bytes_per_s", "a rate, because tables lie in DDR", "none")

    @property
    def b_channel(self) -> int:
        """A core's channel of B, positions, block table and bias."""
        return self.a_channels

    @property
    def bytes_per_s(self) -> float:
        """Peak of all HBM channels."""
        return self.channels * self.channel_bytes_per_s

    @property
    def capacity_bytes(self) -> int:
        """HBM of the board."""
        return self.channels * self.channel_bytes


@dataclass(frozen=True, kw_only=True)
class EngineConfig(Configuration):
    """One board; sizes are those of a core. Switches take out one of the design's ideas each.

    ``mm`` and ``mv`` are MACs a cycle along (N, K, M). A VPU is a chain of DSPs along K that works on one weight
    column; a DSP multiplies one weight with two activations in MM, with one in MV.
    """

    clock_hz: float
    slrs: int = 1                             # cores
    mm: tuple[int, int, int] = (2, 16, 128)
    mv: tuple[int, int, int] = (64, 16, 1)
    mm_tile: tuple[int, int] = (16, 128)      # N, M of one MM instruction
    mv_tile: int = 512                        # N of one MV instruction
    misc_lanes: int = 16                      # elements a cycle of the special function unit
    max_length: int = 2048                    # tokens
    mask_block: int = 64                      # side of a block of the attention mask
    prefill_bucket: int = 128                 # tokens that prefill programs are rounded up to
    decode_bucket: int = 16                   # the same for decode programs
    buffers: EngineBuffers = EngineBuffers()
    memory: EngineMemory
    dsps: int | None = None                   # DSP slices of the design
    dollars: float | None = None              # price of the board
    time_divisor: float = 1.0
    """Every time is divided by it. The artifact divides by 3.2 and does not say why; its program leaves ``SLR_NUM = 4``
    unused, and four SLRs at 80 % would give 3.2 (our reading). 1 everywhere else."""
    sparse_mux: bool = True         # off: chains compute sparse blocks densely
    on_chip_decode: bool = True     # off: decode moves activations through HBM between operators (the compiler's)
    length_adaptive: bool = True    # off: a program for every length (the compiler's)

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "vhk158-artifact": {
            "clock_hz": 225e6, "time_divisor": 3.2,
            "memory": {"channel_bytes_per_s": 819.2 * GIB / 32}},
        "u280": {
            "clock_hz": 225e6, "slrs": 3, "mv": (128, 16, 1), "dsps": 6345,
            "dollars": 8000.0,
            "memory": {"channel_bytes_per_s": 14.4e9, "tables": "ddr", "ddr_bytes_per_s": 38.4e9}},
    }

    def check(self) -> None:
        """Refuse sizes that are not positive, that do not divide each other, or need more DSPs or channels."""
        for name in ("clock_hz", "misc_lanes", "time_divisor"):
            positive(name, getattr(self, name))
        in_range("slrs", self.slrs, 1, self.memory.channels)
        in_range("max_length", self.max_length, BLOCK, 1 << 17)
        for name in ("max_length", "mask_block", "prefill_bucket", "decode_bucket"):
            _multiple(name, getattr(self, name), BLOCK)
        for name, parallel, tile in (("mm", self.mm, (self.mm_tile[0], BLOCK, self.mm_tile[1])),
                                     ("mv", self.mv, (self.mv_tile, BLOCK, 1))):
            for axis, part, whole in zip("NKM", parallel, tile, strict=True):
                if positive(name, part) and whole % part:
                    raise InputError(name, f"{axis} that divides the {whole} of an instruction", part)
        if self.dsps is not None and self.slrs * self.mm_macs > 2 * self.dsps:
            raise InputError("mm", f"at most {2 * self.dsps} MACs a cycle: two for each of {self.dsps} DSPs",
                             self.slrs * self.mm_macs)
        in_range("memory.a_channels", self.memory.a_channels, 1, self.core_channels - 1)

    @property
    def mm_macs(self) -> int:
        """MACs a cycle of one core in MM."""
        return self.mm[0] * self.mm[1] * self.mm[2]

    @property
    def mv_macs(self) -> int:
        """MACs a cycle of one core in MV."""
        return self.mv[0] * self.mv[1] * self.mv[2]

    @property
    def core_channels(self) -> int:
        """HBM channels of one core."""
        return self.memory.channels // self.slrs

    @property
    def cycle_ps(self) -> float:
        """Clock period, ps."""
        return 1e12 / self.clock_hz


def _multiple(name: str, value: int, of: int) -> None:
    if value < of or value % of:
        raise InputError(name, f"a multiple of {of}", value)


SOURCES: Mapping[str, Mapping[str, str]] = {
    "vhk158-artifact": {
        "all": "[code] FlightLLM artifact, config.yaml and inst_gen/inst_profiler.py",
        "memory.channel_bytes_per_s": "[code] 819.2 GiB/s over 32 channels: the artifact writes GB/s and multiplies by "
        "2^30",
        "time_divisor": "[code] 3.2, without explanation there",
        "slrs": "[code] its SLR_NUM = 4 is not used by its timing: one engine runs the whole model",
    },
    "u280": {
        "clock_hz": "[second] 225 MHz, as published for FlightLLM on U280",
        "dsps": "[second] 6,345 DSPs, as published",
        "slrs": "[data sheet] three SLRs",
        "mm": "[derived] 2 x 16 x 128 MACs a cycle are 2,048 DSPs at two MACs each; three such cores take 6,144 "
        "of the 6,345 DSPs, and no further weight column of 1,024 DSPs fits. The rest: special functions",
        "mv": "[derived] one MAC a DSP: 128 x 16. The artifact's own MV uses half of that: mv = [64, 16, 1]",
        "mm_tile, mv_tile, misc_lanes, buffers, max_length, buckets": "[code] the artifact's, for VHK158",
        "memory.channel_bytes_per_s": "[data sheet] AMD PG276: 460.8 GB/s over 32 channels",
        "memory.a_channels": "[code] ten channels a core as in the artifact: eight for A and the global buffer, one "
        "for B and its tables, one it keeps for instructions; 3 x 10 of 32",
        "memory.efficiency_same, efficiency_cross": "[code] the artifact's, for VHK158; 0.922 was measured on U280 for "
        "plain reading (arXiv 2005.04324)",
        "memory.tables": "[paper] small tables and instructions in DDR. Here, of what compiled programs load, biases "
        "and the instructions: positions, block tables and scales come with their weights, from HBM (`ratio`)",
        "memory.ddr_bytes_per_s": "[data sheet] two DDR4-2400 modules of 19.2 GB/s (peak)",
        "dollars": "[second] about 8 thousand, as FlightLLM compares",
    },
}
"""Where the figures of each preset come from, with their marks."""
