"""The processes of this server, as the agent and the supervisor have written them down."""

from collections import defaultdict
from pathlib import Path

from node.agent.processes import ProcessId, is_alive
from node.agent.state import ReplicaEntry, read_agent_state, read_supervisor_state
from node.config import KIB, ServerPaths
from node.ids import TenantId
from protos.v1.admin_pb2 import ProcessStatus, ReaderStatus


def read_processes(paths: ServerPaths) -> tuple[list[ProcessStatus], str]:
    """Every process of the platform with its memory, and the release that runs.

    Without an agent's state file, or with one that cannot be read, both are empty.
    """
    state = read_agent_state(paths)
    if state is None:
        return [], ""
    processes = [
        ProcessStatus(
            role=entry.role,
            pid=entry.pid,
            address=entry.address,
            anonymous_memory_bytes=anonymous_memory_bytes(ProcessId(entry.pid, entry.start_time)),
            restart_count=entry.restart_count,
        )
        for entry in state.processes
    ]
    return processes, state.release


def read_replicas(paths: ServerPaths) -> dict[TenantId, ReplicaEntry]:
    """Each tenant's replica as the supervisor sees it: how often it was started, why it is down."""
    state = read_supervisor_state(paths)
    if state is None:
        return {}
    return {TenantId(entry.tenant): entry for entry in state.replicas}


def read_readers(paths: ServerPaths) -> dict[TenantId, list[ReaderStatus]]:
    """Each tenant's readers as the supervisor sees them, with their memory, by index."""
    state = read_supervisor_state(paths)
    found: defaultdict[TenantId, list[ReaderStatus]] = defaultdict(list)
    for entry in sorted(() if state is None else state.readers, key=lambda entry: entry.index):
        memory_bytes = anonymous_memory_bytes(ProcessId(entry.pid, entry.start_time))
        found[TenantId(entry.tenant)].append(
            ReaderStatus(
                index=entry.index,
                pid=entry.pid,
                anonymous_memory_bytes=memory_bytes if entry.pid else 0,
                restart_count=entry.restart_count,
                message=entry.message,
            )
        )
    return found


def anonymous_memory_bytes(process: ProcessId) -> int:
    """`RssAnon` of a process: memory that is its own; 0 when that process is gone."""
    try:
        status = Path("/proc", str(process.pid), "status").read_text(encoding="ascii")
    except OSError:
        return 0
    if not is_alive(process):
        return 0
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * KIB
    return 0
