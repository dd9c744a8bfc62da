"""What the Swedish demonstration shop sells: kinds of outdoor goods, and the words that describe
them.

Brands and models are invented. Nouns are real shop Swedish, rich in compounds on purpose.
"""

from typing import Final

from loadtest.shop_words import Group, Kind, NumberRange, ShopWords

_COLOURS: Final = (
    "svart", "marinblå", "skogsgrön", "röd", "grå", "orange", "senapsgul", "vinröd", "turkos",
    "olivgrön", "beige", "ljusblå", "antracit", "rost", "lila", "vit",
)  # fmt: skip

_ADULT_SIZES: Final = ("XS", "S", "M", "L", "XL", "XXL")
_SHOE_SIZES: Final = ("36", "37", "38", "39", "40", "41", "42", "43", "44", "45", "46")
_CHILD_SIZES: Final = ("86", "92", "98", "104", "110", "116", "122", "128", "134", "140")
_HAND_SIZES: Final = ("S", "M", "L", "XL")

_WATER: Final = NumberRange("vattenpelare", 5_000, 20_000, 2_500)

GROUPS: Final = {
    "jacka": Group(
        purposes=(
            "kalla dagar i fjällen", "höstens vandringar", "vardag och äventyr", "turer året om",
            "blöta och blåsiga dagar", "vinterns skidturer",
        ),
        materials=("återvunnen polyester", "polyamid", "ventilerad bomull", "trelagerslaminat"),
        features=(
            "Justerbar huva, två handfickor med dragkedja och ventilation under ärmarna.",
            "Tejpade sömmar och vattentäta dragkedjor håller regnet ute.",
            "Bröstficka för mobil och karta, och reflexer som syns i mörkret.",
            "Fodret är mjukt mot kroppen och ärmsluten går att dra åt.",
            "Packas ner i sin egen ficka när solen kommer fram.",
            "Lång rygg och förböjda ärmar ger god rörlighet.",
        ),
        sizes=_ADULT_SIZES,
        numbers=(_WATER, NumberRange("vikt", 280, 1_250, 10)),
    ),
    "barnplagg": Group(
        purposes=("lek i alla väder", "förskolan", "snöiga dagar", "regniga dagar på gården"),
        materials=("återvunnen polyester", "polyamid", "galon"),
        features=(
            "Förstärkta knän och bak tål både sandlåda och pulkabacke.",
            "Hällor under foten håller plagget på plats.",
            "Avtagbar huva, av säkerhetsskäl, och gott om reflexer.",
            "Plats för namn på insidan.",
        ),
        sizes=_CHILD_SIZES,
        numbers=(NumberRange("vattenpelare", 8_000, 15_000, 1_000),),
    ),
    "regnplagg": Group(
        purposes=("regniga dagar", "fisketuren", "båtlivet", "cykelturen till jobbet", "höstrusk"),
        materials=("återvunnen polyester", "polyamid", "galon"),
        features=(
            "Svetsade sömmar som inte släpper in en droppe.",
            "Packas ner i medföljande påse.",
            "Ventilation i ryggen och reflexer fram och bak.",
        ),
        sizes=_ADULT_SIZES,
        child_sizes=_CHILD_SIZES,
        numbers=(_WATER, NumberRange("vikt", 220, 980, 10)),
    ),
    "byxor": Group(
        purposes=(
            "långa vandringar", "stenig terräng", "regn och rusk", "skidturer", "friluftsliv",
        ),
        materials=("polyamid", "polyester och bomull", "elastan", "trelagerslaminat"),
        features=(
            "Förstärkningar på knä och bak, och stretch där den behövs.",
            "Benfickor med plats för kniv och karta.",
            "Dragkedjor längs låren släpper ut värmen i uppförsbackarna.",
            "Hällor för bälte och justerbara benslut.",
        ),
        sizes=_ADULT_SIZES,
        numbers=(NumberRange("vikt", 190, 720, 10),),
    ),
    "underlag": Group(
        purposes=("kalla dagar", "skidturer och vandring", "lager på lager", "nätter i tält"),
        materials=("merinoull", "ull och silke", "återvunnen polyester"),
        features=(
            "Ullen värmer även när den är fuktig och luktar inte.",
            "Platta sömmar skaver inte under ryggsäcken.",
            "Tål maskintvätt i 40 grader.",
        ),
        sizes=_ADULT_SIZES,
        child_sizes=_CHILD_SIZES,
        numbers=(NumberRange("vikt", 120, 340, 10),),
    ),
    "tröja": Group(
        purposes=("vandring och vardag", "svala kvällar vid lägerelden", "mellanlager", "träning"),
        materials=("fleece", "merinoull", "lammull", "bomull", "återvunnen polyester"),
        features=(
            "Hög krage med dragkedja och tumhål i ärmsluten.",
            "Mjuk på insidan, tålig på utsidan.",
            "Torkar snabbt och håller formen tvätt efter tvätt.",
        ),
        sizes=_ADULT_SIZES,
        numbers=(NumberRange("vikt", 140, 520, 10),),
    ),
    "accessoar": Group(
        purposes=("isiga vindar", "vinterpromenaden", "fjällturen", "snabba pass i spåret"),
        materials=("ull", "fleece", "merinoull", "skinn", "akryl"),
        features=(
            "Fleecefodrad för extra värme.", "Sitter bra under hjälm.", "Stickad i tjock kvalitet.",
        ),
        sizes=(),
        numbers=(),
    ),
    "handske": Group(
        purposes=("kalla händer", "skidbacken", "vinterarbete", "iskalla morgnar"),
        materials=("getskinn", "ull", "softshell", "nötskinn"),
        features=(
            "Uttagbart foder som torkar fort.", "Långt skaft håller snön ute.",
            "Grepp i handflatan.",
        ),
        sizes=_HAND_SIZES,
        numbers=(),
    ),
    "skor": Group(
        purposes=("stigar och stenig mark", "långa dagar med packning", "blöt skog", "hala stigar"),
        materials=("nubuck", "helt läder", "mocka och nät", "naturgummi", "syntet"),
        features=(
            "Vattentätt membran och greppig sula.",
            "Hög stötkant i gummi skyddar tårna.",
            "Stabil hälkappa och god dämpning mil efter mil.",
            "Uttagbar innersula och skaft som stöttar fotleden.",
        ),
        sizes=_SHOE_SIZES,
        numbers=(NumberRange("vikt", 240, 980, 10),),
    ),
    "sova": Group(
        purposes=(
            "sommarnätter", "tre årstider", "vinternätter på fjället", "tältliv", "vandrarhem",
        ),
        materials=("ripstop-polyamid", "återvunnen polyester", "ankdun", "syntetfiber"),
        features=(
            "Dragkedja i två riktningar och värmekrage runt halsen.",
            "Kompressionspåse medföljer.",
            "Litet i packningen, skönt under ryggen.",
            "Isolerar bra mot kall mark.",
        ),
        sizes=(),
        numbers=(NumberRange("vikt", 380, 2_200, 20), NumberRange("komforttemperatur", -18, 12, 1)),
    ),
    "vila": Group(
        purposes=("tältliv", "vandrarhem och stugor", "lata dagar", "resor med lätt packning"),
        materials=("ripstop-polyamid", "bomull", "återvunnen polyester", "cellplast"),
        features=(
            "Litet i packningen, skönt under ryggen.",
            "Isolerar bra mot kall mark.",
            "Tål maskintvätt och levereras med egen påse.",
        ),
        sizes=(),
        numbers=(NumberRange("vikt", 120, 980, 10),),
    ),
    "tält": Group(
        purposes=("fjällvandring", "familjens semester", "kanotturen", "blåsiga lägerplatser"),
        materials=("ripstop-polyamid", "polyester", "silikonbelagd nylon", "bomullsduk"),
        features=(
            "Inner- och yttertält reses samtidigt på några minuter.",
            "Rymlig absid för packning och matlagning.",
            "Ventiler i taket minskar kondensen.",
            "Stagen är reflekterande och lätta att spänna.",
        ),
        sizes=(),
        numbers=(
            NumberRange("vikt", 980, 9_400, 50),
            NumberRange("antal_personer", 1, 6, 1),
            NumberRange("vattenpelare", 2_000, 6_000, 500),
        ),
    ),
    "väska": Group(
        purposes=("dagsturen", "veckolånga vandringar", "resan", "pendling och fritid", "båtlivet"),
        materials=("återvunnen polyamid", "presenning", "vaxad bomull", "polyester"),
        features=(
            "Ställbart bärsystem och höftbälte med fickor.",
            "Regnskydd i bottenfacket och plats för vätskesystem.",
            "Rulltopp som stänger helt tätt.",
            "Sidofickor för flaska och stavar.",
        ),
        sizes=(),
        numbers=(NumberRange("volym", 3, 90, 1), NumberRange("vikt", 120, 2_600, 20)),
    ),
    "kök": Group(
        purposes=("lägerlivet", "snabb mat på tur", "kaffepausen i skogen", "båten och husvagnen"),
        materials=("rostfritt stål", "aluminium", "titan", "björk"),
        features=(
            "Kokar en liter vatten på några minuter.",
            "Allt packas i varandra.",
            "Tål diskmaskin och omild behandling.",
            "Håller värmen i tolv timmar.",
        ),
        sizes=(),
        numbers=(NumberRange("vikt", 40, 1_400, 10),),
    ),
    "redskap": Group(
        purposes=("vandring och skog", "lägerplatsen", "packningen", "kvällar i mörkret"),
        materials=("rostfritt stål", "kolstål", "aluminium", "plast", "ask"),
        features=(
            "Ligger bra i handen även med vantar.",
            "Levereras med fodral.",
            "Byggd för att hålla i många år.",
            "Går att serva och reparera.",
        ),
        sizes=(),
        numbers=(NumberRange("vikt", 30, 900, 10),),
    ),
    "vinter": Group(
        purposes=("vinterturen", "djupsnö", "isiga vägar", "hela familjen", "långa spår"),
        materials=("aluminium", "trä och glasfiber", "plast", "kolfiber"),
        features=(
            "Går lätt att justera med vantar på.",
            "Greppar säkert på is och skare.",
            "Lätt att bära med sig när snön tar slut.",
        ),
        sizes=(),
        numbers=(NumberRange("vikt", 180, 4_800, 20), NumberRange("langd", 60, 210, 5)),
    ),
    "vatten": Group(
        purposes=("lugna sjöar", "skärgården", "forsar", "nybörjare och vana paddlare"),
        materials=("polyeten", "glasfiber", "nylon", "neopren"),
        features=(
            "God stabilitet och lätt att styra.", "Täta luckor för packningen.",
            "Klarar salt och sol.",
        ),
        sizes=(),
        numbers=(NumberRange("vikt", 400, 28_000, 100),),
    ),
    "vård": Group(
        purposes=("dina ytterplagg", "packningen", "myggiga kvällar", "hela familjen"),
        materials=(),
        features=("Räcker länge.", "Utan parfym och fluor.", "Ska finnas i varje ryggsäck."),
        sizes=(),
        numbers=(),
        is_coloured=False,
    ),
}  # fmt: skip

