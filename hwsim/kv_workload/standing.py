"""What leaks or idles while a token is made: units, what finds zeros and makes them, matrix engine, buffers, DRAM."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from hwsim.bitmap_decoder.account import decoder_inventory
from hwsim.bitmap_decoder.attention.account import inventory as unit_inventory
from hwsim.bitmap_decoder.pruner.account import inventory as pruner_inventory
from hwsim.energy import ActionCount, Inventory, duration, load_costs
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.machine import Engine, KvMachine
from hwsim.kv_workload.models import VALUE_BYTES
from hwsim.nm_array.account import idle_memory


def standing(experiment: KvExperiment, engine: Engine, cycles: float) -> list[ActionCount]:
    """Everything of that engine over so many cycles; it is on for the whole token, whatever works."""
    kv, time = experiment.workload.kv, duration(cycles, experiment.clock_hz)
    parts = inventory(experiment.accelerator, kv.shape.channels, kv.queries, engine)
    return [*(count for name, part in parts.items() for count in part.held(name, time)),
            idle_memory(experiment.memory, time)]


@lru_cache(maxsize=64)
def inventory(machine: KvMachine, channels: int, queries: int, engine: Engine) -> Mapping[str, Inventory]:
    """Silicon by component: pruners where the cache is compressed, decoders where zeros are not skipped."""
    area, clusters = load_costs().area, machine.clusters(queries)
    unit = unit_inventory(machine.attention(channels), skips=engine == "skip")
    found = {
        "units": unit.times(machine.units),
        "block buffers": Inventory(sram_bits=8 * clusters * machine.slots * 2 * 64 * channels * VALUE_BYTES),
        "matrix engine": Inventory(um2=machine.weight_macs * (area("multiply.fp16") + area("add.fp32")))}
    if engine == "decoded":
        found["decoders"] = decoder_inventory(machine.decoder()).times(clusters)
    if engine != "dense":
        sides = [pruner_inventory(machine.pruner(channels, side)) for side in ("values", "keys")]
        found["pruners"] = (sides[0] + sides[1]).times(machine.pruners / 2)
    return found
