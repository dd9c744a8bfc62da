"""Facts about `saluhall rules`, `synonyms` and `settings` that need no server."""

import io
from collections.abc import Sequence

import click
import pytest
from rich.console import Console

from cluster.cli.merchandising_sync import (
    Collection,
    SyncPlan,
    batches_of,
    confirm_pruning,
    plan_sync,
    sync,
)
from cluster.cli.rule_view import actions_text, conditions_text, state_text
from cluster.cli.settings import located, show_settings
from node.errors import InvalidArgumentError, Violation
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

TV = Synonym(id="tv", words=["tv", "television"])
PHONE = Synonym(id="phone", words=["phone"], replacements=["smartphone"])


class KeptSynonyms:
    """What a server would hold."""

    def __init__(self, *held: Synonym) -> None:
        self.held = {synonym.id: synonym for synonym in held}
        self.checked: list[str] = []
        self.refused_index: int | None = None

    @property
    def collection(self) -> Collection[Synonym]:
        return Collection(
            "synonym", 2, self.write, self.delete, lambda key: f"words.txt, line 7, synonym {key}"
        )

    def write(self, batch: Sequence[Synonym], validate_only: bool) -> None:  # noqa: FBT001
        if self.refused_index is not None:
            field = f"synonyms[{self.refused_index}].words[0]"
            raise InvalidArgumentError("no", violations=[Violation(field, "is too long")])
        if validate_only:
            self.checked += [synonym.id for synonym in batch]
        else:
            self.held |= {synonym.id: synonym for synonym in batch}

    def delete(self, ids: Sequence[str]) -> int:
        return sum(self.held.pop(key, None) is not None for key in ids)


def plan_of(kept: KeptSynonyms, *wanted: Synonym, prune: bool = False) -> SyncPlan[Synonym]:
    return plan_sync(kept.held, {synonym.id: synonym for synonym in wanted}, prune=prune)


def test_only_what_differs_is_written():
    other = Synonym(id="tv", words=["tv", "telly"])

    plan = plan_of(KeptSynonyms(TV, PHONE), other, PHONE, Synonym(id="new"))

    assert plan.created == (Synonym(id="new"),)
    assert plan.changed == (other,)
    assert str(plan) == "1 created, 1 changed, 1 unchanged, 0 deleted"


def test_what_the_file_does_not_hold_stays_unless_it_is_pruned():
    assert plan_of(KeptSynonyms(TV, PHONE), TV).deleted_ids == ()
    assert plan_of(KeptSynonyms(TV, PHONE), TV, prune=True).deleted_ids == ("phone",)


def test_everything_is_checked_before_anything_is_written():
    kept = KeptSynonyms(TV)
    kept.refused_index = 1

    with pytest.raises(
        InvalidArgumentError, match=r"^words\.txt, line 7, synonym new: words\[0\]: is too long$"
    ):
        sync(
            kept.collection,
            plan_of(kept, PHONE, Synonym(id="new"), prune=True),
            file="words.txt",
            dry_run=False,
            yes=True,
        )

    assert kept.held == {"tv": TV}


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(capsys: pytest.CaptureFixture[str]):
    kept = KeptSynonyms(TV)

    sync(kept.collection, plan_of(kept, PHONE, prune=True), file="f", dry_run=True, yes=False)

    assert kept.checked == ["phone"]
    assert kept.held == {"tv": TV}
    assert capsys.readouterr().out == (
        "create phone\ndelete tv\n0 changed".replace("0 changed", "1 created, 0 changed")
        + ", 0 unchanged, 1 deleted. Nothing was written.\n"
    )


def test_an_import_makes_the_stored_ones_those_of_the_file(capsys: pytest.CaptureFixture[str]):
    kept = KeptSynonyms(TV)
    wanted = [Synonym(id=f"s{number}") for number in range(5)]

    sync(kept.collection, plan_of(kept, *wanted, prune=True), file="f", dry_run=False, yes=True)

    assert list(kept.held.values()) == wanted
    assert capsys.readouterr().out == "5 created, 0 changed, 0 unchanged, 1 deleted.\n"


