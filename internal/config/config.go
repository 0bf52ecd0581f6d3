// Package config is the program's configuration as one value: the defaults, then one YAML file,
// then the environment. Nothing here is global and nothing reads the environment by itself.
package config

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"clientele"

	"github.com/goccy/go-yaml"
)

// Config is the whole configuration. Every key has a default (Default). The yaml tags are the
// keys of the file, and upper-cased and joined by _ after CLIENTELE_ the names in the environment.
type Config struct {
	Listen         string                         `yaml:"listen"`      // host:port
	Data           string                         `yaml:"data"`        // directory, made when it is not there
	AdminToken     string                         `yaml:"admin_token"` // empty: made on first start
	Sources        []Source                       `yaml:"sources"`
	HTTP           HTTP                           `yaml:"http"`
	Collect        Collect                        `yaml:"collect"`
	Log            Log                            `yaml:"log"`
	Store          Store                          `yaml:"store"`
	Identity       clientele.IdentityRules        `yaml:"identity"`
	Traits         map[string]clientele.TraitRule `yaml:"traits"`
	ComputedTraits []string                       `yaml:"computed_traits"` // files of computed traits, and packs
	Models         []string                       `yaml:"models"`          // files of models that predict
	Plans          []string                       `yaml:"plans"`           // files of tracking plans
	Transforms     []clientele.TransformRule      `yaml:"transforms"`      // of events on their way in
	Currency       Currency                       `yaml:"currency"`
	Columns        Columns                        `yaml:"columns"`
	Archive        Archive                        `yaml:"archive"`
	Backup         Backup                         `yaml:"backup"`
	API            API                            `yaml:"api"`
	TLS            TLS                            `yaml:"tls"`
	PGListen       string                         `yaml:"pg_listen"`      // host:port of PostgreSQL's protocol; empty: not spoken
	PGClients      int                            `yaml:"pg_connections"` // clients of it at once
	Disk           Disk                           `yaml:"disk"`
	Query          Query                          `yaml:"query"`
	Telemetry      Telemetry                      `yaml:"telemetry"`
	Privacy        Privacy                        `yaml:"privacy"`
	Erase          Erase                          `yaml:"erase"`
	Secrets        Secrets                        `yaml:"secrets"`
	Audiences      []Audience                     `yaml:"audiences"` // who to act on
	Approval       bool                           `yaml:"approval"`  // audiences of roles without the right to approve wait for somebody who has it
	Lifecycle      Lifecycle                      `yaml:"lifecycle"` // the stages on the way of a customer
	Matching       Matching                       `yaml:"matching"`  // people who share no identifier
	Retention      []clientele.RetentionRule      `yaml:"retention"` // what is deleted by its age
	Exports        []Export                       `yaml:"exports"`
	ExportTo       []string                       `yaml:"export_to"` // places that the API may export to, besides exports under Data
	S3             S3                             `yaml:"s3"`
}

// SourceKind says who holds the write key of a source, and so what is believed.
type SourceKind string

// The kinds. A browser's or a mobile app's write key is public: what it sends is never verified.
const (
	KindBrowser SourceKind = "browser"
	KindMobile  SourceKind = "mobile"
	KindServer  SourceKind = "server"
	KindFile    SourceKind = "file" // imports only; needs no write key
)

// Source is where events or imports come from.
type Source struct {
	Name           string     `yaml:"name"`
	WriteKey       string     `yaml:"write_key"`
	Kind           SourceKind `yaml:"kind"`            // empty in the file: browser
	Verified       bool       `yaml:"verified"`        // its identifiers are verified; server and file only
	AllowedOrigins []string   `yaml:"allowed_origins"` // of browsers; empty: any
	Webhook        Webhook    `yaml:"webhook,omitempty"`
	Privacy        Edge       `yaml:"privacy,omitempty"`
}

// HTTP is what stands before collect and the API.
type HTTP struct {
	TrustedProxies []string `yaml:"trusted_proxies"` // addresses and networks whose X-Forwarded-For and Forwarded are believed; empty: nobody's
	MaxConnections int      `yaml:"max_connections"` // open at once; at most half of the descriptors that the process may have
	BodyMemory     Size     `yaml:"body_memory"`     // of bodies on their way in
}

