"""What the callback costs at the start of a run that launches nothing, to what it cost at another commit.

    python3 benchmarks/callback_start.py [--core 2.21] [--pairs 15] [--against COMMIT]

Each ansible-playbook loads the plugin of one of the two source trees, in turns, and tells the processor time of the
whole event that starts a playbook: imports, options, the session. The figure is the median of the pairs' ratios. Ends
with status 1 where it is out of bounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT, result

ENVS = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
BEFORE_THE_ROOMS = "cc9b6c5"
"""The last commit at which ``runtime/`` was one flat folder; its start is what must not get slower."""
BOUND = 1.0
PLUGIN = Path("callback_plugins") / "async_reaper.py"
TIMED = """

class CallbackModule(CallbackModule):
    def v2_playbook_on_start(self, playbook):
        import os, time
        began = time.process_time()
        super().v2_playbook_on_start(playbook)
        spent = time.process_time() - began
        with open(os.environ["SPENT"], "w") as file:
            file.write(str(spent))
"""
PLAYBOOK = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n        msg: hello\n"


def prepare(tree: Path, core: str) -> None:
    """Have the tree's plugin tell what it spends, and compile the byte code, which an installation has as well."""
    plugin = tree / PLUGIN
    plugin.write_text(plugin.read_text(encoding="utf-8") + TIMED, encoding="utf-8")
    python = ENVS / f"core-{core}" / "bin" / "python"
    subprocess.run([python, "-m", "compileall", "-q", tree / "src"], check=True)


def copy_of(commit: str | None, tree: Path) -> None:
    """The sources as they stand, or of a commit."""
    tree.mkdir()
    parts = ["src", "callback_plugins"]
    if commit is None:
        subprocess.run(["cp", "-r", *(str(ROOT / part) for part in parts), str(tree)], check=True)
        return
    archive = subprocess.run(["git", "-C", ROOT, "archive", commit, *parts], capture_output=True, check=False)
    if archive.returncode:
        raise SystemExit(f"{commit}: not in this clone, so there is nothing to compare with; fetch the whole history")
    subprocess.run(["tar", "-x", "-C", tree], input=archive.stdout, check=True)


def spent(tree: Path, core: str, folder: Path) -> float:
    """Seconds of processor time that the start took in one run."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(tree / "src"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_CALLBACK_PLUGINS": str((tree / PLUGIN).parent),
        "ANSIBLE_CALLBACKS_ENABLED": "async_reaper",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "SPENT": str(folder / "spent"),
    }
    program = ENVS / f"core-{core}" / "bin" / "ansible-playbook"
    command: list[str | Path] = [program, "-i", "host1,", folder / "site.yml"]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stdout.decode() + done.stderr.decode())
    return float((folder / "spent").read_text(encoding="utf-8"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", default="2.21")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--against", default=BEFORE_THE_ROOMS, metavar="COMMIT")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "site.yml").write_text(PLAYBOOK, encoding="utf-8")
        trees = {"now": None, "then": options.against}
        for tree, commit in trees.items():
            copy_of(commit, folder / tree)
            prepare(folder / tree, options.core)
            spent(folder / tree, options.core, folder)  # Ansible's own caches
        costs: dict[str, list[float]] = {tree: [] for tree in trees}
        for number in range(options.pairs):
            for tree in sorted(trees, reverse=bool(number % 2)):
                costs[tree].append(spent(folder / tree, options.core, folder))
    ratio = statistics.median(now / then for now, then in zip(costs["now"], costs["then"], strict=True))
    is_kept = result(f"start of the callback, nothing launched: to {options.against}", ratio, BOUND)
    medians = ", ".join(f"{tree} {statistics.median(each) * 1000:.1f} ms" for tree, each in costs.items())
    print(f"{medians}; {options.pairs} pairs, ansible-core {options.core}", flush=True)
    return int(not is_kept)


if __name__ == "__main__":
    sys.exit(main())
