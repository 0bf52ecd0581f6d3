package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"clientele"
)

// Export is an export that is repeated.
type Export struct {
	Name        string   `yaml:"name"`
	What        string   `yaml:"what"`                  // profiles, events, another table
	Format      string   `yaml:"format"`                // csv, jsonl, parquet
	Compression string   `yaml:"compression,omitempty"` // of csv and jsonl: none, gzip, zstd
	To          string   `yaml:"to"`                    // a folder or s3://BUCKET/PREFIX; each run gets a place of its own below it
	Every       Duration `yaml:"every,omitempty"`       // between two runs; or
	At          string   `yaml:"at,omitempty"`          // each day at that time, 02:30, in UTC
	SinceLast   bool     `yaml:"since_last,omitempty"`  // only what has changed since the last run
	Columns     []string `yaml:"columns,omitempty"`     // empty: all
	Source      string   `yaml:"source,omitempty"`      // rows of this source alone; empty: of all
}

// S3 is the object store that exports and imports with s3:// speak to.
type S3 struct {
	Endpoint     string `yaml:"endpoint"` // empty: Amazon's
	Region       string `yaml:"region"`   // empty: the service is asked
	AccessKey    string `yaml:"access_key"`
	SecretKey    string `yaml:"secret_key"`
	SessionToken string `yaml:"session_token"`
	PathStyle    bool   `yaml:"path_style"` // the bucket in the path, as most services but Amazon's want it
}

func (s S3) redacted() S3 {
	for _, secret := range []*string{&s.AccessKey, &s.SecretKey, &s.SessionToken} {
		if *secret != "" {
			*secret = hidden
		}
	}
	return s
}

// standardS3 takes from the variables that every client of S3 reads what the file and CLIENTELE_
// leave empty; credentials all from the one place or all from the other.
func standardS3(s *S3, env Lookup) {
	if env == nil {
		return
	}
	get := func(into *string, names ...string) {
		for _, name := range names {
			if v, _ := env(name); v != "" && *into == "" {
				*into = v
			}
		}
	}
	if s.AccessKey == "" && s.SecretKey == "" {
		get(&s.AccessKey, "AWS_ACCESS_KEY_ID")
		get(&s.SecretKey, "AWS_SECRET_ACCESS_KEY")
		get(&s.SessionToken, "AWS_SESSION_TOKEN")
	}
	get(&s.Region, "AWS_REGION", "AWS_DEFAULT_REGION")
	get(&s.Endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
}

// AtTime is the time of day of an export, behind midnight; false when it has none.
func (e Export) AtTime() (time.Duration, bool) {
	t, err := time.Parse("15:04", e.At)
	if err != nil || len(e.At) != 5 {
		return 0, false
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
}

const minEvery = Duration(time.Minute)

func (v *validator) exports(all []Export, to []string) {
	name := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	var names []string
	for _, e := range all {
		at := "export " + e.Name
		if !name.MatchString(e.Name) {
			at = "exports"
			v.wrong("exports: name", "is not a name", "up to 64 letters, digits, _ or -: it becomes the name of a folder")
		}
		if slices.Contains(names, e.Name) {
			v.wrong(at, "is there twice", "give each export a name of its own")
		}
		names = append(names, e.Name)
		v.export(at, e)
	}
	for _, t := range to {
		if t == "" || strings.HasPrefix(t, "s3://") && !bucketed(t) {
			v.wrong("export_to", "holds something that is no place", "a folder, or s3://BUCKET/PREFIX")
		}
	}
}

func bucketed(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && u.User == nil && u.RawQuery == ""
}

func (v *validator) export(at string, e Export) {
	if s, err := clientele.ParseSelection(e.What); err != nil {
		v.wrong(at+": what", "cannot be exported: "+err.Error(), clientele.ErrorHint(err))
	} else if s.Columns = e.Columns; s.Check() != nil {
		v.wrong(at+": columns", "holds an empty or a repeated name", "name each column once")
	}
	if !slices.Contains([]string{"csv", "jsonl", "parquet"}, e.Format) {
		v.wrong(at+": format", "is not known", "csv, jsonl or parquet")
	}
	if !slices.Contains([]string{"", "none", "gzip", "zstd"}, e.Compression) || e.Format == "parquet" && e.Compression != "" {
		v.wrong(at+": compression", "is not possible", "none, gzip or zstd for csv and jsonl; Parquet is compressed by itself")
	}
	if e.To == "" || strings.HasPrefix(e.To, "s3://") && !bucketed(e.To) {
		v.wrong(at+": to", "is no place", "a folder, or s3://BUCKET/PREFIX")
	}
	_, daily := e.AtTime()
	switch {
	case e.At != "" && e.Every != 0, e.At == "" && e.Every == 0:
		v.wrong(at, "needs every or at, and not both", "every: 1h, or at: \"02:30\"")
	case e.At != "" && !daily:
		v.wrong(at+": at", "is no time of day", "write it like \"02:30\"; it is in UTC")
	case e.At == "" && e.Every < minEvery:
		v.wrong(at+": every", "is under a minute", "1h, 1d, ...")
	}
}

func (v *validator) s3(s S3) {
	if s.Endpoint != "" {
		u, err := url.Parse(s.Endpoint)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.User != nil {
			v.wrong("s3.endpoint", "is no address of a service", "for example https://s3.eu-central-1.amazonaws.com")
		}
	}
	if (s.AccessKey == "") != (s.SecretKey == "") {
		v.wrong("s3", "has one of access_key and secret_key", "set both, or neither and the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
}
