"""Shell text cut into commands."""

from __future__ import annotations

import pytest

from ansible_reap.checks.evidence.leaving import leaves_by
from ansible_reap.shell.parser import parse


def cut(text: str) -> list[tuple[str, str]]:
    return [(" ".join(command.words), command.ended_by) for command in parse(text)]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a b && c", [("a b", "&&"), ("c", "")]),
        ("a || b; c | d", [("a", "||"), ("b", ";"), ("c", "|"), ("d", "")]),
        ("a > log 2>&1 &", [("a", "&")]),
        ("a &> log", [("a", "")]),
        ("a >& log &", [("a", "&")]),
        ("a <&- >&-", [("a", "")]),
        ("(sleep 5; b) &", [("sleep 5", ";"), ("b", ")"), ("", "&")]),
        ("echo 'a & b' \"c & d\" e\\&f", [("echo a & b c & d e&f", "")]),
        ("echo a#b # c &", [("echo a#b", "")]),
        ("x=$(a & b) c", [("x=$(a & b) c", "")]),
        ("((a & b)) && c", [("((a & b))", "&&"), ("c", "")]),
        ("cat <<EOF\na &\nEOF\nb", [("cat", "\n"), ("b", "")]),
        ("cat <<-'EOF' > f\n\ta &\n\tEOF\nb", [("cat", "\n"), ("b", "")]),
        ("a {{ 'x' if b & c else 'y' }} d", [("a {{ 'x' if b & c else 'y' }} d", "")]),
        ("a \\\n  b", [("a b", "")]),
        ("case x in a) b;; esac", [("case x in a", ")"), ("b", ";;"), ("esac", "")]),
        ("a 'never closed & b", [("a never closed & b", "")]),
        ("", []),
    ],
)
def test_text_is_cut_at_operators_only(text: str, commands: list[tuple[str, str]]) -> None:
    assert cut(text) == commands


def test_a_command_knows_what_it_reads_and_writes() -> None:
    (first, second) = parse("cat <<'A' <<-B > log 2>err\nx\nA\n\ty\n\tB\necho \"$(a b)\" `c` <(d) <<< e")
    assert (first.words, first.targets, first.documents) == (("cat",), ("log", "err"), ("x", "y"))
    assert (second.substitutions, second.documents) == (("a b", "c", "d"), ("e",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"C:\Windows\System32\shutdown.exe /r", (r"C:\Windows\System32\shutdown.exe", "/r")),
        (r".\setup.exe", (r".\setup.exe",)),
        (r"\rm a\ b \$c", ("rm", "a b", "$c")),
    ],
)
def test_a_backslash_is_a_separator_in_a_windows_path_only(text: str, words: tuple[str, ...]) -> None:
    assert parse(text)[0].words == words


@pytest.mark.parametrize(
    "text", ["(" * 50_000, "$(" * 50_000, "{{" * 50_000, "a <<E " * 20_000, "\\a" * 50_000, "`" * 50_001]
)
def test_text_that_never_closes_ends(text: str) -> None:
    assert len(parse(text)) <= 50_001


def test_the_text_of_sh_c_is_cut_too() -> None:
    commands = parse("sudo -u app bash -lc 'a & b'")
    assert [(command.words, command.depth) for command in commands[1:]] == [(("a",), 1), (("b",), 1)]


def test_a_shell_within_itself_ends() -> None:
    text = "a"
    for _ in range(8):
        text = f'sh -c "{text}"'.replace('"', '\\"') if '"' in text else f'sh -c "{text}"'
    assert parse(text)


def test_programs_look_through_prefixes_and_their_options() -> None:
    (command,) = parse("A=1 /usr/bin/sudo -n -u app env B=2 nice -n 5 /opt/bin/work --all")
    assert [argv[0] for argv in command.programs()] == ["sudo", "env", "nice", "work"]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a &", "&"),
        ("a & wait", None),
        ("a & wait; b &", "&"),
        ("a & disown; wait", "disown"),
        ("while true; do a & done", "&"),
        ("nohup a", "nohup"),
        ("setsid -f a", "setsid"),
        ("grep nohup log", None),
        ("a && b", None),
    ],
)
def test_signs_by_which_work_leaves_its_shell(text: str, sign: str | None) -> None:
    assert leaves_by(parse(text)) == sign
