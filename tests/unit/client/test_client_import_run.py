"""The import's state machine: nothing lost, nothing doubled, whatever breaks when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.client.imports import (
    PRODUCT_SIZE_MAX,
    ImportedItem,
    ImportLimits,
    ImportRun,
)
from node.client.retry import RetryPolicy
from node.errors import (
    DeadlineExceededError,
    InvariantError,
    PermissionDeniedError,
    UnavailableError,
)
from protos.v1.catalog_pb2 import ImportItem, ImportProductsRequest, ImportProductsResponse
from protos.v1.common_pb2 import CREATED
from protos.v1.product_pb2 import Product

GONE = UnavailableError("gone")


def new_run(
    *, count_max: int = 3, size_max: int = 10_000, window: int = 2, tries: int = 1_000
) -> ImportRun:
    return ImportRun(
        import_id="import",
        branch="b",
        validate_only=False,
        limits=ImportLimits(batch_count_max=count_max, batch_size_max=size_max, window_max=window),
        retries=RetryPolicy(attempts_max=tries),
    )


def product(number: int, size: int = 10) -> Product:
    return Product(id=str(number), title="x" * size)


def answer_to(request: ImportProductsRequest) -> ImportProductsResponse:
    return ImportProductsResponse(
        request_id=request.request_id,
        items=[ImportItem(outcome=CREATED) for _ in request.products],
    )


@given(
    sizes=st.lists(st.integers(0, 400), max_size=40),
    breaks=st.lists(st.booleans(), max_size=60),
    count_max=st.integers(1, 5),
    size_max=st.integers(1, 1_000),
    window=st.integers(1, 4),
)
def test_each_product_is_answered_once_and_repeated_messages_are_the_same(
    sizes: list[int], breaks: list[bool], count_max: int, size_max: int, window: int
) -> None:
    """A server that answers in order, over streams that break wherever `breaks` says so."""
    run = new_run(count_max=count_max, size_max=size_max, window=window)
    source = iter([product(number, size) for number, size in enumerate(sizes)])
    sent: dict[str, bytes] = {}
    stream: list[ImportProductsRequest] = []
    items: list[ImportedItem] = []
    steps = iter(breaks)

    while not run.is_done:
        if run.wants_product:
            following = next(source, None)
            if following is None:
                run.finish()
            else:
                assert run.add(following) is None
        elif next(steps, False):
            run.broke(GONE, jitter=0.0)
            stream.clear()
        else:
            assert len(stream) <= window
            items += run.answer(answer_to(stream.pop(0)))
        for request in run.take_requests():
            body = request.SerializeToString()
            assert sent.setdefault(request.request_id, body) == body
            stream.append(request)

    assert [(item.index, item.product_id) for item in items] == [
        (number, str(number)) for number in range(len(sizes))
    ]
    for body in sent.values():
        request = ImportProductsRequest.FromString(body)
        assert 1 <= len(request.products) <= count_max
        assert len(request.products) == 1 or request.ByteSize() <= size_max + 100


def test_a_product_too_large_for_any_message_is_refused_and_stops_no_other() -> None:
    run = new_run()

    refused = run.add(product(0, PRODUCT_SIZE_MAX))
    run.add(product(1))
    run.finish()

    assert refused is not None
    assert refused.error is not None
    assert (refused.index, refused.error.violations[0].field) == (0, "product")
    (request,) = run.take_requests()
    assert [item.index for item in run.answer(answer_to(request))] == [1]
    assert run.is_done


def test_too_many_streams_in_vain_end_the_import() -> None:
    run = new_run(tries=3)
    run.add(product(0))
    run.finish()

    run.broke(GONE, jitter=0.0)
    run.broke(GONE, jitter=0.0)
    with pytest.raises(UnavailableError):
        run.broke(GONE, jitter=0.0)


def test_an_answer_is_progress() -> None:
    run = new_run(count_max=1, tries=2)
    for number in range(2):
        run.add(product(number))
    run.broke(GONE, jitter=0.0)
    run.answer(answer_to(run.take_requests()[0]))

    run.broke(GONE, jitter=0.0)

    assert [request.request_id for request in run.take_requests()] == ["import/1"]


def test_a_stream_that_hung_is_replaced() -> None:
    run = new_run()

    assert run.broke(DeadlineExceededError("late"), jitter=0.0) > 0


def test_an_error_that_stays_is_raised_at_once() -> None:
    run = new_run()

    with pytest.raises(PermissionDeniedError):
        run.broke(PermissionDeniedError("no"), jitter=0.0)


def test_an_answer_to_something_else_is_never_taken() -> None:
    run = new_run()
    run.add(product(0))
    run.finish()
    (request,) = run.take_requests()

    with pytest.raises(InvariantError, match="out of order"):
        run.answer(ImportProductsResponse(request_id="import/7"))
    with pytest.raises(InvariantError, match="in part"):
        run.answer(ImportProductsResponse(request_id=request.request_id))


def test_an_empty_import_is_done_at_once() -> None:
    run = new_run()

    run.finish()

    assert run.is_done
    assert run.take_requests() == []
