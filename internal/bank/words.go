package bank

// locale holds the words of one tenant's country.
type locale struct {
	country, currency     string
	salutations           []string
	firstNames, lastNames []string
	streets, cities       []string // a city comes with its post code
	latinCities           []string // within latin1, for the tables of 2014
	merchants             []string
	remittances           []string // %s is the merchant
	products              []string
}

var locales = [3]locale{
	{
		country: "DE", currency: "EUR",
		salutations: []string{"Herr", "Frau", "", "Dr."},
		firstNames:  []string{"Jürgen", "Käthe", "Björn", "Anna-Lena", "Günther", "Zoë", "Mehmet", "Sören", "Ömer", "Ute", "Lukas", "Mia"},
		lastNames:   []string{"Müller", "Groß", "Schäfer", "von Böhlen", "Weiß", "Yıldız", "Köhler", "Özdemir", "D'Angelo", "Krüger", "Nowak", "Jäger"},
		streets:     []string{"Königstraße", "Am Mühlenbach", "Große Bleichen", "Lindenallee", "Schloßplatz", "Hölderlinweg"},
		cities:      []string{"80331 München", "50667 Köln", "90402 Nürnberg", "40213 Düsseldorf", "97070 Würzburg", "20095 Hamburg"},
		latinCities: []string{"München", "Köln", "Nürnberg", "Düsseldorf", "Würzburg", "Görlitz"},
		merchants:   []string{"Bäckerei Süß", "Stadtwerke Köln", "DB Vertrieb GmbH", "Drogerie Grün & Söhne", "Büchergilde", "Café Zentral", "Möbelhaus Böhm"},
		remittances: []string{"Rechnung %s", "Miete Juni, %s", "Kartenzahlung %s 🥨", "Beitrag %s", "Danke für den Kuchen 🎂❤️", "Lastschrift %s\nMandat 4711", "SEPA-Überweisung %s"},
		products:    []string{"Girokonto Plus", "Tagesgeld", "Kreditkarte Gold", "Baudarlehen"},
	},
	{
		country: "FR", currency: "EUR",
		salutations: []string{"M.", "Mme", "", "Mlle"},
		firstNames:  []string{"Hélène", "François", "Zoé", "Jérôme", "Anaïs", "Loïc", "Chloé", "Benoît", "Maëlle", "Noël", "Inès", "Gaël"},
		lastNames:   []string{"Lefèvre", "d'Ormesson", "Garçon", "Bénard", "L'Hôpital", "Noël", "Çelik", "Mœbius", "Pétain-Dubois", "Ÿvain", "Roux", "Lacroix"},
		streets:     []string{"rue de l'Église", "avenue du Maréchal-Foch", "allée des Tilleuls", "place de la République", "impasse Ça-Ira", "quai d'Orléans"},
		cities:      []string{"75011 Paris", "69002 Lyon", "13001 Marseille", "63000 Clermont-Ferrand", "42000 Saint-Étienne", "38000 Grenoble"},
		latinCities: []string{"Paris", "Saint-Étienne", "Besançon", "Orléans", "Nîmes", "Sète"},
		merchants:   []string{"Boulangerie Dupré", "SNCF Connect", "EDF Électricité", "Pharmacie de l'Île", "Crémerie Noël", "Fnac Étoile", "Garage Lœuillet"},
		remittances: []string{"Facture %s", "Loyer juin — %s", "Paiement CB %s 🥐", "Prélèvement %s", "Merci pour tout 🎉👨‍👩‍👧", "Virement « %s »", "Remboursement\t%s"},
		products:    []string{"Compte chèques", "Livret A", "Carte « Première »", "Prêt étudiant"},
	},
	{
		country: "PL", currency: "PLN",
		salutations: []string{"Pan", "Pani", ""},
		firstNames:  []string{"Małgorzata", "Łukasz", "Zofia", "Paweł", "Agnieszka", "Wojciech", "Żaneta", "Stanisław", "Bożena", "Michał", "Świętosława", "Jan"},
		lastNames:   []string{"Wójcik", "Kowalczyk", "Dąbrowska", "Szymański", "Źrebiec", "Żółkiewski", "Gałązka", "Ćwik", "Łęcki", "Nowak", "Piątek", "Brzęczyszczykiewicz"},
		streets:     []string{"ul. Świętokrzyska", "ul. Żelazna", "al. Jerozolimskie", "ul. Długa", "pl. Wolności", "ul. Królowej Jadwigi"},
		cities:      []string{"00-001 Warszawa", "30-059 Kraków", "90-001 Łódź", "50-101 Wrocław", "80-831 Gdańsk", "61-701 Poznań"},
		latinCities: []string{"Warszawa", "Kraków", "Lodz", "Wroclaw", "Gdansk", "Bielsko-Biala"},
		merchants:   []string{"Żabka", "Piekarnia Pod Łosiem", "PKP Intercity", "Energa-Obrót", "Księgarnia Źródło", "Apteka Świętej Anny", "Sklep „U Ćwika”"},
		remittances: []string{"Faktura %s", "Czynsz za czerwiec, %s", "Płatność kartą %s 🥟", "Zwrot: %s", "Dziękuję za pączki 🍩😋", "Przelew własny %s", "Składka — %s"},
		products:    []string{"Konto Osobiste", "Lokata Świąteczna", "Karta złota", "Kredyt hipoteczny"},
	},
}

// Some customers of every tenant are Greek.
var (
	greekFirst = []string{"Γιώργος", "Ελένη", "Δημήτρης", "Άννα", "Νίκος"}
	greekLast  = []string{"Παπαδόπουλος", "Οικονόμου", "Καραγιάννη", "Ζαχαρίου", "Ψαρράς"}
)

// Free texts that have broken copies before: what COPY, CSV, shells and
// careless concatenation take for something else.
var awkwardTexts = []string{
	`\N`, `NULL`, ``, `C:\BATCH\NIGHTLY\`, `it's "quoted"; -- not SQL`, "line 1\r\nline 2", "tab\there", " padded ",
	`{"not": "json"`, `100 % \x00 \t`, "a\u0301 is not á", "zero\u200bwidth", "\\.", `0e0`, "🏦🇪🇺👩🏽‍💻",
}

var quoteCurrencies = []string{"CHF", "CZK", "DKK", "GBP", "HUF", "PLN", "SEK", "USD"}

// quoteMillis are the rates' starting points, in thousandths.
var quoteMillis = []int{942, 24_610, 7_459, 853, 401_250, 4_268, 11_090, 1_123}
