"""What the English demonstration shop sells: kinds of electronics, and the words that describe
them.

Brands and models are invented.
"""

from typing import Final

from loadtest.shop_words import Group, Kind, NumberRange, ShopWords

_METAL: Final = ("aluminium", "recycled aluminium", "steel and glass")
_PLASTIC: Final = ("recycled plastic", "matt polycarbonate", "soft-touch plastic")

GROUPS: Final = {
    "computer": Group(
        purposes=("work on the move", "students", "photo and video editing", "evenings of gaming"),
        materials=_METAL,
        features=(
            "The keyboard is backlit and quiet.", "Two USB-C ports charge and drive a screen.",
            "It wakes in a second and stays cool.", "The webcam has a shutter.",
        ),
        sizes=("256 GB", "512 GB", "1 TB", "2 TB"),
        size_price_percent=12,
        numbers=(
            NumberRange("memory_gb", 8, 64, 8), NumberRange("screen_size_in", 13, 18, 1),
            NumberRange("weight_g", 980, 3_200, 20), NumberRange("battery_hours", 6, 22, 1),
        ),
    ),
    "phone": Group(
        purposes=("all-day use", "low-light photos", "small hands", "a generous screen"),
        materials=("glass and aluminium", *_PLASTIC),
        features=(
            "Dual SIM and fast charging.", "Five years of security updates.",
            "Water resistant to IP68.", "The battery is easy to replace.",
        ),
        sizes=("64 GB", "128 GB", "256 GB", "512 GB"),
        size_price_percent=15,
        numbers=(
            NumberRange("screen_size_in", 5, 12, 1), NumberRange("battery_hours", 12, 48, 2),
            NumberRange("weight_g", 140, 620, 5),
        ),
    ),
    "wearable": Group(
        purposes=("running and sleep", "busy days", "swimmers", "a simple start"),
        materials=("aluminium", "titanium", "silicone"),
        features=(
            "Measures heart rate and sleep.", "Shows messages and calls.", "Charges in an hour.",
        ),
        sizes=("40 mm", "44 mm"),
        size_price_percent=5,
        numbers=(NumberRange("battery_hours", 18, 336, 6),),
    ),
    "audio": Group(
        purposes=("commuting", "the kitchen", "long flights", "music without wires", "calls"),
        materials=("fabric and plastic", "aluminium", "vegan leather"),
        features=(
            "Noise cancelling that adapts to where you are.", "Pairs with two devices at a time.",
            "A companion app with an equaliser.", "Splash-proof and easy to clean.",
        ),
        sizes=(),
        numbers=(NumberRange("battery_hours", 5, 60, 1), NumberRange("power_w", 5, 320, 5)),
    ),
    "screen": Group(
        purposes=("films", "precise colour", "fast games", "a tidy desk"),
        materials=("plastic", "aluminium"),
        features=(
            "The stand turns, tilts and rises.", "HDR and a wide viewing angle.",
            "Low blue light for long days.", "A hub for keyboard and mouse at the back.",
        ),
        sizes=('24"', '27"', '32"', '43"', '55"'),
        size_price_percent=22,
        numbers=(NumberRange("refresh_rate_hz", 60, 240, 20),),
        is_coloured=False,
    ),
    "input": Group(
        purposes=("quiet offices", "long typing sessions", "fast games", "travel"),
        materials=_PLASTIC,
        features=(
            "Connects by USB-C, Bluetooth or its own receiver.",
            "Keys and buttons can be remapped.", "Works for months on one charge.",
        ),
        sizes=(),
        numbers=(NumberRange("weight_g", 60, 1_200, 10),),
    ),
    "cable": Group(
        purposes=("desks and racks", "charging and data", "4K screens", "the car"),
        materials=("braided nylon", "PVC-free plastic"),
        features=(
            "Strain relief that survives a backpack.", "Gold-plated contacts.",
            "Tested for ten thousand bends.",
        ),
        sizes=("0.5 m", "1 m", "2 m", "3 m", "5 m"),
        size_price_percent=18,
        numbers=(),
    ),
    "power": Group(
        purposes=("trips", "the whole family's devices", "the bedside table", "power cuts"),
        materials=_PLASTIC,
        features=(
            "Charges three devices at once.", "Small enough for a pocket.",
            "Protects against surges and heat.",
        ),
        sizes=(),
        numbers=(
            NumberRange("power_w", 10, 240, 5), NumberRange("capacity_mah", 5_000, 30_000, 500),
        ),
    ),
    "storage": Group(
        purposes=("backups", "cameras", "big projects", "consoles"),
        materials=("aluminium", "plastic"),
        features=(
            "Survives a fall from two metres.", "Hardware encryption.", "Reads 2,000 MB a second.",
        ),
        sizes=("128 GB", "256 GB", "512 GB", "1 TB", "2 TB"),
        size_price_percent=35,
        numbers=(),
    ),
    "network": Group(
        purposes=("large homes", "small offices", "video calls", "smart homes"),
        materials=_PLASTIC,
        features=(
            "Set up in five minutes with the app.", "Wi-Fi 6 and WPA3.", "Four gigabit ports.",
        ),
        sizes=(),
        numbers=(NumberRange("ports", 1, 24, 1),),
        is_coloured=False,
    ),
    "print": Group(
        purposes=("home offices", "photos", "busy teams", "school"),
        materials=_PLASTIC,
        features=("Prints on both sides.", "Low cost per page.", "Prints from phones."),
        sizes=(),
        numbers=(NumberRange("pages", 200, 9_000, 100),),
        is_coloured=False,
    ),
    "camera": Group(
        purposes=("travel", "wildlife", "first films", "portraits"),
        materials=("magnesium alloy", "aluminium", "nylon"),
        features=(
            "Sealed against dust and rain.", "Stabilised for long exposures.", "Light to carry.",
        ),
        sizes=(),
        numbers=(NumberRange("weight_g", 120, 1_900, 10),),
    ),
    "home": Group(
        purposes=("every room", "the front door", "saving energy", "beginners"),
        materials=_PLASTIC,
        features=(
            "Works without a cloud.", "Voice or app, as you like.", "Installed without tools.",
        ),
        sizes=(),
        numbers=(NumberRange("power_w", 1, 90, 1),),
    ),
    "part": Group(
        purposes=("a silent build", "a small case", "an upgrade", "high frame rates"),
        materials=_METAL,
        features=("Fits ATX and mini-ITX.", "Five years of warranty.", "Quiet under load."),
        sizes=(),
        numbers=(NumberRange("power_w", 5, 1_000, 5),),
        is_coloured=False,
    ),
    "carry": Group(
        purposes=("commuting", "weekends away", "daily protection", "the office"),
        materials=("recycled polyester", "vegan leather", "silicone", "felt"),
        features=("Padded where it matters.", "A pocket for cables.", "Slim, with a firm grip."),
        sizes=(),
        numbers=(),
    ),
}  # fmt: skip


