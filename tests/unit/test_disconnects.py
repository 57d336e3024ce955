"""What counts as cutting one's own connection, and what only looks like it."""

from __future__ import annotations

import pytest

from ansible_reap.shell.disconnects import Disconnect, cuts_connection
from ansible_reap.shell.sure_disconnects import how_it_cuts

CUTS = [
    "reboot",
    "/sbin/reboot",
    "shutdown -r now",
    "sleep 2 && shutdown -r now 'Ansible reboot'",
    "sleep 5; reboot",
    "(sleep 5; /usr/sbin/reboot) &",
    "nohup sh -c 'sleep 3; reboot' &",
    'bash -c "sleep 2; systemctl reboot"',
    "systemctl reboot --force",
    "systemctl --no-block restart NetworkManager.service",
    "init 6",
    "telinit 6",
    "echo b > /proc/sysrq-trigger",
    "echo 1 > /proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger",
    "vsish -e set /reliability/crashMe/Panic 1",
    "rpm-ostree install {{ packages | quote }} -r",
    "rpm-ostree upgrade --reboot",
    "bootc upgrade --apply",
    "transactional-update -n dup reboot",
    "esxcli system shutdown reboot -d 10 -r patching",
    "netplan apply",
    "nmcli con up eth0",
    "ifdown eth0 && ifup eth0",
    "service network restart",
    "/etc/init.d/networking restart",
    "service sshd restart",
    "firewall-cmd --reload",
    "ipconfig /release",
    "C:\\Windows\\System32\\Sysprep\\sysprep.exe /generalize /oobe /shutdown",
    "Restart-Computer -Force",
    "config reload -y",
    "echo reboot | at now",
    "ssh root@{{ item }} shutdown -h now",
    "{{ reboot_command }}",
    "sudo -n reboot",
    "PATH=/sbin:$PATH shutdown -r now",
    "New-NetIPAddress -InterfaceAlias Ethernet -IPAddress {{ ip }}",
    "networksetup -setmanual Ethernet 10.0.0.2 255.255.255.0",
    "ip link set eth0 down; sleep 1; ip link set eth0 up",
    "cloud-init clean --reboot",
    "(( sleep 5; nohup service pf start 1>/dev/null 2>&1 ) & )",
    "systemctl start firewalld",
    "sleep 2 && waagent -deprovision+user -force",
    "sleep 5 && service tor restart",
    "{{ network_reload_cmd }}",
    "/opt/cluster/poweroff-node.sh",
    "/opt/reboot.sh --now",
    "bash /opt/power_off.sh",
    "python3 /opt/reboot_host.py",
    "sleep 3; systemctl restart wg-quick@wg0.service",
]

STAYS = [
    "echo reboot required",
    "rpm-ostree install htop",
    "bootc upgrade --check",
    "transactional-update dup",
    "sleep 60",
    "/opt/backup.sh before reboot",
    "systemctl restart docker",
    "service nginx restart",
    "service tor restart",
    "sleep 5 && service nginx restart",
    "systemctl start sshd",
    "systemctl enable pf",
    "{{ network_test_cmd }}",
    "{{ reload_cmd }}",
    "firewall-cmd --permanent --add-service=http",
    "shutdown -c",
    "tail -f /var/log/reboot.log",
    "grep -q reboot /var/run/reboot-required",
    "virsh reboot guest",
    "nmcli con show",
    "python3 -m http.server",
    "ip link show",
    "/opt/tomcat/bin/shutdown.sh",
    "/opt/halt.sh",
    "sh /opt/check_reboot.sh",
    "/opt/reboot_vms.sh",
    "/opt/shutdown-db.sh",
    "networksetup -getinfo Ethernet",
    'sh -c "exit 3" reboot',
    'sudo bash -xc "true" reboot',
    "",
]


@pytest.mark.parametrize("command", CUTS)
def test_command_that_cuts_the_connection(command: str) -> None:
    assert cuts_connection("ansible.builtin.shell", {"_raw_params": command}, None)


@pytest.mark.parametrize("command", STAYS)
def test_command_that_leaves_the_connection_alone(command: str) -> None:
    assert not cuts_connection("shell", {"_raw_params": command}, "Prepare things for the reboot")


def test_command_given_as_cmd_or_argv() -> None:
    assert cuts_connection("command", {"cmd": "reboot"}, None)
    assert cuts_connection("command", {"argv": ["shutdown", "-r", "now"]}, None)
    assert cuts_connection("shell", {"argv": ["sh", "-c", "sleep 2; reboot"]}, None)


