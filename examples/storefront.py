"""A storefront in a few lines: searches a shop that `make up` left running.

    .venv/bin/python examples/storefront.py KEY vinterjacka dam
    SALUHALL_KEY=KEY .venv/bin/python examples/storefront.py usb hub

KEY is a search key: `make up` prints one for each shop, `saluhall keys issue TENANT --role search`
makes more.
"""

import json
import os
import sys

from node.client import Client
from node.config import profile_path

MICROS = 1_000_000


def main(words: list[str]) -> None:
    """Prints what the shop has for these words."""
    key = os.environ.get("SALUHALL_KEY") or words.pop(0)
    profile = json.loads(profile_path().read_text())
    server = profile["servers"][profile["current"]]
    with Client(server["listen"], api_key=key, ca_file=server["ca_file"]) as shop:
        answer = shop.search(" ".join(words), facets=["brand"], page_size=10)
    for result in answer.results:
        price = result.price
        print(
            f"{price.selling_micros / MICROS:10,.2f} {price.currency_code}  {result.product.title}"
        )
    brands = ", ".join(f"{value.text} ({value.count})" for value in answer.facets[0].values)
    print(f"{answer.total_size} products. Brands: {brands}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
