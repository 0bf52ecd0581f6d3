package resolve

import (
	"encoding/base64"
	"slices"

	"clientele"
)

// AudienceListBody changes the list of a static or SQL audience. It names people by anchors and what
// nobody has yet by seals, so it says of nobody who it is. In the log for ever.
type AudienceListBody struct {
	Name     string `json:"name"`
	Revision int    `json:"revision"`          // of the list: all commands of one file, or of one refresh, have the same
	Add      string `json:"add,omitempty"`     // PackIDs of anchors
	Remove   string `json:"remove,omitempty"`  // likewise
	Await    string `json:"await,omitempty"`   // PackSeals of identifiers that nobody has yet
	Unawait  string `json:"unawait,omitempty"` // likewise, of those that are not awaited any longer
	Anew     bool   `json:"anew,omitempty"`    // Dropped counts from here
	Dropped  int64  `json:"dropped,omitempty"` // identifiers that nobody had, and that are not kept
}

// PackSeals makes text of seals.
func PackSeals(seals []clientele.Seal) string {
	var b []byte
	for _, s := range seals {
		b = append(b, s[:]...)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func unpackSeals(s string) ([]clientele.Seal, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b)%len(clientele.Seal{}) != 0 {
		return nil, invalid("command audience_list: its seals are cut short")
	}
	var out []clientele.Seal
	for some := range slices.Chunk(b, len(clientele.Seal{})) {
		out = append(out, clientele.Seal(some))
	}
	return out, nil
}

// listState is how the list of an audience stands. Field numbers are on disk.
type listState struct {
	Size     int64            `cbor:"1,keyasint"` // anchors on it
	Waiting  int64            `cbor:"2,keyasint,omitempty"`
	Dropped  int64            `cbor:"3,keyasint,omitempty"`
	Revision int              `cbor:"4,keyasint,omitempty"`
	At       clientele.Micros `cbor:"5,keyasint,omitempty"`
}

// listing is an anchor on a list.
type listing struct {
	name   string
	anchor clientele.Anchor
}

// listCommand changes a list. What it says twice it does once.
func (r *Resolver) listCommand(body func(any) error, now clientele.Micros) error {
	var b AudienceListBody
	if err := body(&b); err != nil {
		return err
	}
	a := r.audiences
	x := a.rows[b.Name]
	if x == nil || x.List == nil {
		return clientele.Errorf(clientele.NotFound, "there is no static or SQL audience of that name")
	}
	add, err := unpackIDs(b.Add)
	if err != nil {
		return err
	}
	remove, err := unpackIDs(b.Remove)
	if err != nil {
		return err
	}
	await, err := unpackSeals(b.Await)
	if err != nil {
		return err
	}
	unawait, err := unpackSeals(b.Unawait)
	if err != nil {
		return err
	}
	a.changed[b.Name] = true
	for _, id := range add {
		if err := r.enlist(x, b.Name, clientele.Anchor(id), now); err != nil {
			return err
		}
	}
	for _, id := range remove {
		if err := r.strike(x, b.Name, clientele.Anchor(id)); err != nil {
			return err
		}
	}
	for _, s := range await {
		if err := r.await(x, b.Name, s, true); err != nil {
			return err
		}
	}
	for _, s := range unawait {
		if err := r.await(x, b.Name, s, false); err != nil {
			return err
		}
	}
	if b.Anew {
		x.List.Dropped = 0
	}
	x.List.Dropped += b.Dropped
	x.List.Revision, x.List.At = b.Revision, now
	return nil
}

// enlist puts an anchor on a list.
func (r *Resolver) enlist(x *audienceRow, name string, anchor clientele.Anchor, now clientele.Micros) error {
	a := r.audiences
	if there, err := r.graph.Exists(anchor); err != nil || !there || r.gone.anchors[anchor] {
		return err // erased, or, while a log is resolved anew, to be erased
	}
	byAnchor, byName := clientele.ListKeys(anchor, name)
	if have, err := a.onList(r.o.Store, anchor, name); err != nil || have {
		return err
	}
	r.put(byAnchor, stamp(now))
	r.put(byName, []byte{1})
	x.List.Size++
	a.relist(listing{name, anchor}, now)
	return nil
}

// strike takes an anchor off a list.
func (r *Resolver) strike(x *audienceRow, name string, anchor clientele.Anchor) error {
	a := r.audiences
	byAnchor, byName := clientele.ListKeys(anchor, name)
	if have, err := a.onList(r.o.Store, anchor, name); err != nil || !have {
		return err
	}
	r.put(byAnchor, nil)
	r.put(byName, nil)
	x.List.Size--
	a.relist(listing{name, anchor}, 0)
	return nil
}

// relist notes that the anchor is on the list since then, or, with 0, no longer.
func (a *audiences) relist(l listing, at clientele.Micros) {
	a.listed[l] = at
	if a.plan != nil {
		a.plan.Listed(a.touch(l.anchor), l.name)
		a.relisted[l.anchor] = true
	}
}

// onList says whether the anchor is on the list, as of the batch.
func (a *audiences) onList(rows clientele.Rows, anchor clientele.Anchor, name string) (bool, error) {
	if at, changed := a.listed[listing{name, anchor}]; changed {
		return at != 0, nil
	}
	k, _ := clientele.ListKeys(anchor, name)
	v, err := rows.Get(k)
	return v != nil, err
}

// await notes an identifier that is on a list and that nobody has, or no longer.
func (r *Resolver) await(x *audienceRow, name string, s clientele.Seal, on bool) error {
	bySeal, byName := clientele.AwaitKeys(s, name)
	v, err := r.o.Store.Get(bySeal)
	if err != nil || (v != nil) == on {
		return err
	}
	if on {
		r.put(bySeal, []byte{1})
		r.put(byName, []byte{1})
		x.List.Waiting++
		return nil
	}
	r.put(bySeal, nil)
	r.put(byName, nil)
	x.List.Waiting--
	return nil
}

// waiting is how many identifiers lists await.
func (a *audiences) waiting() (n int64) {
	for _, x := range a.rows {
		if x.List != nil {
			n += x.List.Waiting
		}
	}
	return n
}

// awaited puts a new identifier on the lists that await it.
func (r *Resolver) awaited(anchor clientele.Anchor) error {
	a := r.audiences
	id, err := r.graph.Identifier(anchor)
	if err != nil {
		return err
	}
	for _, form := range id.Hashed() {
		s := SealIdentifier(r.gone.seal, form)
		names, err := awaitedBy(r.o.Store, s)
		if err != nil {
			return err
		}
		for _, name := range names {
			x := a.rows[name]
			if x == nil || x.List == nil {
				continue
			}
			a.changed[name] = true
			if err := r.await(x, name, s, false); err != nil {
				return err
			}
			if err := r.enlist(x, name, anchor, r.totals.Now); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitedBy are the audiences whose lists await the identifier of the seal.
func awaitedBy(rows clientele.Rows, s clientele.Seal) (names []string, err error) {
	prefix := clientele.AwaitOf(s)
	err = rows.Scan(clientele.Prefix(prefix), func(k clientele.Key, _ []byte) (bool, error) {
		names = append(names, clientele.Key(k[len(prefix)-1:]).Read().Text())
		return true, nil
	})
	return names, err
}

// unlist takes an erased anchor off all lists, and what they await of its identifier.
func (r *Resolver) unlist(anchor clientele.Anchor) error {
	a := r.audiences
	prefix := clientele.ListOf(anchor)
	var names []string
	err := r.o.Store.Scan(clientele.Prefix(prefix), func(k clientele.Key, _ []byte) (bool, error) {
		names = append(names, clientele.Key(k[len(prefix)-1:]).Read().Text())
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		byAnchor, byName := clientele.ListKeys(anchor, name)
		r.put(byAnchor, nil)
		r.put(byName, nil)
		if x := a.rows[name]; x != nil && x.List != nil {
			x.List.Size--
			a.changed[name] = true
		}
	}
	return nil
}

// unawaitAll forgets that lists await identifiers of an erased person. While a log is resolved anew they were
// awaited still, for the person never came.
func (r *Resolver) unawaitAll(seals []clientele.Seal) error {
	a := r.audiences
	if a.waiting() == 0 {
		return nil
	}
	for _, s := range seals {
		names, err := awaitedBy(r.o.Store, s)
		if err != nil {
			return err
		}
		for _, name := range names {
			if x := a.rows[name]; x != nil && x.List != nil {
				a.changed[name] = true
				if err := r.await(x, name, s, false); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// dropList deletes the list of an audience that ends, and commits as it goes, as eachMember does.
func (r *Resolver) dropList(name string) error {
	anchors, seals, err := ListOfAudience(r.o.Store, name)
	if err != nil {
		return err
	}
	const atOnce = 20_000
	for some := range slices.Chunk(anchors, atOnce) {
		set := &clientele.ChangeSet{After: r.position, Position: r.position}
		rows := clientele.TableRows{Table: "audience_lists"}
		for _, anchor := range some {
			byAnchor, byName := clientele.ListKeys(anchor, name)
			set.Rows = append(set.Rows, clientele.RowChange{Key: byAnchor}, clientele.RowChange{Key: byName})
			rows.Delete = append(rows.Delete, []any{name, int64(anchor)})
		}
		if set.Outbox, err = r.outgoing.encode(&clientele.Change{Position: r.position, Tables: []clientele.TableRows{rows}}, r.o.Plain); err != nil {
			return err
		}
		if err := r.o.Store.Apply(set); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(seals, atOnce) {
		set := &clientele.ChangeSet{After: r.position, Position: r.position}
		for _, s := range some {
			bySeal, byName := clientele.AwaitKeys(s, name)
			set.Rows = append(set.Rows, clientele.RowChange{Key: bySeal}, clientele.RowChange{Key: byName})
		}
		if err := r.o.Store.Apply(set); err != nil {
			return err
		}
	}
	return nil
}

// ListOfAudience is who is on the list of a static or SQL audience, ascending, and what it awaits.
func ListOfAudience(rows clientele.Rows, name string) (anchors []clientele.Anchor, seals []clientele.Seal, err error) {
	prefix := clientele.ListNamed(name)
	err = rows.Scan(clientele.Prefix(prefix), func(k clientele.Key, _ []byte) (bool, error) {
		anchors = append(anchors, clientele.Anchor(clientele.Key(k[len(prefix)-1:]).Read().Uint()))
		return true, nil
	})
	if err != nil {
		return nil, nil, err
	}
	prefix = clientele.AwaitNamed(name)
	err = rows.Scan(clientele.Prefix(prefix), func(k clientele.Key, _ []byte) (bool, error) {
		if s := k[len(prefix):]; len(s) == len(clientele.Seal{}) {
			seals = append(seals, clientele.Seal(s))
		}
		return true, nil
	})
	return anchors, seals, err
}

// listRows are the rows of audience_lists that the batch has changed.
func (r *Resolver) listRows() (clientele.TableRows, error) {
	rows := clientele.TableRows{Table: "audience_lists"}
	a := r.audiences
	for l, at := range a.listed {
		if at == 0 {
			rows.Delete = append(rows.Delete, []any{l.name, int64(l.anchor)})
			continue
		}
		p, err := r.profileOf(l.anchor)
		if err != nil {
			return rows, err
		}
		rows.Upsert = append(rows.Upsert, []any{int64(l.anchor), l.name, p, int64(at), string(a.rows[l.name].Kind)})
	}
	byKey := func(name, anchor int) func(x, y []any) int {
		return func(x, y []any) int {
			if x[name] != y[name] {
				return compareText(x[name].(string), y[name].(string))
			}
			return int(min(1, max(-1, x[anchor].(int64)-y[anchor].(int64))))
		}
	}
	slices.SortFunc(rows.Delete, byKey(0, 1))
	slices.SortFunc(rows.Upsert, byKey(1, 0))
	return rows, nil
}

func compareText(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// listed says whether one of the anchors is on the list.
func listed(rows clientele.Rows, members []clientele.Anchor, name string) (bool, error) {
	for _, m := range members {
		k, _ := clientele.ListKeys(m, name)
		if v, err := rows.Get(k); err != nil || v != nil {
			return v != nil, err
		}
	}
	return false, nil
}
