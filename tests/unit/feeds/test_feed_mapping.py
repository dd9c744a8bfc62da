"""Facts about turning records into products by a mapping."""

import io
import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st

from node.client.feeds import (
    OWN_MAPPING,
    Converter,
    FeedItem,
    FeedSource,
    Mapping,
    MappingError,
    Record,
    read_products,
    to_toml,
)
from node.client.feeds.attributes import attribute_key
from protos.v1.common_pb2 import AttributeValue, Availability
from protos.v1.product_pb2 import Image, Price, Product, StockLevel, Variant

BASE = '[fields]\nid = "id"\ntitle = "title"\n'


def item_of(mapping: str, **fields: Any) -> FeedItem:
    record = Record(1, {"id": "1", "title": "Tent", **fields})
    return Converter(Mapping.parse(mapping)).convert(record)


def product_of(mapping: str, **fields: Any) -> Product:
    item = item_of(mapping, **fields)
    assert item.product is not None, item.refusal
    return item.product


def refusal_of(mapping: str, **fields: Any) -> str | None:
    return item_of(mapping, **fields).refusal


PRICED = BASE + '[[prices]]\nselling = "price"\n'


class TestFields:
    def test_single_values_take_the_first_source_that_has_one(self):
        mapping = '[fields]\nid = "id"\ntitle = ["name", "title"]\n'

        assert product_of(mapping, name=" ").title == "Tent"
        assert product_of(mapping, name=" Tipi ").title == "Tipi"

    def test_lists_gather_all_their_sources_without_repeating(self):
        mapping = 'list_separator = "|"\n' + BASE + 'gtins = ["ean", "upc"]\n'

        assert list(product_of(mapping, ean=["1", "2"], upc="2|3").gtins) == ["1", "2", "3"]

    def test_a_source_may_lie_inside_an_object(self):
        assert product_of(BASE + 'brand = "maker.name"\n', maker={"name": "Lavmo"}).brand == "Lavmo"

    def test_constants_fill_what_a_line_leaves_empty(self):
        mapping = (
            BASE + 'brand = "brand"\n[constants]\nbrand = "Own"\nlanguage_code = "sv"\n'
            '"attributes.source" = "shop"\n'
        )

        product = product_of(mapping, brand="")

        assert (product.brand, product.language_code) == ("Own", "sv")
        assert list(product.attributes["source"].texts) == ["shop"]
        assert product_of(mapping, brand="Lavmo").brand == "Lavmo"

    def test_a_pattern_leaves_out_what_it_does_not_match(self):
        mapping = BASE + "mpn = 'name'\n[patterns]\nmpn = '\\S*\\d\\S*'\n"

        assert product_of(mapping, name="dv7-1211ea").mpn == "dv7-1211ea"
        assert product_of(mapping, name="Wall Mount 7").mpn == ""

    def test_an_id_can_be_made_of_other_fields_and_stays_the_same(self):
        mapping = 'id_from = ["title", "colour"]\n[fields]\ntitle = "title"\n'

        assert product_of(mapping, colour="red").id == product_of(mapping, colour="red").id
        assert product_of(mapping, colour="red").id != product_of(mapping, colour="blue").id

    @pytest.mark.parametrize(
        ("separator", "text"), [(">", "Clothes > Jackets"), ("/", "Clothes/Jackets")]
    )
    def test_category_paths_are_written_in_one_way(self, separator: str, text: str):
        mapping = f'category_separator = "{separator}"\n' + BASE + 'categories = "category"\n'

        assert list(product_of(mapping, category=text).categories) == ["Clothes > Jackets"]

    def test_category_levels_are_one_path(self):
        mapping = "category_levels = true\n" + BASE + 'categories = "levels"\n'

        product = product_of(mapping, levels=["Phones", "Prepaid"])

        assert list(product.categories) == ["Phones > Prepaid"]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("in stock", Availability.IN_STOCK),
            ("https://schema.org/InStock", Availability.IN_STOCK),
            ("out_of_stock", Availability.OUT_OF_STOCK),
            (False, Availability.OUT_OF_STOCK),
            ("I lager", Availability.IN_STOCK),
            ("Pre-order", Availability.PREORDER),
        ],
    )
    def test_availability_is_known_under_its_usual_names(self, text: object, expected: int):
        assert product_of(BASE + 'availability = "a"\n', a=text).availability == expected

    @pytest.mark.parametrize(
        ("formats", "value", "seconds"),
        [
            ("[]", "2025-03-31", 1_743_379_200),
            ("[]", "2025-03-31T02:00:00+02:00", 1_743_379_200),
            ('["%d/%m/%Y"]', "31/03/2025", 1_743_379_200),
            ('["unix_ms"]', 1_743_379_200_000, 1_743_379_200),
            ("[]", "1969-12-31T23:59:59Z", -1),
        ],
    )
    def test_dates_are_read_by_their_formats(self, formats: str, value: object, seconds: int):
        mapping = f"date_formats = {formats}\n" + BASE + 'release_time = "date"\n'

        assert product_of(mapping, date=value).release_time.seconds == seconds

    @pytest.mark.parametrize(
        ("field", "value", "reason"),
        [
            ("title", "", "title: is missing"),
            ("title", {"sv": "Tält"}, "title: {'sv': 'Tält'} is not one text"),
            ("id", None, "id: is missing"),
            ("id", "x" * 129, "id: has 129 bytes, at most 128 are allowed"),
            ("id", "a\tb", "id: 'a\\tb' has control characters"),
            ("title", "\ud800", "title: "),
            ("stock", "many", "stock_quantity: 'many' is not a number"),
            ("stock", 1.5, "stock_quantity: 1.5 is not a whole number"),
            ("stock", 10**30, "stock_quantity: "),
            ("available", "perhaps", "availability: 'perhaps' is none of in_stock"),
            ("date", "31/3", "release_time: '31/3' is not a date"),
        ],
    )
    def test_a_value_that_does_not_fit_is_refused_with_field_and_value(
        self, field: str, value: object, reason: str
    ):
        mapping = (
            BASE + 'stock_quantity = "stock"\navailability = "available"\nrelease_time = "date"\n'
        )

        refusal = refusal_of(mapping, **{field: value})

        assert refusal is not None
        assert refusal.startswith(reason)


