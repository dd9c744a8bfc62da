"""What a RecommendRequest asks for, checked: limits, and filters made ready."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actors.index.schema import Schema
from actors.model.masks import check_read_mask
from actors.model.storefront import Storefront, check_storefront
from actors.search.filter_plan import FilterPlan, FilterPlanner
from node.errors import InvalidArgumentError
from protos.v1.recommend_pb2 import Placement, RecommendContext, RecommendRequest

PLACEMENTS_MAX: Final = 10
PAGE_SIZE_DEFAULT: Final = 12
PAGE_SIZE_MAX: Final = 60
PRODUCTS_MAX: Final = 20
CART_MAX: Final = 100
SESSION_MAX: Final = 50
PINS_MAX: Final = 60
FACTORS_MAX: Final = 20
FACTOR_MIN: Final = 0.01
FACTOR_MAX: Final = 100.0
ID_SIZE_BYTES_MAX: Final = 128
PLACEMENT_ID_SIZE_BYTES_MAX: Final = 64
TEXT_SIZE_BYTES_MAX: Final = 1_024

_PLANNER: Final = FilterPlanner()


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known of the visitor and the page."""

    visitor_id: str
    session_id: str
    page: tuple[bytes, ...]
    """Products on the page, the most important first."""
    cart: tuple[bytes, ...]
    session: tuple[bytes, ...]
    """What the shop says of the session, oldest first."""
    category: str
    query: str


@dataclass(frozen=True, slots=True)
class Factor:
    """Products that pass count so many times more or less."""

    plan: FilterPlan
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPlacement:
    """One list, as it is wanted."""

    id: str
    strategy: Placement.Strategy.ValueType
    size: int
    filter: FilterPlan
    includes_seen: bool
    includes_bought: bool
    includes_out_of_stock: bool
    price_ratio_min: float | None
    price_ratio_max: float | None
    category_rule: Placement.CategoryRule.ValueType
    diversity: float
    brand_count_max: int
    category_count_max: int
    pins: tuple[bytes, ...]
    factors: tuple[Factor, ...]
    is_strict: bool


def read_moment(context: RecommendContext) -> Moment:
    """The moment that a request describes.

    Raises:
        InvalidArgumentError: it lists more than it may, or a text is too long.
    """
    for name in ("visitor_id", "session_id"):
        _check_size(f"context.{name}", getattr(context, name), ID_SIZE_BYTES_MAX)
    for name in ("category", "query"):
        _check_size(f"context.{name}", getattr(context, name), TEXT_SIZE_BYTES_MAX)
    return Moment(
        visitor_id=context.visitor_id,
        session_id=context.session_id,
        page=_ids("context.product_ids", context.product_ids, PRODUCTS_MAX),
        cart=_ids("context.cart_product_ids", context.cart_product_ids, CART_MAX),
        session=_ids("context.session_product_ids", context.session_product_ids, SESSION_MAX),
        category=context.category.strip(),
        query=context.query.strip(),
    )


def read_placements(request: RecommendRequest, schema: Schema) -> list[AskedPlacement]:
    """The lists that a request asks for.

    Raises:
        InvalidArgumentError: names the part of the request that is wrong.
    """
    check_read_mask(request.read_mask.paths)
    check_storefront(Storefront(request.market, request.price_list, request.store))
    count = len(request.placements)
    if not 1 <= count <= PLACEMENTS_MAX:
        raise InvalidArgumentError.of(
            "placements", f"has {count}; between 1 and {PLACEMENTS_MAX} are allowed"
        )
    asked = [
        _read_placement(placement, f"placements[{index}]", schema)
        for index, placement in enumerate(request.placements)
    ]
    seen: set[str] = set()
    for index, one in enumerate(asked):
        if one.id in seen:
            raise InvalidArgumentError.of(
                f"placements[{index}].id", f'"{one.id}" is the id of an earlier one too'
            )
        seen.add(one.id)
    return asked


