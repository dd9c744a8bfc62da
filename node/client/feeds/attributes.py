"""Fills a product's attributes from a record's fields: one closure per field name, made once and
kept.

A product's attribute holds values of one kind. When one product's fields ask for two kinds under
one key (icecat has `attr_t_capacity` and `attr_n_capacity`), the kind that comes first in the
mapping keeps the key and the other is stored under the key with its kind: `capacity` and
`capacity_number`. Nothing is lost.
"""

import re
import unicodedata
from collections.abc import Callable, MutableMapping
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Any, Final

from node.client.feeds.mapping import Mapping
from node.client.feeds.records import Fields, ValueRefusedError, shown
from node.client.feeds.rules import AttributeKind
from node.client.feeds.values import is_empty, to_boolean, to_number, to_text, to_texts
from protos.v1.common_pb2 import AttributeValue

Attributes = MutableMapping[str, AttributeValue]
"""The map field of a message: reading a missing key creates it."""

SetAttribute = Callable[[Attributes, Any], None]

_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_KEY_LENGTH_MAX: Final = 64
_DIGEST_LENGTH: Final = 8
_SETTERS_MAX: Final = 100_000
_FOLDED: Final = str.maketrans(
    {"ø": "o", "Ø": "o", "æ": "ae", "Æ": "ae", "ß": "ss", "đ": "d", "ł": "l"}
)