class TestPrices:
    @pytest.mark.parametrize(
        ("value", "micros", "currency"),
        [
            (49.99, 49_990_000, ""),
            (1_299, 1_299_000_000, ""),
            ("1299.00 SEK", 1_299_000_000, "SEK"),
            ("SEK 1299", 1_299_000_000, "SEK"),
            ("€ 49.99", 49_990_000, "EUR"),
            ("1,299.50", 1_299_500_000, ""),
            ("1 299 kr", 1_299_000_000, ""),
            ("1299:-", 1_299_000_000, ""),
            ("0.1", 100_000, ""),
        ],
    )
    def test_amounts_are_micros_of_the_currency(self, value: object, micros: int, currency: str):
        price = product_of(PRICED, price=value).prices[0]

        assert (price.selling_micros, price.currency_code) == (micros, currency)

    def test_a_price_scale_says_how_many_units_make_one(self):
        mapping = PRICED + 'price_scale = 100\ncurrency = "EUR"\n'

        price = product_of(mapping, price=4_995).prices[0]

        assert (price.selling_micros, price.currency_code) == (49_950_000, "EUR")

    def test_a_decimal_comma_is_read_where_the_mapping_says_so(self):
        mapping = 'decimal_separator = ","\n' + PRICED

        assert product_of(mapping, price="1.299,50 kr").prices[0].selling_micros == 1_299_500_000

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (-1, "price: -1 is negative"),
            ("-12.50", "price: '-12.50' is negative"),
            ("12,50", "price: '12,50' is not a number with '.' before its decimals"),
            ("free", "price: 'free' is not an amount"),
            (True, "price: True is not an amount"),
            (1e300, "price: 1e+300 is larger than any price"),
            ("1 SEK EUR", "price: '1 SEK EUR' is not an amount"),
        ],
    )
    def test_a_doubtful_amount_is_refused_rather_than_guessed(self, value: object, reason: str):
        refusal = refusal_of(PRICED, price=value)

        assert refusal is not None
        assert refusal.startswith(reason)

    def test_a_sale_price_is_what_is_paid_and_the_price_is_what_it_was(self):
        mapping = PRICED + 'sale = "sale_price"\n'

        price = product_of(mapping, price="100 SEK", sale_price="80 SEK").prices[0]

        assert (price.selling_micros, price.list_micros) == (80_000_000, 100_000_000)
        assert product_of(mapping, price="100 SEK").prices[0].list_micros == 0

    def test_two_currencies_in_one_line_are_refused(self):
        mapping = PRICED + 'sale = "sale_price"\n'

        refusal = refusal_of(mapping, price="100 SEK", sale_price="8 EUR")

        assert refusal == "price: EUR and SEK in one line; one market has one currency"

    def test_every_market_has_its_price(self):
        mapping = PRICED + 'currency = "SEK"\n[[prices]]\nselling = "nok"\nmarket = "no"\n'

        product = product_of(mapping, price=10, nok=11)

        assert [(price.market, price.selling_micros) for price in product.prices] == [
            ("", 10_000_000),
            ("no", 11_000_000),
        ]

    def test_a_line_without_a_price_has_none(self):
        assert list(product_of(PRICED).prices) == []


