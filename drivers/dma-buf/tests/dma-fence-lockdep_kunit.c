// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for what lockdep sees of fences: no callback and no op runs with
 * a lock of the core held, the fence lock is a leaf, and wrong locking around
 * callbacks is reported without a race that makes it hang.
 */

#include <linux/debug_locks.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <trace/events/dma_fence.h>

#include "dma-fence-hooks.h"

/* Built in, the parameter goes by the name of the suite. */
#ifndef MODULE
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "dma_fence_lockdep."
#endif

static bool provoke;
module_param(provoke, bool, 0444);
MODULE_PARM_DESC(provoke, "Run a test that makes lockdep report, and turns it off");

/* Lockdep watches, and has found nothing yet. */
static bool st_lockdep_works(void)
{
	return IS_ENABLED(CONFIG_PROVE_LOCKING) && debug_locks;
}

static int st_lockdep_init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_PROVE_LOCKING))
		kunit_skip(test, "requires CONFIG_PROVE_LOCKING");
	if (!debug_locks)
		kunit_skip(test, "lockdep has turned itself off");

	return 0;
}

enum st_probe_op {
	ST_PROBE_ENABLE,
	ST_PROBE_SIGNALED,
	ST_PROBE_DEADLINE,
	ST_PROBE_RELEASE,
	ST_PROBE_CALLBACK,
	ST_PROBES
};

static const char * const st_probe_name[] = {
	[ST_PROBE_ENABLE] = "enable_signaling",
	[ST_PROBE_SIGNALED] = "signaled",
	[ST_PROBE_DEADLINE] = "set_deadline",
	[ST_PROBE_RELEASE] = "release",
	[ST_PROBE_CALLBACK] = "callback",
};

/**
 * struct st_probe - what the ops and the callback have seen
 * @calls: how often each was called
 * @held: fence locks held in it, in all calls
 * @signaled: what the signaled op says
 * @cb: the callback
 */
struct st_probe {
	int calls[ST_PROBES];
	int held[ST_PROBES];
	bool signaled;
	struct dma_fence_cb cb;
};

static void st_probe(struct st_probe *p, struct dma_fence *fence,
		     enum st_probe_op op)
{
	p->calls[op]++;
	p->held[op] += st_fence_locks_held(fence);
}

static void st_probe_cb_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	st_probe(container_of(cb, struct st_probe, cb), fence,
		 ST_PROBE_CALLBACK);
}

static bool st_probe_enable(struct dma_fence *fence)
{
	st_probe(to_st_fence(fence)->priv, fence, ST_PROBE_ENABLE);
	return true;
}

static bool st_probe_signaled(struct dma_fence *fence)
{
	struct st_probe *p = to_st_fence(fence)->priv;

	st_probe(p, fence, ST_PROBE_SIGNALED);
	return p->signaled;
}

static void st_probe_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	st_probe(to_st_fence(fence)->priv, fence, ST_PROBE_DEADLINE);
}

static void st_probe_release(struct dma_fence *fence)
{
	st_probe(to_st_fence(fence)->priv, fence, ST_PROBE_RELEASE);
	dma_fence_free(fence);
}

static const struct dma_fence_ops st_probe_ops = {
	.get_driver_name = st_fence_name,
	.get_timeline_name = st_fence_name,
	.enable_signaling = st_probe_enable,
	.signaled = st_probe_signaled,
	.release = st_probe_release,
	.set_deadline = st_probe_set_deadline,
};

static struct dma_fence *st_probe_new(struct kunit *test, struct st_probe *p)
{
	struct st_fence *f = __st_fence_new(test, &st_probe_ops);

	f->priv = p;
	return &f->base;
}

/* An array of one member. Takes the reference to it. */
static struct dma_fence *st_array_new(struct kunit *test,
				      struct dma_fence *member)
{
	struct dma_fence **fences = kmalloc_obj(*fences);
	struct dma_fence_array *array;

	KUNIT_ASSERT_NOT_NULL(test, fences);
	fences[0] = member;
	array = dma_fence_array_create(1, fences, dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_NOT_NULL(test, array);

	return &array->base;
}

/* A chain of one node. Takes the reference to its fence. */
static struct dma_fence *st_chain_new(struct kunit *test,
				      struct dma_fence *contained)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();

	KUNIT_ASSERT_NOT_NULL(test, chain);
	dma_fence_chain_init(chain, NULL, contained, 1);

	return &chain->base;
}

