package config

import (
	"net/url"
	"strconv"
	"strings"

	"clientele"
)

// Telemetry is what the program tells other systems of itself.
type Telemetry struct {
	Metrics MetricsAccess `yaml:"metrics"` // who may read GET /metrics
	Traces  Traces        `yaml:"traces"`
}

// MetricsAccess says who may read GET /metrics.
type MetricsAccess string

// The choices. Forwarded requests count as coming from elsewhere, wherever the proxy is.
const (
	MetricsAuto  MetricsAccess = "auto"  // anybody while listen is an address of this machine alone, otherwise a token with scope read
	MetricsToken MetricsAccess = "token" // a token with scope read, always
	MetricsOpen  MetricsAccess = "open"  // anybody
)

// Traces are the OpenTelemetry traces of requests and micro-batches.
type Traces struct {
	Endpoint string            `yaml:"endpoint"` // of a collector that takes OTLP over HTTP; empty: no traces
	Headers  map[string]string `yaml:"headers"`  // sent to it; their values are secrets
	Service  string            `yaml:"service"`  // service.name
	Sample   Ratio             `yaml:"sample"`   // share of traces that are kept
}

// Ratio is a share between 0 and 1. As text it is 0.1 or 10%.
type Ratio float64

// UnmarshalText reads 0.1 and 10%.
func (r *Ratio) UnmarshalText(b []byte) error {
	text, percent := strings.CutSuffix(strings.TrimSpace(string(b)), "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 1) {
		return clientele.Errorf(clientele.Invalid, "not a share").WithHint("write it like 0.1 or 10%%")
	}
	*r = Ratio(n)
	return nil
}

// MarshalText is the share as a number.
func (r Ratio) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(r), 'g', -1, 64), nil
}

// MarshalYAML shows it as a number.
func (r Ratio) MarshalYAML() (any, error) { return float64(r), nil }

// standardTelemetry takes from OpenTelemetry's own variables what the file and CLIENTELE_ leave
// empty. A collector that is said to speak gRPC is left alone: this program speaks HTTP to it.
func standardTelemetry(t *Traces, env Lookup) {
	if env == nil {
		return
	}
	get := func(names ...string) string {
		for _, name := range names {
			if v, _ := env(name); v != "" {
				return v
			}
		}
		return ""
	}
	if name := get("OTEL_SERVICE_NAME"); name != "" && t.Service == defaultService {
		t.Service = name
	}
	off := strings.EqualFold(get("OTEL_SDK_DISABLED"), "true") || get("OTEL_TRACES_EXPORTER") == "none" ||
		strings.HasPrefix(get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"), "grpc")
	if t.Endpoint != "" || off {
		return
	}
	if t.Endpoint = get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); t.Endpoint == "" {
		if base := get("OTEL_EXPORTER_OTLP_ENDPOINT"); base != "" { // the general one is of all signals
			t.Endpoint = strings.TrimSuffix(base, "/") + "/v1/traces"
		}
	}
	if t.Endpoint == "" || len(t.Headers) > 0 {
		return
	}
	t.Headers = map[string]string{}
	for pair := range strings.SplitSeq(get("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"), ",") {
		name, value, ok := strings.Cut(pair, "=")
		if plain, err := url.PathUnescape(strings.TrimSpace(value)); ok && err == nil {
			t.Headers[strings.TrimSpace(name)] = plain
		}
	}
}

const defaultService = "clientele"

func (v *validator) telemetry(t Telemetry) {
	switch t.Metrics {
	case MetricsAuto, MetricsToken, MetricsOpen:
	default:
		v.wrong("telemetry.metrics", "is not known", "auto, token or open")
	}
	if t.Traces.Endpoint != "" {
		u, err := url.Parse(t.Traces.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			v.wrong("telemetry.traces.endpoint", "is not the address of a collector", "for example http://127.0.0.1:4318; a password goes into headers")
		}
	}
	for _, name := range sortedKeys(t.Traces.Headers) {
		if name == "" || strings.ContainsAny(name, " \t\r\n:") || strings.ContainsAny(t.Traces.Headers[name], "\r\n") {
			v.wrong("telemetry.traces.headers", "holds something that is no header", "for example Authorization: Bearer ...")
		}
	}
	if !(t.Traces.Sample >= 0 && t.Traces.Sample <= 1) {
		v.wrong("telemetry.traces.sample", "is not between 0 and 1", "1 keeps every trace")
	}
}

// redacted is a copy without secrets.
func (t Telemetry) redacted() Telemetry {
	if t.Traces.Headers == nil {
		return t
	}
	headers := make(map[string]string, len(t.Traces.Headers))
	for name := range t.Traces.Headers {
		headers[name] = hidden
	}
	t.Traces.Headers = headers
	t.Traces.Endpoint = redactURL(t.Traces.Endpoint)
	return t
}
