package app_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/role"
)

// roleSecrets are a token of each role.
func (p *program) roleSecrets() map[role.Role]string {
	p.Helper()
	out := map[role.Role]string{}
	for _, r := range role.All() {
		secret, err := p.client.CreateRoleToken(context.Background(), "a-"+string(r), string(r))
		if err != nil {
			p.Fatal(err)
		}
		out[r] = secret
	}
	return out
}

// Every route has a decision, and every role gets in or not by it. A new route without one is for admins alone, and
// fails here: give it a line in internal/api/rights.go.
func TestRolesOnEveryRoute(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	secrets := p.roleSecrets()
	operations, doc := p.operations()
	for _, o := range operations {
		op := doc["paths"].(map[string]any)[o.Path].(map[string]any)[strings.ToLower(o.Method)].(map[string]any)
		right, decided := op["x-right"].(string)
		if !decided {
			t.Errorf("%s: nobody has decided which roles may: give it a line in internal/api/rights.go", o.ID)
			continue
		}
		clear, _ := op["x-clear"].(bool)
		for _, r := range role.All() {
			may := r.May(role.Right(right)) && (!clear || r.Sight() == role.Clear)
			if strings.HasSuffix(o.Path, "/stream") && may || o.ID == "reload" {
				continue // answers for an hour
			}
			status, _, body := p.ask(o.Method, o.filled(), secrets[r], "{}")
			if refused := status == 403 && strings.Contains(body, "the role "+string(r)); refused == may {
				t.Errorf("%s needs %s (clear: %v); %s: %d %.200s", o.ID, right, clear, r, status, body)
			}
		}
	}
}

