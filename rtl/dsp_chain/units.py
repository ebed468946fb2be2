"""Chain and unit as members of the family: random configurations, cases, devices, and the contract of their ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from amaranth.lib.data import StructLayout

from hwsim.config import merged, one_of
from hwsim.dsp_chain.components import configuration_class
from hwsim.dsp_chain.config import BLOCK_SIZES, MOST_CHAINED, MpuConfig, SparseChainConfig
from rtl.dsp_chain import layouts
from rtl.dsp_chain.cases import CASE_KEYS, draw_case
from rtl.dsp_chain.device import Mpu, SparseChain
from rtl.verify.draw import whole_setting
from rtl.verify.family import Case


class UnitFamily:
    """See `rtl.dsp_chain.family.ComponentFamily`."""

    case_keys: Sequence[str] = CASE_KEYS

    def configuration(self, component: str, settings: Mapping[str, Any], rng: np.random.Generator) -> Any:
        """Chains of 2 to 64 DSPs, short ones more often; a ``preset`` fixes all."""
        kind = configuration_class(component)
        fixed = {key: value for key, value in settings.items() if key not in CASE_KEYS}
        if "preset" in fixed:
            name = one_of("preset", fixed.pop("preset"), kind.presets)
            fixed = merged(kind.preset(name).to_mapping(), fixed)
        drawn = {**draw_shape(fixed, rng), "a_slots": int(rng.integers(1, 4)), "w_slots": int(rng.integers(1, 4)),
                 "o_depth": int(rng.choice([1, 2, 3, 8, 40, 160])),
                 **{f"{name}_stages": int(rng.integers(2)) for name in ("input", "preadd", "product")}}
        if kind is MpuConfig:
            drawn |= {"vpus": int(rng.integers(1, 4)), "o_depth": int(rng.integers(1, 4))}
        return kind.from_mapping({**drawn, **fixed})

    def case(self, config: SparseChainConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
        """See `rtl.dsp_chain.cases.draw_case`."""
        return draw_case(config, settings, rng)

    def component(self, config: Any, primitive: bool = False) -> SparseChain | Mpu:
        """The device."""
        if isinstance(config, MpuConfig):
            return Mpu(config, primitive=primitive)
        return SparseChain(config, primitive=primitive)

    def contract(self, config: SparseChainConfig) -> list[str]:
        """Bits of the ports, and the driver's duties."""
        suffix, step = ("__C" if config.accumulates else ""), 8 + config.index_bits
        control, base = layouts.control(config), layouts.weight_beat(config)["control"].offset
        fields = ", ".join(f"{name} [{base + field.offset} +: {field.width}]" for name, field in control)
        modes = ", ".join(f"{i}: {n}" for i, n in enumerate(config.modes))
        return [
            "payloads (field: its bits in the port; C chain, p DSP, i input of the slice, r row):",
            f"  a{suffix}__payload: activation r, i at [8*({config.length}*r + i) +: 8]",
            f"  w{suffix}__payload: weight p at [{step}*p +: 8], its index at [{step}*p + 8 +: {config.index_bits}],",
            f"    {fields}",
            *(_results(config, layouts.result(config)) if config.accumulates else _sums(config)),
            f"mode: place of N among the legal ones ({modes}). A block of M = {config.m} outputs takes N beats; beat b",
            f"has outputs b*M/N and on, output q of it by DSPs q*P to (q+1)*P - 1, P = N*{config.blocks}, the next",
            "block of inputs after every N of them. Dense (N = M), indices do not count.",
            "the driver keeps:",
            "  - valid does not wait for ready; an offer stays, unchanged, until it is taken. Reset is synchronous.",
            "  - mode is one of those above, the same in the N beats of a block; single, first and last likewise.",
            "  - load is set with the first beat of a block that has a slice of its own, and on no other.",
        ]


def _sums(config: SparseChainConfig) -> list[str]:
    bits = config.sum_bits
    return [f"  o__payload: sum of lane q, row r at [{bits}*(2*q + r) +: {bits}]; lanes from M/N on are 0"]


def _results(config: SparseChainConfig, layout: StructLayout) -> list[str]:
    return [f"  o__payload: result of chain C, row r at [32*(2*C + r) +: 32], last [{layout['last'].offset}]",
            "single 0 (MM): all chains take the weights of w__0, each the slice of its port a. single 1 (MV): each",
            "takes the weights of its port w, all row 0 of the slice of a__0. Control counts on w__0 only.",
            "first, last: the block is the first, the last, of its outputs' inputs; results follow the last."]


def draw_shape(fixed: Mapping[str, Any], rng: np.random.Generator) -> dict[str, int]:
    """Block size, length and group length that fit each other and those that are fixed: short chains more often.

    Where nothing fits, any: the configuration says what is wrong.
    """
    whole = {key: whole_setting(key, fixed[key]) for key in ("m", "length", "group_length") if key in fixed}
    shapes = [shape for shape in _shapes() if all(shape[key] == value for key, value in whole.items())] or _shapes()
    size = int(rng.choice(sorted({shape["m"] for shape in shapes})))
    most = 64 if rng.random() < 0.25 else 16
    shapes = [shape for shape in shapes if shape["m"] == size]
    short = [shape for shape in shapes if shape["length"] <= most] or shapes
    length = int(rng.choice(sorted({shape["length"] for shape in short})))
    short = [shape for shape in short if shape["length"] == length]
    return short[int(rng.integers(len(short)))]


def _shapes() -> list[dict[str, int]]:
    """All chains."""
    return [{"m": m, "length": length, "group_length": group} for m in BLOCK_SIZES for length in range(m, 65, m)
            for group in range(1, MOST_CHAINED + 1) if length % group == 0]
