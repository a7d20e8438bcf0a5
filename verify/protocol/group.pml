/*
 * Requests of one instance that save their changes of one session together, and a request
 * of another instance: session/internal/txn: turns.go, leader.go, follower.go.
 *
 * As in save.pml, a request adds one to a counter, by Key.Update or by Get and Set. While
 * one request of the instance saves, the others wait. The one that gets the next turn is
 * the leader: it puts the changes of those that wait on top of its own, one after the
 * other, and saves them all. Whoever has waited too long takes the turn. Afterwards, the
 * leader may commit something else. The session may expire.
 *
 * Properties
 *
 *	NO_CHANGE_IS_LOST       a save keeps each increment that was there, and an acknowledged
 *	                        increment is in the counter at the end
 *	NONE_IS_MADE_TWICE      an increment is in the counter at most once
 *	THE_ANSWERS_ARE_TRUE    an increment that was refused is not in the counter
 *	CONFLICTS_ARE_TRUE      a request is refused for a conflict only if what it has read was
 *	                        replaced in the store
 *	NOTHING_IS_RESURRECTED  no save brings back a session that has expired
 */

#ifndef INSIDE
#define INSIDE   2              /* requests of the instance */
#endif
#ifndef OUTSIDE
#define OUTSIDE  1              /* requests of another instance, 0 or 1 */
#endif
#ifndef EXPIRY
#define EXPIRY   0              /* 1: the session may expire */
#endif
#ifndef FAULTS
#define FAULTS   1
#endif
#ifndef HISTORY
#define HISTORY  1
#endif
#define REQUESTS (INSIDE + OUTSIDE)
#define RECORDS  1

#define CONTENT         bool tombstone; byte counter
#define COPY(to, from)  to.tombstone = from.tombstone; to.counter = from.counter
#define CLEAR(r)        r.tombstone = false; r.counter = 0
#define SAVED(at, r) \
	PROPERTY(NO_CHANGE_IS_LOST, (last & ~r.counter) == 0); \
	PROPERTY(NONE_IS_MADE_TWICE, (r.counter & TWICE) == 0); \
	PROPERTY(NOTHING_IS_RESURRECTED, !ended); \
	last = r.counter

/* The counter has two bits for each request: how many of its increments are in it. */
#define ONE(request)    (1 << (2 * (request) - 2))
#define TWICE           170

#include "store.inc"

byte last;                      /* the counter as it was last stored */
bool ended;                     /* the session has expired */

mtype = { NO_CHANGE_IS_LOST, NONE_IS_MADE_TWICE, THE_ANSWERS_ARE_TRUE, CONFLICTS_ARE_TRUE, NOTHING_IS_RESURRECTED };
mtype = { UPDATE, GET_SET };                                    /* what a request does */
mtype = { ACKNOWLEDGED, REFUSED, ENDED, OUTCOME_UNKNOWN };      /* what it is answered */
mtype = { WAITING, JOINED, TURN };                              /* its place in the line */

byte leader;                    /* the request that has the turn, 0 if nobody has */

mtype kinds[REQUESTS + 1];
mtype answers[REQUESTS + 1];
mtype places[REQUESTS + 1];
byte seen[REQUESTS + 1];        /* the counter as the handler saw it */
byte groups[REQUESTS + 1];      /* the leader whose group a request is in */
byte contents[REQUESTS + 1];    /* the counter with the changes of the group up to this request's */

proctype Network() {
	deliver()
}

/* load reads the session, and chooses what the request does. */
inline load() {
	fetch(0, base);
	if
	:: base.version == 0 -> answers[me] = ENDED
	:: else ->
		seen[me] = base.counter;
		if
		:: kinds[me] = UPDATE
		:: kinds[me] = GET_SET
		fi
	fi
}

/* refuse answers a request whose Get is not true any more. */
inline refuse(request) {
	d_step {
		PROPERTY(CONFLICTS_ARE_TRUE, last != seen[request]);
		answers[request] = REFUSED
	}
}

/* gather puts the changes of those that wait on top of next. Some come too late for it. */
inline gather() {
	i = 1;
	do
	:: i > INSIDE -> i = 0; break
	:: else ->
		atomic {
			if
			:: places[i] == WAITING && leader == me || groups[i] == me ->
				join(i)
			:: places[i] == WAITING && leader == me     /* it has not arrived yet */
			:: !(places[i] == WAITING && leader == me) && groups[i] != me
			fi;
			i++
		}
	od
}

inline join(request) {
	if
#ifndef NO_CHECK_FOLLOWERS
	:: kinds[request] == GET_SET && seen[request] != next.counter ->
#ifndef NO_VERDICT_LATER
		d_step { places[request] = WAITING; groups[request] = 0 }
#else
		d_step { places[request] = 0; groups[request] = 0 };
		refuse(request)
#endif
	:: kinds[request] == UPDATE || seen[request] == next.counter ->
#else
	:: true ->
#endif
		d_step {
			places[request] = JOINED;
			groups[request] = me;
#ifndef NO_ON_TOP
			next.counter = (kinds[request] == UPDATE -> next.counter : seen[request]) + ONE(request);
#else
			next.counter = base.counter + ONE(request);
#endif
			contents[request] = next.counter;
#ifdef NO_ANSWER_LAST
			answers[request] = ACKNOWLEDGED; places[request] = 0; groups[request] = 0;
#endif
			printf("request %d joins the group of %d\n", request, me)
		}
	fi
}

