/*
 * Requests that come with the cookie of a session that has ended: session/claim.go,
 * the create of session/create.go and the startOver of session/renew.go.
 *
 * At first a session has been revoked from outside, or it was renewed by a login or
 * destroyed by a logout, whose answer is still under way to the browser. Then requests
 * are sent with the cookie that the browser has. Over the tombstone a plain change or a
 * login begins a session: it inserts the session, and writes its ID into the tombstone.
 * With the cookie of a session that was begun so, requests sign in by Renew, or by
 * SetOwner alone.
 *
 * The window of 30 seconds is longer than an answer is under way. So it is over, for a
 * request, if the answer in question had arrived or was lost when the request was sent.
 *
 * Properties, of every state
 *
 *	one begins it           of parallel plain changes one gets a cookie
 *	a login stays           once a login's answer has arrived, the answer to a request
 *	                        that was sent before does not leave the browser with the
 *	                        cookie of a session that lives and is nobody's; that is so
 *	                        when all requests have ended, unless a login has logged that
 *	                        the store failed as it was to end such a session
 *	logins live             a session that a login was answered with, or that has got
 *	                        an owner, is not ended
 *	nothing is left         a request that has failed for certain leaves no live record
 */

#ifndef REQUESTS
#define REQUESTS 3
#endif
#ifndef FAULTS
#define FAULTS   0
#endif
#define RECORDS  (3 + REQUESTS)
#define HISTORY  1

#define ENDED    1              /* the ID of the session that has ended */
#define LOGIN_S  2              /* of the one that a login has renewed it to */
#define FRESH(request) (2 + (request))  /* of the one that a request begins */

#define NONE     0              /* no cookie */
#define CLEARED  255            /* the answer clears it */
#define MAKER    0              /* the request that has made the tombstone */
#define SET(request) (1 << (request))   /* of a set of requests */

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
byte settled;                   /* the requests whose answer has arrived or is lost */
bool loggedIn;                  /* the answer of a login has arrived */
bool early[RECORDS];            /* it was begun by a request that was sent before */
bool kept[RECORDS];             /* a login was answered with this session, or it has an owner */
bool left[RECORDS];             /* the request that stored it has failed for certain */
bool plain[REQUESTS + 1];       /* the request was a plain change and got a cookie */
bool warned;                    /* a login could not end what was begun before it */
byte started;

hidden byte x;                  /* of check */

mtype = { ONE_BEGINS_IT, A_LOGIN_STAYS, LOGINS_LIVE, NOTHING_IS_LEFT };
mtype = { PLAIN, LOGIN, OWN };

/* check checks the properties of a state. */
inline check() {
	x = 1;
	do
	:: x < RECORDS ->
		PROPERTY(NOTHING_IS_LEFT, !(LIVE(store[x]) && left[x]));
		PROPERTY(LOGINS_LIVE, !kept[x] || LIVE(store[x]) || store[x].successor != 0);
		x++
	:: else -> break
	od;
	x = 0;
	PROPERTY(A_LOGIN_STAYS, done < REQUESTS || !loggedIn || warned || !early[jar] || !LIVE(store[jar]) || store[jar].user)
}

/* MAY_CLAIM: whether a change may begin a session over the tombstone t. */
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
		printf("request %d: answered with the cookie of %d\n", me, cookie_);
		answer[me] = cookie_;
		if
		:: kind == PLAIN ->
			x = 1;
			do
			:: x <= REQUESTS ->
				PROPERTY(ONE_BEGINS_IT, !plain[x] || x == me || (settledBefore & SET(x)));
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

