"""Facts about the files of rules, synonyms and settings: what they say, and that nothing is lost."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from node.client.rule_files import read_rules, rule_text, rules_text
from node.client.settings_files import ranking_change, read_settings, settings_text
from node.client.synonym_files import read_synonyms, synonyms_text
from node.client.text_file import FileRefusedError, TextFile
from node.errors import InvalidArgumentError
from protos.v1.merchandising_pb2 import (
    BannerAction,
    BoostAction,
    FilterAction,
    HideAction,
    PinAction,
    RankingSettings,
    RedirectAction,
    ReplaceAction,
    Rule,
    RuleAction,
    RuleCondition,
    SearchSettings,
    Synonym,
    TextSettings,
)

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"

RULES = """\
[[rules]]
id = "winter"
description = "Winter jackets first"
state = "draft"
precedence = -3
conditions = [
  { query_contains = "jacka", category = "Kläder > Jackor", markets = ["se", "no"] },
]
start_time = 2026-11-01T00:00:00+01:00
actions = [
  { pin = { product_ids = ["SNO-1"], place = 2 } },
  { boost = { filter = 'brand = "Snöljus"', factor = 2 } },
]

[[rules]]
id = "sale"
actions = [{ redirect = { url = "/rea" } }]
"""


def file_of(text: str, name: str = "a file") -> TextFile:
    return TextFile(name, text)


def synonyms_in(text: str) -> list[tuple[str, str, list[str], list[str]]]:
    return [
        (each.id, each.language_code, list(each.words), list(each.replacements))
        for each in (entry.synonym for entry in read_synonyms(file_of(text)))
    ]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ids = st.text("abcXYZ019_-", min_size=1, max_size=8)
times = st.none() | st.builds(
    Timestamp, seconds=st.integers(-62135596800, 253402300799), nanos=st.integers(0, 999_999_999)
)
filters = st.builds(FilterAction, filter=texts)
actions = st.one_of(
    st.builds(
        RuleAction,
        pin=st.builds(PinAction, product_ids=st.lists(texts, max_size=3), place=st.integers(0, 9)),
    ),
    st.builds(RuleAction, hide=st.builds(HideAction, product_ids=st.lists(texts, max_size=3))),
    st.builds(
        RuleAction,
        boost=st.builds(BoostAction, filter=texts, factor=st.floats(allow_nan=False)),
    ),
    st.builds(RuleAction, bury=st.builds(BoostAction, filter=texts, factor=st.floats(1, 100))),
    st.builds(RuleAction, filter=filters),
    st.builds(RuleAction, replace=st.builds(ReplaceAction, words=texts, replacement=texts)),
    st.builds(RuleAction, redirect=st.builds(RedirectAction, url=texts)),
    st.builds(RuleAction, banner=st.builds(BannerAction, id=texts, title=texts, image_url=texts)),
)
rules = st.builds(
    Rule,
    id=ids,
    description=texts,
    state=st.sampled_from([Rule.LIVE, Rule.DRAFT, Rule.PAUSED]),
    precedence=st.integers(-(1 << 31), (1 << 31) - 1),
    conditions=st.lists(
        st.builds(
            RuleCondition, query_is=texts, category=texts, markets=st.lists(texts, max_size=2)
        ),
        max_size=3,
    ),
    start_time=times,
    end_time=times,
    actions=st.lists(actions, max_size=4),
)
words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n"), min_size=1, max_size=9
)
synonyms = st.builds(
    Synonym,
    id=ids,
    language_code=st.sampled_from(["", "sv", "en", "zh-Hant"]),
    words=st.lists(words, min_size=2, max_size=4),
    replacements=st.lists(words, max_size=3),
)


@given(st.lists(rules, max_size=4, unique_by=lambda rule: rule.id))
def test_exported_rules_read_back_as_they_were(written: list[Rule]):
    read = read_rules(file_of(rules_text(written)))

    assert [entry.rule for entry in read] == written


@given(st.lists(synonyms, max_size=5, unique_by=lambda synonym: synonym.id))
def test_exported_synonyms_read_back_as_they_were(written: list[Synonym]):
    read = read_synonyms(file_of(synonyms_text(written)), language_code="fi")

    assert [entry.synonym for entry in read] == written


@given(
    st.builds(
        RankingSettings,
        score_steps=st.integers(0, 1000),
        in_stock_weight=st.floats(0, 100),
        collapse_duplicates=st.booleans(),
    ),
    st.dictionaries(
        ids,
        st.builds(
            TextSettings,
            lemmas=st.dictionaries(words, texts, max_size=3),
            never_split=st.lists(words, max_size=3),
            stop_words=st.lists(words, max_size=3),
        ),
        max_size=2,
    ),
)
def test_exported_settings_read_back_as_they_were(
    ranking: RankingSettings, by_language: dict[str, TextSettings]
):
    for code, text in by_language.items():
        text.language_code = code
    written = SearchSettings(ranking=ranking, texts=[by_language[c] for c in sorted(by_language)])

    change = read_settings(file_of(settings_text(written)))
    read = change.applied_to(SearchSettings(ranking=RankingSettings()))

    assert read == written


def test_a_file_of_rules_says_what_the_protocol_says():
    winter, sale = read_rules(file_of(RULES))

    assert (winter.line, sale.line) == (1, 15)
    assert winter.rule.state == Rule.DRAFT
    assert winter.rule.start_time.ToDatetime(UTC) == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert winter.rule.actions[1].boost == BoostAction(filter='brand = "Snöljus"', factor=2)
    assert sale.rule.state == Rule.LIVE


lines_like_rules = st.lists(
    st.sampled_from(
        [*RULES.splitlines(), "[[rules]]", "id = 3", "[texts.sv]", "#: id=a", "a, b => c"]
    )
    | texts,
    max_size=12,
).map("\n".join)


@given(lines_like_rules)
def test_whatever_a_file_holds_it_is_read_or_refused(text: str):
    for read in (read_rules, read_synonyms, read_settings):
        with contextlib.suppress(FileRefusedError):
            read(file_of(text))


def test_a_rule_is_written_for_people():
    rule = read_rules(file_of(RULES))[0].rule

    assert """  { boost = { filter = 'brand = "Snöljus"', factor = 2.0 } },\n""" in rule_text(rule)
    assert "start_time = 2026-10-31T23:00:00Z\n" in rule_text(rule)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[rules]]\nid = \n", "line 2: is not TOML: Invalid value"),
        ("rulez = 3", "rulez: is not known; did you mean 'rules'?"),
        ("rules = 3", "must be tables that begin with [[rules]]"),
        ("\n[[rules]]\n", "line 2: rules[0]: has no id"),
        ('[[rules]]\nid = "a"\n\n[[rules]]\nid = "a"', "line 4: rule a: stands here twice, first"),
        ('[[rules]]\nid = "a"\nstate = "off"', "rule a: state: must be one of 'live', 'draft'"),
        ('[[rules]]\nid = "a"\nprecedence = "1"', "rule a: precedence: must be a whole number"),
        ('[[rules]]\nid = "a"\nprecedence = true', "rule a: precedence: must be a whole number"),
        ('[[rules]]\nid = "a"\nprecedence = 9999999999', "9999999999 is far too large"),
        ('[[rules]]\nid = "a"\nactions = [{}]', "rule a: actions[0]: says nothing to do"),
        (
            '[[rules]]\nid = "a"\nactions = [{ pinn = {} }]',
            "pinn: is not known; did you mean 'pin'?",
        ),
        (
            '[[rules]]\nid = "a"\nactions = [{ hide = {}, redirect = { url = "/" } }]',
            "actions[0].redirect: stands beside hide, and only one of them can be",
        ),
        ('[[rules]]\nid = "a"\nstart_time = 2026-11-01T00:00:00', "a time with its zone"),
        ('[[rules]]\nid = "a"\nconditions = [{ markets = "se" }]', "markets: must be a list"),
    ],
)
def test_what_is_wrong_in_a_file_of_rules_is_said_with_its_place(text: str, sentence: str):
    with pytest.raises(FileRefusedError) as caught:
        read_rules(file_of(text, "rules.toml"))

    assert caught.value.message.startswith("rules.toml")
    assert sentence in caught.value.message
    assert "\n" not in caught.value.message


def test_synonyms_are_read_as_solr_writes_them():
    assert synonyms_in("# x\n\n laptop,notebook \r\ntv,telly=>television , tv set\n") == [
        ("laptop", "", ["laptop", "notebook"], []),
        ("tv", "", ["tv", "telly"], ["television", "tv set"]),
    ]


def test_a_note_names_the_next_synonym_and_the_language_of_all_that_follow():
    text = "#: id=one language=sv\nkyl, kylskåp\nfrys, frysskåp\n#: language=*\ntv, telly"

    assert [each[:2] for each in synonyms_in(text)] == [
        ("one", "sv"),
        ("sv-frys", "sv"),
        ("tv", ""),
    ]


def test_synonyms_without_ids_keep_theirs_when_a_line_is_changed_or_another_is_added():
    """So that importing an edited file changes synonyms rather than adding them again."""
    before = synonyms_in("tv, television\nåäö, x\n")
    after = synonyms_in("tv, television, telly\nåäö, x\nmus, möss")

    assert [each[0] for each in before] == ["tv", "aao"]
    assert [each[0] for each in after] == ["tv", "aao", "mus"]


def test_ids_made_from_words_never_meet():
    ids = [each[0] for each in synonyms_in("tv, a\ntv => b\n#: id=tv-2\nc, d\n日本, e\nテレビ, f")]

    assert ids[:3] == ["tv", "tv-3", "tv-2"]
    assert len(set(ids)) == 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tv", "line 1: 'tv' stands alone; what is it a synonym of?"),
        ("a, b\n\na, , b", "line 3: has an empty word"),
        ("a =>", "line 1: has an empty word"),
        ("a => b => c", 'line 1: has more than one "=>"'),
        ("#: id=x\na, b\n#: id=x\nc, d", "line 4: the id 'x' stands in line 2 already"),
        ("#: langage=sv\na, b", "line 1: 'langage' is not known; did you mean 'language'?"),
        ("#: id\na, b", "line 1: id needs a value"),
        ("a, b\n#: id=x\n", "no synonym follows after the id 'x'"),
    ],
)
def test_what_is_wrong_in_a_file_of_synonyms_is_said_with_its_line(text: str, sentence: str):
    with pytest.raises(FileRefusedError) as caught:
        read_synonyms(file_of(text, "words.txt"))

    assert caught.value.message.startswith("words.txt")
    assert sentence in caught.value.message


@pytest.mark.parametrize(
    "path", sorted((EXAMPLES / "synonyms").glob("*.txt")), ids=lambda p: p.name
)
def test_the_lists_that_ship_can_be_read_and_name_their_language(path: Path):
    entries = read_synonyms(TextFile.open(str(path)))

    assert len(entries) > 30
    assert {entry.synonym.language_code for entry in entries} == {path.stem.rpartition("-")[2]}
    assert all(
        len(word.split()) <= 4
        for entry in entries
        for word in (*entry.synonym.words, *entry.synonym.replacements)
    )


def test_a_file_that_is_no_text_is_refused_with_the_line(tmp_path: Path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"a, b\nc, \xff\n")

    with pytest.raises(FileRefusedError, match=r"words\.txt, line 2: is not UTF-8"):
        TextFile.open(str(path))


def test_settings_of_a_file_change_only_what_it_holds():
    current = SearchSettings(
        ranking=RankingSettings(score_steps=100, in_stock_weight=1),
        texts=[
            TextSettings(language_code="en", stop_words=["the"]),
            TextSettings(language_code="sv", stop_words=["och"], never_split=["bordslampa"]),
        ],
    )

    change = read_settings(
        file_of('[ranking]\nscore_steps = 50\n[texts.sv]\nlemmas = { jackan = "jacka" }')
    )
    changed = change.applied_to(current)

    assert change.mask == ["ranking.score_steps", "texts"]
    assert changed.ranking == RankingSettings(score_steps=50, in_stock_weight=1)
    assert list(changed.texts) == [
        TextSettings(language_code="en", stop_words=["the"]),
        TextSettings(language_code="sv", lemmas={"jackan": "jacka"}),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[rankin]", "rankin: is not known; did you mean 'ranking'?"),
        ("[ranking]\nsteps = 3", "ranking.steps: is not known"),
        ("[texts.sv]\nstop_words = [3]", "texts.sv.stop_words[0]: must be a text"),
        ("[texts.sv]\nlanguage_code = 'sv'", "the table's name says the language"),
        ("texts = 3", "must be tables such as [texts.sv]"),
        ("[texts.sv.lemmas]\na = 1", "texts.sv.lemmas.a: must be a text"),
    ],
)
def test_what_is_wrong_in_a_file_of_settings_is_said(text: str, sentence: str):
    with pytest.raises(FileRefusedError) as caught:
        read_settings(file_of(text, "settings.toml"))

    assert caught.value.message.startswith("settings.toml: ")
    assert sentence in caught.value.message


def test_a_swedish_name_without_quotes_is_told_that_it_needs_them():
    with pytest.raises(FileRefusedError, match=r"line 2: is not TOML: .*stands in quotes"):
        read_settings(file_of('[texts.sv.lemmas]\nmössor = "mössa"'))


def test_settings_of_the_ranking_are_set_by_name():
    change = ranking_change(["score_steps=50", "ranking.collapse_duplicates=false"])

    assert change.mask == ["ranking.score_steps", "ranking.collapse_duplicates"]
    assert change.ranking == RankingSettings(score_steps=50, collapse_duplicates=False)


def test_a_setting_gets_its_default_back():
    change = ranking_change(["score_steps=default"])

    changed = change.applied_to(SearchSettings(ranking=RankingSettings(score_steps=50)))

    assert change.mask == ["ranking.score_steps"]
    assert changed == SearchSettings(ranking=RankingSettings())


@pytest.mark.parametrize("assignment", ["score_steps", "score_steps=many", "steps=3", "=3"])
def test_an_assignment_that_is_not_understood_is_told(assignment: str):
    with pytest.raises(InvalidArgumentError):
        ranking_change([assignment])
