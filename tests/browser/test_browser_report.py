"""The report in a real browser: it opens fast, its controls, brush and keyboard work, and axe-core has no complaint."""

from __future__ import annotations

import json
import time
import tomllib

import pytest

pytest.importorskip("pyarrow")

from sweep_folder import add_proofs, make_folder  # noqa: E402

from hwsim.experiment import Experiment  # noqa: E402
from hwsim.report.html.data import assembled, report_data  # noqa: E402
from hwsim.report.html.page import page  # noqa: E402
from hwsim.sweep.store import read_description, read_table  # noqa: E402

pytestmark = pytest.mark.slow
SERIOUS = {"serious", "critical"}


def state(driver, expression):
    """A value of the page's own state."""
    return driver.execute_script(f"return {expression}")


def select(driver, name, value):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.select import Select

    Select(driver.find_element(By.ID, name)).select_by_value(value)


def element(driver, selector):
    from selenium.webdriver.common.by import By

    return driver.find_element(By.CSS_SELECTOR, selector)


def press(driver, *keys):
    from selenium.webdriver import ActionChains

    for key in keys:
        ActionChains(driver).send_keys(key).perform()


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False), (390, True)])
def test_it_opens_fast_and_fits(browse, width, dark):
    driver = browse(width, 900, dark=dark)
    timing = state(driver, "performance.timing.loadEventEnd - performance.timing.navigationStart")
    assert timing < 2000
    assert state(driver, "document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for part in ("plot", "chosen", "energy", "heat"):  # none is squeezed beside another on a phone
        assert state(driver, f"byId('{part}').getBoundingClientRect().width") >= min(330, width - 40), part
    assert state(driver, "document.documentElement.dataset.theme") == ("dark" if dark else "light")
    shown = state(driver, "document.querySelectorAll('.points path').length")
    assert shown == state(driver, "data.groups.codes.filter((code) => code === state.group).length") == 8
    for figure in ("speedup", "gain", "energy", "stalls", "roofline", "heat"):
        marks = state(driver, f"document.querySelectorAll('#{figure} svg rect, #{figure} svg circle').length")
        assert marks > 0, figure


def test_thousands_of_points_of_a_real_network_open_fast(browse, tmp_path):
    folder = make_folder(tmp_path, rows="[32]", workloads='{ zoo = "resnet50" }', preset="sparse-32x32")
    columns, about = read_table(folder).to_pydict(), read_description(folder)
    count = len(columns["point"])
    times = 2_400 // count
    many = {name: values * times for name, values in columns.items()}
    many["point"] = [f"{row:020}" for row in range(count * times)]
    file = tmp_path / "large.html"
    file.write_text(page(assembled(about, many, range(count * times), {})), encoding="utf-8")
    assert file.stat().st_size < 15e6
    driver = browse()
    driver.get(file.as_uri())
    assert state(driver, "performance.timing.loadEventEnd - performance.timing.navigationStart") < 2000
    assert state(driver, "document.querySelectorAll('.points path').length") == 2_400
    assert state(driver, "layersOf(2399).names.length") == 72
    assert state(driver, "Math.abs(layersOf(2399).cycles.reduce((a, b) => a + b) "
                         "/ numeric.get('cycles').values[2399] - 1)") < 1e-6


def test_proofs_are_marked_and_told(browse, tmp_path):
    folder = make_folder(tmp_path)
    states, file = add_proofs(folder), tmp_path / "proofs.html"
    file.write_text(page(report_data(folder)), encoding="utf-8")
    driver = browse()
    driver.get(file.as_uri())
    select(driver, "group", "-1")
    for row, kind in enumerate(states):
        assert state(driver, f"document.querySelectorAll('.points path.{kind}').length") == 1
        driver.execute_script(f"choose({row})")
        told = element(driver, "#chosenproof").text
        assert told and ("7 transfers" in told) == (kind != "disproven")
        assert state(driver, f"PROOFS.{kind}") in element(driver, "#chosenname").text
    driver.execute_script("choose(7)")
    assert element(driver, "#chosenproof").text == ""
    assert [kind for kind in states if f" {kind}" in element(driver, "#table").text] == states


def test_bars_of_ratios_far_apart_begin_at_one_and_what_is_not_known_has_none(browse):
    driver = browse()
    driver.execute_script("""data.metrics.push({ key: "speedup_other", unit: "",
        values: data.points.map((_, row) => (row === state.chosen ? 0.02 : null)) }); drawBars();""")
    bars = state(driver, """[...document.querySelectorAll('#speedup rect')].map((each) => [each.textContent,
        Number(each.getAttribute('y')), Number(each.getAttribute('height'))])""")
    one = float(element(driver, "#speedup .one").get_attribute("y1"))
    [(_, top, height)] = [bar for bar in bars if "over other" in bar[0]]
    assert top == pytest.approx(one) and height > 50
    assert all(top + height == pytest.approx(one) for words, top, height in bars if "dense: 1." in words)
    assert "over other –" in element(driver, "#speedup svg").get_attribute("aria-label")


def test_the_first_view_is_logarithmic_where_an_axis_spans_more_than_a_decade(browse):
    driver = browse()
    for factor, wanted in ((20, True), (0, False)):
        driver.execute_script("""const values = numeric.get(data.objectives[0].name).values;
            values.forEach((_, row) => (values[row] = 100 + row * arguments[0])); firstView();""", factor * 10)
        assert state(driver, "state.logx") is wanted


def test_the_roofline_s_title_is_clear_of_its_labels_and_the_gpu_has_a_name(browse):
    driver = browse()
    driver.execute_script("limitsOf = () => ({ peak: 8000, bytes: 16 }); drawLayers();")
    beside = "[...document.querySelectorAll('#roofline text[text-anchor=end]')]"
    title = state(driver, """[...document.querySelectorAll('#roofline text')].find((each) =>
        each.textContent === 'useful MAC per cycle').getBoundingClientRect().right""")
    assert "1000" in state(driver, f"{beside}.map((each) => each.textContent)")
    assert title + 3 < state(driver, f"Math.min(...{beside}.map((each) => each.getBoundingClientRect().left))")
    assert "over A100 80 GB (model)" in element(driver, "#speedup .key").text


def test_axes_colour_and_scale_redraw(browse):
    driver = browse()
    places, fills = (
        f"[...document.querySelectorAll('.points path')].map((each) => each.getAttribute('{name}')).sort().join()"
        for name in ("transform", "fill"))
    before, colours = state(driver, places), state(driver, fills)
    select(driver, "x", "multipliers")
    assert state(driver, places) != before
    assert "multipliers" in element(driver, ".axes").text
    select(driver, "colour", "energy_joules")
    assert state(driver, fills) != colours
    before = state(driver, places)
    element(driver, "#logy").click()
    assert state(driver, places) != before
    element(driver, "#onlyfront").click()
    assert state(driver, "state.visible.every((row) => data.front[row])")
    assert state(driver, "document.querySelectorAll('#table tbody tr').length === state.visible.length")


def test_a_brush_filters_and_its_chip_undoes_it(browse):
    from selenium.webdriver import ActionChains

    driver = browse()
    target = state(driver, """(() => { const box = byId("plot").getBoundingClientRect(),
        k = plot.rows.indexOf(state.chosen); return [plot.px[k] - box.width / 2, plot.py[k] - box.height / 2]; })()""")
    corner = [round(each) for each in target]
    driver.execute_script("byId('plot').scrollIntoView({block: 'center'})")
    ActionChains(driver).move_to_element_with_offset(element(driver, "#plot"), corner[0] - 9, corner[1] - 9) \
        .click_and_hold().move_by_offset(9, 9).move_by_offset(9, 9).release().perform()
    visible = state(driver, "state.visible")
    inside = state(driver, """(() => {
        const both = [state.x, state.y].map((key) => [state.filters.get(key), numeric.get(key).values]);
        return plot.rows.filter((row) => both.every(([[low, high], all]) => all[row] >= low && all[row] <= high));
        })()""")
    assert sorted(visible) == sorted(inside) and 1 <= len(visible) < 8
    assert state(driver, "document.querySelectorAll('.points path.out').length") == 8 - len(visible)
    assert f"{len(visible)} points" in element(driver, "#live").get_attribute("textContent")
    element(driver, "#chips button:last-child").click()
    assert state(driver, "state.visible.length") == 8 and state(driver, "state.filters.size") == 0


def test_numbers_filter_too(browse):
    driver = browse()
    element(driver, ".ranges summary").click()
    select(driver, "rangekey", "accelerator.rows")
    element(driver, "#high").send_keys("2")
    element(driver, "#range button").click()
    assert state(driver, "state.visible.length") == 4
    element(driver, "#high").send_keys("x")
    element(driver, "#range button").click()
    assert "Wanted numbers" in element(driver, "#live").get_attribute("textContent")
    assert state(driver, "state.visible.length") == 4


def test_the_keyboard_reaches_every_point_and_chooses(browse):
    from selenium.webdriver.common.keys import Keys

    driver = browse(still=True)
    driver.execute_script("byId('cursor').focus()")
    press(driver, *[Keys.PAGE_UP] * 8)
    seen = set()
    for _ in range(8):
        seen.add(state(driver, "state.current"))
        press(driver, Keys.ARROW_RIGHT)
    assert seen == set(state(driver, "state.visible"))
    press(driver, Keys.HOME)
    assert state(driver, "data.front[state.current]")
    label = element(driver, "#cursor").get_attribute("aria-label")
    assert "cycles" in label and "on the front" in label
    press(driver, Keys.ENTER)
    assert state(driver, "state.chosen === state.current")
    assert state(driver, "data.points[state.chosen]") in element(driver, "#chosenname").text
    assert element(driver, "#live").get_attribute("textContent").startswith("Chosen:")
    assert element(driver, "#cursor").get_attribute("aria-pressed") == "true"
    driver.execute_script("changed('view')")  # as on a change of the window's size
    assert state(driver, "document.activeElement.id") == "cursor" and not state(driver, "byId('tip').hidden")


def test_tab_goes_through_the_page_with_a_focus_that_can_be_seen(browse):
    from selenium.webdriver.common.keys import Keys

    driver = browse()
    reached = []
    for _ in range(14):
        press(driver, Keys.TAB)
        reached.append(state(driver, "document.activeElement.id || document.activeElement.className"))
        assert state(driver, """(() => { const style = getComputedStyle(document.activeElement);
            return document.activeElement.id === "cursor" || style.outlineStyle !== "none"; })()"""), reached
    assert reached[0] == "skip" and {"theme", "x", "y", "colour", "logx", "cursor"} <= set(reached)


def test_the_copied_configuration_is_one(browse):
    driver = browse()
    driver.execute_script("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    rows = state(driver, "state.visible")
    for row in rows[:3]:
        driver.execute_script(f"choose({row})")
        driver.execute_script("byId('copied').textContent = ''")
        element(driver, "#copy").click()
        deadline = time.monotonic() + 5
        while element(driver, "#copied").text != "copied" and time.monotonic() < deadline:
            time.sleep(0.02)
        text = state(driver, "window.copied")
        assert text == state(driver, "byId('toml').textContent")
        experiment = Experiment.from_mapping(tomllib.loads(text))
        assert experiment.accelerator.config.rows == state(driver, f"numeric.get('accelerator.rows').values[{row}]")


def test_the_table_sorts_and_chooses(browse):
    driver = browse()
    for down in (False, True):
        element(driver, '#table button[data-key="energy_joules"]').click()
        values = state(driver, "sorted(state.visible).map((row) => numeric.get('energy_joules').values[row])")
        assert values == sorted(values, reverse=down)
    assert element(driver, "#table th[aria-sort=descending]").text.startswith("energy")
    element(driver, "#table tbody tr:last-child button").click()
    assert state(driver, "state.chosen") == state(driver, "sorted(state.visible).at(-1)")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False), (390, True)])
def test_axe_has_no_serious_finding(browse, axe, width, dark):
    driver = browse(width, 900, dark=dark)
    driver.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
    driver.execute_script(axe)
    found = json.loads(driver.execute_async_script(
        "const done = arguments[0]; axe.run(document).then((result) => done(JSON.stringify(result)))"))
    assert {"color-contrast", "button-name", "select-name"} <= {each["id"] for each in found["passes"]}
    serious = [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in found["violations"]
               if each["impact"] in SERIOUS]  # fmt: skip
    assert serious == []
