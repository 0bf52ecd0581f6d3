package observe

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is what is read at the moment of a scrape. A number that is not known is Unknown, and is
// then not shown.
type State struct {
	Ready    bool
	Problems int
	Log      LogState
	Archive  ArchiveState
	Resolve  ResolveState
	Columns  ColumnsState
	Rows     RowsState
	Door     DoorState
	Exports  ExportsState
	Postgres PostgresState

	CollectRefusals []Refusal // of requests; Where is the endpoint's kind
	WebhookRefusals []Refusal // of calls; Where is the source, "" for an unknown one
	DoorClosed      []Refusal // connections; Where is empty
}

// Unknown is a number that could not be read.
func Unknown() float64 { return math.NaN() }

// LogState is where the log stands. Positions and sizes are numbers of frames and bytes.
type LogState struct {
	First, Last           float64
	Bytes, MaxBytes, Free float64
	Full                  bool
	Restarts, LostRanges  float64
}

// ArchiveState is what has left the log.
type ArchiveState struct{ Last, Bytes float64 }

// ResolveState is how far the resolver has come, and what it keeps.
type ResolveState struct {
	Position, Lag                                       float64
	LagSeconds                                          float64
	LateSeconds                                         float64 // of memberships that time alone changes
	Quarantine                                          float64 // records in it now
	Profiles, Identifiers, Evidence                     float64
	BlockedMerges, BlockedIdentifiers, Merges, Unmerges float64
}

// ColumnsState is how far the column store has come.
type ColumnsState struct {
	Commit, Lag     float64
	LagSeconds      float64
	Bytes, WALBytes float64
}

// RowsState is how the row store's engine does.
type RowsState struct {
	Commit                                  float64
	Bytes, WALBytes                         float64
	MemTableBytes, CacheBytes               float64
	CacheHits, CacheMisses                  float64
	CompactionDebt, ReadAmplification       float64
	Compactions, Flushes, BytesIn, BytesOut float64
}

// UnknownRows is the state of a store that is closed.
func UnknownRows() RowsState {
	u := Unknown()
	return RowsState{u, u, u, u, u, u, u, u, u, u, u, u, u}
}

// DoorState is what clients hold of this machine.
type DoorState struct{ Open, Max, BodyBytes float64 }

// ExportsState is what exports do and did.
type ExportsState struct {
	Running, Waiting float64
	Retries          float64
	Rows, Bytes      float64            // of those that are done
	Ended            map[string]float64 // by state
	LastDone         map[string]float64 // by the name of the scheduled export; seconds since 1970, 0 for never
}

// PostgresState is how the endpoint of pg_listen does; nothing where there is none.
type PostgresState struct {
	Connections, Max float64
	Rows, Bytes      float64
	Logins, Queries  map[string]uint64 // by outcome
}

// Refusal is how often something was not taken, since the start.
type Refusal struct {
	Where, Reason string
	Count         uint64
}