// Collect is the HTTP front door.
type Collect struct {
	PublicURL        string `yaml:"public_url"`         // where clients reach this server; empty: the host that they asked
	SDKDir           string `yaml:"sdk_dir"`            // where npm has installed the browser library; nothing there: it is not served
	RateLimit        int    `yaml:"rate_limit"`         // requests a second of one source; 0: no limit
	AddressRateLimit int    `yaml:"address_rate_limit"` // requests a second of one client's address; 0: no limit
}

// Log is the event log.
type Log struct {
	URL      string   `yaml:"url"`       // empty: embedded; else nats://..., several with commas
	MaxSize  Size     `yaml:"max_size"`  // above it nothing is accepted
	KeepAge  Duration `yaml:"keep_age"`  // older frames are archived and trimmed; 0: age alone trims nothing
	KeepSize Size     `yaml:"keep_size"` // what exceeds it is archived and trimmed, oldest first
	Reserve  Size     `yaml:"reserve"`   // disk space left free: below it nothing is accepted
}

// Store is the row and column store.
type Store struct {
	URL string `yaml:"url"` // empty: embedded under Data
}

// Currency is how money of several currencies is compared.
type Currency struct {
	Base string `yaml:"base"` // ISO 4217; revenue_base is in it
}

// Columns is the embedded column store.
type Columns struct {
	Memory  Size `yaml:"memory"`
	Threads int  `yaml:"threads"` // 0: half of the processors
}

// Archive is where the log's frames go when they leave it.
type Archive struct {
	Dir string `yaml:"dir"` // empty: archive under Data
}

// Backup is where backups go that are asked for from afar, and how old the last may get.
type Backup struct {
	Dir    string   `yaml:"dir"`     // empty: only commands on the server make backups
	MaxAge Duration `yaml:"max_age"` // older is a problem; 0: no matter how old
}

// API bounds the requests to the API, those of commands on the server's machine excepted.
type API struct {
	RateLimit        int `yaml:"rate_limit"`         // requests a second of one token; 0: no limit
	AddressRateLimit int `yaml:"address_rate_limit"` // requests a second of one client's address; 0: no limit
}

// TLS is how the server speaks HTTPS by itself; empty: HTTP, behind a proxy that does.
type TLS struct {
	Cert string `yaml:"cert"` // PEM file: the certificate and what it is signed by
	Key  string `yaml:"key"`  // PEM file
}

// Disk is from which size on a part is a problem that status, check and metrics tell of. What is
// bounded by itself: the log by log.max_size, temporary files of SQL by 8 GB, the audit log by 256 MB.
type Disk struct {
	Free       Size `yaml:"free"`    // less room than this on the disk of the data directory or of the archive
	Archive    Size `yaml:"archive"` // 0: no alarm, likewise below
	Rows       Size `yaml:"rows"`
	Columns    Size `yaml:"columns"`
	Quarantine int  `yaml:"quarantine"` // records
}

// Query bounds the SQL of users.
type Query struct {
	Timeout Duration `yaml:"timeout"`
	MaxRows int      `yaml:"max_rows"`
}

// Default is the configuration of an empty file and an empty environment.
func Default() Config {
	return Config{
		Listen:    "127.0.0.1:8080",
		Data:      "./clientele-data",
		PGClients: 20,
		Sources:   []Source{},
		HTTP:      HTTP{TrustedProxies: []string{}, MaxConnections: 4096, BodyMemory: 64 * MB},
		Collect:   Collect{SDKDir: "web-sdk"},
		Log: Log{
			MaxSize:  4 * GB,
			KeepSize: 2 * GB,
			KeepAge:  Duration(7 * 24 * time.Hour),
			Reserve:  512 * MB,
		},
		Identity:       clientele.DefaultIdentityRules(),
		Traits:         map[string]clientele.TraitRule{},
		Currency:       Currency{Base: "USD"},
		Columns:        Columns{Memory: 400 * MB},
		Query:          Query{Timeout: Duration(30 * time.Second), MaxRows: 10_000},
		Telemetry:      Telemetry{Metrics: MetricsAuto, Traces: Traces{Headers: map[string]string{}, Service: defaultService, Sample: 1}},
		Privacy:        defaultPrivacy(),
		Erase:          defaultErase(),
		Exports:        []Export{},
		ExportTo:       []string{},
		ComputedTraits: []string{},
		Models:         []string{},
		Plans:          []string{},
		Transforms:     []clientele.TransformRule{},
		Audiences:      []Audience{},
		Lifecycle:      Lifecycle{Stages: []Stage{}},
		Matching:       Matching{Merge: 0.95, Review: 0.5, MaxChurn: 0.1, MaxReviews: 10_000, Burst: 0.01, Memory: 2 * GB, Roles: map[string]string{}},
		Retention:      []clientele.RetentionRule{},
		Disk:           Disk{Free: 2 * GB, Quarantine: 100_000},
	}
}

