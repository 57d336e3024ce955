"""Files that are encrypted as a whole: which of them hold tasks or plays, by their places and by what calls them."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Collection, Iterator

from ansible_reap.content.call_names import folders_above
from ansible_reap.content.call_references import Reference, ReferenceKind, references
from ansible_reap.content.places import JSON_ENDING, YAML_ENDINGS, is_of_tasks, is_of_variables, stem
from ansible_reap.content.source import compose_text
from ansible_reap.content.survey import Survey
from ansible_reap.reading import SourceError

MAX_READ = 500
"""Files with the name of an encrypted one in their text that are read for whether they call it."""
_ENDINGS = ("", *YAML_ENDINGS, JSON_ENDING)
_NEAR = ("", "tasks", "handlers")
"""Where, from the folders above a call, its file may lie."""
NOT_READ = (
    "is encrypted with ansible-vault as a whole, so what it launches or waits for is not looked at: "
    "encrypt its variables alone, or check it decrypted"
)


def with_tasks(survey: Survey, named: Collection[str]) -> list[str]:
    """The encrypted files that hold tasks or plays, as far as can be told; ``named`` are those asked about by name.

    Encrypted variables, which many projects have, are none of them.
    """
    found = {path for path in survey.vaulted if path in named or is_of_tasks(path)}
    others = survey.vaulted - found
    found.update(_called(survey, others) if others else ())
    return sorted(found)


def _called(survey: Survey, paths: Collection[str]) -> Iterator[str]:
    names = {stem(path).encode(errors="surrogateescape") for path in paths}
    read = 0
    for caller in survey.project.yaml:
        text = survey.text(caller)
        if (b"include" in text or b"import_" in text) and any(name in text for name in names):
            read += 1
            if read > MAX_READ:
                return
            for each in _calls(text):
                yield from (path for path in paths if may_mean(each.name, caller, path))


def _calls(text: bytes) -> list[Reference]:
    try:
        found = references(compose_text(text))
    except SourceError:
        return []
    return [each for each in found if each.kind in (ReferenceKind.TASKS, ReferenceKind.PLAYBOOK)]


def may_mean(name: str, caller: str, path: str) -> bool:
    """Whether a call of this name, with ``*`` for what a template stands for, means the encrypted file.

    Where the last part of the name is not written out it may be anything, and means none that stands among variables.
    """
    if "*" in name:
        folder, _, base = name.rpartition("/")
        is_told = "*" not in base or (is_of_tasks(path) and bool(base.strip("*")))
        wanted = f"{folder.rstrip('/')}/{base}".lstrip("/") if folder else base
        return is_told and not is_of_variables(path) and any(_is_like(path, wanted + end) for end in _ENDINGS)
    places = {posixpath.normpath(posixpath.join(each, part, name)) for each in folders_above(caller) for part in _NEAR}
    return any(place + ending == path for place in places for ending in _ENDINGS)


def _is_like(path: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(f"/{path}", pattern)
