"""Identifiers inside a tenant, and the resource names of the public API (AIP-122)."""

import re
from dataclasses import dataclass
from typing import Final

from node.errors import InvalidArgumentError, PermissionDeniedError

PRODUCT_ID_SIZE_MAX: Final = 128
ATTRIBUTE_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
CURRENCY_CODE: Final = re.compile(r"[A-Z]{3}")
MARKET: Final = re.compile(r"[A-Za-z0-9_-]{0,32}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PRODUCT_NAME: Final = re.compile(r"tenants/([^/]+)/branches/([^/]+)/products/(.+)", re.DOTALL)
_BRANCH_ID: Final = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class ProductName:
    """The parts of a product's resource name; a branch of None is the live one."""

    branch: int | None
    product_id: str


def product_id_problem(product_id: str) -> str | None:
    """What is wrong with a product's or variant's id, or None."""
    if not product_id:
        return "is required; give the shop's own id, at most 128 bytes"
    if len(product_id.encode()) > PRODUCT_ID_SIZE_MAX:
        return f"has {len(product_id.encode())} bytes; at most {PRODUCT_ID_SIZE_MAX} are allowed"
    if _CONTROL.search(product_id):
        return "holds a control character; use printable characters only"
    return None


def parse_branch(text: str, *, field: str = "branch") -> int | None:
    """A branch's number; None for the live one (empty or "-")."""
    if text in {"", "-"}:
        return None
    if not _BRANCH_ID.fullmatch(text):
        raise InvalidArgumentError.of(
            field, f'"{text[:40]}" is no branch id; ListBranches names them, empty is the live one'
        )
    return int(text)


def parse_product_name(name: str, *, tenant_id: str) -> ProductName:
    """The parts of "tenants/{tenant}/branches/{branch}/products/{product}".

    Raises:
        InvalidArgumentError: it has another form.
        PermissionDeniedError: it names a tenant that is not the key's own.
    """
    match = _PRODUCT_NAME.fullmatch(name)
    if match is None:
        raise InvalidArgumentError.of(
            "name", 'must be "tenants/{tenant}/branches/{branch}/products/{product}"'
        )
    tenant, branch, product_id = match.groups()
    if tenant not in {"-", tenant_id}:
        raise PermissionDeniedError(
            'name: the key belongs to another tenant; use "-" for the key\'s own',
            reason="TENANT_MISMATCH",
        )
    problem = product_id_problem(product_id)
    if problem:
        raise InvalidArgumentError.of("name", f"the product's id {problem}")
    return ProductName(parse_branch(branch, field="name"), product_id)


def product_name_prefix(tenant_id: str, branch: int) -> str:
    """What precedes the product's id in its resource name."""
    return f"tenants/{tenant_id}/branches/{branch}/products/"
