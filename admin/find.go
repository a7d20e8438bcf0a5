package admin

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/holdfast-go/holdfast/session"
)

func (h *handler) find(r *request) {
	h.render(r, http.StatusOK, "find", "Find sessions", nil)
}

// sessionsBody is the data of the page of a list of sessions.
type sessionsBody struct {
	Owner      string
	LabelName  string
	LabelValue string

	Rows     []row
	Total    int // of an owner or a label
	Looked   int // records that were read, of a listing
	Page     int
	Previous string // relative URL; "": none
	Next     string
	EndURL   string // relative URL of the act that ends them all; "": none
}

// IsListing reports whether the list is one of all sessions.
func (b sessionsBody) IsListing() bool { return b.Owner == "" && b.LabelName == "" }

func (h *handler) sessions(r *request) {
	q := r.URL.Query()
	owner, label, value := q.Get("owner"), q.Get("label"), q.Get("value")
	switch {
	case q.Has("owner"):
		if owner == "" {
			h.failErr(r, pageError{status: http.StatusBadRequest, title: "Which owner?", text: "Type the ID that the program passes to SetOwner.", LinkURL: "find", LinkText: "Find sessions"})
			return
		}
		found, err := h.m.Sessions(r.Context(), owner)
		h.showFound(r, sessionsBody{Owner: owner, EndURL: "end-owner?" + url.Values{"owner": {owner}}.Encode()}, "Sessions of owner "+owner, found, err)
	case q.Has("label"):
		if label == "" || value == "" {
			h.failErr(r, pageError{status: http.StatusBadRequest, title: "Which label?", text: "Type the name and the value of a label.", LinkURL: "find", LinkText: "Find sessions"})
			return
		}
		found, err := h.m.SessionsBy(r.Context(), label, value)
		of := url.Values{"label": {label}, "value": {value}}.Encode()
		h.showFound(r, sessionsBody{LabelName: label, LabelValue: value, EndURL: "end-label?" + of}, "Sessions with "+label+" = "+value, found, err)
	default:
		h.showListing(r, q)
	}
}

// showFound shows a page of the sessions of an owner or a label.
func (h *handler) showFound(r *request, b sessionsBody, title string, found []*session.Session, err error) {
	if err != nil {
		h.failErr(r, err)
		return
	}
	b.Total, b.Page = len(found), pageNumber(r.URL.Query())
	from := min((b.Page-1)*pageSize, len(found))
	to := min(from+pageSize, len(found))
	for _, s := range found[from:to] {
		b.Rows = append(b.Rows, rowOfSession(s))
	}
	if b.Page > firstPage {
		b.Previous = pageURL(r.URL.Query(), b.Page-1)
	}
	if to < len(found) {
		b.Next = pageURL(r.URL.Query(), b.Page+1)
	}
	if len(found) == 0 {
		b.EndURL = ""
	}
	h.render(r, http.StatusOK, "sessions", title, b)
}

// showListing shows a page of all sessions.
func (h *handler) showListing(r *request, q url.Values) {
	id, number := q.Get("list"), pageNumber(q)
	var l *listing
	if id == "" {
		l, number = h.listings.begin(h.m), firstPage
	} else if l = h.listings.find(id); l == nil {
		h.failErr(r, listingEnded())
		return
	}
	p, err := l.page(number)
	switch {
	case errors.Is(err, errListingEnded):
		h.failErr(r, listingEnded())
		return
	case err != nil:
		h.listings.end(l)
		h.failErr(r, err)
		return
	}
	b := sessionsBody{Rows: p.Rows, Looked: p.Looked, Page: p.Number}
	of := url.Values{"list": {l.id}}
	if p.Number > l.oldest() {
		b.Previous = pageURL(of, p.Number-1)
	}
	if !p.Last {
		b.Next = pageURL(of, p.Number+1)
	}
	h.render(r, http.StatusOK, "sessions", "All sessions", b)
}

func listingEnded() pageError {
	return pageError{status: http.StatusGone, title: "This listing has ended", text: noSuchListing, LinkURL: "sessions", LinkText: "Begin again"}
}

// pageNumber returns the parameter "page", at least firstPage.
func pageNumber(q url.Values) int {
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil || n < firstPage || n > 1<<20 {
		return firstPage
	}
	return n
}

// pageURL returns the relative URL of another page of a list.
func pageURL(of url.Values, number int) string {
	q := url.Values{}
	for _, name := range []string{"owner", "label", "value", "list"} {
		if of.Has(name) {
			q.Set(name, of.Get(name))
		}
	}
	q.Set("page", strconv.Itoa(number))
	return "sessions?" + q.Encode()
}
