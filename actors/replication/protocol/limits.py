"""How long the protocol waits, and how much it sends at once. None of it decides safety."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All times are of the replica's own monotonic clock."""

    silence_ms_max: int
    """A member that has answered nothing for so long is removed from `in_sync`."""

    registry_wait_ms_max: int
    """A question to the registry that is unanswered for so long is unknown, and asked anew."""

    resend_ms: int
    """What is unanswered for so long is sent again."""

    pause_ms: int
    """Ticks further apart than this mean that this process stood still, and not the others."""

    low_water_period_ms: int
    """How often the registry is told which position the members have reached."""

    flap_window_ms: int
    """A copy that was removed twice within this time flaps."""

    quiet_ms: int
    """A copy that flaps is admitted again only after answering steadily for so long."""

    drain_ms_max: int
    """A hand-over that is not done after so long is given up; writes go on."""

    entries_per_message_max: int
    """Of catching up; a batch in flight is sent whole."""

    reads_waiting_max: int
    """Strong reads beyond this are refused."""

    deferred_messages_max: int
    """Messages kept while a transaction is in flight; further ones are dropped and come again."""

    def __post_init__(self) -> None:
        """Check that removing a member takes more than one lost message."""
        if self.silence_ms_max < 2 * self.resend_ms:
            raise ValueError("silence_ms_max: at least twice resend_ms")
