package session_test

import (
	"context"
	"fmt"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A token that is printed or logged opens no session.
func ExampleToken_String() {
	sessions := must(session.New(memory.New(), session.Config{}))
	s := must(sessions.Open(context.Background(), ""))
	session.NewKey[string]("name").Set(s, "ann")
	token := must(s.Commit(context.Background()))
	fmt.Println(token)
	again := must(sessions.Open(context.Background(), token.Value))
	fmt.Println(must(again.Commit(context.Background())))
	// Output:
	// session token (new)
	// session token (unchanged)
}

// An adapter of another framework sends the token as the cookie of the Config.
func ExampleManager_Cookie() {
	sessions := must(session.New(memory.New(), session.Config{}))
	s := must(sessions.Open(context.Background(), ""))
	session.NewKey[string]("name").Set(s, "ann")
	if token := must(s.Commit(context.Background())); token.Changed {
		cookie := sessions.Cookie(token)
		cookie.Value = "..."
		fmt.Println(cookie)
	}
	s.Destroy()
	fmt.Println(sessions.Cookie(must(s.Commit(context.Background()))))
	// Output:
	// __Host-session=...; Path=/; HttpOnly; Secure; SameSite=Lax
	// __Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax
}

// A forged token is told from that of a session that has ended.
func ExampleManager_Signed() {
	ctx := context.Background()
	sessions := must(session.New(memory.New(), session.Config{}))
	s := must(sessions.Open(ctx, ""))
	session.NewKey[string]("name").Set(s, "ann")
	token := must(s.Commit(ctx)).Value
	if err := sessions.Revoke(ctx, s.PublicID()); err != nil {
		fmt.Println(err)
	}
	fmt.Println("ended:", must(sessions.Signed(ctx, token)))
	fmt.Println("forged:", must(sessions.Signed(ctx, "forged")))
	// Output:
	// ended: true
	// forged: false
}

// A session without a request, whose changes are committed by hand.
func ExampleSession_Commit() {
	ctx := context.Background()
	sessions := must(session.New(memory.New(), session.Config{}))
	name := session.NewKey[string]("name")
	s := must(sessions.Open(ctx, ""))
	name.Set(s, "ann")
	token := must(s.Commit(ctx))

	again := must(sessions.Open(ctx, token.Value))
	fmt.Println(name.Get(again))
	// Output:
	// ann true
}
