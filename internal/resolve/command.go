package resolve

import (
	"encoding/json"
	"fmt"
	"slices"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/profile"
	"clientele/internal/quality"
)

// OperatorSource is the source of commands.
const OperatorSource = "operator"

// Bodies of the commands, in the log for ever.
type (
	// MergeBody is of merge and unmerge. Identifiers are written NAMESPACE:VALUE pairs already
	// resolved to anchors, so that a rule changed since cannot make them others.
	MergeBody struct {
		Anchors  []clientele.Anchor    `json:"anchors,omitempty"`
		Evidence [][2]clientele.Anchor `json:"evidence,omitempty"` // unmerge only
	}
	// ReplayBody is of replay. A document of a webhook is mapped again before the command, by the mapping of
	// that moment, which is not in the log: what it became is in frames before the command's, and
	// here it leaves the quarantine, or stays with the reason of that moment.
	ReplayBody struct {
		IDs     []string        `json:"ids,omitempty"` // records to try again
		Mapped  []string        `json:"mapped,omitempty"`
		Refused []RefusedReplay `json:"refused,omitempty"`
	}
	// ConsentBody is of consent: what the person of the anchor decided, and when.
	ConsentBody struct {
		Anchor   clientele.Anchor           `json:"anchor"`
		At       clientele.Micros           `json:"at,omitempty"` // 0 = when the command was received
		Consents []clientele.ConsentRequest `json:"consents"`
	}
	// RefusedReplay is a document that still cannot be mapped.
	RefusedReplay struct {
		ID     string         `json:"id"`
		Code   clientele.Code `json:"code"`
		Reason string         `json:"reason"`
	}
)

// command does what an operator decided. One that cannot be done goes to quarantine like any
// other record: whoever sent it was told before, from the state of that moment.
func (r *Resolver) command(p clientele.Position, rec *Parsed) error {
	c := rec.command
	body := func(into any) error {
		if err := json.Unmarshal(c.Body, into); err != nil {
			return invalid("command %s: %s", clip(string(c.Name)), clip(err.Error()))
		}
		return nil
	}
	r.totals.Commands++
	if quality.Commands(c.Name) {
		return r.qualityCommand(c, p, rec.ReceivedAt)
	}
	switch c.Name {
	case clientele.CommandMerge, clientele.CommandUnmerge:
		return with(body, func(b MergeBody) error { return r.regroup(c, b, p, rec.ReceivedAt) })
	case clientele.CommandIdentityRules:
		var in clientele.IdentityRules
		if err := body(&in); err != nil {
			return err
		}
		rules, err := identity.NewRules(in)
		if err != nil {
			return err
		}
		r.put(identityRulesKey, slices.Clone(c.Body))
		return r.graph.SetRules(rules)
	case clientele.CommandTraitRules:
		var rules profile.Rules
		if err := body(&rules); err != nil {
			return err
		}
		return r.traitRules(rules, c.Body, p)
	case clientele.CommandErase:
		return with(body, func(b EraseBody) error { return r.erase(b, p, rec.ReceivedAt) })
	case clientele.CommandComputedTrait:
		return with(body, func(b ComputedBody) error { return r.computedCommand(b, c.By, p, rec.ReceivedAt) })
	case clientele.CommandRetention:
		return with(body, func(b RetentionBody) error { return r.retentionCommand(b, c.By, p, rec.ReceivedAt) })
	case clientele.CommandAudience:
		return with(body, func(b AudienceBody) error { return r.audienceCommand(b, c.By, p, rec.ReceivedAt) })
	case clientele.CommandAudienceDraft, clientele.CommandAudienceApprove, clientele.CommandAudienceOwner, clientele.CommandAudienceComment:
		return r.workCommand(c, body, p, rec.ReceivedAt)
	case clientele.CommandSubjectRequest:
		return with(body, func(b RequestBody) error { return r.requestCommand(b, c.By, p, rec.ReceivedAt) })
	case clientele.CommandLifecycle:
		return r.lifecycleCommand(body, c.By, p, rec.ReceivedAt)
	case clientele.CommandAudienceFill:
		return r.audienceFill(body, p)
	case clientele.CommandAction:
		return r.actionCommand(body, c.By, rec.ReceivedAt)
	case clientele.CommandSaved:
		return r.savedCommand(body, c.By, rec.ReceivedAt)
	case clientele.CommandStock:
		return with(body, func(b StockBody) error { return r.stockCommand(b) })
	case clientele.CommandPercentiles:
		return with(body, func(b PercentilesBody) error { return r.percentilesCommand(b, p, rec.ReceivedAt) })
	case clientele.CommandAudienceList:
		return r.listCommand(body, rec.ReceivedAt)
	case clientele.CommandModel, clientele.CommandModelPart, clientele.CommandModelVersion, clientele.CommandModelState, clientele.CommandScores:
		return r.modelCommand(body, c, p, rec.ReceivedAt)
	case clientele.CommandEnrichmentEnd:
		return r.endEnrichment(body, rec.ReceivedAt)
	case clientele.CommandEnrichment:
		return r.enrichmentCommand(body, c.By, rec.ReceivedAt)
	case clientele.CommandMatchRun, clientele.CommandMatch, clientele.CommandMatchReview:
		return r.matching(body, c, p, rec.ReceivedAt)
	case clientele.CommandConsent:
		return with(body, func(b ConsentBody) error { return r.consentCommand(b, p, rec.ReceivedAt) })
	case clientele.CommandReplay:
		return with(body, func(b ReplayBody) error { return r.replayCommand(b, c.By, p, rec.ReceivedAt) })
	}
	return invalid("there is no command %q", clip(string(c.Name)))
}

