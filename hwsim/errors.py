"""Errors of bad input: one line that names the place, what was wanted and what was given."""

from __future__ import annotations

_LONGEST = 120


def shown(value: object) -> str:
    """Short one-line form of a value for an error message."""
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class InputError(ValueError):
    """A user's input (file, key, shape, value) cannot be used.

    The command line prints it as one line and exits with status 2.

    Args:
        place: where the input stands, e.g. ``"experiment.toml: accelerator.rows"``.
        wanted: what would have been accepted.
        given: what was found instead (a value, or a description when it is a string).
    """

    def __init__(self, place: str, wanted: str, given: object):
        self.place, self.wanted, self.given = place, wanted, given
        super().__init__(f"{place}: wanted {wanted}, got {shown(given)}")

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, object]]:
        """Travels between processes by its parts."""
        return type(self), (self.place, self.wanted, self.given)
