"""Settings of ranking and text: what was set is stored, what search works with has defaults for the rest."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from actors.catalog.fields import SETTINGS_KEY
from actors.merchandising.tables import LANGUAGE_CODE, finished, refuse
from actors.replication.resolution import Resolution, WriteContext
from actors.search.merchandise import Ranking
from actors.storage.environment import ReadView
from actors.storage.tables import SEARCH_SETTINGS
from actors.text.analyzer import analyzer_of, language_of
from actors.text.lists import TextLists
from node.config import MIB
from node.errors import InvalidArgumentError, Violation
from protos.v1.merchandising_pb2 import (
    RankingSettings,
    SearchSettings,
    TextSettings,
    UpdateSearchSettingsRequest,
    UpdateSearchSettingsResponse,
)

SCORE_STEPS_MAX: Final = 1_000
WEIGHT_MAX: Final = 100.0
LANGUAGES_MAX: Final = 20
LEMMAS_MAX: Final = 10_000
NEVER_SPLIT_MAX: Final = 10_000
STOP_WORDS_MAX: Final = 1_000
WORD_SIZE_BYTES_MAX: Final = 128
SETTINGS_SIZE_BYTES_MAX: Final = 2 * MIB

_RANKING: Final = "ranking"
_TEXTS: Final = "texts"
_WEIGHTS: Final = ("in_stock_weight", "popularity_weight", "freshness_weight")
_PATHS: Final = (
    _RANKING,
    _TEXTS,
    *(f"ranking.{name}" for name in RankingSettings.DESCRIPTOR.fields_by_name),
)


def get_settings(view: ReadView) -> SearchSettings:
    """The settings as search works with them."""
    return _effective(_stored(view))


def ranking_of(view: ReadView) -> Ranking:
    """How matches are ordered."""
    ranking = get_settings(view).ranking
    return Ranking(
        score_steps=ranking.score_steps,
        in_stock_weight=ranking.in_stock_weight,
        popularity_weight=ranking.popularity_weight,
        freshness_weight=ranking.freshness_weight,
        collapses_duplicates=ranking.collapse_duplicates,
    )


def texts_of(view: ReadView) -> Mapping[str, TextLists]:
    """What the shop reads differently, by language: as `Schema.texts`."""
    value = view.get(SEARCH_SETTINGS, SETTINGS_KEY)
    return _texts_of(b"" if value is None else bytes(value))


def resolve_update_settings(
    request: UpdateSearchSettingsRequest, context: WriteContext
) -> Resolution:
    """Set what the mask names. New lemmas show in results when the index has been rebuilt."""
    stored = _stored(context.view)
    settings = SearchSettings()
    settings.CopyFrom(stored)
    for path in request.update_mask.paths or (_RANKING, _TEXTS):
        _set(settings, request.settings, path)
    refuse([*_ranking_violations(settings.ranking), *_text_violations(settings.texts)])
    if settings.ByteSize() > SETTINGS_SIZE_BYTES_MAX:
        raise InvalidArgumentError.of(
            "settings.texts",
            f"has {settings.ByteSize():,} bytes; at most {SETTINGS_SIZE_BYTES_MAX:,} are allowed",
        )
    resolution = Resolution(UpdateSearchSettingsResponse(settings=_effective(settings)))
    if settings == stored:
        return resolution
    resolution.put(SEARCH_SETTINGS, SETTINGS_KEY, settings)
    if _lemmas(settings) != _lemmas(stored):
        context.settings.weights_version += 1
    return finished(resolution, context)


def _stored(view: ReadView) -> SearchSettings:
    value = view.get(SEARCH_SETTINGS, SETTINGS_KEY)
    return SearchSettings.FromString(b"" if value is None else bytes(value))


def _effective(stored: SearchSettings) -> SearchSettings:
    default = Ranking()
    settings = SearchSettings(
        ranking=RankingSettings(
            score_steps=default.score_steps,
            in_stock_weight=default.in_stock_weight,
            popularity_weight=default.popularity_weight,
            freshness_weight=default.freshness_weight,
            collapse_duplicates=default.collapses_duplicates,
        )
    )
    settings.MergeFrom(stored)
    return settings


@lru_cache(4)
def _texts_of(content: bytes) -> Mapping[str, TextLists]:
    """Kept, since settings are read at every change of anything and lists may be long."""
    return MappingProxyType(
        {
            language_of(texts.language_code): TextLists(
                lemmas=dict(texts.lemmas),
                never_split=frozenset(texts.never_split),
                stop_words=frozenset(texts.stop_words),
            )
            for texts in SearchSettings.FromString(content).texts
        }
    )


def _lemmas(settings: SearchSettings) -> dict[str, dict[str, str]]:
    return {
        language_of(texts.language_code): dict(texts.lemmas)
        for texts in settings.texts
        if texts.lemmas
    }


def _set(target: SearchSettings, source: SearchSettings, path: str) -> None:
    """Copy what a path names; what `source` lacks of it gets its default."""
    if path not in _PATHS:
        raise InvalidArgumentError.of(
            "update_mask", f'"{path[:80]}" cannot be set; use {", ".join(_PATHS)}'
        )
    if path == _TEXTS:
        del target.texts[:]
        target.texts.extend(source.texts)
        return
    named = RankingSettings()
    named.CopyFrom(source.ranking)
    name = path.partition(".")[2]
    for field in RankingSettings.DESCRIPTOR.fields:
        if not name or field.name == name:
            target.ranking.ClearField(field.name)  # type: ignore[arg-type]
        else:
            named.ClearField(field.name)  # type: ignore[arg-type]
    target.ranking.MergeFrom(named)
    if not target.ranking.ByteSize():
        target.ClearField("ranking")


def _ranking_violations(ranking: RankingSettings) -> Iterator[Violation]:
    if ranking.HasField("score_steps") and not 1 <= ranking.score_steps <= SCORE_STEPS_MAX:
        yield Violation("settings.ranking.score_steps", f"must be 1 to {SCORE_STEPS_MAX:,}")
    for name in _WEIGHTS:
        if not 0 <= getattr(ranking, name) <= WEIGHT_MAX:
            yield Violation(f"settings.ranking.{name}", f"must lie between 0 and {WEIGHT_MAX:.0f}")


def _text_violations(texts: Sequence[TextSettings]) -> Iterator[Violation]:
    if len(texts) > LANGUAGES_MAX:
        yield Violation("settings.texts", f"has {len(texts)} languages; at most {LANGUAGES_MAX}")
        return
    seen: set[str] = set()
    for index, one in enumerate(texts):
        path = f"settings.texts[{index}]"
        language = language_of(one.language_code)
        if not LANGUAGE_CODE.fullmatch(one.language_code):
            yield Violation(f"{path}.language_code", 'is no BCP 47 code, for example "sv"')
        elif language in seen:
            yield Violation(
                f"{path}.language_code", f"{language} stands twice; give each language once"
            )
        seen.add(language)
        lemmas = [*one.lemmas, *one.lemmas.values()]
        yield from _word_violations(lemmas, language, f"{path}.lemmas", 2 * LEMMAS_MAX)
        yield from _word_violations(
            one.never_split, language, f"{path}.never_split", NEVER_SPLIT_MAX
        )
        yield from _word_violations(one.stop_words, language, f"{path}.stop_words", STOP_WORDS_MAX)


def _word_violations(
    words: Sequence[str], language: str, path: str, count_max: int
) -> Iterator[Violation]:
    """What is wrong with a list of words; the first word that is none stands for all."""
    if len(words) > count_max:
        yield Violation(path, f"has {len(words):,} words; at most {count_max:,} are allowed")
        return
    analyzer = analyzer_of(language)
    for word in words:
        (chunk, *others) = analyzer.chunks(word) or [""]
        is_word = chunk and not others and analyzer.analyze_query(word).texts == (chunk,)
        if not is_word or len(word.encode()) > WORD_SIZE_BYTES_MAX:
            yield Violation(path, f'"{word[:40]}" is not one plain word of at most 128 bytes')
            return
