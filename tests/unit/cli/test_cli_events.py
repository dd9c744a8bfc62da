"""`saluhall events import`: what is sent, what is told, and what a second run does."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from click.testing import CliRunner
from google.rpc.status_pb2 import Status

from cluster.cli import events as events_cli
from cluster.cli.events import events
from node.errors import InvalidArgumentError
from node.status import status_bytes
from protos.v1.event_pb2 import NONE, Event, EventResult, WriteEventsResponse

MAPPING = """
[fields]
visitor_id = "who"
product_id = "sku"
consent = "ok"
[constants]
type = "view"
"""


class FakeClient:
    """Knows events by their ids, and refuses products called "bad"."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.calls: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def write_events(self, sent: Sequence[Event]) -> WriteEventsResponse:
        self.calls.append(len(sent))
        return WriteEventsResponse(results=[self._result(event) for event in sent])

    def _result(self, event: Event) -> EventResult:
        if event.products[0].product_id == "bad":
            refusal = InvalidArgumentError.of("products[0].product_id", "is bad")
            return EventResult(status=Status.FromString(status_bytes(refusal)))
        if event.event_id in self.known:
            return EventResult(outcome=EventResult.DUPLICATE)
        self.known.add(event.event_id)
        is_counted = event.consent == NONE
        return EventResult(outcome=EventResult.COUNTED if is_counted else EventResult.ACCEPTED)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeClient:
    fake = FakeClient()
    monkeypatch.setattr(events_cli, "open_client", lambda _tenant: fake)
    monkeypatch.chdir(tmp_path)
    Path("mapping.toml").write_text(MAPPING, encoding="utf-8")
    return fake


def run_import(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(
        events, ["import", "shop", *arguments, "--mapping", "mapping.toml"], standalone_mode=False
    )
    assert result.exception is None, result.exception
    return result.return_value, result.output


def test_each_event_is_counted_by_what_became_of_it_and_refusals_have_their_line(
    client: FakeClient,
) -> None:
    lines = ["anna,a,profile", "bo,b,none", "cilla,bad,profile", "dan,c,maybe", "anna,a,profile"]
    Path("h.csv").write_text("\n".join(["who,sku,ok", *lines]), encoding="utf-8")

    code, output = run_import("h.csv")

    assert code == 0
    assert "1 accepted, 1 counted only, 1 known already, 2 failed" in output
    rejects = [json.loads(line) for line in Path("h.csv.rejected.jsonl").read_text().splitlines()]
    assert [one["line"] for one in rejects] == [5, 4]
    assert "consent" in rejects[0]["reason"]
    assert rejects[1]["reason"] == "products[0].product_id: is bad"


def test_a_second_run_sends_the_same_ids_and_changes_nothing(client: FakeClient) -> None:
    rows = "".join(f"v{n},p{n},profile\n" for n in range(1_200))
    Path("h.csv").write_text("who,sku,ok\n" + rows, encoding="utf-8")

    first = run_import("h.csv")
    again = run_import("h.csv")

    assert "1,200 accepted" in first[1]
    assert "0 accepted, 0 counted only, 1,200 known already, 0 failed" in again[1]
    assert client.calls == [500, 500, 200] * 2
    assert len(client.known) == 1_200


def test_a_file_of_which_nothing_could_be_taken_ends_with_an_error(client: FakeClient) -> None:
    Path("h.csv").write_text("who,sku,ok\nanna,bad,profile\n", encoding="utf-8")

    assert run_import("h.csv")[0] == 1
