package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/config"
)

func TestExploreCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	cfg := config.Default()
	cfg.Data = t.TempDir()
	p, err := openPlatform(context.Background(), cfg, slog.New(slog.DiscardHandler), false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	var records []clientele.Record
	for i := range 6 {
		records = append(records, clientele.Record{Raw: fmt.Appendf(nil, `{"type":"identify","userId":"u%d","messageId":"i%d","traits":{"country":"%s"}}`, i, i, []string{"TH", "DE"}[i%2])},
			clientele.Record{Raw: fmt.Appendf(nil, `{"type":"track","event":"Looked","userId":"u%d","messageId":"l%d","timestamp":"2026-03-01T10:00:00Z"}`, i, i)})
		if i < 3 {
			records = append(records, clientele.Record{Raw: fmt.Appendf(nil, `{"type":"track","event":"Order Completed","userId":"u%d","messageId":"o%d","timestamp":"2026-03-01T10:0%d:00Z","properties":{"order_id":"%d","revenue":10.125,"currency":"USD"}}`, i, i, i+1, i)})
		}
	}
	if _, err := p.Import(context.Background(), "web", clientele.KindEvent, records); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	question := write(t, "q.json", `{"kind":"funnel","steps":[{"event":"Looked"},{"table":"orders"}]}`)
	for _, x := range []struct{ args, want []string }{
		{[]string{"metric", "--measure", "customers", "--measure", "revenue", "--by", "country", "--total"}, []string{"country  customers  revenue (USD)", "TH               3          20.25", "DE               3          10.12", "null             6          30.38"}},
		{[]string{"metric", "--measure", "orders", "--where", "country=TH", "--format", "csv"}, []string{"orders\n2\n"}},
		{[]string{"metric", "--measure", "orders", "--by", "country", "--behind", `{"country":"DE"}`}, []string{"1 people\np_"}},
		{[]string{"metric", "--measure", "orders", "--behind", `{}`, "--sql"}, []string{"select distinct f.profile_id as profile_id\nfrom \"orders\" f"}},
		{[]string{"--question", question}, []string{"2     orders       3                  50                     50        3                    120"}},
		{[]string{"--question", question, "--format", "json"}, []string{`"median_time"`, `"step": 2`}},
		{[]string{"metric", "--measure", "orders", "--sql"}, []string{"count(*)"}},
		{[]string{"fields"}, []string{"measure    average_order", "dimension  week"}},
	} {
		code, out, errs := call(t, "", nil, append(append([]string{"explore"}, x.args...), "--data", cfg.Data)...)
		for _, want := range x.want {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("%s: exit %d, want %q in\n%s%s", strings.Join(x.args, " "), code, want, out, errs)
			}
		}
	}
}