/*
 * Have everything called for @fence, of which @member is the fence itself or,
 * with a container, the one inside it, whose ops are called by those of the
 * container. The locks of all of them are of the same class.
 */
static void st_no_lock_held(struct kunit *test, struct dma_fence *fence,
			    struct st_probe *p, struct dma_fence *member)
{
	struct st_probe own = {};
	int op;

	dma_fence_get(member);

	dma_fence_set_deadline(fence, ktime_get());
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(fence, &own.cb,
						     st_probe_cb_func), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(member, &p->cb,
						     st_probe_cb_func), 0);
	/* This signals it. */
	p->signaled = true;
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(member));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));

	dma_fence_put(member);
	dma_fence_put(fence);

	for (op = 0; op < ST_PROBES; op++) {
		KUNIT_EXPECT_GT_MSG(test, p->calls[op], 0, "%s not called",
				    st_probe_name[op]);
		KUNIT_EXPECT_EQ_MSG(test, p->held[op], 0, "lock held in %s",
				    st_probe_name[op]);
	}
	KUNIT_EXPECT_EQ(test, own.calls[ST_PROBE_CALLBACK], 1);
	KUNIT_EXPECT_EQ(test, own.held[ST_PROBE_CALLBACK], 0);
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
}

static void st_no_lock_held_fence(struct kunit *test)
{
	struct st_probe p = {};
	struct dma_fence *f = st_probe_new(test, &p);

	st_no_lock_held(test, f, &p, f);
}

static void st_no_lock_held_array(struct kunit *test)
{
	struct st_probe p = {};
	struct dma_fence *f = st_probe_new(test, &p);

	st_no_lock_held(test, st_array_new(test, f), &p, f);
}

static void st_no_lock_held_chain(struct kunit *test)
{
	struct st_probe p = {};
	struct dma_fence *f = st_probe_new(test, &p);

	st_no_lock_held(test, st_chain_new(test, f), &p, f);
}

/* The ops of a container that is polled, and not enabled. */
static void st_no_lock_held_polled(struct kunit *test)
{
	struct st_probe p = { .signaled = true };
	struct dma_fence *f;

	f = st_chain_new(test, st_array_new(test, st_probe_new(test, &p)));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(f));
	dma_fence_put(f);

	KUNIT_EXPECT_EQ(test, p.calls[ST_PROBE_ENABLE], 0);
	KUNIT_EXPECT_GT(test, p.calls[ST_PROBE_SIGNALED], 0);
	KUNIT_EXPECT_EQ(test, p.held[ST_PROBE_SIGNALED], 0);
	KUNIT_EXPECT_EQ(test, p.calls[ST_PROBE_RELEASE], 1);
	KUNIT_EXPECT_EQ(test, p.held[ST_PROBE_RELEASE], 0);
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
}

#ifdef CONFIG_LOCKDEP
static const void *st_lock_key(struct dma_fence *fence)
{
	return fence->lock.dep_map.key;
}
#else
static const void *st_lock_key(struct dma_fence *fence)
{
	return NULL;
}
#endif

/* Containers need no class of their own. */
static void st_one_class(struct kunit *test)
{
	struct st_fence *f = st_fence_new(test);
	struct dma_fence *array, *chain;

	array = st_array_new(test, dma_fence_get(&f->base));
	chain = st_chain_new(test, dma_fence_get(array));

	KUNIT_EXPECT_NOT_NULL(test, st_lock_key(&f->base));
	KUNIT_EXPECT_PTR_EQ(test, st_lock_key(array), st_lock_key(&f->base));
	KUNIT_EXPECT_PTR_EQ(test, st_lock_key(chain), st_lock_key(&f->base));

	dma_fence_put(chain);
	dma_fence_put(array);
	dma_fence_put(&f->base);
}

/* A callback that signals the next fence, and adds a callback to another. */
struct st_nest_cb {
	struct dma_fence_cb base;
	struct dma_fence_cb other_cb;
	struct dma_fence *next;
	struct dma_fence *other;
	int ran;
};

static void st_nop_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
}

static void st_nest_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct st_nest_cb *c = container_of(cb, typeof(*c), base);

	dma_fence_add_callback(c->other, &c->other_cb, st_nop_func);
	if (c->next)
		dma_fence_signal(c->next);
	c->ran++;
}

