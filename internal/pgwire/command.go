package pgwire

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"clientele"
)

// command is a statement about the session, which no engine sees.
type command struct {
	tag     string
	ends    bool // a failed transaction
	columns []clientele.QueryColumn
	do      func(ctx context.Context, p *portal) (rows [][]any, err error)
	fetch   func(ctx context.Context, p *portal) error // answers by itself
}

// writes are the first words of statements that would change something.
var writes = set("insert update delete merge truncate create drop alter grant revoke copy vacuum reindex cluster refresh comment call do import attach detach install load export checkpoint pragma analyze notify lock")

// command is the command that a text is; nil when it is a query.
func (c *session) command(st *statement) (*command, error) {
	first := st.tokens[0]
	if first.kind != word {
		return nil, nil
	}
	none := func(tag string, do func()) *command {
		return &command{tag: tag, do: func(context.Context, *portal) ([][]any, error) {
			if do != nil {
				do()
			}
			return nil, nil
		}}
	}
	switch first.text {
	case "begin", "start":
		return none(map[string]string{"begin": "BEGIN", "start": "START TRANSACTION"}[first.text], func() { c.status = inBlock }), nil
	case "commit", "end", "rollback", "abort":
		return c.endOf(st), nil
	case "savepoint":
		return none("SAVEPOINT", nil), nil
	case "release":
		return none("RELEASE", nil), nil
	case "set":
		return c.setCommand(st)
	case "reset":
		return none("RESET", nil), nil
	case "show":
		return c.show(st)
	case "discard":
		return none("DISCARD ALL", c.closeAll), nil
	case "deallocate":
		return c.deallocate(st), nil
	case "declare":
		return c.declare(st)
	case "fetch", "move":
		return c.fetchCommand(st)
	case "close":
		name := st.tokens[len(st.tokens)-1]
		return none("CLOSE CURSOR", func() {
			if name.is("all") {
				c.closePortals()
			} else {
				c.closePortal(cursorName(name))
			}
		}), nil
	case "listen", "unlisten":
		return none(strings.ToUpper(first.text), nil), nil
	case "explain", "prepare", "execute":
		return nil, faultf("0A000", clientele.Invalid, "%s is not answered here", strings.ToUpper(first.text))
	}
	if writes[first.text] {
		return nil, faultf("25006", clientele.Denied, "%s is not possible: this endpoint reads only", strings.ToUpper(first.text))
	}
	return nil, nil
}

// endOf is COMMIT or ROLLBACK. A failed transaction is rolled back by either, which the tag tells.
func (c *session) endOf(st *statement) *command {
	cmd := &command{tag: "COMMIT", ends: true}
	if first := st.tokens[0].text; first == "rollback" || first == "abort" {
		cmd.tag = "ROLLBACK"
	}
	to := len(st.tokens) > 1 && st.tokens[0].is("rollback") && (st.tokens[1].is("to") || len(st.tokens) > 2 && st.tokens[2].is("to"))
	cmd.do = func(context.Context, *portal) ([][]any, error) {
		if c.status == failed && cmd.tag == "COMMIT" {
			cmd.tag = "ROLLBACK"
		}
		if to { // a savepoint
			c.status = inBlock
			return nil, nil
		}
		c.status = idle
		c.closePortals()
		return nil, nil
	}
	return cmd
}

// runLocal runs a command and tells of it.
func (c *session) runLocal(ctx context.Context, p *portal) error {
	cmd := p.statement.local
	if cmd.fetch != nil {
		return cmd.fetch(ctx, p)
	}
	rows, err := cmd.do(ctx, p)
	if err != nil {
		return err
	}
	if len(cmd.columns) > 0 {
		if p.simple {
			c.back.Send(&pgproto3.RowDescription{Fields: fieldsOf(cmd.columns, nil, "")})
		}
		var cells []*encoder
		for range cmd.columns {
			cells = append(cells, &encoder{typ: scalars["varchar"]})
		}
		for _, row := range rows {
			b, err := appendRow(nil, cells, row)
			if err != nil {
				return err
			}
			if err := c.raw(b); err != nil {
				return errGone
			}
		}
	}
	c.back.Send(&pgproto3.CommandComplete{CommandTag: []byte(cmd.tag)})
	return nil
}

