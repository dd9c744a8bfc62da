"""Reads Google Merchant XML: RSS 2.0 (or Atom) whose items carry `g:` names.

An XML parser stops for good at the first error, and a feed with one unescaped "&" is common. So the
feed is cut into its items as bytes, and each item is parsed by itself inside the feed's own opening
tags (which bind the prefixes): a damaged item is refused alone, and memory holds one item at a
time.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import DefusedXMLParser

from node.client.feeds.jsonl import too_long
from node.client.feeds.records import LINE_SIZE_BYTES_MAX, FeedError, Record
from node.config import MIB

_GOOGLE_NAMESPACE: Final = "{http://base.google.com/ns/1.0}"
_ITEM_START: Final = re.compile(rb"<(item|entry)[\s>]")
_PROLOGUE_SIZE_BYTES_MAX: Final = 1 * MIB


def read_merchant_xml(chunks: Iterable[bytes]) -> Iterator[Record]:
    """A record for each item: names as `g:price` or `title`, values texts; repeated names become
    lists.

    An element with elements of its own (`g:shipping`) becomes a mapping. A line is where the item
    starts.
    Raises FeedError when the feed has no items or declares entities (which are forbidden: they can
    fill memory).
    """
    cutter = _Cutter(iter(chunks))
    prologue = cutter.prologue()
    for line, item in cutter.items():
        if item is None:
            yield too_long(line)
            continue
        try:
            fields = _parse(prologue + item)
        except ParseError as error:
            where = _where(error, prologue=prologue, item=item, line=line)
            yield Record(line, None, f"not XML: {where}")
        except (ValueError, LookupError) as error:  # entities are forbidden; an unknown encoding
            yield Record(line, None, f"not XML: {error}")
        else:
            refusal = None if fields else "the item is empty or never closed"
            yield Record(line, fields or None, refusal)


class _Cutter:
    """Cuts the bytes of a feed into what stands before the first item, and items."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self._line = 1
        self._end = b""

    def prologue(self) -> bytes:
        """Everything before the first item, checked to be XML without entities."""
        position = 0
        while (start := _ITEM_START.search(self._buffer, position)) is None:
            position = max(0, len(self._buffer) - 8)
            if len(self._buffer) > _PROLOGUE_SIZE_BYTES_MAX or not self._more():
                raise FeedError("there is no <item> (or <entry>): this is no product feed in RSS")
        self._end = b"</" + start.group(1) + b">"
        prologue = self._take(start.start())
        try:
            _parse(prologue)
        except (ParseError, ValueError, LookupError) as error:
            raise FeedError(
                f"the XML before the first item cannot be read: {error or type(error).__name__}"
            ) from error
        return prologue

    def items(self) -> Iterator[tuple[int, bytes | None]]:
        """The line and the bytes of every item; None for the bytes of one that is too long."""
        while self._skip_to_item():
            line = self._line
            yield line, self._item()

    def _skip_to_item(self) -> bool:
        while (start := _ITEM_START.search(self._buffer)) is None:
            self._take(max(0, len(self._buffer) - 8))
            if not self._more():
                return False
        self._take(start.start())
        return True

    def _item(self) -> bytes | None:
        position = 1
        while True:  # ends with the item, the limit or the feed
            end = self._buffer.find(self._end, position)
            limit = LINE_SIZE_BYTES_MAX if end < 0 else end
            following = _ITEM_START.search(self._buffer, position, limit)
            if following is not None:
                # Items do not nest: this one was never closed, and the next is not to suffer for
                # it.
                return self._take(following.start())
            if end >= 0:
                item = self._take(end + len(self._end))
                return item if len(item) <= LINE_SIZE_BYTES_MAX else None
            position = max(1, len(self._buffer) - 8)
            if len(self._buffer) > LINE_SIZE_BYTES_MAX:
                self._take(len(self._buffer) - 8)
                return None
            if not self._more():
                return self._take(len(self._buffer))

    def _more(self) -> bool:
        chunk = next(self._chunks, b"")
        self._buffer += chunk
        return bool(chunk)

    def _take(self, size_bytes: int) -> bytes:
        taken = bytes(self._buffer[:size_bytes])
        del self._buffer[:size_bytes]
        self._line += taken.count(b"\n")
        return taken


def _parse(content: bytes) -> "_Fields | None":
    """The fields of the item in `content`, None when it is not closed or is not there."""
    target = _Target()
    DefusedXMLParser(target=target).feed(content)
    return target.item


_Fields = dict[str, Any]


class _Target:
    """Builds an item's fields from the parser's events; passes over what stands before it."""

    def __init__(self) -> None:
        self.item: _Fields | None = None
        self._open: list[tuple[str, _Fields, list[str]]] = []
        """Of each open element from the item down: its name, its elements, its text."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _name(tag)
        if self._open or name in {"item", "entry"}:
            # Atom writes the address of a product as <link href="..."/>.
            self._open.append((name, {}, [attributes["href"]] if "href" in attributes else []))

    def end(self, _tag: str) -> None:
        if not self._open:
            return
        name, elements, texts = self._open.pop()
        if not self._open:
            self.item = elements
            return
        value = elements or "".join(texts).strip()
        siblings = self._open[-1][1]
        if name not in siblings:
            siblings[name] = value
        elif type(siblings[name]) is list:
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1][2].append(text)


def _name(tag: str) -> str:
    """`g:price` for Google's names whatever prefix the feed binds, the bare name for all others."""
    if tag.startswith(_GOOGLE_NAMESPACE):
        return "g:" + tag[len(_GOOGLE_NAMESPACE) :]
    return tag.rpartition("}")[2]


def _where(error: ParseError, *, prologue: bytes, item: bytes, line: int) -> str:
    """The parser's complaint, with the line of the file and what stands there."""
    row, column = error.position
    row -= prologue.count(b"\n")
    if row <= 1:  # the item's first line begins in the prologue's last
        column -= len(prologue) - (prologue.rfind(b"\n") + 1)
    lines = item.split(b"\n")
    text = lines[row - 1][max(0, column) :][:30] if 0 < row <= len(lines) else b""
    what = str(error).partition(":")[0]
    near = f", near {text.decode(errors='replace')!r}" if text.strip() else ""
    return f"{what} in line {line + max(row, 1) - 1}{near}"
