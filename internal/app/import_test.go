package app_test

import (
	"fmt"
	"testing"
)

// What was imported is there once, whoever it belongs to, and what is told later of an order's
// customer moves its lines and returns.
func TestImport(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	rows := []string{
		`{"table":"orders","id":"o1","ids":[{"ns":"shop:customer","v":"17"}],"fields":{"order_id":"O1","ts":"2026-01-02T10:00:00Z","currency":"EUR","status":"completed"}}`,
		`{"table":"order_lines","id":"l1","fields":{"order_id":"O1","line":"1","ts":"2026-01-02T10:00:00Z","sku":"S1","quantity":2,"price":"10.50"}}`,
		`{"table":"order_lines","id":"l2","fields":{"order_id":"O1","line":"2","ts":"2026-01-02T10:00:00Z","sku":"S2","quantity":1,"price":4}}`,
		`{"table":"order_lines","id":"l3","fields":{"order_id":"O2","line":"1","ts":"2026-01-03T10:00:00Z","sku":"S1","quantity":1,"price":"10.50"}}`, // of a guest
		`{"table":"returns","id":"b1","fields":{"return_id":"R1","order_id":"O2","line":"1","ts":"2026-01-05T10:00:00Z","sku":"S1","quantity":1,"amount":"10.50","reason":"too small"}}`,
		`{"table":"products","id":"p1","fields":{"product_id":"P1","sku":"S1","name":"Boots","list_price":12}}`,
		`{"table":"consents","id":"c1","ts":"2026-01-02T10:00:00Z","ids":[{"ns":"shop:customer","v":"17"}],"fields":{"purpose":"marketing","channel":"email","granted":true,"ts":"2026-01-02T10:00:00Z"}}`,
		`{"table":"profiles","id":"c17","ts":"2026-01-01T00:00:00Z","ids":[{"ns":"shop:customer","v":"17"},{"ns":"email","v":"Ann@Example.com","verified":true}],"traits":{"name":"Ann"},"consents":[{"purpose":"marketing","channel":"sms","granted":false}]}`,
	}
	p.rows("shop", rows...)
	ann := p.profile("shop:customer", "17")
	const orders = `select order_id, profile_id is null, revenue, ts from orders order by order_id`
	p.tells(orders, "O1|false|25|2026-01-02T10:00:00.000000Z", "O2|true|10.5|2026-01-03T10:00:00.000000Z")
	p.tells(`select order_id, line, profile_id is null from order_lines order by 1, 2`, "O1|1|false", "O1|2|false", "O2|1|true")
	p.tells(`select return_id, profile_id is null, amount from returns`, "R1|true|10.5")
	p.tells(`select purpose, channel, granted, profile_id from consents order by 2`, fmt.Sprintf("marketing|email|true|%d", int64(ann.ID)), fmt.Sprintf("marketing|sms|false|%d", int64(ann.ID)))
	p.tells(`select count(*) from profiles`, "1") // a guest is no profile
	p.tells(`select value, verified from identifiers order by 1`, "17|false", "ann@example.com|true")
	if len(ann.Consent) != 2 || ann.Traits["name"] != "Ann" {
		t.Errorf("ann: %+v", ann)
	}

	before := p.digests()
	p.rows("shop", rows...)
	same(t, before, p.digests())
	if got := p.status().Counts["duplicates"]; got != int64(len(rows)) {
		t.Errorf("%d duplicates of %d", got, len(rows))
	}
	// The customer number of another shop is another person's.
	p.rows("market", `{"table":"profiles","id":"c17","ids":[{"ns":"market:customer","v":"17"}],"traits":{"name":"Bob"}}`)
	p.tells(`select count(*) from profiles`, "2")

	// The guest turns out to be Ann: order, line and return are hers.
	p.rows("shop", `{"table":"orders","id":"o2","ids":[{"ns":"email","v":"ann@example.com"}],"fields":{"order_id":"O2","status":"refunded"}}`)
	p.tells(fmt.Sprintf(`select 'order', order_id from orders where profile_id = %[1]d union all select 'line', order_id || '-' || line from order_lines where profile_id = %[1]d
		union all select 'return', return_id from returns where profile_id = %[1]d order by 1, 2`, int64(ann.ID)), "line|O1-1", "line|O1-2", "line|O2-1", "order|O1", "order|O2", "return|R1")
	p.tells(orders, "O1|false|25|2026-01-02T10:00:00.000000Z", "O2|false|10.5|2026-01-03T10:00:00.000000Z")
	p.tells(`select order_id, status from orders order by 1`, "O1|completed", "O2|refunded")
}

// A verified identifier is one only where the source may say so.
func TestVerified(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	p.batch(webKey, `{"type":"track","event":"E","messageId":"1","userId":"w","context":{"externalIds":[{"type":"loyalty_id","id":"L1","verified":true}]}}`)
	p.batch(serverKey, `{"type":"track","event":"E","messageId":"1","userId":"s"}`)
	p.rows("crm", `{"table":"profiles","id":"1","ids":[{"ns":"user_id","v":"f"},{"ns":"email","v":"f@example.com","verified":true}]}`)
	p.tells(`select value, verified from identifiers order by 1`, "L1|false", "f|false", "f@example.com|true", "s|true", "w|false")
}