// reading is a metric without labels that is read off the state.
type reading struct {
	name, help string
	kind       prometheus.ValueType
	of         func(*State) float64
}

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func readings() []reading {
	return []reading{
		{"clientele_ready", "1 when the stages run and requests are served.", gauge, func(s *State) float64 { return truth(s.Ready) }},
		{"clientele_problems", "Problems that /api/v1/status names now.", gauge, func(s *State) float64 { return float64(s.Problems) }},

		{"clientele_http_connections", "Connections that clients have open.", gauge, func(s *State) float64 { return s.Door.Open }},
		{"clientele_http_connections_limit", "Connections that may be open: http.max_connections, or half of the process's descriptors.", gauge, func(s *State) float64 { return s.Door.Max }},
		{"clientele_http_body_memory_bytes", "Bytes of request bodies that are on their way in.", gauge, func(s *State) float64 { return s.Door.BodyBytes }},

		{"clientele_log_first_position", "Oldest position in the log.", gauge, func(s *State) float64 { return s.Log.First }},
		{"clientele_log_last_position", "Newest position in the log; its rate is frames per second.", gauge, func(s *State) float64 { return s.Log.Last }},
		{"clientele_log_size_bytes", "Bytes of frames in the log.", gauge, func(s *State) float64 { return s.Log.Bytes }},
		{"clientele_log_limit_bytes", "log.max_size: at it nothing more is accepted.", gauge, func(s *State) float64 { return s.Log.MaxBytes }},
		{"clientele_log_disk_free_bytes", "Bytes free on the disk of the embedded log.", gauge, func(s *State) float64 { return s.Log.Free }},
		{"clientele_log_full", "1 while the log takes nothing.", gauge, func(s *State) float64 { return truth(s.Log.Full) }},
		{"clientele_log_restarts_total", "Times that the embedded log was started again after a write failed.", counter, func(s *State) float64 { return s.Log.Restarts }},
		{"clientele_log_lost_ranges", "Ranges of positions that were found lost when the log was opened.", gauge, func(s *State) float64 { return s.Log.LostRanges }},

		{"clientele_archive_last_position", "Newest position in the archive.", gauge, func(s *State) float64 { return s.Archive.Last }},
		{"clientele_archive_size_bytes", "Bytes of the archive.", gauge, func(s *State) float64 { return s.Archive.Bytes }},
		{"clientele_archive_lag_positions", "Positions that were resolved and are not archived: they are in the log alone.", gauge,
			func(s *State) float64 { return max(0, s.Resolve.Position-s.Archive.Last) }},

		{"clientele_resolve_position", "Newest position that was resolved.", gauge, func(s *State) float64 { return s.Resolve.Position }},
		{"clientele_resolve_lag_positions", "Positions of the log that wait for the resolver.", gauge, func(s *State) float64 { return s.Resolve.Lag }},
		{"clientele_resolve_lag_seconds", "Age of the oldest record that waits for the resolver; 0 when none does.", gauge, func(s *State) float64 { return s.Resolve.LagSeconds }},
		{"clientele_audience_lag_seconds", "How late the first membership is that time alone may change; 0 when none is overdue.", gauge, func(s *State) float64 { return s.Resolve.LateSeconds }},
		{"clientele_quarantine_records", "Records in quarantine now.", gauge, func(s *State) float64 { return s.Resolve.Quarantine }},
		{"clientele_profiles", "Profiles.", gauge, func(s *State) float64 { return s.Resolve.Profiles }},
		{"clientele_identifiers", "Identifiers.", gauge, func(s *State) float64 { return s.Resolve.Identifiers }},
		{"clientele_identity_evidence", "Links between identifiers.", gauge, func(s *State) float64 { return s.Resolve.Evidence }},
		{"clientele_identity_blocked_merges", "Links that a rule refuses.", gauge, func(s *State) float64 { return s.Resolve.BlockedMerges }},
		{"clientele_identity_blocked_identifiers", "Values that join too many people to identify any.", gauge, func(s *State) float64 { return s.Resolve.BlockedIdentifiers }},
		{"clientele_identity_merges_total", "Profiles that became part of others, since the data directory was made.", counter, func(s *State) float64 { return s.Resolve.Merges }},
		{"clientele_identity_unmerges_total", "Profiles that were parted again, since the data directory was made.", counter, func(s *State) float64 { return s.Resolve.Unmerges }},

		{"clientele_columns_commit", "Newest change set in the column store.", gauge, func(s *State) float64 { return s.Columns.Commit }},
		{"clientele_columns_lag_commits", "Change sets that wait for the column store.", gauge, func(s *State) float64 { return s.Columns.Lag }},
		{"clientele_columns_lag_seconds", "Time since the oldest of them was committed; 0 when none waits.", gauge, func(s *State) float64 { return s.Columns.LagSeconds }},
		{"clientele_columns_size_bytes", "Bytes of the column store's file.", gauge, func(s *State) float64 { return s.Columns.Bytes }},
		{"clientele_columns_wal_bytes", "Bytes of its write-ahead log: a checkpoint brings them into the file.", gauge, func(s *State) float64 { return s.Columns.WALBytes }},

		{"clientele_exports_running", "Exports under way.", gauge, func(s *State) float64 { return s.Exports.Running }},
		{"clientele_exports_waiting", "Exports that wait for their turn, or to be tried again.", gauge, func(s *State) float64 { return s.Exports.Waiting }},
		{"clientele_export_retries_total", "Tries of exports that failed and will be repeated.", counter, func(s *State) float64 { return s.Exports.Retries }},
		{"clientele_export_rows_total", "Rows of exports that were done.", counter, func(s *State) float64 { return s.Exports.Rows }},
		{"clientele_export_bytes_total", "Bytes of exports that were done.", counter, func(s *State) float64 { return s.Exports.Bytes }},

		{"clientele_pg_connections", "Clients that are logged in at pg_listen.", gauge, func(s *State) float64 { return s.Postgres.Connections }},
		{"clientele_pg_connections_limit", "pg_connections.", gauge, func(s *State) float64 { return s.Postgres.Max }},
		{"clientele_pg_rows_total", "Rows of answers at pg_listen.", counter, func(s *State) float64 { return s.Postgres.Rows }},
		{"clientele_pg_bytes_total", "Bytes of them.", counter, func(s *State) float64 { return s.Postgres.Bytes }},

		{"clientele_rows_commit", "Newest change set in the row store.", gauge, func(s *State) float64 { return s.Rows.Commit }},
		{"clientele_rows_size_bytes", "Bytes of the row store on disk.", gauge, func(s *State) float64 { return s.Rows.Bytes }},
		{"clientele_rows_wal_bytes", "Bytes of its write-ahead log that are needed after a crash.", gauge, func(s *State) float64 { return s.Rows.WALBytes }},
		{"clientele_rows_memtable_bytes", "Bytes of rows that are not in table files yet.", gauge, func(s *State) float64 { return s.Rows.MemTableBytes }},
		{"clientele_rows_cache_bytes", "Bytes of the block cache in use.", gauge, func(s *State) float64 { return s.Rows.CacheBytes }},
		{"clientele_rows_cache_hits_total", "Blocks that were read from the cache.", counter, func(s *State) float64 { return s.Rows.CacheHits }},
		{"clientele_rows_cache_misses_total", "Blocks that were read from disk.", counter, func(s *State) float64 { return s.Rows.CacheMisses }},
		{"clientele_rows_compaction_debt_bytes", "Bytes that compactions are behind by, estimated.", gauge, func(s *State) float64 { return s.Rows.CompactionDebt }},
		{"clientele_rows_read_amplification", "Places that a read may have to look into.", gauge, func(s *State) float64 { return s.Rows.ReadAmplification }},
		{"clientele_rows_compactions_total", "Compactions.", counter, func(s *State) float64 { return s.Rows.Compactions }},
		{"clientele_rows_flushes_total", "Times that rows in memory were written to table files.", counter, func(s *State) float64 { return s.Rows.Flushes }},
		{"clientele_rows_written_bytes_total", "Bytes of changes that were committed.", counter, func(s *State) float64 { return s.Rows.BytesIn }},
		{"clientele_rows_disk_written_bytes_total", "Bytes that flushes and compactions wrote; by the one above it is the write amplification.", counter, func(s *State) float64 { return s.Rows.BytesOut }},
	}
}

