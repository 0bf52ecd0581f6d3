package value_test

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"clientele/internal/predict/value"
)

// TestWorkers: one worker or several, the parameters and scores are equal to the last bit.
func TestWorkers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	of := make([]value.Summary, 9000)
	for i := range of {
		s := value.Summary{Age: 10 + float64(r.IntN(600))/7}
		rate, end := r.ExpFloat64()*0.08, min(s.Age, r.ExpFloat64()*60)
		for at := r.ExpFloat64() / rate; at < end; at += r.ExpFloat64() / rate {
			s.Frequency++
			s.Recency = float64(int(at*7)) / 7
		}
		if s.Frequency > 0 {
			s.Monetary = 5 + 50*r.Float64()
		}
		of[i] = s
	}
	run := func(workers int) (*value.Fit, []value.Score) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
		f, err := value.Learn(value.Pareto, of, 30)
		if err != nil {
			t.Fatal(err)
		}
		return f, f.ScoreAll(of, 26, value.Money{Margin: 0.5, Discount: 0.01, Step: 4})
	}
	one, scores := run(1)
	many, again := run(4)
	if !one.Dropout || !reflect.DeepEqual(one, many) || !reflect.DeepEqual(scores, again) {
		t.Errorf("%+v\n%+v", one.Model, many.Model)
	}
}
