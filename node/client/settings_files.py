"""Search settings as a TOML file that a person reads and changes: see docs/merchandising.md.

    [ranking]
    score_steps = 100

    [texts.sv]
    stop_words = ["och"]

Only what the file holds is changed: of the ranking single settings, of the texts whole languages.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from node.client.message_toml import message_of, near_words, pairs, toml_key, toml_value
from node.client.rule_files import parse_toml
from node.client.text_file import TextFile
from node.errors import InvalidArgumentError
from protos.v1.merchandising_pb2 import RankingSettings, SearchSettings, TextSettings

_TABLES: Final = ("ranking", "texts")
_DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What shall be different."""

    ranking: RankingSettings = field(default_factory=RankingSettings)
    ranking_names: tuple[str, ...] = ()
    """The settings that are meant; those that `ranking` lacks get their defaults."""

    texts: tuple[TextSettings, ...] = ()
    """Of each language that is meant, everything."""

    @property
    def mask(self) -> list[str]:
        """What an update with `applied_to` names; empty: nothing."""
        names = [f"ranking.{name}" for name in self.ranking_names]
        return [*names, "texts"] if self.texts else names

    def applied_to(self, settings: SearchSettings) -> SearchSettings:
        """Those settings with this change; the texts are by language."""
        changed = SearchSettings()
        changed.CopyFrom(settings)
        for name in self.ranking_names:
            changed.ranking.ClearField(name)  # type: ignore[arg-type]
        changed.ranking.MergeFrom(self.ranking)
        texts = {each.language_code: each for each in (*settings.texts, *self.texts)}
        del changed.texts[:]
        changed.texts.extend(texts[code] for code in sorted(texts))
        return changed


def read_settings(file: TextFile) -> SettingsChange:
    """The settings that a file holds. Raises FileRefusedError; the server checks the values."""
    content = parse_toml(file)
    for key in content:
        if key not in _TABLES:
            raise file.error(None, f"{key}: is not known{near_words(key, _TABLES)}")
    try:
        return _change_of(content)
    except InvalidArgumentError as error:
        raise file.error(None, error.message) from None


def ranking_change(assignments: Iterable[str]) -> SettingsChange:
    """From "score_steps=50" or "score_steps=default". Raises InvalidArgumentError."""
    content: dict[str, Any] = {}
    names: list[str] = []
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise InvalidArgumentError(f"{assignment}: write NAME=VALUE, as in score_steps=50")
        names.append(name.strip().removeprefix("ranking."))
        if value.strip() == _DEFAULT and names[-1] in RankingSettings.DESCRIPTOR.fields_by_name:
            content.pop(names[-1], None)
        else:
            content[names[-1]] = _value_of(value.strip())
    return SettingsChange(message_of(RankingSettings, content), tuple(dict.fromkeys(names)))


def settings_text(settings: SearchSettings) -> str:
    """The file of these settings: all of the ranking, and the texts of each language."""
    lines = [
        "# How a shop's search orders and reads. A language that stands here is replaced whole."
    ]
    lines += ["", "[ranking]"]
    lines += [f"{name} = {value}" for name, value in pairs(settings.ranking)]
    for text in sorted(settings.texts, key=lambda text: text.language_code):
        table = f"texts.{toml_key(text.language_code)}"
        lines += ["", f"[{table}]"]
        for name, words in (("never_split", text.never_split), ("stop_words", text.stop_words)):
            if words:
                lines += [f"{name} = [", *(f"  {toml_value(word)}," for word in words), "]"]
        if text.lemmas:
            lines += ["", f"[{table}.lemmas]  # a form = what it is a form of"]
            lines += [f"{toml_key(w)} = {toml_value(text.lemmas[w])}" for w in sorted(text.lemmas)]
    return "\n".join(lines) + "\n"


def _change_of(content: dict[str, Any]) -> SettingsChange:
    ranking = content.get("ranking", {})
    message = message_of(RankingSettings, ranking, "ranking")
    texts = content.get("texts", {})
    if not isinstance(texts, dict):
        raise InvalidArgumentError("texts: must be tables such as [texts.sv]")
    return SettingsChange(
        message, tuple(ranking), tuple(_text_of(code, table) for code, table in texts.items())
    )


def _text_of(language_code: str, table: object) -> TextSettings:
    path = f"texts.{language_code}"
    text = message_of(TextSettings, table, path)
    if text.language_code:
        raise InvalidArgumentError(f"{path}.language_code: the table's name says the language")
    text.language_code = language_code
    return text


def _value_of(text: str) -> object:
    """A number or truth value as a person writes it; anything else stays a text and is refused."""
    if text in {"true", "false"}:
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
