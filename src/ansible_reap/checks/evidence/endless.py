"""Signs in a command line that its work has no end of its own: a server, a tunnel, what follows or records.

The programs and modules below are those whose manual says that they run until they are stopped; there is no list to
hold them against, and one that is missing only costs a sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ansible_reap.checks.evidence import containers, leaving
from ansible_reap.checks.evidence.containers import Container
from ansible_reap.checks.evidence.known_times import under_timeout
from ansible_reap.checks.evidence.work import loops_for_ever
from ansible_reap.late_patterns import expression
from ansible_reap.shell.names import SHELLS
from ansible_reap.shell.parser import Command, parse

STRONG, FAIR, WEAK = 3, 2, 1


class Sign(NamedTuple):
    """One reason to think that the job has no end of its own."""

    text: str
    """A clause, as in ``it listens on a port ('nc -l')``."""
    weight: int
    role: str = ""
    """``end`` where it is a task that ends the work, or by its name stops something, ``probe`` where it is one that
    looks whether the work is up, ``record`` where the work by its name records what happens meanwhile, ``passing``
    where it by its name is there for a while."""


_FOLLOWING = {"tail": r"-\w*[fF]|--follow.*", "journalctl": r"-\w*f|--follow", "dmesg": r"-\w*w|--follow"}
"""Programs that follow a file or log without end when given such an option."""
_FORWARDING = {"kubectl", "oc", "k3s", "minikube", "microk8s", "virtctl"}
"""Programs of Kubernetes clusters that have ``port-forward`` or ``proxy``."""
_ENDLESS = frozenset({"watch", "autossh", "ngrok", "cloudflared", "gunicorn", "uvicorn", "hypercorn", "websockify",
                      "Xvfb", "x11vnc", "inotifywait", "prometheus", "alertmanager", "dockerd", "containerd",
                      "memcached", "traefik", "tensorboard"})  # fmt: skip
"""Programs that run until they are stopped, whatever they are given."""
_RECORDERS = {"tcpdump": r"-[A-Za-z]*c\d*|-W\d*", "tshark": r"-c\d*|-a", "dumpcap": r"-c\d*|-a",
              "ping": r"-[A-Za-z]*[cw]\d*", "top": r"-[A-Za-z]*n\d*"}  # fmt: skip
"""Programs that run until they are stopped, with the options that make them stop by themselves."""
_SAMPLERS = frozenset({"vmstat", "iostat", "mpstat", "pidstat", "sar", "dstat"})
"""Programs that end their words with an interval and with how often; without the latter they go on and on."""
_SERVER_SCRIPTS = frozenset({"standalone", "domain", "kafka-server-start", "zookeeper-server-start",
                             "connect-distributed", "connect-standalone"})  # fmt: skip
"""Scripts of WildFly, Kafka and ZooKeeper that run their server until it is stopped, as ``.sh`` and as ``.bat``."""
_DAEMONS = frozenset({"sshd", "httpd", "nginx", "dnsmasq", "mongod", "mysqld", "etcd", "caddy", "haproxy", "squid",
                      "tinyproxy", "minio", "openvpn", "vncserver", "registry", "slapd", "rsyslogd",
                      "influxd"})  # fmt: skip
"""Servers that run until they are stopped."""
_IMAGES = frozenset({"postgres", "mysql", "mariadb", "mongo", "redis", "rabbitmq", "elasticsearch", "grafana", "vault",
                     "consul", "nats", "keycloak", "jenkins", "gitlab-ce", "zookeeper", "kafka", "influxdb",
                     "memcached", "traefik", "prometheus", "tomcat"})  # fmt: skip
"""Images whose own command is a server."""
CONTROLS = frozenset({"apachectl", "apache2ctl", "httpd", "apache2", "pg_ctl", "pg_ctlcluster", "catalina.sh",
                       "zkServer.sh", "pm2", "forever", "supervisorctl"})  # fmt: skip
"""Programs that start a server when told to ``start``, and end before it does."""
_STAYING = {"nginx": r".*\bdaemon\s+off\b.*", "sshd": r"-\w*[dDtT]\w*", "squid": r"-\w*[NkzX]\w*",
            "dnsmasq": r"-\w*[kd]\w*|--no-daemon|--keep-in-foreground|--test", "slapd": r"-\w*[dT]\w*",
            "rsyslogd": r"-\w*[nN]\w*"}  # fmt: skip
"""Servers that put themselves in the background by default, with the options by which they stay, or start none."""
_LEAVING = {"haproxy": "-D", "mongod": "--fork", "mysqld": "--daemonize", "openvpn": "--daemon"}
"""Servers that stay in the foreground by default, with the option that puts them in the background."""
_MODULES = frozenset({"http.server", "SimpleHTTPServer", "smtpd", "aiosmtpd", "pyftpdlib", "uvicorn", "gunicorn"})
"""Modules of Python that serve, as in ``python -m http.server``."""
_SERVING = frozenset({"runserver", "serve", "server", "port-forward", "proxy", "start-session"})
"""Sub-commands that serve until they are stopped."""

_SSH = expression(r"-[46AaCfGgKkMnqsTtVvXxYy]*[NLRD]")
_SCRIPT = expression(
    r"(?:^|[^a-z])(?:\w*server|serve|\w*daemon|\w*proxy|\w*tunnel|\w*listener|\w*receiver|\w*watcher|watchdog|\w*monitor|forwarder)$",
    re.IGNORECASE,
)
_RECORDER_SCRIPT = expression(
    r"(?:^|[^a-z])(?:logger|recorder|ping|poller|sniffer|keep[-_]?a(?:live|wake)|agent)$", re.IGNORECASE
)
MAX_WORD = 200
"""Characters that are searched: the expressions may go over the rest of a text once for each word in it."""
_ONE_OFF = frozenset({"-1", "--one-off"})
"""Options by which iperf3 serves one client and ends."""
_PERFTEST = expression(r"ib_(?:write|read|send|atomic)_(?:bw|lat)")


def by_itself_in_the_background(argv: tuple[str, ...]) -> str | None:
    """The server that puts itself in the background, so that the job ends once it has started; None for others.

    With the option that makes it do so, where it would stay without.
    """
    name, words = argv[0], argv[1:]
    if name in _STAYING and not any(re.fullmatch(_STAYING[name], word) for word in words):
        return name
    return f"{name} {_LEAVING[name]}" if _LEAVING.get(name) in words else None


def of_program(argv: tuple[str, ...]) -> Iterator[Sign]:
    yield from _of_its_kind(argv)
    yield from _of_options(argv[1:])
    if next(leaving.detached(argv), None) is None:
        yield from of_script(argv)


def _of_its_kind(argv: tuple[str, ...]) -> Iterator[Sign]:
    """Signs of a program that is known."""
    name, words = argv[0], argv[1:]
    if name in ("sshpass", "timeout", "flock", "stdbuf") and "ssh" in words:
        name, words = "ssh", words[words.index("ssh") + 1 :]
    option = next((word for word in words if name == "ssh" and _SSH.match(word)), None)
    if option:
        yield Sign(f"it keeps a connection open ('ssh {option}')", STRONG)
    if name in _FOLLOWING and any(re.fullmatch(_FOLLOWING[name], word) for word in words):
        yield Sign(f"'{name}' follows its input without end", STRONG)
    if "logs" in words and not {"-f", "--follow"}.isdisjoint(words):
        yield Sign(f"'{name} logs' follows its input without end", STRONG)
    if name in _ENDLESS or name.endswith("_exporter") or (name == "sleep" and words[:1] in (("infinity",), ("inf",))):
        yield Sign(f"'{name}' has no end of its own", STRONG)
    if _records(name, words):
        yield Sign(f"'{name}' goes on until it is stopped", FAIR if name in ("ping", "top") else STRONG, "record")
    yield from of_a_container(containers.in_the_foreground((name, *words)))
    yield from _of_server(name, words)


def _records(name: str, words: tuple[str, ...]) -> bool:
    """Whether the program is one that records until it is stopped, and is not told when to end."""
    if name in _SAMPLERS:
        numbers = 0
        while numbers < len(words) and re.fullmatch(r"[\d.]+|\S*\{\{.*", words[-1 - numbers]):
            numbers += 1
        return numbers == 1
    if name == "strace":
        return "-p" in words
    return name in _RECORDERS and not any(re.fullmatch(_RECORDERS[name], word) for word in words)


def of_a_container(told: Container | None) -> Iterator[Sign]:
    """Signs of a container that is run in the foreground."""
    if told is None:
        return
    if told.restarts:
        yield Sign(f"its container starts again whenever it ends ('{told.restarts}')", STRONG)
    if told.publishes:
        yield Sign("its container publishes a port", FAIR)
    if told.image in _DAEMONS | _IMAGES:
        yield Sign(f"'{told.image}' is a server", FAIR)
    if told.is_composed:
        yield Sign("'compose up' stays until it is stopped", STRONG)


def _of_server(name: str, words: tuple[str, ...]) -> Iterator[Sign]:
    modules = {word.removeprefix("-m") for word in words if word.startswith("-m")}
    served = next((word for word in words if word in _MODULES and "-m" in words), None) or min(
        modules & _MODULES, default=None
    )
    if served:
        yield Sign(f"'{served}' serves until it is stopped", STRONG)
    if name in ("nc", "ncat", "netcat") and any(re.match(r"-\w*l", word) for word in words):
        yield Sign(f"it listens on a port ('{name} -l')", STRONG)
    if name == "socat" and any("LISTEN" in word.upper() for word in words):
        yield Sign("it listens on a port ('socat')", STRONG)
    if (
        name in ("iperf", "iperf3")
        and not {"-s", "--server"}.isdisjoint(words)
        and not serves_one_client_by((name, *words))
    ):
        yield Sign(f"it serves until it is stopped ('{name} -s')", STRONG)
    if serves_one_client_by((name, *words)) and name.startswith("ib_"):
        yield Sign(f"'{name}' serves one client", FAIR)  # where it is given a host it is the client: not enough alone
    if name == "php" and "-S" in words:
        yield Sign("it serves until it is stopped ('php -S')", STRONG)
    sub_command = next((word for word in words[:4] if word in _SERVING), None)
    if sub_command and (name in _FORWARDING or sub_command in ("runserver", "start-session")):
        yield Sign(f"it serves until it is stopped ('{name} {sub_command}')", STRONG)
    if name in _DAEMONS or name.endswith("-server"):
        yield Sign(f"'{name}' is a server", FAIR)
    if name in CONTROLS and "start" in words[:3]:
        yield Sign(f"it starts a server ('{name} start')", STRONG)
    if name == "java" and "-jar" in words:
        yield Sign("'java -jar' starts an application", WEAK)


def _of_options(words: tuple[str, ...]) -> Iterator[Sign]:
    for word in words:
        option = word.partition("=")[0]
        if option in ("--daemon", "--daemonize", "--detach"):
            yield Sign(f"'{option}' makes it a daemon", FAIR)
        elif option in ("--pid-file", "--pidfile", "--pid_file", "-pidfile"):
            yield Sign("it writes a pid file", FAIR)
        elif option in ("--listen", "--bind", "--listen-address"):
            yield Sign(f"it listens on a port ('{option}')", FAIR)
        elif option in ("--port", "--http-port"):
            yield Sign(f"it is given a port ('{option}')", WEAK)


def of_script(argv: tuple[str, ...]) -> Iterator[Sign]:
    """Signs in the name of the script, whether it is run directly or by an interpreter."""
    for word in argv[:2]:
        script = re.sub(r"\{\{.*?\}\}", "", word[-MAX_WORD:]).replace("\\", "/").rpartition("/")[2]
        stem = re.sub(r"\.(?:py|sh|pl|rb|js|ps1|bash|bat|cmd)$", "", script)
        if stem in _SERVER_SCRIPTS and stem != script:
            yield Sign(f"'{script}' runs a server until it is stopped", STRONG)
            return
        if _SCRIPT.search(stem) and not stem.startswith("-"):
            is_file = word is argv[0] or stem != script or "/" in word or "\\" in word or "{{" in word
            yield Sign(f"the program is called '{script}'" if is_file else f"it runs '{argv[0]} {script}'", FAIR)
            return
        if _RECORDER_SCRIPT.search(stem) and stem != script:
            yield Sign(f"the program is called '{script}'", WEAK)
            return


def only_timeout_ends(commands: Sequence[Command]) -> str | None:
    """Why what ``timeout`` runs has no end of its own, as a clause; None where it may have one."""
    for argv in (argv for command in commands for argv in command.programs()):
        inner = under_timeout(argv)
        if not inner or serves_one_client_by(inner) or by_itself_in_the_background(inner) is not None:
            continue
        is_text = inner[0] in SHELLS and len(inner) > 2 and inner[1].startswith("-") and inner[1].endswith("c")
        loop = loops_for_ever(parse(inner[2])) if is_text else None
        if loop:
            return f"it loops for ever ('{loop}')"
        return next((sign.text for sign in _of_its_kind(inner) if sign.weight >= FAIR), None)
    return None


def serves_one_client(commands: Sequence[Command]) -> bool:
    """Whether the work is a server that ends with its first client, as ``iperf3 -s -1`` and the tests of perftest."""
    programs = [argv for command in commands for argv in command.programs()]
    return any(serves_one_client_by(under_timeout(argv) or argv) for argv in programs)


def serves_one_client_by(argv: tuple[str, ...]) -> bool:
    """The same of one program with its words."""
    name, words = argv[0].rpartition("/")[2], argv[1:]
    if name in ("iperf", "iperf3"):
        return not {"-s", "--server"}.isdisjoint(words) and not _ONE_OFF.isdisjoint(words)
    if name in ("nc", "ncat", "netcat"):
        flags = "".join(word for word in words if word.startswith("-") and not word.startswith("--"))
        return "l" in flags and "k" not in flags and not {"--keep-open", "--listen"} & set(words)
    return _PERFTEST.fullmatch(name) is not None