/* Fences signaled by callbacks, each of the same lock class as the last. */
static void st_nested(struct kunit *test)
{
	struct dma_fence *fence[5], *other;
	struct st_nest_cb cb[5] = {};
	int i;

	other = &st_fence_new(test)->base;
	for (i = 0; i < 5; i++) {
		fence[i] = &st_fence_new(test)->base;
		cb[i].other = other;
		if (i)
			cb[i - 1].next = fence[i];
		KUNIT_EXPECT_EQ(test, dma_fence_add_callback(fence[i],
							     &cb[i].base,
							     st_nest_func), 0);
	}

	dma_fence_signal(fence[0]);
	dma_fence_signal(other);

	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_EQ(test, cb[i].ran, 1);
		dma_fence_put(fence[i]);
	}
	dma_fence_put(other);
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
}

static DEFINE_SPINLOCK(st_unrelated_lock);
static DEFINE_SPINLOCK(st_callback_lock);

/* Always taken with interrupts disabled. */
static void st_locking_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	unsigned long flags;

	spin_lock_irqsave(&st_callback_lock, flags);
	spin_unlock_irqrestore(&st_callback_lock, flags);
}

/* Locks that are not mixed up with callbacks may be held. */
static void st_unrelated(struct kunit *test)
{
	struct dma_fence *f = &st_fence_new(test)->base;
	struct dma_fence_cb cb;
	unsigned long flags;

	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(f, &cb, st_nop_func), 0);

	/* On PREEMPT_RT no spinlock at all is held where one may sleep. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		KUNIT_EXPECT_TRUE(test, dma_fence_remove_callback(f, &cb));
		dma_fence_put(f);
		kunit_skip(test, "on PREEMPT_RT who waits holds no spinlock");
	}

	spin_lock_irqsave(&st_unrelated_lock, flags);
	KUNIT_EXPECT_TRUE(test, dma_fence_remove_callback(f, &cb));
	dma_fence_add_callback(f, &cb, st_nop_func);
	dma_fence_flush_callbacks(f);
	dma_fence_signal(f);
	dma_fence_flush_callbacks(f);
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(f, &cb));
	spin_unlock_irqrestore(&st_unrelated_lock, flags);

	/* Also with interrupts enabled. */
	spin_lock(&st_unrelated_lock);
	dma_fence_flush_callbacks(f);
	spin_unlock(&st_unrelated_lock);
	dma_fence_put(f);

	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
}

/*
 * The cases from here on make lockdep report, and by that turn it off: one of
 * them can run in one boot.
 */
static void st_provoke(struct kunit *test)
{
	if (!provoke)
		kunit_skip(test, "runs only with the parameter provoke");
}

static void st_signal_with_locking_callback(struct kunit *test)
{
	struct dma_fence *f = &st_fence_new(test)->base;
	struct dma_fence_cb cb;

	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(f, &cb, st_locking_func), 0);
	dma_fence_signal(f);
	dma_fence_put(f);
}

/* A callback takes a lock; with that held, another callback is removed. */
static void st_provoke_remove(struct kunit *test)
{
	struct dma_fence_cb cb;
	struct dma_fence *f;
	unsigned long flags;

	st_provoke(test);
	st_signal_with_locking_callback(test);

	f = &st_fence_new(test)->base;
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(f, &cb, st_nop_func), 0);
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
	spin_lock_irqsave(&st_callback_lock, flags);
	dma_fence_remove_callback(f, &cb);
	spin_unlock_irqrestore(&st_callback_lock, flags);
	KUNIT_EXPECT_FALSE(test, st_lockdep_works());

	dma_fence_put(f);
}

/* A fence is flushed under a lock; then a callback of another takes the lock. */
static void st_provoke_flush(struct kunit *test)
{
	struct dma_fence *f;
	unsigned long flags;

	st_provoke(test);

	f = &st_fence_new(test)->base;
	spin_lock_irqsave(&st_callback_lock, flags);
	dma_fence_flush_callbacks(f);
	spin_unlock_irqrestore(&st_callback_lock, flags);
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());

	st_signal_with_locking_callback(test);
	KUNIT_EXPECT_FALSE(test, st_lockdep_works());

	dma_fence_put(f);
}

struct st_flush_cb {
	struct dma_fence_cb base;
	struct dma_fence *other;
};

static void st_flush_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct st_flush_cb *c = container_of(cb, typeof(*c), base);

	dma_fence_flush_callbacks(c->other);
}

