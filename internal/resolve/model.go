package resolve

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/rowcache"
)

// Models are trained outside of the resolver. What a training has learned enters by the log, and so does what a
// version predicts: here it is kept, and who may score is decided.

// Bodies of the commands about models, in the log for ever.
type (
	// ModelBody is of model: a model, or its end.
	ModelBody struct {
		clientele.Model
		Delete bool `json:"delete,omitempty"`
		Config bool `json:"config,omitempty"` // it is the configuration that says so
	}
	// ModelPartBody is of model_part: a part of what a version has learned, told before the version.
	ModelPartBody struct {
		Hash string `json:"hash"` // SHA-256 of all parts together
		Part int    `json:"part"` // from 0 on
		Data []byte `json:"data"`
	}
	// ModelVersionBody is of model_version. Its number is given by the resolver.
	ModelVersionBody struct {
		Model   string                 `json:"model"`
		Version clientele.ModelVersion `json:"version"`
		Report  clientele.RawJSON      `json:"report"`
	}
	// ModelStateBody is of model_state: the version is promoted, or with RolledBack the one that was before it.
	ModelStateBody struct {
		Model   string `json:"model"`
		Version int    `json:"version"`
		State   string `json:"state"`
	}
)

// ModelRow is a model as it is stored. Field numbers are on disk.
type ModelRow struct {
	Model    clientele.Model          `cbor:"1,keyasint"`
	Origin   clientele.RuleOrigin     `cbor:"2,keyasint"`
	Last     int                      `cbor:"3,keyasint,omitempty"` // the number of the latest version
	Versions []clientele.ModelVersion `cbor:"4,keyasint,omitempty"` // the latest last
	Promoted int                      `cbor:"5,keyasint,omitempty"`
	Before   []int                    `cbor:"6,keyasint,omitempty"` // versions that were promoted before, the latest last
	Scored   *clientele.ModelScored   `cbor:"7,keyasint,omitempty"`
}

// maxVersions is how many versions of a model are kept besides the promoted one and the one before it.
const maxVersions = 30

// version is the one of that number; nil for none.
func (m *ModelRow) version(n int) *clientele.ModelVersion {
	for i := range m.Versions {
		if m.Versions[i].Version == n {
			return &m.Versions[i]
		}
	}
	return nil
}

// Version is the one of that number, 0 the latest. NotFound when there is none.
func (m *ModelRow) Version(n int) (*clientele.ModelVersion, error) {
	if n == 0 {
		n = m.Last
	}
	if v := m.version(n); v != nil {
		return v, nil
	}
	if m.Last == 0 {
		return nil, clientele.Errorf(clientele.NotFound, "model %s was never trained", m.Model.Name).WithHint("clientele model train %s", m.Model.Name)
	}
	return nil, clientele.Errorf(clientele.NotFound, "model %s has no version %d", m.Model.Name, n).WithHint("clientele model show %s lists them", m.Model.Name)
}

// LoadModels are the models, by name.
func LoadModels(rows clientele.Rows) (map[string]*ModelRow, error) {
	out := map[string]*ModelRow{}
	err := rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowModel).Bytes([]byte{'d'})), func(k clientele.Key, v []byte) (bool, error) {
		m, err := rowcache.Decode[ModelRow](v)
		out[clientele.Key(k[1:]).Read().Text()] = m
		return err == nil, err
	})
	return out, err
}

// LoadModel is the named model. NotFound when there is none.
func LoadModel(rows clientele.Rows, name string) (*ModelRow, error) {
	m, err := rowcache.Load[ModelRow](rows, clientele.ModelKey(name))
	if err == nil && m == nil {
		err = clientele.Errorf(clientele.NotFound, "there is no model of that name").WithHint("clientele model list shows them")
	}
	return m, err
}

// LoadModelReport is the JSON of the report of a version.
func LoadModelReport(rows clientele.Rows, name string, version int) ([]byte, error) {
	return rows.Get(clientele.ModelReportKey(name, version))
}

