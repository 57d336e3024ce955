import time


class ActionModule:
    def run(self):
        started = self._execute_module(wrap_async=True)
        look = self._task.copy()
        look.action = "ansible.builtin.async_status"
        look.args = {"jid": started["ansible_job_id"]}
        action = self._shared_loader_obj.action_loader.get(look.action, task=look)
        for _ in range(100):
            result = action.run()
            if result.get("finished"):
                break
            time.sleep(1)
        return result
