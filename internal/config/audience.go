package config

// Audience is an audience of the file. Where is its definition, written as YAML.
type Audience struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Where       any    `yaml:"where"`
}
