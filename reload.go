package clientele

// ReloadResult says what reading the configuration again has changed.
type ReloadResult struct {
	Sources     int      `json:"sources" doc:"How many there are now."`
	Changed     []string `json:"changed" doc:"What is in force from now on."`
	NeedRestart []string `json:"need_restart" doc:"Sections that differ from what is in force and need a restart."`
}