/* withdraw deletes the record that a request has stored in vain. */
inline withdraw(id) {
	d_step {
#ifndef NO_WITHDRAW
		printf("request %d: delete %d\n", me, id);
		clear(store[id]);
#endif
		left[id] = true;
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
		started == me - 1 ->            /* they are alike, so that one order of them is enough */
		started++;
		cookie = jar;
		settledBefore = settled;
		early[FRESH(me)] = !loggedIn;
		printf("request %d: sent with %d\n", me, cookie)
	}
	if
	:: cookie == NONE
	:: cookie != NONE -> fetch(cookie, base)
	fi;
	if
	:: cookie == NONE || base.tombstone -> kind = LOGIN
	:: base.tombstone && MAY_CLAIM(base) -> kind = PLAIN
	:: base.tombstone && !FROM_OUTSIDE(base) -> goto end    /* a plain change is refused */
	:: LIVE(base) && !base.user -> kind = LOGIN             /* renews the session: see renew.pml */
	:: LIVE(base) && !base.user -> kind = OWN; goto owning
	:: LIVE(base) && base.user -> goto end
	fi;

	first(next);
	d_step { next.user = (kind == LOGIN); next.owner = base.owner };
	id = FRESH(me);
	goto storing;

	/* The session gets an owner, without a renewal and so without a new cookie. */
owning:
	follow(next, base);
	d_step { COPY(next, base); next.owner = true; next.user = true };
	id = cookie;
	expect = base.version;

storing:
	save(id, next, expect);
	if
	:: kind == OWN && outcome == LANDED ->
		d_step {
			printf("request %d: %d has an owner\n", me, cookie);
			kept[cookie] = true;
			check()
		}
		goto end
	:: kind == OWN && outcome == TAKEN && LIVE(current) -> assign(base, current); goto owning
	:: kind == OWN && outcome != LANDED && !(outcome == TAKEN && LIVE(current)) -> goto end
	:: kind != OWN && outcome == LANDED && LIVE(base) -> goto retiring
	:: kind != OWN && outcome == LANDED && !LIVE(base)
	:: kind != OWN && outcome != LANDED -> goto end         /* another ID is tried: see create.pml */
	fi;

	/* claim in session/claim.go */
claiming:
	if
	:: base.version == 0 -> goto answering                  /* there is no tombstone */
	:: base.version != 0 && kind == PLAIN && !FROM_OUTSIDE(base) -> /* the window may be open */
		withdraw(FRESH(me));
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
		d_step { put(cookie, next); outcome = LANDED }
#endif
	fi;
	if
	:: outcome == LANDED
	:: outcome == TAKEN -> assign(base, current); goto claiming
	:: outcome == FAILED || outcome == UNKNOWN -> withdraw(FRESH(me)); goto end
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

	/* endClaim ends the session that was begun over the tombstone before a login was. */
	do
	:: !IS_ANONYMOUS(base) ->
		break
	:: IS_ANONYMOUS(base) ->
		follow(next, base);
		d_step { CLEAR(next); next.tombstone = true; next.by = SET(me) };
		save(id, next, base.version);
		if
		:: outcome == LANDED ->
			break
		:: outcome == TAKEN || outcome == ABSENT -> assign(base, current)
		:: outcome == FAILED || outcome == UNKNOWN -> warned = true; break
		fi
	od;

answering:
	REACHED(kind == PLAIN && base.claim != 0, "reached: a change claims the tombstone again\n");
	REACHED(kind == LOGIN && id != FRESH(me) && base.owner, "reached: a login leaves a session that has an owner\n");
	reply(FRESH(me));
	goto end;

	/* The tombstone of a renewal. If it comes too late, the session is begun over another. */
retiring:
	follow(next, base);
	d_step { CLEAR(next); next.tombstone = true; next.successor = FRESH(me); next.by = SET(me) };
	save(cookie, next, base.version);
	if
	:: outcome == LANDED -> goto answering
	:: outcome == TAKEN && LIVE(current) -> assign(base, current); goto retiring
	:: outcome == TAKEN && !LIVE(current) -> assign(base, current); goto claiming
	:: outcome == FAILED || outcome == UNKNOWN -> withdraw(FRESH(me))
	fi;
end:
	forgetAll();
	d_step {
		cookie = 0; id = 0; expect = 0; kind = 0; settledBefore = 0;
		done++;
		check()
	}
}

inline arrives(i) {
	d_step {
		answer[i] != NONE && !(settled & SET(i)) ->
		printf("answer to request %d arrives\n", i);
		settled = settled | SET(i);
		jar = (answer[i] == CLEARED -> NONE : answer[i]);
		loggedIn = loggedIn || (jar != NONE && kept[jar]);
		check()
	}
}

inline isLost(i) {
	d_step {
		answer[i] != NONE && !(settled & SET(i)) ->
		printf("answer to request %d is lost\n", i);
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
		:: store[ENDED].successor = LOGIN_S;    /* by a login */
			store[LOGIN_S].version = 1 << 6;
			store[LOGIN_S].user = true;
			kept[LOGIN_S] = true;
			answer[MAKER] = LOGIN_S
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
