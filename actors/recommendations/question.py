"""One call: what is known of the moment, and what its products are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from actors.index.columns import MISSING
from actors.recommendations.asked import Moment
from actors.recommendations.catalogue import NOWHERE, Catalogue, Mask
from actors.recommendations.content import Content, Profile
from actors.recommendations.counts import CountedProducts
from actors.recommendations.history import History
from actors.recommendations.memory import RecommendMemory
from actors.recommendations.shelf import Shelf

DAY_MS: Final = 86_400_000
HISTORY_MAX: Final = 10
"""Products of a visitor's past that say what they are interested in."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the tenant knows of the visitor."""

    history: History
    session: tuple[bytes, ...]
    """What they looked at in this session, oldest first."""


class Question:
    """The moment of a call, and the catalogue as it is answered from."""

    def __init__(
        self,
        moment: Moment,
        known: Known,
        *,
        shelf: Shelf,
        content: Content,
        counted: CountedProducts,
        memory: RecommendMemory,
        language_code: str,
        now_ms: int,
    ) -> None:
        self.moment = moment
        self.history = known.history
        self.shelf = shelf
        self.content = content
        self.counted = counted
        self.memory = memory
        self.language_code = language_code
        self.now_ms = (now_ms // DAY_MS + 1) * DAY_MS
        """The end of this day: how old a session is decides what it counts, and that differs by days only. So equal
        input has equal answers all day."""

        self._told_session = known.session

    @property
    def catalogue(self) -> Catalogue:
        """The products by number."""
        return self.shelf.catalogue

    @cached_property
    def session(self) -> list[bytes]:
        """What was looked at in this session, oldest first, the product on the page last."""
        products = [*self._told_session, *self.moment.session]
        if self.moment.page and products[-1:] != [self.moment.page[0]]:
            products.append(self.moment.page[0])
        return products

    @cached_property
    def recent(self) -> list[bytes]:
        """What the visitor looked at, this session and before, the latest first, each once."""
        before = self.history.looked_at(HISTORY_MAX * 10)
        return list(dict.fromkeys([*reversed(self.session), *before]))

    @cached_property
    def first(self) -> bytes | None:
        """The first product of the context: what lists are about."""
        for products in (self.moment.page, self.moment.cart, self.session[-1:]):
            if products:
                return products[0]
        return None

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The category of the page, or those of its first product."""
        if self.moment.category:
            return (self.moment.category,)
        profile = self.first_profile
        return () if profile is None else profile.categories

    @cached_property
    def first_profile(self) -> Profile | None:
        """What the first product of the context is."""
        return None if self.first is None else self.content.profile(self.first)

    @cached_property
    def same_category(self) -> Mask | None:
        """bool[D]: the products in any of `categories`; None when there is none."""
        if not self.categories:
            return None
        same = np.zeros(self.catalogue.count, np.bool_)
        for path in self.categories:
            same |= self.catalogue.within(path)
        return same

    @cached_property
    def price(self) -> int:
        """What the first product of the context costs, in millionths; `MISSING` when that is not known."""
        if self.first is None:
            return MISSING
        number = self.catalogue.numbers_of([self.first])[0]
        if number == NOWHERE:
            return MISSING
        plan = self.shelf.everything
        return int(self.shelf.prices(plan)[number])

    def numbers(self, products: Sequence[bytes]) -> list[int]:
        """The numbers of those products that there are."""
        found = self.catalogue.numbers_of(list(products))
        return [number for number in found if number != NOWHERE]

    def title(self, product: bytes) -> str:
        """What a product is called in a reason."""
        profile = self.content.profile(product)
        return "it" if profile is None or not profile.title else f"“{profile.title}”"
