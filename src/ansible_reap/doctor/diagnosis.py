"""What the doctor has to say."""

from __future__ import annotations

from enum import Enum

from ansible_reap.records import dataclass


class Health(str, Enum):
    """How a thing is: fine, absent (which may be meant so), or wrong."""

    OK = "ok"
    ABSENT = "-"
    OFF = "OFF"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line; ``remedy`` says what to do about it."""

    state: Health
    text: str
    remedy: str = ""


def fine(text: str) -> Diagnosis:
    """All is well."""
    return Diagnosis(Health.OK, text)


def absent(text: str, remedy: str = "") -> Diagnosis:
    """Something is not there, which may be meant so."""
    return Diagnosis(Health.ABSENT, text, remedy)


def off(text: str, remedy: str) -> Diagnosis:
    """Something is wrong; the remedy says how to mend it."""
    return Diagnosis(Health.OFF, text, remedy)
