"""What searches have to know of a tenant's settings: how to read, and what merchandisers have decided.

The writer takes it from what it has in hand, readers from the tables: both make the same of it.
"""

from collections.abc import Mapping

from actors.catalog.fields import SETTINGS_KEY, read_fields
from actors.catalog.schemas import schema_of
from actors.merchandising.compiled import MerchandiseCache
from actors.merchandising.settings import texts_of
from actors.model.fields import FieldBook
from actors.search.merchandise import Merchandise
from actors.storage.environment import ReadView
from actors.storage.tables import SETTINGS
from protos.internal.records_pb2 import FieldRecord, TenantSettings


class SearchedSettings:
    """The schema and the merchandise of the state that was read last."""

    def __init__(self) -> None:
        self._compiled = MerchandiseCache()
        self.schema = schema_of(TenantSettings(), {}, {})
        self.merchandise = Merchandise()

    def read(self, view: ReadView) -> None:
        """Take both from the tables."""
        self.take(view, read_settings(view), FieldBook(read_fields(view)).records)

    def take(
        self, view: ReadView, settings: TenantSettings, fields: Mapping[str, FieldRecord]
    ) -> None:
        """The same where settings and fields are known already."""
        self.schema = schema_of(settings, fields, texts_of(view))
        self.merchandise = self._compiled.of(view, self.schema)


def read_settings(view: ReadView) -> TenantSettings:
    """The tenant's settings as they are stored."""
    value = view.get(SETTINGS, SETTINGS_KEY)
    return TenantSettings.FromString(b"" if value is None else bytes(value))
