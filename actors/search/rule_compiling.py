"""From a rule as it is written in the API to what a search asks of it and does with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from actors.index.columns import CATEGORY_SEPARATOR, folded
from actors.search.listed_words import ListedWords
from actors.search.merchandise import Boost, Hiding, Pin, Required, ShownBanner
from protos.v1.merchandising_pb2 import Rule, RuleAction, RuleCondition

_ALWAYS_MS: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Replacement:
    """Words of the query that are read as others."""

    words: ListedWords
    replacement: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where the shopper is sent."""

    url: str


@dataclass(frozen=True, slots=True)
class Pins:
    """Products in places that follow one another."""

    pins: tuple[Pin, ...]


Effect = Pins | Hiding | Boost | Required | Replacement | Redirect | ShownBanner


@dataclass(frozen=True, slots=True)
class Condition:
    """All that is given must hold."""

    query_is: ListedWords
    query_contains: ListedWords
    category: str
    """As `category_form`."""
    markets: frozenset[str]
    language_codes: tuple[str, ...]
    """In lower case."""

    @property
    def has_words(self) -> bool:
        """Whether it asks for words of the query."""
        return bool(self.query_is or self.query_contains)

    @property
    def is_free(self) -> bool:
        """Whether it asks neither for words nor for a category."""
        return not (self.query_is or self.query_contains or self.category)

    def holds_for(self, market: str, language_code: str) -> bool:
        """Whether it allows a market and a language; *sv* allows *sv-FI* too."""
        if self.markets and market not in self.markets:
            return False
        return not self.language_codes or any(
            speaks(language_code, code) for code in self.language_codes
        )


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule that is live or a draft."""

    id: str
    description: str
    precedence: int
    is_draft: bool
    start_ms: int
    end_ms: int
    conditions: tuple[Condition, ...]
    """Any of them suffices; none: it always holds."""
    actions: tuple[tuple[str, Effect], ...]
    """Each with its name in the API, in the order in which they act."""
    replacements: tuple[Replacement, ...]
    """Those among the actions."""

    def is_on(self, now_ms: int) -> bool:
        """Whether a time lies in its window."""
        return self.start_ms <= now_ms < self.end_ms


def compile_rule(rule: Rule) -> CompiledRule | None:
    """The rule, compiled; None for one that is paused."""
    if rule.state == Rule.PAUSED:
        return None
    actions = tuple(_effects(rule))
    return CompiledRule(
        id=rule.id,
        description=rule.description,
        precedence=rule.precedence,
        is_draft=rule.state == Rule.DRAFT,
        start_ms=rule.start_time.ToMilliseconds() if rule.HasField("start_time") else -_ALWAYS_MS,
        end_ms=rule.end_time.ToMilliseconds() if rule.HasField("end_time") else _ALWAYS_MS,
        conditions=tuple(map(_condition, rule.conditions)),
        actions=actions,
        replacements=tuple(effect for _, effect in actions if isinstance(effect, Replacement)),
    )


def category_form(path: str) -> str:
    """A category's path in the form in which two are compared: *Kläder>Jackor* is *kläder > jackor*."""
    return CATEGORY_SEPARATOR.join(folded(part.strip()) for part in path.split(">"))


def speaks(language_code: str, code: str) -> bool:
    """Whether a BCP 47 code is the lower-case `code` or a narrower one."""
    asked = language_code.lower()
    return asked == code or asked.startswith(code + "-")


def _condition(condition: RuleCondition) -> Condition:
    return Condition(
        query_is=ListedWords(condition.query_is),
        query_contains=ListedWords(condition.query_contains),
        category=category_form(condition.category) if condition.category else "",
        markets=frozenset(condition.markets),
        language_codes=tuple(code.lower() for code in condition.language_codes),
    )


def _effects(rule: Rule) -> Iterator[tuple[str, Effect]]:
    for action in rule.actions:
        name = action.WhichOneof("action")
        if name is not None:
            yield name, _effect(name, action, rule.id)


def _effect(name: str, action: RuleAction, rule_id: str) -> Effect:
    match name:
        case "pin":
            placed = enumerate(action.pin.product_ids, action.pin.place)
            return Pins(tuple(Pin(one.encode(), place, rule_id) for place, one in placed))
        case "hide":
            hidden = frozenset(one.encode() for one in action.hide.product_ids)
            return Hiding(hidden, action.hide.filter, rule_id)
        case "boost":
            return Boost(action.boost.filter, action.boost.factor, rule_id)
        case "bury":
            return Boost(action.bury.filter, 1 / action.bury.factor, rule_id)
        case "filter":
            return Required(action.filter.filter, rule_id)
        case "replace":
            return Replacement(ListedWords(action.replace.words), action.replace.replacement)
        case "redirect":
            return Redirect(action.redirect.url)
    banner = action.banner
    return ShownBanner(banner.id, banner.title, banner.image_url, banner.target_url, rule_id)
