"""What Swedish and English words find beside themselves: each test is a fact about a search."""

import pytest

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_AVERAGE_LENGTHS, Schema
from actors.index.segments import open_branch
from actors.index.update import update_index
from actors.search.alternatives import MatchClass
from actors.search.matching import match_all, top_matches
from actors.search.reading import read_text
from actors.text.analyzer import analyzer_of
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

SCHEMAS = {
    code: Schema((code,), {}, DEFAULT_AVERAGE_LENGTHS, weights_version=1) for code in ("sv", "en")
}


def indexed(titles, language="sv", *, per_write=100):
    arrays = MemoryArrays()
    for start in range(0, len(titles), per_write):
        products = [
            IndexedProduct(
                Product(id=title, title=title, language_code=language), InventoryRecord()
            )
            for title in titles[start : start + per_write]
        ]
        update_index(arrays, 1, IndexUpdate(upserts=products), SCHEMAS[language])
    return arrays


def found(arrays, query, language="sv"):
    """The titles that a query's words find as they stand, best first."""
    view = open_branch(arrays, 1)
    read = read_text(view, query, analyzer_of(language))
    hits = top_matches(match_all(view, read.words), 100)
    return [hit.product_id.decode() for hit in hits]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("jackan", "vinterjackor"),
        ("vinter", "vinterjackor"),
        ("vinter jacka", "vinterjackor"),
        ("vinterjackan", "jacka för vinter"),
        ("bomull", "bomullströja"),
        ("flicka", "flicktröja"),
        ("regnklader", "regnkläder"),
        ("regnkläder", "kläder mot regn"),
        ("headset", "head set"),
        ("head set", "headset med mikrofon"),
        ("skrivare", "skrivarna"),
    ],
)
def test_a_word_finds_what_is_a_kind_of_it_is_made_with_it_or_spells_it_otherwise(query, title):
    others = ["jacka", "vinter", "tröja", "bomull", "flicka", "regn", "kläder", "head", "set"]

    assert title in found(indexed([*others, title]), query)


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("skor", "väskor"),
        ("läder", "kläder"),
        ("läder", "regnkläder"),
        ("tyg", "verktyg"),
        ("tyg", "leksaksverktyg"),
        ("lok", "lök"),
        ("jacka", "jäcka"),
        ("bil", "billig"),
        ("bil", "bildskärm"),
        ("hall", "hallonsylt"),
    ],
)
def test_a_word_does_not_find_what_only_looks_like_it(query, title):
    words = [
        "skor",
        "läder",
        "tyg",
        "verk",
        "leksak",
        "lok",
        "jacka",
        "bil",
        "hall",
        "hallon",
        "sylt",
    ]

    assert title not in found(indexed([*words, title]), query)


def test_the_word_itself_comes_before_its_compounds():
    assert found(indexed(["vinterjacka", "jacka", "vinter"]), "jacka") == ["jacka", "vinterjacka"]


def test_a_folded_word_ranks_below_one_written_so():
    """Where the catalogue has one product written so and many with the letters."""
    titles = ["har", *(f"hår {number}" for number in range(20))]

    assert found(indexed(titles), "har")[0] == "har"


def test_evidence_does_not_depend_on_how_products_are_cut_into_segments():
    titles = ["jacka", "vinter", "vinterjacka", "dun", "dunjacka", "regnkläder", "kläder", "regn"]

    for query in ("jacka", "vinter", "vinterjacka", "regnklader", "regn kläder"):
        whole = found(indexed(titles), query)
        assert whole == found(indexed(titles, per_write=1), query)
        assert whole == found(indexed(titles, per_write=3), query)


def test_evidence_goes_with_the_last_product_that_has_it():
    arrays = indexed(["läskjacka", "jacka", "läsk"])
    assert "läskjacka" in found(arrays, "jacka")

    update_index(arrays, 1, IndexUpdate(deletes=[b"l\xc3\xa4sk"]), SCHEMAS["sv"])

    assert found(arrays, "jacka") == ["jacka"]


def test_english_words_are_joined_and_split_but_no_compounds_are_looked_for():
    arrays = indexed(["head set", "headphone stand", "note", "book", "notebook"], "en")

    assert found(arrays, "headset", "en") == ["head set"]
    assert found(arrays, "head phone stand", "en") == ["headphone stand"]
    assert found(arrays, "notebook", "en") == ["notebook"]
    assert found(arrays, "book", "en") == ["book"]


def test_each_alternative_says_of_what_class_it_is():
    view = open_branch(indexed(["jacka", "vinter", "vinterjacka"]), 1)

    (word,) = read_text(view, "jackor", analyzer_of("sv")).words

    assert [(one.term, one.match_class) for one in word.alternatives] == [
        ("jacka", MatchClass.EXACT),
        ("vinterjacka", MatchClass.COMPOUND_HEAD),
    ]
