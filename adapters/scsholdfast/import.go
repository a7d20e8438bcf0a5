package scsholdfast

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// Import brings over the sessions of an app that has used scs, so that nobody is signed
// out by the move. A visitor who comes with the cookie of a session in Store gets a new
// session with its values, its deadline and a new token. The session in Store is deleted.
//
// A session is imported once. Parallel requests with the old cookie get the same new
// session, on every instance: a record in SessionManager.Store, which exists until the
// old deadline, names it. The record is encrypted with a key that is derived from the old
// token, so it opens no session for a reader of the store. (To cmd/holdfast it is a record
// that could not be read.) One minute after the import
// the old cookie stands for no session any more, even if the session is still in Store
// because it could not be deleted, or because an instance of the old program has saved it
// again.
//
// The import is saved before the handler is called, and does not depend on the handler's
// success. It takes, besides Find and Delete, two trips to SessionManager.Store. As long
// as Import is set, a request with an old cookie that stands for no session causes a Find
// and a trip. Remove it when the last session of scs has reached its deadline.
//
// Import when no instance of the old program is running: it would not find a session that
// was imported.
type Import struct {
	// Store is the store that scs has used, such as one of scs's modules redisstore,
	// postgresstore or memstore, with the same prefix or table.
	Store ImportStore

	// Codec is the codec that scs has used. Nil means GobCodec. The types of the values
	// must be registered as before: a session that does not decode fails the request, and
	// stays in Store.
	Codec Codec

	// HashTokenInStore is the setting that scs has used.
	HashTokenInStore bool

	// CookieName is the name of the cookie that scs has used. "" means Cookie.Name. If it is
	// another one, that cookie is deleted after the import.
	CookieName string
}

// ImportStore is a store of scs: its interface Store has these methods. If the store also
// has the methods FindCtx and DeleteCtx of scs's CtxStore, they are used.
type ImportStore interface {
	Find(token string) (b []byte, found bool, err error)
	Delete(token string) error
}

// importer imports the sessions of an Import.
type importer struct {
	core    *core
	old     Import
	claims  claims
	timeout time.Duration
}

func newImporter(c *core, i Import, cfg session.Config) *importer {
	if i.Codec == nil {
		i.Codec = GobCodec{}
	}
	i.CookieName = cmp.Or(i.CookieName, c.cookie.Name)
	return &importer{
		core: c, old: i,
		claims:  claims{store: c.store, namespace: cfg.Namespace},
		timeout: cmp.Or(cfg.StoreTimeout, 3*time.Second),
	}
}

// oldTokenLength is the length of scs's tokens: 32 bytes in base64.
const oldTokenLength = 43

// isOldToken reports whether token may be one of scs. Holdfast's are longer.
func isOldToken(token string) bool {
	_, err := base64.RawURLEncoding.DecodeString(token)
	return len(token) == oldTokenLength && err == nil
}

// request imports the session of the old cookie that r came with, if it came with no
// cookie of this package. It returns the header of r with the new cookie in place of the
// old one, or nil if nothing was imported.
func (i *importer) request(r *http.Request) (http.Header, error) {
	var tokens []string
	for _, cookie := range r.CookiesNamed(i.old.CookieName) {
		if isOldToken(cookie.Value) {
			tokens = append(tokens, cookie.Value)
		}
	}
	if len(tokens) == 0 || len(tokens) > maxOldTokens {
		return nil, nil
	}
	for _, cookie := range r.CookiesNamed(i.core.cookie.Name) {
		if !isOldToken(cookie.Value) {
			return nil, nil
		}
	}
	for _, token := range tokens {
		successor, err := i.run(r.Context(), token)
		if err != nil {
			return nil, err
		}
		if successor != "" {
			header := r.Header.Clone()
			header["Cookie"] = i.replaceCookies(header["Cookie"], successor)
			return header, nil
		}
	}
	return nil, nil
}

// maxOldTokens limits the lookups of a request. A browser sends several cookies of a name
// only if they were set for several domains or paths.
const maxOldTokens = 4

