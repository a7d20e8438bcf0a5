/*
 * Rotation: a session whose cookie gets a new index from time to time, so that a copy of an
 * old one shows: section 23 of docs/protocol.md, session/internal/rotation.
 *
 * A browser has one jar of cookies, in memory and on its disk. Its tabs send requests in
 * parallel, each to any instance. Requests and answers are under way for a while, answers may
 * be lost, and handlers may take any time. If the browser crashes, it comes back with the jar
 * that was on its disk. A thief copies the jar at any time, and goes on with it.
 *
 * An index is the time at which it was issued. The clock stands still in a step. It goes on
 * between any two, unless something has to happen by now: a request arrives, an answer
 * arrives or is lost, the jar is written to the disk. A client sends one request in a tick at
 * most.
 *
 * Properties
 *
 *	AN_HONEST_BROWSER_STAYS   without a thief, no request is taken for theft
 *	A_THEFT_IS_NOTICED        browser and thief are not both served in each of more than
 *	                          NOTICED ticks
 *	A_NEWER_COOKIE_STAYS      no answer puts an index into the jar over one that was issued
 *	                          before the answer was decided on
 */

#ifndef TABS
#define TABS      2
#endif
#ifndef THIEVES
#define THIEVES   0
#endif
#ifndef TICKS
#define TICKS     9             /* of the clock, at most */
#endif
#ifndef INTERVAL
#define INTERVAL  3             /* RotateInterval */
#endif
#ifndef REQUEST
#define REQUEST   1             /* how long a request is under way, at most */
#endif
#ifndef ANSWER
#define ANSWER    1             /* from the decision on an index to its cookie in the jar, at most */
#endif
#ifndef FLUSH
#define FLUSH     1             /* from a change of the jar to the disk, at most */
#endif
#ifndef CRASHES
#define CRASHES   0             /* of the browser */
#endif
#ifndef LOSSES
#define LOSSES    0             /* answers to the browser */
#endif
#ifndef PERSISTS
#define PERSISTS  0             /* requests that save a change, and set the cookie of the same index again */
#endif
#ifndef FAULTS
#define FAULTS    0             /* saves without an answer */
#endif
#ifndef FAILOVERS
#define FAILOVERS 0             /* the store loses the last save */
#endif
#ifndef THEFT
#define THEFT     (INTERVAL + 2)        /* the jar is copied by then */
#endif
#ifndef NOTICED
#define NOTICED   15            /* ticks until a theft is noticed, at most */
#endif

#ifndef GRACE
#define GRACE     (REQUEST + ANSWER)
#endif
#define CLIENTS   (TABS + THIEVES)
#define SETTLED   (GRACE + FLUSH)
#define BROWSER   0             /* jars */
#define THIEF     1
#define NEVER     255
#define PER_TICK  4             /* indexes that can be issued in a tick, at most */
#define AT(i)     ((i) / PER_TICK)      /* when the index was issued */

#include "property.inc"

mtype = { AN_HONEST_BROWSER_STAYS, A_THEFT_IS_NOTICED, A_NEWER_COOKIE_STAYS };
mtype = { NOTHING, LANDED, CONFLICT, FAILED };

typedef Record {
	byte confirmed;         /* the last index that was confirmed */
	byte issued;            /* the highest index that was issued */
	byte first;             /* when the first index was issued from confirmed; 0: none was */
	byte replaced;          /* what issued was before that */
	byte data               /* changes of requests */
};

Record store;
Record before;                  /* what the store had before the last save, if it may lose it */
bool ended;                     /* a theft was noticed */

byte now = INTERVAL;            /* the clock; index 0 is due */
byte due[CLIENTS];              /* the time by which a request or an answer arrives */

byte memory[2];                 /* the index in a jar */
byte disk;                      /* and in that of the browser, on its disk */
byte flushBy = NEVER;           /* when the disk has what is in memory */
byte life;                      /* of the browser, from crash to crash */
bool stolen;                    /* the thief has a copy of the jar */

bool sent[CLIENTS];             /* a request in this tick */
bool served[2];                 /* in this tick: the browser, the thief; if there is one */
Record next;                    /* what commit saves; empty between commits */
byte together;                  /* the ticks in which both were served */

byte crashes = CRASHES;
byte losses = LOSSES;
byte persists = PERSISTS;
byte faults = FAULTS;
byte failovers = FAILOVERS;
byte done;

#define MAX(a, b) ((a) > (b) -> (a) : (b))

#define SAME(a, b) (a.confirmed == b.confirmed && a.issued == b.issued && a.first == b.first && \
	a.replaced == b.replaced && a.data == b.data)

inline copy(to, from) {
	to.confirmed = from.confirmed;
	to.issued = from.issued;
	to.first = from.first;
	to.replaced = from.replaced;
	to.data = from.data
}

inline clear(r) {
	r.confirmed = 0; r.issued = 0; r.first = 0; r.replaced = 0; r.data = 0
}