ATTRIBUTED = BASE + '[attributes.prefixes]\nt_ = "text"\nn_ = "number"\nb_ = "boolean"\n'


class TestAttributes:
    def test_prefixes_give_kind_and_key(self):
        product = product_of(ATTRIBUTED, t_colour="red", n_weight=2.5, b_new=True, x_other="no")

        assert {key: MessageToDict(value) for key, value in product.attributes.items()} == {
            "colour": {"texts": ["red"]},
            "weight": {"numbers": [2.5]},
            "new": {"boolean": True},
        }

    def test_empty_values_set_nothing(self):
        product = product_of(ATTRIBUTED, t_colour="", n_weight=None, b_new=None, t_size=[])

        assert not product.attributes

    @pytest.mark.parametrize("names", [("t_size", "n_size"), ("n_size", "t_size")])
    def test_of_two_kinds_under_one_key_the_first_in_the_mapping_keeps_it(
        self, names: tuple[str, str]
    ):
        """An attribute of a product holds one kind; the order of the feed does not matter."""
        values = {"t_size": "small", "n_size": 4.0}
        convert = Converter(Mapping.parse(ATTRIBUTED)).convert

        for line in (1, 2):  # the first time the clash is found, later it is known
            fields = {"id": "1", "title": "T", **{name: values[name] for name in names}}
            product = convert(Record(line, fields)).product

            assert product is not None
            assert list(product.attributes["size"].texts) == ["small"]
            assert list(product.attributes["size_number"].numbers) == [4.0]

    def test_a_key_of_one_kind_in_each_product_is_shared(self):
        convert = Converter(Mapping.parse(ATTRIBUTED)).convert

        first = convert(Record(1, {"id": "1", "title": "T", "t_size": "small"})).product
        second = convert(Record(2, {"id": "2", "title": "T", "n_size": 4.0})).product

        assert first is not None
        assert second is not None
        assert set(first.attributes) == set(second.attributes) == {"size"}

    def test_values_of_one_kind_under_one_key_are_joined(self):
        mapping = ATTRIBUTED + '[attributes.fields]\ncolor = "colour"\n'

        product = product_of(mapping, t_colour="red", color="blue")

        assert list(product.attributes["colour"].texts) == ["red", "blue"]

    @pytest.mark.parametrize(
        ("name", "key"),
        [
            ("colour", "colour"),
            ("Färg", "Farg"),
            ("4g_wimax", "a_4g_wimax"),
            ("max. load (kg)", "max_load_kg"),
            ("", "a_"),
        ],
    )
    def test_any_name_becomes_a_key(self, name: str, key: str):
        assert attribute_key(name).startswith(key)

    @given(st.text(max_size=200))
    def test_keys_keep_to_the_rules_and_stay_when_made_again(self, name: str):
        key = attribute_key(name)

        assert key.isascii()
        assert key[0].isalpha()
        assert len(key) <= 64
        assert key.replace("_", "").replace("-", "").isalnum()
        assert attribute_key(key) == key

    def test_long_names_that_begin_alike_stay_apart(self):
        assert attribute_key("x" * 100 + "1") != attribute_key("x" * 100 + "2")

    def test_ignored_fields_are_left_out_of_prefixes(self):
        mapping = 'ignore = ["t_internal*", "n_cost"]\n' + ATTRIBUTED

        product = product_of(mapping, t_internal_note="x", n_cost=1, t_colour="red")

        assert set(product.attributes) == {"colour"}

    def test_objects_and_pairs_of_name_and_value_become_attributes(self):
        mapping = (
            BASE + '[attributes]\nobjects = ["specs"]\n'
            '[[attributes.pairs]]\nfield = "details"\nname = "n"\nvalue = "v"\n'
        )

        product = product_of(
            mapping, specs={"Vikt": 120, "Ny": True}, details=[{"n": "Färg", "v": "röd"}]
        )

        assert list(product.attributes["Vikt"].numbers) == [120]
        assert product.attributes["Ny"].boolean
        assert list(product.attributes["Farg"].texts) == ["röd"]

    @pytest.mark.parametrize(
        ("field", "value", "reason"),
        [
            ("n_weight", "heavy", "n_weight: 'heavy' is not a number"),
            ("b_new", "perhaps", "b_new: 'perhaps' is neither true nor false"),
            ("t_colour", {"a": 1}, "t_colour: {'a': 1} is not one text"),
            ("t_colour", "\udfff", "t_colour: "),
        ],
    )
    def test_a_value_of_another_kind_is_refused_with_its_field(
        self, field: str, value: object, reason: str
    ):
        refusal = refusal_of(ATTRIBUTED, **{field: value})

        assert refusal is not None
        assert refusal.startswith(reason)

    @given(
        st.dictionaries(
            st.sampled_from(["id", "title", "price", "t_x", "n_x", "b_x", "t_y"]),
            st.recursive(
                st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
                lambda inner: (
                    st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
                ),
                max_leaves=5,
            ),
        )
    )
    def test_any_json_becomes_a_product_or_a_refusal(self, fields: dict[str, Any]):
        item = Converter(Mapping.parse(ATTRIBUTED + '[[prices]]\nselling = "price"\n')).convert(
            Record(1, fields)
        )

        assert (item.product is None) != (item.refusal is None)
        if item.product is not None:
            item.product.SerializeToString()


