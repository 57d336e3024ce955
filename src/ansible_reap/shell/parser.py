"""Shell text cut into simple commands, as far as a check needs it: quotes, comments, heredocs, operators.

Nothing is expanded. A Jinja expression is kept as part of the word it stands in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

OPERATORS = ("&&", "||", ";;&", ";;", ";&", "|&", "&", ";", "|", "(", ")", "\n")
"""What ends a command, longest first where one begins with another."""

_REDIRECTIONS = ("&>>", "&>", ">&", "<&", ">>", "<<<", "<<-", "<<", "<>", ">|", ">", "<")
_JINJA = (("{{", "}}"), ("{%", "%}"), ("{#", "#}"))
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh", "ash"})
RESERVED = frozenset({"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "in",
                      "select", "function", "{", "}", "!", "time"})  # fmt: skip
PREFIXES = {"sudo": "ugpCUhrt", "doas": "uC", "env": "u", "exec": "a", "command": "", "nice": "n", "ionice": "cnp",
            "nohup": "", "setsid": "", "stdbuf": "ioe"}  # fmt: skip
"""Commands that run the command that follows them, with the letters of those options that take a value."""


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command. ``words`` are without quotes and may be empty before an operator that follows a group."""

    words: tuple[str, ...]
    ended_by: str
    """The operator after it, or an empty string at the end of the text."""
    depth: int = 0
    """How many ``sh -c`` texts it stands in."""

    @property
    def is_background(self) -> bool:
        return self.ended_by == "&"

    @property
    def reserved(self) -> tuple[str, ...]:
        """The reserved words it begins with, as in ``while``, ``do`` or ``{``."""
        count = next((i for i, word in enumerate(self.words) if word not in RESERVED), len(self.words))
        return self.words[:count]

    @property
    def argv(self) -> tuple[str, ...]:
        """The words without reserved ones and assignments before them; the command's folder is cut off."""
        words = list(self.words[len(self.reserved) :])
        while words and _is_assignment(words[0]):
            words.pop(0)
        return (words[0].rpartition("/")[2], *words[1:]) if words else ()

    def programs(self) -> Iterator[tuple[str, ...]]:
        """``argv``, and again what it runs where it begins with ``sudo``, ``nohup`` and their like."""
        argv = self.argv
        while argv:
            yield argv
            if argv[0] not in PREFIXES:
                return
            rest = list(argv[1:])
            while rest and (rest[0].startswith("-") or _is_assignment(rest[0])):
                option = rest.pop(0)
                if len(option) == 2 and option[1] in PREFIXES[argv[0]] and rest:
                    rest.pop(0)
            argv = (rest[0].rpartition("/")[2], *rest[1:]) if rest else ()


def parse(text: str, depth: int = 0) -> list[Command]:
    """The commands of a shell text in the order in which they stand, those of ``sh -c '...'`` after their shell."""
    commands: list[Command] = []
    for words, operator in _Scanner(text).run():
        if words or operator == "&":
            commands.append(Command(words, operator, depth))
            commands += inner(commands[-1])
    return commands


def inner(command: Command) -> list[Command]:
    """The commands of the text that ``sh -c`` gets."""
    if command.depth > 3:
        return []
    for argv in command.programs():
        if argv[0] in _SHELLS:
            for position, word in enumerate(argv[1:-1], 1):
                if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
                    return parse(argv[position + 1], command.depth + 1)
    return []


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


