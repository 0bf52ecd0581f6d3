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

// The commands of the guide, on a data directory without a server.
func TestQualityCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	cfg := config.Default()
	cfg.Data = t.TempDir()
	p, err := openPlatform(context.Background(), cfg, slog.New(slog.DiscardHandler), false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	var records []clientele.Record
	for i := range 30 {
		total := fmt.Sprint(i)
		if i == 7 {
			total = `"7"`
		}
		records = append(records, clientele.Record{Raw: fmt.Appendf(nil, `{"type":"track","event":"Order","userId":"u","messageId":"m%d","properties":{"total":%s}}`, i, total)})
	}
	if _, err := p.Import(context.Background(), "web", clientele.KindEvent, records); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	plan := write(t, "plan.yaml", "name: shop\non_violation: drop\nevents: {Order: {schema: {properties: {total: {type: number}}}}}\n")
	rule := write(t, "rule.yaml", "name: total\nsteps: [{op: set, path: properties.total, value: float(properties.total)}]\n")
	lines := write(t, "lines.jsonl", `{"type":"track","event":"Order","properties":{"total":"8"}}`+"\n\n")
	for _, x := range []struct {
		args []string
		want []string
	}{
		{[]string{"plan", "propose", "web"}, []string{`"Order"`, `"required"`}},
		{[]string{"plan", "test", plan}, []string{"30 events tried, 30 of them of the plan's sources, 1 would break it", "/properties/total/type"}},
		{[]string{"plan", "set", plan}, []string{"plan shop with 1 events is in force"}},
		{[]string{"plan", "list"}, []string{"shop  (all)    1       drop          allow"}},
		{[]string{"transform", "test", rule, "--events", lines, "--source", "web"}, []string{"1 events tried: 1 would change", `"total":8}`}},
		{[]string{"transform", "set", rule}, []string{"rule total is in force"}},
		{[]string{"transform", "list"}, []string{"set properties.total = float(properties.total)"}},
		{[]string{"quality", "stop", "web", "Order", "total"}, []string{"clientele transform delete stop-web-order-total-"}},
		{[]string{"quality", "properties", "--json"}, []string{`"property": "total"`, `"seen": 30`}},
		{[]string{"quality", "touchpoints"}, []string{"1 profiles, 1 met", "import"}},
		{[]string{"quality", "acts"}, []string{"tracking_plan  shop", "transform      total", "cli"}},
		{[]string{"transform", "delete", "total"}, []string{"rule total is no more"}},
		{[]string{"plan", "delete", "shop"}, []string{"plan shop is no more"}},
	} {
		code, out, errs := call(t, "", nil, append(x.args, "--data", cfg.Data)...)
		for _, want := range x.want {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("%s: exit %d, want %q in\n%s%s", strings.Join(x.args, " "), code, want, out, errs)
			}
		}
	}
	wrong := write(t, "wrong.yaml", "transforms:\n  - name: r\n    when: now() > 1\n    steps: [{op: filter}]\n")
	if code, out, _ := call(t, "", nil, "check", "--config", wrong, "--data", t.TempDir()); code != 1 || !strings.Contains(out, "transforms[0]: transform rule r: when: expression:") {
		t.Errorf("check: exit %d\n%s", code, out)
	}
}
