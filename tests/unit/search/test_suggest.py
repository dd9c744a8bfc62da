"""What is suggested while a shopper types."""

import html
import random
import re
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.index.columns import folded
from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.merchandise import Hiding, Merchandise, RulePlan, RuleRequest
from actors.search.query import SearchQuery
from actors.search.search import search
from actors.search.suggest import COUNT_MAX, Suggestions, SuggestQuery, suggest
from actors.search.suggest_typed import Typed, mark_remainder, read_typed
from actors.text.analyzer import analyzer_of
from node.errors import InvalidArgumentError
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

ENGLISH = Schema(("en",), {}, {}, weights_version=1)
SWEDISH = Schema(("sv",), {}, {}, weights_version=1)


def branch(products: Sequence[Product], schema: Schema = ENGLISH) -> BranchView:
    arrays = MemoryArrays()
    items = [IndexedProduct(product, InventoryRecord()) for product in products]
    update_index(arrays, 1, IndexUpdate(items), schema)
    return open_branch(arrays, 1)


def titled(*titles: str, **content: object) -> list[Product]:
    return [Product(id=f"{n:04}", title=title, **content) for n, title in enumerate(titles)]


def ask(view: BranchView, text: str, schema: Schema = ENGLISH, **counts: int) -> Suggestions:
    return suggest(view, SuggestQuery(text, **counts), schema)


def texts(suggestions: Sequence) -> list[str]:
    return [one.text for one in suggestions]


BAGS = titled(
    "Leather laptop bag",
    "Canvas laptop bag",
    "Laptop stand",
    "Laptop stand",
    "Gaming mouse",
    "Gaming mouse",
    "Lamp",
)


def test_queries_go_on_from_what_is_typed_and_mark_what_is_not() -> None:
    found = ask(branch(BAGS), "lap")

    assert [(one.text, one.highlighted, one.product_count) for one in found.queries] == [
        ("laptop", "lap<em>top</em>", 4),
        ("laptop bag", "lap<em>top bag</em>", 2),
        ("laptop stand", "lap<em>top stand</em>", 2),
    ]


def test_a_phrase_that_one_product_has_is_no_query() -> None:
    assert "leather laptop" not in texts(ask(branch(BAGS), "leather").queries)


def test_a_space_ends_the_word() -> None:
    view = branch(titled("Cap", "Cap", "Capsule", "Red cap holder", "Blue cap holder"))

    assert texts(ask(view, "cap").queries) == ["cap", "cap holder", "capsule"]
    assert texts(ask(view, "cap ").queries) == ["cap", "cap holder"]


def test_the_last_words_go_on_where_the_whole_text_does_not() -> None:
    view = branch(titled("Blue gaming mouse", "Red gaming mouse", "Blue mousse", "Mouth organ"))

    assert texts(ask(view, "blue gaming mou").queries) == ["blue gaming mouse"]


def test_a_mistyped_beginning_is_read_as_the_one_that_is_meant() -> None:
    found = ask(branch(BAGS), "lapotp ba")

    assert found.corrected_query == "laptop ba"
    assert [one.highlighted for one in found.queries] == ["laptop ba<em>g</em>"]
    assert found.page is not None
    assert {hit.product_id for hit in found.page.hits} == {b"0000", b"0001"}


def test_an_unfinished_word_is_corrected_before_it_is_complete() -> None:
    found = ask(branch(titled("Wireless headphones", "Head lamp")), "haedpho")

    assert found.corrected_query == "headpho"
    assert found.queries[0].highlighted == "headpho<em>nes</em>"


def test_what_is_spelled_right_is_not_corrected() -> None:
    assert ask(branch(titled("Casing", "Chasing game")), "casin").corrected_query == ""
    assert ask(branch(BAGS), "qqqqq").corrected_query == ""


