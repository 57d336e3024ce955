class ActionModule:
    runs = "async_status"
