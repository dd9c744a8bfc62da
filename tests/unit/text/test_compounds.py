"""Which words are compounds, by a catalogue's evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.text.compounds import Compounds
from actors.text.swedish import swedish_lemma


class Words:
    """A vocabulary in a set."""

    def __init__(self, words):
        self.words = sorted({swedish_lemma(word) for word in words})

    def holds(self, word):
        return word in self.words

    def starting_with(self, start, *, count_max):
        return [word for word in self.words if word.startswith(start)][:count_max]

    def ending_with(self, end):
        return [word for word in self.words if word.endswith(end)]


def parts(word, catalogue):
    split = Compounds(Words([word, *catalogue.split()]), never_split=frozenset()).split(
        swedish_lemma(word)
    )
    return None if split is None else (split.modifier, split.head)


@pytest.mark.parametrize(
    ("word", "catalogue", "expected"),
    [
        ("vinterjackor", "vinter jackor", ("vinter", "jacka")),
        ("bomullströja", "bomull tröjor", ("bomull", "tröja")),
        ("flicktröja", "flickor tröja", ("flicka", "tröja")),
        ("gatubelysning", "gata belysning", ("gata", "belysning")),
        ("arbetsbyxor", "arbete byxor", (swedish_lemma("arbete"), "byxa")),
        ("kylväskor", "väskor skor kylskåp skåp", ("kyl", "väska")),
        ("bordslampa", "bord lampor", ("bord", "lampa")),
        ("leksaksverktyg", "leksak verktyg tyg", ("leksak", "verktyg")),
        ("vardagsrumsmatta", "vardag rum matta", (swedish_lemma("vardagsrum"), "matta")),
        ("ylletröja", "tröja bomullströja bomull", ("yll", "tröja")),
        ("skoluniform", "uniform vaktuniform vakt", ("skol", "uniform")),
    ],
)
def test_a_split_has_evidence_for_head_and_modifier(word, catalogue, expected):
    assert parts(word, catalogue) == expected


@pytest.mark.parametrize(
    ("word", "catalogue"),
    [
        ("vinterjacka", "vinter byxor"),
        ("vinterjacka", "jacka byxor"),
        ("väskor", "skor"),
        ("kläder", "läder"),
        ("regnkläder", "läder"),
        ("verktyg", "verk tyg"),
        ("leksaksverktyg", "leksak tyg"),
        ("kylväskor", "skor kyl"),
        ("inlägg", "ägg"),
        ("montering", "ring"),
    ],
)
def test_nothing_is_split_without_evidence(word, catalogue):
    assert parts(word, catalogue) is None


def test_a_head_finds_its_kinds_and_those_of_its_kinds():
    catalogue = "jacka vinter vinterjacka dun dunvinterjacka väst dunväst"
    compounds = Compounds(Words(catalogue.split()), never_split=frozenset())

    assert compounds.with_head("jacka") == ["dunvinterjacka", "vinterjacka"]


def test_a_modifier_finds_what_it_modifies():
    words = "flicka tröja flicktröja kjol flickkjol flickornas"
    compounds = Compounds(Words(words.split()), never_split=frozenset())

    assert set(compounds.with_modifier("flicka", count_max=9)) == {"flicktröja", "flickkjol"}


@given(st.lists(st.text("abeiklrst", min_size=2, max_size=9), max_size=30))
def test_parts_are_shorter_than_the_word_and_the_head_stands_at_its_end(words):
    vocabulary = Words(words)
    compounds = Compounds(vocabulary, never_split=frozenset())

    for word in vocabulary.words:
        split = compounds.split(word)
        assert split is None or (
            word == split.written + split.head and vocabulary.holds(split.head)
        )


def test_a_word_goes_on_in_longer_ones_whose_end_the_catalogue_does_not_hold() -> None:
    words = Words(
        ["trädgård", "trädgårdsbro", "brand", "brandsläckare", "hall", "hallon", "silver", "sil"]
    )
    compounds = Compounds(words, never_split=frozenset())

    assert compounds.going_on("trädgård") == [swedish_lemma("trädgårdsbro")]
    assert compounds.going_on("brand") == [swedish_lemma("brandsläckare")]
    assert compounds.going_on("hall") == compounds.going_on("sil") == []