// LoadArtefact is what a version has learned, by its hash.
func LoadArtefact(rows clientele.Rows, hash string) ([]byte, error) {
	var all []byte
	err := rows.Scan(artefactParts(hash), func(_ clientele.Key, v []byte) (bool, error) {
		all = append(all, v...)
		return true, nil
	})
	if sum := sha256.Sum256(all); err == nil && hex.EncodeToString(sum[:]) != hash {
		err = clientele.Errorf(clientele.Corrupt, "what a version of a model has learned is not whole").WithHint("run: clientele rebuild")
	}
	return all, err
}

func artefactParts(hash string) clientele.Range {
	return clientele.Prefix(clientele.NewKey(clientele.RowModel).Bytes([]byte{'a'}).Text(hash))
}

// modelCommand does a command about models.
func (r *Resolver) modelCommand(body func(any) error, c *clientele.Command, p clientele.Position, now clientele.Micros) error {
	switch c.Name {
	case clientele.CommandModel:
		var b ModelBody
		if err := body(&b); err != nil {
			return err
		}
		return r.setModel(b, clientele.RuleOrigin{By: c.By, At: now, Position: p, Config: b.Config})
	case clientele.CommandModelPart:
		var b ModelPartBody
		if err := body(&b); err != nil {
			return err
		}
		r.put(clientele.ModelPartKey(b.Hash, b.Part), b.Data)
		return nil
	case clientele.CommandModelVersion:
		var b ModelVersionBody
		if err := body(&b); err != nil {
			return err
		}
		return r.addVersion(b, c.By, now)
	case clientele.CommandScores:
		var b ScoresBody
		if err := body(&b); err != nil {
			return err
		}
		return r.scoresCommand(b)
	}
	var b ModelStateBody
	if err := body(&b); err != nil {
		return err
	}
	return r.modelState(b)
}

func (r *Resolver) setModel(b ModelBody, origin clientele.RuleOrigin) error {
	have := r.models[b.Name]
	if b.Delete {
		if have == nil {
			return clientele.Errorf(clientele.NotFound, "there is no model of that name")
		}
		if err := modelUnused(r.audiences.rows, b.Name); err != nil {
			return err
		}
		for i := range have.Versions {
			r.forgetVersion(b.Name, &have.Versions[i], true)
		}
		delete(r.models, b.Name)
		r.put(clientele.ModelKey(b.Name), nil)
		return nil
	}
	if err := CheckModel(r.models, b.Model); err != nil {
		return err
	}
	if have == nil {
		have = &ModelRow{}
	}
	have.Model, have.Origin = b.Model, origin
	r.models[b.Name] = have
	for _, o := range b.Kind.Outputs() {
		r.columns.promotePrediction(b.Name+"."+o.Name, o.Type)
	}
	return r.putModel(have)
}

// CheckModel says whether the model can come into force beside those that there are.
func CheckModel(all map[string]*ModelRow, m clientele.Model) error {
	if err := m.Check(); err != nil {
		return err
	}
	switch have := all[m.Name]; {
	case have != nil && have.Model.Kind != m.Kind:
		return clientele.Errorf(clientele.Conflict, "model %s is of the kind %s", m.Name, have.Model.Kind).WithHint("delete it first, or take another name")
	case have == nil && len(all) >= clientele.MaxModels:
		return clientele.Errorf(clientele.Invalid, "there are %d models already", clientele.MaxModels)
	}
	return nil
}

// ModelUnused is Conflict when an audience asks for what the model predicts: then it cannot end.
func ModelUnused(rows clientele.Rows, name string) error {
	all, err := storedAudiences(rows)
	if err != nil {
		return err
	}
	return modelUnused(all, name)
}

func modelUnused(all map[string]*audienceRow, name string) error {
	asks := func(l audience.Condition) bool {
		t, _ := l.(*audience.Trait)
		return strings.HasPrefix(nameOf(t), clientele.PredictionsPrefix+name+".")
	}
	for _, other := range slices.Sorted(maps.Keys(all)) {
		for _, where := range [][]byte{all[other].Where, nextWhere(all[other])} {
			if c, err := audience.Parse(where); err == nil && slices.ContainsFunc(audience.Leaves(c), asks) {
				return clientele.Errorf(clientele.Conflict, "audience %q asks for what model %s predicts", other, name).WithHint("take the condition out, or delete that audience first")
			}
		}
	}
	return nil
}

