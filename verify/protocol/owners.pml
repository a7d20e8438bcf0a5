/*
 * Sessions of users, and the owner index, the record that lists a user's sessions:
 * session/internal/owners/revoke.go, session/internal/owners/index.go, and how put, insert, replace, renewal, withdraw and
 * bury use them.
 *
 * At first there is one session, which is nobody's or user A's. Requests make it a user's,
 * renew it with or without a new owner, log out, or begin a session of a user. RevokeAll
 * runs at the same time. A session is entered into the index before it is saved as the
 * user's, and removed after its tombstone was saved. If the store may lose the index of
 * user A, requests touch the session as well.
 *
 * Properties, which hold in every state, and so also if a process stops at any point
 *
 *	EVERY_SESSION_IS_LISTED  a live session of a user has an entry in the user's index,
 *	                         unless the store has lost the entry
 *	A_USE_LISTS_THE_SESSION  a session that is touched after the store has lost the index
 *	                         has an entry again, unless it has ended or changed its owner
 *	REVOKE_ALL_MISSES_NONE   after RevokeAll has returned nil, no session lives as the
 *	                         user's that did when RevokeAll began, and no successor of one
 *	                         lives, unless a login has made it the user's since
 */

#ifndef CHANGES
#define CHANGES  2
#endif
#ifndef SWEEPS
#define SWEEPS   1
#endif
#ifndef EVICTIONS
#define EVICTIONS 0             /* 1: the store may lose user A's index once */
#endif
#ifndef KINDS
#define KINDS    (7 + EVICTIONS)        /* of requests */
#endif
#ifndef FAULTS
#define FAULTS   0
#endif
#define REQUESTS (CHANGES + SWEEPS)
#define HISTORY  1
#define COUNT_ALL_DRAWS

#define NOBODY   0
#define A        1
#define B        2
#define KEEP     3              /* of a renewal: the owner stays */

/* IDs of records */
#define FIRST    1              /* the session that there is at first */
#define NEW      (1 + me)       /* the record that a request begins, or renews the session to */
#define SESSIONS (2 + CHANGES)
#define INDEX(user) (SESSIONS + (user) - 1)
#define RECORDS  (SESSIONS + 2)

/*
 * In an index, list has four bits for each session: the counter of the session's version
 * that makes it the user's, or 0 for no entry.
 */
#define ENTRY(list, id)          (((list) >> (4 * (id))) & 15)
#define WITHOUT(list, id)        ((list) & ~(15 << (4 * (id))))
#define WITH(list, id, from)     (WITHOUT(list, id) | (from) << (4 * (id)))
#define ANY      15             /* removes an entry of any counter */

#define CONTENT  bool tombstone, login; byte owner, successor; int list
#define COPY(to, from) \
	to.tombstone = from.tombstone; to.login = from.login; \
	to.owner = from.owner; to.successor = from.successor; to.list = from.list
#define CLEAR(r) \
	r.tombstone = false; r.login = false; r.owner = 0; r.successor = 0; r.list = 0
#define SAVED(at, r) saved(at, r)

#define LIVE(r) (r.version != 0 && !r.tombstone)
#define OWNED_BY_SOMEBODY(r) (LIVE(r) && r.owner != NOBODY)

#include "store.inc"

byte must;                      /* bits of the sessions that RevokeAll has to end */
byte owned[SESSIONS];           /* the owner of each session before the last save */
bool revoked;                   /* RevokeAll has returned nil */
bool evicted;                   /* the store has lost user A's index */
byte unlisted;                  /* bits of the sessions whose entry was lost */

hidden byte x;                  /* of check */

mtype = { EVERY_SESSION_IS_LISTED, A_USE_LISTS_THE_SESSION, REVOKE_ALL_MISSES_NONE };
mtype = { SET_OWNER, RENEW, CREATE, LOGOUT, TOUCH };

/* check checks the properties of a state. */
inline check() {
	x = 1;
	do
	:: x < SESSIONS ->
		PROPERTY(EVERY_SESSION_IS_LISTED, !OWNED_BY_SOMEBODY(store[x]) ||
			ENTRY(store[INDEX(store[x].owner)].list, x) != 0 || unlisted & 1 << x);
		PROPERTY(REVOKE_ALL_MISSES_NONE, !(revoked && (must & (1 << x)) && LIVE(store[x]) && store[x].owner == A));
		x++
	:: else -> break
	od;
	x = 0
}

