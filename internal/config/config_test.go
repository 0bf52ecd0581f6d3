package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/config"
)

const full = `
listen: 0.0.0.0:9000
data: /var/lib/clientele
admin_token: "0123456789abcdef"
sources:
  - name: web
    write_key: WEB_KEY
    allowed_origins: [https://shop.example.com]
  - {name: pos, write_key: POS_KEY, kind: server, verified: true}
  - name: crm
    kind: file
log: {max_size: 8GB, keep_size: 1GiB, keep_age: 14d, reserve: 1GB}
identity:
  region: TH
  namespaces:
    email: {limit: 3}
    loyalty_id: {priority: 1, unique: true, blocked: ["0000", "/^9+$/"], generic: 20}
    tiktok_id: {}
  default: {priority: 6, limit: 7}
traits:
  city: {rule: source_priority, sources: [crm, web]}
  name:
currency: {base: THB}
columns:
  memory: 1GB
  threads: 2
archive: {dir: /mnt/archive}
http: {trusted_proxies: [127.0.0.1, 10.0.0.0/8], max_connections: 500, body_memory: 64MB}
query: {timeout: 1m, max_rows: 500}
`

func TestParseFull(t *testing.T) {
	c, err := config.Parse("c.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if c.Listen != "0.0.0.0:9000" || c.Data != "/var/lib/clientele" || c.Archive.Dir != "/mnt/archive" {
		t.Errorf("top keys: %+v", c)
	}
	want := []config.Source{
		{Name: "web", WriteKey: "WEB_KEY", Kind: config.KindBrowser, AllowedOrigins: []string{"https://shop.example.com"}},
		{Name: "pos", WriteKey: "POS_KEY", Kind: config.KindServer, Verified: true},
		{Name: "crm", Kind: config.KindFile},
	}
	if !reflect.DeepEqual(c.Sources, want) {
		t.Errorf("sources = %+v", c.Sources)
	}
	wantLog := config.Log{MaxSize: 8 * config.GB, KeepSize: config.GiB, KeepAge: config.Duration(14 * 24 * time.Hour), Reserve: config.GB}
	if c.Log != wantLog {
		t.Errorf("log = %+v", c.Log)
	}
	for ns, want := range map[clientele.Namespace]clientele.NamespaceRule{
		"user_id":    {Priority: 1, Limit: 1}, // untouched default
		"email":      {Priority: 2, Limit: 3}, // merged over the default
		"loyalty_id": {Priority: 1, Limit: 1, Unique: true, Generic: 20, Blocked: []string{"0000", "/^9+$/"}},
		"tiktok_id":  {Priority: 6, Limit: 7}, // from identity.default
	} {
		if got := c.Identity.Namespaces[ns]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %+v, want %+v", ns, got, want)
		}
	}
	if r := c.Traits["name"]; r.Rule != clientele.RuleLatest {
		t.Errorf("a trait without a rule = %+v", r)
	}
	if want := (config.HTTP{TrustedProxies: []string{"127.0.0.1", "10.0.0.0/8"}, MaxConnections: 500, BodyMemory: 64 * config.MB}); !reflect.DeepEqual(c.HTTP, want) {
		t.Errorf("http = %+v", c.HTTP)
	}
	if c.Query.Timeout.Std() != time.Minute || c.Columns.Memory != config.GB || c.Columns.Threads != 2 {
		t.Errorf("query %+v columns %+v", c.Query, c.Columns)
	}
}

