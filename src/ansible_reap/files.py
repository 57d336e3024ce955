"""The one way in which we write files.

A file is written whole or not at all: beside its place, under a name that nobody can guess, and then renamed. A link is
followed if it is ours or the system's. A device, a pipe, a socket or what stands for an open file (``/dev/stdout``) is
never written to and never replaced, nor is what is private put into another user's file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
_IN_PLACE = frozenset({errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM})
"""Errors of a folder in which nothing can be put, or of a file that is a mount point: the file itself may do."""
_MOST_LINKS = 40
"""As Linux has it; a longer way leads nowhere."""


class UnsafePathError(OSError):
    """A path that we do not write to, though perhaps we could; ``strerror`` says why."""

    def __init__(self, why: str, path: Path) -> None:
        super().__init__(errno.EPERM, why, str(path))


def write(path: Path, content: str | bytes, *, private: bool = True) -> None:
    """Write a file, and the folders above it where there are none.

    ``private`` files are readable by their owner only; others keep the permissions that they have.

    Raises:
        OSError: it cannot be written; ``strerror`` says why in words, ``filename`` what.
    """
    import tempfile  # noqa: PLC0415 - most checks write nothing, and it brings half a dozen others

    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    target = target_of(path)
    make_folder(target.parent)
    mode = PRIVATE_FILE if private else _mode_of(target)
    scratch: str | None = None
    try:
        fd, scratch = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        with os.fdopen(fd, "wb") as stream:
            stream.write(data)
            os.fchmod(stream.fileno(), mode)
        Path(scratch).replace(target)
    except OSError as error:
        if scratch is not None:
            with contextlib.suppress(OSError):
                Path(scratch).unlink()
        if error.errno not in _IN_PLACE or not target.is_file():
            error.filename = str(path)  # not the scratch file's, and not nothing, as where the disk is full
            raise
        _overwrite(target, data, PRIVATE_FILE if private else None)


def refuse_leaving(root: Path, path: Path) -> None:
    """Refuse to write in a project where a link in it leads out, and ever to write what is git's own.

    Whoever sent us the project may have put the link there.

    Raises:
        UnsafePathError: the path lies below ``root``, and the file that it leads to does not; or it lies in ``.git``.
    """
    real, target = Path(os.path.realpath(root)), Path(os.path.realpath(path))
    lies_below = Path(os.path.normpath(path.absolute())).is_relative_to(os.path.normpath(root.absolute()))
    if lies_below and not target.is_relative_to(real):
        raise UnsafePathError("a link leads out of the project", path)
    top = _repository(real)
    if target.is_relative_to(top) and any(part.lower() == ".git" for part in target.relative_to(top).parts):
        raise UnsafePathError("what lies in .git is git's own", path)


def refuse_links(root: Path, path: Path) -> None:
    """As ``refuse_leaving``, and refuse every link in the project's repository: for a file that we write anew.

    Raises:
        UnsafePathError: the file would be written through such a link, out of the project or into ``.git``.
    """
    refuse_leaving(root, path)
    top = _repository(Path(os.path.realpath(root)))
    for link in _links_of(path):
        if Path(os.path.realpath(link.parent)).is_relative_to(top):
            raise UnsafePathError(f"it leads through {link.name}, a link in the project", path)


def comes_with(root: Path, path: Path) -> bool:
    """Whether the path lies in the repository of the project at ``root``, so that whoever sent us that may have sent
    what is there."""
    top = _repository(Path(os.path.realpath(root)))
    lexical = Path(os.path.realpath(path.absolute().parent)) / path.name
    return lexical.is_relative_to(top) or Path(os.path.realpath(path)).is_relative_to(top)


def _repository(root: Path) -> Path:
    """The folder whose content arrives together with the project's: the repository's, else the project's own."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


def target_of(path: Path) -> Path:
    """The file that the path leads to, through links.

    Raises:
        UnsafePathError: it leads to what is no file, or through a link that another user has made or may have made.
        OSError: it leads to a folder, or nowhere for too many links.
    """
    _refuse_foreign_links(path)
    target = Path(os.path.realpath(path))
    if target != Path(os.path.normpath(path.absolute())):
        shared = shared_folder(path.parent)
        if shared is not None:
            raise UnsafePathError(f"it leads through a link, and {_others_may(shared)}", path)
    try:
        status = target.lstat()
    except FileNotFoundError:
        return target
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise UnsafePathError("it is no file but a device, a pipe or a socket", path)
    return target


