"""The keywords that Ansible knows at a task and at an entry of ``roles:``; every other key is an action or a variable.

Those of ansible-core 2.16 to 2.22 together; ``tests/unit/test_content_keywords.py`` holds them against each of these.
"""

from __future__ import annotations

_TASK = """
action any_errors_fatal args async async_val become become_exe become_flags become_method become_user changed_when
check_mode collections connection debugger delay delegate_facts delegate_to diff environment failed_when ignore_errors
ignore_unreachable listen local_action loop loop_control loop_with module_defaults name no_log notify poll port register
remote_user retries run_once tags throttle timeout until vars when
"""

_RETIRED = "always_run first_available_file static su su_user sudo sudo_user"

_ROLE = """
any_errors_fatal become become_exe become_flags become_method become_user check_mode collections connection debugger
diff environment ignore_errors ignore_unreachable module_defaults name no_log port remote_user role run_once tags
throttle timeout vars when
"""

ALIASES = {"async_val": "async"}
"""What a task's keyword may be called besides, and what it is called everywhere here.

It is the only alias that ansible-core 2.16 to 2.22 have, and no block or play takes it."""

RETIRED_KEYWORDS = frozenset(_RETIRED.split())
"""Keywords of Ansible 1.x to 2.8 that are still found in content. None is the name of a module."""

TASK_KEYWORDS = frozenset(_TASK.split()) | RETIRED_KEYWORDS
"""Keywords of a task or handler; ``with_*`` besides."""

ROLE_KEYWORDS = frozenset(_ROLE.split())
"""Keywords of an entry of ``roles:`` or of a role's dependencies; every other key is a parameter of the role."""
