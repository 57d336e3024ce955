"""Files are written whole, for their owner, and never through what is no file or through a folder of others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_reap import files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder that everybody may write to."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def test_what_is_written_is_whole_and_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "report.json"
    mask = os.umask(0)
    try:
        files.write(path, "one")
        files.write(path, "two")
    finally:
        os.umask(mask)
    assert path.read_text(encoding="utf-8") == "two"
    assert (mode(path), mode(path.parent), mode(path.parent.parent)) == (0o600, 0o700, 0o700)
    assert [each.name for each in path.parent.iterdir()] == ["report.json"]
    with pytest.raises(OSError, match=r"exists|Not a directory"):
        files.write(path / "below", "three")


def test_a_file_that_is_not_private_keeps_its_permissions(tmp_path: Path) -> None:
    script = tmp_path / "site.yml"
    script.write_text("old", encoding="utf-8")
    script.chmod(0o754)
    files.write(script, b"new", private=False)
    assert (script.read_text(encoding="utf-8"), mode(script)) == ("new", 0o754)


def test_a_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    files.write(link, "one")
    files.write(link, "two")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "two"


def test_a_pipe_a_device_and_a_folder_stay_as_they_are(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to("/dev/null")
    for path in (pipe, link):
        with pytest.raises(files.UnsafePathError, match="a device, a pipe or a socket"):
            files.write(path, "text")
    with pytest.raises(IsADirectoryError):
        files.write(tmp_path, "text")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "pipe"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")
def test_a_file_that_standard_output_goes_to_is_not_replaced(tmp_path: Path) -> None:
    log, link = tmp_path / "log", tmp_path / "link"
    log.write_text("PLAY RECAP", encoding="utf-8")
    with log.open(encoding="utf-8") as stream:
        link.symlink_to(f"/proc/self/fd/{stream.fileno()}")
        for path in (link, Path(f"/proc/{os.getpid()}/fd/{stream.fileno()}")):
            with pytest.raises(files.UnsafePathError, match="what a process has open"):
                files.write(path, "text")
    assert log.read_text(encoding="utf-8") == "PLAY RECAP"


def test_a_link_in_a_folder_that_others_may_write_to_is_not_followed(tmp_path: Path, shared: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine", encoding="utf-8")
    (shared / "report.json").symlink_to(precious)
    (shared / "way").symlink_to(tmp_path)
    for path in (shared / "report.json", shared / "way" / "precious"):
        with pytest.raises(files.UnsafePathError, match=f"others may write to {shared}"):
            files.write(path, "text")
    assert precious.read_text(encoding="utf-8") == "mine"
    files.write(shared / "plain.json", "text")
    assert mode(shared / "plain.json") == 0o600


def test_folders_that_others_may_write_to_are_refused_at_any_depth(tmp_path: Path, shared: Path) -> None:
    deep = shared / "a" / "b"
    deep.mkdir(parents=True)
    for folder in (shared, deep, shared / "not" / "there"):
        with pytest.raises(files.UnsafePathError, match=f"others may write to {shared}"):
            files.refuse_shared(folder)
    shared.chmod(0o1777)
    files.refuse_shared(deep)
    files.refuse_shared(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_below_a_sticky_one_is_refused(shared: Path) -> None:
    shared.chmod(0o1777)
    (shared / "of-another").mkdir()
    os.chown(shared / "of-another", 12345, -1)
    with pytest.raises(files.UnsafePathError):
        files.refuse_shared(shared / "of-another")


ANOTHER = 12345


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_another_user_has_put_in_a_sticky_folder_is_neither_followed_nor_filled(
    tmp_path: Path, shared: Path
) -> None:
    shared.chmod(0o1777)
    precious = tmp_path / "precious"
    precious.write_text("mine", encoding="utf-8")
    (shared / "report.json").symlink_to(precious)
    (shared / "way").symlink_to(tmp_path)
    for link in ("report.json", "way"):
        os.chown(shared / link, ANOTHER, -1, follow_symlinks=False)
    for path in (shared / "report.json", shared / "way" / "precious"):
        with pytest.raises(files.UnsafePathError, match="a link of another user"):
            files.write(path, "text")
    with pytest.raises(files.UnsafePathError, match="a link of another user"):
        files.refuse_shared(shared / "way")
    assert precious.read_text(encoding="utf-8") == "mine"
    (shared / "mine").symlink_to(precious)
    files.write(shared / "mine", "text")
    assert precious.read_text(encoding="utf-8") == "text"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_another_user_or_is_a_link_is_not_ours(tmp_path: Path) -> None:
    for name in ("mine", "theirs"):
        (tmp_path / name).write_text("", encoding="utf-8")
    os.chown(tmp_path / "theirs", ANOTHER, -1)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    assert [name for name in ("mine", "theirs", "link", "none") if files.is_ours(tmp_path / name)] == ["mine"]


def test_the_state_folder_needs_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/some/state")
    assert files.state_folder() == Path("/some/state/ansible-reap")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/me")
    assert files.state_folder() == Path("/home/me/.local/state/ansible-reap")
    monkeypatch.setenv("HOME", "~")
    with pytest.raises(OSError, match="no home folder"):
        files.state_folder()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_another_user_has_put_in_a_sticky_folder_gives_no_permissions(shared: Path) -> None:
    shared.chmod(0o1777)
    planted = shared / "reap.prom"
    planted.write_text("", encoding="utf-8")
    planted.chmod(0o666)
    os.chown(planted, ANOTHER, -1)
    files.write(planted, "true figures", private=False)
    assert (planted.stat().st_uid, mode(planted) & 0o022) == (0, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_that_another_user_makes_before_we_can_is_not_taken_for_ours(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.chmod(0o1777)
    make = os.mkdir

    def too_late(path: str | Path, *arguments: int, **named: int) -> None:
        make(path, 0o777)
        os.chown(path, ANOTHER, -1)
        make(path, *arguments, **named)

    monkeypatch.setattr(os, "mkdir", too_late)
    with pytest.raises(files.UnsafePathError, match="another user has made it in the meantime"):
        files.write(shared / "reports" / "run.json", "text")
    assert not list((shared / "reports").iterdir())
