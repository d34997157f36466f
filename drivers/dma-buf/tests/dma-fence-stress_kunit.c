// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit test for the signaling of fences: two CPUs do everything that can be
 * done to a fence, at random, to fences that they share. What callbacks use is
 * freed as soon as the documentation says that it may be.
 */

#include <linux/delay.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "dma-fence-hooks.h"

static unsigned int stress_ms = 2000;
module_param(stress_ms, uint, 0444);
MODULE_PARM_DESC(stress_ms, "How long the stress test runs, in ms");

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "Seed of the stress test (0: random)");

/* Grace on top of stress_ms, for a busy machine. */
#define STRESS_GRACE_MS		20000

#define STRESS_SLOTS		6
#define STRESS_CBS		8
#define STRESS_OLD		4
/* Callbacks that signal fences with callbacks that signal fences ... */
#define STRESS_NEST		3

#define STRESS_LIVE		0x6c697665
#define STRESS_DEAD		0x64656164

enum stress_what {
	/* What the threads choose from ... */
	STRESS_NEW,
	STRESS_NEW_ARRAY,
	STRESS_NEW_CHAIN,
	STRESS_ADD,
	STRESS_ADD_OWN,
	STRESS_REMOVE,
	STRESS_FLUSH,
	STRESS_WAIT,
	STRESS_WAIT_ANY,
	STRESS_SIGNAL,
	STRESS_ENABLE,
	STRESS_IS_SIGNALED,
	STRESS_SET_ERROR,
	STRESS_STATUS,
	STRESS_TIMESTAMP,
	STRESS_WALK,
	STRESS_CHOICES,
	/* ... and what comes of it. */
	STRESS_ADD_REFUSED = STRESS_CHOICES,
	STRESS_REMOVED,
	STRESS_REMOVE_RAN,
	STRESS_FLUSH_RAN,
	STRESS_WAIT_RAN,
	STRESS_WAIT_TIMEOUT,
	STRESS_WAIT_SIGNAL,
	STRESS_WAIT_ANY_RAN,
	STRESS_WAIT_ANY_TIMEOUT,
	STRESS_SIGNALED_FIRST,
	STRESS_SIGNALED_LATE,
	STRESS_NESTED,
	STRESS_ERROR_SET,
	STRESS_ERROR_LATE,
	STRESS_WHATS
};

static const char * const stress_name[] = {
	[STRESS_NEW] = "new fence",
	[STRESS_NEW_ARRAY] = "new array",
	[STRESS_NEW_CHAIN] = "new chain",
	[STRESS_ADD] = "add",
	[STRESS_ADD_OWN] = "add, freed by itself",
	[STRESS_REMOVE] = "remove",
	[STRESS_FLUSH] = "flush",
	[STRESS_WAIT] = "wait",
	[STRESS_WAIT_ANY] = "wait for any",
	[STRESS_SIGNAL] = "signal",
	[STRESS_ENABLE] = "enable",
	[STRESS_IS_SIGNALED] = "is signaled",
	[STRESS_SET_ERROR] = "try to set error",
	[STRESS_STATUS] = "get status",
	[STRESS_TIMESTAMP] = "timestamp",
	[STRESS_WALK] = "walk",
	[STRESS_ADD_REFUSED] = "not added",
	[STRESS_REMOVED] = "removed in time",
	[STRESS_REMOVE_RAN] = "removed too late",
	[STRESS_FLUSH_RAN] = "flushed",
	[STRESS_WAIT_RAN] = "waited",
	[STRESS_WAIT_TIMEOUT] = "wait timed out",
	[STRESS_WAIT_SIGNAL] = "wait interrupted",
	[STRESS_WAIT_ANY_RAN] = "waited for any",
	[STRESS_WAIT_ANY_TIMEOUT] = "wait for any timed out",
	[STRESS_SIGNALED_FIRST] = "signaled",
	[STRESS_SIGNALED_LATE] = "was signaled",
	[STRESS_NESTED] = "signaled by a callback",
	[STRESS_ERROR_SET] = "error set",
	[STRESS_ERROR_LATE] = "too late for an error",
};

