"""Every call of a tenant's API, from plain arguments; what storefronts and the command line send.

Arguments have the names and meanings of the protocol's fields (`protos/v1`). Where a `request_id`
is not given, each call gets a new one; it is kept while the call is retried.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from node.client.calls import (
    READ_DEADLINE_MS,
    WRITE_DEADLINE_MS,
    Call,
    Consistency,
    new_request_id,
)
from protos.v1 import account_pb2, catalog_pb2, product_pb2, search_pb2

_SEARCH: Final = "/saluhall.v1.SearchService/"
_CATALOG: Final = "/saluhall.v1.CatalogService/"
_ACCOUNT: Final = "/saluhall.v1.AccountService/"
IMPORT_METHOD: Final = _CATALOG + "ImportProducts"


def search(  # noqa: PLR0913 - a search has this many sides
    query: str = "",
    *,
    filter: str = "",  # noqa: A002 - the protocol's name
    facets: Sequence[str | search_pb2.FacetSpec] = (),
    order_by: str = "",
    page_size: int = 0,
    page_token: str = "",
    market: str = "",
    language_code: str = "",
    branch: str = "",
    read_mask: Sequence[str] = (),
    highlight: bool = False,
    relaxed_size: int | None = None,
    as_typed: bool = False,
    explain: bool = False,
    without_rules: bool = False,
    without_synonyms: bool = False,
    preview_rules: Sequence[str] = (),
    rules_time: datetime | None = None,
    price_list: str = "",
    store: str = "",
    show_duplicates: bool = False,
    without_learned_popularity: bool = False,
    without_click_evidence: bool = False,
    consistency: Consistency = Consistency.UNSET,
    deadline_ms: int = READ_DEADLINE_MS,
) -> Call[search_pb2.SearchResponse]:
    """Products for a shopper's words, or a listing page without. A facet may be just its key.

    A `rules_time` without a time zone is UTC; it and `preview_rules` need the role write.
    """
    request = search_pb2.SearchRequest(
        branch=branch,
        query=query,
        market=market,
        language_code=language_code,
        filter=filter,
        facets=[search_pb2.FacetSpec(key=f) if isinstance(f, str) else f for f in facets],
        order_by=order_by,
        page_size=page_size,
        page_token=page_token,
        read_mask=_mask(read_mask),
        highlight=highlight,
        relaxed_size=relaxed_size,
        as_typed=as_typed,
        explain=explain,
        without_rules=without_rules,
        without_synonyms=without_synonyms,
        preview_rules=preview_rules,
        rules_time=_timestamp(rules_time),
        price_list=price_list,
        store=store,
        show_duplicates=show_duplicates,
        without_learned_popularity=without_learned_popularity,
        without_click_evidence=without_click_evidence,
    )
    return Call(_SEARCH + "Search", request, search_pb2.SearchResponse, deadline_ms, consistency)


def suggest(  # noqa: PLR0913 - four kinds, and whom they are for
    query: str = "",
    *,
    market: str = "",
    language_code: str = "",
    branch: str = "",
    query_count: int | None = None,
    category_count: int | None = None,
    brand_count: int | None = None,
    product_count: int | None = None,
    consistency: Consistency = Consistency.UNSET,
    deadline_ms: int = READ_DEADLINE_MS,
) -> Call[search_pb2.SuggestResponse]:
    """What a shopper may go on to type; a count that is not given is the server's, 0 is none."""
    request = search_pb2.SuggestRequest(
        branch=branch,
        query=query,
        market=market,
        language_code=language_code,
        query_count=query_count,
        category_count=category_count,
        brand_count=brand_count,
        product_count=product_count,
    )
    return Call(_SEARCH + "Suggest", request, search_pb2.SuggestResponse, deadline_ms, consistency)


