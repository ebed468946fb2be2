"""The one exception for bad input."""

import pickle

from hwsim.errors import InputError


def test_it_is_one_line_and_travels_between_processes():
    error = InputError("file.toml: rows", "1 to 256", 0)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "file.toml: rows: wanted 1 to 256, got 0"
    assert (again.place, again.wanted, again.given) == ("file.toml: rows", "1 to 256", 0) and type(again) is InputError
