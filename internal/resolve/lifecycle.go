package resolve

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/rowcache"
)

// The stages of the lifecycle are evaluated, filled and kept as audiences are, under names that
// audiences cannot have. What is of their own is here: a profile is in the furthest stage whose
// condition holds, its stays are rows of the table lifecycle, and a new version of the lifecycle is
// live when all of its stages are filled.

// LifecycleBody is the body of the command lifecycle: all stages, in their order; none ends the lifecycle.
type LifecycleBody struct {
	Stages []clientele.LifecycleStage `json:"stages"`
}

// lifecycleRow is the lifecycle as it is stored. Field numbers are on disk.
type lifecycleRow struct {
	Live *lifecycleVersion `cbor:"1,keyasint,omitempty"`
	Next *lifecycleVersion `cbor:"2,keyasint,omitempty"` // whose stages are being filled
	Last int               `cbor:"3,keyasint,omitempty"` // the number of the latest version

	changed bool
}

type lifecycleVersion struct {
	Version int              `cbor:"1,keyasint"`
	Stages  []stageRow       `cbor:"2,keyasint"`
	By      string           `cbor:"3,keyasint"`
	At      clientele.Micros `cbor:"4,keyasint"`
}

type stageRow struct {
	Name        string `cbor:"1,keyasint"`
	Description string `cbor:"2,keyasint,omitempty"`
	Where       []byte `cbor:"3,keyasint,omitempty"` // canonical JSON; none = everybody
	Lost        bool   `cbor:"4,keyasint,omitempty"`
}

// maxStages bounds what every changed profile is evaluated by.
const maxStages = 20

func loadLifecycle(rows clientele.Rows) (*lifecycleRow, error) {
	l, err := rowcache.Load[lifecycleRow](rows, clientele.LifecycleKey())
	if l == nil {
		l = &lifecycleRow{}
	}
	return l, err
}

func (l *lifecycleRow) store(put func(clientele.Key, []byte)) error {
	if !l.changed {
		return nil
	}
	b, err := rowcache.Encode(l)
	put(clientele.LifecycleKey(), b)
	return err
}

// latest is the version that is live or will be.
func (l *lifecycleRow) latest() *lifecycleVersion {
	if l.Next != nil {
		return l.Next
	}
	return l.Live
}

// known says whether there are the stages that the condition asks for.
func (l *lifecycleRow) known(c audience.Condition) error {
	for _, stage := range audience.StagesAsked(c) {
		v := l.latest()
		if v == nil {
			return invalidHint("bring the lifecycle into force first", "there are no lifecycle stages")
		}
		if !slices.ContainsFunc(v.Stages, func(s stageRow) bool { return s.Name == stage }) {
			return invalidHint("the stages are "+stageNames(v.Stages), "there is no lifecycle stage %q", clip(stage))
		}
	}
	return nil
}