// stateCollector makes metrics of a State.
type stateCollector struct {
	read func(context.Context) State
}

// stateTimeout is how long reading the state may take.
const stateTimeout = 5 * time.Second

func (r *reading) desc() *prometheus.Desc { return prometheus.NewDesc(r.name, r.help, nil, nil) }

func collectRefusals() *prometheus.Desc {
	return prometheus.NewDesc("clientele_collect_refusals_total", "Requests of collect that were not taken.", []string{"endpoint", "reason"}, nil)
}

func connectionsClosed() *prometheus.Desc {
	return prometheus.NewDesc("clientele_http_connections_closed_total", "Connections that were closed to serve others.", []string{"reason"}, nil)
}

func webhookRefusals() *prometheus.Desc {
	return prometheus.NewDesc("clientele_webhook_refusals_total", "Webhook calls that were not taken; source is empty for an unknown one.", []string{"source", "reason"}, nil)
}

func exportsEnded() *prometheus.Desc {
	return prometheus.NewDesc("clientele_exports_total", "Exports that have ended: done, failed, cancelled.", []string{"state"}, nil)
}

func pgLogins() *prometheus.Desc {
	return prometheus.NewDesc("clientele_pg_logins_total", "Logins at pg_listen: ok, or why not: password, scope, tls, connections, rate.", []string{"outcome"}, nil)
}

func pgQueries() *prometheus.Desc {
	return prometheus.NewDesc("clientele_pg_queries_total", "Queries at pg_listen that have ended: ok, cut, cancelled, error.", []string{"outcome"}, nil)
}

func exportLastDone() *prometheus.Desc {
	return prometheus.NewDesc("clientele_export_last_done_timestamp_seconds", "When the last run of a scheduled export was done; 0 for never.", []string{"name"}, nil)
}

// Describe names the metrics.
func (c *stateCollector) Describe(out chan<- *prometheus.Desc) {
	for _, r := range readings() {
		out <- r.desc()
	}
	out <- collectRefusals()
	out <- webhookRefusals()
	out <- connectionsClosed()
	out <- exportsEnded()
	out <- exportLastDone()
	out <- pgLogins()
	out <- pgQueries()
}

// Collect reads them.
func (c *stateCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), stateTimeout)
	defer cancel()
	s := c.read(ctx)
	for _, r := range readings() {
		if v := r.of(&s); !math.IsNaN(v) {
			out <- prometheus.MustNewConstMetric(r.desc(), r.kind, v)
		}
	}
	for _, list := range []struct {
		desc *prometheus.Desc
		of   []Refusal
	}{{collectRefusals(), s.CollectRefusals}, {webhookRefusals(), s.WebhookRefusals}} {
		for _, r := range list.of {
			out <- prometheus.MustNewConstMetric(list.desc, counter, float64(r.Count), r.Where, r.Reason)
		}
	}
	for _, r := range s.DoorClosed {
		out <- prometheus.MustNewConstMetric(connectionsClosed(), counter, float64(r.Count), r.Reason)
	}
	for _, outcome := range []string{"ok", "password", "scope", "tls", "connections", "rate"} {
		out <- prometheus.MustNewConstMetric(pgLogins(), counter, float64(s.Postgres.Logins[outcome]), outcome)
	}
	for _, outcome := range []string{"ok", "cut", "cancelled", "error"} {
		out <- prometheus.MustNewConstMetric(pgQueries(), counter, float64(s.Postgres.Queries[outcome]), outcome)
	}
	for _, state := range []string{"done", "failed", "cancelled"} {
		out <- prometheus.MustNewConstMetric(exportsEnded(), counter, s.Exports.Ended[state], state)
	}
	for name, at := range s.Exports.LastDone {
		out <- prometheus.MustNewConstMetric(exportLastDone(), gauge, at, name)
	}
}
