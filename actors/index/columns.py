"""The columns of a segment: what filters, facets and sort keys read.

`columns_build` makes them of products, `columns_merge` of other segments' columns, `columns_inventory` patches price
and stock in place, `columns_read` opens them; `columns_tables` describes what is stored. Names of columns:

- texts (`Columns.keyword`): id, title, brand, tags, gtins, mpn, article_number, language_code,
  variant_id, `attributes.<key>#t`, and `categories#0`, `categories#1`, ...: the paths of one part,
  of two parts, ... that a product is in;
- numbers (`Columns.number`): popularity (absent when 0), release_time (seconds since 1970),
  `attributes.<key>#n`, and `attributes.<key>#b` with 0 and 1;
- by row, patched in place (`Columns.inventory`): price in each market and price list, availability and
  stock_quantity, in general and in each market and store.

What a product says holds for all its rows: it is stored by ordinal. What a variant says is stored by row.
"""

from actors.index.columns_build import (
    ATTRIBUTES,
    BOOLEAN_SUFFIX,
    CATEGORY_COLUMNS,
    CATEGORY_SEPARATOR,
    EXACT_FIELDS,
    NUMBER_SUFFIX,
    TEXT_SUFFIX,
    build_columns,
    category_levels,
    layout_of,
)
from actors.index.columns_inventory import InventoryColumns, patch_inventory
from actors.index.columns_layout import RowLayout, expand_ranges
from actors.index.columns_merge import MergeSource, merge_columns, merged_layout
from actors.index.columns_read import Column, Columns, Dictionary, Stream, open_columns
from actors.index.columns_text import dictionary_key, exact_key, folded, key_text
from actors.index.inventory_blocks import MISSING

__all__ = [
    "ATTRIBUTES",
    "BOOLEAN_SUFFIX",
    "CATEGORY_COLUMNS",
    "CATEGORY_SEPARATOR",
    "EXACT_FIELDS",
    "MISSING",
    "NUMBER_SUFFIX",
    "TEXT_SUFFIX",
    "Column",
    "Columns",
    "Dictionary",
    "InventoryColumns",
    "MergeSource",
    "RowLayout",
    "Stream",
    "build_columns",
    "category_levels",
    "dictionary_key",
    "exact_key",
    "expand_ranges",
    "folded",
    "key_text",
    "layout_of",
    "merge_columns",
    "merged_layout",
    "open_columns",
    "patch_inventory",
]