/* answerAll gives all of the group the same answer. */
inline answerAll(answer) {
	d_step {
		answers[me] = answer;
		i = 1;
		do
		:: i > INSIDE -> break
		:: i <= INSIDE && groups[i] == me ->
			answers[i] = answer;
			groups[i] = 0;
			places[i] = 0;
			i++
		:: else -> i++
		od;
		i = 0
	}
}

/* part puts those of the group back into the line, because nothing of them was saved. */
inline part() {
	d_step {
		i = 1;
		do
		:: i > INSIDE -> break
		:: i <= INSIDE && groups[i] == me -> groups[i] = 0; places[i] = WAITING; i++
		:: else -> i++
		od;
		i = 0
	}
}

/* pass gives the turn to the first that waits. */
inline pass() {
	d_step {
		places[me] = 0;
		if
		:: leader != me
		:: else ->
			leader = 0;
			i = 1;
			do
			:: i > INSIDE -> break
			:: i <= INSIDE && places[i] == WAITING -> places[i] = TURN; leader = i; break
			:: else -> i++
			od
		fi;
		i = 0
	}
}

/* lead saves the changes of the request, and of those that wait. */
inline lead() {
	do
	::
		if
		:: kinds[me] == GET_SET && base.counter != seen[me] -> refuse(me); part(); break
		:: else
		fi;
		follow(next, base);
		next.counter = base.counter + ONE(me);
		contents[me] = next.counter;
		gather();
		save(0, next, base.version);
		if
		:: outcome == COMMITTED -> answerAll(ACKNOWLEDGED); break
		:: outcome == FAILED -> answerAll(REFUSED); break
#ifndef NO_ONE_OUTCOME
		:: outcome == UNKNOWN -> answerAll(OUTCOME_UNKNOWN); break
#else
		:: outcome == UNKNOWN -> answers[me] = OUTCOME_UNKNOWN; part(); break
#endif
#ifndef NO_GONE_UNKNOWN
		:: outcome == ABSENT && unanswered -> answerAll(OUTCOME_UNKNOWN); break
#else
		:: outcome == ABSENT && unanswered -> answerAll(ENDED); answers[me] = OUTCOME_UNKNOWN; break
#endif
#ifndef NO_NEVER_RECREATE
		:: outcome == ABSENT && !unanswered -> answerAll(ENDED); break
#else
		:: outcome == ABSENT && !unanswered -> forget(base)
#endif
		:: outcome == CHANGED ->
#ifndef NO_APPLY_AGAIN
			assign(base, current)
#else
			base.version = current.version
#endif
		fi
	od;
	pass()
}

/*
 * again is a later commit of a leader, which changes something else. Its base lacks the
 * changes of the others in the group.
 */
inline again() {
	d_step {
		copy(base, next);
		base.counter = contents[me];
#ifndef NO_OWN_VERSION
		base.version = (contents[me] == next.counter -> next.version : next.version | 32)       /* which nobody has saved */
#endif
	}
	follow(next, base);
	next.counter = base.counter;
	save(0, next, base.version)
}

proctype Inside(byte me) {
	STORE_LOCALS;
	byte i;

	load();
	if
	:: answers[me] == ENDED -> goto end
	:: else
	fi;
	atomic {
		if
		:: leader == 0 -> leader = me; places[me] = TURN
		:: else -> places[me] = WAITING
		fi
	}
	if
	:: atomic { places[me] == WAITING -> places[me] = TURN; leader = me };
		printf("request %d has waited too long\n", me)
	:: places[me] == TURN
	:: answers[me] != 0
	fi;
	if
	:: places[me] == TURN -> lead()
	:: else
	fi;
	REACHED(answers[me] == ACKNOWLEDGED && contents[me] != next.counter && next.version != 0, "reached: a leader saves others as well\n");
	if
	:: answers[me] == ACKNOWLEDGED && next.version != 0 -> again()
	:: skip
	fi;
end:
	forgetAll();
	done++
}

#if OUTSIDE
proctype Outside(byte me) {
	STORE_LOCALS;

	load();
	if
	:: answers[me] == ENDED -> goto end
	:: else -> kinds[me] = UPDATE   /* whatever was chosen */
	fi;
	do
	:: follow(next, base);
		next.counter = base.counter + ONE(me);
		save(0, next, base.version);
		if
		:: outcome == COMMITTED -> answers[me] = ACKNOWLEDGED; break
		:: outcome == FAILED -> answers[me] = REFUSED; break
		:: outcome == UNKNOWN || outcome == ABSENT && unanswered -> answers[me] = OUTCOME_UNKNOWN; break
		:: outcome == ABSENT && !unanswered -> answers[me] = ENDED; break
		:: outcome == CHANGED -> assign(base, current)
		fi
	od;
end:
	forgetAll();
	done++
}
#endif

#if EXPIRY
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
		:: i <= INSIDE -> run Inside(i); i++
#if OUTSIDE
		:: i > INSIDE && i <= REQUESTS -> run Outside(i); i++
#endif
		:: i > REQUESTS -> break
		od;
		i = 1
	}
	_nr_pr == 1;
	d_step {
		do
		:: i <= REQUESTS ->
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
	REACHED(answers[1] == OUTCOME_UNKNOWN && answers[2] == OUTCOME_UNKNOWN && (last & ONE(1)) && (last & ONE(2)), "reached: unknown for two, and both are in the counter\n")
}
