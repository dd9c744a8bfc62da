"""Erasure against an attacker who has every file and every current key.

Visitors leave canary strings in every id, query and cart; half of them are erased.
"""

import asyncio
import base64
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import xxhash
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from erasure_attack import (
    Ciphertext,
    KeyHunt,
    files_below,
    opened_with,
    traces_of,
)
from visitor_shop import NOW_MS, TENANT, VisitorShop, open_visitor_shop

from actors.storage.keyring import wrapping_key
from actors.storage.slots import SLOT_SIZE, SlotFile
from actors.storage.tables import ERASURES, EVENTS, VISITOR_EVENTS
from node.clock import ManualClock
from node.errors import InvalidArgumentError, InvariantError, StorageError
from protos.internal.records_pb2 import EventRecord
from protos.v1 import catalog_pb2, event_pb2, privacy_pb2, product_pb2
from protos.v1.common_pb2 import IN_STOCK
from protos.v1.event_pb2 import PROFILE, Event, EventProduct, EventResult
from protos.v1.recommend_pb2 import (
    Placement,
    RecommendContext,
    RecommendRequest,
    RecommendResponse,
)

STEM = "qzkanarie"
"""In every canary, and in nothing else."""

EVENTS_EACH = 12
PRODUCT_COUNT = 30


@dataclass(slots=True)
class Evidence:
    """What the attacker had before the erasures, and what is to be the same after them."""

    visitors: list[str]
    exports: dict[str, list[Event]] = field(default_factory=dict)
    ciphertexts: dict[str, list[Ciphertext]] = field(default_factory=dict)
    keys: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    """Of each visitor: the slot as it stood in the keyring, and the key in it."""

    def ciphertexts_of(self, visitors: list[str]) -> list[Ciphertext]:
        return [one for visitor in visitors for one in self.ciphertexts[visitor]]


def canary(number: int, what: str) -> str:
    return f"{STEM}-{what}-{number:04d}"


def visitor_id(number: int) -> str:
    return f"{STEM}.{number:04d}@Example.com" if number % 2 else canary(number, "visitor")


def events_of(number: int) -> list[Event]:
    """A visit with a canary in every id, query and cart; every third visitor gave no consent for the last."""
    kinds = [kind for kind in Event.Type.values() if kind != Event.TYPE_UNSPECIFIED]
    events = []
    for index in range(EVENTS_EACH):
        kind = kinds[index % len(kinds)]
        cart = [
            EventProduct(product_id=canary(number, "cart"), variant_id=canary(number, "variant")),
            EventProduct(product_id=f"kettle-{number % 5}", quantity=1, price_micros=1_000_000),
        ]
        made = Event(
            event_id=f"{canary(number, 'event')}-{index}",
            type=kind,
            visitor_id=visitor_id(number),
            session_id=canary(number, "session").upper(),
            consent=PROFILE if index or number % 3 else event_pb2.NONE,
            products=cart,
            order_id=f"{STEM}.order{number}@example.com" if kind == Event.PURCHASE else "",
            query=f"{STEM}{number:04d} kastrull" if kind in {Event.SEARCH, Event.CLICK} else "",
            filter=f'brand = "{canary(number, "filter")}"' if kind == Event.SEARCH else "",
            experiment=canary(number, "trial"),
        )
        made.event_time.FromMilliseconds(NOW_MS - 86_400_000 * (index % 3) - 60_000 + index)
        events.append(made)
    return events


async def write_everything(shop: VisitorShop, count: int) -> None:
    products = [
        product_pb2.Product(id=f"kettle-{number}", title="Alldeles vanlig kastrull")
        for number in range(5)
    ]
    await shop.call(
        "/saluhall.v1.CatalogService/WriteProducts",
        catalog_pb2.WriteProductsRequest(products=products),
        catalog_pb2.WriteProductsResponse,
    )
    for number in range(count):
        refused = Event(event_id=canary(number, "refused"), query=canary(number, "refused") * 200)
        response = await shop.call(
            "/saluhall.v1.EventService/WriteEvents",
            event_pb2.WriteEventsRequest(
                events=[*events_of(number), refused], request_id=canary(number, "request")
            ),
            event_pb2.WriteEventsResponse,
        )
        outcomes = [result.outcome for result in response.results]
        assert EventResult.OUTCOME_UNSPECIFIED not in outcomes[:-1]
        assert outcomes[-1] == EventResult.OUTCOME_UNSPECIFIED
    # Words that many visitors search are no canary's: they may and must be found in clear.
    await shop.write(
        *(
            Event(
                event_id=f"shared-{number}",
                type=Event.SEARCH,
                query="gemensamma ord",
                visitor_id=visitor_id(number),
                consent=PROFILE,
            )
            for number in range(min(count, 40))
        )
    )


