// Package rawzstd writes zstd that packs nothing: the content stands in it byte for byte, and every
// reader of zstd reads it. Tests that look for bytes in files store with it.
package rawzstd

import "encoding/binary"

// maxBlock is the most that a block of zstd may hold (RFC 8878, 3.1.1.2.4).
const maxBlock = 128 << 10

// Append appends a zstd frame whose blocks are stored as they are.
func Append(out, content []byte) []byte {
	out = append(out, 0x28, 0xb5, 0x2f, 0xfd) // magic number
	out = append(out, 0xe0)                   // descriptor: one segment, its size in 8 bytes, no checksum
	out = binary.LittleEndian.AppendUint64(out, uint64(len(content)))
	for {
		n := min(len(content), maxBlock)
		head := uint32(n) << 3 // type 0, stored
		if n == len(content) {
			head |= 1 // the last
		}
		out = append(out, byte(head), byte(head>>8), byte(head>>16))
		out = append(out, content[:n]...)
		if content = content[n:]; len(content) == 0 {
			return out
		}
	}
}
