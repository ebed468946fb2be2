"""What the random cases of all families draw alike: stalls, and settings that fix a part of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.config import Configuration, in_range, merged, one_of
from hwsim.errors import InputError
from hwsim.sparsity.ratio import Ratio

_FRACTIONS = (0.0, 0.0, 0.1, 0.4, 0.7, 0.9)


def operating_ratio(settings: Mapping[str, Any]) -> Ratio | None:
    """The ratio that the keys ``n`` and ``m`` choose (n == m is dense), None without them.

    Raises:
        InputError: one without the other, or a ratio that the hardware does not know.
    """
    given = [key for key in ("n", "m") if key in settings]
    if len(given) == 1:
        raise InputError("settings", "both n and m, or neither", f"only {given[0]}")
    return Ratio(settings["n"], settings["m"]) if given else None


def component_for(settings: Mapping[str, Any], kinds: Mapping[str, tuple[type[Configuration], Sequence[str]]],
                  rng: np.random.Generator) -> str:
    """The component of a family that ``component`` names; without it, one of those that know all keys of the settings.

    Args:
        settings: of configurations and cases.
        kinds: by component, the class of its configuration and the keys of its cases.
        rng: draws where several do, and once if there is nothing to draw, so that naming the component leaves the rest
            as it was. Where none knows all keys, any is drawn: its refusal names those that it knows.

    Raises:
        InputError: no such component.
    """
    def knows(kind: type[Configuration], case_keys: Sequence[str]) -> bool:
        keys = {field.name for field in fields(kind)} | {*case_keys, "preset"}
        return keys >= settings.keys() and settings.get("preset", "") in {"", *kind.presets}

    named = "component" in settings
    fitting = [name for name, (kind, case_keys) in kinds.items() if named or knows(kind, case_keys)]
    drawn = str(rng.choice(fitting or list(kinds)))
    return one_of("component", settings.get("component", drawn), kinds)


def fixed_fields(settings: Mapping[str, Any], case_keys: Sequence[str], kind: type[Configuration]) -> dict[str, Any]:
    """Fields of a configuration that the settings fix; a ``preset`` fixes all.

    Args:
        settings: of configurations and cases.
        case_keys: the keys that are no fields. With ``n`` and ``m`` among them, these give the only sparse ratio
            unless ``ratios`` are set.
        kind: of configuration.

    Raises:
        InputError: no such preset, or n without m.
    """
    fixed = {key: value for key, value in settings.items() if key not in case_keys}
    if "preset" in fixed:
        name = one_of("preset", fixed.pop("preset"), kind.presets)
        fixed = merged(kind.preset(name).to_mapping(), fixed)
    ratio = operating_ratio(settings) if "n" in case_keys else None
    return fixed if ratio is None else {"ratios": [] if ratio.dense else [str(ratio)], **fixed}


def whole_setting(place: str, value: Any) -> int:
    """An integer that a user set.

    Raises:
        InputError: anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(place, "an integer", value)
    return value


def draw_fractions(fixed: object, ports: Sequence[str], rng: np.random.Generator) -> dict[str, float]:
    """By port: the fraction of cycles in which it stalls; one case in five has no stalls at all.

    Raises:
        InputError: ``fixed`` is no table of ports and numbers from 0 to 0.99.
    """
    quiet = rng.random() < 0.2
    drawn = rng.choice(_FRACTIONS, len(ports))
    fractions = {port: 0.0 if quiet else float(drawn[i]) for i, port in enumerate(ports)}
    if not isinstance(fixed, Mapping):
        raise InputError("stalls", f"a table of {', '.join(ports)}", fixed)
    for port, value in fixed.items():
        one_of("stalls", port, ports)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"stalls.{port}", "a number from 0 to 0.99", value)
        fractions[port] = float(in_range(f"stalls.{port}", value, 0, 0.99))
    return fractions


def draw_stall(fraction: float, length: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Array (length,) bool: false in about ``fraction`` of the cycles, one by one or in bursts."""
    if fraction == 0:
        return np.ones(0, bool)
    burst = int(rng.choice([1, 1, 3, 17]))
    return np.repeat(rng.random(-(-length // burst)) >= fraction, burst)[:length]
