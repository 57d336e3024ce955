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
