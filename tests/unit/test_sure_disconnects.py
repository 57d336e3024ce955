"""What does nothing but cut its own connection, so that nobody need hear of it: the smallest doubt says no."""

from __future__ import annotations

import pytest

from ansible_reap.shell.sure_disconnects import surely_cuts_connection


def is_sure(command: str) -> bool:
    return surely_cuts_connection("ansible.builtin.shell", {"_raw_params": command})


@pytest.mark.parametrize(
    "command",
    ["./restart.sh", "/opt/shutdown_vm_backup.sh", "safe-reboot", "bash -c ./reboot_node.sh", "{{ reboot_command }}"],
)
def test_a_name_alone_is_not_sure(command: str) -> None:
    assert not is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "sleep 2 && shutdown -r now",
        "bash -c 'reboot'",
        "echo reboot | at now",
        "sync; sudo sleep 5; /sbin/reboot",
        "if [ -f /var/run/reboot-required ]; then reboot; fi",
        "needs-restarting -r || shutdown -r +1",
        "export PATH=/sbin; logger going down; nohup bash -c 'sleep 1; reboot' &",
    ],
)
def test_what_runs_is_sure(command: str) -> None:
    assert is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "make && reboot",
        "dnf -y upgrade; reboot",
        "bash -c 'make install && shutdown -r now'",
        "sleep 5 && ./work && reboot",
        "make | reboot",
        "bash <<EOF\nmake\nreboot\nEOF",
        "su -c 'make; reboot'",
    ],
)
def test_work_before_a_reboot_may_fail_and_is_not_passed_over(command: str) -> None:
    assert not is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "rsync -a /x --reboot",
        "/opt/backup.sh reboot",
        "nohup /opt/backup.sh reboot",
        "cp /proc/sysrq-trigger /tmp/x",
        "cp /srv/proc/sysrq-trigger /tmp/x",
        "tar cf /tmp/x /mnt/proc/sysrq-trigger",
        "bash /opt/backup.sh '; shutdown -r now'",
    ],
)
def test_an_argument_that_speaks_of_a_reboot_is_none_for_sure(command: str) -> None:
    assert not is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "echo b > /proc/sysrq-trigger",
        "echo b | sudo tee /proc/sysrq-trigger",
        "vsish -e set /reliability/crashMe/Panic 1",
        "rpm-ostree upgrade --reboot",
        "bash -lc 'shutdown -r now'",
        "sh -c 'sleep 2; reboot' x",
    ],
)
def test_what_reboots_in_a_roundabout_way_is_sure(command: str) -> None:
    assert is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "ssh other reboot",
        "sshpass -p x ssh other 'systemctl restart network'",
        "/opt/tomcat/bin/shutdown -force",
        "./reboot now",
        "systemctl --user restart network",
        "ip netns exec blue ip link set eth0 down",
        "powershell Restart-Computer -ComputerName other",
        "shutdown /r /m other",
    ],
)
def test_what_goes_down_elsewhere_is_no_reboot_for_sure(command: str) -> None:
    assert not is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "/usr/sbin/reboot",
        "sudo /sbin/shutdown -r now",
        "/etc/init.d/networking restart",
        "ssh {{ inventory_hostname }} reboot",
        "C:/Windows/System32/shutdown.exe /r",
        "/run/current-system/sw/bin/reboot",
    ],
)
def test_a_program_of_the_system_and_the_hosts_own_name_are_sure(command: str) -> None:
    assert is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "exit 3; reboot",
        "{ exit 3; }; reboot",
        "test -f /x && exit 0 || exit 1; reboot",
        "if test -f /x; then exit 0; else exit 1; fi; reboot",
        "if test -f /x; then exit 0; reboot; fi",
        "test -f /x || { exit 1; reboot; }",
        "test -f /x && exit 1 && reboot",
        "true || reboot",
        "(true) || reboot",
        "! true && reboot",
        "sleep 5 || reboot",
        "X=1 || reboot",
        "false && reboot",
        "[ 1 = 2 ] && reboot",
        "if false; then reboot; fi",
        "if true; then :; else reboot; fi",
        "if ! true; then reboot; fi",
        "while false; do reboot; done",
        "while true; do sleep 1; done; reboot",
        "for i in; do reboot; done",
        "case a in b) reboot;; esac",
        "exec sleep 5; reboot",
        "set -n; reboot",
        "set -o noexec; reboot",
        "sh -n -c reboot",
        "bash -c 'true || reboot'",
        "bash <<EOF\nexit 3\nreboot\nEOF",
        "true || echo reboot | at now",
        "reboot() { :; }; reboot",
        "function reboot { :; }; reboot",
        "reboot < f",
    ],
)
def test_what_may_never_be_reached_is_not_sure(command: str) -> None:
    assert not is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "shutdown --show",
        "shutdown --help",
        "shutdown /a",
        "shutdown /?",
        "shutdown /t 0",
        "shutdown /l",
        "systemctl reboot --when=cancel",
        "systemctl --dry-run reboot",
        "reboot --wtmp",
        "reboot -fw",
        "shutdown -kh now",
        "echo h > /proc/sysrq-trigger",
        "echo s | tee /proc/sysrq-trigger",
        "telinit q",
        "init 60",
        "netsh interface show",
        "iptables-restore --test /etc/rules",
        "Restart-Computer -WhatIf",
        "sudo -l reboot",
        "nohup --help reboot",
        ": reboot",
    ],
)
def test_a_program_that_takes_nothing_down_with_these_words_is_not_sure(command: str) -> None:
    assert not is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "shutdown -h +600",
        "shutdown -r 23:00",
        "shutdown -r {{ when }}",
        "shutdown /r /t 9000",
        "systemctl reboot --when=+2h",
        "systemd-run --on-active=3h reboot",
        "echo reboot | at 23:00",
        "echo reboot | at now + 3 hours",
        "sleep 1d; reboot",
        "sleep infinity; reboot",
    ],
)
def test_a_reboot_at_another_time_is_not_sure(command: str) -> None:
    assert not is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "systemctl --host=other reboot",
        "systemctl -H other reboot",
        "systemctl reboot -Mguest",
        "systemctl --root=/mnt reboot",
        "systemd-run -M guest reboot",
        "chroot /mnt reboot",
        "ssh {{ inventory_hostname }} 'echo reboot'",
    ],
)
def test_another_machine_is_not_sure(command: str) -> None:
    assert not is_sure(command)


