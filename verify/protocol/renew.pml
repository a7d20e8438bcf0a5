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
#define HISTORY  1

#define FIRST    1                      /* the ID of the session that all begin with */
#define NEW(request)   (2 * (request))      /* that of what a request renews it to */
#define FRESH(request) (2 * (request) + 1)  /* and of what it begins over a tombstone */

#define READ     1                      /* a bit of keys: what a request has read of another session */
#define BIT      (1 << me)              /* what request me has set */

#define CONTENT  bool tombstone; byte successor; byte keys; byte root
#define COPY(to, from) \
	to.tombstone = from.tombstone; to.successor = from.successor; \
	to.keys = from.keys; to.root = from.root
#define CLEAR(r)        r.tombstone = false; r.successor = 0; r.keys = 0; r.root = 0
#define SAVED(at, r) \
	stored[at] = true; \
	check()

#define LIVE(r) (r.version != 0 && !r.tombstone)

#include "store.inc"

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

mtype = {
	A_LOGOUT_ENDS_IT, NO_CHANGE_IS_LOST, THE_ANSWERS_ARE_TRUE, NOTHING_IS_FORKED, NOTHING_IS_DROPPED,
	NOTHING_READ_SURVIVES, AN_OLD_COOKIE_IS_NO_KEY, NOTHING_IS_LEFT
};
mtype = { CHANGE, RENEW, LOGOUT, REVOKE };

/* check checks the properties of a state. */
inline check() {
	x = 1;
	do
	:: x < RECORDS ->
		if
		:: LIVE(store[x]) && sent[x] ->
			PROPERTY(A_LOGOUT_ENDS_IT, !ended[store[x].root]);
			PROPERTY(NO_CHANGE_IS_LOST, (acknowledged[store[x].root] & ~store[x].keys) == 0);
			PROPERTY(THE_ANSWERS_ARE_TRUE, (refused[store[x].root] & store[x].keys) == 0);
			PROPERTY(NOTHING_READ_SURVIVES, !(store[x].keys & READ));
			cookies[store[x].root]++
		:: else
		fi;
		PROPERTY(NOTHING_IS_LEFT, !(LIVE(store[x]) && left[x]));
		PROPERTY(NOTHING_IS_DROPPED, store[x].successor == 0 || stored[store[x].successor]);
		x++
	:: else -> break
	od;
	x = 1;
	do
	:: x < RECORDS ->
		PROPERTY(NOTHING_IS_FORKED, cookies[x] <= 1);
		cookies[x] = 0;
		x++
	:: else -> break
	od;
	x = 0
}

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

/* withdraw ends a request that has failed and has stored a record under id: it deletes it. */
inline withdraw(id_) {
	if
	:: d_step {
#ifndef NO_WITHDRAW
			printf("request %d: delete %d\n", me, id_);
			clear(store[id_]);
#endif
			left[id_] = true;
			check()
		}
	:: outcome == FAILED || outcome == UNKNOWN -> printf("request %d: delete %d failed\n", me, id_)
	fi
}

inline succeed() {
	d_step {
		printf("request %d: the session has ended\n", me);
		PROPERTY(AN_OLD_COOKIE_IS_NO_KEY, !(stale && outcome == LANDED));
		ended[base.root] = true;
		if
		:: kind == LOGOUT -> jar = 0
		:: else
		fi;
		check()
	}
}

/* make makes next the first version of a new record. */
inline make(holding, family) {
	first(next);
	d_step { next.keys = holding; next.root = family }
}

/* retire makes next the tombstone that follows base. */
inline retire(heir) {
	follow(next, base);
	d_step { CLEAR(next); next.tombstone = true; next.successor = heir; next.root = base.root }
}

#define STILL_LIVES (outcome == TAKEN && !current.tombstone)
#define HAS_ENDED   (outcome == TAKEN && current.tombstone)

proctype Network() {
	deliver()
}

