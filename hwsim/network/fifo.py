"""Index arithmetic of a bounded FIFO: which firing puts a token, which releases it, who waits for whose room."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.network.parts import Ints

NEVER = -1


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


def check_order(place: str, put: Ints, depth: int | None) -> None:
    """Raise InputError unless ``put`` is in order and no firing puts more tokens than ``depth``."""
    back = np.flatnonzero(np.diff(put) < 0)
    if len(back):
        raise InputError(f"{place}[{back[0] + 1}]", "firings in order", f"{put[back[0] + 1]} after {put[back[0]]}")
    if len(put) and put[0] < 0:
        raise InputError(f"{place}[0]", "a firing from 0 on", int(put[0]))
    if depth is not None and len(put):
        burst = int(np.bincount(put).max())
        if burst > depth:
            raise InputError(place, f"at most {depth} tokens by one firing (the depth)", burst)


def released_by_room(free: Ints, last: Ints, depth: int, released: Ints) -> Ints:
    """Return ``released`` overruled by a room index given by the user (see :func:`room_index`)."""
    better: npt.NDArray[np.int64] = released.copy()
    waiting = np.flatnonzero((last >= depth) & (free >= 0))
    better[last[waiting] - depth] = free[waiting]
    return better
