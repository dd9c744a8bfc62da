"""What filling a message from a record needs everywhere: how a field is read, and what is set."""

from collections.abc import Callable
from typing import Any

from node.client.feeds.records import Fields, ValueRefusedError, shown
from node.client.feeds.values import is_empty
from protos.v1.product_pb2 import Product, Variant

Message = Product | Variant
Get = Callable[[Fields], Any]


def getter_of(source: str) -> Get:
    """Reads a field by its name; "supplier.name" also reads inside an object, if no field is called
    so.
    """
    if not source:
        return lambda _fields: None
    if "." not in source:
        return lambda fields: fields.get(source)
    path = source.split(".")

    def get(fields: Fields) -> Any:
        value: Any = fields.get(source)
        if value is not None:
            return value
        value = fields
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    return get


def objects_in(value: object, name: str) -> list[dict[str, Any]]:
    objects = [] if is_empty(value) else value
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        raise ValueRefusedError(f"{name}: {shown(value)} is not a list of objects")
    return objects