/*
 * saved updates must. A session that a login makes user A's while RevokeAll runs need not
 * be ended. The successor of a session that has to be ended has to be, too.
 */
inline saved(at, r) {
	if
	:: at < SESSIONS && r.tombstone && r.successor != 0 && (must & (1 << at)) && !store[r.successor].login ->
		must = must | 1 << r.successor
	:: at < SESSIONS && !r.tombstone && r.owner == A && owned[at] != A ->
		must = must & ~(1 << at)
	:: else
	fi;
	if
	:: at < SESSIONS -> owned[at] = r.owner
	:: else
	fi;
#if EVICTIONS
	x = 1;
	do
	:: x < SESSIONS ->
		if
		:: store[x].tombstone || ENTRY(store[INDEX(A)].list, x) != 0 -> unlisted = unlisted & ~(1 << x)
		:: else
		fi;
		x++
	:: else -> break
	od;
#endif
	check()
}

/*
 * enter adds an entry for the session, of the version with the counter from. It replaces
 * an entry of an earlier version, which another request may be about to remove.
 */
inline enter(id_, user_, from_) {
	entered = true;
	fetch(INDEX(user_), index);
	do
#ifndef NO_ENTRY_RENEWED
	:: ENTRY(index.list, id_) >= from_ -> break
	:: ENTRY(index.list, id_) < from_ ->
#else
	:: ENTRY(index.list, id_) != 0 -> break
	:: ENTRY(index.list, id_) == 0 ->
#endif
		follow(changed, index);
		d_step { CLEAR(changed); changed.list = WITH(index.list, id_, from_) }
#ifndef NO_INDEX_CAS
		save(INDEX(user_), changed, index.version);
#else
		d_step { put(INDEX(user_), changed); outcome = COMMITTED };
#endif
		if
		:: outcome == COMMITTED -> break
		:: outcome == CHANGED || outcome == ABSENT -> assign(index, current)
		:: outcome == FAILED || outcome == UNKNOWN -> entered = false; break
		fi
	od;
	forgetSave();
	forget(index);
	forget(changed)
}

/*
 * remove removes the entry of the session, unless it is of a version later than upTo. A
 * failure is ignored: an entry without a session is harmless.
 */
inline remove(id_, user_, upTo_) {
	fetch(INDEX(user_), index);
	do
#ifndef NO_REMOVE_UP_TO
	:: ENTRY(index.list, id_) == 0 || ENTRY(index.list, id_) > upTo_ -> break
	:: ENTRY(index.list, id_) != 0 && ENTRY(index.list, id_) <= upTo_ ->
#else
	:: ENTRY(index.list, id_) == 0 -> break
	:: ENTRY(index.list, id_) != 0 ->
#endif
		follow(changed, index);
		d_step { CLEAR(changed); changed.list = WITHOUT(index.list, id_) }
		save(INDEX(user_), changed, index.version);
		if
		:: outcome == CHANGED || outcome == ABSENT -> assign(index, current)
		:: else -> break
		fi
	od;
	forgetSave();
	forget(index);
	forget(changed)
}

#if EVICTIONS
/* reenter adds an entry for the session if the index has none: reenter in session/internal/owners/index.go. */
inline reenter() {
	fetch(INDEX(next.owner), index);
	do
	:: ENTRY(index.list, FIRST) != 0 -> listed(); break
	:: ENTRY(index.list, FIRST) == 0 ->
		follow(changed, index);
		d_step { CLEAR(changed); changed.list = WITH(index.list, FIRST, COUNTER(next.version)) };
		save(INDEX(next.owner), changed, index.version);
		if
		:: outcome == COMMITTED -> listed(); break
		:: outcome == CHANGED || outcome == ABSENT -> assign(index, current)
		:: outcome == FAILED || outcome == UNKNOWN -> break     /* logged only */
		fi
	od
}

inline listed() {
	d_step {
		PROPERTY(A_USE_LISTS_THE_SESSION, !(evictedBefore && unlisted & 1 << FIRST &&
			LIVE(store[FIRST]) && store[FIRST].owner == A))
	}
}
#endif

/* wish sets the owner of next. */
inline wish() {
	d_step {
		CLEAR(next);
		next.owner = (user == KEEP -> base.owner : user);
		next.login = (user != KEEP)
	}
}

