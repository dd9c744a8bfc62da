"""What the rules that hold do together: an earlier rule's word stands where two contradict each other."""

import re
from dataclasses import replace
from typing import Final

from actors.search.merchandise import (
    Applied,
    Boost,
    Hiding,
    Pin,
    Required,
    RulePlan,
    ShownBanner,
)
from actors.search.query import QUERY_SIZE_BYTES_MAX, QUERY_WORDS_MAX
from actors.search.rule_compiling import CompiledRule, Effect, Pins, Redirect, Replacement
from actors.text.analyzer import Analyzer

_SPACES: Final = re.compile(r"\s{2,}")


class PlanBuilder:
    """Takes the rules that hold one after the other, in the order in which they act."""

    def __init__(self, text: str, analyzer: Analyzer) -> None:
        """`analyzer`: of the text, whose words rules may replace."""
        self.text = text
        """As the rules so far have left it."""
        self._analyzer = analyzer
        self._required: list[Required] = []
        self._hidden: list[Hiding] = []
        self._hidden_ids: set[bytes] = set()
        self._boosts: list[Boost] = []
        self._pins: list[Pin] = []
        self._places: set[int] = set()
        self._pinned_ids: set[bytes] = set()
        self._taken_pins: list[Pin] = []
        self._hidden_pins: list[Pin] = []
        self._redirect_url = ""
        self._banners: list[ShownBanner] = []
        self._applied: list[Applied] = []

    def add(self, rule: CompiledRule) -> None:
        """Let the next rule act."""
        acted = tuple(dict.fromkeys(name for name, effect in rule.actions if self._act(effect)))
        if acted:
            self._applied.append(Applied(rule.id, rule.description, acted, rule.is_draft))

    def plan(self) -> RulePlan:
        """All of it."""
        return RulePlan(
            text=self.text,
            required=tuple(self._required),
            hidden=tuple(self._hidden),
            boosts=tuple(self._boosts),
            pins=tuple(self._pins),
            taken_pins=tuple(self._taken_pins),
            hidden_pins=tuple(self._hidden_pins),
            redirect_url=self._redirect_url,
            banners=tuple(self._banners),
            applied=tuple(self._applied),
        )

    def _act(self, effect: Effect) -> bool:
        """Do one action; whether it did anything."""
        match effect:
            case Pins(pins):
                return sum(map(self._pin, pins)) > 0
            case Hiding():
                return self._hide(effect)
            case Boost():
                self._boosts.append(effect)
            case Required():
                self._required.append(effect)
            case Replacement():
                return self._replace(effect)
            case Redirect(url):
                if self._redirect_url:
                    return False
                self._redirect_url = url
            case ShownBanner():
                self._banners.append(effect)
        return True

    def _pin(self, pin: Pin) -> bool:
        if pin.product_id in self._hidden_ids:
            self._hidden_pins.append(pin)
            return False
        if pin.place in self._places or pin.product_id in self._pinned_ids:
            self._taken_pins.append(pin)
            return False
        self._pins.append(pin)
        self._places.add(pin.place)
        self._pinned_ids.add(pin.product_id)
        return True

    def _hide(self, hiding: Hiding) -> bool:
        """Hide what no earlier rule has pinned."""
        product_ids = hiding.product_ids - self._pinned_ids
        if not product_ids and not hiding.filter:
            return False
        kept_ids = frozenset(self._pinned_ids) if hiding.filter else frozenset()
        self._hidden.append(replace(hiding, product_ids=product_ids, kept_ids=kept_ids))
        self._hidden_ids |= product_ids
        return True

    def _replace(self, replacement: Replacement) -> bool:
        text = replaced(self.text, replacement, self._analyzer)
        if text == self.text:
            return False
        self.text = text
        return True


def replaced(text: str, replacement: Replacement, analyzer: Analyzer) -> str:
    """The text with each run of some words, whatever their forms, replaced.

    It stays as it is where it would become longer than a query may be.
    """
    wanted = replacement.words.terms(analyzer)
    spans = analyzer.asked_spans(text)
    terms = tuple(span.term for span in spans)
    pieces: list[str] = []
    done = index = 0
    while wanted and index <= len(terms) - len(wanted):  # Ends: every round moves the index on.
        behind = index + len(wanted)
        if terms[index:behind] == wanted:
            pieces += (text[done : spans[index].start], replacement.replacement)
            done = spans[behind - 1].end
            index = behind
        else:
            index += 1
    if not done:
        return text
    made = "".join([*pieces, text[done:]])
    if not replacement.replacement:
        made = _SPACES.sub(" ", made).lstrip()
    is_too_long = len(made.split()) > QUERY_WORDS_MAX or len(made.encode()) > QUERY_SIZE_BYTES_MAX
    return text if is_too_long else made