/*
 * The weight of each choice. There are more ways to signal a fence than to
 * create one, yet most fences should be unsignaled.
 */
static const unsigned int stress_weight[STRESS_CHOICES] = {
	[STRESS_NEW] = 16,
	[STRESS_NEW_ARRAY] = 4,
	[STRESS_NEW_CHAIN] = 4,
	[STRESS_ADD] = 16,
	[STRESS_ADD_OWN] = 4,
	[STRESS_REMOVE] = 4,
	[STRESS_FLUSH] = 4,
	[STRESS_WAIT] = 4,
	[STRESS_WAIT_ANY] = 4,
	[STRESS_SIGNAL] = 4,
	[STRESS_ENABLE] = 1,
	[STRESS_IS_SIGNALED] = 1,
	[STRESS_SET_ERROR] = 4,
	[STRESS_STATUS] = 4,
	[STRESS_TIMESTAMP] = 4,
	[STRESS_WALK] = 1,
};

/* What must never happen. */
enum stress_bug {
	STRESS_BUG_DEAD,
	STRESS_BUG_TWICE,
	STRESS_BUG_REFUSED,
	STRESS_BUG_REMOVED,
	STRESS_BUG_NOT_RUN,
	STRESS_BUG_UNSIGNALED,
	STRESS_BUG_STATUS,
	STRESS_BUG_TIMESTAMP,
	STRESS_BUG_WAIT,
	STRESS_BUG_ENABLED,
	STRESS_BUG_MEMBER,
	STRESS_BUGS
};

static const char * const stress_bug_name[] = {
	[STRESS_BUG_DEAD] = "callback ran after it was freed",
	[STRESS_BUG_TWICE] = "callback ran twice",
	[STRESS_BUG_REFUSED] = "callback ran that was not added",
	[STRESS_BUG_REMOVED] = "callback ran that was removed",
	[STRESS_BUG_NOT_RUN] = "callback had not run after a wait for it",
	[STRESS_BUG_UNSIGNALED] = "callback ran on an unsignaled fence, or it became so",
	[STRESS_BUG_STATUS] = "status or error changed after signaling",
	[STRESS_BUG_TIMESTAMP] = "timestamp wrong or changed",
	[STRESS_BUG_WAIT] = "wait returned something else",
	[STRESS_BUG_ENABLED] = "enable_signaling called twice",
	[STRESS_BUG_MEMBER] = "container signaled before a member",
};

/**
 * struct stress_thread - one of the CPUs
 * @s: what they share
 * @rnd: what determines its choices
 * @task: the kthread
 * @done: completed when it is through
 * @cb: its callbacks, NULL where there is none
 * @old: fences that are in no slot any more, and not signaled yet
 * @oldest: the next of those
 * @now: what it is doing
 * @count: how often it has done what
 */
struct stress_thread {
	struct stress *s;
	struct rnd_state rnd;
	struct task_struct *task;
	struct completion done;
	struct stress_cb *cb[STRESS_CBS];
	struct dma_fence *old[STRESS_OLD];
	unsigned int oldest;
	enum stress_what now;
	unsigned long count[STRESS_WHATS];
};

/**
 * struct stress - the state of the test
 * @slot: the fences that both CPUs know
 * @bugs: how often what must not happen has
 * @own_added: callbacks added that free themselves
 * @own_ran: those of them that have
 * @nested: fences signaled by callbacks
 * @created: fences that tell when they are released
 * @released: those of them that have been
 * @nest: how deep, for each thread and the test itself
 * @start: of the test
 * @end: of the test
 * @thread: the CPUs
 */
