package main

import (
	"context"
	_ "embed" // the home page
	"html/template"
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Options describe a site to New. All are needed.
type Options struct {
	Store                  provider.Provider // that all instances of the site share
	URL                    string            // of the site, as browsers see it
	Issuer                 string            // the URL of the OpenID provider
	ClientID, ClientSecret string            // of the site at the provider
}

// A Site is one instance of a site whose users sign in at an OpenID provider, which may
// end their sessions at any time.
type Site struct {
	sessions  *session.Manager
	oauth     *oauth2.Config
	tokens    *oidc.IDTokenVerifier // of ID tokens and logout tokens
	events    *eventVerifier
	processed processedTokens
	logouts   logouts
}

// New returns a site. It requests the configuration of the OpenID provider.
func New(ctx context.Context, o Options) (*Site, error) {
	sessions, err := session.New(o.Store, session.Config{})
	if err != nil {
		return nil, err
	}
	discovered, err := oidc.NewProvider(ctx, o.Issuer)
	if err != nil {
		return nil, err
	}
	return &Site{
		sessions: sessions,
		oauth: &oauth2.Config{
			ClientID: o.ClientID, ClientSecret: o.ClientSecret,
			RedirectURL: o.URL + "/callback", Endpoint: discovered.Endpoint(), Scopes: []string{oidc.ScopeOpenID},
		},
		tokens:    discovered.Verifier(&oidc.Config{ClientID: o.ClientID}),
		events:    newEventVerifier(discovered, o.Issuer, o.ClientID),
		processed: processedTokens{o.Store},
		logouts:   logouts{o.Store},
	}, nil
}

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", site.sessions.HandlerFunc(site.home))
	mux.HandleFunc("POST /login", site.sessions.HandlerFunc(site.begin))
	mux.HandleFunc("GET /callback", site.sessions.HandlerFunc(site.callback))
	mux.HandleFunc("POST /logout", site.sessions.HandlerFunc(site.logout))
	mux.HandleFunc("POST /backchannel-logout", site.backchannelLogout)
	mux.HandleFunc("POST /security-events", site.securityEvent)
	return http.NewCrossOriginProtection().Handler(mux)
}

//go:embed home.html
var homePage string

var homeTemplate = template.Must(template.New("home").Parse(homePage))

func (site *Site) home(w http.ResponseWriter, _ *http.Request, s *session.Session) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = homeTemplate.Execute(w, s.Owner())
}

// logout ends the session at this site. The user stays signed in at the provider.
func (site *Site) logout(w http.ResponseWriter, r *http.Request, s *session.Session) {
	s.Destroy()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
