"""Ledgers, exports of run times, full disks: what a command meets outside of a project costs it a line at most."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.command import assert_is_told_well, run
from support.hostile import PLAY, REPORTS

RUN = {"run": "r", "pid": 1, "pid_start": "gone", "controller": "c", "started": "2026-11-22T10:00:00Z"}
SITE = {
    "play": "P",
    "task": "Start",
    "path": "site.yml",
    "line": 3,
    "role": None,
    "register": "x",
    "limit_s": 60,
    "poll": 0,
}
LAUNCH = {
    "jid": "j1.1",
    "host": "web1",
    "site": SITE,
    "results_file": "/x/j1.1",
    "item": None,
    "launched": 1764000000.0,
}
GIANT = 10**4000


def _line(kind: str, body: Mapping[str, object]) -> str:
    return json.dumps({"v": 1, "kind": kind, **body})


def _run(**values: object) -> bytes:
    return f"{_line('run', {**RUN, **values})}\n{_line('launch', LAUNCH)}\n".encode()


def _ledger(*lines: str) -> bytes:
    return "\n".join([_line("run", RUN), _line("launch", LAUNCH), *lines, ""]).encode("utf-8", "surrogatepass")


def _launch(**values: object) -> bytes:
    return _ledger(_line("launch", {**LAUNCH, "jid": "j2.2", **values}))


LEDGERS: dict[str, bytes] = {
    "a whole one": _launch(),
    "an infinity": _launch(launched=float("inf")),
    "no number": _launch(launched=float("nan")),
    "the greatest number": _launch(launched=1e308),
    "a number of many digits": _launch(launched=GIANT),
    "a limit of many digits": _launch(site={**SITE, "limit_s": GIANT}),
    "a negative limit": _launch(site={**SITE, "limit_s": -5}),
    "an infinite limit": _launch(site={**SITE, "limit_s": float("inf")}),
    "a line that is a list": _launch(site={**SITE, "line": [1, 2]}),
    "a task of escapes": _launch(site={**SITE, "task": "\x1b[2J\n::error::x\x9b\u202e"}),
    "a host of a megabyte": _launch(host="h" * 1_000_000),
    "a host of surrogates": _launch(host="\ud800\udfff"),
    "an id that is a path": _launch(jid="../../etc/passwd"),
    "an id that is a map": _launch(jid={"a": 1}),
    "depth": _ledger("[" * 200_000),
    "digits": _ledger("9" * 100_000),
    "no text": _ledger() + b"\xff\xfe\x00\n",
    "a run of wrong kinds": _run(pid=[1], started=GIANT, playbooks={"a": 1}),
    "a process of many digits": _run(pid=GIANT),
    "a start of no moment": _run(started="9999-99-99"),
    "two runs": _ledger(_line("run", RUN), _line("run", RUN)),
    "a version of odd digits": _run(ansible_core="2.\u00b2"),
    "a version of many digits": _run(ansible_core="2." + "9" * 5000),
    "a folder that no path can name": _run(base="/x\0y"),
    "a folder of a long name": _run(base="/" + "x" * 300),
    "a folder of surrogates": _run(base="/\ud800"),
    "a task in a device": _run(base="/") + _line("launch", {**LAUNCH, "site": {**SITE, "path": "dev/zero"}}).encode(),
    "a task in a file that no path can name": _launch(site={**SITE, "path": "\0"}),
    "nothing": b"",
    "many jobs": _ledger(*(_line("launch", {**LAUNCH, "jid": f"j{n}.1"}) for n in range(2, 3000))),
}


@pytest.mark.parametrize("options", [(), ("--format", "json"), ("--all",)], ids=" ".join)
@pytest.mark.parametrize("kind", LEDGERS)
def test_a_hostile_ledger_costs_itself_at_most(kind: str, options: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "ledgers"
    folder.mkdir(mode=0o700)
    (folder / "good.ledger").write_bytes(_ledger().replace(b"web1", b"known"))
    (folder / "bad.ledger").write_bytes(LEDGERS[kind])
    ended = run("jobs", "--ledger-dir", folder, *options, cwd=tmp_path)
    assert_is_told_well(ended)
    assert ended.status == 0
    assert "known" in ended.out


def _entry(**values: object) -> str:
    entry = {"where": "good.yml", "task": "Start", "position": 0, "limit_s": 120, "runs": 9, "uncertainty_s": 0}
    times = {f"2026-01-0{day}T00:00:00Z-1": 100 for day in range(1, 10)}
    return json.dumps({"version": 1, "launches": [{**entry, "times_s": times, **values}]})


EXPORTS: dict[str, str | bytes] = {
    "a whole one": _entry(),
    "infinities": _entry(limit_s=float("inf"), times_s={"2026-01-01T00:00:00Z-1": float("nan")}),
    "the greatest number": _entry(times_s={"2026-01-01T00:00:00Z-1": 1e308}),
    "digits": _entry(limit_s=GIANT, position=GIANT),
    "surrogates": _entry(task="\ud800", where="\udfff"),
    "escapes": _entry(task="\x1b[2J\n::error::x\x9b", where="\x1b]0;x\x07"),
    "no moment": _entry(times_s={"yesterday": 3, "9999-99-99T00:00:00Z-1": 4}),
    "wrong kinds": _entry(times_s=[1, 2], limit_s={}, position=[]),
    "markup": _entry(task="</script><img src=x onerror=alert(1)>"),
    "depth": "[" * 200_000,
    "no text": b"\xff\xfe\x00",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", EXPORTS)
def test_a_hostile_export_is_taken_in_or_refused_and_shown_safely(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASYNC_REAPER_HISTORY", str(tmp_path / "history.db"))
    text = EXPORTS[kind]
    (tmp_path / "export.json").write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    (tmp_path / ".git").mkdir()
    for arguments in (
        ("import", "export.json"),
        ("show", "--all-projects"),
        ("show", "--all-projects", "--html", "page.html"),
        ("export",),
    ):
        ended = run("history", *arguments, cwd=tmp_path)
        assert_is_told_well(ended)
        assert ended.status in (0, 2), arguments
        assert len(ended.err.splitlines()) <= 1, arguments
    if (tmp_path / "page.html").exists():
        assert "<img src=x" not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_pages_of_private_reports_are_private(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"version": 1, "jobs": []}')
    before = os.umask(0)
    try:
        for name, arguments in {
            "page.html": ("--html", "page.html"),
            "run.prom": ("--format", "prometheus", "--output", "run.prom"),
        }.items():
            ended = run("report", "run.json", *arguments, cwd=tmp_path)
            assert ended.status == 0, ended.err
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_full_disk_leaves_the_file_that_was_to_be_mended_as_it_was(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    site = tmp_path / "site.yml"
    site.write_text(PLAY + "# a comment\n" * 1000)
    before = site.read_bytes()

    def as_on_a_full_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    program = "import signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    program += "from ansible_reap.cli import main\nsys.exit(main(['check', '--fix']))"
    ended = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=tmp_path,
        preexec_fn=as_on_a_full_disk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stdout
    assert "site.yml" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert site.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "site.yml"]


@pytest.mark.parametrize(
    ("link", "arguments"),
    [
        (".ansible-reap-ignore", ("report", "run.json", "--generate-ignore")),
        ("page.html", ("report", "run.json", "--html", "page.html")),
        ("run.prom", ("report", "run.json", "--format", "prometheus", "--output", "run.prom")),
        (".ansible-reap/history.json", ("history", "export")),
        ("page.html", ("history", "show", "--html", "page.html")),
        (".ansible-lint", ("doctor", "--fix", "--skip", "rules", "--skip", "callback", "--skip", "pre-commit")),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:3]),
)
def test_no_command_writes_through_a_link_that_leads_out_of_the_project(
    link: str, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASYNC_REAPER_HISTORY", str(tmp_path / "history.db"))
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "run.json").write_text(str(REPORTS["no limit"]))
    (project / "export.json").write_text(_entry())
    assert run("history", "import", "export.json", cwd=project).status == 0
    outside = tmp_path / "outside"
    outside.write_text({".ansible-lint": "profile: min\n", ".ansible-reap/history.json": _entry()}.get(link, ""))
    before = outside.read_text()
    (project / link).parent.mkdir(exist_ok=True)
    (project / link).symlink_to(outside)
    ended = run(*arguments, cwd=project)
    assert_is_told_well(ended)
    assert ended.status == 2, ended.out
    assert "a link leads out of the project" in ended.err
    assert outside.read_text() == before
