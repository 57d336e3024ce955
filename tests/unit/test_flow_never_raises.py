"""Whatever YAML and Jinja a project holds, the analysis ends and says something."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_reap.flow.engine import analyse
from ansible_reap.flow.evaluation import filters, scalars, state_tests
from ansible_reap.flow.evaluation.conditions import condition
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.layers import Layer, Scope
from ansible_reap.flow.evaluation.values import EACH, Job, Results, Seq

NAMES = st.sampled_from(["job", "jobs", "item", "status", "x", "ansible_failed_result", "hostvars", "vars"])
TEXTS = ["'a'", "'results'", "'ansible_job_id'", "'item.x'", "'defined'", "'[?a].b'", "'%s'", "'{{ job }}'", "''"]
OPERANDS = st.one_of(NAMES, NAMES, st.sampled_from(["0", "1", "-7", "1e9", "[]", "{}", "none", "true", "omit", *TEXTS]))
FILTERS = sorted({*filters.HANDLERS, *filters.SAME, *scalars.TEXTUAL, *scalars.NUMERIC, "acme.own"})
TESTS = sorted({*state_tests.STATE_TESTS, "defined", "undefined", "none", "mapping", "eq", "in", "sameas", "truthy"})
PARTS = ["results", "ansible_job_id", "finished", "item", "x", "items()", "split()", "format(job)", "values()"]
CALLS = ["lookup('vars', {})", "query('list', {})", "range({})", "dict(a={})", "q({})", "acme({})"]
FORMS = [
    "({}).get({})",
    "({})[{}]",
    "({})[{}:]",
    "{} + {}",
    "{} * {}",
    "{} // {}",
    "{} % {}",
    "{} ~ {}",
    "({} and not {})",
    "({} or {})",
    "({} == {})",
    "({} < {})",
    "({} in {})",
    "[{}, {}]",
    "({}, {})",
    "{{{}: {}}}",
]


def expressions() -> st.SearchStrategy[str]:
    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        arguments = st.lists(inner, max_size=3).map(", ".join)
        return st.one_of(
            st.builds("({})|{}({})".format, inner, st.sampled_from(FILTERS), arguments),
            st.builds("({})|{}".format, inner, st.sampled_from(FILTERS)),
            st.builds("({}) is {}({})".format, inner, st.sampled_from(TESTS), arguments),
            st.builds("({}).{}".format, inner, st.sampled_from(PARTS)),
            st.builds(lambda form, *parts: form.format(*parts), st.sampled_from(FORMS), inner, inner),
            st.builds(lambda form, part: form.format(part), st.sampled_from(CALLS), inner),
            st.builds("({} if {} else {})".format, inner, inner, inner),
        )

    return st.recursive(OPERANDS, grown, max_leaves=12)


TEMPLATES = st.one_of(st.builds("{{{{ {} }}}}".format, expressions()), st.text(max_size=8), expressions())
VALUES = st.recursive(
    st.one_of(TEMPLATES, st.integers(-5, 500), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
KEYWORDS = st.sampled_from(
    [
        "async",
        "poll",
        "register",
        "loop",
        "with_items",
        "when",
        "until",
        "vars",
        "notify",
        "listen",
        "name",
        "retries",
        "delay",
        "loop_control",
        "failed_when",
        "delegate_to",
        "args",
        "with_subelements",
        "with_dict",
        "become",
        "delegate_facts",
    ]
)
ACTIONS = st.sampled_from(
    [
        "command",
        "async_status",
        "set_fact",
        "include_tasks",
        "import_tasks",
        "include_role",
        "meta",
        "debug",
        "include_vars",
        "block",
        "add_host",
        "reap.jobs.wait",
        "import_playbook",
        "action",
        "local_action",
        "acme.own.thing",
        "hosts",
        "roles",
    ]
)


@st.composite
def tasks(draw: Any) -> dict[str, Any]:
    task: dict[str, Any] = draw(st.dictionaries(KEYWORDS, VALUES, max_size=5))
    action = draw(ACTIONS)
    if action == "async_status":
        task[action] = {"jid": draw(TEMPLATES)}
        task.setdefault("until", "status is finished")
    elif action == "set_fact":
        task[action] = {draw(st.sampled_from(["job", "jobs", "x"])): draw(VALUES)}
    elif action in ("include_tasks", "import_tasks", "include_role"):
        task[action] = draw(
            st.sampled_from(["other.yml", "main.yml", "{{ x }}.yml", {"file": "other.yml"}, {"name": "{{ item }}"}])
        )
    else:
        task[action] = draw(VALUES)
    if draw(st.booleans()):
        task.update({"async": 300, "poll": 0, "register": "job"})
    return task


LISTS = st.lists(tasks(), max_size=5)
FILES = st.one_of(
    LISTS,
    st.builds(lambda block, rescue: [{"block": block, "rescue": rescue, "always": rescue}], LISTS, LISTS),
    st.builds(
        lambda before, after: [{"hosts": "all", "tasks": before, "handlers": after, "vars": {"x": "a"}}], LISTS, LISTS
    ),
    VALUES,
)


@given(main=FILES, other=FILES, role=FILES)
def test_no_exception_leaves_the_analysis(main: Any, other: Any, role: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "roles/r/tasks").mkdir(parents=True)
        (root / "roles/r/handlers").mkdir()
        for name, data in (
            ("main.yml", main),
            ("other.yml", other),
            ("roles/r/tasks/main.yml", role),
            ("roles/r/handlers/main.yml", other),
        ):
            (root / name).write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        analysis = analyse(root)
        assert not analysis.crashes
        assert all(launch.task.path for launch in analysis.launches)
        assert all(launch.explanation for launch in analysis.launches if launch.sub_tag)


@given(text=st.binary(max_size=300))
def test_no_exception_for_any_bytes(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.yml").write_bytes(b"- command: x\n  async: 5\n  poll: 0\n" + text)
        assert not analyse(Path(folder)).crashes


@given(text=TEMPLATES)
def test_any_expression_has_a_value_and_a_truth(text: str) -> None:
    facts = {"job": Job(1), "jobs": Results(Seq((Job(2, EACH),))), "x": "{{ jobs.results }}", "item": "{{ item }}"}
    evaluator = Evaluator(Scope(((Layer.FACTS, facts),)))
    assert hash(repr(evaluator.text(text))) is not None
    assert condition(evaluator, text) is not None
