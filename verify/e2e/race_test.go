package e2e_test

import (
	"fmt"
	"strconv"
	"testing"
)

func TestTwentyRequestsAtOnceAreAllInTheBasket(t *testing.T) {
	p := visit(t)
	p.open("/")
	for round := 1; round <= 2; round++ {
		p.race()
		p.says("#kept", "20 of 20")
		var n int
		if _, err := fmt.Sscanf(p.text("#unchecked"), "%d of 20", &n); err != nil || n < 1 || n >= 20 {
			t.Errorf("written back unchecked: %q, want some lost", p.text("#unchecked"))
		}
		p.says("#count-shackle", strconv.Itoa(20*round))
		for lane, want := range map[string]int{"#kept-dots": 20, "#unchecked-dots": n} {
			if got := eval[int](p, fmt.Sprintf(`document.querySelectorAll("%s .on").length`, lane)); got != want {
				t.Errorf("%s: %d on, want %d", lane, got, want)
			}
		}
	}
	p.open("/")
	p.says("#count-shackle", "40")
	if n := p.asked("POST /race"); n != 40 {
		t.Errorf("%d requests, want 40", n)
	}
}

// race clicks the button and waits for the result.
func (p *tab) race() {
	p.t.Helper()
	p.do(click("#race-start"))
	p.until(`!document.querySelector("#race-start").disabled`)
}
