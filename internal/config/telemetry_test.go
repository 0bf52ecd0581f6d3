package config_test

import (
	"strings"
	"testing"

	"clientele/internal/config"
)

func TestTelemetry(t *testing.T) {
	c, err := config.Parse("c.yaml", []byte("telemetry:\n  metrics: token\n  traces: {endpoint: 'https://otlp.example:4318/x', headers: {Authorization: Bearer secret}, service: shop, sample: 5%}\n"))
	if err != nil || c.Validate() != nil {
		t.Fatal(err, c.Validate())
	}
	tr := c.Telemetry.Traces
	if c.Telemetry.Metrics != config.MetricsToken || tr.Endpoint != "https://otlp.example:4318/x" || tr.Headers["Authorization"] != "Bearer secret" || tr.Service != "shop" || tr.Sample != 0.05 {
		t.Errorf("%+v", c.Telemetry)
	}
	text, err := c.Redacted().YAML()
	if err != nil || strings.Contains(text, "Bearer secret") || !strings.Contains(text, "Authorization: (hidden)") || !strings.Contains(text, "sample: 0.05") {
		t.Errorf("shown as %s, %v", text, err)
	}
	if c.Telemetry.Traces.Headers["Authorization"] != "Bearer secret" {
		t.Error("to show it has changed it")
	}
	if again, err := config.Parse("c.yaml", []byte(text)); err != nil || again.Telemetry.Traces.Sample != 0.05 {
		t.Errorf("what is shown does not read back: %v", err)
	}
	for _, tt := range []struct{ yaml, message string }{
		{"metrics: closed", "telemetry.metrics is not known"},
		{"traces: {endpoint: '127.0.0.1:4318'}", "telemetry.traces.endpoint"},
		{"traces: {endpoint: 'grpc://a:4317'}", "telemetry.traces.endpoint"},
		{"traces: {endpoint: 'http://user:word@a:4318'}", "telemetry.traces.endpoint"},
		{"traces: {headers: {'a b': c}}", "telemetry.traces.headers"},
	} {
		c, err := config.Parse("c.yaml", []byte("telemetry: {"+tt.yaml+"}"))
		if err != nil {
			t.Fatal(err)
		}
		if p := c.Problems(); len(p) != 1 || !strings.Contains(p[0].Message, tt.message) || p[0].Hint == "" {
			t.Errorf("%s: %v", tt.yaml, p)
		}
	}
	for _, share := range []string{"2", "-1", "101%", "NaN", "some", "''"} {
		if _, err := config.Parse("c.yaml", []byte("telemetry: {traces: {sample: "+share+"}}")); err == nil || !strings.Contains(err.Error(), "not a share") {
			t.Errorf("%s: %v", share, err)
		}
	}
}

// TestStandardVariables: OpenTelemetry's own variables fill in what is left empty.
func TestStandardVariables(t *testing.T) {
	for _, tt := range []struct {
		name, env string // NAME=value, by spaces
		endpoint  string
		headers   string
		service   string
	}{
		{"none", "", "", "", "clientele"},
		{"general", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318/ OTEL_SERVICE_NAME=shop", "http://c:4318/v1/traces", "", "shop"},
		{"of traces", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318 OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://d/x", "http://d/x", "", "clientele"},
		{"headers", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318 OTEL_EXPORTER_OTLP_HEADERS=api-key=k%20k,broken", "http://c:4318/v1/traces", "k k", "clientele"},
		{"headers without an endpoint", "OTEL_EXPORTER_OTLP_HEADERS=api-key=k", "", "", "clientele"},
		{"ours first", "CLIENTELE_TELEMETRY_TRACES_ENDPOINT=http://e OTEL_EXPORTER_OTLP_ENDPOINT=http://c OTEL_EXPORTER_OTLP_HEADERS=api-key=k", "http://e", "", "clientele"},
		{"our name first", "CLIENTELE_TELEMETRY_TRACES_SERVICE=ours OTEL_SERVICE_NAME=shop", "", "", "ours"},
		{"grpc", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "", "", "clientele"},
		{"off", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317 OTEL_SDK_DISABLED=true", "", "", "clientele"},
		{"no traces", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317 OTEL_TRACES_EXPORTER=none", "", "", "clientele"},
	} {
		env := map[string]string{}
		for _, v := range strings.Fields(tt.env) {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		c, err := config.Load("", func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Telemetry.Traces; got.Endpoint != tt.endpoint || got.Headers["api-key"] != tt.headers || got.Service != tt.service {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
