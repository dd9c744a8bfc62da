"""The visitor's rights on a real server, by the command line: export, verify, import again, restrict, erase."""

import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from driven_server import Server

from node.client import Client
from node.errors import PermissionDeniedError
from node.tls.files import ca_path
from protos.v1.account_pb2 import Key
from protos.v1.event_pb2 import PROFILE, Event, EventProduct, EventResult

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

STEM = "qzkanarie"
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def first(server: Server) -> Iterator[Client]:
    with server.client("first") as client:
        yield client


def events(visitor_id: str, count: int) -> Iterator[Event]:
    """A long history, all kinds of events, spread over 300 days."""
    now_ms = int(time.time() * 1_000)
    kinds = [kind for kind in Event.Type.values() if kind != Event.TYPE_UNSPECIFIED]
    for number in range(count):
        kind = kinds[number % len(kinds)]
        event = Event(
            event_id=f"{visitor_id}-{number}",
            type=kind,
            visitor_id=visitor_id,
            session_id=f"{visitor_id}-{number // 20}",
            consent=PROFILE,
            query=f"kastrull {number % 50}" if kind == Event.SEARCH else "",
            order_id=f"order-{number}" if kind == Event.PURCHASE else "",
            currency_code="SEK",
            placement="home",
        )
        if kind != Event.SEARCH:
            event.products.add(product_id=f"product-{number % 300}", quantity=1)
            event.products.append(EventProduct(product_id="mug", price_micros=99_000_000))
        day = 300 * (count - 1 - number) // count
        event.event_time.FromMilliseconds(now_ms - day * DAY_MS - 3_600_000 + number % 1_000)
        yield event


def write_all(client: Client, written: Iterator[Event]) -> None:
    batch: list[Event] = []
    for event in written:
        batch.append(event)
        if len(batch) == 500:
            _write(client, batch)
            batch = []
    if batch:
        _write(client, batch)


def _write(client: Client, batch: list[Event]) -> None:
    results = client.write_events(batch).results
    assert {result.outcome for result in results} == {EventResult.ACCEPTED}