/* REFUSED is whether the use of an index shows a theft. */
#ifndef NO_LOWER_IS_THEFT
#define LOWER(r, i) (i < r.confirmed)
#else
#define LOWER(r, i) false
#endif
#ifndef NO_REPLACED_IS_THEFT
#define REPLACED(r, i) (i > r.confirmed && i <= r.replaced)
#else
#define REPLACED(r, i) false
#endif
#ifdef NO_SERVE_CONFIRMED
#define OTHER(r, i) (i < r.issued)
#else
#ifdef NO_SERVE_PENDING
#define OTHER(r, i) (i > r.confirmed && i < r.issued)
#else
#ifdef NO_ADOPT
#define OTHER(r, i) (i > r.issued)
#else
#define OTHER(r, i) false
#endif
#endif
#endif
#define REFUSED(r, i) (LOWER(r, i) || REPLACED(r, i) || OTHER(r, i))

/* CONFIRMS is whether a request confirms its index: it was loaded when the index was on the disk for sure. */
#ifndef NO_LOAD_TIME
#define SEEN loaded
#else
#define SEEN now
#endif
#ifdef NO_CONFIRM_LATE
#define ON_DISK(r, i) true
#else
#ifdef NO_COVER_REQUESTS
#define ON_DISK(r, i) (SEEN > AT(i) + ANSWER + FLUSH)
#else
#ifdef NO_OWN_TIME
#define ON_DISK(r, i) (SEEN > AT(r.issued) + SETTLED)
#else
#define ON_DISK(r, i) (SEEN > AT(i) + SETTLED)
#endif
#endif
#endif
#define CONFIRMS(r, i) (i > r.confirmed && !REPLACED(r, i) && ON_DISK(r, i))

/* ISSUES is whether an index is issued to a request: one is due, or those before were not taken. */
#ifndef NO_REPLACE_LATE
#define DUE(r) (now >= AT(r.confirmed) + INTERVAL && (r.issued == r.confirmed || loaded > AT(r.issued) + SETTLED))
#else
#define DUE(r) (now >= AT(r.confirmed) + INTERVAL)
#endif
#ifdef NO_ISSUE_AGAIN
#define AGAIN(r) false
#else
#ifdef NO_FROM_FIRST
#define AGAIN(r) (loaded > AT(r.issued) + GRACE)
#else
#define AGAIN(r) (loaded > r.first + GRACE)
#endif
#endif
#define ISSUES(r, i) (i == r.confirmed && (r.first -> AGAIN(r) : DUE(r)))

/* load is the arrival of the request, which reads the record. */
inline load() {
	d_step {
		loaded = now;
		due[me] = NEVER;
		if
		:: ended
		:: !ended && REFUSED(store, index) ->
			printf("client %d: loads with %d at %d, confirmed %d, issued %d: theft\n", me, index, now, store.confirmed, store.issued);
			PROPERTY(AN_HONEST_BROWSER_STAYS, THIEVES > 0);
			ended = true
		:: else ->
			copy(base, store);
			served[jar] = (THIEVES > 0);
			printf("client %d: loads with %d at %d, confirmed %d, issued %d\n", me, index, now, store.confirmed, store.issued)
		fi
	}
}

/* decide makes next, and the cookie that the answer sets if next is saved. */
inline decide() {
	copy(next, base);
	cookie = NEVER;
	decided = now;
	if
	:: CONFIRMS(base, index) ->
		next.confirmed = index;
		next.issued = MAX(base.issued, index);
		next.first = 0;
		next.replaced = 0
	:: else ->
		if
		:: ISSUES(base, index) ->
			next.issued = MAX(PER_TICK * now, base.issued + 1);
			assert(AT(next.issued) <= now);
			next.replaced = (base.first -> base.replaced : base.issued);
			next.first = (base.first -> base.first : now);
			cookie = next.issued
		:: else
		fi
	fi;
	if
#ifndef NO_SIGN_LAST
	:: persist && cookie == NEVER && index >= next.issued -> cookie = index
#else
	:: persist && cookie == NEVER -> cookie = index
#endif
	:: else
	fi;
	next.data = base.data + persist
}

