/*
 * Requests that come with the cookie of a session that has ended: session/internal/txn/replaceended.go, create
 * in session/internal/txn/create.go, and startOver in session/internal/txn/renew.go.
 *
 * At first a session was revoked from outside, or a login has renewed it or a logout has
 * destroyed it and the answer to the browser is still under way. Requests are then sent
 * with the cookie that the browser has. With the cookie of a tombstone, a plain change or
 * a login begins a session: it stores the session, and writes its ID into the tombstone as
 * a claim. With the cookie of a session that was begun so, a request logs in by Renew, or
 * by SetOwner alone.
 *
 * The strict window of 30 seconds is longer than an answer takes to the browser. So for a
 * request the window may be over only if all answers of requests that have written the
 * tombstone had arrived, or were lost, when the request was sent.
 *
 * Properties, which hold in every state
 *
 *	ONE_REQUEST_CLAIMS        of parallel plain changes only one sends a cookie
 *	A_LOGIN_IS_NOT_REPLACED   once a login's answer has arrived, the answer to a request
 *	                          that was sent before does not leave the browser with the
 *	                          cookie of an anonymous session that lives. This holds when
 *	                          all requests have ended, and unless the store failed in a
 *	                          login that was about to end such a session (see README.md)
 *	LOGINS_ARE_NOT_ENDED      the session of an answered login, and a session that has an
 *	                          owner, is not ended by another login
 *	A_FAILURE_LEAVES_NOTHING  a request that has failed for certain leaves no live record
 */

#ifndef REQUESTS
#define REQUESTS 3
#endif
#ifndef FAULTS
#define FAULTS   0
#endif
#define RECORDS  (3 + REQUESTS)
#define HISTORY  1

/* IDs of records */
#define ENDED    1                      /* the session that has ended */
#define RENEWED  2                      /* its successor, if a login has renewed it */
#define FRESH(request) (2 + (request))  /* the session that a request begins */

/* cookies besides those of records */
#define NONE     0
#define CLEARED  255                    /* in an answer: it clears the cookie */

#define MAKER    0                      /* the request that has written the tombstone at first */
#define SET(request) (1 << (request))   /* as a member of a set of requests */

#define CONTENT  bool tombstone, outside, login, owner, user; byte claim, by, successor
#define COPY(to, from) \
	to.tombstone = from.tombstone; to.outside = from.outside; \
	to.login = from.login; to.owner = from.owner; to.user = from.user; \
	to.claim = from.claim; to.by = from.by; to.successor = from.successor
#define CLEAR(r) \
	r.tombstone = false; r.outside = false; r.login = false; r.owner = false; r.user = false; \
	r.claim = 0; r.by = 0; r.successor = 0
#define SAVED(at, r) check()

#define LIVE(r) (r.version != 0 && !r.tombstone)

#include "store.inc"

byte jar = ENDED;               /* the browser's cookie */
byte answer[REQUESTS + 1];      /* the cookie in each request's answer */
byte settled;                   /* the requests whose answer has arrived, is lost, or sets no cookie */
bool loggedIn;                  /* the answer of a login has arrived */
bool early[RECORDS];            /* the session was begun by a request that was sent before that */
bool kept[RECORDS];             /* a login was answered with the session, or it has an owner */
bool abandoned[RECORDS];        /* the request that stored the session has failed and deleted it */
bool plain[REQUESTS + 1];       /* the request was a plain change and sent a cookie */
bool unfinished;                /* a login has or may have taken over a claim, and did not end the session */
byte started;                   /* how many requests were sent */

hidden byte x;                  /* of check */

mtype = { ONE_REQUEST_CLAIMS, A_LOGIN_IS_NOT_REPLACED, LOGINS_ARE_NOT_ENDED, A_FAILURE_LEAVES_NOTHING };
mtype = { PLAIN, LOGIN, OWN };

/* check checks the properties of a state. */
inline check() {
	x = 1;
	do
	:: x < RECORDS ->
		PROPERTY(A_FAILURE_LEAVES_NOTHING, !(LIVE(store[x]) && abandoned[x]));
		PROPERTY(LOGINS_ARE_NOT_ENDED, !kept[x] || LIVE(store[x]) || store[x].successor != 0);
		x++
	:: else -> break
	od;
	x = 0;
	PROPERTY(A_LOGIN_IS_NOT_REPLACED, done < REQUESTS || !loggedIn || unfinished ||
		!early[jar] || !LIVE(store[jar]) || store[jar].user)
}

