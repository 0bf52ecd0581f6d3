package api

import (
	"context"
	"net/http"
	"path/filepath"

	"clientele"
	"clientele/internal/token"
)

// Backups makes backups of the running program.
type Backups interface {
	// StartBackup begins one at an absolute path and does not wait. Conflict while another is made.
	StartBackup(ctx context.Context, path string) error
	// BackupPath is where one of that name goes: Denied when the configuration names no place.
	BackupPath(name string) (string, error)
	// BackupStatus is the one that is being made, or the last one.
	BackupStatus(ctx context.Context) (*clientele.BackupStatus, error)
}

// BackupRequest says where a backup goes.
type BackupRequest struct {
	Name string `json:"name" minLength:"1" maxLength:"4096" doc:"A name in backup.dir; with .tar.zst at its end the backup is one file. Commands on the server name an absolute path."`
}

func (a *API) backupRoutes() {
	route(a, operation{id: "start-backup", method: http.MethodPost, path: "/api/v1/backups", scope: token.Admin,
		tag: "operate", summary: "Begin a backup; GET says how it goes"},
		func(ctx context.Context, in *struct{ Body BackupRequest }) (*output[*clientele.BackupStatus], error) {
			path := in.Body.Name
			// Only who can read the data directory on the server may write elsewhere on it.
			if !filepath.IsAbs(path) || !principalOf(ctx).Local {
				var err error
				if path, err = a.o.Backups.BackupPath(in.Body.Name); err != nil {
					return nil, err
				}
			}
			if err := a.o.Backups.StartBackup(ctx, path); err != nil {
				return nil, err
			}
			return a.backupStatus(ctx)
		})
	route(a, operation{id: "get-backup", method: http.MethodGet, path: "/api/v1/backups", scope: token.Admin,
		tag: "operate", summary: "The backup that is being made, or the last one", quiet: true},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.BackupStatus], error) {
			return a.backupStatus(ctx)
		})
}

func (a *API) backupStatus(ctx context.Context) (*output[*clientele.BackupStatus], error) {
	s, err := a.o.Backups.BackupStatus(ctx)
	if err != nil {
		return nil, err
	}
	return &output[*clientele.BackupStatus]{s}, nil
}