_DAM_HERR: Final = ("Dam", "Herr")
_BARN: Final = ("Barn",)
_ALLA: Final = ("Dam", "Herr", "Barn")


def _kinds(
    group: str, category: str, people: tuple[str, ...], *kinds: tuple[str, str, int, int]
) -> tuple[Kind, ...]:
    return tuple(
        Kind(name, article, f"{category} > {_shelf(name)}", low, high, group, people)
        for name, article, low, high in kinds
    )


def _shelf(name: str) -> str:
    """The name of a category for one kind: the plural where the noun's is regular."""
    plurals = (("jacka", "jackor"), ("tröja", "tröjor"), ("säck", "säckar"), ("lampa", "lampor"))
    for singular, plural in (*plurals, ("väska", "väskor"), ("flaska", "flaskor")):
        if name.endswith(singular):
            name = name[: -len(singular)] + plural
    return name[0].upper() + name[1:]


KINDS: Final = (
    *_kinds(
        "jacka", "Kläder > Jackor", _DAM_HERR,
        ("vinterjacka", "en", 1299, 4499), ("dunjacka", "en", 1499, 4999),
        ("skaljacka", "en", 1299, 5999), ("regnjacka", "en", 499, 2499),
        ("fleecejacka", "en", 499, 1799), ("softshelljacka", "en", 799, 2299),
        ("vindjacka", "en", 599, 1799), ("vandringsjacka", "en", 999, 3299),
        ("skidjacka", "en", 1299, 4999), ("hybridjacka", "en", 1199, 2799),
        ("vinterparkas", "en", 1799, 5499), ("anorak", "en", 899, 2999),
    ),
    *_kinds(
        "barnplagg", "Barn > Kläder", _BARN,
        ("vinteroverall", "en", 699, 1799), ("regnställ", "ett", 299, 899),
        ("fleeceoverall", "en", 299, 799), ("vinterjacka", "en", 499, 1499),
        ("täckbyxor", "", 399, 1199), ("skalbyxor", "", 399, 999), ("regnjacka", "en", 249, 699),
    ),
    *_kinds(
        "byxor", "Kläder > Byxor", _DAM_HERR,
        ("vandringsbyxor", "", 599, 2299), ("skalbyxor", "", 899, 3999),
        ("regnbyxor", "", 299, 1299), ("softshellbyxor", "", 699, 1799),
        ("skidbyxor", "", 899, 3499), ("fritidsshorts", "", 349, 999),
        ("löpartights", "", 399, 1199), ("täckbyxor", "", 799, 2299),
    ),
    *_kinds(
        "underlag", "Kläder > Underställ", _ALLA,
        ("underställströja", "en", 349, 1199), ("underställsbyxor", "", 349, 1099),
        ("ullunderställ", "ett", 699, 2199), ("merinotröja", "en", 599, 1499),
    ),
    *_kinds(
        "tröja", "Kläder > Tröjor", _DAM_HERR,
        ("fleecetröja", "en", 399, 1399), ("ulltröja", "en", 799, 2299),
        ("funktionströja", "en", 249, 799), ("huvtröja", "en", 399, 1299),
        ("flanellskjorta", "en", 499, 1299), ("friluftsskjorta", "en", 499, 1499),
    ),
    *_kinds(
        "regnplagg", "Kläder > Regnkläder", _DAM_HERR,
        ("regnställ", "ett", 399, 2499), ("regnponcho", "en", 149, 799),
    ),
    *_kinds(
        "accessoar", "Accessoarer", (),
        ("mössa", "en", 149, 599), ("halsvärmare", "en", 149, 499), ("pannband", "ett", 129, 399),
        ("ullstrumpor", "", 99, 349), ("vandringsstrumpor", "", 129, 399), ("keps", "en", 149, 499),
        ("balaklava", "en", 199, 599), ("damasker", "", 399, 1299),
    ),
    *_kinds(
        "handske", "Accessoarer > Handskar", _ALLA,
        ("tumvantar", "", 199, 999), ("skidhandskar", "", 399, 1599),
        ("ullvantar", "", 149, 499), ("arbetshandskar", "", 199, 699),
    ),
    *_kinds(
        "skor", "Skor", _DAM_HERR,
        ("vandringskängor", "", 1299, 4499), ("vandringsskor", "", 899, 2499),
        ("terränglöparskor", "", 899, 2299), ("vinterkängor", "", 1099, 3299),
        ("gummistövlar", "", 499, 2299), ("sandaler", "", 499, 1499),
        ("fjällkängor", "", 1999, 4999), ("promenadskor", "", 699, 1799),
    ),
    *_kinds(
        "sova", "Camping > Sova ute", (),
        ("sovsäck", "en", 699, 5999), ("vintersovsäck", "en", 1999, 7999),
        ("dunsovsäck", "en", 2499, 8999), ("barnsovsäck", "en", 499, 1799),
        ("sommarsovsäck", "en", 399, 1499),
    ),
    *_kinds(
        "vila", "Camping > Sova ute", (),
        ("liggunderlag", "ett", 199, 2499), ("reselakan", "ett", 299, 999),
        ("sittunderlag", "ett", 79, 299), ("resekudde", "en", 149, 599),
        ("hängmatta", "en", 399, 1999),
    ),
    *_kinds(
        "tält", "Camping > Tält", (),
        ("tunneltält", "ett", 2499, 11999), ("kupoltält", "ett", 1299, 8999),
        ("familjetält", "ett", 2999, 14999), ("vandringstält", "ett", 1999, 9999),
        ("vindskydd", "ett", 499, 2999), ("partytält", "ett", 999, 3999),
    ),
    *_kinds(
        "väska", "Packning", (),
        ("vandringsryggsäck", "en", 1299, 4499), ("dagsryggsäck", "en", 499, 1999),
        ("packpåse", "en", 99, 499), ("torrsäck", "en", 199, 899), ("duffelväska", "en", 699, 2499),
        ("midjeväska", "en", 249, 899), ("kylväska", "en", 299, 1499),
        ("bärstol", "en", 1499, 3999),
        ("cykelväska", "en", 399, 1699),
    ),
    *_kinds(
        "kök", "Camping > Friluftskök", (),
        ("stormkök", "ett", 799, 1999), ("gasolkök", "ett", 299, 1799),
        ("spritkök", "ett", 399, 1499),
        ("kaffepanna", "en", 199, 699), ("termos", "en", 199, 899), ("termosmugg", "en", 149, 499),
        ("vattenflaska", "en", 99, 499), ("kåsa", "en", 79, 399), ("matlåda", "en", 99, 399),
        ("kastrullset", "ett", 399, 1499), ("vattenfilter", "ett", 399, 1299),
        ("stekpanna", "en", 249, 899),
    ),
    *_kinds(
        "redskap", "Utrustning > Verktyg", (),
        ("slidkniv", "en", 149, 1299), ("fällkniv", "en", 199, 1199),
        ("friluftsyxa", "en", 599, 1999),
        ("fällsåg", "en", 249, 799), ("multiverktyg", "ett", 399, 1999),
        ("tändstål", "ett", 99, 299),
        ("pannlampa", "en", 199, 1999), ("ficklampa", "en", 149, 1299),
        ("tältlykta", "en", 199, 799),
        ("kompass", "en", 199, 1299), ("handkikare", "en", 799, 5999),
        ("kartfodral", "ett", 149, 499),
    ),
    *_kinds(
        "vinter", "Utrustning > Vinter", (),
        ("snöskor", "", 999, 3499), ("isbroddar", "", 149, 599), ("turskidor", "", 1999, 5999),
        ("skidstavar", "", 299, 1499), ("vandringsstavar", "", 399, 1799),
        ("snöspade", "en", 399, 1199),
        ("pulka", "en", 299, 4999), ("långfärdsskridskor", "", 999, 3499),
        ("stighudar", "", 999, 2499),
    ),
    *_kinds(
        "vatten", "Utrustning > Paddling", (),
        ("turkajak", "en", 6999, 24999), ("kajakpaddel", "en", 599, 3999),
        ("flytväst", "en", 499, 1999), ("kanot", "en", 7999, 19999),
        ("torrdräkt", "en", 3999, 12999),
    ),
    *_kinds(
        "vård", "Skötsel och vård", (),
        ("impregnering", "en", 129, 349), ("duntvättmedel", "ett", 99, 249),
        ("skokräm", "en", 79, 199),
        ("myggmedel", "ett", 79, 199), ("förbandslåda", "en", 149, 699),
        ("reparationssats", "en", 99, 399),
        ("solkräm", "en", 99, 299), ("myggnät", "ett", 149, 599),
    ),
)  # fmt: skip

