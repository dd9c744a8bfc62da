"""One list of many: by evidence, each product once, and only what may be shown."""

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.recommend.blend import (
    BlendRules,
    Candidates,
    Recommendation,
    Source,
    any_product,
    blend,
    no_groups,
)
from actors.recommend.next_products import Scored

RULES = BlendRules()
names = st.sampled_from([b"p%d" % number for number in range(30)])
scored = st.lists(st.builds(Scored, names, st.floats(0, 9)), max_size=20).map(
    lambda found: sorted(found, key=lambda one: -one.score)
)
lists = st.lists(
    st.builds(Candidates, st.sampled_from(Source), scored, st.integers(0, 50)), max_size=6
)


def listed(source: Source, *products: bytes, evidence: int = 10) -> Candidates:
    """Candidates with falling scores."""
    found = [Scored(product, 1 / place) for place, product in enumerate(products, 1)]
    return Candidates(source, found, evidence, b"because")


def blended(*given_lists: Candidates, rules: BlendRules = RULES, **changes) -> list[Recommendation]:
    settings = {"count_max": 10, "taken": (), "allowed": any_product, "groups_of": no_groups}
    return blend(given_lists, rules=rules, **{**settings, **changes})


def ids(found: list[Recommendation]) -> list[bytes]:
    return [one.product for one in found]


@given(lists, st.sets(names), st.sets(names), st.integers(0, 3), st.floats(0, 0.9))
def test_each_product_stands_once_and_may_be_shown(
    proposed, taken, forbidden, group_max, diversity
) -> None:
    rules = BlendRules(group_max=group_max, diversity=diversity)

    found = blended(
        *proposed,
        rules=rules,
        taken=taken,
        allowed=lambda product: product not in forbidden,
        groups_of=lambda product: (product[-1:],),
    )

    assert len(set(ids(found))) == len(found) <= 10
    assert not set(ids(found)) & (taken | forbidden)
    if group_max:
        groups = [product[-1:] for product in ids(found)]
        assert all(groups.count(group) <= group_max for group in groups)


@given(lists, st.randoms(use_true_random=False))
def test_the_order_of_the_lists_does_not_matter(proposed, chance) -> None:
    """Lists of one source are told apart by what they were asked for."""
    told_apart = [replace(one, because=b"%d" % at) for at, one in enumerate(proposed)]
    shuffled = list(told_apart)
    chance.shuffle(shuffled)

    assert blended(*shuffled) == blended(*told_apart)


@given(lists)
def test_the_list_is_full_whenever_there_is_enough(proposed) -> None:
    different = {one.product for candidates in proposed for one in candidates.scored}

    assert len(blended(*proposed)) == min(10, len(different))


def test_a_list_is_read_on_until_enough_may_be_shown() -> None:
    """All but one product in a hundred are out of stock."""
    endless = (Scored(b"%d" % number, 1.0) for number in count())

    found = blended(
        Candidates(Source.POPULARITY, endless, 10),
        count_max=3,
        allowed=lambda product: product.endswith(b"00"),
    )

    assert ids(found) == [b"100", b"1000", b"1100"]


def test_reading_ends_where_nothing_passes() -> None:
    endless = (Scored(b"%d" % number, 1.0) for number in count())

    assert blended(Candidates(Source.POPULARITY, endless, 10), allowed=lambda _: False) == []


def test_each_product_is_asked_about_once() -> None:
    asked = []

    blended(
        listed(Source.SESSION, b"a", b"b"),
        listed(Source.POPULARITY, b"b", b"a"),
        allowed=lambda product: asked.append(product) or True,
    )

    assert sorted(asked) == [b"a", b"b"]


def test_the_source_with_evidence_answers_first() -> None:
    content = listed(Source.CONTENT, b"alike", evidence=50)

    new = blended(listed(Source.SESSION, b"next", evidence=0), content)
    known = blended(listed(Source.SESSION, b"next", evidence=5), content)

    assert ids(new) == [b"alike", b"next"]
    assert ids(known) == [b"next", b"alike"]


def test_a_product_tells_its_sources_and_why() -> None:
    session = replace(listed(Source.SESSION, b"a"), because=b"tent")
    popular = replace(listed(Source.POPULARITY, b"a", b"b"), because=b"")

    first, second = blended(popular, session)

    assert (first.product, first.source, first.because) == (b"a", Source.SESSION, b"tent")
    assert first.supporting == (Source.SESSION, Source.POPULARITY)
    assert (second.product, second.source, second.because) == (b"b", Source.POPULARITY, b"")


def test_diversity_moves_a_second_product_of_a_brand_down() -> None:
    proposed = listed(Source.SESSION, b"x1", b"x2", b"y1")

    found = blended(
        proposed,
        rules=BlendRules(diversity=0.5),
        groups_of=lambda product: (product[:1],),
    )

    assert ids(found) == [b"x1", b"y1", b"x2"]


def test_rules_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="out of range"):
        BlendRules(diversity=1)
