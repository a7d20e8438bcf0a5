package scsholdfast_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// alive reports whether the session of the token has its value.
func alive(t *testing.T, m manager, token string) (ok bool) {
	t.Helper()
	ctx, err := m.Load(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	return m.Exists(ctx, "a")
}

func TestLifetimes(t *testing.T) {
	for name, test := range map[string]struct {
		set   func(m manager)
		fill  func(ctx context.Context, m manager)
		alive time.Duration // since it was saved
		ended time.Duration
	}{
		"default":              {alive: 23 * time.Hour, ended: 24 * time.Hour},
		"lifetime":             {set: func(m manager) { m.Lifetime = time.Hour }, alive: 59 * time.Minute, ended: time.Hour},
		"idle timeout":         {set: func(m manager) { m.IdleTimeout = time.Hour }, alive: 59 * time.Minute, ended: time.Hour},
		"long idle timeout":    {set: func(m manager) { m.IdleTimeout = 99 * time.Hour }, alive: 23 * time.Hour, ended: 24 * time.Hour},
		"longest lifetime":     {set: func(m manager) { m.Lifetime = 400 * 24 * time.Hour }, alive: 399 * 24 * time.Hour, ended: 400 * 24 * time.Hour},
		"later deadline":       {fill: setDeadline(100 * time.Hour), alive: 99 * time.Hour, ended: 100 * time.Hour},
		"earlier deadline":     {fill: setDeadline(10 * time.Hour), alive: 9 * time.Hour, ended: 10 * time.Hour},
		"past deadline":        {fill: setDeadline(-time.Second), alive: -1, ended: time.Second},
		"deadline over a year": {fill: setDeadline(9999 * time.Hour), alive: 399 * 24 * time.Hour, ended: 400*24*time.Hour + time.Second},
		"deadline, then earlier": {fill: func(ctx context.Context, m manager) {
			setDeadline(100*time.Hour)(ctx, m)
			setDeadline(10*time.Hour)(ctx, m)
		}, alive: 9 * time.Hour, ended: 10 * time.Hour},
		"deadline, then clear": {fill: func(ctx context.Context, m manager) {
			setDeadline(10*time.Hour)(ctx, m)
			if err := m.Clear(ctx); err != nil {
				t.Error(err)
			}
		}, alive: 9 * time.Hour, ended: 10 * time.Hour},
		"deadline and idle timeout": {set: func(m manager) { m.IdleTimeout = time.Hour }, fill: setDeadline(100 * time.Hour), alive: 59 * time.Minute, ended: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := newManager(t)
				if test.set != nil {
					test.set(m)
				}
				var deadline time.Time
				began := time.Now()
				token := use(t, m, "", func(ctx context.Context) {
					m.Put(ctx, "before", 1)
					if test.fill != nil {
						test.fill(ctx, m)
					}
					m.Put(ctx, "a", 1)
					deadline = m.Deadline(ctx)
				})
				if m.IdleTimeout == 0 && test.ended < 400*24*time.Hour && deadline.Sub(began).Round(time.Second) != test.ended && test.alive > 0 {
					t.Errorf("deadline %v from the beginning", deadline.Sub(began))
				}
				if test.alive > 0 {
					time.Sleep(test.alive)
					if !alive(t, m, token) {
						t.Errorf("ended before %v", test.alive)
					}
					ctx, err := m.Load(context.Background(), token)
					if err != nil {
						t.Fatal(err)
					}
					if got := m.Deadline(ctx); got.Sub(deadline).Abs() > time.Second {
						t.Errorf("deadline %v, was %v", got, deadline)
					}
				}
				time.Sleep(test.ended - max(test.alive, 0))
				if alive(t, m, token) {
					t.Errorf("alive after %v", test.ended)
				}
			})
		})
	}
}

func setDeadline(d time.Duration) func(ctx context.Context, m manager) {
	return func(ctx context.Context, m manager) { m.SetDeadline(ctx, time.Now().Add(d)) }
}

// Use extends a session up to its deadline.
func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newManager(t)
		m.IdleTimeout = time.Hour
		v := app(t, m, func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/put" {
				m.Put(r.Context(), "a", 1)
			}
		})
		v.get("/put")
		for range 28 {
			time.Sleep(50 * time.Minute)
			v.get("/")
			if !alive(t, m, v.cookie.Value) {
				t.Fatal("ended though it was in use")
			}
		}
		time.Sleep(50 * time.Minute) // 24 h 10 min
		if alive(t, m, v.cookie.Value) {
			t.Error("alive after its deadline")
		}
	})
}

