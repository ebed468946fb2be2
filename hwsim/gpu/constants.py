"""The few constants of the kernels that no data sheet tells; `hwsim.gpu.calibration` says where each comes from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hwsim.config import Configuration, in_range, load_toml, positive

PATH = Path(__file__).with_name("constants.toml")


@dataclass(frozen=True, kw_only=True)
class GpuConstants(Configuration):
    """Times are microseconds, work is cycles of one multiprocessor, so that it scales with number and clock of them."""

    memory_efficiency: float    # bandwidth that a kernel reaches over the peak
    dense_efficiency: float     # tensor cores, large dense products, over the peak
    sparse_efficiency: float    # tensor cores at 2:4, over their peak
    cublas_launch_us: float
    flash_launch_us: float
    flash_tile_cycles: float    # unpack a 128 x 64 tile of Tiled-CSL into shared memory, and read it
    flash_column_cycles: float  # more for each column of the dense operand
    flash_overlap: float        # p of the norm that joins memory and tiles: 1 one after the other, large hidden
    sputnik_launch_us: float
    sputnik_value_cycles: float   # for each non-zero
    sputnik_column_cycles: float  # more for each column
    sparta_launch_us: float       # both kernels
    sparta_step_cycles: float     # 16 ranks of 128 rows at 2:4
    sparta_value_cycles: float    # for each non-zero that 2:4 does not hold
    bitmap_element_cycles: float  # for each element, zero or not, of a tile of Mustafar's format

    def check(self) -> None:
        """Refuse what is not positive, and efficiencies above 1."""
        for name, value in self.to_mapping().items():
            positive(name, value)
        for name in ("memory_efficiency", "dense_efficiency", "sparse_efficiency"):
            in_range(name, getattr(self, name), None, 1.0)


@cache
def default_constants() -> GpuConstants:
    """Those of ``constants.toml``."""
    return GpuConstants.from_mapping(load_toml(PATH), PATH.name)
