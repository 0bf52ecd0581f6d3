package importer_test

import (
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/importer"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		in   string
		mark byte
		want string // "" = refused
	}{
		{"12", 0, "12"}, {"1234.56", 0, "1234.56"}, {"1,234.56", 0, "1234.56"}, {"1.234,56", 0, "1234.56"}, {"1 234,56", 0, "1234.56"},
		{"1\u00a0234\u202f567,8", 0, "1234567.8"}, {"1'234'567.89", 0, "1234567.89"}, {"1.234.567", 0, "1234567"}, {"1,234,567", 0, "1234567"},
		{"12,34,567.89", 0, "1234567.89"}, {"12,5", 0, "12.5"}, {"1,234", 0, ""}, {"1,234", '.', "1234"}, {"1,234", ',', "1.234"}, {"0,234", 0, "0.234"},
		{"1.234", 0, "1.234"}, {"1.234", ',', "1234"}, {"1.23", ',', ""}, {"1,23,4", 0, ""}, {"1,2345,678", 0, ""}, {"1.234.56", '.', ""},
		{"-5", 0, "-5"}, {"5-", 0, "-5"}, {"(5.00)", 0, "-5"}, {"\u22125", 0, "-5"}, {"+5", 0, "5"}, {"--5", 0, ""}, {"(-5)", 0, ""}, {"-(5)", 0, ""},
		{"£1,234.50", 0, "1234.5"}, {"-£3", 0, "-3"}, {"£-3", 0, "-3"}, {"1.234,50 €", 0, "1234.5"}, {"US$ 12", 0, "12"}, {"R$ 1.234,50", 0, "1234.5"},
		{"THB 1,234.50", 0, "1234.5"}, {"1234.50THB", 0, "1234.5"}, {"12 kr", 0, "12"}, {"฿99", 0, "99"}, {"99 บาท", 0, "99"}, {"12 kg", 0, ""}, {"abc", 0, ""},
		{"١٢٣٤٫٥٦", 0, "1234.56"}, {"١٬٢٣٤٫٥", 0, "1234.5"}, {"۱۲۳۴", 0, "1234"}, {"๑๒๓.๔๕", 0, "123.45"}, {"１２３", 0, "123"}, {"१२३", 0, "123"},
		{"1e3", 0, "1000"}, {".5", 0, "0.5"}, {"1.", 0, ""}, {"", 0, ""}, {"-", 0, ""}, {"NaN", 0, ""}, {"Inf", 0, ""}, {"0x10", 0, ""}, {"1e99", 0, ""},
		{"1/3", 0, ""}, {"1_000", 0, ""}, {"$", 0, ""}, {"()", 0, ""}, {"1 2 3", 0, ""}, {"99999999999999.9999", 0, "99999999999999.9999"}, {"100000000000000", 0, ""},
	} {
		d, err := importer.ParseNumber(c.in, c.mark, "")
		if c.want == "" {
			if err == nil {
				t.Errorf("%q was read as %s", c.in, d)
			}
			continue
		}
		if err != nil || d.String() != c.want {
			t.Errorf("%q with mark %q = %s, %v; want %s", c.in, c.mark, d, err, c.want)
		}
	}
	if _, err := importer.ParseNumber("5 EUR", 0, "GBP"); err == nil {
		t.Error("an amount in another currency was read")
	}
	for in, want := range map[string]string{"17850.0": "17850", "0017": "17", "1e3": "1000", "-0": "0", "-12.00": "-12", "12345678901234567890": "12345678901234567890", "12.5": "", "x": ""} {
		if got, err := importer.ParseWhole(in); got != want || (err == nil) != (want != "") {
			t.Errorf("whole %q = %q, %v", in, got, err)
		}
	}
	for in, want := range map[string]bool{"TRUE": true, "Yes": true, "1": true, "๑": true, "да": true, "Oui": true, "no": false, "0": false, "Nein": false, "không": false} {
		if got, err := importer.ParseBool(in); err != nil || got != want {
			t.Errorf("bool %q = %v, %v", in, got, err)
		}
	}
	if _, err := importer.ParseBool("maybe"); err == nil {
		t.Error("maybe is neither yes nor no")
	}
}