/* retire makes tomb the tombstone that follows base. */
inline retire(to) {
	follow(tomb, base);
	d_step { CLEAR(tomb); tomb.tombstone = true; tomb.successor = to }
}

/*
 * finish replaces the record id, or the last successor, by a tombstone: entomb in
 * session/internal/txn/destroy.go. RevokeAll stops at a record that is not user A's.
 */
inline finish(sweep) {
	ended = false;
	assign(current, base);
	do
	:: current.version == 0 || current.tombstone && current.successor == 0 -> ended = true; break
	:: sweep && LIVE(current) && current.owner != A -> ended = true; break
	:: current.tombstone && current.successor != 0 ->
#ifndef NO_FOLLOW_SUCCESSOR
		id = current.successor;
		fetch(id, current)
#else
		ended = true; break
#endif
	:: LIVE(current) && !(sweep && current.owner != A) ->
		assign(base, current);
		retire(0);
		save(id, tomb, base.version);
		if
		:: outcome == COMMITTED -> ended = true; break
		:: outcome == FAILED || outcome == UNKNOWN -> break
		:: outcome == CHANGED || outcome == ABSENT
		fi
	od
}

#define STILL_LIVES     (outcome == CHANGED && LIVE(current))
#define ENTERS          (next.owner != NOBODY && next.owner != before)

proctype Network() {
	deliver()
}