class TestVariants:
    def test_a_list_inside_the_line_becomes_variants(self):
        mapping = (
            BASE + '[variants]\nlist_field = "skus"\n[variants.fields]\nid = "sku"\n'
            '[[variants.prices]]\nselling = "price"\n[variants.attributes.fields]\nsize = "size"\n'
        )

        product = product_of(mapping, skus=[{"sku": "1-S", "price": 10, "size": "S"}])

        assert product.variants[0].id == "1-S"
        assert product.variants[0].prices[0].selling_micros == 10_000_000
        assert list(product.variants[0].attributes["size"].texts) == ["S"]

    def test_a_bad_variant_refuses_its_line_and_says_which(self):
        mapping = BASE + '[variants]\nlist_field = "skus"\n[variants.fields]\nid = "sku"\n'

        assert refusal_of(mapping, skus=[{"sku": "1"}, {}]) == "skus[1].id: is missing"

    def read_groups(self, *rows: dict[str, Any]) -> list[FeedItem]:
        mapping = PRICED.replace(
            "[[prices]]",
            '[variants]\ngroup = "group"\n[attributes.fields]\nsize = "size"\nmaterial = "material"\n'
            "[[prices]]",
        )
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        source = FeedSource(io.BytesIO(content), name="feed.jsonl", size_bytes=None)
        return list(read_products(source, Mapping.parse(mapping)))

    def test_lines_of_one_group_become_one_product(self):
        items = self.read_groups(
            {"id": "1", "title": "Boot 7, 40", "group": "g", "size": "40", "material": "wool", "price": 9},
            {"id": "2", "title": "Boot 7, 41", "group": "g", "size": "41", "material": "wool", "price": 8},
            {"id": "3", "title": "Sock"},
        )  # fmt: skip

        products = [item.product for item in items]
        assert [(item.line, item.product and item.product.id) for item in items] == [
            (1, "g"),
            (3, "3"),
        ]
        assert products[0] is not None
        assert products[0].title == "Boot 7"
        assert set(products[0].attributes) == {"material"}
        assert not products[0].prices
        assert [variant.id for variant in products[0].variants] == ["1", "2"]
        assert list(products[0].variants[1].attributes["size"].texts) == ["41"]
        assert products[0].variants[1].prices[0].selling_micros == 8_000_000

    def test_a_group_that_comes_back_is_refused(self):
        """Its first lines are on their way already; replacing them would lose variants."""
        items = self.read_groups(
            {"id": "1", "title": "A", "group": "g"},
            {"id": "2", "title": "B", "group": "h"},
            {"id": "3", "title": "C", "group": "g"},
        )

        assert [item.line for item in items if item.refusal] == [3]
        assert len([item for item in items if item.product]) == 2