func TestTimes(t *testing.T) {
	const refused = ""
	for _, c := range []struct{ in, format, zone, order, calendar, want string }{
		{"2011-12-09 12:50:00", "", "", "", "", "2011-12-09T12:50:00.000000Z"},
		{"2011-12-09", "", "", "", "", "2011-12-09T00:00:00.000000Z"},
		{"20111209", "", "", "", "", "2011-12-09T00:00:00.000000Z"},
		{"2011-12-09T12:50:00.1234567+07:00", "", "", "", "", "2011-12-09T05:50:00.123456Z"},
		{"2011-12-09T12:50Z", "iso", "Asia/Bangkok", "", "", "2011-12-09T12:50:00.000000Z"},
		{"2011/12/09 5:07 pm", "", "", "", "", "2011-12-09T17:07:00.000000Z"},
		{"9/12/2011 08:26", "", "", "dmy", "", "2011-12-09T08:26:00.000000Z"},
		{"12/9/2011 8:26", "", "", "mdy", "", "2011-12-09T08:26:00.000000Z"},
		{"09.12.2011", "", "Europe/Berlin", "dmy", "", "2011-12-08T23:00:00.000000Z"},
		{"9/12/2011", "", "", "", "", refused}, {"31/02/2011", "", "", "dmy", "", refused}, {"2011-02-29", "", "", "", "", refused},
		{"2012-02-29", "", "", "", "", "2012-02-29T00:00:00.000000Z"}, {"9999-01-01", "", "", "", "", refused}, {"1899-12-31", "", "", "", "", refused},
		{"2011-12-09 25:00", "", "", "", "", refused}, {"2011-12-09 24:00", "", "", "", "", "2011-12-10T00:00:00.000000Z"}, {"2011-12-09x", "", "", "", "", refused},
		{"", "", "", "", "", refused}, {"yesterday", "", "", "", "", refused}, {"13:00 pm", "", "", "", "", refused},
		{"09 Dec 2011 08:26 PM", "%d %b %Y %I:%M %p", "", "", "", "2011-12-09T20:26:00.000000Z"},
		{"Friday, December 9, 2011", "%A, %B %d, %Y", "", "", "", "2011-12-09T00:00:00.000000Z"},
		{"11343", "%y%j", "", "", "", "2011-12-09T00:00:00.000000Z"}, {"99366", "%y%j", "", "", "", refused},
		{"09/12/11", "%d/%m/%y", "", "", "", "2011-12-09T00:00:00.000000Z"}, {"09/12/11 ", "%d/%m/%y", "", "", "", "2011-12-09T00:00:00.000000Z"},
		{"2011-12-09 10:00 -0500", "%F %R %z", "", "", "", "2011-12-09T15:00:00.000000Z"}, {"2011-12-09 10", "%F %R", "", "", "", refused},
		{"1323433800", "unix", "", "", "", "2011-12-09T12:30:00.000000Z"}, {"1323433800.25", "unix", "", "", "", "2011-12-09T12:30:00.250000Z"},
		{"1323433800123", "unix_ms", "", "", "", "2011-12-09T12:30:00.123000Z"}, {"99999999999999999999", "unix", "", "", "", refused},
		{"40886.5", "excel", "", "", "", "2011-12-09T12:00:00.000000Z"}, {"60", "excel", "", "", "", refused}, {"NaN", "excel", "", "", "", refused},
		{"40886.5", "excel", "Asia/Bangkok", "", "", "2011-12-09T05:00:00.000000Z"},
		// Buddhist era: 543 years ahead; its leap days are those of the common calendar.
		{"09/12/2554", "", "Asia/Bangkok", "dmy", "buddhist", "2011-12-08T17:00:00.000000Z"},
		{"29/02/2567", "", "", "dmy", "buddhist", "2024-02-29T00:00:00.000000Z"}, {"29/02/2566", "", "", "dmy", "buddhist", refused},
		{"๒๙/๐๒/๒๕๖๗", "%d/%m/%Y", "", "", "buddhist", "2024-02-29T00:00:00.000000Z"},
		// Jalali.
		{"1403/01/01", "", "", "", "jalali", "2024-03-20T00:00:00.000000Z"}, {"1357-11-22", "", "", "", "jalali", "1979-02-11T00:00:00.000000Z"},
		{"۱۴۰۳/۱۲/۳۰", "", "", "", "jalali", "2025-03-20T00:00:00.000000Z"}, {"1402/12/30", "", "", "", "jalali", refused},
		{"1403/01/01 10:00", "", "Asia/Tehran", "", "jalali", "2024-03-20T06:30:00.000000Z"},
		// An hour that comes twice is the first; one that is left out moves on by the gap.
		{"2024-11-03 01:30", "", "America/New_York", "", "", "2024-11-03T05:30:00.000000Z"},
		{"2024-03-10 02:30", "", "America/New_York", "", "", "2024-03-10T07:30:00.000000Z"},
		{"2024-03-10 01:59", "", "America/New_York", "", "", "2024-03-10T06:59:00.000000Z"}, {"2024-03-10 03:00", "", "America/New_York", "", "", "2024-03-10T07:00:00.000000Z"},
		{"2024-03-31 01:30", "", "Europe/London", "", "", "2024-03-31T01:30:00.000000Z"}, {"2024-10-27 01:30", "", "Europe/London", "", "", "2024-10-27T00:30:00.000000Z"},
		{"2024-10-06 02:15", "", "Australia/Lord_Howe", "", "", "2024-10-05T15:45:00.000000Z"},
		{"2011-12-30 12:00", "", "Pacific/Apia", "", "", "2011-12-30T22:00:00.000000Z"}, // a day Samoa never had
	} {
		at, err := importer.ParseTime(c.in, c.format, c.zone, c.order, c.calendar)
		if c.want == refused {
			if err == nil {
				t.Errorf("%q was read as %s", c.in, at)
			}
			continue
		}
		if err != nil || at.String() != c.want {
			t.Errorf("%q (%s %s %s %s) = %s, %v; want %s", c.in, c.format, c.zone, c.order, c.calendar, at, err, c.want)
		}
	}
}