def test_queries_that_ask_for_the_same_words_are_one() -> None:
    view = branch(titled("Usb cable", "Usb cables", "Usb cables", "Cable", "Cables"))

    found = ask(view, "usb c").queries

    assert [(one.text, one.product_count) for one in found] == [("usb cables", 3)]


def test_sources_come_before_the_catalogue_and_must_find_products_too() -> None:
    class Asked:
        def going_on(self, typed: Typed, /) -> Iterator[str]:
            yield from (q for q in ("lamp post", "lamp", "laptops") if q.startswith(typed.text))

    found = suggest(branch(BAGS), SuggestQuery("la"), ENGLISH, sources=(Asked(),))

    assert texts(found.queries) == ["lamp", "laptops", "laptop bag", "laptop stand"]


def test_products_are_those_of_the_first_query() -> None:
    view = branch(BAGS)
    found = ask(view, "gam")

    assert texts(found.queries) == ["gaming", "gaming mouse"]
    assert found.page is not None
    wanted = search(view, SearchQuery("gaming", page_size=4), ENGLISH)
    assert [hit.product_id for hit in found.page.hits] == [hit.product_id for hit in wanted.hits]


def test_a_code_that_nothing_goes_on_from_finds_its_product() -> None:
    found = ask(branch(titled("Headphones WH-1000XM4", "Lamp")), "wh-1000x")

    assert found.page is not None
    assert [hit.product_id for hit in found.page.hits] == [b"0000"]


def test_products_that_a_rule_hides_are_not_suggested() -> None:
    class HideFirst:
        def decide(self, request: RuleRequest) -> RulePlan:
            return RulePlan(
                request.text, hidden=(Hiding(frozenset({b"0000"}), filter="", rule_id="r"),)
            )

    found = suggest(
        branch(BAGS), SuggestQuery("leather la"), ENGLISH, Merchandise(rules=HideFirst())
    )

    assert found.page is not None
    assert found.page.hits == ()


def test_a_query_counts_what_synonyms_find_too() -> None:
    class Synonyms:
        def of(self, _language_code: str, /) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
            return {("laptop",): [("notebook",)]}

    view = branch([*BAGS, Product(id="n", title="Notebook")])

    plain = suggest(view, SuggestQuery("laptop"), ENGLISH)
    wide = suggest(view, SuggestQuery("laptop"), ENGLISH, Merchandise(synonyms=Synonyms()))

    assert [one.product_count for one in plain.queries] == [4, 2, 2]
    assert [one.product_count for one in wide.queries] == [5, 2, 2]
    assert ask(view, "laptop").queries == plain.queries


CATALOGUE = [
    Product(id="1", title="a", brand="Tripp Lite", categories=["Electronics > USB Hubs"]),
    Product(id="2", title="b", brand="Haglöfs", categories=["Electronics > USB Hubs"]),
    Product(id="3", title="c", brand="Haglöfs", categories=["Clothes > Winter Jackets", "Sale"]),
    Product(id="4", title="d", brand="HP", categories=["Clothes > Summer Jackets"]),
]


def test_a_category_is_found_by_any_of_its_words_and_shown_with_its_path() -> None:
    view = branch(CATALOGUE)

    found = sorted(ask(view, "jack").categories, key=lambda one: one.text)
    assert [(one.text, one.highlighted, one.product_count) for one in found] == [
        ("Clothes > Summer Jackets", "<em>Clothes &gt; Summer </em>Jack<em>ets</em>", 1),
        ("Clothes > Winter Jackets", "<em>Clothes &gt; Winter </em>Jack<em>ets</em>", 1),
    ]
    assert texts(ask(view, "cloth").categories) == ["Clothes"]
    assert texts(ask(view, "clothes win").categories) == ["Clothes > Winter Jackets"]
    assert texts(ask(view, "summer clothes").categories) == []


def test_a_brand_is_found_by_any_of_its_words() -> None:
    view = branch(CATALOGUE)

    assert ask(view, "lit").brands[0].highlighted == "<em>Tripp </em>Lit<em>e</em>"
    assert [(one.text, one.product_count) for one in ask(view, "ha").brands] == [("Haglöfs", 2)]


