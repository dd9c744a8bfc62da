"""Whether a tenant may be created as asked: pure checks of its name, languages and currency."""

import re
from typing import Final

from node.config import READER_COUNT_MAX
from node.errors import InvalidArgumentError, Violation
from node.ids import PLATFORM_TENANT, is_tenant_id
from protos.internal.records_pb2 import TenantSettings
from protos.v1.admin_pb2 import Tenant

LANGUAGE_COUNT_MAX: Final = 8
RESERVED_IDS: Final = frozenset({PLATFORM_TENANT})

# Language, script, region, variants: BCP 47 without extensions and private use.
_LANGUAGE_CODE: Final = re.compile(
    r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
)

# ISO 4217: the active currencies of countries.
_CURRENCIES: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
    "GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW "
    "KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR "
    "MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR "
    "SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
    "USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
CURRENCY_CODES: Final = frozenset(_CURRENCIES.split())


def check_new_tenant(tenant: Tenant, *, now_ms: int) -> TenantSettings:
    """The settings of the tenant to create. Raises InvalidArgumentError with all faults."""
    violations = [
        *_violations_of_id(tenant.id),
        *_violations_of_languages(list(tenant.language_codes)),
        *_violations_of_currency(tenant.currency_code),
    ]
    if violations:
        raise InvalidArgumentError(
            "; ".join(f"{v.field}: {v.description}" for v in violations), violations=violations
        )
    return TenantSettings(
        tenant_id=tenant.id,
        language_codes=tenant.language_codes,
        currency_code=tenant.currency_code,
        create_time_ms=now_ms,
    )


def check_reader_count(count: int) -> None:
    """Raise InvalidArgumentError unless a tenant may have so many readers."""
    if not 0 <= count <= READER_COUNT_MAX:
        raise InvalidArgumentError.of("reader_count", f"{count}: must be 0 to {READER_COUNT_MAX}")


def _violations_of_id(tenant_id: str) -> list[Violation]:
    if not is_tenant_id(tenant_id):
        return [
            Violation(
                "tenant.id",
                f"{tenant_id!r} cannot name a tenant: use 2 to 32 of a-z, 0-9 and single '-', "
                "starting with a letter and not ending in '-'",
            )
        ]
    if tenant_id in RESERVED_IDS:
        return [Violation("tenant.id", f"{tenant_id!r} is the platform's own; choose another")]
    return []


def _violations_of_languages(codes: list[str]) -> list[Violation]:
    if not 1 <= len(codes) <= LANGUAGE_COUNT_MAX:
        return [
            Violation(
                "tenant.language_codes",
                f"{len(codes)} given; 1 to {LANGUAGE_COUNT_MAX} are needed, the default first",
            )
        ]
    violations = [
        Violation(
            f"tenant.language_codes[{index}]",
            f"{code!r} is not a BCP 47 language code such as 'sv' or 'en-GB'",
        )
        for index, code in enumerate(codes)
        if not _LANGUAGE_CODE.fullmatch(code)
    ]
    if len(set(codes)) < len(codes):
        violations.append(Violation("tenant.language_codes", "names a language twice"))
    return violations


def _violations_of_currency(code: str) -> list[Violation]:
    if code in CURRENCY_CODES:
        return []
    return [
        Violation(
            "tenant.currency_code", f"{code!r} is not an ISO 4217 currency code such as 'SEK'"
        )
    ]
