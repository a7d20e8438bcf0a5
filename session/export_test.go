package session

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// FillOwnerIndex writes an index of n sessions of owner that are not stored. The ith was
// entered ago(i) ago.
func FillOwnerIndex(m *Manager, owner string, n int, ago func(i int) time.Duration) error {
	return fillIndex(m, records.OwnerLabel(owner), n, ago)
}

// FillLabelIndex is FillOwnerIndex for the sessions of a label.
func FillLabelIndex(m *Manager, name, value string, n int, ago func(i int) time.Duration) error {
	return fillIndex(m, records.Label{Name: name, Value: value}, n, ago)
}

func fillIndex(m *Manager, of records.Label, n int, ago func(i int) time.Duration) error {
	index := records.NewContent(records.OwnerIndexFormat)
	index.Expires = index.Created.Add(500 * 24 * time.Hour)
	if of.Name == "" {
		index.Owner = of.Value
	} else {
		index.Fields = index.Fields.WithLabels(envelope.Labels("").With(of))
	}
	entries := make([]envelope.Edit, n)
	for i := range entries {
		since := binary.AppendUvarint(nil, uint64(index.Created.Add(-ago(i)).UnixMilli()))
		entries[i] = envelope.Edit{Name: fmt.Sprintf("absent%037d", i), Value: binary.AppendUvarint(since, 1)}
	}
	index.EncodeAfter(nil, new(envelope.Entries), entries)
	a := m.records.Access(context.Background(), nil)
	out, err := a.Save(labelRecordID(m.cfg.Namespace, of), index, 0)
	if err == nil && !out.Landed {
		err = errors.New("the index is there already")
	}
	return err
}

// Apart makes m an instance in a process of its own, as far as leases are concerned. Pause
// is the longest time between two looks at the lease of another instance, 0 the default.
func Apart(m *Manager, pause time.Duration) { m.engine.Leases = &txn.Leases{LongestPause: pause} }
