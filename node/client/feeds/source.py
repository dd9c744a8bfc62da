"""Opens a feed: a file or standard input, plain or gzip, and says which format it has."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Protocol, Self

from node.client.feeds.records import LINE_SIZE_BYTES_MAX, FeedError
from node.config import KIB, MIB

_SAMPLE_SIZE_BYTES: Final = 1 * MIB
_READ_SIZE_BYTES: Final = 256 * KIB
_GZIP_MAGIC: Final = b"\x1f\x8b"
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class _Readable(Protocol):
    """What plain and unpacked content have in common."""

    def read1(self, size: int, /) -> bytes: ...


class FeedFormat(Enum):
    """What a feed is written in."""

    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    MERCHANT_XML = "xml"


_FORMAT_OF_SUFFIX: Final = {
    ".jsonl": FeedFormat.JSONL,
    ".ndjson": FeedFormat.JSONL,
    ".csv": FeedFormat.CSV,
    ".tsv": FeedFormat.TSV,
    ".tab": FeedFormat.TSV,
    ".xml": FeedFormat.MERCHANT_XML,
    ".rss": FeedFormat.MERCHANT_XML,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it stands in the file."""

    number: int
    content: bytes
    """With its line break, unless it is the file's last or cut."""

    is_cut: bool = False
    """The line is longer than LINE_SIZE_BYTES_MAX; only its beginning is here."""


class FeedSource:
    """An open feed. Reads forward only, so standard input works too; memory is bounded by the
    longest line.
    """

    def __init__(self, stream: IO[bytes], *, name: str, size_bytes: int | None) -> None:
        self.name = name
        self.size_bytes = size_bytes
        """Of the file as it lies on disk; None where nobody knows (standard input)."""
        self._counted = _CountingReader(stream)
        buffered = io.BufferedReader(self._counted, _READ_SIZE_BYTES)
        self._is_gzip = buffered.peek(2)[:2] == _GZIP_MAGIC
        self._content: _Readable = gzip.GzipFile(fileobj=buffered) if self._is_gzip else buffered
        self._damage: Exception | None = None
        self.sample = self._read_sample()
        """The first bytes of the content (1 MiB, or all of a shorter feed); they are read again by
        `lines`.
        """
        self._refuse_other_encodings()
        self.format = _format_of(name, self.sample)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """A file, or standard input for "-".

        Raises FeedError when there is no such file, it is empty, or its format is none of
        FeedFormat.
        """
        if str(path) == "-":
            return cls(sys.stdin.buffer, name="-", size_bytes=None)
        try:
            stream = Path(path).open("rb")  # noqa: SIM115 - closed by close()
            size_bytes = Path(path).stat().st_size
        except OSError as error:
            raise FeedError(f"{path}: {error.strerror}") from error
        try:
            return cls(stream, name=str(path), size_bytes=size_bytes)
        except BaseException:
            stream.close()
            raise

    @property
    def read_bytes(self) -> int:
        """How far in the file the reading is, for a progress bar against size_bytes."""
        return self._counted.read_bytes

    @property
    def sample_is_whole(self) -> bool:
        """Whether the sample is all there is."""
        return len(self.sample) < _SAMPLE_SIZE_BYTES

    def sample_lines(self) -> Iterator[Line]:
        """The whole lines of the sample."""
        lines = _lines_of(io.BytesIO(self.sample.removeprefix(_UTF8_MARK)))
        for line in lines:
            if line.content.endswith(b"\n") or line.is_cut or self.sample_is_whole:
                yield line

    def lines(self) -> Iterator[Line]:
        """Every line, once. Raises FeedError when the file cannot be read to its end."""
        number = 0
        try:
            for line in _lines_of(self._stream()):
                number = line.number
                yield line
        except (EOFError, zlib.error, OSError) as error:
            raise self._broken(f"line {number}", error) from error

    def chunks(self) -> Iterator[bytes]:
        """The content in pieces, once. Raises FeedError when the file cannot be read to its end."""
        size_bytes = 0
        stream = self._stream()
        try:
            while chunk := stream.read1(_READ_SIZE_BYTES):  # ends with the stream
                size_bytes += len(chunk)
                yield chunk
        except (EOFError, zlib.error, OSError) as error:
            raise self._broken(f"{size_bytes:,} bytes of content", error) from error

    def close(self) -> None:
        """Closes the file; standard input stays open."""
        if self.name != "-":
            self._counted.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _read_sample(self) -> bytes:
        """A pipe hands over less than asked, hence the loop; damage is told by `lines`."""
        pieces: list[bytes] = []
        missing = _SAMPLE_SIZE_BYTES
        try:
            while missing and (piece := self._content.read1(missing)):
                pieces.append(piece)
                missing -= len(piece)
        except (EOFError, zlib.error, OSError) as error:
            if not pieces:
                raise self._broken("its start", error) from error
            self._damage = error
        return b"".join(pieces)

    def _stream(self) -> io.BufferedReader:
        joined = _Joined(self.sample.removeprefix(_UTF8_MARK), self._content, self._damage)
        return io.BufferedReader(joined, _READ_SIZE_BYTES)

    def _broken(self, after: str, error: Exception) -> FeedError:
        what = "the gzip data is damaged or cut off" if self._is_gzip else "reading failed"
        return FeedError(f"{self.name}: {what} after {after} ({error}); fetch the file again")

    def _refuse_other_encodings(self) -> None:
        if not self.sample:
            raise FeedError(f"{self.name}: is empty")
        if self.sample.startswith(_UTF16_MARKS):
            raise FeedError(f"{self.name}: is UTF-16; save it as UTF-8 (iconv -f utf-16 -t utf-8)")
        if self.sample.startswith(b"PK\x03\x04"):
            raise FeedError(f"{self.name}: is a zip or Excel file; unpack it, or save it as CSV")


