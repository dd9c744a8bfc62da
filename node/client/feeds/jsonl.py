"""Reads JSON Lines: one JSON object per line."""

import json
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn

from node.client.feeds.records import LINE_SIZE_BYTES_MAX, Record, ValueRefusedError
from node.client.feeds.source import Line


def read_jsonl(lines: Iterable[Line]) -> Iterator[Record]:
    """A record for each line that is not blank; a bad line becomes a refusal and stops nothing."""
    for line in lines:
        if line.is_cut:
            yield too_long(line.number)
            continue
        content = line.content.rstrip()
        if not content:
            continue
        try:
            fields = _DECODER.decode(content.decode())
        except UnicodeDecodeError as error:
            yield not_utf8(line.number, error)
        except json.JSONDecodeError as error:
            reason = f"not JSON: {error.msg} at character {error.pos + 1}"
            yield Record(line.number, None, reason)
        except RecursionError:
            yield Record(line.number, None, "its objects and lists lie too deep inside each other")
        except (ValueError, ValueRefusedError) as error:  # ValueError: a number of too many digits
            yield Record(line.number, None, f"not JSON: {error}")
        else:
            if type(fields) is dict:
                yield Record(line.number, fields)
            else:
                kind = _KINDS.get(type(fields), "a number")
                yield Record(line.number, None, f"holds {kind}; one JSON object per line is read")


def too_long(line: int) -> Record:
    """The refusal of a line over the limit."""
    return Record(line, None, f"longer than {LINE_SIZE_BYTES_MAX:,} bytes, which no product may be")


def not_utf8(line: int, error: UnicodeDecodeError) -> Record:
    """The refusal of a line in another encoding or damaged."""
    byte = error.object[error.start]
    return Record(
        line,
        None,
        f"not UTF-8: byte {error.start + 1} is 0x{byte:02x} (if every line with å, é or ü "
        "is refused, the file is Latin-1: iconv -f latin1 -t utf-8)",
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueRefusedError(f"{name} is no number")


_KINDS: Final = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)
