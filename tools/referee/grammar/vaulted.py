"""A variable in a file that ansible-vault has encrypted; always the same text: a seed makes the same project."""

from __future__ import annotations

from referee.project import Task

PASSWORD_FILE = "vault-password"
ARGS = ("--vault-password-file", PASSWORD_FILE)
FILES = {
    PASSWORD_FILE: "referee\n",
    "group_vars/all/vaulted.yml": """$ANSIBLE_VAULT;1.1;AES256
66333036346139623732343539356430666264613930313835663864363264343435633637653363
3562633232626231366634633466353237373931353632620a306236396535393664386661303030
65363838386433383530313866626535353764653532613664373539386361396338303564633864
6532663164363965640a666565346661353861386338376162303866363139336332366634666239
37333231323131336431313362663165346335306132646639383065373331313063
""",
}
"""It says ``secret_word: sesame``."""


def with_secret(task: Task) -> Task:
    """The launch with the variable in the surroundings of its work."""
    return {**task, "environment": {"SECRET_WORD": "{{ secret_word }}"}}
