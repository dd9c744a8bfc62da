"""The builder: a short-lived process that makes segments outside the process that takes writes.

    python -m actors.builder --store DIR --scratch FILE --branch N (--segments ID,ID,... | --rebuild)

It opens the store read-only, writes a scratch file, and ends. It never changes the store.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from actors.catalog.fields import SETTINGS_KEY, read_fields
from actors.catalog.schemas import schema_of
from actors.index.document import IndexedProduct
from actors.index.merge import merge_segments, rebuild_segments
from actors.merchandising.settings import texts_of
from actors.model.fields import FieldBook
from actors.scratch import Entry, write_scratch
from actors.storage.environment import ReadView
from actors.storage.store import open_read_only
from actors.storage.tables import INVENTORIES, PRODUCTS, SETTINGS, branch_prefix
from node.errors import SaluhallError
from protos.internal.records_pb2 import InventoryRecord, ProductRecord, TenantSettings
from protos.v1.product_pb2 import Product

PRODUCTS_PER_SEGMENT: Final = 500_000
NICENESS: Final = 10
"""Shoppers come first: a merge may take longer on a busy machine."""


def main() -> int:
    """Build what the arguments ask for; 0 when the scratch file is whole."""
    parser = argparse.ArgumentParser(prog="python -m actors.builder")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--branch", type=int, required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--segments", type=_segment_ids)
    what.add_argument("--rebuild", action="store_true")
    arguments = parser.parse_args()
    os.nice(NICENESS)
    try:
        environment = open_read_only(arguments.store)
        with environment.read() as view:
            if arguments.rebuild:
                entries = _rebuilt(view, arguments.branch)
            else:
                entries = merge_segments(view, arguments.branch, arguments.segments)
            write_scratch(arguments.scratch, entries)
        environment.close()
    except (SaluhallError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the owner reads it
        return 1
    return 0


def _rebuilt(view: ReadView, branch: int) -> Iterator[Entry]:
    value = view.get(SETTINGS, SETTINGS_KEY)
    settings = TenantSettings.FromString(b"" if value is None else bytes(value))
    schema = schema_of(settings, FieldBook(read_fields(view)).records, texts_of(view))
    return rebuild_segments(
        view, branch, _products(view, branch), schema, products_per_segment=PRODUCTS_PER_SEGMENT
    )


def _products(view: ReadView, branch: int) -> Iterator[IndexedProduct]:
    for key, value in view.range(PRODUCTS, branch_prefix(branch)):
        inventory = view.get(INVENTORIES, bytes(key))
        yield IndexedProduct(
            Product.FromString(ProductRecord.FromString(bytes(value)).content),
            InventoryRecord.FromString(b"" if inventory is None else bytes(inventory)),
        )


def _segment_ids(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
