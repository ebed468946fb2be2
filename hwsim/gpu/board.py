"""GPUs by their data sheets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hwsim.config import Configuration, in_range, positive
from hwsim.errors import InputError
from hwsim.gpu.shape import DataType


@dataclass(frozen=True, kw_only=True)
class GpuBoard(Configuration):
    """What a data sheet says of a board; sources in `BOARD_SOURCES`.

    Energy is board power times time. Power lies between `idle_share` of the limit and the limit, by how busy memory or
    tensor cores are. That line is our assumption: a result also holds both ends of it.
    """

    name: str
    multiprocessors: int
    clock_hz: float                     # boost
    tensor_flops: float                 # FP16 with FP32 sums, dense, two a multiply-accumulate
    sparse_tensor_flops: float | None = None  # the same at 2:4; None: no sparse tensor cores
    int8_ops: float | None = None       # tensor cores, INT8 with INT32 sums, two a multiply-accumulate; None: cannot
    sparse_int8_ops: float | None = None
    int4_ops: float | None = None
    sparse_int4_ops: float | None = None
    lanes: int = 64                     # FP32 multiply-adds of one multiprocessor in a cycle, beside its tensor cores
    bytes_per_s: float
    memory_bytes: float
    board_watts: float                  # power limit
    idle_share: float = 0.35            # of the limit: assumption
    dollars: float | None = None

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "v100s-32g": {
            "name": "V100S 32 GB", "multiprocessors": 80, "clock_hz": 1597e6, "tensor_flops": 130e12,
            "bytes_per_s": 1134e9, "memory_bytes": 32e9, "board_watts": 250.0, "dollars": 12000.0},
        "a100-40g": {
            "name": "A100 40 GB", "multiprocessors": 108, "clock_hz": 1410e6, "tensor_flops": 312e12,
            "sparse_tensor_flops": 624e12, "int8_ops": 624e12, "sparse_int8_ops": 1248e12, "int4_ops": 1248e12,
            "sparse_int4_ops": 2496e12, "bytes_per_s": 1555e9, "memory_bytes": 40e9, "board_watts": 400.0,
            "dollars": 17000.0},
        "a100-80g": {
            "name": "A100 80 GB", "multiprocessors": 108, "clock_hz": 1410e6, "tensor_flops": 312e12,
            "sparse_tensor_flops": 624e12, "int8_ops": 624e12, "sparse_int8_ops": 1248e12, "int4_ops": 1248e12,
            "sparse_int4_ops": 2496e12, "bytes_per_s": 2039e9, "memory_bytes": 80e9, "board_watts": 400.0,
            "dollars": 17000.0},
        "h100-sxm": {
            "name": "H100 SXM", "multiprocessors": 132, "clock_hz": 1830e6, "tensor_flops": 989e12,
            "sparse_tensor_flops": 1979e12, "int8_ops": 1979e12, "sparse_int8_ops": 3958e12, "lanes": 128,
            "bytes_per_s": 3350e9, "memory_bytes": 80e9, "board_watts": 700.0},
        "rtx6000-ada": {
            "name": "RTX 6000 Ada", "multiprocessors": 142, "clock_hz": 2505e6, "tensor_flops": 364e12,
            "sparse_tensor_flops": 728e12, "int8_ops": 728e12, "sparse_int8_ops": 1457e12, "int4_ops": 1457e12,
            "sparse_int4_ops": 2914e12, "lanes": 128, "bytes_per_s": 960e9, "memory_bytes": 48e9, "board_watts": 300.0},
    }

    def check(self) -> None:
        """Refuse figures that are not positive."""
        for name in ("multiprocessors", "clock_hz", "tensor_flops", "bytes_per_s", "memory_bytes", "board_watts",
                     "lanes"):
            positive(name, getattr(self, name))
        for name in ("sparse_tensor_flops", "int8_ops", "sparse_int8_ops", "int4_ops", "sparse_int4_ops", "dollars"):
            if getattr(self, name) is not None:
                positive(name, getattr(self, name))
        in_range("idle_share", self.idle_share, 0.0, 1.0)

    @property
    def cycles_per_us(self) -> float:
        """Cycles of the clock in a microsecond."""
        return self.clock_hz * 1e-6

    @property
    def vector_flops(self) -> float:
        """FP32 rate of the ordinary cores, two a multiply-add."""
        return 2.0 * self.lanes * self.multiprocessors * self.clock_hz

    def has_tensor(self, data_type: DataType, *, sparse: bool = False) -> bool:
        """Whether the tensor cores take this data type, at 2:4 if ``sparse``."""
        return self._tensor(data_type, sparse) is not None

    def tensor_ops(self, data_type: DataType = "fp16", *, sparse: bool = False) -> float:
        """Peak of the tensor cores, two operations a multiply-accumulate; zeros of 2:4 weights counted.

        Raises:
            InputError: they have no rate for this data type.
        """
        found = self._tensor(data_type, sparse)
        if found is None:
            how = "sparse tensor cores (2:4)" if sparse else "tensor cores"
            raise InputError("gpu", f"a GPU with {how} in {data_type.upper()}", self.name)
        return found

    def _tensor(self, data_type: DataType, sparse: bool) -> float | None:
        if data_type == "fp16":
            return self.sparse_tensor_flops if sparse else self.tensor_flops
        if data_type == "int8":
            return self.sparse_int8_ops if sparse else self.int8_ops
        return self.sparse_int4_ops if sparse else self.int4_ops

    def joules(self, seconds: float, activity: float) -> tuple[float, float, float]:
        """(low, nominal, high) energy of the board over some time.

        Args:
            seconds: of the kernel.
            activity: 0 to 1, the larger share of the peak rate that memory and tensor cores reach.
        """
        idle, limit = self.idle_share * self.board_watts * seconds, self.board_watts * seconds
        return idle, min(idle + (limit - idle) * min(activity, 1.0), limit), limit  # rounding may pass the limit


BOARD_SOURCES: Mapping[str, str] = {
    "v100s-32g": "NVIDIA V100 data sheet, V100S: 130 TFLOPS tensor (FP16 alone), 1,134 GB/s, 250 W; 80 SMs, "
    "1,597 MHz boost",
    "a100-40g": "NVIDIA A100 data sheet, SXM: 312 / 624 TFLOPS FP16, 624 / 1,248 TOPS INT8, 1,248 / 2,496 TOPS "
    "INT4, 1,555 GB/s, 400 W; 108 SMs, 1,410 MHz boost",
    "a100-80g": "NVIDIA A100 data sheet, SXM: 312 / 624 TFLOPS FP16, 624 / 1,248 TOPS INT8, 1,248 / 2,496 TOPS "
    "INT4, 2,039 GB/s, 400 W; 108 SMs, 1,410 MHz boost",
    "h100-sxm": "NVIDIA H100 data sheet, SXM: 989 / 1,979 TFLOPS FP16, 1,979 / 3,958 TOPS INT8, no INT4, "
    "3.35 TB/s, 700 W; 132 SMs; 1,830 MHz is the clock at which 132 SMs reach 989 TFLOPS",
    "rtx6000-ada": "NVIDIA RTX 6000 Ada data sheet: 142 SMs, 2,505 MHz boost, 364 TFLOPS FP16 (half of 728 at 2:4), "
    "1,457 TOPS INT8 at 2:4; INT4 at twice INT8 as the Ada white paper has it for this chip; 960 GB/s, 48 GB, 300 W",
    "dollars": "FlightLLM (arXiv 2401.03868) compares prices of about 12 (V100S), 17 (A100) and 8 (U280) thousand "
    "dollars, told by others; None where no price is known to us",
}
"""Where the figures come from."""
