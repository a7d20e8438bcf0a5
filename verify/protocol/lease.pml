/*
 * Requests that renew the value of one key by Key.Refresh, among other requests of the
 * session: session/internal/txn: refresh.go, lease.go, leaserun.go, leaseland.go.
 *
 * The value is a refresh token, which the server takes once. A request that finds it stale
 * takes the lease, redeems the token, and saves the new one together with the end of the
 * lease. Others wait. Further requests change another key, set the key itself to the token
 * of another grant, and log out.
 *
 * A lease ends when its holder has stopped, or within SLOW at any time: then the holder
 * takes longer than its lease, or clocks differ by more than the margin.
 *
 * Properties
 *
 *	A_TOKEN_IS_REDEEMED_ONCE   nobody sends a token again, unless a new one was lost: its
 *	                           holder stopped after it redeemed the token
 *	ONE_RUNS_AT_A_TIME         no two requests run the function
 *	ONLY_THE_HOLDER_SAVES      a result is saved while the lease is its author's
 *	NO_CHANGE_IS_LOST          a result replaces only the value that it was made of, and
 *	                           no acknowledged change of another key is lost
 *	THE_ANSWERS_ARE_TRUE       a result that was refused is not in the record, and one that
 *	                           was acknowledged was saved
 *	NOTHING_IS_RESURRECTED     no save brings back a session that was destroyed
 *	NOBODY_WAITS_FOREVER       each request ends
 */

#ifndef REFRESHES
#define REFRESHES 2             /* requests that renew the value */
#endif
#ifndef CHANGES
#define CHANGES   0             /* requests that change another key */
#endif
#ifndef SETS
#define SETS      0             /* requests that set the key to a value of their own */
#endif
#ifndef LOGOUTS
#define LOGOUTS   0
#endif
#ifndef CRASHES
#define CRASHES   0             /* how many holders may stop */
#endif
#ifndef SLOW
#define SLOW      0
#endif
#ifndef FAULTS
#define FAULTS    0
#endif
#ifndef HISTORY
#define HISTORY   1
#endif
#define REQUESTS (REFRESHES + CHANGES + SETS + LOGOUTS)
#define RECORDS  1

#define CONTENT         bool tombstone; byte holder; byte token; byte other
#define COPY(to, from)  to.tombstone = from.tombstone; to.holder = from.holder; to.token = from.token; to.other = from.other
#define CLEAR(r)        r.tombstone = false; r.holder = 0; r.token = 0; r.other = 0

#define STALE           1       /* the token that has run out */
#define NOT_RENEWED     10      /* a value that another request has set */
#define IS_RESULT(v)    ((v) > STALE && (v) < NOT_RENEWED)

#define SAVED(at, r) \
	PROPERTY(NOTHING_IS_RESURRECTED, !ended || r.tombstone); \
	PROPERTY(NO_CHANGE_IS_LOST, r.tombstone || r.other >= lastOther); \
	if \
	:: r.token != last && IS_RESULT(r.token) -> \
		PROPERTY(ONLY_THE_HOLDER_SAVES, lastHolder == author[r.token]); \
		PROPERTY(NO_CHANGE_IS_LOST, last == STALE); \
		saved[r.token] = true \
	:: else \
	fi; \
	last = r.token; \
	lastHolder = r.holder; \
	lastOther = r.other; \
	ended = ended || r.tombstone

byte last = STALE;              /* the content as it was last stored */
byte lastHolder;
byte lastOther;
bool ended;                     /* the session was destroyed */

#define VALUES 5
byte valid = STALE;             /* the refresh token that the server takes */
byte issued = STALE;            /* the last one that it has issued */
byte author[VALUES];            /* the request that each was issued to */
bool saved[VALUES];
bool lost;                      /* a holder has redeemed the token, and has stopped */

#include "store.inc"

mtype = {
	A_TOKEN_IS_REDEEMED_ONCE, ONE_RUNS_AT_A_TIME, ONLY_THE_HOLDER_SAVES, NO_CHANGE_IS_LOST,
	THE_ANSWERS_ARE_TRUE, NOTHING_IS_RESURRECTED, NOBODY_WAITS_FOREVER
};
mtype = { ACKNOWLEDGED, REFUSED, ENDED, OUTCOME_UNKNOWN };      /* what a holder is answered */

