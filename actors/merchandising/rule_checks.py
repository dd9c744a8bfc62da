"""What may stand in a rule: bounds, forms, and filters that the catalogue's fields can answer."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from actors.index.schema import Schema
from actors.merchandising.tables import CONTROL, ID, LANGUAGE_CODE, SECONDS_MAX, SECONDS_MIN
from actors.model.names import MARKET, product_id_problem
from actors.search.filter_plan import plan_filter
from actors.search.query import DEPTH_MAX
from node.config import KIB
from node.errors import InvalidArgumentError, Violation
from protos.v1.merchandising_pb2 import (
    BannerAction,
    BoostAction,
    HideAction,
    PinAction,
    ReplaceAction,
    Rule,
    RuleAction,
    RuleCondition,
)

RULE_SIZE_BYTES_MAX: Final = 64 * KIB
DESCRIPTION_SIZE_BYTES_MAX: Final = 1_024
CONDITIONS_MAX: Final = 50
ACTIONS_MAX: Final = 50
WORDS_SIZE_BYTES_MAX: Final = 256
CATEGORY_SIZE_BYTES_MAX: Final = 1_024
MARKETS_MAX: Final = 100
PINNED_MAX: Final = 120
HIDDEN_MAX: Final = 1_000
FACTOR_MAX: Final = 100.0
TITLE_SIZE_BYTES_MAX: Final = 256
URL_SIZE_BYTES_MAX: Final = 2_048
_URL_STARTS: Final = ("https://", "http://", "/")

Problems = Iterator[Violation]


class RuleChecker:
    """Checks rules against a catalogue's fields and languages."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def violations(self, rule: Rule, path: str) -> Problems:
        """What is wrong with a rule, but for its id."""
        if rule.ByteSize() > RULE_SIZE_BYTES_MAX:
            yield Violation(path, f"has {rule.ByteSize():,} bytes; at most {RULE_SIZE_BYTES_MAX:,}")
            return
        yield from _too_large(rule.description, DESCRIPTION_SIZE_BYTES_MAX, f"{path}.description")
        if rule.state not in Rule.State.values():
            yield Violation(f"{path}.state", f"{rule.state} is no state; use LIVE, DRAFT or PAUSED")
        yield from _window(rule, path)
        if len(rule.conditions) > CONDITIONS_MAX:
            yield Violation(
                f"{path}.conditions", f"has {len(rule.conditions)}; at most {CONDITIONS_MAX}"
            )
        if not 1 <= len(rule.actions) <= ACTIONS_MAX:
            yield Violation(
                f"{path}.actions", f"has {len(rule.actions)}; must be 1 to {ACTIONS_MAX}"
            )
        for index, condition in enumerate(rule.conditions[:CONDITIONS_MAX]):
            yield from self._condition(condition, f"{path}.conditions[{index}]")
        for index, action in enumerate(rule.actions[:ACTIONS_MAX]):
            yield from self._action(action, f"{path}.actions[{index}]")

    def _condition(self, condition: RuleCondition, path: str) -> Problems:
        if not condition.ByteSize():
            yield Violation(path, "asks for nothing; a rule without conditions always holds")
        for name in ("query_is", "query_contains"):
            if getattr(condition, name):
                yield from self._words(getattr(condition, name), f"{path}.{name}")
        if condition.category:
            yield from _too_large(condition.category, CATEGORY_SIZE_BYTES_MAX, f"{path}.category")
            if not all(part.strip() for part in condition.category.split(">")):
                yield Violation(f"{path}.category", 'has an empty part; write "Clothes > Jackets"')
        for name, form, codes in (
            ("markets", MARKET, condition.markets),
            ("language_codes", LANGUAGE_CODE, condition.language_codes),
        ):
            if len(codes) > MARKETS_MAX:
                yield Violation(f"{path}.{name}", f"has {len(codes)}; at most {MARKETS_MAX}")
            for index, code in enumerate(codes[:MARKETS_MAX]):
                if not form.fullmatch(code):
                    yield Violation(f"{path}.{name}[{index}]", f'"{code[:40]}" cannot be one')

    def _action(self, action: RuleAction, path: str) -> Problems:
        match action.WhichOneof("action"):
            case "pin":
                yield from _pin(action.pin, f"{path}.pin")
            case "hide":
                yield from self._hide(action.hide, f"{path}.hide")
            case "boost":
                yield from self._boost(action.boost, f"{path}.boost")
            case "bury":
                yield from self._boost(action.bury, f"{path}.bury")
            case "filter":
                yield from self._filter(action.filter.filter, f"{path}.filter.filter")
            case "replace":
                yield from self._replace(action.replace, f"{path}.replace")
            case "redirect":
                yield from _url(action.redirect.url, f"{path}.redirect.url")
            case "banner":
                yield from _banner(action.banner, f"{path}.banner")
            case _:
                yield Violation(path, "does nothing; give one action")

    def _hide(self, hide: HideAction, path: str) -> Problems:
        if not hide.product_ids and not hide.filter:
            yield Violation(path, "hides nothing; give product_ids or a filter")
        if len(hide.product_ids) > HIDDEN_MAX:
            yield Violation(
                f"{path}.product_ids", f"has {len(hide.product_ids)}; at most {HIDDEN_MAX}"
            )
        yield from _product_ids(hide.product_ids[:HIDDEN_MAX], path)
        if hide.filter:
            yield from self._filter(hide.filter, f"{path}.filter")

    def _boost(self, boost: BoostAction, path: str) -> Problems:
        yield from self._filter(boost.filter, f"{path}.filter")
        if not (math.isfinite(boost.factor) and 1 < boost.factor <= FACTOR_MAX):
            yield Violation(f"{path}.factor", f"must be above 1 and at most {FACTOR_MAX:.0f}")

    def _replace(self, replace: ReplaceAction, path: str) -> Problems:
        yield from self._words(replace.words, f"{path}.words")
        yield from _too_large(replace.replacement, WORDS_SIZE_BYTES_MAX, f"{path}.replacement")
        if CONTROL.search(replace.replacement):
            yield Violation(f"{path}.replacement", "holds a control character")

    def _words(self, words: str, path: str) -> Problems:
        yield from _too_large(words, WORDS_SIZE_BYTES_MAX, path)
        codes = self._schema.language_codes
        if not any(self._schema.analyzer(code).asked_terms(words) for code in codes):
            yield Violation(path, "holds no word")

    def _filter(self, text: str, path: str) -> Problems:
        if not text.strip():
            yield Violation(path, 'is required, for example brand = "Haglöfs"')
            return
        try:
            plan_filter(text, self._schema)
        except InvalidArgumentError as error:
            yield Violation(path, error.violations[0].description)


