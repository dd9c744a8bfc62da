"""What `ray start` is told that its options cannot say."""

from typing import Protocol


class StartParameters(Protocol):
    """The part of Ray's parameters that is changed here."""

    ray_client_server_port: int | None


def keep_client_off(parameters: StartParameters, *_: object) -> None:
    """Start no Ray Client server.

    `ray start` opens one on port 10001 whenever gRPC is installed and has no option against it;
    it calls the function that the environment variable RAY_START_HOOK names just before it starts
    anything (ray/scripts/scripts.py, 2.60).
    """
    parameters.ray_client_server_port = None
