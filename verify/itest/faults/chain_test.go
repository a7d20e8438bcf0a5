package faults_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
)

// A chain is the Data of a record that tells its whole past: the version of every
// save that it has come through, its own at the end, and a checksum. What is lost
// is missing in it, what has landed after it was denied is in it, and half a
// record is none.
type chain []int64

const chainFormat = "chain"

var errTorn = errors.New("a torn record")

// grow returns the record that follows one with the chain c.
func (c chain) grow(id string, version int64) *provider.Record {
	data := make([]byte, 0, 8*(len(c)+1)+4)
	for _, v := range c {
		data = binary.BigEndian.AppendUint64(data, uint64(v))
	}
	data = binary.BigEndian.AppendUint64(data, uint64(version))
	data = binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(data))
	return &provider.Record{ID: id, Version: version, Format: chainFormat, Data: data}
}

func chainOf(rec *provider.Record) (chain, error) {
	body := len(rec.Data) - 4
	if rec.Format != chainFormat || body < 8 || body%8 != 0 ||
		binary.BigEndian.Uint32(rec.Data[body:]) != crc32.ChecksumIEEE(rec.Data[:body]) {
		return nil, errTorn
	}
	var c chain
	for b := rec.Data[:body]; len(b) > 0; b = b[8:] {
		c = append(c, int64(binary.BigEndian.Uint64(b)))
	}
	if c[len(c)-1] != rec.Version {
		return nil, errTorn
	}
	return c, nil
}

// lengthen saves a record in these versions of 1, 2, 3, …, which it has not had.
func lengthen(t *testing.T, store provider.Provider, id string, versions ...int64) {
	t.Helper()
	for _, version := range versions {
		past := chain{}
		for v := int64(1); v < version; v++ {
			past = append(past, v)
		}
		must(t, fmt.Sprintf("Save of version %d", version), store.Save(t.Context(), past.grow(id, version), version-1))
	}
}
