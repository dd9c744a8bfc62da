"""A small certificate authority: P-256 keys, ECDSA signatures, one level, roles as URIs.

A certificate's role is the URI `spiffe://saluhall/<role>/<name>` among its alternative names: that
is what we authorise by, never the common name. Everything here is bytes in, bytes out; the time is
passed in.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from node.errors import InvalidArgumentError

AUTHORITY_LIFE: Final = timedelta(days=3650)
SERVER_LIFE: Final = timedelta(days=30)
OPERATOR_LIFE: Final = timedelta(days=365)
"""Longer than a server's: an operator may carry it to another machine, where nothing renews it."""

_CLOCK_SKEW: Final = timedelta(hours=1)
_DNS_NAME: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*")


class Role(StrEnum):
    """What the holder of a certificate is."""

    SERVER = "server"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key, both PEM."""

    certificate_pem: bytes
    key_pem: bytes


def create_authority(*, now: datetime, key_pem: bytes | None = None) -> Identity:
    """A self-signed authority; with `key_pem` a new certificate for the same key.

    The same key and name keep every certificate valid that the earlier one signed, and clients that
    know only the earlier one go on until it expires.
    """
    key = ec.generate_private_key(ec.SECP256R1()) if key_pem is None else _load_key(key_pem)
    name = _name("Saluhall certificate authority")
    certificate = (
        _builder(name, name, key, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _identity(certificate, key)


def issue_server(authority: Identity, *, hosts: Sequence[str], now: datetime) -> Identity:
    """A server's certificate for these host names and addresses.

    Raises InvalidArgumentError when one is neither an address nor a host name.
    """
    names = [_alternative_name(host) for host in hosts]
    return _issue(authority, Role.SERVER, "local", names=names, life=SERVER_LIFE, now=now)


def issue_operator(authority: Identity, *, name: str, now: datetime) -> Identity:
    """An operator's client certificate."""
    return _issue(authority, Role.OPERATOR, name, names=[], life=OPERATOR_LIFE, now=now)


def needs_renewal(certificate_pem: bytes, *, now: datetime) -> bool:
    """Whether less than a third of the certificate's life is left."""
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_after_utc - now < life / 3


def covers(certificate_pem: bytes, hosts: Sequence[str]) -> bool:
    """Whether the certificate names all these hosts."""
    names = x509.load_pem_x509_certificate(certificate_pem).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return {_alternative_name(host) for host in hosts} <= set(names.value)


def is_signed_by(certificate_pem: bytes, authority_pem: bytes) -> bool:
    """Whether this authority's key signed the certificate."""
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority_pem))
    except Exception:  # noqa: BLE001 - ValueError, TypeError or InvalidSignature: all mean no
        return False
    return True


def role_uri(role: Role, name: str) -> str:
    """The URI that makes a certificate's holder a server or an operator."""
    return f"spiffe://saluhall/{role.value}/{name}"


def role_of(uri: str) -> tuple[Role, str] | None:
    """Role and name from such a URI; None for any other text."""
    match = re.fullmatch(r"spiffe://saluhall/(server|operator)/([A-Za-z0-9._-]{1,64})", uri)
    return (Role(match[1]), match[2]) if match else None


def _issue(
    authority: Identity,
    role: Role,
    name: str,
    *,
    names: Sequence[x509.GeneralName],
    life: timedelta,
    now: datetime,
) -> Identity:
    issuer = x509.load_pem_x509_certificate(authority.certificate_pem)
    purpose = {
        Role.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
        Role.OPERATOR: ExtendedKeyUsageOID.CLIENT_AUTH,
    }[role]
    uri = x509.UniformResourceIdentifier(role_uri(role, name))
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(f"Saluhall {role.value}"), issuer.subject, key, now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName([*names, uri]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                _load_key(authority.key_pem).public_key()
            ),
            critical=False,
        )
        .sign(_load_key(authority.key_pem), hashes.SHA256())
    )
    return _identity(certificate, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A client whose clock is a little behind must not refuse a certificate made a moment ago.
        .not_valid_before(now.astimezone(UTC) - _CLOCK_SKEW)
        .not_valid_after(now.astimezone(UTC) + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not _DNS_NAME.fullmatch(host):
        raise InvalidArgumentError.of("host", f"{host!r} is neither an address nor a host name")
    return x509.DNSName(host)


def _load_key(key_pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(key_pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidArgumentError("The authority's key is not an elliptic-curve key (P-256)")
    return key


def _identity(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Identity:
    return Identity(
        certificate_pem=certificate.public_bytes(Encoding.PEM),
        key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
