"""Style that matters is a failing test: sizes, docstrings, links, and what no text may hold."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("node", "actors", "cluster", "loadtest", "protos")
SOURCES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "_pb2" not in path.name
]
FUNCTION_LINES_MAX = 60
MODULE_LINES_MAX = 500


def _tracked_texts() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_fits_in_a_head(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)

    assert ast.get_docstring(tree), "needs a sentence on what it is for"
    assert len(text.splitlines()) <= MODULE_LINES_MAX
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{node.name} has {length} lines"


def test_every_relative_link_in_the_documents_resolves() -> None:
    broken = []
    for path in _tracked_texts():
        if path.suffix != ".md":
            continue
        targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8"))
        broken += [
            f"{path.name}: {target}"
            for target in targets
            if "://" not in target and not (path.parent / target).exists()
        ]

    assert broken == []


def test_nothing_is_left_to_do_in_the_code() -> None:
    """What is not built is not in the interface."""
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XXX|NotImplemented" + r"Error)\b")

    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in SOURCES
        if (match := words.search(path.read_text(encoding="utf-8")))
    ]

    assert found == []


def test_every_package_is_named_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    packages = {
        f"{package}/{path.parent.relative_to(ROOT / package).parts[0]}"
        for package in ("node", "actors", "cluster")
        for path in (ROOT / package).rglob("__init__.py")
        if path.parent != ROOT / package
    }

    assert [name for name in sorted(packages) if name not in text] == []