// with does what a command's body says.
func with[Body any](read func(any) error, do func(Body) error) error {
	var b Body
	if err := read(&b); err != nil {
		return err
	}
	return do(b)
}

// traitRules puts survivorship rules in force.
func (r *Resolver) traitRules(rules profile.Rules, body []byte, p clientele.Position) error {
	if err := rules.Check(); err != nil {
		return err
	}
	r.put(traitRulesKey, slices.Clone(body))
	r.rules = rules
	if err := r.retell(); err != nil {
		return err
	}
	return r.renewAll(p, asksTraits)
}

// consentCommand takes down what a person told an operator.
func (r *Resolver) consentCommand(b ConsentBody, p clientele.Position, now clientele.Micros) error {
	if r.gone.anchors[b.Anchor] {
		return nil
	}
	if v, err := r.o.Store.Get(clientele.AnchorKey(b.Anchor)); err != nil || v == nil {
		if err == nil {
			err = invalid("command consent names an identifier that does not exist")
		}
		return err
	}
	id, err := r.graph.Identifier(b.Anchor)
	if err != nil {
		return err
	}
	if b.At == 0 {
		b.At = now
	}
	at := clientele.Stamp{At: b.At, Source: OperatorSource, ID: fmt.Sprintf("command-%d", p)}
	return r.decide(b.Anchor, []identity.Observed{{ID: id.Identifier}}, b.Consents, at)
}

func (r *Resolver) regroup(c *clientele.Command, b MergeBody, p clientele.Position, now clientele.Micros) error {
	ahead := len(r.gone.ahead) > 0
	if ahead { // persons who are erased later in the log are not there
		b.Anchors = slices.DeleteFunc(b.Anchors, func(a clientele.Anchor) bool { return r.gone.anchors[a] })
		b.Evidence = slices.DeleteFunc(b.Evidence, func(e [2]clientele.Anchor) bool { return r.gone.anchors[e[0]] || r.gone.anchors[e[1]] })
	}
	err := r.regroupAll(c, b, p, now)
	if ahead && (clientele.ErrorCode(err) == clientele.Invalid || clientele.ErrorCode(err) == clientele.NotFound) {
		return nil // what it did concerned somebody who is erased by now
	}
	return err
}

func (r *Resolver) regroupAll(c *clientele.Command, b MergeBody, p clientele.Position, now clientele.Micros) error {
	for _, a := range append(slices.Clone(b.Anchors), flat(b.Evidence)...) {
		if v, err := r.o.Store.Get(clientele.AnchorKey(a)); err != nil || v == nil {
			if err == nil {
				err = invalid("command %s names an identifier that does not exist", c.Name)
			}
			return err
		}
	}
	switch {
	case c.Name == clientele.CommandMerge:
		return r.graph.Merge(b.Anchors, c.By, p, now)
	case len(b.Evidence) > 0:
		return r.graph.Retire(b.Evidence, c.By, p, now)
	}
	return r.graph.Unmerge(b.Anchors, c.By, p, now)
}

// retellRows is how many profiles one change tells of when all are told anew.
const retellRows = 5000

// retell tells followers of every profile, for other rules choose other traits. It commits as it
// goes, without moving the position: interrupted, the command is done again.
func (r *Resolver) retell() error {
	rows := clientele.TableRows{Table: "profiles"}
	tell := func() error {
		b, err := r.outgoing.encode(&clientele.Change{Position: r.position, Tables: []clientele.TableRows{rows}}, r.o.Plain)
		if err != nil {
			return err
		}
		rows.Upsert = nil
		return r.o.Store.Apply(&clientele.ChangeSet{After: r.position, Position: r.position, Outbox: b})
	}
	err := r.o.Store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
		p := clientele.ProfileID(k.Read().Uint())
		members, err := r.graph.Members(p)
		if err != nil {
			return false, err
		}
		row, err := r.profileRow1(p, members)
		if err != nil {
			return false, err
		}
		if rows.Upsert = append(rows.Upsert, row); len(rows.Upsert) < retellRows {
			return true, nil
		}
		return true, tell()
	})
	if err == nil && len(rows.Upsert) > 0 {
		err = tell()
	}
	return err
}

func flat(pairs [][2]clientele.Anchor) (out []clientele.Anchor) {
	for _, p := range pairs {
		out = append(out, p[0], p[1])
	}
	return out
}