func TestDefaultIsValidAndContract(t *testing.T) {
	c := config.Default()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	empty, err := config.Parse("empty.yaml", nil)
	if err != nil || !reflect.DeepEqual(c, empty) {
		t.Errorf("an empty file is not the default: %v", err)
	}
	want := map[clientele.Namespace][2]int{
		"user_id": {1, 1}, "email": {2, 5}, "phone": {3, 5}, "anonymous_id": {9, 100}, "device_id": {8, 100}, "previous_id": {9, 100},
	}
	for ns, w := range want {
		if r := c.Identity.Namespaces[ns]; r.Priority != w[0] || r.Limit != w[1] {
			t.Errorf("%s = %+v", ns, r)
		}
	}
	if len(c.Identity.Namespaces) != len(want) || c.Identity.Default.Priority != 5 || c.Identity.Default.Limit != 5 {
		t.Errorf("identity = %+v", c.Identity)
	}
	if c.Listen != "127.0.0.1:8080" || c.Log.MaxSize.String() != "4GB" || c.Log.Reserve.String() != "512MB" {
		t.Errorf("defaults = %+v", c)
	}
	if config.Default().Identity.Namespaces["email"] = (clientele.NamespaceRule{}); config.Default().Identity.Namespaces["email"].Priority != 2 {
		t.Error("two defaults share a map")
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ name, yaml, message, hint string }{
		{"unknown key", "listen: :80\nlog:\n  max_sise: 4GB\n", "c.yaml:3: log.max_sise is not a known key", "did you mean max_size?"},
		{"unknown top key", "souces: []\n", "c.yaml:1: souces is not a known key", "did you mean sources?"},
		{"far key", "bananas: 1\n", "c.yaml:1: bananas is not a known key", "the keys here are listen, data"},
		{"unknown in list", "sources:\n  - name: a\n    writekey: b\n", "c.yaml:3: sources[0].writekey is not a known key", "did you mean write_key?"},
		{"unknown in map", "identity:\n  namespaces:\n    email: {limt: 1}\n", "c.yaml:3: identity.namespaces.email.limt is not", "did you mean limit?"},
		{"twice", "data: a\ndata: b\n", `c.yaml:2: mapping key "data" already defined`, ""},
		{"not a size", "log: {max_size: many}\n", `c.yaml:1: log.max_size: "many" is not a size`, "512MB"},
		{"not a duration", "query: {timeout: 30}\n", `query.timeout: "30" is not a duration`, "30s"},
		{"not a number", "query: {max_rows: lots}\n", `"lots" is not a whole number`, ""},
		{"quoted number", "query: {max_rows: \"5\"}\n", `"5" is not a whole number`, ""},
		{"not a bool", "sources: [{name: a, verified: maybe}]\n", `sources[0].verified: "maybe" is not true or false`, ""},
		{"list for text", "data: [a]\n", "data is a list, but should be text", ""},
		{"map for text", "data: {a: b}\n", "data has keys below it, but should be text", ""},
		{"map for size", "log: {max_size: {a: 1}}\n", "should be a size like 512MB", ""},
		{"text for map", "log: yes\n", "is not keys with values", ""},
		{"text for list", "sources: web\n", "is not a list", ""},
		{"alias", "data: &a x\nlisten: *a\n", "anchors, aliases and tags", "write the value out"},
		{"merge", "log: {<<: {url: x}}\n", "", ""},
		{"two documents", "data: a\n---\ndata: b\n", "more than one YAML document", ""},
		{"broken", "data: [a\n", "c.yaml:1: ", ""},
		{"tab", "log:\n\turl: x\n", "c.yaml", ""},
		{"deep", strings.Repeat("[", 200) + strings.Repeat("]", 200), "", ""},
		{"large", strings.Repeat("#", 65<<10), "over 64KiB", ""},
		{"hostile", strings.Repeat("[", 60<<10), "nested too deeply", ""},
		{"hostile dashes", strings.Repeat("- ", 30<<10), "nested too deeply", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Parse("c.yaml", []byte(tt.yaml))
			if clientele.ErrorCode(err) != clientele.Invalid {
				t.Fatalf("err = %v, want Invalid", err)
			}
			if !strings.Contains(err.Error(), tt.message) || strings.Contains(err.Error(), "\n") {
				t.Errorf("message = %q, want one line with %q", err, tt.message)
			}
			if h := clientele.ErrorHint(err); !strings.Contains(h, tt.hint) {
				t.Errorf("hint = %q, want %q", h, tt.hint)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	for _, tt := range []struct{ name, yaml, message string }{
		{"no port", "listen: localhost\n", "listen is not host:port"},
		{"port range", "listen: :99999\n", "listen is not host:port"},
		{"no data", "data: ''\n", "data is empty"},
		{"short token", "admin_token: abc\n", "admin_token is shorter"},
		{"source name", "sources: [{name: 'a b', write_key: k}]\n", "sources[0].name is not a source name"},
		{"source colon", "sources: [{name: 'a:b', write_key: k}]\n", "sources[0].name is not a source name"},
		{"same name", "sources: [{name: a, write_key: k}, {name: a, write_key: l}]\n", "source a is there twice"},
		{"same key", "sources: [{name: a, write_key: k}, {name: b, write_key: k}]\n", "source b: write_key is the write key of another source"},
		{"no key", "sources: [{name: a}]\n", "source a: write_key is empty"},
		{"odd key", "sources: [{name: a, write_key: 'k:1'}]\n", "source a: write_key holds"},
		{"kind", "sources: [{name: a, write_key: k, kind: fax}]\n", "source a: kind is not known"},
		{"verified browser", "sources: [{name: a, write_key: k, verified: true}]\n", "source a: verified is not possible for a browser"},
		{"verified mobile", "sources: [{name: a, write_key: k, kind: mobile, verified: true}]\n", "not possible for a mobile"},
		{"origin", "sources: [{name: a, write_key: k, allowed_origins: [shop.example.com]}]\n", "allowed_origins"},
		{"postgres", "store: {url: 'postgres://h/db'}\n", "store.url is set, but only the embedded store is there yet"},
		{"log url", "log: {url: 'http://x'}\n", "log.url is not the address of a NATS server"},
		{"log urls", "log: {url: 'nats://a:1,http://b:2'}\n", "log.url is not the address of a NATS server"},
		{"log size", "log: {max_size: 1MB, keep_size: 1MB}\n", "log.max_size is under 16MB"},
		{"keep", "log: {max_size: 1GB, keep_size: 2GB}\n", "log.keep_size is above"},
		{"priority", "identity: {namespaces: {email: {priority: -1}}}\n", "identity.namespaces.email.priority"},
		{"limit", "identity: {default: {limit: 0}}\n", "identity.default.limit"},
		{"id namespace", "identity: {namespaces: {id: {priority: 1}}}\n", "identity.namespaces.id is not a namespace"},
		{"regexp", "identity: {namespaces: {email: {blocked: ['/(/']}}}\n", "identity.namespaces.email.blocked"},
		{"region", "identity: {region: Thailand}\n", "identity.region"},
		{"rule", "traits: {city: {rule: best}}\n", "traits.city.rule is not known"},
		{"rule sources", "traits: {city: {rule: source_priority}}\n", "traits.city.sources is empty"},
		{"currency", "currency: {base: euro}\n", "currency.base"},
		{"memory", "columns: {memory: 1MB}\n", "columns.memory"},
		{"threads", "columns: {threads: -1}\n", "columns.threads"},
		{"timeout", "query: {timeout: 0s}\n", "query.timeout"},
		{"max rows", "query: {max_rows: 0}\n", "query.max_rows"},
		{"proxy", "http: {trusted_proxies: [10.0.0.0/8, localhost]}\n", "http.trusted_proxies holds"},
		{"connections", "http: {max_connections: 3}\n", "http.max_connections"},
		{"body memory", "http: {body_memory: 1MB}\n", "http.body_memory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Parse("c.yaml", []byte(tt.yaml))
			if err != nil {
				t.Fatal(err)
			}
			problems := c.Problems()
			if len(problems) != 1 || !strings.Contains(problems[0].Message, tt.message) || problems[0].Hint == "" {
				t.Errorf("problems = %v, want one with %q and a hint", problems, tt.message)
			}
			if err := c.Validate(); clientele.ErrorCode(err) != clientele.Invalid {
				t.Errorf("Validate = %v", err)
			}
		})
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	c := config.Default()
	c.Listen, c.Data, c.Query.MaxRows = "x", "", 0
	err := c.Validate()
	for _, want := range []string{"listen", "data is empty", "query.max_rows"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("data: /from/file\nlisten: 127.0.0.1:1\nsources: [{name: a, write_key: k}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"CLIENTELE_DATA": "/from/env", "CLIENTELE_LISTEN": "", "CLIENTELE_LOG_MAX_SIZE": "6GB", "CLIENTELE_QUERY_TIMEOUT": "5s",
		"CLIENTELE_QUERY_MAX_ROWS": "7", "CLIENTELE_IDENTITY_REGION": "VN", "CLIENTELE_IDENTITY_DEFAULT_LIMIT": "9",
		"CLIENTELE_SOURCES": "ignored", "CLIENTELE_IDENTITY_NAMESPACES": "ignored",
	}
	lookup := func(m map[string]string) config.Lookup {
		return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
	}
	c, err := config.Load(path, lookup(env))
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != "/from/env" || c.Listen != "127.0.0.1:1" || c.Log.MaxSize != 6*config.GB || c.Query.Timeout.Std() != 5*time.Second ||
		c.Query.MaxRows != 7 || c.Identity.Region != "VN" || c.Identity.Default.Limit != 9 || len(c.Sources) != 1 {
		t.Errorf("config = %+v", c)
	}
	_, err = config.Load("", lookup(map[string]string{"CLIENTELE_QUERY_MAX_ROWS": "x"}))
	if clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), "CLIENTELE_QUERY_MAX_ROWS") {
		t.Errorf("a wrong variable: %v", err)
	}
	if _, err = config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("a missing file: %v", err)
	}
	if names := strings.Join(config.Variables(), " "); !strings.Contains(names, "CLIENTELE_COLUMNS_MEMORY") || strings.Contains(names, "SOURCES") {
		t.Errorf("variables = %s", names)
	}
}

func TestRedactedShowsNoSecret(t *testing.T) {
	c, err := config.Parse("c.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	c.Log.URL = "nats://joe:hunter2@log.example.com:4222?token=abc123,nats://ann:hunter3@log2.example.com:4222"
	shown, err := c.Redacted().YAML()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"WEB_KEY", "POS_KEY", "0123456789abcdef", "hunter2", "joe", "abc123", "hunter3"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s is shown in\n%s", secret, shown)
		}
	}
	for _, kept := range []string{"log.example.com:4222", "log2.example.com:4222", "name: web", "max_size: 8GB", "keep_age: 2w", "limit: 3", "timeout: 1m"} {
		if !strings.Contains(shown, kept) {
			t.Errorf("%s is missing in\n%s", kept, shown)
		}
	}
	if c.AdminToken == "" || c.Sources[0].WriteKey != "WEB_KEY" {
		t.Error("Redacted changed the original")
	}
}

