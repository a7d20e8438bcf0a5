/*
 * Requests that change one stored session at the same time: session/internal/records/save.go, replace in
 * session/internal/txn/commit.go, session/internal/txn/rebase.go, session/internal/txn/conflict.go at LevelMerge, and
 * session/internal/txn/touch.go.
 *
 * A request adds one to a counter in the session. It does so by Key.Update, which is
 * applied again after a conflict, or by Get and Set, which conflict. Other requests touch
 * the session and log out. The session may expire.
 *
 * Properties
 *
 *	NO_CHANGE_IS_LOST       a save keeps each increment that was there, and an acknowledged
 *	                        increment is in the counter at the end
 *	NONE_IS_MADE_TWICE      an increment is in the counter at most once
 *	THE_ANSWERS_ARE_TRUE    an increment that was refused (ErrConflict, ErrEnded, or
 *	                        ErrUnavailable other than ErrOutcomeUnknown) is not in the counter
 *	NOTHING_IS_RESURRECTED  no save brings back a session that was destroyed or has expired
 */

#ifndef CHANGES
#define CHANGES  2              /* requests that change the counter */
#endif
#ifndef TOUCHES
#define TOUCHES  0              /* requests that touch the session */
#endif
#ifndef LOGOUTS
#define LOGOUTS  0
#endif
#ifndef EXPIRY
#define EXPIRY   0              /* 1: the session may expire, and so may its tombstone */
#endif
#ifndef FAULTS
#define FAULTS   1
#endif
#ifndef HISTORY
#define HISTORY  1
#endif
#define REQUESTS (CHANGES + TOUCHES + LOGOUTS)
#define RECORDS  1

#define CONTENT         bool tombstone; byte counter
#define COPY(to, from)  to.tombstone = from.tombstone; to.counter = from.counter
#define CLEAR(r)        r.tombstone = false; r.counter = 0
#define SAVED(at, r) \
	PROPERTY(NO_CHANGE_IS_LOST, (last & ~r.counter) == 0); \
	PROPERTY(NONE_IS_MADE_TWICE, (r.counter & TWICE) == 0); \
	PROPERTY(NOTHING_IS_RESURRECTED, !ended || r.tombstone); \
	last = r.counter; \
	ended = ended || r.tombstone

/* The counter has two bits for each request: how many of its increments are in it. */
#define ONE(request)    (1 << (2 * (request) - 2))
#define TWICE           170

#include "store.inc"

byte last;                      /* the counter as it was last stored */
bool ended;                     /* the session was destroyed or has expired */

mtype = { NO_CHANGE_IS_LOST, NONE_IS_MADE_TWICE, THE_ANSWERS_ARE_TRUE, NOTHING_IS_RESURRECTED };
mtype = { UPDATE, GET_SET, SET };                               /* what a request does */
mtype = { ACKNOWLEDGED, REFUSED, ENDED, OUTCOME_UNKNOWN };      /* what it is answered */

mtype answers[REQUESTS + 1];

#define NOT_LIVE(r) (r.version == 0 || r.tombstone)

proctype Network() {
	deliver()
}

proctype Change(byte me) {
	STORE_LOCALS;
	mtype kind, answer;
	byte read;              /* the counter as the handler saw it */

	fetch(0, base);
	if
	:: NOT_LIVE(base) -> answer = ENDED; goto end
	:: else -> read = base.counter
	fi;
	if
	:: kind = UPDATE
	:: kind = GET_SET
	:: kind = GET_SET;
		fetch(0, base); /* a Session.Update between Get and Set loads the newest record */
		if
		:: NOT_LIVE(base) -> answer = ENDED; goto end
		:: else
		fi;
#ifdef NO_KEEP_READS
		kind = SET
#endif
	fi;
	do
	::
#ifndef NO_CHECK_READS
#ifndef NO_CHECK_EVERY_COMMIT
		if
		:: kind == GET_SET && base.counter != read -> answer = REFUSED; break
		:: else
		fi;
#endif
#endif
		follow(next, base);
#ifndef NO_REBASE
		next.counter = (kind == UPDATE -> base.counter : read) + ONE(me);
#else
		next.counter = read + ONE(me);
#endif
		save(0, next, base.version);
		if
		:: outcome == COMMITTED -> answer = ACKNOWLEDGED; break
		:: outcome == FAILED -> answer = REFUSED; break
		:: outcome == UNKNOWN -> answer = OUTCOME_UNKNOWN; break
#ifdef NO_STICKY
		:: outcome == UNKNOWN   /* the handler goes on, and commits once more */
#endif
#ifndef NO_ABSENT_UNKNOWN
		:: outcome == ABSENT && unanswered -> answer = OUTCOME_UNKNOWN; break
#else
		:: outcome == ABSENT && unanswered -> answer = ENDED; break
#endif
#ifndef NO_NEVER_RECREATE
		:: outcome == ABSENT && !unanswered -> answer = ENDED; break
#else
		:: outcome == ABSENT && !unanswered -> forget(base)
#endif
#ifndef NO_TOMBSTONE_IS_FINAL
		:: outcome == CHANGED && current.tombstone -> answer = ENDED; break
		:: outcome == CHANGED && !current.tombstone ->
#else
		:: outcome == CHANGED ->
#endif
			if
			:: answer = REFUSED; break      /* StoreTimeout is over */
#ifndef NO_CHECK_READS
			:: kind == GET_SET && current.counter != read -> answer = REFUSED; break
			:: kind != GET_SET || current.counter == read -> assign(base, current)
#else
			:: assign(base, current)
#endif
			fi
		fi
	od;
end:
	REACHED(answer == ACKNOWLEDGED && kind == UPDATE && base.counter != read, "reached: an update is applied again\n");
	REACHED(answer == ACKNOWLEDGED && lineage == ANCESTOR && current.version == next.version, "reached: a save is read back\n");
	REACHED(answer == ACKNOWLEDGED && lineage == ANCESTOR && !current.tombstone &&
		current.version != next.version, "reached: a save is found in the history\n");
#if LOGOUTS
	REACHED(answer == ACKNOWLEDGED && lineage == ANCESTOR && current.tombstone, "reached: a save is found in the history of a tombstone\n");
#endif
#if TOUCHES
	REACHED(answer == OUTCOME_UNKNOWN && lineage == OUT_OF_REACH, "reached: the history is too short\n");
#endif
	forgetAll();
	atomic { answers[me] = answer; answer = 0; kind = 0; read = 0; done++ }
}