/* Flushing from a callback, of another fence since its own would hang. */
static void st_provoke_flush_in_callback(struct kunit *test)
{
	struct dma_fence *f;
	struct st_flush_cb cb;

	st_provoke(test);

	f = &st_fence_new(test)->base;
	cb.other = &st_fence_new(test)->base;
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(f, &cb.base, st_flush_func),
			0);
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
	dma_fence_signal(f);
	KUNIT_EXPECT_FALSE(test, st_lockdep_works());

	dma_fence_put(cb.other);
	dma_fence_put(f);
}

/*
 * Signaling, or coming to signal, with a lock held that a callback or an op takes.
 * The fences have nothing to do with each other: each half has to be seen once, in
 * any order.
 */

static void st_add_nop(struct kunit *test, struct dma_fence *f,
		       struct dma_fence_cb *cb)
{
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(f, cb, st_nop_func), 0);
}

static void st_signal_under_lock(struct kunit *test)
{
	struct dma_fence *f = &st_fence_new(test)->base;
	unsigned long flags;

	spin_lock_irqsave(&st_callback_lock, flags);
	dma_fence_signal(f);
	spin_unlock_irqrestore(&st_callback_lock, flags);
	dma_fence_put(f);
}

static void st_add_under_lock(struct kunit *test)
{
	struct dma_fence *f = &st_fence_new(test)->base;
	struct dma_fence_cb cb;
	unsigned long flags;

	/* So that this one has no op to be called any more. */
	dma_fence_enable_signaling(f);

	spin_lock_irqsave(&st_callback_lock, flags);
	st_add_nop(test, f, &cb);
	spin_unlock_irqrestore(&st_callback_lock, flags);
	dma_fence_signal(f);
	dma_fence_put(f);
}

static bool st_locking_enable(struct st_fence *f)
{
	st_locking_func(&f->base, NULL);
	return true;
}

static void st_enable_with_locking_op(struct kunit *test)
{
	struct st_fence *f = st_fence_new(test);

	f->enable = st_locking_enable;
	dma_fence_enable_signaling(&f->base);
	dma_fence_signal(&f->base);
	dma_fence_put(&f->base);
}

static void st_provoke_halves(struct kunit *test, void (*first)(struct kunit *test),
			      void (*second)(struct kunit *test))
{
	st_provoke(test);

	first(test);
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
	second(test);
	KUNIT_EXPECT_FALSE(test, st_lockdep_works());
}

static void st_provoke_signal(struct kunit *test)
{
	st_provoke_halves(test, st_signal_with_locking_callback,
			  st_signal_under_lock);
}

static void st_provoke_signal_first(struct kunit *test)
{
	st_provoke_halves(test, st_signal_under_lock,
			  st_signal_with_locking_callback);
}

static void st_provoke_signal_op(struct kunit *test)
{
	st_provoke_halves(test, st_enable_with_locking_op, st_signal_under_lock);
}

static void st_provoke_add(struct kunit *test)
{
	st_provoke_halves(test, st_signal_with_locking_callback,
			  st_add_under_lock);
}

static void st_provoke_add_op(struct kunit *test)
{
	st_provoke_halves(test, st_enable_with_locking_op, st_add_under_lock);
}

/*
 * A callback or an op that takes a lock, and with it held acts on another fence.
 * It need not be of a kind whose callbacks take the lock: they could.
 */

struct st_nest_locked_cb {
	struct dma_fence_cb base;
	struct dma_fence_cb other_cb;
	struct dma_fence *other;
};

static void st_signal_locked_func(struct dma_fence *fence,
				  struct dma_fence_cb *cb)
{
	struct st_nest_locked_cb *c = container_of(cb, typeof(*c), base);
	unsigned long flags;

	spin_lock_irqsave(&st_callback_lock, flags);
	dma_fence_signal(c->other);
	spin_unlock_irqrestore(&st_callback_lock, flags);
}

static void st_add_locked_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct st_nest_locked_cb *c = container_of(cb, typeof(*c), base);
	unsigned long flags;

	spin_lock_irqsave(&st_callback_lock, flags);
	dma_fence_add_callback(c->other, &c->other_cb, st_nop_func);
	spin_unlock_irqrestore(&st_callback_lock, flags);
}

