"""The distinct kinds of identifier, and what each may look like."""

import re
import secrets
from typing import Final, NewType

TenantId = NewType("TenantId", str)
"""2 to 32 of a-z, 0-9 and "-": stands in keys, metrics and resource names."""

StoreId = NewType("StoreId", str)
"""32 hexadecimal digits: one copy of a tenant on disk; also the name of its directory."""

KeyId = NewType("KeyId", str)
"""10 of a-z and 0-9: the public part of an API key."""

_TENANT_ID: Final = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){1,31}")
_STORE_ID: Final = re.compile(r"[0-9a-f]{32}")

PLATFORM_TENANT: Final = TenantId("platform")
"""Tenant zero: the operator's own data. Nobody else may have this name."""


def is_tenant_id(text: str) -> bool:
    """Whether `text` can name a tenant."""
    return _TENANT_ID.fullmatch(text) is not None


def is_store_id(text: str) -> bool:
    """Whether `text` can name a store: checked before it becomes part of a path."""
    return _STORE_ID.fullmatch(text) is not None


def new_store_id() -> StoreId:
    """A store id that nobody can guess and nobody had before."""
    return StoreId(secrets.token_hex(16))
