/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The signaling protocol of drivers/dma-buf/dma-fence-signal.c for one fence:
 * two signalers, an adder, a remover, a flusher, a reader, and whoever drops
 * the last reference. Every interleaving of their atomic steps is checked for
 *
 *  - use of a callback's memory after its owner freed it,
 *  - use of the fence after its last reference and a grace period,
 *  - a callback lost, run twice, or run after remove has returned,
 *  - a wait that never ends (an invalid end state).
 *
 * Each step is what one CPU does in one access. The order in which other CPUs
 * see two of them is not modelled here.
 *
 * Callback 0 is on the fence from the start and gets removed. Callback 1 is
 * added while all this goes on. Callback 2 is there from the start, and drops
 * the reference of the signaler that runs it. With ALONE that is the only one.
 */

#define NCB	3
#ifndef ALONE
#define NREF	6	/* two signalers, adder, remover, flusher, reader */
#else
#define NREF	1	/* one signaler, and a callback that drops it */
#endif

bit lock;
bit signaled;		/* these two change in one step */
bit dispatching;
bit linked[NCB];	/* on the list of the fence */
bit node[NCB];		/* on any list, what list_empty() looks at */
bit cb_freed[NCB];
byte calls[NCB];
bit added;		/* adding callback 1 was reported as a success */
bit removed;		/* removing callback 0 was reported as a success */

byte refs = NREF;
byte rcu;		/* read-side critical sections; interrupts off is one */
bit fence_freed;

#define ALIVE		assert(!fence_freed)
#define LOCK		atomic { !lock -> ALIVE; lock = 1 }
#define UNLOCK		ALIVE; lock = 0
#define PUT		d_step { assert(refs > 0); refs-- }

/* What the broken variants replace. */
#ifndef TWO_STEPS
#define PUBLISH		ALIVE; d_step { signaled = 1; dispatching = mine }
#else
#define PUBLISH		ALIVE; signaled = 1; dispatching = mine
#endif
#ifndef NO_RCU
#define READ_LOCK	rcu++
#define READ_UNLOCK	rcu--
#else
#define READ_LOCK	skip
#define READ_UNLOCK	skip
#endif
#ifndef CLEAR
#define CLEAR		ALIVE; dispatching = 0
#endif
#ifndef CLEAR_EARLY
#define CLEAR_EARLY	skip
#endif
#ifndef WAIT
#define WAIT		ALIVE; !dispatching
#endif
#ifndef NO_SECOND_LOOK
#define NO_SECOND_LOOK	0
#endif
#ifndef REMOVE_BLINDLY
#define REMOVE_BLINDLY	0
#endif
#ifndef REMOVE_WAIT
#define REMOVE_WAIT	WAIT
#endif

/* A grace period may end as soon as no reader is left. */
active proctype reclaim()
{
	atomic { refs == 0 && rcu == 0 -> fence_freed = 1 }
}

inline run_callback(n)
{
	if
	:: taken[n] ->
		assert(!cb_freed[n]); node[n] = 0;
		assert(!cb_freed[n]);	/* the function runs */
		if
		:: n == 2 -> PUT	/* of the signaler itself */
		:: else
		fi;
		d_step { assert(calls[n] == 0); calls[n]++ }
	:: else
	fi
}

inline signal()
{
	READ_LOCK;
	LOCK;
	if
	:: signaled ->
		UNLOCK
	:: else ->
		d_step {
			taken[0] = linked[0]; linked[0] = 0;
			taken[1] = linked[1]; linked[1] = 0;
			taken[2] = linked[2]; linked[2] = 0;
			mine = taken[0] || taken[1] || taken[2]
		};
		PUBLISH;
		UNLOCK;
		if
		:: mine ->
			CLEAR_EARLY;
			run_callback(0);
			run_callback(1);
			run_callback(2);
			CLEAR
		:: else
		fi
	fi;
	READ_UNLOCK
}

proctype signaler()
{
	bit taken[NCB];
	bit mine;

	signal();
	if
	:: mine && taken[2]	/* its reference went in the callback */
	:: else -> PUT
	fi
}

/* Add a callback, and free it when the fence reads as signaled. */
proctype adder()
{
	ALIVE;
	if
	:: signaled -> goto out
	:: else
	fi;
	LOCK;
	if
	:: !signaled || NO_SECOND_LOOK ->
		d_step { linked[1] = 1; node[1] = 1 };
		added = 1
	:: else
	fi;
	UNLOCK;
out:
	ALIVE; signaled;		/* dma_fence_is_signaled() in a loop */
	WAIT;				/* flush */
	cb_freed[1] = 1;
	assert(calls[1] == added);
	PUT
}

proctype remover()
{
	LOCK;
	if
	:: !signaled || REMOVE_BLINDLY ->
		d_step { removed = node[0]; linked[0] = 0; node[0] = 0 }
	:: else
	fi;
	UNLOCK;
	if
	:: !removed -> REMOVE_WAIT
	:: else
	fi;
	cb_freed[0] = 1;
	assert(calls[0] == !removed);
	PUT
}

/* Flush of a fence in any state. */
proctype flusher()
{
	bit seen;

	ALIVE; seen = signaled;
	WAIT;
	if
	:: seen -> assert(calls[2] == 1)
	:: else
	fi;
	PUT
}

/* The default wait: reports "signaled" after the callbacks have run. */
proctype reader()
{
	ALIVE; signaled;
	WAIT;
	assert(calls[2] == 1);
	assert(calls[0] + removed == 1);
	PUT
}

#ifndef ALONE
init {
	atomic {
		linked[0] = 1; node[0] = 1;
		linked[2] = 1; node[2] = 1;
		run signaler();
		run signaler();
		run adder();
		run remover();
		run flusher();
		run reader()
	};
	/* Everybody is through, nothing was lost. */
	fence_freed;
	assert(calls[0] + removed == 1);
	assert(calls[1] == added);
	assert(calls[2] == 1);
	assert(!dispatching && !lock)
}
#else
init {
	atomic { linked[2] = 1; node[2] = 1; run signaler() };
	fence_freed;
	assert(calls[2] == 1 && !dispatching && !lock)
}
#endif
