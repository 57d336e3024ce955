"""Where the history is, by the settings in effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap.history.database import StoreError
from ansible_reap.history.settings import configured


@pytest.mark.parametrize("value", ["postgresql://other.example/db", "$SECRET/times.db"])
def test_the_projects_own_ansible_cfg_names_no_server_and_no_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    for name in ("ANSIBLE_CONFIG", "ASYNC_REAPER_HISTORY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ansible.cfg").write_text(f"[callback_async_reaper]\nhistory = {value}\n", encoding="utf-8")
    with pytest.raises(StoreError, match="only ASYNC_REAPER_HISTORY or the command line may do so"):
        configured(tmp_path)
    monkeypatch.setenv("ASYNC_REAPER_HISTORY", "postgresql://me:pw@mine.example/db")
    address = configured(tmp_path)
    assert address is not None
    assert address.label == "postgresql://mine.example/db"


def test_a_file_that_lies_in_the_project_counts_as_brought_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANSIBLE_CONFIG", "ASYNC_REAPER_HISTORY"):
        monkeypatch.delenv(name, raising=False)
    project = tmp_path / "repository" / "ansible"
    project.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    (project / "link.db").symlink_to(tmp_path / "elsewhere.db")

    def is_brought(value: str, stated: str | None = None) -> bool:
        (project / "ansible.cfg").write_text(f"[callback_async_reaper]\nhistory = {value}\n", encoding="utf-8")
        address = configured(project, stated)
        assert address is not None
        return address.is_brought

    assert is_brought("times.db")
    assert is_brought("../times.db")
    assert is_brought("link.db")
    assert is_brought(str(project / "times.db"))
    assert not is_brought(str(tmp_path / "elsewhere.db"))
    assert not is_brought("times.db", stated="times.db"), "what the user names is the user's"
