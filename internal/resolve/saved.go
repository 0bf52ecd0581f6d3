package resolve

import (
	"encoding/json"
	"slices"

	"clientele"
)

// SavedBody is the body of the command saved: a question, dashboard or goal, or with Delete its end.
type SavedBody struct {
	clientele.Saved
	Delete bool `json:"delete,omitempty"`
}

// maxSaved bounds how many there are of a kind.
const maxSaved = 1000

func savedKey(kind clientele.SavedKind, name string) clientele.Key {
	return clientele.MetaKey("saved").Text(string(kind)).Text(name)
}

// CheckSaved says whether it can be kept.
func CheckSaved(rows clientele.Rows, s *clientele.Saved) error {
	if !audienceName.MatchString(s.Name) {
		return invalidHint("write up to 64 letters, digits, blanks, dots, dashes and underscores", "%q is no name", clip(s.Name))
	}
	has := map[clientele.SavedKind]bool{clientele.SavedQuestion: s.Question != nil, clientele.SavedDashboard: len(s.Questions) > 0, clientele.SavedGoal: s.Goal != nil}
	if _, known := has[s.Kind]; !known {
		return invalidHint("question, dashboard or goal", "there is no kind %q", clip(string(s.Kind)))
	}
	for kind, there := range has {
		if there != (kind == s.Kind) {
			return invalidHint("a question has question, a dashboard questions, a goal goal, and none of the others", "it is no %s", s.Kind)
		}
	}
	for _, name := range s.Questions {
		if _, err := LoadSaved(rows, clientele.SavedQuestion, name); err != nil {
			return clientele.Errorf(clientele.Invalid, "questions: there is no saved question %q", clip(name)).WithHint("save it first")
		}
	}
	all, err := ListSaved(rows, s.Kind)
	if err == nil && len(all) >= maxSaved && !slices.ContainsFunc(all, func(x clientele.Saved) bool { return x.Name == s.Name }) {
		return invalidHint("delete some", "there are %d of the kind %s already", len(all), s.Kind)
	}
	return err
}

// LoadSaved is the one of that kind and name. NotFound when there is none.
func LoadSaved(rows clientele.Rows, kind clientele.SavedKind, name string) (*clientele.Saved, error) {
	b, err := rows.Get(savedKey(kind, name))
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, clientele.Errorf(clientele.NotFound, "there is no %s of that name", kind)
	}
	return readSaved(b)
}

func readSaved(b []byte) (*clientele.Saved, error) {
	s := &clientele.Saved{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "saved: %w", err)
	}
	return s, nil
}

// ListSaved are all of the kind, by name; of every kind for "".
func ListSaved(rows clientele.Rows, kind clientele.SavedKind) ([]clientele.Saved, error) {
	prefix := clientele.MetaKey("saved")
	if kind != "" {
		prefix = prefix.Text(string(kind))
	}
	out := []clientele.Saved{}
	err := rows.Scan(clientele.Prefix(prefix), func(_ clientele.Key, v []byte) (bool, error) {
		s, err := readSaved(v)
		if err == nil {
			out = append(out, *s)
		}
		return err == nil, err
	})
	return out, err
}

// savedCommand keeps or deletes one. Whose it is stays as it was.
func (r *Resolver) savedCommand(body func(any) error, by string, now clientele.Micros) error {
	var b SavedBody
	if err := body(&b); err != nil {
		return err
	}
	before, err := LoadSaved(r.o.Store, b.Kind, b.Name)
	if err != nil && (b.Delete || clientele.ErrorCode(err) != clientele.NotFound) {
		return err
	}
	if b.Delete {
		r.put(savedKey(b.Kind, b.Name), nil)
		return nil
	}
	if err := CheckSaved(r.o.Store, &b.Saved); err != nil {
		return err
	}
	if b.By, b.At = by, now; before != nil {
		b.By = before.By
	}
	v, err := json.Marshal(b.Saved)
	if err != nil {
		return clientele.Errorf(clientele.Internal, "saved: %w", err)
	}
	r.put(savedKey(b.Kind, b.Name), v)
	return nil
}
