// Package pgwire speaks PostgreSQL's protocol, version 3, so that psql, drivers and BI tools can
// read the SQL schema: https://www.postgresql.org/docs/current/protocol.html. It reads only. What a
// client asks of data goes through the same gate and limits as the API's queries; what it asks of
// PostgreSQL's own catalogue is answered from a small database of its own, which holds the names
// and types of the contract's tables and nothing else. A password is a token of the API.
package pgwire