async def gather(shop: VisitorShop, visitors: list[str]) -> Evidence:
    evidence = Evidence(visitors)
    view = shop.tenant.reader.current().view
    keyring = shop.tenant.rights.keyring
    slots = keyring._file.path.read_bytes()
    for visitor in visitors:
        tag = keyring.tag_of(visitor)
        number, key = keyring._find(tag)
        evidence.keys[visitor] = slots[number * SLOT_SIZE : (number + 1) * SLOT_SIZE], key
        evidence.exports[visitor] = await shop.exported(visitor)
        storage_id = keyring.visitor(tag).storage_id
        evidence.ciphertexts[visitor] = [
            Ciphertext(place, EventRecord.FromString(bytes(view.get(EVENTS, place))))
            for row, event_hash in view.range(VISITOR_EVENTS, storage_id)
            for place in [bytes(row[16:18]) + bytes(event_hash)]
        ]
    return evidence


def contents_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in files_below(root)}


def hunt_in(root: Path) -> KeyHunt:
    """With the wrapping key that the platform's key gives."""
    (platform,) = root.rglob("platform.key")
    return KeyHunt(wrapping_key(platform.read_bytes(), TENANT))


def kept_secrets(evidence: Evidence, erased: list[str], contents: dict[str, bytes]) -> list[str]:
    """Where the keys of the erased, plain or as they were wrapped, stand after all."""
    needles = [
        needle
        for visitor in erased
        for slot, key in [evidence.keys[visitor]]
        for needle in (key, slot[16:56])
    ]
    return [name for name, content in contents.items() if any(n in content for n in needles)]


async def attack(root: Path, count: int) -> None:
    """Everything there is to be shown, with `count` visitors; prints what was looked at."""
    visitors = [visitor_id(number) for number in range(count)]
    erased, others = visitors[::2], visitors[1::2]
    clock = ManualClock(now_ms=NOW_MS)
    async with open_visitor_shop(root, clock) as shop:
        await write_everything(shop, count)
        before = contents_of(root)
        evidence = await gather(shop, visitors)
        hunt = hunt_in(root)
        keys_before = hunt.keys_in(before.values())
        assert len(evidence.ciphertexts_of(visitors)) > count * (EVENTS_EACH - 1)
        assert traces_of(STEM, before) == []
        assert traces_of("gemensamma ord", before) != [], "the search would find what is there"
        assert {key for _, key in evidence.keys.values()} <= keys_before, "the attack finds keys"

        started_s = time.perf_counter()
        for visitor in erased:
            receipt = await shop.privacy(
                "EraseVisitor", visitor_id=visitor, request_id=f"{STEM}-erase-{visitor}"
            )
            assert receipt.was_known
        erasing_s = time.perf_counter() - started_s
        after = contents_of(root)
        examine(hunt, after, evidence, erased)
        for visitor in others:
            assert await shop.exported(visitor) == evidence.exports[visitor]
        for visitor in erased:
            assert await shop.exported(visitor) == []
        assert shop.tenant.reader.current().view.count(ERASURES) == len(erased)

    async with open_visitor_shop(root, clock) as shop:
        for visitor in others:
            assert await shop.exported(visitor) == evidence.exports[visitor]
        for number in range(0, count, 2):
            # Whoever comes back takes a slot that was freed, and is somebody else.
            await shop.write(
                Event(
                    event_id=f"back-{number}",
                    type=Event.SEARCH,
                    query="te",
                    visitor_id=visitor_id(number),
                    consent=PROFILE,
                )
            )
    examine(hunt, contents_of(root), evidence, erased)
    size_bytes = sum(map(len, after.values()))
    print(  # noqa: T201 - the figures of the proof
        f"\n{count} visitors, {sum(map(len, evidence.exports.values()))} events, {len(after)} files, "
        f"{size_bytes:,} bytes, {hunt.window_count:,} windows tried: no canary, "
        f"{len(erased)} erased in {erasing_s:.1f} s, 0 of their "
        f"{len(evidence.ciphertexts_of(erased))} events opened, {len(others)} others the same"
    )


