package app

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/importer"
	"clientele/internal/resolve"
)

// listAtOnce is how many people or identifiers one command about a list tells of: the resolver evaluates
// all of them before it goes on.
const listAtOnce = 5000

// UploadAudience changes the list of a static audience by a file of identifiers.
func (a *App) UploadAudience(ctx context.Context, by, name string, up clientele.AudienceUpload, text []byte) (*clientele.AudienceUploaded, error) {
	if up.Namespace == "" {
		return nil, clientele.Errorf(clientele.Invalid, "the namespace of the identifiers is missing").WithHint("email, phone, user_id, …")
	}
	have, err := resolve.LoadAudience(a.rows, name)
	if err != nil {
		return nil, err
	}
	if have.Kind != clientele.AudienceStatic {
		return nil, clientele.Errorf(clientele.Conflict, "the audience is of the kind %s", have.Kind).WithHint("files are for audiences of the kind static")
	}
	values, err := importer.Identifiers(text, up.Namespace, up.Column)
	if err != nil {
		return nil, err
	}
	a.listing.Lock()
	defer a.listing.Unlock()
	wanted := identifiersOf(up.Namespace, values)
	found, err := a.match(wanted)
	if err != nil {
		return nil, err
	}
	out := &clientele.AudienceUploaded{Audience: name, Mode: up.Mode, Identifiers: int64(len(values)), Matched: int64(len(wanted) - len(found.unmatched)), Unmatched: int64(len(found.unmatched))}
	out.MatchRate = float64(out.Matched) / float64(max(1, out.Identifiers))
	change, err := a.listChange(name, up, found)
	if err != nil {
		return nil, err
	}
	if up.Keep && up.Mode != clientele.ListRemove {
		out.Kept = out.Unmatched
	}
	if err := a.tellList(ctx, by, name, change); err != nil {
		return nil, err
	}
	if out.Kept > 0 { // who has come since it was looked for
		again, err := a.match(found.unmatched)
		if err != nil {
			return nil, err
		}
		if len(again.anchors) > 0 {
			late := listChange{add: again.anchors, unawait: a.sealsOf(again.matched)}
			if err := a.tellList(ctx, by, name, late); err != nil {
				return nil, err
			}
		}
	}
	now, err := resolve.LoadAudience(a.rows, name)
	if err == nil {
		out.Members = now.Members
	}
	return out, err
}

// SuppressedProfiles are those whom an audience's definition means and a suppress rule leaves out, by their numbers.
func (a *App) SuppressedProfiles(_ context.Context, name string, limit int, cursor string) ([]clientele.SuppressedProfile, string, error) {
	behind := clientele.ProfileID(0)
	if cursor != "" {
		var err error
		if behind, err = clientele.ParseProfileID(cursor); err != nil {
			return nil, "", clientele.Errorf(clientele.Invalid, "cursor is not one of ours")
		}
	}
	out := []clientele.SuppressedProfile{}
	err := resolve.SuppressedOf(a.rows, name, behind, func(p clientele.SuppressedProfile) bool {
		out = append(out, p)
		return len(out) <= limit
	})
	if len(out) > limit {
		return out[:limit], out[limit-1].Profile.String(), err
	}
	return out, "", err
}

// identifiersOf are the values as identifiers of the namespace; of e-mail addresses and phone numbers a SHA-256 is a hash.
func identifiersOf(ns clientele.Namespace, values []string) []clientele.Identifier {
	out := make([]clientele.Identifier, 0, len(values))
	base, hashed := strings.CutSuffix(string(ns), "_sha256")
	hashable := hashed || ns == clientele.Email || ns == clientele.Phone
	for _, v := range values {
		id := clientele.Identifier{Namespace: ns, Value: v}
		if sum, is := sha256Of(v); hashable && is {
			id = clientele.Identifier{Namespace: clientele.HashedNamespace(clientele.Namespace(base)), Value: sum}
		}
		out = append(out, id)
	}
	return out
}

// sha256Of reads a hash as others write it, in hexadecimal or base64, as lower-case hexadecimal.
func sha256Of(s string) (string, bool) {
	const size = 32
	if b, err := hex.DecodeString(s); err == nil && len(b) == size {
		return strings.ToLower(s), true
	}
	bare := strings.TrimRight(s, "=")
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := e.DecodeString(bare); err == nil && len(b) == size {
			return hex.EncodeToString(b), true
		}
	}
	return "", false
}

// matching is what looking identifiers up has found.
type matching struct {
	anchors   []clientele.Anchor     // ascending
	matched   []clientele.Identifier // normalised
	unmatched []clientele.Identifier // likewise, where they can be
}

