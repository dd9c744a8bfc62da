"""Certificates: who is named, for how long, and when they are made anew."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from node.config import ServerPaths
from node.errors import InvalidArgumentError, StorageError
from node.tls.authority import (
    OPERATOR_LIFE,
    SERVER_LIFE,
    Role,
    create_authority,
    is_signed_by,
    issue_operator,
    issue_server,
    needs_renewal,
    role_of,
    role_uri,
)
from node.tls.files import (
    ca_path,
    ensure_certificates,
    operator_path,
    read_identity,
    server_path,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def paths(tmp_path: Path) -> ServerPaths:
    return ServerPaths.of(tmp_path / "data")


def server_names(paths: ServerPaths) -> set[str]:
    certificate = x509.load_pem_x509_certificate(read_identity(server_path(paths)).certificate_pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {
        *names.get_values_for_type(x509.DNSName),
        *(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    }


def verify_server(paths: ServerPaths, host: str, moment: datetime) -> None:
    store = verification.Store(x509.load_pem_x509_certificates(ca_path(paths).read_bytes()))
    identity = read_identity(server_path(paths))
    verification.PolicyBuilder().store(store).time(moment).build_server_verifier(
        x509.DNSName(host)
    ).verify(x509.load_pem_x509_certificate(identity.certificate_pem), [])


def test_first_start_makes_a_chain_that_an_independent_verifier_accepts(
    paths: ServerPaths,
) -> None:
    ensure_certificates(paths, ["shop.example"], now=NOW)

    verify_server(paths, "localhost", NOW)
    verify_server(paths, "shop.example", NOW)


def test_the_server_is_named_by_loopback_and_by_where_it_listens(paths: ServerPaths) -> None:
    ensure_certificates(paths, ["10.1.2.3", "Shop.Example"], now=NOW)

    assert server_names(paths) == {"localhost", "127.0.0.1", "::1", "10.1.2.3", "shop.example"}


def test_private_keys_are_for_their_owner_only(paths: ServerPaths) -> None:
    ensure_certificates(paths, [], now=NOW)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths.tls.glob("*.*")}
    assert modes["ca.key"] == modes["server.pem"] == modes["operator.pem"] == 0o600
    assert stat.S_IMODE(paths.tls.stat().st_mode) == 0o700


def test_nothing_is_made_anew_while_nothing_is_due(paths: ServerPaths) -> None:
    ensure_certificates(paths, ["shop.example"], now=NOW)
    before = {path: path.read_bytes() for path in paths.tls.iterdir()}

    ensure_certificates(paths, ["shop.example"], now=NOW + SERVER_LIFE / 2)

    assert {path: path.read_bytes() for path in paths.tls.iterdir()} == before


def test_a_certificate_is_renewed_when_less_than_a_third_of_its_life_is_left(
    paths: ServerPaths,
) -> None:
    ensure_certificates(paths, [], now=NOW)
    before = server_path(paths).read_bytes()
    operator = operator_path(paths).read_bytes()
    later = NOW + SERVER_LIFE * 0.7

    ensure_certificates(paths, [], now=later)

    assert server_path(paths).read_bytes() != before
    assert operator_path(paths).read_bytes() == operator
    verify_server(paths, "localhost", NOW + SERVER_LIFE + timedelta(days=1))


def test_the_operators_certificate_is_renewed_too(paths: ServerPaths) -> None:
    ensure_certificates(paths, [], now=NOW)
    before = operator_path(paths).read_bytes()

    ensure_certificates(paths, [], now=NOW + OPERATOR_LIFE * 0.7)

    assert operator_path(paths).read_bytes() != before


def test_a_new_host_to_listen_on_makes_a_new_certificate(paths: ServerPaths) -> None:
    ensure_certificates(paths, [], now=NOW)

    ensure_certificates(paths, ["shop.example"], now=NOW)

    assert "shop.example" in server_names(paths)


def test_a_renewed_authority_still_vouches_for_what_the_earlier_one_signed() -> None:
    """Clients that hold the earlier file must go on without being touched."""
    first = create_authority(now=NOW)
    old_leaf = issue_server(first, hosts=["localhost"], now=NOW)

    second = create_authority(now=NOW + timedelta(days=3000), key_pem=first.key_pem)
    new_leaf = issue_server(second, hosts=["localhost"], now=NOW + timedelta(days=3000))

    assert first.certificate_pem != second.certificate_pem
    assert is_signed_by(old_leaf.certificate_pem, second.certificate_pem)
    assert is_signed_by(new_leaf.certificate_pem, first.certificate_pem)


def test_a_certificate_of_another_authority_is_replaced(paths: ServerPaths) -> None:
    ensure_certificates(paths, [], now=NOW)
    stranger = issue_server(create_authority(now=NOW), hosts=["localhost"], now=NOW)
    server_path(paths).write_bytes(stranger.key_pem + stranger.certificate_pem)

    ensure_certificates(paths, [], now=NOW)

    verify_server(paths, "localhost", NOW)


def test_a_start_that_was_cut_between_key_and_certificate_is_finished(paths: ServerPaths) -> None:
    ensure_certificates(paths, [], now=NOW)
    ca_path(paths).unlink()
    server_path(paths).unlink()

    ensure_certificates(paths, [], now=NOW)

    verify_server(paths, "localhost", NOW)


def test_renewal_is_due_exactly_below_a_third() -> None:
    leaf = issue_operator(create_authority(now=NOW), name="local", now=NOW).certificate_pem
    certificate = x509.load_pem_x509_certificate(leaf)
    third = (certificate.not_valid_after_utc - certificate.not_valid_before_utc) / 3
    edge = certificate.not_valid_after_utc - third

    assert not needs_renewal(leaf, now=edge)
    assert needs_renewal(leaf, now=edge + timedelta(seconds=1))


def test_a_missing_or_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "damaged.pem").write_text("-----BEGIN PRIVATE KEY-----\n")

    with pytest.raises(StorageError, match="absent"):
        read_identity(tmp_path / "absent.pem")
    with pytest.raises(StorageError, match="damaged"):
        read_identity(tmp_path / "damaged.pem")


def test_a_directory_that_cannot_be_used_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match=str(tmp_path / "file")):
        ensure_certificates(ServerPaths.of(tmp_path / "file"), [], now=NOW)


@pytest.mark.parametrize("host", ["not a host", "-x", "a..b", "http://x", "x" * 64])
def test_a_host_that_can_be_none_is_refused(paths: ServerPaths, host: str) -> None:
    with pytest.raises(InvalidArgumentError, match="host"):
        ensure_certificates(paths, [host], now=NOW)


def test_only_our_own_uris_give_a_role() -> None:
    assert role_of(role_uri(Role.OPERATOR, "local")) == (Role.OPERATOR, "local")
    for uri in (
        "spiffe://saluhall/operator/",
        "spiffe://elsewhere/operator/local",
        "spiffe://saluhall/operator/local/more",
        "spiffe://saluhall/admin/local",
        "https://saluhall/operator/local",
    ):
        assert role_of(uri) is None
