"""Settings of one server and where its files are; the only module that reads the environment."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

LISTEN_DEFAULT: Final = "127.0.0.1:7700"
OPERATOR_LISTEN_DEFAULT: Final = "127.0.0.1:7701"

READER_COUNT_MAX: Final = 8
"""Readers of one store on one server."""


@dataclass(frozen=True, slots=True)
class ServerPaths:
    """Every path of one server, from its data directory."""

    data: Path

    @classmethod
    def of(cls, data: Path | str) -> "ServerPaths":
        """Paths below an absolute, resolved data directory."""
        return cls(Path(data).expanduser().resolve())

    @property
    def platform_key(self) -> Path:
        """32 random bytes, mode 0600: what API keys' checksums are made with."""
        return self.data / "platform.key"

    @property
    def tls(self) -> Path:
        return self.data / "tls"

    @property
    def registry(self) -> Path:
        return self.data / "registry"

    @property
    def stores(self) -> Path:
        """One directory for each store, named by its id, mode 0700."""
        return self.data / "stores"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def agent_state(self) -> Path:
        """JSON that the agent writes: its pid, addresses, and the processes it has started."""
        return self.data / "agent.json"

    @property
    def agent_lock(self) -> Path:
        """Held by the running agent (flock)."""
        return self.data / "agent.lock"

    @property
    def runtime(self) -> Path:
        """Sockets and Ray's session: short (a socket's path has at most 107 bytes), gone after `down`."""
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:10]
        return Path(tempfile.gettempdir()) / f"saluhall-{os.getuid()}-{digest}"

    def replica_socket(self, store_id: str, incarnation: int) -> Path:
        """Where the process that opened this store for the n-th time listens."""
        return self.runtime / f"{store_id[:12]}-{incarnation}.sock"

    def reader_socket(self, store_id: str, incarnation: int, index: int) -> Path:
        """Where that process's reader of this index (from 0) listens."""
        return self.runtime / f"{store_id[:12]}-{incarnation}-r{index}.sock"

    def store(self, store_id: str) -> Path:
        return self.stores / store_id


def profile_path() -> Path:
    """The file of the command line's addresses and keys (`SALUHALL_PROFILE` overrides it)."""
    override = os.environ.get("SALUHALL_PROFILE")
    if override:
        return Path(override)
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "saluhall" / "profile.json"
