"""The calls for the visitor's rights, of both clients."""

import inspect
from collections.abc import AsyncIterator, Iterator

from node.client import AsyncClient, Client, privacy_calls
from node.client.calls import Call
from node.front.methods import method_table
from protos.v1 import privacy_pb2
from protos.v1.account_pb2 import Key

ARGUMENTS = {"visitor_id": "anna", "manifest_hash": "00" * 32}
PAGES = {
    "": privacy_pb2.ExportVisitorResponse(next_page_token="b", position=1),
    "b": privacy_pb2.ExportVisitorResponse(next_page_token="c", position=2),
    "c": privacy_pb2.ExportVisitorResponse(position=3),
}


def calls() -> Iterator[Call]:
    """Each call that the module builds."""
    for name, build in inspect.getmembers(privacy_calls, inspect.isfunction):
        if build.__module__ != privacy_calls.__name__:
            continue
        needed = [
            ARGUMENTS[parameter.name]
            for parameter in inspect.signature(build).parameters.values()
            if parameter.default is inspect.Parameter.empty
        ]
        assert hasattr(Client, name), name
        assert hasattr(AsyncClient, name), name
        yield build(*needed)


def test_both_clients_have_every_method_of_the_service() -> None:
    service = privacy_pb2.DESCRIPTOR.services_by_name["PrivacyService"]

    made = {call.method: call for call in calls()}

    assert {f"/{service.full_name}/{method.name}" for method in service.methods} == made.keys()
    for method in service.methods:
        call = made[f"/{service.full_name}/{method.name}"]
        assert call.request.DESCRIPTOR is method.input_type
        assert call.answer_type.DESCRIPTOR is method.output_type


def test_every_method_needs_an_admin_s_key() -> None:
    rows = method_table()

    assert {rows[call.method].role for call in calls()} == {Key.ADMIN}


def test_each_write_has_a_request_id_of_its_own() -> None:
    first, second = (privacy_calls.erase_visitor("anna").request.request_id for _ in range(2))

    assert first
    assert first != second


def test_what_is_not_decided_is_not_sent() -> None:
    request = privacy_calls.update_visitor("anna", restricted=False).request

    assert request.HasField("restricted")
    assert not request.HasField("objected")


def test_the_blocking_client_reads_every_page(monkeypatch) -> None:
    client = Client.__new__(Client)
    monkeypatch.setattr(
        Client, "export_visitor_page", lambda _self, _visitor_id, *, page_token: PAGES[page_token]
    )

    assert [page.position for page in client.export_visitor("anna")] == [1, 2, 3]


async def test_the_asyncio_client_reads_every_page(monkeypatch) -> None:
    async def page(_self: AsyncClient, _visitor_id: str, *, page_token: str):
        return PAGES[page_token]

    client = AsyncClient.__new__(AsyncClient)
    monkeypatch.setattr(AsyncClient, "export_visitor_page", page)
    pages: AsyncIterator[privacy_pb2.ExportVisitorResponse] = client.export_visitor("anna")

    assert [page.position async for page in pages] == [1, 2, 3]
