"""Frames: however the bytes arrive, the messages are the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from node.link.frames import FrameProtocol, LinkLimits, batches


class Collector(FrameProtocol):
    """Keeps what it receives."""

    def __init__(self) -> None:
        super().__init__(LinkLimits())
        self.frames: list[bytes] = []

    def frame_received(self, frame: bytes) -> None:
        self.frames.append(frame)

    def receive(self, chunk: bytes) -> None:
        """As asyncio does: into the buffer, then the size."""
        self.get_buffer(len(chunk))[: len(chunk)] = chunk
        self.buffer_updated(len(chunk))


@settings(deadline=None)
@given(
    messages=st.lists(st.binary(max_size=300), max_size=20),
    cuts=st.lists(st.integers(1, 400), min_size=1, max_size=50),
)
def test_messages_survive_any_cutting_of_the_stream(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(len(m).to_bytes(4, "little") + m for m in messages)
    collector, position, turn = Collector(), 0, 0

    while position < len(stream):
        size = cuts[turn % len(cuts)]
        collector.receive(stream[position : position + size])
        position += size
        turn += 1

    assert collector.frames == messages


@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 50), max_size=50), size_max=st.integers(1, 100))
def test_batches_hold_everything_once_and_end_when_they_are_full(
    sizes: list[int], size_max: int
) -> None:
    runs = list(batches(sizes, size_max=size_max))

    assert [i for start, end in runs for i in range(start, end)] == list(range(len(sizes)))
    for start, end in runs:
        assert sum(sizes[start : end - 1]) <= size_max
