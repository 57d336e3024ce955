"""Can the callback write where the options in effect send its files?"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ansible_reap import files
from ansible_reap.ansible_cfg import resolve_path
from ansible_reap.doctor.diagnosis import Diagnosis, fine, off
from ansible_reap.history.database import StoreError, parse_address, planted
from ansible_reap.runtime.ledger.writer import default_folder
from ansible_reap.runtime.policy.options import OnUnreaped, Options

PATIENCE = 5.0
"""Seconds to wait for a history that somebody else has locked, or that is far away."""


def examine(options: Options) -> Iterator[Diagnosis]:
    """Try each place in turn. Nothing that is there is changed, and nothing is left behind."""
    if not options.enabled:
        yield off("it is switched off: enabled = false", "remove the option, or set it to true")
    if options.on_unreaped is OnUnreaped.REPORT:
        yield fine("it only reports: with on_unreaped = report no play fails for jobs that nobody waited for")
    if not options.clean_secrets:
        yield fine("status files of no_log jobs, with all they hold in clear, stay on hosts: clean_secrets = false")
    try:
        ledger = resolve_path(options.ledger_dir) if options.ledger_dir else default_folder()
        files.refuse_shared(ledger)
        _try_folder(ledger)
    except OSError as error:
        yield off(
            f"the ledger cannot be kept: {error.filename or ''} {error.strerror}".replace(":  ", ": "),
            "set ledger_dir to a folder of yours; without it a killed run loses its jobs",
        )
    yield from _history(options)
    for name in ("report_path", "junit_path", "metrics_path"):
        named = getattr(options, name)
        try:
            if named:
                _try_file(resolve_path(named))
        except OSError as error:
            yield off(f"{name}: {named} cannot be written: {error.strerror}", f"set {name} to a file of yours")


def _history(options: Options) -> Iterator[Diagnosis]:
    try:
        address = parse_address(options.history)
        if address is None:
            return
        if address.path is not None:
            files.refuse_shared(address.path.parent)
            _try_file(address.path)
            why = planted(files.target_of(address.path))
            if why is not None:
                raise files.UnsafePathError(why, address.path)
        else:
            with address.open(PATIENCE).transaction(write=True):
                pass
    except (OSError, StoreError) as error:
        why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        yield off(f"the history cannot be kept: {why}", "set history to a file of yours, or to nothing")


def _try_file(path: Path) -> None:
    files.refuse_shared(path if path.is_dir() else path.parent)
    target = path if path.is_dir() else files.target_of(path)
    if target.is_dir():
        _try_folder(target)
    elif not target.exists():
        _try_folder(target.parent)
    elif not os.access(target, os.W_OK):
        raise PermissionError(13, os.strerror(13), str(target))


def _try_folder(folder: Path) -> None:
    """Make a file there, or where its first missing folder would be made. Raises OSError."""
    there = next(step for step in (folder, *folder.absolute().parents) if step.exists())
    fd, name = tempfile.mkstemp(prefix=".ansible-reap-doctor-", dir=there)
    os.close(fd)
    Path(name).unlink()
