"""Settings of one front, and of gRPC inside it."""

from dataclasses import dataclass, field
from typing import Final

from node.config import KIB, MIB
from node.limits import LimitsConfig
from node.link import LinkLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingConfig:
    """How a front finds replicas and waits for them."""

    registry_poll_ms: int = 50
    """How often the registry's revision is read (a few microseconds)."""

    held_ms_max: int = 10_000
    """A request waits at most this long for its tenant's next replica, if its deadline allows."""

    held_count_max: int = 1_000
    """Requests of one tenant that wait for a replica."""

    sends_max: int = 3
    """One request is sent to at most so many incarnations: it may be what kills them."""

    import_sends_max: int = 20
    """The same for a message of an import, which is to survive more than one bad minute."""

    reconnect_ms_min: int = 10
    reconnect_ms_max: int = 200
    """Between attempts to reach a replica that is not there yet; doubles from the first."""

    reader_answer_ms_max: int = 250
    """A reader that has not answered by then, or within half of what is left of the deadline, is not waited for:
    the primary is asked. Far above what a search takes, so that slow searches are not made twice.
    """

    reader_silence_ms_max: int = 1_000
    """A reader that was not waited for and says nothing for so long is hung up on, until it greets again."""

    reader_reconnect_ms_max: int = 500
    """Between attempts to reach a reader that is not there; doubles up to this."""

    idle_ms_max: int = 600_000
    """A tenant that nobody has asked for so long gives its connection back."""

    @property
    def held_s_max(self) -> float:
        return self.held_ms_max / 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictConfig:
    """How long a front trusts what a replica said of a key."""

    fresh_ms: int = 1_000
    """So quickly does a revoked key stop working while its tenant has a primary."""

    refresh_ms: int = 500
    """A verdict older than this is asked again beside the request that uses it."""

    prolonged_ms: int = 30_000
    """For searches, while the tenant has no primary."""

    keys_max: int = 20_000
    """Keys remembered; the one used least recently is forgotten first."""

    ask_ms_max: int = 10_000
    """How long a question to the replica may take, a wait for the replica included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontConfig:
    """One front."""

    body_ms_max: int = 500
    """The first message of a call must arrive within this: half-open streams are cut."""

    import_idle_ms_max: int = 60_000
    """An import whose client sends nothing for so long is ended."""

    import_unanswered_max: int = 4
    """Messages of one import under way; then the front stops reading."""

    stop_grace_ms: int = 10_000
    """Requests under way have this long when the front is told to stop."""

    introspections_max: int = 32
    """Streams of health and reflection at a time; they need no key."""

    introspection_ms_max: int = 60_000
    """How long such a stream lives."""

    limits: LimitsConfig = field(default_factory=LimitsConfig)
    routing: RoutingConfig = field(default_factory=RoutingConfig)
    verdicts: VerdictConfig = field(default_factory=VerdictConfig)
    link: LinkLimits = field(default_factory=LinkLimits)


SERVER_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    # Several fronts share the public port; the kernel spreads connections over them.
    ("grpc.so_reuseport", 1),
    ("grpc.max_concurrent_streams", 100),
    # Above the table's largest body, so that our own, clearer error comes first.
    ("grpc.max_receive_message_length", 8 * MIB),
    ("grpc.max_metadata_size", 8 * KIB),
    ("grpc.absolute_max_metadata_size", 16 * KIB),
    # A peer that connects and says nothing is gone after 3 s (gRPC's default: 120 s).
    ("grpc.server_handshake_timeout_ms", 3_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.max_connection_idle_ms", 300_000),
    # Clients come back to whichever front is there; long imports resume where they were.
    ("grpc.max_connection_age_ms", 1_800_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
    ("grpc.max_allowed_incoming_connections", 4_096),
)