def test_nothing_is_deleted_without_a_yes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    with pytest.raises(click.exceptions.Exit):
        confirm_pruning(["a", "b"], noun="rule", file="rules.toml", yes=False)

    said = capsys.readouterr()
    assert "Delete 2 rules that rules.toml does not hold (a, b)?" in said.out
    assert said.err == "Nothing was changed.\n"


def test_a_file_on_standard_input_leaves_nobody_to_ask():
    with pytest.raises(InvalidArgumentError, match="--yes"):
        confirm_pruning(["a"], noun="rule", file="-", yes=False)


def test_a_batch_is_bounded_in_number_and_in_bytes():
    small = [Synonym(id=str(number)) for number in range(5)]
    large = [Synonym(id=str(number), words=["x" * 700_000]) for number in range(3)]

    assert [len(batch) for batch in batches_of(small, 2)] == [2, 2, 1]
    assert [len(batch) for batch in batches_of(large, 100)] == [1, 1, 1]
    assert list(batches_of([], 2)) == []


def test_a_rule_reads_as_a_sentence():
    rule = Rule(
        conditions=[
            RuleCondition(query_contains="tv", markets=["se", "no"]),
            RuleCondition(query_is="x", category="Home > TV", language_codes=["sv"]),
        ],
        actions=[
            RuleAction(pin=PinAction(product_ids=["a", "b", "c", "d"], place=1)),
            RuleAction(hide=HideAction(product_ids=["e"], filter="price < 1")),
            RuleAction(boost=BoostAction(filter="tags = new", factor=2)),
            RuleAction(bury=BoostAction(filter="tags = old", factor=1.5)),
            RuleAction(filter=FilterAction(filter="price > 0")),
            RuleAction(replace=ReplaceAction(words="telly", replacement="tv")),
            RuleAction(replace=ReplaceAction(words="cheap")),
            RuleAction(redirect=RedirectAction(url="/tv")),
            RuleAction(banner=BannerAction(id="b1")),
        ],
    )

    assert conditions_text(rule).splitlines() == [
        'query contains "tv", market se or no',
        'query is "x", in Home > TV, language sv',
    ]
    assert actions_text(rule).splitlines() == [
        "pin a, b, c and 1 more from place 1",
        "hide e and price < 1",
        "boost 2 times: tags = new",
        "bury 1.5 times: tags = old",
        "only price > 0",
        'read "telly" as "tv"',
        'leave "cheap" out',
        "redirect to /tv",
        "show banner b1",
    ]


def test_a_rule_without_conditions_always_holds_and_one_without_a_state_is_live():
    assert conditions_text(Rule()) == "always"
    assert state_text(Rule()) == "live"
    assert state_text(Rule(state=Rule.DRAFT)) == "draft"


def test_settings_are_shown_with_the_lengths_of_their_lists():
    console = Console(file=io.StringIO(), width=100)
    text = TextSettings(language_code="sv", lemmas={"jackan": "jacka"}, stop_words=["och", "i"])

    show_settings(
        SearchSettings(
            ranking=RankingSettings(score_steps=50, collapse_duplicates=False), texts=[text]
        ),
        console,
    )

    assert isinstance(console.file, io.StringIO)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    assert ["score_steps", "50"] in lines
    assert ["collapse_duplicates", "false"] in lines
    assert ["sv", "1", "0", "2"] in lines


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("settings.texts[1].stop_words", "settings.toml: texts.sv.stop_words: is too long"),
        ("settings.ranking.score_steps", "settings.toml: ranking.score_steps: is too long"),
        ("settings.texts", "settings.toml: texts: is too long"),
    ],
)
def test_a_refused_setting_is_named_as_the_file_names_it(field: str, sentence: str):
    texts = [TextSettings(language_code="en"), TextSettings(language_code="sv")]
    error = InvalidArgumentError.of(field, "is too long")

    assert located(error, SearchSettings(texts=texts), source="settings.toml").message == sentence
