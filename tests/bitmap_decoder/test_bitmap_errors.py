"""Input that makes no sense: the device says what, once, stops, and has done nothing wrong before."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hwsim.bitmap_decoder.config import DecoderConfig, DotConfig
from hwsim.bitmap_decoder.decoder import DecoderJob
from hwsim.bitmap_decoder.jobs import DotJob
from rtl.bench import build_bench
from rtl.bitmap_decoder import layouts
from rtl.bitmap_decoder.cases import decoder_case
from rtl.bitmap_decoder.component import component_of
from rtl.bitmap_decoder.dot_cases import dot_case
from rtl.bitmap_decoder.emit import convert
from rtl.parts.stop import Fault
from rtl.verify.compare import compare

CONFIGS = {"decoder": DecoderConfig(tile=8, pad=1, lanes=4, beat_values=4, buffer_beats=4, data_type="int8"),
           "dot": DotConfig(tile=8, pad=1, macs=2, x_depth=16, beat_values=4, buffer_beats=4, data_type="int8",
                            product_stages=1, sum_stages=0)}
ROWS, ELEMENTS = 4, 14


def good(config, stalls=None):
    """Two jobs of ragged rows, the last tile of each full of ones but for its last element."""
    rng = np.random.default_rng(5)
    jobs = []
    for _ in range(2):
        kept = rng.random((ROWS, ELEMENTS)) < 0.6
        kept[-1, 8:] = True
        kept[-1, -1] = False
        dense = rng.integers(-128, 128, kept.shape).astype(np.int8)
        if isinstance(config, DecoderConfig):
            jobs.append(DecoderJob(config=config, dense=dense, kept=kept))
        else:
            jobs.append(DotJob(config=config, dense=dense, kept=kept, x=np.ones((ELEMENTS, 1), np.int8)))
    offers = {port: rng.random(400) < 0.6 for port in stalls or ()}
    return jobs, (decoder_case if isinstance(config, DecoderConfig) else dot_case)(jobs, offers)


def header(token, **fields):
    for name, value in fields.items():
        field = layouts.header()[name]
        token = token & ~(((1 << field.width) - 1) << field.offset) | value << field.offset
    return token


def with_header(**fields):
    return lambda tokens, jobs: {**tokens, "h": [tokens["h"][0], header(tokens["h"][1], **fields)]}


def flipped_bit(tile_bit, tile=-1):
    def change(tokens, jobs):
        bitmaps = list(tokens["b"])
        bitmaps[tile] ^= 1 << tile_bit
        return {**tokens, "b": bitmaps}
    return change


def last_flag(port, config_layout, beat):
    """Flip the flag of the beat that ``beat(jobs)`` numbers."""
    def change(tokens, jobs):
        beats, number = list(tokens[port]), beat(jobs)
        beats[number] ^= 1 << config_layout(jobs[0].config)["last"].offset
        return {**tokens, port: beats}
    return change


def cut_off(tokens, jobs):
    """The second job's values end two beats early."""
    flag = 1 << layouts.value_beat(jobs[0].config)["last"].offset
    return {**tokens, "v": [*tokens["v"][:-3], tokens["v"][-3] | flag]}


BOTH = [
    ("another tile", with_header(tile=16), Fault.HEADER), ("no rows", with_header(rows=0), Fault.HEADER),
    ("no elements", with_header(elements=0), Fault.HEADER), ("ones behind the end", flipped_bit(0), Fault.BITMAP),
    ("one too many", flipped_bit(7 - 5), Fault.TOO_MANY), ("one too few", flipped_bit(7 - 4), Fault.TOO_FEW),
    ("values cut off", cut_off, Fault.TRUNCATED),
    ("last too early", last_flag("v", layouts.value_beat, lambda jobs: jobs[0].beats), Fault.TRUNCATED),
    ("last missing", last_flag("v", layouts.value_beat, lambda jobs: -1), Fault.OVERLONG)]
DOT = [("X too short", last_flag("x", layouts.operand_beat, lambda jobs: ELEMENTS + 5), Fault.OPERAND),
       ("X too long", last_flag("x", layouts.operand_beat, lambda jobs: ELEMENTS - 1), Fault.OPERAND)]
CASES = [(component, *fault) for component in CONFIGS for fault in BOTH] + [("dot", *fault) for fault in DOT]


@cache
def bench(component):
    return build_bench(lambda: component_of(CONFIGS[component]), engine="amaranth", name="bitmap_decoder",
                       verilog=convert)


@pytest.mark.slow
@pytest.mark.parametrize(("component", "name", "change", "fault"), CASES, ids=[f"{c} {n}" for c, n, _, _ in CASES])
@pytest.mark.parametrize("stalls", [(), ("b", "v")], ids=["free", "stalled"])
def test_the_device_stops_and_says_why(component, name, change, fault, stalls):
    jobs, case = good(CONFIGS[component], stalls)
    wrong = replace(case.stimulus, tokens=change(case.stimulus.tokens, jobs), limit=case.cycles + 300,
                    expect={**case.stimulus.expect, "error": 1})
    broken, again = bench(component).run([wrong, replace(case.stimulus, limit=case.cycles + 300)])
    assert broken.value["error"] == [fault] and not broken.violations
    seen = len(broken.value["o"])
    assert broken.value["o"] == case.value["o"][:seen] and seen < len(case.value["o"])
    for port in ("h", "b", "v", "o"):
        assert broken.cycle[port].tolist() == case.cycle[port][:len(broken.cycle[port])].tolist()
        if port != "o":  # nothing is taken once the error is told
            assert all(broken.cycle[port] <= broken.cycle["error"][0])
    assert seen >= (0 if fault == Fault.OPERAND else len(case.value["o"]) // 2 - ROWS)
    assert compare(case, again).equal  # after a reset


@pytest.mark.slow
@pytest.mark.parametrize("component", CONFIGS)
def test_an_error_that_nobody_takes_stays(component):
    jobs, case = good(CONFIGS[component])
    wrong = replace(case.stimulus, tokens=with_header(tile=9)(case.stimulus.tokens, jobs), limit=500,
                    expect={**case.stimulus.expect, "error": 1}, ready={"error": np.arange(400) >= 390})
    [broken] = bench(component).run([wrong])
    told = broken.cycle["h"][1]
    assert broken.cycle["error"].tolist() == [390] and told + 1 < 390 and not broken.violations


def test_the_error_is_offered_one_cycle_after_it_was_seen():
    jobs, case = good(CONFIGS["decoder"])
    for change, port, number in ((with_header(tile=9), "h", 1), (cut_off, "v", -1)):
        wrong = replace(case.stimulus, tokens=change(case.stimulus.tokens, jobs), limit=case.cycles + 300,
                        expect={**case.stimulus.expect, "error": 1})
        [broken] = bench("decoder").run([wrong])
        assert broken.cycle["error"][0] == broken.cycle[port][number] + 1
