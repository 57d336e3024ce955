class AnsibleModule:
    pass
