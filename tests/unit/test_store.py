"""A store on disk: identity, ownership, opening numbers, the state hash and the log."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.storage.environment import READERS_MAX, Environment
from actors.storage.keyring import Keyring, KeyringDamagedError
from actors.storage.log import append_entry, last_entry_hash, last_position, read_entries
from actors.storage.overdue import VIEW_AGE_MS_MAX, OverdueReaders
from actors.storage.store import (
    EpochFencedError,
    Store,
    StoreFormatError,
    StoreMissingError,
    StoreStaleError,
)
from actors.storage.tables import ARRAYS, PRODUCTS, SETTINGS, TABLES
from node.errors import InvariantError, StorageError
from protos.internal.records_pb2 import LogEntry

STORE_ID = "ab" * 16
WRAPPING = bytes(range(32))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / STORE_ID
    Store.create(path, store_id=STORE_ID, tenant_id="shop", epoch=3, wrapping_key=WRAPPING)
    return path


def test_a_new_store_knows_who_it_is(directory: Path) -> None:
    store = Store.open(directory, wrapping_key=WRAPPING)

    assert (store.identity.store_id, store.identity.tenant_id) == (STORE_ID, "shop")
    assert directory.stat().st_mode & 0o777 == 0o700
    store.close()


def test_only_the_writer_of_the_promised_epoch_may_write(directory: Path) -> None:
    store = Store.open(directory, wrapping_key=WRAPPING)

    with pytest.raises(EpochFencedError), store.write(epoch=2):
        pass

    store.close()


def test_a_transaction_that_raises_leaves_nothing(directory: Path) -> None:
    store = Store.open(directory, wrapping_key=WRAPPING)

    def fail_half_way() -> None:
        with store.write(epoch=3) as batch:
            batch.put(SETTINGS, b"tenant", b"x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()

    with store.read() as view:
        assert view.get(SETTINGS, b"tenant") is None
        assert view.state_hash == 0
    store.close()


OPERATIONS = st.lists(
    st.tuples(st.integers(0, 5), st.one_of(st.none(), st.binary(max_size=4))), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(OPERATIONS)
def test_the_state_hash_depends_on_the_state_and_not_on_how_it_came_about(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[int, bytes | None]]
) -> None:
    """Writing only the final state from scratch gives the same hash as the whole history."""
    final: dict[int, bytes] = {}
    with_history = Environment(tmp_path_factory.mktemp("a"), writable=True)
    for key, value in operations:
        with with_history.write() as batch:
            if value is None:
                batch.delete(PRODUCTS, bytes([key]))
                final.pop(key, None)
            else:
                batch.put(PRODUCTS, bytes([key]), value)
                final[key] = value
    at_once = Environment(tmp_path_factory.mktemp("b"), writable=True)
    with at_once.write() as batch:
        for key, value in final.items():
            batch.put(PRODUCTS, bytes([key]), value)
        batch.put(ARRAYS, b"derived", b"is never hashed")

    with with_history.read() as one, at_once.read() as other:
        assert one.state_hash == other.state_hash
    with_history.close()
    at_once.close()


def test_table_numbers_and_names_are_unique() -> None:
    assert len({table.number for table in TABLES}) == len(TABLES)
    assert len({table.name for table in TABLES}) == len(TABLES)


def test_an_ended_view_has_no_place_among_the_readers_whoever_still_knows_it(
    directory: Path,
) -> None:
    """The library keeps a transaction's place as long as its object lives."""
    store = Store.open(directory, wrapping_key=WRAPPING)
    known = []
    for _ in range(2 * READERS_MAX):
        view, end = store.open_view()
        assert view.get_array(b"nothing") is None
        end()
        known.append(view)
    store.close()


def test_an_opening_that_was_cut_short_keeps_its_place(directory: Path) -> None:
    """Killed between the store's note and the registry's, or after it, the store opens again."""
    store = Store.open(directory, wrapping_key=WRAPPING)
    assert store.begin_opening(incarnation=0, low_water=0) == 1
    store.close()

    store = Store.open(directory, wrapping_key=WRAPPING)
    assert store.begin_opening(incarnation=0, low_water=0) == 1
    assert store.begin_opening(incarnation=1, low_water=0) == 2
    store.finish_opening(2)
    assert store.begin_opening(incarnation=2, low_water=0) == 3
    store.close()


def test_two_openings_cut_short_one_after_the_other_cost_no_store_its_place(
    directory: Path,
) -> None:
    """The first ends after the registry's note, the second before it: the registry still says 1."""
    for incarnation in (0, 1):
        store = Store.open(directory, wrapping_key=WRAPPING)
        store.begin_opening(incarnation=incarnation, low_water=0)
        store.close()

    store = Store.open(directory, wrapping_key=WRAPPING)

    assert store.begin_opening(incarnation=1, low_water=0) == 2
    store.close()


def test_a_copy_from_an_earlier_opening_is_refused(directory: Path) -> None:
    store = Store.open(directory, wrapping_key=WRAPPING)
    store.begin_opening(incarnation=0, low_water=0)
    store.finish_opening(1)

    with pytest.raises(StoreStaleError, match="put the newest copy back"):
        store.begin_opening(incarnation=4, low_water=0)

    store.close()


def test_a_copy_that_has_lost_entries_is_refused(directory: Path) -> None:
    store = Store.open(directory, wrapping_key=WRAPPING)

    with pytest.raises(StoreStaleError):
        store.begin_opening(incarnation=0, low_water=7)

    store.close()


