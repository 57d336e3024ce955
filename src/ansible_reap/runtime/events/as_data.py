"""Marking values as data, so that braces in them are never taken for a template."""

from __future__ import annotations

from typing import TypeVar

_T = TypeVar("_T")

try:  # since ansible-core 2.19 a template must be marked as trusted, or it is taken for data
    from ansible.template import is_trusted_as_template
    from ansible.template import trust_as_template as as_template
except ImportError:
    from ansible.utils.unsafe_proxy import wrap_var

    def as_template(value: str) -> str:
        """The text as a template."""
        return value

    def as_data(value: _T) -> _T:
        """Mark every string below as data, so that braces in a task's name are not templated."""
        marked: _T = wrap_var(value)
        return marked

    def kind_of(value: object) -> object:
        """Tells texts that are data from those of the same letters that are templates."""
        return type(value)
else:

    def as_data(value: _T) -> _T:
        """What is not marked as a template is data already."""
        return value

    def kind_of(value: object) -> object:
        """Tells texts that are data from those of the same letters that are templates."""
        return type(value), is_trusted_as_template(value)


__all__ = ["as_data", "as_template", "kind_of"]
