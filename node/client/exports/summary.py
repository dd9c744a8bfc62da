"""What a tenant keeps of a visitor, in plain words: gathered event by event, written in Swedish and in English."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from node.client.exports.kinds import DataKind
from node.client.exports.words import ENGLISH, SWEDISH, Words
from protos.v1.event_pb2 import Event
from protos.v1.privacy_pb2 import ExportedEvent, Visitor

SHOWN_MAX: Final = 20
"""Products and searches of the summary; events.csv and events.jsonl have all."""

DIFFERENT_MAX: Final = 200_000
"""Products or searches that are told apart: bounds the memory for a visitor who is a machine."""

_MICROS: Final = 1_000_000

LANGUAGES: Final = {"sv": SWEDISH, "en": ENGLISH}


@dataclass(slots=True)
class Figures:
    """What the summary says of the events."""

    event_count: int = 0
    types: Counter[int] = field(default_factory=Counter)
    searches: Counter[str] = field(default_factory=Counter)
    products: Counter[str] = field(default_factory=Counter)
    spent_micros: Counter[str] = field(default_factory=Counter)
    """By currency; "" where the event named none."""

    sessions: set[str] = field(default_factory=set)
    first_time: str = ""
    last_time: str = ""

    def add(self, exported: ExportedEvent) -> None:
        """Take one event into account."""
        event = exported.event
        self.event_count += 1
        self.types[event.type] += 1
        time = event.event_time.ToJsonString()
        self.first_time = min(self.first_time or time, time)
        self.last_time = max(self.last_time, time)
        if event.type == Event.SEARCH and event.query:
            _count(self.searches, event.query)
        if event.session_id and len(self.sessions) < DIFFERENT_MAX:
            self.sessions.add(event.session_id)
        for product in event.products:
            if event.type not in {Event.IMPRESSION, Event.SEARCH}:
                _count(self.products, product.product_id)
            if event.type == Event.PURCHASE:
                amount = product.price_micros * (product.quantity or 1)
                self.spent_micros[event.currency_code] += amount


def summary_text(
    language: str,
    figures: Figures,
    visitor: Visitor,
    kinds: Sequence[DataKind],
    *,
    tenant: str,
    visitor_id: str,
    export_time: str,
) -> str:
    """The summary in a language of `LANGUAGES`."""
    words = LANGUAGES[language]
    paragraphs = [
        words.title.format(tenant=tenant),
        words.head.format(visitor_id=visitor_id, export_time=export_time),
        _events(words, figures),
        _most(words.searches, figures.searches),
        _most(words.products, figures.products),
        _spent(words, figures),
        _decisions(words, visitor),
        _purposes(words, kinds),
        words.recommendations,
        words.rights,
        words.files,
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _events(words: Words, figures: Figures) -> str:
    if not figures.event_count:
        return words.nothing
    lines = [
        words.events.format(
            count=figures.event_count,
            first=figures.first_time[:10],
            last=figures.last_time[:10],
            sessions=len(figures.sessions),
        )
    ]
    lines += [f"  {words.types[kind]}: {count}" for kind, count in sorted(figures.types.items())]
    return "\n".join(lines)


def _most(title: str, counts: Counter[str]) -> str:
    if not counts:
        return ""
    shown = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN_MAX]
    return "\n".join([title, *(f"  {_one_line(text)}: {count}" for text, count in shown)])


def _spent(words: Words, figures: Figures) -> str:
    if not figures.spent_micros:
        return ""
    amounts = (
        f"  {amount / _MICROS:.2f} {currency or words.tenant_currency}"
        for currency, amount in sorted(figures.spent_micros.items())
    )
    return "\n".join([words.spent, *amounts])


def _decisions(words: Words, visitor: Visitor) -> str:
    lines = []
    if visitor.restricted:
        lines.append(words.restricted.format(time=visitor.restrict_time.ToJsonString()))
    if visitor.objected:
        lines.append(words.objected.format(time=visitor.object_time.ToJsonString()))
    return "\n".join(lines or [words.undecided])


def _purposes(words: Words, kinds: Sequence[DataKind]) -> str:
    """One line for each kind of data, purposes and time; fields that share them stand together."""
    groups: dict[tuple[str, tuple[str, ...], str, int | None], list[str]] = {}
    for kind in kinds:
        key = (kind.category, kind.purposes, kind.retention, kind.retention_days)
        groups.setdefault(key, []).append(kind.field)
    lines = [words.purposes_title]
    for (category, purposes, retention, days), fields in groups.items():
        kept = words.retentions[retention].format(days=days)
        reasons = ", ".join(words.purposes[purpose] for purpose in purposes)
        lines.append(f"  {words.categories[category]} ({', '.join(fields)}):")
        lines.append(f"    {reasons}; {kept}")
    return "\n".join(lines)


def _count(counts: Counter[str], text: str) -> None:
    if text in counts or len(counts) < DIFFERENT_MAX:
        counts[text] += 1


def _one_line(text: str) -> str:
    """As it can be shown: what a shop or visitor sent must not look like another part of the summary."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
