"""Writing synonyms: what is refused, by which field."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from merchandising_shelf import Shelf, open_shelf

from actors.merchandising.synonyms import (
    list_synonyms,
    resolve_delete_synonyms,
    resolve_write_synonyms,
)
from protos.v1.merchandising_pb2 import (
    DeleteSynonymsRequest,
    ListSynonymsRequest,
    Synonym,
    WriteSynonymsRequest,
)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with open_shelf(tmp_path) as opened:
        yield opened


def refused(shelf: Shelf, *synonyms: Synonym) -> list[str]:
    return shelf.refused(resolve_write_synonyms, WriteSynonymsRequest(synonyms=synonyms))


def test_synonyms_are_written_listed_and_deleted(shelf: Shelf) -> None:
    written = [
        Synonym(id="a", language_code="sv", words=["mobil"], replacements=["smart telefon"]),
        Synonym(id="b", words=["tv", "television"]),
    ]

    shelf.write(resolve_write_synonyms, WriteSynonymsRequest(synonyms=reversed(written)))

    assert list(list_synonyms(ListSynonymsRequest(), shelf.view).synonyms) == written
    assert shelf.stored_version == 1
    shelf.write(resolve_delete_synonyms, DeleteSynonymsRequest(ids=["a"]))
    left = list_synonyms(ListSynonymsRequest(), shelf.view).synonyms
    assert [one.id for one in left] == ["b"]
    assert shelf.stored_version == 2


def test_a_trial_writes_nothing(shelf: Shelf) -> None:
    request = WriteSynonymsRequest(synonyms=[Synonym(id="a", words=["x", "y"])], validate_only=True)

    assert shelf.write(resolve_write_synonyms, request).changes == []
    assert shelf.settings.merchandising_version == 0


@pytest.mark.parametrize(
    ("synonym", "path"),
    [
        (Synonym(id="a b", words=["x", "y"]), "id"),
        (Synonym(id="a", words=["x"]), "words"),
        (Synonym(id="a", replacements=["x"]), "words"),
        (Synonym(id="a", words=["x", "y"], language_code="?"), "language_code"),
        (Synonym(id="a", words=["x", "!"]), "words[1]"),
        (Synonym(id="a", words=["x", "a b c d e"]), "words[1]"),
        (Synonym(id="a", words=["x"], replacements=["y" * 129]), "replacements[0]"),
        (Synonym(id="a", words=["x"] * 51), "words"),
    ],
)
def test_what_a_synonym_cannot_be_is_refused_by_its_field(
    shelf: Shelf, synonym: Synonym, path: str
) -> None:
    assert refused(shelf, synonym) == [f"synonyms[0].{path}"]


def test_an_id_stands_once_in_a_request(shelf: Shelf) -> None:
    synonym = Synonym(id="a", words=["x", "y"])

    assert refused(shelf, synonym, synonym) == ["synonyms[1].id"]


def test_four_words_are_one_synonyms_most(shelf: Shelf) -> None:
    assert refused(shelf, Synonym(id="a", words=["a b c d", "x"])) == []