class TestMappingFile:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("[fields", "not TOML"),
            ('[fields]\nid = "id"\n', "fields.title: every product needs a title"),
            ('[fields]\ntitle = "t"\n', "either fields.id or id_from"),
            (BASE + 'titel = "t"\n', "fields.titel: is no field of a product; did you mean 'title'"),
            (BASE + "brand = 3\n", "fields.brand: must be a text or a list of texts"),
            ("price_scale = 100\n" + BASE, "price_scale: is not known"),
            (BASE + '[[prices]]\ncurrency = "SEK"\n', "prices[0].selling: must name"),
            (PRICED + "price_scale = 0\n", "prices[0].price_scale: must be a whole number"),
            (PRICED + 'curency = "SEK"\n', "prices[0].curency: is not known; did you mean 'currency'"),
            (BASE + '[attributes.prefixes]\nt_ = "string"\n', "attributes.prefixes.t_: must be one of"),
            (BASE + '[constants]\nprice = "1"\n', "constants.price: cannot be constant"),
            (BASE + "[patterns]\nmpn = '['\n", "patterns.mpn: no regular expression"),
            (BASE + "[patterns]\ngtins = '1'\n", "patterns.gtins: is no text field"),
            (BASE + "[variants]\n", "variants: needs either list_field or group"),
            ('decimal_separator = ";"\n' + BASE, "decimal_separator: ';' is none of"),
        ],
    )  # fmt: skip
    def test_a_mistake_is_told_with_its_place(self, text: str, reason: str):
        with pytest.raises(MappingError) as caught:
            Mapping.parse(text)

        assert caught.value.message.startswith(reason)

    def test_a_mapping_is_read_back_as_it_was_written(self):
        text = (
            'ignore = ["x*"]\nlist_separator = "|"\ncategory_levels = true\ndelimiter = "\\t"\n'
            'date_formats = ["%d/%m"]\n'
            + BASE
            + 'images = ["a", "b c"]\n[[prices]]\nselling = "g:price"\nprice_scale = 100\n'
            '[attributes]\nobjects = ["o"]\n[attributes.prefixes]\n"p:" = "auto"\n'
            '[attributes.fields]\n"g:color" = "colour"\nw = { key = "weight", kind = "number" }\n'
            '[variants]\nlist_field = "v"\n[variants.fields]\nid = "s"\n'
            "[patterns]\nmpn = '\\d+'\n"
            '[constants]\nbrand = "A \\"b\\""\n"attributes.x" = "y"\n'
        )
        mapping = Mapping.parse(text)

        written = to_toml(mapping, notes=["Checked by hand."])

        assert written.startswith("# Checked by hand.\n")
        assert Mapping.parse(written) == mapping


class TestOwnForm:
    def test_what_the_platform_writes_is_read_back_the_same(self):
        """`saluhall products list --json` and `import` are each other's way back."""
        attributes = {
            "colour": AttributeValue(texts=["red", "blue"]),
            "weight": AttributeValue(numbers=[1.5]),
            "new": AttributeValue(boolean=False),
        }
        price = Price(market="se", currency_code="SEK", selling_micros=1, list_micros=2**62)
        product = Product(
            id="1",
            title="Tält",
            description="Rymligt.",
            brand="Lavmo",
            gtins=["2000000000008"],
            categories=["A > B"],
            attributes=attributes,
            prices=[price],
            availability=Availability.IN_STOCK,
            stock_quantity=0,
            images=[Image(url="https://x", alt_text="x")],
            tags=["new"],
            popularity=0.1,
            variants=[Variant(id="1-S", attributes=attributes, prices=[price], stock_quantity=3)],
        )
        product.release_time.seconds = 1_743_379_200
        record = MessageToDict(product, preserving_proto_field_name=True)

        item = Converter(OWN_MAPPING).convert(Record(1, record))

        assert item.product == product


def test_stock_of_markets_and_stores_is_read_as_the_platform_writes_it():
    product = Product(id="a", title="T", stock_levels=[StockLevel(store="lund", stock_quantity=0)])
    product.variants.add(id="v").stock_levels.add(market="se", availability=Availability.IN_STOCK)
    written = MessageToDict(product, preserving_proto_field_name=True)

    item = Converter(OWN_MAPPING).convert(Record(1, written))

    assert item.product == product


def test_a_stock_level_with_unknown_parts_is_refused():
    record = {"id": "a", "title": "T", "stock_levels": [{"shop": "lund", "stock_quantity": 1}]}

    item = Converter(OWN_MAPPING).convert(Record(1, record))

    assert item.product is None
    assert "'shop' is no part of a stock level" in item.refusal
