"""Synonyms, written, deleted and listed."""

from collections.abc import Iterator
from typing import Final

from actors.catalog.schemas import schema_of
from actors.index.schema import Schema
from actors.merchandising.settings import texts_of
from actors.merchandising.tables import (
    LANGUAGE_CODE,
    check_count,
    delete_messages,
    finished,
    id_violations,
    put_messages,
    read_page,
    refuse,
)
from actors.replication.resolution import Resolution, WriteContext
from actors.search.synonyms import RUN_LENGTH_MAX
from actors.storage.environment import ReadView
from actors.storage.tables import SYNONYMS
from node.config import MIB
from node.errors import Violation
from protos.v1.merchandising_pb2 import (
    DeleteSynonymsRequest,
    DeleteSynonymsResponse,
    ListSynonymsRequest,
    ListSynonymsResponse,
    Synonym,
    WriteSynonymsRequest,
    WriteSynonymsResponse,
)

SYNONYMS_MAX: Final = 10_000
SYNONYMS_SIZE_BYTES_MAX: Final = 4 * MIB
WRITTEN_MAX: Final = 1_000
WORDS_MAX: Final = 50
WORD_SIZE_BYTES_MAX: Final = 128


def resolve_write_synonyms(request: WriteSynonymsRequest, context: WriteContext) -> Resolution:
    """All synonyms of the request or none."""
    check_count(len(request.synonyms), WRITTEN_MAX, field="synonyms")
    violations = id_violations([synonym.id for synonym in request.synonyms], "synonyms")
    schema = schema_of(context.settings, context.fields.records, texts_of(context.view))
    for index, synonym in enumerate(request.synonyms):
        violations += _violations(synonym, schema, f"synonyms[{index}]")
    refuse(violations)
    resolution = Resolution(WriteSynonymsResponse())
    put_messages(
        resolution,
        context,
        SYNONYMS,
        [(synonym.id, synonym) for synonym in request.synonyms],
        count_max=SYNONYMS_MAX,
        size_bytes_max=SYNONYMS_SIZE_BYTES_MAX,
    )
    return finished(resolution, context, validate_only=request.validate_only)


def resolve_delete_synonyms(request: DeleteSynonymsRequest, context: WriteContext) -> Resolution:
    """Those that do not exist are passed over."""
    response = DeleteSynonymsResponse()
    resolution = Resolution(response)
    response.deleted_count = delete_messages(resolution, context, SYNONYMS, request.ids)
    return finished(resolution, context)


def list_synonyms(request: ListSynonymsRequest, view: ReadView) -> ListSynonymsResponse:
    """A page of synonyms, by id."""
    values, next_page_token = read_page(
        view, SYNONYMS, size=request.page_size, page_token=request.page_token
    )
    synonyms = map(Synonym.FromString, values)
    return ListSynonymsResponse(synonyms=synonyms, next_page_token=next_page_token)


def _violations(synonym: Synonym, schema: Schema, path: str) -> Iterator[Violation]:
    if synonym.language_code and not LANGUAGE_CODE.fullmatch(synonym.language_code):
        yield Violation(f"{path}.language_code", 'is no BCP 47 code, for example "sv"')
        return
    if len(synonym.words) < (1 if synonym.replacements else 2):
        yield Violation(
            f"{path}.words", "needs two that stand for each other, or one and replacements"
        )
    codes = [synonym.language_code] if synonym.language_code else schema.language_codes
    for field, texts in (("words", synonym.words), ("replacements", synonym.replacements)):
        if len(texts) > WORDS_MAX:
            yield Violation(f"{path}.{field}", f"has {len(texts)}; at most {WORDS_MAX} are allowed")
            continue
        for index, text in enumerate(texts):
            size = len(text.encode())
            if size > WORD_SIZE_BYTES_MAX:
                yield Violation(
                    f"{path}.{field}[{index}]",
                    f"has {size} bytes; at most {WORD_SIZE_BYTES_MAX} are allowed",
                )
                continue
            counts = [len(schema.analyzer(code).analyze_query(text).terms) for code in codes]
            if not 1 <= min(counts) <= max(counts) <= RUN_LENGTH_MAX:
                yield Violation(
                    f"{path}.{field}[{index}]",
                    f"is read as {max(counts)} words; it must be 1 to {RUN_LENGTH_MAX}",
                )
