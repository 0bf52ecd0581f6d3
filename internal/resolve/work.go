package resolve

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"clientele"
	"clientele/internal/audience"
)

// Bodies of the commands about the work on audiences, in the log for ever.
type (
	// DraftBody is an audience that waits for somebody's word, or with Withdraw none any more.
	DraftBody struct {
		clientele.Audience
		Withdraw bool `json:"withdraw,omitempty"`
	}
	// ApproveBody brings the draft of that position into force.
	ApproveBody struct {
		Name     string             `json:"name"`
		Position clientele.Position `json:"position"`
	}
	// OwnerBody says whose the audience is.
	OwnerBody struct {
		Name  string `json:"name"`
		Owner string `json:"owner"`
	}
	// CommentBody is a comment on an audience, or with Delete the end of one.
	CommentBody struct {
		Audience string             `json:"audience"`
		Text     string             `json:"text,omitempty"`
		Delete   clientele.Position `json:"delete,omitempty"`
	}
)

func draftKey(name string) clientele.Key { return clientele.MetaKey("audience_draft").Text(name) }

func commentKey(name string, at clientele.Position) clientele.Key {
	return clientele.MetaKey("audience_comment").Text(name).Uint(uint64(at))
}

// LoadDraft is the draft of the audience; nil when there is none.
func LoadDraft(rows clientele.Rows, name string) (*clientele.AudienceDraft, error) {
	b, err := rows.Get(draftKey(name))
	if err != nil || b == nil {
		return nil, err
	}
	return readDraft(b)
}

func readDraft(b []byte) (*clientele.AudienceDraft, error) {
	d := &clientele.AudienceDraft{}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "draft: %w", err)
	}
	return d, nil
}

// LoadDrafts are all drafts, by name.
func LoadDrafts(rows clientele.Rows) (out []clientele.AudienceDraft, err error) {
	err = rows.Scan(clientele.Prefix(clientele.MetaKey("audience_draft")), func(_ clientele.Key, v []byte) (bool, error) {
		d, err := readDraft(v)
		if err == nil {
			out = append(out, *d)
		}
		return err == nil, err
	})
	return out, err
}

// LoadComments are those on the audience, the oldest first.
func LoadComments(rows clientele.Rows, name string) ([]clientele.AudienceComment, error) {
	out := []clientele.AudienceComment{}
	err := rows.Scan(clientele.Prefix(clientele.MetaKey("audience_comment").Text(name)), func(_ clientele.Key, v []byte) (bool, error) {
		var c clientele.AudienceComment
		if err := json.Unmarshal(v, &c); err != nil {
			return false, clientele.Errorf(clientele.Corrupt, "comment: %w", err)
		}
		out = append(out, c)
		return true, nil
	})
	return out, err
}

// CheckComment says whether it can be kept.
func CheckComment(rows clientele.Rows, b CommentBody) error {
	all, err := LoadComments(rows, b.Audience)
	switch {
	case err != nil:
		return err
	case strings.TrimSpace(b.Text) == "" || len(b.Text) > clientele.MaxComment || !utf8.ValidString(b.Text):
		return invalidHint("say it in fewer words", "a comment has 1 to %d bytes of text", clientele.MaxComment)
	case len(all) >= clientele.MaxComments:
		return invalidHint("delete some", "the audience has %d comments already", len(all))
	}
	return nil
}

// workCommand does what concerns the work on an audience, not who is in it.
func (r *Resolver) workCommand(c *clientele.Command, body func(any) error, p clientele.Position, now clientele.Micros) error {
	switch c.Name {
	case clientele.CommandAudienceDraft:
		var b DraftBody
		if err := body(&b); err != nil {
			return err
		}
		return r.draftCommand(b, c.By, p, now)
	case clientele.CommandAudienceApprove:
		var b ApproveBody
		if err := body(&b); err != nil {
			return err
		}
		return r.approveCommand(b, c.By, p, now)
	case clientele.CommandAudienceOwner:
		var b OwnerBody
		if err := body(&b); err != nil {
			return err
		}
		row := r.audiences.rows[b.Name]
		if row == nil {
			return clientele.Errorf(clientele.NotFound, "there is no audience of that name")
		}
		row.Owner = b.Owner
		r.audiences.changed[b.Name] = true
		return nil
	}
	var b CommentBody
	if err := body(&b); err != nil {
		return err
	}
	if b.Delete != 0 {
		r.put(commentKey(b.Audience, b.Delete), nil)
		return nil
	}
	if err := CheckComment(r.o.Store, b); err != nil {
		return err
	}
	v, err := json.Marshal(clientele.AudienceComment{ID: p, By: c.By, At: now, Text: b.Text})
	if err == nil {
		r.put(commentKey(b.Audience, p), v)
	}
	return err
}

func (r *Resolver) draftCommand(b DraftBody, by string, p clientele.Position, now clientele.Micros) error {
	if b.Withdraw {
		r.put(draftKey(b.Name), nil)
		return nil
	}
	c, err := checkAudience(r.audiences.rows, r.audiences.life, r.counting.book, b.Audience)
	if err != nil {
		return err
	}
	if b.Kind == "" {
		b.Kind = clientele.AudienceDefinition
	}
	v, err := json.Marshal(clientele.AudienceDraft{Audience: b.Audience, Reads: audience.String(c), By: by, At: now, Position: p})
	if err == nil {
		r.put(draftKey(b.Name), v)
	}
	return err
}

// approveCommand brings a draft into force as its author's.
func (r *Resolver) approveCommand(b ApproveBody, by string, p clientele.Position, now clientele.Micros) error {
	d, err := LoadDraft(r.o.Store, b.Name)
	if err != nil {
		return err
	}
	if d == nil || d.Position != b.Position {
		return clientele.Errorf(clientele.Conflict, "there is no such draft any more").WithHint("look at the latest one, and approve that")
	}
	if err := r.audienceCommand(AudienceBody{Audience: d.Audience}, d.By, p, now); err != nil {
		return err
	}
	r.audiences.rows[b.Name].Approved = by
	r.put(draftKey(b.Name), nil)
	return nil
}

// endWork forgets drafts and comments of an audience that is no more.
func (r *Resolver) endWork(name string) error {
	r.put(draftKey(name), nil)
	all, err := LoadComments(r.o.Store, name)
	for _, c := range all {
		r.put(commentKey(name, c.ID), nil)
	}
	return err
}