// RenewToken keeps the values, ends the old token and restarts the lifetime.
func TestRenewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newManager(t)
		token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "a", 1); setDeadline(100*time.Hour)(ctx, m) })
		time.Sleep(20 * time.Hour)
		renewed := use(t, m, token, func(ctx context.Context) {
			if m.Token(ctx) != token {
				t.Error("Token is not the token of the session")
			}
			if err := m.RenewToken(ctx); err != nil {
				t.Error(err)
			}
			if got := m.Token(ctx); got != "" {
				t.Error("Token returns one that is about to end")
			}
			if left := time.Until(m.Deadline(ctx)); left != 24*time.Hour {
				t.Errorf("deadline in %v", left)
			}
		})
		if renewed == token || alive(t, m, token) || !alive(t, m, renewed) {
			t.Errorf("renewed %v, old alive %v, new alive %v", renewed != token, alive(t, m, token), alive(t, m, renewed))
		}
		use(t, m, renewed, func(ctx context.Context) {
			if left := time.Until(m.Session(ctx).ExpiresAt()); left != 24*time.Hour {
				t.Errorf("the record stays for %v", left)
			}
			if left := time.Until(m.Deadline(ctx)); left != 24*time.Hour {
				t.Errorf("stored deadline in %v", left)
			}
		})
		time.Sleep(23 * time.Hour)
		if !alive(t, m, renewed) {
			t.Error("the lifetime was not restarted")
		}
		time.Sleep(time.Hour)
		if alive(t, m, renewed) {
			t.Error("alive after the new deadline")
		}
	})
}

// A session whose earlier deadline has passed can be followed by another at once.
func TestNewSessionAfterAnEarlierDeadline(t *testing.T) {
	m, _ := newManager(t)
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "a", 1); setDeadline(-time.Minute)(ctx, m) })
	v := app(t, m, func(_ http.ResponseWriter, r *http.Request) {
		if m.Exists(r.Context(), "a") {
			t.Error("the old value is still there")
		}
		m.Put(r.Context(), "b", 2)
	})
	v.cookie = &http.Cookie{Name: "session", Value: token}
	v.get("/")
	if v.cookie == nil || v.cookie.Value == token {
		t.Fatalf("cookie %v", v.cookie)
	}
	use(t, m, v.cookie.Value, func(ctx context.Context) {
		if m.GetInt(ctx, "b") != 2 {
			t.Error("the new session was not saved")
		}
	})
}

// Commit returns when the session ends unless it is used.
func TestExpiryOfCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for idle, want := range map[time.Duration]time.Duration{0: 24 * time.Hour, time.Hour: time.Hour, 99 * time.Hour: 24 * time.Hour} {
			m, _ := newManager(t)
			m.IdleTimeout = idle
			ctx, err := m.Load(context.Background(), "")
			if err != nil {
				t.Fatal(err)
			}
			if token, expiry, err := m.Commit(ctx); token != "" || !expiry.IsZero() || err != nil {
				t.Errorf("nothing to store: %q, %v, %v", token, expiry, err)
			}
			m.Put(ctx, "a", 1)
			if _, expiry, err := m.Commit(ctx); err != nil || time.Until(expiry) != want {
				t.Errorf("idle timeout %v: expires in %v, %v", idle, time.Until(expiry), err)
			}
		}
	})
}

// The cookie gets the new expiry, also if it is earlier.
func TestCookieOfSetDeadline(t *testing.T) {
	m, _ := newManager(t)
	hours := 24
	v := app(t, m, func(_ http.ResponseWriter, r *http.Request) {
		m.Put(r.Context(), "a", 1)
		if hours != 24 {
			setDeadline(time.Duration(hours)*time.Hour)(r.Context(), m)
		}
	})
	for _, hours = range []int{24, 10, 5, 100} {
		res := v.do("GET", "/")
		if c := res.Cookies(); len(c) != 1 || c[0].MaxAge > hours*3600+1 || c[0].MaxAge < hours*3600-60 {
			t.Errorf("%d hours: cookies %v", hours, c)
		}
	}
}

func TestSetDeadlineOutOfRange(t *testing.T) {
	m, _ := newManager(t)
	ctx, err := m.Load(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	mustPanic(t, func() { m.SetDeadline(ctx, time.Time{}) })
}
