"""What each visitor has bought together: the baskets of the co-purchase index, so that they can be forgotten."""

from collections.abc import Sequence
from typing import Final

from actors.recommend.co_purchase import BasketParameters, CoPurchaseIndex
from actors.recommend.next_products import Scored

BASKETS_MAX: Final = 100_000
BASKET_PRODUCTS_MAX: Final = 50
PARAMETERS: Final = BasketParameters()
_KEYS_SLACK: Final = 2


class BasketBook:
    """Baskets by visitor."""

    def __init__(self, *, baskets_max: int = BASKETS_MAX) -> None:
        self._baskets_max = baskets_max
        self.index = CoPurchaseIndex(
            baskets_max=baskets_max, basket_products_max=BASKET_PRODUCTS_MAX
        )
        self._keys: dict[bytes, dict[bytes, None]] = {}
        """By visitor."""

        self._key_count = 0

    def add(
        self, storage_id: bytes, event_hash: bytes, time_ms: int, products: Sequence[bytes]
    ) -> None:
        """What one purchase is made of; a single product was bought with nothing."""
        distinct = set(products)
        key = storage_id + event_hash
        if len(distinct) < 2 or not self.index.add(key, distinct, time_ms):
            return
        keys = self._keys.setdefault(storage_id, {})
        if key not in keys:
            keys[key] = None
            self._key_count += 1
        if self._key_count > _KEYS_SLACK * self._baskets_max:
            self._prune()

    def forget(self, storage_id: bytes) -> None:
        """Take all baskets of a visitor out of the index."""
        keys = self._keys.pop(storage_id, {})
        self._key_count -= len(keys)
        for key in keys:
            self.index.remove(key)

    def bought_with(
        self, products: Sequence[bytes], *, now_ms: int, count_max: int
    ) -> list[Scored]:
        """What belongs to a basket with these products, the best first."""
        return self.index.bought_with(
            products, now_ms=now_ms, parameters=PARAMETERS, count_max=count_max
        )

    def _prune(self) -> None:
        """Forget the visitors who came first: their baskets are the oldest, and mostly out of the index already."""
        for storage_id in list(self._keys):
            if self._key_count <= self._baskets_max:
                break
            self.forget(storage_id)
