"""What the doctor has to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(str, Enum):
    """How a thing is: fine, absent (which may be meant so), or wrong."""

    OK = "ok"
    ABSENT = "-"
    OFF = "OFF"


@dataclass(frozen=True, slots=True)
class Observation:
    """One line; ``remedy`` says what to do about it."""

    state: State
    text: str
    remedy: str = ""


def fine(text: str) -> Observation:
    return Observation(State.OK, text)


def absent(text: str, remedy: str = "") -> Observation:
    return Observation(State.ABSENT, text, remedy)


def off(text: str, remedy: str) -> Observation:
    return Observation(State.OFF, text, remedy)
