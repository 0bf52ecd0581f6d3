package duckstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"clientele"
)

// applyErased deletes every row of the anchors, of the profiles of those numbers, and what the
// overlay says of them.
func applyErased(ctx context.Context, conn *sql.Conn, erased []int64) error {
	const atOnce = 1000
	for some := range slices.Chunk(erased, atOnce) {
		list := strings.Trim(strings.ReplaceAll(fmt.Sprint(some), " ", ","), "[]")
		for _, t := range clientele.Schema {
			column := ""
			switch {
			case t.Person:
				column = "anchor_id"
			case t.Column("profile_id") >= 0:
				column = "profile_id"
			default:
				continue
			}
			if _, err := conn.ExecContext(ctx, fmt.Sprintf("delete from base.%s where %s in (%s)", quote(t.Name), column, list)); err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
		}
		if _, err := conn.ExecContext(ctx, "delete from base.moved where anchor_id in ("+list+")"); err != nil {
			return err
		}
	}
	return nil
}