def _window(rule: Rule, path: str) -> Problems:
    for name in ("start_time", "end_time"):
        time: Timestamp = getattr(rule, name)
        if not SECONDS_MIN <= time.seconds <= SECONDS_MAX or not 0 <= time.nanos < 1_000_000_000:
            yield Violation(f"{path}.{name}", "lies outside the years 1 to 9999")
            return
    has_both = rule.HasField("start_time") and rule.HasField("end_time")
    if has_both and rule.end_time.ToNanoseconds() <= rule.start_time.ToNanoseconds():
        yield Violation(f"{path}.end_time", "must lie behind start_time")


def _pin(pin: PinAction, path: str) -> Problems:
    count = len(pin.product_ids)
    if not 1 <= count <= PINNED_MAX:
        yield Violation(f"{path}.product_ids", f"has {count}; must be 1 to {PINNED_MAX}")
        return
    yield from _product_ids(pin.product_ids, path)
    if len(set(pin.product_ids)) < count:
        yield Violation(f"{path}.product_ids", "names a product twice")
    if not 1 <= pin.place <= DEPTH_MAX + 1 - count:
        yield Violation(
            f"{path}.place",
            f"must be 1 to {DEPTH_MAX + 1 - count:,}, so that all stand within {DEPTH_MAX:,}",
        )


def _product_ids(product_ids: Sequence[str], path: str) -> Problems:
    for index, product_id in enumerate(product_ids):
        problem = product_id_problem(product_id)
        if problem:
            yield Violation(f"{path}.product_ids[{index}]", problem)


def _banner(banner: BannerAction, path: str) -> Problems:
    if not ID.fullmatch(banner.id):
        yield Violation(f"{path}.id", 'takes 1 to 64 letters, digits, "_" and "-"')
    yield from _too_large(banner.title, TITLE_SIZE_BYTES_MAX, f"{path}.title")
    if not banner.title and not banner.image_url:
        yield Violation(path, "shows nothing; give a title or an image_url")
    for name in ("image_url", "target_url"):
        if getattr(banner, name):
            yield from _url(getattr(banner, name), f"{path}.{name}")


def _url(url: str, path: str) -> Problems:
    yield from _too_large(url, URL_SIZE_BYTES_MAX, path)
    if not url.startswith(_URL_STARTS) or CONTROL.search(url) or " " in url:
        yield Violation(path, f"must begin with {', '.join(_URL_STARTS)} and hold no space")


def _too_large(text: str, size_bytes_max: int, path: str) -> Problems:
    size = len(text.encode())
    if size > size_bytes_max:
        yield Violation(path, f"has {size} bytes; at most {size_bytes_max:,} are allowed")
