"""Shell text cut into simple commands: quotes, comments, here documents, redirections, substitutions, subshells.

Nothing is expanded. A Jinja expression is kept as part of the word it stands in. Text that no shell would take is read
as far as possible; nothing raises. Held against a grammar of bash in tests/unit/test_shell_grammar.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass, field

OPERATORS = ("&&", "||", ";;&", ";;", ";&", "|&", "&", ";", "|", "(", ")", "\n")
"""What ends a command, longest first where one begins with another."""

_REDIRECTIONS = ("&>>", "&>", ">&", "<&", ">>", "<<<", "<<-", "<<", "<>", ">|", ">", "<")
"""Redirections of bash(1) 5, longest first where one begins with another."""
_JINJA = (("{{", "}}"), ("{%", "%}"), ("{#", "#}"))
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh", "ash"})
RESERVED = frozenset({"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "in",
                      "select", "function", "{", "}", "!", "time"})  # fmt: skip
"""Reserved words of bash(1) 5 and of the POSIX shell."""
_NO_ARGUMENTS = expression(r"[ \t]*\)")
PREFIXES = {"sudo": "ugpCUhrt", "doas": "uC", "env": "u", "exec": "a", "command": "", "nice": "n", "ionice": "cnp",
            "nohup": "", "setsid": "", "stdbuf": "ioe"}  # fmt: skip
"""Commands that run the command that follows them, with the letters of those options that take a value."""

MAX_PREFIXES = 12
"""How many of them are followed, one before another; each is a copy of the command."""
MAX_COMMANDS = 3000
"""Operators of one text, ends of lines among them; one with more is not understood, and has no commands."""
MAX_DEPTH = 4
"""How deep ``sh -c`` texts, substitutions and here documents are followed into each other."""
_PLAIN = expression(r"[^\s\\'\"`$({#}%<>&|;)]+")
_WINDOWS_PATH = expression(r"(?:[A-Za-z]:|\.{1,2}|%\w+%|)(?:\\[\w.$ -]*)*\Z")


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command. ``words`` are without quotes and may be empty before an operator that follows a group."""

    words: tuple[str, ...]
    ended_by: str
    """The operator after it, or an empty string at the end of the text."""
    depth: int = 0
    """How many ``sh -c`` texts it stands in."""
    targets: tuple[str, ...] = ()
    """The files that its redirections name."""
    documents: tuple[str, ...] = ()
    """The here documents and here strings that it reads."""
    substitutions: tuple[str, ...] = ()
    """The texts of ``$(...)``, ``<(...)`` and backticks in it, in their order."""
    sources: tuple[str, ...] = ()
    """Those of ``targets`` that it reads."""
    argv: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The words without reserved ones and assignments before them; the command's folder is cut off."""

    def __post_init__(self) -> None:
        words = self.words
        at = len(self.reserved)
        while at < len(words) and is_assignment(words[at]):
            at += 1
        argv = (words[at].rpartition("/")[2], *words[at + 1 :]) if at < len(words) else ()
        object.__setattr__(self, "argv", argv)  # whoever has a command asks for it, again and again

    @property
    def is_background(self) -> bool:
        """Whether the shell goes on without waiting for it."""
        return self.ended_by == "&"

    @property
    def reserved(self) -> tuple[str, ...]:
        """The reserved words it begins with, as in ``while``, ``do`` or ``{``."""
        if not self.words or self.words[0] not in RESERVED:
            return ()
        count = next((i for i, word in enumerate(self.words) if word not in RESERVED), len(self.words))
        return self.words[:count]

    def programs(self) -> Iterable[tuple[str, ...]]:
        """``argv``, and again what it runs where it begins with ``sudo``, ``nohup`` and their like."""
        argv = self.argv
        if not argv:
            return ()
        return self._run_in_turn() if argv[0] in PREFIXES else (argv,)

    def _run_in_turn(self) -> Iterator[tuple[str, ...]]:
        argv = self.argv
        for _ in range(MAX_PREFIXES):
            if not argv:
                return
            yield argv
            if argv[0] not in PREFIXES or (argv[0] == "command" and argv[1:2] in (("-v",), ("-V",))):
                return  # the latter tells where the program is, and runs nothing
            at = 1
            while at < len(argv) and (argv[at].startswith("-") or is_assignment(argv[at])):
                takes_value = len(argv[at]) == 2 and argv[at][1] in PREFIXES[argv[0]]
                at += 2 if takes_value else 1
            argv = (argv[at].rpartition("/")[2], *argv[at + 1 :]) if at < len(argv) else ()


def parse(text: str, depth: int = 0) -> list[Command]:
    """The commands of a shell text in the order in which they stand, those of ``sh -c '...'`` after their shell."""
    return list(_parsed(text, depth))