struct stress {
	struct dma_fence __rcu *slot[STRESS_SLOTS];
	atomic_t bugs[STRESS_BUGS];
	atomic_t own_added;
	atomic_t own_ran;
	atomic_t nested;
	atomic_t created;
	atomic_t released;
	int nest[3];
	ktime_t start;
	ktime_t end;
	struct stress_thread thread[2];
};

/**
 * struct stress_fence - a fence that tells when it is used wrongly
 * @f: the fence and its hooks, first for dma_fence_free()
 * @s: for the hooks
 * @enabled: how often enable_signaling was called
 * @completed: what the signaled op says
 * @status: as it was seen first after signaling, 0 before
 */
struct stress_fence {
	struct st_fence f;
	struct stress *s;
	atomic_t enabled;
	bool completed;
	int status;
};

#define to_stress_fence(fence)	container_of(fence, struct stress_fence, f.base)

/**
 * struct stress_cb - a callback, in memory that is freed at once
 * @base: the callback
 * @s: what all share
 * @fence: that it was added to, a reference
 * @victim: a fence that it signals, a reference, or NULL
 * @canary: STRESS_LIVE until it is freed
 * @ran: how often it has run
 * @own: it frees itself
 * @slow: it takes its time
 */
struct stress_cb {
	struct dma_fence_cb base;
	struct stress *s;
	struct dma_fence *fence;
	struct dma_fence *victim;
	u32 canary;
	int ran;
	bool own;
	bool slow;
};

static void stress_found(struct stress *s, enum stress_bug bug)
{
	/* Once is enough: there can be very many, from any context. */
	if (atomic_inc_return(&s->bugs[bug]) == 1)
		pr_err("dma-fence-stress: %s\n", stress_bug_name[bug]);
}

static void stress_release(struct dma_fence *fence)
{
	atomic_inc(&to_stress_fence(fence)->s->released);
	dma_fence_free(fence);
}

static const struct dma_fence_ops stress_release_ops = {
	.get_driver_name = st_fence_name,
	.get_timeline_name = st_fence_name,
	.enable_signaling = st_fence_enable_signaling,
	.signaled = st_fence_signaled,
	.release = stress_release,
};

static bool stress_enable_count(struct st_fence *f)
{
	struct stress_fence *sf = container_of(f, typeof(*sf), f);

	if (atomic_inc_return(&sf->enabled) != 1)
		stress_found(sf->s, STRESS_BUG_ENABLED);
	return true;
}

static bool stress_enable_fails(struct st_fence *f)
{
	stress_enable_count(f);
	return false;
}

static bool stress_enable_signals(struct st_fence *f)
{
	stress_enable_count(f);
	dma_fence_signal(&f->base);
	return true;
}

static bool stress_is_completed(struct st_fence *f)
{
	struct stress_fence *sf = container_of(f, typeof(*sf), f);

	return READ_ONCE(sf->completed);
}

/* Whoever sees a container signaled sees its members signaled. */
static void stress_check_members(struct stress *s, struct dma_fence *fence)
{
	struct dma_fence_array *array;
	struct dma_fence_chain *chain;
	unsigned int i;

	chain = to_dma_fence_chain(fence);
	if (chain && !dma_fence_test_signaled_flag(chain->fence))
		stress_found(s, STRESS_BUG_MEMBER);

	array = to_dma_fence_array(fence);
	for (i = 0; array && i < array->num_fences; i++)
		if (!dma_fence_test_signaled_flag(array->fences[i]))
			stress_found(s, STRESS_BUG_MEMBER);
}

static void stress_cb_free(struct stress_cb *cb)
{
	dma_fence_put(cb->victim);
	dma_fence_put(cb->fence);
	WRITE_ONCE(cb->canary, STRESS_DEAD);
	kfree(cb);
}

/* Callbacks run in the context of the signaler, that is one of three tasks. */
static int *stress_nest(struct stress *s)
{
	int i;

	for (i = 0; i < 2 && s->thread[i].task != current; i++)
		;
	return &s->nest[i];
}

