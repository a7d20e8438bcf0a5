/*
 * Requests that change one stored session at the same time: session/save.go, the
 * replace of session/commit.go, session/rebase.go, session/isolation.go at LevelMerge
 * and session/touch.go.
 *
 * A request adds one to a counter in the session, by Key.Update, which is applied
 * again after a conflict, or by Get and Set, which conflicts. Other requests touch the
 * session and log out, and the session may expire.
 *
 * Properties
 *
 *	no change is lost       a save that lands keeps each increment that was there, and an
 *	                        acknowledged one is in the counter at the end
 *	none is made twice      an increment is in the counter once at most
 *	the answers are true    one that was refused (409, or 503 with nothing saved) is not
 *	                        in it; only ErrOutcomeUnknown leaves both open
 *	nothing is resurrected  no save makes a session live that was destroyed or has expired
 */

#ifndef CHANGES
#define CHANGES  2              /* requests that change the counter */
#endif
#ifndef TOUCHES
#define TOUCHES  0
#endif
#ifndef LOGOUTS
#define LOGOUTS  0
#endif
#ifndef EXPIRY
#define EXPIRY   0              /* 1: the session may expire, and the tombstone */
#endif
#ifndef FAULTS
#define FAULTS   2
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

/* The counter has two bits for each request: how many of its increments it holds. */
#define ONE(request)    (1 << (2 * (request) - 2))
#define TWICE           170

#include "store.inc"

byte last;                      /* the counter as it was stored last */
bool ended;                     /* the session was destroyed or has expired */

mtype = { NO_CHANGE_IS_LOST, NONE_IS_MADE_TWICE, THE_ANSWERS_ARE_TRUE, NOTHING_IS_RESURRECTED };
mtype = { UPDATE, GET_SET, SET, ACKNOWLEDGED, REFUSED, GONE, IN_DOUBT_STILL };

mtype answers[REQUESTS + 1];

#define IS_GONE(r) (r.version == 0 || r.tombstone)

proctype Network() {
	deliver()
}

proctype Change(byte me) {
	STORE_LOCALS;
	mtype kind, answer;
	byte read;              /* the counter as the handler saw it */

	fetch(0, base);
	if
	:: IS_GONE(base) -> answer = GONE; goto end
	:: else -> read = base.counter
	fi;
	if
	:: kind = UPDATE
	:: kind = GET_SET;
		if
		:: skip
		:: fetch(0, base);      /* a Session.Update in between goes on from the newest record */
			if
			:: IS_GONE(base) -> answer = GONE; goto end
			:: else
			fi;
#ifdef NO_READS_KEPT
			kind = SET
#endif
		fi
	fi;
	do
	::
#ifndef NO_CHECK
#ifndef NO_CHECK_ALWAYS
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
		:: outcome == LANDED -> answer = ACKNOWLEDGED; break
		:: outcome == FAILED -> answer = REFUSED; break
		:: outcome == UNKNOWN -> answer = IN_DOUBT_STILL; break
#ifdef NO_STICKY
		:: outcome == UNKNOWN   /* the handler goes on, and commits once more */
#endif
#ifndef NO_ABSENT_UNKNOWN
		:: outcome == ABSENT && doubted -> answer = IN_DOUBT_STILL; break
#else
		:: outcome == ABSENT && doubted -> answer = GONE; break
#endif
#ifndef NO_RECREATE
		:: outcome == ABSENT && !doubted -> answer = GONE; break
#else
		:: outcome == ABSENT && !doubted -> forget(base)
#endif
#ifndef NO_TOMBSTONE
		:: outcome == TAKEN && current.tombstone -> answer = GONE; break
		:: outcome == TAKEN && !current.tombstone ->
#else
		:: outcome == TAKEN ->
#endif
			if
			:: answer = REFUSED; break      /* parallel requests were first for too long */
#ifndef NO_CHECK
			:: kind == GET_SET && current.counter != read -> answer = REFUSED; break
			:: kind != GET_SET || current.counter == read -> assign(base, current)
#else
			:: assign(base, current)
#endif
			fi
		fi
	od;
end:
	REACHED(answer == ACKNOWLEDGED && kind == UPDATE && base.counter != read, "reached: applied again\n");
	REACHED(answer == ACKNOWLEDGED && lineage == ANCESTOR && current.version == next.version, "reached: its save is read back\n");
	REACHED(answer == ACKNOWLEDGED && lineage == ANCESTOR && COUNTER(current.version) > COUNTER(next.version) && !current.tombstone, "reached: its save is in the history\n");
#if LOGOUTS
	REACHED(answer == ACKNOWLEDGED && lineage == ANCESTOR && current.tombstone, "reached: its save is in the history of a tombstone\n");
#endif
#if TOUCHES
	REACHED(answer == IN_DOUBT_STILL && lineage == OUT_OF_REACH, "reached: the history is too short\n");
#endif
	forgetAll();
	atomic { answers[me] = answer; answer = 0; kind = 0; read = 0; done++ }
}

#if TOUCHES
/* A touch is one call, and nobody looks into its failure. */
proctype Touch(byte me) {
	STORE_LOCALS;

	fetch(0, base);
	if
	:: IS_GONE(base)
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
/* A logout makes the record a tombstone. If another request was first it tries again. */
proctype Destroy(byte me) {
	STORE_LOCALS;

	fetch(0, current);
	do
	:: IS_GONE(current) -> break
	:: else ->
		assign(base, current);
		follow(next, base);
		next.tombstone = true;
		next.counter = base.counter;
		save(0, next, base.version);
		if
		:: outcome == TAKEN
		:: else -> break
		fi
	od;
	forgetAll();
	done++
}
#endif

#if EXPIRY
/* What has expired is absent, and so is a tombstone after a while. */
proctype Expiry() {
	do
	:: d_step {
			store[0].version != 0 ->
			printf("expired\n");
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
		:: else -> break
		od;
		i = 1
	}
	_nr_pr == 1;
	d_step {
		do
		:: i <= CHANGES ->
			n = last / ONE(i) % 4;
			printf("request %d: %e, and counted %d times\n", i, answers[i], n);
			PROPERTY(NO_CHANGE_IS_LOST, answers[i] != ACKNOWLEDGED || n > 0);
			PROPERTY(NONE_IS_MADE_TWICE, n < 2);
			PROPERTY(THE_ANSWERS_ARE_TRUE, answers[i] != REFUSED && answers[i] != GONE || n == 0);
			i++
		:: else -> break
		od;
		i = 0
	}
	REACHED(answers[1] == ACKNOWLEDGED && answers[2] == ACKNOWLEDGED, "reached: both are acknowledged\n");
	REACHED(answers[1] == ACKNOWLEDGED && answers[2] == REFUSED && faults == FAULTS, "reached: one is refused\n");
	REACHED(answers[1] == IN_DOUBT_STILL && (last & ONE(1)), "reached: unknown, and counted\n");
	REACHED(answers[1] == IN_DOUBT_STILL && !(last & ONE(1)), "reached: unknown, and not counted\n");
#if LOGOUTS
	REACHED(answers[1] == ACKNOWLEDGED && answers[2] == GONE && store[0].tombstone, "reached: one came before the logout, one after it\n")
#endif
}
