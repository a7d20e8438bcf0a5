/*
 * Copies of a record in two instances, of which requests that only read are served:
 * session/readcache.go, session/internal/readcache.
 *
 * Browsers send requests one after the other, each to any instance: reads that may use a
 * copy, and beside them the first browser reads that are not safe, or a GET that changes or
 * clears the session, and the second one changes. Somebody revokes the session. Its end is told to the other instances by messages, which may be
 * late or lost, as may be the connection that they come through.
 *
 * There is a clock. It stands still in a step, and may go on between any two.
 *
 * Properties
 *
 *	A_COPY_IS_YOUNG            no copy is served that was replaced longer than MAXSTALE ago
 *	READS_DO_NOT_GO_BACK       a browser reads no version before one that it has seen
 *	OTHERS_READ_THE_STORE      a request that is not safe reads what was stored when it
 *	                           began, or a later version
 *	NO_CHANGE_IS_LOST          a change that was acknowledged is in the record
 *	A_CLEAR_CLEARS             nothing that was acknowledged before a clear began is in the
 *	                           record after it
 *	AN_OWN_END_HOLDS           an instance that has ended the session serves no copy of it
 *	A_HEARD_END_HOLDS          nor does one that has heard of the end,
 *	A_MISSED_END_HOLDS         or to which the message came while it did not listen
 */

#ifndef BROWSERS
#define BROWSERS  2
#endif
#ifndef REQUESTS
#define REQUESTS  2             /* of each browser */
#endif
#ifndef TICKS
#define TICKS     2             /* of the clock, at most */
#endif
#ifndef CHANGES
#define CHANGES   1             /* at most */
#endif
#ifndef CLEARS
#define CLEARS    0
#endif
#ifndef REVOKES
#define REVOKES   0
#endif
#ifndef LOSSES
#define LOSSES    0             /* of the connection to messages */
#endif
#define MAXSTALE  1
#define INSTANCES 2
#define VERSIONS  8

#include "property.inc"

mtype = {
	A_COPY_IS_YOUNG, READS_DO_NOT_GO_BACK, OTHERS_READ_THE_STORE, NO_CHANGE_IS_LOST,
	A_CLEAR_CLEARS, AN_OWN_END_HOLDS, A_HEARD_END_HOLDS, A_MISSED_END_HOLDS
};
mtype = { READ, UNSAFE_READ, CHANGE, SAFE_CHANGE, CLEAR };

/* The store: versions of one record. Version 0 is none. */
byte stored = 1;                /* the counter of the present version */
bool ended;                     /* it is a tombstone */
byte content[VERSIONS];         /* the changes that a version has, one bit for each */
byte replaced[VERSIONS];        /* when it was replaced */
bool old[VERSIONS];             /* it was replaced */

byte now;                       /* the clock */

/* An instance. */
typedef Instance {
	byte copy;              /* its version; 0: there is none */
	byte sent;              /* when the call was sent that has returned it */
	byte first;             /* when that version was first returned */
	byte removals;
	bool listens;
	bool told;              /* a message is on its way to it */
	bool heardEnd;
	bool missedEnd;
	bool ownEnd
};
Instance at[INSTANCES];

byte losses = LOSSES;
byte changes = CHANGES;
byte clears = CLEARS;
byte acknowledged;              /* changes */
bool cleared;                   /* a clear that began later was acknowledged, too */
byte done;                      /* browsers */

#ifndef NO_LISTENING
#define TRUSTED(i) at[i].listens
#else
#define TRUSTED(i) true
#endif

inline removeCopy(i) {
	at[i].copy = 0; at[i].sent = 0; at[i].first = 0;
#ifndef NO_REMOVALS
	at[i].removals++
#else
	skip
#endif
}

/* keep adds the version that a call has returned, which was sent at that time. */
inline keep(i, version, when, before) {
	if
	:: !TRUSTED(i) || at[i].removals != before || at[i].copy > version
	:: else ->
		if
		:: at[i].copy != version -> at[i].first = now
		:: else
		fi;
		if
		:: at[i].copy != version || at[i].sent < when ->
#ifndef NO_AGE_FROM_SEND
			at[i].sent = when
#else
			at[i].sent = now
#endif
		:: else
		fi;
		at[i].copy = version
	fi
}