static void stress_cb_func(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct stress_cb *cb = container_of(base, typeof(*cb), base);
	struct stress *s = cb->s;
	int *nest = stress_nest(s);

	if (READ_ONCE(cb->canary) != STRESS_LIVE) {
		stress_found(s, STRESS_BUG_DEAD);
		return;
	}
	if (!dma_fence_test_signaled_flag(fence))
		stress_found(s, STRESS_BUG_UNSIGNALED);
	stress_check_members(s, fence);

	if (cb->victim && *nest < STRESS_NEST) {
		++*nest;
		if (!dma_fence_check_and_signal(cb->victim))
			atomic_inc(&s->nested);
		--*nest;
	}

	/* For the other CPU to come across it. */
	if (cb->slow)
		udelay(5);

	/* Late and not atomic: whoever looks at it waits until this returns. */
	if (cb->ran++)
		stress_found(s, STRESS_BUG_TWICE);

	if (cb->own) {
		atomic_inc(&s->own_ran);
		stress_cb_free(cb);
	}
}

static struct dma_fence *stress_get(struct stress *s, u32 choice)
{
	struct dma_fence *fence;

	rcu_read_lock();
	fence = dma_fence_get_rcu_safe(&s->slot[choice % STRESS_SLOTS]);
	rcu_read_unlock();

	return fence;
}

/* A fence that is not a container, or NULL. */
static struct dma_fence *stress_get_leaf(struct stress *s, u32 choice)
{
	struct dma_fence *fence = stress_get(s, choice);

	if (fence && dma_fence_is_container(fence)) {
		dma_fence_put(fence);
		return NULL;
	}
	return fence;
}

static void stress_signal(struct stress_thread *t, struct dma_fence *fence,
			  u32 choice)
{
	unsigned long flags;
	bool late;

	switch (choice % 4) {
	case 0:
		late = dma_fence_check_and_signal(fence);
		t->count[late ? STRESS_SIGNALED_LATE : STRESS_SIGNALED_FIRST]++;
		break;
	case 1:
		dma_fence_signal(fence);
		break;
	case 2:
		dma_fence_signal_timestamp(fence, ktime_get());
		break;
	case 3:
		/* Not on PREEMPT_RT: the fence lock may sleep there. */
		if (!IS_ENABLED(CONFIG_PREEMPT_RT))
			local_irq_save(flags);
		dma_fence_signal(fence);
		if (!IS_ENABLED(CONFIG_PREEMPT_RT))
			local_irq_restore(flags);
		break;
	}
	if (!dma_fence_test_signaled_flag(fence))
		stress_found(t->s, STRESS_BUG_UNSIGNALED);
}

/* Signal the oldest fence that is in no slot, and have @fence in its place. */
static void stress_retire(struct stress_thread *t, struct dma_fence *fence,
			  u32 choice)
{
	struct dma_fence *oldest = t->old[t->oldest];

	t->old[t->oldest] = fence;
	t->oldest = (t->oldest + 1) % STRESS_OLD;

	/* Containers depend on their members, which are signaled in their turn. */
	if (oldest && !dma_fence_is_container(oldest))
		stress_signal(t, oldest, choice);
	dma_fence_put(oldest);
}

static void stress_publish(struct stress_thread *t, struct dma_fence *fence,
			   u32 choice)
{
	struct dma_fence __rcu **slot = &t->s->slot[choice % STRESS_SLOTS];

	fence = unrcu_pointer(xchg(slot, RCU_INITIALIZER(fence)));
	if (fence)
		stress_retire(t, fence, choice >> 8);
}

static struct dma_fence *stress_new(struct stress *s, u32 choice)
{
	const struct dma_fence_ops *ops = &st_fence_ops;
	struct stress_fence *sf = kzalloc_obj(*sf);

	if (!sf)
		return NULL;