def _kinds(group: str, shelf: str, *kinds: tuple[str, int, int]) -> tuple[Kind, ...]:
    return tuple(
        Kind(name, _article(name), f"{shelf} > {name[0].upper()}{name[1:]}", low, high, group, ())
        for name, low, high in kinds
    )


def _article(name: str) -> str:
    return "" if name.endswith("phones") else "a"


KINDS: Final = (
    *_kinds(
        "computer", "Computers",
        ("laptop", 349, 1999), ("gaming laptop", 799, 2999), ("mini PC", 199, 1099),
        ("all-in-one PC", 599, 2199), ("convertible laptop", 499, 1799),
    ),
    *_kinds(
        "phone", "Phones & Tablets",
        ("smartphone", 129, 1199), ("tablet", 149, 1299), ("e-reader", 89, 349),
        ("rugged phone", 199, 699),
    ),
    *_kinds(
        "wearable", "Wearables", ("smartwatch", 79, 649), ("fitness tracker", 29, 179),
    ),
    *_kinds(
        "audio", "Audio",
        ("wireless headphones", 39, 449), ("in-ear headphones", 19, 299),
        ("noise-cancelling headphones", 99, 499), ("bluetooth speaker", 25, 349),
        ("soundbar", 99, 899), ("DAB radio", 39, 249), ("record player", 99, 699),
        ("USB microphone", 39, 249), ("gaming headset", 29, 249),
    ),
    *_kinds(
        "screen", "Screens",
        ("monitor", 119, 899), ("gaming monitor", 179, 1299), ("4K television", 299, 2499),
        ("portable monitor", 99, 399),
    ),
    *_kinds(
        "input", "Accessories > Input",
        ("mechanical keyboard", 49, 229), ("wireless keyboard", 19, 149),
        ("wireless mouse", 12, 119),
        ("gaming mouse", 25, 159), ("trackball", 29, 119), ("webcam", 25, 199),
        ("game controller", 25, 179), ("graphics tablet", 49, 399),
    ),
    *_kinds(
        "cable", "Accessories > Cables",
        ("USB-C cable", 6, 39), ("HDMI cable", 6, 59), ("DisplayPort cable", 8, 49),
        ("ethernet cable", 4, 39), ("lightning cable", 9, 35), ("extension lead", 9, 59),
        ("audio cable", 5, 49),
    ),
    *_kinds(
        "power", "Accessories > Power",
        ("power bank", 15, 129), ("wall charger", 12, 79), ("wireless charger", 15, 89),
        ("car charger", 9, 49), ("uninterruptible power supply", 69, 499),
        ("solar charger", 29, 199),
    ),
    *_kinds(
        "input", "Accessories > Docks & Hubs",
        ("USB hub", 9, 79), ("docking station", 79, 349), ("card reader", 9, 49),
        ("USB-C adapter", 8, 59),
    ),
    *_kinds(
        "storage", "Storage",
        ("external SSD", 59, 299), ("internal SSD", 35, 259), ("memory card", 9, 119),
        ("USB flash drive", 6, 69), ("external hard drive", 49, 249), ("network storage", 149, 799),
    ),
    *_kinds(
        "network", "Networking",
        ("wireless router", 39, 349), ("mesh system", 99, 599), ("network switch", 15, 399),
        ("range extender", 19, 119), ("access point", 59, 349),
    ),
    *_kinds(
        "print", "Printing",
        ("inkjet printer", 49, 349), ("laser printer", 99, 599), ("ink cartridge", 9, 59),
        ("toner cartridge", 29, 199), ("label printer", 29, 249), ("document scanner", 89, 499),
    ),
    *_kinds(
        "camera", "Cameras",
        ("mirrorless camera", 399, 2799), ("compact camera", 149, 899), ("camera lens", 149, 1999),
        ("tripod", 25, 399), ("action camera", 99, 499), ("camera drone", 199, 1499),
        ("dash cam", 39, 249),
    ),
    *_kinds(
        "home", "Smart Home",
        ("smart bulb", 8, 59), ("smart plug", 9, 39), ("security camera", 29, 249),
        ("video doorbell", 49, 249), ("smart thermostat", 79, 249), ("robot vacuum", 149, 999),
        ("motion sensor", 12, 49),
    ),
    *_kinds(
        "part", "PC Parts",
        ("graphics card", 149, 1599), ("motherboard", 69, 499), ("power supply", 39, 249),
        ("PC case", 45, 249), ("CPU cooler", 19, 159), ("memory kit", 25, 349), ("case fan", 6, 39),
    ),
    *_kinds(
        "carry", "Accessories > Bags & Cases",
        ("laptop bag", 19, 149), ("laptop sleeve", 12, 69), ("phone case", 9, 49),
        ("tablet cover", 12, 79), ("screen protector", 6, 29), ("camera bag", 19, 179),
        ("laptop stand", 15, 99), ("phone holder", 9, 39), ("watch strap", 9, 59),
    ),
)  # fmt: skip