// match looks identifiers up, hashes among them.
func (a *App) match(wanted []clientele.Identifier) (*matching, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	m := &matching{}
	hashed := map[clientele.Identifier]bool{} // whether it was found
	plain := map[clientele.Namespace]bool{}   // namespaces whose hashes are wanted
	for _, id := range wanted {
		if base, is := strings.CutSuffix(string(id.Namespace), "_sha256"); is {
			hashed[id] = false
			plain[clientele.Namespace(base)] = true
			continue
		}
		if norm, ok := v.graph.Rules().Normalise(id); ok {
			id = norm
		}
		anchor, identifies, err := v.graph.Known(id)
		if err != nil {
			return nil, err
		}
		m.note(id, anchor, identifies)
	}
	for ns := range plain {
		err := v.Scan(clientele.Prefix(clientele.NewKey(clientele.RowIdentifier).Text(string(ns))), func(k clientele.Key, _ []byte) (bool, error) {
			r := k.Read()
			id := clientele.Identifier{Namespace: clientele.Namespace(r.Text()), Value: r.Text()}
			for _, form := range id.Hashed() {
				if _, is := hashed[form]; !is {
					continue
				}
				anchor, identifies, err := v.graph.Known(id)
				if err != nil {
					return false, err
				}
				if identifies && anchor != 0 {
					hashed[form] = true
					m.note(form, anchor, true)
				}
			}
			return true, r.Err()
		})
		if err != nil {
			return nil, err
		}
	}
	for _, id := range wanted {
		if found, is := hashed[id]; is && !found {
			m.note(id, 0, false)
		}
	}
	slices.Sort(m.anchors)
	m.anchors = slices.Compact(m.anchors)
	return m, nil
}

func (m *matching) note(id clientele.Identifier, anchor clientele.Anchor, identifies bool) {
	if anchor == 0 || !identifies {
		m.unmatched = append(m.unmatched, id)
		return
	}
	m.anchors, m.matched = append(m.anchors, anchor), append(m.matched, id)
}

// sealsOf are the seals under which lists await the identifiers.
func (a *App) sealsOf(ids []clientele.Identifier) []clientele.Seal {
	var out []clientele.Seal
	for _, id := range ids {
		out = append(out, resolve.SealIdentifier(a.seal, id.Hashed()[0]))
	}
	slices.SortFunc(out, compareSeals)
	return slices.Compact(out)
}

func compareSeals(x, y clientele.Seal) int { return slices.Compare(x[:], y[:]) }

// listChange is what is to become of a list.
type listChange struct {
	add, remove    []clientele.Anchor
	await, unawait []clientele.Seal
	anew           bool
	dropped        int64
}

// listChange is what a file of what was found means to the list.
func (a *App) listChange(name string, up clientele.AudienceUpload, found *matching) (c listChange, err error) {
	anchors, seals, err := resolve.ListOfAudience(a.rows, name)
	if err != nil {
		return c, err
	}
	switch up.Mode {
	case clientele.ListRemove:
		c.unawait = a.sealsOf(append(slices.Clone(found.matched), found.unmatched...))
		c.remove, err = a.listedOf(found.anchors, anchors)
		return c, err
	case clientele.ListReplace:
		c.anew = true
		c.remove = without(anchors, found.anchors, cmp.Compare)
		c.unawait = seals
	case clientele.ListAppend:
	default:
		return c, clientele.Errorf(clientele.Invalid, "there is no mode %q", string(up.Mode)).WithHint("modes are replace, append and remove")
	}
	c.add = without(found.anchors, anchors, cmp.Compare)
	if up.Keep {
		c.await = a.sealsOf(found.unmatched)
		c.unawait = without(c.unawait, c.await, compareSeals)
		c.await = without(c.await, seals, compareSeals)
	} else {
		c.dropped = int64(len(found.unmatched))
	}
	return c, nil
}

// without is the ascending list without what is in the other.
func without[T any](list, other []T, compare func(T, T) int) (out []T) {
	for _, x := range list {
		if _, there := slices.BinarySearchFunc(other, x, compare); !there {
			out = append(out, x)
		}
	}
	return out
}

// listedOf are those of the list that are of the people of the anchors.
func (a *App) listedOf(of, list []clientele.Anchor) (out []clientele.Anchor, err error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	people := map[clientele.ProfileID]bool{}
	for _, x := range of {
		p, err := v.graph.Profile(x)
		if err != nil {
			return nil, err
		}
		people[p] = true
	}
	for _, x := range list {
		p, err := v.graph.Profile(x)
		if err != nil {
			return nil, err
		}
		if people[p] {
			out = append(out, x)
		}
	}
	return out, nil
}

// tellList puts the change of a list into the log, part by part: who comes first, then who goes, so that who
// is named by another identifier than before stays. The caller holds the lock of lists.
func (a *App) tellList(ctx context.Context, by, name string, c listChange) error {
	now, err := resolve.LoadAudience(a.rows, name)
	if err != nil {
		return err
	}
	revision := now.List.Revision + 1
	first := true
	for first || len(c.add)+len(c.await)+len(c.remove)+len(c.unawait) > 0 {
		b := resolve.AudienceListBody{Name: name, Revision: revision, Anew: first && c.anew}
		if first {
			b.Dropped = c.dropped
		}
		first = false
		room := listAtOnce
		b.Add = resolve.PackIDs(numbers(front(&c.add, &room)))
		b.Await = resolve.PackSeals(front(&c.await, &room))
		b.Remove = resolve.PackIDs(numbers(front(&c.remove, &room)))
		b.Unawait = resolve.PackSeals(front(&c.unawait, &room))
		if _, err := a.command(ctx, clientele.CommandAudienceList, by, b); err != nil {
			return err
		}
	}
	return nil
}

// front takes the front of the list, for which there is room.
func front[T any](list *[]T, room *int) []T {
	n := min(*room, len(*list))
	out := (*list)[:n]
	*list = (*list)[n:]
	*room -= n
	return out
}

func numbers(anchors []clientele.Anchor) []int64 {
	out := make([]int64, len(anchors))
	for i, a := range anchors {
		out[i] = int64(a)
	}
	return out
}
