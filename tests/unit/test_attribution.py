"""Attribution tokens: what is signed comes back, and nothing else does."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from actors.attribution import TOKEN_LENGTH_MAX, make_token, read_token
from protos.internal.records_pb2 import AttributionContent

KEY, OTHER_KEY = b"k" * 32, b"o" * 32

CONTENTS = st.builds(
    AttributionContent,
    kind=st.sampled_from([AttributionContent.SEARCH, AttributionContent.RECOMMEND]),
    placement=st.text(max_size=40),
    strategy=st.integers(0, 8),
    query_hash=st.binary(max_size=16),
    position=st.integers(0, 2**63),
)


@given(CONTENTS)
def test_a_token_says_what_was_signed(content: AttributionContent) -> None:
    token = make_token(content, KEY)

    assert read_token(token, KEY) == content
    assert make_token(content, KEY) == token
    assert len(token) <= TOKEN_LENGTH_MAX


@given(CONTENTS, st.integers(0, 10_000), st.integers(1, 255))
def test_a_token_that_was_changed_says_nothing(
    content: AttributionContent, place: int, change: int
) -> None:
    token = make_token(content, KEY)
    signed = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    signed[place % len(signed)] ^= change

    changed = base64.urlsafe_b64encode(bytes(signed)).decode()

    assert read_token(changed, KEY) is None


@given(st.text(max_size=600))
def test_whatever_is_sent_as_a_token_is_read(text: str) -> None:
    assert read_token(text, KEY) is None


def test_a_token_of_another_tenant_says_nothing() -> None:
    token = make_token(AttributionContent(kind=AttributionContent.SEARCH, position=7), KEY)

    assert read_token(token, OTHER_KEY) is None