WORDS: Final = ShopWords(
    language_code="en",
    currency_code="GBP",
    brands=(
        "Halvorn", "Brightmoor", "Tessaline", "Ovanta", "Pelloq", "Zephrune", "Marrowby",
        "Lumenfold", "Quillspar", "Northgale", "Arkwend", "Sondrell", "Vexmoor", "Dapplestone",
        "Obrano", "Fennwick", "Tavero", "Kestrin",
    ),
    model_starts=(
        "Nova", "Pulse", "Edge", "Arc", "Drift", "Echo", "Flux", "Glide", "Halo", "Ion", "Jet",
        "Kite", "Loop", "Mono", "Onyx", "Prism", "Rove", "Swift", "Terra", "Vale",
    ),
    model_ends=(
        " 2", " 3", " 5", " 7", " 10", " 14", " 21", " 40", " 55", " 80", " 120", " 300", " 550",
        " 720", " 900", " X1", " X4", " S6",
    ),
    model_marks=("", "", "", "", "Pro", "Lite", "Plus", "Max", "Mini"),
    articles=("a", "an"),
    child="",
    colours=(
        "black", "white", "silver", "space grey", "navy", "forest green", "red", "rose", "sand",
        "light blue", "lavender", "orange",
    ),
    colour_key="colour",
    size_key="version",
    material_key="material",
    people_key="",
    kinds=KINDS,
    groups=GROUPS,
    adjectives=tuple(
        (word, word, word)
        for word in (
            "reliable", "compact", "fast", "quiet", "well-made", "practical", "versatile", "light",
            "handy", "sturdy", "clever", "good-looking",
        )
    ),
    opening="{article} {first} and {second} {kind} for {purpose}.",
    material_sentences=("Made of {material}.", "The body is made of {material}."),
    tags=("new", "bestseller", "refurbished", "eco", "clearance"),
)  # fmt: skip
