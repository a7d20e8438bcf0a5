/*
 * Requests that renew, change and end one session at the same time: session/internal/txn/renew.go,
 * session/internal/txn/destroy.go, and Revoke in session/internal/owners/revoke.go.
 *
 * Each request is sent with the cookie that the browser has at that time, and loads the
 * session. Then it changes a key, renews the session as a login does, logs out, or
 * revokes the session from outside. In keys, a record has a bit for the change of each
 * request. A renewal that meets a tombstone begins an empty session.
 *
 * Properties, which hold in every state, and so also if a process stops at any point
 *
 *	A_LOGOUT_ENDS_THE_SESSION     after a logout or Revoke has returned nil, no cookie that
 *	                              was or will be sent opens a record of the session
 *	NO_CHANGE_IS_LOST             a record that a cookie opens has all acknowledged changes
 *	THE_ANSWERS_ARE_TRUE          and no change that was refused
 *	NOTHING_IS_FORKED             two cookies never open records of the same session
 *	A_SUCCESSOR_IS_STORED         a tombstone names only a successor that was stored
 *	NOTHING_READ_IS_CARRIED_OVER  a request that has read the old session begins no session
 *	                              over a tombstone
 *	AN_OLD_COOKIE_ENDS_NOTHING    a logout that loaded a tombstone ends no session
 *	A_FAILURE_LEAVES_NOTHING      a renewal that has failed for certain, and has deleted its
 *	                              new record, leaves none
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

/* IDs of records */
#define FIRST          1                    /* the session that there is at first */
#define NEW(request)   (2 * (request))      /* the record that a request renews it to */
#define FRESH(request) (2 * (request) + 1)  /* the session that it begins over a tombstone */

/* bits of keys */
#define READ     1                          /* a value that a request has read in another session */
#define BIT      (1 << me)                  /* the change of request me */

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
bool abandoned[RECORDS];         /* the request that stored it has failed and deleted it */
byte jar = FIRST;               /* the browser's cookie */
byte expiries = EXPIRIES;
byte started;                   /* how many requests were sent */

/*
 * These are of a session as a whole. Its root is the ID of its first record, which each
 * record of the session has.
 */
bool ended[RECORDS];            /* a logout or Revoke has returned nil */
byte acknowledged[RECORDS];     /* bits of keys */
byte refused[RECORDS];          /* bits of keys */

hidden byte x, cookies[RECORDS];        /* of check */

mtype = {
	A_LOGOUT_ENDS_THE_SESSION, NO_CHANGE_IS_LOST, THE_ANSWERS_ARE_TRUE, NOTHING_IS_FORKED,
	A_SUCCESSOR_IS_STORED, NOTHING_READ_IS_CARRIED_OVER, AN_OLD_COOKIE_ENDS_NOTHING,
	A_FAILURE_LEAVES_NOTHING
};
mtype = { CHANGE, RENEW, LOGOUT, REVOKE };

/* check checks the properties of a state. */
inline check() {
	x = 1;
	do
	:: x < RECORDS ->
		if
		:: LIVE(store[x]) && sent[x] ->
			PROPERTY(A_LOGOUT_ENDS_THE_SESSION, !ended[store[x].root]);
			PROPERTY(NO_CHANGE_IS_LOST, (acknowledged[store[x].root] & ~store[x].keys) == 0);
			PROPERTY(THE_ANSWERS_ARE_TRUE, (refused[store[x].root] & store[x].keys) == 0);
			PROPERTY(NOTHING_READ_IS_CARRIED_OVER, !(store[x].keys & READ));
			cookies[store[x].root]++
		:: else
		fi;
		PROPERTY(A_FAILURE_LEAVES_NOTHING, !(LIVE(store[x]) && abandoned[x]));
		PROPERTY(A_SUCCESSOR_IS_STORED, store[x].successor == 0 || stored[store[x].successor]);
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
		printf("request %d: send the cookie of %d\n", me, id);
		sent[id] = true;
		jar = id;
		check()
	}
}

/* deleteNew deletes the record that a failed request has stored. If that fails, it stays. */
inline deleteNew(id_) {
	if
	:: d_step {
#ifndef NO_DELETE_NEW
			printf("request %d: delete record %d\n", me, id_);
			clear(store[id_]);
#endif
			abandoned[id_] = true;
			check()
		}
	:: outcome == FAILED || outcome == UNKNOWN -> printf("request %d: delete record %d: no answer\n", me, id_)
	fi
}

inline succeed() {
	d_step {
		printf("request %d: the session has ended\n", me);
		PROPERTY(AN_OLD_COOKIE_ENDS_NOTHING, !(stale && outcome == COMMITTED));
		ended[base.root] = true;
		if
		:: kind == LOGOUT -> jar = 0
		:: else
		fi;
		check()
	}
}

/* make makes next the first version of a record with these keys. */
inline make(bits, session) {
	first(next);
	d_step { next.keys = bits; next.root = session }
}

/* retire makes next the tombstone that follows base. */
inline retire(to) {
	follow(next, base);
	d_step { CLEAR(next); next.tombstone = true; next.successor = to; next.root = base.root }
}

#define STILL_LIVES (outcome == CHANGED && !current.tombstone)
#define HAS_ENDED   (outcome == CHANGED && current.tombstone)

proctype Network() {
	deliver()
}