proctype Request(byte me) {
	STORE_LOCALS;
	Record own;             /* the new record of a renewal */
	byte cookie, id;
	short expect;
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
	:: base.version != 0 && base.tombstone -> saw = false; stale = true
	:: LIVE(base)
	fi;
	if
	:: kind == CHANGE && !stale
	:: kind == CHANGE && stale -> refuse(); goto end
	:: kind == RENEW && !stale -> goto renewing
	:: kind == RENEW && stale -> goto startingOver
#ifndef NO_LOADED_LIVE
	:: kind == LOGOUT && !stale -> goto finishing
	:: kind == LOGOUT && stale -> goto end
#else
	:: kind == LOGOUT -> goto finishing
#endif
	:: kind == REVOKE -> stale = false; goto finishing
	fi;

	/* A change of a key: replace in session/commit.go. See save.pml. */
changing:
	follow(next, base);
	d_step { COPY(next, base); next.keys = base.keys | BIT };
	save(cookie, next, base.version);
	if
	:: outcome == LANDED -> acknowledge()
	:: outcome == FAILED || HAS_ENDED || outcome == ABSENT && !doubted -> refuse()
	:: outcome == UNKNOWN || outcome == ABSENT && doubted
	:: STILL_LIVES -> assign(base, current); goto changing
	fi;
	goto end;

	/*
	 * A renewal stores the new record first. The tombstone decides. If another request
	 * has changed the old record, the new one is brought up to date before it is tried
	 * again: session/renew.go.
	 */
renewing:
	make(base.keys | BIT, base.root);
	id = NEW(me);
#ifdef NO_INSERT_FIRST
	assign(own, next);
	retire(NEW(me));
	save(cookie, next, base.version);
	if
	:: outcome == LANDED
	:: else -> goto end
	fi;
	assign(next, own);
#endif
storing:
	save(id, next, expect);
	if
	:: outcome == LANDED && id == FRESH(me) -> goto claiming
	:: outcome == LANDED && id == NEW(me) -> assign(own, next)
	:: outcome != LANDED && expect == 0 -> goto end         /* another ID is tried: see create.pml */
	:: outcome != LANDED && expect != 0 -> withdraw(NEW(me)); goto end
	fi;
#ifdef NO_COOKIE_LAST
	send(NEW(me));
#endif
#ifdef NO_OLD_TOMBSTONE
	acknowledge();
	send(NEW(me));
	goto end;
#endif
	REACHED(expect != 0, "reached: the new record is brought up to date\n");
	retire(NEW(me));
#ifndef NO_RENEW_CAS
	save(cookie, next, base.version);
#else
	d_step { put(cookie, next); outcome = LANDED };
#endif
	if
	:: outcome == LANDED ->
		d_step { acknowledged[base.root] = acknowledged[base.root] | BIT };
		send(NEW(me));
		goto end
	:: outcome == FAILED || outcome == UNKNOWN || outcome == ABSENT -> withdraw(NEW(me)); goto end
	:: HAS_ENDED -> withdraw(NEW(me))
	:: STILL_LIVES ->
		assign(base, current);
#ifndef NO_RENEW_REBASE
		follow(next, own);
		d_step { COPY(next, base); next.keys = base.keys | BIT };
		expect = own.version;
		goto storing
#else
		retire(NEW(me));
		save(cookie, next, base.version);
		if
		:: outcome == LANDED -> send(NEW(me))
		:: else
		fi;
		goto end
#endif
	fi;

	/*
	 * A renewal that meets a tombstone begins an empty session with what this request
	 * sets, unless it has read anything, and writes its ID into the tombstone.
	 */
startingOver:
#ifndef NO_NOTHING_READ
	if
	:: saw -> refuse(); goto end
	:: !saw
	fi;
#endif
#ifndef NO_EMPTY
	make(BIT | (saw -> READ : 0), FRESH(me));
#else
	make(base.keys | BIT, base.root);
#endif
	id = FRESH(me);
	expect = 0;
	goto storing;
claiming:
	fetch(cookie, base);
	do
	:: base.version == 0 -> break           /* the tombstone has expired */
	:: base.version != 0 ->
#ifndef NO_CLAIM_KEEPS_SUCCESSOR
		retire(base.successor);
#else
		retire(0);
#endif
		save(cookie, next, base.version);
		if
		:: outcome == LANDED || outcome == ABSENT -> break
		:: outcome == TAKEN -> assign(base, current)
		:: outcome == FAILED || outcome == UNKNOWN -> withdraw(FRESH(me)); goto end
		fi
	od;
	send(FRESH(me));
	goto end;

	/*
	 * A logout or a Revoke ends the session by a tombstone, by compare-and-swap. If the
	 * session was renewed meanwhile, it goes on to what that was renewed to, as often as
	 * it was: entomb in session/destroy.go.
	 */
finishing:
	id = cookie;
#ifndef NO_DESTROY_CAS
	assign(current, base);
#else
	d_step { clear(store[id]); clear(current); printf("request %d: delete %d\n", me, id) };
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
		retire(0);
		save(id, next, base.version);
		if
		:: outcome == LANDED -> succeed(); break
		:: outcome == FAILED || outcome == UNKNOWN -> break
		:: outcome == TAKEN || outcome == ABSENT        /* current says what is there */
		fi
	od;
end:
	forgetAll();
	d_step {
		clear(own);
		cookie = 0; id = 0; expect = 0; kind = 0; saw = false; stale = false;
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
		clear(store[i])
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
	_nr_pr == 1;
	REACHED(sent[NEW(1)] && LIVE(store[NEW(1)]), "reached: renewed\n");
	REACHED(sent[FRESH(1)] && sent[NEW(2)], "reached: two logins, one begins an empty session\n");
	REACHED(ended[FIRST] && sent[NEW(1)], "reached: what it was renewed to has ended\n");
	REACHED(left[NEW(1)] && store[FIRST].successor == NEW(1), "reached: a tombstone arrives late\n")
}
