"""The head of the Verilog says where each field lies; it must say what Amaranth does."""

import re

import numpy as np
import pytest
from amaranth.hdl import Shape
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.nm_array.config import NmArrayConfig
from rtl.nm_array.contract import contract, duties, payloads, port_lines
from rtl.nm_array.emit import emit_nm_array
from rtl.nm_array.random_configuration import draw_configuration

BITS = r"\[(?P<at>.*) \+: (?P<width>\d+)\](?P<signed> signed)?(?P<ends>.*)"
LINE = re.compile(rf"    (?P<path>\S*): (no bits, always 0|{BITS})$")


def told(lines):
    """By port: width, and of each field (path with numbers as indices) its lsb, width and sign."""
    ports = {}
    for line in lines[1:]:
        if head := re.fullmatch(r"  (\w)__payload: (\d+) bits", line):
            fields = {}
            ports[head[1]] = int(head[2]), fields
            continue
        found = LINE.fullmatch(line)
        if found["at"] is None:
            fields[found["path"]] = None
            continue
        ends = re.findall(r", (\w) < (\d+)", found["ends"])
        for place in np.ndindex(*[int(length) for _, length in ends]):
            index = dict(zip([name for name, _ in ends], place, strict=True))
            path = re.sub(r"\[(\w)\]", lambda name, index=index: f"[{index[name[1]]}]", found["path"])
            fields[path] = eval(found["at"], {}, index), int(found["width"]), bool(found["signed"])
    return ports


def laid_out(shape, path="", offset=0):
    """The same from the Amaranth layout itself."""
    if isinstance(shape, StructLayout | ArrayLayout):
        for key, member in shape:
            name = f"[{key}]" if isinstance(shape, ArrayLayout) else f".{key}"
            yield from laid_out(member.shape, path + name, offset + member.offset)
    else:
        bits = Shape.cast(shape)
        yield path.lstrip("."), (offset, bits.width, bits.signed) if bits.width else None


@pytest.mark.parametrize("seed", range(12))
def test_the_lines_say_what_the_layouts_are(seed):
    config = draw_configuration({}, np.random.default_rng(seed))
    ports = told(port_lines(config))
    assert set(ports) == set("dawqo")
    for port, layout in payloads(config).items():
        width, fields = ports[port]
        assert width == Shape.cast(layout).width and _with_bits(fields) == _with_bits(dict(laid_out(layout)))
        assert _without_bits(fields) == _without_bits(dict(laid_out(layout)))


def _with_bits(fields):
    return {path: where for path, where in fields.items() if where is not None}


def _without_bits(fields):
    """Their paths without indices: an array of them is told once."""
    return {re.sub(r"\[\w+\]", "[]", path) for path, where in fields.items() if where is None}


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_the_verilog_begins_with_them_and_has_ports_of_those_widths(dataflow):
    config = NmArrayConfig(rows=2, cols=3, tile_depth=4, o_depth=8, dataflow=dataflow)
    text = emit_nm_array(config)
    header = text[: text.index("/* verilator")]
    assert all(f"// {line}\n" in header for line in contract(config))
    for port, (width, _) in told(port_lines(config)).items():
        assert re.search(rf"(in|out)put \[{width - 1}:0\] {port}__payload *;", text)


def test_the_duties_name_the_limits_of_the_array():
    text = "\n".join(duties(NmArrayConfig(rows=5, tile_depth=77, o_depth=100, a_slots=6, w_slots=7, q_slots=9)))
    assert "1 <= beats <= 77" in text and "1 <= rows <= 5" in text and "(a 6, w 7, q 9)" in text
    assert "mode < 3" in text and max(map(len, text.splitlines())) <= 117
