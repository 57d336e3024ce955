"""Lets started processes import the package, and says at the end of a run which ansible-core versions it was about."""

from __future__ import annotations

import os
import signal
from typing import Any

import hypothesis
import pytest

from support import environments

_SOURCE = str(environments.ROOT / "src")

_PROPERTIES: Any = {"deadline": None, "suppress_health_check": list(hypothesis.HealthCheck)}
# The same examples in every run, so that a change is judged and not the dice; "--hypothesis-profile=long" rolls them.
hypothesis.settings.register_profile("short", derandomize=True, max_examples=200, **_PROPERTIES)
hypothesis.settings.register_profile("long", max_examples=20_000, **_PROPERTIES)
hypothesis.settings.load_profile("short")


def pytest_configure() -> None:
    for ignored in (signal.SIGHUP, signal.SIGINT):  # as under nohup, or in a shell's background; runs would inherit it
        if signal.getsignal(ignored) is signal.SIG_IGN:
            signal.signal(ignored, signal.default_int_handler if ignored == signal.SIGINT else signal.SIG_DFL)
    inherited = os.environ.get("PYTHONPATH", "")
    if _SOURCE not in inherited.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_SOURCE, inherited)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(environments.summary())
