package storetest

import (
	"fmt"
	"testing"

	"clientele"
)

// What audiences need of a store: the due index in the order of time and moved within a change set, the entries of one
// name in a span of a timeline and nothing of its neighbours, and both as of one commit for who reads a snapshot.

// dues are the due rows up to the moment, the longest due first, at most n.
func dues(t *testing.T, rows clientele.Rows, to clientele.Micros, n int) (out []string) {
	t.Helper()
	err := rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowDue)), func(k clientele.Key, _ []byte) (bool, error) {
		r := k.Read()
		at, what, id := r.Time(), r.Text(), r.Uint()
		if at > to || len(out) == n {
			return false, r.Err()
		}
		out = append(out, fmt.Sprintf("%d %s %d", at, what, id))
		return true, r.Err()
	})
	if err != nil {
		t.Errorf("due rows: %v", err)
	}
	return out
}

func testDue(t *testing.T, s *store) {
	one := []byte{1}
	due := func(at clientele.Micros, id clientele.ProfileID, v []byte) clientele.RowChange {
		return clientele.RowChange{Key: clientele.DueKey(at, "audience", id), Value: v}
	}
	const year = clientele.Micros(365 * 86_400_000_000)
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{due(55*year, 3, one), due(-year, 1, one), due(55*year, 2, one), due(256, 5, one), due(255, 4, one), due(0, 9, one)}})
	all := []string{fmt.Sprintf("%d audience 1", -year), "0 audience 9", "255 audience 4", "256 audience 5", fmt.Sprintf("%d audience 2", 55*year), fmt.Sprintf("%d audience 3", 55*year)}
	sameList(t, dues(t, s, clientele.MaxTime, 99), all...)
	sameList(t, dues(t, s, 255, 99), all[:3]...)
	sameList(t, dues(t, s, clientele.MaxTime, 2), all[:2]...)
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	// A moment that moves, one that passes, one that is put and taken away by the same set: the last word holds.
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{due(-year, 1, nil), due(300, 1, one), due(0, 9, nil), due(7, 8, one), due(7, 8, nil)}})
	moved := []string{all[2], all[3], "300 audience 1", all[4], all[5]}
	sameList(t, dues(t, s, clientele.MaxTime, 99), moved...)
	sameList(t, dues(t, snap, clientele.MaxTime, 99), all...)
	if err := snap.Close(); err != nil {
		t.Error(err)
	}
	s.reopen()
	sameList(t, dues(t, s, clientele.MaxTime, 99), moved...)
}

func testTimeline(t *testing.T, s *store) {
	key := func(a clientele.Anchor, name string, at clientele.Micros) clientele.Key {
		return clientele.NewKey(clientele.RowTimeline).Anchor(a).Text(name).Time(at)
	}
	var rows []clientele.RowChange
	names := []string{"Viewed", "View", "View\x00", "View\x00ed", "", "View ", "\xff"}
	times := []clientele.Micros{clientele.MinTime, -1, 0, 1, 255, 256, clientele.MaxTime - 1}
	anchors := []clientele.Anchor{8192, 8193, 2 * 8192, 256 * 8192}
	for _, a := range anchors {
		for _, name := range names {
			for _, at := range times {
				for _, id := range []string{"m", "n"} { // two of one moment
					rows = append(rows, clientele.RowChange{Key: key(a, name, at).Text("web").Text(id), Value: fmt.Appendf(nil, "%d %q %d %s", a, name, at, id)})
				}
			}
		}
	}
	s.apply(clientele.ChangeSet{Rows: rows})
	for _, a := range anchors {
		for _, name := range names {
			for i, from := range times {
				for j, to := range times[i:] {
					var want, got []string
					for _, at := range times[i : i+j+1] {
						for _, id := range []string{"m", "n"} {
							want = append(want, fmt.Sprintf("%d %q %d %s", a, name, at, id))
						}
					}
					err := s.Scan(clientele.Range{Start: key(a, name, from), End: key(a, name, to+1)}, func(_ clientele.Key, v []byte) (bool, error) {
						got = append(got, string(v))
						return true, nil
					})
					if err != nil {
						t.Fatal(err)
					}
					sameList(t, got, want...)
				}
			}
		}
	}
}
