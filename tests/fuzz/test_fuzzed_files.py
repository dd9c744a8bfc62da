"""Whatever stands in a feed, a mapping, or a file of rules or synonyms: it is read or refused, soon."""

import io
import json
import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import NUMBERS, ODD, damaged, is_read_or_refused, mutated

from node.client.feeds import (
    OWN_MAPPING,
    FeedSource,
    Mapping,
    propose_mapping,
    read_products,
    sample_records,
)
from node.client.rule_files import read_rules
from node.client.settings_files import read_settings
from node.client.synonym_files import read_synonyms
from node.client.text_file import TextFile

SEEDS = st.integers(0, 2**64 - 1)
FUZZ = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
NAMES = (
    *(
        "id",
        "title",
        "description",
        "brand",
        "gtin",
        "gtins",
        "mpn",
        "price",
        "sale_price",
        "availability",
        "stock",
    ),
    *(
        "stock_quantity",
        "categories",
        "category",
        "images",
        "image_link",
        "variants",
        "prices",
        "item_group_id",
    ),
    *(
        "attr_t_colour",
        "attr_n_size",
        "attributes",
        "tags",
        "release_time",
        "popularity",
        "url",
        "g:shipping",
        "å",
    ),
)
VALUES = (
    *(
        "",
        " ",
        "Vinterjacka dam",
        "Haglöfs",
        "1.299,00 SEK",
        "99.90",
        "SEK 5",
        "in stock",
        "slut i lager",
        "preorder",
    ),
    *("A > B > C", "https://shop.example/1.jpg", "7350000000001", "true", "nej", "x" * 3_000),
    *NUMBERS,
    *ODD,
)


