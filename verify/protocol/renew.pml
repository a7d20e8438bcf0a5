/*
 * Requests that renew, change and end one session at the same time: session/renew.go,
 * session/destroy.go, and the Revoke of session/owner.go.
 *
 * Each request is sent with the cookie that the browser then has, loads the session and
 * does one thing: it changes a key, renews the session as a login does, logs out, or
 * revokes the session from outside. The session holds a bit for what was in it at first
 * and one for each request's change.
 *
 * Properties, of every state, so that they also hold if any program stops anywhere
 *
 *	a logout ends it        once a logout or a Revoke has succeeded, no cookie leads to
 *	                        anything of the old session, and none ever will
 *	no change is lost       the session that a cookie leads to has all acknowledged changes
 *	the answers are true    and none that was refused
 *	nothing is forked       two cookies never lead to the data of one session
 *	nothing is dropped      a tombstone names no successor that was not stored
 *	nothing read survives   a request that has read the old session, and loses to a
 *	                        tombstone, begins no session with what it has read
 *	an old cookie is no key a logout that comes with the cookie of a tombstone ends nothing
 *	nothing is left         a renewal that has failed for certain leaves no live record
 */

#ifndef REQUESTS
#define REQUESTS 2
#endif
#ifndef FAULTS
#define FAULTS   1
#endif
#ifndef EXPIRIES
#define EXPIRIES 1
#endif
#define RECORDS  (2 * REQUESTS + 2)
#define LATE     2
#define HISTORY  1

#define FIRST    1                      /* the ID of the session that all begin with */
#define NEW      (2 * me)               /* that of what a request renews it to */
#define FRESH    (2 * me + 1)           /* and of what it begins over a tombstone */

#define READ     1                      /* a bit of keys: what a request has read of another session */
#define BIT      (1 << me)              /* what request me has set */

#define CONTENT  bool tombstone; byte successor; byte keys; byte root
#define COPY(to, from) \
	to.tombstone = from.tombstone; to.successor = from.successor; \
	to.keys = from.keys; to.root = from.root
#define SAVED(at, r) \
	stored[at] = true; \
	check()

#define LIVE(r) (r.version != 0 && !r.tombstone)

bool stored[RECORDS];           /* there was a record of this ID */
bool sent[RECORDS];             /* its cookie was sent */
bool left[RECORDS];             /* the request that stored it has failed for certain */
byte jar = FIRST;               /* the browser's cookie */
byte expiries = EXPIRIES;
byte started;                   /* how many requests were sent */

/* Of a session, by the ID that it began with, which is the root of its records: */
bool ended[RECORDS];            /* a logout or a Revoke has succeeded */
byte acknowledged[RECORDS];     /* changes */
byte refused[RECORDS];

hidden byte x, cookies[RECORDS];        /* of check */

mtype = { CHANGE, RENEW, LOGOUT, REVOKE };

/* check checks the properties of a state. */
inline check() {
	x = 1;
	do
	:: x < RECORDS ->
		if
		:: LIVE(store[x]) && sent[x] ->
			assert(!ended[store[x].root]);                          /* a logout ends it */
			assert((acknowledged[store[x].root] & ~store[x].keys) == 0);    /* no change is lost */
			assert((refused[store[x].root] & store[x].keys) == 0);  /* the answers are true */
			assert(!(store[x].keys & READ));                        /* nothing read survives */
			cookies[store[x].root]++
		:: else
		fi;
		assert(!(LIVE(store[x]) && left[x]));                           /* nothing is left */
		assert(store[x].successor == 0 || stored[store[x].successor]);  /* nothing is dropped */
		x++
	:: else -> break
	od;
	x = 1;
	do
	:: x < RECORDS ->
		assert(cookies[x] <= 1);                                        /* nothing is forked */
		cookies[x] = 0;
		x++
	:: else -> break
	od;
	x = 0
}

#include "store.inc"

inline acknowledge() {
	d_step {
		printf("request %d: acknowledged\n", me);
		acknowledged[base.root] = acknowledged[base.root] | BIT;
		check()
	}
}

inline refuse() {
	d_step {
		printf("request %d: refused\n", me);
		refused[base.root] = refused[base.root] | BIT;
		check()
	}
}

inline send(id) {
	d_step {
		printf("request %d: cookie of %d\n", me, id);
		sent[id] = true;
		jar = id;
		check()
	}
}

