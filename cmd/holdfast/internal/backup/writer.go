package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

const (
	magic   = "\x89HFB\r\n\x1a\n"
	version = 1

	kindHeader = 'H'
	kindRecord = 'R'
	kindEnd    = 'E'

	maxContent = 1 << 30 // bytes of a frame; no store has larger records
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header describes a backup.
type Header struct {
	Version int       `json:"version"` // of the format
	Created time.Time `json:"created"` // before the first record was read
	Sealed  bool      `json:"sealed"`
}

// Writer writes a backup.
type Writer struct {
	out     *bufio.Writer
	sum     hash.Hash // of all bytes until now
	seals   seals
	records int64
}

// NewWriter begins a backup, sealed if there are keys, which are those of package sealed.
// Nothing is whole until Close has returned nil.
func NewWriter(w io.Writer, created time.Time, keys [][]byte) (*Writer, error) {
	bw := &Writer{out: bufio.NewWriterSize(w, 1<<18), sum: sha256.New()}
	if len(keys) > 0 {
		var err error
		if bw.seals, err = newSeals(keys); err != nil {
			return nil, err
		}
	}
	header, err := json.Marshal(Header{Version: version, Created: created.UTC(), Sealed: len(keys) > 0})
	if err != nil {
		return nil, err
	}
	if err := bw.write([]byte(magic)); err != nil {
		return nil, err
	}
	return bw, bw.frame(kindHeader, header)
}

// Add writes a record.
func (w *Writer) Add(rec *provider.Record) error {
	if err := w.put(kindRecord, rec); err != nil {
		return err
	}
	w.records++
	return nil
}

// Records returns the number of records that were added.
func (w *Writer) Records() int64 { return w.records }

// Close writes the end, without which the backup is not whole. It does not close the
// io.Writer.
func (w *Writer) Close() error {
	rec, err := end{w.sum.Sum(nil)}.record()
	if err == nil {
		err = w.put(kindEnd, rec)
	}
	if err == nil {
		err = w.out.Flush()
	}
	return err
}

func (w *Writer) put(kind byte, rec *provider.Record) error {
	rec, err := w.seals.seal(rec)
	if err != nil {
		return err
	}
	return w.frame(kind, encode(rec))
}

func (w *Writer) frame(kind byte, content []byte) error {
	if len(content) > maxContent {
		return fmt.Errorf("%w: a backup takes records up to 1 GiB", provider.ErrTooLarge)
	}
	head := binary.BigEndian.AppendUint32(make([]byte, 0, 5), uint32(len(content)))
	head = append(head, kind)
	sum := crc32.Update(crc32.Checksum(head[4:], castagnoli), castagnoli, content)
	for _, part := range [][]byte{head, content, binary.BigEndian.AppendUint32(nil, sum)} {
		if err := w.write(part); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) write(b []byte) error {
	w.sum.Write(b)
	_, err := w.out.Write(b)
	return err
}
