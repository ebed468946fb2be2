"""The benchmark beside STONNE: what it adds up, what it refuses, and its page."""

import numpy as np
import pytest

from benchmarks import spmm_bitmap
from benchmarks.timing import Sample
from hwsim.bitmap_decoder.config import DotConfig
from hwsim.bitmap_decoder.spmm import Spmm


@pytest.fixture
def untimed(monkeypatch):
    monkeypatch.setattr(spmm_bitmap, "measure", lambda call: Sample.of([0.25], [0.25]))


@pytest.mark.slow
@pytest.mark.parametrize(("macs", "cols", "data_type"), [(4, 64, "int8"), (16, 16, "int8"), (4, 64, "fp16")])
def test_where_the_cycles_go_adds_up(untimed, macs, cols, data_type):
    row = spmm_bitmap.simulated(macs, cols, data_type)
    parts = [row[name] for name in ("floor", "part_filled", "first_x", "between_jobs", "drain")]
    assert sum(parts) == row["cycles"] and min(parts) >= 0 and row["jobs"] == 256 // cols
    assert row["utilization"] == pytest.approx(row["floor"] / row["cycles"])


@pytest.mark.parametrize("data_type", ["int8", "fp16"])
def test_a_wrong_value_stops_it(data_type):
    a, x, kept = spmm_bitmap.operands(data_type)
    product = Spmm(DotConfig.preset("spmm-256", data_type=data_type), a[:4], x, kept[:4])
    spmm_bitmap.check(product, data_type)
    product.z[2, 3] += 1
    with pytest.raises(RuntimeError, match="wrong"):
        spmm_bitmap.check(product, data_type)


def test_the_page(untimed):
    found = {"circumstances": {"machine": {"cores": 2, "cpu": "a CPU"}, "load_1min": 0.5},
             "results": [spmm_bitmap.simulated(4, 64, "int8")], "decode": spmm_bitmap.decode_rows(),
             "rtl": [{"macs": 4, "cols": 64, "cycles": 5, "transfers": 7}]}
    page = spmm_bitmap.markdown(found)
    assert "STONNE 22634b8: 17.6 s, 15,825 cycles" in page and "52 rounds of 256 are 13,312" in page
    assert "all 7 transfers" in page and page.count("| 4 × 64 |") == 1
    assert np.array([row["ratio"] for row in found["decode"]]).min() >= 3
