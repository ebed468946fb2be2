"""The sweep file: expressions, axes, what is refused, and which points come out."""

from __future__ import annotations

import pytest
from sweep.sweep_cases import COUNT, SMALL, written

from hwsim.errors import InputError
from hwsim.sweep.axes import parse_axes
from hwsim.sweep.expression import Expression
from hwsim.sweep.keys import dotted, flattened, found, placed
from hwsim.sweep.plan import points_of
from hwsim.sweep.spec import load_sweep

NAMES = {("a", "b"): 6, ("x",): 2.5, ("mode",): "ws", ("on",): True, ("layers", "conv*"): "2:4"}


@pytest.mark.parametrize(("text", "value"), [
    ("1 + 2 * 3 - 4", 3), ("(1 + 2) * 3", 9), ("7 // 2 % 2", 1), ("-a.b + --x", -3.5), ("2e3 / 4", 500.0),
    ("a.b * 2 <= 12 and not x > 3", True), ("on or 1 / 0 == 1", True), ("not not on", True),
    ('mode in ["ws", "os"]', True), ("mode == 'os' or on and false", False), ('layers."conv*" == "2:4"', True),
    ("[a.b, 1] == [6, 1]", True), ("a.b >= 6 and a.b != 7 and x < 3 and x > 2", True), ("1-2", -1)])
def test_expressions(text, value):
    assert Expression.parse(text, "here").value(NAMES.__getitem__) == value


@pytest.mark.parametrize("text", ["", "1 +", "(1", "1 2", "a..b", "a = 1", "a < b < c", "__import__('os')", "f(1)",
                                  "[1,", "a.b ** 2", "'open", "1 if on else 2", "(" * 60 + "1" + ")" * 60, 5,
                                  "and", "a;b"])
def test_what_is_no_expression(text):
    with pytest.raises(InputError, match="here"):
        Expression.parse(text, "here")


@pytest.mark.parametrize("text", ["mode < 1", "mode * 1000", "1 / 0", "-mode", "x and on", "not x", "1 in 2",
                                  "a.b + x"])
def test_values_that_do_not_go_together(text):
    with pytest.raises(InputError):
        Expression.parse(text, "here").holds(NAMES.__getitem__)


def test_keys():
    path = ("pruning", "layers", "layer1.*")
    tree = placed({"pruning": {"ratio": "2:4"}}, path, "1:1")
    assert tree == {"pruning": {"ratio": "2:4", "layers": {"layer1.*": "1:1"}}}
    assert found(tree, path) == "1:1" and dict(flattened(tree))[path] == "1:1"
    assert dotted(path) == 'pruning.layers."layer1.*"'
    with pytest.raises(KeyError):
        found(tree, ("pruning", "ratio", "n"))


def test_axes():
    axes = parse_axes({"accelerator": {"rows": {"log2": [4, 40]}, "cols": {"range": [2, 9, 3]}},
                       "clock_hz": {"range": [0.1, 0.3, 0.1], "when": "accelerator.rows > 4"}}, "axes")
    assert [(axis.name, axis.values) for axis in axes[:2]] == [
        ("accelerator.rows", (4, 8, 16, 32)), ("accelerator.cols", (2, 5, 8))]
    assert axes[2].values == pytest.approx((0.1, 0.2, 0.3)) and axes[2].when.text == "accelerator.rows > 4"


@pytest.mark.parametrize("table", [{}, 3, {"a": []}, {"a": 1}, {"a": {"range": [1, 2]}}, {"a": {"range": [1, 2, 0]}},
                                   {"a": {"log2": [0, 4]}}, {"a": {"values": [1], "log2": [1, 2]}}, {"a": [1, 1]},
                                   {"a": {"when": "true"}}, {"a": {"values": [1], "step": 2}}, {"a": {}},
                                   {"a": {"range": [0, 1e9, 1]}}, {"a": {"values": [1], "when": "1 +"}}])
def test_axes_that_are_refused(table):
    with pytest.raises(InputError, match="axes"):
        parse_axes(table, "axes")


