"""What a shopper of the demonstration's Swedish shop finds, and why."""

import pytest

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.alternatives import MatchClass
from actors.search.explanation import Role, explain
from actors.search.query import SearchQuery
from actors.search.search import search
from loadtest.catalogues import catalogue_products
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

SCHEMA = Schema(("sv", "en"), {}, {}, weights_version=1)


@pytest.fixture(scope="module")
def products() -> dict[bytes, Product]:
    return {product.id.encode(): product for product in catalogue_products("demo-sv", count=2_000)}


@pytest.fixture(scope="module")
def shop(products: dict[bytes, Product]) -> BranchView:
    arrays = MemoryArrays()
    items = [IndexedProduct(product, InventoryRecord()) for product in products.values()]
    update_index(arrays, 1, IndexUpdate(items), SCHEMA)
    return open_branch(arrays, 1)


def test_a_mistyped_winter_jacket_for_women_is_found_and_explained(
    shop: BranchView, products: dict[bytes, Product]
) -> None:
    text = "vinterjaka dam"

    page = search(shop, SearchQuery(text, explain=True, page_size=5), SCHEMA)

    assert page.corrected_query == "vinterjacka dam"
    assert len(page.hits) == 5
    for hit in page.hits:
        product = products[hit.product_id]
        assert product.title.endswith("vinterjacka dam")
        jacket, women = explain(hit, product, SCHEMA.analyzer("sv"), text=text).words
        assert (jacket.word.match_class, jacket.role) == (MatchClass.TYPO, Role.NAME)
        assert jacket.written == "vinterjacka"
        assert women.word.match_class is MatchClass.EXACT
        assert women.fields == ("title", "attributes.kon")


def test_a_colour_that_no_such_jacket_has_is_given_up_before_the_jacket(
    shop: BranchView, products: dict[bytes, Product]
) -> None:
    page = search(shop, SearchQuery("rosa vinterjacka dam"), SCHEMA)

    assert page.total == 0
    best = page.relaxed_hits[0]
    assert best.missing_words == ("rosa",)
    assert products[best.product_id].title.endswith("vinterjacka dam")
