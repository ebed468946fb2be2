"""``hwsim formats`` as users call it: output, files, and exit status 2 with one line for bad input."""

import json

import numpy as np
import pytest

from hwsim.cli import main
from hwsim.sparsity.bitmap import encode_bitmap
from hwsim.sparsity.bitmap_bytes import to_bytes
from hwsim.sparsity.figure import line_look
from hwsim.sparsity.formats import density_formats


def output(capfd, *argv):
    assert main(["formats", *argv]) == 0
    return capfd.readouterr().out


def refused(capfd, *argv):
    assert main(["formats", *argv]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1
    return err


def test_one_format(capfd):
    found = json.loads(output(capfd, "--format", "mustafar", "--sparsity", "0.7", "--json"))
    assert found["ratio"] == pytest.approx(0.455, abs=0.005) and found["bitmap"] == 0.0625
    assert found["ratio"] == pytest.approx(found["values"] + found["bitmap"] + found["offsets"])
    assert found["parameters"] == {"tile": 64, "pad": 8, "value_bits": 16, "offset_bits": 32}
    small = json.loads(output(capfd, "--format", "mustafar", "--sparsity", "0.7", "--set", "pad=1", "--set",
                              "offset_bits=0", "--json"))  # fmt: skip
    assert small["values"] == pytest.approx(39 / 128) and small["offsets"] == 0
    text = output(capfd, "--format", "csr", "--sparsity", "0.5", "--shape", "64x64")
    assert "columns         1.0000      1.0000" in text


@pytest.mark.slow
def test_comparison_and_its_files(tmp_path, capfd):
    argv = ("--density", "0.5", "0.1", "--shape", "128x128", "--value-bits", "16", "-o", str(tmp_path))
    text = output(capfd, *argv)
    data = json.loads((tmp_path / "formats.json").read_text())
    assert (tmp_path / "formats.txt").read_text() == text
    png = (tmp_path / "formats.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and len(png) > 20_000
    limits = {row["format"]: row for row in data["break_even"]}
    assert limits["bitmap"]["dense"] == pytest.approx(15 / 16, abs=1e-4)
    rows = {(row["format"], row["density"]): row for row in data["formats"]}
    assert rows["bitmap", 0.5]["bytes_per_element"] == 1.125 == rows["2:4", 0.5]["bytes_per_element"]
    assert "--force" in refused(capfd, *argv)
    output(capfd, *argv, "--force")
    assert (tmp_path / "formats.png").read_bytes() == png


def test_every_line_of_the_figure_has_a_look_of_its_own():
    looks = [line_look(k) for k in range(len(density_formats()))]
    assert len(set(looks)) == len(looks)
    styles = {one.name: look[1] for one, look in zip(density_formats(), looks, strict=True)}
    for one, other in (("csr", "csc"), ("tiled-csl", "condensed"), ("bitmap", "spinfer")):  # lie on each other
        assert styles[one] != styles[other]


@pytest.mark.parametrize(("dtype", "settings"), [(np.float16, ()), (np.int8, ("--set", "value_bits=4"))])
def test_files_there_and_back(tmp_path, capfd, dtype, settings):
    w = np.zeros((3, 100), dtype)
    w[1, 3], w[2, 99] = 5, -2
    np.save(tmp_path / "w.npy", w)
    there, back = str(tmp_path / "w.hbm"), str(tmp_path / "back.npy")
    sizes = json.loads(output(capfd, "--encode", str(tmp_path / "w.npy"), "-o", there, *settings, "--json"))
    assert sizes["non_zeros"] == 2 and sizes["shape"] == [3, 100]
    assert json.loads(output(capfd, "--decode", there, "-o", back, "--json")) == sizes
    assert np.array_equal(np.load(back), w) and np.load(back).dtype == dtype
    assert "non_zeros   2" in output(capfd, "--decode", there)


def test_damaged_files_end_with_status_2(tmp_path, capfd):
    data = to_bytes(encode_bitmap(np.eye(64, dtype=np.float16), (64,), 8, 32))
    crowded = bytearray(data)
    crowded[56:58] = b"\xff\xff"
    empty = bytearray(data)
    empty[56] = 0xFF
    infinite = bytearray(data)
    infinite[-15] = 0x7C
    tile = bytearray(data)
    tile[32] = 32
    for name, content, message in (
        ("cut", data[:-3], "values: wanted"),
        ("crowded", crowded, "ones for the 512 values"),
        ("empty", empty, "a one for each of 64 non-zero values, got 71 ones"),
        ("infinite", infinite, "finite numbers, got inf"),
        ("tile", tile, "tile: wanted 128 tiles of 32"),
    ):
        (tmp_path / name).write_bytes(bytes(content))
        err = refused(capfd, "--decode", str(tmp_path / name))
        assert message in err and name in err


def test_bad_arguments(tmp_path, capfd):
    np.save(tmp_path / "f.npy", np.ones(4, np.float32))
    np.save(tmp_path / "nan.npy", np.array([np.nan], np.float16))
    (tmp_path / "text.npy").write_text("no array")
    for argv, message in (
        (("--format", "zip", "--sparsity", "0.5"), "--format: wanted one of dense"),
        (("--format", "mustafar"), "--sparsity: wanted 0 to 1"),
        (("--format", "mustafar", "--sparsity", "1.5"), "--sparsity"),
        (("--format", "csr", "--sparsity", "nan"), "--sparsity"),
        (("--format", "2:4", "--sparsity", "0.2"), "2:4 density: wanted at most 0.5"),
        (("--format", "mustafar", "--sparsity", "0.5", "--set", "tile=7"), "tile: wanted 8 to 128"),
        (("--format", "mustafar", "--sparsity", "0.5", "--set", "width=7"), "--set"),
        (("--format", "mustafar", "--sparsity", "0.5", "--shape", "100x128"), "multiple of 64"),
        (("--format", "csr", "--sparsity", "0.5", "--set", "tile=8"), "--set"),
        (("--sparsity", "0.5"), "--format beside it"),
        (("--encode", str(tmp_path / "f.npy")), "--output"),
        (("--encode", str(tmp_path / "f.npy"), "-o", str(tmp_path / "x")), "float32"),
        (("--encode", str(tmp_path / "nan.npy"), "-o", str(tmp_path / "x")), "finite numbers, got NaN"),
        (("--encode", str(tmp_path / "text.npy"), "-o", str(tmp_path / "x")), ".npy file"),
        (("--decode", str(tmp_path / "none")), "readable file"),
        (("--decode", str(tmp_path / "f.npy")), "bitmap file"),
        (("--decode", "a", "--encode", "b"), "beside it"),
    ):  # fmt: skip
        assert message in refused(capfd, *argv), argv