proctype Request(byte me, does) {
	STORE_LOCALS;
	Record own, tomb;               /* the new record of a renewal, and the old one's tombstone */
	Record index, changed;
	byte user;                      /* the owner that the request sets */
	byte id, before, upTo;
	short expect;
	mtype kind;
	bool entered, ended;
	bool evictedBefore;             /* as the session was loaded */

	if
	:: does == 1 -> kind = SET_OWNER; user = A
	:: does == 2 -> kind = RENEW; user = KEEP
	:: does == 3 -> kind = RENEW; user = A
	:: does == 4 -> kind = LOGOUT
#if KINDS > 4
	:: does == 5 -> kind = CREATE; user = A
	:: does == 6 -> kind = SET_OWNER; user = B
	:: does == 7 -> kind = RENEW; user = B
#endif
#if KINDS > 7
	:: does == 8 -> kind = TOUCH
#endif
	fi;
	does = 0;
	if
	:: kind == CREATE
	:: kind != CREATE ->
		atomic {
			fetch(FIRST, base);
			evictedBefore = evicted
		};
		if
		:: LIVE(base)
		:: !LIVE(base) -> goto end
		fi
	fi;
	if
	:: kind == LOGOUT -> goto logout
	:: kind == SET_OWNER
#if EVICTIONS
	:: kind == TOUCH
#endif
	:: kind == CREATE || kind == RENEW ->
		first(next);
		wish();
		id = NEW;
		goto saving
	fi;

	/* SetOwner, or a touch, which changes nothing: replace in session/internal/txn/commit.go. */
changing:
	if
	:: kind == SET_OWNER && base.owner == user -> goto end  /* nothing to save */
	:: kind != SET_OWNER || base.owner != user ->
		follow(next, base);
		if
		:: kind == SET_OWNER -> wish()
#if EVICTIONS
		:: kind == TOUCH -> d_step { COPY(next, base) }
#endif
		fi;
		id = FIRST;
		before = base.owner;
		expect = base.version
	fi;

	/* The session is entered, and then saved: put in session/internal/txn/commit.go. */
saving:
	entered = true;
#ifndef NO_ENTER_FIRST
	if
#ifndef NO_ENTER_AT_REWRITE
	:: ENTERS -> enter(id, next.owner, COUNTER(next.version))
#else
	:: ENTERS && !(kind == RENEW && expect != 0) -> enter(id, next.owner, COUNTER(next.version))
#endif
	:: else
	fi;
#endif
	if
	:: !entered -> outcome = FAILED
	:: entered -> save(id, next, expect)
	fi;
#ifdef NO_ENTER_FIRST
	if
	:: outcome == COMMITTED && ENTERS -> enter(id, next.owner, COUNTER(next.version)); outcome = COMMITTED
	:: else
	fi;
#endif
	if
	:: kind == SET_OWNER && outcome == COMMITTED -> upTo = COUNTER(next.version); goto removal
	:: kind == SET_OWNER && STILL_LIVES -> assign(base, current); goto changing
	:: kind == SET_OWNER && outcome != COMMITTED && !STILL_LIVES -> goto end
#if EVICTIONS
	:: kind == TOUCH && outcome == COMMITTED && next.owner != NOBODY ->
#ifndef NO_REENTER
		reenter();
#else
		listed();
#endif
		goto end
	:: kind == TOUCH && !(outcome == COMMITTED && next.owner != NOBODY) -> goto end
#endif
	:: kind == CREATE && outcome == COMMITTED -> goto end
	:: kind == RENEW && outcome == COMMITTED ->
		REACHED(expect != 0 && ENTERS, "reached: the new record of a renewal gets another owner\n");
		assign(own, next)
	:: (kind == CREATE || kind == RENEW) && expect == 0 && outcome != COMMITTED ->
		/* An insert that has failed for certain leaves no entry: insert in session/internal/txn/create.go. */
		if
#ifndef NO_KEEP_UNKNOWN
		:: outcome != FAILED -> goto end
		:: outcome == FAILED -> before = next.owner; upTo = ANY; goto removal
#else
		:: before = next.owner; upTo = ANY; goto removal
#endif
		fi
	:: kind == RENEW && expect != 0 && outcome != COMMITTED -> goto deleting
	fi;

	/* The tombstone of a renewal: bequeath in session/internal/txn/renew.go. */
	retire(NEW);
#ifdef NO_REMOVE_LAST
	id = FIRST; before = base.owner; upTo = ANY;
	if
	:: before != NOBODY -> remove(id, before, upTo)
	:: else
	fi;
#endif
	save(FIRST, tomb, base.version);
	if
	:: outcome == COMMITTED -> id = FIRST; before = base.owner; upTo = ANY; goto removal
	:: STILL_LIVES ->
		assign(base, current);
		follow(next, own);
		wish();
		id = NEW;
		before = own.owner;
		expect = own.version;
		goto saving
	:: outcome != COMMITTED && !STILL_LIVES
	fi;

	/* A failed renewal deletes its new record, and then removes its entry: withdraw. */
deleting:
	id = NEW; before = next.owner; upTo = ANY;
	if
	:: d_step {
			printf("request %d: delete record %d\n", me, NEW);
			clear(store[NEW])
		}
	:: outcome == FAILED || outcome == UNKNOWN -> printf("request %d: delete record %d: no answer\n", me, NEW);
#ifndef NO_KEEP_UNDELETED
		before = NOBODY
#endif
	fi;
	goto removal;

logout:
	before = base.owner; upTo = ANY; id = FIRST;
#ifdef NO_REMOVE_LAST
	if
	:: before != NOBODY -> remove(id, before, upTo)
	:: else
	fi;
#endif
	finish(false);
	id = FIRST;
	if
	:: ended
	:: !ended -> goto end
	fi;

	/* The entry is removed from the index of the owner before. */
removal:
	if
	:: before != NOBODY -> remove(id, before, upTo)
	:: before == NOBODY
	fi;
end:
	forgetAll();
	d_step {
		clear(own);
		clear(tomb);
		clear(index);
		clear(changed);
		user = 0; id = 0; before = 0; upTo = 0; expect = 0; kind = 0; entered = false; ended = false; evictedBefore = false;
		done++
	}
}

/* removeStale removes the stale entries, but none that was replaced since. */
inline removeStale() {
	fetch(INDEX(A), index);
	without();
	do
	:: changed.list == index.list -> break
	:: changed.list != index.list ->
		follow(changed, index);
		save(INDEX(A), changed, index.version);
		if
		:: outcome == CHANGED || outcome == ABSENT ->
			assign(index, current);
			without()
		:: outcome != CHANGED && outcome != ABSENT -> break
		fi
	od
}

/* without sets changed to the index without stale entries. */
inline without() {
	d_step {
		CLEAR(changed);
		changed.list = index.list;
		x = 1;
		do
		:: x < SESSIONS ->
			if
			:: ENTRY(index.list, x) <= ENTRY(stale, x) -> changed.list = WITHOUT(changed.list, x)
			:: else
			fi;
			x++
		:: else -> break
		od;
		x = 0
	}
}