// TestZonesAgree compares with the time package wherever a local time is neither missing nor double.
func TestZonesAgree(t *testing.T) {
	for _, name := range []string{"Europe/London", "America/Sao_Paulo", "Asia/Tehran", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(2009, 1, 1, 0, 15, 0, 0, time.UTC); at.Year() < 2013; at = at.Add(431 * time.Minute) {
			local := at.In(zone).Format("2006-01-02 15:04:05")
			got, err := importer.ParseTime(local, "", name, "", "")
			if err != nil {
				t.Fatal(err)
			}
			if got.Time().In(zone).Format("2006-01-02 15:04:05") != local || got > clientele.MicrosOf(at) {
				t.Fatalf("%s %s is %s, was %s", name, local, got, at)
			}
		}
	}
}

// TestCalendars walks over every day of the span: days follow each other, and the leap years are
// those that the Iranian calendar had.
func TestCalendars(t *testing.T) {
	day, _ := importer.JalaliDay(1278, 1, 1)
	leaps := ""
	for y := 1278; y <= 1590; y++ {
		if y >= 1342 && y <= 1410 && importer.JalaliLeap(y) {
			leaps += time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006 ")
		}
		for m := 1; m <= 12; m++ {
			for d := 1; d <= 31; d++ {
				got, ok := importer.JalaliDay(y, m, d)
				if !ok {
					continue
				}
				if got != day {
					t.Fatalf("%d-%d-%d is day %d, want %d", y, m, d, got, day)
				}
				day++
			}
		}
	}
	if want := "1342 1346 1350 1354 1358 1362 1366 1370 1375 1379 1383 1387 1391 1395 1399 1403 1408 "; leaps != want {
		t.Errorf("leap years %s, want %s", leaps, want)
	}
	for _, c := range []struct{ y, m, d, gy, gm, gd int }{{1300, 1, 1, 1921, 3, 21}, {1348, 10, 11, 1970, 1, 1}, {1375, 12, 30, 1997, 3, 20}, {1379, 1, 1, 2000, 3, 20},
		{1399, 12, 30, 2021, 3, 20}, {1400, 1, 1, 2021, 3, 21}, {1404, 1, 1, 2025, 3, 21}, {1408, 1, 1, 2029, 3, 20}} {
		j, _ := importer.JalaliDay(c.y, c.m, c.d)
		g, _ := importer.GregorianDay(c.gy, c.gm, c.gd)
		if j != g {
			t.Errorf("%d-%d-%d is %d days from %d-%d-%d", c.y, c.m, c.d, j-g, c.gy, c.gm, c.gd)
		}
	}
	for at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 3000; at = at.AddDate(0, 0, 13) {
		if got, ok := importer.GregorianDay(at.Year(), int(at.Month()), at.Day()); !ok || int64(got) != at.Unix()/86400 {
			t.Fatalf("%s is day %d", at, got)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1.234,56", "(£1,234.50)", "١٬٢٣٤٫٥", "12 kr", "1e5", "-", "1'2"} {
		f.Add(s, byte(0))
	}
	f.Add("1.234", byte(','))
	f.Fuzz(func(t *testing.T, s string, mark byte) {
		if mark != '.' && mark != ',' {
			mark = 0
		}
		d, err := importer.ParseNumber(s, mark, "")
		if err != nil {
			return
		}
		if !strings.ContainsFunc(s, func(r rune) bool { return r >= '0' && r <= '9' || r > 0x7f }) {
			t.Fatalf("%q has no digit and was read as %s", s, d)
		}
		if back, err := importer.ParseNumber(d.String(), '.', ""); err != nil || back != d {
			t.Fatalf("%q = %s, which reads back as %s, %v", s, d, back, err)
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"2011-12-09 12:50:00", "9/12/2554 5:07 pm", "۱۴۰۳/۱۲/۳۰", "20240229T101010", "1e3"} {
		f.Add(s, "", "dmy", "buddhist")
	}
	f.Add("09 Dec 2011", "%d %b %Y", "", "")
	f.Add("1323433800.5", "unix", "", "jalali")
	f.Fuzz(func(t *testing.T, s, format, order, calendar string) {
		at, err := importer.ParseTime(s, format, "Asia/Tehran", order, calendar)
		if err == nil && (at < clientele.MinTime || at >= clientele.MaxTime || at == 0) {
			t.Fatalf("%q was read as %d, out of range", s, at)
		}
	})
}
