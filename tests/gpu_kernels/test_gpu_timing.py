"""Timers, outliers and power, with sensors and events that tell known figures."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from hwsim.gpu.measure import power as measure_power
from hwsim.gpu.measure.power import PowerSampler, integrate, nvml_sensor
from hwsim.gpu.measure.timer import EventTimer, HostTimer, flush_bytes, spread


def test_outliers_are_left_out():
    times = np.array([10.0, 10.1, 9.9, 10.2, 9.8, 90.0])
    found = spread(times)
    assert (found.us, found.lowest, found.kept, found.outliers) == (10.0, 9.8, 5, 1)
    assert found.deviation == pytest.approx(times[:5].std() / 10)
    same = spread(np.full(4, 7.0))
    assert (same.us, same.deviation, same.outliers) == (7.0, 0.0, 0)


def test_energy_is_the_area_under_power():
    found = integrate([(1.0, 100.0, 1400.0), (2.0, 300.0, 1200.0), (4.0, 300.0, 1300.0)])
    assert found.joules == 200 + 600 and found.seconds == 3 and found.watts == pytest.approx(800 / 3)
    assert found.mhz == (1200, 1300, 1400) and found.samples == 3
    assert integrate([(1.0, 50.0, 1.0)] * 2).watts == 50


def test_sampler_reads_at_both_ends_and_between():
    ticks = iter(range(1000))
    with PowerSampler(lambda: (250.0, 1410.0), interval=0.001, clock=lambda: float(next(ticks))) as sampler:
        while len(sampler._samples) < 5:
            pass
    assert sampler.power.samples >= 6
    assert sampler.power.joules == pytest.approx(250.0 * (sampler.power.samples - 1))


class Events:
    """A stand-in for ``torch.cuda``: events note when they were recorded, on a clock that work moves on."""

    def __init__(self):
        self.now, self.log = 0.0, []

    def Event(self, enable_timing):
        assert enable_timing
        return Event(self)

    def synchronize(self):
        self.log.append("wait")

    def zero_(self):
        self.now += 5
        self.log.append("flush")

    def call(self):
        self.now += 2
        self.log.append("call")


class Event:
    def __init__(self, gpu):
        self.gpu, self.at = gpu, None

    def record(self):
        self.at = self.gpu.now

    def elapsed_time(self, other):
        assert self.gpu.log[-1] == "wait"
        return other.at - self.at


def test_events_are_around_the_call_and_not_around_the_flush():
    gpu = Events()
    np.testing.assert_array_equal(EventTimer(gpu, gpu).times(gpu.call, 3), [2000.0] * 3)
    assert gpu.log == ["flush", "call"] * 3 + ["wait"]
    assert flush_bytes(50 << 20) == 200 << 20 and flush_bytes(1 << 20) == 64 << 20


def test_host_timer():
    calls = []
    found = HostTimer().times(lambda: calls.append(1), 4)
    assert len(calls) == 4 == found.size and np.all(found > 0)


def nvml(monkeypatch, **functions):
    """A stand-in for NVML that knows one GPU, at 321 W and 1,980 MHz."""
    class NVMLError(Exception):
        pass

    def refuse(*_):
        raise NVMLError

    calls = {"nvmlInit": lambda: None, "nvmlDeviceGetHandleByUUID": {"GPU-12ab": 7}.get, "NVML_CLOCK_SM": 1,
             "nvmlDeviceGetPowerUsage": {7: 321_000}.__getitem__, "NVMLError": NVMLError,
             "nvmlDeviceGetClockInfo": lambda handle, clock: {(7, 1): 1980}[handle, clock]}
    module = SimpleNamespace(**calls | {name: refuse for name in functions})
    monkeypatch.setattr(measure_power, "find_spec", lambda name: module)
    monkeypatch.setitem(sys.modules, "pynvml", module)


def test_nvml(monkeypatch):
    nvml(monkeypatch)
    assert nvml_sensor("12ab")() == (321.0, 1980.0)
    nvml(monkeypatch, nvmlDeviceGetPowerUsage=None)
    assert nvml_sensor("12ab") is None
    monkeypatch.setattr(measure_power, "find_spec", lambda name: None)
    assert nvml_sensor("12ab") is None
