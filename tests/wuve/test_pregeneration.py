"""WUVE's new weights straight into SORE: the pair against both models in one network, and both references."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.sore.config import SoreConfig
from hwsim.sore.reference import reference as select_reference
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.wuve.config import WuveConfig
from hwsim.wuve.pregeneration import beat_network, check_pair, slice_of
from hwsim.wuve.reference import reference
from rtl.bench import Stimulus, build_bench
from rtl.nm_array.random_operands import draw_stall
from rtl.sore.tokens import descriptor_tokens
from rtl.sore.tokens import result_tokens as selected_tokens
from rtl.verify.compare import compare
from rtl.verify.family import Case
from rtl.wuve.cases import draw_update
from rtl.wuve.pregeneration import UpdateAndSelect
from rtl.wuve.tokens import operand_tokens, parameter_tokens, result_tokens

PROCESS = {"u": "wuve.p", "i": "wuve.i", "p": "sore.p", "o": "wuve.o", "f": "sore.f", "b": "sore.b"}
WUVE = WuveConfig(lanes=4, multiply_stages=1, add_stages=1, o_depth=9)
SORE = SoreConfig(lanes=4, ratios=("2:4", "1:2"), o_depth=6)


def pair(updates, slices, offer, ready):
    """The case of a pair of engines."""
    timeline = beat_network(updates, slices, offer, ready).solve()
    value = {"o": [token for update in updates for token in result_tokens(update, reference(update))]}
    for port in ("f", "b"):
        value[port] = [token for part in slices for token in selected_tokens(part.config, select_reference(part)[port])]
    tokens = {"u": parameter_tokens(updates), "p": descriptor_tokens(slices),
              "i": [token for update in updates for token in operand_tokens(update)]}
    stimulus = Stimulus(tokens=tokens, expect={port: len(each) for port, each in value.items()},
                        limit=timeline.cycles + 500, offer=offer, ready=ready)
    return Case(described={}, stimulus=stimulus, cycle={port: timeline.start[name] for port, name in PROCESS.items()},
                value=value, cycles=timeline.cycles)


@pytest.mark.slow
def test_updates_and_selection_in_one_go():
    bench = build_bench(lambda: UpdateAndSelect(WUVE, SORE), engine="amaranth", name="pair")
    rng, cases = np.random.default_rng(11), []
    for fraction in (0.0, 0.3, 0.7):
        updates = [draw_update("training", WUVE, beats, rng) for beats in (9, 4, 6)]
        slices = [slice_of(update, SORE, ratio) for update, ratio in zip(
            updates, (Ratio(2, 4), Ratio(1, 2), DENSE), strict=True)]
        stalls = {port: draw_stall(fraction, 300, rng) for port in PROCESS}
        cases.append(pair(updates, slices, {port: stalls[port] for port in "uip"},
                          {port: stalls[port] for port in "ofb"}))
    for case, seen in zip(cases, bench.run([case.stimulus for case in cases]), strict=True):
        found = compare(case, seen)
        assert found.equal, found
        assert found.transfers == 2 * 3 + 2 * 19 + 2 * (6 + 2 + 6)


def test_a_row_a_cycle_through_both():
    """40 rows: the last one leaves WUVE 39 cycles after the first; SORE adds its own latency once."""
    wuve, sore = WuveConfig(lanes=4), SoreConfig(lanes=4, ratios=("2:4",))
    update = draw_update("training", wuve, 40, np.random.default_rng(1))
    start = beat_network([update], [slice_of(update, sore, Ratio(2, 4))]).solve().start
    assert (np.diff(start["wuve.o"]) == 1).all() and (np.diff(start["wuve.i"]) == 1).all()
    assert start["sore.f"][0] == start["wuve.o"][3] + 5


def test_pairs_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="sore.lanes"):
        check_pair(WUVE, SORE.replace(lanes=8))
    with pytest.raises(InputError, match="sore.data_type"):
        check_pair(WUVE.replace(data_type="bf16"), SORE)
    update = draw_update("training", WUVE, 5, np.random.default_rng(1))
    part = slice_of(update, SORE, DENSE)
    with pytest.raises(InputError, match="5 rows, one for each beat"):
        beat_network([update], [part, part])
