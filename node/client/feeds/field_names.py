"""The names that shop systems and feeds commonly give to the fields of a product, in English and
Swedish.
"""

from collections.abc import Iterable
from typing import Final

# Names are compared in lower case without "g:", spaces and signs; the most telling stands first.
PRODUCT_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "id": (
        "id", "productid", "sku", "itemid", "offerid", "produktid", "articlenumber",
        "artikelnummer", "artikelnr", "artnr", "productcode", "productnumber", "itemnumber", "code",
        "stockcode", "handle", "uuid", "asin",
    ),
    "title": (
        "title", "name", "productname", "producttitle", "itemname", "produktnamn", "benämning",
        "namn", "titel", "rubrik", "displayname",
    ),
    "description": (
        "description", "longdescription", "shortdescription", "productdescription", "beskrivning",
        "produktbeskrivning", "bodyhtml", "body", "summary", "text",
    ),
    "brand": (
        "brand", "brandname", "manufacturer", "vendor", "supplier", "varumärke", "märke",
        "tillverkare", "leverantör",
    ),
    "gtins": (
        "gtin", "ean", "gtins", "eans", "gtin13", "ean13", "eancode", "upc", "barcode", "isbn",
        "streckkod",
    ),
    "mpn": (
        "mpn", "manufacturerpartnumber", "partnumber", "modelnumber", "modelcode", "model",
        "tillverkarnummer",
    ),
    "article_number": ("articlenumber", "artikelnummer", "artikelnr", "artnr", "itemnumber", "sku"),
    "categories": (
        "producttype", "categories", "categorypath", "category", "productcategory", "kategori",
        "kategorier", "varugrupp", "breadcrumb", "breadcrumbs", "googleproductcategory",
    ),
    "availability": (
        "availability", "stockstatus", "lagerstatus", "instock", "isinstock", "available", "ilager",
    ),
    "stock_quantity": (
        "stockquantity", "quantityinstock", "inventoryquantity", "inventory", "stock", "stocklevel",
        "qty", "lagersaldo", "saldo", "selltoonlinequantity", "availablequantity", "lagerantal",
    ),
    "images": (
        "imagelink", "imageurl", "image", "images", "imageurls", "imghigh", "img", "picture",
        "pictures", "bild", "bilder", "bildlänk", "bildurl", "photo", "thumbnail",
    ),
    "url": (
        "link", "url", "producturl", "deeplink", "permalink", "canonicallink", "länk",
        "produktlänk",
    ),
    "language_code": ("languagecode", "language", "contentlanguage", "lang", "locale", "språk"),
    "tags": ("tags", "keywords", "labels", "nyckelord", "etiketter"),
    "release_time": (
        "releasetime", "releasedate", "datereleased", "availabilitydate", "launchdate",
        "publishedat", "publisheddate", "createdat", "lanseringsdatum", "släppdatum",
    ),
    "popularity": (
        "popularity", "popularityscore", "popularitet", "unitssold", "sold", "salescount",
    ),
}  # fmt: skip

SELLING_NAMES: Final = (
    "price", "sellingprice", "currentprice", "finalprice", "unitprice", "pris", "försäljningspris",
    "regularprice", "ordinariepris",
)  # fmt: skip
SALE_NAMES: Final = (
    "saleprice",
    "specialprice",
    "discountedprice",
    "kampanjpris",
    "reapris",
    "rabatteratpris",
)
LIST_NAMES: Final = (
    "listprice", "msrp", "rrp", "compareatprice", "originalprice", "regularprice", "ordinariepris",
    "wasprice",
)  # fmt: skip
CURRENCY_NAMES: Final = ("currency", "currencycode", "pricecurrency", "valuta")
GROUP_NAMES: Final = ("itemgroupid", "groupid", "parentid", "parentsku", "masterid", "variantgroup")
MORE_IMAGES_NAMES: Final = ("additionalimagelink", "additionalimages", "moreimages", "extrabilder")
VARIANT_LIST_NAMES: Final = ("variants", "skus", "varianter")
ATTRIBUTE_OBJECT_NAMES: Final = (
    "attributes", "specifications", "specs", "properties", "features", "productdetail",
    "egenskaper", "attribut",
)  # fmt: skip
ATTRIBUTE_NAMES: Final = frozenset({
    "color", "colour", "färg", "size", "storlek", "material", "gender", "kön", "agegroup", "ålder",
    "pattern", "mönster", "condition", "skick", "weight", "vikt", "width", "bredd", "height",
    "höjd", "length", "längd", "depth", "djup", "capacity", "volume", "volym", "season", "säsong",
    "style", "fit", "passform", "sport", "type", "typ", "producttypename", "energyefficiencyclass",
    "productweight", "productlength", "productwidth", "productheight", "rating", "warranty",
    "garanti", "language", "author", "författare", "publisher", "förlag", "format",
})  # fmt: skip


def plain_name(name: str) -> str:
    """A field's name as it is compared."""
    bare = name.removeprefix("g:").lower()
    return "".join(letter for letter in bare if letter.isalnum())


def find_names(known: Iterable[str], names: Iterable[str]) -> list[str]:
    """The fields among `names` that are known, the most telling first."""
    by_plain: dict[str, list[str]] = {}
    for name in names:
        by_plain.setdefault(plain_name(name), []).append(name)
    return [name for each in known for name in by_plain.get(each, ())]