/* MAY_CLAIM reports whether the request may begin a session over the tombstone t. */
#ifndef NO_CLAIM_ONCE
#define FROM_OUTSIDE(t) (t.outside && t.claim == 0)
#else
#define FROM_OUTSIDE(t) (t.outside)
#endif
#ifndef NO_STRICT_WINDOW
#define WINDOW_OVER(t) ((t.by & ~settledBefore) == 0)
#else
#define WINDOW_OVER(t) (true)
#endif
#define MAY_CLAIM(t) (kind == LOGIN || FROM_OUTSIDE(t) || WINDOW_OVER(t))

inline reply(cookie_) {
	d_step {
		printf("request %d: send the cookie of %d\n", me, cookie_);
		answer[me] = cookie_;
		if
		:: kind == PLAIN ->
			x = 1;
			do
			:: x <= REQUESTS ->
				PROPERTY(ONE_REQUEST_CLAIMS, !plain[x] || x == me || (settledBefore & SET(x)));
				x++
			:: else -> break
			od;
			x = 0;
			plain[me] = true
		:: kind != PLAIN -> kept[cookie_] = true
		fi;
		check()
	}
}

/* deleteNew deletes the record that a failed request has stored. */
inline deleteNew(id) {
	d_step {
#ifndef NO_DELETE_NEW
		printf("request %d: delete record %d\n", me, id);
		clear(store[id]);
#endif
		abandoned[id] = true;
		check()
	}
}

#ifndef NO_LEAVE_OWNED
#define IS_ANONYMOUS(r) (LIVE(r) && !r.owner)
#else
#define IS_ANONYMOUS(r) (LIVE(r))
#endif

#ifndef NO_LEAVE_LOGINS
#define TAKES_OVER(t) (kind == LOGIN && t.claim != 0 && !t.login)
#else
#define TAKES_OVER(t) (kind == LOGIN && t.claim != 0)
#endif

proctype Network() {
	deliver()
}

proctype Request(byte me) {
	STORE_LOCALS;
	byte cookie, id;
	short expect;
	mtype kind;
	byte settledBefore;     /* as the request was sent */

	d_step {
		started == me - 1 ->            /* requests are alike, so one order of them is enough */
		started++;
		cookie = jar;
		settledBefore = settled;
		early[FRESH(me)] = !loggedIn;
		printf("request %d: comes with the cookie of %d\n", me, cookie)
	}
	if
	:: cookie == NONE
	:: cookie != NONE -> fetch(cookie, base)
	fi;
	if
	:: cookie == NONE || base.tombstone -> kind = LOGIN
	:: base.tombstone && MAY_CLAIM(base) -> kind = PLAIN
	:: base.tombstone && !FROM_OUTSIDE(base) -> goto end    /* a plain change is refused */
	:: LIVE(base) && !base.user -> kind = LOGIN             /* renews the session */
	:: LIVE(base) && !base.user -> kind = OWN; goto owning
	:: LIVE(base) && base.user -> goto end
	fi;

	first(next);
	d_step { next.user = (kind == LOGIN); next.owner = base.owner };
	id = FRESH(me);
	goto storing;

	/* SetOwner without Renew: the session gets an owner, and no new cookie is sent. */
owning:
	follow(next, base);
	d_step { COPY(next, base); next.owner = true; next.user = true };
	id = cookie;
	expect = base.version;

storing:
	save(id, next, expect);
	if
	:: kind == OWN && outcome == COMMITTED ->
		d_step {
			printf("request %d: record %d has an owner\n", me, cookie);
			kept[cookie] = true;
			check()
		}
		goto end
	:: kind == OWN && outcome == CHANGED && LIVE(current) -> assign(base, current); goto owning
	:: kind == OWN && outcome != COMMITTED && !(outcome == CHANGED && LIVE(current)) -> goto end
	:: kind != OWN && outcome == COMMITTED && LIVE(base) -> goto retiring
	:: kind != OWN && outcome == COMMITTED && !LIVE(base)
	:: kind != OWN && outcome != COMMITTED -> goto end         /* create.pml has the next ID */
	fi;

	/* claim in session/internal/txn/replaceended.go */
claiming:
	if
	:: base.version == 0 -> goto answering                  /* there is no tombstone */
	:: base.version != 0 && kind == PLAIN && !FROM_OUTSIDE(base) -> /* within the strict window */
		deleteNew(FRESH(me));
		goto end
	:: base.version != 0 && MAY_CLAIM(base) ->
		follow(next, base);
		d_step {
			COPY(next, base);
			next.claim = FRESH(me);
			next.login = (kind == LOGIN);
#ifndef NO_CLAIM_WINDOW
			next.by = base.by | SET(me)
#endif
		}
#ifndef NO_CLAIM_CAS
		save(cookie, next, base.version)
#else
		d_step { put(cookie, next); outcome = COMMITTED }
#endif
	fi;
	if
	:: outcome == COMMITTED
	:: outcome == CHANGED -> assign(base, current); goto claiming
	:: outcome == FAILED -> deleteNew(FRESH(me)); goto end
	:: outcome == UNKNOWN ->
		unfinished = unfinished || TAKES_OVER(base);
		deleteNew(FRESH(me));
		goto end
	fi;
	if
#ifndef NO_TAKEOVER
	:: TAKES_OVER(base) ->
		id = base.claim;
		fetch(id, base)
	:: !TAKES_OVER(base) -> goto answering
#else
	:: true -> goto answering
#endif
	fi;

	/* endClaim: a login ends the anonymous session that was begun over the tombstone before. */
	do
	:: !IS_ANONYMOUS(base) -> break
	:: IS_ANONYMOUS(base) ->
		follow(next, base);
		d_step { CLEAR(next); next.tombstone = true; next.by = SET(me) };
		save(id, next, base.version);
		if
		:: outcome == COMMITTED -> break
		:: outcome == CHANGED || outcome == ABSENT -> assign(base, current)
		:: outcome == FAILED || outcome == UNKNOWN -> unfinished = true; break
		fi
	od;

answering:
	REACHED(kind == PLAIN && base.claim != 0, "reached: a change claims a tombstone that was claimed before\n");
	REACHED(kind == LOGIN && id != FRESH(me) && base.owner, "reached: a login leaves a session that has an owner\n");
	reply(FRESH(me));
	goto end;

	/* The tombstone of a renewal. If the session has ended meanwhile, it is claimed. */
retiring:
	follow(next, base);
	d_step { CLEAR(next); next.tombstone = true; next.successor = FRESH(me); next.by = SET(me) };
	save(cookie, next, base.version);
	if
	:: outcome == COMMITTED -> goto answering
	:: outcome == CHANGED && LIVE(current) -> assign(base, current); goto retiring
	:: outcome == CHANGED && !LIVE(current) -> assign(base, current); goto claiming
	:: outcome == FAILED || outcome == UNKNOWN -> deleteNew(FRESH(me))
	fi;
end:
	forgetAll();
	d_step {
		cookie = 0; id = 0; expect = 0; kind = 0; settledBefore = 0;
		settled = (answer[me] == NONE -> settled | SET(me) : settled);
		done++;
		check()
	}
}