/* remove is the deletion of a record that nobody knows of. If it fails the record stays. */
inline remove(id) {
	if
	:: d_step {
			printf("request %d: delete %d\n", me, id);
			copy(store[id], none)
		}
	:: atomic { faults > 0 -> faults-- ; printf("request %d: delete %d failed\n", me, id) }
		goto end
	fi
}

/* withdraw ends a request that has failed and has stored a record under id. */
inline withdraw(id) {
#ifndef NO_WITHDRAW
	remove(id);
#endif
	d_step {
		left[id] = true;
		check()
	}
}

/* change commits a change of a key: replace in session/commit.go. */
inline change() {
	do
	:: follow(next, base);
		d_step { next.tombstone = false; next.successor = 0; next.keys = base.keys | BIT; next.root = base.root }
		save(cookie, next, base);
		if
		:: outcome == LANDED -> acknowledge(); break
		:: outcome == FAILED -> refuse(); break
		:: outcome == UNKNOWN -> break
		:: outcome == ABSENT && doubts > 0 -> break
		:: outcome == ABSENT && doubts == 0 -> refuse(); break
		:: outcome == TAKEN && current.tombstone -> refuse(); break
		:: outcome == TAKEN && !current.tombstone -> assign(base, current)
		fi
	od
}

/* fresh makes next a new record with these keys. */
inline fresh(holding, family) {
	follow(next, none);
	d_step { next.tombstone = false; next.successor = 0; next.keys = holding; next.root = family }
}

/* entomb makes next the tombstone that follows base. */
inline entomb(heir) {
	follow(next, base);
	d_step { next.tombstone = true; next.successor = heir; next.keys = 0; next.root = base.root }
}

/*
 * renew stores the new record first. The tombstone decides. If another request has
 * changed the old record, the new one is brought up to date before it is tried again.
 */
inline renew() {
	fresh(base.keys | BIT, base.root);
#ifdef NO_INSERT_FIRST
	assign(own, next);
	entomb(NEW);
	save(cookie, next, base);
	if
	:: outcome == LANDED
	:: else -> goto end
	fi;
	assign(next, own);
#endif
	save(NEW, next, none);
	if
	:: outcome == LANDED -> assign(own, next)
	:: else -> goto end             /* another ID is tried: see create.pml */
	fi;
#ifdef NO_COOKIE_LAST
	send(NEW);
#endif
#ifdef NO_OLD_TOMBSTONE
	acknowledge(); send(NEW); goto end;
#endif
	do
	:: entomb(NEW);
#ifndef NO_RENEW_CAS
		save(cookie, next, base);
#else
		d_step { put(cookie, next); outcome = LANDED };
#endif
		if
		:: outcome == LANDED ->
			d_step { acknowledged[base.root] = acknowledged[base.root] | BIT };
			send(NEW);
			break
		:: outcome == FAILED || outcome == UNKNOWN || outcome == ABSENT ->
			withdraw(NEW);
			break
		:: outcome == TAKEN && current.tombstone ->
			withdraw(NEW);
			startOver();
			break
		:: outcome == TAKEN && !current.tombstone ->
			assign(base, current);
#ifndef NO_RENEW_REBASE
			follow(next, own);
			d_step { next.tombstone = false; next.successor = 0; next.keys = base.keys | BIT; next.root = base.root }
			save(NEW, next, own);
			if
			:: outcome == LANDED -> assign(own, next)
			:: else ->
				withdraw(NEW);
				break
			fi
#endif
		fi
	od
}

/*
 * startOver begins an empty session with what this request sets, as a renewal does that
 * meets a tombstone, and writes it into the tombstone.
 */
inline startOver() {
	if
#ifndef NO_NOTHING_READ
	:: saw -> refuse()
	:: !saw ->
#else
	:: true ->
#endif
#ifndef NO_EMPTY
		fresh(BIT | (saw -> READ : 0), FRESH);
#else
		fresh(base.keys | BIT, base.root);
#endif
		save(FRESH, next, none);
		if
		:: outcome == LANDED
		:: else -> goto end
		fi;
		fetch(cookie, base);
		do
		:: base.version == 0 -> break   /* the tombstone has expired */
		:: else ->
#ifndef NO_CLAIM_KEEPS_SUCCESSOR
			entomb(base.successor);
#else
			entomb(0);
#endif
			save(cookie, next, base);
			if
			:: outcome == LANDED || outcome == ABSENT -> break
			:: outcome == TAKEN -> assign(base, current)
			:: outcome == FAILED || outcome == UNKNOWN ->
				withdraw(FRESH);
				goto end
			fi
		od;
		send(FRESH)
	fi
}

