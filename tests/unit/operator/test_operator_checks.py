"""What a new tenant may be called, speak and pay with."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.agent.processes import ProcessId, own_id
from node.agent.state import AgentState, ProcessEntry, write_agent_state
from node.config import ServerPaths
from node.errors import InvalidArgumentError
from node.front.operator_checks import CURRENCY_CODES, check_new_tenant
from node.front.operator_processes import anonymous_memory_bytes, read_processes
from protos.v1.admin_pb2 import Tenant


def tenant(
    tenant_id: str = "acme", languages: tuple[str, ...] = ("sv", "en"), currency: str = "SEK"
) -> Tenant:
    return Tenant(id=tenant_id, language_codes=languages, currency_code=currency)


def fields_at_fault(asked: Tenant) -> list[str]:
    with pytest.raises(InvalidArgumentError) as caught:
        check_new_tenant(asked, now_ms=1)
    return [violation.field for violation in caught.value.violations]


def test_a_good_tenant_becomes_its_settings() -> None:
    settings = check_new_tenant(tenant(), now_ms=17)

    assert settings.tenant_id == "acme"
    assert list(settings.language_codes) == ["sv", "en"]
    assert (settings.currency_code, settings.create_time_ms) == ("SEK", 17)


@pytest.mark.parametrize(
    "name", ["", "a", "Acme", "1shop", "-shop", "shop-", "a--b", "a_b", "å", "x" * 33, "platform"]
)
def test_a_name_that_no_tenant_may_have_is_refused(name: str) -> None:
    assert fields_at_fault(tenant(name)) == ["tenant.id"]


@pytest.mark.parametrize("code", ["sv", "en-GB", "zh-Hant", "sr-Latn-RS", "es-419", "de-1996"])
def test_a_bcp_47_code_is_taken(code: str) -> None:
    check_new_tenant(tenant(languages=(code,)), now_ms=1)


@pytest.mark.parametrize("code", ["", "SV", "swedish", "sv_SE", "sv-", "s"])
def test_another_language_code_is_refused_with_its_place(code: str) -> None:
    assert fields_at_fault(tenant(languages=("en", code))) == ["tenant.language_codes[1]"]


def test_languages_are_needed_once_each_and_bounded() -> None:
    assert fields_at_fault(tenant(languages=())) == ["tenant.language_codes"]
    assert fields_at_fault(tenant(languages=("sv", "sv"))) == ["tenant.language_codes"]
    assert fields_at_fault(tenant(languages=("sv",) * 9)) == ["tenant.language_codes"]


@pytest.mark.parametrize("code", ["", "sek", "SE", "ABC", "EURO"])
def test_a_currency_that_is_none_is_refused(code: str) -> None:
    assert fields_at_fault(tenant(currency=code)) == ["tenant.currency_code"]


def test_every_fault_is_told_at_once() -> None:
    asked = tenant("NO", languages=("NO",), currency="NO")

    assert fields_at_fault(asked) == [
        "tenant.id",
        "tenant.language_codes[0]",
        "tenant.currency_code",
    ]


def test_currency_codes_are_three_capitals_each() -> None:
    assert all(len(code) == 3 and code.isupper() for code in CURRENCY_CODES)
    assert {"SEK", "NOK", "DKK", "EUR", "USD", "GBP"} <= CURRENCY_CODES


def test_processes_are_read_with_their_memory(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path)
    here = own_id()
    front = ProcessEntry("front", here.pid, here.start_time, "127.0.0.1:7700", 2)
    gone = ProcessEntry("ray", here.pid, here.start_time - 1, "", 0)
    write_agent_state(
        paths,
        AgentState(
            pid=here.pid,
            start_time=here.start_time,
            state="serving",
            message="",
            listen="127.0.0.1:7700",
            operator_listen="",
            release="9.9",
            server="local",
            processes=(front, gone),
        ),
    )

    processes, release = read_processes(paths)

    assert release == "9.9"
    assert [process.role for process in processes] == ["front", "ray"]
    assert processes[0].anonymous_memory_bytes > 1_000_000
    assert (processes[0].address, processes[0].restart_count) == ("127.0.0.1:7700", 2)
    assert processes[1].anonymous_memory_bytes == 0


@given(content=st.binary(max_size=60) | st.sampled_from([b"{}", b"[]", b'{"processes": 1}']))
def test_a_state_file_that_says_nothing_of_use_shows_no_process(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    paths = ServerPaths.of(tmp_path_factory.mktemp("data"))
    paths.agent_state.write_bytes(content)

    assert read_processes(paths) == ([], "")


def test_a_process_that_is_gone_has_no_memory() -> None:
    assert anonymous_memory_bytes(ProcessId(2**22 + 1, 1)) == 0
