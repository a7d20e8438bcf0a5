package gorillaholdfast

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

const (
	importFormat = "gorillaholdfast/import" // of the record of an import
	importWindow = 30 * time.Second         // how long requests with the old cookie may be under way
	importTries  = 3
)

// oldSession is a session of the old store that is to be imported.
type oldSession struct {
	store   sessions.Store
	session *sessions.Session
	cookie  string          // which some stores look at in Save
	record  string          // the ID of the record of the import
	base    map[string]item // its values
	expires time.Time       // when its cookie is no longer valid
}

// imported is the data of the record of an import.
type imported struct {
	PublicID string    `json:"public_id"` // of the new session; "": it was ended instead
	At       time.Time `json:"at"`
}

// findOld looks for the old session of the cookies.
func (st *state) findOld(r *http.Request, values []string) {
	var forged error
	ended := false
	for _, value := range values {
		found, err := st.store.old.New(withCookie(r, st.name, value), st.name)
		var decoding securecookie.Error
		switch {
		case errors.As(err, &decoding) && decoding.IsDecode():
			forged = err
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, sql.ErrNoRows): // FilesystemStore, and stores over database/sql
			ended = true
		case err != nil:
			st.err = fmt.Errorf("%w: the store to import from: %w", session.ErrUnavailable, err)
			return
		case found == nil || found.IsNew:
			ended = true
		default:
			st.foundOld(r, found, value)
			return
		}
	}
	if !ended {
		st.forged = forged
	}
}

// withCookie returns a copy of r with this cookie alone, and without the registry of r.
func withCookie(r *http.Request, name, value string) *http.Request {
	alone := r.Clone(r.Context())
	alone.Header.Set("Cookie", name+"="+value)
	return alone
}

// foundOld is called with the session of the old store, unless a request has imported it.
func (st *state) foundOld(r *http.Request, found *sessions.Session, cookie string) {
	old := &oldSession{store: st.store.old, session: found, cookie: cookie, record: st.importRecord(identity(found, cookie)), expires: now().Add(maxPersist)}
	if found.Options != nil && found.Options.MaxAge > 0 {
		old.expires = now().Add(time.Duration(found.Options.MaxAge) * time.Second)
	}
	st.old = old
	err := st.openImported(r)
	switch {
	case err != nil:
		st.err = err
		return
	case st.old == nil: // imported or ended
		return
	}
	changes, _, _ := st.diff(nil, found.Values) // Save reports a value that cannot be stored
	old.base = map[string]item{}
	for _, c := range changes {
		old.base[c.name] = c.item
	}
	st.found, st.values = true, found.Values
}

// identity returns what names an old session: its ID in the old store or, if that keeps
// nothing, its cookie. Base64 has several spellings of the same bytes, and all of them are
// that cookie.
func identity(found *sessions.Session, cookie string) string {
	if found.ID != "" {
		return found.ID
	}
	if signed, err := base64.URLEncoding.DecodeString(cookie); err == nil {
		return string(signed)
	}
	return cookie
}

