"""Run by the interpreter of an ansible-lint: prints as JSON what that environment holds."""

import importlib.util
import json
from importlib import metadata
from pathlib import Path


def _version(name: str) -> "str | None":
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _is_editable() -> bool:
    try:
        origin = metadata.distribution("ansible-reap").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return False
    return bool(json.loads(origin or "{}").get("dir_info", {}).get("editable"))


lint = importlib.util.find_spec("ansiblelint")
# Without ansible-lint our own rules make it importable, as an empty namespace without an origin.
home = str(Path(lint.origin).parent) if lint and lint.origin else None
print(
    json.dumps(
        {
            "lint_version": _version("ansible-lint"),
            "lint_home": home,
            "reap_version": _version("ansible-reap"),
            "reap_importable": importlib.util.find_spec("ansible_reap") is not None,
            "reap_editable": _is_editable(),
        }
    )
)
