"""Makes the ZIP: page by page from the server to the disk, then described by a manifest that the server signs."""

import csv
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from google.protobuf.json_format import MessageToDict

from node.client.exports.kinds import data_kinds
from node.client.exports.lines import CSV_COLUMNS, csv_rows, to_line
from node.client.exports.summary import LANGUAGES, Figures, summary_text
from protos.v1.privacy_pb2 import (
    ExportVisitorResponse,
    Retention,
    SignExportResponse,
    Visitor,
)

SCHEMA_VERSION: Final = 1
_CHUNK_BYTES: Final = 1 << 20
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


class ExportSource(Protocol):
    """What is needed of a client; `node.client.Client` is one."""

    def export_visitor(self, visitor_id: str, /) -> Iterator[ExportVisitorResponse]:
        """All pages."""
        ...

    def get_retention(self) -> Retention:
        """The tenant's days."""
        ...

    def sign_export(self, manifest_hash: str, /) -> SignExportResponse:
        """The tenant's signature."""
        ...


@dataclass(slots=True)
class _Gathered:
    """What is known when all pages have come."""

    visitor: Visitor = field(default_factory=Visitor)
    figures: Figures = field(default_factory=Figures)
    pages: list[dict[str, object]] = field(default_factory=list)
    position: int = 0
    public_key: str = ""


def write_export(
    source: ExportSource,
    path: Path,
    *,
    tenant: str,
    visitor_id: str,
    shown: Callable[[int, int], None],
) -> int:
    """Write the ZIP, complete or not at all, readable by its owner alone; how many events it has.

    Args:
        source: where the pages come from.
        path: of the ZIP; a file that is there is replaced.
        tenant: its id.
        visitor_id: whose data.
        shown: called with the number of events so far and of all that were ever written.
    """
    export_time = datetime.now(UTC).isoformat(timespec="seconds")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as scratch:
        directory = Path(scratch)
        gathered = _write_events(source, directory, visitor_id, shown)
        kinds = data_kinds(source.get_retention())
        _write_json(
            directory / "visitor.json",
            {"visitorId": visitor_id, **MessageToDict(gathered.visitor)},
        )
        for language in LANGUAGES:
            text = summary_text(
                language,
                gathered.figures,
                gathered.visitor,
                kinds,
                tenant=tenant,
                visitor_id=visitor_id,
                export_time=export_time,
            )
            (directory / f"summary.{language}.txt").write_text(text, encoding="utf-8")
        files = [_described(file) for file in sorted(directory.iterdir())]
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "tenant": tenant,
            "export_time": export_time,
            "position": gathered.position,
            "event_count": gathered.figures.event_count,
            "public_key": gathered.public_key,
            "files": files,
            "pages": gathered.pages,
            "kinds_of_data": [asdict(kind) for kind in kinds],
            "logic_of_recommendations": {
                language: " ".join(words.recommendations.split())
                for language, words in LANGUAGES.items()
            },
        }
        _write_json(directory / "manifest.json", manifest)
        _write_signature(source, directory)
        _pack(directory, path)
    return gathered.figures.event_count


def _write_events(
    source: ExportSource,
    directory: Path,
    visitor_id: str,
    shown: Callable[[int, int], None],
) -> _Gathered:
    gathered = _Gathered()
    with ExitStack() as stack:
        lines = stack.enter_context((directory / "events.jsonl").open("w", encoding="utf-8"))
        rows = stack.enter_context(
            (directory / "events.csv").open("w", encoding="utf-8", newline="")
        )
        table = csv.writer(rows)
        table.writerow(CSV_COLUMNS)
        for page in source.export_visitor(visitor_id):
            for exported in page.events:
                gathered.figures.add(exported)
                lines.write(to_line(exported.event, visitor_id))
                table.writerows(csv_rows(exported))
            _note_page(gathered, page)
            shown(gathered.figures.event_count, page.visitor.event_count)
    return gathered


def _note_page(gathered: _Gathered, page: ExportVisitorResponse) -> None:
    gathered.visitor = page.visitor
    gathered.position = page.position
    gathered.public_key = page.public_key
    gathered.pages.append(
        {
            "first_index": page.first_index,
            "event_count": len(page.events),
            "hash": page.page_hash,
            "is_last": not page.next_page_token,
            "signature": page.signature,
        }
    )


def _write_signature(source: ExportSource, directory: Path) -> None:
    manifest_hash = _hash_of(directory / "manifest.json")
    signed = source.sign_export(manifest_hash)
    _write_json(
        directory / "signature.json",
        {
            "algorithm": "Ed25519",
            "manifest_sha256": manifest_hash,
            "public_key": signed.public_key,
            "signature": signed.signature,
        },
    )


def _described(path: Path) -> dict[str, object]:
    return {"name": path.name, "sha256": _hash_of(path), "size_bytes": path.stat().st_size}


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _pack(directory: Path, path: Path) -> None:
    """All files of the directory, under the ZIP's own name only when it is complete."""
    packed = directory / "export.zip"
    files = sorted(directory.iterdir())
    descriptor = os.open(packed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as target, zipfile.ZipFile(target, "w") as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            entry.file_size = file.stat().st_size
            with file.open("rb") as content, archive.open(entry, "w") as member:
                while chunk := content.read(_CHUNK_BYTES):
                    member.write(chunk)
    packed.replace(path)