def is_ours(path: Path) -> bool:
    """Whether a file or folder belongs to this user or to root, and is no link."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return not stat.S_ISLNK(status.st_mode) and _is_trusted(status)


def make_folder(folder: Path) -> None:
    """Make a folder for the owner only, and those above it. One that is there stays as it is. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(mode=PRIVATE_FOLDER)
    except FileExistsError as error:
        if not is_ours(folder):
            raise UnsafePathError("another user has made it in the meantime", folder) from error


def state_folder() -> Path:
    """Where a user's programs keep what they know: our folder there, by the XDG base directories.

    Raises:
        OSError: the user has no home folder, as in some containers.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):  # noqa: PTH117 - it is text as yet
        return Path(state) / "ansible-reap"
    home = os.path.expanduser("~")  # noqa: PTH111 - Path raises another error where there is none
    if not os.path.isabs(home):  # noqa: PTH117
        raise OSError(errno.ENOENT, "there is no home folder")
    return Path(home) / ".local" / "state" / "ansible-reap"


def refuse_shared(folder: Path) -> None:
    """Raise UnsafePathError where others may change what the folder holds, or put another in its place."""
    _refuse_foreign_links(folder)
    shared = shared_folder(folder)
    if shared is not None:
        raise UnsafePathError(_others_may(shared), folder)


def lets_others_add(folder: Path) -> bool:
    """Whether others may put files into the folder, beside ours. The sticky bit is no help: it keeps ours only."""
    try:
        return shared_folder(folder) is not None or bool(folder.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return False  # there is nothing yet, and what we make is ours


def is_private(path: Path) -> bool:
    """Whether it is a regular file of this user or of root, with no right for anybody else."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and _is_trusted(status) and not stat.S_IMODE(status.st_mode) & 0o077


def shared_folder(folder: Path) -> Path | None:
    """The first folder on the way that others may write to; None where there is none.

    In one with the sticky bit, such as ``/tmp``, others cannot touch what is ours.
    """
    for way in dict.fromkeys((folder.absolute(), Path(os.path.realpath(folder)))):
        is_sticky = False
        for step in (*reversed(way.parents), way):
            try:
                status = step.stat()
            except OSError:
                break  # there is nothing yet, and what we make is ours
            if is_sticky and not _is_trusted(status):
                return step
            is_sticky = bool(status.st_mode & stat.S_ISVTX)
            if status.st_mode & stat.S_IWOTH and not is_sticky:
                return step
    return None


def _is_trusted(status: os.stat_result) -> bool:
    return status.st_uid in (0, os.geteuid())


def _refuse_foreign_links(path: Path) -> None:
    """Raise UnsafePathError where a link on the way to the path belongs to another user than us and root.

    So too where it leads to an open file, as ``/dev/stdout`` does: whoever writes to that has no use for another.
    """
    for link in _links_of(path):
        if link.parent.name == "fd" and link.is_relative_to("/proc"):
            # Of a log to which standard output is redirected nothing would be left.
            raise UnsafePathError("it is no file but what a process has open", path)
        if not _is_trusted(link.lstat()):
            raise UnsafePathError(f"it leads through {link}, a link of another user", path)


def _links_of(path: Path) -> Iterator[Path]:
    """The links on the way to the path, those to which others lead too."""
    way = path.absolute()
    for _ in range(_MOST_LINKS):
        link = next((step for step in (*reversed(way.parents), way) if step.is_symlink()), None)
        if link is None:
            return
        yield link
        way = Path(os.path.normpath(link.parent / os.readlink(link) / way.relative_to(link)))  # noqa: PTH115 - as text


def _others_may(folder: Path) -> str:
    return f"others may write to {folder}"


def _mode_of(target: Path) -> int:
    """The permissions that a file has, or that a new one would get: those of others' files are theirs."""
    with contextlib.suppress(FileNotFoundError):
        status = target.stat()
        if _is_trusted(status) or not lets_others_add(target.parent):
            return stat.S_IMODE(status.st_mode)
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _overwrite(target: Path, data: bytes, mode: int | None) -> None:
    """Write to a file that cannot be replaced. Raises OSError."""
    fd = os.open(target, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "wb") as stream:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UnsafePathError("it is no file but a device, a pipe or a socket", target)
        if not _is_trusted(os.fstat(fd)) and (mode is not None or lets_others_add(target.parent)):
            raise UnsafePathError("it is a file of another user", target)
        if mode is not None:
            os.fchmod(fd, mode)
        os.ftruncate(fd, 0)
        stream.write(data)
