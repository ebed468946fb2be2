"""The coarse network: equal to the exact attention model on one cluster, to a slow simulation on many; its bounds."""

import numpy as np
import pytest

from hwsim.bitmap_decoder.attention.model import attention_network
from hwsim.bitmap_decoder.attention.query import Block, Query
from hwsim.bitmap_decoder.decoder import decoder_network
from hwsim.bitmap_decoder.jobs import Job
from hwsim.kv_workload.blocks import compressed_blocks, decoded_pool, dense_pool, pool_of, skip_pool
from hwsim.kv_workload.layer import Blocks, blocks_of, layer_network, layer_time, parts_of
from hwsim.kv_workload.machine import KvMachine
from hwsim.kv_workload.models import KvModel
from hwsim.kv_workload.pruning import KvPruning
from hwsim.memory import Dram

MODEL, MACHINE = KvModel.preset("llama2-7b"), KvMachine()
FAST = Dram(name="fast", channels=1, channel_bytes_per_s=1e18, burst_bytes=32, latency_ns=0.0, efficiency=1.0)
HBM = Dram.preset("hbm2", channels=64)


@pytest.mark.parametrize("macs", [1, 4, 8, 16])
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("splits", [1, 2, 3])
def test_one_cluster_is_the_exact_model(macs, sparsity, splits):
    """A head of compressed, dense and ragged blocks in ``splits`` runs: to the cycle, once the data is there."""
    machine = KvMachine(units=1, macs=macs)
    config = machine.attention(128)
    compressed = compressed_blocks(config, KvPruning(), sparsity)[:4]
    ones = np.full((64, 128), 0x3C00, np.uint16)
    blocks = [*compressed, Block(config=config, keys=ones, values=ones),
              Block(config=config, keys=ones[:7], values=ones[:7])]
    parts = [(pool_of(compressed, 4), 4), (dense_pool(MODEL, machine, 64), 1), (dense_pool(MODEL, machine, 7), 1)]
    runs = np.arange(6) * splits // 6
    query = np.zeros(128, np.uint16)
    queries = [Query(config=config, query=query, blocks=[blocks[i] for i in np.flatnonzero(runs == run)])
               for run in range(splits)]
    exact = attention_network(queries).solve().cycles
    found = layer_time(machine, FAST, 1e9, blocks_of(parts, 1, 1, splits), splits)
    there = int(FAST.service_cycles([parts[0][0].nbytes[0]], 1e9)[0])
    assert found.cycles == exact + there


def test_a_unit_before_a_decoder_takes_the_decoders_latency_more():
    """The decoder's dense elements leave in a beat a cycle, so units behind it lose only its fill."""
    config = MACHINE.decoder()
    kept = np.random.default_rng(0).random((64, 64)) < 0.5
    job = Job(config=config, dense=kept.astype(np.uint16), kept=kept)
    timeline = decoder_network([job]).solve()
    beats = timeline.start["o"]
    assert len(beats) == 64 * 8 and np.all(np.diff(beats) == 1)
    fill = int(beats[0] - timeline.start["v"][0])
    dense, decoded = dense_pool(MODEL, MACHINE, 64), decoded_pool(MODEL, MACHINE, KvPruning(), 0.5)
    assert set(decoded.cycles) == {int(dense.cycles[0]) + fill}
    assert np.array_equal(decoded.nbytes, skip_pool(MODEL, MACHINE, KvPruning(), 0.5).nbytes)


def slow(machine: KvMachine, dram: Dram, blocks: Blocks) -> int:
    """Block by block, in plain Python; cycles until the last result."""
    port, last = 0, 0
    freed: dict[int, list[int]] = {}
    busy: dict[int, int] = {}
    begun = 0
    for nbytes, cycles, end, cluster in zip(blocks.nbytes, blocks.cycles, blocks.end, blocks.cluster, strict=True):
        mine = freed.setdefault(int(cluster), [])
        request = max(port, mine[-machine.slots] if len(mine) >= machine.slots else 0)
        port = request + int(dram.service_cycles([nbytes], 1e9)[0])
        begun = max(begun, port + dram.latency_cycles(1e9), busy.get(int(cluster), 0))
        mine.append(begun + int(cycles))
        busy[int(cluster)] = begun + int(cycles + end)
        last = max(last, begun + int(cycles) + blocks.edge)
    return last


@pytest.mark.parametrize("seed", range(8))
def test_many_clusters_are_the_slow_simulation(seed):
    print("seed", seed)
    rng = np.random.default_rng(seed)
    machine = KvMachine(units=int(rng.integers(1, 20)), slots=int(rng.integers(1, 4)))
    dram = HBM.replace(channels=int(rng.integers(1, 64)))
    engine = ("dense", "decoded", "skip")[seed % 3]
    parts = parts_of(MODEL, machine, KvPruning(), 0.7, engine, int(rng.integers(1, 3000)))
    splits = int(rng.integers(1, 9))
    blocks = blocks_of(parts, int(rng.integers(1, 12)), machine.units, splits)
    found = layer_time(machine, dram, 1e9, blocks, splits)
    assert found.cycles == slow(machine, dram, blocks)
    assert found.cycles >= max(found.dram_busy, -(-found.cluster_busy // machine.units) - 133)


@pytest.mark.parametrize("splits", [1, 4, 64])
def test_blocks_are_all_there_and_runs_stay_together(splits):
    parts = parts_of(MODEL, MACHINE, KvPruning(), 0.5, "skip", 5000)
    count = sum(number for _, number in parts)
    blocks = blocks_of(parts, 32, 64, splits)
    assert len(blocks.nbytes) == 32 * count
    assert np.count_nonzero(blocks.end) == 32 * min(splits, count)
    pool = parts[0][0]
    turns = np.resize(pool.nbytes, 32 * parts[0][1]).sum()
    dense = 32 * sum(int(part.nbytes[0]) * number for part, number in parts[1:])
    assert blocks.nbytes.sum() == turns + dense
    load = np.bincount(blocks.cluster, blocks.cycles + blocks.end, 64)
    longest = 2 * -(-count // min(splits, count)) * (dense_pool(MODEL, MACHINE, 64).cycles[0] + 133)
    assert load.max() - load.min() <= longest


def test_only_whole_groups_behind_the_window_are_compressed():
    numbers = {context: [number for _, number in parts_of(MODEL, MACHINE, KvPruning(), 0.5, "skip", context)]
               for context in (287, 288, 544)}
    assert numbers == {287: [4, 1], 288: [4, 1], 544: [8, 1]}
    assert parts_of(MODEL, MACHINE, KvPruning(), 0.5, "skip", 288)[0][0].tiles[0] == 256
    assert parts_of(MODEL, MACHINE, KvPruning(), 0.5, "skip", 287)[0][0].tiles[0] == 0


def test_the_network_looks_right_to_its_own_check():
    blocks = blocks_of(parts_of(MODEL, MACHINE, KvPruning(), 0.5, "skip", 700), 4, 8, 2)
    assert [finding for finding in layer_network(MACHINE, HBM, 1e9, blocks).check()
            if finding.severity == "error"] == []
