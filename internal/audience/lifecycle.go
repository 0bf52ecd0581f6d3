package audience

import (
	"slices"
	"strconv"
	"strings"
)

// StagePrefix leads the names of definitions that are lifecycle stages. Audiences cannot be called
// so, and nobody refers to them by name: who asks for a stage refers to all of them.
const StagePrefix = "lifecycle/"

// StageName is the name under which the condition of a stage is evaluated: versions of the
// lifecycle stand side by side while one is filled.
func StageName(version int, stage string) string {
	return StagePrefix + strconv.Itoa(version) + "/" + stage
}

// IsStage says whether a definition of that name is a lifecycle stage.
func IsStage(name string) bool { return strings.HasPrefix(name, StagePrefix) }

// Everybody is a condition that holds for every profile, that of the first stage.
const Everybody = `{"or":[{"trait":"lifecycle","op":"exists"},{"trait":"lifecycle","op":"not_exists"}]}`

// StagesAsked are the lifecycle stages that the definition asks for, sorted.
func StagesAsked(c Condition) []string {
	var out []string
	for _, l := range Leaves(c) {
		if l, ok := l.(*Lifecycle); ok && !slices.Contains(out, l.Stage) {
			out = append(out, l.Stage)
		}
	}
	slices.Sort(out)
	return out
}

// precedes are the names of the definitions that have to be evaluated before the one of the
// condition: those it refers to, and all stages when it asks for one.
func precedes(definitions map[string]Condition, c Condition) []string {
	out := References(c)
	if len(StagesAsked(c)) == 0 {
		return out
	}
	for name := range definitions {
		if IsStage(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