def test_letters_may_be_typed_without_their_dots() -> None:
    products = titled("Fältstol", "Fältstol", brand="Åhléns", categories=["Friluft > Fällstolar"])
    view = branch(products, SWEDISH)

    found = ask(view, "falts", SWEDISH)
    assert found.queries[0].highlighted == "fälts<em>tol</em>"
    assert ask(view, "fälts", SWEDISH).queries[0].highlighted == "fälts<em>tol</em>"
    assert texts(ask(view, "ahl", SWEDISH).brands) == ["Åhléns"]
    assert ask(view, "fäll", SWEDISH).categories[0].highlighted == (
        "<em>Friluft &gt; </em>Fäll<em>stolar</em>"
    )


def test_a_swedish_plural_is_suggested_for_its_singular() -> None:
    products = titled("Polar", "Fjäll", categories=["Kläder > Vinterjackor"])

    found = ask(branch(products, SWEDISH), "vinterjacka", SWEDISH)

    assert texts(found.categories) == ["Kläder > Vinterjackor"]


def test_nothing_typed_gives_what_is_popular() -> None:
    found = ask(branch([*CATALOGUE, *BAGS]), "", query_count=3)

    assert len(found.queries) == 3
    assert {"bag", "laptop bag"} <= set(texts(found.queries))
    assert "<em>bag</em>" in [one.highlighted for one in found.queries]
    assert sorted(texts(found.categories)) == ["Clothes", "Electronics", "Electronics > USB Hubs"]
    assert found.brands == ()
    assert found.page is None
    assert ask(branch([]), "") == ask(branch([]), " ")
    assert texts(ask(branch(CATALOGUE), " - ").categories) == texts(found.categories)


def test_what_is_shown_is_escaped() -> None:
    products = titled("<b>Bolt</b>", brand="B&O <i>", categories=["Tools & 'Bolts'"])

    found = ask(branch(products), "b")

    assert found.brands[0].highlighted == "B<em>&amp;O &lt;i&gt;</em>"
    assert found.categories[0].highlighted == "<em>Tools &amp; &#x27;</em>B<em>olts&#x27;</em>"


def test_only_what_was_not_typed_is_marked() -> None:
    def marked(text: str, typed: str, language: str = "en") -> str:
        return mark_remainder(text, read_typed(typed, analyzer_of(language)))

    assert marked("Gaming gear", "g") == "G<em>aming gear</em>"
    assert marked("USB-C cable (2 m)", "usb c cab") == "USB-C cab<em>le (2 m)</em>"
    assert marked("red laptop bags", "laptop bag") == "<em>red </em>laptop bag<em>s</em>"
    assert marked("Röda jackor", "jacka", "sv") == "<em>Röda </em>jackor"
    assert marked("Weißbier", "weis", "sv") == "Weißbier"
    assert marked("Cafe\u0301 au lait", "café") == "Café<em> au lait</em>"


def test_numbers_asked_for_are_bounds() -> None:
    products = titled(*[f"Lamp{'abcdefghijklmnopqrstuvwxyz'[n % 26]}" for n in range(60)])
    view = branch(products)

    assert len(ask(view, "la", query_count=1_000).queries) == COUNT_MAX
    none = ask(view, "la", query_count=0, category_count=0, brand_count=0, product_count=0)
    assert (none.queries, none.categories, none.brands, none.page) == ((), (), (), None)
    with pytest.raises(InvalidArgumentError, match="brand_count"):
        ask(view, "la", brand_count=-1)
    with pytest.raises(InvalidArgumentError, match="256"):
        ask(view, "ö" * 129)
    assert ask(view, "x" * 256).queries == ()