bool halted[REQUESTS + 1];      /* holders that have stopped: their lease ends */
byte inside;                    /* requests that run the function */
byte crashes = CRASHES;

#define NOT_LIVE(r)     (r.version == 0 || r.tombstone)

#ifndef NO_LEASE_ENDS
#define ENDS(h)         (SLOW || halted[h])
#else
#define ENDS(h)         false
#endif

proctype Network() {
	deliver()
}

/* redeem sends the token that the function was given to the server. */
inline redeem() {
	d_step {
		inside++;
		PROPERTY(ONE_RUNS_AT_A_TIME, SLOW || inside < 2)
	}
	d_step {
		if
		:: given == valid ->
			issued++;
			valid = issued;
			value = issued;
			author[value] = me
		:: else ->
			PROPERTY(A_TOKEN_IS_REDEEMED_ONCE, lost || SLOW);
			value = 0
		fi;
		printf("request %d: redeems %d for %d\n", me, given, value)
	}
	inside--
}

/* crash stops a holder at this point, or does not. */
inline crash() {
#if CRASHES
	if
	:: atomic { crashes > 0 -> crashes--; lost = lost || (value > 0 && !saved[value]); printf("request %d stops\n", me) };
		goto stop
	:: skip
	fi
#else
	skip
#endif
}

proctype Refresh(byte me) {
	STORE_LOCALS;
	byte given, value;
	short tried;
	mtype answer;

look:
	fetch(0, base);
again:
	if
	:: NOT_LIVE(base) -> goto end
	:: !NOT_LIVE(base) && base.token != STALE -> goto end           /* another request has renewed it */
	:: else
	fi;
	given = base.token;
#ifndef NO_WAIT
#if !SLOW
	if
	:: base.holder != 0 && !ENDS(base.holder) ->
		(store[0].version != base.version || ENDS(base.holder));
		goto look
	:: else
	fi;
#endif
#endif
take:
	follow(next, base);
	next.holder = me;
	next.tombstone = false; next.token = base.token; next.other = base.other;
	save(0, next, base.version);
	if
	:: outcome == COMMITTED
	:: outcome == CHANGED ->
		assign(base, current);
		forgetSave();
#ifndef NO_LOOK_AGAIN
		goto again
#else
		if
		:: NOT_LIVE(base) -> goto end
		:: base.holder != 0 -> goto again
		:: else -> goto take
		fi
#endif
	:: outcome == ABSENT || outcome == FAILED || outcome == UNKNOWN -> goto stop    /* the lease ends, if it was saved */
	fi;
	assign(base, next);
	forgetSave();
	crash();
	redeem();
	crash();
	if
	:: value == 0 -> goto stop      /* the function has failed: the lease is given up, or ends */
	:: else
	fi;
	do
	::
#ifndef NO_FENCE
		if
		:: base.holder != me -> answer = REFUSED; break
		:: else
		fi;
#endif
#ifndef NO_SAME_VALUE
		if
		:: base.token != given -> answer = REFUSED; break
		:: else
		fi;
#endif
		follow(next, base);
		next.tombstone = false; next.token = value; next.holder = 0;
		next.other = base.other;
		save(0, next, base.version);
		if
		:: outcome == COMMITTED -> answer = ACKNOWLEDGED; break
		:: outcome == FAILED -> answer = REFUSED; break
		:: outcome == UNKNOWN ->
			if
			:: answer = OUTCOME_UNKNOWN; break
			:: fetch(0, current);   /* the lease lasts: look whether it has landed, and save again */
				if
				:: NOT_LIVE(current) -> answer = OUTCOME_UNKNOWN; break
				:: else
				fi;
#ifndef NO_LANDED
				trail(current, next.version);
				if
				:: lineage == ANCESTOR -> answer = ACKNOWLEDGED; break
				:: lineage == OUT_OF_REACH -> answer = OUTCOME_UNKNOWN; break
				:: else
				fi;
#endif
				tried = next.version;
				assign(base, current)
			fi
		:: outcome == ABSENT -> answer = (unanswered -> OUTCOME_UNKNOWN : ENDED); break
#ifndef NO_LIVE_ONLY
		:: outcome == CHANGED && current.tombstone -> answer = ENDED; break
		:: outcome == CHANGED && !current.tombstone ->
#else
		:: outcome == CHANGED ->
#endif
#ifndef NO_LANDED
			lineage = NOT_ANCESTOR;
			if
			:: tried != 0 -> trail(current, tried)
			:: else
			fi;
			if
			:: lineage == ANCESTOR -> answer = ACKNOWLEDGED; break
			:: lineage == OUT_OF_REACH -> answer = OUTCOME_UNKNOWN; break
			:: else
			fi;
#endif
			assign(base, current)
		fi
	od;
	skip;
	d_step {
		lost = lost || answer != ACKNOWLEDGED;
		printf("request %d: %e\n", me, answer);
		PROPERTY(THE_ANSWERS_ARE_TRUE, answer != ACKNOWLEDGED || saved[value]);
		PROPERTY(THE_ANSWERS_ARE_TRUE, answer != REFUSED || !saved[value])
	}
	REACHED(answer == ACKNOWLEDGED && tried != 0, "reached: saved by another attempt\n");
	REACHED(answer == ACKNOWLEDGED && lineage == ANCESTOR && current.version != next.version, "reached: saved by an earlier attempt\n");
stop:
	halted[me] = true;
end:
	forgetAll();
	atomic { given = 0; value = 0; tried = 0; answer = 0; done++ }
}

