package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
)

var (
	Encode = encode
	Decode = decode
)

// WriteHeader writes what begins a backup of any version.
func WriteHeader(b *bytes.Buffer, h Header) error {
	w := &Writer{out: bufio.NewWriter(io.Writer(b)), sum: sha256.New()}
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	_ = w.write([]byte(magic))
	if err := w.frame(kindHeader, text); err != nil {
		return err
	}
	return w.out.Flush()
}
