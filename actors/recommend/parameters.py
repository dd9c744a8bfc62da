"""What a tenant's scorer may be set to: all of it, in one frozen value."""

import enum
import math
from dataclasses import dataclass, fields


class Scorer(enum.StrEnum):
    """How sessions like the visitor's are turned into scores of products."""

    VMIS = "vmis"
    """bolcom/serenade (SIGMOD 2022): linear weights, the order inside a neighbour does not count."""
    VSTAN = "vstan"
    """rn5l/session-rec (UMUAI 2020): exponential weights by position, age and distance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Of one scorer and what is blended with it; `choose_scorer` finds them, for each tenant its own."""

    scorer: Scorer = Scorer.VSTAN
    products_max: int = 10
    """Events at the end of the visitor's session that count: more only cost time."""
    recent_max: int = 250
    """`m`: the most recent sessions of each product that are looked at, and of all of them together."""
    neighbours_max: int = 100
    """`k`: the sessions most like the visitor's."""
    idf_weight: float = 1.0
    """How much a rare product counts more than a frequent one."""
    position_decay: float = 4.0
    """Events after which a product of the visitor's session counts 1/e for likeness (VSTAN)."""
    match_decay: float = 2.0
    """Events after which a neighbour's last match counts 1/e for its products (VSTAN)."""
    age_decay_days: float = 30.0
    """Days after which a neighbour counts 1/e (VSTAN)."""
    distance_decay: float = 4.0
    """Events between a neighbour's match and a product after which that counts 1/e (VSTAN)."""
    successor_weight: float = 0.2
    """What the best successor adds, the best product of the neighbours being 1."""
    successor_sources: int = 3
    """Products at the end of the visitor's session whose successors count."""
    successor_source_decay: float = 0.5
    """What the successors of a product count, of those of the product after it."""
    successor_distance_max: int = 3
    """Events after a product that are its successors; each counts 1 / distance."""
    successor_age_decay_days: float = 100.0
    """Days after which a succession counts 1/e."""
    repeat_weight: float = 0.5
    """What a product adds that the visitor saw before the last one."""
    repeat_decay: float = 0.9
    """What it adds, of what the event after it does."""
    wider_weight: float = 0.1
    """What the neighbours of the best products add: they reach where the visitor's own do not."""
    wider_sources: int = 5
    """The number of those best products."""

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, Scorer):
                continue
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{one.name} must be a number of at least 0, not {value}")
            if value == 0 and (one.name.endswith("_max") or "_decay" in one.name):
                raise ValueError(f"{one.name} must be above 0")