@pytest.mark.parametrize(
    "command",
    [
        "reboot --help",
        "shutdown --version",
        "systemctl --help reboot",
        "shutdown -k now",
        "sudo reboot -w",
        "shutdown /a",
        ": reboot",
        "true reboot",
    ],
)
def test_a_program_that_only_tells_of_itself_cuts_nothing(command: str) -> None:
    assert not cuts_connection("shell", {"_raw_params": command}, None)


@pytest.mark.parametrize("command", ["make install; systemctl restart sshd", "apt-get -y upgrade && reboot"])
def test_work_before_the_cut_is_told(command: str) -> None:
    assert cuts_connection("shell", {"_raw_params": command}, None)
    assert how_it_cuts("ansible.builtin.shell", {"_raw_params": command}) == Disconnect(works_first=True)


@pytest.mark.parametrize("command", ["sleep 2 && reboot", "shutdown -c; shutdown -h now", "echo now; ifdown eth0"])
def test_what_leads_up_to_the_cut_is_no_work(command: str) -> None:
    assert how_it_cuts("shell", {"_raw_params": command}) == Disconnect(works_first=False)


@pytest.mark.parametrize("name", ["sshd", "network", "NetworkManager", "ssh.service", "networking"])
def test_service_restart_that_cuts(name: str) -> None:
    assert cuts_connection("ansible.builtin.systemd", {"name": name, "state": "restarted"}, None)
    assert not cuts_connection("ansible.builtin.systemd", {"name": name, "state": "started"}, None)


def test_other_services_stay() -> None:
    assert not cuts_connection("service", {"name": "mysql", "state": "restarted"}, "restart network")


def test_reboot_modules() -> None:
    assert cuts_connection("ansible.builtin.reboot", {}, None)
    assert cuts_connection("community.general.shutdown", {}, None)
    assert not cuts_connection("ansible.builtin.copy", {"src": "reboot"}, "reboot")


def test_name_counts_only_where_the_command_says_nothing() -> None:
    assert cuts_connection("command", {"_raw_params": "{{ command_for_this }}"}, "Reboot the server")
    assert cuts_connection("script", {"_raw_params": "restart_all"}, "Shut down the machine")
    assert not cuts_connection("command", {"_raw_params": "backup --all"}, "Reboot the server")
    assert not cuts_connection("command", {"_raw_params": "{{ tool }} --all"}, "Back up before the reboot")
    assert not cuts_connection("script", {"_raw_params": "leave.sh"}, "Halt the application")


@pytest.mark.parametrize(
    "name", ["Reload network configs", "Apply the firewall rules", "Restart SSH", "Restart network"]
)
def test_name_that_tells_what_an_unknown_command_does(name: str) -> None:
    assert cuts_connection("shell", {"_raw_params": "{{ command }}"}, name)


@pytest.mark.parametrize("name", ["Check the network", "Reload the web server", "Apply the configuration"])
def test_name_that_tells_of_other_work(name: str) -> None:
    assert not cuts_connection("shell", {"_raw_params": "{{ command }}"}, name)


@pytest.mark.parametrize(
    "command", ["exit 3; reboot", "sleep 1; exit; reboot", "shutdown --show", "systemctl reboot --when=cancel"]
)
def test_a_reboot_that_is_not_reached_or_taken_back_is_none(command: str) -> None:
    assert not cuts_connection("ansible.builtin.shell", {"_raw_params": command}, None)


@pytest.mark.parametrize("command", CUTS)
def test_what_people_write_surely_or_by_its_name_cuts_the_connection(command: str) -> None:
    assert how_it_cuts("ansible.builtin.shell", {"_raw_params": command}) == Disconnect(works_first=False)


@pytest.mark.parametrize(
    "command",
    [
        "echo reboot | bash -n; exit 3",
        "ip link set eth1 down; /opt/deploy",
        "systemctl restart sshd; make install",
        "reboot_node.sh; make install",
        "echo h > /proc/sysrq-trigger",
        "systemd-run --on-calendar=tomorrow reboot",
        "shutdown 23:00",
        "shutdown -r +600",
        "sleep 86400; reboot",
        "echo reboot | at 23:00",
        "powershell Restart-Computer -WhatIf",
        "sudo -h reboot",
        "sudo -l reboot",
        "screen -ls reboot",
        "eval 'reboot; make'",
    ],
)
def test_what_may_cut_nothing_here_or_not_soon_is_doubtful(command: str) -> None:
    assert how_it_cuts("ansible.builtin.shell", {"_raw_params": command}).is_doubtful


def test_operators_that_no_shell_reads_are_doubtful() -> None:
    assert how_it_cuts("command", {"_raw_params": "sleep 2 && reboot"}).is_doubtful


def test_work_before_the_cut_within_another_command_is_told() -> None:
    assert how_it_cuts("shell", {"_raw_params": "su app -c 'make; reboot'"}).works_first
