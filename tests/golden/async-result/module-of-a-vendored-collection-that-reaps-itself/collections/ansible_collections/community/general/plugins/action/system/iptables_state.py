import time

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        started = self._execute_module(task_vars=task_vars, wrap_async=True)
        arguments = {"jid": started["ansible_job_id"]}
        while True:
            result = self._execute_module(
                module_name="ansible.builtin.async_status", module_args=arguments, task_vars=task_vars, wrap_async=False
            )
            if result["finished"]:
                return result
            time.sleep(1)
