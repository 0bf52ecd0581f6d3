package resolve

import (
	"encoding/json"
	"math"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/identity"
)

// ActionBody is the body of the command action: an action, or with Delete its end.
type ActionBody struct {
	clientele.Action
	Delete bool `json:"delete,omitempty"`
}

// maxActions bounds what is looked at for each decision.
const maxActions = 200

func actionKey(name string) clientele.Key { return clientele.MetaKey("action").Text(name) }

// CheckAction says whether it can be chosen. Audiences that are not there yet have no members.
func CheckAction(rows clientele.Rows, a *clientele.Action) error {
	if !audienceName.MatchString(a.Name) {
		return invalidHint("write up to 64 letters, digits, blanks, dots, dashes and underscores", "%q is no name", clip(a.Name))
	}
	if math.IsNaN(a.Value) || a.Value < 0 || math.IsNaN(a.Cost) || a.Cost < 0 || a.Rate < 0 || a.Rate > 1 {
		return invalidHint("value and cost are money, rate is a share", "value, cost or rate of %s is no such number", clip(a.Name))
	}
	if len(a.Offer) > 0 && (len(a.Offer) > 4096 || !json.Valid(a.Offer)) {
		return invalidHint("write JSON of 4 KB at most", "offer of %s", clip(a.Name))
	}
	all, err := ListActions(rows)
	if err != nil {
		return err
	}
	others := 0
	for _, x := range all {
		if x.Name != a.Name {
			others++
		}
	}
	if others >= maxActions {
		return invalidHint("delete some", "there are %d actions already", others)
	}
	return nil
}

// ListActions are all of them, by name.
func ListActions(rows clientele.Rows) ([]clientele.Action, error) {
	out := []clientele.Action{}
	err := rows.Scan(clientele.Prefix(clientele.MetaKey("action")), func(_ clientele.Key, v []byte) (bool, error) {
		var a clientele.Action
		if err := json.Unmarshal(v, &a); err != nil {
			return false, clientele.Errorf(clientele.Corrupt, "action: %w", err)
		}
		out = append(out, a)
		return true, nil
	})
	return out, err
}

func (r *Resolver) actionCommand(body func(any) error, by string, now clientele.Micros) error {
	var b ActionBody
	if err := body(&b); err != nil {
		return err
	}
	key := actionKey(b.Name)
	if b.Delete {
		r.put(key, nil)
		return nil
	}
	if err := CheckAction(r.o.Store, &b.Action); err != nil {
		return err
	}
	b.By, b.At = by, now
	v, err := json.Marshal(b.Action)
	if err != nil {
		return clientele.Errorf(clientele.Internal, "action: %w", err)
	}
	r.put(key, v)
	return nil
}

// Purchase is a product of an order of a profile.
type Purchase struct {
	Item string // its SKU, else its product id
	At   clientele.Micros
}

// Purchases are those of the profile's order lines that say a product, a time, and no quantity of 0 and below.
func Purchases(rows clientele.Rows, g *identity.Graph, p clientele.ProfileID) ([]Purchase, error) {
	members, err := g.Members(p)
	if err != nil {
		return nil, err
	}
	var out []Purchase
	ledger := commerce.NewLedger(rows)
	for _, a := range members {
		err := ledger.OwnedBy(a, map[string]bool{"order_lines": true}, func(_ string, row commerce.Row) error {
			item := row.Text("sku")
			if item == "" {
				item = row.Text("product_id")
			}
			at, q := row.Time("ts"), row.Value("quantity")
			if n, said := q.(int64); item != "" && at != 0 && (!said || n > 0) {
				out = append(out, Purchase{item, at})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Available is how much of the SKU is in stock, all places together; nil when nobody has said it.
func Available(rows clientele.Rows, sku string) (*float64, error) {
	row, err := loadStock(rows, sku)
	return row.available(), err
}

// DecisionRow is a decision as it stands; Told is false when there is none.
func DecisionRow(rows clientele.Rows, source, id string) (commerce.Row, error) {
	t := clientele.TableNamed("decisions")
	v, err := rows.Get(clientele.TableKey(t.Name, source, id))
	if err != nil || v == nil {
		return commerce.Row{Table: t}, err
	}
	return commerce.ReadRow(t, v)
}
