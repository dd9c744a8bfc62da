"""The files that docs/merchandising.md shows are files that the command line reads."""

import re
from pathlib import Path

from node.client.rule_files import read_rules, rules_text
from node.client.settings_files import read_settings
from node.client.synonym_files import read_synonyms, synonyms_text
from node.client.text_file import TextFile
from protos.v1.merchandising_pb2 import RuleAction, RuleCondition, SearchSettings

TEXT = (Path(__file__).resolve().parents[3] / "docs/merchandising.md").read_text(encoding="utf-8")


def shown(language: str, index: int) -> TextFile:
    blocks = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return TextFile("docs/merchandising.md", blocks[index])


def test_the_rules_that_are_shown_can_be_imported_and_come_back_equal():
    entries = read_rules(shown("toml", 0))

    assert [entry.rule.id for entry in entries] == ["winter-jackets", "no-b-stock", "gift-cards"]
    rules = [entry.rule for entry in entries]
    assert [entry.rule for entry in read_rules(TextFile("x", rules_text(rules)))] == rules


def test_the_synonyms_that_are_shown_can_be_imported_and_come_back_equal():
    synonyms = [entry.synonym for entry in read_synonyms(shown("text", 0))]

    assert [(each.id, each.language_code) for each in synonyms] == [
        ("en-laptop", "en"),
        ("telly", "en"),
        ("usb-c", ""),
    ]
    read = read_synonyms(TextFile("x", synonyms_text(synonyms)))
    assert [entry.synonym for entry in read] == synonyms


def test_the_settings_that_are_shown_can_be_imported():
    settings = read_settings(shown("toml", 1)).applied_to(SearchSettings())

    assert settings.ranking.score_steps == 100
    assert settings.texts[0].lemmas == {"glasögonen": "glasögon"}


def test_every_condition_and_action_of_the_protocol_is_described():
    names = [*RuleCondition.DESCRIPTOR.fields_by_name, *RuleAction.DESCRIPTOR.fields_by_name]

    assert [name for name in names if f"`{name}`" not in TEXT] == []
