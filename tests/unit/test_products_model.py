"""What a valid product is, and its split into content and inventory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.fields import FieldBook, core_fields
from actors.model.masks import apply_update, check_read_mask, check_update_mask, keep_only
from actors.model.names import parse_branch, parse_product_name
from actors.model.pages import decode_page_token, encode_page_token
from actors.model.prices import price_violations, sku_prices
from actors.model.products import check_product, has_inventory, join, split
from actors.model.stock import effective_stock
from actors.model.storefront import Storefront
from node.errors import InvalidArgumentError, PermissionDeniedError
from protos.internal.records_pb2 import StockRecord
from protos.v1.common_pb2 import IN_STOCK, AttributeValue, Availability
from protos.v1.product_pb2 import Price, Product, StockLevel, Variant


def violations(product: Product) -> list[str]:
    check = check_product(product, currency_code="SEK", path="products[0]")
    return [violation.field for violation in check.violations]


def kinds(product: Product) -> list[tuple[str, int]]:
    return check_product(product, currency_code="SEK", path="products[0]").kinds


def kettle(**changes: object) -> Product:
    product = Product(id="kettle", title="Kettle")
    for name, value in changes.items():
        if isinstance(value, list):
            getattr(product, name).extend(value)
        else:
            setattr(product, name, value)
    return product


def test_a_product_needs_only_an_id_and_a_title() -> None:
    assert violations(kettle()) == []
    assert violations(Product()) == ["products[0].id", "products[0].title"]


@pytest.mark.parametrize("bad", ["", "x" * 129, "line\nbreak", "å" * 65])
def test_an_id_has_1_to_128_bytes_and_no_control_character(bad: str) -> None:
    assert violations(Product(id=bad, title="t")) == ["products[0].id"]


def test_a_negative_price_is_refused_with_its_path() -> None:
    product = kettle(prices=[Price(selling_micros=-1)])

    assert violations(product) == ["products[0].prices[0].selling_micros"]


def test_a_price_without_a_market_is_in_the_tenants_currency() -> None:
    """An absent currency is filled in; another one is refused, unless the price names a market."""
    filled = kettle(prices=[Price(selling_micros=5)])

    assert violations(filled) == []
    assert filled.prices[0].currency_code == "SEK"
    assert violations(kettle(prices=[Price(selling_micros=5, currency_code="EUR")])) == [
        "products[0].prices[0].currency_code"
    ]
    in_finland = Price(selling_micros=5, currency_code="EUR", market="fi")
    assert violations(kettle(prices=[in_finland])) == []


def test_two_prices_for_one_market_are_refused() -> None:
    assert violations(kettle(prices=[Price(), Price()])) == ["products[0].prices[1]"]


def test_a_product_of_2_mb_is_refused_before_anything_else_is_looked_at() -> None:
    assert violations(kettle(description="x" * 2_000_000)) == ["products[0]"]


def test_an_attribute_holds_exactly_one_kind_of_value() -> None:
    product = kettle()
    product.attributes["colour"].texts.append("red")
    product.attributes["both"].CopyFrom(AttributeValue(texts=["a"], numbers=[1]))
    product.attributes["none"].CopyFrom(AttributeValue())
    product.attributes["huge"].numbers.append(float("inf"))

    assert sorted(violations(product)) == [
        "products[0].attributes.both",
        "products[0].attributes.huge",
        "products[0].attributes.none",
    ]


def test_an_attribute_key_has_a_plain_form() -> None:
    product = kettle()
    product.attributes["1st key!"].texts.append("x")

    assert violations(product) == ["products[0].attributes"]


def test_a_sku_stands_once_in_its_product() -> None:
    product = kettle(variants=[Variant(id="s"), Variant(id="s")])

    assert violations(product) == ["products[0].variants[1].id"]


AMOUNTS = st.integers(0, 10**12)
PRICES = st.builds(Price, selling_micros=AMOUNTS, list_micros=AMOUNTS, market=st.sampled_from("ab"))
LEVELS = st.builds(
    StockLevel, market=st.sampled_from("ab"), store=st.text("s1"), stock_quantity=st.integers(0, 9)
)
STOCK = st.fixed_dictionaries(
    {
        "prices": st.lists(PRICES, max_size=2),
        "availability": st.sampled_from([0, IN_STOCK]),
        "stock_levels": st.lists(LEVELS, max_size=2),
    },
    optional={"stock_quantity": st.integers(0, 99)},
)


@given(STOCK, st.lists(STOCK, max_size=3))
def test_split_and_join_are_each_others_inverse(stock: dict, variant_stocks: list[dict]) -> None:
    variants = [Variant(id=f"v{number}", **one) for number, one in enumerate(variant_stocks)]
    product = Product(id="p", title="t", variants=variants, **stock)
    whole = product.SerializeToString(deterministic=True)

    content, inventory = split(product, time_ms=7)

    assert join(content, inventory).SerializeToString(deterministic=True) == whole
    assert not has_inventory(Product.FromString(content))


def test_equal_products_have_equal_content_whatever_the_order_of_their_attributes() -> None:
    one, other = kettle(), kettle()
    for product, keys in ((one, "ab"), (other, "ba")):
        for key in keys:
            product.attributes[key].texts.append(key)

    assert split(one, time_ms=1)[0] == split(other, time_ms=2)[0]


def test_a_market_sees_its_own_price_else_the_one_of_all_markets() -> None:
    everywhere, finland = Price(selling_micros=1), Price(selling_micros=2, market="fi")
    club = Price(selling_micros=0, market="fi", price_list="club")

    assert price_of([club, everywhere, finland], Storefront("fi")) == finland
    assert price_of([club, everywhere, finland], Storefront("se")) == everywhere
    assert price_of([club], Storefront("fi")) is None


def price_of(
    prices: list[Price], where: Storefront, own: list[Price] | None = None
) -> Price | None:
    product = StockRecord(prices=prices)
    variant = product if own is None else StockRecord(prices=own)
    return sku_prices(variant, product).price(where)


def test_a_price_list_counts_where_it_has_a_price_else_the_ordinary_one() -> None:
    ordinary, finland = Price(selling_micros=9), Price(selling_micros=8, market="fi")
    club = Price(selling_micros=5, price_list="club")
    finnish_club = Price(selling_micros=4, price_list="club", market="fi")

    assert price_of([ordinary, finland, club], Storefront("fi", "club")) == club
    assert price_of([ordinary, club, finnish_club], Storefront("fi", "club")) == finnish_club
    assert price_of([ordinary, finnish_club], Storefront("se", "club")) == ordinary
    assert price_of([ordinary, club], Storefront("", "other")) == ordinary
    # A variant's ordinary price says nothing of the price list: that still holds from its product.
    assert price_of([ordinary, club], Storefront("", "club"), own=[Price(selling_micros=7)]) == club


def test_a_price_with_a_window_counts_only_in_it_and_the_latest_begun_wins() -> None:
    ordinary, long, short = (Price(selling_micros=amount) for amount in (9, 6, 5))
    long.valid_from.seconds, long.valid_until.seconds = 10, 40
    short.valid_from.seconds, short.valid_until.seconds = 20, 30
    prices = [ordinary, short, long]

    shown = [price_of(prices, Storefront(now_ms=now_ms)) for now_ms in (9_999, 10_000, 29_999)]

    assert shown == [ordinary, long, short]
    assert price_of(prices, Storefront(now_ms=30_000)) == long
    assert price_of(prices, Storefront(now_ms=40_000)) == ordinary
    assert price_of([short], Storefront(now_ms=30_000)) is None


def test_a_window_must_not_end_before_it_begins_and_may_stand_beside_a_lasting_price() -> None:
    lasting, window, turned = (Price(currency_code="SEK", selling_micros=1) for _ in range(3))
    window.valid_until.seconds = 5
    turned.valid_from.seconds, turned.valid_until.seconds = 5, 5

    found = [
        [one.field for one in price_violations(prices, currency_code="SEK", path="p")]
        for prices in ([lasting, window, window], [turned], [lasting, lasting])
    ]

    assert found == [[], ["p[0].valid_until"], ["p[1]"]]


def test_a_store_then_a_market_then_what_holds_in_general_decides_on_stock() -> None:
    product, variant = StockRecord(stock_quantity=9), StockRecord()
    product.levels.add(market="se", stock_quantity=3)
    product.levels.add(store="s1", stock_quantity=0)
    variant.levels.add(market="se", store="s2", availability=Availability.PREORDER)

    def stock(market: str, store: str) -> tuple[int, int | None]:
        found = effective_stock(variant, product, Storefront(market, store=store))
        return found.availability, found.stock_quantity

    assert stock("", "") == stock("no", "") == (Availability.IN_STOCK, 9)
    assert stock("se", "") == stock("se", "s3") == (Availability.IN_STOCK, 3)
    assert stock("se", "s1") == stock("no", "s1") == (Availability.OUT_OF_STOCK, 0)
    # A level is one word: it does not mix with what the market says.
    assert stock("se", "s2") == (Availability.PREORDER, None)
    assert stock("no", "s2") == (Availability.IN_STOCK, 9)


def test_an_update_changes_what_its_mask_names_and_nothing_else() -> None:
    stored = kettle(brand="Old", tags=["a"])
    stored.attributes["colour"].texts.append("red")
    stored.attributes["size"].numbers.append(1)
    change = Product(brand="New")
    change.attributes["colour"].texts.append("blue")

    apply_update(stored, change, ["brand", "attributes.colour", "attributes.size"])

    assert (stored.brand, list(stored.tags), stored.title) == ("New", ["a"], "Kettle")
    assert list(stored.attributes["colour"].texts) == ["blue"]
    assert "size" not in stored.attributes


def test_masks_refuse_what_does_not_exist() -> None:
    for path in ("id", "name", "colour"):
        with pytest.raises(InvalidArgumentError, match="cannot be updated"):
            check_update_mask([path])
    with pytest.raises(InvalidArgumentError, match="no field of a product"):
        check_read_mask(["colour"])


def test_a_read_mask_keeps_the_id() -> None:
    product = kettle(brand="b")

    keep_only(product, ["title"])

    assert (product.id, product.title, product.brand) == ("kettle", "Kettle", "")


def test_a_resource_name_of_another_tenant_is_refused() -> None:
    name = "tenants/-/branches/-/products/a/b"

    assert parse_product_name(name, tenant_id="shop").product_id == "a/b"
    with pytest.raises(PermissionDeniedError):
        parse_product_name("tenants/other/branches/1/products/a", tenant_id="shop")
    with pytest.raises(InvalidArgumentError):
        parse_product_name("products/a", tenant_id="shop")
    with pytest.raises(InvalidArgumentError):
        parse_branch("0x1")


@given(st.binary(max_size=40), st.text(max_size=40))
def test_a_page_token_is_bound_to_its_list(key: bytes, noise: str) -> None:
    token = encode_page_token(key, scope="fields")

    assert decode_page_token(token, scope="fields") == key
    for wrong, scope in ((token, "other"), (noise + "!", "fields")):
        with pytest.raises(InvalidArgumentError):
            decode_page_token(wrong, scope=scope)


def test_a_new_attribute_key_is_learnt_once_and_an_edited_one_keeps_its_weight() -> None:
    book = FieldBook(core_fields())
    product = kettle()
    product.attributes["colour"].texts.append("red")

    first = book.learn(kinds(product))
    again = book.learn(kinds(product))
    edited = book.records["attributes.colour"]
    edited.inferred = False
    edited.search_weight = 7
    product.attributes["colour"].CopyFrom(AttributeValue(numbers=[3]))
    widened = book.learn(kinds(product))

    assert [record.key for record in first] == ["attributes.colour"]
    assert again == []
    assert widened[0].has_texts
    assert widened[0].has_numbers
    assert widened[0].search_weight == 7