static void st_provoke_nested(struct kunit *test, dma_fence_func_t func)
{
	struct st_nest_locked_cb cb;
	struct dma_fence *f;

	st_provoke(test);

	f = &st_fence_new(test)->base;
	cb.other = &st_fence_new(test)->base;
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(f, &cb.base, func), 0);
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
	dma_fence_signal(f);
	KUNIT_EXPECT_FALSE(test, st_lockdep_works());

	dma_fence_signal(cb.other);
	dma_fence_put(cb.other);
	dma_fence_put(f);
}

static void st_provoke_signal_nested(struct kunit *test)
{
	st_provoke_nested(test, st_signal_locked_func);
}

static void st_provoke_add_nested(struct kunit *test)
{
	st_provoke_nested(test, st_add_locked_func);
}

static bool st_signal_locked_enable(struct st_fence *f)
{
	unsigned long flags;

	spin_lock_irqsave(&st_callback_lock, flags);
	dma_fence_signal(f->priv);
	spin_unlock_irqrestore(&st_callback_lock, flags);

	return true;
}

static void st_provoke_signal_nested_op(struct kunit *test)
{
	struct st_fence *f;

	st_provoke(test);

	f = st_fence_new(test);
	f->enable = st_signal_locked_enable;
	f->priv = &st_fence_new(test)->base;
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
	dma_fence_enable_signaling(&f->base);
	KUNIT_EXPECT_FALSE(test, st_lockdep_works());

	dma_fence_put(f->priv);
	dma_fence_signal(&f->base);
	dma_fence_put(&f->base);
}

/* Interrupts: no fence of this boot needs to have been signaled from one. */

static DEFINE_SPINLOCK(st_unsafe_lock);

static void st_take_unsafe(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "on PREEMPT_RT interrupts take no such lock");

	spin_lock(&st_unsafe_lock);
	spin_unlock(&st_unsafe_lock);
}

static void st_unsafe_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	spin_lock(&st_unsafe_lock);
	spin_unlock(&st_unsafe_lock);
}

static void st_signal_with_unsafe_callback(struct kunit *test)
{
	struct dma_fence *f = &st_fence_new(test)->base;
	struct dma_fence_cb cb;

	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(f, &cb, st_unsafe_func), 0);
	dma_fence_signal(f);
	dma_fence_put(f);
}

static bool st_unsafe_enable(struct st_fence *f)
{
	st_unsafe_func(&f->base, NULL);
	return true;
}

static void st_enable_with_unsafe_op(struct kunit *test)
{
	struct st_fence *f = st_fence_new(test);

	f->enable = st_unsafe_enable;
	dma_fence_enable_signaling(&f->base);
	dma_fence_signal(&f->base);
	dma_fence_put(&f->base);
}

static void st_provoke_irq(struct kunit *test)
{
	st_provoke_halves(test, st_take_unsafe, st_signal_with_unsafe_callback);
}

static void st_provoke_irq_op(struct kunit *test)
{
	st_provoke_halves(test, st_take_unsafe, st_enable_with_unsafe_op);
}

/* A callback or an op that takes a mutex, which is free. */

static DEFINE_MUTEX(st_mutex);

static void st_mutex_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	mutex_lock(&st_mutex);
	mutex_unlock(&st_mutex);
}

static bool st_mutex_enable(struct st_fence *f)
{
	st_mutex_func(&f->base, NULL);
	return true;
}

static void st_provoke_sleep(struct kunit *test)
{
	struct dma_fence *f;
	struct dma_fence_cb cb;

	st_provoke(test);

	f = &st_fence_new(test)->base;
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(f, &cb, st_mutex_func), 0);
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
	dma_fence_signal(f);
	KUNIT_EXPECT_FALSE(test, st_lockdep_works());

	dma_fence_put(f);
}

static void st_provoke_sleep_op(struct kunit *test)
{
	struct st_fence *f;

	st_provoke(test);

	f = st_fence_new(test);
	f->enable = st_mutex_enable;
	KUNIT_EXPECT_TRUE(test, st_lockdep_works());
	dma_fence_enable_signaling(&f->base);
	KUNIT_EXPECT_FALSE(test, st_lockdep_works());

	dma_fence_signal(&f->base);
	dma_fence_put(&f->base);
}

#ifdef CONFIG_PROVE_LOCKING
static DEFINE_SPINLOCK(st_name_lock);

/* With a lock, as the names of drivers may have; also called by a tracepoint. */
static const char *st_locking_name(struct dma_fence *fence)
{
	unsigned long flags;

	spin_lock_irqsave(&st_name_lock, flags);
	spin_unlock_irqrestore(&st_name_lock, flags);
	return "st";
}

