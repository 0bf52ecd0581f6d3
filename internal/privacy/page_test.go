package privacy_test

import (
	"strings"
	"testing"

	"clientele"
	"clientele/internal/privacy"
)

// TestPage: times, headings and columns are for people, what was said is shown as it was said and nothing of it is markup.
func TestPage(t *testing.T) {
	var at clientele.Micros
	if err := at.UnmarshalText([]byte("2026-02-03T04:05:06.789Z")); err != nil {
		t.Fatal(err)
	}
	a := &clientele.Access{MadeAt: at, Profile: &clientele.Profile{FirstSeen: at}, Identity: &clientele.IdentityView{},
		Tables: []clientele.AccessTable{{Table: "order_lines", Rows: []map[string]any{
			{"order_id": "<b>1</b>", "ts": "2026-01-02T03:04:05.000000Z", "note": "Z", "long": strings.Repeat("word ", 20)}, {"order_id": "2", "sku_name": "Zelt"}}}}}
	page, err := privacy.Page(a)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, want := range []string{"As of 2026-02-03 04:05:06, all times in UTC", "<h2>Order lines</h2>", "<tr><th>time<th>long<th>note<th>order id<th>sku name", "<td>2026-01-02 03:04:05<td class=\"long\">", "<td>Z<td>&lt;b&gt;1&lt;/b&gt;"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s\n%s", want, text)
		}
	}
	if strings.Contains(text, "<b>") {
		t.Error("what somebody said is markup")
	}
}