func (c *session) deallocate(st *statement) *command {
	name := st.tokens[len(st.tokens)-1]
	return &command{tag: "DEALLOCATE", do: func(context.Context, *portal) ([][]any, error) {
		if name.is("all") {
			clear(c.statements)
			return nil, nil
		}
		if _, there := c.statements[name.text]; !there {
			return nil, faultf("26000", clientele.NotFound, "there is no prepared statement of that name")
		}
		delete(c.statements, name.text)
		return nil, nil
	}}
}

// fixed are the parameters of the session that nothing changes, in lower case.
var fixed = map[string]string{
	"server_version": "15.0", "server_version_num": "150000", "server_encoding": "UTF8", "client_encoding": "UTF8", "datestyle": "ISO, MDY", "timezone": "UTC", "intervalstyle": "postgres",
	"integer_datetimes": "on", "standard_conforming_strings": "on", "default_transaction_read_only": "on", "transaction_read_only": "on", "in_hot_standby": "off", "is_superuser": "off",
	"transaction_isolation": "repeatable read", "default_transaction_isolation": "repeatable read", "search_path": "public", "max_identifier_length": "63", "max_index_keys": "32",
	"bytea_output": "hex", "lc_collate": "C.UTF-8", "lc_ctype": "C.UTF-8", "lc_messages": "C", "wal_level": "minimal", "row_security": "on", "block_size": "8192",
}

// defaults are those that a client may set, which change nothing but what it is told of them.
var defaults = map[string]string{"application_name": "", "statement_timeout": "0", "extra_float_digits": "1", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0", "client_min_messages": "notice"}

// get is a parameter of the session.
func (c *session) get(name string) (string, bool) {
	name = strings.ToLower(name)
	if name == "session_authorization" {
		return c.who.Name, true
	}
	if v, ok := fixed[name]; ok {
		return v, true
	}
	if v, ok := c.vars[name]; ok {
		return v, true
	}
	v, ok := defaults[name]
	return v, ok
}

// set keeps what a client says of a parameter; so few that nobody can fill the memory.
func (c *session) set(name, value string) {
	name = strings.ToLower(name)
	if _, taken := fixed[name]; taken || len(name)+len(value) > 1000 || len(c.vars) >= 50 {
		return
	}
	c.vars[name] = value
}

// timeout is the session's statement_timeout; 0 = none.
func (c *session) timeout() time.Duration {
	v, _ := c.get("statement_timeout")
	if ms, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(v, "ms"))); err == nil {
		return time.Duration(ms) * time.Millisecond
	}
	d, err := time.ParseDuration(strings.ReplaceAll(strings.ReplaceAll(v, "min", "m"), " ", ""))
	if err != nil {
		return 0
	}
	return d
}

// setCommand is SET. What it sets is known to the session, and of no consequence, but for
// statement_timeout. A time zone or an encoding that answers are not in is said.
func (c *session) setCommand(st *statement) (*command, error) {
	t := st.tokens[1:]
	if len(t) > 0 && (t[0].is("session") || t[0].is("local")) {
		t = t[1:]
	}
	if len(t) > 1 && t[0].is("time") && t[1].is("zone") {
		t = append([]lexeme{{kind: word, text: "timezone"}, {kind: punct, text: "="}}, t[2:]...)
	}
	name, value := "", ""
	if len(t) > 2 && (t[1].is("=") || t[1].is("to")) {
		name, value = t[0].text, strings.Trim(strings.TrimSpace(st.client[t[2].start:]), `'"`)
	}
	if name == "client_encoding" && !utf8Name(value) {
		return nil, faultf("22023", clientele.Invalid, "the encoding is UTF8 and no other")
	}
	return &command{tag: "SET", do: func(context.Context, *portal) ([][]any, error) {
		if name != "" {
			c.set(name, value)
		}
		if name == "timezone" && !utcName(value) {
			c.back.Send(&pgproto3.NoticeResponse{Severity: "WARNING", SeverityUnlocalized: "WARNING", Code: "01000",
				Message: "times are in UTC here, whatever the time zone of the session", Hint: "say it in the query: ts at time zone 'Europe/Berlin'"})
		}
		if name == "application_name" {
			c.back.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
		}
		return nil, nil
	}}, nil
}

func utf8Name(s string) bool {
	switch strings.ToLower(strings.ReplaceAll(s, "-", "")) {
	case "utf8", "unicode", "default":
		return true
	}
	return false
}

func utcName(s string) bool {
	switch strings.ToLower(s) {
	case "utc", "gmt", "etc/utc", "z", "+00", "0", "+00:00", "default", "local":
		return true
	}
	return false
}

