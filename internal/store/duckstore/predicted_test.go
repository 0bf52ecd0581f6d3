package duckstore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/store/duckstore"
)

// TestManyPredictions: people with the scores of many models are written within the memory of a small store, each output in its column.
func TestManyPredictions(t *testing.T) {
	s, err := duckstore.Open(context.Background(), duckstore.Options{Path: filepath.Join(t.TempDir(), "columns.duckdb"), Memory: 256 << 20, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const models, people = 12, 4000
	var promoted []clientele.Promotion
	for m := range models {
		for o := range 7 {
			promoted = append(promoted, clientele.Promotion{Table: "profiles", JSON: clientele.PredictionJSON(fmt.Sprintf("m%d.o%d", m, o)), Column: fmt.Sprintf("m%d_o%d", m, o), Type: clientele.TypeDouble})
		}
	}
	promoted = append(promoted, clientele.Promotion{Table: "profiles", JSON: clientele.ComputedJSON("orders"), Column: "orders", Type: clientele.TypeBigint},
		clientele.Promotion{Table: "profiles", JSON: "city", Column: "city", Type: clientele.TypeText})
	all := make([]map[string]any, people)
	for i := range all {
		var of []string
		for m := range models {
			outputs := make([]string, 7)
			for o := range outputs {
				outputs[o] = fmt.Sprintf(`"o%d":%d.5`, o, i*100+m*10+o)
			}
			of = append(of, fmt.Sprintf(`"m%d":{%s,"reasons":%q}`, m, strings.Join(outputs, ","), strings.Repeat("+ orders in 90 days; ", 5)))
		}
		all[i] = map[string]any{"profile_id": int64(i + 1), "source": "x", "traits": `{"city":"Huế"}`, "computed": `{"orders":3}`, "predictions": "{" + strings.Join(of, ",") + "}"}
	}
	apply(t, s, 1, clientele.Change{Promoted: promoted, Tables: []clientele.TableRows{rows("profiles", all...)}})
	got := query(t, s, "select count(*), count(*) filter (where m11_o6 = (profile_id - 1) * 100 + 116.5 and m0_o0 = (profile_id - 1) * 100 + 0.5 and orders = 3 and city = 'Huế') from profiles")
	if fmt.Sprint(got) != "[[4000 4000]]" {
		t.Errorf("%v", got)
	}
}
