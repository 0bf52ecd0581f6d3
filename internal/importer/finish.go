package importer

import (
	"encoding/binary"
	"strconv"

	"clientele"
)

// finish gives a draft its id and writes the record, unless this run has sent it before.
func (mp *mapper) finish(d *draft) {
	spec := d.state.spec
	mp.inherit(spec)
	same, content := mp.hashes(d)
	id, k := d.key, uint32(0)
	if len(spec.key) == 0 {
		if !d.state.once {
			k = mp.counts.next(content.low())
		}
		id = content.ordinal(k)
	}
	line := mp.note(d, id, content, k)
	switch {
	case mp.told != nil:
		// A document is mapped by itself: what others said may never have reached the log.
		key := [2]uint64{id.low(), content.low()}
		if mp.told[key] {
			return
		}
		mp.told[key] = true
	case spec.onlyChanges && mp.changes.same(id.low(), same.low()),
		!spec.onlyChanges && len(spec.key) > 0 && mp.contents.same(id.low()^content.low(), binary.BigEndian.Uint64(content[:8])):
		mp.unchanged++
		return
	}
	d.state.made++
	from := len(mp.out)
	if spec.table == nil {
		mp.writeEvent(d, id)
	} else {
		mp.writeRow(d, id, line)
	}
	mp.records = append(mp.records, outRecord{d.state, from, len(mp.out)})
}

// inherit writes the columns that come from other records of the row.
func (mp *mapper) inherit(spec *recordSpec) {
	b := mp.inherited[:0]
	if spec.takesOrder && len(mp.orderID) > 0 {
		b = append(append(append(b, `"order_id":`...), mp.orderID...), ',')
	}
	if spec.takesLine && len(mp.orderLine) > 0 {
		b = append(append(append(b, `"line":`...), mp.orderLine...), ',')
	}
	mp.inherited = b
}

// hashes are that of the record without its time and that of all of it.
func (mp *mapper) hashes(d *draft) (same, content hash128) {
	spec := d.state.spec
	b := appendPart(append(mp.key[:0], idOfRow), mp.source)
	b = appendPart(b, spec.name())
	b = appendPart(b, d.event)
	b = binary.AppendUvarint(b, uint64(len(mp.inherited)))
	b = append(b, mp.inherited...)
	b = append(b, mp.scratch[d.ids[0]:d.tail[1]]...) // ids, who, body and tail lie side by side
	if spec.onlyChanges {
		same = hashOf(b)
	}
	b = append(b, 0)
	b = strconv.AppendInt(b, int64(d.at), 10)
	mp.key = b
	return same, hashOf(b)
}

// idDigits is the length of ids made of a record id: 80 bits for rows, and 48 for the lines of
// one order, where 32 would let two different lines of some order among millions be one.
const (
	rowIDDigits  = 20
	lineIDDigits = 12
)

// note keeps what later records of the row take from this one, and returns the line of an
// order line that has none.
func (mp *mapper) note(d *draft, id, content hash128, k uint32) (line []byte) {
	spec := d.state.spec
	switch spec.name() {
	case "orders":
		if spec.autoID != "" {
			mp.orderID = appendRowID(mp.orderID[:0], id)
		} else {
			mp.orderID = append(mp.orderID[:0], mp.scratch[d.order[0]:d.order[1]]...)
		}
	case "order_lines":
		if !spec.autoLine && d.line[1] > 0 {
			mp.orderLine = append(mp.orderLine[:0], mp.scratch[d.line[0]:d.line[1]]...)
			return nil
		}
		h := content // without the ordinal, so that the ordinal can be read off
		if len(spec.key) > 0 {
			h = id
		}
		b := h.appendHex(append(mp.orderLine[:0], '"'), lineIDDigits)
		if k > 0 {
			b = strconv.AppendUint(append(b, '-'), uint64(k)+1, 10)
		}
		mp.orderLine = append(b, '"')
		return mp.orderLine
	}
	return nil
}

func appendRowID(dst []byte, id hash128) []byte {
	return append(id.appendHex(append(dst, `"r_`...), rowIDDigits), '"')
}

// writeRow writes a RowRecord.
func (mp *mapper) writeRow(d *draft, id hash128, line []byte) {
	spec := d.state.spec
	b := append(mp.out, `{"table":"`...)
	b = append(b, spec.table.Name...)
	b = append(id.appendHex(append(b, `","id":"`...), 32), '"')
	if d.at != 0 {
		b = mp.row.appendMicros(append(b, `,"ts":`...), d.at)
	}
	b = append(b, mp.scratch[d.ids[0]:d.ids[1]]...)
	if spec.table.Name == "profiles" {
		b = append(b, `,"traits":{`...)
	} else {
		b = append(b, `,"fields":{`...)
	}
	if spec.autoID != "" {
		b = append(append(append(b, '"'), spec.autoID...), `":`...)
		b = append(appendRowID(b, id), ',')
	}
	if line != nil {
		b = append(append(append(b, `"line":`...), line...), ',')
	}
	for _, k := range spec.emptyKeys {
		b = append(append(append(b, '"'), k...), `":"",`...)
	}
	if spec.fillTS && d.at != 0 {
		b = append(mp.row.appendMicros(append(b, `"ts":`...), d.at), ',')
	}
	b = append(b, mp.inherited...)
	b = append(b, mp.scratch[d.body[0]:d.body[1]]...)
	b = closeObject(b)
	b = append(b, mp.scratch[d.tail[0]:d.tail[1]]...)
	mp.out = append(b, '}')
}

// writeEvent writes a track call as the tracking API has it.
func (mp *mapper) writeEvent(d *draft, id hash128) {
	b := append(mp.out, `{"type":"track","messageId":"`...)
	b = append(id.appendHex(b, 32), '"')
	b = appendText(append(b, `,"event":`...), d.event)
	if d.at != 0 {
		b = mp.row.appendMicros(append(b, `,"timestamp":`...), d.at)
	}
	b = append(b, mp.scratch[d.who[0]:d.who[1]]...)
	b = append(b, `,"properties":{`...)
	b = closeObject(append(b, mp.scratch[d.body[0]:d.body[1]]...))
	b = append(b, `,"context":{"library":{"name":"clientele-import"},`...)
	if d.ids[1] > d.ids[0] {
		b = append(append(b, mp.scratch[d.ids[0]:d.ids[1]]...), ',')
	}
	mp.out = append(closeObject(b), '}')
}

// closeObject ends an object whose members each end with a comma.
func closeObject(b []byte) []byte {
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

// kind is the kind of log record the spec makes.
func (r *recordSpec) kind() clientele.Kind {
	if r.table == nil {
		return clientele.KindEvent
	}
	return clientele.KindRow
}