def examine(
    hunt: KeyHunt, contents: dict[str, bytes], evidence: Evidence, erased: list[str]
) -> None:
    """No canary, no key of the erased in any form, and no key found that opens anything of theirs."""
    assert traces_of(STEM, contents) == []
    assert kept_secrets(evidence, erased, contents) == []
    keys = hunt.keys_in(contents.values())
    assert keys.isdisjoint({evidence.keys[visitor][1] for visitor in erased})
    others = [visitor for visitor in evidence.visitors if visitor not in set(erased)]
    assert {evidence.keys[visitor][1] for visitor in others} <= keys
    assert opened_with(keys, evidence.ciphertexts_of(erased), TENANT) == []
    sample = evidence.ciphertexts_of(others[:3])
    assert opened_with(keys, sample, TENANT) == sample, "the same keys open what was not erased"


@pytest.mark.timeout(110)
async def test_nothing_of_the_erased_can_be_read_with_all_files_and_keys(tmp_path: Path) -> None:
    await attack(tmp_path, 60)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
async def test_nothing_of_500_erased_of_1_000_can_be_read_with_all_files_and_keys(
    tmp_path: Path,
) -> None:
    await attack(tmp_path, 1_000)


def test_the_attack_finds_a_wrapped_key_at_any_place() -> None:
    wrapping, key = os.urandom(32), os.urandom(32)

    for at in (0, 1, 16_383 - 20, 16_384, 40_000):
        content = os.urandom(at) + aes_key_wrap(wrapping, key) + os.urandom(at % 7)
        assert KeyHunt(wrapping).keys_in([b"short", content]) == {key}
        assert KeyHunt(os.urandom(32)).keys_in([content]) == set()


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("clear", STEM.encode()),
        ("clear", b"xx" + STEM.upper().encode()),
        ("clear", STEM.title().encode()),
        ("hex", STEM.encode().hex().encode()),
        ("hex, upper case", STEM.upper().encode().hex().upper().encode()),
        ("utf-16 le", STEM.upper().encode("utf-16-le")),
        ("utf-16 be", STEM.encode("utf-16-be")),
        ("base64", base64.b64encode(b"a" + STEM.encode() + b"-visitor")),
        ("base64", base64.b64encode(b"ab" + STEM.upper().encode() + b"?")),
        ("base64", base64.urlsafe_b64encode(b"abc" + STEM.encode())),
        ("reversed", STEM.encode()[::-1]),
    ],
)
def test_a_canary_is_found_in_every_form(form: str, content: bytes) -> None:
    assert ("file", form) in traces_of(STEM, {"file": bytes(99) + content + bytes(9)})


async def test_a_visitor_who_only_decides_leaves_no_trace_of_their_id(tmp_path: Path) -> None:
    async with open_visitor_shop(tmp_path) as shop:
        for name in ("restricted", "objected"):
            await shop.privacy(
                "UpdateVisitor",
                visitor_id=f"{STEM}@{name}.example",
                request_id=f"{STEM}-{name}",
                **{name: True},
            )
            await shop.privacy("EraseVisitor", visitor_id=f"{STEM}@{name}.example")

        assert traces_of(STEM, contents_of(tmp_path)) == []


async def test_no_plain_hash_of_a_request_is_kept(tmp_path: Path) -> None:
    """Whoever has the store without a key cannot try which visitor a request was about."""
    request = privacy_pb2.UpdateVisitorRequest(
        visitor_id="anna@x.example", restricted=True, request_id="anna@x.example"
    )
    method = "/saluhall.v1.PrivacyService/UpdateVisitor"
    async with open_visitor_shop(tmp_path) as shop:
        answer = await shop.call(method, request, privacy_pb2.UpdateVisitorResponse)
        repeated = await shop.call(method, request, privacy_pb2.UpdateVisitorResponse)
        request.restricted = False
        with pytest.raises(InvalidArgumentError, match="another request"):
            await shop.call(method, request, privacy_pb2.UpdateVisitorResponse)
        request.restricted = True
        contents = contents_of(tmp_path).values()

    texts = [b"anna@x.example", b"/anna@x.example"]
    bodies = [request.SerializeToString(), method.encode() + b"\0" + request.SerializeToString()]
    hashes = [
        digest(text)
        for digest in (xxhash.xxh3_128_digest, xxhash.xxh3_64_digest, lambda text: text)
        for text in [*texts, *bodies]
    ]
    assert repeated == answer
    assert not any(plain in content for plain in hashes for content in contents)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from visitor_shop import open_visitor_shop
