"""What all our rules for ansible-lint share: one analysis of the project, handed out file by file."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ansiblelint.rules import AnsibleLintRule
from ansiblelint.utils import task_in_list

import ansible_reap
from ansible_reap import linting
from ansible_reap.checks.finding import Finding
from ansible_reap.checks.registry import RULES
from ansible_reap.project_root import is_root, project_root

if TYPE_CHECKING:
    from ansiblelint.errors import MatchError
    from ansiblelint.file_utils import Lintable

_KINDS = ("playbook", "tasks", "handlers")
_SKIP_TAG = "skip_ansible_lint"
_RULES = {rule.id: rule for rule in RULES}


class Project:
    """The findings of one project, by file. A process analyses each project once, whatever files it lints."""

    _known: ClassVar[dict[Path, Project]] = {}

    def __init__(self, root: Path) -> None:
        self.trouble: list[str] = []
        """What kept the project, or a rule, from being checked; the first file linted says so."""
        self._findings: dict[str, list[Finding]] = defaultdict(list)
        try:
            findings, crashes = linting.everything(root)
        except Exception as error:  # noqa: BLE001 - ansible-lint would swallow it, and the run would pass unchecked
            self.trouble.append(f"ansible-reap could not check {root}: {error}")
            return
        self.trouble += [crash.message if crash.path == "." else str(crash) for crash in crashes]
        for finding in findings:
            self._findings[os.path.realpath(root / finding.place.path)].append(finding)

    @classmethod
    def around(cls, file: Path, lint_root: str) -> Project:
        """The project that the file belongs to: ansible-lint's own where that bears a project's mark."""
        root = Path(lint_root).absolute()
        if not file.is_relative_to(root) or not is_root(root):
            root = project_root([file])
        if root not in cls._known:
            cls._known[root] = cls(root)
        return cls._known[root]

    def findings(self, file: Path, rule: str) -> list[Finding]:
        return [finding for finding in self._findings.get(os.path.realpath(file), ()) if finding.rule == rule]


class ReapRule(AnsibleLintRule):
    """One of our rules; a subclass gives its id, all else follows. It has no id, so ansible-lint does not list it."""

    version_changed = "0.1.0"
    _ids: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.id:
            return
        rule = _RULES[cls.id]
        cls.severity = rule.severity.name
        cls.tags = list(rule.tags)
        cls._shortdesc = rule.summary
        cls.description = rule.summary
        cls.link = f"{ansible_reap.DOCS_URL}/rules/{rule.id}/"
        cls._ids = {rule.id: rule.summary, **{f"{rule.id}[{sub_tag}]": rule.summary for sub_tag in rule.sub_tags}}

    @property
    def url(self) -> str:
        """Our own page; the base class would name ansible-lint's site."""
        return self.link

    def matchlines(self, file: Lintable) -> list[MatchError]:
        del file
        return []

    def matchyaml(self, file: Lintable) -> list[MatchError]:
        del file
        return []

    def matchtasks(self, file: Lintable) -> list[MatchError]:
        """The findings in the file, but for tasks that say noqa or bear the tag that ansible-lint leaves alone."""
        if file.kind not in _KINDS or str(file.base_kind) != "text/yaml":
            return []
        try:
            return self._found(file)
        except Exception as error:  # noqa: BLE001 - ansible-lint would swallow it, and the file would pass unchecked
            return [self.create_matcherror(message=f"ansible-reap could not check this file: {error!r}", filename=file)]

    def _found(self, file: Lintable) -> list[MatchError]:
        path = Path(os.path.abspath(file.path))  # noqa: PTH100 - no resolving: a link keeps its project
        project = Project.around(path, str(getattr(self.options, "project_dir", None) or "."))
        matches = [self.create_matcherror(message=message, filename=file) for message in project.trouble]
        project.trouble.clear()
        findings = [finding for finding in project.findings(path, self.id) if self._is_on(finding)]
        return matches + (self._matches(file, findings) if findings else [])

    def _is_on(self, finding: Finding) -> bool:
        """An opt-in sub-tag speaks when ``enable_list`` has it; ansible-lint itself keeps opt-in rules out."""
        is_opt_in = finding.tag != finding.rule and finding.tag in _RULES[self.id].opt_in
        return not is_opt_in or finding.tag in (getattr(self.options, "enable_list", None) or ())

    def _matches(self, file: Lintable, findings: list[Finding]) -> list[MatchError]:
        tasks = {
            _line_of(each): each
            for each in task_in_list(data=file.data, kind=str(file.kind), file=file)
            if each.error is None and "action" in each.normalized_task
        }
        matches = []
        for finding in findings:
            task = tasks.get(finding.place.line)
            if task is not None and (
                not {self.id, finding.tag}.isdisjoint(task.skip_tags)
                or _SKIP_TAG in (task.normalized_task.get("tags") or ())
            ):
                continue
            match = self.create_matcherror(
                message=finding.message, lineno=finding.place.line, filename=file, tag=finding.tag
            )
            vars(match)["reap_finding"] = finding  # for the fix, which gets the match and nothing else
            if task is not None:
                self._enrich_matcherror_with_task_details(match, task)
            matches.append(match)
        return matches


def _line_of(task: Any) -> int:
    """The line of the task's first key; ansible-lint 25.1 has no ``Task.line``."""
    line = task.line if hasattr(task, "line") else task.normalized_task["__line__"]
    return int(line)
