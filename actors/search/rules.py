"""A shop's rules, compiled so that a search asks only about those that its words may concern.

A condition is kept under the rarest of its parts: the index terms of its words, else its category. Conditions
without either depend on market, language and time alone; which rules hold by them is worked out once for each
such combination. So a book of ten thousand rules costs a search what the few rules cost that concern it.
"""

import heapq
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from actors.index.columns import CATEGORY_SEPARATOR
from actors.search.listed_words import Terms
from actors.search.merchandise import RulePlan, RuleRequest
from actors.search.rule_compiling import (
    CompiledRule,
    Condition,
    category_form,
    compile_rule,
    speaks,
)
from actors.search.rule_plans import PlanBuilder
from actors.text.analyzer import Analyzer, analyzer_of
from protos.v1.merchandising_pb2 import Rule

Analyzers = Callable[[str], Analyzer]
_SituationKey = tuple[Analyzer, str | None, tuple[str, ...], int]

_SITUATIONS_MAX: Final = 64
_PLANS_MAX: Final = 1_024


class RuleBook:
    """All rules of a tenant. See `merchandise.Rules`."""

    def __init__(
        self, rules: Iterable[CompiledRule], *, analyzers: Analyzers = analyzer_of
    ) -> None:
        """`analyzers`: from a language code to what reads words in it, always the same object."""
        ordered = sorted(rules, key=lambda rule: (rule.precedence, rule.id))
        self._rules = tuple(ordered)
        self._analyzers = analyzers
        self._drafts = {rule.id: index for index, rule in enumerate(ordered) if rule.is_draft}
        # Where some rule begins or ends: between two such times the same rules hold.
        times = {time for rule in ordered for time in (rule.start_ms, rule.end_ms)}
        self._times = sorted(times)
        self._free: list[int] = []
        self._by_category: dict[str, list[tuple[int, Condition]]] = defaultdict(list)
        self._worded: list[tuple[int, Condition]] = []
        for index, rule in enumerate(ordered):
            if not rule.is_draft:
                self._place(index, rule)
        self._wordings: dict[Analyzer, _Wordings] = {}
        every = [condition for rule in ordered for condition in rule.conditions]
        self._markets = frozenset().union(*(condition.markets for condition in every))
        self._codes = sorted({code for condition in every for code in condition.language_codes})
        self._situations: dict[_SituationKey, _Situation] = {}
        self._plans: dict[tuple[int, ...], RulePlan] = {}

    @classmethod
    def of_messages(
        cls, rules: Iterable[Rule], *, analyzers: Analyzers = analyzer_of
    ) -> "RuleBook":
        """The book of rules as they are written in the API."""
        return cls(
            [compiled for rule in rules if (compiled := compile_rule(rule))], analyzers=analyzers
        )

    def prepare(self, language_code: str) -> None:
        """Do now what the first search in a language would have to do."""
        self._wording(self._analyzers(language_code))

    def decide(self, request: RuleRequest) -> RulePlan:
        """What the rules that hold do to a request; a pure function of rules and request."""
        if not self._rules:
            return RulePlan(request.text)
        analyzer = self._analyzers(request.language_code)
        wording = self._wording(analyzer)
        terms = tuple(analyzer.asked_terms(request.text)) if wording.is_asked else ()
        situation = self._situation(request, analyzer)
        holding = set(situation.rules)
        holding.update(index for term in terms for index in situation.replacing.get(term, ()))
        for index, condition in chain(wording.cases(terms), self._in_category(request)):
            is_new = index not in holding and self._rules[index].is_on(request.now_ms)
            if is_new and self._holds(condition, request, analyzer, terms):
                holding.add(index)
        if not holding and not request.preview_ids:
            return RulePlan(request.text)
        previews = self._previews(request, analyzer, terms)
        if not previews and not any(self._rules[index].replacements for index in holding):
            return self._known_plan(tuple(sorted(holding)), request.text)
        return self._plan(holding | previews, situation, request.text, analyzer)

    def _place(self, index: int, rule: CompiledRule) -> None:
        """Keep a rule's conditions where a search will look."""
        if not rule.conditions or any(condition.is_free for condition in rule.conditions):
            self._free.append(index)
        for condition in rule.conditions:
            if condition.has_words:
                self._worded.append((index, condition))
            elif condition.category:
                self._by_category[condition.category].append((index, condition))

    def _known_plan(self, holding: tuple[int, ...], text: str) -> RulePlan:
        """The plan of rules that leave the text alone: shoppers meet the same ones again and again."""
        plan = self._plans.get(holding)
        if plan is None:
            builder = PlanBuilder("", self._analyzers(""))
            for index in holding:
                builder.add(self._rules[index])
            if len(self._plans) >= _PLANS_MAX:
                self._plans.clear()
            plan = self._plans[holding] = builder.plan()
        return replace(plan, text=text)

    def _plan(
        self, holding: set[int], situation: "_Situation", text: str, analyzer: Analyzer
    ) -> RulePlan:
        """The plan where words are replaced: a replacement may be what a later one acts on."""
        builder = PlanBuilder(text, analyzer)
        waiting = sorted(holding)
        while waiting:  # Ends: only rules behind the one at work are added, each once.
            index = heapq.heappop(waiting)
            before = builder.text
            builder.add(self._rules[index])
            if builder.text == before:
                continue
            for term in analyzer.asked_terms(builder.text):
                for later in situation.replacing.get(term, ()):
                    if later > index and later not in holding:
                        holding.add(later)
                        heapq.heappush(waiting, later)
        return builder.plan()

    def _previews(self, request: RuleRequest, analyzer: Analyzer, terms: Terms) -> set[int]:
        """The drafts that the request names and that hold."""
        if not request.preview_ids or not self._drafts:
            return set()
        asked = terms or tuple(analyzer.asked_terms(request.text))
        found = set()
        for rule_id in request.preview_ids:
            index = self._drafts.get(rule_id)
            if index is None or not self._rules[index].is_on(request.now_ms):
                continue
            conditions = self._rules[index].conditions
            if not conditions or any(
                self._holds(condition, request, analyzer, asked) for condition in conditions
            ):
                found.add(index)
        return found

    def _holds(
        self, condition: Condition, request: RuleRequest, analyzer: Analyzer, terms: Terms
    ) -> bool:
        """Whether all parts of a condition hold."""
        if not condition.holds_for(request.market, request.language_code):
            return False
        if condition.category and not any(
            _is_within(category_form(path), condition.category) for path in request.categories
        ):
            return False
        if condition.query_is:
            wanted = condition.query_is.terms(analyzer)
            if not wanted or terms != wanted:
                return False
        if condition.query_contains:
            wanted = condition.query_contains.terms(analyzer)
            return bool(wanted) and _stands_in(wanted, terms)
        return True

    def _in_category(self, request: RuleRequest) -> Iterable[tuple[int, Condition]]:
        """Conditions on a category that the filter asks for, or on one above it."""
        if not self._by_category:
            return
        for path in request.categories:
            parts = category_form(path).split(CATEGORY_SEPARATOR)
            for length in range(1, len(parts) + 1):
                yield from self._by_category.get(CATEGORY_SEPARATOR.join(parts[:length]), ())

    def _wording(self, analyzer: Analyzer) -> "_Wordings":
        wording = self._wordings.get(analyzer)
        if wording is None:
            # There are as many analyzers as languages with rules of their own.
            wording = self._wordings[analyzer] = _Wordings(analyzer, self._rules, self._worded)
        return wording

    def _situation(self, request: RuleRequest, analyzer: Analyzer) -> "_Situation":
        """Which rules hold whatever the shopper's words and category are."""
        # Markets and languages that no rule names are all alike.
        key = (
            analyzer,
            request.market if request.market in self._markets else None,
            tuple(code for code in self._codes if speaks(request.language_code, code)),
            bisect_right(self._times, request.now_ms),
        )
        found = self._situations.get(key)
        if found is None:
            if len(self._situations) >= _SITUATIONS_MAX:
                self._situations.clear()
            holding = [index for index in self._free if self._is_free_for(index, request)]
            found = self._situations[key] = _Situation(holding, self._rules, analyzer)
        return found

    def _is_free_for(self, index: int, request: RuleRequest) -> bool:
        rule = self._rules[index]
        return rule.is_on(request.now_ms) and (
            not rule.conditions
            or any(
                condition.is_free and condition.holds_for(request.market, request.language_code)
                for condition in rule.conditions
            )
        )