@lru_cache(maxsize=16)
def _parsed(text: str, depth: int) -> tuple[Command, ...]:
    """Kept for the questions that follow about the same task."""
    commands: list[Command] = []
    drafts = _Scanner(text).run()
    for draft in drafts if len(drafts) <= MAX_COMMANDS else ():
        if draft.words or draft.ended_by == "&" or draft.targets or draft.documents:
            commands.append(
                Command(
                    tuple(draft.words),
                    draft.ended_by,
                    depth,
                    tuple(draft.targets),
                    tuple(draft.documents),
                    tuple(draft.substitutions),
                    tuple(draft.sources),
                )
            )
            commands += inner(commands[-1])
    return tuple(commands)


def inner(command: Command) -> list[Command]:
    """The commands of the text that ``sh -c`` gets, or that a shell reads from a here document."""
    if command.depth >= MAX_DEPTH:
        return []
    for argv in command.programs():
        if argv[0] in _SHELLS:
            for position, word in enumerate(argv[1:-1], 1):
                if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
                    return parse(argv[position + 1], command.depth + 1)
            if all(word.startswith("-") for word in argv[1:]):
                return [found for text in command.documents for found in parse(text, command.depth + 1)]
    return []


def is_assignment(word: str) -> bool:
    """Whether the word gives a variable a value, as in ``A=1``."""
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


@dataclass(slots=True)
class _Draft:
    """A command that is being read; a here document may be added after its line has ended."""

    words: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    substitutions: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    ended_by: str = ""


