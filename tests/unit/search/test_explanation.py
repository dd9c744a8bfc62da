"""What an explained answer says of each hit."""

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import FieldSetting, Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.queries import to_explanation
from actors.search.alternatives import CLASS_FACTORS, MatchClass
from actors.search.explanation import ExplainedWord, Role, explain
from actors.search.highlight import highlight
from actors.search.merchandise import Boost, Merchandise, RulePlan, RuleRequest
from actors.search.query import Hit, SearchPage, SearchQuery
from actors.search.search import search
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product, Variant
from protos.v1.search_pb2 import WordExplanation

SCHEMA = Schema(("sv",), {}, {}, weights_version=1)


def product(title: str, **content) -> Product:
    """Its title is its id."""
    attributes = content.pop("attributes", {})
    made = Product(id=content.pop("id", title), title=title, **content)
    for key, text in attributes.items():
        made.attributes[key].texts.append(text)
    return made


JACKET = product(
    "Vinterjacka dam",
    id="j-1",
    brand="Ripan",
    categories=["Kläder > Jackor"],
    description="En varm jacka för vintern.",
    attributes={"kon": "Dam"},
    gtins=["7350001234567"],
)
OTHERS = (
    product("Fodral för telefon"),
    product("Jacka herr"),
    product("Telefon"),
    product("Vinter väst"),
    product("Regn och rusk"),
    product("Regnjacka"),
)


def branch(*products: Product) -> BranchView:
    arrays = MemoryArrays()
    items = [IndexedProduct(product, InventoryRecord()) for product in products]
    update_index(arrays, 1, IndexUpdate(items), SCHEMA)
    return open_branch(arrays, 1)


def ask(text: str, *products: Product, **options) -> SearchPage:
    view = branch(*(products or (JACKET, *OTHERS)))
    return search(view, SearchQuery(text, explain=True, **options), SCHEMA)


def hit_of(page: SearchPage, product_id: str) -> Hit:
    every = (*page.hits, *page.relaxed_hits)
    return next(hit for hit in every if hit.product_id.decode() == product_id)


def words_of(text: str, of: Product = JACKET) -> list[ExplainedWord]:
    hit = hit_of(ask(text, of, *OTHERS), of.id)
    return list(explain(hit, of, SCHEMA.analyzer("sv"), text=text).words)


def test_a_mistyped_word_says_what_it_was_found_as_and_where() -> None:
    typed, exact = words_of("vinterjaka dam")

    assert typed.word.text == "vinterjaka"
    assert (typed.word.match_class, typed.written) == (MatchClass.TYPO, "Vinterjacka")
    assert (typed.fields, typed.role) == (("title",), Role.NAME)
    assert typed.word.class_factor == CLASS_FACTORS[MatchClass.TYPO]
    assert (exact.word.match_class, exact.written) == (MatchClass.EXACT, "dam")
    assert exact.fields == ("title", "attributes.kon")


@pytest.mark.parametrize(
    ("text", "match_class", "written"),
    [
        ("jackor", MatchClass.EXACT, "Jackor"),
        ("vinterj", MatchClass.PREFIX, "Vinterjacka"),
        ("ripan", MatchClass.EXACT, "Ripan"),
    ],
)
def test_a_word_is_found_as_the_product_writes_it(
    text: str, match_class: MatchClass, written: str
) -> None:
    (word,) = words_of(text)

    assert (word.word.match_class, word.written) == (match_class, written)


def test_a_kind_of_what_was_asked_for_is_a_compound_head() -> None:
    rain = OTHERS[-1]
    page = ask("jacka")

    (word,) = explain(hit_of(page, rain.id), rain, SCHEMA.analyzer("sv"), text="jacka").words

    assert (word.word.match_class, word.written) == (MatchClass.COMPOUND_HEAD, "Regnjacka")


def test_a_compound_may_be_there_in_two_words() -> None:
    coat = product("Jacka vinter")

    (word,) = words_of("vinterjacka", coat)

    assert (word.word.match_class, word.written) == (MatchClass.JOINED, "vinter Jacka")


def test_what_a_product_is_for_is_told_from_what_it_is() -> None:
    case = OTHERS[0]
    hit = hit_of(ask("fodral telefon"), case.id)

    name, target = explain(hit, case, SCHEMA.analyzer("sv"), text="fodral telefon").words

    assert (name.role, target.role) == (Role.NAME, Role.TARGET)


def test_an_identifier_is_named_and_adds_its_own() -> None:
    hit = hit_of(ask("7350001234567"), "j-1")
    explained = explain(hit, JACKET, SCHEMA.analyzer("sv"), text="7350001234567")

    message = to_explanation(hit, explained)

    assert (message.identifier_field, message.step) == ("gtins", 0)
    assert math.isclose(message.score, message.identifier_contribution, rel_tol=1e-6)


def test_a_variants_title_and_id_are_looked_at() -> None:
    shoe = product("Sko", variants=[Variant(id="sku-7", title="Sko röd")])
    hit = hit_of(ask("röd", shoe), "Sko")
    assert explain(hit, shoe, SCHEMA.analyzer("sv"), text="röd").words[0].fields == ("title",)

    hit = hit_of(ask("SKU7", shoe), "Sko")
    named = explain(hit, shoe, SCHEMA.analyzer("sv"), text="SKU7").identifier_field
    assert named == "variant_id"