def test_a_newer_format_is_refused_and_left_alone(directory: Path) -> None:
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["format"] = 99
    (directory / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(StoreFormatError, match="install the release"):
        Store.open(directory, wrapping_key=WRAPPING)


def test_a_missing_store_and_a_damaged_manifest_say_what_to_do(
    tmp_path: Path, directory: Path
) -> None:
    with pytest.raises(StoreMissingError, match="restore"):
        Store.open(tmp_path / "nothing", wrapping_key=WRAPPING)
    (directory / "manifest.json").write_text("{")

    with pytest.raises(StorageError, match="restore"):
        Store.open(directory, wrapping_key=WRAPPING)


def test_a_process_that_still_holds_the_store_is_ended_first(directory: Path) -> None:
    """Even one that is stopped, which would otherwise block the store for ever."""
    code = (
        "import sys, time, pathlib\n"
        "from actors.storage.store import Store\n"
        f"store = Store.open(pathlib.Path(sys.argv[1]), wrapping_key={WRAPPING!r})\n"
        "print('open', flush=True)\n"
        "time.sleep(60)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    os.kill(holder.pid, signal.SIGSTOP)

    started = time.monotonic()
    store = Store.open(directory, wrapping_key=WRAPPING)

    assert holder.wait(timeout=5) == -signal.SIGKILL
    assert time.monotonic() - started < 5
    holder.stdout.close()
    store.close()


def test_a_keyring_opens_only_with_its_servers_key(directory: Path) -> None:
    first = Keyring.open(directory / "keyring", wrapping_key=WRAPPING, tenant_id="shop")
    again = Keyring.open(directory / "keyring", wrapping_key=WRAPPING, tenant_id="shop")

    assert first.secret_hmac("s") == again.secret_hmac("s")
    with pytest.raises(KeyringDamagedError, match=r"platform\.key"):
        Keyring.open(directory / "keyring", wrapping_key=bytes(32), tenant_id="shop")


def test_a_flipped_bit_in_the_keyring_is_noticed(directory: Path) -> None:
    path = directory / "keyring"
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(bytes(content))

    with pytest.raises(KeyringDamagedError, match="checksum"):
        Keyring.open(path, wrapping_key=WRAPPING, tenant_id="shop")


def _append(environment: Environment, position: int, previous: bytes, **limits: int) -> None:
    entry = LogEntry(epoch=1, position=position, previous_hash=previous, answer=b"a" * 100)
    with environment.write() as batch:
        append_entry(batch, entry, entry.SerializeToString(deterministic=True), **limits)


def test_the_log_is_a_chain_without_gaps(tmp_path: Path) -> None:
    environment = Environment(tmp_path, writable=True)
    for position in (1, 2):
        with environment.read() as view:
            previous = last_entry_hash(view)
        _append(environment, position, previous)

    with environment.read() as view:
        assert [entry.position for entry in read_entries(view)] == [1, 2]
        assert last_position(view) == 2
        tail = last_entry_hash(view)
    with pytest.raises(InvariantError):
        _append(environment, 4, tail)
    with pytest.raises(InvariantError):
        _append(environment, 3, b"another history")
    environment.close()


def test_the_log_drops_its_oldest_entries_beyond_its_size(tmp_path: Path) -> None:
    environment = Environment(tmp_path, writable=True)
    for position in range(1, 31):
        with environment.read() as view:
            previous = last_entry_hash(view)
        _append(environment, position, previous, size_bytes_max=1_000)

    with environment.read() as view:
        kept = [entry.position for entry in read_entries(view)]
    assert kept[-1] == 30
    assert 3 <= len(kept) <= 10
    environment.close()


_HOLD_A_VIEW = """
import sys, time
from pathlib import Path
from actors.storage.overdue import reader_lock
from actors.storage.owner import Ownership
from actors.storage.store import open_read_only
directory = Path(sys.argv[1])
lock = Ownership.take(reader_lock(directory, 3)) if sys.argv[2] == "reader" else None
environment = open_read_only(directory)
view, end = environment.open_view()
print(view.transaction_id, flush=True)
time.sleep(60)
"""


def _hold_a_view(directory: Path, who: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _HOLD_A_VIEW, str(directory), who]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert int(process.stdout.readline()) > 0
    return process


def test_the_owner_ends_a_reader_that_holds_an_old_view_and_no_other_process(
    directory: Path,
) -> None:
    """A builder reads for as long as a merge takes; a reader with a view of the last commit is well."""
    store = Store.open(directory, wrapping_key=WRAPPING)
    environment, overdue = store._environment, OverdueReaders(directory)
    reader, builder = _hold_a_view(directory, "reader"), _hold_a_view(directory, "builder")
    try:
        assert overdue.end(environment, now_ms=0) == []
        assert overdue.end(environment, now_ms=VIEW_AGE_MS_MAX) == []
        with store.write(epoch=3) as batch:
            batch.put(SETTINGS, b"tenant", b"x")

        assert overdue.end(environment, now_ms=VIEW_AGE_MS_MAX + 1) == []
        assert overdue.end(environment, now_ms=2 * VIEW_AGE_MS_MAX) == []
        assert overdue.end(environment, now_ms=2 * VIEW_AGE_MS_MAX + 1) == [reader.pid]

        assert reader.wait(10) == -signal.SIGKILL
        assert builder.poll() is None
        assert store.reader_check() >= 0
    finally:
        for process in (reader, builder):
            process.kill()
            process.communicate()
        store.close()