from actors.storage.slots import SlotFile

async def main():
    async with open_visitor_shop(Path({root!r})) as shop:
        SlotFile.destroy = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        await shop.privacy("EraseVisitor", visitor_id="anna")

asyncio.run(main())
"""


async def test_a_kill_between_commit_and_overwrite_is_made_up_for_at_the_next_opening(
    tmp_path: Path,
) -> None:
    async with open_visitor_shop(tmp_path) as shop:
        await shop.write(
            *(
                Event(
                    event_id=f"{visitor}-1",
                    type=Event.SEARCH,
                    query="te",
                    visitor_id=visitor,
                    consent=PROFILE,
                )
                for visitor in ("anna", "else")
            )
        )
        evidence = await gather(shop, ["anna", "else"])
    script = KILLED.format(tests=str(Path(__file__).parent), root=str(tmp_path))

    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    await asyncio.wait_for(killed.wait(), 60)

    (keyring,) = tmp_path.rglob("keyring")
    assert killed.returncode == -signal.SIGKILL
    assert evidence.keys["anna"][0] in keyring.read_bytes(), "the kill came before the overwrite"
    async with open_visitor_shop(tmp_path) as shop:
        assert evidence.keys["anna"][0] not in keyring.read_bytes()
        assert shop.tenant.reader.current().view.count(ERASURES) == 1, "the erasure was committed"
        repeated = await shop.privacy("EraseVisitor", visitor_id="anna")
        assert repeated.receipt_id
        assert await shop.exported("else") == evidence.exports["else"]
    examine(hunt_in(tmp_path), contents_of(tmp_path), evidence, ["anna"])


async def test_an_erasure_whose_key_cannot_be_overwritten_is_never_answered(
    tmp_path: Path, monkeypatch
) -> None:
    """The replica ends (an InvariantError does that), and may not serve before the key is destroyed."""

    def broken(_file: SlotFile, _numbers: list[int]) -> None:
        raise StorageError("the disk refuses")

    async with open_visitor_shop(tmp_path) as shop:
        await shop.write(*events_of(1))
        evidence = await gather(shop, [visitor_id(1)])
        with monkeypatch.context() as patch:
            patch.setattr(SlotFile, "destroy", broken)
            with pytest.raises(InvariantError, match="could not be destroyed"):
                await shop.privacy("EraseVisitor", visitor_id=visitor_id(1))
    with monkeypatch.context() as patch:
        patch.setattr(SlotFile, "destroy", broken)
        with pytest.raises(StorageError, match="the disk refuses"):
            async with open_visitor_shop(tmp_path):
                pass

    async with open_visitor_shop(tmp_path) as shop:
        examine(hunt_in(tmp_path), contents_of(tmp_path), evidence, [visitor_id(1)])
        assert (await shop.privacy("EraseVisitor", visitor_id=visitor_id(1))).receipt_id


def test_an_erasure_s_answer_says_nothing_of_the_visitor() -> None:
    """It is kept in the log with the request's id."""
    names = {field.name for field in privacy_pb2.EraseVisitorResponse.DESCRIPTOR.fields}

    assert names == {
        "receipt_id",
        "erase_time",
        "was_known",
        "erased_stores",
        "position",
        "durable_copies",
    }


def session_of(number: int, generator: random.Random) -> list[Event]:
    """One visit to a few products, some of which are bought."""
    seen = [generator.randrange(PRODUCT_COUNT) for _ in range(generator.randint(2, 6))]
    start_ms = NOW_MS - generator.randrange(20 * 86_400_000) - 3_600_000
    events = []
    for index, product in enumerate(seen):
        kind = Event.VIEW if index < len(seen) - 1 else Event.PURCHASE
        bought = seen[-2:] if kind == Event.PURCHASE else [product]
        made = Event(
            event_id=f"{number}-{index}",
            type=kind,
            visitor_id=f"visitor-{number}",
            session_id=f"session-{number}",
            consent=PROFILE,
            products=[EventProduct(product_id=f"product-{one}") for one in dict.fromkeys(bought)],
        )
        made.event_time.FromMilliseconds(start_ms + index * 30_000)
        events.append(made)
    return events


