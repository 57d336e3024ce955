"""``ansible-reap explain`` without a rule lists what each says, on one line."""

from __future__ import annotations

import pytest

from ansible_reap import pages
from ansible_reap.cli import main


def test_each_rule_has_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(pages.available())
    for line in lines:
        name, _, summary = line.partition(" ")
        assert len(summary.split()) > 3
        assert name not in summary
