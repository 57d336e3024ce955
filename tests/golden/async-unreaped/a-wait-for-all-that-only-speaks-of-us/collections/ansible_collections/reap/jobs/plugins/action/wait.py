# ansible_reap
class ActionModule:
    pass