func (c *session) show(st *statement) (*command, error) {
	var words []string
	for _, t := range st.tokens[1:] {
		words = append(words, t.text)
	}
	name := strings.Join(words, "_")
	switch name {
	case "transaction_isolation_level":
		name = "transaction_isolation"
	case "time_zone":
		name = "timezone"
	case "all":
		return nil, faultf("0A000", clientele.Invalid, "SHOW ALL is not answered here")
	}
	if _, known := c.get(name); !known {
		return nil, faultf("42704", clientele.NotFound, "there is no parameter of that name")
	}
	cmd := &command{tag: "SHOW", columns: []clientele.QueryColumn{{Name: name, Type: "varchar"}}}
	cmd.do = func(context.Context, *portal) ([][]any, error) {
		value, _ := c.get(name)
		return [][]any{{value}}, nil
	}
	return cmd, nil
}

// declare makes a portal of a query: DECLARE name ... CURSOR ... FOR query.
func (c *session) declare(st *statement) (*command, error) {
	for i, t := range st.tokens {
		if !t.is("for") || i < 3 || i+1 >= len(st.tokens) {
			continue
		}
		name, text := cursorName(st.tokens[1]), st.client[st.tokens[i+1].start:]
		return &command{tag: "DECLARE CURSOR", do: func(ctx context.Context, _ *portal) ([][]any, error) {
			if c.status == idle {
				return nil, faultf("25P01", clientele.Invalid, "a cursor needs a transaction: begin one first")
			}
			if _, there := c.portals[name]; there || len(c.portals) >= maxPortals {
				return nil, faultf("42P03", clientele.Conflict, "there is a cursor of that name, or too many")
			}
			inner, err := c.statement(ctx, text)
			if err == nil && inner.local != nil {
				err = faultf("42601", clientele.Invalid, "a cursor is for a query")
			}
			if err == nil {
				err = c.prepare(ctx, inner, nil)
			}
			if err == nil && len(inner.params) > 0 {
				err = faultf("0A000", clientele.Invalid, "a cursor's query has no parameters")
			}
			if err != nil {
				return nil, err
			}
			c.portals[name] = &portal{statement: inner, formats: make([]int16, len(inner.columns))}
			return nil, nil
		}}, nil
	}
	return nil, faultf("42601", clientele.Invalid, "write: declare NAME cursor for select ...")
}

// cursorName keeps cursors apart from the portals of the protocol.
func cursorName(t lexeme) string { return "cursor " + t.text }

// fetchCommand is FETCH [FORWARD] [n | ALL | NEXT] [FROM | IN] name.
func (c *session) fetchCommand(st *statement) (*command, error) {
	n := 1
	for _, t := range st.tokens[1 : len(st.tokens)-1] {
		switch {
		case t.kind == number:
			n = atoi(t.text)
		case t.is("all"):
			n = 0
		case t.is("forward"), t.is("next"), t.is("from"), t.is("in"):
		default:
			return nil, faultf("0A000", clientele.Invalid, "a cursor only goes forward here")
		}
	}
	name := cursorName(st.tokens[len(st.tokens)-1])
	cmd := &command{tag: "FETCH"}
	if p, there := c.portals[name]; there {
		cmd.columns = p.statement.columns
	}
	cmd.fetch = func(ctx context.Context, asked *portal) error {
		p, there := c.portals[name]
		if !there {
			return faultf("34000", clientele.NotFound, "there is no cursor of that name")
		}
		if asked.simple {
			c.back.Send(&pgproto3.RowDescription{Fields: p.statement.fields(nil)})
		}
		return c.fetch(ctx, p, n)
	}
	return cmd, nil
}

// fetch hands on rows of a cursor.
func (c *session) fetch(ctx context.Context, p *portal, n int) error {
	if p.rows == nil {
		if err := c.start(ctx, p); err != nil {
			return err
		}
	}
	taken := 0
	if !p.ended {
		c.running(p.rows.cancel)
		defer c.running(nil)
		stop := c.watch(p.rows.cancel)
		defer stop()
		var more bool
		var err error
		taken, more, err = p.rows.take(n, c.raw)
		c.s.rows.Add(uint64(taken))
		if !more {
			p.ended = true
			if err == nil && p.rows.cut {
				err = faultf("54000", clientele.TooLarge, "the answer has more than %d rows: the rest is missing", p.rows.total)
			}
			c.s.countQuery(outcome(err, p.rows.cut))
		}
		if err != nil {
			return err
		}
	}
	c.back.Send(&pgproto3.CommandComplete{CommandTag: tagged("FETCH", taken)})
	return nil
}
