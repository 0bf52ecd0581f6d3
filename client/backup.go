package client

import (
	"context"
	"net/http"

	"clientele"
)

// StartBackup begins a backup of that name in the server's backup.dir and does not wait; a command
// on the server's machine may name an absolute path.
func (c *Client) StartBackup(ctx context.Context, name string) (*clientele.BackupStatus, error) {
	var s clientele.BackupStatus
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/backups", body: map[string]string{"name": name}}, &s)
	return &s, err
}

// Backup is the backup that is being made, or the last one.
func (c *Client) Backup(ctx context.Context) (*clientele.BackupStatus, error) {
	var s clientele.BackupStatus
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/backups"}, &s)
	return &s, err
}
