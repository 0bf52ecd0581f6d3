package clientele

// BackupState says how a backup goes.
type BackupState string

// The states; "" = there has been none.
const (
	BackupRunning BackupState = "running"
	BackupDone    BackupState = "done"
	BackupFailed  BackupState = "failed"
)

// BackupStatus is the backup that is being made, or the last one. Positions and sizes are those
// of a backup that is done.
type BackupStatus struct {
	State   BackupState `json:"state" doc:"running, done or failed; empty: there has been none."`
	Path    string      `json:"path,omitempty" doc:"On the server's machine."`
	At      Micros      `json:"at,omitempty" doc:"When it began."`
	Error   string      `json:"error,omitempty"`
	Bytes   int64       `json:"bytes,omitempty"`
	Files   int         `json:"files,omitempty"`
	Log     Position    `json:"log,omitempty" doc:"All that was accepted up to this position is in it."`
	Rows    Position    `json:"rows,omitempty"`
	Columns Position    `json:"columns,omitempty"`
	TookMS  int64       `json:"took_ms,omitempty"`
	// How long each store took no changes, in milliseconds; they waited and none was lost.
	ColumnsHeldMS int64 `json:"columns_held_ms,omitempty"`
	RowsHeldMS    int64 `json:"rows_held_ms,omitempty"`
}
