from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.memory import DRAM_SOURCES, Dram, Sram


def dram(**changes: object) -> Dram:
    plain = {"name": "x", "channels": 2, "channel_bytes_per_s": 8e9, "burst_bytes": 64, "latency_ns": 55.0}
    return Dram.from_mapping({**plain, "efficiency": 0.5, **changes})


def test_by_hand() -> None:
    memory = dram()  # 16 GB/s peak, 8 GB/s sustained: at 250 MHz 32 bytes a cycle, a burst takes two
    assert memory.peak_bytes_per_s == 16e9
    assert memory.bytes_per_cycle(250e6) == 32.0
    cycles = memory.service_cycles([[0, 1, 63], [64, 65, 1024]], 250e6)
    assert cycles.dtype == np.int64 and cycles.tolist() == [[0, 2, 2], [2, 4, 32]]
    assert memory.service_cycles(65, 200e6) == 4  # 40 bytes a cycle: 128 / 40 = 3.2
    assert memory.service_cycles(320, 200e6) == 8  # exactly 8: no cycle from rounding
    assert memory.latency_cycles(250e6) == 14 and memory.latency_cycles(200e6) == 11
    assert memory.service_cycles([], 1e9).shape == (0,)


@pytest.mark.parametrize(
    ("name", "peak"),
    [("ddr4-2400-x64", 19.2e9), ("ddr4-3200", 25.6e9), ("hbm2-u280", 460.8e9), ("hbm2", 256e9), ("lpddr4", 12.8e9),
     ("hbm2e", 409.6e9), ("lpddr5", 25.6e9)],
)
def test_presets_have_their_published_bandwidth_and_a_source(name: str, peak: float) -> None:
    memory = Dram.preset(name)
    assert memory.name == name and memory.peak_bytes_per_s == peak
    assert "ssumption" in DRAM_SOURCES[name]
    assert Dram.from_mapping(memory.to_mapping()) == memory
    assert set(DRAM_SOURCES) == set(Dram.presets)


def test_preset_with_channels() -> None:
    card = Dram.preset("ddr4-2400-x64", channels=4)
    assert card.peak_bytes_per_s == 76.8e9  # UG1393: 77 GB/s
    assert Dram.preset("hbm2-u280").bytes_per_cycle(1e9) == pytest.approx(425, rel=1e-3)  # arXiv 2005.04324


sizes = st.integers(0, 2**58)
clocks = st.floats(1e6, 5e9)
drams = st.builds(
    Dram,
    name=st.just("x"),
    channels=st.integers(1, 64),
    channel_bytes_per_s=st.floats(1e8, 1e12),
    burst_bytes=st.integers(1, 4096),
    latency_ns=st.floats(0, 1e4),
    efficiency=st.floats(0.01, 1.0),
)


@given(drams, st.lists(sizes, min_size=1, max_size=5), clocks)
def test_service_is_the_exact_ceiling_and_never_beats_the_peak(memory: Dram, many: list[int], clock: float) -> None:
    rate = memory.channels * Fraction(repr(memory.channel_bytes_per_s)) * Fraction(repr(memory.efficiency))
    cycles_per_burst = memory.burst_bytes * Fraction(repr(clock)) / rate
    exact = [-(-(-(-size // memory.burst_bytes) * cycles_per_burst) // 1) for size in many]
    if max(exact) >= 2**63:
        with pytest.raises(InputError, match="less than"):
            memory.service_cycles(many, clock)
        return
    cycles = memory.service_cycles(many, clock)
    assert cycles.tolist() == exact
    assert all(memory.service_cycles(size, clock) == one for size, one in zip(many, exact, strict=True))
    assert (cycles >= np.array(many) * clock / memory.peak_bytes_per_s * (1 - 1e-12)).all()


@given(drams, st.integers(0, 2**40), st.integers(0, 2**40), clocks)
def test_more_bytes_or_fewer_channels_never_take_less(memory: Dram, a: int, b: int, clock: float) -> None:
    small, large = sorted((a, b))
    assert memory.service_cycles(small, clock) <= memory.service_cycles(large, clock)
    assert memory.service_cycles(a, clock) <= memory.replace(channels=1).service_cycles(a, clock)


@pytest.mark.parametrize(
    ("key", "value"),
    [("channels", 0), ("channel_bytes_per_s", 0.0), ("burst_bytes", -1), ("latency_ns", -1.0), ("efficiency", 0.0)]
    + [("efficiency", 1.1), ("channels", 1.5)],
)
def test_dram_refuses(key: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        dram(**{key: value})
    assert caught.value.place == key


def test_dram_refuses_transfers_and_clocks() -> None:
    memory = dram()
    for wrong in ([1.5], [True], ["a"], [2**60], 2**70):
        with pytest.raises(InputError, match=r"integers up to 2\*\*58"):
            memory.service_cycles(wrong, 1e9)
    with pytest.raises(InputError, match="negative"):
        memory.service_cycles([3, -1], 1e9)
    for clock in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match="clock_hz"):
            memory.service_cycles([1], clock)
    with pytest.raises(InputError, match="did you mean 'ddr4-3200'"):
        Dram.preset("ddr4-320")


def test_sram_by_hand() -> None:
    memory = Sram(capacity_bytes=64, width_bits=128, ports=2)
    assert memory.words == 4
    assert memory.words_of([0, 1, 16, 17, 64]).tolist() == [0, 1, 1, 2, 4]
    assert memory.access_cycles([0, 1, 16, 17, 64]).tolist() == [0, 1, 1, 1, 2]
    assert memory.fits([17, 32]) and not memory.fits([17, 33]) and memory.fits([])
    memory.require([16, 48], "buffer")
    with pytest.raises(InputError, match=r"buffer: wanted at most 64 bytes in sram, got 80 bytes"):
        memory.require([17, 33], "buffer")
    assert Sram.from_mapping(memory.to_mapping()) == memory


def test_sram_refuses() -> None:
    for change in ({"capacity_bytes": 0}, {"width_bits": 0}, {"ports": 0}, {"capacity_bytes": 12}):
        with pytest.raises(InputError) as caught:
            Sram.from_mapping({"capacity_bytes": 64, **change})
        assert caught.value.place == next(iter(change))