	sf->s = s;
	sf->f.enable = stress_enable_count;
	switch (choice % 16) {
	case 0:
		sf->f.enable = stress_enable_fails;
		break;
	case 1:
		sf->f.enable = stress_enable_signals;
		break;
	case 2 ... 5:
		sf->f.signaled = stress_is_completed;
		break;
	}
	if (choice & BIT(8)) {
		ops = &stress_release_ops;
		atomic_inc(&s->created);
	}
	dma_fence_init(&sf->f.base, ops, dma_fence_context_alloc(1), 1);

	return &sf->f.base;
}

static struct dma_fence *stress_new_array(struct stress *s, u32 choice)
{
	struct dma_fence_array *array;
	struct dma_fence **fences;
	struct dma_fence *fence;
	int i, n = 0;

	fences = kmalloc_objs(*fences, 3);
	if (!fences)
		return NULL;

	for (i = 0; i < 3; i++, choice >>= 4) {
		fence = stress_get_leaf(s, choice);
		if (fence)
			fences[n++] = fence;
	}

	array = n ? dma_fence_array_create(n, fences, dma_fence_context_alloc(1),
					   1) : NULL;
	if (!array) {
		while (n--)
			dma_fence_put(fences[n]);
		kfree(fences);
		return NULL;
	}
	return &array->base;
}

static struct dma_fence *stress_new_chain(struct stress *s, u32 choice)
{
	struct dma_fence *fence = stress_get(s, choice);
	struct dma_fence *prev = stress_get(s, choice >> 4);
	struct dma_fence_chain *chain = NULL;

	if (fence && !dma_fence_is_chain(fence))
		chain = dma_fence_chain_alloc();
	if (!chain) {
		dma_fence_put(fence);
		dma_fence_put(prev);
		return NULL;
	}
	dma_fence_chain_init(chain, prev, fence, prev ? prev->seqno + 1 : 1);

	return &chain->base;
}

static void stress_add(struct stress_thread *t, u32 choice, bool own)
{
	struct stress_cb **place = NULL;
	struct stress *s = t->s;
	struct stress_cb *cb;
	int i, ret;

	for (i = 0; !own && i < STRESS_CBS && !place; i++)
		if (!t->cb[i])
			place = &t->cb[i];
	if (!own && !place)
		return;

	cb = kzalloc_obj(*cb);
	if (!cb)
		return;

	cb->s = s;
	cb->canary = STRESS_LIVE;
	cb->own = own;
	cb->slow = choice & BIT(9);
	cb->fence = stress_get(s, choice);
	if (choice & BIT(8))
		cb->victim = stress_get_leaf(s, choice >> 4);
	if (!cb->fence) {
		stress_cb_free(cb);
		return;
	}

	/* Count first: once added, it may have run and be gone. */
	if (own)
		atomic_inc(&s->own_added);
	ret = dma_fence_add_callback(cb->fence, &cb->base, stress_cb_func);
	if (!ret) {
		if (place)
			*place = cb;
		return;
	}

	t->count[STRESS_ADD_REFUSED]++;
	if (own)
		atomic_dec(&s->own_added);
	if (cb->ran)
		stress_found(s, STRESS_BUG_REFUSED);
	if (!dma_fence_test_signaled_flag(cb->fence))
		stress_found(s, STRESS_BUG_UNSIGNALED);
	stress_cb_free(cb);
}

/* The caller knows that the callback has run. Nobody uses it any more. */
static void stress_cb_finish(struct stress_thread *t, struct stress_cb **cb)
{
	if ((*cb)->ran != 1)
		stress_found(t->s, STRESS_BUG_NOT_RUN);
	stress_cb_free(*cb);
	*cb = NULL;
}

static void stress_remove(struct stress_thread *t, struct stress_cb **cb)
{
	if (!*cb)
		return;

	if (dma_fence_remove_callback((*cb)->fence, &(*cb)->base)) {
		t->count[STRESS_REMOVED]++;
		if ((*cb)->ran)
			stress_found(t->s, STRESS_BUG_REMOVED);
		stress_cb_free(*cb);
		*cb = NULL;
	} else {
		t->count[STRESS_REMOVE_RAN]++;
		stress_cb_finish(t, cb);
	}
}

