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
#define LATE     2
#define HISTORY  1

#define CONTENT         bool tombstone
#define COPY(to, from)  to.tombstone = from.tombstone
#define SAVED(at, r) \
	assert(!ended[at] || r.tombstone);      /* nothing is resurrected */ \
	stored[at] = true; \
	ended[at] = ended[at] || r.tombstone

bool stored[RECORDS];           /* there was a session of this ID */
bool ended[RECORDS];            /* and it was destroyed or has expired */
byte jar;                       /* the ID of the visitor's cookie, 0 for none */
byte ids;                       /* how many IDs were drawn */

mtype = { CHANGE, LOGOUT, ACKNOWLEDGED, REFUSED, GONE, IN_DOUBT_STILL };

mtype answers[REQUESTS + 1];

#include "store.inc"

inline draw(into) {
	d_step { ids++; into = ids }
}

inline send(cookie) {
	d_step {
		printf("request %d: cookie of %d\n", me, cookie);
		assert(stored[cookie]);         /* no cookie for nothing */
		jar = cookie
	}
}

/* create stores a new session under an ID that nobody knows, and sends its cookie. */
inline create() {
	assign(base, none);
#ifdef NO_NEVER_ADOPT
	if
	:: cookie > 0 -> id = cookie
	:: else -> draw(id)
	fi;
#else
	draw(id);
#endif
	tries = 1;
	follow(next, base);
	do
	::
#ifdef NO_COOKIE_AFTER_SAVE
		send(id);
#endif
		save(id, next, base);
		if
		:: outcome == LANDED ->
			send(id);
			answer = ACKNOWLEDGED; break
		:: outcome == FAILED -> answer = REFUSED; break
		:: outcome == UNKNOWN -> answer = IN_DOUBT_STILL; break
		:: outcome == ABSENT || outcome == TAKEN ->
			if
			:: tries == TRIES -> answer = IN_DOUBT_STILL; break
			:: tries < TRIES ->
				tries++;
#ifndef NO_NEW_ID
				draw(id);
				follow(next, base)
#endif
			fi
		fi
	od
}

proctype First(byte me) {
	STORE_LOCALS;
	byte id, tries, cookie;
	mtype answer;

	create();
#ifdef REACH_SECOND_ID
	assert(!(answer == ACKNOWLEDGED && tries == 2));
#endif
	forget();
	atomic { answers[me] = answer; answer = 0; id = 0; tries = 0; done++ }
}

proctype Later(byte me) {
	STORE_LOCALS;
	byte id, tries, cookie;
	mtype answer;

	if
	:: atomic { jar > 0 -> cookie = jar }
	:: answers[1] != 0 && jar == 0 -> goto end
	fi;
	fetch(cookie, base);
	if
	:: base.version == 0 -> create()
	:: base.tombstone -> answer = GONE
	:: else ->
		follow(next, base);
		if
		:: next.tombstone = true        /* a logout */
		:: next.tombstone = false
		fi;
		save(cookie, next, base);
		answer = (outcome == LANDED -> ACKNOWLEDGED : IN_DOUBT_STILL)
	fi;
end:
	forget();
	atomic { answers[me] = answer; answer = 0; id = 0; tries = 0; cookie = 0; done++ }
}

inline expire(i) {
	d_step {
		store[i].version != 0 ->
		printf("expired: %d\n", i);
		ended[i] = true;
		copy(store[i], none)
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
		run First(1);
		do
		:: i <= LATER -> i++; run Later(i)
		:: else -> break
		od
	}
	_nr_pr == 1;
#ifdef REACH_LATE_INSERT
	assert(!(answers[1] == ACKNOWLEDGED && store[1].version != 0 && !store[1].tombstone && jar != 1))
#endif
#ifdef REACH_BEGUN_ANEW
	assert(!(jar > TRIES))
#endif
#ifdef REACH_LOGGED_OUT
	assert(!(store[1].tombstone && answers[2] == ACKNOWLEDGED))
#endif
}
