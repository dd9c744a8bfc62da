"""API keys as text: what is a key, and what a front refuses without asking anybody."""

import stat
import string
import timeit
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import InvalidArgumentError, StorageError, UnauthenticatedError
from node.keys import ensure_platform_key, mint_key, parse_key, read_platform_key, tenant_key

PLATFORM_KEY = bytes(range(32))
CHECKSUM_KEY = tenant_key(PLATFORM_KEY, "demo-sv")
KEY = mint_key(role=1, tenant_id="demo-sv", key_id="a1b2c3d4e5", checksum_key=CHECKSUM_KEY)


def is_good(text: str) -> bool:
    """As a front decides: parse, derive the tenant's key, compare."""
    try:
        key = parse_key(text)
    except UnauthenticatedError:
        return False
    return key.has_good_checksum(tenant_key(PLATFORM_KEY, key.tenant_id))


def test_a_minted_key_is_read_back_and_good() -> None:
    assert parse_key(KEY.text) == KEY
    assert is_good(KEY.text)
    assert KEY.text.startswith("slk_s_demo-sv_a1b2c3d4e5_")
    assert len(KEY.secret) == 43


def test_every_change_of_one_character_is_refused() -> None:
    """All positions, and at each the digits, letters and separators."""
    for position, original in enumerate(KEY.text):
        for other in string.ascii_letters + string.digits + "-_ ":
            if other != original:
                assert not is_good(KEY.text[:position] + other + KEY.text[position + 1 :])


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_other_text_is_a_key(text: str) -> None:
    assert not is_good(text)


@settings(deadline=None)
@given(position=st.integers(0, len(KEY.text) - 2))
def test_swapped_neighbours_are_refused(position: int) -> None:
    text = KEY.text
    swapped = text[:position] + text[position + 1] + text[position] + text[position + 2 :]

    assert swapped == text or not is_good(swapped)


def test_a_key_of_one_tenant_is_no_key_of_another() -> None:
    assert not is_good(KEY.text.replace("demo-sv", "demo-en"))


def test_a_key_of_another_platform_is_refused() -> None:
    assert not KEY.has_good_checksum(tenant_key(bytes(32), "demo-sv"))


def test_secrets_do_not_show_when_a_key_is_printed() -> None:
    assert KEY.secret not in repr(KEY)
    assert KEY.checksum not in repr(KEY)


@pytest.mark.parametrize(
    ("role", "tenant_id", "key_id"),
    [(0, "demo", "a" * 10), (1, "Demo", "a" * 10), (1, "demo", "short")],
)
def test_what_no_key_can_name_is_not_minted(role: int, tenant_id: str, key_id: str) -> None:
    with pytest.raises(InvalidArgumentError):
        mint_key(role=role, tenant_id=tenant_id, key_id=key_id, checksum_key=CHECKSUM_KEY)


def test_verifying_takes_microseconds() -> None:
    """The bar is 20 µs; five times that leaves room for a busy machine."""
    seconds = min(timeit.repeat(lambda: is_good(KEY.text), number=1_000, repeat=5)) / 1_000

    assert seconds < 100e-6


def test_the_platform_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "platform.key"

    first = ensure_platform_key(path)

    assert len(first) == 32
    assert ensure_platform_key(path) == first == read_platform_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_platform_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "platform.key"
    ensure_platform_key(path)
    path.chmod(0o640)

    with pytest.raises(StorageError, match="chmod 600"):
        read_platform_key(path)


def test_a_damaged_or_missing_platform_key_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "platform.key"
    with pytest.raises(StorageError, match="saluhall up"):
        read_platform_key(path)

    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(StorageError, match="5 bytes"):
        ensure_platform_key(path)
