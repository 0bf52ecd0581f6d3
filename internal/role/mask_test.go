package role_test

import (
	"encoding/json"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/role"
)

// What is masked is a copy, whatever the type that holds it; what is not personal stays.
func TestMaskGoesByWhatPartsAre(t *testing.T) {
	p := role.NewPersonal(nil)
	for name, v := range map[string]any{
		"profile": &clientele.Profile{Traits: map[string]any{"name": "Zqname", "First-Name": "Zqname", "city": "Hue", "note": "call zqname@example.com", "home": map[string]any{"street": "Zqname 1"}},
			Identifiers: []clientele.ProfileIdentifier{{Identifier: clientele.Identifier{Namespace: "crm:id", Value: "Zqname"}}}},
		"name":     []clientele.ProfileName{{Traits: map[string]any{"name": "Zqname"}, Identifier: &clientele.Identifier{Namespace: "user_id", Value: "Zqname"}}, {Traits: map[string]any{"city": "Hue"}}},
		"enriched": []clientele.Enriched{{Trait: "last_name", Value: "Zqname"}, {Trait: "city", Value: "Hue"}},
		"event":    &clientele.Event{Type: "identify", Properties: clientele.RawJSON(`{"name":"Zqname","city":"Hue"}`), Context: clientele.RawJSON(`{"traits":{"name":"Zqname"}}`)},
		"live":     []clientele.LiveEvent{{Raw: `{"traits":{"name":"Zqna`, Name: "Hue"}},
		"stored":   &clientele.Quarantined{Raw: `{"userId":"Zqname","city":"Hue"}`},
		"pair":     &clientele.MatchReview{Fields: []clientele.MatchField{{Field: "Hue", A: "Zqname", B: "Zqname"}}},
		"answer":   &clientele.Answer{Columns: []clientele.AnswerColumn{{Name: "city", Role: "dimension"}, {Name: "last_name", Role: "dimension"}}, Rows: [][]any{{"Hue", "Zqname"}}, Cells: []clientele.Cell{{"last_name": "Zqname"}}},
		"audience": &clientele.AudienceInForce{Audience: clientele.Audience{Name: "Hue", Where: clientele.RawJSON(`{"and":[{"trait":"name","op":"eq","value":"Zqname"}]}`)}, Reads: "name is Zqname"},
	} {
		before, _ := json.Marshal(v)
		masked, err := json.Marshal(p.Mask(role.Masked, v))
		after, _ := json.Marshal(v)
		if err != nil || strings.Contains(strings.ToLower(string(masked)), "zqna") || !strings.Contains(string(masked), "Hue") {
			t.Errorf("%s: %s, %v", name, masked, err)
		}
		if string(before) != string(after) {
			t.Errorf("%s was changed itself: %s", name, after)
		}
		if clear, _ := json.Marshal(p.Mask(role.Clear, v)); string(clear) != string(before) {
			t.Errorf("%s is masked for who sees everything: %s", name, clear)
		}
	}
	own := role.NewPersonal([]string{"topic", "loyalty_id", "points"})
	s := clientele.Summary{Conversations: []clientele.SummaryConversation{{Topic: "Zqtopic", Channel: "chat"}}, Loyalty: []clientele.SummaryLoyalty{{ID: "Zq1", Tier: "gold", Points: 7}},
		LastOrders: []clientele.SummaryOrder{{ID: "1", Items: []string{"Tent for zqann@example.com"}}}}
	if got, _ := json.Marshal(own.Mask(role.Masked, &s)); strings.Contains(string(got), "Zq") || strings.Contains(string(got), "zqann") || !strings.Contains(string(got), `"channel":"chat"`) ||
		!strings.Contains(string(got), `"tier":"gold","points":0`) || !strings.Contains(string(got), "Tent for") {
		t.Errorf("rows of tables under their columns' names: %s", got)
	}
	v := p.Mask(role.Nothing, &clientele.AudiencePreview{Count: 2, Sample: []clientele.ProfileID{7, 9}}).(*clientele.AudiencePreview)
	if v.Count != 2 || len(v.Sample) != 0 {
		t.Errorf("who sees nothing sees %+v", v)
	}
}

func TestAsks(t *testing.T) {
	p := role.NewPersonal(nil)
	for body, want := range map[string]bool{
		`{"by":["country"],"measures":["revenue","events[Email Opened]"]}`: false,
		`{"by":["e-mail"]}`:                                                                           true,
		`{"by":["EMAIL"]}`:                                                                            true,
		`{"by":["properties.contact.phone"]}`:                                                         true,
		`{"measures":["count(order_lines.name)"]}`:                                                    false, // a product's
		`{"measures":["avg(profiles.birthday)"]}`:                                                     true,
		`{"measures":["events[email=ann@example.com]"]}`:                                              true,
		`{"where":[{"field":"category","op":"eq","value":"phone"}]}`:                                  false,
		`{"people":{"not":{"trait":"name","op":"starts_with","value":"A"}}}`:                          true,
		`{"people":{"identifier":"email","exists":true}}`:                                             false,
		`{"who":"select profile_id from profiles"}`:                                                   true,
		`{"steps":[{"event":"Email","where":[{"field":"context.ip","value":"x"}]}]}`:                  true,
		`{"behind":{"question":{"kind":"metric","by":["email"]},"cell":{"email":"ann@example.com"}}}`: true,
		`{"behind":{"question":{"kind":"metric","by":["channel"]},"cell":{"channel":"email"}}}`:       false, // a value
		`{"behind":{"question":{"kind":"rfm","who":"select profile_id from profiles"},"cell":{}}}`:    true,
		`{"by":["traits"]}`: true,
	} {
		if got := p.AsksFor([]byte(body)); (got != "") != want {
			t.Errorf("%s: %q", body, got)
		}
	}
	own := role.NewPersonal([]string{"shoe_size"})
	if own.AsksFor([]byte(`{"by":["email"]}`)) != "" || own.AsksFor([]byte(`{"by":["Shoe Size"]}`)) == "" {
		t.Error("a list of one's own does not take the place of the usual one")
	}
}
