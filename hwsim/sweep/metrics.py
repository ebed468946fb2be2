"""What a point is worth: the metrics of every family, with their units, and the sizes of what is built.

A family that cannot say a metric leaves it empty (NaN in arrays, NULL in queries).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwsim.kv_workload.experiment import KvExperiment
    from hwsim.nm_array.config import NmArrayConfig

METRICS: Mapping[str, str] = {
    "cycles": "cycles of the accelerator's clock",
    "seconds": "s",
    "energy_joules": "J",
    "edp_joule_seconds": "J s",
    "utilization": "useful MACs / (multipliers x cycles)",
    "speedup_dense": "cycles of the dense baseline / cycles",
    "energy_gain_dense": "energy of the dense baseline / energy",
    "speedup_systolic": "cycles of the plain systolic array / cycles",
    "energy_gain_systolic": "energy of the plain systolic array / energy",
    "multipliers": "multipliers of the accelerator",
    "dsp": "DSP slices, one a multiplier",
    "sram_bytes": "bytes of on-chip buffers",
    "dram_bytes": "bytes over the DRAM channel",
    "useful_macs": "multiplications with kept weights",
    "bytes_per_cycle": "sustained DRAM bytes per cycle",
    "tokens_per_s": "tokens/s of all sequences",
}
"""Units by name. DSP slices: a DSP48E2 multiplies 27 x 18 bits, so one holds an 8-bit or an 11-bit significand product;
nothing is packed two into one, and adders are in the fabric (our assumption)."""


def array_sram_bytes(config: NmArrayConfig) -> int:
    """Bytes of the operand, parameter and result buffers and of the accumulators, as the account prices their banks."""
    from hwsim.nm_array.traffic import parameter_bytes

    size = config.element_bits // 8
    a_bank = config.a_slots * config.tile_depth * config.span * size
    w_bank = config.w_slots * config.w_depth * config.slots * (config.element_bits + config.index_bits) / 8
    column = w_bank + config.q_slots * parameter_bytes(config) + config.o_depth * size
    if "ws" in config.dataflows:
        column += 4 * config.tile_depth
    return round(config.rows * a_bank + config.cols * column)


def cache_sram_bytes(experiment: KvExperiment) -> int:
    """Bytes of the block buffers of all clusters: 64 tokens of keys and values, FP16."""
    kv, machine = experiment.workload.kv, experiment.accelerator
    return machine.clusters(kv.queries) * machine.slots * 2 * 64 * kv.shape.channels * 2
