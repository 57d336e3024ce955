"""The Python of the generated hosts, as Ansible starts it for a module: on standard input, or as a file with arguments.

Starting an interpreter and importing Ansible's module code is most of what a short run costs. So what it is given is
run in a fork of ``target_server``, which has done both, with this process's files, folder and environment. A module
that runs as a job is run here: the limit of a job is enforced on the process that stands for it.
"""

from __future__ import annotations

import _socket
import os
import re
import sys
from array import array
from importlib import import_module

JOB = "REFEREE_JOB"
"""The environment variable that tells a job the first half of its id."""


def _answer_of_server(arguments: list[str]) -> int:
    """Have it run by the server; the exit status."""
    environment = [f"{name}={value}" for name, value in os.environ.items()]
    here = os.getcwd()  # noqa: PTH109 - pathlib costs more than the rest
    told = "\0".join([here, str(len(arguments)), *arguments, *environment])
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    server.connect(os.environ["REFEREE_TARGET"])
    files = array("i", [0, 1, 2])
    text = told.encode(errors="surrogateescape")
    server.sendmsg([len(text).to_bytes(8, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
    server.sendall(text)
    answer = server.recv(1)
    return answer[0] if answer else 1


def main() -> int:
    """Run what is asked for; the exit status."""
    arguments = sys.argv[1:]
    if os.environ.get(JOB) and arguments and "async_wrapper" not in arguments[0]:
        sys.argv = arguments
        sys.path.append(os.environ["REFEREE_SITE"])
        import_module("ansible.module_utils.basic")  # compiled, where the zip that comes with the module is not
        import_module("ansible.modules")
        with open(arguments[0], "rb") as file:  # noqa: PTH123 - pathlib costs more than the rest
            source = file.read()
        exec(compile(source, arguments[0], "exec"), {"__name__": "__main__", "__file__": arguments[0]})
        return 0
    if len(arguments) > 1 and re.fullmatch(r"j\d+", arguments[1]):
        os.environ[JOB] = arguments[1]
    return _answer_of_server(arguments)


if __name__ == "__main__":
    sys.exit(main())
