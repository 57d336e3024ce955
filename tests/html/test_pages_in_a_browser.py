"""The pages as a browser shows them: nothing breaks, nothing leaves, nothing hostile runs, all can be reached."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_reap.formats.html import history, run
from ansible_reap.history.estimate import RunTime
from ansible_reap.history.identity import Identity
from ansible_reap.history.runs import LaunchHistory, MeasuredRun
from ansible_reap.reports import run_report
from support import browser as browsers
from support import reports

pytestmark = pytest.mark.skipif(browsers.program() is None, reason="no Chromium here: apt-get install chromium")

RUNS = {"small": (3, 2), "large": (100, 20)}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browsers.Browser]:
    with browsers.browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def histories(count: int = 12) -> list[LaunchHistory]:
    chance = random.Random(7)
    found = []
    for number in range(count):
        times = [chance.lognormvariate(4, 0.5) for _ in range(number * 4)]
        runs = [
            MeasuredRun(f"2026-11-{1 + n // 24:02}T{n % 24:02}:00:00Z-1", RunTime(min(t, 200.0), t > 200), 200.0)
            for n, t in enumerate(times)
        ]
        name = reports.HOSTILE if number == 5 else f"Launch {number}"
        found.append(LaunchHistory("site", Identity('"><img src=x>', name, number % 2), tuple(runs)))
    return found


def written(kind: str, folder: Path) -> Path:
    page = folder / f"{kind}.html"
    if kind == "history":
        page.write_text(history.page(histories(), "team/site"), encoding="utf-8")
    else:
        source = folder / f"{kind}.json"
        source.write_text(json.dumps(reports.report(*RUNS[kind])), encoding="utf-8")
        page.write_text(run.page(run_report.read(source)), encoding="utf-8")
    return page


@pytest.mark.parametrize("kind", ["small", "large", "history"])
def test_a_page_opens_without_complaint_and_asks_nobody(browser: browsers.Browser, tmp_path: Path, kind: str) -> None:
    page = written(kind, tmp_path)
    browser.open(page)
    assert browser.complaints() == []
    assert browser.dialogs() == []
    assert [url for url in browser.requests() if url not in {page.as_uri(), "data:,"}] == []
    assert browser.ask("document.querySelectorAll('script').length") == 1
    assert browser.ask("document.querySelectorAll('main img, main svg [onload]').length") == 0
    assert reports.HOSTILE in browser.ask("document.querySelector('table').innerText")


@pytest.mark.parametrize("kind", ["small", pytest.param("large", marks=pytest.mark.slow), "history"])
@pytest.mark.parametrize("width", [1400, 480])
def test_a_page_fits_its_window_and_has_both_colours(
    browser: browsers.Browser, tmp_path: Path, kind: str, width: int
) -> None:
    browser.open(written(kind, tmp_path))
    light = browser.look(tmp_path / "light.png", width, 1000)
    assert browser.ask("document.documentElement.scrollWidth <= innerWidth")
    background = "getComputedStyle(document.body).backgroundColor"
    assert browser.ask(background) == "rgb(245, 246, 248)"
    dark = browser.look(tmp_path / "dark.png", width, 1000, dark=True)
    assert browser.ask(background) == "rgb(15, 19, 26)"
    assert light != dark
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask(background) == "rgb(245, 246, 248)"


def test_every_job_has_its_bar_and_its_row(browser: browsers.Browser, tmp_path: Path) -> None:
    browser.open(written("large", tmp_path))
    assert browser.ask("document.querySelectorAll('#chart .bar').length") == 2000
    assert browser.ask("document.querySelectorAll('tbody tr').length") == 2000
    overlapping = """Array.from(document.querySelectorAll('.lanes')).filter((host) => {
      const seen = {};
      return Array.from(host.querySelectorAll('.bar')).some((bar) => {
        const lane = bar.style.getPropertyValue('--lane'), left = parseFloat(bar.style.left);
        const over = seen[lane] !== undefined && left < seen[lane] - 0.01;
        seen[lane] = left + parseFloat(bar.style.width);
        return over;
      });
    }).length"""
    assert browser.ask(overlapping) == 0


def test_two_thousand_rows_are_searched_and_sorted_in_no_time(browser: browsers.Browser, tmp_path: Path) -> None:
    browser.open(written("large", tmp_path))
    shown = "Array.from(document.querySelectorAll('tbody tr')).filter((row) => !row.hidden).length"
    browser.ask(
        "{const s = document.getElementById('search'); s.value = 'WEB7. search'; s.dispatchEvent(new Event('input'))}"
    )
    assert browser.ask(f"new Promise((done) => setTimeout(() => done({shown}), 200))") == 5
    assert browser.ask("document.getElementById('count').textContent") == "5 of 2000 jobs"
    assert browser.ask("document.querySelectorAll('#chart .bar.dim').length") == 1995
    browser.ask("document.querySelector('.tile.timed_out').click()")
    assert browser.ask(shown) <= 5
    browser.ask("document.querySelector('.tile.all').click()")
    took = browser.ask(
        "{const t = performance.now(); document.querySelectorAll('th button')[3].click(); document.body.offsetHeight;"
        " performance.now() - t}"
    )
    assert took < 1500
    keys = browser.ask(
        "Array.from(document.querySelectorAll('tbody tr')).map((row) => Number(row.cells[3].dataset.key))"
    )
    assert keys == sorted(keys)
    assert browser.ask("document.querySelectorAll('th')[3].getAttribute('aria-sort')") == "ascending"


@pytest.mark.parametrize("width", [1400, 480])
def test_the_time_line_is_walked_with_the_keyboard(browser: browsers.Browser, tmp_path: Path, width: int) -> None:
    browser.open(written("small", tmp_path))
    browser.look(tmp_path / "page.png", width, 900)
    browser.ask("document.querySelector('.canvas').focus()")
    browser.press("ArrowDown", "ArrowDown", "ArrowRight")
    at = browser.ask("document.querySelector('.canvas').getAttribute('aria-activedescendant')")
    chosen = f"document.getElementById('{at}')"
    assert browser.ask(f"{chosen}.getAttribute('aria-label').length") > 5
    assert browser.ask(f"{chosen}.getAttribute('aria-selected')") == "true"
    browser.look(tmp_path / "page.png", width, 900)  # whatever scrolls has scrolled
    assert browser.ask("!document.getElementById('tip').hidden")
    browser.press("Enter")
    assert browser.ask("document.activeElement.id") == at.replace("b", "j")
    assert browser.complaints() == []


def test_only_hosts_with_problems_are_kept_on_demand(browser: browsers.Browser, tmp_path: Path) -> None:
    browser.open(written("large", tmp_path))
    browser.ask("document.getElementById('only-bad').click()")
    kept = browser.ask("Array.from(document.querySelectorAll('.lanes')).filter((host) => !host.hidden).length")
    assert 0 < kept < 100


def test_without_script_everything_is_there_to_read(browser: browsers.Browser, tmp_path: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(written("small", tmp_path))
        assert browser.ask("document.querySelectorAll('tbody tr').length") == 6
        assert browser.ask("document.getElementById('theme').hidden")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_controls_and_regions_have_names(browser: browsers.Browser, tmp_path: Path) -> None:
    browser.open(written("small", tmp_path))
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    asked = {"button", "searchbox", "slider", "checkbox", "listbox", "option", "region", "columnheader", "group"}
    nameless = [
        node
        for node in tree
        if not node.get("ignored")
        and node.get("role", {}).get("value") in asked
        and not node.get("name", {}).get("value", "").strip()
    ]
    assert nameless == []
    assert browser.ask("document.documentElement.lang") == "en"