inline arrives(i) {
	d_step {
		answer[i] != NONE && !(settled & SET(i)) ->
		printf("the answer to request %d arrives\n", i);
		settled = settled | SET(i);
		jar = (answer[i] == CLEARED -> NONE : answer[i]);
		loggedIn = loggedIn || (jar != NONE && kept[jar]);
		check()
	}
}

inline isLost(i) {
	d_step {
		answer[i] != NONE && !(settled & SET(i)) ->
		printf("the answer to request %d is lost\n", i);
		settled = settled | SET(i)
	}
}

proctype Browser() {
	do
	:: arrives(0)
	:: isLost(0)
	:: arrives(1)
	:: isLost(1)
	:: arrives(2)
	:: isLost(2)
#if REQUESTS > 2
	:: arrives(3)
	:: isLost(3)
#endif
#if REQUESTS > 3
	:: arrives(4)
	:: isLost(4)
#endif
	:: done == REQUESTS -> break
	od
}

init {
	byte i;

	atomic {
		store[ENDED].version = 1 << 6;
		store[ENDED].tombstone = true;
		store[ENDED].by = SET(MAKER);
		if
		:: store[ENDED].outside = true;         /* by Revoke, which has no answer to the browser */
			settled = SET(MAKER)
		:: store[ENDED].successor = RENEWED;    /* by a login */
			store[RENEWED].version = 1 << 6;
			store[RENEWED].user = true;
			kept[RENEWED] = true;
			answer[MAKER] = RENEWED
		:: answer[MAKER] = CLEARED              /* by a logout */
		fi;
		run Network();
		run Browser();
		do
		:: i < REQUESTS -> i++; run Request(i)
		:: else -> i = 0; break
		od
	}
	_nr_pr == 1;
	REACHED(kept[FRESH(1)] && kept[FRESH(2)] && LIVE(store[FRESH(1)]) && LIVE(store[FRESH(2)]), "reached: two logins\n");
	REACHED(plain[1] && kept[FRESH(2)] && !LIVE(store[FRESH(1)]), "reached: a login takes over\n")
}
