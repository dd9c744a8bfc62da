"""How a tenant's fields are searched: weights, languages, and the constants of BM25F."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from actors.text.analyzer import Analyzer, analyzer_of, language_of
from actors.text.lists import NO_LISTS, TextLists

SATURATION: Final = 1.2
"""k1: how soon more of the same word stops counting (Robertson and Zaragoza 2009, section 3.4)."""

LENGTH_NORM: Final = 0.75
"""b: how much a long field is discounted, 0 to 1 (the same source)."""

TITLE: Final = "title"
BRAND: Final = "brand"
CATEGORIES: Final = "categories"
TAGS: Final = "tags"
DESCRIPTION: Final = "description"
ATTRIBUTES: Final = "attributes"

IMPACTS_VERSION: Final = 2
"""Grows when impacts are computed in another way: what a product is counts since 2."""

FIELD_GROUPS: Final = (TITLE, BRAND, CATEGORIES, TAGS, DESCRIPTION, ATTRIBUTES)
"""Fields whose length is counted together; all attributes are one group."""

DEFAULT_WEIGHTS: Final[Mapping[str, float]] = {
    TITLE: 3.0,
    BRAND: 1.5,
    CATEGORIES: 1.5,
    TAGS: 1.0,
    DESCRIPTION: 1.0,
    ATTRIBUTES: 0.3,
}

DEFAULT_AVERAGE_LENGTHS: Final[Mapping[str, float]] = {
    TITLE: 10.0,
    BRAND: 1.2,
    CATEGORIES: 4.0,
    TAGS: 3.0,
    DESCRIPTION: 20.0,
    ATTRIBUTES: 20.0,
}
"""Terms in a field of a typical product, until a log entry installs the tenant's own."""


def weights_version_of(setting_version: int) -> int:
    """The version of weights in 32 bits: how impacts are computed, and how often settings changed them."""
    return IMPACTS_VERSION << 24 | setting_version & (1 << 24) - 1


@dataclass(frozen=True, slots=True)
class FieldSetting:
    """What one field is used for."""

    search_weight: float
    facetable: bool
    filterable: bool
    sortable: bool


@dataclass(frozen=True, slots=True)
class Schema:
    """What the index needs to know of a tenant's settings."""

    language_codes: tuple[str, ...]
    """The first is the language of products that name none."""

    fields: Mapping[str, FieldSetting]
    """By field key, attributes as `attributes.<key>`."""

    average_lengths: Mapping[str, float]
    """By field group. Changing them, or any weight, takes a new `weights_version`."""

    weights_version: int
    """Segments remember the version that their impacts were computed with: see `weights_version_of`."""

    texts: Mapping[str, TextLists] = field(default_factory=dict)
    """What the tenant reads differently, by `language_of` the language. Other lemmas take a new `weights_version`."""

    def analyzer(self, language_code: str) -> Analyzer:
        """What reads texts in a language, given as BCP 47; empty: in the first one."""
        code = language_code or self.language_codes[0]
        return analyzer_of(code, self.texts.get(language_of(code), NO_LISTS))

    def search_weight(self, field_key: str) -> float:
        """The weight of a field: its setting, else the default of its group."""
        setting = self.fields.get(field_key)
        if setting is not None:
            return setting.search_weight
        return DEFAULT_WEIGHTS.get(field_key.partition(".")[0], 0.0)

    def average_length(self, group: str) -> float:
        """The average length of a field group, in terms; always above 0."""
        return max(self.average_lengths.get(group, DEFAULT_AVERAGE_LENGTHS[group]), 0.01)
