package load

// The words that events are made of. Browsers are followed by their version.
var (
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
		"Mozilla/5.0 (Linux; Android 13; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/",
	}
	categories = []string{"shoes", "tents", "jackets", "backpacks", "stoves", "lamps", "bikes", "ropes", "books", "maps", "gloves", "socks", "watches", "bottles", "knives", "sleeping-bags"}
	brands     = []string{"Nordlicht", "Peakline", "Tarn", "Wadi", "Fjell", "Karst", "Lumen", "Ostrava", "Quill"}
	words      = []string{"Alpine", "Trail", "Ultra", "Light", "Storm", "Summit", "River", "Forest", "Granite", "Cedar", "Falcon", "Nimbus", "Delta", "Orbit", "Pulse", "Vector", "Amber", "Cobalt", "Ember", "Glacier", "Harbor", "Indigo", "Juniper"}
	pageNames  = []string{"Home", "Category", "Product", "Search", "Cart", "Account", "Article", "Store Finder"}
	variants   = []string{"control", "sticky-cart", "short-form"}
	sorts      = []string{"relevance", "price_asc", "price_desc", "newest"}
	firstNames = []string{"ann", "ben", "chi", "dara", "eva", "finn", "gita", "hung", "ines", "jan", "kim", "lan", "mai", "nils", "olga", "piet", "quy", "rosa", "sven", "tuan"}
	lastNames  = []string{"Adler", "Berg", "Cho", "Diaz", "Evans", "Fuchs", "Garcia", "Huber", "Ito", "Jensen", "Kowalski", "Le", "Meyer", "Nguyen", "Okafor", "Pham", "Rossi", "Silva", "Tran", "Weber"}
	cities     = []string{"Hanoi", "Berlin", "Lisbon", "Osaka", "Lagos", "Lima", "Oslo", "Turin", "Lyon", "Leeds", "Austin", "Perth", "Pune", "Quito", "Graz"}
	plans      = []string{"free", "plus", "family", "business"}
	locales    = []string{"en-US", "en-GB", "de-DE", "fr-FR", "vi-VN", "ja-JP", "pt-BR", "es-ES"}
	zones      = []string{"Europe/Berlin", "Asia/Ho_Chi_Minh", "America/New_York", "Europe/Lisbon", "Asia/Tokyo", "America/Sao_Paulo"}
	referrers  = []string{"", "https://search.example/", "https://social.example/feed", "https://news.example/outdoor/best-of-season", "https://shop.example/"}
)