def lines_of(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read("events.jsonl")


def export_and_import_again(
    server: Server, directory: Path, visitor_id: str, count: int
) -> dict[str, float]:
    """Out of the first tenant, into the second, and out of that; how long each took."""
    taken_s: dict[str, float] = {}

    def timed(name: str, *arguments: str) -> str:
        started_s = time.perf_counter()
        output = server.done(*arguments)
        taken_s[name] = time.perf_counter() - started_s
        return output

    first, second = directory / "first.zip", directory / "second.zip"
    said = timed("export", "visitors", "export", "first", visitor_id, "-o", str(first))
    assert f"{count:,} events" in said
    verified = timed("verify", "visitors", "verify", str(first))
    assert "It is the key of first on this server" in verified
    lines = directory / "events.jsonl"
    lines.write_bytes(lines_of(first))
    imported = timed("import", "events", "import", "second", str(lines))
    assert f"{count:,} accepted" in imported
    assert f"{count:,} known already" in server.done("events", "import", "second", str(lines))
    server.done("visitors", "export", "second", visitor_id, "-o", str(second))
    assert lines_of(second) == lines_of(first)
    return taken_s


def test_an_export_is_verified_imported_again_and_the_same(
    server: Server, first: Client, tmp_path: Path
) -> None:
    write_all(first, events("short@x.example", 1_200))

    export_and_import_again(server, tmp_path, "short@x.example", 1_200)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_export_of_100_000_events_takes_less_than_a_minute(
    server: Server, first: Client, tmp_path: Path
) -> None:
    write_all(first, events("long", 100_000))

    taken_s = export_and_import_again(server, tmp_path, "long", 100_000)

    size_bytes = (tmp_path / "first.zip").stat().st_size
    print(f"\n100,000 events, {size_bytes:,} bytes of ZIP, seconds: {taken_s}")  # noqa: T201
    assert taken_s["export"] <= 60


def test_a_changed_export_is_refused(server: Server, first: Client, tmp_path: Path) -> None:
    write_all(first, events("changed", 3))
    path = tmp_path / "export.zip"
    server.done("visitors", "export", "first", "changed", "-o", str(path))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.txt", "more")

    result = server.call("visitors", "verify", str(path))

    assert result.returncode == 1
    assert "more.txt" in result.stderr


def test_an_erasure_prints_its_receipt_and_asks_first(server: Server, first: Client) -> None:
    write_all(first, events(f"{STEM}@x.example", 10))

    unasked = server.call("visitors", "erase", "first", f"{STEM}@x.example")
    erased = server.done("visitors", "erase", "first", f"{STEM}@x.example", "--yes")
    again = server.done("visitors", "erase", "first", f"{STEM}@x.example", "--yes")

    assert unasked.returncode != 0
    receipt = erased.split("Receipt ")[1].split()[0]
    assert receipt in again
    assert first.export_visitor_page(f"{STEM}@x.example").events == []
    never = server.done("visitors", "erase", "first", "nobody", "--yes")
    assert "keeps nothing" in never


def test_no_file_of_the_server_holds_an_id_of_a_visitor(server: Server, first: Client) -> None:
    """Stores, keyrings, logs of every process, registry, and the names of sockets."""
    write_all(first, events(f"{STEM}-kept", 30))
    server.done("visitors", "restrict", "first", f"{STEM}-kept")
    server.done("visitors", "export", "first", f"{STEM}-kept", "-o", str(server.profile) + ".zip")
    first.search(f"{STEM} kastrull")

    paths = [path for path in server.paths.data.rglob("*") if path.is_file()]
    found = [path for path in paths if STEM.encode() in path.read_bytes().lower()]

    assert any(path.name == "keyring" for path in paths)
    assert any(path.suffix == ".log" for path in paths)
    assert found == []
    assert list(server.paths.data.rglob(f"*{STEM}*")) == []


def test_decisions_are_made_and_taken_back(server: Server, first: Client) -> None:
    write_all(first, events("deciding", 5))

    restricted = server.done("visitors", "restrict", "first", "deciding")
    objected = server.done("visitors", "object", "first", "deciding")
    undone = server.done("visitors", "restrict", "first", "deciding", "--undo")

    assert "5 events; restricted since" in restricted
    assert "objected on" in objected
    assert "not restricted; objected on" in undone
    event = next(events("deciding-more", 1))
    event.visitor_id = "deciding"
    assert first.write_events([event]).results[0].outcome == EventResult.COUNTED


def test_retention_is_shown_and_set(server: Server, first: Client) -> None:
    shown = server.done("retention", "show", "second")
    unasked = server.call("retention", "set", "second", "--searches-days", "30")
    changed = server.done("retention", "set", "second", "--searches-days", "30", "--yes")
    longer = server.done("retention", "set", "second", "--searches-days", "90")

    assert shown == "events 395 days, words in them 90 days\n"
    assert unasked.returncode != 0
    assert changed == "events 395 days, words in them 30 days\n"
    assert longer == shown
    assert first.get_retention().searches_days == 90


@pytest.mark.parametrize("role", [Key.SEARCH, Key.WRITE])
def test_rights_need_an_admin_s_key(server: Server, first: Client, role: int) -> None:
    secret = first.issue_key(role=role).secret
    with Client(server.agent().listen, api_key=secret, ca_file=ca_path(server.paths)) as client:
        for ask in (
            lambda: client.export_visitor_page("x"),
            lambda: client.erase_visitor("x"),
            lambda: client.update_visitor("x", restricted=True),
            lambda: client.sign_export("00" * 32),
            client.get_retention,
            lambda: client.update_retention(events_days=1),
        ):
            with pytest.raises(PermissionDeniedError):
                ask()
