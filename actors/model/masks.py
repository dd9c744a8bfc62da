"""Field masks over products (AIP-161): which parts a write changes, which parts a read returns."""

from collections.abc import Sequence
from typing import Final

from node.errors import InvalidArgumentError
from protos.v1.product_pb2 import Product

_FIXED: Final = frozenset({"name", "id", "update_time"})
_WRITABLE: Final = frozenset(Product.DESCRIPTOR.fields_by_name) - _FIXED
_READABLE: Final = frozenset(Product.DESCRIPTOR.fields_by_name)
_ATTRIBUTE: Final = "attributes."


def check_update_mask(paths: Sequence[str]) -> None:
    """Refuse paths that a write cannot change."""
    for path in paths:
        if path not in _WRITABLE and not path.startswith(_ATTRIBUTE):
            raise InvalidArgumentError.of(
                "update_mask",
                f'"{path[:80]}" cannot be updated; use one of {", ".join(sorted(_WRITABLE))} or '
                "attributes.KEY",
            )


def apply_update(target: Product, source: Product, paths: Sequence[str]) -> None:
    """Copy the masked parts of `source` into `target`; what `source` lacks is removed there."""
    for path in paths:
        if path.startswith(_ATTRIBUTE):
            key = path[len(_ATTRIBUTE) :]
            if key in source.attributes:
                target.attributes[key].CopyFrom(source.attributes[key])
            else:
                target.attributes.pop(key, None)
        else:
            _copy_field(target, source, path)


def check_read_mask(paths: Sequence[str]) -> None:
    """Refuse paths that a product does not have."""
    for path in paths:
        if path not in _READABLE and path != "*":
            raise InvalidArgumentError.of(
                "read_mask",
                f'"{path[:80]}" is no field of a product; use "*" for all or some of '
                f"{', '.join(sorted(_READABLE))}",
            )


def keep_only(product: Product, paths: Sequence[str]) -> None:
    """Clear what the mask does not name; the id always stays."""
    if "*" in paths:
        return
    for name in _READABLE.difference(paths, ("id", "name")):
        product.ClearField(name)  # type: ignore[arg-type]


def _copy_field(target: Product, source: Product, name: str) -> None:
    partial = Product()
    partial.CopyFrom(source)
    for other in _READABLE - {name}:
        partial.ClearField(other)  # type: ignore[arg-type]
    target.ClearField(name)  # type: ignore[arg-type]
    target.MergeFrom(partial)
