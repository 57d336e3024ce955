"""Whether the commands of a shell text are reached: by no constant, exit or loop is it decided that they are not.

Nothing is run, and what is not understood counts as not reached. A condition that asks the host, as ``test -f /x``,
may come out either way.
"""

from __future__ import annotations

from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass, field
from ansible_reap.shell.command_words import program_of, without_prefixes
from ansible_reap.shell.parser import RESERVED, Command

_TESTS = frozenset({"test", "[", "[["})
_ASKING = _TESTS | {"grep", "egrep", "needs-restarting", "which", "command", "who", "read", "ls", "cat"}
"""Programs that lead up to a command and whose status is not known before: POSIX, GNU coreutils, dnf-utils."""
_FOLLOWED = frozenset({"if", "then", "elif", "else", "fi", "{", "}", "!", "time"})
"""Reserved words whose commands are followed; those of loops, of ``case`` and of functions are not."""
_FILE_TEST = expression(r"-(?:[bcdefghkLNOGprsSuwx]|nt|ot|ef)")
_TIME = expression(r"(\d+(?:\.\d+)?)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_TIME = 12
"""Characters of a time; a longer one is none."""


@dataclass(slots=True)
class Ways:
    """Follows commands one after another, from the first."""

    paused: float = 0.0
    """Seconds for which the text has waited so far."""
    _groups: list[str] = field(default_factory=list)
    """The groups around the command: ``if`` in a condition, ``maybe`` or ``always`` by whether it is decided."""
    _left_of: str = ""
    """The operator before the command."""
    _exits: int = 0
    """Ways out of the list of commands that is gone through."""
    _dead_in: int | None = None
    """How deep the group is whose rest an exit keeps from being reached."""

    def enter(self, command: Command) -> bool:
        """Go on to the command; False where it may never run."""
        for word in command.reserved:
            if word not in _FOLLOWED or not self._opened_or_closed(word):
                return False
        return self._dead_in is None

    def leave(self, command: Command) -> bool:
        """Go on behind the command, one that leads up to others; False where what follows may never run."""
        words = without_prefixes(command)
        program = program_of(words[0]) if words else ""
        if RESERVED.intersection(words[:1]) or (words and "exec" in command.words):
            return False
        if program in _TESTS and _is_constant(words):
            return False
        if program == "set" and any(_turns_off(word) for word in words[1:]):
            return False
        if program == "sleep":
            self.paused += sum(map(_seconds, words[1:]))
        is_decided = program not in _ASKING
        if is_decided and (self._is_asked or "!" in command.reserved or command.ended_by in ("||", ")")):
            return False
        if program == "exit" and not self._may_go_on(command):
            return False
        if not self._groups and command.ended_by not in ("&&", "||", "|", "|&"):
            self._exits = 0
        self._left_of = command.ended_by
        return True

    @property
    def _is_asked(self) -> bool:
        return self._groups[-1:] == ["if"]

    def _opened_or_closed(self, word: str) -> bool:
        if word in ("if", "{"):
            is_conditional = self._left_of in ("&&", "||")
            self._groups.append("if" if word == "if" else "maybe" if is_conditional else "always")
            self._left_of = ""
            return True
        if word in ("!", "time"):
            return True
        if not self._groups:
            return False
        if self._dead_in == len(self._groups):
            self._dead_in = None
        if word in ("fi", "}"):
            self._groups.pop()
        else:
            self._groups[-1] = "if" if word == "elif" else "maybe"
        self._left_of = ""
        return True

    def _may_go_on(self, command: Command) -> bool:
        """Whether anything is reached behind this exit: one of a list may be passed by, two are not understood."""
        self._exits += 1
        by_operator = self._left_of in ("&&", "||")
        if not by_operator:
            self._dead_in = len(self._groups)
        return self._exits == 1 and command.ended_by != "&&" and (by_operator or "maybe" in self._groups)


def _is_constant(words: list[str]) -> bool:
    """Whether a test asks for nothing that is not known before, as ``[ 1 = 2 ]``."""
    return not any(_FILE_TEST.fullmatch(word) or any(sign in word for sign in ("$", "`", "{{")) for word in words[1:])


def _turns_off(word: str) -> bool:
    """Whether by this option a shell reads commands and runs none."""
    return word == "noexec" or (word.startswith("-") and not word.startswith("--") and "n" in word)


def _seconds(word: str) -> float:
    """How long a pause is; a template says nothing of it, and what is no time is endless."""
    if "{{" in word or "$" in word:
        return 0.0
    match = _TIME.fullmatch(word) if len(word) < _LONGEST_TIME else None
    return float(match[1]) * _SECONDS[match[2]] if match else float("inf")
