package importer_test

import (
	"testing"
	"time"

	"clientele/internal/importer"
)

func TestReading(t *testing.T) {
	day := func(s string) int32 {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return int32(at.Unix() / 86400)
	}
	for _, c := range []struct {
		zone, order, text, day string
		hour                   int
	}{
		{"", "", "2024-03-01", "2024-03-01", 0},
		{"", "", "20240301", "2024-03-01", 0},
		{"", "", "2024-03-01T23:30:00Z", "2024-03-01", 23},
		{"Europe/Berlin", "", "2024-03-01T23:30:00Z", "2024-03-02", 0},
		{"America/New_York", "", "2024-03-01 23:30:00", "2024-03-01", 23}, // as written: it is of the zone
		{"", "dmy", "1/3/2024 8:26", "2024-03-01", 8},
		{"", "mdy", "3/1/2024", "2024-03-01", 0},
		{"", "", "1709336400", "2024-03-01", 23},
		{"Asia/Bangkok", "", "1709336400000", "2024-03-02", 6},
	} {
		r, err := importer.NewReading(c.zone, c.order)
		if err != nil {
			t.Fatal(err)
		}
		got, hour, err := r.Hour(c.text)
		if err != nil || got != day(c.day) || hour != c.hour {
			t.Errorf("%s in %s: day %d hour %d, %v", c.text, c.zone, got, hour, err)
		}
	}
	r, err := importer.NewReading("", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Day("3/1/2024"); !importer.NeedsOrder(err) {
		t.Errorf("%v", err)
	}
	if v, err := r.Number("$1,234.50"); err != nil || v != 1234.5 {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := importer.NewReading("Mars/Base", ""); err == nil {
		t.Error("there is a Mars/Base")
	}
	if _, err := importer.NewReading("", "ddd"); err == nil {
		t.Error("there is an order ddd")
	}
}