// Lookup finds a variable of the environment; os.LookupEnv is one.
type Lookup func(name string) (value string, ok bool)

// Load is Default, then the file (path "" = none), then the environment (nil = none). The
// answer is decoded but not yet validated, so that a flag may still change it.
func Load(path string, env Lookup) (Config, error) {
	c := Default()
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return Config{}, clientele.Errorf(clientele.Invalid, "configuration: %w", err).
				WithHint("name a readable YAML file with --config")
		}
		if c, err = Parse(path, b); err != nil {
			return Config{}, err
		}
	}
	if err := applyEnv(&c, env); err != nil {
		return Config{}, err
	}
	standardTelemetry(&c.Telemetry.Traces, env)
	standardS3(&c.S3, env)
	fill(&c)
	return c, nil
}

// Parse is Default and then the YAML text; name is the file's name for messages. Unknown keys,
// wrong types and duplicate keys are Invalid, with the line.
func Parse(name string, text []byte) (Config, error) {
	c := Default()
	if err := decode(name, text, &c); err != nil {
		return Config{}, err
	}
	fill(&c)
	return c, nil
}

// fill gives what was left out inside lists and maps its default.
func fill(c *Config) {
	for i := range c.Sources {
		fillWebhook(&c.Sources[i])
		if c.Sources[i].Kind == "" {
			c.Sources[i].Kind = KindBrowser
		}
	}
	for ns, r := range c.Identity.Namespaces {
		if r.Priority == 0 {
			r.Priority = c.Identity.Default.Priority
		}
		if r.Unique {
			r.Limit = 1
		}
		if r.Limit == 0 {
			r.Limit = c.Identity.Default.Limit
		}
		c.Identity.Namespaces[ns] = r
	}
	for name, r := range c.Traits {
		if r.Rule == "" {
			r.Rule = clientele.RuleLatest
			c.Traits[name] = r
		}
	}
}

const hidden = "(hidden)"

// Redacted is a copy without secrets, to be shown.
func (c Config) Redacted() Config {
	if c.AdminToken != "" {
		c.AdminToken = hidden
	}
	c.Sources = slices.Clone(c.Sources)
	for i := range c.Sources {
		if c.Sources[i].WriteKey != "" {
			c.Sources[i].WriteKey = hidden
		}
		c.Sources[i].Webhook.Secrets = slices.Clone(c.Sources[i].Webhook.Secrets)
		for j := range c.Sources[i].Webhook.Secrets {
			c.Sources[i].Webhook.Secrets[j] = hidden
		}
	}
	addresses := strings.Split(c.Log.URL, ",")
	for i := range addresses {
		addresses[i] = redactURL(strings.TrimSpace(addresses[i]))
	}
	c.Telemetry = c.Telemetry.redacted()
	c.S3 = c.S3.redacted()
	if c.Secrets.Key != "" {
		c.Secrets.Key = hidden
	}
	c.Log.URL, c.Store.URL = strings.Join(addresses, ","), redactURL(c.Store.URL)
	return c
}

// redactURL hides the password, and what a URL might carry as parameters.
func redactURL(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return hidden
	}
	if u.User != nil {
		u.User = url.User(hidden)
	}
	if u.RawQuery != "" {
		u.RawQuery = hidden
	}
	text, err := url.PathUnescape(u.String())
	if err != nil {
		return hidden
	}
	return text
}

// YAML is the configuration as a file would say it. It shows secrets: see Redacted.
func (c Config) YAML() (string, error) {
	b, err := yaml.MarshalWithOptions(c, yaml.Indent(2), yaml.IndentSequence(true))
	if err != nil {
		return "", clientele.Errorf(clientele.Internal, "configuration: %w", err)
	}
	return string(b), nil
}

// Source is the named source, or false.
func (c Config) Source(name string) (Source, bool) {
	i := slices.IndexFunc(c.Sources, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, false
	}
	return c.Sources[i], true
}
