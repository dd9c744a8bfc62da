"""What a shop's synonyms find: each test is a fact about a search."""

import pytest

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_AVERAGE_LENGTHS, Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.alternatives import JOINT, MatchClass
from actors.search.matching import top_matches
from actors.search.reading import read_text
from actors.search.synonyms import TARGETS_MAX, SynonymBook
from actors.search.widening import match_text
from actors.text.analyzer import analyzer_of
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.merchandising_pb2 import Synonym
from protos.v1.product_pb2 import Product

SCHEMA = Schema(("en", "sv"), {}, DEFAULT_AVERAGE_LENGTHS, weights_version=1)


def branch(*titles: str, language: str = "en") -> BranchView:
    """A product for each title, which is its id too."""
    arrays = MemoryArrays()
    items = [
        IndexedProduct(Product(id=title, title=title, language_code=language), InventoryRecord())
        for title in titles
    ]
    update_index(arrays, 1, IndexUpdate(items), SCHEMA)
    return open_branch(arrays, 1)


def same(*words: str, id: str = "s", language: str = "") -> Synonym:  # noqa: A002
    return Synonym(id=id, words=words, language_code=language)


def one_way(words: list[str], replacements: list[str], **fields: str) -> Synonym:
    synonym = same(*words, **fields)
    synonym.replacements.extend(replacements)
    return synonym


def found(view: BranchView, query: str, *synonyms: Synonym, language: str = "en") -> list[str]:
    """The main list, best first."""
    matches = match_text(
        view,
        query,
        analyzer_of(language),
        by_relevance=True,
        corrects=False,
        synonyms=SynonymBook.of_messages(synonyms).of(language),
    )
    return [hit.product_id.decode() for hit in top_matches(matches.matches, 100)]


def test_a_word_that_the_catalogue_never_uses_finds_its_synonyms_products() -> None:
    view = branch("Acer notebook", "Notebook sleeve", "Desk")

    assert found(view, "laptop") == []
    assert sorted(found(view, "laptop", same("laptop", "notebook"))) == [
        "Acer notebook",
        "Notebook sleeve",
    ]


def test_multi_way_synonyms_find_one_another_in_every_direction() -> None:
    view = branch("alpha thing", "beta thing", "gamma thing")
    synonym = same("alpha", "beta", "gamma")

    for word in ("alpha", "beta", "gamma"):
        assert len(found(view, word, synonym)) == 3
        assert found(view, word, synonym)[0] == f"{word} thing"


def test_a_one_way_synonym_does_not_find_the_other_way_round() -> None:
    view = branch("red tulip", "red flower")
    synonym = one_way(["flower"], ["tulip"])

    assert found(view, "flower", synonym) == ["red flower", "red tulip"]
    assert found(view, "tulip", synonym) == ["red tulip"]


def test_replacements_of_one_synonym_do_not_find_one_another() -> None:
    view = branch("tulip", "rose")

    assert found(view, "tulip", one_way(["flower"], ["tulip", "rose"])) == ["tulip"]


def test_there_are_no_chains() -> None:
    view = branch("gamma thing")

    assert found(view, "alpha", same("alpha", "beta"), same("beta", "gamma", id="t")) == []


@pytest.mark.parametrize(
    "query", ["bärbar dator", "bärbara datorer", "Bärbara Datorn", "röd bärbar dator"]
)
def test_synonyms_are_found_through_the_forms_of_their_words(query: str) -> None:
    view = branch("röda laptops", language="sv")

    assert found(view, query, same("bärbara datorer", "laptop"), language="sv") == ["röda laptops"]


def test_several_words_for_one_are_found_in_a_product_that_holds_them_all() -> None:
    view = branch("computer for a portable life", "portable radio", "computer desk")
    synonym = one_way(["laptop"], ["portable computer"])

    assert found(view, "laptop", synonym) == ["computer for a portable life"]
    assert found(view, "laptop desk", synonym) == []


def test_one_word_for_several_answers_each_of_them_where_they_stand_in_a_row() -> None:
    view = branch("black sneakers", "running shoes for men")
    synonym = one_way(["running shoes"], ["sneakers"])

    assert found(view, "running shoes", synonym) == ["running shoes for men", "black sneakers"]
    assert found(view, "black running shoes", synonym) == ["black sneakers"]
    assert found(view, "running black shoes", synonym) == []


def test_several_words_may_stand_for_several() -> None:
    view = branch("vacuum cleaner robot", "dust sucker")
    synonym = same("vacuum cleaner", "dust sucker")

    assert found(view, "dust sucker", synonym) == ["dust sucker", "vacuum cleaner robot"]


def test_a_product_that_holds_the_word_itself_stands_before_one_that_holds_its_synonym() -> None:
    view = branch("A sofa", "B couch")

    assert found(view, "couch", same("sofa", "couch")) == ["B couch", "A sofa"]
    assert found(view, "sofa", same("sofa", "couch")) == ["A sofa", "B couch"]


@pytest.mark.parametrize(
    ("of_synonym", "of_query", "finds"),
    [
        ("", "en", True),
        ("", "xx", True),
        ("en", "en", True),
        ("EN", "en-GB", True),
        ("en-US", "en-us", True),
        ("en-US", "en-GB", False),
        ("sv", "en", False),
    ],
)
def test_a_synonym_holds_for_the_language_it_names(
    of_synonym: str, of_query: str, *, finds: bool
) -> None:
    view = branch("sofa")
    synonym = same("sofa", "couch", language=of_synonym)

    assert bool(found(view, "couch", synonym, language=of_query)) is finds


def test_a_match_by_a_synonym_is_of_that_class() -> None:
    runs = SynonymBook.of_messages([one_way(["laptop"], ["portable computer", "notebook"])])
    view = branch("notebook", "portable computer")

    (word,) = read_text(view, "laptops", analyzer_of("en"), runs.of("en")).words

    assert [(one.term, one.match_class) for one in word.alternatives[1:]] == [
        (JOINT.join(["portabl", "comput"]), MatchClass.SYNONYM),
        ("notebook", MatchClass.SYNONYM),
    ]


def test_a_term_that_answers_in_two_ways_counts_as_the_better() -> None:
    view = branch("vinterjacka", "jacka", "vinter", language="sv")
    runs = SynonymBook.of_messages([same("jacka", "vinterjacka")])

    (word,) = read_text(view, "jacka", analyzer_of("sv"), runs.of("sv")).words

    assert [one.match_class for one in word.alternatives[1:]] == [MatchClass.COMPOUND_HEAD]


def test_at_most_a_hundred_stand_for_one_those_of_the_first_ids() -> None:
    synonyms = [
        one_way(["x"], [f"word{number:02}{n}" for n in range(50)], id=f"s{number}")
        for number in (3, 1, 2)
    ]

    targets = SynonymBook.of_messages(synonyms).of("en")["x",]

    assert len(targets) == TARGETS_MAX
    assert {text[:6] for (text,) in targets} == {"word01", "word02"}


def test_what_is_more_than_four_words_or_none_is_left_out() -> None:
    runs = SynonymBook.of_messages([same("a b c d e", "!", "f")]).of("en")

    assert dict(runs) == {("f",): ()}