func stageNames(stages []stageRow) string {
	names := make([]string, len(stages))
	for i, s := range stages {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}

// condition is the definition that the stage is evaluated by.
func (s *stageRow) condition() []byte {
	if s.Where == nil {
		return []byte(audience.Everybody)
	}
	return s.Where
}

// CheckLifecycle says whether the stages can come into force beside what the rows have.
func CheckLifecycle(rows clientele.Rows, stages []clientele.LifecycleStage) error {
	all, err := storedAudiences(rows)
	if err != nil {
		return err
	}
	book, err := LoadComputed(rows)
	if err != nil {
		return err
	}
	_, err = checkStages(all, book, stages)
	return err
}

func checkStages(all map[string]*audienceRow, book *ComputedBook, stages []clientele.LifecycleStage) ([]stageRow, error) {
	definitions, err := latest(all)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(definitions, func(name string, _ audience.Condition) bool { return audience.IsStage(name) })
	if len(stages) == 1 || len(stages) > maxStages {
		return nil, invalidHint("write 2 to 20, or none to end the lifecycle", "%d lifecycle stages", len(stages))
	}
	var out []stageRow
	next := &lifecycleRow{Live: &lifecycleVersion{}}
	for i, in := range stages {
		s, c, err := checkStage(i, in)
		if err == nil && c != nil {
			err = checkReferences(definitions, book, c)
		}
		if err != nil {
			return nil, clientele.Errorf(clientele.ErrorCode(err), "stages[%d]: %w", i, err).WithHint("%s", clientele.ErrorHint(err))
		}
		if slices.ContainsFunc(out, func(o stageRow) bool { return o.Name == s.Name }) {
			return nil, invalidHint("give each a name of its own", "stages[%d]: there are two stages %q", i, clip(s.Name))
		}
		if out = append(out, s); c != nil {
			definitions[audience.StageName(0, s.Name)] = c
		}
	}
	next.Live.Stages = out
	for name, c := range definitions {
		if len(audience.StagesAsked(c)) == 0 {
			continue
		}
		if len(out) == 0 {
			return nil, clientele.Errorf(clientele.Conflict, "audience %q asks for a lifecycle stage", name).WithHint("change or delete that one first")
		}
		if err := next.known(c); err != nil {
			return nil, clientele.Errorf(clientele.Conflict, "audience %q: %w", name, err).WithHint("change that one first: %s", clientele.ErrorHint(err))
		}
	}
	_, err = audience.Order(definitions)
	return out, err
}

func checkStage(i int, in clientele.LifecycleStage) (stageRow, audience.Condition, error) {
	if string(in.Where) == "null" {
		in.Where = nil
	}
	s := stageRow{Name: in.Name, Description: in.Description, Lost: in.Lost}
	switch {
	case !audienceName.MatchString(in.Name):
		return s, nil, invalidHint("write up to 64 letters, digits, blanks, dots, dashes and underscores", "%q is no name of a stage", clip(in.Name))
	case i == 0 && len(in.Where) > 0:
		return s, nil, invalidHint("leave where out: it is everybody's who is in no other stage", "the first stage has no condition")
	case i == 0:
		return s, nil, nil
	case len(in.Where) == 0:
		return s, nil, invalidHint("write where", "only the first stage has no condition")
	}
	c, err := audience.Parse(in.Where)
	if err != nil {
		return s, nil, err
	}
	if len(audience.StagesAsked(c)) > 0 {
		return s, nil, invalidHint("say what the stage is made of", "a stage cannot ask for a stage")
	}
	s.Where = audience.JSON(c)
	return s, c, nil
}

// lifecycleCommand brings stages into force: a version that is live when all of them are filled.
func (r *Resolver) lifecycleCommand(body func(any) error, by string, p clientele.Position, now clientele.Micros) error {
	var b LifecycleBody
	if err := body(&b); err != nil {
		return err
	}
	a := r.audiences
	stages, err := checkStages(a.rows, r.counting.book, b.Stages)
	if err != nil {
		return err
	}
	l := a.life
	if len(stages) == 0 {
		return r.endLifecycle()
	}
	if v := l.latest(); v != nil && slices.EqualFunc(v.Stages, stages, func(x, y stageRow) bool {
		return x.Name == y.Name && bytes.Equal(x.Where, y.Where)
	}) { // only what people read has changed
		v.Stages, v.By, v.At, l.changed = stages, by, now, true
		return nil
	}
	if l.Next != nil {
		a.forgetStages(l.Next)
	}
	l.Last++
	l.Next, l.changed = &lifecycleVersion{Version: l.Last, Stages: stages, By: by, At: now}, true
	for i := range stages {
		name := audience.StageName(l.Last, stages[i].Name)
		row := &audienceRow{Kind: clientele.AudienceDefinition, By: by, At: now}
		r.renew(row, stages[i].condition(), p)
		a.rows[name], a.changed[name] = row, true
	}
	return a.prepare()
}

// forgetStages drops the definitions of a version.
func (a *audiences) forgetStages(v *lifecycleVersion) {
	for _, s := range v.Stages {
		name := audience.StageName(v.Version, s.Name)
		delete(a.rows, name)
		a.changed[name] = true
	}
}

// stageLive follows a stage that has been filled: with the last of its version that version is live, and everybody
// is in one of its stages from here on. Audiences that ask for a stage are filled anew.
func (r *Resolver) stageLive(name string, p clientele.Position) error {
	a, l := r.audiences, r.audiences.life
	asks := func(c audience.Condition) bool { return len(audience.StagesAsked(c)) > 0 }
	if l.isLive(name) { // what it refers to has changed
		return r.renewAll(p, asks)
	}
	if l.Next == nil {
		return nil
	}
	for _, s := range l.Next.Stages {
		if x := a.rows[audience.StageName(l.Next.Version, s.Name)]; x == nil || x.Version == 0 {
			return nil
		}
	}
	if l.Live != nil {
		a.forgetStages(l.Live)
	}
	l.Live, l.Next, l.changed = l.Next, nil, true
	if err := r.eachMember(func(id clientele.ProfileID, row *memberRow) bool { return r.onlyStagesOf(l.Live, id, row) }); err != nil {
		return err
	}
	return r.renewAll(p, asks)
}

// onlyStagesOf drops what the row has of other versions of the lifecycle, nil for all of them.
func (r *Resolver) onlyStagesOf(v *lifecycleVersion, id clientele.ProfileID, row *memberRow) bool {
	before := len(row.Live) + len(row.Next) + len(row.Dues)
	dropStages(row.Live, v)
	dropStages(row.Next, v)
	dropStages(row.Dues, v)
	return r.restage(id, row) || before != len(row.Live)+len(row.Next)+len(row.Dues)
}

// dropStages drops what is kept by names of stages, but of the version.
func dropStages[V any](of map[string]V, but *lifecycleVersion) {
	for k := range of {
		if audience.IsStage(k) && (but == nil || !strings.HasPrefix(k, audience.StageName(but.Version, ""))) {
			delete(of, k)
		}
	}
}

func (r *Resolver) endLifecycle() error {
	a, l := r.audiences, r.audiences.life
	for _, v := range []*lifecycleVersion{l.Live, l.Next} {
		if v != nil {
			a.forgetStages(v)
		}
	}
	l.Live, l.Next, l.changed = nil, nil, true
	if err := r.eachMember(func(id clientele.ProfileID, row *memberRow) bool { return r.onlyStagesOf(nil, id, row) }); err != nil {
		return err
	}
	return a.prepare()
}

// restage puts the profile into the furthest stage whose condition holds; true when that is another
// than it was in.
func (r *Resolver) restage(id clientele.ProfileID, row *memberRow) bool {
	stage := ""
	if v := r.audiences.life.Live; v != nil {
		for i := len(v.Stages) - 1; i >= 0 && stage == ""; i-- {
			if _, is := row.Live[audience.StageName(v.Version, v.Stages[i].Name)]; is {
				stage = v.Stages[i].Name
			}
		}
	}
	if stage == row.Stage {
		return false
	}
	r.leaveStage(id, row)
	if row.Stage = stage; stage != "" {
		row.StageSince = r.totals.Now
		r.audiences.stays = append(r.audiences.stays, stayValues(id, row, 0))
	}
	return true
}

// leaveStage ends the stay.
func (r *Resolver) leaveStage(id clientele.ProfileID, row *memberRow) {
	if row.Stage != "" {
		r.audiences.stays = append(r.audiences.stays, stayValues(id, row, r.totals.Now))
		row.Stage, row.StageSince = "", 0
	}
}

// stayValues is a row of lifecycle.
func stayValues(id clientele.ProfileID, row *memberRow, left clientele.Micros) []any {
	return []any{int64(id), row.Stage, int64(row.StageSince), instantOrNil(left), lifecycleSource}
}

const lifecycleSource = "lifecycle"

// isLive says whether the stage is one of the lifecycle that is live.
func (l *lifecycleRow) isLive(name string) bool {
	return l.Live != nil && audience.IsStage(name) && strings.HasPrefix(name, audience.StageName(l.Live.Version, ""))
}

// LoadLifecycle are the stages as the rows have them.
func LoadLifecycle(rows clientele.Rows) (*clientele.LifecycleInForce, error) {
	l, err := loadLifecycle(rows)
	if err != nil {
		return nil, err
	}
	out := &clientele.LifecycleInForce{Stages: []clientele.LifecycleStage{}}
	if l.Live != nil {
		out.Version = l.Live.Version
	}
	if v := l.latest(); v != nil {
		out.By, out.At = v.By, v.At
		for _, s := range v.Stages {
			out.Stages = append(out.Stages, clientele.LifecycleStage{Name: s.Name, Description: s.Description, Where: s.Where, Lost: s.Lost})
		}
	}
	if l.Next == nil {
		return out, nil
	}
	out.Filling = &clientele.LifecycleFilling{Version: l.Next.Version}
	for _, s := range l.Next.Stages {
		x, err := rowcache.Load[audienceRow](rows, clientele.AudienceKey(audience.StageName(l.Next.Version, s.Name)))
		if err != nil {
			return nil, err
		}
		if x != nil && x.Version > 0 {
			out.Filling.Ready++
		}
	}
	return out, nil
}

// LoadStage is the stage that the profile is in; nil when it is in none.
func LoadStage(rows clientele.Rows, p clientele.ProfileID) (*clientele.ProfileStage, error) {
	row, err := rowcache.Load[memberRow](rows, clientele.MemberKey(p))
	if err != nil || row == nil || row.Stage == "" {
		return nil, err
	}
	return &clientele.ProfileStage{Stage: row.Stage, Since: row.StageSince}, nil
}
