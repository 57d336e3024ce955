"""The parts of the runtime half that need no run: options, words, recap, report, JUnit."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from ansible_reap.printable import printable
from ansible_reap.runtime.output import recap
from ansible_reap.runtime.output.junit import as_junit
from ansible_reap.runtime.output.report import Run, RunOutcome, as_json, dumps, outcome_of, summary
from ansible_reap.runtime.policy.options import GatePlace, OnUnreaped, Options, RecapWhen, parse
from ansible_reap.runtime.tracking.display_text import fit
from ansible_reap.runtime.tracking.info import Access, JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import Phase, Sight, Source
from ansible_reap.runtime.tracking.tracker import JobRecord, Origin, ReapTask, Sighting, Tracker
from ansible_reap.runtime.tracking.wording import failure_message
from support import junit

SITE = LaunchSite("all", "Start the backup", "roles/db/tasks/main.yml", 12, "db", "backup", 3600, 0, no_log=False)
RUN = Run("2026-11-22T10:00:00Z-4711", ("site.yml",), "2.21.5", 1795341600.0, 1795341660.0)
SCHEMA = Path(__file__).parents[2] / "src" / "ansible_reap" / "schemas" / "report.json"


def job(
    jid: str = "j476670994859.20044", *sightings: Sighting, site: LaunchSite = SITE, item: str | None = None
) -> JobRecord:
    tracker = Tracker()
    record = tracker.launch(JobInfo(jid, "web1", site, item, 1795341600.0))
    for sighting in sightings:
        tracker.see(jid, sighting)
    return record


def test_bad_values_are_one_warning_each_and_the_default() -> None:
    heard: list[str] = []
    got = parse(
        {"on_unreaped": "explode", "gate": " RUN ", "look": "no", "recap": None, "ignore": "task:*, x:y"}, heard.append
    )
    assert (got.on_unreaped, got.gate, got.look, got.recap) == (
        OnUnreaped.FAIL,
        GatePlace.RUN,
        False,
        RecapWhen.PROBLEMS,
    )
    assert [term.subject for rule in got.ignore for term in rule.terms] == ["task"]
    assert len(heard) == 2
    assert "fail, report, reap" in heard[0]


def test_the_recap_fits_eighty_columns_and_keeps_ids_and_places_whole() -> None:
    long = replace(SITE, task="Start the backup of everything that there is on every disk of the machine")
    jobs = [job(site=long), job("j1.2", Sighting(Source.LOOK, Sight.FAILED, 1795341700.0, rc=3), item="a")]
    got = recap.lines(jobs, Options(), 1795341660.0)
    assert [line.tone for line in got] == [recap.Tone.ERROR] * 3
    assert all(len(line.text) <= 100 for line in got)
    assert "roles/db/tasks/main.yml:12" in got[0].text
    assert "j476670994859.20044" in got[0].text
    assert "1m/1h" in got[0].text
    assert got[0].text.endswith("...")
    assert got[1].text.endswith(": rc 3")
    assert got[0].text.index("web1") == got[1].text.index("web1")
    assert got[2].text == "2 launched: 1 failed, 1 unreaped"


def on_hosts(count: int, *sightings: Sighting, site: LaunchSite = SITE) -> list[JobRecord]:
    found = []
    for number in range(1, count + 1):
        tracker = Tracker()
        record = tracker.launch(JobInfo(f"j{number}.1", f"web{number}", site, None, 1795341600.0))
        for sighting in sightings:
            tracker.see(record.info.jid, sighting)
        found.append(record)
    return found


def test_jobs_of_one_task_on_many_hosts_are_told_together_and_as_wide_as_the_terminal() -> None:
    jobs = [*on_hosts(12), job("j9.9", Sighting(Source.LOOK, Sight.FAILED, 1795341700.0, rc=3))]
    hosts = ", ".join(f"web{number}" for number in range(1, 13))
    wide, narrow, narrowest = (recap.lines(jobs, Options(), 1795341660.0, width) for width in (300, 100, 40))
    first = "unreaped  12 hosts  roles/db/tasks/main.yml:12  1 job each  1m/1h"
    assert [len(got) for got in (wide, narrow, narrowest)] == [3, 4, 4]
    assert all(len(line.text) <= 100 for line in narrow)
    assert all(got[0].text.startswith(first) and got[-2].text.endswith(": rc 3") for got in (wide, narrow, narrowest))
    assert wide[0].text.endswith(f"Start the backup: {hosts}")
    assert narrow[1].text == f"  {hosts}"
    assert narrowest[1].text == "  web1, web2, web3, web4 and 8 more"
    assert len(recap.lines(on_hosts(3), Options(), 0.0)) == 4


def test_jobs_that_are_lost_for_different_reasons_are_told_apart() -> None:
    jobs = []
    for number in range(8):
        tracker = Tracker()
        info = JobInfo(f"j{number}.1", f"web{number}", SITE, None, 1795341600.0)
        jobs.append(tracker.launch_lost(info, "its result was hidden" if number % 2 else "its id was hidden"))
    got = recap.lines(jobs, Options(), 1795341660.0, 200)
    assert [line.text.partition("Start the backup")[2] for line in got[:-1]] == [
        ": its id was hidden: web0, web2, web4, web6",
        ": its result was hidden: web1, web3, web5, web7",
    ]
    (alone, _) = recap.lines(jobs[:1], Options(), 1795341660.0, 200)
    assert alone.text.endswith("Start the backup: its id was hidden")


def test_a_killed_job_is_told_with_its_limit_and_when_it_was_seen() -> None:
    killed = job("j1.1", Sighting(Source.LOOK, Sight.TIMED_OUT, 1795341621.0), site=replace(SITE, limit_s=5))
    (line, _) = recap.lines([killed], Options(), 1795341660.0)
    assert "  5s/5s  " in line.text
    assert line.text.endswith(": killed at its limit, seen after 21 s")


def test_ignored_jobs_are_counted_as_such() -> None:
    options = parse({"ignore": "task:Start*", "recap": "always"}, lambda _: None)
    assert [line.text for line in recap.lines([job()], options, 0.0)] == ["1 launched: 1 ignored"]


def test_a_job_whose_host_left_before_the_gate_could_wait_is_named_as_such() -> None:
    options, hosts = Options(on_unreaped=OnUnreaped.REAP), frozenset([job().info.host])
    (line, _) = recap.lines([job()], options, 1795341660.0, 200, recap.Unwaited(hosts))
    assert line.text.endswith("Start the backup: not waited for, its host failed")
    (line, _) = recap.lines([job()], options, 1795341660.0, 200)
    assert line.text.endswith("Start the backup: not waited for, no gate came to it")


def test_of_a_run_that_was_interrupted_no_host_is_said_to_have_left() -> None:
    options = Options(on_unreaped=OnUnreaped.REAP)
    (line, _) = recap.lines([job()], options, 1795341660.0, 200, recap.Unwaited(is_cut_short=True))
    assert line.text.endswith("Start the backup: not waited for, the run was interrupted")


def test_names_are_told_on_one_line_without_control_characters() -> None:
    nasty = replace(SITE, task="one\ntwo \x1b[31mred\u202e\x07", path="a\rb.yml", reason=None)
    (line, _) = recap.lines([job(site=nasty, item="x\n::error::y")], Options(), 1795341660.0, 200)
    assert line.text.isprintable()
    assert "one two \\x1b[31mred" in line.text


def test_the_recap_is_quiet_after_a_clean_run_unless_asked() -> None:
    good = [job("j1.1", Sighting(Source.PLAYBOOK, Sight.FINISHED, 1795341610.0))]
    assert recap.lines(good, Options(), 0.0) == []
    assert [line.text for line in recap.lines(good, Options(recap=RecapWhen.ALWAYS), 0.0)] == ["1 launched: 1 reaped"]
    assert recap.lines([job()], Options(recap=RecapWhen.NEVER), 0.0) == []
    assert recap.lines([], Options(recap=RecapWhen.ALWAYS), 0.0) == []


def test_the_report_holds_to_its_schema() -> None:
    jobs = [
        job(item="a"),
        job(
            "j1.2",
            Sighting(
                Source.PLAYBOOK, Sight.FAILED, 1795341610.0, rc=3, msg="bad", reap=ReapTask("a.yml", 3, "Wait", "web2")
            ),
        ),
        job("j1.3", site=replace(SITE, reason="a daemon", access=Access(delegate_to="web9"))),
    ]
    report = as_json(RUN, jobs, outcome_of(jobs, Options()), Options())
    jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert report["outcome"] == "failed"
    assert report["summary"] == {
        "launched": 3, "reaped": 0, "failed": 1, "timed_out": 0, "lost": 0, "unreaped": 1, "detached": 1, "swallowed": 0
    }  # fmt: skip
    assert json.loads(dumps(report)) == report


def test_ignored_jobs_are_counted_as_ignored() -> None:
    options = parse({"ignore": "host:web9"}, print)
    jobs = [job("j1.1"), replace(job("j1.2"), info=replace(job("j1.2").info, host="web9"))]
    report = as_json(RUN, jobs, outcome_of(jobs, options), options)
    jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert report["summary"] == {
        "launched": 2, "reaped": 0, "failed": 0, "timed_out": 0, "lost": 0, "unreaped": 1, "detached": 0,
        "swallowed": 0, "ignored": 1,
    }  # fmt: skip


def test_the_failure_of_a_killed_job_tells_its_limit_and_when_it_was_seen() -> None:
    killed = job("j1.1", Sighting(Source.LOOK, Sight.TIMED_OUT, 1795341621.0), site=replace(SITE, limit_s=5))
    assert "was killed at its limit of 5 s, seen after 21 s" in failure_message([killed], 1795341660.0)


def test_unclaimed_jobs_have_a_list_of_their_own_and_are_not_counted_as_launched() -> None:
    tracker = Tracker()
    tracker.adopt(JobInfo("j1.1", "web1", SITE, None, 1795341600.0), Origin.LEDGER)
    tracker.adopt(JobInfo("j1.2", "web1", SITE, None, 1795341600.0), Origin.UNCLAIMED)
    report = as_json(RUN, list(tracker), RunOutcome.REPORTED, Options())
    jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [entry["jid"] for entry in report["jobs"]] == ["j1.1"]
    assert [entry["jid"] for entry in report["unclaimed"]] == ["j1.2"]
    assert report["summary"]["launched"] == 1


def test_outcomes() -> None:
    told = Options(on_unreaped=OnUnreaped.REPORT)
    assert outcome_of([], Options()) is RunOutcome.OK
    assert outcome_of([job()], told) is RunOutcome.REPORTED
    assert outcome_of([job()], Options()) is RunOutcome.FAILED


def test_junit_survives_hostile_names() -> None:
    nasty = replace(SITE, task='<&"\x1b]]> \ud800')
    jobs = [job(site=nasty), job("j1.2", site=replace(SITE, reason="a daemon"))]
    assert junit.troubles(as_junit(RUN, jobs, Options())) == []
    root = ET.fromstring(as_junit(RUN, jobs, Options()))
    cases = root.findall("./testsuite/testcase")
    assert [case.get("line") for case in cases] == ["12", "12"]
    assert cases[0].find("failure") is not None
    skipped = cases[1].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "detached: a daemon"
    assert root.get("failures") == "1"


def test_the_failure_message_names_each_job_and_what_to_do() -> None:
    text = failure_message([job(item="a"), job("j1.2")], 1795341660.0)
    assert text.startswith("2 async jobs of this host went unanswered: 'Start the backup' (item=a) at ")
    assert "roles/db/tasks/main.yml:12, job j1.2: never reaped" in text
    assert "async_reaper_detach" in text


def test_a_phase_that_is_no_problem_has_no_line() -> None:
    detached = job(site=replace(SITE, reason="a daemon"))
    assert detached.phase is Phase.DETACHED
    assert recap.lines([detached], Options(), 0.0) == []
    assert summary([detached])["detached"] == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("##vso[task.setvariable variable=x]y", r"\x23#vso[task.setvariable variable=x]y"),
        ("a ##[error]b", r"a \x23#[error]b"),
        ("::error::b", r"\x3a:error::b"),
        ("a\n::stop-commands::b", r"a \x3a:stop-commands::b"),
        ("\x1b[2J", r"\x1b[2J"),
        ("on ::1, fe80::1, Some::Class and # [x]", "on ::1, fe80::1, Some::Class and # [x]"),
    ],
)
def test_what_a_host_says_commands_no_log_wherever_its_line_is_wrapped(text: str, shown: str) -> None:
    assert fit(text) == shown
    assert printable(fit(text)) == fit(text)