class _Situation:
    """The rules that hold in one market, language and stretch of time, whatever is searched for."""

    __slots__ = ("replacing", "rules")

    def __init__(
        self, holding: Sequence[int], rules: Sequence[CompiledRule], analyzer: Analyzer
    ) -> None:
        self.rules: list[int] = []
        self.replacing: dict[str, list[int]] = defaultdict(list)
        """Rules that only replace words, by the first term of each run of words."""
        for index in holding:
            rule = rules[index]
            if len(rule.replacements) < len(rule.actions):
                self.rules.append(index)
                continue
            for replacement in rule.replacements:
                terms = replacement.words.terms(analyzer)
                if terms:
                    self.replacing[terms[0]].append(index)


class _Wordings:
    """Conditions on words in one language, by the index terms of these."""

    def __init__(
        self,
        analyzer: Analyzer,
        rules: Sequence[CompiledRule],
        worded: Sequence[tuple[int, Condition]],
    ) -> None:
        self._whole: dict[Terms, list[tuple[int, Condition]]] = defaultdict(list)
        self._parts: dict[Terms, list[tuple[int, Condition]]] = defaultdict(list)
        self._lengths: dict[str, set[int]] = defaultdict(set)
        for index, condition in worded:
            terms = (condition.query_is or condition.query_contains).terms(analyzer)
            if not terms:
                continue
            if condition.query_is:
                self._whole[terms].append((index, condition))
            else:
                self._parts[terms].append((index, condition))
                self._lengths[terms[0]].add(len(terms))
        self.is_asked = bool(worded) or any(rule.replacements for rule in rules)
        """Whether the words of a query matter at all."""

    def cases(self, terms: Terms) -> Iterable[tuple[int, Condition]]:
        """Conditions whose words are those of the query, or some of them in a row."""
        yield from self._whole.get(terms, ())
        for start, term in enumerate(terms):
            for length in self._lengths.get(term, ()):
                yield from self._parts.get(terms[start : start + length], ())


def _is_within(path: str, category: str) -> bool:
    return path == category or path.startswith(category + CATEGORY_SEPARATOR)


def _stands_in(wanted: Terms, terms: Terms) -> bool:
    return any(
        terms[start : start + len(wanted)] == wanted
        for start in range(len(terms) - len(wanted) + 1)
    )
