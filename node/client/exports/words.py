"""The words of the summary, in each language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from protos.v1.event_pb2 import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that a summary says in one language."""

    title: str
    head: str
    nothing: str
    events: str
    types: Mapping[int, str]
    searches: str
    products: str
    spent: str
    tenant_currency: str
    restricted: str
    objected: str
    undecided: str
    purposes_title: str
    categories: Mapping[str, str]
    purposes: Mapping[str, str]
    retentions: Mapping[str, str]
    recommendations: str
    rights: str
    files: str


ENGLISH: Final = Words(
    title="What {tenant} keeps of you",
    head=(
        "This is a copy of all data that the shop's search and recommendations keep under the id "
        "{visitor_id}, as it was on {export_time}."
    ),
    nothing="Nothing is kept: no events of this id.",
    events="{count} events from {first} to {last}, in {sessions} named sessions:",
    types={
        Event.TYPE_UNSPECIFIED: "Other",
        Event.SEARCH: "Searches",
        Event.VIEW: "Products looked at",
        Event.CLICK: "Products chosen in a list",
        Event.IMPRESSION: "Lists shown",
        Event.ADD_TO_CART: "Put into the cart",
        Event.REMOVE_FROM_CART: "Taken out of the cart",
        Event.FAVOURITE: "Favourites",
        Event.PURCHASE: "Purchases",
    },
    searches="You searched most for:",
    products="Products you had most to do with (by their ids):",
    spent="You bought for, as far as the shop sent prices:",
    tenant_currency="(the shop's currency)",
    restricted="Since {time} the use of your data is restricted: it is kept, and used for nothing.",
    objected="On {time} you objected: no profile is made of you since, and what is kept is not used.",
    undecided="You have neither restricted the use of your data nor objected to it.",
    purposes_title="What is kept, what for, and how long:",
    categories={
        "identifier": "Ids, kept as keyed hashes",
        "behaviour": "What you did",
        "words": "What you typed",
        "decision": "What you decided",
    },
    purposes={
        "recommendation": "recommendations",
        "search": "better search results",
        "statistics": "the shop's figures",
        "rights": "your rights",
    },
    retentions={
        "events": "kept for {days} days",
        "searches": "kept for {days} days",
        "visitor": "kept as long as anything of you is",
        "not_stored": "never stored",
        "ledger": "kept as the proof of an erasure",
    },
    recommendations=(
        "How recommendations come about: products that you look at in one visit are compared with the visits of\n"
        "others. What others went on to look at or bought after visits like yours is shown first, unless it is out of\n"
        "stock; you are also shown what you looked at lately. Beside that, products are ordered by how alike they are\n"
        "and how popular. Which products others chose for the words you search moves those up in the results. No\n"
        "decision with legal or similar effect is made, nothing is known of you but the events in this file, and\n"
        "nothing is combined with data of other shops."
    ),
    rights=(
        "You may ask the shop to correct or erase this data, to restrict its use, or object to it; you may take back\n"
        "your consent at any time, and complain to the authority (in Sweden: Integritetsskyddsmyndigheten, imy.se)."
    ),
    files=(
        "Files: events.csv for a spreadsheet; events.jsonl and visitor.json for machines and other shops;\n"
        "manifest.json and signature.json show that nothing was changed (`saluhall visitors verify FILE.zip`). Ids of\n"
        'events, sessions and orders stand as the hashes that are kept, after "saluhall:".'
    ),
)

SWEDISH: Final = Words(
    title="Vad {tenant} har sparat om dig",
    head=(
        "Detta är en kopia av alla uppgifter som butikens sökning och rekommendationer har sparat under "
        "id {visitor_id}, som de var {export_time}."
    ),
    nothing="Ingenting är sparat: det finns inga händelser med detta id.",
    events="{count} händelser från {first} till {last}, i {sessions} namngivna sessioner:",
    types={
        Event.TYPE_UNSPECIFIED: "Annat",
        Event.SEARCH: "Sökningar",
        Event.VIEW: "Visade produkter",
        Event.CLICK: "Produkter valda i en lista",
        Event.IMPRESSION: "Visade listor",
        Event.ADD_TO_CART: "Lagt i varukorgen",
        Event.REMOVE_FROM_CART: "Tagit bort ur varukorgen",
        Event.FAVOURITE: "Favoriter",
        Event.PURCHASE: "Köp",
    },
    searches="Du har sökt mest på:",
    products="Produkter du har haft mest att göra med (efter deras id):",
    spent="Du har köpt för, så långt butiken har skickat priser:",
    tenant_currency="(butikens valuta)",
    restricted="Sedan {time} är användningen av dina uppgifter begränsad: de sparas men används inte till något.",
    objected="Den {time} gjorde du en invändning: sedan dess skapas ingen profil, och det som är sparat används inte.",
    undecided="Du har varken begränsat användningen av dina uppgifter eller invänt mot den.",
    purposes_title="Vad som sparas, till vad och hur länge:",
    categories={
        "identifier": "Id:n, sparade som nycklade hashvärden",
        "behaviour": "Vad du har gjort",
        "words": "Vad du har skrivit",
        "decision": "Vad du har bestämt",
    },
    purposes={
        "recommendation": "rekommendationer",
        "search": "bättre sökresultat",
        "statistics": "butikens statistik",
        "rights": "dina rättigheter",
    },
    retentions={
        "events": "sparas i {days} dagar",
        "searches": "sparas i {days} dagar",
        "visitor": "sparas så länge något om dig är sparat",
        "not_stored": "sparas aldrig",
        "ledger": "sparas som bevis på en radering",
    },
    recommendations=(
        "Så kommer rekommendationerna till: produkter som du tittar på under ett besök jämförs med andras besök. Det\n"
        "som andra gick vidare till eller köpte efter besök som liknar ditt visas först, om det finns i lager; du får\n"
        "också se det du nyligen har tittat på. I övrigt ordnas produkter efter hur lika och populära de är. Vilka\n"
        "produkter andra valde för orden du söker på flyttar dem uppåt i resultaten. Inga beslut med rättslig eller\n"
        "liknande verkan fattas, inget annat än händelserna i denna fil är känt om dig, och inget kombineras med\n"
        "uppgifter från andra butiker."
    ),
    rights=(
        "Du kan be butiken att rätta eller radera uppgifterna, begränsa användningen av dem eller invända mot den. Du\n"
        "kan när som helst ta tillbaka ditt samtycke och klaga hos Integritetsskyddsmyndigheten (imy.se)."
    ),
    files=(
        "Filer: events.csv för kalkylprogram; events.jsonl och visitor.json för maskiner och andra butiker;\n"
        "manifest.json och signature.json visar att inget har ändrats (`saluhall visitors verify FIL.zip`). Id:n för\n"
        "händelser, sessioner och beställningar står som de hashvärden som är sparade, efter ”saluhall:”."
    ),
)
