"""SCALE-Sim topologies: both formats, its rounding, and errors that name line and column."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hwsim.errors import InputError
from hwsim.workload.scalesim_csv import read_topology

CONV_HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
GEMM_HEADER = "Layer, M, N, K,\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "net.csv"
    path.write_text(text)
    return path


def test_convolutions_round_up_as_scale_sim_does(tmp_path: Path) -> None:
    text = CONV_HEADER + "Conv1,224,224,7,7,3,64,2,\n\nfc, 1, 1, 1, 1, 512, 1000, 1,\n"
    conv, fc = read_topology(write(tmp_path, text)).workload
    assert conv.m == math.ceil((224 - 7 + 2) / 2) ** 2
    assert (conv.k, conv.n) == (147, 64)
    assert (fc.m, fc.k, fc.n, fc.inputs) == (1, 512, 1000, ())


def test_depthwise_by_its_name_and_sparsity_column(tmp_path: Path) -> None:
    text = CONV_HEADER.strip() + " Sparsity,\nDP1,10,10,3,3,8,1,1,\npoint,8,8,1,1,8,16,1,2:4,\n"
    topology = read_topology(write(tmp_path, text))
    depthwise = topology.workload["DP1"]
    assert (depthwise.groups, depthwise.m, depthwise.k, depthwise.n) == (8, 64, 9, 1)
    assert topology.ratios == {"point": (2, 4)}


def test_gemms(tmp_path: Path) -> None:
    topology = read_topology(write(tmp_path, GEMM_HEADER + "qkv,128,1536,512,\nup,128,768,512,1:4,\n"))
    op = topology.workload["qkv"]
    assert (op.kind, op.m, op.n, op.k) == ("linear", 128, 1536, 512)
    assert topology.ratios == {"up": (1, 4)}
    assert topology.workload.name == "net"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "net.csv: wanted a header"),
        (CONV_HEADER, "at least one layer"),
        ("a,1,2,3,\n", r"net.csv:1: wanted a header line"),
        ("a,b\n", "net.csv:1: wanted 8 columns"),
        ("Layer,K,N,M\nx,1,2,3\n", "net.csv:1: wanted the columns name, M, N, K"),
        (GEMM_HEADER + "x,1,2,\n", "net.csv:2: wanted 4 fields"),
        (GEMM_HEADER + "x,1,0,3,\n", r"net.csv:2:3 \(N\): wanted an int >= 1, got 0"),
        (GEMM_HEADER + "x,1,two,3,\n", r"net.csv:2:3 \(N\)"),
        (GEMM_HEADER + "\nx,1,2,-3,\n", r"net.csv:3:4 \(K\)"),
        (GEMM_HEADER + ",1,2,3,\n", r"net.csv:2:1 \(name\)"),
        (GEMM_HEADER + "x,1,2,3,\nx,1,2,3,\n", r"net.csv:3:1 \(name\)"),
        (GEMM_HEADER + "x,1,2,3,5:4,\n", r"net.csv:2:5 \(sparsity\)"),
        (GEMM_HEADER + "x,1,2,3,half,\n", r"net.csv:2:5 \(sparsity\)"),
        (CONV_HEADER + "c,4,4,5,3,1,1,1,\n", r"net.csv:2:4 \(filter height\): wanted at most the ifmap's 4, got 5"),
        (CONV_HEADER + "c,4,4,3,3,1,1,1.5,\n", r"net.csv:2:8 \(stride\)"),
    ],
)
def test_bad_files_are_refused_with_line_and_column(text: str, place: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=place):
        read_topology(write(tmp_path, text))


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_topology(tmp_path / "none.csv")
    (tmp_path / "net.csv").write_bytes(b"\xff\xfe\x00bad")
    with pytest.raises(InputError, match="readable text"):
        read_topology(tmp_path / "net.csv")
