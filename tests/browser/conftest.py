"""A real headless Chromium with a report in it; tests are skipped, with the reason, where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip
AXE = "axe-core@4.10.2"
Open = Callable[..., Any]


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small sweep."""
    pytest.importorskip("pyarrow")
    from sweep_folder import make_folder

    from hwsim.report.html.data import report_data
    from hwsim.report.html.page import page

    folder = tmp_path_factory.mktemp("browser")
    file = folder / "report.html"
    file.write_text(page(report_data(make_folder(folder))), encoding="utf-8")
    return file


@pytest.fixture
def browse(report: Path) -> Iterator[Open]:
    """Function (width, height, dark, still) -> driver with the page loaded; no console message is left at the end."""
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    opened: list[Any] = []

    def browse(width: int = 1440, height: int = 900, *, dark: bool = False, still: bool = False) -> Any:
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--window-size={width},{height}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        made = webdriver.Chrome(options=options, service=Service(driver))
        opened.append(made)
        media = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                 {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"}]
        made.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        made.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        made.get(report.as_uri())
        return made

    yield browse
    said = [entry for made in opened for entry in made.get_log("browser")]
    for made in opened:
        made.quit()
    assert said == []


@pytest.fixture(scope="session")
def axe() -> str:
    """Source of axe-core, from npm's registry by its ordinary client; kept in the cache."""
    npm = shutil.which("npm")
    folder = Path(os.environ.get("HWSIM_CACHE", Path.home() / ".cache" / "hwsim")) / "axe"
    file = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not file.exists():
        if npm is None:
            pytest.skip("needs npm, for axe-core")
        folder.mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--no-save", "--ignore-scripts", "--no-audit", "--prefix", str(folder), AXE]
        done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip(f"npm gives no axe-core: {done.stderr.strip().splitlines()[-1:]}")
    return file.read_text(encoding="utf-8")
