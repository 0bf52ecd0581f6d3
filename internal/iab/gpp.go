package iab

import (
	"fmt"
	"strings"

	"clientele"
)

// The sections of the Global Privacy Platform that are read besides those of US states.
const (
	sectionTCF       = 2
	sectionUSPrivacy = 6
)

// usSection says where in a US section's core the three choices stand: how many fields of two bits
// lie between the version and each; -1 where the section has none.
type usSection struct {
	jurisdiction            string
	sale, sharing, targeted int
}

// state is the layout that most states share.
func state(name string) usSection { return usSection{name, 3, -1, 4} }

var usSections = map[int]usSection{
	7:  {"US", 6, 7, 8},
	8:  {"US-CA", 3, 4, -1},
	9:  state("US-VA"),
	10: state("US-CO"),
	11: {"US-UT", 4, -1, 5},
	12: state("US-CT"),
	13: state("US-FL"),
	14: state("US-MT"),
	15: state("US-OR"),
	16: state("US-TX"),
	17: state("US-DE"),
	18: {"US-IA", 4, -1, 5},
	19: state("US-NE"),
	20: state("US-NH"),
	21: state("US-NJ"),
	22: state("US-TN"),
	23: state("US-MN"),
}

// maxSections bounds what one string may claim to hold.
const maxSections = 64

// GPP reads a string of the Global Privacy Platform: its sections for the EU (TCF 2), for the US
// and its states, and the older US Privacy. Sections of others are passed over. Invalid when the
// string, or one of the sections that are read, is not one.
func GPP(s string) ([]clientele.ConsentRequest, error) {
	if len(s) > maxString {
		return nil, unreadable("it is too long")
	}
	parts := strings.Split(s, "~")
	ids, err := gppHeader(parts[0])
	if err != nil {
		return nil, err
	}
	if len(ids) != len(parts)-1 {
		return nil, unreadable(fmt.Sprintf("its header names %d sections, it has %d", len(ids), len(parts)-1))
	}
	var out []clientele.ConsentRequest
	for i, id := range ids {
		var some []clientele.ConsentRequest
		var err error
		switch us, known := usSections[id]; {
		case id == sectionTCF:
			some, err = TCF(parts[i+1])
		case id == sectionUSPrivacy:
			some, err = USPrivacy(parts[i+1])
		case known:
			some, err = us.read(parts[i+1], id)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// gppHeader is the ids of the sections, in the order in which they follow.
func gppHeader(s string) ([]int, error) {
	r, err := segment(s)
	if err != nil {
		return nil, err
	}
	if typ, version := r.int(6), r.int(6); typ != 3 || version != 1 {
		return nil, unreadable("it does not begin as a string of the Global Privacy Platform, version 1")
	}
	var ids []int
	last := 0
	for range r.int(12) {
		group := r.bit() == 1
		last += r.fibonacci()
		first := last
		if group {
			last += r.fibonacci()
		}
		if r.short || len(ids)+last-first >= maxSections {
			return nil, unreadable("its header is damaged")
		}
		for id := first; id <= last; id++ {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (u usSection) read(s string, id int) ([]clientele.ConsentRequest, error) {
	core, rest, _ := strings.Cut(s, ".")
	r, err := segment(core)
	if err != nil {
		return nil, err
	}
	version := r.int(6)
	if version == 0 || version > 8 {
		return nil, unreadable(fmt.Sprintf("section %d has no version that is known", id))
	}
	last := max(u.sale, u.sharing, u.targeted)
	fields := make([]uint64, last+1)
	for i := range fields {
		fields[i] = r.int(2)
	}
	if r.short {
		return nil, unreadable(fmt.Sprintf("section %d is cut short", id))
	}
	gpc := gpcSegment(rest)
	var out []clientele.ConsentRequest
	for _, c := range []struct {
		purpose string
		at      int
	}{{clientele.PurposeSale, u.sale}, {clientele.PurposeSharing, u.sharing}, {clientele.PurposeTargetedAdvertising, u.targeted}} {
		value := uint64(0)
		if c.at >= 0 {
			value = fields[c.at]
		}
		if gpc { // the browser's signal stands above what was clicked
			value = 1
		}
		if value == 1 || value == 2 { // 1 opted out, 2 did not; 0 does not apply
			out = append(out, clientele.ConsentRequest{Purpose: c.purpose, Granted: value == 2, LegalBasis: "opt_out", Jurisdiction: u.jurisdiction,
				TextVersion: fmt.Sprintf("gpp-%d.%d", id, version)})
		}
	}
	return out, nil
}

// gpcSegment says whether one of the segments behind the core (type 1) says that the browser's
// Global Privacy Control was on.
func gpcSegment(rest string) bool {
	for _, s := range strings.Split(rest, ".") {
		r, err := segment(s)
		if err == nil && r.int(2) == 1 && r.bit() == 1 && !r.short {
			return true
		}
	}
	return false
}

// USPrivacy reads the older four letters: version 1, notice, opt-out of sale, LSPA.
func USPrivacy(s string) ([]clientele.ConsentRequest, error) {
	if len(s) != 4 || s[0] != '1' {
		return nil, unreadable("a US Privacy string is 1 and three letters")
	}
	switch s[2] {
	case 'Y', 'y', 'N', 'n':
		return []clientele.ConsentRequest{{Purpose: clientele.PurposeSale, Granted: s[2] == 'N' || s[2] == 'n', LegalBasis: "opt_out",
			Jurisdiction: "US-CA", TextVersion: "us-privacy-1"}}, nil
	case '-':
		return nil, nil
	}
	return nil, unreadable("its opt-out is none of Y, N and -")
}

// GPC is what the browser's Global Privacy Control signal decides.
func GPC() []clientele.ConsentRequest {
	var out []clientele.ConsentRequest
	for _, p := range []string{clientele.PurposeSale, clientele.PurposeSharing, clientele.PurposeTargetedAdvertising} {
		out = append(out, clientele.ConsentRequest{Purpose: p, LegalBasis: "opt_out", TextVersion: "gpc"})
	}
	return out
}