@pytest.mark.parametrize(
    "command", ["reboot; make", "reboot | make", "reboot && make", "shutdown -r +1; shutdown -c", "reboot & make"]
)
def test_what_comes_behind_a_reboot_may_fail_or_take_it_back(command: str) -> None:
    assert not is_sure(command)


@pytest.mark.parametrize(
    "command",
    [
        "reboot now",
        "sudo -n /sbin/reboot -f",
        "shutdown -r +1",
        "shutdown -r +{{ delay }}",
        "shutdown -h now 'going down'",
        "shutdown -rf now",
        "shutdown -y -i6 -g0",
        "shutdown /r /t 5 /c 'msg' /f",
        "shutdown.exe -r -t 0",
        "nohup sh -c '(sleep 2; reboot) &'",
        "(sleep 2 && reboot) > /dev/null 2>&1 &",
        "{ sleep 3; reboot; } &",
        "sync; sleep 1; reboot",
        "test -f /x && reboot",
        "[[ $(cat /x) == 1 ]] && reboot",
        "test -f /x || exit 0; reboot",
        "if test -f /x; then exit; fi; reboot",
        "test -f /x || { echo no; exit 0; }; reboot",
        "if test -f /a; then exit 0; fi\nif test -f /b; then exit 0; fi\nreboot",
        "if needs-restarting -r > /dev/null; then :; else shutdown -r now; fi",
        "if ! needs-restarting -r; then reboot; fi",
        "set -euo pipefail\nsleep 2\nreboot",
        "systemctl --no-wall reboot",
        "systemctl start reboot.target",
        "systemctl reboot || reboot -f",
        "reboot; exit 0",
        "reboot && sleep 100",
        "exec reboot",
        "echo s > /proc/sysrq-trigger; echo b > /proc/sysrq-trigger",
        "echo reboot | at now + 1 minute",
        "bash <<EOF\nsleep 2\nreboot\nEOF",
        "systemd-run --on-active={{ delay }} /usr/bin/systemctl reboot",
        "powershell.exe -Command 'Restart-Computer -Force'",
        "screen -dmS r reboot",
        "su - -c 'reboot'",
        "iptables-restore < /etc/iptables/rules.v4",
        "sleep 5 && service tor restart",
    ],
)
def test_what_people_write_to_reboot_is_sure(command: str) -> None:
    assert is_sure(command)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("shell", {"_raw_params": "reboot", "executable": "/usr/bin/python3"}),
        ("command", {"_raw_params": "sleep 5 && reboot"}),
        ("command", {"_raw_params": "reboot > /dev/null"}),
        ("script", {"_raw_params": "reboot"}),
    ],
)
def test_what_no_shell_reads_as_such_is_not_sure(module: str, arguments: dict[str, object]) -> None:
    assert not surely_cuts_connection(f"ansible.builtin.{module}", arguments)


def test_a_job_that_is_killed_before_its_pause_is_over_reboots_nothing() -> None:
    def within(command: str, limit: int) -> bool:
        return surely_cuts_connection("shell", {"_raw_params": command}, limit)

    assert within("sleep 2; reboot", 1)
    assert not within("sleep 30; reboot", 10)
    assert within("(sleep 30; reboot) &", 10)
