"""A visitor's export as a file: what stands in it, and that no change of it goes unseen."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from node.client.exports import ExportInvalidError, verify_export, write_export
from node.client.exports.kinds import data_kinds
from node.client.exports.lines import from_line, to_line
from node.errors import InvalidArgumentError, UnavailableError
from node.export_signatures import PageStatement, manifest_statement, public_key_of, sign
from protos.v1.event_pb2 import PROFILE, Event, EventProduct
from protos.v1.privacy_pb2 import (
    ExportedEvent,
    ExportVisitorResponse,
    Retention,
    SignExportResponse,
    Visitor,
)

SEED = bytes(range(32))
FILES = [
    "events.csv",
    "events.jsonl",
    "manifest.json",
    "signature.json",
    "summary.en.txt",
    "summary.sv.txt",
    "visitor.json",
]


class SignedPages:
    """A server that keeps these events of everybody."""

    def __init__(self, events: list[Event], *, page_size: int = 2, visitor: Visitor | None = None):
        self.events = events
        self.page_size = page_size
        self.visitor = visitor or Visitor(event_count=len(events))
        self.breaks_at = -1

    def export_visitor(self, visitor_id: str) -> Iterator[ExportVisitorResponse]:
        for start in range(0, max(len(self.events), 1), self.page_size):
            if start == self.breaks_at:
                raise UnavailableError("away")
            events = self.events[start : start + self.page_size]
            content = b"".join(event.SerializeToString(deterministic=True) for event in events)
            is_last = start + self.page_size >= len(self.events)
            page_hash = hashlib.sha256(content).hexdigest()
            statement = PageStatement(
                tenant_id="shop",
                visitor_id=visitor_id,
                first_index=start,
                page_hash=page_hash,
                is_last=is_last,
            )
            page = ExportVisitorResponse(
                visitor=self.visitor,
                next_page_token="" if is_last else "more",
                position=7,
                page_hash=page_hash,
                signature=sign(SEED, statement.content()),
                first_index=start,
                public_key=public_key_of(SEED),
            )
            for event in events:
                exported = ExportedEvent(event=event)
                exported.server_time.FromMilliseconds(1_795_000_000_000)
                page.events.append(exported)
            yield page

    def get_retention(self) -> Retention:
        return Retention(events_days=300, searches_days=60)

    def sign_export(self, manifest_hash: str) -> SignExportResponse:
        statement = manifest_statement("shop", manifest_hash)
        return SignExportResponse(signature=sign(SEED, statement), public_key=public_key_of(SEED))


def view(number: int, **fields: object) -> Event:
    fields.setdefault("type", Event.VIEW)
    fields.setdefault("products", [EventProduct(product_id=f"kettle-{number}")])
    event = Event(event_id="saluhall:" + f"{number:032x}", consent=PROFILE, **fields)
    event.event_time.FromMilliseconds(1_794_000_000_000 + number * 1_001)
    return event


def write(path: Path, source: SignedPages) -> Path:
    write_export(
        source, path, tenant="shop", visitor_id="anna@x.example", shown=lambda _done, _all: None
    )
    return path


def read(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode()


def changed(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of an export with other content."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    copy = path.with_name("changed.zip")
    with zipfile.ZipFile(copy, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return copy


def with_new_hashes(files: dict[str, bytes]) -> None:
    """What a forger without the key can do about the manifest."""
    manifest = json.loads(files["manifest.json"])
    for file in manifest["files"]:
        content = files[file["name"]]
        file["sha256"], file["size_bytes"] = hashlib.sha256(content).hexdigest(), len(content)
    files["manifest.json"] = json.dumps(manifest).encode()


def signed_again(files: dict[str, bytes], seed: bytes = SEED) -> None:
    """What whoever may have manifests signed can do, who cannot have pages signed."""
    with_new_hashes(files)
    manifest_hash = hashlib.sha256(files["manifest.json"]).hexdigest()
    signature = sign(seed, manifest_statement("shop", manifest_hash))
    files["signature.json"] = json.dumps(
        {"signature": signature, "public_key": public_key_of(seed)}
    ).encode()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write(tmp_path / "export.zip", SignedPages([view(number) for number in range(5)]))


def test_an_export_has_these_files_and_is_whole(export: Path) -> None:
    with zipfile.ZipFile(export) as archive:
        assert sorted(archive.namelist()) == FILES
        assert archive.testzip() is None

    assert verify_export(export).event_count == 5


def test_the_manifest_takes_purposes_and_retention_from_the_protocol(export: Path) -> None:
    manifest = json.loads(read(export, "manifest.json"))

    kinds = {kind["field"]: kind for kind in manifest["kinds_of_data"]}
    assert kinds["Event.query"] == {
        "field": "Event.query",
        "category": "words",
        "purposes": ["search", "statistics"],
        "retention": "searches",
        "retention_days": 60,
    }
    assert kinds["Event.products"]["retention_days"] == 300
    assert kinds["Visitor.objected"]["retention_days"] is None
    assert {field.name for field in Event.DESCRIPTOR.fields} <= {
        name.partition(".")[2] for name in kinds if name.startswith("Event.")
    }
    assert manifest["schema_version"] == 1
    assert set(manifest["logic_of_recommendations"]) == {"sv", "en"}


def test_words_are_never_said_to_be_kept_longer_than_their_events() -> None:
    kinds = data_kinds(Retention(events_days=30, searches_days=90))

    assert {kind.retention_days for kind in kinds if kind.retention == "searches"} == {30}


def test_lines_are_events_that_can_be_written_again(export: Path) -> None:
    lines = read(export, "events.jsonl").splitlines()

    events = [from_line(line) for line in lines]

    assert events == [view(number) for number in range(5)]
    assert all(json.loads(line)["visitorId"] == "anna@x.example" for line in lines)


def test_a_line_keeps_every_field_to_the_last_digit() -> None:
    event = view(
        1,
        type=Event.SEARCH,
        query='röd "kastrull"\n\u2028 ☕',
        filter="a = 1",
        result_count=0,
        products=[EventProduct(product_id="x", price_micros=2**53 + 1, quantity=3)],
    )
    event.event_time.nanos = 123_456_789

    line = to_line(event, "anna")

    assert "\n" not in line[:-1]
    assert from_line(line) == event


@pytest.mark.parametrize("line", ["", "[]", "{", '{"type": "NONE"}', '{"other": 1}', "7", "null"])
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(InvalidArgumentError):
        from_line(line)


def test_the_table_has_a_row_for_each_product_and_runs_nothing(tmp_path: Path) -> None:
    products = [EventProduct(product_id="=cmd()", quantity=2), EventProduct(product_id="b")]
    search = view(2, type=Event.SEARCH, query="@SUM(1)", products=[])
    path = write(tmp_path / "e.zip", SignedPages([view(1, products=products), search]))

    rows = list(csv.DictReader(io.StringIO(read(path, "events.csv"))))

    assert [row["product_id"] for row in rows] == ["'=cmd()", "b", ""]
    assert rows[2]["query"] == "'@SUM(1)"
    assert rows[0]["server_time"] == "2026-11-18T11:06:40Z"


def test_every_column_of_the_table_holds_the_field_that_it_is_named_after(tmp_path: Path) -> None:
    event = view(
        1,
        session_id="s",
        order_id="o",
        currency_code="SEK",
        query="q",
        filter="f",
        result_count=0,
        placement="p",
        list="l",
        position=4,
        market="SE",
        language_code="sv",
        experiment="e",
        attribution_token="t",
        products=[EventProduct(product_id="x", variant_id="v", quantity=2, price_micros=5)],
    )
    path = write(tmp_path / "e.zip", SignedPages([event]))

    (row,) = csv.DictReader(io.StringIO(read(path, "events.csv")))

    for name, cell in row.items():
        owner = event.products[0] if name in EventProduct.DESCRIPTOR.fields_by_name else event
        if name in {"type", "consent", "event_time", "server_time"}:
            assert cell
        else:
            assert cell == str(getattr(owner, name)), name
    fields = {*Event.DESCRIPTOR.fields_by_name, *EventProduct.DESCRIPTOR.fields_by_name}
    assert {*row} == fields - {"products", "visitor_id"} | {"server_time"}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("sv", ["Vad shop har sparat om dig", "anna@x.example", "Köp: 1", "te: 2", "398.00 SEK"]),
        ("en", ["What shop keeps of you", "anna@x.example", "Purchases: 1", "te: 2", "398.00 SEK"]),
    ],
)
def test_the_summary_says_it_in_plain_words(
    tmp_path: Path, language: str, words: list[str]
) -> None:
    bought = EventProduct(product_id="kettle", quantity=2, price_micros=199_000_000)
    events = [
        view(1, type=Event.SEARCH, query="te", products=[]),
        view(2, type=Event.SEARCH, query="te", products=[]),
        view(3, type=Event.PURCHASE, products=[bought], currency_code="SEK"),
    ]
    visitor = Visitor(event_count=3, restricted=True)
    visitor.restrict_time.FromMilliseconds(1_795_000_000_000)

    text = read(
        write(tmp_path / "e.zip", SignedPages(events, visitor=visitor)), f"summary.{language}.txt"
    )

    assert [word for word in words if word not in text] == []
    assert "{" not in text
    assert visitor.restrict_time.ToJsonString() in text


def test_what_a_visitor_typed_does_not_look_like_a_line_of_the_summary(tmp_path: Path) -> None:
    search = view(1, type=Event.SEARCH, query="te\n\nNothing is kept\x1b[2J", products=[])

    text = read(write(tmp_path / "e.zip", SignedPages([search])), "summary.en.txt")

    assert "\nNothing is kept" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("name", FILES)
def test_one_changed_letter_in_any_file_is_seen(export: Path, name: str) -> None:
    def change(files: dict[str, bytes]) -> None:
        content = bytearray(files[name])
        content[len(content) // 2] ^= 1
        files[name] = bytes(content)

    with pytest.raises(ExportInvalidError):
        verify_export(changed(export, change))


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_seen(export: Path, name: str) -> None:
    with pytest.raises(ExportInvalidError):
        verify_export(changed(export, lambda files: files.pop(name)))


def test_an_added_file_is_seen(export: Path) -> None:
    with pytest.raises(ExportInvalidError, match="has the files"):
        verify_export(changed(export, lambda files: files.update({"more.txt": b"x"})))


def test_a_changed_file_with_a_manifest_to_match_is_seen(export: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        files["summary.en.txt"] += b"You owe us money.\n"
        with_new_hashes(files)

    with pytest.raises(ExportInvalidError, match=r"manifest\.json: is not what was signed"):
        verify_export(changed(export, change))


def _without_last_event(files: dict[str, bytes]) -> None:
    lines = files["events.jsonl"].splitlines(keepends=True)
    files["events.jsonl"] = b"".join(lines[:-1])
    manifest = json.loads(files["manifest.json"])
    manifest["event_count"] -= 1
    manifest["pages"].pop()
    files["manifest.json"] = json.dumps(manifest).encode()


def _with_an_event_more(files: dict[str, bytes]) -> None:
    files["events.jsonl"] += files["events.jsonl"].splitlines(keepends=True)[0]


def _with_another_product(files: dict[str, bytes]) -> None:
    files["events.jsonl"] = files["events.jsonl"].replace(b"kettle-3", b"kettle-9")


def _with_pages_in_another_order(files: dict[str, bytes]) -> None:
    lines = files["events.jsonl"].splitlines(keepends=True)
    files["events.jsonl"] = b"".join(lines[2:4] + lines[:2] + lines[4:])
    manifest = json.loads(files["manifest.json"])
    first, second, last = manifest["pages"]
    manifest["pages"] = [second, first, last]
    files["manifest.json"] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    "change",
    [_without_last_event, _with_an_event_more, _with_another_product, _with_pages_in_another_order],
)
def test_events_that_the_server_did_not_sign_are_seen_even_under_a_signed_manifest(
    export: Path, change: Callable[[dict[str, bytes]], None]
) -> None:
    """The maker of a file may have any manifest signed; pages are signed by the server that read them."""

    def forge(files: dict[str, bytes]) -> None:
        change(files)
        signed_again(files)

    with pytest.raises(ExportInvalidError, match=r"events\.jsonl"):
        verify_export(changed(export, forge))


def test_a_manifest_signed_with_another_key_is_seen(export: Path) -> None:
    with pytest.raises(ExportInvalidError, match="not what was signed"):
        verify_export(changed(export, lambda files: signed_again(files, bytes(32))))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"no zip", b"PK\x05\x06" + bytes(18)], ids=range(4)
)
def test_what_is_no_export_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)

    with pytest.raises(ExportInvalidError):
        verify_export(path)


def test_every_cut_of_an_export_is_refused(export: Path) -> None:
    content = export.read_bytes()
    cut = export.with_name("cut.zip")
    for size in range(0, len(content), 97):
        cut.write_bytes(content[:size])
        with pytest.raises(ExportInvalidError):
            verify_export(cut)


def test_a_manifest_of_other_shapes_is_refused(export: Path) -> None:
    for name, value in (("pages", None), ("pages", [1]), ("files", {}), ("files", [{}])):

        def change(files: dict[str, bytes], name: str = name, value: object = value) -> None:
            manifest = json.loads(files["manifest.json"])
            manifest[name] = value
            files["manifest.json"] = json.dumps(manifest).encode()
            manifest_hash = hashlib.sha256(files["manifest.json"]).hexdigest()
            files["signature.json"] = json.dumps(
                {
                    "signature": sign(SEED, manifest_statement("shop", manifest_hash)),
                    "public_key": public_key_of(SEED),
                }
            ).encode()

        with pytest.raises(ExportInvalidError):
            verify_export(changed(export, change))


def test_an_export_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    source = SignedPages([view(number) for number in range(5)])
    source.breaks_at = 2

    with pytest.raises(UnavailableError):
        write(tmp_path / "export.zip", source)

    assert list(tmp_path.iterdir()) == []
