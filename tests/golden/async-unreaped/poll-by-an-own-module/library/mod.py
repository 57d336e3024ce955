print({"ansible_facts": {"p": 0}})