#if TOUCHES
/* A touch is one call of Save, whose result changes nothing. */
proctype Touch(byte me) {
	STORE_LOCALS;

	fetch(0, base);
	if
	:: NOT_LIVE(base)
	:: else ->
		follow(next, base);
		next.counter = base.counter;
		attempt(0, next, base.version)
	fi;
	forgetAll();
	done++
}
#endif

#if LOGOUTS
/* A logout replaces the record by a tombstone, again if another request was first. */
proctype Destroy(byte me) {
	STORE_LOCALS;

	fetch(0, current);
	do
	:: NOT_LIVE(current) -> break
	:: else ->
		assign(base, current);
		follow(next, base);
		next.tombstone = true;
		next.counter = base.counter;    /* a tombstone has no values; this is for the properties */
		save(0, next, base.version);
		if
		:: outcome == CHANGED
		:: else -> break
		fi
	od;
	forgetAll();
	done++
}
#endif

#if EXPIRY
/* An expired record is absent. A tombstone expires as well. */
proctype Expiry() {
	do
	:: d_step {
			store[0].version != 0 ->
			printf("record 0 expires\n");
			ended = true;
			clear(store[0])
		}
	:: done == REQUESTS -> break
	od
}
#endif

init {
	byte i = 1;
	byte n;

	atomic {
		store[0].version = 1 << 6;
		run Network();
#if EXPIRY
		run Expiry();
#endif
		do
		:: i <= CHANGES -> run Change(i); i++
#if TOUCHES
		:: i > CHANGES && i <= CHANGES + TOUCHES -> run Touch(i); i++
#endif
#if LOGOUTS
		:: i > CHANGES + TOUCHES && i <= REQUESTS -> run Destroy(i); i++
#endif
		:: i > REQUESTS -> break
		od;
		i = 1
	}
	_nr_pr == 1;
	d_step {
		do
		:: i <= CHANGES ->
			n = last / ONE(i) % 4;
			printf("request %d: %e, its increment is in the counter %d times\n", i, answers[i], n);
			PROPERTY(NO_CHANGE_IS_LOST, answers[i] != ACKNOWLEDGED || n > 0);
			PROPERTY(NONE_IS_MADE_TWICE, n < 2);
			PROPERTY(THE_ANSWERS_ARE_TRUE, answers[i] != REFUSED && answers[i] != ENDED || n == 0);
			i++
		:: else -> break
		od;
		i = 0
	}
	REACHED(answers[1] == ACKNOWLEDGED && answers[2] == ACKNOWLEDGED, "reached: both are acknowledged\n");
	REACHED(answers[1] == ACKNOWLEDGED && answers[2] == REFUSED && faults == FAULTS, "reached: one is refused\n");
	REACHED(answers[1] == OUTCOME_UNKNOWN && (last & ONE(1)), "reached: unknown, and in the counter\n");
	REACHED(answers[1] == OUTCOME_UNKNOWN && !(last & ONE(1)), "reached: unknown, and not in the counter\n");
#if LOGOUTS
	REACHED(answers[1] == ACKNOWLEDGED && answers[2] == ENDED && store[0].tombstone, "reached: one is before the logout, one after it\n")
#endif
}
