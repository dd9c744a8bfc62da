"""Ordinary Swedish shop language with its forms, and words that look alike and are not.

Written for the measurement, apart from the analysis's own lists.
"""

from typing import Final

_NOUNS: Final = """
jacka jackan jackor jackorna
tröja tröjan tröjor tröjorna
kjol kjolen kjolar kjolarna
klänning klänningen klänningar klänningarna
skjorta skjortan skjortor skjortorna
strumpa strumpan strumpor strumporna
mössa mössan mössor mössorna
vante vanten vantar vantarna
halsduk halsduken halsdukar halsdukarna
bälte bältet bälten bältena
väska väskan väskor väskorna
ryggsäck ryggsäcken ryggsäckar ryggsäckarna
plånbok plånboken plånböcker plånböckerna
sko skon skor skorna
stövel stöveln stövlar stövlarna
sandal sandalen sandaler sandalerna
toffel toffeln tofflor tofflorna
klocka klockan klockor klockorna
ring ringen ringar ringarna
halsband halsbandet halsband halsbanden
stol stolen stolar stolarna
bord bordet bord borden
soffa soffan soffor sofforna
säng sängen sängar sängarna
kudde kudden kuddar kuddarna
täcke täcket täcken täckena
filt filten filtar filtarna
gardin gardinen gardiner gardinerna
matta mattan mattor mattorna
lampa lampan lampor lamporna
hylla hyllan hyllor hyllorna
spegel spegeln speglar speglarna
skåp skåpet skåp skåpen
låda lådan lådor lådorna
gryta grytan grytor grytorna
kniv kniven knivar knivarna
gaffel gaffeln gafflar gafflarna
sked skeden skedar skedarna
tallrik tallriken tallrikar tallrikarna
glas glaset glas glasen
kopp koppen koppar kopparna
flaska flaskan flaskor flaskorna
burk burken burkar burkarna
hammare hammaren hammare hamrarna
skruv skruven skruvar skruvarna
borr borren borrar borrarna
såg sågen sågar sågarna
stege stegen stegar stegarna
nyckel nyckeln nycklar nycklarna
lås låset lås låsen
cykel cykeln cyklar cyklarna
hjälm hjälmen hjälmar hjälmarna
däck däcket däck däcken
tält tältet tält tälten
sovsäck sovsäcken sovsäckar sovsäckarna
dator datorn datorer datorerna
skärm skärmen skärmar skärmarna
telefon telefonen telefoner telefonerna
kamera kameran kameror kamerorna
högtalare högtalaren högtalare högtalarna
skrivare skrivaren skrivare skrivarna
laddare laddaren laddare laddarna
kabel kabeln kablar kablarna
batteri batteriet batterier batterierna
leksak leksaken leksaker leksakerna
docka dockan dockor dockorna
pussel pusslet pussel pusslen
bok boken böcker böckerna
penna pennan pennor pennorna
bild bilden bilder bilderna
ram ramen ramar ramarna
äpple äpplet äpplen äpplena
ost osten ostar ostarna
kaka kakan kakor kakorna
bröd brödet bröd bröden
kanin kaninen kaniner kaninerna
hund hunden hundar hundarna
katt katten katter katterna
fågel fågeln fåglar fåglarna
blomma blomman blommor blommorna
kruka krukan krukor krukorna
frö fröet frön fröna
kräm krämen krämer krämerna
tvål tvålen tvålar tvålarna
borste borsten borstar borstarna
handduk handduken handdukar handdukarna
tandborste tandborsten tandborstar tandborstarna
hand handen händer händerna
fot foten fötter fötterna
fönster fönstret fönster fönstren
dörr dörren dörrar dörrarna
vägg väggen väggar väggarna
tapet tapeten tapeter tapeterna
motor motorn motorer motorerna
filter filtret filter filtren
spjut spjutet spjut spjuten
racket racketen racketar racketarna
vagn vagnen vagnar vagnarna
barnvagn barnvagnen barnvagnar barnvagnarna
"""
NOUNS: Final = tuple(_NOUNS.strip().splitlines())
"""Base, definite, plural, definite plural."""

_ADJECTIVES: Final = """
röd rött röda
grön grönt gröna
svart svart svarta
vit vitt vita
billig billigt billiga
mjuk mjukt mjuka
stor stort stora
varm varmt varma
vattentät vattentätt vattentäta
trådlös trådlöst trådlösa
elektrisk elektriskt elektriska
justerbar justerbart justerbara
vadderad vadderat vadderade
randig randigt randiga
enkel enkelt enkla
säker säkert säkra
gammal gammalt gamla
ljusblå ljusblått ljusblåa
"""
ADJECTIVES: Final = tuple(_ADJECTIVES.strip().splitlines())
"""Base, neuter, plural."""

