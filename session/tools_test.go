package session_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// infosOf returns the records of m by their public IDs.
func infosOf(t *testing.T, m *session.Manager, prefix string) map[string]*session.Info {
	t.Helper()
	infos := map[string]*session.Info{}
	for info, err := range m.Records(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		infos[info.PublicID] = info
	}
	return infos
}

func TestManagerRecords(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.Codec = oneWay{session.JSON()} })
	c := w.client()
	c.post(signIn("ann")).wantPage(t)
	id := c.sessionID()
	foreign := &provider.Record{ID: "foreign", Version: 1, Format: "other", Data: []byte("not ours")}
	if err := w.store.Provider.Save(t.Context(), foreign, 0); err != nil {
		t.Fatal(err)
	}
	m := newManager(t, w.store.Provider, session.Config{}) // w.store is no provider.Lister
	infos := infosOf(t, m, "")
	if info := infos[id]; info == nil || info.Kind != session.KindSession || info.Owner != "ann" || info.Size != len(w.stored(id).Data) {
		t.Errorf("the session is %+v", info)
	}
	if info := infos["foreign"]; info == nil || info.Kind != session.KindUnreadable || info.Size != len(foreign.Data) {
		t.Errorf("the record of another program is %+v", info)
	}
	indexes := 0
	for _, info := range infos {
		if info.Kind == session.KindOwnerIndex {
			indexes++
		}
	}
	if indexes != 1 {
		t.Errorf("%d owner indexes", indexes)
	}
	if some := infosOf(t, m, id); len(some) != 1 || some[id] == nil {
		t.Errorf("with the prefix there are %v", some)
	}
}

// brokenLister is a store whose listing fails after the first record.
type brokenLister struct{ *memory.Provider }

var errListing = errors.New("the listing is broken")

func (b brokenLister) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		for rec := range b.Provider.List(ctx, prefix) {
			if yield(rec, nil) {
				yield(nil, errListing)
			}
			return
		}
	}
}

func TestManagerRecordsFails(t *testing.T) {
	for name, c := range map[string]struct {
		store provider.Provider
		want  error
	}{
		"a broken listing":        {brokenLister{memory.New()}, session.ErrUnavailable},
		"a provider that is none": {struct{ provider.Provider }{memory.New()}, errors.ErrUnsupported},
	} {
		m := newManager(t, c.store, session.Config{})
		s, err := m.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		keyA.Set(s, 1)
		if _, err := s.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		var last error
		for info, err := range m.Records(t.Context(), "") {
			if (info == nil) != (err != nil) {
				t.Errorf("%s: got %v and %v", name, info, err)
			}
			last = err
		}
		if !errors.Is(last, c.want) {
			t.Errorf("%s: %v, want %v", name, last, c.want)
		}
	}
}

func TestManagerInspect(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.Codec = oneWay{session.JSON()} })
	c := w.client()
	c.post(signIn("ann")).wantPage(t)
	c.post(set("a=1")).wantPage(t)
	id := c.sessionID()
	before := w.stored(id)
	info, err := w.m.Inspect(t.Context(), id)
	if err != nil || info.Kind != session.KindSession || info.PublicID != id || info.Owner != "ann" || info.Size == 0 {
		t.Fatalf("it is %+v, %v", info, err)
	}
	if w.stored(id).Version != before.Version {
		t.Error("Inspect has saved the session")
	}
	for _, absent := range []string{"", "absent", string(make([]byte, 300))} {
		_, err := w.m.Inspect(t.Context(), absent)
		wantErr(t, err, session.ErrEnded)
	}
	w.onFetch(failing)
	_, err = w.m.Inspect(t.Context(), id)
	wantErr(t, err, session.ErrUnavailable)
}

func TestCanRevokeEverything(t *testing.T) {
	if newManager(t, memory.New(), session.Config{}).CanRevokeEverything() {
		t.Error("it can, though it is switched off")
	}
	if !newManager(t, memory.New(), session.Config{RevokeEverythingWithin: 2 * time.Minute}).CanRevokeEverything() {
		t.Error("it cannot")
	}
}
