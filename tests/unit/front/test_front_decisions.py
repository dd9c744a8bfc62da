"""What a front decides without asking anybody: the method table, verdicts, targets."""

from pathlib import Path

import pytest

from node.config import ServerPaths
from node.errors import InvariantError, PermissionDeniedError, UnauthenticatedError
from node.front.config import VerdictConfig
from node.front.methods import SERVICES, Kind, method_table
from node.front.routing import target_of
from node.front.verdicts import Judgement, Verdict, judge
from protos.internal.link_pb2 import VerifyKeyResponse
from protos.internal.records_pb2 import GroupRecord
from protos.v1 import admin_pb2
from protos.v1.account_pb2 import Key

CONFIG = VerdictConfig()
ASKED_MS = 1_000_000
NOW_MS = 1_700_000_000_000


def decide(
    *,
    age_ms: int,
    kind: int = VerifyKeyResponse.VALID,
    role: int = Key.ADMIN,
    role_needed: int = Key.SEARCH,
    has_primary: bool = True,
    expire_time_ms: int = 0,
) -> Judgement:
    verdict = Verdict(kind=kind, role=role, expire_time_ms=expire_time_ms, asked_ms=ASKED_MS)
    return judge(
        verdict,
        role_needed=role_needed,
        has_primary=has_primary,
        monotonic_ms=ASKED_MS + age_ms,
        now_ms=NOW_MS,
        config=CONFIG,
    )


def test_every_public_rpc_has_a_row_and_only_those() -> None:
    table = method_table()

    rpcs = {f"/{s.full_name}/{m.name}" for s in SERVICES for m in s.methods}
    assert table.keys() == rpcs
    assert [m.path for m in table.values() if m.kind is Kind.IMPORT] == [
        "/saluhall.v1.CatalogService/ImportProducts"
    ]


def test_a_service_without_rows_stops_the_start() -> None:
    admin = admin_pb2.DESCRIPTOR.services_by_name["AdminService"]

    with pytest.raises(InvariantError, match="CreateTenant"):
        method_table([*SERVICES, admin])


def test_a_row_without_an_rpc_stops_the_start() -> None:
    with pytest.raises(InvariantError, match="ImportProducts"):
        method_table(SERVICES[:1])


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        (0, Judgement.ADMIT),
        (499, Judgement.ADMIT),
        (500, Judgement.ADMIT_AND_ASK),
        (999, Judgement.ADMIT_AND_ASK),
        (1_000, Judgement.ASK),
    ],
)
def test_a_verdict_holds_a_second_while_there_is_a_primary(
    age_ms: int, expected: Judgement
) -> None:
    assert decide(age_ms=age_ms) is expected


def test_a_search_verdict_is_prolonged_while_there_is_no_primary() -> None:
    assert decide(age_ms=29_999, has_primary=False) is Judgement.ADMIT_AND_ASK
    assert decide(age_ms=30_000, has_primary=False) is Judgement.ASK


@pytest.mark.parametrize("role_needed", [Key.WRITE, Key.ADMIN])
def test_write_and_admin_verdicts_are_never_prolonged(role_needed: int) -> None:
    assert decide(age_ms=1_000, role_needed=role_needed, has_primary=False) is Judgement.ASK


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (VerifyKeyResponse.UNKNOWN, "KEY_INVALID"),
        (VerifyKeyResponse.VERDICT_UNSPECIFIED, "KEY_INVALID"),
        (VerifyKeyResponse.EXPIRED, "KEY_EXPIRED"),
        (VerifyKeyResponse.REVOKED, "KEY_REVOKED"),
    ],
)
def test_a_bad_key_is_refused_and_asked_again_after_a_second(kind: int, reason: str) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        decide(age_ms=999, kind=kind)

    assert caught.value.reason == reason
    assert decide(age_ms=1_000, kind=kind) is Judgement.ASK
    assert decide(age_ms=1_000, kind=kind, has_primary=False) is Judgement.ASK


def test_a_key_that_expires_while_its_verdict_is_fresh_stops_at_once() -> None:
    assert decide(age_ms=0, expire_time_ms=NOW_MS + 1) is Judgement.ADMIT
    with pytest.raises(UnauthenticatedError) as caught:
        decide(age_ms=0, expire_time_ms=NOW_MS)
    assert caught.value.reason == "KEY_EXPIRED"


def test_a_role_includes_those_below_it_and_none_above() -> None:
    roles = (Key.SEARCH, Key.WRITE, Key.ADMIN)
    for role in roles:
        for needed in roles:
            if role >= needed:
                assert decide(age_ms=0, role=role, role_needed=needed) is Judgement.ADMIT
            else:
                with pytest.raises(PermissionDeniedError):
                    decide(age_ms=0, role=role, role_needed=needed)


def test_a_tenant_without_an_opened_primary_has_no_target() -> None:
    paths = ServerPaths(Path("/data"))
    store_id = "ab" * 16
    record = GroupRecord(tenant_id="demo", primary=store_id)
    assert target_of(record, paths) is None

    replica = record.replicas.add(store_id=store_id, incarnation=0)
    assert target_of(record, paths) is None

    replica.incarnation = 3
    target = target_of(record, paths)
    assert target is not None
    assert target.socket_path == paths.replica_socket(store_id, 3)
