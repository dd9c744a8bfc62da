"""Facts about `python -m loadtest`."""

import pytest

from loadtest.__main__ import main


def test_without_a_name_it_lists_what_there_is(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 2
    assert "demo" in capsys.readouterr().err


def test_a_name_that_is_not_known_is_told(capsys: pytest.CaptureFixture[str]):
    assert main(["dmeo"]) == 2
    assert "'dmeo' is not known" in capsys.readouterr().err


def test_help_is_no_failure(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    assert "engine" in capsys.readouterr().out
