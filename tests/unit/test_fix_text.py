"""The text of a suggestion says where a task goes that does not belong right after the finding's."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap import linting

LAUNCH = """\
    - name: Work {0}
      ansible.builtin.command: /usr/bin/work {0}
      async: 600
      poll: 0
      register: work_{0}
"""
PLAY = "- name: Play\n  hosts: app\n  tasks:\n"
OTHER = "    - name: Say so\n      ansible.builtin.debug:\n        msg: started\n"


def suggestion(root: Path, text: str) -> str:
    (root / "site.yml").write_text(text)
    return linting.lint(root).findings[0].suggestion


def test_a_wait_at_the_end_of_the_list_says_after_which_line(tmp_path: Path) -> None:
    found = suggestion(tmp_path, PLAY + LAUNCH.format(1) + OTHER)
    where = "before the first task that needs the work done, at the latest after line 11"
    assert f"    # To be put in {where}:\n    - name: Wait for Work 1\n" in found


def test_a_wait_right_after_the_launch_says_nothing(tmp_path: Path) -> None:
    found = suggestion(tmp_path, PLAY + LAUNCH.format(1) + "\n    # the end\n")
    assert "- name: Wait for Work 1\n" in found
    assert "To be put in" not in found


def test_a_launch_that_may_fail_gets_no_wait_that_fails_the_play(tmp_path: Path) -> None:
    assert suggestion(tmp_path, PLAY + LAUNCH.format(1) + "      ignore_errors: true\n") == ""
    assert suggestion(tmp_path, PLAY + LAUNCH.format(1) + "      failed_when: false\n") == ""


def test_a_wait_has_the_variables_that_its_tries_are_worked_out_of(tmp_path: Path) -> None:
    launch = (
        LAUNCH.format(1).replace("async: 600", 'async: "{{ longest | int }}"') + "      vars:\n        longest: 600\n"
    )
    found = suggestion(tmp_path, PLAY + launch)
    assert found.count("      vars:\n        longest: 600\n") == 2
    assert 'retries: "{{ (longest | int + 10) // 10 + 1 }}"' in found


GROUP = """\
    - name: Create the security group
      azure.azcollection.azure_rm_securitygroup:
        resource_group: "{{ resources }}"
        name: "{{ prefix }}-nodes"
      async: 600
      poll: 0
"""
CARD = """\
    - name: Create the network card
      azure.azcollection.azure_rm_networkinterface:
        resource_group: "{{ resources }}"
        name: "{{ prefix }}-card"
        ip_configurations:
          - name: first
        security_group: "{{ prefix }}-%s"
"""
DOWNLOAD = """\
    - name: Get the archive
      ansible.builtin.get_url:
        url: https://example.org/app.tgz
        dest: /var/tmp/app.tgz
      async: 600
      poll: 0
"""
UNPACK = "    - ansible.builtin.unarchive:\n        src: /var/tmp/%s.tgz\n        dest: /srv\n"


@pytest.mark.parametrize(
    ("launch", "later", "lines"),
    [
        (GROUP, OTHER + CARD % "nodes" + OTHER, 12),
        (GROUP, OTHER + CARD % "others" + OTHER, 22),
        (DOWNLOAD, OTHER + UNPACK % "app" + OTHER, 12),
        (DOWNLOAD, OTHER + UNPACK % "data" + OTHER, 18),
        (GROUP, OTHER + "    - block:\n" + "".join(f"    {line}\n" for line in (CARD % "nodes").splitlines()), 12),
    ],
)
def test_a_wait_goes_before_the_first_task_that_names_what_the_job_makes(
    launch: str, later: str, lines: int, tmp_path: Path
) -> None:
    assert f"at the latest after line {lines}:" in suggestion(tmp_path, PLAY + launch + later)


LATER_PLAY = "\n- name: Deploy\n  hosts: app\n  tasks:\n    - ansible.builtin.command: deploy\n"


def test_work_beside_the_plays_that_follow_gets_no_wait_before_them(tmp_path: Path) -> None:
    launch = LAUNCH.replace("Work {0}", "Answer the nodes in the background").format(1)
    found = linting.lint(tmp_path_with(tmp_path, PLAY + launch + LATER_PLAY)).findings[0]
    assert found.suggestion == ""
    assert "wait with async_status in the later play that needs the work" in found.message.lower()


def test_work_that_nothing_follows_gets_its_wait_in_the_background_or_not(tmp_path: Path) -> None:
    launch = LAUNCH.replace("Work {0}", "Work {0} in the background").format(1)
    assert "Wait for Work 1" in suggestion(tmp_path, PLAY + launch)
    assert "Wait for Work 1" in suggestion(tmp_path, PLAY + LAUNCH.format(1) + LATER_PLAY)


def tmp_path_with(root: Path, text: str) -> Path:
    (root / "site.yml").write_text(text)
    return root


WAIT_AND_LAUNCH = """\
    - name: Start it
      ansible.builtin.command: /usr/bin/work
      async: 600
      poll: 0
      register: work
      ignore_errors: true
    - name: Collect it
      ansible.builtin.async_status:
        jid: "{{ work.ansible_job_id }}"
      register: result
      until: result is finished
      retries: 61
      delay: 10
      ignore_errors: true
"""


def test_the_tasks_of_a_suggestion_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = suggestion(tmp_path, PLAY + WAIT_AND_LAUNCH)
    assert found.index("name: Start it") < found.index("name: Collect it")