@dataclass(slots=True)
class _Scanner:
    text: str
    position: int = 0
    words: list[str] = field(default_factory=list)
    word: str | None = None
    heredocs: list[tuple[str, bool]] = field(default_factory=list)
    skip_next: bool = False
    """The next word is a redirection's target."""

    def run(self) -> Iterator[tuple[tuple[str, ...], str]]:
        while self.position < len(self.text):
            operator = self._step()
            if operator is not None:
                self._end_word()
                yield tuple(self.words), operator
                self.words = []
                if operator == "\n":
                    self._skip_heredocs()
        self._end_word()
        if self.words:
            yield tuple(self.words), ""

    def _step(self) -> str | None:
        """Read on; an operator that ends the command is returned."""
        text, at = self.text, self.position
        char = text[at]
        for opening, closing in _JINJA:
            if text.startswith(opening, at):
                self._take(self._until(closing, at + 2))
                return None
        if char == "\\":
            if text[at + 1 : at + 2] != "\n":
                self.word = (self.word or "") + text[at + 1 : at + 2]
            self.position = at + 2
        elif char in "'\"`":
            self._quoted(char)
        elif text.startswith("$(", at) or text.startswith("${", at) or text.startswith("((", at):
            self._take(self._balanced(at + (0 if char == "(" else 1)))
        elif char == "#" and self.word is None:
            end = text.find("\n", at)
            self.position = len(text) if end < 0 else end
        elif char in " \t\r":
            self._end_word()
            self.position = at + 1
        else:
            return self._operator_or_character(char)
        return None

    def _operator_or_character(self, char: str) -> str | None:
        for redirection in _REDIRECTIONS:
            if self.text.startswith(redirection, self.position):
                if self.word is not None and self.word.isdigit():
                    self.word = None  # the number of a descriptor, as in 2>&1
                self._end_word()
                self.position += len(redirection)
                if redirection in ("<<", "<<-"):
                    self._heredoc(strip=redirection == "<<-")
                else:
                    self.skip_next = True
                return None
        for operator in OPERATORS:
            if self.text.startswith(operator, self.position):
                self.position += len(operator)
                return operator
        self._take(self.position + 1) if char else None
        return None

    def _take(self, end: int) -> None:
        self.word = (self.word or "") + self.text[self.position : end]
        self.position = end

    def _end_word(self) -> None:
        if self.word is not None:
            if not self.skip_next:
                self.words.append(self.word)
            self.skip_next = False
            self.word = None

    def _until(self, closing: str, start: int) -> int:
        end = self.text.find(closing, start)
        return len(self.text) if end < 0 else end + len(closing)

    def _quoted(self, quote: str) -> None:
        text, at = self.text, self.position + 1
        content = ""
        while at < len(text) and text[at] != quote:
            if text.startswith("{{", at):
                end = self._until("}}", at + 2)
                content, at = content + text[at:end], end
            elif quote != "'" and text[at] == "\\" and at + 1 < len(text):
                content, at = content + text[at + 1], at + 2
            else:
                content, at = content + text[at], at + 1
        self.word = (self.word or "") + content
        self.position = at + 1

    def _balanced(self, start: int) -> int:
        """The end of the ``( )`` or ``{ }`` that opens at ``start``; quotes inside are stepped over."""
        opening = self.text[start]
        closing = ")" if opening == "(" else "}"
        level, quote, at = 0, "", start
        while at < len(self.text):
            char = self.text[at]
            if char == "\\":
                at += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            elif char == opening:
                level += 1
            elif char == closing:
                level -= 1
                if not level:
                    return at + 1
            at += 1
        return len(self.text)

    def _heredoc(self, *, strip: bool) -> None:
        """Note the delimiter; what it quotes is text, not commands."""
        while self.text[self.position : self.position + 1] in (" ", "\t"):
            self.position += 1
        start = self.position
        while self.position < len(self.text) and self.text[self.position] not in " \t\n;|&<>()":
            self.position += 1
        self.heredocs.append((self.text[start : self.position].replace("'", "").replace('"', ""), strip))

    def _skip_heredocs(self) -> None:
        for delimiter, strip in self.heredocs:
            while self.position < len(self.text):
                end = self._until("\n", self.position)
                line = self.text[self.position : end].rstrip("\n")
                self.position = end
                if (line.lstrip("\t") if strip else line).strip() == delimiter:
                    break
        self.heredocs = []
