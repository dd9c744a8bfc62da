"""What processes say on their first line of output, when they are ready."""

import json

from node.agent.child import StartFailedError
from node.agent.processes import ProcessId, process_id


def front_address(line: str, *, listen: str) -> str:
    """Where a front listens: the shared address, and its own one if it says so."""
    own = _object(line).get("own_listen")
    return f"{listen}, {own}" if own else listen


def supervisor_id(line: str) -> ProcessId:
    """The supervisor that `cluster.boot` has started. Raises StartFailedError if it is gone."""
    pid = _object(line).get("pid")
    found = process_id(pid) if isinstance(pid, int) else None
    if found is None:
        raise StartFailedError(f"said {line[:200]!r}, which names no process")
    return found


def _object(line: str) -> dict[str, object]:
    try:
        content = json.loads(line)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
