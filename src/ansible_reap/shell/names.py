"""Modules, units and programs on which the connection to a host hangs: tables of names, no more.

Modules are those of ansible-core 2.16 to 2.22, ansible.windows and community.general. Units and programs are named as
in the manuals of systemd, of the distributions and of the projects themselves: there is no list to hold them against.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_reap.late_patterns import expression

REBOOT_MODULES = frozenset({"reboot", "win_reboot", "shutdown", "nmcli"})
SERVICE_MODULES = frozenset({"service", "systemd", "systemd_service", "sysvinit", "openrc", "runit", "win_service"})
COMMAND_MODULES = frozenset(
    {"command", "shell", "raw", "script", "expect", "win_command", "win_shell", "win_powershell", "powershell"}
)
COMMAND_OPTIONS = ("_raw_params", "cmd", "argv", "command", "script", "free_form")

FIREWALL_UNITS = frozenset(
    [
        "firewalld",
        "iptables",
        "ip6tables",
        "nftables",
        "ufw",
        "netfilter-persistent",
        "ferm",
        "pf",
        "ipfw",
        "npf",
        "shorewall",
    ]
)
"""Starting one of these drops the connections that its rules do not know."""
TUNNEL_UNITS = frozenset(
    [
        "openvpn",
        "openvpn-client",
        "openvpn-server",
        "strongswan",
        "ipsec",
        "tailscaled",
        "tor",
        "wg-quick",
        "zerotier-one",
    ]
)
"""What a connection may run through. Told from other work only by the pause that lets the task end before."""
NETWORK_UNITS = FIREWALL_UNITS | frozenset(
    [
        "sshd",
        "ssh",
        "network",
        "networking",
        "networkmanager",
        "systemd-networkd",
        "systemd-resolved",
        "netif",
        "routing",
        "wicked",
        "wickedd",
        "wpa_supplicant",
        "dhcpcd",
        "dhclient",
        "winrm",
        "connman",
        "network-manager",
    ]
)
DISTURBING = frozenset({"restart", "restarted", "reload", "reloaded", "stop", "stopped", "force-reload", "try-restart"})
STARTING = frozenset({"start", "started"})
POWER_VERBS = frozenset({"reboot", "poweroff", "halt", "kexec", "soft-reboot", "hibernate", "suspend", "emergency"})
PROGRAMS = frozenset(
    [
        "reboot",
        "shutdown",
        "poweroff",
        "halt",
        "ifdown",
        "ifup",
        "restart-computer",
        "stop-computer",
        "disable-netadapter",
        "restart-netadapter",
        "enable-netadapter",
        "new-netipaddress",
        "remove-netipaddress",
        "set-netipaddress",
        "set-netipinterface",
        "networksetup",
        "sysprep",
        "iptables-restore",
        "iptables-apply",
        "netfilter-persistent",
        "ifreload",
        "netstart",
        "telinit",
    ]
)
SUB_COMMANDS: Mapping[str, frozenset[str]] = {
    "netplan": frozenset({"apply", "try"}),
    "init": frozenset({"0", "6"}),
    "networkctl": frozenset({"reload", "reconfigure", "down", "up", "renew"}),
    "wicked": frozenset({"ifup", "ifdown", "ifreload"}),
    "wg-quick": frozenset({"down", "up"}),
    "ipconfig": frozenset({"/release", "/renew"}),
    "ufw": frozenset({"enable", "disable", "reset", "reload", "--force"}),
    "firewall-cmd": frozenset({"--reload", "--complete-reload"}),
    "kexec": frozenset({"-e", "--exec"}),
    "wifi": frozenset({"reload", "up", "down"}),
    "dhclient": frozenset({"-r"}),
    "iptables": frozenset({"-P", "-F", "--flush", "--policy"}),
    "config": frozenset({"reload", "load", "load_minigraph"}),
    "dnf": frozenset({"reboot"}),
    "dnf5": frozenset({"reboot"}),
    "rpm-ostree": frozenset({"-r"}),
    "bootc": frozenset({"--apply"}),
    "transactional-update": frozenset({"reboot"}),
    "esxcli": frozenset({"reboot", "poweroff"}),
    "waagent": frozenset({"-deprovision", "-deprovision+user", "--deprovision"}),
    "netsh": frozenset({"interface", "int", "advfirewall", "winsock"}),
}
REBOOTING = frozenset({"rpm-ostree", "bootc", "cloud-init", "transactional-update", "dnf", "dnf5", "esxcli", "busybox"})
"""Programs that reboot by ``--reboot``, or by a first argument ``reboot``."""
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})
UNITS_FIRST = frozenset({"service", "rc-service", "invoke-rc.d"})
SERVICE_COMMANDLETS = frozenset({"restart-service", "stop-service"})
INTERPRETERS = frozenset(
    {
        "sh",
        "bash",
        "dash",
        "zsh",
        "ksh",
        "ash",
        "ssh",
        "su",
        "at",
        "cmd",
        "cmd.exe",
        "powershell",
        "powershell.exe",
        "pwsh",
        "eval",
        "systemd-run",
        "screen",
        "tmux",
        "start-process",
        "sshpass",
        "daemonize",
    }
)
"""Programs whose arguments are commands in their turn."""
LEADING_WORDS = frozenset(
    {
        "sudo",
        "nohup",
        "exec",
        "env",
        "setsid",
        "time",
        "nice",
        "ionice",
        "doas",
        "then",
        "do",
        "else",
        "if",
        "!",
        "command",
        "disown",
        "busybox",
        "molly-guard",
        "stdbuf",
        "&",
    }
)
"""Words that may stand before the program that does the work: commands that run another, and words of the shell."""
SILENT = frozenset(
    {"echo", "printf", "grep", "egrep", "logger", "wall", "touch", "rm", "test", "[", "virsh", "cat", "ls"}
    | {":", "true", "false"}
    | {"man", "info", "whatis", "apropos", "which", "whereis", "type", "hash", "help", "last", "pgrep", "pidof"}
)
"""Programs that do nothing to what they name: they tell of it, look for it or delete a file of that name."""
LEADING_UP = frozenset(
    {"sleep", "sync", "true", ":", "wait", "date", "cd", "export", "set", "trap", "read", "[[", "command", "which"}
    | {"needs-restarting", "who", "uptime", "start-sleep", "write-host", "exit"}
    | {"echo", "printf", "grep", "egrep", "logger", "wall", "touch", "rm", "test", "[", "cat", "ls"}
)
"""Programs that do no work of their own before a reboot: they wait, flush, ask or tell."""
LOOKING_COMMANDLET = expression(
    r"(?:Get|Write|Test)-[A-Z]\w*|(?:Select|Where|Sort|Measure)-Object|Select-String|Out-(?:Null|String|Host|Default)"
    r"|Format-(?:Table|List|Wide)|Import-Module|Set-(?:Location|StrictMode)"
)
"""Commands of PowerShell that look, tell or choose, by its rules for verbs; in capitals that no other program has."""
STAYING = LEADING_UP | frozenset(
    {"false", "cp", "mv", "mkdir", "rmdir", "mktemp", "ln", "chmod", "chown", "chgrp", "find", "stat", "du", "df", "dd"}
    | {"sed", "awk", "head", "tail", "tee", "wc", "sort", "uniq", "cut", "tr", "seq", "basename", "dirname", "diff"}
    | {"tar", "gzip", "gunzip", "bzip2", "bunzip2", "xz", "unxz", "zip", "unzip", "md5sum", "sha1sum", "sha256sum"}
)
"""Programs that work on files and texts alone (POSIX, GNU coreutils and the archivers): no connection hangs on them."""
