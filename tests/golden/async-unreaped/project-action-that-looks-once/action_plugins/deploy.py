class ActionModule:
    def run(self):
        return self._execute_module(module_name="async_status")
