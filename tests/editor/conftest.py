"""These tests need pytest-lsp, which tests/packaging/test_editor.py runs them with, in the environment ``editor``."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("pytest_lsp") else ["test_language_server.py"]
