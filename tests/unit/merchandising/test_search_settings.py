"""Settings of search: what is not set has its default, and a mask sets what it names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from merchandising_shelf import Shelf, open_shelf

from actors.merchandising.settings import (
    get_settings,
    ranking_of,
    resolve_update_settings,
    texts_of,
)
from actors.search.merchandise import Ranking
from protos.v1.merchandising_pb2 import (
    RankingSettings,
    SearchSettings,
    TextSettings,
    UpdateSearchSettingsRequest,
)

SWEDISH = TextSettings(
    language_code="sv",
    lemmas={"glasögon": "glasöga"},
    never_split=["bordslampa"],
    stop_words=["till"],
)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with open_shelf(tmp_path) as opened:
        yield opened


def request(*paths: str, texts: Any = (), **ranking: Any) -> UpdateSearchSettingsRequest:
    settings = SearchSettings(texts=texts)
    if ranking:
        settings.ranking.CopyFrom(RankingSettings(**ranking))
    return UpdateSearchSettingsRequest(settings=settings, update_mask={"paths": paths})


def update(shelf: Shelf, *paths: str, **fields: Any) -> SearchSettings:
    return shelf.write(resolve_update_settings, request(*paths, **fields)).response.settings


def test_a_shop_that_set_nothing_has_the_defaults_and_sees_them(shelf: Shelf) -> None:
    default = Ranking()

    assert ranking_of(shelf.view) == default
    assert get_settings(shelf.view).ranking.score_steps == default.score_steps
    assert get_settings(shelf.view).ranking.collapse_duplicates == default.collapses_duplicates
    assert texts_of(shelf.view) == {}


def test_a_mask_sets_what_it_names_and_leaves_the_rest(shelf: Shelf) -> None:
    update(shelf, "ranking.score_steps", score_steps=10, popularity_weight=9)
    told = update(shelf, "ranking.in_stock_weight", in_stock_weight=0)

    assert (told.ranking.score_steps, told.ranking.in_stock_weight) == (10, 0)
    assert told.ranking.popularity_weight == Ranking().popularity_weight
    assert told == get_settings(shelf.view)
    assert ranking_of(shelf.view) == Ranking(score_steps=10, in_stock_weight=0)


def test_zero_and_false_are_values_and_what_is_absent_gets_its_default(shelf: Shelf) -> None:
    update(shelf, "ranking", collapse_duplicates=False, freshness_weight=0)
    assert not ranking_of(shelf.view).collapses_duplicates

    update(shelf, "ranking.collapse_duplicates")

    assert ranking_of(shelf.view) == Ranking(freshness_weight=0)


def test_without_a_mask_everything_is_replaced(shelf: Shelf) -> None:
    update(shelf, texts=[SWEDISH], score_steps=10)
    update(shelf, score_steps=20)

    assert ranking_of(shelf.view) == Ranking(score_steps=20)
    assert texts_of(shelf.view) == {}


def test_texts_are_kept_by_language(shelf: Shelf) -> None:
    told = update(shelf, "texts", texts=[SWEDISH])

    assert list(told.texts) == [SWEDISH]
    lists = texts_of(shelf.view)["sv"]
    assert lists.lemmas == {"glasögon": "glasöga"}
    assert lists.never_split == {"bordslampa"}
    assert lists.stop_words == {"till"}


def test_only_other_lemmas_have_the_catalogue_indexed_again(shelf: Shelf) -> None:
    update(shelf, "texts", texts=[TextSettings(language_code="sv", stop_words=["till"])])
    update(shelf, "ranking.score_steps", score_steps=5)
    assert shelf.settings.weights_version == 0

    update(shelf, "texts", texts=[SWEDISH])
    update(shelf, "texts", texts=[SWEDISH])

    assert shelf.settings.weights_version == 1
    update(shelf)
    assert shelf.settings.weights_version == 2


def test_setting_what_is_set_changes_nothing(shelf: Shelf) -> None:
    update(shelf, score_steps=7)

    again = shelf.write(resolve_update_settings, request(score_steps=7))

    assert again.changes == []
    assert shelf.stored_version == 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"score_steps": 0}, "settings.ranking.score_steps"),
        ({"score_steps": 1_001}, "settings.ranking.score_steps"),
        ({"in_stock_weight": -1}, "settings.ranking.in_stock_weight"),
        ({"freshness_weight": 101}, "settings.ranking.freshness_weight"),
        ({"popularity_weight": float("nan")}, "settings.ranking.popularity_weight"),
        ({"texts": [TextSettings()]}, "settings.texts[0].language_code"),
        (
            {"texts": [TextSettings(language_code="nb"), TextSettings(language_code="no")]},
            "settings.texts[1].language_code",
        ),
        (
            {"texts": [TextSettings(language_code="sv", stop_words=["två ord"])]},
            "settings.texts[0].stop_words",
        ),
        (
            {"texts": [TextSettings(language_code="sv", stop_words=["x"] * 1_001)]},
            "settings.texts[0].stop_words",
        ),
        (
            {"texts": [TextSettings(language_code="sv", never_split=[""])]},
            "settings.texts[0].never_split",
        ),
        (
            {"texts": [TextSettings(language_code="sv", lemmas={"form": "wi-fi"})]},
            "settings.texts[0].lemmas",
        ),
    ],
)
def test_what_cannot_be_set_is_refused_by_its_field(
    shelf: Shelf, fields: dict[str, Any], path: str
) -> None:
    assert shelf.refused(resolve_update_settings, request(**fields)) == [path]


def test_a_mask_may_name_nothing_else(shelf: Shelf) -> None:
    refused = request("ranking.speed", score_steps=5)

    assert shelf.refused(resolve_update_settings, refused) == ["update_mask"]
