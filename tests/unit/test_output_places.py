"""What ``doctor`` says of the places that the callback writes to, and of the options that make it do less."""

from __future__ import annotations

from pathlib import Path

from ansible_reap.doctor import output_places
from ansible_reap.runtime.policy.options import OnUnreaped, Options


def said(folder: Path, **options: object) -> list[str]:
    kept = {"ledger_dir": str(folder / "ledger"), "history": "", **options}
    return [one.text for one in output_places.examine(Options(**kept))]  # type: ignore[arg-type]


def test_nothing_is_said_of_places_that_can_be_written_and_nothing_is_left_there(tmp_path: Path) -> None:
    paths = {"report_path": str(tmp_path / "new" / "report.json"), "history": str(tmp_path / "history.db")}
    assert said(tmp_path, **paths) == []
    assert list(tmp_path.iterdir()) == []


def test_options_that_make_the_callback_do_less_are_told(tmp_path: Path) -> None:
    (less,) = said(tmp_path, on_unreaped=OnUnreaped.REPORT)
    assert "it only reports" in less
    (secrets,) = said(tmp_path, clean_secrets=False)
    assert "status files of no_log jobs" in secrets
    assert "clean_secrets = false" in secrets


def test_folders_that_others_may_write_to_are_told(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "mine").mkdir(parents=True)
    shared.chmod(0o777)
    paths = {name: str(shared / "mine" / "file") for name in ("report_path", "junit_path", "history", "ledger_dir")}
    told = said(tmp_path, **paths)
    assert len(told) == 4
    assert all(f"others may write to {shared}" in line for line in told)


def test_a_device_is_told(tmp_path: Path) -> None:
    (line,) = said(tmp_path, junit_path="/dev/null")
    assert "it is no file but a device, a pipe or a socket" in line
