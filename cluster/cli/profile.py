"""The command line's profile: which server it speaks to, and the tenants' admin keys.

    {"current": DATA, "servers": {DATA: {"listen", "operator_listen", "ca_file", "operator_file",
                                         "admin_keys": {TENANT: KEY}}}}

The file has mode 0600, since it holds keys; it is replaced as a whole, never written in place.
"""

import fcntl
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Final

from node.agent.directory import write_atomically
from node.config import ServerPaths, profile_path
from node.errors import FailedPreconditionError, NotFoundError, StorageError

if TYPE_CHECKING:
    from node.client import AdminClient, Client

DATA_DEFAULT: Final = ".saluhall"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEntry:
    """How to reach one server."""

    data: str
    listen: str
    operator_listen: str
    ca_file: str
    operator_file: str
    """The operator's certificate and key."""

    admin_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By tenant."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the file says."""

    current: str = ""
    """The data directory of the server that commands speak to; empty before the first `up`."""

    servers: Mapping[str, ServerEntry] = field(default_factory=dict)
    """By data directory."""

    @property
    def server(self) -> ServerEntry:
        """The current one. Raises FailedPreconditionError when there is none."""
        entry = self.servers.get(self.current)
        if entry is None:
            raise FailedPreconditionError(
                f"{profile_path()} names no server; start one with `saluhall up`"
            )
        return entry

    def with_server(self, entry: ServerEntry) -> "Profile":
        """With this server as the current one; the keys known of it are kept."""
        known = self.servers.get(entry.data)
        if known is not None:
            entry = replace(entry, admin_keys={**known.admin_keys, **entry.admin_keys})
        return Profile(entry.data, {**self.servers, entry.data: entry})

    def with_admin_key(self, tenant: str, key: str | None) -> "Profile":
        """With a tenant's key at the current server, or without it."""
        entry = self.server
        keys = {name: known for name, known in entry.admin_keys.items() if name != tenant}
        if key is not None:
            keys[tenant] = key
        return Profile(self.current, {**self.servers, entry.data: replace(entry, admin_keys=keys)})


def load_profile() -> Profile:
    """The profile, empty if there is no file. Raises StorageError when it cannot be read."""
    path = profile_path()
    try:
        content = json.loads(path.read_bytes())
        servers = {
            data: ServerEntry(data=data, **entry) for data, entry in content["servers"].items()
        }
        return Profile(str(content["current"]), servers)
    except FileNotFoundError:
        return Profile()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{path}: cannot be read ({error}); repair or remove it") from error


def change_profile(change: Callable[[Profile], Profile]) -> Profile:
    """Read, change and write the profile; of two commands at once, both changes stay."""
    path = profile_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            profile = change(load_profile())
            write_atomically(path, json.dumps(_content(profile), indent=2))
        finally:
            os.close(lock)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; set SALUHALL_PROFILE to another") from error
    return profile


def chosen_paths(data: str | None) -> ServerPaths:
    """The server that a command is for: as asked, else the profile's, else the usual place."""
    return ServerPaths.of(data or load_profile().current or DATA_DEFAULT)


def open_client(tenant: str) -> "Client":
    """A client with the tenant's admin key. Raises NotFoundError when the profile has none."""
    from node.client import Client  # noqa: PLC0415 - gRPC takes a while to import

    server = load_profile().server
    key = server.admin_keys.get(tenant)
    if key is None:
        known = ", ".join(sorted(server.admin_keys)) or "none"
        raise NotFoundError(
            f"{profile_path()} has no admin key of the tenant {tenant!r} (it knows: {known}); "
            f"create it with `saluhall tenants create {tenant} --languages en --currency EUR`"
        )
    return Client(server.listen, api_key=key, ca_file=server.ca_file)


def open_admin_client(server: ServerEntry | None = None) -> "AdminClient":
    """A client with the operator's certificate, of the current server if none is named."""
    from node.client import AdminClient  # noqa: PLC0415 - gRPC takes a while to import

    entry = server or load_profile().server
    return AdminClient(
        entry.operator_listen, ca_file=entry.ca_file, identity_file=entry.operator_file
    )


def _content(profile: Profile) -> dict[str, object]:
    servers = {data: asdict(entry) for data, entry in profile.servers.items()}
    for entry in servers.values():
        del entry["data"]
    return {"current": profile.current, "servers": servers}
