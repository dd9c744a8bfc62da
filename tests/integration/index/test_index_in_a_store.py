"""The index in a real store: reads inside the writing transaction, several writes in each."""

import random
from pathlib import Path

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.merge import collect_garbage, merge_segments, plan_merge, publish_merge
from actors.index.ports import ArrayReader, MemoryArrays
from actors.index.schema import DEFAULT_AVERAGE_LENGTHS, Schema
from actors.index.segments import open_branch
from actors.index.update import update_index
from actors.search.matching import match_all, top_any
from actors.storage.environment import Environment
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

SCHEMA = Schema(("en",), {}, DEFAULT_AVERAGE_LENGTHS, weights_version=1)
WORDS = [f"w{number}" for number in range(40)]


def some_update(chance: random.Random) -> IndexUpdate:
    upserts = {}
    inventories = {}
    for _ in range(chance.randint(0, 40)):
        product = Product(id=f"p{chance.randrange(900)}", title=" ".join(chance.sample(WORDS, 4)))
        for _ in range(chance.choice([0, 0, 2])):
            product.variants.add(id="v", title=chance.choice(WORDS))
        upserts[product.id] = IndexedProduct(product, some_inventory(chance))
    for _ in range(chance.randint(0, 5)):
        key = f"p{chance.randrange(900)}"
        if key not in upserts:
            inventories[key.encode()] = some_inventory(chance)
    gone = {f"p{chance.randrange(900)}" for _ in range(3)} - upserts.keys()
    deletes = [key.encode() for key in sorted(gone) if key.encode() not in inventories]
    return IndexUpdate(list(upserts.values()), deletes, inventories)


def some_inventory(chance: random.Random) -> InventoryRecord:
    record = InventoryRecord()
    record.product.prices.add(selling_micros=chance.randrange(1, 10**9), currency_code="SEK")
    return record


def answers(reader: ArrayReader) -> list[object]:
    view = open_branch(reader, 1)
    found: list[object] = [view.live_count]
    for word in WORDS:
        terms = [word, WORDS[(WORDS.index(word) * 7 + 1) % len(WORDS)]]
        found.append([(hit.product_id, hit.score) for hit in top_any(view, terms, 10)])
        matches = match_all(view, terms)
        ids = [m.segment.product_ids(m.ordinals) for m in matches]
        found.append(sorted(key for of_segment in ids for key in of_segment))
    return found


def test_a_store_and_a_dict_answer_alike(tmp_path: Path) -> None:
    chance = random.Random(3)
    environment = Environment(tmp_path, writable=True)
    memory = MemoryArrays()
    for _ in range(25):
        with environment.write() as batch:
            for _ in range(chance.randint(1, 4)):
                update = some_update(chance)
                update_index(batch, 1, update, SCHEMA)
                update_index(memory, 1, update, SCHEMA)

        with environment.read() as view:
            assert answers(view) == answers(memory)
    environment.close()


def test_a_merge_is_copied_in_bit_by_bit_while_writes_go_on(tmp_path: Path) -> None:
    chance = random.Random(4)
    environment = Environment(tmp_path, writable=True)
    memory = MemoryArrays()

    def write(count: int) -> None:
        for _ in range(count):
            update = some_update(chance)
            update_index(memory, 1, update, SCHEMA)
            with environment.write() as batch:
                update_index(batch, 1, update, SCHEMA)

    write(20)
    with environment.read() as view:
        records = open_branch(view, 1).list.records
        ids = plan_merge(records) or [record.segment_id for record in records]
        scratch = list(merge_segments(view, 1, ids))
    for key, value in scratch:
        write(1) if chance.random() < 0.02 else None
        with environment.write() as batch:
            batch.put_array(key, value)
    with environment.write() as batch:
        publish_merge(batch, 1, scratch[-1][0], lambda _: None)

    with environment.write() as batch:
        while collect_garbage(batch, 1, keep=(), keys_max=50):
            pass
    with environment.read() as view:
        assert answers(view) == answers(memory)
    environment.close()
