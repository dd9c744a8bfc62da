"""`python -m loadtest WHAT`: the demonstration and the measurements."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final

# A measurement's module is imported only when it is asked for: one of them needs tantivy, another
# a server's library, and none should wait for the others.
_MODULES: Final = {
    "bought-together": ("loadtest.bought_together", "the product missing from a basket"),
    "cold-start": ("loadtest.cold_start", "recommendations of a shop with few events"),
    "demo": ("loadtest.demo", "a market hall with two shops, from start to stop"),
    "engine": ("loadtest.engine", "our index against tantivy"),
    "events": ("loadtest.events", "searches while visitors' events are written all the time"),
    "freshness": ("loadtest.freshness", "searches while prices and stock change all the time"),
    "path": ("loadtest.path", "a search over TLS against a bare echo"),
    "recommend": ("loadtest.recommend", "the next product of recorded sessions, and its cost"),
    "relevance": ("loadtest.relevance", "the order of the first ten against people's judgments"),
    "suggest": ("loadtest.suggest", "what suggestions cost, letter by letter"),
    "swedish": ("loadtest.swedish", "Swedish forms that find each other, and words that must not"),
    "typos": ("loadtest.typos", "what typing errors cost, and identifiers found first"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the first argument names; returns the process's exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in _MODULES:
        return _explain(words)
    module = importlib.import_module(_MODULES[words[0]][0])
    parser = argparse.ArgumentParser(
        prog=f"python -m loadtest {words[0]}", description=module.__doc__
    )
    module.add_arguments(parser)
    code: int = module.run(parser.parse_args(words[1:]))
    return code


def _explain(words: Sequence[str]) -> int:
    is_asked = bool(words) and words[0] in {"-h", "--help"}
    lines = ["usage: python -m loadtest WHAT [--help]", ""]
    lines += [f"  {name:<16} {description}" for name, (_, description) in _MODULES.items()]
    if words and not is_asked:
        lines.insert(0, f"{words[0]!r} is not known")
    print("\n".join(lines), file=sys.stdout if is_asked else sys.stderr)
    return 0 if is_asked else 2


if __name__ == "__main__":
    sys.exit(main())