def write_products(
    products: Sequence[product_pb2.Product],
    *,
    branch: str = "",
    update_mask: Sequence[str] = (),
    allow_missing: bool = False,
    validate_only: bool = False,
    request_id: str = "",
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[catalog_pb2.WriteProductsResponse]:
    """Write up to 100 products, all or none; with a mask only those fields of them."""
    request = catalog_pb2.WriteProductsRequest(
        branch=branch,
        products=products,
        update_mask=_mask(update_mask),
        allow_missing=allow_missing,
        request_id=request_id or new_request_id(),
        validate_only=validate_only,
    )
    return Call(_CATALOG + "WriteProducts", request, catalog_pb2.WriteProductsResponse, deadline_ms)


def set_inventory(
    updates: Sequence[catalog_pb2.InventoryUpdate],
    *,
    branch: str = "",
    request_id: str = "",
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[catalog_pb2.SetInventoryResponse]:
    """Set price and stock of up to 1,000 products or variants; an older `set_time` never wins."""
    request = catalog_pb2.SetInventoryRequest(
        branch=branch, updates=updates, request_id=request_id or new_request_id()
    )
    return Call(_CATALOG + "SetInventory", request, catalog_pb2.SetInventoryResponse, deadline_ms)


def delete_products(
    ids: Sequence[str],
    *,
    branch: str = "",
    request_id: str = "",
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[catalog_pb2.DeleteProductsResponse]:
    """Delete up to 1,000 products; deleting what is not there is no error."""
    request = catalog_pb2.DeleteProductsRequest(
        branch=branch, ids=ids, request_id=request_id or new_request_id()
    )
    return Call(
        _CATALOG + "DeleteProducts", request, catalog_pb2.DeleteProductsResponse, deadline_ms
    )


def get_product(
    product_id: str,
    *,
    branch: str = "",
    consistency: Consistency = Consistency.UNSET,
    deadline_ms: int = READ_DEADLINE_MS,
) -> Call[product_pb2.Product]:
    """One product, of the live branch if none is named. Raises NotFoundError."""
    name = f"tenants/-/branches/{branch or '-'}/products/{product_id}"
    return Call(
        _CATALOG + "GetProduct",
        catalog_pb2.GetProductRequest(name=name),
        product_pb2.Product,
        deadline_ms,
        consistency,
    )


def list_products_page(
    *,
    branch: str = "",
    page_size: int = 120,
    page_token: str = "",
    consistency: Consistency = Consistency.UNSET,
    deadline_ms: int = READ_DEADLINE_MS,
) -> Call[catalog_pb2.ListProductsResponse]:
    """One page of a branch's products, by id."""
    request = catalog_pb2.ListProductsRequest(
        branch=branch, page_size=page_size, page_token=page_token
    )
    return Call(
        _CATALOG + "ListProducts",
        request,
        catalog_pb2.ListProductsResponse,
        deadline_ms,
        consistency,
    )


def create_branch(
    *, request_id: str = "", deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[catalog_pb2.CreateBranchResponse]:
    """A new, empty branch, to be filled and then activated."""
    request = catalog_pb2.CreateBranchRequest(request_id=request_id or new_request_id())
    return Call(_CATALOG + "CreateBranch", request, catalog_pb2.CreateBranchResponse, deadline_ms)


def list_branches(*, deadline_ms: int = READ_DEADLINE_MS) -> Call[catalog_pb2.ListBranchesResponse]:
    """All branches: at most four."""
    request = catalog_pb2.ListBranchesRequest()
    return Call(_CATALOG + "ListBranches", request, catalog_pb2.ListBranchesResponse, deadline_ms)


def activate_branch(
    branch_id: str, *, request_id: str = "", deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[catalog_pb2.ActivateBranchResponse]:
    """Make a branch the one that searches see; the branch before it is kept as the way back."""
    request = catalog_pb2.ActivateBranchRequest(
        id=branch_id, request_id=request_id or new_request_id()
    )
    return Call(
        _CATALOG + "ActivateBranch", request, catalog_pb2.ActivateBranchResponse, deadline_ms
    )


def delete_branch(
    branch_id: str, *, request_id: str = "", deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[catalog_pb2.DeleteBranchResponse]:
    """Delete a branch that is not live."""
    request = catalog_pb2.DeleteBranchRequest(
        id=branch_id, request_id=request_id or new_request_id()
    )
    return Call(_CATALOG + "DeleteBranch", request, catalog_pb2.DeleteBranchResponse, deadline_ms)


def list_fields_page(
    *, page_size: int = 1_000, page_token: str = "", deadline_ms: int = READ_DEADLINE_MS
) -> Call[catalog_pb2.ListFieldsResponse]:
    """One page of the fields and how each is used."""
    request = catalog_pb2.ListFieldsRequest(page_size=page_size, page_token=page_token)
    return Call(_CATALOG + "ListFields", request, catalog_pb2.ListFieldsResponse, deadline_ms)


def update_field(
    field: catalog_pb2.Field,
    *,
    update_mask: Sequence[str] = (),
    request_id: str = "",
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[catalog_pb2.UpdateFieldResponse]:
    """Change how a field is used: its weight, and whether it is faceted, filtered and sorted."""
    request = catalog_pb2.UpdateFieldRequest(
        field=field, update_mask=_mask(update_mask), request_id=request_id or new_request_id()
    )
    return Call(_CATALOG + "UpdateField", request, catalog_pb2.UpdateFieldResponse, deadline_ms)


def issue_key(
    role: "account_pb2.Key.Role.ValueType",
    *,
    lifetime_seconds: int = 0,
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[account_pb2.IssueKeyResponse]:
    """A new key; the answer is the only place that ever shows its secret.

    It has no request id, since its answer is kept nowhere: a retry may leave a second key whose
    secret nobody has seen.
    """
    request = account_pb2.IssueKeyRequest(role=role, lifetime_seconds=lifetime_seconds)
    return Call(_ACCOUNT + "IssueKey", request, account_pb2.IssueKeyResponse, deadline_ms)


def list_keys(*, deadline_ms: int = READ_DEADLINE_MS) -> Call[account_pb2.ListKeysResponse]:
    """The tenant's keys, without their secrets."""
    return Call(
        _ACCOUNT + "ListKeys",
        account_pb2.ListKeysRequest(),
        account_pb2.ListKeysResponse,
        deadline_ms,
    )


def revoke_key(
    key_id: str, *, request_id: str = "", deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[account_pb2.RevokeKeyResponse]:
    """Make a key stop working everywhere within a second."""
    request = account_pb2.RevokeKeyRequest(id=key_id, request_id=request_id or new_request_id())
    return Call(_ACCOUNT + "RevokeKey", request, account_pb2.RevokeKeyResponse, deadline_ms)


def _mask(paths: Sequence[str]) -> FieldMask | None:
    return FieldMask(paths=paths) if paths else None


def _timestamp(time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp
