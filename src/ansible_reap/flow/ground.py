"""What every walk stands on: the project's files, who calls whom, where things are found."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_reap.content.call_graph import CallGraph
from ansible_reap.content.library import Library
from ansible_reap.content.roles import Finder
from ansible_reap.flow.inventory import GroupVariables
from ansible_reap.flow.walk.variables import RoleVariables


@dataclass(frozen=True, slots=True)
class Ground:
    """The same for all walks of a project."""

    library: Library
    graph: CallGraph
    finder: Finder
    inventory: GroupVariables
    role_variables: RoleVariables
