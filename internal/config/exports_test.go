package config_test

import (
	"strings"
	"testing"
	"time"

	"clientele/internal/config"
)

func TestExports(t *testing.T) {
	const good = "name: a, what: events, format: csv, to: ./out"
	c, err := config.Parse("c.yaml", []byte("exports:\n  - {"+good+", every: 1h, since_last: true, columns: [ts]}\n  - {name: b, what: profiles, format: parquet, to: 's3://lake/x', at: '02:30'}\n  - {name: c, what: 'audience:vip', format: csv, to: x, every: 1h}\nexport_to: ['s3://lake/api', /srv/out]\n"))
	if err != nil || c.Validate() != nil {
		t.Fatal(err, c.Problems())
	}
	if at, ok := c.Exports[1].AtTime(); !ok || at != 2*time.Hour+30*time.Minute {
		t.Errorf("at %v, %v", at, ok)
	}
	for _, tt := range []struct{ yaml, message string }{
		{"name: 'a/b', what: events, format: csv, to: x, every: 1h", "is not a name"},
		{"name: a, what: nothing, format: csv, to: x, every: 1h", "cannot be exported"},
		{"name: a, what: 'audience:', format: csv, to: x, every: 1h", "the audience has no name"},
		{"name: a, what: events, format: xml, to: x, every: 1h", "format is not known"},
		{"name: a, what: events, format: parquet, compression: gzip, to: x, every: 1h", "compression is not possible"},
		{"name: a, what: events, format: csv, every: 1h", "is no place"},
		{"name: a, what: events, format: csv, to: 's3://u:p@b/c', every: 1h", "is no place"},
		{good, "needs every or at"},
		{good + ", every: 1h, at: '01:00'", "needs every or at"},
		{good + ", every: 1s", "is under a minute"},
		{good + ", at: '25:00'", "is no time of day"},
		{good + ", at: '2:30'", "is no time of day"},
		{good + ", every: 1h, columns: [a, a]", "columns"},
	} {
		c, err := config.Parse("c.yaml", []byte("exports: [{"+tt.yaml+"}]"))
		if err != nil {
			t.Fatal(tt.yaml, err)
		}
		if p := c.Problems(); len(p) != 1 || !strings.Contains(p[0].Message, tt.message) || p[0].Hint == "" {
			t.Errorf("%s: %v", tt.yaml, p)
		}
	}
	c, _ = config.Parse("c.yaml", []byte("exports: [{"+good+", every: 1h}, {"+good+", every: 2h}]"))
	if p := c.Problems(); len(p) != 1 || !strings.Contains(p[0].Message, "there twice") {
		t.Errorf("twice: %v", p)
	}
}

// TestS3: credentials come from the configuration or from the variables of S3's clients, and are
// shown nowhere.
func TestS3(t *testing.T) {
	env := func(name string) (string, bool) {
		v := map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hush-hush", "AWS_SESSION_TOKEN": "hush-token", "AWS_DEFAULT_REGION": "eu-west-1",
			"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "CLIENTELE_S3_PATH_STYLE": "true"}[name]
		return v, v != ""
	}
	c, err := config.Load("", env)
	want := config.S3{Endpoint: "http://127.0.0.1:9000", Region: "eu-west-1", AccessKey: "AKID", SecretKey: "hush-hush", SessionToken: "hush-token", PathStyle: true}
	if err != nil || c.S3 != want || c.Validate() != nil {
		t.Errorf("%+v, %v", c.S3, err)
	}
	text, err := c.Redacted().YAML()
	if err != nil || strings.Contains(text, "hush") || strings.Contains(text, "AKID") {
		t.Errorf("shown as %s, %v", text, err)
	}
	named := func(name string) (string, bool) {
		if name == "CLIENTELE_S3_ACCESS_KEY" || name == "CLIENTELE_S3_SECRET_KEY" {
			return "own", true
		}
		return env(name)
	}
	if c, err := config.Load("", named); err != nil || c.S3.AccessKey != "own" || c.S3.SecretKey != "own" || c.S3.SessionToken != "" {
		t.Errorf("mixed: %+v, %v", c.S3, err)
	}
	for _, bad := range []string{"{endpoint: 'file:///x'}", "{endpoint: 'https://a/b'}", "{access_key: a}"} {
		if c, err := config.Parse("c.yaml", []byte("s3: "+bad)); err != nil || len(c.Problems()) != 1 {
			t.Errorf("%s: %v %v", bad, err, c.Problems())
		}
	}
}
