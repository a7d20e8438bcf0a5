package dbsc

import "encoding/json"

// Instructions tell the browser which cookie is bound, for which requests, and where to
// refresh it.
type Instructions struct {
	ID         string // of the session
	RefreshURL string // relative to the URL of the response that has the instructions
	WholeSite  bool   // also for subdomains
	Cookie     string // the name of the bound cookie
	Attributes string // of the bound cookie, without Max-Age
}

// JSON returns the instructions as the body of a response. Pages of any site may cause a
// refresh by a link or a form: without that, a visitor who follows a link from another
// site would come without the bound cookie.
func (i Instructions) JSON() []byte {
	type credential struct {
		Type       string `json:"type"`
		Name       string `json:"name"`
		Attributes string `json:"attributes"`
	}
	type scope struct {
		IncludeSite bool `json:"include_site"`
	}
	body, err := json.Marshal(struct {
		ID         string       `json:"session_identifier"`
		RefreshURL string       `json:"refresh_url"`
		Scope      scope        `json:"scope"`
		Cookies    []credential `json:"credentials"`
		Initiators []string     `json:"allowed_refresh_initiators"`
	}{i.ID, i.RefreshURL, scope{i.WholeSite}, []credential{{"cookie", i.Cookie, i.Attributes}}, []string{"*"}})
	if err != nil {
		panic(err) // there is nothing in it that cannot be encoded
	}
	return body
}
