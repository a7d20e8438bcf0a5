package main

import (
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// A basket holds the number of each product.
type basket map[string]int

var baskets = session.NewKey[basket]("basket")

type product struct {
	ID, Name, About string
	Price           int // cents
}

var products = []product{
	{"rope", "Rope", "Ten metres, three strands.", 1200},
	{"anchor", "Anchor", "Holds fast, even in mud.", 8900},
	{"cleat", "Cleat", "Galvanised. Bolts included.", 750},
	{"shackle", "Shackle", "Small, and never enough of them.", 150},
}

// addProduct puts one more into the visitor's basket. Key.Update is applied to the
// newest basket when the session is saved, so parallel requests add up.
func addProduct(sess *session.Session, id string) {
	baskets.Update(sess, func(b basket) basket {
		if b == nil {
			b = basket{}
		}
		b[id]++
		return b
	})
}

func (s *shop) addToBasket(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	p, ok := productOf(r)
	if !ok {
		s.notFound(w, r)
		return
	}
	addProduct(sess, p.ID)
	flash.Set(sess, p.Name+" added.")
	http.Redirect(w, r, "/#basket", http.StatusSeeOther)
}

// slowness is how long addSlowly takes: enough to sign out in another tab.
const slowness = 3 * time.Second

// addSlowly saves a session that was loaded long before. If it was signed out in the
// meantime, the save is refused: it does not bring the session back.
func (s *shop) addSlowly(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	select {
	case <-time.After(slowness):
		s.addToBasket(w, r, sess)
	case <-r.Context().Done():
	}
}

func (s *shop) emptyBasket(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	baskets.Delete(sess)
	http.Redirect(w, r, "/#basket", http.StatusSeeOther)
}

func productOf(r *http.Request) (product, bool) {
	for _, p := range products {
		if p.ID == r.PostFormValue("product") {
			return p, true
		}
	}
	return product{}, false
}

// line is one line of the basket as the page shows it.
type line struct {
	product
	Count, Sum int
}

func lines(b basket) (all []line, total int) {
	for _, p := range products {
		if n := b[p.ID]; n > 0 {
			all = append(all, line{p, n, n * p.Price})
			total += n * p.Price
		}
	}
	return all, total
}
