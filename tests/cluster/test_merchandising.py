"""A merchandiser's day on a real server: files in and out, a draft tried, synonyms, settings, a restart."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from driven_server import Server, eventually
from tenant_facts import client_with

from node.client import Client
from node.errors import PermissionDeniedError
from protos.v1.account_pb2 import Key
from protos.v1.common_pb2 import AttributeValue
from protos.v1.product_pb2 import Product
from protos.v1.search_pb2 import DroppedPin, SearchResponse

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

RULES = """\
[[rules]]
id = "kettles"
description = "The blue kettle first"
precedence = 1
conditions = [{ query_contains = "kettle" }]
actions = [
  { pin = { product_ids = ["blue", "gone", "sold-out"], place = 1 } },
  { banner = { id = "tea", title = "Time for tea" } },
]

[[rules]]
id = "no-samples"
actions = [{ hide = { filter = 'tags = "sample"' } }]

[[rules]]
id = "gift-cards"
state = "draft"
conditions = [{ query_is = "gift card" }]
actions = [{ redirect = { url = "/gift-cards" } }]

[[rules]]
id = "christmas"
start_time = 2030-12-01T00:00:00Z
end_time = 2030-12-26T00:00:00Z
conditions = [{ query_contains = "kettle" }]
actions = [{ replace = { words = "kettle", replacement = "teapot" } }]
"""

SYNONYMS = """\
#: language=en
kettle, boiler
brewer => teapot
"""


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    server.done("tenants", "create", "shop", "--languages", "en", "--currency", "EUR")
    with server.client("shop") as client:
        client.write_products(
            [
                Product(id="red", title="Kettle", attributes=coloured("red")),
                Product(id="blue", title="Kettle of another make", attributes=coloured("blue")),
                Product(id="sample", title="Kettle sample", tags=["sample"]),
                Product(id="sold-out", title="Kettle large", stock_quantity=0),
                Product(id="pot", title="Teapot"),
            ]
        )
        yield client


@pytest.fixture
def rules_file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES, encoding="utf-8")
    return path


def coloured(colour: str) -> dict[str, AttributeValue]:
    return {"colour": AttributeValue(texts=[colour])}


def ids_of(response: SearchResponse) -> list[str]:
    return [result.product.id for result in response.results]


def test_a_dry_run_checks_everything_and_writes_nothing(
    server: Server, client: Client, rules_file: Path
) -> None:
    said = server.done("rules", "import", "shop", str(rules_file), "--dry-run")

    assert "create kettles\n" in said
    assert said.endswith("4 created, 0 changed, 0 unchanged, 0 deleted. Nothing was written.\n")
    assert list(client.list_rules()) == []


def test_imported_rules_act_in_the_next_search_and_are_named_in_it(
    server: Server, client: Client, rules_file: Path
) -> None:
    server.done("rules", "import", "shop", str(rules_file))

    answer = client.search("kettle")

    assert ids_of(answer)[:2] == ["blue", "red"]
    assert "sample" not in ids_of(answer)
    assert answer.results[0].pinned
    assert [rule.rule_id for rule in answer.applied_rules] == ["no-samples", "kettles"]
    assert {(pin.product_id, pin.reason) for pin in answer.dropped_pins} == {
        ("gone", DroppedPin.NOT_FOUND),
        ("sold-out", DroppedPin.OUT_OF_STOCK),
    }
    assert [banner.rule_id for banner in answer.banners] == ["kettles"]


def test_a_pin_obeys_the_shoppers_filter(client: Client) -> None:
    answer = client.search("kettle", filter='attributes.colour = "red"')

    assert ids_of(answer) == ["red"]
    assert DroppedPin.FILTERED in {pin.reason for pin in answer.dropped_pins}


def test_without_rules_everything_is_as_the_words_have_it(client: Client) -> None:
    answer = client.search("kettle", without_rules=True)

    assert "sample" in ids_of(answer)
    assert not answer.applied_rules


def test_what_was_exported_changes_nothing_when_it_is_imported(
    server: Server, client: Client, tmp_path: Path
) -> None:
    exported = tmp_path / "exported.toml"
    server.done("rules", "export", "shop", "-o", str(exported))
    before = list(client.list_rules())

    said = server.done("rules", "import", "shop", str(exported), "--prune", "--yes")

    assert said == "0 created, 0 changed, 4 unchanged, 0 deleted.\n"
    assert list(client.list_rules()) == before


def test_a_draft_acts_only_where_it_is_named_until_it_is_live(
    server: Server, client: Client, rules_file: Path
) -> None:
    preview = client.search("gift card", preview_rules=["gift-cards"])

    assert client.search("gift card").redirect_url == ""
    assert preview.redirect_url == "/gift-cards"
    assert [rule.preview for rule in preview.applied_rules if rule.rule_id == "gift-cards"] == [
        True
    ]

    rules_file.write_text(RULES.replace('state = "draft"\n', ""), encoding="utf-8")
    said = server.done("rules", "import", "shop", str(rules_file))

    assert said == "0 created, 1 changed, 3 unchanged, 0 deleted.\n"
    assert client.search("gift card").redirect_url == "/gift-cards"


def test_a_window_can_be_looked_at_before_it_opens(client: Client) -> None:
    in_window = datetime(2030, 12, 24, tzinfo=UTC)

    answer = client.search("kettle", rules_time=in_window)

    assert answer.replaced_query == "teapot"
    assert client.search("kettle").replaced_query == ""


def test_a_storefronts_key_can_neither_preview_nor_read_rules(
    server: Server, client: Client
) -> None:
    key = client.issue_key(Key.SEARCH).secret

    with client_with(server, key) as storefront:
        assert storefront.search("kettle").total_size > 0
        with pytest.raises(PermissionDeniedError):
            storefront.search("kettle", preview_rules=["gift-cards"])
        with pytest.raises(PermissionDeniedError):
            storefront.search("kettle", rules_time=datetime(2030, 12, 24, tzinfo=UTC))
        with pytest.raises(PermissionDeniedError):
            list(storefront.list_rules())


def test_synonyms_go_one_way_or_both_and_can_be_left_out(
    server: Server, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "words.txt"
    path.write_text(SYNONYMS, encoding="utf-8")

    assert server.done("synonyms", "import", "shop", str(path)).startswith("2 created, ")

    assert "red" in ids_of(client.search("boiler"))
    assert ids_of(client.search("brewer")) == ["pot"]
    assert ids_of(client.search("brewer", without_synonyms=True)) == []
    exported = server.done("synonyms", "export", "shop")
    path.write_text(exported, encoding="utf-8")
    said = server.done("synonyms", "import", "shop", str(path), "--prune", "--yes")
    assert said == "0 created, 0 changed, 2 unchanged, 0 deleted.\n"


def test_settings_are_changed_one_by_one_and_survive_as_a_file(
    server: Server, client: Client, tmp_path: Path
) -> None:
    said = server.done("settings", "set", "shop", "score_steps=50", "collapse_duplicates=false")

    assert "50" in said
    assert client.get_search_settings().ranking.score_steps == 50
    path = tmp_path / "settings.toml"
    path.write_text('[texts.en]\nstop_words = ["please"]\n', encoding="utf-8")
    server.done("settings", "import", "shop", str(path))
    server.done("settings", "export", "shop", "-o", str(path))
    assert "score_steps = 50\n" in path.read_text(encoding="utf-8")
    assert server.done("settings", "import", "shop", str(path)) == "Nothing changed.\n"
    eventually(lambda: "red" in ids_of(client.search("please kettle")))


@pytest.mark.parametrize(
    ("command", "content", "sentence"),
    [
        ("rules", '[[rules]]\nid = "a b"\n', "line 1, rule a b: id: "),
        (
            "rules",
            '\n[[rules]]\nid = "a"\nactions = [{ hide = { filter = "price <" } }]\n',
            "line 2, rule a: actions[0].hide.filter: ",
        ),
        (
            "rules",
            '[[rules]]\nid = "a"\nactions = [{ boost = { filter = "price < 2", factor = 0.5 } }]\n',
            "rule a: actions[0].boost.factor: ",
        ),
        ("rules", '[[rules]]\nid = "a"\nactionz = []\n', "actionz: is not known"),
        ("synonyms", "tv, television\na b c d e, f\n", "line 2, synonym a-b-c-d-e: words[0]: "),
        ("synonyms", "tv\n", "line 1: 'tv' stands alone"),
        ("settings", "[ranking]\nscore_steps = 0\n", "score_steps"),
        ("settings", "[ranking]\nscore_step = 1\n", "did you mean 'score_steps'?"),
    ],
)
def test_a_file_with_a_mistake_is_refused_in_one_sentence_and_changes_nothing(
    server: Server, client: Client, tmp_path: Path, command: str, content: str, sentence: str
) -> None:
    before = (list(client.list_rules()), list(client.list_synonyms()), client.get_search_settings())
    path = tmp_path / "a-file"
    path.write_text(content, encoding="utf-8")

    refused = server.call(command, "import", "shop", str(path))

    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: ")
    assert sentence in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert before == (
        list(client.list_rules()),
        list(client.list_synonyms()),
        client.get_search_settings(),
    )


def test_everything_is_there_after_a_restart(server: Server, client: Client) -> None:
    listen = server.agent().listen
    before = (list(client.list_rules()), list(client.list_synonyms()), client.get_search_settings())

    server.down()
    server.up(listen=listen)

    with server.client("shop") as again:
        after = (list(again.list_rules()), list(again.list_synonyms()), again.get_search_settings())
        assert after == before
        assert ids_of(again.search("kettle"))[0] == "blue"
        assert "red" in ids_of(again.search("boiler"))


def test_deleted_rules_and_synonyms_no_longer_act(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_text("", encoding="utf-8")

    assert server.done("rules", "delete", "shop", "kettles", "none") == "1 deleted\n"
    assert server.done("synonyms", "import", "shop", str(path), "--prune", "--yes") == (
        "0 created, 0 changed, 0 unchanged, 2 deleted.\n"
    )
    with server.client("shop") as client:
        answer = client.search("kettle")
        assert [rule.rule_id for rule in answer.applied_rules] == ["no-samples"]
        assert client.search("boiler").total_size == 0
