"""What random configurations share: which component settings mean."""

import numpy as np
import pytest

from hwsim.bitmap_decoder.config import DecoderConfig, DotConfig
from hwsim.errors import InputError
from rtl.verify.draw import component_for

KINDS = {"decoder": (DecoderConfig, ("rows",)), "dot": (DotConfig, ("rows", "columns"))}


def drawn(settings, seeds=20):
    return {component_for(settings, KINDS, np.random.default_rng(seed)) for seed in range(seeds)}


@pytest.mark.parametrize(("settings", "found"), [
    ({}, {"decoder", "dot"}), ({"tile": 8, "rows": 2}, {"decoder", "dot"}), ({"lanes": 4}, {"decoder"}),
    ({"macs": 4}, {"dot"}), ({"columns": 4}, {"dot"}), ({"component": "dot"}, {"dot"}),
    ({"component": "dot", "lanes": 4}, {"dot"}), ({"preset": "mustafar-4"}, {"dot"}),
    ({"preset": "int8-small"}, {"decoder", "dot"}),
    ({"nobody": 1}, {"decoder", "dot"})])
def test_component_that_knows_all_keys(settings, found):
    assert drawn(settings) == found


def test_naming_the_component_leaves_the_rest_as_it_was():
    for seed in range(20):
        free, named = np.random.default_rng(seed), np.random.default_rng(seed)
        component_for({"component": component_for({}, KINDS, free)}, KINDS, named)
        assert free.random() == named.random()


def test_no_such_component():
    with pytest.raises(InputError, match="component: wanted one of decoder, dot, got sorter"):
        drawn({"component": "sorter"})
