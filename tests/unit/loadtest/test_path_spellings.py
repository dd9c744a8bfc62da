"""Requests of the path benchmark that differ while their searches are the same."""

from loadtest.path_server import spellings


def test_spellings_are_all_different_and_read_the_same() -> None:
    found = spellings(["usb hub", "lamp"], count=8)

    assert len(found) == len(set(found)) == 16
    assert {one.lower() for one in found} == {"usb hub", "lamp"}


def test_one_spelling_is_the_queries_as_they_are() -> None:
    assert spellings(["USB hub", "lamp"], count=1) == ["USB hub", "lamp"]