def test_points_are_every_combination_once(tmp_path):
    points = points_of(load_sweep(written(tmp_path)))
    assert len(points) == len({point.name for point in points}) == COUNT
    assert {(point.inputs["accelerator"]["rows"], point.inputs["accelerator"]["cols"], point.inputs["pruning"]["ratio"])
            for point in points} == {(rows, cols, ratio) for rows in (2, 4) for cols in (2, 4, 8)
                                     for ratio in ("2:4", "2:8")}
    assert [point.group for point in points] == sorted((point.group for point in points),
                                                       key=[point.group for point in points].index)


def test_names_depend_on_what_counts(tmp_path):
    names = [{point.name for point in points_of(load_sweep(written(tmp_path, text)))} for text in (
        SMALL, SMALL.replace("[2, 4]", "[4, 2]").replace('"small"', '"other"'),
        SMALL.replace('[base]', '[base]\nclock_hz = 200e6'), SMALL.replace("[base]", "[base]\nclock_hz = 1e9"))]
    assert names[0] == names[1] == names[2] and not names[0] & names[3]


def test_conditions_and_constraints(tmp_path):
    text = SMALL.replace("accelerator.cols = { log2 = [2, 8] }",
                         "accelerator.cols = { values = [2, 4, 8], when = 'accelerator.rows == 4' }")
    assert len(points_of(load_sweep(written(tmp_path, text)))) == 8
    text = 'constraints = ["accelerator.rows * accelerator.cols <= 8", "accelerator.tile_depth == 16"]' + SMALL
    assert len(points_of(load_sweep(written(tmp_path, text)))) == 6


def test_a_constraint_on_a_default_lets_a_bad_point_fail_by_itself(tmp_path):
    text = 'constraints = ["accelerator.tile_depth == 16"]' + SMALL.replace("[2, 4]", "[2, 400]")
    assert [bool(point.refused) for point in points_of(load_sweep(written(tmp_path, text)))].count(True) == COUNT // 2


def test_spaces_workloads_and_bad_points(tmp_path):
    written(tmp_path, '[workload]\ngemm = "8x16x8"\n', "base.toml")
    text = '[[space]]\nbase = "base.toml"\nworkloads = [{ gemm = "8x16x8" }, { gemm = "8x8x8" }]\n' \
           '[[space]]\nname = "two"\nbase = "base.toml"\nbaselines = []\n[space.axes]\naccelerator.rows = [4, 300]\n'
    points = points_of(load_sweep(written(tmp_path, text)))
    assert [point.space for point in points] == ["space-1", "space-1", "two", "two"]
    assert [bool(point.refused) for point in points] == [False, False, False, True]
    assert "accelerator.rows" in points[3].refused


@pytest.mark.parametrize(("old", "new", "match"), [
    ("accelerator.rows", "accelerator.row", "did you mean 'rows'"), ("[base]", "[base]\nclok = 1", "clock_hz"),
    ("name =", "nome =", "nome"), ('seconds = "min"', 'second = "min"', "seconds"), ('= "min"', '= "low"', "min, max"),
    ("[base]\n", "constraint = []\n[base]\n", "constraint"), ("[axes]", "[axis]", "axis"),
    ("[2, 4]", "[]", "at least one value"), ("name", "max_failures = 2\nname", "max_failures"),
    ("name", 'constraints = ["metric.cycle < 1"]\nname', "metric"),
    ("name", 'constraints = ["rows < 1"]\nname', "rows"),
    ("name", 'constraints = ["accelerator.rows"]\nname', "true or false"),
    ("name", 'constraints = ["accelerator.rows > 99"]\nname', "a point"), ("name", "metrics = [1]\nname", "text"),
    ("[base]", "[base]\nrows = {}", "rows"), ("{ log2 = [2, 8] }", "{ range = [1, 60000, 1] }", "combinations")])
def test_files_that_are_refused(tmp_path, old, new, match):
    with pytest.raises(InputError, match=match) as error:
        for point in points_of(load_sweep(written(tmp_path, SMALL.replace(old, new, 1)))):
            if point.refused:
                raise InputError("point", point.refused, "")
    assert "\n" not in str(error.value)
