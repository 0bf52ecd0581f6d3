package trainer

import (
	"encoding/json"

	"clientele/internal/predict/learn"
)

// watchDays is how far back the watch looks: what people did lately, however long they are known.
const watchDays = 90

// What is watched of the orders that models of the kinds ltv, discount and segments learn from.
var watched = []string{"how often people order", "the value of an order", "the share of orders with a discount"}

// lately describes who ordered in the last days: by what is watched.
func (o *Orders) lately() *learn.Matrix {
	columns := make([][]float64, len(watched))
	o.people(func(lines []Line) {
		orders, spent, discounted := 0.0, 0.0, 0.0
		for _, l := range lines {
			if l.Amount < 0 || l.Day <= o.Last-watchDays || l.Day > o.Last {
				continue
			}
			orders++
			spent += l.Amount
			if l.Discounted {
				discounted++
			}
		}
		if orders > 0 {
			for i, v := range []float64{orders, spent / orders, discounted / orders} {
				columns[i] = append(columns[i], v)
			}
		}
	})
	x := &learn.Matrix{}
	for i, name := range watched {
		x.Add(name, "", columns[i])
	}
	return x
}

// withWatch adds to what was learned how orders were then.
func withWatch(artefact []byte, o *Orders) ([]byte, error) {
	all := map[string]json.RawMessage{}
	if err := decode(artefact, &all); err != nil {
		return nil, err
	}
	watch, err := encode(learn.Spread(o.lately()))
	if err != nil {
		return nil, err
	}
	all["watch"] = watch
	return encode(all)
}

// fewestWatched is how many people have to have ordered lately: of fewer, chance alone moves the index.
const fewestWatched = 200

// Moved says what is other of everybody's orders than when the version was trained; nothing of versions that did not take it down.
func Moved(artefact []byte, o *Orders) ([]string, error) {
	var then struct {
		Watch *learn.Saved `json:"watch"`
	}
	if err := decode(artefact, &then); err != nil || then.Watch == nil {
		return nil, err
	}
	x := o.lately()
	if x.Rows() < fewestWatched {
		return nil, nil
	}
	return movedOf(then.Watch.Model().Watch(x, same)), nil
}

func same(column string) string { return column }