// What each role sees of one person, by every way to look.
func TestRolesSeeWhatTheyMay(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	p.batch(serverKey,
		identify("m1", "2026-01-01T00:00:00Z", `"userId":"zquser77"`, `{"email":"zqmail@example.com","phone":"+4915112345678","name":"Zqname","address":{"street":"Zqstreet 1","city":"Hue"},"birthday":"1990-03-17","country":"VN"}`),
		`{"type":"track","messageId":"m2","event":"Checkout","timestamp":"2026-01-02T00:00:00Z","userId":"zquser77","properties":{"note":"call zqmail@example.com or +4915112345678","shipping_address":{"line":"Zqstreet 1"},"revenue":5,"products":[{"name":"Tent"}]},"context":{"ip":"203.0.113.77","traits":{"name":"Zqname"}}}`,
		`{"type":"track","messageId":"m3","event":"","userId":"zquser77","properties":{"email":"zqmail@example.com"}}`)
	p.rows("crm", `{"table":"consents","id":"c1","ids":[{"ns":"email","v":"zqmail@example.com"}],"fields":{"identifier":"zqmail@example.com","purpose":"marketing","channel":"email","granted":true,"ts":"2026-01-02T00:00:00Z","event_id":"c1"}}`,
		`{"table":"conversations","id":"t1","ids":[{"ns":"email","v":"zqmail@example.com"}],"fields":{"conversation_id":"t1","topic":"call +4915112345678","started_at":"2026-01-02T00:00:00Z"}}`)
	secrets := p.roleSecrets()
	admin := secrets[role.Admin]
	must := func(method, path, body string) {
		t.Helper()
		if status, _, answer := p.ask(method, path, admin, body); status/100 != 2 {
			t.Fatalf("%s %s: %d %s", method, path, status, answer)
		}
	}
	must("PUT", "/api/v1/audiences/zed", `{"name":"zed","where":{"trait":"name","op":"eq","value":"Zqname"}}`)
	must("PUT", "/api/v1/saved/question/names", `{"kind":"question","name":"names","shared":["*"],"question":{"kind":"metric","measures":["events"],"by":["name"]}}`)
	must("PUT", "/api/v1/saved/question/analysts", `{"kind":"question","name":"analysts","shared":["role:analyst"],"question":{"kind":"metric","measures":["events"]}}`)
	if status, _, _ := p.ask("PUT", "/api/v1/saved/question/x", secrets[role.Admin], `{"kind":"question","name":"x","shared":["role:analist"],"question":{"kind":"metric","measures":["events"]}}`); status != 400 {
		t.Errorf("a role that there is not: %d", status)
	}
	p.settle()
	marks := []string{"zqmail", "4915112345678", "Zqname", "Zqstreet", "203.0.113.77", "1990-03-17", "zquser77"}
	ask := func(r role.Role, method, path, body string) (int, string) {
		t.Helper()
		status, _, answer := p.ask(method, path, secrets[r], body)
		if r.Sight() != role.Clear {
			for _, m := range marks {
				if strings.Contains(answer, m) && !(status/100 == 4 && strings.Contains(body, m)) {
					t.Errorf("%s sees %s by %s %s %s: %d %.400s", r, m, method, path, body, status, answer)
				}
			}
		}
		return status, answer
	}
	id := p.profile("user_id", "zquser77").ID.String()
	sql := func(text string) string { b, _ := json.Marshal(map[string]any{"sql": text}); return string(b) }
	for _, r := range role.All() {
		_, me := ask(r, "GET", "/api/v1/me", "")
		if !strings.Contains(me, `"role":"`+string(r)+`"`) || !strings.Contains(me, `"sight":"`+r.Sight().String()+`"`) {
			t.Errorf("%s is %s", r, me)
		}
		if status, _ := ask(r, "GET", "/api/v1/saved/question/analysts/answer", ""); (status == 200) != (r == role.Analyst || r == role.Admin) {
			t.Errorf("%s reads what is shared with analysts: %d", r, status)
		}
		for _, path := range []string{"/profiles/user_id/zquser77?explain=true", "/profiles?q=Zqname", "/profiles", "/profiles/id/" + id + "/events", "/profiles/id/" + id + "/identity", "/profiles/id/" + id + "/summary", "/quarantine",
			"/audiences", "/audiences/zed", "/audiences/zed/members", "/saved", "/saved/question/names", "/saved/question/names/answer", "/values?of=trait&name=country", "/identity/health",
			"/identity/matching/reviews", "/quality/properties", "/quality/violations", "/export?what=profiles&format=csv", "/export?what=events&format=jsonl", "/export?what=audience:zed&format=csv", "/status", "/explore/fields"} {
			ask(r, "GET", "/api/v1"+path, "")
		}
		for _, text := range []string{"select * from profiles", "select * from events", "select * from identifiers", "select * from consents", "select * from orders",
			"with x as (select * from profiles) select x.*, p.traits from x join profiles p using (profile_id)", "with profiles as (select * from profiles) select * from profiles",
			"select * from main.profiles", "select (select any_value(traits) from profiles) t", "select json_extract_string(properties, '$.note') from events", "from identifiers select value",
			"summarize select * from profiles", "select 1) q, (select * from main.profiles", "select * from profiles -- \n", "select value from identifiers where value like 'zq%';"} {
			status, answer := ask(r, "POST", "/api/v1/query", sql(text))
			for _, m := range marks { // whoever may not take rows out, a marketer too
				if r != role.Admin && strings.Contains(answer, m) {
					t.Errorf("%s sees %s by %s: %s", r, m, text, answer)
				}
			}
			if r == role.Admin && text == "from identifiers select value" && (status != 200 || !strings.Contains(answer, "zqmail@example.com")) {
				t.Errorf("an admin's SQL is masked: %d %s", status, answer)
			}
		}
		// Who does not see a field may not ask by it, either: the count is an answer.
		for path, bodies := range map[string][]string{
			"/explore": {`{"kind":"metric","measures":["events"],"by":["email"]}`, `{"kind":"metric","measures":["events"],"where":[{"field":"traits.name","value":"Zqname"}]}`,
				`{"kind":"metric","measures":["events"],"people":{"trait":"phone","op":"eq","value":"+4915112345678"}}`, `{"kind":"metric","measures":["events"],"who":"select profile_id from profiles"}`},
			"/audiences/preview": {`{"where":{"not":{"trait":"birthday","op":"eq","value":"1990-03-17"}}}`},
		} {
			for _, body := range bodies {
				status, _ := ask(r, "POST", "/api/v1"+path, body)
				if (status == 403) != (r.Sight() != role.Clear) {
					t.Errorf("%s asks %s %s: %d", r, path, body, status)
				}
			}
		}
		if status, _ := ask(r, "GET", "/api/v1/values?of=trait&name=name", ""); (status == 403) != (r.Sight() != role.Clear) {
			t.Errorf("%s asks for the values of names: %d", r, status)
		}
		if status, answer := ask(r, "POST", "/api/v1/explore", `{"kind":"metric","measures":["events"],"by":["country"]}`); status != 200 || !strings.Contains(answer, "VN") {
			t.Errorf("%s asks by country: %d %s", r, status, answer)
		}
		// No SQL in the place of a definition, without the right to SQL and clear sight.
		if status, _ := ask(r, "PUT", "/api/v1/audiences/by sql", `{"name":"by sql","kind":"sql","query":"select profile_id from profiles"}`); (status == 200) != (r == role.Admin) {
			t.Errorf("%s makes an SQL audience: %d", r, status)
		}
	}
	// What is left is of use.
	status, answer := ask(role.Viewer, "GET", "/api/v1/profiles/id/"+id, "")
	if status != 200 || !strings.Contains(answer, "z•••@example.com") || !strings.Contains(answer, "•••78") || !strings.Contains(answer, `"city":"Hue"`) && !strings.Contains(answer, `"country":"VN"`) {
		t.Errorf("a viewer sees %d %s", status, answer)
	}
	if _, answer = ask(role.Viewer, "GET", "/api/v1/profiles/id/"+id+"/events", ""); !strings.Contains(answer, "Tent") || !strings.Contains(answer, `"revenue":5`) {
		t.Errorf("a viewer's timeline: %s", answer)
	}
	if _, answer = ask(role.Analyst, "POST", "/api/v1/query", sql("select country, name from profiles p join identifiers using (profile_id) limit 1")); !strings.Contains(answer, "VN") {
		t.Logf("country is no column of its own: %s", answer)
	}
	for _, r := range []role.Role{role.ServiceAgent, role.Marketer} {
		if _, answer = ask(r, "GET", "/api/v1/profiles/id/"+id, ""); !strings.Contains(answer, "zqmail@example.com") {
			t.Errorf("%s sees %s", r, answer)
		}
	}
	status, answer = ask(role.Executive, "POST", "/api/v1/audiences/preview", `{"where":{"trait":"country","op":"eq","value":"VN"}}`)
	var preview clientele.AudiencePreview
	if err := json.Unmarshal([]byte(answer), &preview); err != nil || status != 200 || preview.Count != 1 || len(preview.Sample) != 0 || strings.Contains(answer, id) {
		t.Errorf("an executive's preview: %d %s %v", status, answer, err)
	}
}