def attribute_key(name: str) -> str:
    """A key that the platform accepts, from any name: equal names give equal keys, unequal ones
    hardly ever.

    A name that is a key stays as it is. Otherwise: å to a (and so on), all else to "_"; "a_" before
    a digit; the end of a long name is replaced by a digest of all of it.
    """
    if _KEY.fullmatch(name):
        return name
    plain = unicodedata.normalize("NFKD", name.translate(_FOLDED))
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    key = re.sub(r"[^A-Za-z0-9-]+", "_", letters).strip("_-")
    if not key[:1].isalpha():
        key = f"a_{key}"
    if key == "a_" or len(key) > _KEY_LENGTH_MAX:
        digest = blake2b(name.encode(errors="replace"), digest_size=_DIGEST_LENGTH // 2).hexdigest()
        key = f"{key[: _KEY_LENGTH_MAX - _DIGEST_LENGTH - 1].rstrip('_-')}_{digest}"
    return key


class AttributeFiller:
    """Fills attributes from the fields that a mapping's prefixes, names, objects and pairs take."""

    def __init__(self, mapping: Mapping, *, rules_of_variant: bool = False) -> None:
        variants = mapping.variants
        self._rules = (
            variants.rules.attributes if rules_of_variant and variants else mapping.rules.attributes
        )
        self._mapping = mapping
        self._kind_ranks = {
            kind.value: rank
            for rank, kind in enumerate((*self._rules.prefixes.values(), *AttributeKind))
        }
        self._setters = _Setters(self._setter_of)
        self._members = _Setters(self._member_setter)
        self._names_of_key: dict[str, set[str]] = {}
        self._objects = frozenset(self._rules.objects)
        self._pairs = {pairs.field: pairs for pairs in self._rules.pairs}

    @property
    def is_idle(self) -> bool:
        """Whether no field can become an attribute."""
        rules = self._rules
        return not (rules.prefixes or rules.fields or rules.objects or rules.pairs)

    def fill(self, fields: Fields, attributes: Attributes) -> None:
        """Sets every attribute in `fields`. Raises ValueRefusedError with the field's name."""
        setters = self._setters
        if len(setters) + len(self._members) > _SETTERS_MAX:  # a feed of ever new names
            setters.clear()
            self._members.clear()
            self._names_of_key.clear()
        name = ""
        try:
            for name, value in fields.items():
                setter = setters[name]
                if setter is not None:
                    setter(attributes, value)
        except ValueRefusedError as error:
            raise ValueRefusedError(f"{name}: {error.message}") from None
        except ValueError as error:  # a text that UTF-8 cannot hold
            raise ValueRefusedError(f"{name}: {error}") from None

    def takes(self, name: str) -> bool:
        """Whether this field becomes an attribute."""
        return self._setters[name] is not None

    def _setter_of(self, name: str) -> SetAttribute | None:
        rules = self._rules
        if name in rules.fields:
            target = rules.fields[name]
            return self._setter(name, target.key, target.kind)
        if name in self._objects:
            return self._set_members
        if name in self._pairs:
            return self._set_pairs(name)
        if any(fnmatchcase(name, pattern) for pattern in self._mapping.ignore):
            return None
        for prefix, kind in rules.prefixes.items():
            if name.startswith(prefix) and len(name) > len(prefix):
                return self._setter(name, name[len(prefix) :], kind)
        return None

    def _setter(self, name: str, raw_key: str, kind: AttributeKind) -> SetAttribute:
        key = attribute_key(raw_key)
        names = self._names_of_key.setdefault(key, set())
        names.add(name)
        if len(names) > 1:
            # Found only now: whichever of them comes later in a product must look first.
            for other in names - {name}:
                earlier = self._setters.pop(other, None)
                if earlier is not None and not isinstance(earlier, _CarefulSetter):
                    self._setters[other] = _CarefulSetter(earlier, key, self._kind_ranks)
            return _CarefulSetter(self._plain_setter(key, kind), key, self._kind_ranks)
        return self._plain_setter(key, kind)

    def _plain_setter(self, key: str, kind: AttributeKind) -> SetAttribute:
        separator = self._mapping.attribute_list_separator
        if kind is AttributeKind.TEXT:
            return _text_setter(key, separator)
        if kind is AttributeKind.NUMBER:
            return _number_setter(key, self._mapping.decimal_separator)
        if kind is AttributeKind.BOOLEAN:
            return _boolean_setter(key)
        return _auto_setter(key, separator)

    def _set_members(self, attributes: Attributes, members: Any) -> None:
        if is_empty(members):
            return
        if not isinstance(members, dict):
            raise ValueRefusedError(f"{shown(members)} is not an object of attributes")
        for name, value in members.items():
            self._set_member(attributes, name, value)

    def _set_pairs(self, field: str) -> SetAttribute:
        pairs = self._pairs[field]

        def set_pairs(attributes: Attributes, value: Any) -> None:
            for pair in value if isinstance(value, list) else () if is_empty(value) else (value,):
                if not isinstance(pair, dict):
                    raise ValueRefusedError(f"{shown(pair)} is not an object of name and value")
                name = to_text(pair.get(pairs.name))
                if name:
                    self._set_member(attributes, name, pair.get(pairs.value))

        return set_pairs

    def _set_member(self, attributes: Attributes, name: str, value: Any) -> None:
        setter = self._members[name]
        if setter is not None:
            setter(attributes, value)

    def _member_setter(self, name: str) -> SetAttribute:
        key = attribute_key(name)
        plain = _auto_setter(key, self._mapping.attribute_list_separator)
        return _CarefulSetter(plain, key, self._kind_ranks)


class _Setters(dict[str, SetAttribute | None]):
    """Makes the setter of a name when the name is first seen."""

    def __init__(self, make: Callable[[str], SetAttribute | None]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> SetAttribute | None:
        setter = self._make(name)
        self[name] = setter
        return setter


class _CarefulSetter:
    """Sets one attribute whose key another field may have set with another kind."""

    def __init__(self, plain: SetAttribute, key: str, kind_ranks: dict[str, int]) -> None:
        self._plain = plain
        self._key = key
        self._kind_ranks = kind_ranks

    def __call__(self, attributes: Attributes, value: Any) -> None:
        if self._key not in attributes:
            self._plain(attributes, value)
            return
        aside: Attributes = _Aside()
        self._plain(aside, value)
        for added in aside.values():
            _add(attributes, self._key, added, self._kind_ranks)


class _Aside(dict[str, AttributeValue]):
    """Stands in for a message's map: reading a missing key creates it."""

    def __missing__(self, key: str) -> AttributeValue:
        self[key] = AttributeValue()
        return self[key]


def set_text_attribute(attributes: Attributes, name: str, text: str) -> None:
    """Sets an attribute that no field has set."""
    key = attribute_key(name)
    if key not in attributes:
        attributes[key].texts.append(text)


def _add(attributes: Attributes, key: str, added: AttributeValue, ranks: dict[str, int]) -> None:
    present = attributes[key]
    kind, kind_added = _kind_of(present), _kind_of(added)
    if kind == kind_added:
        if kind != AttributeKind.BOOLEAN.value:  # of two booleans the first stays
            present.MergeFrom(added)
    elif ranks[kind] <= ranks[kind_added]:
        _append(attributes, f"{key}_{kind_added}", added)
    else:
        moved = AttributeValue()
        moved.CopyFrom(present)
        present.CopyFrom(added)
        _append(attributes, f"{key}_{kind}", moved)


def _append(attributes: Attributes, raw_key: str, added: AttributeValue) -> None:
    attributes[attribute_key(raw_key)].MergeFrom(added)


def _kind_of(value: AttributeValue) -> str:
    if value.texts:
        return AttributeKind.TEXT.value
    return AttributeKind.NUMBER.value if value.numbers else AttributeKind.BOOLEAN.value


def _text_setter(key: str, separator: str) -> SetAttribute:
    def set_text(attributes: Attributes, value: Any) -> None:
        if type(value) is str and not separator:  # by far the most frequent
            if text := value.strip():
                attributes[key].texts.append(text)
        elif texts := list(to_texts(value, separator=separator)):
            attributes[key].texts.extend(texts)

    return set_text


def _number_setter(key: str, decimal_separator: str) -> SetAttribute:
    def set_number(attributes: Attributes, value: Any) -> None:
        if type(value) is list:
            numbers = [to_number(each, decimal_separator=decimal_separator) for each in value]
            if numbers:
                attributes[key].numbers.extend(numbers)
        elif value is not None and value != "":
            attributes[key].numbers.append(to_number(value, decimal_separator=decimal_separator))

    return set_number


def _boolean_setter(key: str) -> SetAttribute:
    def set_boolean(attributes: Attributes, value: Any) -> None:
        if value is True or value is False:
            attributes[key].boolean = value
        elif value is not None and value != "":
            attributes[key].boolean = to_boolean(value)

    return set_boolean


def _auto_setter(key: str, separator: str) -> SetAttribute:
    set_text, set_number, set_boolean = (
        _text_setter(key, separator),
        _number_setter(key, "."),
        _boolean_setter(key),
    )

    def set_value(attributes: Attributes, value: Any) -> None:
        if isinstance(value, dict):
            _set_own(attributes, key, value)
            return
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, bool):
            set_boolean(attributes, first if value is not first and len(value) == 1 else value)
        elif isinstance(first, int | float) and _all_numbers(value):
            set_number(attributes, value)
        else:
            set_text(attributes, value)

    return set_value


def _all_numbers(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)


def _set_own(attributes: Attributes, key: str, value: dict[str, Any]) -> None:
    """An attribute as the platform writes it: {"texts": [...]}, {"numbers": [...]} or {"boolean":
    true}.
    """
    if not value:
        return
    if len(value) != 1 or not value.keys() <= {"texts", "numbers", "boolean"}:
        raise ValueRefusedError(f"{shown(value)} has more than texts, numbers or a boolean")
    if "texts" in value:
        _text_setter(key, "")(attributes, value["texts"])
    elif "numbers" in value:
        _number_setter(key, ".")(attributes, value["numbers"])
    else:
        _boolean_setter(key)(attributes, value["boolean"])
