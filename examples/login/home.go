package main

import (
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

func (s *shop) home(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	p := page{Title: "Chandlery", Products: products}
	visits.Update(sess, func(n int) int { return n + 1 })
	p.Flash, _ = flash.Pop(sess)
	if r.URL.Query().Has("signed-out") && s.signedIn(sess) == "" {
		p.Flash = "You are signed out."
	}
	// A session is saved when the response begins. This page shows stored values, so it
	// saves first.
	if sess.Save(r.Context()) != nil {
		return // sessionError answers
	}
	p.Visits, _ = visits.Get(sess)
	b, _ := baskets.Get(sess)
	p.Basket, p.Total = lines(b)
	s.render(w, sess, http.StatusOK, "home", p)
}