class _CountingReader(io.RawIOBase):
    """Counts what is read, below any decompression."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.read_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        # read1 hands over what a pipe has; read would wait until the buffer is full.
        read = getattr(self._stream, "read1", self._stream.read)
        piece = read(len(buffer))
        buffer[: len(piece)] = piece
        self.read_bytes += len(piece)
        return len(piece)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Joined(io.RawIOBase):
    """The sample, then the rest, or the damage that ended the sample."""

    def __init__(self, head: bytes, rest: _Readable, damage: Exception | None) -> None:
        self._head = memoryview(head)
        self._rest = rest
        self._damage = damage

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._head:
            piece: bytes | memoryview = self._head[: len(buffer)]
            self._head = self._head[len(piece) :]
        elif self._damage is not None:
            raise self._damage
        else:
            piece = self._rest.read1(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _lines_of(stream: IO[bytes] | io.BufferedReader) -> Iterator[Line]:
    number = 0
    while content := stream.readline(LINE_SIZE_BYTES_MAX):  # ends with the stream
        number += 1
        if len(content) < LINE_SIZE_BYTES_MAX or content.endswith(b"\n"):
            yield Line(number, content)
            continue
        yield Line(number, content, is_cut=True)
        while content and not content.endswith(
            b"\n"
        ):  # passes over the rest, bounded pieces at a time
            content = stream.readline(LINE_SIZE_BYTES_MAX)


def _format_of(name: str, sample: bytes) -> FeedFormat:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes if suffix.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    text = sample.removeprefix(_UTF8_MARK).lstrip()
    start = text[:1]
    if start == b"[" and suffix not in {".csv", ".tsv", ".tab"} and _is_json_list(text):
        raise FeedError(
            f"{name}: is one JSON list; one object per line is read (jq -c '.[]' makes that)"
        )
    if suffix in _FORMAT_OF_SUFFIX:
        return _FORMAT_OF_SUFFIX[suffix]
    if start == b"{":
        return FeedFormat.JSONL
    if start == b"<":
        return FeedFormat.MERCHANT_XML
    header = sample.split(b"\n", 1)[0]
    if b"\t" in header:
        return FeedFormat.TSV
    if any(delimiter in header for delimiter in (b",", b";", b"|")):
        return FeedFormat.CSV
    raise FeedError(
        f"{name}: is neither JSONL, CSV, TSV nor XML by its name or content; "
        "name it .jsonl, .csv, .tsv or .xml (.gz may follow)"
    )


def _is_json_list(text: bytes) -> bool:
    """Unlike JSONL whose first line is bad."""
    first, _, rest = text.partition(b"\n")
    return not (first.rstrip().endswith(b"]") and rest.lstrip().startswith(b"{"))
