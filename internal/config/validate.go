package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"clientele"
)

// Validate is nil, or one Invalid error that names everything Problems found.
func (c Config) Validate() error {
	problems := c.Problems()
	if len(problems) == 0 {
		return nil
	}
	first := problems[0]
	if len(problems) == 1 {
		return first
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Message
	}
	return clientele.Errorf(clientele.Invalid, "%s", strings.Join(texts, "; ")).
		WithHint("clientele check shows each with what to do; the first: %s", first.Hint)
}

// Problems are all the things that are wrong, each with a hint.
func (c Config) Problems() []*clientele.Error {
	v := &validator{}
	v.listen("listen", c.Listen)
	if c.PGListen != "" {
		v.listen("pg_listen", c.PGListen)
	}
	if c.PGClients < 1 || c.PGClients > 1000 {
		v.wrong("pg_connections", "is not between 1 and 1000", "20 is the default")
	}
	if strings.TrimSpace(c.Data) == "" {
		v.wrong("data", "is empty", "name the directory that holds the data")
	}
	if c.AdminToken != "" && len(c.AdminToken) < 16 {
		v.wrong("admin_token", "is shorter than 16 characters", "leave it empty: a strong one is made on first start and printed once")
	}
	v.sources(c.Sources)
	v.collect(c.Collect)
	v.http(c.HTTP)
	v.log(c.Log)
	v.telemetry(c.Telemetry)
	v.exports(c.Exports, c.ExportTo)
	v.s3(c.S3)
	if c.Store.URL != "" {
		v.wrong("store.url", "is set, but only the embedded store is there yet", "leave it empty; PostgreSQL comes in a later release")
	}
	v.identity(c.Identity)
	v.traits(c.Traits)
	v.privacy(c.Privacy, c.Erase)
	v.secrets(c.Data, c.Secrets)
	v.retention(c.Retention)
	v.matching(c.Matching)
	if !isCode(c.Currency.Base, 3) {
		v.wrong("currency.base", "is not a currency code", "write three capital letters of ISO 4217, for example EUR")
	}
	if c.Columns.Memory < 64*MB {
		v.wrong("columns.memory", "is under 64MB", "the column store needs 400MB to be quick")
	}
	if c.Columns.Threads < 0 {
		v.wrong("columns.threads", "is negative", "0 takes one for each processor")
	}
	for key, n := range map[string]int{"api.rate_limit": c.API.RateLimit, "api.address_rate_limit": c.API.AddressRateLimit, "collect.address_rate_limit": c.Collect.AddressRateLimit} {
		if n < 0 || n > 1_000_000 {
			v.wrong(key, "is not between 0 and 1000000", "0 is no limit")
		}
	}
	if c.Disk.Quarantine < 0 {
		v.wrong("disk.quarantine", "is negative", "0 is no alarm")
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		v.wrong("tls", "has one of cert and key", "name both PEM files, or none behind a proxy")
	}
	if c.Backup.MaxAge < 0 {
		v.wrong("backup.max_age", "is negative", "0 is no limit")
	}
	if c.Query.Timeout <= 0 {
		v.wrong("query.timeout", "is not above zero", "30s is the default")
	}
	if c.Query.MaxRows < 1 || c.Query.MaxRows > 1_000_000 {
		v.wrong("query.max_rows", "is not between 1 and 1000000", "10000 is the default")
	}
	return v.found
}

type validator struct{ found []*clientele.Error }

func (v *validator) wrong(key, what, hint string) {
	v.found = append(v.found, clientele.Errorf(clientele.Invalid, "%s %s", key, what).WithHint("%s", hint))
}

func (v *validator) listen(key, addr string) {
	_, port, err := net.SplitHostPort(addr)
	n, numErr := strconv.Atoi(port)
	if err != nil || numErr != nil || n < 0 || n > 65535 {
		v.wrong(key, "is not host:port", "for example 127.0.0.1:8080, or :8080 for every address of this machine")
	}
}

