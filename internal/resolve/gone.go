package resolve

import (
	"slices"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/identity"
	"clientele/internal/rowcache"
)

// gone is the erasure blocklist: the seals of identifiers and rows of erased persons, each with the
// time up to which what is said of it is kept out.
//
// It knows the erasures of the rows, and, while a log is resolved anew, those that the log will only
// tell of later. The latter hold from the beginning, so that a person is not in the rows for a
// moment, and their anchors are left out when others are numbered.
type gone struct {
	seal    func(parts ...string) clientele.Seal
	ids     map[clientele.Seal]until
	rows    map[clientele.Seal]until
	anchors map[clientele.Anchor]bool
	ahead   map[clientele.Position]*clientele.Erasure
	refs    map[clientele.RecordRef]bool // events of erasures ahead
	latest  clientele.Micros
}

type until struct {
	at       clientele.Micros
	position clientele.Position
}

// newGone reads the erasures of the rows; ahead are those that the caller knows of besides.
func newGone(rows clientele.Rows, seal func(...string) clientele.Seal, ahead []clientele.Erasure) (*gone, error) {
	g := &gone{seal: seal, ids: map[clientele.Seal]until{}, rows: map[clientele.Seal]until{}, anchors: map[clientele.Anchor]bool{},
		ahead: map[clientele.Position]*clientele.Erasure{}, refs: map[clientele.RecordRef]bool{}}
	stored := map[clientele.Position]bool{}
	err := ScanErasures(rows, func(e *clientele.Erasure) error {
		g.add(e)
		stored[e.Position] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range ahead {
		e := &ahead[i]
		if stored[e.Position] {
			continue
		}
		g.add(e)
		g.ahead[e.Position] = e
		for _, a := range e.Anchors {
			g.anchors[a] = true
		}
		for _, ref := range e.Records {
			g.refs[ref] = true
		}
	}
	return g, nil
}

// ScanErasures calls fn for each erasure of the rows, the oldest first.
func ScanErasures(rows clientele.Rows, fn func(*clientele.Erasure) error) error {
	prefix := clientele.NewKey(clientele.RowErasure).Bytes([]byte{'e'})
	return rows.Scan(clientele.Prefix(prefix), func(_ clientele.Key, v []byte) (bool, error) {
		e, err := rowcache.Decode[clientele.Erasure](v)
		if err != nil {
			return false, err
		}
		return true, fn(e)
	})
}

// ScanKeptOut calls fn for each record that the blocklist kept out and that is still in the log.
func ScanKeptOut(rows clientele.Rows, fn func(clientele.RecordRef) error) error {
	prefix := clientele.NewKey(clientele.RowErasure).Bytes([]byte{'d'})
	return rows.Scan(clientele.Prefix(prefix), func(k clientele.Key, _ []byte) (bool, error) {
		ref, err := keptOutRef(k)
		if err != nil {
			return false, err
		}
		return true, fn(ref)
	})
}

func keptOutRef(k clientele.Key) (clientele.RecordRef, error) {
	r := clientele.Key(k[1:]).Read() // behind the table and the letter
	ref := clientele.RecordRef{Position: clientele.Position(r.Uint()), Ordinal: int(r.Uint())}
	return ref, r.Err()
}

func (g *gone) add(e *clientele.Erasure) {
	g.latest = max(g.latest, e.At)
	put := func(m map[clientele.Seal]until, seals []clientele.Seal) {
		for _, s := range seals {
			if have, ok := m[s]; !ok || have.at < e.At {
				m[s] = until{e.At, e.Position}
			}
		}
	}
	put(g.ids, e.Identifiers)
	put(g.rows, e.Rows)
}

// concerns says whether something said at that time may be kept out at all. A record without a
// time of its own may be about any.
func (g *gone) concerns(at clientele.Micros, timed bool) bool {
	return len(g.ids)+len(g.rows) > 0 && (at <= g.latest || !timed)
}

// SealIdentifier and SealRow are what the blocklist holds of them.
func SealIdentifier(seal func(...string) clientele.Seal, id clientele.Identifier) clientele.Seal {
	return seal("id", string(id.Namespace), id.Value)
}

// SealRow is the seal of a row's key.
func SealRow(seal func(...string) clientele.Seal, k clientele.Key) clientele.Seal {
	return seal("row", string(k))
}

// row says whether the fact is of an erased person's row, or of what hangs on one.
func (g *gone) row(f commerce.Fact, at clientele.Micros, timed bool) (until, bool) {
	if len(g.rows) == 0 {
		return until{}, false
	}
	keys := []clientele.Key{commerce.KeyOf(f)}
	src, _ := f.Fields["source"].(string)
	for column, table := range map[string]string{"order_id": "orders", "loyalty_id": "loyalty_accounts"} {
		if id, _ := f.Fields[column].(string); id != "" && f.Table.Name != table && f.Table.Name != "conversations" {
			keys = append(keys, clientele.TableKey(table, src, id))
		}
	}
	for _, k := range keys {
		if k == nil {
			continue
		}
		if u, ok := g.rows[SealRow(g.seal, k)]; ok && (at <= u.at || !timed) {
			return u, true
		}
	}
	return until{}, false
}

// verdict is what the blocklist says of a record's identifiers.
type verdict struct {
	out   bool                // the record is an erased person's
	since clientele.Position  // of that erasure
	kept  []identity.Observed // otherwise: those that still identify
}

// judge goes by the strongest identifier that identifies: the record is its person's. Weaker ones
// that are on the list do not identify in it. Behind the erasure a record that names an erased
// person and nobody who is known is kept out too.
func (g *gone) judge(p clientele.Position, ids []identity.Observed, at clientele.Micros, timed bool,
	known func(clientele.Identifier) (clientele.Anchor, bool, error)) (verdict, error) {
	var v verdict
	owner, live := false, false
	for _, o := range ids {
		a, identifies, err := known(o.ID)
		if err != nil {
			return v, err
		}
		if u, ok := g.ids[SealIdentifier(g.seal, o.ID)]; ok && (at <= u.at || !timed && a == 0) {
			v.since = max(v.since, u.position)
			if !owner {
				v.out = true
				return v, nil
			}
			continue
		}
		owner = owner || o.ID.Namespace != clientele.PreviousID && (a == 0 || identifies)
		live = live || a != 0 && identifies
		v.kept = append(v.kept, o)
	}
	v.out = v.since != 0 && v.since < p && !live
	return v, nil
}

// strip takes identifiers of erased persons out of what remains of a record, and says whether there
// were any.
func (g *gone) strip(l *remains) bool {
	n := len(l.IDs)
	l.IDs = slices.DeleteFunc(l.IDs, func(id clientele.RecordIdentifier) bool {
		u, ok := g.ids[SealIdentifier(g.seal, clientele.Identifier{Namespace: id.Namespace, Value: id.Value})]
		return ok && l.TS <= u.at
	})
	return len(l.IDs) < n
}

// keepOut applies the blocklist to a record. What it keeps out behind the erasure waits in the log
// to be purged; of what the log tells before an erasure that is known already, what must remain is
// taken in.
func (r *Resolver) keepOut(p clientele.Position, i int, rec *Parsed, at clientele.Micros, timed bool, m *mint) (bool, error) {
	if !r.gone.concerns(at, timed) {
		return false, nil
	}
	v, err := r.gone.judge(p, rec.ids, at, timed, r.graph.Known)
	if err != nil {
		return false, err
	}
	if !v.out && rec.fact.Table != nil {
		u, ok := r.gone.row(rec.fact, at, timed)
		v.out, v.since = ok, u.position
	}
	if !v.out {
		rec.ids = v.kept
		return false, nil
	}
	if v.since < p {
		r.put(clientele.KeptOutKey(p, i), []byte{})
		r.totals.KeptOut++
		return true, nil
	}
	accepted := rec.event == nil || rec.trimmed != nil || r.gone.refs[clientele.RecordRef{Position: p, Ordinal: i}]
	left, err := remainsOf(rec, at, accepted, func(id clientele.Identifier) bool {
		_, listed := r.gone.ids[SealIdentifier(r.gone.seal, id)]
		return !listed
	})
	if err != nil {
		return true, err
	}
	return true, r.recall(left, rec.Source, m)
}
