package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clientele"
)

// TestQuestions reads docs/questions.md: its story is told, and each definition and question has the answer that
// stands behind it.
func TestQuestions(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/questions.md")
	if err != nil {
		t.Fatal(err)
	}
	p := run(t, settings(t))
	asked, sections := 0, strings.Split(string(page), "\n## ")
	for _, section := range sections {
		title, _, _ := strings.Cut(section, "\n")
		answer := func() string { t.Fatalf("%s: an answer without a question", title); return "" }
		for _, b := range regexp.MustCompile("(?s)```([a-z]+ [a-z]+)\n(.*?)\n```").FindAllStringSubmatch(section, -1) {
			what, text := b[1], b[2]
			switch what {
			case "text story":
				for line := range strings.Lines(text) {
					p.tell(strings.TrimSpace(line))
				}
				if err := p.app.Settle(context.Background()); err != nil {
					t.Fatal(err)
				}
			case "json audience", "postgresql audience":
				asked++
				answer = func() string { return p.groupOf(fmt.Sprint("question ", asked), what, text) }
			case "json question":
				asked++
				answer = func() string { return p.answerOf(text) }
			case "text answer":
				if got := answer(); got != text {
					t.Errorf("%s\n%s\nis answered\n%s\nand not\n%s", title, text, got, text)
				}
			default:
				t.Fatalf("%s: a block is %q", title, what)
			}
		}
	}
	if asked != 13 || len(sections) != 12 {
		t.Errorf("%d questions in %d sections", asked, len(sections))
	}
}

// tell tells a line of the story.
func (p *program) tell(line string) {
	p.Helper()
	if line == "- lifecycle" {
		if _, err := p.client.SetLifecycle(context.Background(), clientele.DefaultLifecycle()); err != nil {
			p.Fatal(err)
		}
		eventually(p.T, "the lifecycle is live", func() bool {
			l, err := p.client.Lifecycle(context.Background())
			return err == nil && l.Filling == nil
		})
		return
	}
	head, properties, _ := strings.Cut(line, "{")
	properties = "{" + properties
	words := strings.Fields(head)
	if words[0] == "-" {
		p.tellRow(words[2], properties)
		return
	}
	at := clock().Add(-ago(words[0])).UTC().Format(time.RFC3339Nano)
	id, who := fmt.Sprint(len(line), line), fmt.Sprintf(`"userId":%q`, words[1])
	switch name := strings.Join(words[2:], " "); name {
	case "identify":
		p.batch(webKey, identify(quotable(id), at, who, properties))
	case "chat":
		p.tellRow("conversations", strings.Replace(properties, "{", fmt.Sprintf(`{"user":%q,"channel":"chat","started_at":%q,`, words[1], at), 1))
	default:
		p.batch(webKey, track(quotable(id), name, at, who, properties))
	}
}

func quotable(s string) string {
	return regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(s), "-")
}

func ago(s string) time.Duration {
	n, err := strconv.Atoi(s[:len(s)-1])
	if err != nil {
		panic(err)
	}
	return time.Duration(n) * map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour}[s[len(s)-1]]
}

// tellRow imports a row; user is whose it is.
func (p *program) tellRow(table, fields string) {
	p.Helper()
	var f map[string]any
	if err := json.Unmarshal([]byte(fields), &f); err != nil {
		p.Fatalf("%s: %v", fields, err)
	}
	ids := []clientele.RecordIdentifier(nil)
	if user, ok := f["user"].(string); ok {
		ids = append(ids, clientele.RecordIdentifier{Namespace: clientele.UserID, Value: user})
		delete(f, "user")
	}
	b, err := json.Marshal(clientele.RowRecord{Table: table, ID: quotable(fields), Identifiers: ids, Fields: f})
	if err != nil {
		p.Fatal(err)
	}
	p.rows("crm", string(b))
}

// groupOf brings an audience into force and gives its members by their user ids.
func (p *program) groupOf(name, what, text string) string {
	p.Helper()
	in := clientele.Audience{Name: name, Where: clientele.RawJSON(text)}
	if what == "postgresql audience" {
		in = clientele.Audience{Name: name, Kind: clientele.AudienceSQL, Query: text}
	}
	if _, err := p.client.SetAudience(context.Background(), in); err != nil {
		p.Fatalf("%s: %v (%s)", text, err, clientele.ErrorHint(err))
	}
	p.filled(name)
	members := strings.Fields(p.membersOf(name))
	slices.Sort(members)
	return strings.Join(members, " ")
}

// answerOf asks a question and prints its rows; of pairs, the names alone.
func (p *program) answerOf(text string) string {
	p.Helper()
	var q clientele.Question
	if err := json.Unmarshal([]byte(text), &q); err != nil {
		p.Fatalf("%s: %v", text, err)
	}
	r, err := p.client.Explore(context.Background(), q)
	if err != nil {
		p.Fatalf("%s: %v (%s)", text, err, clientele.ErrorHint(err))
	}
	var lines []string
	for _, row := range r.Rows {
		var parts []string
		for i, v := range row {
			switch {
			case q.Kind == "affinity" && r.Columns[i].Role == "measure":
			case v == nil:
				parts = append(parts, "-")
			default:
				parts = append(parts, fmt.Sprint(v))
			}
		}
		lines = append(lines, strings.Join(parts, " "))
	}
	return strings.Join(lines, "\n")
}
