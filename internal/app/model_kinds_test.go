package app

import (
	"testing"

	"clientele"
)

// Every kind of models has a family, and no family is of a kind that there is not.
func TestFamilies(t *testing.T) {
	for _, k := range clientele.ModelKinds {
		if families[k] == nil {
			t.Errorf("the kind %s has no family", k)
		}
	}
	if len(families) != len(clientele.ModelKinds) {
		t.Errorf("%d families of %d kinds", len(families), len(clientele.ModelKinds))
	}
}