NOUNS = ("jacket", "hub", "lamp", "cable", "bag")
MODIFIERS = ("usb", "winter", "blue", "gaming", "leather", "hubs")
BRANDS = ("HP", "Tripp Lite", "Haglöfs", "Hama", "")
PATHS = ("Home > Lamps", "Home > Bags & Cases", "Home", "Clothes > Winter Jackets", "Hub")


def random_products(rng: random.Random, count: int) -> list[Product]:
    return [
        Product(
            id=f"p{number:03}",
            title=" ".join((*rng.choices(MODIFIERS, k=rng.randint(0, 2)), rng.choice(NOUNS))),
            brand=rng.choice(BRANDS),
            categories=rng.sample(PATHS, rng.randint(0, 2)),
        )
        for number in range(count)
    ]


def random_typed(rng: random.Random) -> str:
    words = rng.choices(
        (*NOUNS, *MODIFIERS, "home", "tripp", "haglofs", "jakcet"), k=rng.randint(1, 3)
    )
    text = " ".join(words)
    return text[: rng.randint(0, len(text))]


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_suggestions_do_not_depend_on_how_products_are_cut_into_segments(
    rng: random.Random,
) -> None:
    products = random_products(rng, 40)
    view = branch(products)
    arrays = MemoryArrays()
    outdated = [Product(id=one.id, title="winter lamp", brand="Hama") for one in products]
    for some in (outdated[::2], products[:9], outdated[30:35], products[9:20], products[20:]):
        items = [IndexedProduct(product, InventoryRecord()) for product in some]
        update_index(arrays, 1, IndexUpdate(items), ENGLISH)
    cut = open_branch(arrays, 1)
    for _ in range(8):
        typed = random_typed(rng)

        one, other = ask(view, typed), ask(cut, typed)

        assert one.queries == other.queries
        assert (one.categories, one.brands) == (other.categories, other.brands)
        assert one.corrected_query == other.corrected_query
        assert ids(one) == ids(other)


def ids(found: Suggestions) -> list[bytes]:
    return [] if found.page is None else [hit.product_id for hit in found.page.hits]


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_suggestions_find_what_they_count_and_none_stands_twice(rng: random.Random) -> None:
    products = random_products(rng, 30)
    view = branch(products)
    analyzer = ENGLISH.analyzer("")
    for _ in range(8):
        typed = random_typed(rng)

        found = ask(view, typed, query_count=20, category_count=20, brand_count=20)

        asked = [frozenset(analyzer.analyze_query(text).terms) for text in texts(found.queries)]
        assert len(set(asked)) == len(asked)
        for query in found.queries:
            page = search(view, SearchQuery(query.text, as_typed=True), ENGLISH)
            assert 0 < query.product_count <= page.total
        for brand in found.brands:
            assert brand.product_count == sum(one.brand == brand.text for one in products)
        for category in found.categories:
            assert category.product_count == sum(
                any(f"{path} > ".startswith(f"{category.text} > ") for path in one.categories)
                for one in products
            )
        for suggestion in (*found.queries, *found.categories, *found.brands):
            plain = html.unescape(re.sub(r"</?em>", "", suggestion.highlighted))
            assert plain == suggestion.text


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_every_brand_and_category_with_a_word_that_begins_so_is_found(rng: random.Random) -> None:
    products = random_products(rng, 30)
    view = branch(products)
    typed = rng.choice(("h", "ha", "ho", "l", "b", "win", "ca", "tr", "j", "hub"))

    found = ask(view, typed, category_count=20, brand_count=20)

    def begins(text: str) -> bool:
        return any(word.startswith(typed) for word in re.findall(r"\w+", folded(text)))

    brands = {one.brand for one in products if begins(one.brand)}
    levels = {
        " > ".join(parts[:level])
        for one in products
        for path in one.categories
        for parts in [path.split(" > ")]
        for level in range(1, len(parts) + 1)
    }
    assert set(texts(found.brands)) == brands
    assert set(texts(found.categories)) == {
        path for path in levels if begins(path.rpartition(" > ")[2])
    }
