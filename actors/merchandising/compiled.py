"""What merchandisers have decided, compiled for searches and kept until they change something."""

from collections.abc import Callable
from typing import TypeVar

from actors.catalog.fields import SETTINGS_KEY
from actors.index.schema import Schema
from actors.merchandising.settings import ranking_of
from actors.search.merchandise import Merchandise
from actors.search.rule_compiling import CompiledRule, compile_rule
from actors.search.rules import RuleBook
from actors.search.synonyms import CompiledSynonym, SynonymBook
from actors.storage.environment import ReadView
from actors.storage.tables import RULES, SETTINGS, SYNONYMS, Table
from protos.internal.records_pb2 import TenantSettings
from protos.v1.merchandising_pb2 import Rule, Synonym

T = TypeVar("T")


class MerchandiseCache:
    """The merchandise of the version that was last asked for; what stays is not compiled again."""

    def __init__(self) -> None:
        self._version = -1
        self._schema: Schema | None = None
        self._merchandise = Merchandise()
        self._rules: dict[bytes, CompiledRule | None] = {}
        self._synonyms: dict[bytes, CompiledSynonym] = {}

    def of(self, view: ReadView, schema: Schema) -> Merchandise:
        """What the tables of a view say, read with the languages and word lists of a schema."""
        value = view.get(SETTINGS, SETTINGS_KEY)
        settings = TenantSettings.FromString(b"" if value is None else bytes(value))
        reads_as_before = self._schema is not None and _reads_as(self._schema, schema)
        if settings.merchandising_version == self._version and reads_as_before:
            return self._merchandise
        if not reads_as_before:
            # What was compiled remembers its words as they were read then.
            self._rules, self._synonyms = {}, {}
        self._merchandise = self._compiled(view, schema)
        self._version = settings.merchandising_version
        self._schema = schema
        return self._merchandise

    def _compiled(self, view: ReadView, schema: Schema) -> Merchandise:
        self._rules = _kept(view, RULES, self._rules, _rule)
        self._synonyms = _kept(view, SYNONYMS, self._synonyms, _synonym)
        rules = RuleBook(
            [rule for rule in self._rules.values() if rule is not None], analyzers=schema.analyzer
        )
        synonyms = SynonymBook(self._synonyms.values(), analyzers=schema.analyzer)
        for language_code in schema.language_codes:
            rules.prepare(language_code)
            synonyms.of(language_code)
        return Merchandise(rules, synonyms, ranking_of(view))


def _reads_as(known: Schema, schema: Schema) -> bool:
    """Whether words are read the same with both."""
    return known.texts == schema.texts and known.language_codes == schema.language_codes


def _kept(
    view: ReadView, table: Table, known: dict[bytes, T], compile_value: Callable[[bytes], T]
) -> dict[bytes, T]:
    """Every value of a table, compiled: by those of `known` where the value is one of them."""
    values = (bytes(value) for _, value in view.range(table))
    return {value: known[value] if value in known else compile_value(value) for value in values}


def _rule(value: bytes) -> CompiledRule | None:
    return compile_rule(Rule.FromString(value))


def _synonym(value: bytes) -> CompiledSynonym:
    return CompiledSynonym(Synonym.FromString(value))
