"""Swedish forms and their lemmas: each test is a fact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.text.analyzer import analyzer_of
from actors.text.swedish import swedish_lemma, swedish_lemmas

LETTERS = "abcdefghijklmnoprstuvyåäö"


@pytest.mark.parametrize(
    "forms",
    [
        "jacka jackan jackor jackorna jackans jackornas",
        "tröja tröjan tröjor tröjorna",
        "mössa mössan mössor mössorna",
        "sko skor skon skorna skornas",
        "löparsko löparskor löparskon löparskorna",
        "stol stolen stolar stolarna stolens",
        "handske handsken handskar handskarna",
        "täcke täcket täcken täckena",
        "nyckel nyckeln nycklar nycklarna",
        "fönster fönstret fönstren",
        "hand handen händer händerna",
        "mus musen möss mössen",
        "skrivare skrivaren skrivarens",
        "batteri batteriet batterier batterierna",
        "akvarium akvariet akvarier",
        "motor motorn motorer motorerna",
        "röd rött röda",
        "ljusblå ljusblått ljusblåa",
        "billig billigt billiga billigare billigast",
        "trådlös trådlöst trådlösa",
        "vadderad vadderat vadderade",
        "enkel enkelt enkla",
        "rum rummet rummen",
    ],
)
def test_all_forms_of_a_word_have_one_lemma(forms):
    assert len({swedish_lemma(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("billig", "bil"),
        ("mössa", "möss"),
        ("krans", "kran"),
        ("filter", "filt"),
        ("papper", "papp"),
        ("matta", "matt"),
        ("lampa", "lamp"),
        ("damm", "dam"),
        ("racket", "rack"),
        ("lime", "lim"),
        ("väskor", "skor"),
        ("kläder", "läder"),
        ("spelare", "spel"),
    ],
)
def test_words_that_a_stemmer_merges_stay_apart(one, other):
    assert swedish_lemma(one) != swedish_lemma(other)


@pytest.mark.parametrize(
    ("compound", "head"),
    [
        ("löparskor", "sko"),
        ("jordnötter", "nöt"),
        ("kokböcker", "bok"),
        ("marinblått", "blå"),
        ("tennisracketar", "racket"),
        ("elmotorer", "motor"),
        ("kaffefilter", "filter"),
    ],
)
def test_a_compound_is_inflected_like_its_head(compound, head):
    assert swedish_lemma(compound).endswith(swedish_lemma(head))


def test_a_definite_plural_may_be_of_a_noun_with_or_without_are():
    """The index holds both readings, so that either word finds the form."""
    assert swedish_lemmas("skrivarna") == ("skriv", "skrivare")
    assert {"skriv", "skrivare"} <= set(analyzer_of("sv").index_terms("skrivarna"))


@given(st.text(LETTERS, min_size=1, max_size=20))
def test_the_lemma_of_a_lemma_is_itself(word):
    lemma = swedish_lemma(word)

    assert lemma
    assert swedish_lemma(lemma) == lemma


def test_english_knows_the_plurals_that_snowball_does_not():
    analyzer = analyzer_of("en")

    assert analyzer.term_of("knives") == analyzer.term_of("knife")
    assert analyzer.term_of("mice") == analyzer.term_of("mouse")
