package exporter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"

	"clientele"
)

// ManifestName is the file that says what is in an export's folder. Its last writing makes the
// export whole.
const ManifestName = "manifest.json"

const (
	manifestVersion = 1
	stateRunning    = "running"
	stateDone       = "done"
)

// manifest says what a folder holds. It is on other people's disks: fields are only added.
type manifest struct {
	Version     int                      `json:"version"`
	ID          string                   `json:"id,omitempty"`
	Selection   clientele.Selection      `json:"selection"`
	Format      string                   `json:"format"`
	Compression string                   `json:"compression,omitempty"`
	State       string                   `json:"state"`
	Started     clientele.Micros         `json:"started"`
	Ended       clientele.Micros         `json:"ended,omitzero"`
	Columns     []clientele.ExportColumn `json:"columns"`
	Snapshots   []snapshot               `json:"snapshots"`
	Rows        int64                    `json:"rows"`
	Bytes       int64                    `json:"bytes"`
	Parts       []part                   `json:"parts"`
}

// snapshot is what the parts from one on are as of: an export that was not interrupted has one.
type snapshot struct {
	Part     int                `json:"from_part"`
	Commit   uint64             `json:"commit"`
	Position clientele.Position `json:"position"`
}

// part is a file. First and Last are the keys of its first and last row.
type part struct {
	Name   string   `json:"name"`
	Rows   int64    `json:"rows"`
	Bytes  int64    `json:"bytes"`
	SHA256 string   `json:"sha256"`
	First  []string `json:"first"`
	Last   []string `json:"last"`
}

// begin is the manifest of the place: a new one, or that of an export that was interrupted.
func begin(ctx context.Context, o *Options) (*manifest, error) {
	empty, err := o.Place.Clean(ctx)
	if err != nil {
		return nil, err
	}
	fresh := &manifest{Version: manifestVersion, ID: o.ID, Selection: o.Request.Selection, Format: o.Request.Format, Compression: o.Request.Compression,
		State: stateRunning, Started: clientele.MicrosOf(o.Now()), Parts: []part{}, Snapshots: []snapshot{}}
	if empty {
		return fresh, nil
	}
	b, err := o.Place.Read(ctx, ManifestName)
	if clientele.ErrorCode(err) == clientele.NotFound {
		return nil, clientele.Errorf(clientele.Conflict, "the place is not empty, and what is there is no export").WithHint("export to another place")
	}
	if err != nil {
		return nil, err
	}
	m := &manifest{}
	if err := json.Unmarshal(b, m); err != nil || m.Version < 1 {
		return nil, clientele.Errorf(clientele.Corrupt, "%s cannot be read", ManifestName).WithHint("export to another place, or remove what is there")
	}
	switch {
	case len(m.Parts) == 0 && m.State == stateRunning:
		return fresh, nil // nothing of it is there yet
	case m.Version > manifestVersion:
		return nil, clientele.Errorf(clientele.Conflict, "%s was written by a newer program", ManifestName).WithHint("export to another place")
	case o.ID != "" && m.ID != o.ID || !reflect.DeepEqual(m.Selection, fresh.Selection) || m.Format != fresh.Format || m.Compression != fresh.Compression:
		return nil, clientele.Errorf(clientele.Conflict, "another export is there").WithHint("export to another place, or remove what is there")
	case o.ID == "" && m.State == stateDone:
		return nil, clientele.Errorf(clientele.Conflict, "this export is there, whole, of %s", m.Ended).WithHint("export to another place, or remove what is there")
	}
	return m, m.check(ctx, o.Place)
}

// check looks whether the parts that the manifest names are there.
func (m *manifest) check(ctx context.Context, place Place) error {
	for _, p := range m.Parts {
		n, err := place.Size(ctx, p.Name)
		if err != nil && clientele.ErrorCode(err) != clientele.NotFound {
			return err
		}
		if err != nil || n != p.Bytes {
			return clientele.Errorf(clientele.Corrupt, "%s names %s with %d bytes, which is not there", ManifestName, p.Name, p.Bytes).
				WithHint("export to another place, or remove what is there")
		}
	}
	return nil
}

func (m *manifest) names() []string {
	var out []string
	for _, c := range m.Columns {
		out = append(out, c.Name)
	}
	return out
}

func (m *manifest) progress() Progress {
	if m == nil {
		return Progress{}
	}
	p := Progress{Rows: m.Rows, Total: m.Rows, Bytes: m.Bytes, Parts: len(m.Parts)}
	if len(m.Snapshots) > 0 { // the oldest: what came later may be in it or not
		p.Position = m.Snapshots[0].Position
	}
	return p
}

func (m *manifest) save(ctx context.Context, place Place) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return clientele.Errorf(clientele.Internal, "manifest: %w", err)
	}
	f, err := place.Create(ctx, ManifestName)
	if err != nil {
		return err
	}
	if _, err := f.Write(b.Bytes()); err != nil {
		return errors.Join(writeError(err), f.Abort())
	}
	return f.Commit()
}
