"""Configurations, the format, jobs and the Python entry: what is refused and derived; values against brute force."""

import numpy as np
import pytest

from hwsim.bitmap_decoder.account import action_counts
from hwsim.bitmap_decoder.components import COMPONENTS, AnyComponent
from hwsim.bitmap_decoder.config import DecoderConfig, DotConfig
from hwsim.bitmap_decoder.decoder import DecoderJob, decode
from hwsim.bitmap_decoder.dot import sums
from hwsim.bitmap_decoder.format import bitmaps_of, pack_values, unpack_values
from hwsim.bitmap_decoder.jobs import DotJob, non_zero
from hwsim.bitmap_decoder.spmm import Spmm
from hwsim.config import shared
from hwsim.energy import EnergyTree
from hwsim.errors import InputError
from hwsim.floats import FP16, FP32, add, multiply
from hwsim.sparsity.bitmap import encode_bitmap
from rtl.bitmap_decoder.cases import VALUES, draw_decoder_case, draw_elements
from rtl.bitmap_decoder.random_configuration import draw_configuration
from rtl.bitmap_decoder.tokens import bitmap_tokens

SMALL = DecoderConfig(tile=8, pad=2, lanes=4, beat_values=4, data_type="int8")


@pytest.mark.parametrize("fields", [
    {"tile": 7}, {"tile": 129}, {"pad": 0}, {"pad": 9}, {"beat_values": 12}, {"beat_values": 0}, {"buffer_beats": 2},
    {"lanes": 65}, {"lanes": 0}, {"data_type": "bf16"}, {"b_slots": 0}, {"o_depth": 0}, {"component": "packer"},
    {"macs": 4}, {"component": "dot", "macs": 3}, {"component": "dot", "x_depth": 100},
    {"component": "dot", "lanes": 4}, {"component": "dot", "cols": 0}, {"component": "dot", "product_stages": 5}])
def test_what_cannot_be_built_is_refused(fields):
    with pytest.raises(InputError):
        AnyComponent.from_mapping(fields)


@pytest.mark.parametrize("name", COMPONENTS)
def test_configurations_are_written_and_read_back(name):
    for preset in COMPONENTS[name].presets:
        config = AnyComponent.from_mapping({"component": name, "preset": preset})
        assert AnyComponent.from_mapping(config.to_mapping()) == config and config.component == name


def test_the_buffer_by_hand():
    """8 lanes and up to 7 that fill up a tile; a beat of 8."""
    config = DecoderConfig()
    assert (config.most_taken, config.least_beats, config.full_rate_beats, config.capacity) == (15, 3, 5, 40)


def test_settings_fix_and_draw():
    for seed in range(60):
        fixed = {"component": ("decoder", "dot")[seed % 2], "pad": 4, "elements": 9}
        config = draw_configuration(fixed, np.random.default_rng(seed))
        assert config.pad == 4 and config.least_beats <= config.buffer_beats
    drawn = {draw_configuration({}, np.random.default_rng(seed)).component for seed in range(60)}
    assert drawn == set(COMPONENTS)
    fixed = draw_configuration({"component": "dot", "preset": "int8-small", "cols": 3}, np.random.default_rng(1))
    assert fixed == DotConfig.preset("int8-small", cols=3)
    for component, alone in (("decoder", {"lanes": 33}), ("decoder", {"beat_values": 10}), ("dot", {"macs": 64})):
        for seed in range(20):  # the others are drawn so that they fit
            config = draw_configuration({"component": component, **alone}, np.random.default_rng(seed))
            assert alone.items() <= config.to_mapping().items()
    for settings in ({"component": "none"}, {"component": "dot", "preset": "mustafar-8"}, {"lane": 4},
                     {"component": "decoder", "lanes": "a"}, {"component": "dot", "beat_values": 1.5}):
        with pytest.raises(InputError):
            draw_configuration(settings, np.random.default_rng(1))


@pytest.mark.parametrize("settings", [{"jobs": 0}, {"rows": True}, {"elements": 1.5}, {"density": 1.1},
                                      {"density": "half"}, {"values": "odd"}, {"stalls": {"x": 0.1}}])
