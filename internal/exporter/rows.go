package exporter

import (
	"io"
	"iter"

	"clientele"
)

// WriteRows writes rows that belong to no export, as a file of a format: what FormatOf answers. Values are as in
// clientele.TableRows, nil for none.
func WriteRows(w io.Writer, name, compression string, columns []clientele.ExportColumn, rows iter.Seq[[]any]) error {
	f, err := parseFormat(name, compression)
	if err != nil {
		return err
	}
	out, err := newWriter(w, f, columns)
	if err != nil {
		return err
	}
	for row := range rows {
		if err := out.enc.row(row); err != nil {
			return writeError(err)
		}
	}
	return out.close()
}
