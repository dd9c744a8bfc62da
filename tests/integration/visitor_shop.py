"""A tenant in this process whose visitors do things, and the source of exports that a client would be."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from actors.service import TenantService
from actors.tenant import Tenant
from node.clock import ManualClock
from node.config import ServerPaths
from node.ids import StoreId, TenantId
from node.keys import ensure_platform_key
from node.registry.embedded import EmbeddedRegistry
from node.status import error_from_status_bytes
from protos.internal import link_pb2
from protos.internal.records_pb2 import GroupRecord, TenantSettings
from protos.v1 import event_pb2, privacy_pb2
from protos.v1.event_pb2 import PROFILE, Event, EventProduct, EventResult

STORE = StoreId("ab" * 16)
TENANT = TenantId("shop")
NOW_MS = 1_795_000_000_000
"""In November 2026."""

PRIVACY = "/saluhall.v1.PrivacyService/"


class VisitorShop:
    """The tenant, called as a front would call it."""

    def __init__(self, tenant: Tenant, clock: ManualClock) -> None:
        self.tenant = tenant
        self.clock = clock
        self.forgotten: list[bytes] = []
        self.learnt: list[object] = []
        tenant.on_forget = _both(self.forgotten.append, tenant.on_forget)
        tenant.on_events = _both(self.learnt.extend, tenant.on_events)
        self._service = TenantService(tenant)

    async def call(self, method: str, request: Message, response_type: type) -> Message:
        caller = link_pb2.Caller(kind=link_pb2.Caller.PLATFORM)
        call = link_pb2.Call(method=method, body=request.SerializeToString(), caller=caller)
        answer = await self._service.handle(call)
        if answer.error:
            raise error_from_status_bytes(answer.error)
        return response_type.FromString(answer.body)

    async def write(self, *events: Event) -> list[int]:
        """What became of each event."""
        response = await self.call(
            "/saluhall.v1.EventService/WriteEvents",
            event_pb2.WriteEventsRequest(events=events),
            event_pb2.WriteEventsResponse,
        )
        for result in response.results:
            assert result.outcome != EventResult.OUTCOME_UNSPECIFIED, result
        return [result.outcome for result in response.results]

    async def privacy(self, name: str, **fields: object) -> Message:
        request = getattr(privacy_pb2, f"{name}Request")(**fields)
        response_type = getattr(privacy_pb2, f"{name}Response", privacy_pb2.Retention)
        return await self.call(PRIVACY + name, request, response_type)

    async def exported(self, visitor_id: str, page_size: int = 0) -> list[Event]:
        """All events of a visitor, in the order of the export."""
        events: list[Event] = []
        token = ""
        while True:
            page = await self.privacy(
                "ExportVisitor", visitor_id=visitor_id, page_size=page_size, page_token=token
            )
            assert page.first_index == len(events)
            events += [exported.event for exported in page.events]
            token = page.next_page_token
            if not token:
                return events


class DirectSource:
    """What `write_export` needs, straight from the tenant."""

    def __init__(self, shop: VisitorShop, page_size: int = 0) -> None:
        self._shop = shop
        self._page_size = page_size

    def export_visitor(self, visitor_id: str) -> Iterator[privacy_pb2.ExportVisitorResponse]:
        token = ""
        while True:
            current = self._shop.tenant.reader.current()
            request = privacy_pb2.ExportVisitorRequest(
                visitor_id=visitor_id, page_size=self._page_size, page_token=token
            )
            page = self._shop.tenant.rights.export(request, current.view)
            page.position = current.position
            # As it comes out of the network.
            yield privacy_pb2.ExportVisitorResponse.FromString(page.SerializeToString())
            token = page.next_page_token
            if not token:
                return

    def get_retention(self) -> privacy_pb2.Retention:
        return privacy_pb2.Retention(events_days=395, searches_days=90)

    def sign_export(self, manifest_hash: str) -> privacy_pb2.SignExportResponse:
        return self._shop.tenant.rights.sign(
            privacy_pb2.SignExportRequest(manifest_hash=manifest_hash)
        )


def _both(first: Callable[[Any], None], second: Callable[[Any], None]) -> Callable[[Any], None]:
    def call(argument: Any) -> None:
        first(argument)
        second(argument)

    return call


@asynccontextmanager
async def open_visitor_shop(
    root: Path, clock: ManualClock | None = None
) -> AsyncIterator[VisitorShop]:
    """Opened in a data directory, which is made when it is not there."""
    paths = ServerPaths.of(root)
    paths.data.mkdir(mode=0o700, exist_ok=True)
    ensure_platform_key(paths.platform_key)
    registry = EmbeddedRegistry.of(paths)
    if registry.get(TENANT) is None:
        record = GroupRecord(
            tenant_id=TENANT,
            epoch=1,
            primary=STORE,
            in_sync=[STORE],
            replicas=[GroupRecord.Replica(store_id=STORE, server="a")],
            min_copies=1,
            state=GroupRecord.OPEN,
            settings=TenantSettings(
                tenant_id=TENANT, language_codes=["sv"], currency_code="SEK", create_time_ms=1
            ),
        )
        registry.compare_and_set(TENANT, expected_revision=0, record=record)
    clock = clock or ManualClock(now_ms=NOW_MS)
    tenant = await Tenant.open(paths, TENANT, STORE, registry, clock)
    try:
        yield VisitorShop(tenant, clock)
    finally:
        await tenant.close()
        registry.close()


def event(number: int, visitor_id: str = "anna", **fields: object) -> Event:
    """One event of a visitor who has agreed to a profile: a view if nothing else is said."""
    fields.setdefault("type", Event.VIEW)
    if fields["type"] != Event.SEARCH:
        fields.setdefault("products", [EventProduct(product_id=f"product-{number}")])
    time_ms = fields.pop("time_ms", NOW_MS - 3_600_000 + number * 1_000)
    made = Event(
        event_id=fields.pop("event_id", f"event-{visitor_id}-{number}"),
        visitor_id=visitor_id,
        consent=PROFILE,
        **fields,
    )
    made.event_time.FromMilliseconds(time_ms)
    return made


def visit(visitor_id: str = "anna", *, days: Sequence[int] = (0,)) -> list[Event]:
    """Events of every type on each of some days ago, with everything that an event may say."""
    events = []
    for day in days:
        base_ms = NOW_MS - day * 86_400_000 - 3_600_000
        for kind in Event.Type.values():
            if kind == Event.TYPE_UNSPECIFIED:
                continue
            number = day * 100 + kind
            products = [
                EventProduct(
                    product_id=f"kettle-{number}",
                    variant_id="blue",
                    quantity=2,
                    price_micros=199_000_000,
                ),
                EventProduct(product_id="mug"),
            ]
            events.append(
                event(
                    number,
                    visitor_id,
                    type=kind,
                    session_id=f"session-{visitor_id}-{day}",
                    products=products,
                    order_id=f"order-{visitor_id}-{day}" if kind == Event.PURCHASE else "",
                    currency_code="SEK",
                    query="röd kastrull ☕" if kind in {Event.SEARCH, Event.CLICK} else "",
                    filter='brand = "X"' if kind == Event.SEARCH else "",
                    placement="home",
                    list="next",
                    position=3,
                    market="SE",
                    language_code="sv",
                    experiment="ranking=b",
                    attribution_token="no-token-of-this-tenant",
                    time_ms=base_ms + kind * 1_000,
                    **({"result_count": 0} if kind == Event.SEARCH else {}),
                )
            )
    return events
