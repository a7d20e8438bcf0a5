package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/holdfast-go/holdfast/provider"
)

// The errors of a Reader, besides those of its io.Reader.
var (
	ErrForeign = errors.New("it is not a backup that holdfast copy has written")
	ErrDamaged = errors.New("the backup is damaged")
	ErrCutOff  = errors.New("the backup is not whole: its end is missing")
	ErrLater   = errors.New("a later version of holdfast has written the backup; use that one")
	ErrNoKeys  = errors.New("the backup is sealed, and there are no keys")
	ErrKeys    = errors.New("the backup is sealed with a key that is not among the keys, or it was changed")
)

// Reader reads a backup.
type Reader struct {
	in     *bufio.Reader
	sum    hash.Hash // of all bytes before the current frame
	header Header
	seals  seals
}

// NewReader reads the header of a backup. The keys are those of package sealed; they are
// not used if the backup is not sealed.
func NewReader(r io.Reader, keys [][]byte) (*Reader, error) {
	br := &Reader{in: bufio.NewReaderSize(r, 1<<18), sum: sha256.New()}
	begin := make([]byte, len(magic))
	n, err := io.ReadFull(br.in, begin)
	switch {
	case err != nil && !isEnd(err):
		return nil, err
	case n == 0 || !bytes.HasPrefix([]byte(magic), begin[:n]):
		return nil, ErrForeign
	case err != nil:
		return nil, ErrCutOff
	}
	br.sum.Write(begin)
	kind, content, err := br.frame()
	if err != nil {
		return nil, err
	}
	if kind != kindHeader || json.Unmarshal(content, &br.header) != nil || br.header.Version < 1 {
		return nil, ErrDamaged
	}
	switch {
	case br.header.Version > version:
		return nil, ErrLater
	case br.header.Sealed && len(keys) == 0:
		return nil, ErrNoKeys
	case br.header.Sealed:
		br.seals, err = newSeals(keys)
	}
	return br, err
}

// Header returns the header.
func (r *Reader) Header() Header { return r.header }

// Next returns the next record. It returns io.EOF after the last one, if the backup is
// whole and as it was written.
func (r *Reader) Next() (*provider.Record, error) {
	before := r.sum.Sum(nil)
	kind, content, err := r.frame()
	if err != nil {
		return nil, err
	}
	if kind != kindRecord && kind != kindEnd {
		return nil, ErrDamaged
	}
	rec, err := decode(content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if rec, err = r.seals.open(rec); err != nil {
		return nil, ErrKeys
	}
	if kind == kindEnd {
		return nil, r.end(rec, before)
	}
	return rec, nil
}

// end returns io.EOF if rec is the end of what was read.
func (r *Reader) end(rec *provider.Record, sum []byte) error {
	e, err := endOf(rec)
	if err != nil || !bytes.Equal(e.SHA256, sum) {
		return ErrDamaged
	}
	switch _, err := r.in.ReadByte(); {
	case err == nil:
		return ErrDamaged // something follows
	case !isEnd(err):
		return err
	}
	return io.EOF
}

// frame reads a frame. It takes no more memory than the frame has bytes, whatever length
// a damaged one claims.
func (r *Reader) frame() (kind byte, content []byte, err error) {
	head := make([]byte, 5)
	if err := r.full(head); err != nil {
		return 0, nil, err
	}
	length := int64(binary.BigEndian.Uint32(head))
	if length > maxContent {
		return 0, nil, ErrDamaged
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(r.in, length)); err != nil {
		return 0, nil, err
	}
	check := make([]byte, 4) // if the content is not whole, neither is this
	if err := r.full(check); err != nil {
		return 0, nil, err
	}
	kind, content = head[4], b.Bytes()
	if crc32.Update(crc32.Checksum(head[4:], castagnoli), castagnoli, content) != binary.BigEndian.Uint32(check) {
		return 0, nil, ErrDamaged
	}
	for _, part := range [][]byte{head, content, check} {
		r.sum.Write(part)
	}
	return kind, content, nil
}

// full fills b.
func (r *Reader) full(b []byte) error {
	_, err := io.ReadFull(r.in, b)
	if isEnd(err) {
		return ErrCutOff
	}
	return err
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
