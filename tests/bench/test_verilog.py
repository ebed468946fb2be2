"""Verilog emission: the same text every time, with its origin; lint says what it should."""

import json
import re
from pathlib import Path

import pytest
from amaranth.hdl import Fragment
from bench_devices import Arithmetic, CreditPipeline, Joiner, Misbehaving

from hwsim import __version__
from hwsim.errors import InputError
from rtl.verilog import WAIVED, emit, lint


def test_the_text_is_the_same_each_time_and_names_no_machine():
    text = emit(CreditPipeline(), "pipeline", {"latency": 3})
    assert text == emit(CreditPipeline(), "pipeline", {"latency": 3})
    assert str(Path.home()) not in text and ".py" not in text and "src =" not in text
    assert "module pipeline(" in text and "i__payload" in text


def test_the_header_says_what_it_was_made_from():
    text = emit(CreditPipeline(), "pipeline", {"latency": 3, "depth": 4})
    header = [line[3:] for line in text.splitlines() if line.startswith("// ")]
    assert __version__ in header[0] and re.search(r"Amaranth Yosys \d", header[0])
    assert header[1] == "configuration:" and json.loads("".join(header[2:])) == {"depth": 4, "latency": 3}


def test_a_name_that_is_none_is_refused():
    device = CreditPipeline()
    Fragment.get(device, None)  # Amaranth complains about a component that is never elaborated
    with pytest.raises(InputError, match="identifier"):
        emit(device, "a b")


@pytest.mark.slow
def test_devices_are_lint_clean_but_for_the_waived_kinds():
    for device in (CreditPipeline(), Joiner(), Misbehaving("drops"), Arithmetic()):
        assert lint(emit(device, "device")) == []
    assert all(re.fullmatch("[A-Z]+", kind) and len(reason) > 20 for kind, reason in WAIVED.items())


@pytest.mark.slow
def test_lint_finds_what_is_wrong():
    latch = "module top(input wire a, input wire b, output reg q);\n  always @* if (a) q = b;\nendmodule\n"
    assert any("LATCH" in line for line in lint(latch))
    assert any("%Error" in line for line in lint("module top(output wire q);\n  assign q = nothing;\nendmodule\n"))