proctype Request(byte me) {
	STORE_LOCALS;
	Record own;             /* the new record of a renewal */
	byte cookie, id;
	short expect;
	mtype kind;
	bool saw;               /* it has read something of the session */
	bool stale;             /* it has loaded a tombstone */

	atomic {
		started == me - 1 ->            /* requests are alike, so one order of them is enough */
		started++;
		cookie = jar;
		printf("request %d: comes with the cookie of %d\n", me, cookie)
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

	/* A change of a key: replace in session/internal/txn/commit.go, and save.pml. */
changing:
	follow(next, base);
	d_step { COPY(next, base); next.keys = base.keys | BIT };
	save(cookie, next, base.version);
	if
	:: outcome == COMMITTED -> acknowledge()
	:: outcome == FAILED || HAS_ENDED || outcome == ABSENT && !unanswered -> refuse()
	:: outcome == UNKNOWN || outcome == ABSENT && unanswered
	:: STILL_LIVES -> assign(base, current); goto changing
	fi;
	goto end;

	/*
	 * A renewal first stores the new record, and then replaces the old one by a tombstone.
	 * If another request has changed the old record, the new one is updated before the
	 * next attempt: session/internal/txn/renew.go.
	 */
renewing:
	make(base.keys | BIT, base.root);
	id = NEW(me);
#ifdef NO_INSERT_FIRST
	assign(own, next);
	retire(NEW(me));
	save(cookie, next, base.version);
	if
	:: outcome == COMMITTED
	:: else -> goto end
	fi;
	assign(next, own);
#endif
storing:
	save(id, next, expect);
	if
	:: outcome == COMMITTED && id == FRESH(me) -> goto claiming
	:: outcome == COMMITTED && id == NEW(me) -> assign(own, next)
	:: outcome != COMMITTED && expect == 0 -> goto end         /* create.pml has the next ID */
	:: outcome != COMMITTED && expect != 0 -> deleteNew(NEW(me)); goto end
	fi;
#ifdef NO_COOKIE_LAST
	send(NEW(me));
#endif
#ifdef NO_RETIRE_OLD
	acknowledge();
	send(NEW(me));
	goto end;
#endif
	REACHED(expect != 0, "reached: the new record is updated\n");
	retire(NEW(me));
#ifndef NO_RENEW_CAS
	save(cookie, next, base.version);
#else
	d_step { put(cookie, next); outcome = COMMITTED };
#endif
	if
	:: outcome == COMMITTED ->
		d_step { acknowledged[base.root] = acknowledged[base.root] | BIT };
		send(NEW(me));
		goto end
	:: outcome == FAILED || outcome == UNKNOWN || outcome == ABSENT -> deleteNew(NEW(me)); goto end
	:: HAS_ENDED -> deleteNew(NEW(me))
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
		:: outcome == COMMITTED -> send(NEW(me))
		:: else
		fi;
		goto end
#endif
	fi;

	/*
	 * A renewal that meets a tombstone begins an empty session with the changes of this
	 * request, unless the request has read anything. It writes a claim into the tombstone.
	 */
startingOver:
#ifndef NO_CARRY_NOTHING_READ
	if
	:: saw -> refuse(); goto end
	:: !saw
	fi;
#endif
#ifndef NO_START_EMPTY
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
		:: outcome == COMMITTED || outcome == ABSENT -> break
		:: outcome == CHANGED -> assign(base, current)
		:: outcome == FAILED || outcome == UNKNOWN -> deleteNew(FRESH(me)); goto end
		fi
	od;
	send(FRESH(me));
	goto end;

	/*
	 * A logout or Revoke replaces the record by a tombstone. If the session was renewed
	 * meanwhile, it goes on with the successor, as often as needed: entomb in
	 * session/internal/txn/destroy.go.
	 */
finishing:
	id = cookie;
#ifndef NO_DESTROY_CAS
	assign(current, base);
#else
	d_step { clear(store[id]); clear(current); printf("request %d: delete record %d\n", me, id) };
#endif
	do
	:: current.version == 0 && kind == REVOKE && id != cookie -> break      /* Revoke returns ErrEnded */
	:: current.version == 0 && !(kind == REVOKE && id != cookie) ||
	   current.tombstone && current.successor == 0 ->
		succeed();
		break
	:: current.tombstone && current.successor != 0 ->
#ifdef NO_FOLLOW_SUCCESSOR
		succeed();
		break
#endif
#ifdef NO_FOLLOW_ALL_SUCCESSORS
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
		:: outcome == COMMITTED -> succeed(); break
		:: outcome == FAILED || outcome == UNKNOWN -> break
		:: outcome == CHANGED || outcome == ABSENT        /* current is what is stored */
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

/* The tombstone of a renewal stays longer than any request takes. */
#ifndef NO_TOMBSTONE_STAYS
#define MAY_EXPIRE(r) (r.version != 0 && r.successor == 0)
#else
#define MAY_EXPIRE(r) (r.version != 0)
#endif

inline expire(i) {
	d_step {
		expiries > 0 && MAY_EXPIRE(store[i]) ->
		printf("record %d expires\n", i);
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
	REACHED(sent[NEW(1)] && LIVE(store[NEW(1)]), "reached: a renewal\n");
	REACHED(sent[FRESH(1)] && sent[NEW(2)], "reached: of two logins one begins an empty session\n");
	REACHED(ended[FIRST] && sent[NEW(1)], "reached: a successor has ended\n");
	REACHED(abandoned[NEW(1)] && store[FIRST].successor == NEW(1), "reached: the tombstone of a failed renewal arrives\n")
}