#ifndef NO_MAX_STALE
#define YOUNG(i) (now - at[i].sent <= MAXSTALE)
#else
#define YOUNG(i) true
#endif

#ifndef NO_COOKIE
#define SEEN(i) (at[i].copy >= cookie || now > until)
#else
#define SEEN(i) true
#endif

#ifndef NO_SAFE_ONLY
#define MAY_USE_COPY(kind) (kind != UNSAFE_READ && kind != CHANGE)
#else
#define MAY_USE_COPY(kind) true
#endif

#define USABLE(i) (at[i].copy != 0 && TRUSTED(i) && YOUNG(i) && SEEN(i))

/* fetch reads the record, in three steps: the call, its effect, and its reply. */
inline fetch(i) {
	d_step { sent = now; before = at[i].removals };
	d_step { base = stored; gone = ended };
	d_step {
		if
		:: gone -> removeCopy(i)
		:: else -> keep(i, base, sent, before)
		fi;
		copied = false
	}
}

/* replace saves a version with these changes over base. */
inline replace(i, has) {
	d_step { sent = now; before = at[i].removals };
	d_step {
		won = false;
		if
#ifndef NO_CAS
		:: ended || stored != base
#else
		:: ended
#endif
		:: else ->
			won = true;
			old[stored] = true;
			replaced[stored] = now;
			stored++;
			content[stored] = has;
			base = stored
		fi
	};
	d_step {
		if
		:: won -> keep(i, base, sent, before)
		:: else -> removeCopy(i)
		fi;
		copied = false
	}
}

/* commitChange makes the change of a request, on top of what others have saved. */
inline commitChange(i) {
	do
	:: gone -> break
	:: !gone ->
		replace(i, content[base] | change);
		if
		:: won ->
			d_step { acknowledged = acknowledged | change; printf("browser %d: the change is acknowledged, version %d\n", me, base) };
			break
		:: else -> fetch(i)
		fi
	od
}

/* commitClear removes the changes. If base has none, there is nothing to save. */
inline commitClear(i) {
#ifndef NO_READ_FIRST
	if
	:: copied && !content[base] -> fetch(i)
	:: else
	fi;
#endif
	do
	:: gone || !content[base] -> break
	:: !gone && content[base] ->
		replace(i, 0);
		if
		:: won -> break
		:: else -> fetch(i)
		fi
	od;
	skip;
	d_step {
		PROPERTY(A_CLEAR_CLEARS, gone || !(content[stored] & asked));
		cleared = cleared || (!gone && asked > 0);
		printf("browser %d: the clear is acknowledged, version %d\n", me, base)
	}
}

/* serveCopy serves the copy of an instance, which is checked. */
inline serveCopy(i) {
	d_step {
		base = at[i].copy;
		copied = true;
		gone = false;
		printf("browser %d: a copy of version %d at instance %d\n", me, base, i);
		PROPERTY(A_COPY_IS_YOUNG, (!old[base] && !ended) || now - replaced[base] <= MAXSTALE);
		PROPERTY(AN_OWN_END_HOLDS, !at[i].ownEnd);
		PROPERTY(A_HEARD_END_HOLDS, !at[i].heardEnd);
		PROPERTY(A_MISSED_END_HOLDS, !at[i].missedEnd)
	}
}

/* answer tells the browser what it was served of. */
inline answer(i) {
	skip;
	d_step {
		if
		:: gone
		:: else ->
			PROPERTY(READS_DO_NOT_GO_BACK, base >= seen);
			PROPERTY(OTHERS_READ_THE_STORE, kind != UNSAFE_READ || base >= began);
			PROPERTY(NO_CHANGE_IS_LOST, CLEARS || (content[stored] & acknowledged) == acknowledged);
			seen = base;
			printf("browser %d: sees version %d\n", me, base);
			if
#ifndef NO_TELL_UNTIL_STALE
			:: at[i].copy == base && now - at[i].first > MAXSTALE
#else
			:: at[i].copy == base && copied
#endif
			:: base <= cookie && now <= until
#ifndef NO_TELL_READS
			:: else -> cookie = base; until = now + MAXSTALE + 1
#else
			:: else ->
				if
				:: kind == CHANGE || kind == SAFE_CHANGE -> cookie = base; until = now + MAXSTALE + 1
				:: else
				fi
#endif
			fi
		fi;
		base = 0; gone = false; copied = false; sent = 0; before = 0; won = false; began = 0; asked = 0; change = 0
	}
}

