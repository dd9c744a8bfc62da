"""Keys of visitors: created with a transaction, found again, and gone when they are destroyed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.storage import keyring as keyring_module
from actors.storage.keyring import FIRST_VISITOR_SLOT, Keyring, KeyringDamagedError
from actors.storage.slots import SLOT_SIZE
from actors.storage.tables import EVENTS, VISITORS
from actors.storage.visitor_key import SealDamagedError
from actors.storage.visitor_slots import VisitorSlots
from node.errors import ResourceExhaustedError

WRAPPING = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keyring"
    Keyring.create(path, wrapping_key=WRAPPING)
    return path


def _open(path: Path) -> Keyring:
    return Keyring.open(path, wrapping_key=WRAPPING, tenant_id="shop")


def _commit(keyring: Keyring, *visitors: str) -> list[bytes]:
    keys = [keyring.create_visitor(keyring.tag_of(visitor)) for visitor in visitors]
    keyring.sync()
    keyring.settle()
    return [key.storage_id for key in keys]


def test_a_visitors_key_is_the_same_after_a_restart(path: Path) -> None:
    first = _open(path)
    (storage_id,) = _commit(first, "anna")
    sealed = first.visitor(first.tag_of("anna")).seal(EVENTS, b"key", b"what anna did")
    first.close()

    again = _open(path)
    key = again.visitor(again.tag_of("anna"))

    assert key.storage_id == storage_id
    assert key.open(EVENTS, b"key", sealed) == b"what anna did"
    assert again.visitor(again.tag_of("bo")) is None
    assert again.visitor_count == 1


def test_what_was_sealed_opens_in_its_own_place_and_with_its_own_key_only(path: Path) -> None:
    keyring = _open(path)
    _commit(keyring, "anna", "bo")
    anna, bo = (keyring.visitor(keyring.tag_of(name)) for name in ("anna", "bo"))
    sealed = anna.seal(EVENTS, b"key", b"what anna did")

    damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for key, table, place, what in (
        (bo, EVENTS, b"key", sealed),
        (anna, VISITORS, b"key", sealed),
        (anna, EVENTS, b"kez", sealed),
        (anna, EVENTS, b"key", damaged),
        (anna, EVENTS, b"key", b"\x02" + sealed[1:]),
        (anna, EVENTS, b"key", b""),
    ):
        with pytest.raises(SealDamagedError):
            key.open(table, place, what)


def test_the_same_words_are_sealed_differently_each_time(path: Path) -> None:
    keyring = _open(path)
    _commit(keyring, "anna")
    key = keyring.visitor(keyring.tag_of("anna"))

    assert key.seal(EVENTS, b"k", b"same") != key.seal(EVENTS, b"k", b"same")
    assert key.mark(b"same") == key.mark(b"same")


def test_another_tenants_name_opens_nothing(path: Path) -> None:
    keyring = _open(path)
    _commit(keyring, "anna")
    sealed = keyring.visitor(keyring.tag_of("anna")).seal(EVENTS, b"k", b"what anna did")
    keyring.close()

    other = Keyring.open(path, wrapping_key=WRAPPING, tenant_id="market")

    with pytest.raises(SealDamagedError):
        other.visitor(other.tag_of("anna")).open(EVENTS, b"k", sealed)


def test_a_destroyed_key_is_nowhere_in_the_file_and_destroying_it_again_does_nothing(
    path: Path,
) -> None:
    keyring = _open(path)
    storage_id, other_id = _commit(keyring, "anna", "bo")
    tag = keyring.tag_of("anna")
    slot = path.read_bytes()[FIRST_VISITOR_SLOT * SLOT_SIZE :][:SLOT_SIZE]
    assert slot[6:16] == tag

    assert keyring.destroy(tag, storage_id)

    assert slot[16:56] not in path.read_bytes()
    assert tag not in path.read_bytes()
    assert keyring.visitor(tag) is None
    assert not keyring.destroy(tag, storage_id)
    assert keyring.visitor(keyring.tag_of("bo")).storage_id == other_id
    keyring.close()
    assert _open(path).visitor(tag) is None


def test_an_old_erasure_leaves_the_key_of_a_visitor_who_came_back(path: Path) -> None:
    keyring = _open(path)
    (old_id,) = _commit(keyring, "anna")
    tag = keyring.tag_of("anna")
    keyring.destroy(tag, old_id)
    (new_id,) = _commit(keyring, "anna")

    assert new_id != old_id
    assert not keyring.destroy(tag, old_id)
    assert keyring.visitor(tag).storage_id == new_id


@pytest.mark.parametrize("synced", [False, True])
def test_a_failed_transaction_leaves_no_usable_key(path: Path, *, synced: bool) -> None:
    keyring = _open(path)
    tag = keyring.tag_of("anna")
    keyring.create_visitor(tag)
    if synced:
        keyring.sync()
        assert tag in path.read_bytes()

    keyring.forget_pending()

    assert keyring.visitor(tag) is None
    assert tag not in path.read_bytes()
    assert keyring.visitor_count == 0
    keyring.close()
    assert _open(path).visitor(tag) is None


def test_the_slots_of_failed_and_destroyed_visitors_are_used_again(path: Path) -> None:
    keyring = _open(path)
    keyring.create_visitor(keyring.tag_of("failed"))
    keyring.forget_pending()
    (storage_id,) = _commit(keyring, "anna")
    keyring.destroy(keyring.tag_of("anna"), storage_id)
    _commit(keyring, "bo")

    whole = path.read_bytes()[FIRST_VISITOR_SLOT * SLOT_SIZE :]
    assert whole.count(b"SLK1") == 1
    assert whole[6:16] == keyring.tag_of("bo")


def test_a_retired_key_is_destroyed_when_its_transaction_has_committed(path: Path) -> None:
    keyring = _open(path)
    (storage_id,) = _commit(keyring, "anna")
    tag = keyring.tag_of("anna")

    keyring.retire(tag, storage_id)
    assert keyring.is_retired(tag)
    keyring.forget_pending()
    assert keyring.visitor(tag) is not None

    keyring.retire(tag, storage_id)
    keyring.settle()
    assert keyring.visitor(tag) is None
    assert not keyring.is_retired(tag)


@pytest.mark.parametrize("torn_at", [0, 4, 10, 20, 50, 60])
def test_a_torn_slot_is_free(path: Path, torn_at: int) -> None:
    """A power cut in the middle of a write: half of the slot is what was there before, zeros."""
    keyring = _open(path)
    _commit(keyring, "anna", "bo", "cilla")
    keyring.close()
    content = bytearray(path.read_bytes())
    start = (FIRST_VISITOR_SLOT + 1) * SLOT_SIZE
    content[start + torn_at : start + SLOT_SIZE] = bytes(SLOT_SIZE - torn_at)
    path.write_bytes(content)

    again = _open(path)

    assert again.visitor(again.tag_of("bo")) is None
    assert again.visitor(again.tag_of("anna")) is not None
    assert again.visitor(again.tag_of("cilla")) is not None
    assert not any(path.read_bytes()[start : start + SLOT_SIZE])
    _commit(again, "bo")
    assert again.visitor(again.tag_of("bo")) is not None
    assert path.read_bytes()[start + 6 : start + 16] == again.tag_of("bo")


def test_a_file_that_was_cut_off_loses_the_cut_visitor_only(path: Path) -> None:
    keyring = _open(path)
    _commit(keyring, "anna", "bo")
    keyring.close()
    path.write_bytes(path.read_bytes()[: (FIRST_VISITOR_SLOT + 1) * SLOT_SIZE + 30])

    again = _open(path)

    assert again.visitor(again.tag_of("anna")) is not None
    assert again.visitor(again.tag_of("bo")) is None
    _commit(again, "bo")
    again.close()
    third = _open(path)
    assert third.visitor(third.tag_of("bo")) is not None


def test_keys_open_only_with_their_servers_key(path: Path) -> None:
    keyring = _open(path)
    _commit(keyring, "anna")
    keyring.close()

    with pytest.raises(KeyringDamagedError, match=r"platform\.key"):
        Keyring.open(path, wrapping_key=bytes(32), tenant_id="shop")


def test_an_older_stores_keyring_gets_the_keys_it_lacks(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:SLOT_SIZE])
    reader = Keyring.open_read_only(path, wrapping_key=WRAPPING, tenant_id="shop")
    with pytest.raises(KeyringDamagedError, match="primary"):
        reader.token_key()
    with pytest.raises(KeyringDamagedError, match="primary"):
        reader.tag_of("anna")

    first = _open(path)
    again = _open(path)
    reader = Keyring.open_read_only(path, wrapping_key=WRAPPING, tenant_id="shop")

    assert first.secret_hmac("s") == reader.secret_hmac("s")
    assert first.token_key() == again.token_key() == reader.token_key()
    assert first.signing_key() == again.signing_key()
    assert first.id_hash("event", "e") == again.id_hash("event", "e")
    assert len({first.token_key(), first.signing_key(), first.id_hash("event", "e")}) == 3


def test_ids_of_different_kinds_never_hash_alike(path: Path) -> None:
    keyring = _open(path)

    assert keyring.id_hash("event", "1") != keyring.id_hash("order", "1")
    assert keyring.tag_of("1") == keyring.id_hash("visitor", "1")[:10]


def test_more_visitors_than_a_tenant_may_have_are_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring_module, "VISITORS_MAX", 2)
    keyring = _open(path)
    _commit(keyring, "anna", "bo")

    with pytest.raises(ResourceExhaustedError, match="fewer days"):
        keyring.create_visitor(keyring.tag_of("cilla"))


def test_more_keys_than_are_cached_are_found_in_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring_module, "CACHED_KEYS_MAX", 4)
    keyring = _open(path)
    names = [f"visitor {number}" for number in range(50)]
    storage_ids = _commit(keyring, *names)

    found = [keyring.visitor(keyring.tag_of(name)).storage_id for name in names]

    assert found == storage_ids


TAGS = st.integers(0, 15).map(lambda number: bytes(8) + number.to_bytes(2, "big"))


@settings(max_examples=200)
@given(
    st.lists(st.tuples(TAGS, st.booleans()), max_size=60),
    st.lists(TAGS, max_size=8, unique=True),
    st.integers(1, 6),
)
def test_slots_are_found_as_a_dictionary_would_find_them(
    steps: list[tuple[bytes, bool]], before: list[bytes], merge_at: int
) -> None:
    """All tags share their first eight bytes here, the worst case of the arrays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("actors.storage.visitor_slots._MERGE_AT", merge_at)
        slots = VisitorSlots(b"".join(before), np.arange(len(before), dtype=np.uint32))
        expected = {tag: number for number, tag in enumerate(before)}
        free: list[int] = []
        for tag, is_added in steps:
            if is_added and tag not in expected:
                number = free.pop() if free else len(expected) + len(free)
                slots.add(tag, number)
                expected[tag] = number
            elif not is_added and tag in expected:
                free.append(expected[tag])
                slots.remove(tag, expected.pop(tag))

            assert len(slots) == len(expected)
            for wanted, number in expected.items():
                assert number in slots.candidates(wanted)
            everything = set(slots.candidates(TAG_OF_NOBODY))
            assert everything <= set(expected.values())


TAG_OF_NOBODY = bytes(8) + b"\xff\xff"


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("cdfr")), max_size=25))
def test_whatever_happens_a_reopened_keyring_has_exactly_the_committed_visitors(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    directory = tmp_path_factory.mktemp("ring")
    path = directory / "keyring"
    Keyring.create(path, wrapping_key=WRAPPING)
    keyring = _open(path)
    expected: dict[str, bytes] = {}
    for visitor, step in steps:
        tag = keyring.tag_of(visitor)
        if step == "c" and visitor not in expected:
            expected[visitor] = _commit(keyring, visitor)[0]
        elif step == "d" and visitor in expected:
            assert keyring.destroy(tag, expected.pop(visitor))
        elif step == "f" and visitor not in expected:
            keyring.create_visitor(tag)
            keyring.sync()
            keyring.forget_pending()
        elif step == "r":
            keyring.close()
            keyring = _open(path)
    keyring.close()

    again = _open(path)

    found = {visitor: again.visitor(again.tag_of(visitor)) for visitor in "abcdef"}
    assert {name: key.storage_id for name, key in found.items() if key} == expected
    assert again.visitor_count == len(expected)
    again.close()
    shutil.rmtree(directory)
