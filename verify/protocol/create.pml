/*
 * A visitor without a session begins one, and later requests come with its cookie:
 * session/create.go without owners, and the load of session/passage.go.
 *
 * The first request inserts a record under a new ID and then sends the cookie. The
 * others log out or change the session; where there is none any more, a change begins
 * another one. Records expire, and so do tombstones.
 *
 * Properties
 *
 *	nothing is resurrected  no save makes a session live that was destroyed or has expired
 *	no cookie for nothing   a cookie that is sent is that of a session that was stored
 */

#ifndef LATER
#define LATER    2              /* requests with the cookie */
#endif
#ifndef FAULTS
#define FAULTS   2
#endif
#define REQUESTS (1 + LATER)
#define TRIES    2              /* IDs that a request tries */
#define IDS      (TRIES * REQUESTS)
#define RECORDS  (IDS + 1)      /* there is no ID 0 */
#define HISTORY  1

#define CONTENT         bool tombstone
#define COPY(to, from)  to.tombstone = from.tombstone
#define CLEAR(r)        r.tombstone = false
#define SAVED(at, r) \
	PROPERTY(NOTHING_IS_RESURRECTED, !ended[at] || r.tombstone); \
	stored[at] = true; \
	ended[at] = ended[at] || r.tombstone

#include "store.inc"

bool stored[RECORDS];           /* there was a session of this ID */
bool ended[RECORDS];            /* and it was destroyed or has expired */
byte jar;                       /* the ID of the visitor's cookie, 0 for none */
byte ids;                       /* how many IDs were drawn */

mtype = { NOTHING_IS_RESURRECTED, NO_COOKIE_FOR_NOTHING };
mtype = { ACKNOWLEDGED, REFUSED, GONE, IN_DOUBT_STILL };

mtype answers[REQUESTS + 1];

inline draw(into) {
	d_step { ids++; into = ids }
}

inline send(cookie) {
	d_step {
		printf("request %d: cookie of %d\n", me, cookie);
		PROPERTY(NO_COOKIE_FOR_NOTHING, stored[cookie]);
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
	:: base.version != 0 && base.tombstone -> answer = GONE; goto end
	:: base.version != 0 && !base.tombstone ->
		follow(next, base);
		if
		:: next.tombstone = true                /* a logout */
		:: next.tombstone = false               /* a change */
		fi;
		id = cookie;
		expect = base.version;
		goto saving
	fi;

	/* A new session is stored under an ID that nobody knows: create in session/create.go. */
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
	:: outcome == LANDED ->
		answer = ACKNOWLEDGED;
		if
		:: expect == 0 -> send(id)
		:: expect != 0
		fi
	:: outcome == FAILED -> answer = REFUSED
	:: outcome == UNKNOWN -> answer = IN_DOUBT_STILL
	:: (outcome == ABSENT || outcome == TAKEN) && expect != 0 ->
		answer = (outcome == ABSENT && doubted -> IN_DOUBT_STILL : GONE)
	:: outcome == ABSENT && expect == 0 && tries == TRIES -> answer = IN_DOUBT_STILL
	:: outcome == ABSENT && expect == 0 && tries < TRIES ->
#ifndef NO_NEW_ID
		first(next);
		draw(id);
#endif
		goto trying
#ifdef NO_NEVER_ADOPT
	:: outcome == TAKEN && expect == 0 -> answer = GONE
#endif
	fi;
end:
	REACHED(answer == ACKNOWLEDGED && tries == 2, "reached: stored under a second ID\n");
	REACHED(answer == ACKNOWLEDGED && me > 1 && expect == 0, "reached: a later request has begun another session\n");
	forgetAll();
	atomic { answers[me] = answer; answer = 0; cookie = 0; id = 0; tries = 0; expect = 0; done++ }
}

inline expire(i) {
	d_step {
		store[i].version != 0 ->
		printf("expired: %d\n", i);
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
	REACHED(answers[1] == ACKNOWLEDGED && store[1].version != 0 && jar != 1, "reached: an insert that was given up has arrived\n");
	REACHED(store[1].tombstone && answers[2] == ACKNOWLEDGED, "reached: logged out\n")
}
