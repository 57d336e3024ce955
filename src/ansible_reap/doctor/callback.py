"""Is the callback enabled by the ansible.cfg in effect, found, loadable, once, with valid options, and does it work?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_reap import ansible_cfg
from ansible_reap.ansible_cfg import CALLBACK_SECTION as SECTION
from ansible_reap.doctor import output_places, programs
from ansible_reap.doctor.diagnosis import Diagnosis, absent, fine, off
from ansible_reap.doctor.programs import ProbeError, Program
from ansible_reap.installation import FULL_NAME
from ansible_reap.runtime.policy import known_jobs
from ansible_reap.runtime.policy.options import NAMES, from_the_file, parse
from ansible_reap.wording import did_you_mean

VARIABLE_PREFIX = "ASYNC_REAPER_"
OLDEST, NEWEST = (2, 16), (2, 22)
"""The ansible-core releases that the callback is tested on."""


def examine() -> list[Diagnosis]:
    program = programs.find("ansible-playbook")
    if program is None:
        return [absent("no ansible-playbook on PATH, so nothing for the callback to watch")]
    state = programs.ask(program, "reap_ansible_state")
    found = [*_core(program, state), *_enabled(program, state), *_options(state)]
    blocking = any(observation.remedy for observation in found)
    return found if blocking else [*found, _proof(program, state), _ad_hoc(state)]


def _core(program: Program, state: dict[str, Any]) -> Iterator[Diagnosis]:
    core = tuple(int(part) for part in str(state["core"]).split(".")[:2])
    if core < OLDEST:
        yield off(
            f"{program.path} is ansible-core {state['core']}, older than 2.16",
            f"{program.pip_install} 'ansible-core>=2.16'",
        )
    elif core > NEWEST:
        yield fine(f"ansible-core {state['core']} is newer than {NEWEST[0]}.{NEWEST[1]}, the newest that we test on")


def _enabled(program: Program, state: dict[str, Any]) -> Iterator[Diagnosis]:
    if state["package"] is None:
        yield off(
            f"{program.path} runs in an environment without ansible-reap",
            f"{program.pip_install} ansible-reap (or: pipx inject ansible-core ansible-reap)",
        )
        return
    if state["cwd_config_ignored"]:
        yield off(
            "ansible.cfg: Ansible ignores it, because everybody may write to this folder",
            "chmod o-w . (or name the file in ANSIBLE_CONFIG)",
        )
        return
    callbacks: list[dict[str, Any]] = state["callbacks"]
    if not callbacks:
        yield _not_enabled(state)
        return
    if len(callbacks) > 1:
        names = " and ".join(callback["name"] for callback in callbacks)
        yield off(f"the callback is enabled {len(callbacks)} times, as {names}", "keep one; only the first acts")
    for callback in callbacks:
        yield from _loaded(program, state, callback)


def _not_enabled(state: dict[str, Any]) -> Diagnosis:
    kind, _, variable = str(state["enabled_by"]).partition(": ")
    unless = "(where no callback is wanted: doctor --skip callback)"
    if kind == "env":
        remedy = f"add {FULL_NAME} to {variable}, or unset it {unless}"
        return off(f"{variable} in the environment names other callbacks, whatever ansible.cfg says", remedy)
    where = state["config_file"] or "ansible.cfg (there is none in effect here)"
    return off(f"{where} does not enable the callback", f"[defaults] callbacks_enabled = {FULL_NAME} {unless}")


def _loaded(program: Program, state: dict[str, Any], callback: dict[str, Any]) -> Iterator[Diagnosis]:
    name = callback["name"]
    if callback["error"]:
        yield off(f"{name} is enabled, but does not load: {callback['error']}", f"{program.pip_install} ansible-reap")
    elif callback["path"] is None and name == FULL_NAME:
        yield off(
            f"{name} is enabled, but Ansible does not find it (an editable install holds no collection)",
            f"{program.pip_install} ansible-reap, without -e",
        )
    elif callback["path"] is None:
        yield off(
            f"{name} is enabled by its short name, but no folder of callback_plugins has it",
            f"[defaults] callbacks_enabled = {FULL_NAME}",
        )
    else:
        yield from _versions(program, state, Path(callback["path"]))


def _versions(program: Program, state: dict[str, Any], path: Path) -> Iterator[Diagnosis]:
    """Is the callback of the same version as the package that does its work?"""
    manifest = path.parents[2] / "MANIFEST.json"
    if not manifest.is_file():
        return
    version = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    if version != state["package"]:
        yield off(
            f"the collection at {manifest.parent} is {version}, the package is {state['package']}",
            f"{program.pip_install} ansible-reap=={version}, or remove that collection: the package holds one too",
        )


def _options(state: dict[str, Any]) -> Iterator[Diagnosis]:
    complaints: list[str] = []
    found: list[Diagnosis] = []
    for callback in state["callbacks"][:1]:
        config = state["config_file"]
        cfg = ansible_cfg.read(Path(config)) if config else ansible_cfg.AnsibleCfg(None, {})
        options = parse(from_the_file(callback["options"], cfg, os.environ), complaints.append)
        found += output_places.examine(options)
        folders = [*([Path(config).parent] if config else []), Path.cwd()]
        known_jobs.load(options.ignore_files, folders, "", complaints.append)
    yield from found
    for complaint in complaints:
        yield off(complaint.removeprefix("async_reaper: "), f"mend it under [{SECTION}] or in the environment")
    if state["config_file"]:
        for key in ansible_cfg.read(Path(state["config_file"])).keys(SECTION):
            if key not in NAMES:
                yield off(
                    f"{state['config_file']}: [{SECTION}] has no option '{key}'{did_you_mean(key, NAMES)}",
                    "see 'ansible-doc -t callback reap.jobs.async_reaper'",
                )
    known = [f"{VARIABLE_PREFIX}{name.upper()}" for name in NAMES]
    for variable in sorted(os.environ):
        if variable.startswith(VARIABLE_PREFIX) and variable not in known:
            yield off(f"{variable}: there is no such option{did_you_mean(variable, known)}", f"unset {variable}")


def _proof(program: Program, state: dict[str, Any]) -> Diagnosis:
    """Run a playbook that leaves a job behind; the run's own report says whether the callback saw it."""
    with programs.bad_example() as playbook:
        report = playbook.parent / "report.json"
        scratch = {
            "ASYNC_REAPER_REPORT_PATH": str(report),
            "ASYNC_REAPER_HISTORY": "",
            "ASYNC_REAPER_LEDGER_DIR": str(playbook.parent / "ledger"),
            "ANSIBLE_ASYNC_DIR": str(playbook.parent / "async"),
        }
        # The Python that Ansible finds for the host may be none: a stub of pyenv that no version answers to.
        given = json.dumps({"ansible_become": False, "ansible_python_interpreter": program.python})
        run = [str(program.path), "-i", "localhost,", "-c", "local", "-e", given, str(playbook)]
        reply = programs.run(run, scratch)
        try:
            unreaped = json.loads(report.read_text(encoding="utf-8"))["summary"]["unreaped"]
        except (OSError, ValueError, KeyError):
            last = (reply.stderr.strip() or reply.stdout.strip() or "no output").splitlines()[-1]
            raise ProbeError(f"{program.path}: a playbook with an unreaped job yields no report: {last}") from None
    name = state["callbacks"][0]["name"]
    if unreaped != 1:
        return off(f"{name} runs, but did not see an unreaped job", "run it by hand, and report it with the output")
    effect = f"exit status {reply.returncode}"
    return fine(f"{name} (ansible-core {state['core']}) saw the unreaped job of a bad example: {effect}")


def _ad_hoc(state: dict[str, Any]) -> Diagnosis:
    if state["ad_hoc"]:
        return fine("jobs of ad-hoc commands (ansible -B SECONDS -P 0) are in the ledger too")
    return fine(
        "ad-hoc commands load no callback: [defaults] bin_ansible_callbacks = true puts their jobs in the ledger"
    )