static void stress_flush(struct stress_thread *t, struct stress_cb **cb)
{
	bool signaled;

	if (!*cb)
		return;

	signaled = dma_fence_is_signaled((*cb)->fence);
	dma_fence_flush_callbacks((*cb)->fence);
	if (signaled) {
		t->count[STRESS_FLUSH_RAN]++;
		stress_cb_finish(t, cb);
	}
}

/* In jiffies. Mostly zero, so that the time is not spent asleep. */
static long stress_timeout(u32 choice)
{
	return (choice >> 12) % 16 ? 0 : 1;
}

/* For a fence on which the thread has a callback, or for one in a slot. */
static void stress_wait(struct stress_thread *t, struct stress_cb **cb,
			u32 choice)
{
	struct dma_fence *fence = *cb ? dma_fence_get((*cb)->fence) :
					stress_get(t->s, choice);
	bool interrupt = (choice & 0xf00) == 0x100;
	bool intr = choice & BIT(8);
	long ret;

	if (!fence)
		return;

	if (interrupt)
		set_tsk_thread_flag(current, TIF_SIGPENDING);
	ret = dma_fence_wait_timeout(fence, intr, stress_timeout(choice));
	if (interrupt)
		clear_tsk_thread_flag(current, TIF_SIGPENDING);

	if (ret > 0) {
		if (!dma_fence_test_signaled_flag(fence))
			stress_found(t->s, STRESS_BUG_UNSIGNALED);
		if (*cb) {
			t->count[STRESS_WAIT_RAN]++;
			stress_cb_finish(t, cb);
		}
	} else if (!ret) {
		t->count[STRESS_WAIT_TIMEOUT]++;
	} else if (ret == -ERESTARTSYS && interrupt) {
		t->count[STRESS_WAIT_SIGNAL]++;
	} else {
		stress_found(t->s, STRESS_BUG_WAIT);
	}
	dma_fence_put(fence);
}

static void stress_wait_any(struct stress_thread *t, struct stress_cb **cb,
			    u32 choice)
{
	struct dma_fence *fence[3];
	u32 idx = ~0;
	int n = 0;
	long ret;

	if (*cb)
		fence[n++] = dma_fence_get((*cb)->fence);
	fence[n] = stress_get(t->s, choice);
	if (fence[n])
		n++;
	fence[n] = stress_get(t->s, choice >> 4);
	if (fence[n])
		n++;
	if (!n)
		return;

	ret = dma_fence_wait_any_timeout(fence, n, choice & BIT(8),
					 stress_timeout(choice), &idx);
	if (ret > 0) {
		if (idx >= n)
			stress_found(t->s, STRESS_BUG_WAIT);
		else if (!dma_fence_test_signaled_flag(fence[idx]))
			stress_found(t->s, STRESS_BUG_UNSIGNALED);
		if (*cb && !idx) {
			t->count[STRESS_WAIT_ANY_RAN]++;
			stress_cb_finish(t, cb);
		}
	} else if (!ret) {
		t->count[STRESS_WAIT_ANY_TIMEOUT]++;
	} else {
		stress_found(t->s, STRESS_BUG_WAIT);
	}
	while (n--)
		dma_fence_put(fence[n]);
}

static void stress_status(struct stress_thread *t, struct dma_fence *fence)
{
	int status = dma_fence_get_status(fence);
	int before = status;

	if (!status)
		return;

	stress_check_members(t->s, fence);
	if (!dma_fence_is_container(fence))
		before = cmpxchg(&to_stress_fence(fence)->status, 0, status);
	if ((before && before != status) ||
	    (status < 0 ? status : 0) != READ_ONCE(fence->error))
		stress_found(t->s, STRESS_BUG_STATUS);
}

