"""Does to Ray what was planned: starts, stops and kills actors."""

import asyncio
from typing import Any, Final

import ray
from ray.exceptions import RayActorError, RayError

from actors.process import Opening
from actors.reader_process import ReaderActor
from actors.replica import ReplicaActor
from cluster.observe import NAMESPACE
from cluster.plan.names import new_reader_name, new_replica_name
from cluster.plan.readers import Reader
from node.config import ServerPaths
from node.ids import StoreId, TenantId

ReplicaHandle = Any
"""Ray's handle of a `Replica`: its type lacks the methods of a class that Ray has not decorated."""

START_S_MAX: Final = 120.0
"""Opening a large store may rebuild its index; a process that takes longer is stuck."""

STOP_S_MAX: Final = 4.0
HAS_STOPPED: Final = "has stopped"
PING_PERIOD_S: Final = 1.0
SILENCE_S_MAX: Final = 5.0
"""A reader that says nothing for so long is stopped, or stuck: it is ended, and another one started."""

CALLS_MAX: Final = 1_000
"""Each supervisor keeps one call waiting, and those of supervisors that died wait on."""


def create_replica(paths: ServerPaths, tenant_id: TenantId, store_id: StoreId) -> ReplicaHandle:
    """A new process for a store; it does nothing before `open_replica`."""
    options = _options(new_replica_name(tenant_id, store_id))
    return ReplicaActor.options(**options).remote(tenant_id, store_id, str(paths.data))


def create_reader(paths: ServerPaths, reader: Reader) -> ReplicaHandle:
    """A new process beside a store's owner; it does nothing before `open_replica`."""
    return ReaderActor.options(**_options(new_reader_name(reader))).remote(
        reader.tenant_id, reader.store_id, reader.incarnation, reader.index, str(paths.data)
    )


def _options(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "num_cpus": 0,
        # It is the supervisor's to start it again, with a growing wait.
        "max_restarts": 0,
        "max_concurrency": CALLS_MAX,
        "enable_task_events": False,
    }


async def open_replica(actor: ReplicaHandle) -> Opening:
    """Let it open its store; an `Opening` also when the process died or is stuck."""
    try:
        async with asyncio.timeout(START_S_MAX):
            opening: Opening = await actor.start.remote()
    except TimeoutError:
        return Opening(0, 0, f"did not open its store within {START_S_MAX:.0f} s")
    except RayError as error:
        return Opening(0, 0, death_of(error))
    return opening


async def wait_replica(actor: ReplicaHandle) -> str:
    """Wait until the process has ended or has closed its store; why, as a sentence."""
    try:
        await actor.wait_closed.remote()
    except RayError as error:
        return death_of(error)
    return HAS_STOPPED


async def wait_reader(actor: ReplicaHandle) -> str:
    """Wait until the process has ended, has closed its file, or says nothing any more; why."""
    closed = asyncio.ensure_future(wait_replica(actor))
    try:
        while True:  # Ends with the process, or when it is stuck.
            done, _ = await asyncio.wait([closed], timeout=PING_PERIOD_S)
            if done:
                return closed.result()
            async with asyncio.timeout(SILENCE_S_MAX):
                await actor.ping.remote()
    except TimeoutError:
        return f"did not answer for {SILENCE_S_MAX:.0f} s"
    except RayError as error:
        return death_of(error)
    finally:
        closed.cancel()


async def stop_replica(actor: ReplicaHandle) -> None:
    """Let it finish and close, for a bounded time, then end the process."""
    try:
        async with asyncio.timeout(STOP_S_MAX):
            await actor.stop.remote()
    except (TimeoutError, RayError):
        # Killed below: what it had acknowledged is on disk.
        pass
    kill_replica(actor)


def kill_replica(actor: ReplicaHandle) -> None:
    """End the process."""
    ray.kill(actor, no_restart=True)


def death_of(error: RayError) -> str:
    """Why an actor does not answer; what Ray says of it fills a page."""
    if isinstance(error, RayActorError):
        return "its process ended unexpectedly"
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300]}"