func (r *Resolver) putModel(m *ModelRow) error {
	v, err := rowcache.Encode(m)
	r.put(clientele.ModelKey(m.Model.Name), v)
	return err
}

func (r *Resolver) model(name string) (*ModelRow, error) {
	if m := r.models[name]; m != nil {
		return m, nil
	}
	return nil, clientele.Errorf(clientele.NotFound, "there is no model %q", clip(name))
}

func (r *Resolver) addVersion(b ModelVersionBody, by string, now clientele.Micros) error {
	m, err := r.model(b.Model)
	if err != nil {
		return err
	}
	v := b.Version
	if v.Artefact != "" {
		if _, err := LoadArtefact(r.o.Store, v.Artefact); err != nil {
			return invalid("the parts of the version of model %s are not those of its hash", m.Model.Name)
		}
	} else if v.State != clientele.VersionRefused {
		return invalid("a version of a model without what it has learned")
	}
	if v.State != clientele.VersionRefused {
		v.State = clientele.VersionTrained
	}
	m.Last++
	v.Version, v.By, v.At = m.Last, by, now
	m.Versions = append(m.Versions, v)
	r.put(clientele.ModelReportKey(m.Model.Name, v.Version), bytes.Clone(b.Report))
	for i := 0; len(m.Versions) > maxVersions && i < len(m.Versions); i++ {
		if old := m.Versions[i]; old.Version != m.Promoted && (len(m.Before) == 0 || old.Version != m.Before[len(m.Before)-1]) {
			m.Versions = slices.Delete(m.Versions, i, i+1)
			r.forgetVersion(m.Model.Name, &old, !slices.ContainsFunc(m.Versions, func(x clientele.ModelVersion) bool { return x.Artefact == old.Artefact }))
			break
		}
	}
	return r.putModel(m)
}

// forgetVersion drops a version's report, and with alone what it has learned: other versions of the model may have the same.
func (r *Resolver) forgetVersion(name string, v *clientele.ModelVersion, alone bool) {
	r.put(clientele.ModelReportKey(name, v.Version), nil)
	for other, m := range r.models {
		alone = alone && (other == name || !slices.ContainsFunc(m.Versions, func(x clientele.ModelVersion) bool { return x.Artefact == v.Artefact }))
	}
	if alone && v.Artefact != "" {
		r.batch.drops = append(r.batch.drops, artefactParts(v.Artefact))
	}
}

// CheckState says which version would be promoted.
func (m *ModelRow) CheckState(version int, state string) (*clientele.ModelVersion, error) {
	switch state {
	case clientele.VersionPromoted:
		v, err := m.Version(version)
		switch {
		case err != nil:
			return nil, err
		case v.State == clientele.VersionRefused:
			return nil, clientele.Errorf(clientele.Conflict, "version %d has learned nothing: %s", v.Version, v.Why).WithHint("train it again when there is more data")
		}
		return v, nil
	case clientele.VersionRolledBack:
		for i := len(m.Before) - 1; i >= 0; i-- {
			if v := m.version(m.Before[i]); v != nil {
				return v, nil
			}
		}
		return nil, clientele.Errorf(clientele.Conflict, "model %s has no version to go back to", m.Model.Name).WithHint("clientele model promote %s VERSION chooses one", m.Model.Name)
	}
	return nil, invalid("a version is promoted or rolled_back")
}

func (r *Resolver) modelState(b ModelStateBody) error {
	m, err := r.model(b.Model)
	if err != nil {
		return err
	}
	v, err := m.CheckState(b.Version, b.State)
	if err != nil || v.Version == m.Promoted {
		return err
	}
	if now := m.version(m.Promoted); now != nil {
		now.State = clientele.VersionRetired
		if b.State == clientele.VersionRolledBack {
			now.State = clientele.VersionRolledBack
		} else {
			m.Before = append(m.Before, m.Promoted)
		}
	}
	m.Before = slices.DeleteFunc(m.Before, func(n int) bool { return n == v.Version || m.version(n) == nil })
	m.Promoted, v.State = v.Version, clientele.VersionPromoted
	return r.putModel(m)
}
