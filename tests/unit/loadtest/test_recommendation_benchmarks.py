"""The recommendation measurements: whole runs on tiny made data, and what is read from files."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from loadtest.__main__ import main
from loadtest.baskets import Basket, BasketsFileError, read_baskets
from loadtest.bought_together import hide
from loadtest.clicks import ClicksFileError, read_sessions

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def clicks_file(path: Path, *, sessions: int, seed: int) -> str:
    """Walks along a ring of products."""
    chance = random.Random(seed)
    lines = ["SessionId\tItemId\tTime"]
    for session in range(sessions):
        at = chance.randrange(40)
        lines += [
            f"{session}\t{(at + step) % 40}\t{session * 100 + step}.0"
            for step in range(chance.randrange(2, 6))
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def invoice(number: str, code: str, date: str, *, quantity: str = "1", price: str = "2.5") -> str:
    return f"{number},{code},A THING,{quantity},{date} 10:00:00,{price},1,United Kingdom\n"


def baskets_file(path: Path) -> str:
    """A kettle and its filter are always together; mugs are everywhere."""
    lines = [HEADER]
    for number in range(40):
        date = "2011-10-05" if number < 30 else "2011-11-05"
        pair = ("10001", "10002") if number % 2 else ("20001", "20002")
        lines += [invoice(f"5{number:05}", code, date) for code in (*pair, "30000")]
    path.write_text("".join(lines), encoding="utf-8")
    return str(path)


def figures_of(path: Path, *words: str) -> dict[str, Any]:
    assert main([*words, "--json", str(path)]) == 0
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def test_the_next_product_is_measured_after_a_choice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = clicks_file(tmp_path / "train.txt", sessions=60, seed=1)
    valid = clicks_file(tmp_path / "valid.txt", sessions=20, seed=2)
    test = clicks_file(tmp_path / "test.txt", sessions=20, seed=3)

    figures = figures_of(
        tmp_path / "figures.json",
        *("recommend", "--train", train, "--valid", valid, "--test", test, "--seconds-max", "1"),
    )

    assert figures["scorer"] == figures["parameters"]["scorer"]
    assert figures["hr20"] == pytest.approx(1.0)
    assert figures["mrr20"] > 0.5
    assert 0 < figures["p50_ms"] <= figures["p90_ms"] <= figures["p99_ms"]
    assert {"p20", "r20"} <= set(figures)
    assert figures["novel"]["hr20"] == pytest.approx(1.0)
    assert "HR@20" in capsys.readouterr().out


def test_a_test_file_that_asks_nothing_is_a_failure(tmp_path: Path) -> None:
    train = clicks_file(tmp_path / "train.txt", sessions=5, seed=1)
    (tmp_path / "test.txt").write_text("SessionId\tItemId\tTime\n1\t2\t3\n", encoding="utf-8")
    test = str(tmp_path / "test.txt")

    assert main(["recommend", "--train", train, "--valid", train, "--test", test]) == 1
    assert main(["cold-start", "--train", train, "--test", test]) == 1


def test_a_new_shop_grows_with_its_events(tmp_path: Path) -> None:
    train = clicks_file(tmp_path / "train.txt", sessions=500, seed=1)
    test = clicks_file(tmp_path / "test.txt", sessions=30, seed=2)

    figures = figures_of(tmp_path / "figures.json", "cold-start", "--train", train, "--test", test)

    steps = {step["events"]: step for step in figures["steps"]}
    assert list(steps) == [0, 10, 100, 1_000, 10_000]
    assert steps[0]["hr20"] == 0
    assert steps[1_000]["hr20"] > steps[100]["hr20"] > 0
    assert steps[1_000]["mrr20"] > steps[100]["mrr20"]


def test_the_hidden_product_is_found_by_the_basket(tmp_path: Path) -> None:
    path = baskets_file(tmp_path / "baskets.csv")

    figures = figures_of(
        tmp_path / "figures.json", "bought-together", "--baskets", path, "--split", "2011-11-01"
    )

    for context in ("basket", "one_product"):
        assert set(figures[context]) == {"ours", "cooccurrence", "popularity"}
        assert figures[context]["ours"]["hr10"] == 1
        assert figures[context]["ours"]["mrr10"] >= figures[context]["popularity"]["mrr10"]


def test_a_split_that_leaves_nothing_is_a_failure(tmp_path: Path) -> None:
    path = baskets_file(tmp_path / "baskets.csv")

    assert main(["bought-together", "--baskets", path, "--split", "2001-01-01"]) == 1


def test_what_is_no_purchase_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "baskets.csv"
    date = "2011-10-05"
    lines = [
        invoice("500001", "85123a", date),
        invoice("500001", "85123A", date),
        invoice("500001", "POST", date),
        invoice("500001", "71053", date, quantity="-1"),
        invoice("500001", "71054", date, price="0"),
        invoice("C500002", "71055", date),
        invoice("A500003", "71056", date),
    ]
    path.write_text(HEADER + "".join(lines), encoding="utf-8")

    (basket,) = read_baskets(path)

    assert basket.products == (b"85123A",)


def test_the_hidden_product_is_not_shown() -> None:
    baskets = [Basket(b"1", 5, (b"a", b"b", b"c")), Basket(b"2", 6, (b"a",))]

    (hidden,) = hide(baskets, seed=1)

    assert {*hidden.rest, hidden.wanted} == {b"a", b"b", b"c"}
    assert hidden.wanted not in hidden.rest
    assert hidden.one in hidden.rest


def test_sessions_are_read_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "clicks.txt"
    path.write_text("SessionId\tItemId\tTime\n1\tb\t2.5\n1\ta\t1.0\n1\ta\t1.0\n")

    (session,) = read_sessions(path)

    assert session.events == ((1_000, b"a"), (2_500, b"b"))


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    path = tmp_path / "other.txt"
    path.write_text("a,b\n1,2\n", encoding="utf-8")

    with pytest.raises(ClicksFileError, match="SessionId"):
        read_sessions(path)
    with pytest.raises(BasketsFileError, match="InvoiceNo"):
        read_baskets(path)
