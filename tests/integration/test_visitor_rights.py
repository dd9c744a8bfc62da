"""The visitor's rights at a tenant: what is exported, used, forgotten, and written again."""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from visitor_shop import NOW_MS, STORE, DirectSource, VisitorShop, event, open_visitor_shop, visit

from actors.storage.tables import ERASURES, EVENTS, VISITOR_EVENTS, VISITORS
from node.client.exports import ExportInvalidError, verify_export, write_export
from node.client.exports.lines import from_line
from node.clock import ManualClock
from node.errors import InvalidArgumentError
from protos.v1.event_pb2 import Event, EventResult
from protos.v1.privacy_pb2 import ExportVisitorResponse, Retention

DAY_MS = 86_400_000
ACCEPTED, DUPLICATE, COUNTED = EventResult.ACCEPTED, EventResult.DUPLICATE, EventResult.COUNTED


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[VisitorShop]:
    async with open_visitor_shop(tmp_path) as opened:
        yield opened


def export_to(shop: VisitorShop, path: Path, visitor_id: str = "anna", page_size: int = 0) -> int:
    source = DirectSource(shop, page_size)
    return write_export(
        source, path, tenant="shop", visitor_id=visitor_id, shown=lambda _done, _all: None
    )


def lines_of(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read("events.jsonl")


async def test_everything_that_was_sent_is_exported_but_ids_which_are_hashes(
    shop: VisitorShop,
) -> None:
    sent = visit(days=[3, 0])
    await shop.write(*sent)

    exported = await shop.exported("anna", page_size=3)

    for one, got in zip(sent, exported, strict=True):
        for name in ("event_id", "session_id", "order_id"):
            shown = getattr(got, name)
            assert bool(shown) == bool(getattr(one, name))
            assert not shown or (shown.startswith("saluhall:") and len(shown) == 41)
            setattr(got, name, "")
            setattr(one, name, "")
        assert got.visitor_id == ""
        one.visitor_id = ""
    assert exported == sent


async def test_an_export_written_into_a_fresh_tenant_is_exported_again_byte_for_byte(
    shop: VisitorShop, tmp_path: Path
) -> None:
    """Identical: events.jsonl is the same file. Ids stand as hashes that are not hashed again."""
    await shop.write(*visit(days=[200, 3, 0]), *visit("else", days=[1]))
    assert export_to(shop, tmp_path / "first.zip", page_size=5) == 24
    lines = lines_of(tmp_path / "first.zip")
    events = [from_line(line) for line in lines.decode().splitlines()]
    for one in events:
        one.visitor_id = "anna"

    (tmp_path / "other").mkdir()
    async with open_visitor_shop(tmp_path / "other") as other:
        outcomes = await other.write(*events)
        export_to(other, tmp_path / "second.zip")
        again = await other.write(*events)

    assert outcomes == [ACCEPTED] * 24
    assert lines_of(tmp_path / "second.zip") == lines
    assert again == [DUPLICATE] * 24
    searches = [one for one in events if one.type == Event.SEARCH]
    assert [bool(one.query) for one in searches] == [False, True, True], "words older than 90 days"


async def test_an_export_written_into_its_own_tenant_changes_nothing(
    shop: VisitorShop, tmp_path: Path
) -> None:
    await shop.write(*visit(days=[2, 0]))
    export_to(shop, tmp_path / "export.zip")
    events = [from_line(line) for line in lines_of(tmp_path / "export.zip").decode().splitlines()]
    for one in events:
        one.visitor_id = "anna"
    position = shop.tenant.reader.position

    assert set(await shop.write(*events)) == {DUPLICATE}
    assert shop.tenant.reader.position == position


async def test_after_an_erasure_nothing_is_kept_and_the_receipt_can_be_had_again(
    shop: VisitorShop,
) -> None:
    await shop.write(*visit(), *visit("else"))

    receipt = await shop.privacy("EraseVisitor", visitor_id="anna")
    repeated = await shop.privacy("EraseVisitor", visitor_id="anna")

    assert receipt.was_known
    assert list(receipt.erased_stores) == [STORE]
    assert receipt.erase_time.ToMilliseconds() == shop.clock.now_ms()
    assert not repeated.was_known
    assert repeated.receipt_id == receipt.receipt_id
    assert await shop.exported("anna") == []
    assert len(await shop.exported("else")) == 8


async def test_whoever_was_never_known_is_erased_without_a_receipt(shop: VisitorShop) -> None:
    await shop.write(*visit())
    position = shop.tenant.reader.position

    receipt = await shop.privacy("EraseVisitor", visitor_id="nobody")

    assert not receipt.was_known
    assert receipt.receipt_id == ""
    assert shop.tenant.reader.position == position


async def test_memory_has_forgotten_an_erased_visitor_when_the_answer_comes(
    shop: VisitorShop,
) -> None:
    await shop.write(event(1))
    (learnt,) = shop.learnt

    await shop.privacy("EraseVisitor", visitor_id="anna")

    assert shop.forgotten == [learnt.storage_id]


async def test_an_erased_visitor_who_comes_back_is_somebody_else(shop: VisitorShop) -> None:
    await shop.write(*visit())
    await shop.privacy("EraseVisitor", visitor_id="anna")

    outcomes = await shop.write(event(900))

    assert outcomes == [ACCEPTED]
    assert len(await shop.exported("anna")) == 1
    first, last = shop.learnt[0], shop.learnt[-1]
    assert first.storage_id != last.storage_id


async def test_an_event_sent_again_after_the_erasure_does_not_bring_the_visitor_back(
    shop: VisitorShop,
) -> None:
    await shop.write(*visit())
    await shop.privacy("EraseVisitor", visitor_id="anna")

    assert set(await shop.write(*visit())) == {DUPLICATE}
    assert await shop.exported("anna") == []


async def test_rows_of_an_erased_visitor_are_deleted_within_seconds(shop: VisitorShop) -> None:
    await shop.write(*visit(days=[2, 1, 0]), event(1, "else"))
    await shop.privacy("EraseVisitor", visitor_id="anna")

    def rows() -> tuple[int, int, int]:
        view = shop.tenant.reader.current().view
        kept = sum(1 for _, value in view.range(EVENTS) if len(value))
        return kept, view.count(VISITOR_EVENTS), view.count(VISITORS)

    for _ in range(50):
        if rows() == (1, 1, 1):
            break
        await asyncio.sleep(0.1)

    assert rows() == (1, 1, 1)


async def test_an_erasure_and_events_of_the_same_moment_leave_no_profile(
    shop: VisitorShop,
) -> None:
    """Sent at once they share transactions; whatever their order, what came before the erasure is gone."""
    await shop.write(event(1))

    await asyncio.gather(
        shop.write(event(2)),
        shop.privacy("EraseVisitor", visitor_id="anna"),
        shop.privacy("EraseVisitor", visitor_id="anna"),
        shop.write(event(3)),
    )
    left = await shop.exported("anna")

    assert len(left) <= 1, "only what came in a later transaction"
    assert not left or left[0].products[0].product_id == "product-3"
    assert shop.tenant.reader.current().view.count(ERASURES) == 1


async def test_restricted_data_is_kept_and_exported_and_learnt_by_nobody(
    shop: VisitorShop,
) -> None:
    await shop.write(event(1))
    updated = await shop.privacy("UpdateVisitor", visitor_id="anna", restricted=True)
    await shop.write(event(2))

    assert updated.visitor.restricted
    assert updated.visitor.restrict_time.ToMilliseconds() == shop.clock.now_ms()
    assert len(shop.learnt) == 1
    assert shop.forgotten == [shop.learnt[0].storage_id]
    assert len(await shop.exported("anna")) == 2


async def test_a_restriction_taken_back_lets_memory_learn_what_was_kept(
    shop: VisitorShop,
) -> None:
    await shop.write(event(1, session_id="s"))
    await shop.privacy("UpdateVisitor", visitor_id="anna", restricted=True)
    await shop.write(event(2, session_id="s"))

    updated = await shop.privacy("UpdateVisitor", visitor_id="anna", restricted=False)

    assert not updated.visitor.restricted
    first, again, new = shop.learnt
    assert again == first
    assert new.product_ids == ("product-2",)
    assert new.session_hash == first.session_hash != b""


async def test_who_objects_is_only_counted_from_then_on(shop: VisitorShop) -> None:
    await shop.write(event(1))
    await shop.privacy("UpdateVisitor", visitor_id="anna", objected=True)

    outcomes = await shop.write(event(2))
    taken_back = await shop.privacy("UpdateVisitor", visitor_id="anna", objected=False)

    assert outcomes == [COUNTED]
    assert len(shop.forgotten) == 1
    assert not taken_back.visitor.objected
    assert len(await shop.exported("anna")) == 1
    assert await shop.write(event(3)) == [ACCEPTED]


async def test_who_objects_before_the_first_event_never_gets_a_profile(shop: VisitorShop) -> None:
    await shop.privacy("UpdateVisitor", visitor_id="new", objected=True)

    assert await shop.write(event(1, "new")) == [COUNTED]
    assert shop.learnt == []
    assert await shop.exported("new") == []


async def test_a_decision_made_twice_keeps_its_time(shop: VisitorShop) -> None:
    await shop.write(event(1))
    first = await shop.privacy("UpdateVisitor", visitor_id="anna", restricted=True)
    shop.clock.advance(5_000)
    second = await shop.privacy("UpdateVisitor", visitor_id="anna", restricted=True)

    assert second.visitor == first.visitor
    assert second.position == first.position


async def test_taking_back_what_was_never_decided_makes_nobody_known(shop: VisitorShop) -> None:
    updated = await shop.privacy("UpdateVisitor", visitor_id="new", restricted=False)

    assert updated.visitor.event_count == 0
    assert shop.tenant.reader.current().view.count(VISITORS) == 0


@pytest.mark.parametrize("visitor_id", ["", "å" * 65])
async def test_what_is_no_visitor_id_is_refused(shop: VisitorShop, visitor_id: str) -> None:
    for name in ("ExportVisitor", "EraseVisitor", "UpdateVisitor"):
        with pytest.raises(InvalidArgumentError, match="visitor_id"):
            await shop.privacy(name, visitor_id=visitor_id)


async def test_a_page_token_of_one_visitor_opens_no_page_of_another(shop: VisitorShop) -> None:
    await shop.write(*visit("anna"), *visit("else"))
    page = await shop.privacy("ExportVisitor", visitor_id="anna", page_size=2)

    with pytest.raises(InvalidArgumentError, match="page_token"):
        await shop.privacy(
            "ExportVisitor", visitor_id="else", page_size=2, page_token=page.next_page_token
        )


async def test_retention_is_what_was_set_and_unset_days_stay(shop: VisitorShop) -> None:
    default = await shop.privacy("GetRetention")
    changed = await shop.privacy("UpdateRetention", retention=Retention(searches_days=7))
    again = await shop.privacy("UpdateRetention", retention=Retention(searches_days=7))
    with pytest.raises(InvalidArgumentError, match="events_days"):
        await shop.privacy("UpdateRetention", retention=Retention(events_days=401))

    assert (default.events_days, default.searches_days) == (395, 90)
    assert (changed.retention.events_days, changed.retention.searches_days) == (395, 7)
    assert again.position == changed.position
    assert (await shop.privacy("GetRetention")).searches_days == 7


async def test_shorter_retention_takes_words_and_events_out_of_exports(shop: VisitorShop) -> None:
    await shop.write(*visit(days=[20, 10, 0]))
    await shop.privacy("UpdateRetention", retention=Retention(events_days=15, searches_days=5))

    left = await shop.exported("anna")
    for _ in range(50):
        left = await shop.exported("anna")
        if len(left) == 16 and not left[0].query:
            break
        await asyncio.sleep(0.1)

    assert len(left) == 16
    assert [bool(one.query) for one in left if one.type == Event.SEARCH] == [False, True]


async def test_an_export_is_verified_and_says_whose_it_is(
    shop: VisitorShop, tmp_path: Path
) -> None:
    await shop.write(*visit(days=[3, 0]))
    path = tmp_path / "export.zip"
    export_to(shop, path, page_size=5)

    verified = verify_export(path)

    assert (verified.tenant, verified.visitor_id, verified.event_count) == ("shop", "anna", 16)
    assert path.stat().st_mode & 0o777 == 0o600
    signed = DirectSource(shop).sign_export(verified.manifest_hash)
    assert (signed.public_key, signed.signature) == (verified.public_key, verified.signature)


async def test_an_export_of_nobody_is_whole_and_empty(shop: VisitorShop, tmp_path: Path) -> None:
    export_to(shop, tmp_path / "export.zip", "nobody")

    assert verify_export(tmp_path / "export.zip").event_count == 0


async def test_an_export_of_another_tenant_s_key_is_whole_but_not_this_tenant_s(
    shop: VisitorShop, tmp_path: Path
) -> None:
    """What the command line compares: the tenant would sign the same manifest in the same way."""
    (tmp_path / "other").mkdir()
    async with open_visitor_shop(tmp_path / "other") as forger:
        export_to(forger, tmp_path / "export.zip")
    verified = verify_export(tmp_path / "export.zip")

    signed = DirectSource(shop).sign_export(verified.manifest_hash)

    assert signed.public_key != verified.public_key


async def test_pages_of_two_exports_cannot_be_put_together(
    shop: VisitorShop, tmp_path: Path
) -> None:
    """Each signature names the visitor: here the pages of one stand in the export of another."""

    class Mixed(DirectSource):
        def export_visitor(self, visitor_id: str) -> Iterator[ExportVisitorResponse]:
            assert visitor_id == "anna"
            return super().export_visitor("else")

    await shop.write(*visit("anna"), *visit("else"))
    write_export(
        Mixed(shop),
        tmp_path / "export.zip",
        tenant="shop",
        visitor_id="anna",
        shown=lambda _done, _all: None,
    )

    with pytest.raises(ExportInvalidError, match="page is not what the server signed"):
        verify_export(tmp_path / "export.zip")


async def test_a_key_that_a_kill_has_left_is_destroyed_when_the_store_is_opened(
    tmp_path: Path,
) -> None:
    """The keyring as it was before the erasure is what a kill between commit and overwrite leaves."""
    async with open_visitor_shop(tmp_path) as shop:
        await shop.write(*visit(), *visit("else"))
        (keyring,) = tmp_path.rglob("keyring")
        before = keyring.read_bytes()
        await shop.privacy("EraseVisitor", visitor_id="anna")
        after = keyring.read_bytes()
    keyring.write_bytes(before)

    async with open_visitor_shop(tmp_path, ManualClock(now_ms=NOW_MS)) as shop:
        assert keyring.read_bytes() == after
        assert await shop.exported("anna") == []
        assert len(await shop.exported("else")) == 8
    assert before != after
    changed = [at for at in range(0, len(after), 64) if before[at : at + 64] != after[at : at + 64]]
    assert len(changed) == 1, "one slot"
    assert not any(after[changed[0] : changed[0] + 64])


@pytest.mark.parametrize(
    "text",
    [
        "saluhall:" + "0" * 31,
        "saluhall:" + "0" * 33,
        "saluhall:" + "A" * 32,
        "saluhall:" + "0" * 32 + "\n",
        "0" * 32,
        "saluhall:" + "٣" * 32,
    ],
)
async def test_an_id_that_only_looks_like_a_hash_is_hashed(shop: VisitorShop, text: str) -> None:
    await shop.write(event(1, event_id=text, session_id=text))

    (exported,) = await shop.exported("anna")

    assert text not in (exported.event_id, exported.session_id)
    assert len(exported.event_id) == 41