func (v *validator) sources(all []Source) {
	name := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$`)
	names, keys := map[string]bool{}, map[string]bool{}
	for i, s := range all {
		at := "sources[" + strconv.Itoa(i) + "]"
		if !name.MatchString(s.Name) {
			v.wrong(at+".name", "is not a source name", "up to 32 letters, digits, _ . or -, beginning with a letter or digit")
		} else {
			at = "source " + s.Name
		}
		if names[s.Name] {
			v.wrong(at, "is there twice", "give each source a name of its own")
		}
		names[s.Name] = true
		if s.WriteKey != "" && keys[s.WriteKey] {
			v.wrong(at+": write_key", "is the write key of another source", "give each source a key of its own")
		}
		keys[s.WriteKey] = true
		v.source(at, s)
	}
}

func (v *validator) source(at string, s Source) {
	kinds := []SourceKind{KindBrowser, KindMobile, KindServer, KindFile}
	if !slices.Contains(kinds, s.Kind) {
		v.wrong(at+": kind", "is not known", "browser, mobile, server or file")
	}
	if s.WriteKey == "" && s.Kind != KindFile && s.Webhook.Scheme == "" {
		v.wrong(at+": write_key", "is empty", "give it the key its SDK sends, or kind: file when it is only imported")
	}
	if strings.ContainsAny(s.WriteKey, " \t\r\n:/\x00") || len(s.WriteKey) > 128 {
		v.wrong(at+": write_key", "holds a space, a colon or a slash, or is over 128 characters", "letters and digits do best")
	}
	if s.Verified && (s.Kind == KindBrowser || s.Kind == KindMobile) {
		v.wrong(at+": verified", "is not possible for a "+string(s.Kind), "its write key is public, so anybody can send anything with it; use a source of kind server")
	}
	for _, o := range s.AllowedOrigins {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" || u.RawQuery != "") {
			v.wrong(at+": allowed_origins", "holds something that is no origin", "an origin is scheme and host, for example https://shop.example.com")
		}
	}
	v.webhook(at, s)
	v.edge(at, s.Privacy)
}

func (v *validator) collect(c Collect) {
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(u.Path, "/") {
			v.wrong("collect.public_url", "is not the address of this server", "for example https://data.shop.example.com, without a slash at its end")
		}
	}
	if c.RateLimit < 0 || c.RateLimit > 1_000_000 {
		v.wrong("collect.rate_limit", "is not between 0 and 1000000", "0 is no limit")
	}
}

func (v *validator) http(h HTTP) {
	for _, p := range h.TrustedProxies {
		_, network := netip.ParsePrefix(p)
		_, address := netip.ParseAddr(p)
		if network != nil && address != nil || strings.Contains(p, "%") {
			v.wrong("http.trusted_proxies", "holds something that is neither an address nor a network", "for example 127.0.0.1, 10.0.0.0/8 or fd00::/8")
		}
	}
	if h.MaxConnections < 16 || h.MaxConnections > 1_000_000 {
		v.wrong("http.max_connections", "is not between 16 and 1000000", "4096 is the default")
	}
	if h.BodyMemory < 16*MB {
		v.wrong("http.body_memory", "is under 16MB", "64MB is the default")
	}
}

func (v *validator) log(l Log) {
	for _, address := range strings.FieldsFunc(l.URL, func(r rune) bool { return r == ',' }) {
		if u, err := url.Parse(strings.TrimSpace(address)); err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss" {
			v.wrong("log.url", "is not the address of a NATS server", "for example nats://127.0.0.1:4222, or empty for the embedded log")
			return
		}
	}
	if l.MaxSize < 16*MB {
		v.wrong("log.max_size", "is under 16MB", "4GB is the default")
	}
	if l.KeepSize > l.MaxSize {
		v.wrong("log.keep_size", "is above log.max_size", "keep less than the log can hold, or nothing is ever trimmed before it is full")
	}
}

func (v *validator) identity(r clientele.IdentityRules) {
	for _, ns := range sortedKeys(r.Namespaces) {
		at := "identity.namespaces." + string(ns)
		if err := (clientele.Identifier{Namespace: ns, Value: "x"}).Check(); err != nil || ns == "id" {
			v.wrong(at, "is not a namespace", "up to 64 characters; id is the profile's own id")
		}
		v.rule(at, r.Namespaces[ns])
	}
	v.rule("identity.default", r.Default)
	if r.Region != "" && !isCode(r.Region, 2) {
		v.wrong("identity.region", "is not a country code", "write two capital letters of ISO 3166, for example TH")
	}
}

func (v *validator) rule(at string, r clientele.NamespaceRule) {
	if r.Priority < 1 || r.Priority > 1000 {
		v.wrong(at+".priority", "is not between 1 and 1000", "1 is the strongest")
	}
	if r.Limit < 1 || r.Limit > 1_000_000 {
		v.wrong(at+".limit", "is not between 1 and 1000000", "1 means that a person has one")
	}
	if r.Generic < 0 {
		v.wrong(at+".generic", "is negative", "0 takes the default")
	}
	for _, b := range r.Blocked {
		if len(b) < 2 || b[0] != '/' || b[len(b)-1] != '/' {
			continue
		}
		if _, err := regexp.Compile(b[1 : len(b)-1]); err != nil {
			v.wrong(at+".blocked", "holds a regular expression that cannot be read", "a value between slashes is a regular expression of Go (RE2)")
		}
	}
}

func (v *validator) traits(rules map[string]clientele.TraitRule) {
	kinds := []clientele.TraitRuleKind{clientele.RuleLatest, clientele.RuleFirst, clientele.RuleMostFrequent, clientele.RuleSourcePriority, clientele.RuleUnion}
	for _, name := range sortedKeys(rules) {
		r, at := rules[name], "traits."+name
		if !slices.Contains(kinds, r.Rule) {
			v.wrong(at+".rule", "is not known", "latest, first, most_frequent, source_priority or union")
		}
		if r.Rule == clientele.RuleSourcePriority && len(r.Sources) == 0 {
			v.wrong(at+".sources", "is empty", "source_priority needs the sources, the best first")
		}
	}
}

func isCode(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