def random_json(chance: random.Random, depth: int = 0) -> object:
    """Any JSON value; more often a text."""
    kind = chance.randrange(10 if depth < 4 else 7)
    if kind < 4:
        return chance.choice(VALUES)
    if kind < 7:
        return chance.choice((0, 1, -1, 2.5, 1e308, 10**30, True, False, None, 49_950_000))
    if kind == 7:
        return [random_json(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {
        chance.choice(NAMES): random_json(chance, depth + 1) for _ in range(chance.randrange(4))
    }


def random_record(chance: random.Random) -> dict[str, object]:
    record: dict[str, object] = {"id": f"p{chance.randrange(9)}", "title": chance.choice(VALUES)}
    for name in chance.sample(NAMES, chance.randint(0, 8)):
        record[name] = random_json(chance, 1)
    return record


def jsonl_feed(chance: random.Random) -> tuple[str, str]:
    lines = [
        json.dumps(random_record(chance), ensure_ascii=chance.random() < 0.5) for _ in range(4)
    ]
    deep = chance.choice(("", "", "", '{"a":' * 3_000, "[" * 2_000))
    return "feed.jsonl", "\n".join([*lines, deep])


def csv_feed(chance: random.Random) -> tuple[str, str]:
    delimiter = chance.choice((",", ";", "\t", "|"))
    names = chance.sample(NAMES, chance.randint(2, 9))
    rows = [delimiter.join(_quoted(chance, chance.choice(VALUES)) for _ in names) for _ in range(5)]
    return chance.choice(("feed.csv", "feed.tsv")), chance.choice(("\n", "\r\n")).join(
        [delimiter.join(names), *rows]
    )


def _quoted(chance: random.Random, value: str) -> str:
    return chance.choice((value, '"' + value.replace('"', '""') + '"', f'"{value}"'))


def xml_feed(chance: random.Random) -> tuple[str, str]:
    items = "".join(f"<item>{_elements(chance, 0)}</item>" for _ in range(3))
    head = chance.choice(
        ('<?xml version="1.0"?>', '<?xml version="1.0" encoding="latin-1"?>', _ENTITIES, "")
    )
    name = ' xmlns:g="http://base.google.com/ns/1.0"'
    return (
        "feed.xml",
        f'{head}<rss version="2.0"{name}><channel><title>Shop</title>{items}</channel></rss>',
    )


_ENTITIES = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/hosts">]>'


def _elements(chance: random.Random, depth: int) -> str:
    parts = []
    for _ in range(chance.randint(1, 6)):
        name = chance.choice(
            ("id", "title", "g:id", "g:title", "g:price", "g:shipping", "g:availability", "link")
        )
        content = chance.choice(VALUES)
        if chance.random() < 0.2 and depth < 30:
            content = _elements(chance, depth + chance.choice((1, 1, 15)))
        elif chance.random() < 0.7:
            content = content.replace("&", "&amp;").replace("<", "&lt;")
        else:
            content = chance.choice(
                (content, f"<![CDATA[{content}]]>", "&c;&d;", f"<!--{content}-->")
            )
        parts.append(f"<{name}>{content}</{name}>")
    return "".join(parts)


PERSONS_MAPPING = """[fields]
id = "id"
title = ["title", "g:title"]
gtins = ["gtin"]

[attributes]
prefixes = { attr_t_ = "text", attr_n_ = "number" }
"""
MAPPINGS = (OWN_MAPPING, Mapping.parse(PERSONS_MAPPING))


def read_feed(name: str, content: bytes, mapping: Mapping) -> None:
    with FeedSource(io.BytesIO(content), name=name, size_bytes=None) as source:
        list(read_products(source, mapping))


def propose(name: str, content: bytes) -> None:
    with FeedSource(io.BytesIO(content), name=name, size_bytes=None) as source:
        sample = [record.fields for record in sample_records(source) if record.fields]
        proposal = propose_mapping(sample)
    read_feed(name, content, proposal.mapping)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("make", [jsonl_feed, csv_feed, xml_feed])
def test_any_feed_is_read_or_refused(make: Callable[[random.Random], tuple[str, str]]) -> None:
    """By the platform's own mapping, by one of a person's, and by the one that is proposed for it."""

    @given(SEEDS)
    @settings(FUZZ, max_examples=7_000)
    def check(seed: int) -> None:
        chance = random.Random(seed)
        name, text = make(chance)
        content = damaged(chance, mutated(chance, text).encode(errors="replace"))
        is_read_or_refused(lambda: read_feed(name, content, chance.choice(MAPPINGS)))
        is_read_or_refused(lambda: propose(name, content))

    check()


@pytest.mark.slow
@pytest.mark.timeout(300)
@given(
    st.binary(max_size=300),
    st.sampled_from(("a.jsonl", "a.csv", "a.tsv", "a.xml", "a", "a.jsonl.gz", "-")),
)
@settings(FUZZ, max_examples=4_000)
def test_any_bytes_at_all_are_a_feed_or_refused(content: bytes, name: str) -> None:
    is_read_or_refused(lambda: read_feed(name, content, OWN_MAPPING))


RULES = """[[rules]]
id = "vinter"
description = "Jackor först"
state = "live"
precedence = 2
conditions = [{ query_contains = "vinter jacka", markets = ["se"], category = "A > B" }]
actions = [{ pin = { product_ids = ["p1", "p2"], place = 1 } }, { boost = { filter = 'brand = "x"', factor = 1.5 } }]

[[rules]]
id = "rea"
conditions = [{ query_is = "rea" }]
start_time = 2024-11-01T00:00:00Z
end_time = 2024-12-01T00:00:00Z
actions = [{ redirect = { url = "https://shop.example/rea" } }, { hide = { product_ids = ["p3"] } }]
"""
SETTINGS = """[ranking]
score_steps = 100
in_stock_weight = 1.0
collapse_duplicates = true

[texts.sv]
stop_words = ["och", "i"]
never_split = ["bordslampa"]
"""
SYNONYMS = """# id=tv language=sv
tv, television, teve
mobil => telefon, smartphone
i pod, ipod\\, classic => mp3
# language=en
sofa, couch
"""
MAPPING = """[fields]
id = "id"
title = ["title", "name"]
stock_quantity = "stock"

[[prices]]
selling = "price"
currency = "SEK"

[attributes]
prefixes = { attr_ = "text" }

[variants]
group = "item_group_id"

[constants]
brand = "Haglöfs"
"""

FILES: dict[str, tuple[str, Callable[[str], object]]] = {
    "rules": (RULES, lambda text: read_rules(TextFile("rules.toml", text))),
    "settings": (SETTINGS, lambda text: read_settings(TextFile("settings.toml", text))),
    "synonyms": (SYNONYMS, lambda text: read_synonyms(TextFile("synonyms.txt", text))),
    "mapping": (MAPPING, Mapping.parse),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_the_damage_starts_from_is_a_good_file(kind: str) -> None:
    text, read = FILES[kind]

    assert read(text)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", FILES)
def test_any_file_of_a_shop_is_read_or_refused(kind: str) -> None:
    text, read = FILES[kind]

    @given(SEEDS)
    @settings(FUZZ, max_examples=2_500)
    def check(seed: int) -> None:
        content = mutated(random.Random(seed), text, count_max=6)
        is_read_or_refused(lambda: read(content))

    check()
