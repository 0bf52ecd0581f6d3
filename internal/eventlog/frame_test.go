package eventlog_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"clientele"
	"clientele/internal/eventlog"
)

var update = flag.Bool("update", false, "write the golden files anew: only for a new format version")

func goldenFrame() *clientele.Frame {
	return &clientele.Frame{Kind: clientele.KindEvent, Records: []clientele.Record{
		{Source: "web", ReceivedAt: 1_795_295_341_780_123, Raw: []byte(`{"type":"track","event":"Order Completed"}`)},
		{Source: "till", ReceivedAt: -1, Verdict: clientele.Malformed, Raw: []byte("\x00\xff")},
		{Source: "", ReceivedAt: 0, Verdict: clientele.Oversize, Raw: nil},
	}}
}

// TestFrameGolden: bytes written by the first version are read for ever, and the layout inside
// the compression has not moved. (The compressed bytes themselves may differ by library.)
func TestFrameGolden(t *testing.T) {
	const file = "testdata/frame_v1.bin"
	if *update {
		b, err := eventlog.EncodeFrame(goldenFrame())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := eventlog.DecodeFrame(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := goldenFrame(); !sameFrame(got, want) {
		t.Errorf("golden frame reads as %+v", got)
	}
	again, err := eventlog.EncodeFrame(got)
	if err != nil {
		t.Fatal(err)
	}
	if again[0] != 1 || again[1] != 1 || again[2] != 3 {
		t.Errorf("head is %x", again[:3])
	}
	dec, _ := zstd.NewReader(nil)
	defer dec.Close()
	body, err := dec.DecodeAll(again[3:], nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "03776562" + "b6f2e8d1f8b3b006" + "00" + "2a" + hex.EncodeToString([]byte(`{"type":"track","event":"Order Completed"}`)) +
		"0474696c6c" + "01" + "02" + "02" + "00ff" + "00" + "00" + "01" + "00"
	if hex.EncodeToString(body) != want {
		t.Errorf("body is\n%x, was\n%s", body, want)
	}
}

func sameFrame(a, b *clientele.Frame) bool {
	if a.Kind != b.Kind || len(a.Records) != len(b.Records) {
		return false
	}
	for i := range a.Records {
		x, y := a.Records[i], b.Records[i]
		if !bytes.Equal(x.Raw, y.Raw) {
			return false
		}
		x.Raw, y.Raw = nil, nil
		if !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return true
}

func TestFrameLimits(t *testing.T) {
	f := &clientele.Frame{Kind: clientele.KindRow, Records: make([]clientele.Record, clientele.MaxFrameRecords+1)}
	if _, err := eventlog.EncodeFrame(f); clientele.ErrorCode(err) != clientele.TooLarge {
		t.Errorf("1,001 records: %v", err)
	}
	noise := make([]byte, clientele.MaxFrameBytes)
	_, _ = rand.Read(noise)
	f.Records = []clientele.Record{{Source: "s", Raw: noise}}
	if _, err := eventlog.EncodeFrame(f); clientele.ErrorCode(err) != clientele.TooLarge {
		t.Errorf("incompressible frame: %v", err)
	}
	f.Records = nil
	if _, err := eventlog.EncodeFrame(f); err == nil {
		t.Error("an empty frame was encoded")
	}
}

func TestFrameDamage(t *testing.T) {
	b, err := eventlog.EncodeFrame(goldenFrame())
	if err != nil {
		t.Fatal(err)
	}
	for i := 3; i < len(b); i++ {
		bad := bytes.Clone(b)
		bad[i] ^= 0x40
		if f, err := eventlog.DecodeFrame(bad); err == nil && !sameFrame(f, goldenFrame()) {
			t.Fatalf("a flipped bit in byte %d was read as other records", i)
		}
		if _, err := eventlog.DecodeFrame(b[:i]); clientele.ErrorCode(err) != clientele.Corrupt {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := eventlog.DecodeFrame([]byte{9, 1, 1}); err == nil || !strings.Contains(clientele.ErrorHint(err), "upgrade") {
		t.Errorf("unknown version: %v", err)
	}
}

func FuzzDecodeFrame(f *testing.F) {
	b, _ := eventlog.EncodeFrame(goldenFrame())
	f.Add(b)
	f.Add([]byte{1, 1, 1, 0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := eventlog.DecodeFrame(b)
		if err != nil {
			if clientele.ErrorCode(err) != clientele.Corrupt {
				t.Fatalf("error without code: %v", err)
			}
			return
		}
		again, err := eventlog.EncodeFrame(frame)
		if err != nil {
			return // a valid frame whose re-encoding is larger than a message
		}
		back, err := eventlog.DecodeFrame(again)
		if err != nil || !sameFrame(back, frame) {
			t.Fatalf("did not survive a round trip: %v", err)
		}
	})
}
