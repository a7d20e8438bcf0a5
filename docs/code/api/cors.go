package api

import (
	"net/http"
	"slices"
)

// cors lets scripts of the origins send and read the token. Put it outside of the Manager,
// so that answers to errors have these headers as well.
func cors(origins []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); slices.Contains(origins, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "Session-Token")
			if r.Method == http.MethodOptions {
				h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
				h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
				h.Set("Access-Control-Max-Age", "600")
			}
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Routes returns the handlers of the API, for its own pages and those of the origins.
func (api *API) Routes(origins ...string) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", api.Sessions.HandlerFunc(api.logIn))
	mux.HandleFunc("GET /me", api.Sessions.HandlerFunc(api.me))
	mux.HandleFunc("POST /logout", api.Sessions.HandlerFunc(api.logOut))

	protection := http.NewCrossOriginProtection() // of those who have a cookie
	for _, origin := range origins {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	return cors(origins, protection.Handler(mux)), nil
}
