"""Packed tensors that make no sense: the device says what, once, stops, and finishes what came before."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hwsim.dsp_chain.dequant.config import DequantConfig
from rtl.bench import build_bench
from rtl.dsp_chain.dequant.cases import draw_tensor, make_case
from rtl.dsp_chain.dequant.dequant import Dequant
from rtl.parts.stop import Fault
from rtl.verify.compare import compare

CONFIG = DequantConfig(word=16, lanes=2, group=4, buffer_words=3)
LAST = 1 << CONFIG.word
WEIGHTS = 21  # 8 words of 6 bits each, the last one with 2 of 3 weights


def good(stalled=False):
    """Two tensors of 3-bit weights, in 4 words and 11 beats each."""
    rng = np.random.default_rng(6)
    tensors = [draw_tensor("any", CONFIG, 3, WEIGHTS, rng) for _ in range(2)]
    assert [(len(tensor.words), tensor.beats) for tensor in tensors] == [(4, 11)] * 2
    return make_case(tensors, {port: rng.random(200) < 0.6 for port in "ws" if stalled})


def no_weights(tokens):
    return {**tokens, "h": [tokens["h"][0], tokens["h"][1] & 3]}


def cut_off(tokens):
    """The second tensor's words end after two of four."""
    return {**tokens, "w": [*tokens["w"][:5], tokens["w"][5] | LAST]}


def last_too_early(tokens):
    return {**tokens, "w": [*tokens["w"][:4], tokens["w"][4] | LAST, *tokens["w"][5:]]}


def last_missing(tokens):
    return {**tokens, "w": [*tokens["w"][:3], tokens["w"][3] & ~LAST, *tokens["w"][4:]]}


@cache
def bench():
    return build_bench(lambda: Dequant(CONFIG), engine="amaranth", name="dsp_chain")


@pytest.mark.parametrize(("change", "fault", "port", "number", "beats"), [
    (no_weights, Fault.HEADER, "h", 1, 11), (cut_off, Fault.TRUNCATED, "w", 5, 11 + 5),
    (last_too_early, Fault.TRUNCATED, "w", 4, 11 + 2), (last_missing, Fault.OVERLONG, "w", 3, 11)])
@pytest.mark.parametrize("stalled", [False, True], ids=["free", "stalled"])
def test_the_device_stops_and_says_why(change, fault, port, number, beats, stalled):
    """``beats``: of all whole beats in the words taken before, 32 bits or 16 of the second tensor by 6."""
    case = good(stalled)
    wrong = replace(case.stimulus, tokens=change(case.stimulus.tokens), limit=case.cycles + 100,
                    expect={"o": len(case.value["o"]), "error": 1})
    broken, again = bench().run([wrong, replace(case.stimulus, limit=case.cycles + 100)])
    assert broken.value["error"] == [fault] and not broken.violations
    told = broken.cycle["error"][0]
    if port == "w":
        assert broken.cycle["w"][number] == told - 1
    seen = len(broken.value["o"])
    assert broken.value["o"] == case.value["o"][:seen] and seen == beats
    for name in "hwso":
        assert broken.cycle[name].tolist() == case.cycle[name][:len(broken.cycle[name])].tolist()
        assert name in "os" or all(broken.cycle[name] <= told)  # no header or word is taken once the error is told
    assert compare(case, again).equal  # after a reset


def test_words_that_never_come_leave_the_device_waiting():
    """Without an end mark there is nothing wrong to be seen: whole beats leave, no error, and no more."""
    case = good()
    wrong = replace(case.stimulus, tokens={**case.stimulus.tokens, "w": case.stimulus.tokens["w"][:6]},
                    limit=case.cycles + 100)
    [waiting] = bench().run([wrong])
    assert not waiting.finished and waiting.value["error"] == [] and not waiting.violations
    assert waiting.value["o"] == case.value["o"][:11 + 5]