def test_a_relaxed_hit_is_explained_by_the_words_that_it_holds() -> None:
    hit = hit_of(ask("vinterjacka röd"), "j-1")

    assert hit.missing_words == ("röd",)
    assert [word.text for word in hit.words] == ["vinterjacka"]
    assert math.isclose(hit.score, hit.words[0].contribution, rel_tol=1e-5)


class Notebooks:
    """Synonyms in every language: who asks for a laptop is shown notebooks and portable computers."""

    def of(self, _language_code: str, /) -> Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]:
        return {("laptop",): [("notebook",), ("portabel", "dator")]}


def test_a_synonym_says_so_with_all_of_its_words() -> None:
    one, two = product("Notebook"), product("Dator portabel")
    page = search(
        branch(one, two),
        SearchQuery("laptop", explain=True),
        SCHEMA,
        Merchandise(synonyms=Notebooks()),
    )

    words = [
        explain(hit_of(page, of.id), of, SCHEMA.analyzer("sv"), text="laptop").words[0]
        for of in (one, two)
    ]

    assert {word.word.match_class for word in words} == {MatchClass.SYNONYM}
    assert [word.written for word in words] == ["Notebook", "portabel Dator"]


class Boosting:
    """Rules that double what costs nothing to tell: products of one brand."""

    def decide(self, request: RuleRequest) -> RulePlan:
        return RulePlan(request.text, boosts=(Boost('brand = "Ripan"', 2.0, "ours"),))


def test_a_boost_is_a_factor_of_the_score() -> None:
    fields = {"brand": FieldSetting(1.5, facetable=True, filterable=True, sortable=True)}
    schema = Schema(("sv",), fields, {}, weights_version=1)
    page = search(
        branch(JACKET),
        SearchQuery("vinterjacka dam", explain=True),
        schema,
        Merchandise(rules=Boosting()),
    )

    (hit,) = page.hits
    message = to_explanation(hit, explain(hit, JACKET, schema.analyzer("sv"), text=""))

    assert [(one.name, one.value, one.detail) for one in message.factors] == [("boost", 2, "ours")]
    assert math.isclose(
        2 * sum(word.contribution for word in message.words), message.score, rel_tol=1e-5
    )


def test_nothing_is_explained_unasked() -> None:
    page = search(branch(JACKET), SearchQuery("vinterjacka"), SCHEMA)

    assert (page.hits[0].words, page.hits[0].placing) == ((), None)


def test_the_message_names_classes_and_roles() -> None:
    hit = hit_of(ask("vinterjaka"), "j-1")

    message = to_explanation(hit, explain(hit, JACKET, SCHEMA.analyzer("sv"), text="vinterjaka"))

    (word,) = message.words
    assert (word.match_class, word.role) == (WordExplanation.TYPO, WordExplanation.NAME)
    assert (word.word, word.found, list(word.fields)) == ("vinterjaka", "Vinterjacka", ["title"])
    assert [part.name for part in message.business] == ["in_stock", "popularity", "freshness"]
    assert message.step == 1


WORDS = (
    "röd",
    "jacka",
    "vinterjacka",
    "regnjacka",
    "vinter",
    "mössa",
    "dam",
    "vinterjaka",
    "jackor",
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), min_size=1, max_size=15),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
)
def test_the_contributions_add_up_to_the_score_and_factors_multiply_it(
    titles: list[list[str]], words: list[str]
) -> None:
    products = [
        product(" ".join(title), id=f"p{n:02}", description=" ".join(reversed(title)))
        for n, title in enumerate(titles)
    ]

    page = ask(" ".join(words), *products)

    for hit in (*page.hits, *page.relaxed_hits):
        added = sum(word.contribution for word in hit.words)
        placing = hit.placing
        factors = () if placing is None else placing.factors
        assert math.isclose(
            added * math.prod(factor.value for factor in factors), hit.score, rel_tol=1e-4
        )
        for word in hit.words:
            # A word of several alternatives has the codes of lesser ones rounded, of low ones up.
            whole = word.idf * word.class_factor * word.impact
            assert math.isclose(whole, word.contribution, rel_tol=1e-6)
            assert 0 < word.impact <= 1.01


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("vinterjaka", "<em>Vinterjacka</em> dam"),
        ("vinterj", "<em>Vinterjacka</em> dam"),
        ("jacka dam", "<em>Vinterjacka</em> <em>dam</em>"),
    ],
)
def test_what_a_word_was_found_as_is_highlighted(text: str, marked: str) -> None:
    page = ask(text, product("Vinterjacka dam"), product("Jacka"), product("Vinter"))

    assert highlight("Vinterjacka dam", page.terms, SCHEMA.analyzer("sv")) == marked


def test_a_word_in_another_language_is_highlighted_as_it_is_written() -> None:
    """English leaves *klubbor* alone, which Swedish reads as *klubba*: only its written form is common."""
    page = search(
        branch(product("Klubbor", language_code="sv")),
        SearchQuery("klubbro", language_code="en"),
        SCHEMA,
    )

    assert page.total == 1
    assert highlight("Klubbor", page.terms, SCHEMA.analyzer("sv")) == "<em>Klubbor</em>"
