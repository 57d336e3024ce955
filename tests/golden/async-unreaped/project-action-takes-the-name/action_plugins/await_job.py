class ActionModule:
    pass
