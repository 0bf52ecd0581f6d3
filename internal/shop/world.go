package shop

import "strings"

// country is a market of the shop. Prices are the list's, times factor; nobody's telephone
// begins with the prefixes, which are not given out.
type country struct {
	code, name, currency, language string
	cities                         []string
	phone                          string // seven digits follow
	factor                         int    // of prices, in thousandths
	vat                            int    // per mille
	shipping                       int    // in hundredths of the currency
	free                           int    // goods above it are sent free
	hours                          int    // ahead of UTC
	rate                           int    // of the currency in US dollars, in millionths
	people                         int    // how many of a hundred live there
}

var countries = []country{
	{"DE", "Germany", "EUR", "de-DE", []string{"Berlin", "Hamburg", "Munich", "Cologne", "Leipzig"}, "+491999", 1000, 190, 495, 6000, 1, 1_081_000, 28},
	{"US", "United States", "USD", "en-US", []string{"Boston", "Denver", "Portland", "Seattle", "Austin"}, "+1555", 1100, 70, 690, 7500, -6, 1_000_000, 24},
	{"FR", "France", "EUR", "fr-FR", []string{"Lyon", "Paris", "Nantes", "Lille", "Grenoble"}, "+3390", 1000, 200, 590, 6000, 1, 1_081_000, 16},
	{"GB", "United Kingdom", "GBP", "en-GB", []string{"Leeds", "London", "Bristol", "Glasgow", "Cardiff"}, "+44600", 880, 200, 450, 5000, 0, 1_264_000, 14},
	{"CH", "Switzerland", "CHF", "de-CH", []string{"Bern", "Zurich", "Basel", "Geneva"}, "+4199", 980, 81, 790, 9000, 1, 1_122_000, 8},
	{"SE", "Sweden", "SEK", "sv-SE", []string{"Uppsala", "Stockholm", "Malmö"}, "+4699", 11_400, 250, 5900, 70_000, 1, 95_200, 5},
	{"TH", "Thailand", "THB", "th-TH", []string{"Bangkok", "Chiang Mai", "Phuket"}, "+6650", 38_500, 70, 6000, 150_000, 7, 28_100, 5},
}

var (
	firstNames = strings.Fields("Ann Ben Chloe David Emma Felix Grace Hugo Iris Jonas Kim Linh Mai Nok Olga Ploy Quinn Rosa Somchai Thu Uma Viktor Wanda Yuki Zoe " +
		"Anders Bea Carlos Dina Erik Fatima Gabriel Hannah Ivan Julia Karim Lea Marco Nora Oskar Paula Rafael Sara Tomas Ursula Vera Willem Xenia Yann Zainab")
	lastNames = strings.Fields("Adams Berg Chen Dubois Evans Fischer Garcia Hansen Ito Jensen Kowalski Larsen Müller Nguyen Okafor Petrov Quiroga Rossi Saetang Tran " +
		"Usman Vega Weber Young Zhang Andersson Baker Costa Duarte Eklund Fontaine Graf Huber Ibrahim Jansen Keller Lindqvist Moreau Novak Olsen Patel Roth Schmid " +
		"Tanaka Ueda Varga Wright Yilmaz Zimmer")
	streets   = strings.Fields("Mill Station Church Harbour Garden Castle Meadow Forest School Bridge Market Hill")
	mailHosts = []string{"example.com", "example.org", "example.net"} // kept free for examples
	browsers  = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0", "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) Safari/18.1",
		"Mozilla/5.0 (Linux; Android 15) Chrome/142.0 Mobile", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1) Safari/18.1 Mobile",
		"Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0", "Mozilla/5.0 (iPad; CPU OS 18_1) Safari/18.1",
	}
	branchOf     = map[string]string{"DE": "Berlin", "CH": "Berlin", "US": "Boston", "GB": "Leeds", "FR": "Lyon"}
	incomeBands  = []string{"low", "middle", "upper middle", "high"}
	regionKinds  = []string{"city", "suburb", "town", "countryside"}
	livingAs     = []string{"single", "couple", "family with children", "shared flat"}
	referrers    = []string{"", "", "", "https://search.example/", "https://search.example/", "https://social.example/", "https://blog.example/best-tents"}
	returnWays   = []string{"parcel", "store", "pickup"}
	returnWhys   = []string{"too small", "too large", "changed mind", "damaged", "not as described", "late"}
	complaintsOf = []string{"late delivery", "damaged parcel", "wrong article", "quality", "refund is missing"}
	topics       = []string{"order status", "return", "size advice", "product advice", "complaint", "loyalty points", "payment"}
	helpPages    = []string{"/orders", "/returns", "/size-guide", "/tents", "/help/contact", "/account/loyalty", "/checkout"}
)

// mailName writes a name as it stands in a mail address.
var mailName = strings.NewReplacer("ü", "ue", "ö", "oe", " ", "")
