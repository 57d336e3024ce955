ansible_facts = {}
