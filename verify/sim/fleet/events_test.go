package fleet

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// settle waits until nobody waits for an answer any more.
func (in *installation) settle() {
	in.work.Wait()
	in.database.late.Wait()
}

// deploy replaces the instances, in waves, while users open pages.
func (in *installation) deploy(waves int, every time.Duration) {
	in.work.Go(func() {
		for w := range waves {
			for i := w; i < len(in.instances); i += waves {
				in.replace(i)
			}
			in.clock.wait(every)
		}
	})
	in.visits(time.Duration(waves) * every)
}

// restart replaces all instances at the same moment, and sends a request to each.
func (in *installation) restart() {
	for i := range in.instances {
		in.replace(i)
		in.work.Go(func() { in.send(in.users[i%len(in.users)], read, i) })
	}
	in.work.Wait()
}

// failover lets the database answer nothing for so long, while users open pages.
func (in *installation) failover(before, outage, after time.Duration) {
	in.visits(before)
	in.database.fail()
	in.visits(outage)
	in.database.takeOver()
	in.visits(after)
}

// loginStorm lets so many new browsers sign in within d, while users open pages. Each is that
// of an account, which has other browsers already.
func (in *installation) loginStorm(browsers int, d time.Duration, account func(rng *rand.Rand) string) {
	in.work.Go(func() {
		rng := rand.New(rand.NewPCG(in.seed, 0x5702))
		for range browsers {
			u := &user{owner: account(rng)}
			sub := rand.New(rand.NewPCG(rng.Uint64(), 0x5703))
			in.clock.wait(time.Duration(rng.ExpFloat64() * float64(d) / float64(browsers)))
			in.work.Go(func() { in.signIn(u, sub) })
		}
	})
	in.visits(d)
}

// anyAccount is the account of a user.
func (in *installation) anyAccount(rng *rand.Rand) string {
	return strconv.Itoa(rng.IntN(len(in.users)))
}

// oneAccount is that of a demonstration, which everybody uses.
func oneAccount(*rand.Rand) string { return "demo" }
