"""Whether an export is as the tenant handed it out: every hash, the signature of each page, and the manifest's.

The public key stands in the file itself: it proves that all parts were signed by one tenant's key, and the caller
compares it with the key that the tenant has.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from node.client.exports.archive import SCHEMA_VERSION
from node.client.exports.lines import from_line
from node.config import GIB, MIB
from node.errors import FailedPreconditionError, SaluhallError
from node.export_signatures import PageStatement, is_signed, manifest_statement

FILE_SIZE_BYTES_MAX: Final = 4 * GIB
_DESCRIPTION_SIZE_BYTES_MAX: Final = 64 * MIB
"""Of manifest.json: a page of 500 events takes 350 bytes of it."""

_CHUNK_BYTES: Final = 1 << 20
_LINE_SIZE_BYTES_MAX: Final = 4 * MIB


class ExportInvalidError(FailedPreconditionError):
    """A file is no export, or not as it was handed out."""

    reason = "EXPORT_INVALID"


@dataclass(frozen=True, slots=True)
class VerifiedExport:
    """An export that is whole."""

    tenant: str
    visitor_id: str
    export_time: str
    event_count: int
    public_key: str
    """Hexadecimal: compare it with the tenant's."""

    manifest_hash: str
    signature: str
    """Of the manifest: the tenant would sign the same hash with the same signature again."""


def verify_export(path: Path) -> VerifiedExport:
    """Check everything. Raises ExportInvalidError for the first thing that is wrong."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _verify(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ExportInvalidError(f"{path.name}: is no readable ZIP file ({error})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportInvalidError(f"{path.name}: is no export of this kind ({error})") from error


def _verify(archive: zipfile.ZipFile) -> VerifiedExport:
    signature = json.loads(_content(archive, "signature.json"))
    content = _content(archive, "manifest.json")
    manifest = json.loads(content)
    if manifest["schema_version"] != SCHEMA_VERSION:
        _refuse(f"schema version {manifest['schema_version']} is unknown to this release")
    tenant, public_key = str(manifest["tenant"]), str(signature["public_key"])
    manifest_hash = hashlib.sha256(content).hexdigest()
    statement = manifest_statement(tenant, manifest_hash)
    if manifest["public_key"] != public_key or not is_signed(
        public_key, str(signature["signature"]), statement
    ):
        _refuse("manifest.json: is not what was signed")
    _verify_files(archive, manifest)
    visitor_id = str(json.loads(_content(archive, "visitor.json"))["visitorId"])
    event_count = _verify_pages(archive, manifest, visitor_id)
    return VerifiedExport(
        tenant=tenant,
        visitor_id=visitor_id,
        export_time=str(manifest["export_time"]),
        event_count=event_count,
        public_key=public_key,
        manifest_hash=manifest_hash,
        signature=str(signature["signature"]),
    )


def _verify_files(archive: zipfile.ZipFile, manifest: Mapping[str, object]) -> None:
    files = _list(manifest, "files")
    names = sorted([*(str(file["name"]) for file in files), "manifest.json", "signature.json"])
    if sorted(archive.namelist()) != names:
        _refuse(f"has the files {sorted(archive.namelist())}, and was made with {names}")
    for file in files:
        name, size_bytes = str(file["name"]), int(str(file["size_bytes"]))
        digest = hashlib.sha256()
        for chunk in _chunks(archive, name, min(size_bytes, FILE_SIZE_BYTES_MAX)):
            digest.update(chunk)
        if digest.hexdigest() != file["sha256"]:
            _refuse(f"{name}: was changed")


def _verify_pages(archive: zipfile.ZipFile, manifest: Mapping[str, object], visitor_id: str) -> int:
    """Each page's events and signature; how many events there are."""
    pages = _list(manifest, "pages")
    index = 0
    with archive.open("events.jsonl") as lines:
        for number, page in enumerate(pages, 1):
            first_index = index
            digest = hashlib.sha256()
            for _ in range(int(str(page["event_count"]))):
                line = lines.readline(_LINE_SIZE_BYTES_MAX)
                with _place(f"events.jsonl, line {index + 1}"):
                    event = from_line(line.decode())
                digest.update(event.SerializeToString(deterministic=True))
                index += 1
            statement = PageStatement(
                tenant_id=str(manifest["tenant"]),
                visitor_id=visitor_id,
                first_index=first_index,
                page_hash=digest.hexdigest(),
                is_last=number == len(pages),
            )
            if not is_signed(
                str(manifest["public_key"]), str(page["signature"]), statement.content()
            ):
                _refuse(f"events.jsonl: the {number}. page is not what the server signed")
        if lines.read(1) or not pages or index != manifest["event_count"]:
            _refuse("events.jsonl: has other events than the server signed")
    return index


def _list(manifest: Mapping[str, object], name: str) -> list[dict[str, object]]:
    """A list of a manifest that was signed, though not necessarily by who it says. Raises TypeError."""
    value = manifest[name]
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise TypeError(f"{name} is no list of objects")
    return value


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    return b"".join(_chunks(archive, name, _DESCRIPTION_SIZE_BYTES_MAX))


def _chunks(archive: zipfile.ZipFile, name: str, size_bytes_max: int) -> Iterator[bytes]:
    """A file's content; a file that unpacks to more than it says is refused before it fills anything."""
    size_bytes = 0
    with archive.open(name) as file:
        while chunk := file.read(_CHUNK_BYTES):
            size_bytes += len(chunk)
            if size_bytes > size_bytes_max:
                _refuse(f"{name}: is larger than an export's")
            yield chunk


@contextmanager
def _place(place: str) -> Iterator[None]:
    """Say where it was that something could not be read."""
    try:
        yield
    except SaluhallError as error:
        raise ExportInvalidError(f"{place}: {error.message}") from error


def _refuse(what: str) -> NoReturn:
    raise ExportInvalidError(f"{what}; ask the shop for a new export")