WORDS: Final = ShopWords(
    language_code="sv",
    currency_code="SEK",
    brands=(
        "Fjällrå", "Norrskär", "Skogsvinda", "Tjärnvik", "Kvistfjäll", "Lavmo", "Myrholt",
        "Stenröse", "Vindhamra", "Älvdrag", "Hjortmo", "Ripsele", "Granvaka", "Snöljus",
        "Frostmora", "Barrstig", "Ljungheda", "Bäckravin",
    ),
    model_starts=(
        "Rip", "Järv", "Varg", "Örn", "Hägg", "Rönn", "Lärk", "Kall", "Blå", "Snö", "Is", "Myr",
        "Tall", "Sten", "Björn", "Falk", "Hare", "Lo", "Älg", "Ren",
    ),
    model_ends=(
        "tind", "dal", "vik", "mo", "lid", "hed", "sjö", "ås", "kulle", "spår", "vind", "fors",
        "topp", "näs", "bäck", "mark",
    ),
    model_marks=("", "", "", "", "II", "Pro", "Lätt", "Varm", "Plus"),
    colours=_COLOURS,
    articles=("en", "ett"),
    child="Barn",
    colour_key="farg",
    size_key="storlek",
    material_key="material",
    people_key="kon",
    kinds=KINDS,
    groups=GROUPS,
    adjectives=(
        ("gedigen", "gediget", "gedigna"), ("lätt", "lätt", "lätta"), ("tålig", "tåligt", "tåliga"),
        ("slitstark", "slitstarkt", "slitstarka"), ("smidig", "smidigt", "smidiga"),
        ("bekväm", "bekvämt", "bekväma"), ("pålitlig", "pålitligt", "pålitliga"),
        ("prisvärd", "prisvärt", "prisvärda"), ("robust", "robust", "robusta"),
        ("behändig", "behändigt", "behändiga"), ("funktionell", "funktionellt", "funktionella"),
    ),
    opening="{article} {first} och {second} {kind} för {purpose}.",
    material_sentences=(
        "Materialet är {material}.", "Vi har valt {material} för lång livslängd.",
        "Material: {material}.",
    ),
    tags=("nyhet", "bästsäljare", "miljömärkt", "outlet", "svensktillverkad"),
)  # fmt: skip
