"""What somebody can do who has every file of a server and every current key: look for canaries, and for keys.

Every window of 40 bytes is tried as a wrapped key: RFC 3394 unwraps in 24 steps, each of which is one AES block, so
all windows of a block are unwrapped together, one step at a time.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from actors.events.sealing import open_event
from actors.storage.keyring import VisitorKey
from actors.storage.visitor_key import SealDamagedError
from protos.internal.records_pb2 import EventRecord

WRAPPED_SIZE: Final = 40
_BLOCK_SIZE: Final = 16_384
"""In the processor's cache while it is worked on."""

_INITIAL_VALUE: Final = b"\xa6" * 8


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """An event as it was stored, from before its visitor was erased."""

    key: bytes
    record: EventRecord


def files_below(root: Path) -> list[Path]:
    """Every file with content; sockets and the like have none."""
    return sorted(path for path in root.rglob("*") if path.is_file())


def traces_of(stem: str, contents: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """In which files a text stands, and in which form; upper and lower case are the same."""
    found = []
    for form, pattern in _forms(stem).items():
        found += [(name, form) for name, content in contents.items() if pattern.search(content)]
    return found


def _forms(stem: str) -> dict[str, re.Pattern[bytes]]:
    cases = [stem.lower(), stem.upper(), stem.capitalize()]
    forms = {
        "clear": re.compile(re.escape(stem.encode()), re.IGNORECASE),
        "hex": re.compile(stem.encode().hex().encode(), re.IGNORECASE),
        "hex, upper case": re.compile(stem.upper().encode().hex().encode(), re.IGNORECASE),
        "utf-16 le": re.compile(re.escape(stem.encode("utf-16-le")), re.IGNORECASE),
        "utf-16 be": re.compile(re.escape(stem.encode("utf-16-be")), re.IGNORECASE),
        "reversed": re.compile(re.escape(stem.encode()[::-1]), re.IGNORECASE),
    }
    encoded = {part for case in cases for part in _base64_parts(case.encode())}
    forms["base64"] = re.compile(b"|".join(re.escape(part) for part in sorted(encoded)))
    return forms


def _base64_parts(text: bytes) -> Iterable[bytes]:
    """What of the text's base64 is the same whatever stands before and after it, at each offset."""
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(bytes(offset) + text)
            first = -(-offset * 8 // 6)
            last = (offset + len(text)) * 8 // 6
            yield whole[first:last]


class KeyHunt:
    """Tries every window of every file. Blocks that were tried before, and are the same, are not tried again."""

    def __init__(self, wrapping: bytes) -> None:
        self._wrapping = wrapping
        self._found: dict[bytes, set[bytes]] = {}
        """Keys by the hash of the block that they stand in."""

        self.window_count = 0

    def keys_in(self, contents: Iterable[bytes]) -> set[bytes]:
        """The 32-byte key in each window of 40 bytes that is a key wrapped under the wrapping key."""
        keys: set[bytes] = set()
        new: dict[bytes, bytes] = {}
        for content in contents:
            for block in _blocks(content):
                digest = hashlib.blake2b(block, digest_size=16).digest()
                if digest in self._found:
                    keys |= self._found[digest]
                else:
                    new[digest] = block
        for digest, block in new.items():
            data = np.frombuffer(block, np.uint8)
            windows = np.lib.stride_tricks.sliding_window_view(data, WRAPPED_SIZE)
            self.window_count += len(windows)
            self._found[digest] = _unwrap(np.ascontiguousarray(windows), self._wrapping)
            keys |= self._found[digest]
        return keys


def _blocks(content: bytes) -> Iterator[bytes]:
    """Parts of a file that share so much that every window is within one of them."""
    for start in range(0, max(len(content) - WRAPPED_SIZE + 1, 0), _BLOCK_SIZE):
        yield content[start : start + _BLOCK_SIZE + WRAPPED_SIZE - 1]


def _unwrap(windows: np.ndarray, wrapping: bytes) -> set[bytes]:
    """RFC 3394, section 2.2.2, for all windows at once; its integrity check is what tells keys from noise."""
    parts = windows.view(np.uint64).reshape(-1, 5)
    check, registers = parts[:, 0].copy(), [parts[:, i].copy() for i in range(1, 5)]
    decrypt = _block_decryptor(wrapping)
    for turn in range(5, -1, -1):
        for register in range(3, -1, -1):
            counter = np.frombuffer((4 * turn + register + 1).to_bytes(8, "big"), np.uint64)
            blocks = np.stack([check ^ counter, registers[register]], axis=1)
            plain = np.frombuffer(decrypt(blocks.tobytes()), np.uint64).reshape(-1, 2)
            check, registers[register] = plain[:, 0], plain[:, 1]
    hits = np.flatnonzero(check == np.frombuffer(_INITIAL_VALUE, np.uint64)[0])
    keys = np.stack(registers, axis=1)[hits]
    return {key.tobytes() for key in keys}


def _block_decryptor(key: bytes) -> Callable[[bytes], bytes]:
    # ECB of single blocks is what RFC 3394 is made of.
    cipher = Cipher(algorithms.AES(key), modes.ECB())
    return lambda blocks: cipher.decryptor().update(blocks)


def opened_with(
    keys: Iterable[bytes], ciphertexts: Iterable[Ciphertext], tenant_id: str
) -> list[Ciphertext]:
    """Which ciphertexts any of the keys opens, whoever they are said to belong to."""
    visitors = [VisitorKey(key, tag=b"", tenant_id=tenant_id) for key in keys]
    return [
        ciphertext
        for ciphertext in ciphertexts
        if any(_opens(visitor, ciphertext) for visitor in visitors)
    ]


def _opens(visitor: VisitorKey, ciphertext: Ciphertext) -> bool:
    try:
        open_event(visitor, ciphertext.key, ciphertext.record)
    except (SealDamagedError, InvalidTag):
        return False
    return True