static void stress_timestamp(struct stress_thread *t, struct dma_fence *fence)
{
	ktime_t timestamp;

	if (!dma_fence_is_signaled(fence))
		return;

	timestamp = dma_fence_timestamp(fence);
	if (ktime_before(timestamp, t->s->start) ||
	    ktime_after(timestamp, ktime_get()) ||
	    timestamp != dma_fence_timestamp(fence))
		stress_found(t->s, STRESS_BUG_TIMESTAMP);
}

static void stress_set_error(struct stress_thread *t, struct dma_fence *fence,
			     u32 choice)
{
	int error = -1 - (int)(choice >> 16) % 100;

	if (dma_fence_try_set_error(fence, error))
		t->count[STRESS_ERROR_SET]++;
	else
		t->count[STRESS_ERROR_LATE]++;
}

static void stress_step(struct stress_thread *t, enum stress_what what,
			u32 choice)
{
	struct stress_cb **cb = &t->cb[(choice >> 20) % STRESS_CBS];
	struct stress *s = t->s;
	struct dma_fence *fence = NULL;

	switch (what) {
	case STRESS_NEW:
		fence = stress_new(s, choice >> 16);
		break;
	case STRESS_NEW_ARRAY:
		fence = stress_new_array(s, choice >> 16);
		break;
	case STRESS_NEW_CHAIN:
		fence = stress_new_chain(s, choice >> 16);
		break;
	case STRESS_ADD:
		stress_add(t, choice, false);
		return;
	case STRESS_ADD_OWN:
		stress_add(t, choice, true);
		return;
	case STRESS_REMOVE:
		stress_remove(t, cb);
		return;
	case STRESS_FLUSH:
		stress_flush(t, cb);
		return;
	case STRESS_WAIT:
		stress_wait(t, cb, choice);
		return;
	case STRESS_WAIT_ANY:
		stress_wait_any(t, cb, choice);
		return;
	default:
		break;
	}

	if (what <= STRESS_NEW_CHAIN) {
		if (fence)
			stress_publish(t, fence, choice);
		return;
	}

	/* Containers are signaled, and get their errors, by their members only. */
	if (what == STRESS_SIGNAL || what == STRESS_SET_ERROR)
		fence = stress_get_leaf(s, choice);
	else
		fence = stress_get(s, choice);
	if (!fence)
		return;

	switch (what) {
	case STRESS_SIGNAL:
		/* Some complete, and are signaled by whoever finds out. */
		if (choice & BIT(8))
			WRITE_ONCE(to_stress_fence(fence)->completed, true);
		else
			stress_signal(t, fence, choice >> 12);
		break;
	case STRESS_ENABLE:
		dma_fence_enable_signaling(fence);
		break;
	case STRESS_IS_SIGNALED:
		if (dma_fence_is_signaled(fence) &&
		    !dma_fence_test_signaled_flag(fence))
			stress_found(s, STRESS_BUG_UNSIGNALED);
		break;
	case STRESS_SET_ERROR:
		stress_set_error(t, fence, choice);
		break;
	case STRESS_STATUS:
		stress_status(t, fence);
		break;
	case STRESS_TIMESTAMP:
		stress_timestamp(t, fence);
		break;
	case STRESS_WALK:
		/* Takes over the reference. */
		fence = dma_fence_chain_walk(fence);
		break;
	default:
		break;
	}
	dma_fence_put(fence);
}

static enum stress_what stress_choose(u32 choice)
{
	enum stress_what what;
	unsigned int sum = 0;

	for (what = 0; what < STRESS_CHOICES; what++)
		sum += stress_weight[what];
	choice %= sum;
	for (what = 0; choice >= stress_weight[what]; what++)
		choice -= stress_weight[what];

	return what;
}

