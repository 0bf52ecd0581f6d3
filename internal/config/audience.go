package config

// Audience is an audience of the file. Where is its definition, written as YAML; one of the kind sql has a
// query instead, and one of the kind static is filled by files.
type Audience struct {
	Name        string `yaml:"name"`
	Kind        string `yaml:"kind"`
	Description string `yaml:"description"`
	Where       any    `yaml:"where"`
	Suppress    any    `yaml:"suppress"` // rules that leave people out: name, and when
	Query       string `yaml:"query"`
	Every       string `yaml:"every"`
}

// Lifecycle are the stages on the way of a customer. Default is clientele.DefaultLifecycle instead of Stages.
type Lifecycle struct {
	Default bool    `yaml:"default"`
	Stages  []Stage `yaml:"stages"`
}

// Stage is a lifecycle stage of the file. Where is its condition, written as YAML; the first has none.
type Stage struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Where       any    `yaml:"where"`
	Lost        bool   `yaml:"lost"`
}