// What YAML prints, Parse reads back to the same configuration.
func TestYAMLRoundTrip(t *testing.T) {
	for _, text := range []string{"", full} {
		c, err := config.Parse("c.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		printed, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := config.Parse("again.yaml", []byte(printed))
		if err != nil {
			t.Fatalf("%v in\n%s", err, printed)
		}
		twice, err := again.YAML()
		if err != nil || twice != printed {
			t.Errorf("printed twice:\n%s\n%s %v", printed, twice, err)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]config.Size{
		"0": 0, "17": 17, "17B": 17, "1KB": 1000, "1k": 1000, "512MB": 512e6, "4GB": 4e9, "4 GB": 4e9, "1GiB": 1 << 30, "1.5gb": 15e8, "2TiB": 2 << 40,
	} {
		got, err := config.ParseSize(text)
		if err != nil || got != want {
			t.Errorf("%s = %d, %v", text, got, err)
		}
		if again, err := config.ParseSize(got.String()); err != nil || again != got {
			t.Errorf("%s prints as %s", text, got)
		}
	}
	for _, text := range []string{"", "GB", "-1GB", "4 apples", "1e30TB", "NaN", "inf", "4GBGB"} {
		if s, err := config.ParseSize(text); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%q = %d, %v", text, s, err)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "30s": 30 * time.Second, "1h30m": 90 * time.Minute, "7d": 168 * time.Hour, "2w": 336 * time.Hour, "1w2d3h": 219 * time.Hour, "250ms": 250 * time.Millisecond,
	} {
		got, err := config.ParseDuration(text)
		if err != nil || got.Std() != want {
			t.Errorf("%s = %s, %v", text, got.Std(), err)
		}
		if again, err := config.ParseDuration(got.String()); err != nil || again != got {
			t.Errorf("%s prints as %s", text, got)
		}
	}
	for _, text := range []string{"", "30", "-1s", "-1d", "1.5d", "d", "9999999999w", "106751d23h59m", "1d2w", "soon"} {
		if d, err := config.ParseDuration(text); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%q = %s, %v", text, d, err)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"listen", "data", "sources", "log"}
	for name, want := range map[string]string{"lisen": "listen", "Data": "data", "souces": "sources", "bananas": "", "lgo": "log", strings.Repeat("x", 1000): ""} {
		if got := config.Nearest(name, known); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// Whatever the text, Parse answers with a configuration that prints and reads back, or with
// Invalid in one line.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("sources:\n- name: a\n  write_key: 'k'\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("log: {max_size: 4GB}\n---\n"))
	f.Add([]byte("? [x]\n: y\n"))
	f.Add([]byte("data: |\n  two\n  lines\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := config.Parse("f.yaml", text)
		if err != nil {
			if clientele.ErrorCode(err) != clientele.Invalid || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %q is not Invalid in one line", err)
			}
			return
		}
		if c.Validate() != nil {
			return
		}
		if _, err := c.YAML(); err != nil {
			t.Fatal(err)
		}
	})
}

// The example in the guide is right, and what it calls defaults are the defaults.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(guide), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	c, err := config.Parse("configuration.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	c.Sources, c.Traits, c.Transforms, c.Exports = config.Default().Sources, config.Default().Traits, config.Default().Transforms, config.Default().Exports
	c.Retention, c.Audiences = config.Default().Retention, config.Default().Audiences
	delete(c.Identity.Namespaces, "loyalty_id")
	if !reflect.DeepEqual(c, config.Default()) {
		t.Errorf("the guide's defaults are not the defaults:\n%+v\n%+v", c, config.Default())
	}
	_, text, _ = strings.Cut(string(guide), "## Environment")
	for _, line := range strings.Split(text, "\n") {
		name, _, ok := strings.Cut(line, "=")
		if ok && strings.HasPrefix(name, "CLIENTELE_") && !slices.Contains(config.Variables(), name) {
			t.Errorf("%s is not read", name)
		}
	}
}

// TestAudienceDefinition: a definition in YAML is what it would be in JSON.
func TestAudienceDefinition(t *testing.T) {
	c, err := config.Parse("c.yaml", []byte("audiences:\n  - name: x\n    where:\n      and:\n        - {trait: age, op: gte, value: 30}\n        - {trait: born, op: before, value: 2026-01-01}\n        - {trait: vip, op: in, value: [true, \"1\", 1.5, no]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(c.Audiences[0].Where)
	const want = `{"and":[{"op":"gte","trait":"age","value":30},{"op":"before","trait":"born","value":"2026-01-01"},{"op":"in","trait":"vip","value":[true,"1",1.5,"no"]}]}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}
