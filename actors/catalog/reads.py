"""Reading products one by one and as a list by id."""

from typing import Final

from actors.catalog.branches import find_branch
from actors.catalog.fields import page_size
from actors.catalog.products import join_stored, read_stored
from actors.model.names import parse_product_name, product_name_prefix
from actors.model.pages import decode_page_token, encode_page_token
from actors.storage.environment import ReadView
from actors.storage.tables import PRODUCTS, branch_prefix, product_key
from node.errors import NotFoundError
from protos.internal.records_pb2 import ProductRecord
from protos.v1.catalog_pb2 import GetProductRequest, ListProductsRequest, ListProductsResponse
from protos.v1.product_pb2 import Product

PAGE_SIZE_DEFAULT: Final = 24
PAGE_SIZE_MAX: Final = 120


def get_product(request: GetProductRequest, view: ReadView, *, tenant_id: str) -> Product:
    """One product, whole."""
    name = parse_product_name(request.name, tenant_id=tenant_id)
    branch = find_branch(view, "" if name.branch is None else str(name.branch))
    key = product_key(branch.number, name.product_id.encode())
    product = read_product(view, key, tenant_id=tenant_id, branch=branch.number)
    if product is None:
        raise NotFoundError(
            f"name: there is no product {name.product_id!r} in branch {branch.number}",
            reason="PRODUCT_NOT_FOUND",
        )
    return product


def list_products(
    request: ListProductsRequest, view: ReadView, *, tenant_id: str
) -> ListProductsResponse:
    """A page of whole products, by id."""
    size = page_size(request.page_size, default=PAGE_SIZE_DEFAULT, maximum=PAGE_SIZE_MAX)
    branch = find_branch(view, request.branch)
    scope = f"products/{branch.number}"
    start = decode_page_token(request.page_token, scope=scope)
    response = ListProductsResponse(total_size=branch.product_count)
    prefix = branch_prefix(branch.number)
    keys: list[bytes] = []
    for key, _ in view.range(PRODUCTS, prefix, None if start is None else prefix + start):
        if len(keys) == size:
            response.next_page_token = encode_page_token(bytes(key[4:]), scope=scope)
            break
        keys.append(bytes(key))
    for stored_key in keys:
        product = read_product(view, stored_key, tenant_id=tenant_id, branch=branch.number)
        if product is not None:
            response.products.append(product)
    return response


def read_product(view: ReadView, key: bytes, *, tenant_id: str, branch: int) -> Product | None:
    """A whole product by its key, with its name and times."""
    stored = read_stored(view, key)
    value = view.get(PRODUCTS, key)
    if stored is None or value is None:
        return None
    product = join_stored(stored)
    product.name = product_name_prefix(tenant_id, branch) + product.id
    product.update_time.FromMilliseconds(ProductRecord.FromString(bytes(value)).update_time_ms)
    return product
