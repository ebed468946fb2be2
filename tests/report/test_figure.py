"""The figure is checked by what is in its axes; how it looks was judged by eye."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from hwsim.energy import ActionCount, EnergyTree, load_costs
from hwsim.report.figure import DPI, HEIGHT, WIDTH, overview, overview_png, style
from hwsim.report.panels import ENERGY, energy_groups


def drawn(outcome: Any) -> Any:
    with style():
        figure = overview(outcome, outcome.runs[0])
        FigureCanvasAgg(figure).draw()
        return figure


def test_bars_hold_the_numbers(make: Any) -> None:
    cycles, speedup, energy, roofline = drawn(make()).axes
    stacked = [container for container in cycles.containers if container.get_label() in ("busy", "starved", "idle")]
    heights = [sum(bars[0].get_height() for bars in stacked)]
    assert heights == [100]
    outline = next(bars for bars in cycles.containers if bars.get_label() == "dense baseline")
    assert [bar.get_height() for bar in outline] == [200, 200, 200, 7]
    assert speedup.containers[0][0].get_height() == pytest.approx(607 / 307)
    assert {text.get_text() for text in energy.get_xticklabels()} == {"2:4", "dense"}
    assert len(roofline.collections) == 2


@pytest.mark.slow
@pytest.mark.parametrize("axis", ["x", "y"])
def test_axes_are_labelled_with_units(make: Any, axis: str) -> None:
    figure = drawn(make(layers=60))
    labels = [getattr(axes, f"get_{axis}label")() for axes in figure.axes]
    assert all(labels if axis == "y" else [labels[0], labels[1], labels[3]])
    assert [axes.get_title(loc="left")[:3] for axes in figure.axes] == ["(a)", "(b)", "(c)", "(d)"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layers", "ratios"), [(1, ("2:4",)), (29, ("2:4",)), (8, ("1:4", "2:4", "2:8", "4:8")), (70, ("2:4", "2:8"))]
)
def test_nothing_overlaps(make: Any, layers: int, ratios: tuple[str, ...]) -> None:
    figure = drawn(make(layers=layers, ratios=ratios, baselines=("dense", "systolic")))
    with style():
        assert_no_overlap(figure)


def assert_no_overlap(figure: Any) -> None:
    renderer = figure.canvas.get_renderer()
    boxes = [axes.get_tightbbox(renderer) for axes in figure.axes]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= WIDTH * DPI + 1 and box.y1 <= HEIGHT * DPI + 1
    for axes in figure.axes:
        legend = axes.get_legend().get_window_extent(renderer)
        assert not legend.overlaps(axes._left_title.get_window_extent(renderer))


@pytest.mark.slow
def test_size_and_bytes(make: Any) -> None:
    outcome = make()
    data = overview_png(outcome, outcome.runs[0])
    assert data == overview_png(outcome, outcome.runs[0])
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (round(WIDTH * DPI), round(HEIGHT * DPI))
    assert b"Software" not in data and b"Creation" not in data


def test_without_baselines(make: Any) -> None:
    assert len(drawn(make(baselines=())).axes) == 4


def test_every_cost_has_a_group() -> None:
    for cost in load_costs().costs:
        capacity = 4096 if cost.name == "sram" else None
        tree = EnergyTree.of([ActionCount(component="x", action="y", count=3, cost=cost.name, capacity_bytes=capacity,
                                          seconds=2 if cost.standing else None)])
        groups = energy_groups(tree)
        assert set(groups) == set(ENERGY)
        assert sum(groups.values()) == pytest.approx(tree.total)