async def fill(shop: VisitorShop, visits: list[list[Event]]) -> None:
    products = [
        product_pb2.Product(
            id=f"product-{number}",
            title=f"Sak nummer {number}",
            availability=IN_STOCK,
            prices=[product_pb2.Price(selling_micros=1_000_000, currency_code="SEK")],
        )
        for number in range(PRODUCT_COUNT)
    ]
    await shop.call(
        "/saluhall.v1.CatalogService/WriteProducts",
        catalog_pb2.WriteProductsRequest(products=products),
        catalog_pb2.WriteProductsResponse,
    )
    for visit in visits:
        await shop.write(*visit)


async def all_lists(shop: VisitorShop) -> list[bytes]:
    """What is recommended from sessions and baskets alone, after each product and each pair of some."""
    strategies = (Placement.NEXT, Placement.ALSO_VIEWED, Placement.BOUGHT_TOGETHER)
    contexts = [[one] for one in range(PRODUCT_COUNT)]
    contexts += [[one, (one * 7 + 3) % PRODUCT_COUNT] for one in range(PRODUCT_COUNT)]
    lists = []
    for context in contexts:
        names = [f"product-{number}" for number in context]
        response = await shop.call(
            "/saluhall.v1.RecommendService/Recommend",
            RecommendRequest(
                context=RecommendContext(product_ids=names[:1], session_product_ids=names),
                placements=[
                    Placement(id=str(kind), strategy=kind, strict=True, page_size=20)
                    for kind in strategies
                ],
            ),
            RecommendResponse,
        )
        assert not response.warming_up
        for placement in response.placements:
            placement.ClearField("attribution_token")
            lists.append(placement.SerializeToString(deterministic=True))
    return lists


@pytest.mark.parametrize(
    ("name", "decision"),
    [
        ("EraseVisitor", {}),
        ("UpdateVisitor", {"restricted": True}),
        ("UpdateVisitor", {"objected": True}),
    ],
    ids=["erased", "restricted", "objected"],
)
async def test_recommendations_are_those_of_a_memory_that_never_held_these_visitors(
    tmp_path: Path, name: str, decision: dict[str, bool]
) -> None:
    """Lists made of sessions and baskets alone, byte for byte, with scores and reasons; also after a restart."""
    visits = [session_of(number, random.Random(number)) for number in range(80)]
    (tmp_path / "all").mkdir()
    (tmp_path / "some").mkdir()
    clock = ManualClock(now_ms=NOW_MS)
    async with open_visitor_shop(tmp_path / "some", clock) as never:
        await fill(never, visits[1::2])
        expected = await all_lists(never)
    async with open_visitor_shop(tmp_path / "all", clock) as shop:
        await fill(shop, visits)
        with_all = await all_lists(shop)
        for number in range(0, 80, 2):
            await shop.privacy(name, visitor_id=f"visitor-{number}", **decision)
        left = await all_lists(shop)
    async with open_visitor_shop(tmp_path / "all", clock) as shop:
        while not shop.tenant.recommendations.memory.is_ready:
            await asyncio.sleep(0.01)
        reopened = await all_lists(shop)

    assert left == expected
    assert reopened == expected
    assert with_all != expected, "the others had been in the lists"
    assert sum(map(len, expected)) > 10_000, "there is something in the lists"


async def test_nothing_is_recently_viewed_by_whoever_is_erased_restricted_or_objects(
    tmp_path: Path,
) -> None:
    visits = [session_of(number, random.Random(number)) for number in range(4)]
    async with open_visitor_shop(tmp_path) as shop:
        await fill(shop, visits)

        async def recent(number: int) -> int:
            response = await shop.call(
                "/saluhall.v1.RecommendService/Recommend",
                RecommendRequest(
                    context=RecommendContext(visitor_id=f"visitor-{number}"),
                    placements=[
                        Placement(
                            id="r",
                            strategy=Placement.RECENTLY_VIEWED,
                            strict=True,
                            include_bought=True,
                        )
                    ],
                ),
                RecommendResponse,
            )
            return len(response.placements[0].recommendations)

        before = [await recent(number) for number in range(4)]
        await shop.privacy("EraseVisitor", visitor_id="visitor-0")
        await shop.privacy("UpdateVisitor", visitor_id="visitor-1", restricted=True)
        await shop.privacy("UpdateVisitor", visitor_id="visitor-2", objected=True)
        after = [await recent(number) for number in range(4)]
        await shop.privacy("UpdateVisitor", visitor_id="visitor-1", restricted=False)
        undone = await recent(1)

    assert min(before) > 0
    assert after == [0, 0, 0, before[3]]
    assert undone == before[1]