static const struct dma_fence_ops st_leaf_ops = {
	.get_driver_name = st_locking_name,
	.get_timeline_name = st_locking_name,
	.enable_signaling = st_probe_enable,
	.signaled = st_probe_signaled,
	.release = st_probe_release,
	.set_deadline = st_probe_set_deadline,
};

static void st_ask_names(void *data, struct dma_fence *fence)
{
	const struct dma_fence_ops *ops;

	ops = rcu_dereference_check(fence->ops, rcu_read_lock_any_held());
	if (ops == &st_leaf_ops) {
		ops->get_driver_name(fence);
		ops->get_timeline_name(fence);
	}
}

/*
 * Nothing is locked under the fence lock: not by what is done here, in which every
 * op and callback takes a lock, as does the tracepoint of a signal, and not in all
 * that ran before. For that this comes last, after all suites of the module.
 */
static void st_leaf(struct kunit *test)
{
	struct st_fence *f = __st_fence_new(test, &st_leaf_ops);
	struct dma_fence_cb cb[2];
	struct st_probe p = {};
	struct lock_class *class;
	struct lock_list *after;
	bool leaf = true;

	f->priv = &p;
	if (IS_ENABLED(CONFIG_TRACEPOINTS))
		KUNIT_ASSERT_EQ(test, 0,
				register_trace_dma_fence_signaled(st_ask_names, NULL));

	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(&f->base, &cb[0],
						     st_locking_func), 0);
	st_add_nop(test, &f->base, &cb[1]);
	dma_fence_try_set_error(&f->base, -EIO);
	KUNIT_EXPECT_TRUE(test, dma_fence_remove_callback(&f->base, &cb[1]));
	dma_fence_set_deadline(&f->base, ktime_get());
	dma_fence_signal(&f->base);
	dma_fence_flush_callbacks(&f->base);

	if (IS_ENABLED(CONFIG_TRACEPOINTS)) {
		unregister_trace_dma_fence_signaled(st_ask_names, NULL);
		tracepoint_synchronize_unregister();
	}

	class = f->base.lock.dep_map.class_cache[0];
	KUNIT_ASSERT_NOT_NULL(test, class);

	rcu_read_lock();
	list_for_each_entry_rcu(after, &class->locks_after, entry) {
		/* On PREEMPT_RT it is made of raw locks, the scheduler's and RCU's. */
		if (IS_ENABLED(CONFIG_PREEMPT_RT) &&
		    after->class->wait_type_inner <= LD_WAIT_SPIN)
			continue;
		pr_err("%s: taken under the fence lock: %s\n", test->name,
		       after->class->name);
		leaf = false;
	}
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(test, leaf);

	dma_fence_put(&f->base);
}
#else
static void st_leaf(struct kunit *test)
{
}
#endif

static struct kunit_case st_lockdep_cases[] = {
	KUNIT_CASE(st_no_lock_held_fence),
	KUNIT_CASE(st_no_lock_held_array),
	KUNIT_CASE(st_no_lock_held_chain),
	KUNIT_CASE(st_no_lock_held_polled),
	KUNIT_CASE(st_one_class),
	KUNIT_CASE(st_nested),
	KUNIT_CASE(st_unrelated),
	KUNIT_CASE(st_provoke_remove),
	KUNIT_CASE(st_provoke_flush),
	KUNIT_CASE(st_provoke_flush_in_callback),
	KUNIT_CASE(st_provoke_signal),
	KUNIT_CASE(st_provoke_signal_first),
	KUNIT_CASE(st_provoke_signal_op),
	KUNIT_CASE(st_provoke_add),
	KUNIT_CASE(st_provoke_add_op),
	KUNIT_CASE(st_provoke_signal_nested),
	KUNIT_CASE(st_provoke_add_nested),
	KUNIT_CASE(st_provoke_signal_nested_op),
	KUNIT_CASE(st_provoke_irq),
	KUNIT_CASE(st_provoke_irq_op),
	KUNIT_CASE(st_provoke_sleep),
	KUNIT_CASE(st_provoke_sleep_op),
	/* This has to be the last. */
	KUNIT_CASE(st_leaf),
	{}
};

static struct kunit_suite st_lockdep_suite = {
	.name = "dma-fence-lockdep",
	.init = st_lockdep_init,
	.test_cases = st_lockdep_cases,
};

kunit_test_suite(st_lockdep_suite);