def test_what_no_case_can_have_is_refused(settings):
    with pytest.raises(InputError):
        draw_decoder_case(SMALL, settings, np.random.default_rng(1))


def test_the_format_by_hand():
    """Two rows of 10 elements in tiles of 8, values in twos."""
    dense = np.array([[5, 0, 6, 7, 0, 0, 0, 0, 0, 8], [0] * 8 + [1, 2]], np.int8)
    assert bitmaps_of(dense != 0, 8).astype(int).tolist() == [
        [1, 0, 1, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0], [0] * 8, [1, 1, 0, 0, 0, 0, 0, 0]]
    assert pack_values(SMALL, dense, dense != 0).tolist() == [5, 6, 7, 0, 8, 0, 1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_pack_and_unpack_give_the_same_back(seed):
    rng = np.random.default_rng(seed)
    config = SMALL.replace(tile=8 + 5 * seed)
    shape = (int(rng.integers(1, 6)), int(rng.integers(1, 90)))
    dense, kept = rng.integers(-9, 9, shape).astype(np.int8), rng.random(shape) < seed / 4
    bitmaps, values = bitmaps_of(kept, config.tile), pack_values(config, dense, kept)
    tiles = unpack_values(config, bitmaps, values)
    assert (tiles.reshape(shape[0], -1)[:, :shape[1]] == np.where(kept, dense, 0)).all()
    beats = decode(DecoderJob(config=config, dense=dense, kept=kept))
    size = min(config.tile, shape[1])
    assert beats.elements[:-(-size // 4)].reshape(-1)[:size].tolist() == np.where(kept, dense, 0)[0, :size].tolist()
    assert beats.row_end.sum() == shape[0] and beats.last.tolist() == [False] * (len(beats.last) - 1) + [True]


@pytest.mark.parametrize("pad", [1, 3, 8])
def test_the_wires_carry_what_the_sparse_format_stores(pad):
    """Bit for bit the bitmaps and values of `hwsim.sparsity.bitmap`; there, ragged rows are filled up too."""
    rng = np.random.default_rng(pad)
    config = DecoderConfig(tile=24, pad=pad, lanes=4, beat_values=24, buffer_beats=4)
    dense = draw_elements("small", config, (7, 65), rng) * (rng.random((7, 65)) < 0.4)
    dense[dense == 0x8000] = 0  # the format knows one zero
    job = DecoderJob(config=config, dense=dense, kept=non_zero(dense, config))
    code = encode_bitmap(dense, (24,), pad=pad)
    assert code.values.tolist() == job.values.tolist()
    assert bitmap_tokens(job) == [int.from_bytes(tile.tobytes(), "big") for tile in code.bitmap]


def brute_dot(job):
    """Sums of one job, non-zero by non-zero, by the two rules of `hwsim.bitmap_decoder.dot`."""
    config, found = job.config, []
    for row in range(job.rows):
        tiles = [[c for c in np.flatnonzero(job.kept[row]) if c // config.tile == t] for t in range(job.row_tiles)]
        total = np.zeros(config.cols, np.float32)
        while tiles:
            step, done = tiles[0][:config.macs], len(tiles[0]) <= config.macs
            if len(step) < config.macs and len(tiles) > 1:
                room = config.macs - len(step)
                step, tiles[1] = step + tiles[1][:room], tiles[1][room:]
            tiles = tiles[1:] if done else [tiles[0][config.macs:], *tiles[1:]]
            level = [multiply(np.full(config.cols, job.dense[row, c]), job.x[c], FP16) for c in step]
            level += [np.zeros(config.cols, np.float32)] * (config.macs - len(level))
            while len(level) > 1:
                level = [add(a, b) for a, b in zip(level[::2], level[1::2], strict=True)]
            total = add(total, level[0])
        found.append(total)
    return np.stack(found)


@pytest.mark.parametrize("kind", VALUES)
def test_float_sums_against_brute_force(kind):
    rng = np.random.default_rng(7)
    config = DotConfig(tile=9, pad=2, macs=4, cols=2, x_depth=32, beat_values=4, buffer_beats=4)
    dense, x = draw_elements(kind, config, (6, 25), rng), draw_elements(kind, config, (25, 2), rng)
    job = DotJob(config=config, dense=dense, kept=rng.random((6, 25)) < 0.5, x=x)
    mine, other = sums(job).view(np.uint32), brute_dot(job).view(np.uint32)
    assert (mine == other).all() and (kind != "special" or (mine == FP32.nan).any())


def test_int8_sums_wrap_as_32_bits_do_and_only_kept_elements_count():
    config = DotConfig(tile=128, pad=1, x_depth=16384, data_type="int8")
    dense, x = np.full((1, 200), -128, np.int8), np.full((200, 1), -128, np.int8)
    kept = np.arange(200)[None] % 2 == 0
    assert sums(DotJob(config=config, dense=dense, kept=kept, x=x)).tolist() == [[100 * 2**14]]


def test_jobs_refuse_what_does_not_fit():
    good, kept = np.zeros((2, 10), np.int8), np.zeros((2, 10), bool)
    dot = DotConfig(data_type="int8", x_depth=8)
    for given in ({"dense": good.astype(np.int16), "kept": kept}, {"dense": good[0], "kept": kept[0]},
                  {"dense": good, "kept": kept[:1]}, {"dense": good, "kept": kept.astype(int)},
                  {"dense": good[:0], "kept": kept[:0]}, {"dense": [[1]], "kept": kept}):
        with pytest.raises(InputError):
            DecoderJob(config=SMALL, **given)
    for x in (np.zeros((10, 1), np.int8), np.zeros((9, 1), np.int8), np.zeros((10, 1), np.uint16)):
        with pytest.raises(InputError, match="x"):
            DotJob(config=dot, dense=good, kept=kept, x=x)
    for jobs in ([], [DecoderJob(config=c, dense=good, kept=kept) for c in (SMALL, SMALL.replace(lanes=2))]):
        with pytest.raises(InputError, match="jobs"):
            shared("jobs", jobs)


def test_spmm_refuses_what_does_not_fit_and_counts_minus_zero_as_zero():
    config = DotConfig(tile=8, pad=1, cols=3, x_depth=16)
    a, x = np.full((2, 12), 0x8000, np.uint16), np.full((12, 4), 0x3C00, np.uint16)
    product = Spmm(config, a, x)
    assert product.z.shape == (2, 4) and len(product.jobs) == 2 and not product.jobs[0].kept.any()
    for wrong_a, wrong_x in ((a.astype(np.float16), x), (a, x[:11]), (a, x[:, :0]), (a.view(np.int16), x)):
        with pytest.raises(InputError):
            Spmm(config, wrong_a, wrong_x)


def test_the_account_of_the_decoder_by_hand():
    """Two tiles of 8, five non-zeros in the first: stored as 6, one beat and a half; four result beats."""
    kept = np.arange(16)[None] < 5
    counts = {(c.component, c.action): c.count for c in action_counts(
        [DecoderJob(config=SMALL, dense=kept.astype(np.int8), kept=kept)])}
    assert counts["bitmaps", "write"] == counts["bitmaps", "read"] == 16
    assert counts["values", "write"] == 2 * 4 * 8 and counts["select", "write"] == 4 * 4 * 9
    assert counts["select", "choose"] == 4 * 6 * 8 and counts["results", "read"] == 4 * (4 * 8 + 2)
    assert counts["values", "rotate"] == 4 * (4 + 5 + 7 + 11 + 19) * 8  # 20 places: 5 levels, none beyond 20


def test_the_account_of_the_dot_product_counts_non_zeros_only():
    config = DotConfig(tile=8, pad=2, macs=2, cols=3, x_depth=16, beat_values=4, data_type="int8")
    kept = np.arange(16)[None] < 5
    job = DotJob(config=config, dense=kept.astype(np.int8), kept=kept, x=np.ones((16, 3), np.int8))
    counts = {(c.component, c.action): c.count for c in action_counts([job])}
    assert counts["columns", "multiply-accumulate"] == 5 * 3
    assert counts["operand", "write"] == 16 * 2 * 24 and counts["operand", "read"] == 4 * 2 * 24
    assert EnergyTree.of(action_counts([job])).total > 0
    with pytest.raises(InputError, match="jobs"):
        action_counts([])