/* commit is a compare-and-swap, whose answer may be lost. Without one, no cookie is sent. */
inline commit() {
	atomic {
		d_step { decide() };
		if
		:: ended -> outcome = FAILED
		:: !ended && SAME(next, base) -> outcome = NOTHING
#ifndef NO_CAS
		:: !ended && !SAME(next, base) && SAME(base, store) -> put(); outcome = LANDED
		:: !ended && !SAME(next, base) && !SAME(base, store) -> outcome = CONFLICT
#else
		:: !ended && !SAME(next, base) -> put(); outcome = LANDED
#endif
		:: !ended && !SAME(next, base) && SAME(base, store) && faults > 0 -> faults--; put(); outcome = FAILED
		:: !ended && !SAME(next, base) && faults > 0 -> faults--; outcome = FAILED
		fi;
		d_step {
			if
			:: outcome != NOTHING -> printf("client %d: confirmed %d, issued %d: %e at %d\n", me, next.confirmed, next.issued, outcome, now)
			:: else
			fi;
			if
#ifndef NO_TRY_AGAIN
			:: outcome == CONFLICT -> copy(base, store)
#else
			:: outcome == CONFLICT && persist -> copy(base, store)
#endif
			:: else -> clear(base); index = 0; loaded = 0
			fi;
			if
#ifndef NO_SEND_SAVED
			:: cookie != NEVER && outcome == LANDED -> due[me] = now + ANSWER
#else
			:: cookie != NEVER && outcome != FAILED -> due[me] = now + ANSWER
#endif
			:: else -> cookie = NEVER; decided = 0
			fi;
#ifdef NO_SEND_SAVED
			if
			:: outcome == CONFLICT && cookie != NEVER -> clear(base); index = 0; loaded = 0
			:: else
			fi;
#endif
			clear(next)
		}
	}
}

inline put() {
	d_step {
		if
		:: failovers > 0 -> copy(before, store)
		:: else
		fi;
		copy(store, next)
	}
}

/* arrive is the arrival of an answer with a cookie, which the jar takes, or not. */
inline arrive() {
	atomic {
		if
		:: born == life || jar == THIEF ->
			d_step {
				printf("client %d: gets %d at %d, has %d\n", me, cookie, now, memory[jar]);
				PROPERTY(A_NEWER_COOKIE_STAYS, jar == THIEF || cookie >= memory[jar] || decided <= AT(memory[jar]));
				if
				:: CRASHES && jar == BROWSER && memory[jar] != cookie && flushBy == NEVER -> flushBy = now + FLUSH
				:: else
				fi;
				memory[jar] = cookie
			}
		:: jar == THIEF -> printf("client %d: does not take %d\n", me, cookie)
		:: jar == BROWSER && losses > 0 -> losses--; printf("client %d: the answer with %d is lost\n", me, cookie)
		:: jar == BROWSER && born != life       /* the browser has crashed meanwhile */
		fi
	}
}

proctype Client(byte me; byte jar) {
	byte index, loaded, cookie, decided, born;
	bool persist;
	mtype outcome;
	Record base;

	do
	:: now == TICKS || ended -> break
	:: atomic { now < TICKS && !ended && !sent[me] && (jar == BROWSER || stolen) ->
		sent[me] = true;
		index = memory[jar];
		born = life;
		due[me] = now + REQUEST }
		load();
		if
		:: atomic { jar == BROWSER && persists > 0 && !ended -> persists--; persist = true }
		:: skip
		fi;
		do
		:: commit();
			if
			:: outcome == CONFLICT && loaded
			:: else -> break
			fi
		od;
		if
		:: cookie != NEVER -> arrive()
		:: else
		fi;
		d_step { due[me] = NEVER; cookie = 0; decided = 0; born = 0; persist = false; outcome = 0 }
	od;
	done++
}

/* NOTHING_DUE is whether the clock may go on. Browser and thief go on as well, once there is one. */
#define NOTHING_DUE (due[0] > now && due[1] > now && flushBy > now)
#define BOTH_GO_ON  (!stolen || served[BROWSER] && served[THIEF])

proctype Clock() {
	do
	:: d_step { now < TICKS && !ended && NOTHING_DUE && BOTH_GO_ON ->
		now++;
		together = together + stolen;
		PROPERTY(A_THEFT_IS_NOTICED, together <= NOTICED);
		sent[0] = false;
		sent[1] = false;
		served[BROWSER] = false;
		served[THIEF] = false }
	:: atomic { flushBy != NEVER ->
		disk = memory[BROWSER];
		flushBy = NEVER }
	:: atomic { crashes > 0 ->
		crashes--;
		life++;
		memory[BROWSER] = disk;
		flushBy = NEVER;
		printf("the browser crashes at %d, and has %d\n", now, disk) }
	:: d_step { failovers > 0 && !ended && !SAME(before, store) ->
		failovers--;
		copy(store, before);
		clear(before);
		printf("the store loses a save: confirmed %d, issued %d\n", store.confirmed, store.issued) }
	:: atomic { THIEVES > 0 && !stolen && now <= THEFT ->
		stolen = true;
		memory[THIEF] = memory[BROWSER];
		printf("the thief copies %d\n", memory[THIEF]) }
	:: done == CLIENTS -> break
	od
}

init {
	byte i;

	atomic {
		do
		:: i < CLIENTS -> due[i] = NEVER; run Client(i, (i < TABS -> BROWSER : THIEF)); i++
		:: else -> i = 0; break
		od;
		run Clock()
	}
	_nr_pr == 1;
	REACHED(ended, "reached: a theft is noticed\n");
	REACHED(store.first && store.issued > PER_TICK * store.first + PER_TICK, "reached: an index is issued again\n");
	REACHED(store.confirmed > 0 && store.confirmed < store.issued && !store.first, "reached: an index that was issued earlier is confirmed\n")
}