proctype Browser(byte me) {
	byte requests, i, base, sent, before, began;
	byte change;                    /* the bit of the one that it makes */
	byte asked;                     /* what was acknowledged before its clear began */
	bool gone, copied, won;
	byte seen, cookie, until;       /* until is the time after which the cookie has expired */
	mtype kind = READ;

	do
	:: requests == REQUESTS -> break
	:: requests < REQUESTS ->
		requests++;
		atomic {
			if
			:: i = 0
			:: REVOKES || me == 2 || requests > 1 -> i = 1      /* else it is the same the other way round */
			fi;
			if
			:: kind = READ
			:: me == 1 && !CLEARS -> kind = UNSAFE_READ
			:: me == 1 && clears > 0 -> clears--; kind = CLEAR; asked = acknowledged
			:: me == 1 && CHANGES > 1 && !CLEARS && changes > 0 -> changes--; kind = SAFE_CHANGE; change = 1 << changes
			:: me == 2 && changes > 0 -> changes--; kind = CHANGE; change = 1 << changes
			fi;
			began = stored;
			if
			:: MAY_USE_COPY(kind) && USABLE(i) -> serveCopy(i); goto loaded
			:: else
			fi
		}
		fetch(i);
loaded:
		skip;
		if
		:: kind == CHANGE || kind == SAFE_CHANGE -> commitChange(i)
		:: kind == CLEAR -> commitClear(i)
		:: else
		fi;
		answer(i)
	od;
	atomic { seen = 0; cookie = 0; until = 0; kind = READ; i = 0; requests = 0; done++ }
}

proctype Clock() {
	do
	:: now < TICKS -> now++
	:: done == BROWSERS -> break
	od
}

#if REVOKES
/* Revoke ends the session at instance 0. */
proctype Revoke() {
	byte base, i;

	do
	:: base = stored;
		if
		:: atomic { stored == base ->
			ended = true;
			replaced[stored] = now;
			printf("the session is revoked\n") };
			break
		:: stored != base
		fi
	od;
	skip;
	d_step {
#ifndef NO_REMOVE_OWN
		removeCopy(0);
#endif
		at[0].ownEnd = true;
		at[1].told = true
	}
	base = 0
}

/* Messages brings the message to instance 1, or loses it; and its connection may be lost. */
proctype Messages() {
	do
	:: atomic { at[1].told && at[1].listens ->
		at[1].told = false;
		printf("the message is heard\n");
#ifndef NO_HEARD_REMOVES
		removeCopy(1);
#endif
		at[1].heardEnd = true }
	:: atomic { at[1].told && at[1].listens -> at[1].told = false; printf("the message is lost\n") }
	:: atomic { at[1].told && !at[1].listens ->
		at[1].told = false;
		printf("the message is missed\n");
		at[1].missedEnd = true }
	:: atomic { losses > 0 && at[1].listens ->
		losses--;
		at[1].listens = false;
		printf("the connection is lost\n");
#ifndef NO_LISTENING
		removeCopy(1)
#endif
		}
	:: atomic { !at[1].listens ->
#ifndef NO_CLEAR_AT_READY
		removeCopy(1);
#endif
		at[1].listens = true;
		printf("messages are heard again\n") }
	:: done == BROWSERS -> break
	od
}
#endif

init {
	atomic {
		at[0].listens = true;
		at[1].listens = true;
		run Clock();
#if REVOKES
		run Revoke();
		run Messages();
#endif
		run Browser(1);
#if BROWSERS > 1
		run Browser(2)
#endif
	}
	done == BROWSERS;
#if BROWSERS > 1
	REACHED(acknowledged && stored > 1, "reached: a change\n");
#endif
#if REVOKES && LOSSES
	REACHED(at[1].missedEnd, "reached: a message is missed\n");
#endif
#if CLEARS
	REACHED(cleared, "reached: a clear after a change\n")
#endif
}
