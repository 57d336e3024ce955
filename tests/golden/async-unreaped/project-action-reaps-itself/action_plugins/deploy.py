import time


class ActionModule:
    def run(self):
        result = {"finished": 0}
        while not result["finished"]:
            time.sleep(1)
            result = self._execute_module(module_name="async_status")
        return result