@dataclass(slots=True)
class _Scanner:
    text: str
    position: int = 0
    draft: _Draft = field(default_factory=_Draft)
    parts: list[str] = field(default_factory=list)
    """The word that is being read, in pieces."""
    has_word: bool = False
    """Whether one is being read; an empty pair of quotes is a word, too."""
    waiting: list[tuple[_Draft, str, bool]] = field(default_factory=list)
    """Here documents that begin after this line: whose, their delimiter, whether tabs before lines are dropped."""
    redirection: str = ""
    """The redirection whose target the next word is."""
    searched: int = 0
    """Characters looked at for the ends of what may be arithmetic; bounded, or ``((((`` would cost its square."""

    def run(self) -> list[_Draft]:
        drafts = [self.draft]
        while self.position < len(self.text) and len(drafts) <= MAX_COMMANDS:
            operator = self._step()
            if operator is not None:
                self._end_word()
                words = self.draft.words
                if operator == "(" and words and _NO_ARGUMENTS.match(self.text, self.position):
                    words[-1] = "function"  # the head of a function, and no command
                self.draft.ended_by = operator
                self.redirection = ""
                if operator == "\n":
                    self._read_documents()
                self.draft = _Draft()
                drafts.append(self.draft)
        self._end_word()
        return drafts

    def _step(self) -> str | None:
        """Read on; an operator that ends the command is returned."""
        text, at = self.text, self.position
        plain = _PLAIN.match(text, at)
        if plain:
            self._add(plain[0], plain.end())
            return None
        char = text[at]
        if char == "{" and (jinja := self._jinja(at)):
            self._add(text[at:jinja], jinja)
        elif char == "\\":
            self._escaped(at)
        elif char in "'\"":
            self._quoted(char)
        elif char == "`":
            end = self._end_of_quote("`", at + 1)
            self.draft.substitutions.append(text[at + 1 : end - 1])
            self._add(text[at:end], end)
        elif text.startswith(("$(", "${"), at) or self._is_arithmetic(at):
            self._expansion(at)
        elif char == "#" and not self.has_word:
            end = text.find("\n", at)
            self.position = len(text) if end < 0 else end
        elif char in " \t\r":
            self._end_word()
            self.position = at + 1
        else:
            return self._operator_or_character(char)
        return None

    def _operator_or_character(self, char: str) -> str | None:
        text = self.text
        if char in "<>" and text.startswith("(", self.position + 1):
            self._expansion(self.position)
            return None
        if char in "<>&":
            for redirection in _REDIRECTIONS:
                if text.startswith(redirection, self.position):
                    self._redirect(redirection)
                    return None
        if char in "&|;()\n":
            operator = next(each for each in OPERATORS if text.startswith(each, self.position))
            self.position += len(operator)
            return operator
        self._add(char, self.position + 1)
        return None

    def _redirect(self, redirection: str) -> None:
        if self.has_word and "".join(self.parts).isdigit():
            self.parts, self.has_word = [], False  # the number of a descriptor, as in 2>&1
        self._end_word()
        self.position += len(redirection)
        if redirection in ("<<", "<<-"):
            self._document(drops_tabs=redirection == "<<-")
        else:
            self.redirection = redirection

    def _add(self, piece: str, end: int) -> None:
        self.parts.append(piece)
        self.has_word = True
        self.position = end

    def _end_word(self) -> None:
        if not self.has_word:
            return
        word = "".join(self.parts)
        if not self.redirection:
            self.draft.words.append(word)
        elif self.redirection == "<<<":
            self.draft.documents.append(word)
        else:
            self.draft.targets.append(word)
            if self.redirection in ("<", "<>"):
                self.draft.sources.append(word)
        self.parts, self.has_word, self.redirection = [], False, ""

    def _escaped(self, at: int) -> None:
        """A backslash: the next character as it is, the end of a line left out, or a separator in a Windows path."""
        following = self.text[at + 1 : at + 2]
        if following == "\n":
            self.position = at + 2
        elif (following.isalnum() or following in "\\.") and self._is_in_a_windows_path():
            self._add("\\", at + 1)
            if following == "\\":
                self.position = at + 2
        else:
            self._add(following, at + 2)

    def _is_in_a_windows_path(self) -> bool:
        return 0 < len(self.parts) < 100 and _WINDOWS_PATH.match("".join(self.parts)) is not None

    def _jinja(self, at: int) -> int:
        """The end of the Jinja that begins there, or 0."""
        for opening, closing in _JINJA:
            if self.text.startswith(opening, at):
                end = self.text.find(closing, at + 2)
                return len(self.text) if end < 0 else end + len(closing)
        return 0

    def _quoted(self, quote: str) -> None:
        text, at = self.text, self.position + 1
        self.has_word = True
        while at < len(text) and text[at] != quote:
            jinja = self._jinja(at) if text[at] == "{" else 0
            if jinja:
                self.parts.append(text[at:jinja])
                at = jinja
            elif quote == '"' and text[at] == "\\" and text[at + 1 : at + 2] in ("$", "`", '"', "\\", "\n"):
                self.parts.append(text[at + 1].replace("\n", ""))
                at += 2
            elif quote == '"' and text.startswith("$(", at):
                end = self._balanced(at + 1)
                self.draft.substitutions.append(text[at + 2 : end - 1])
                self.parts.append(text[at:end])
                at = end
            elif quote == '"' and text[at] == "`":
                end = self._end_of_quote("`", at + 1)
                self.draft.substitutions.append(text[at + 1 : end - 1])
                self.parts.append(text[at:end])
                at = end
            else:
                self.parts.append(text[at])
                at += 1
        self.position = at + 1

    def _end_of_quote(self, quote: str, start: int) -> int:
        """Behind the quote that ends what begins at ``start``."""
        at = start
        while at < len(self.text) and self.text[at] != quote:
            at += 2 if self.text[at] == "\\" else 1
        return min(at + 1, len(self.text) + 1)

    def _expansion(self, at: int) -> None:
        """``$(...)``, ``<(...)``, ``${...}`` or ``((...))``: part of the word, and what a command puts in is noted."""
        is_arithmetic = self.text.startswith(("((", "$(("), at)
        start = at if self.text[at] == "(" else at + 1
        end = self._balanced(start)
        if self.text[start] == "(" and not is_arithmetic:
            self.draft.substitutions.append(self.text[start + 1 : end - 1])
        self._add(self.text[at:end], end)

    def _is_arithmetic(self, at: int) -> bool:
        """Whether ``((`` stands there that ends in ``))``: two subshells in each other do not."""
        if self.has_word or self.searched > 2 * len(self.text) or not self.text.startswith("((", at):
            return False
        end = self._balanced(at)
        self.searched += end - at
        return self.text[end - 2 : end] == "))"

    def _balanced(self, start: int) -> int:
        """The end of the ``( )`` or ``{ }`` that opens at ``start``; quotes and comments inside are stepped over."""
        opening = self.text[start]
        closing = ")" if opening == "(" else "}"
        level, quote, at = 0, "", start
        while at < len(self.text):
            char = self.text[at]
            if quote:
                if char == "\\" and quote == '"':
                    at += 1
                elif char == quote:
                    quote = ""
            elif char == "\\":
                at += 1
            elif char in "'\"":
                quote = char
            elif char == "#" and opening == "(" and self.text[at - 1] in " \t\n(;":
                end = self.text.find("\n", at)
                at = len(self.text) if end < 0 else end
            elif char == opening:
                level += 1
            elif char == closing:
                level -= 1
                if not level:
                    return at + 1
            at += 1
        return len(self.text)

    def _document(self, *, drops_tabs: bool) -> None:
        """Note the delimiter; what it quotes is text, not commands."""
        while self.text[self.position : self.position + 1] in (" ", "\t"):
            self.position += 1
        start = self.position
        while self.position < len(self.text) and self.text[self.position] not in " \t\n;|&<>()":
            self.position += 1
        delimiter = re.sub(r"['\"\\]", "", self.text[start : self.position])
        self.waiting.append((self.draft, delimiter, drops_tabs))

    def _read_documents(self) -> None:
        for draft, delimiter, drops_tabs in self.waiting:
            lines = []
            while self.position < len(self.text):
                newline = self.text.find("\n", self.position)
                end = len(self.text) if newline < 0 else newline + 1
                line = self.text[self.position : end].rstrip("\n")
                line = line.lstrip("\t") if drops_tabs else line
                self.position = end
                if line.strip() == delimiter:
                    break
                lines.append(line)
            draft.documents.append("\n".join(lines))
        self.waiting = []
