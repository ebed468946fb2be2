"""Tokens packed by NumPy equal Amaranth's own packing of the layouts."""

import numpy as np
import pytest
from nm_programs import draw_operands, draw_program

from hwsim.errors import InputError
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.sparsity.nm import encode_nm
from hwsim.sparsity.ratio import Ratio
from rtl.nm_array import layouts
from rtl.nm_array.tokens import operand_tokens, result_tokens
from rtl.parts.tokens import pack


def bits(layout, value):
    """The integer that Amaranth makes of plain data."""
    return layout.const(value).as_bits()


def test_pack_takes_fields_of_any_width_and_sign():
    assert pack([(np.array([-1, 5]), 4), (np.array([1, -2]), 33)]) == [15 | 1 << 4, 5 | (2**33 - 2) << 4]


def test_descriptors():
    rng = np.random.default_rng(1)
    for _ in range(10):
        p = draw_program(rng, most=10)
        layout, a, w, rq = layouts.descriptor(p.config), *draw_operands(p, rng)
        tokens = operand_tokens(p, a, w, rq)["d"]
        seen = {"a": -1, "w": -1, "q": -1}
        for i, token in enumerate(tokens):
            fields = {"mode": p.config.mode_number(p.ratio), "beats": int(p.beats[i]), "rows": int(p.rows[i]),
                      "first": int(p.first[i]), "last": int(p.last[i])}
            for port in "awq":
                fill = int(getattr(p, f"{port}_fill")[i])
                slots = getattr(p.config, f"{port}_slots")
                fields[f"{port}_slot"] = fill % slots if fill >= 0 else 0
                fields[f"{port}_take"] = int(fill > seen[port])
                fields[f"{port}_free"] = int((getattr(p, f"{port}_freed") == i).sum())
                seen[port] = max(seen[port], fill)
            assert token == bits(layout, fields)


@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_activations(dataflow):
    rng = np.random.default_rng(2)
    for _ in range(6):
        p = draw_program(rng, most=8, dataflow=dataflow)
        a, w, rq = draw_operands(p, rng)
        tokens = iter(operand_tokens(p, a, w, rq)["a"])
        layout, span, rows = layouts.activation_beat(p.config), p.mode.span, p.config.rows
        for f, first in enumerate(p.a_pass):
            for beat in range(p.a_beats[f]):
                data = np.zeros((rows, p.config.span), int)
                for r in range(rows):
                    row, unit = (beat, r) if dataflow == "ws" else (rows - 1 - r, beat)
                    for lane in range(span):
                        at = unit * span + lane
                        if row < p.m_size[first] and at < p.k_size[first]:
                            data[r, lane] = a[p.group[first], p.m0[first] + row, p.k0[first] + at]
                last = int(beat == p.a_beats[f] - 1)
                assert next(tokens) == bits(layout, {"data": data.tolist(), "last": last})
        assert next(tokens, None) is None


def test_weights():
    rng = np.random.default_rng(3)
    for _ in range(6):
        p = draw_program(rng, most=8)
        a, w, rq = draw_operands(p, rng)
        tokens = iter(operand_tokens(p, a, w, rq)["w"])
        layout, mode, config = layouts.weight_beat(p.config), p.mode, p.config
        for f, first in enumerate(p.w_pass):
            code = encode_nm(w[p.group[first]], p.ratio, 0)
            for beat in range(p.w_beats[f]):
                data = [[{"value": 0, "index": 0} for _ in range(config.slots)] for _ in range(config.cols)]
                for c in range(int(p.n_size[first])):
                    for slot in range(mode.slots):
                        group = int(p.k0[first]) // mode.ratio.m + beat * mode.groups + slot // mode.ratio.n
                        if group < code.values.shape[1]:
                            at = (p.n0[first] + c, group, slot % mode.ratio.n)
                            data[c][slot] = {"value": int(code.values[at]), "index": int(code.indices[at])}
                assert next(tokens) == bits(layout, {"data": data, "last": int(beat == p.w_beats[f] - 1)})
        assert next(tokens, None) is None


def test_parameters():
    rng = np.random.default_rng(4)
    for _ in range(6):
        p = draw_program(rng, most=8)
        a, w, rq = draw_operands(p, rng)
        tokens = operand_tokens(p, a, w, rq)["q"]
        layout = layouts.parameter_beat(p.config)
        names = ("bias", "multiplier", "shift", "zero_point", "low", "high")
        for token, first in zip(tokens, p.q_pass, strict=True):
            r, data = rq[p.group[first]], []
            for c in range(p.config.cols):
                n = int(p.n0[first]) + c
                values = (r.bias[n], r.multiplier[n], r.shift[n], r.zero_point, r.low, r.high) if c < p.n_size[first] \
                    else (0,) * 6
                data.append({name: int(v) for name, v in zip(names, values, strict=True)})
            assert token == bits(layout, {"data": data, "last": 1})


def test_results():
    beats = np.array([[-1, 2, -128]], np.int8)
    config = draw_program(np.random.default_rng(0), cols=3).config
    assert result_tokens(beats) == [bits(layouts.result_beat(config), [-1, 2, -128])]


def test_weights_that_break_the_ratio_are_refused():
    config = NmArrayConfig(rows=2, cols=2, tile_depth=4, o_depth=4)
    p = lower(config, Shape(m=3, k=8, n=2), Ratio(2, 4), Tiling(beats=2))
    a, w, rq = draw_operands(p, np.random.default_rng(5))
    with pytest.raises(InputError, match="weights"):
        operand_tokens(p, a, np.ones_like(w), rq)