// replaceCookies returns the Cookie lines without those of the old session, and with the
// new one.
func (i *importer) replaceCookies(lines []string, token string) []string {
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			if name, _, _ := strings.Cut(pair, "="); pair != "" && strings.TrimSpace(name) != i.old.CookieName {
				kept = append(kept, pair)
			}
		}
	}
	return []string{strings.Join(append(kept, i.core.cookie.Name+"="+token), "; ")}
}

// clearCookie deletes the old cookie, unless the new one has replaced it.
func (i *importer) clearCookie(h http.Header) {
	if i.old.CookieName == i.core.cookie.Name {
		return
	}
	old := i.core.cookie
	old.Name = i.old.CookieName
	h.Add("Set-Cookie", old.render("", time.Time{}, false).String())
	forbidCaching(h)
}

// run returns the token of the session that the old session has been imported to, or ""
// if there is no old session.
func (i *importer) run(ctx context.Context, token string) (string, error) {
	ctx = context.WithoutCancel(ctx) // half an import would have to be repeated
	old, found, err := i.find(ctx, token)
	if err != nil {
		return "", err
	}
	claimCtx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	if !found { // a parallel request may have imported and deleted it
		return i.claims.find(claimCtx, token)
	}
	mine, err := i.create(ctx, old)
	if err != nil {
		return "", err
	}
	claimed, err := i.claims.claim(claimCtx, token, mine.session.Token().Value, old.deadline)
	if err != nil { // the claim may be stored, so the session has to stay
		return "", err
	}
	if claimed != mine.session.Token().Value { // another request was first
		if err := mine.values.destroy(ctx); err != nil {
			i.core.logger.Warn("scsholdfast: a second copy of an imported session, whose token nobody has, stays until it expires", slog.Any("error", err))
		}
	}
	if err := i.remove(ctx, token); err != nil {
		i.core.logger.Warn("scsholdfast: an imported session stays in the store of scs until it expires", slog.Any("error", err))
	}
	return claimed, nil
}

// oldSession is what scs has stored of a session.
type oldSession struct {
	deadline time.Time
	values   map[string]any
}

// find returns the old session of a token.
func (i *importer) find(ctx context.Context, token string) (oldSession, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	var b []byte
	var found bool
	var err error
	if s, ok := i.old.Store.(interface {
		FindCtx(context.Context, string) ([]byte, bool, error)
	}); ok {
		b, found, err = s.FindCtx(ctx, i.stored(token))
	} else {
		b, found, err = i.old.Store.Find(i.stored(token))
	}
	if err != nil {
		return oldSession{}, false, fmt.Errorf("%w: Import: %w", session.ErrUnavailable, err)
	}
	if !found {
		return oldSession{}, false, nil
	}
	var old oldSession
	if old.deadline, old.values, err = i.old.Codec.Decode(b); err != nil {
		return oldSession{}, false, fmt.Errorf("scsholdfast: Import: a session of scs does not decode; register the types of its values: %w", err)
	}
	if latest := time.Now().Add(maxLifetime); old.deadline.After(latest) {
		old.deadline = latest
	}
	return old, time.Now().Before(old.deadline), nil
}

// remove deletes the old session of a token.
func (i *importer) remove(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	if s, ok := i.old.Store.(interface {
		DeleteCtx(context.Context, string) error
	}); ok {
		return s.DeleteCtx(ctx, i.stored(token))
	}
	return i.old.Store.Delete(i.stored(token))
}

// stored returns the token as scs passes it to its store.
func (i *importer) stored(token string) string {
	if !i.old.HashTokenInStore {
		return token
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// create stores a new session with the values and the deadline of old.
func (i *importer) create(ctx context.Context, old oldSession) (*data, error) {
	sess, err := i.core.manager.Open(ctx)
	if err != nil {
		return nil, err
	}
	d := &data{core: i.core, opened: true}
	if err := d.begin(ctx, sess); err != nil {
		return nil, err
	}
	for key, value := range old.values {
		d.put(key, value)
	}
	d.values.setDeadline(old.deadline)
	if _, err := d.values.commit(ctx); err != nil {
		return nil, fmt.Errorf("scsholdfast: Import: %w", err)
	}
	return d, nil
}
