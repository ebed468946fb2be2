"""The stream ports of an Amaranth component, read from its signature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Value
from amaranth.lib import stream, wiring

from hwsim.errors import InputError
from rtl.bench.transfers import Port


@dataclass(frozen=True)
class Wires:
    """The Amaranth values behind one stream port, the payload flat and unsigned."""

    valid: Value
    ready: Value
    payload: Value


def stream_ports(component: wiring.Component) -> tuple[Port, ...]:
    """Stream ports in the order of the signature; ``name`` is the prefix of the Verilog ports.

    Raises:
        InputError: the device has another kind of input, or a stream without ``valid`` or ``ready``.
    """
    return tuple(port for port, _ in wired_ports(component))


def wired_ports(component: wiring.Component) -> list[tuple[Port, Wires]]:
    """Each stream port with the values behind it."""
    found = list(_walk(component.signature, component, ()))
    if not found:
        raise InputError(type(component).__name__, "a component with at least one stream port", "none")
    return found


def _walk(signature: wiring.Signature, interface: object, path: tuple[str, ...]) -> Iterator[tuple[Port, Wires]]:
    for name, member in signature.members.items():
        yield from _elements(member, getattr(interface, name), (*path, name), len(member.dimensions))


def _elements(member: wiring.Member, value: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[Port, Wires]]:
    if depth:
        for index, element in enumerate(value):
            yield from _elements(member, element, (*path, str(index)), depth - 1)
    elif member.is_signature and isinstance(member.signature, stream.Signature):
        yield _port(value, path, "in" if member.flow == wiring.In else "out")
    elif member.is_signature:
        # The signature of an inward member is already flipped: the flows inside are as the device sees them.
        yield from _walk(member.signature, value, path)
    elif member.flow == wiring.In:
        raise InputError("__".join(path), "an input that is a stream", "a plain input")


def _port(interface: Any, path: tuple[str, ...], direction: str) -> tuple[Port, Wires]:
    valid, ready, payload = (Value.cast(getattr(interface, key)) for key in ("valid", "ready", "payload"))
    name = "__".join(path)
    for key, value in (("valid", valid), ("ready", ready)):
        if isinstance(value, Const):
            raise InputError(name, f"a stream with a {key} signal", f"always {key}")
    return Port(name=name, direction=direction, width=len(payload)), Wires(valid, ready, Cat(payload))