#if EVICTIONS
proctype Eviction() {
	if
	:: d_step {
			store[INDEX(A)].version != 0 ->
			printf("the store loses the index\n");
			evicted = true;
			x = 1;
			do
			:: x < SESSIONS ->
				if
				:: ENTRY(store[INDEX(A)].list, x) != 0 -> unlisted = unlisted | 1 << x
				:: else
				fi;
				x++
			:: else -> break
			od;
			x = 0;
			clear(store[INDEX(A)])
		}
	:: done == REQUESTS
	fi
}
#endif

#if SWEEPS
/* Sweep is RevokeAll of user A: revokeBut in session/internal/owners/revoke.go. */
proctype Sweep(byte me) {
	STORE_LOCALS;
	Record tomb, index, changed;
	int left, stale;                /* entries to look at, and entries to remove */
	byte id, at, from;
	bool ended, failed;

	d_step {
		copy(index, store[INDEX(A)]);
		left = index.list;
		x = 1;
		do
		:: x < SESSIONS ->
			if
			:: LIVE(store[x]) && store[x].owner == A -> must = must | 1 << x
			:: else
			fi;
			x++
		:: else -> break
		od;
		x = 0;
		clear(index);
		printf("request %d: RevokeAll\n", me)
	};
	do
	:: left != 0 ->
		if                              /* the index has entries in any order */
		:: ENTRY(left, 1) != 0 -> id = 1
		:: ENTRY(left, 2) != 0 -> id = 2
		:: ENTRY(left, 3) != 0 -> id = 3
#if SESSIONS > 4
		:: ENTRY(left, 4) != 0 -> id = 4
#endif
		fi;
		at = id;
		from = ENTRY(left, at);
		left = WITHOUT(left, at);
		fetch(id, base);
		if
		:: base.version == 0 ->         /* a save may be under way */
#ifdef NO_PENDING_TTL
			stale = WITH(stale, at, from)
#endif
		:: LIVE(base) && base.owner != A ->
			if
#ifndef NO_ORDINAL
			:: from <= COUNTER(base.version) -> stale = WITH(stale, at, from)
			:: from > COUNTER(base.version)         /* a save may be under way */
#else
			:: stale = WITH(stale, at, from)
#endif
			fi
		:: base.tombstone || LIVE(base) && base.owner == A ->
			finish(true);
			if
			:: ended -> stale = WITH(stale, at, from)
			:: !ended ->
				failed = true
#ifdef NO_REMOVE_ENDED
				; stale = WITH(stale, at, from)
#endif
			fi
		fi
	:: left == 0 -> break
	od;
	removeStale();
	forgetAll();
	d_step {
		printf("RevokeAll: returns, failed %d\n", failed);
		revoked = !failed;
		check();
		clear(tomb);
		clear(index);
		clear(changed);
		left = 0; stale = 0; id = 0; at = 0; from = 0; ended = false; failed = false;
		done++
	}
}
#endif

init {
	byte i;
	byte does = 1;          /* requests are alike, so one order of them is enough */

	atomic {
		store[FIRST].version = 1 << 6;
		if
		:: store[FIRST].owner = A;
			owned[FIRST] = A;
			store[INDEX(A)].version = 1 << 6;
			store[INDEX(A)].list = WITH(0, FIRST, 1)
		:: skip
		fi;
		run Network();
#if EVICTIONS
		run Eviction();
#endif
		do
		:: i < CHANGES ->
			do
			:: does < KINDS -> does++
			:: break
			od;
			i++;
			run Request(i, does)
#if SWEEPS
		:: i >= CHANGES && i < REQUESTS -> i++; run Sweep(i)
#endif
		:: i == REQUESTS -> i = 0; does = 0; break
		od
	}
	_nr_pr == 1;
#if SWEEPS
	REACHED(revoked && (must & 1 << FIRST), "reached: RevokeAll ends a session\n");
	REACHED(revoked && (must & 1 << 2), "reached: RevokeAll ends a successor\n");
	REACHED(revoked && LIVE(store[2]) && store[2].owner == A, "reached: a login comes after RevokeAll\n")
#else
	REACHED(store[FIRST].owner == A && owned[FIRST] == A && ENTRY(store[INDEX(A)].list, FIRST) > 2, "reached: the owner is A, B and A again\n")
#endif
}
