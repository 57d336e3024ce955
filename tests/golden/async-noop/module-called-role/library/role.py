"""A module of the project."""

from ansible.module_utils.basic import AnsibleModule

AnsibleModule(argument_spec={"user": {}, "role": {}, "file": {}}).exit_json(changed=True)