def _read_placement(placement: Placement, path: str, schema: Schema) -> AskedPlacement:
    if not placement.id:
        raise InvalidArgumentError.of(f"{path}.id", "is required: it names the list in the answer")
    _check_size(f"{path}.id", placement.id, PLACEMENT_ID_SIZE_BYTES_MAX)
    if placement.strategy not in Placement.Strategy.values():
        raise InvalidArgumentError.of(f"{path}.strategy", "is none of the known strategies")
    if placement.category_rule not in Placement.CategoryRule.values():
        raise InvalidArgumentError.of(f"{path}.category_rule", "is none of the known rules")
    if not 0 <= placement.diversity <= 1:
        raise InvalidArgumentError.of(f"{path}.diversity", "must be between 0 and 1")
    for name in ("page_size", "brand_count_max", "category_count_max"):
        if getattr(placement, name) < 0:
            raise InvalidArgumentError.of(f"{path}.{name}", "must be at least 0")
    low, high = _ratios(placement, path)
    return AskedPlacement(
        id=placement.id,
        strategy=placement.strategy or Placement.NEXT,
        size=min(placement.page_size or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX),
        filter=_plan(placement.filter, f"{path}.filter", schema),
        includes_seen=placement.include_seen,
        includes_bought=placement.include_bought,
        includes_out_of_stock=placement.include_out_of_stock,
        price_ratio_min=low,
        price_ratio_max=high,
        category_rule=placement.category_rule,
        diversity=placement.diversity,
        brand_count_max=placement.brand_count_max,
        category_count_max=placement.category_count_max,
        pins=tuple(
            dict.fromkeys(
                _ids(f"{path}.pinned_product_ids", placement.pinned_product_ids, PINS_MAX)
            )
        ),
        factors=_factors(placement, path, schema),
        is_strict=placement.strict,
    )


def _ratios(placement: Placement, path: str) -> tuple[float | None, float | None]:
    low = placement.price_ratio_min if placement.HasField("price_ratio_min") else None
    high = placement.price_ratio_max if placement.HasField("price_ratio_max") else None
    for name, value in (("price_ratio_min", low), ("price_ratio_max", high)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise InvalidArgumentError.of(f"{path}.{name}", "must be a number of at least 0")
    if low is not None and high is not None and low > high:
        raise InvalidArgumentError.of(f"{path}.price_ratio_max", "is below price_ratio_min")
    return low, high


def _factors(placement: Placement, path: str, schema: Schema) -> tuple[Factor, ...]:
    if len(placement.factors) > FACTORS_MAX:
        raise InvalidArgumentError.of(
            f"{path}.factors", f"has {len(placement.factors)}; at most {FACTORS_MAX} are allowed"
        )
    factors = []
    for index, one in enumerate(placement.factors):
        if not FACTOR_MIN <= one.factor <= FACTOR_MAX:
            raise InvalidArgumentError.of(
                f"{path}.factors[{index}].factor", f"must be {FACTOR_MIN} to {FACTOR_MAX:g}"
            )
        plan = _plan(one.filter, f"{path}.factors[{index}].filter", schema)
        factors.append(Factor(plan, one.factor))
    return tuple(factors)


def _plan(text: str, path: str, schema: Schema) -> FilterPlan:
    try:
        return _PLANNER.plan(text, schema)
    except InvalidArgumentError as error:
        problem = error.violations[0].description if error.violations else str(error)
        raise InvalidArgumentError.of(path, problem, reason=error.reason) from None


def _ids(path: str, product_ids: Sequence[str], count_max: int) -> tuple[bytes, ...]:
    if len(product_ids) > count_max:
        raise InvalidArgumentError.of(
            path, f"has {len(product_ids)}; at most {count_max} are allowed"
        )
    return tuple([product_id.encode() for product_id in product_ids])


def _check_size(path: str, text: str, size_bytes_max: int) -> None:
    if len(text.encode()) > size_bytes_max:
        raise InvalidArgumentError.of(path, f"has more than {size_bytes_max} bytes")
