"""The file that is committed next to the code."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_reap import files
from ansible_reap.history import committed
from ansible_reap.history.estimate import RunTime
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.runs import MAX_RUNS, LaunchHistory, MeasuredRun, gather

BACKUP = Identity("role:db/tasks/main.yml", "Start the backup")


def run_id(n: int) -> str:
    return f"2026-11-{1 + n // 24:02}T{n % 24:02}:00:00Z-4711"


def history(identity: Identity = BACKUP, times: tuple[float, ...] = (310, 300, 320.2, 588, 305)) -> LaunchHistory:
    return LaunchHistory("", identity, tuple(MeasuredRun(run_id(n), RunTime(t), 600) for n, t in enumerate(times)))


def observed(run: str, host: str, seconds: float, outcome: Ending = Ending.FINISHED) -> Observation:
    when = datetime(2026, 11, 1, tzinfo=timezone.utc)
    return Observation(run, f"{run}{host}", "p", BACKUP, host, outcome, seconds, 0.5, 600, when, "2.21.5")


def test_a_run_counts_once_with_its_slowest_job() -> None:
    (found,) = gather([observed("r1", "a", 3), observed("r1", "b", 7), observed("r2", "a", 5)])
    assert [(each.run, each.time.seconds, each.jobs) for each in found.runs] == [("r1", 7, 2), ("r2", 5, 1)]
    assert found.estimate.uncertainty == 0.5


def test_one_job_cut_off_makes_the_run_an_at_least() -> None:
    jobs = [observed("r1", "a", 9), observed("r1", "b", 7, Ending.TIMED_OUT), observed("r1", "c", 20, Ending.FAILED)]
    (found,) = gather(jobs)
    assert found.runs[0].time == RunTime(9, is_censored=True, uncertainty=0.5)
    assert found.failed == 1


def test_a_run_of_failures_tells_no_time() -> None:
    (found,) = gather([observed("r1", "a", 9, Ending.FAILED)])
    assert found.runs == ()
    assert found.failed == 1


def test_only_the_newest_runs_count() -> None:
    (found,) = gather([observed(run_id(n), "a", n) for n in range(MAX_RUNS + 10)])
    assert [each.time.seconds for each in found.runs] == list(range(10, MAX_RUNS + 10))


def test_the_export_is_sorted_and_has_one_line_a_launch() -> None:
    first, second = history(Identity("a.yml", "Z")), history(Identity("b.yml", "A"))
    text = committed.dump([second, first])
    assert text == committed.dump([first, second])
    assert [json.loads(line.rstrip(","))["where"] for line in text.splitlines()[1:-1]] == ["a.yml", "b.yml"]
    assert json.loads(text)["version"] == 1
    changed = committed.dump([first, history(Identity("b.yml", "A"), (1, 2))])
    assert sum(a != b for a, b in zip(text.splitlines(), changed.splitlines(), strict=True)) == 1


def test_the_export_shows_the_figures() -> None:
    entry = json.loads(committed.dump([history()]))["launches"][0]
    assert {key: entry[key] for key in ("runs", "median_s", "max_s", "bound_s", "level", "limit_s")} == {
        "runs": 5,
        "median_s": 310,
        "max_s": 588,
        "bound_s": 588,
        "level": 0.833,
        "limit_s": 600,
    }


def test_an_export_names_no_host() -> None:
    assert "secret-host" not in committed.dump(gather([observed(run_id(0), "secret-host", 3)]))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    cut = MeasuredRun(run_id(9), RunTime(600, is_censored=True), 600)
    told = LaunchHistory("", BACKUP, (*history().runs, cut))
    files.write(tmp_path / "h.json", committed.dump([told]), private=False)
    (read,) = committed.read(tmp_path / "h.json")
    assert read.estimate == told.estimate
    assert committed.dump([read]) == committed.dump([told])
    (kept,) = gather(committed.observations([read], "p"))
    assert kept.estimate == told.estimate


def test_merging_adds_runs_and_knows_the_same_run_again() -> None:
    other = LaunchHistory("", BACKUP, (MeasuredRun(run_id(99), RunTime(7), 600),))
    (merged,) = committed.merge([history()], [history(), other])
    assert merged.estimate.runs == 6


@pytest.mark.parametrize("layout", ["ours", "large", "laid out anew"])
def test_check_finds_launches_in_it(tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committed, "LARGE", 10 if layout == "large" else 10**6)
    names = ['Start "the" bäckup', "Start", "Start } ], \\ {"]
    told = [history(Identity("role:db/tasks/main.yml", name)) for name in names]
    text = committed.dump(told)
    files.write(
        tmp_path / committed.FILE, json.dumps(json.loads(text), indent=2) if "anew" in layout else text, private=False
    )
    found = committed.load(tmp_path)
    assert found is not None
    source = "".join(f"- name: {json.dumps(name)}\n  async: 5\n" for name in names)
    for n, name in enumerate(names):
        known = found.for_launch("roles/db/tasks/main.yml", 2 * n + 1, name, source)
        assert known is not None
        assert known.largest == 588
        assert found.for_launch("roles/other/tasks/main.yml", 2 * n + 1, name, source) is None


def test_a_project_without_one_has_no_estimates(tmp_path: Path) -> None:
    assert committed.load(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", ":1: is not JSON"),
        ("[]", "not an export"),
        ('{"version": 2, "launches": []}', "newer ansible-reap"),
        ('{"version": 1, "launches": [{"where": "a"}]}', "an entry is damaged"),
        ('{"version": 1, "launches": ["a"]}', "an entry is damaged"),
        ('{"version": 1, "launches": [\n<<<<<<< HEAD\n\n]}\n', ":2: is not JSON"),
        ("\udcff", "is not UTF-8"),
    ],
)
def test_a_damaged_file_is_one_line_that_says_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / committed.FILE).parent.mkdir()
    (tmp_path / committed.FILE).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(committed.HistoryFileError, match=said) as error:
        committed.load(tmp_path)
    assert "\n" not in str(error.value)
    assert str(tmp_path / committed.FILE) in str(error.value)


def test_every_launch_of_a_large_file_is_found_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committed, "LARGE", 10)
    names = [f"Task {n}" for n in range(40)] + ["", "Task", "Täsk", "~", "Zz", '"', "\n", "\x00"]
    launches = [
        Identity(f"role:r{n % 7}/tasks/main.yml", name, p) for n, name in enumerate(names) for p in (0, 1, 10, 2)
    ]
    files.write(tmp_path / committed.FILE, committed.dump(history(each) for each in launches), private=False)
    found = committed.load(tmp_path)
    assert found is not None
    for n, name in enumerate(names):
        assert sorted(found.lookup(f"role:r{n % 7}/tasks/main.yml", name)) == [0, 1, 2, 10]
        assert found.lookup(f"role:r{n % 7 + 1}/tasks/main.yml", name + "x") == {}
    for where in ("", "a", "role:r3", "~"):
        assert found.lookup(where, "Task 3") == {}


def test_a_damaged_line_of_a_large_file_is_named_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committed, "LARGE", 10)
    text = committed.dump([history(), history(Identity("role:db/tasks/main.yml", "Zap"))]).replace(
        "588,", "588 588,", 1
    )
    files.write(tmp_path / committed.FILE, text, private=False)
    found = committed.load(tmp_path)
    assert found is not None
    source = "- name: Start the backup\n  async: 5\n- name: Zap\n  async: 5\n"
    with pytest.raises(committed.HistoryFileError, match=r"history\.json:2: is not JSON"):
        found.for_launch("roles/db/tasks/main.yml", 1, "Start the backup", source)
    assert found.for_launch("roles/db/tasks/main.yml", 3, "Zap", source) is not None