// importRecord returns the ID of the record of the import of an old session.
func (st *state) importRecord(of string) string {
	sum := sha256.Sum256([]byte("import\x00" + st.store.cfg.Namespace + "\x00" + st.name + "\x00" + of))
	return "gorillaholdfast-" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// openImported looks whether a request has imported or ended the old session. If so, the
// old session is no more to be imported. If that was a moment ago, the imported session
// is opened, because the browser does not have its cookie yet.
func (st *state) openImported(r *http.Request) error {
	ctx, cancel := st.storeContext(r)
	defer cancel()
	rec, err := st.store.provider.Fetch(ctx, st.old.record)
	if errors.Is(err, provider.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", session.ErrUnavailable, err)
	}
	var done imported
	if rec.Format != importFormat || json.Unmarshal(rec.Data, &done) != nil {
		return fmt.Errorf("%w: the record of an import", session.ErrUnreadable)
	}
	st.old = nil
	if done.PublicID == "" || now().Sub(done.At) > importWindow {
		return nil
	}
	err = during(r, func(ctx context.Context) error {
		return st.m.Update(ctx, done.PublicID, func(s *session.Session) error {
			st.s = s
			return nil
		})
	})
	switch {
	case errors.Is(err, session.ErrEnded):
		return nil
	case err != nil:
		return err
	}
	st.detached = true
	st.read()
	return nil
}

// storeContext returns a context for one call of the provider.
func (st *state) storeContext(r *http.Request) (context.Context, context.CancelFunc) {
	timeout := st.store.cfg.StoreTimeout
	if timeout <= 0 {
		timeout = 3 * time.Second
	}
	return context.WithTimeout(context.WithoutCancel(r.Context()), timeout)
}

// claimOld records that the old session was imported as the session of that public ID, or
// ended if that is "", and ends it. It is lost if another request was first.
func (st *state) claimOld(r *http.Request, w http.ResponseWriter, gs *sessions.Session, publicID string) (lost bool, err error) {
	data, err := json.Marshal(imported{publicID, now()})
	if err != nil {
		return false, err
	}
	old := st.old
	rec := &provider.Record{ID: old.record, Version: newVersion(), ExpiresAt: old.expires, Format: importFormat, Data: data}
	if err = st.insert(r, rec); err != nil {
		if publicID != "" { // nobody knows the new session
			_ = st.m.Revoke(r.Context(), publicID)
		}
		if errors.Is(err, provider.ErrVersionConflict) {
			return true, nil
		}
		return false, fmt.Errorf("%w: the import: %w", session.ErrOutcomeUnknown, err)
	}
	st.old = nil
	old.end(r, w, st.name, gs.Options, st.store.cfg.Logger.Warn)
	return false, nil
}

// insert stores a new record. It tries again with the same version, so that the record is
// this one if any attempt has stored it.
func (st *state) insert(r *http.Request, rec *provider.Record) (err error) {
	for range importTries {
		ctx, cancel := st.storeContext(r)
		err = st.store.provider.Save(ctx, rec, 0)
		cancel()
		if err == nil || errors.Is(err, provider.ErrVersionConflict) {
			return err
		}
	}
	ctx, cancel := st.storeContext(r)
	defer cancel()
	if stored, fetchErr := st.store.provider.Fetch(ctx, rec.ID); fetchErr == nil {
		if stored.Version == rec.Version {
			return nil
		}
		return provider.ErrVersionConflict
	}
	return err
}

// newVersion returns a random version of a record.
func newVersion() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:])>>1) | 1
}

// end ends the old session. Its cookie is replaced by the new one, unless it has another
// scope. If the old store fails, the record of the import still keeps its cookie from
// opening anything here.
func (old *oldSession) end(r *http.Request, w http.ResponseWriter, name string, o *sessions.Options, warn func(string, ...any)) {
	options := sessions.Options{Path: "/"}
	if old.session.Options != nil {
		options = *old.session.Options
	}
	options.MaxAge = -1
	old.session.Options = &options
	scratch := &headerWriter{http.Header{}}
	if err := old.store.Save(withCookie(r, name, old.cookie), scratch, old.session); err != nil {
		warn("gorillaholdfast: an imported session could not be ended in the store that it came from", "error", err)
	}
	cookie := sessions.NewCookie(name, "", &options)
	if !sameScope(cookie, sessions.NewCookie(name, "", o)) && cookie.Valid() == nil {
		setCookie(w.Header(), cookie)
	}
}

// joinImport is called if a parallel request has imported the old session during a Save:
// the changes of this one are made in the imported session.
func (st *state) joinImport(r *http.Request, gs *sessions.Session) error {
	began := st.old.base
	if err := st.openImported(r); err != nil {
		st.failed = err
		return err
	}
	if !st.detached {
		st.failed = fmt.Errorf("%w: a parallel request has imported and ended it", session.ErrEnded)
		return st.failed
	}
	gs.ID = st.id
	st.unseen = map[string]bool{}
	for key := range began {
		st.unseen[key] = !sameItem(began, st.base, key)
	}
	st.base = began
	changes, _, err := st.diff(began, gs.Values)
	if err == nil {
		err = st.saveDetached(r, gs, changes)
	}
	st.failed = err
	return err
}

// sameItem reports whether a key has the same value in a and b.
func sameItem(a, b map[string]item, name string) bool {
	x, inA := a[name]
	y, inB := b[name]
	return inA == inB && (!inA || same(x.data, y.data))
}

// headerWriter is a response of which only the header matters.
type headerWriter struct{ header http.Header }

func (w *headerWriter) Header() http.Header         { return w.header }
func (w *headerWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *headerWriter) WriteHeader(int)             {}