HEADS: Final = """
jacka vinterjackor; jacka regnjacka; jackor skinnjacka; tröja ylletröja; byxor träningsbyxor; sko barnsko
skor löparskor; skor fotbollsskor; stövlar gummistövlar; mössa stickmössa; handskar skinnhandskar
väska axelväska; klocka väggklocka; lampa bordslampa; lampa taklampa; stol kontorsstol; stolar barnstol
bord soffbord; bord skrivbord; hylla bokhylla; matta badrumsmatta; gardin duschgardin; kudde prydnadskudde
täcke duntäcke; kniv brödkniv; panna stekpanna; gryta järngryta; glas vinglas; kopp kaffekopp
skal mobilskal; kabel nätverkskabel; skärm datorskärm; tangentbord speltangentbord; spel brädspel
pussel barnpussel; vagn barnvagn; cykel elcykel; hjälm cykelhjälm; tält campingtält; säck sovsäck
såg motorsåg; skruvar träskruv; färg väggfärg; borste diskborste; kräm handkräm; schampo torrschampo
mat hundmat; foder kattfoder; papper toalettpapper; penna blyertspenna; bok kokbok; bil leksaksbil
"""

PARTS: Final = """
vinter vinterjacka; regn regnkläder; ylle ylletröja; gummi gummistövlar; hund hundkoppel; katt kattmat
kök köksbord; bad badrock; cykel cykelhjälm; dator datorväska; mobil mobilskal; kaffe kaffebryggare
vin vinglas; barn barnvagn; trädgård trädgårdsmöbler; fönster fönsterputs; hår hårtork; skinn skinnjacka
guld guldring; silver silverhalsband; plast plastlåda; trä träbord; sten stenplatta; vatten vattenflaska
sol solglasögon; flicka flicktröja; gata gatukök; kyrka kyrkobänk; löpare löparskor; kvinna kvinnojacka
skidor skidglasögon; båt båtmotor; golf golfklubba; tennis tennisracket; yoga yogamatta
"""

LINKED: Final = """
bomull bomullströja; arbete arbetsbyxor; träning träningsbyxor; fotboll fotbollsskor; badrum badrumsmatta
kontor kontorsstol; vardagsrum vardagsrumsmatta; leksak leksaksbil; skidåkning skidåkningshjälm
nätverk nätverkskabel; rengöring rengöringsmedel; säkerhet säkerhetsskor; förvaring förvaringslåda
trädgård trädgårdsstol; hjärta hjärtsmycke; handboll handbollsskor; belysning belysningsset
sällskap sällskapsspel; midsommar midsommarkrans; verktyg verktygslåda; rum rumstermometer
ansikte ansiktskräm; vandring vandringskängor; bröllop bröllopsklänning; dop dopklänning
"""

SPLIT: Final = """
headset head set; head set headset; vinterjacka jacka vinter; vinter jacka vinterjacka; regn kläder regnkläder
regnkläder kläder för regn; bord lampa bordslampa; kaffe bryggare kaffebryggare; hund mat hundmat
hundmat mat för hund; mobil skal mobilskal; soffa bord soffbord; sol glasögon solglasögon; dun täcke duntäcke
"""
"""The product's words follow the last of the query's; see `swedish_pairs`."""

SUFFIX_TRAPS: Final = """
skor väskor; skor flaskor; skor människor; skor maskor; skor askor; läder kläder; läder underkläder; tyg verktyg
tyg trädgårdsverktyg; ägg inlägg; ägg underlägg; ägg mellanlägg; ägg pålägg; ägg vägg; yxor byxor; yxa byxa
ram program; bil mobil; mat tomat; mat automat; mat format; ris kapris; ris pris; vin marsvin; stol pistol
form uniform; ask mask; ost kompost; ost rost; arm larm; arm brandlarm; lock block; ring klättring
ring montering; ringar monteringar; ringar tatueringar; and strand; lin violin; lin mandolin; al sandal
rik tallrik; lapp klapp; nål kanal; ray spray; ur figur; ur kultur
ur skulptur; is spis; ark park; ark mark; art kart; ull bull; ugn lugn; ort kort
ort sport; ort transport; rand strand; rand brand; ton betong; ton karton; kam skam; bur tambur
sil fossil; sil missil; kål skål
"""
"""A word, and one that ends in its letters without being a kind of it."""

MERGES: Final = """
billig bil; mössa möss; kran krans; matt matta; jack jacka; lamp lampa; filt filter; papp papper; post poster
lim lime; lock locker; rack racket; plan planet; mask maska; skal skala; spel spelare; mål målare; bag bagare
hals hal; lins lin; chips chip; vals val; mus muskel; kul kula; ban bana; vin vina
tall tallrik; fin fink; ros rost; vas vask; dam damm; gumma gummi; sand sandal; bord bordell
kamera kamrat; kanna kanon; tunna tunn; pall palla; par para; lista list; väst väster
kassa kassett; lampa lampett; pump pumpa; rulla rull; korka kork; lack lacka; hem hemlig
van vanlig; god godis; ren renlig; smak smaklig; rolig roll; stolt stol; modig modul; hall hallon
bult bulta; form formel; rosa ros; lila lilja; silver sil
cell cellist; pist pistol; tomat tom; bass bassäng; kart kartong
"""
"""Pairs of words that one stemmer or another makes one of, or nearly."""

LETTERS: Final = """
far får; lok lök; hal häl; mossa mössa; bar bär; har hår; sal säl; mal mål; tar tår; lar lår; ras rås; vag väg
halla hälla; tal tål; skal skål; tag tåg; knapp knäpp; lapp läpp; matta mätta; kor kör
"""
"""Pairs that only a letter's dots or ring tell apart."""
