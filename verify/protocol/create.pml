/*
 * A visitor without a session begins one, and later requests come with its cookie:
 * create and insert in session/internal/txn/create.go, and read in session/load.go.
 *
 * The first request inserts a record under a new ID, and then sends the cookie. Later
 * requests log out or change the session. If there is no record any more, a later request
 * begins another session. Records and tombstones expire.
 *
 * Properties
 *
 *	NOTHING_IS_RESURRECTED  no save brings back a session that was destroyed or has expired
 *	A_COOKIE_HAS_A_SESSION  when a cookie is sent, its session has been stored
 */

#ifndef LATER
#define LATER    2              /* requests with the cookie */
#endif
#ifndef FAULTS
#define FAULTS   1
#endif
#define REQUESTS (1 + LATER)
#define TRIES    2              /* IDs that one request tries */
#define IDS      (TRIES * REQUESTS)
#define RECORDS  (IDS + 1)      /* no record has the ID 0 */
#define HISTORY  1

#define CONTENT         bool tombstone
#define COPY(to, from)  to.tombstone = from.tombstone
#define CLEAR(r)        r.tombstone = false
#define SAVED(at, r) \
	PROPERTY(NOTHING_IS_RESURRECTED, !ended[at] || r.tombstone); \
	stored[at] = true; \
	ended[at] = ended[at] || r.tombstone

#include "store.inc"

bool stored[RECORDS];           /* a session of this ID was stored */
bool ended[RECORDS];            /* and was destroyed or has expired */
byte jar;                       /* the ID of the browser's cookie, 0 for none */
byte ids;                       /* the number of IDs that were drawn */

mtype = { NOTHING_IS_RESURRECTED, A_COOKIE_HAS_A_SESSION };
mtype = { ACKNOWLEDGED, REFUSED, ENDED, OUTCOME_UNKNOWN };

mtype answers[REQUESTS + 1];

inline draw(into) {
	d_step { ids++; into = ids }
}

inline send(cookie) {
	d_step {
		printf("request %d: send the cookie of %d\n", me, cookie);
		PROPERTY(A_COOKIE_HAS_A_SESSION, stored[cookie]);
		jar = cookie
	}
}

proctype Network() {
	deliver()
}

proctype Visit(byte me) {
	STORE_LOCALS;
	byte cookie, id, tries;
	short expect;
	mtype answer;

	if
	:: me == 1 -> goto beginning
	:: me != 1 ->
		if
		:: atomic { jar > 0 -> cookie = jar }
		:: answers[1] != 0 && jar == 0 -> goto end
		fi;
		fetch(cookie, base)
	fi;
	if
	:: base.version == 0 -> goto beginning
	:: base.version != 0 && base.tombstone -> answer = ENDED; goto end
	:: base.version != 0 && !base.tombstone ->
		follow(next, base);
		if
		:: next.tombstone = true        /* a logout */
		:: next.tombstone = false       /* a change */
		fi;
		id = cookie;
		expect = base.version;
		goto saving
	fi;

	/* A new session is stored under an ID that nobody knows. */
beginning:
	first(next);
#ifndef NO_NEVER_ADOPT
	draw(id);
#else
	if
	:: cookie > 0 -> id = cookie
	:: cookie == 0 -> draw(id)
	fi;
#endif
trying:
	tries++;
#ifdef NO_COOKIE_AFTER_SAVE
	send(id);
#endif
saving:
	save(id, next, expect);
	if
	:: outcome == COMMITTED ->
		answer = ACKNOWLEDGED;
		if
		:: expect == 0 -> send(id)
		:: expect != 0
		fi
	:: outcome == FAILED -> answer = REFUSED
	:: outcome == UNKNOWN -> answer = OUTCOME_UNKNOWN
	:: (outcome == ABSENT || outcome == CHANGED) && expect != 0 ->
		answer = (outcome == ABSENT && unanswered -> OUTCOME_UNKNOWN : ENDED)
	:: outcome == ABSENT && expect == 0 && tries == TRIES -> answer = OUTCOME_UNKNOWN
	:: outcome == ABSENT && expect == 0 && tries < TRIES ->
#ifndef NO_NEW_ID
		first(next);
		draw(id);
#endif
		goto trying
#ifdef NO_NEVER_ADOPT
	:: outcome == CHANGED && expect == 0 -> answer = ENDED
#endif
	fi;
end:
	REACHED(answer == ACKNOWLEDGED && tries == 2, "reached: a session is stored under a second ID\n");
	REACHED(answer == ACKNOWLEDGED && me > 1 && expect == 0, "reached: a later request begins another session\n");
	forgetAll();
	atomic { answers[me] = answer; answer = 0; cookie = 0; id = 0; tries = 0; expect = 0; done++ }
}

inline expire(i) {
	d_step {
		store[i].version != 0 ->
		printf("record %d expires\n", i);
		ended[i] = true;
		clear(store[i])
	}
}

proctype Expiry() {
	do
	:: expire(1)
	:: expire(2)
	:: expire(3)
	:: expire(4)
#if IDS > 4
	:: expire(5)
	:: expire(6)
#endif
#if IDS > 6
	:: expire(7)
	:: expire(8)
#endif
	:: done == REQUESTS -> break
	od
}

init {
	byte i = 1;

	atomic {
		run Network();
		run Expiry();
		do
		:: i <= REQUESTS -> run Visit(i); i++
		:: i > REQUESTS -> i = 0; break
		od
	}
	_nr_pr == 1;
	REACHED(answers[1] == ACKNOWLEDGED && store[1].version != 0 && jar != 1, "reached: an abandoned insert arrives\n");
	REACHED(store[1].tombstone && answers[2] == ACKNOWLEDGED, "reached: a logout\n")
}
