"""Index arithmetic of a bounded FIFO: which firing puts a token, which releases it, who waits for whose room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.network import arrays
from hwsim.network.parts import Ints

NEVER = -1


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Who waits for whom in one FIFO.

    Attributes:
        depth, initial, tokens, put, released: see :class:`hwsim.network.parts.Channel`.
        data: shape (firings of target,): the source's firing that each waits for; None = ``k - initial``.
        room: shape (firings of source,): the target's firing that each waits for; None = ``j + initial - depth``.
    """

    depth: int | None
    initial: int
    tokens: int
    put: Ints | None
    released: Ints | None
    data: Ints | None
    room: Ints | None


def plan(
    place: str,
    counts: tuple[int, int],
    depth: int | None,
    initial: int,
    need: npt.ArrayLike | None,
    free: npt.ArrayLike | None,
    put: npt.ArrayLike | None,
) -> Plan:
    """Check a channel's arguments and return who waits for whom.

    Args:
        place: for errors.
        counts: firings of the source and of the target.
        depth: see :meth:`hwsim.network.Network.channel`, as for all that follow.
        initial: see there.
        need: see there.
        free: see there.
        put: see there.

    Raises:
        InputError: see there.
    """
    sender, taker = counts
    entries = None if depth is None else arrays.whole(f"{place}: depth", depth, 1)
    first = arrays.whole(f"{place}: initial", initial)
    if entries is not None and first > entries:
        raise InputError(f"{place}: initial", f"at most the depth of {entries}", first)
    if entries is None and free is not None:
        raise InputError(f"{place}: free", "a depth with it", "depth None")
    puts = None if put is None else listed(f"{place}: put", put, sender, entries)
    tokens = first + (sender if puts is None else len(puts))
    needed = None if need is None else arrays.index(f"{place}: need", need, taker, tokens)
    data = data_index(needed, puts, first, taker, place)
    if needed is None and puts is None and free is None and tokens <= taker + (entries or tokens):
        return Plan(entries, first, tokens, None, None, data, None)
    released = releases(np.arange(taker) if needed is None else needed, tokens)
    if entries is None:
        return Plan(None, first, tokens, puts, _or_never(released, tokens), data, None)
    last = last_put(puts, first, sender)
    if free is not None:
        room = arrays.index(f"{place}: free", free, sender, taker)
        released = released_by_room(room, last, entries, _or_never(released, tokens))
    elif released is None:
        raise InputError(f"{place}: free", "an array, because need goes back", "None")
    else:
        room = room_index(released, last, entries, place)
    return Plan(entries, first, tokens, puts, released, data, room)


def _or_never(released: Ints | None, tokens: int) -> Ints:
    return np.full(tokens, NEVER) if released is None else released


def listed(place: str, value: npt.ArrayLike, firings: int, depth: int | None = None) -> Ints:
    """Return a list of firings, in order, none more often than ``depth``; raise InputError otherwise."""
    array = arrays.index(place, value, np.size(np.asarray(value)), firings)
    back = np.flatnonzero(np.diff(array) < 0)
    if len(back):
        at = int(back[0])
        raise InputError(f"{place}[{at + 1}]", "firings in order", f"{array[at + 1]} after {array[at]}")
    if len(array) and array[0] < 0:
        raise InputError(f"{place}[0]", "a firing from 0 on", int(array[0]))
    if depth is not None and len(array):
        burst = int(np.bincount(array).max())
        if burst > depth:
            raise InputError(place, f"at most {depth} tokens by one firing (the depth)", burst)
    return array


def data_index(need: Ints | None, put: Ints | None, initial: int, firings: int, place: str) -> Ints | None:
    """Return the source firing that each of the target's ``firings`` waits for; None = ``k - initial``.

    Args:
        need: shape (firings,), the last token that each firing needs (-1 none); None = token k.
        put: shape (tokens put,), the source's firing that puts each token; None = token by token.
        initial: tokens that are there from the start.
        firings: firings of the target.
        place: for the error.

    Raises:
        InputError: a firing needs a token that nobody puts.
    """
    if need is None and put is None:
        return None
    wanted = (np.arange(firings) if need is None else need) - initial
    wanted = np.maximum(wanted, -1)
    if put is None:
        return wanted
    late = np.flatnonzero(wanted >= len(put))
    if len(late):
        most = f"a token below {initial + len(put)} (all that are put)"
        raise InputError(f"{place}: need[{late[0]}]", most, int(wanted[late[0]]) + initial)
    if not len(put):
        return wanted
    return np.where(wanted >= 0, put[wanted], -1)


def releases(need: Ints, tokens: int) -> Ints | None:
    """Return the target's firing that releases each token, or None when ``need`` goes back.

    A token is released by the last firing that needs it; one that is skipped goes with the next one needed.
    Tokens after the last one needed are NEVER released.

    Args:
        need: shape (firings of the target,), last token needed, -1 = none.
        tokens: how many tokens there are.
    """
    taking = np.flatnonzero(need >= 0)
    taken = need[taking]
    if (np.diff(taken) < 0).any():
        return None
    token = np.arange(tokens)
    after = np.searchsorted(taken, token, side="right")
    padded_taken, padded_taking = np.append(taken, -1), np.append(taking, NEVER)
    itself = (after > 0) & (padded_taken[after - 1] == token)
    return np.where(itself, padded_taking[after - 1], padded_taking[after]).astype(np.int64)


def last_put(put: Ints | None, initial: int, firings: int) -> Ints:
    """Return the last token that each source firing puts (shape (firings,)); -1 where it puts none."""
    if put is None:
        return np.arange(firings) + initial
    last = np.full(firings, -1)
    np.maximum.at(last, put, np.arange(len(put)) + initial)
    return last


def room_index(released: Ints, last: Ints, depth: int, place: str) -> Ints:
    """Return the target firing that each source firing waits for to have room: shape of ``last``, -1 = none.

    Args:
        released: shape (tokens,), from :func:`releases`.
        last: shape (firings of the source,), from :func:`last_put`.
        depth: entries of the FIFO.
        place: for the error.

    Raises:
        InputError: a firing needs the room of a token that is never released.
    """
    leaves = last - depth
    room = np.full(len(last), -1)
    waiting = np.flatnonzero(leaves >= 0)
    room[waiting] = released[leaves[waiting]]
    stuck = waiting[room[waiting] == NEVER]
    if len(stuck):
        j = int(stuck[0])
        given = f"token {leaves[j]} is never released, so firing {j} of the source never has room"
        raise InputError(place, f"enough tokens taken for a depth of {depth}", given)
    return room


def released_by_room(free: Ints, last: Ints, depth: int, released: Ints) -> Ints:
    """Return ``released`` overruled by a room index given by the user (see :func:`room_index`)."""
    better: npt.NDArray[np.int64] = released.copy()
    waiting = np.flatnonzero((last >= depth) & (free >= 0))
    better[last[waiting] - depth] = free[waiting]
    return better
