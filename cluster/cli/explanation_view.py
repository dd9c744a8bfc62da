"""Why products stand where they stand, as text: a block for each result."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from protos.v1.search_pb2 import Explanation, FactorExplanation, SearchResult, WordExplanation

_CLASS_TEXTS: Final = {
    WordExplanation.EXACT: "",
    WordExplanation.LEMMA: "another form",
    WordExplanation.JOINED: "joined or apart",
    WordExplanation.COMPOUND_HEAD: "compound head",
    WordExplanation.COMPOUND_PART: "compound part",
    WordExplanation.SYNONYM: "synonym",
    WordExplanation.FOLDED: "other letters",
    WordExplanation.PREFIX: "goes on",
    WordExplanation.TYPO: "typing error",
}
_ROLE_TEXTS: Final = {
    WordExplanation.NAME: "what it is",
    WordExplanation.TARGET: "what it is for",
}
_INDENT: Final = 4


def show_explained(results: Sequence[SearchResult], console: Console, *, first: int = 1) -> None:
    """Each result with its words, factors and business score; the first has the number `first`."""
    for number, result in enumerate(results, start=first):
        head = Text(f"{number:>2}  ", style="dim").append(
            result.product.title, style="bold not dim"
        )
        head.append(f"  {result.product.id}", style="dim")
        if result.pinned:
            head.append("  pinned", style="yellow")
        if result.duplicate_count:
            head.append(f"  +{result.duplicate_count} of the same title", style="dim")
        console.print(head, highlight=False)
        console.print(Padding(_words_table(result), (0, 0, 0, _INDENT)), highlight=False)
        for line in _lines(result.explanation):
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, _INDENT)), highlight=False)


def word_line(word: WordExplanation) -> str:
    """How one word was found: `vinterjaka -> vinterjacka (typing error, title, what it is)`."""
    found = word.word
    if word.found.lower() != word.word.lower():
        found = f"{word.word} -> {word.found}"
    told = [_CLASS_TEXTS.get(word.match_class, ""), *word.fields, _ROLE_TEXTS.get(word.role, "")]
    return f"{found} ({', '.join(filter(None, told))})"


def _words_table(result: SearchResult) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    for word in result.explanation.words:
        table.add_row(
            Text(word_line(word)),
            f"{word.contribution:.2f}",
            f"= idf {word.idf:.2f} x {word.class_factor:g} x impact {word.impact:.2f}",
        )
    if result.explanation.identifier_field:
        table.add_row(
            Text(f"the query is its {result.explanation.identifier_field}"),
            f"{result.explanation.identifier_contribution:,.2f}",
            "",
        )
    if result.missing_words:
        table.add_row(Text(f"without {', '.join(result.missing_words)}", style="yellow"), "", "")
    return table


def _lines(explanation: Explanation) -> Iterable[str]:
    factors = [f" x {_factor(factor)}" for factor in explanation.factors]
    step = f", step {explanation.step}" if explanation.step else ""
    yield f"score {explanation.score:.2f}{''.join(factors)}{step}"
    if explanation.business:
        parts = " + ".join(map(_factor, explanation.business))
        yield f"business score {explanation.business_score:.2f} = {parts}"


def _factor(factor: FactorExplanation) -> str:
    detail = f" ({factor.detail})" if factor.detail else ""
    return f"{factor.name} {factor.value:.2f}{detail}"