/*
 * finish ends the session by a tombstone, by compare-and-swap. If it was renewed
 * meanwhile, finish goes on to what it was renewed to, as often as it was.
 */
inline finish() {
	id = cookie;
#ifdef NO_DESTROY_CAS
	d_step { copy(store[id], none); copy(current, none); printf("request %d: delete %d\n", me, id) };
#else
	assign(current, base);
#endif
	do
	:: current.version == 0 && kind == REVOKE && id != cookie -> break      /* it says that it has ended nothing */
	:: current.version == 0 && !(kind == REVOKE && id != cookie) ||
	   current.tombstone && current.successor == 0 ->
		succeed();
		break
	:: current.tombstone && current.successor != 0 ->
#ifdef NO_FOLLOW
		succeed();
		break
#endif
#ifdef NO_FOLLOW_ALL
		if
		:: id != cookie -> succeed(); break
		:: else
		fi;
#endif
		id = current.successor;
		fetch(id, current)
	:: LIVE(current) ->
		assign(base, current);
		entomb(0);
		save(id, next, base);
		if
		:: outcome == LANDED ->
			assert(!stale);         /* an old cookie is no key */
			succeed();
			break
		:: outcome == FAILED || outcome == UNKNOWN -> break
		:: outcome == TAKEN || outcome == ABSENT        /* current says what is there */
		fi
	od
}

inline succeed() {
	d_step {
		printf("request %d: the session has ended\n", me);
		ended[base.root] = true;
		if
		:: kind == LOGOUT -> jar = 0
		:: else
		fi;
		check()
	}
}

proctype Request(byte me) {
	STORE_LOCALS;
	Record own;             /* the new record of a renewal */
	byte cookie, id;
	mtype kind;
	bool saw;               /* something of the session that it has loaded */
	bool stale;             /* it has loaded a tombstone */

	atomic {
		started == me - 1 ->            /* they are alike, so that one order of them is enough */
		started++;
		cookie = jar;
		printf("request %d: sent with %d\n", me, cookie)
	}
	if
	:: cookie == 0 -> goto end
	:: cookie != 0 -> fetch(cookie, base)
	fi;
	if
	:: kind = CHANGE
	:: kind = RENEW; saw = true
	:: kind = RENEW; saw = false
	:: kind = LOGOUT
	:: kind = REVOKE
	fi;
	if
	:: base.version == 0 -> goto end
	:: base.version != 0 && base.tombstone ->
		saw = false;
		stale = true
	:: LIVE(base)
	fi;
	if
	:: kind == CHANGE && !stale -> change()
	:: kind == CHANGE && stale -> refuse()
	:: kind == RENEW && !stale -> renew()
	:: kind == RENEW && stale -> startOver()
#ifndef NO_LOADED_LIVE
	:: kind == LOGOUT && !stale -> finish()
	:: kind == LOGOUT && stale
#else
	:: kind == LOGOUT -> finish()
#endif
	:: kind == REVOKE -> stale = false; finish()
	fi;
end:
	forget();
	d_step {
		copy(own, none);
		cookie = 0; id = 0; kind = 0; saw = false; stale = false;
		done++
	}
}

/* A renewal's tombstone stays for longer than any request takes. */
#ifndef NO_TOMBSTONE_STAYS
#define MAY_EXPIRE(r) (r.version != 0 && r.successor == 0)
#else
#define MAY_EXPIRE(r) (r.version != 0)
#endif

inline expire(i) {
	d_step {
		expiries > 0 && MAY_EXPIRE(store[i]) ->
		printf("expired: %d\n", i);
		expiries--;
		copy(store[i], none)
	}
}

proctype Expiry() {
	do
	:: expire(1)
	:: expire(2)
	:: expire(3)
	:: expire(4)
	:: expire(5)
#if REQUESTS > 2
	:: expire(6)
	:: expire(7)
#endif
	:: done == REQUESTS -> break
	od
}

init {
	byte i;

	atomic {
		store[FIRST].version = 1 << 6;
		store[FIRST].root = FIRST;
		stored[FIRST] = true;
		sent[FIRST] = true;
		run Network();
		run Expiry();
		do
		:: i < REQUESTS -> i++; run Request(i)
		:: else -> i = 0; break
		od
	}
	_nr_pr == 1
}