static int stress_main(void *arg)
{
	struct stress_thread *t = arg;
	struct stress *s = t->s;
	int i;

	while (ktime_before(ktime_get(), s->end)) {
		/* Two numbers a step, so that only the seed matters. */
		enum stress_what what = stress_choose(prandom_u32_state(&t->rnd));
		u32 choice = prandom_u32_state(&t->rnd);

		WRITE_ONCE(t->now, what);
		t->count[what]++;
		stress_step(t, what, choice);
		cond_resched();
	}

	for (i = 0; i < STRESS_CBS; i++)
		stress_remove(t, &t->cb[i]);
	for (i = 0; i < STRESS_OLD; i++)
		stress_retire(t, NULL, 0);

	kthread_complete_and_exit(&t->done, 0);
}

static void stress_report(struct kunit *test, struct stress *s)
{
	int i;

	s->thread[0].count[STRESS_NESTED] = atomic_read(&s->nested);
	for (i = 0; i < STRESS_WHATS; i++) {
		unsigned long count = s->thread[0].count[i] +
				      s->thread[1].count[i];

		kunit_info(test, "%10lu %s\n", count, stress_name[i]);
		KUNIT_EXPECT_GT_MSG(test, count, 0, "%s: never", stress_name[i]);
	}
	for (i = 0; i < STRESS_BUGS; i++)
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&s->bugs[i]), 0, "%s",
				    stress_bug_name[i]);

	KUNIT_EXPECT_GT(test, atomic_read(&s->own_added), 0);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&s->own_ran),
			    atomic_read(&s->own_added),
			    "callbacks were lost, or ran twice");
	KUNIT_EXPECT_GT(test, atomic_read(&s->created), 0);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&s->released),
			    atomic_read(&s->created), "fences were leaked");
}

static void stress(struct kunit *test)
{
	unsigned int cpu, seed32 = seed ?: get_random_u32();
	bool stuck = false;
	unsigned long wait;
	struct stress *s;
	int i;

	kunit_turns_require_cpus(test);

	/* Leaked if a thread hangs, since the thread still uses it. */
	s = kzalloc_obj(*s);
	KUNIT_ASSERT_NOT_NULL(test, s);

	kunit_info(test, "stress_ms=%u seed=%u\n", stress_ms, seed32);
	s->start = ktime_get();
	s->end = ktime_add_ms(s->start, stress_ms);

	cpu = cpumask_first(cpu_online_mask);
	for (i = 0; i < 2; i++) {
		struct stress_thread *t = &s->thread[i];

		t->s = s;
		prandom_seed_state(&t->rnd, seed32 ^ (i * 0x9e3779b9));
		init_completion(&t->done);
		t->task = kthread_create_on_cpu(stress_main, t, cpu,
						"st-fence:%u");
		if (IS_ERR(t->task)) {
			if (i)
				kthread_stop(s->thread[0].task);
			kfree(s);
			KUNIT_FAIL_AND_ABORT(test, "no kthread");
		}
		cpu = cpumask_next(cpu, cpu_online_mask);
	}
	for (i = 0; i < 2; i++)
		wake_up_process(s->thread[i].task);

	wait = msecs_to_jiffies(stress_ms + STRESS_GRACE_MS);
	for (i = 0; i < 2; i++) {
		struct stress_thread *t = &s->thread[i];

		if (!wait_for_completion_timeout(&t->done, wait)) {
			KUNIT_FAIL(test, "CPU %d hangs: %s", i,
				   stress_name[READ_ONCE(t->now)]);
			stuck = true;
			wait = 1;
		}
	}
	if (stuck)
		return;

	for (i = 0; i < STRESS_SLOTS; i++)
		stress_publish(&s->thread[0], NULL, i);
	for (i = 0; i < STRESS_OLD; i++)
		stress_retire(&s->thread[0], NULL, 0);

	stress_report(test, s);
	kfree(s);
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE_SLOW(stress),
	{}
};

static struct kunit_suite stress_suite = {
	.name = "dma-fence-stress",
	.test_cases = stress_cases,
};

kunit_test_suite(stress_suite);
