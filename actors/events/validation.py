"""Whether an event can be taken. What is wrong is told without the values: answers are kept in the log."""

from typing import Final

from actors.events.keys import DAY_MS
from actors.model.prices import AMOUNT_MICROS_MAX
from node.errors import Violation
from protos.v1.event_pb2 import Event, EventProduct

EVENTS_MAX: Final = 1_000
PRODUCTS_MAX: Final = 100
ID_SIZE_MAX: Final = 128
QUERY_SIZE_MAX: Final = 1_024
FILTER_SIZE_MAX: Final = 4_096
NAME_SIZE_MAX: Final = 64
TOKEN_SIZE_MAX: Final = 1_024
QUANTITY_MAX: Final = 1_000_000
AHEAD_MS_MAX: Final = DAY_MS

_TYPES: Final = frozenset(Event.Type.values()) - {Event.TYPE_UNSPECIFIED}
_CONSENTS: Final = frozenset({0, 1, 2})
_IDS: Final = ("visitor_id", "session_id", "order_id")
_NAMES: Final = ("placement", "list", "market", "language_code", "experiment")


def event_time_ms(event: Event, now_ms: int) -> int:
    """When an event happened by its own account; now if it has none."""
    if not event.HasField("event_time"):
        return now_ms
    time = event.event_time
    return time.seconds * 1_000 + time.nanos // 1_000_000


def first_violation(
    event: Event, time_ms: int, *, now_ms: int, oldest_ms: int, oldest_words_ms: int
) -> Violation | None:
    """What is wrong with an event, if anything is.

    Args:
        event: as it was sent.
        time_ms: its `event_time_ms`.
        now_ms: milliseconds since 1970.
        oldest_ms: how far back the tenant keeps events.
        oldest_words_ms: how far back it keeps words: older searches need none.
    """
    if not event.event_id:
        return Violation("event_id", "is required: it makes sending an event again harmless")
    if _is_long(event.event_id, ID_SIZE_MAX):
        return _long("event_id", ID_SIZE_MAX)
    if event.type not in _TYPES:
        return Violation("type", "must be one of the known types")
    if event.consent not in _CONSENTS:
        return Violation("consent", "must be NONE or PROFILE")
    return (
        _time_violation(time_ms, now_ms=now_ms, oldest_ms=oldest_ms)
        or _text_violation(event, needs_words=time_ms >= oldest_words_ms)
        or _number_violation(event)
        or _product_violation(event)
    )


def _time_violation(time_ms: int, *, now_ms: int, oldest_ms: int) -> Violation | None:
    if time_ms > now_ms + AHEAD_MS_MAX:
        return Violation("event_time", "lies more than a day ahead; check the visitor's clock")
    if time_ms < oldest_ms:
        return Violation(
            "event_time", "is older than the tenant keeps events; keep them longer, or leave it out"
        )
    return None


def _text_violation(event: Event, *, needs_words: bool) -> Violation | None:
    for name in _IDS:
        if _is_long(getattr(event, name), ID_SIZE_MAX):
            return _long(name, ID_SIZE_MAX)
    together = event.placement + event.list + event.market + event.language_code + event.experiment
    if _is_long(together, NAME_SIZE_MAX):
        for name in _NAMES:
            if _is_long(getattr(event, name), NAME_SIZE_MAX):
                return _long(name, NAME_SIZE_MAX)
    query = event.query
    if event.type == Event.SEARCH and needs_words and not query.strip():
        return Violation("query", "is required of a search: the words")
    if _is_long(query, QUERY_SIZE_MAX):
        return _long("query", QUERY_SIZE_MAX)
    if _is_long(event.filter, FILTER_SIZE_MAX):
        return _long("filter", FILTER_SIZE_MAX)
    if _is_long(event.attribution_token, TOKEN_SIZE_MAX):
        return _long("attribution_token", TOKEN_SIZE_MAX)
    return None


def _number_violation(event: Event) -> Violation | None:
    code = event.currency_code
    if code and not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        return Violation("currency_code", 'must be three capital letters, for example "SEK"')
    if event.position < 0:
        return Violation("position", "must be 0 (not told) or counted from 1")
    if event.result_count < 0:
        return Violation("result_count", "must not be negative")
    return None


def _product_violation(event: Event) -> Violation | None:
    products = event.products
    if not products:
        if event.type == Event.SEARCH:
            return None
        return Violation("products", "at least one is required for all types but SEARCH")
    if len(products) > PRODUCTS_MAX:
        return Violation("products", f"has more than {PRODUCTS_MAX}; send several events")
    for index, product in enumerate(products):
        found = _one_product_violation(product)
        if found is not None:
            return Violation(f"products[{index}].{found.field}", found.description)
    return None


def _one_product_violation(product: EventProduct) -> Violation | None:
    product_id = product.product_id
    if not product_id:
        return Violation("product_id", "is required")
    if _is_long(product_id, ID_SIZE_MAX):
        return _long("product_id", ID_SIZE_MAX)
    if _is_long(product.variant_id, ID_SIZE_MAX):
        return _long("variant_id", ID_SIZE_MAX)
    if not 0 <= product.quantity <= QUANTITY_MAX:
        return Violation("quantity", f"must be 0 (one piece) to {QUANTITY_MAX}")
    if not 0 <= product.price_micros <= AMOUNT_MICROS_MAX:
        return Violation("price_micros", f"must be 0 (the catalogue's) to {AMOUNT_MICROS_MAX}")
    return None


def _is_long(text: str, size_max: int) -> bool:
    """Whether a text has more bytes than it may; most are so short that nobody needs to count."""
    length = len(text)
    if length * 4 <= size_max:
        return False
    return length > size_max or (not text.isascii() and len(text.encode()) > size_max)


def _long(name: str, size_max: int) -> Violation:
    return Violation(name, f"has more than {size_max} bytes")
