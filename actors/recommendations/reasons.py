"""Why a product is in a list, in words that a merchandiser can check."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from actors.recommendations.catalogue import NO_VALUE
from actors.recommendations.content import price_words
from actors.recommendations.filling import Pick
from actors.recommendations.lists import FilledList
from actors.recommendations.question import Question
from protos.v1.recommend_pb2 import Placement, Recommendation

_SOURCES_MAX: Final = 3
_SESSIONS_MAX: Final = 100
"""The latest sessions of a product that are looked at for its reason."""


def reason_of(question: Question, filled: FilledList, pick: Pick) -> str:
    """For example "23 sessions like this one went on to it"."""
    return _REASONS[pick.source](question, filled, pick)


def _pinned(_question: Question, _filled: FilledList, _pick: Pick) -> str:
    return "pinned by the shop"


def _sessions(question: Question, filled: FilledList, pick: Pick) -> str:
    """Of the latest sessions with the product, those that share any of the last products."""
    product = question.catalogue.id_of(pick.number)
    sources = filled.anchors[:_SOURCES_MAX]
    sessions = question.memory.index.recent(product, _SESSIONS_MAX)
    shared = frozenset(sources)
    count = sum(not shared.isdisjoint(session.products) for session in sessions)
    if not count:
        return "in sessions like those that share what was looked at"
    noun = "session" if count == 1 else "sessions"
    if filled.asked.strategy == Placement.ALSO_VIEWED:
        return f"{count} {noun} with {question.title(sources[0])} looked at it too"
    return f"{count} {noun} like this one went on to it"


def _successors(question: Question, filled: FilledList, _pick: Pick) -> str:
    return f"looked at next after {question.title(filled.anchors[0])}"


def _bought(question: Question, filled: FilledList, _pick: Pick) -> str:
    more = len(filled.anchors) - 1
    others = f" and {more} more" if more else ""
    return f"bought together with {question.title(filled.anchors[0])}{others}"


def _content(question: Question, filled: FilledList, pick: Pick) -> str:
    if not filled.anchors:
        return "like the words that were searched"
    source = filled.anchors[0]
    numbers = question.numbers([source])
    catalogue = question.catalogue
    facts = ["similar words"]
    if numbers:
        other = numbers[0]
        facts = []
        category = catalogue.categories[other]
        if category != NO_VALUE and category == catalogue.categories[pick.number]:
            facts.append("same category")
        brand = catalogue.brands[other]
        if brand != NO_VALUE and brand == catalogue.brands[pick.number]:
            facts.append("same brand")
        prices = question.shelf.prices(question.shelf.everything)
        words = price_words(int(prices[other]), int(prices[pick.number]))
        facts = [*facts, words] if words else facts
    return f"like {question.title(source)}: {', '.join(facts or ['similar words'])}"


def _in_category(question: Question, _filled: FilledList, pick: Pick) -> str:
    name = question.categories[0].rpartition(">")[2].strip()
    is_popular = question.counted.popularity[pick.number] > 0
    return f"popular in {name}" if is_popular else f"in {name}"


def _popular(question: Question, _filled: FilledList, pick: Pick) -> str:
    if question.counted.is_counted(pick.number):
        return "popular with visitors"
    return "popular by the shop's own account"


def _trend(question: Question, _filled: FilledList, pick: Pick) -> str:
    growth = question.counted.growth(pick.number)
    return f"{growth:.1f} times as much looked at as usual" if growth else "newly looked at"


def _recent(question: Question, _filled: FilledList, pick: Pick) -> str:
    place = question.recent.index(question.catalogue.id_of(pick.number)) + 1
    if place == 1:
        return "the last one looked at"
    return f"{place - 1} looked at since"


def _listed(_question: Question, _filled: FilledList, _pick: Pick) -> str:
    return "in the catalogue"


_Reason = Callable[[Question, FilledList, Pick], str]
_REASONS: Final[Mapping[int, _Reason]] = MappingProxyType(
    {
        Recommendation.PINNED: _pinned,
        Recommendation.SESSION_KNN: _sessions,
        Recommendation.SUCCESSORS: _successors,
        Recommendation.CO_PURCHASE: _bought,
        Recommendation.CONTENT: _content,
        Recommendation.CATEGORY_POPULARITY: _in_category,
        Recommendation.POPULARITY: _popular,
        Recommendation.TREND: _trend,
        Recommendation.RECENT: _recent,
        Recommendation.CATALOGUE: _listed,
    }
)
