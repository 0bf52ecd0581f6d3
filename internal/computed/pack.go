package computed

import (
	_ "embed"
	"encoding/json"

	"clientele"
)

//go:embed commerce.json
var commerce []byte

// Pack are the traits of a ready-made pack; NotFound when there is none of that name.
func Pack(name string) ([]clientele.ComputedTrait, error) {
	if name != "commerce" {
		return nil, clientele.Errorf(clientele.NotFound, "there is no pack of computed traits of that name").WithHint("there is commerce")
	}
	var out []clientele.ComputedTrait
	if err := json.Unmarshal(commerce, &out); err != nil {
		return nil, clientele.Errorf(clientele.Internal, "pack %s: %w", name, err)
	}
	return out, nil
}