#if CHANGES
/* A change of another key, as of Key.Update. */
proctype Change(byte me) {
	STORE_LOCALS;

	fetch(0, base);
	do
	:: NOT_LIVE(base) -> break
	:: else ->
		follow(next, base);
		next.tombstone = false; next.token = base.token; next.other = base.other + 1;
#ifndef NO_KEEP_LEASE
		next.holder = base.holder;
#else
		next.holder = 0;
#endif
		save(0, next, base.version);
		if
		:: outcome == CHANGED -> assign(base, current)
		:: else -> break
		fi
	od;
	forgetAll();
	done++
}
#endif

#if SETS
/* A Set of the key without a read, which wins at LevelMerge. */
proctype Set(byte me) {
	STORE_LOCALS;

	fetch(0, base);
	do
	:: NOT_LIVE(base) -> break
	:: else ->
		follow(next, base);
		next.tombstone = false; next.token = NOT_RENEWED; next.other = base.other; next.holder = base.holder;
		save(0, next, base.version);
		if
		:: outcome == CHANGED -> assign(base, current)
		:: else -> break
		fi
	od;
	forgetAll();
	done++
}
#endif

#if LOGOUTS
proctype Destroy(byte me) {
	STORE_LOCALS;

	fetch(0, base);
	do
	:: NOT_LIVE(base) -> break
	:: else ->
		follow(next, base);
		next.tombstone = true;
		next.token = base.token; next.other = base.other; next.holder = base.holder;  /* a tombstone has none; this is for the properties */
		save(0, next, base.version);
		if
		:: outcome == CHANGED -> assign(base, current)
		:: else -> break
		fi
	od;
	forgetAll();
	done++
}
#endif

init {
	byte i = 1;

	atomic {
		store[0].version = 1 << 6;
		store[0].token = STALE;
		run Network();
		do
		:: i <= REFRESHES -> run Refresh(i); i++
#if CHANGES
		:: i > REFRESHES && i <= REFRESHES + CHANGES -> run Change(i); i++
#endif
#if SETS
		:: i > REFRESHES + CHANGES && i <= REFRESHES + CHANGES + SETS -> run Set(i); i++
#endif
#if LOGOUTS
		:: i > REFRESHES + CHANGES + SETS && i <= REQUESTS -> run Destroy(i); i++
#endif
		:: i > REQUESTS -> break
		od;
		i = 1
	}
	if
	:: _nr_pr == 1
	:: timeout
	fi;
	d_step { PROPERTY(NOBODY_WAITS_FOREVER, _nr_pr == 1) }
	REACHED(issued == STALE + 1 && saved[STALE + 1] && !lost, "reached: renewed once\n");
#if CRASHES
	REACHED(lost, "reached: a token is lost\n");
	REACHED(saved[STALE + 1] && crashes == 0 && !lost, "reached: a holder has stopped, and another has renewed the token\n")
#endif
}
