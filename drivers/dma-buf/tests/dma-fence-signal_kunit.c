// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for the signaling of fences: each forces one window of a race
 * between two CPUs, or asserts one promise to callbacks and ops.
 */

#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <trace/events/dma_fence.h>

#include "dma-fence-hooks.h"

struct st_ctx;

struct st_cb {
	struct dma_fence_cb base;
	struct st_ctx *ctx;
	int calls;
	int order;
	bool done;
};

/* What the two CPUs of a test share. A test uses what it needs. */
struct st_ctx {
	struct kunit_turns race;
	struct st_fence *f;
	struct st_cb cb[16];
	struct st_cb *heap;
	struct completion start;
	struct hrtimer timer;
	int ncalls;
	/* guards @pending */
	spinlock_t lock;
	struct list_head pending;
	struct task_struct *task;
	struct dma_fence *any[2];
	struct dma_fence **many;
	/* set by the test */
	bool op_result;
	bool op_waits;
	int waits_by;
	long timeout;
	/* filled in where nothing may be reported, checked afterwards */
	bool returned;
	bool premature;
	bool lock_held;
	bool irqs_on;
	bool node_linked;
	bool released;
	bool freed;
	bool dispatching;
	bool slept;
	bool listed;
	bool verdict;
	int ret[2];
	int seen;
	long left;
	u32 idx;
};

#define ctx_of(cb)	(container_of(cb, struct st_cb, base)->ctx)

static struct st_ctx *st_ctx_new(struct kunit *test)
{
	struct st_ctx *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (i = 0; i < ARRAY_SIZE(c->cb); i++)
		c->cb[i].ctx = c;
	spin_lock_init(&c->lock);
	INIT_LIST_HEAD(&c->pending);
	c->f = st_fence_new(test);
	c->f->priv = c;

	return c;
}

/*
 * Held, and then by the core, nobody else has the fence at that time? Without
 * SMP a lock cannot tell.
 */
static bool st_is_locked(spinlock_t *lock)
{
	unsigned long flags;

	if (!spin_trylock_irqsave(lock, flags))
		return true;
	spin_unlock_irqrestore(lock, flags);
	return false;
}

static void st_count(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_cb *cb = container_of(base, struct st_cb, base);

	cb->calls++;
	cb->order = cb->ctx->ncalls++;
	WRITE_ONCE(cb->done, true);
}

/* Lets the other CPU start to wait for this callback, and ends after that. */
static void st_linger(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_ctx *c = ctx_of(base);

	kunit_turns_reach(&c->race, 1);
	c->premature = !kunit_turns_stays_false(&c->returned);
	st_count(fence, base);
}

/* Ends when the other CPU has reached step 2. */
static void st_hold(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_ctx *c = ctx_of(base);

	kunit_turns_reach(&c->race, 1);
	kunit_turns_await(&c->race, 2);
	st_count(fence, base);
}

static void st_signal(void *arg)
{
	struct st_ctx *c = arg;

	dma_fence_signal(&c->f->base);
}

/* Contexts */

static void st_look_around(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_ctx *c = ctx_of(base);

	c->lock_held = st_is_locked(&fence->lock);
	c->irqs_on = !irqs_disabled();
	c->node_linked = !list_empty(&base->node);
	st_count(fence, base);
}

static void st_test_callback_context(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(&c->f->base, &c->cb[0].base,
							st_look_around));
	dma_fence_signal(&c->f->base);

	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	KUNIT_EXPECT_FALSE(test, c->lock_held);
	KUNIT_EXPECT_EQ(test, c->irqs_on, IS_ENABLED(CONFIG_PREEMPT_RT));
	KUNIT_EXPECT_FALSE(test, c->node_linked);
	KUNIT_EXPECT_FALSE(test, irqs_disabled());
	dma_fence_put(&c->f->base);
}

static bool st_enable_look_around(struct st_fence *f)
{
	struct st_ctx *c = f->priv;

	c->lock_held = st_is_locked(&f->base.lock);
	c->irqs_on = !irqs_disabled();
	c->seen++;
	return true;
}

static void st_test_enable_context(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	c->f->enable = st_enable_look_around;
	dma_fence_enable_signaling(&c->f->base);
	dma_fence_enable_signaling(&c->f->base);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_add_callback(&c->f->base, &c->cb[0].base,
							st_count));

	KUNIT_EXPECT_EQ(test, c->seen, 1);
	KUNIT_EXPECT_FALSE(test, c->lock_held);
	KUNIT_EXPECT_EQ(test, c->irqs_on, IS_ENABLED(CONFIG_PREEMPT_RT));
	KUNIT_EXPECT_FALSE(test, irqs_disabled());
	dma_fence_signal(&c->f->base);
	dma_fence_put(&c->f->base);
}

/* The interrupt state of the caller is left alone, whatever it is. */

static void st_signal_nested(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_ctx *c = ctx_of(base);

	dma_fence_enable_signaling(c->any[0]);
	c->irqs_on |= !irqs_disabled();
	dma_fence_signal(c->any[0]);
	c->irqs_on |= !irqs_disabled();
	st_count(fence, base);
}

static void st_note_irqs(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_ctx *c = ctx_of(base);

	c->irqs_on |= !irqs_disabled();
	st_count(fence, base);
}

static struct st_ctx *st_ctx_new_nested(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	c->any[0] = &st_fence_new(test)->base;
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(&c->f->base, &c->cb[0].base,
							st_signal_nested));
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(&c->f->base, &c->cb[1].base,
							st_note_irqs));
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback_lazy(c->any[0],
							     &c->cb[2].base,
							     st_note_irqs));
	return c;
}

static void st_ctx_nested_done(struct kunit *test, struct st_ctx *c)
{
	KUNIT_EXPECT_EQ(test, c->ncalls, 3);
	KUNIT_EXPECT_EQ(test, c->irqs_on, IS_ENABLED(CONFIG_PREEMPT_RT));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(c->any[0]));
	dma_fence_put(c->any[0]);
	dma_fence_put(&c->f->base);
}

static void st_test_irqs_in_callback(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new_nested(test);

	dma_fence_signal(&c->f->base);
	KUNIT_EXPECT_FALSE(test, irqs_disabled());
	KUNIT_EXPECT_TRUE(test, preemptible() || !IS_ENABLED(CONFIG_PREEMPT_COUNT));
	st_ctx_nested_done(test, c);
}

static void st_test_irqs_disabled(struct kunit *test)
{
	struct st_ctx *c, *e;
	bool disabled[3];

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "on PREEMPT_RT the fence lock is not taken there");

	c = st_ctx_new_nested(test);
	e = st_ctx_new(test);
	e->f->enable = st_enable_look_around;

	local_irq_disable();
	dma_fence_enable_signaling(&e->f->base);
	disabled[0] = irqs_disabled();
	dma_fence_signal(&c->f->base);
	disabled[1] = irqs_disabled();
	/* Also if there is nothing to do. */
	dma_fence_signal(&c->f->base);
	disabled[2] = irqs_disabled();
	local_irq_enable();

	KUNIT_EXPECT_TRUE(test, disabled[0]);
	KUNIT_EXPECT_TRUE(test, disabled[1]);
	KUNIT_EXPECT_TRUE(test, disabled[2]);
	KUNIT_EXPECT_EQ(test, e->seen, 1);
	st_ctx_nested_done(test, c);
	dma_fence_signal(&e->f->base);
	dma_fence_put(&e->f->base);
}

static enum hrtimer_restart st_timer(struct hrtimer *timer)
{
	struct st_ctx *c = container_of(timer, struct st_ctx, timer);

	dma_fence_signal(&c->f->base);
	c->verdict = in_hardirq() && irqs_disabled();
	complete(&c->start);

	return HRTIMER_NORESTART;
}

static void st_test_irqs_in_interrupt(struct kunit *test)
{
	struct st_ctx *c;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "on PREEMPT_RT interrupts do not signal");

	c = st_ctx_new_nested(test);
	init_completion(&c->start);
	hrtimer_setup(&c->timer, st_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	hrtimer_start(&c->timer, 0, HRTIMER_MODE_REL);
	KUNIT_EXPECT_NE(test, 0, wait_for_completion_timeout(&c->start, 10 * HZ));
	hrtimer_cancel(&c->timer);

	KUNIT_EXPECT_TRUE(test, c->verdict);
	st_ctx_nested_done(test, c);
}

/* Callbacks: once, in order, free to do as they like with themselves. */

static void st_test_callback_order(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(c->cb); i++)
		KUNIT_ASSERT_EQ(test, 0,
				dma_fence_add_callback(&c->f->base,
						       &c->cb[i].base, st_count));
	dma_fence_signal(&c->f->base);
	dma_fence_signal(&c->f->base);

	for (i = 0; i < ARRAY_SIZE(c->cb); i++) {
		KUNIT_EXPECT_EQ(test, c->cb[i].calls, 1);
		KUNIT_EXPECT_EQ(test, c->cb[i].order, i);
	}
	dma_fence_put(&c->f->base);
}

#define ST_GONE		0x5a

/* As good as freed: whoever looks at it afterwards does so by mistake. */
static void st_give_up(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_cb *cb = container_of(base, struct st_cb, base);

	cb->ctx->seen++;
	memset(cb, ST_GONE, sizeof(*cb));
}

static void st_test_callback_gives_up_memory(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);
	int i;

	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, 0,
				dma_fence_add_callback(&c->f->base,
						       &c->cb[i].base, st_give_up));
	dma_fence_signal(&c->f->base);
	KUNIT_EXPECT_EQ(test, c->seen, 4);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_NULL(test, memchr_inv(&c->cb[i], ST_GONE,
						   sizeof(c->cb[i])));
	dma_fence_put(&c->f->base);
}

#define ST_NEST	8

static void st_signal_next(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_cb *cb = container_of(base, struct st_cb, base);
	struct st_fence *f = to_st_fence(fence);

	if (f->priv)
		dma_fence_signal(f->priv);
	st_count(fence, &cb->base);
}

static void st_test_signal_from_callback(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);
	struct st_fence *f[ST_NEST];
	int i;

	for (i = ST_NEST - 1; i >= 0; i--) {
		f[i] = st_fence_new(test);
		if (i < ST_NEST - 1)
			f[i]->priv = &f[i + 1]->base;
		KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(&f[i]->base,
								&c->cb[i].base,
								st_signal_next));
	}
	dma_fence_signal(&f[0]->base);

	for (i = 0; i < ST_NEST; i++) {
		KUNIT_EXPECT_EQ(test, c->cb[i].calls, 1);
		/* The innermost returns first. */
		KUNIT_EXPECT_EQ(test, c->cb[i].order, ST_NEST - 1 - i);
		dma_fence_put(&f[i]->base);
	}
	dma_fence_put(&c->f->base);
}

/* Removing */

static void st_test_remove_pending(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);
	int i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, 0,
				dma_fence_add_callback(&c->f->base,
						       &c->cb[i].base, st_count));
	KUNIT_EXPECT_TRUE(test, dma_fence_remove_callback(&c->f->base,
							  &c->cb[1].base));
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(&c->f->base,
							   &c->cb[1].base));
	dma_fence_signal(&c->f->base);

	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, c->cb[1].calls, 0);
	KUNIT_EXPECT_EQ(test, c->cb[2].calls, 1);
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(&c->f->base,
							   &c->cb[0].base));
	dma_fence_put(&c->f->base);
}

static void st_remove_other(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	c->ret[0] = dma_fence_remove_callback(&c->f->base, &c->cb[0].base);
	c->verdict = READ_ONCE(c->cb[0].done);
	WRITE_ONCE(c->returned, true);
}

/* The callback runs when remove comes: remove returns after it. */
static void st_test_remove_running(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_linger);
	kunit_turns_run(test, &c->race, st_signal, st_remove_other, c);

	KUNIT_EXPECT_FALSE(test, c->ret[0]);
	KUNIT_EXPECT_FALSE_MSG(test, c->premature, "returned with its callback running");
	KUNIT_EXPECT_TRUE(test, c->verdict);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	dma_fence_put(&c->f->base);
}

/* Another callback runs, the one to be removed is still to come. */
static void st_test_remove_next(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	dma_fence_add_callback(&c->f->base, &c->cb[1].base, st_linger);
	dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_count);
	kunit_turns_run(test, &c->race, st_signal, st_remove_other, c);

	KUNIT_EXPECT_FALSE(test, c->ret[0]);
	KUNIT_EXPECT_FALSE_MSG(test, c->premature, "returned ahead of its callback");
	KUNIT_EXPECT_TRUE(test, c->verdict);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, c->cb[1].calls, 1);
	dma_fence_put(&c->f->base);
}

/* Flushing */

static void st_test_flush_idle(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	dma_fence_flush_callbacks(&c->f->base);
	dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_count);
	dma_fence_flush_callbacks(&c->f->base);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 0);
	dma_fence_signal(&c->f->base);
	dma_fence_flush_callbacks(&c->f->base);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	dma_fence_put(&c->f->base);
}

static void st_heap_linger(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_cb *cb = container_of(base, struct st_cb, base);
	struct st_ctx *c = cb->ctx;

	kunit_turns_reach(&c->race, 1);
	c->premature = !kunit_turns_stays_false(&c->returned);
	/* Freed by now if the other CPU did not wait. */
	cb->calls++;
	c->seen = cb->calls;
}

static void st_free_behind_signaled(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	c->verdict = dma_fence_is_signaled(&c->f->base);
	dma_fence_flush_callbacks(&c->f->base);
	c->ret[0] = READ_ONCE(c->seen);
	kfree(c->heap);
	WRITE_ONCE(c->returned, true);
}

/* "It is signaled, so I free the callback": what flushing is for. */
static void st_test_flush_running(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	c->heap = kzalloc_obj(*c->heap);
	KUNIT_ASSERT_NOT_NULL(test, c->heap);
	c->heap->ctx = c;
	dma_fence_add_callback(&c->f->base, &c->heap->base, st_heap_linger);
	kunit_turns_run(test, &c->race, st_signal, st_free_behind_signaled, c);

	KUNIT_EXPECT_TRUE_MSG(test, c->verdict, "signaled, but does not read so");
	KUNIT_EXPECT_FALSE_MSG(test, c->premature, "returned with a callback running");
	KUNIT_EXPECT_EQ(test, c->ret[0], 1);
	dma_fence_put(&c->f->base);
}

static bool st_dispatching(struct st_ctx *c)
{
	return test_bit(DMA_FENCE_FLAG_DISPATCHING_BIT, &c->f->base.flags);
}

static void st_wake_urgent(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_ctx *c = ctx_of(base);

	complete(&c->start);
	/* Preempted here, if at all, until the other task sleeps. */
	c->verdict = READ_ONCE(c->dispatching);
	c->premature = READ_ONCE(c->returned);
	st_count(fence, base);
}

static void st_wait_urgent(void *arg)
{
	struct st_ctx *c = arg;
	unsigned long switches = current->nvcsw;

	WRITE_ONCE(c->dispatching, st_dispatching(c));
	switch (c->waits_by) {
	case 0:
		dma_fence_flush_callbacks(&c->f->base);
		break;
	case 1:
		dma_fence_remove_callback(&c->f->base, &c->cb[0].base);
		break;
	default:
		dma_fence_wait(&c->f->base, false);
	}
	/* By itself: a task that spins is made to go, once it has had its share. */
	c->slept = current->nvcsw != switches;
	c->ret[0] = READ_ONCE(c->cb[0].done);
	WRITE_ONCE(c->returned, true);
}

/*
 * Call @here in this task, and @urgent in one of higher priority on the same CPU,
 * from the time at which st_ctx.start is completed.
 */
static void st_run_urgent(struct kunit *test, struct st_ctx *c,
			  void (*urgent)(void *arg), void (*here)(void *arg))
{
	struct kunit_turns_thread t = {
		.start = &c->start, .func = urgent, .arg = c,
	};
	struct task_struct *task;

	init_completion(&c->start);
	init_completion(&t.done);

	migrate_disable();
	task = kthread_create_on_cpu(kunit_turns_thread_main, &t,
				     smp_processor_id(), "st-fence:%u");
	if (!IS_ERR(task)) {
		sched_set_fifo(task);
		wake_up_process(task);
		here(c);
		wait_for_completion(&t.done);
	}
	migrate_enable();
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
}

/*
 * The callback wakes a task of higher priority on its own CPU, which waits for
 * it. On PREEMPT_RT that task comes first, and has to sleep for the callback to
 * get on; otherwise interrupts are off, and it comes when all is over.
 */
static void st_test_preempted_dispatch(struct kunit *test)
{
	int i;

	for (i = 0; i < 3; i++) {
		struct st_ctx *c = st_ctx_new(test);

		c->waits_by = i;
		dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_wake_urgent);
		st_run_urgent(test, c, st_wait_urgent, st_signal);

		KUNIT_EXPECT_EQ(test, c->verdict, IS_ENABLED(CONFIG_PREEMPT_RT));
		KUNIT_EXPECT_EQ(test, c->slept, IS_ENABLED(CONFIG_PREEMPT_RT));
		KUNIT_EXPECT_FALSE_MSG(test, c->premature, "returned with its callback running");
		KUNIT_EXPECT_TRUE(test, c->ret[0]);
		dma_fence_put(&c->f->base);
	}
}

/* A task that a signal wakes runs as soon as the signaler could be preempted. */

#define ST_WAKES	100

static void st_require_preemption(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_PREEMPTION) || !preempt_model_preemptible())
		kunit_skip(test, "requires a kernel that preempts");
}

static void st_wait_many(void *arg)
{
	struct st_ctx *c = arg;
	int i;

	for (i = 0; i < ST_WAKES; i++) {
		dma_fence_wait(c->many[i], false);
		WRITE_ONCE(c->seen, i + 1);
	}
}

static void st_signal_many(void *arg)
{
	struct st_ctx *c = arg;
	int i;

	/* The other task runs here until it sleeps, as after each signal. */
	complete(&c->start);
	for (i = 0; i < ST_WAKES; i++) {
		/*
		 * dma_fence_signal() ends an annotation for lockdep, in which
		 * this task could be preempted on some architectures, too late
		 * but early enough for this test.
		 */
		dma_fence_check_and_signal(c->many[i]);
		if (READ_ONCE(c->seen) != i + 1)
			c->ret[0]++;
	}
}

static void st_test_woken_runs(struct kunit *test)
{
	struct st_ctx *c;
	int i;

	st_require_preemption(test);
	c = st_ctx_new(test);
	c->many = kunit_kcalloc(test, ST_WAKES, sizeof(*c->many), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c->many);
	for (i = 0; i < ST_WAKES; i++)
		c->many[i] = &st_fence_new(test)->base;

	st_run_urgent(test, c, st_wait_many, st_signal_many);

	KUNIT_EXPECT_EQ(test, c->seen, ST_WAKES);
	KUNIT_EXPECT_EQ_MSG(test, c->ret[0], 0, "woken, but did not run");
	for (i = 0; i < ST_WAKES; i++)
		dma_fence_put(c->many[i]);
	dma_fence_put(&c->f->base);
}

/*
 * Two finished fences were taken off a list, and the callback of the first wakes
 * an urgent task on this CPU. It finds the second signaled, too: nobody who waits
 * for that has to wait for the urgent task.
 */

static void st_start_urgent(struct dma_fence *fence, struct dma_fence_cb *base)
{
	complete(&ctx_of(base)->start);
	st_count(fence, base);
}

static void st_reap_two(void *arg)
{
	struct st_ctx *c = arg;
	unsigned long flags;

	guard(dma_fence_reap)();

	/* What an issuer does first. */
	spin_lock_irqsave(&c->lock, flags);
	spin_unlock_irqrestore(&c->lock, flags);

	dma_fence_signal(c->any[0]);
	dma_fence_signal(c->any[1]);
}

static void st_look_at_second(void *arg)
{
	struct st_ctx *c = arg;

	c->premature = !dma_fence_test_signaled_flag(c->any[1]);
}

static void st_test_reap(struct kunit *test)
{
	struct st_ctx *c;
	int i;

	st_require_preemption(test);
	c = st_ctx_new(test);
	for (i = 0; i < 2; i++)
		c->any[i] = &st_fence_new(test)->base;
	dma_fence_add_callback(c->any[0], &c->cb[0].base, st_start_urgent);

	st_run_urgent(test, c, st_look_at_second, st_reap_two);

	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	KUNIT_EXPECT_EQ_MSG(test, c->premature, IS_ENABLED(CONFIG_PREEMPT_RT),
			    "the second fence was held up");
	KUNIT_EXPECT_TRUE(test, dma_fence_test_signaled_flag(c->any[1]));
	for (i = 0; i < 2; i++)
		dma_fence_put(c->any[i]);
	dma_fence_put(&c->f->base);
}

/*
 * What PREEMPT_RT lacks: a task that waits for callbacks does not lend its
 * priority to the one that runs them. One of a priority in between holds up
 * both. Elsewhere it cannot run before the callbacks are through.
 */

static void st_start_middle(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct st_ctx *c = ctx_of(base);

	kunit_turns_reach(&c->race, 1);
	complete(&c->start);
	st_count(fence, base);
}

static void st_spin_middle(void *arg)
{
	struct st_ctx *c = arg;

	/* Elsewhere nothing keeps the other CPU from being through soon. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		c->verdict = kunit_turns_stays_false(&c->returned);
	else
		kunit_turns_until(&c->race, READ_ONCE(c->returned));
}

static void st_flush_urgent(void *arg)
{
	struct st_ctx *c = arg;

	sched_set_fifo(current);
	if (!kunit_turns_await(&c->race, 1))
		return;
	dma_fence_flush_callbacks(&c->f->base);
	c->ret[0] = READ_ONCE(c->cb[0].done);
	WRITE_ONCE(c->returned, true);
}

static void st_test_priority_inversion(struct kunit *test)
{
	struct kunit_turns_thread t = { .func = st_spin_middle };
	struct task_struct *task;
	struct st_ctx *c;

	kunit_turns_require_cpus(test);
	c = st_ctx_new(test);
	t.start = &c->start;
	t.arg = c;
	init_completion(&c->start);
	init_completion(&t.done);
	dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_start_middle);

	/* On the CPU where kunit_turns_run() runs its first function. */
	task = kthread_create_on_cpu(kunit_turns_thread_main, &t,
				     cpumask_first(cpu_online_mask), "st-fence:%u");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	sched_set_fifo_low(task);
	wake_up_process(task);

	kunit_turns_run(test, &c->race, st_signal, st_flush_urgent, c);
	/* In case that the callback was not called. */
	complete_all(&c->start);
	wait_for_completion(&t.done);

	KUNIT_EXPECT_EQ(test, c->verdict, IS_ENABLED(CONFIG_PREEMPT_RT));
	KUNIT_EXPECT_TRUE(test, c->returned);
	KUNIT_EXPECT_TRUE(test, c->ret[0]);
	dma_fence_put(&c->f->base);
}

/* Signaling twice */

static void st_signal_second(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	dma_fence_signal(&c->f->base);
	c->verdict = dma_fence_check_and_signal(&c->f->base);
	/* The callback waits for this: having waited for it would be fatal. */
	c->ret[0] = READ_ONCE(c->cb[0].done);
	kunit_turns_reach(&c->race, 2);
}

static void st_test_signal_does_not_wait(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_hold);
	kunit_turns_run(test, &c->race, st_signal, st_signal_second, c);

	KUNIT_EXPECT_TRUE(test, c->verdict);
	KUNIT_EXPECT_FALSE(test, c->ret[0]);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	dma_fence_put(&c->f->base);
}

#define ST_ROUNDS	5000

struct st_duel {
	struct kunit_turns race;
	struct dma_fence *f[ST_ROUNDS];
	struct st_cb *cb;
	int won[2];
	int bad;
};

/* Both CPUs at the same fence at the same time, again and again. */
static bool st_duel_round(struct st_duel *d, int side, int i)
{
	return kunit_turns_meet(&d->race, side, i + 1);
}

static void st_duel_signal(struct st_duel *d, int side)
{
	int i;

	for (i = 0; i < ST_ROUNDS && st_duel_round(d, side, i); i++)
		d->won[side] += !dma_fence_check_and_signal(d->f[i]);
}

static void st_duel_signal_a(void *arg)
{
	st_duel_signal(arg, 0);
}

static void st_duel_signal_b(void *arg)
{
	st_duel_signal(arg, 1);
}

static struct st_duel *st_duel_new(struct kunit *test, struct st_ctx *c)
{
	struct st_duel *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, d);
	d->cb = kunit_kcalloc(test, ST_ROUNDS, sizeof(*d->cb), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, d->cb);
	for (i = 0; i < ST_ROUNDS; i++) {
		struct st_fence *f = st_fence_new(test);

		d->f[i] = &f->base;
		d->cb[i].ctx = c;
		dma_fence_add_callback(d->f[i], &d->cb[i].base, st_count);
	}

	return d;
}

static void st_duel_free(struct st_duel *d)
{
	int i;

	for (i = 0; i < ST_ROUNDS; i++) {
		dma_fence_signal(d->f[i]);
		dma_fence_put(d->f[i]);
	}
}

/* Both at once: one of them signals, each callback runs once. */
static void st_test_signal_signal(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);
	struct st_duel *d = st_duel_new(test, c);
	int i, wrong = 0;

	kunit_turns_run(test, &d->race, st_duel_signal_a, st_duel_signal_b, d);

	for (i = 0; i < ST_ROUNDS; i++)
		wrong += d->cb[i].calls != 1;
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, d->won[0] + d->won[1], ST_ROUNDS);
	st_duel_free(d);
	dma_fence_put(&c->f->base);
}

/* Readers */

static int st_error(int round)
{
	return -(round % MAX_ERRNO) - 1;
}

static void st_read_signal(void *arg)
{
	struct st_duel *d = arg;
	int i;

	for (i = 0; i < ST_ROUNDS; i++) {
		kunit_turns_reach(&d->race, i + 1);
		if (!kunit_turns_await_echo(&d->race, i + 1))
			return;
		dma_fence_set_error(d->f[i], st_error(i));
		dma_fence_signal_timestamp(d->f[i], ns_to_ktime(i + 1));
	}
}

/* Looks so often that it sees the very first moment. Zero if it timed out. */
static unsigned long st_poll_signaled(struct dma_fence *f)
{
	u64 end = kunit_turns_time() + KUNIT_TURNS_TIMEOUT;
	unsigned long flags;
	int i;

	do {
		for (i = 0; i < 1000; i++) {
			/* Pairs with the release by which it is published. */
			flags = smp_load_acquire(&f->flags);
			if (flags & BIT(DMA_FENCE_FLAG_SIGNALED_BIT))
				return flags;
		}
	} while (kunit_turns_time() < end);

	return 0;
}

static void st_read_state(void *arg)
{
	struct st_duel *d = arg;
	int i;

	for (i = 0; i < ST_ROUNDS; i++) {
		struct dma_fence *f = d->f[i];
		unsigned long flags;
		ktime_t timestamp;

		if (!kunit_turns_await(&d->race, i + 1))
			return;
		kunit_turns_reach_echo(&d->race, i + 1);
		flags = st_poll_signaled(f);
		timestamp = f->timestamp;
		if (!flags) {
			WRITE_ONCE(d->race.timed_out, true);
			return;
		}

		if (!(flags & BIT(DMA_FENCE_FLAG_TIMESTAMP_BIT)) ||
		    ktime_to_ns(timestamp) != i + 1 || f->error != st_error(i) ||
		    dma_fence_get_status(f) != st_error(i))
			d->bad++;

		/* Signaled and not dispatching: the callback has run. */
		if (!(flags & BIT(DMA_FENCE_FLAG_DISPATCHING_BIT)) &&
		    !READ_ONCE(d->cb[i].done))
			d->bad++;

		dma_fence_flush_callbacks(f);
		if (!READ_ONCE(d->cb[i].done))
			d->bad++;
	}
}

static void st_test_signaled_shows_all(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);
	struct st_duel *d = st_duel_new(test, c);

	kunit_turns_run(test, &d->race, st_read_signal, st_read_state, d);
	KUNIT_EXPECT_EQ(test, d->bad, 0);
	st_duel_free(d);
	dma_fence_put(&c->f->base);
}

/* Errors */

static void st_test_try_set_error(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	KUNIT_EXPECT_TRUE(test, dma_fence_try_set_error(&c->f->base, -EIO));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&c->f->base), 0);
	dma_fence_signal(&c->f->base);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&c->f->base), -EIO);
	KUNIT_EXPECT_FALSE(test, dma_fence_try_set_error(&c->f->base, -ETIME));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&c->f->base), -EIO);
	dma_fence_put(&c->f->base);
}

/*
 * The window between the end of the lock section, in which the state is published
 * and the callbacks are taken off, and the first callback: the tracepoint is in
 * there.
 */

static void st_probe(void *data, struct dma_fence *fence)
{
	struct st_ctx *c = data;

	if (fence != &c->f->base)
		return;
	c->lock_held = st_is_locked(&fence->lock);
	kunit_turns_reach(&c->race, 1);
	c->premature = !kunit_turns_stays_false(&c->returned);
}

static void st_probe_hold(void *data, struct dma_fence *fence)
{
	struct st_ctx *c = data;

	if (fence != &c->f->base)
		return;
	c->lock_held = st_is_locked(&fence->lock);
	kunit_turns_reach(&c->race, 1);
	kunit_turns_await(&c->race, 2);
}

static void st_run_pair_published(struct kunit *test, struct st_ctx *c,
				  void (*probe)(void *data, struct dma_fence *fence),
				  void (*other)(void *arg))
{
	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "requires tracepoints");

	KUNIT_ASSERT_EQ(test, 0, register_trace_dma_fence_signaled(probe, c));
	kunit_turns_run(test, &c->race, st_signal, other, c);
	unregister_trace_dma_fence_signaled(probe, c);
	tracepoint_synchronize_unregister();

	KUNIT_EXPECT_FALSE(test, c->lock_held);
}

static void st_add_other(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	c->ret[0] = dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_count);
	WRITE_ONCE(c->returned, true);
	kunit_turns_reach(&c->race, 2);
}

static void st_add_in_signal(struct kunit *test, void (*other)(void *arg))
{
	struct st_ctx *c = st_ctx_new(test);

	dma_fence_add_callback(&c->f->base, &c->cb[1].base, st_count);
	st_run_pair_published(test, c, st_probe_hold, other);

	KUNIT_EXPECT_EQ(test, c->ret[0], -ENOENT);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&c->cb[0].base.node));
	KUNIT_EXPECT_EQ(test, c->cb[1].calls, 1);
	dma_fence_put(&c->f->base);
}

static void st_test_add_in_signal(struct kunit *test)
{
	st_add_in_signal(test, st_add_other);
}

static void st_add_lazy_other(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	c->ret[0] = dma_fence_add_callback_lazy(&c->f->base, &c->cb[0].base,
						st_count);
	WRITE_ONCE(c->returned, true);
	kunit_turns_reach(&c->race, 2);
}

static void st_test_add_lazy_in_signal(struct kunit *test)
{
	st_add_in_signal(test, st_add_lazy_other);
}

static void st_test_remove_in_signal(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_count);
	dma_fence_add_callback(&c->f->base, &c->cb[1].base, st_count);
	st_run_pair_published(test, c, st_probe, st_remove_other);

	KUNIT_EXPECT_FALSE_MSG(test, c->premature, "returned ahead of its callback");
	KUNIT_EXPECT_FALSE(test, c->ret[0]);
	KUNIT_EXPECT_TRUE(test, c->verdict);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, c->cb[1].calls, 1);
	dma_fence_put(&c->f->base);
}

static void st_set_error_other(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	c->verdict = dma_fence_try_set_error(&c->f->base, -EIO);
	WRITE_ONCE(c->returned, true);
	kunit_turns_reach(&c->race, 2);
}

static void st_test_set_error_in_signal(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	st_run_pair_published(test, c, st_probe_hold, st_set_error_other);

	KUNIT_EXPECT_FALSE(test, c->verdict);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&c->f->base), 1);
	dma_fence_put(&c->f->base);
}

static void st_signal_other(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	dma_fence_signal(&c->f->base);
	WRITE_ONCE(c->returned, true);
	kunit_turns_reach(&c->race, 2);
}

/* The fence lock is held, as by a signaler that is about to publish the state. */

static void st_hold_lock(void *arg)
{
	struct st_ctx *c = arg;
	unsigned long flags;

	spin_lock_irqsave(&c->f->base.lock, flags);
	kunit_turns_reach(&c->race, 1);
	c->premature = !kunit_turns_stays_false(&c->returned);
	spin_unlock_irqrestore(&c->f->base.lock, flags);
}

/* What looks at the state and then changes something waits for the lock. */
static void st_test_change_takes_lock(struct kunit *test)
{
	static void (* const other[])(void *arg) = {
		st_add_other, st_add_lazy_other, st_remove_other, st_set_error_other,
		st_signal_other,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(other); i++) {
		struct st_ctx *c = st_ctx_new(test);

		if (other[i] == st_remove_other)
			dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_count);
		kunit_turns_run(test, &c->race, st_hold_lock, other[i], c);

		KUNIT_EXPECT_TRUE(test, c->returned);
		KUNIT_EXPECT_FALSE_MSG(test, c->premature, "case %d took no lock", i);
		dma_fence_signal(&c->f->base);
		dma_fence_put(&c->f->base);
	}
}

static void st_hold_lock_for_reader(void *arg)
{
	struct st_ctx *c = arg;
	unsigned long flags;

	spin_lock_irqsave(&c->f->base.lock, flags);
	kunit_turns_reach(&c->race, 1);
	kunit_turns_await(&c->race, 2);
	spin_unlock_irqrestore(&c->f->base.lock, flags);
}

static void st_read_other(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	/* The other CPU keeps the lock until this is through. */
	c->ret[0] = dma_fence_get_status(&c->f->base);
	c->verdict = dma_fence_is_signaled(&c->f->base);
	kunit_turns_reach(&c->race, 2);
}

static void st_test_read_without_lock(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	kunit_turns_run(test, &c->race, st_hold_lock_for_reader, st_read_other, c);

	KUNIT_EXPECT_EQ(test, c->ret[0], 0);
	KUNIT_EXPECT_FALSE(test, c->verdict);
	dma_fence_signal(&c->f->base);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&c->f->base), 1);
	dma_fence_put(&c->f->base);
}

/* Adding, with the callbacks running on the other CPU, and after */
static void st_test_add_in_dispatch(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	dma_fence_add_callback(&c->f->base, &c->cb[1].base, st_hold);
	kunit_turns_run(test, &c->race, st_signal, st_add_other, c);

	KUNIT_EXPECT_EQ(test, c->ret[0], -ENOENT);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 0);
	KUNIT_EXPECT_EQ(test, c->cb[1].calls, 1);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			dma_fence_add_callback(&c->f->base, &c->cb[2].base, st_count));
	KUNIT_EXPECT_TRUE(test, list_empty(&c->cb[2].base.node));
	dma_fence_put(&c->f->base);
}

/* Enabling */

static bool st_enable_hold(struct st_fence *f)
{
	struct st_ctx *c = f->priv;

	c->seen++;
	kunit_turns_reach(&c->race, 1);
	kunit_turns_await(&c->race, 2);
	return c->op_result;
}

static void st_add_first(void *arg)
{
	struct st_ctx *c = arg;

	c->ret[1] = dma_fence_add_callback(&c->f->base, &c->cb[1].base, st_count);
}

/* One CPU is inside enable_signaling, another one does not wait for it. */
static void st_test_add_in_enable(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	c->f->enable = st_enable_hold;
	c->op_result = true;
	kunit_turns_run(test, &c->race, st_add_first, st_add_other, c);

	KUNIT_EXPECT_EQ(test, c->seen, 1);
	KUNIT_EXPECT_EQ(test, c->ret[0], 0);
	KUNIT_EXPECT_EQ(test, c->ret[1], 0);
	KUNIT_EXPECT_EQ(test, c->ncalls, 0);
	dma_fence_signal(&c->f->base);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, c->cb[1].calls, 1);
	dma_fence_put(&c->f->base);
}

/* ... and if it says that the fence is done, the other's callback runs. */
static void st_test_add_in_enable_false(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	c->f->enable = st_enable_hold;
	c->op_result = false;
	kunit_turns_run(test, &c->race, st_add_first, st_add_other, c);

	KUNIT_EXPECT_EQ(test, c->ret[0], 0);
	KUNIT_EXPECT_EQ(test, c->ret[1], -ENOENT);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, c->cb[1].calls, 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&c->f->base));
	dma_fence_put(&c->f->base);
}

static bool st_enable_signals(struct st_fence *f)
{
	struct st_ctx *c = f->priv;

	dma_fence_signal(&f->base);
	return c->op_result;
}

static void st_test_enable_signals(struct kunit *test)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct st_ctx *c = st_ctx_new(test);

		c->f->enable = st_enable_signals;
		c->op_result = i;
		KUNIT_EXPECT_EQ(test, -ENOENT,
				dma_fence_add_callback(&c->f->base,
						       &c->cb[0].base, st_count));
		KUNIT_EXPECT_EQ(test, c->cb[0].calls, 0);
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&c->f->base));
		dma_fence_put(&c->f->base);
	}
}

/* The fence is signaled while enable_signaling of it runs. */
static void st_test_signal_in_enable(struct kunit *test)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct st_ctx *c = st_ctx_new(test);

		c->f->enable = st_enable_hold;
		c->op_result = i;
		kunit_turns_run(test, &c->race, st_add_first, st_signal_other, c);

		KUNIT_EXPECT_EQ(test, c->ret[1], -ENOENT);
		KUNIT_EXPECT_EQ(test, c->ncalls, 0);
		dma_fence_put(&c->f->base);
	}
}

/* A driver: its list and enable_signaling under one lock, signals after it. */

static bool st_driver_enable(struct st_fence *f)
{
	struct st_ctx *c = f->priv;
	unsigned long flags;
	bool pending;

	spin_lock_irqsave(&c->lock, flags);
	/* The other CPU now comes for the lock, and finds the fence pending. */
	kunit_turns_reach(&c->race, 1);
	pending = !list_empty(&c->pending);
	spin_unlock_irqrestore(&c->lock, flags);

	/* Every other time it is done before the callback is linked. */
	if (c->op_waits)
		kunit_turns_await(&c->race, 2);

	return pending;
}

static void st_driver_interrupt(void *arg)
{
	struct st_ctx *c = arg;
	unsigned long flags;
	bool pending;

	if (!kunit_turns_await(&c->race, 1))
		return;
	spin_lock_irqsave(&c->lock, flags);
	pending = !list_empty(&c->pending);
	INIT_LIST_HEAD(&c->pending);
	spin_unlock_irqrestore(&c->lock, flags);

	if (pending)
		dma_fence_signal(&c->f->base);
	kunit_turns_reach(&c->race, 2);
}

static void st_test_enable_takes_lock(struct kunit *test)
{
	struct list_head link;
	int i;

	for (i = 0; i < 20; i++) {
		struct st_ctx *c = st_ctx_new(test);

		c->f->enable = st_driver_enable;
		c->op_waits = i & 1;
		list_add(&link, &c->pending);
		kunit_turns_run(test, &c->race, st_add_first, st_driver_interrupt, c);

		/* Either too late, or called: never neither, never both. */
		KUNIT_EXPECT_EQ(test, c->cb[1].calls, c->ret[1] ? 0 : 1);
		if (c->op_waits)
			KUNIT_EXPECT_EQ(test, c->ret[1], -ENOENT);
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&c->f->base));
		dma_fence_put(&c->f->base);
		kunit_kfree(test, c);
	}
}

/*
 * The op has not listed the fence yet, and wakes a task of higher priority on its
 * own CPU. If that comes first, it finds signaling enabled, adds its callback, and
 * would sleep while an interrupt finds nothing listed. PREEMPT_RT has that window.
 */

static bool st_enable_wake_urgent(struct st_fence *f)
{
	struct st_ctx *c = f->priv;

	complete(&c->start);
	WRITE_ONCE(c->listed, true);
	return true;
}

static void st_enable(void *arg)
{
	struct st_ctx *c = arg;

	dma_fence_enable_signaling(&c->f->base);
}

static void st_add_urgent(void *arg)
{
	struct st_ctx *c = arg;

	c->ret[0] = dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_count);
	c->premature = !READ_ONCE(c->listed);
}

static void st_test_preempted_enable(struct kunit *test)
{
	struct st_ctx *c;

	st_require_preemption(test);
	c = st_ctx_new(test);
	c->f->enable = st_enable_wake_urgent;
	st_run_urgent(test, c, st_add_urgent, st_enable);

	KUNIT_EXPECT_EQ(test, c->ret[0], 0);
	KUNIT_EXPECT_EQ_MSG(test, c->premature, IS_ENABLED(CONFIG_PREEMPT_RT),
			    "preempted before the fence was listed");
	dma_fence_signal(&c->f->base);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	dma_fence_put(&c->f->base);
}

/* Both enable at once: the op is called once. */

static bool st_enable_count(struct st_fence *f)
{
	atomic_t *calls = f->priv;

	atomic_inc(calls);
	return true;
}

static void st_duel_enable(struct st_duel *d, int side)
{
	int i;

	for (i = 0; i < ST_ROUNDS && st_duel_round(d, side, i); i++)
		dma_fence_enable_signaling(d->f[i]);
}

static void st_duel_enable_a(void *arg)
{
	st_duel_enable(arg, 0);
}

static void st_duel_enable_b(void *arg)
{
	st_duel_enable(arg, 1);
}

static void st_test_enable_enable(struct kunit *test)
{
	struct st_duel *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	atomic_t calls = ATOMIC_INIT(0);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, d);
	for (i = 0; i < ST_ROUNDS; i++) {
		struct st_fence *f = st_fence_new(test);

		f->enable = st_enable_count;
		f->priv = &calls;
		d->f[i] = &f->base;
	}
	kunit_turns_run(test, &d->race, st_duel_enable_a, st_duel_enable_b, d);

	KUNIT_EXPECT_EQ(test, atomic_read(&calls), ST_ROUNDS);
	st_duel_free(d);
}

/* The last reference */

static void st_put_in_callback(struct dma_fence *fence, struct dma_fence_cb *base)
{
	st_count(fence, base);
	dma_fence_put(fence);
}

static struct st_ctx *st_ctx_new_release(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	dma_fence_put(&c->f->base);
	c->f = st_fence_new_release(test, &c->released, &c->freed);
	c->f->priv = c;

	return c;
}

static void st_test_last_ref_in_callback(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new_release(test);

	dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_put_in_callback);
	dma_fence_add_callback(&c->f->base, &c->cb[1].base, st_count);
	rcu_read_lock();
	dma_fence_signal(&c->f->base);
	rcu_read_unlock();

	KUNIT_EXPECT_TRUE(test, c->released);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, c->cb[1].calls, 1);
	rcu_barrier();
	KUNIT_EXPECT_TRUE(test, c->freed);
}

static void st_grace_period_other(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	synchronize_rcu();
	WRITE_ONCE(c->returned, true);
}

/* No grace period passes between a callback that drops it and the last one. */
static void st_test_last_ref_outlives_dispatch(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new_release(test);

	dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_put_in_callback);
	dma_fence_add_callback(&c->f->base, &c->cb[1].base, st_linger);
	kunit_turns_run(test, &c->race, st_signal, st_grace_period_other, c);

	KUNIT_EXPECT_TRUE(test, c->released);
	KUNIT_EXPECT_FALSE_MSG(test, c->premature, "the fence could be freed");
	KUNIT_EXPECT_EQ(test, c->cb[1].calls, 1);
	rcu_barrier();
	KUNIT_EXPECT_TRUE(test, c->freed);
}

static void st_signal_rcu(void *arg)
{
	struct st_ctx *c = arg;

	/* No reference, but alive when this began. */
	rcu_read_lock();
	dma_fence_signal(&c->f->base);
	rcu_read_unlock();
}

static void st_put_other(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	dma_fence_put(&c->f->base);
	kunit_turns_reach(&c->race, 2);
}

/* The memory is on its way to be freed while the signaler still needs it. */
static void st_test_last_ref_in_dispatch(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new_release(test);

	dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_hold);
	kunit_turns_run(test, &c->race, st_signal_rcu, st_put_other, c);

	KUNIT_EXPECT_TRUE(test, c->released);
	KUNIT_EXPECT_EQ(test, c->cb[0].calls, 1);
	rcu_barrier();
	KUNIT_EXPECT_TRUE(test, c->freed);
}

/*
 * Memory of fences that is reused at once. A reader who has a stale pointer gets no
 * reference, or one to a fence that is initialized in full, and signals it under a
 * lock that nobody initializes again.
 */

#define ST_REUSES	20000
#define ST_SLOTS	4

struct st_reused {
	struct dma_fence base;
	u64 cookie;
};

struct st_reuse {
	struct kunit_turns race;
	struct kmem_cache *cache;
	struct st_reused __rcu *slot[ST_SLOTS];
	bool over;
	int got;
	int bad;
	int no_memory;
};

static struct kmem_cache *st_reuse_cache;

static bool st_reused_signaled(struct dma_fence *fence)
{
	return true;
}

static void st_reused_release(struct dma_fence *fence)
{
	kmem_cache_free(st_reuse_cache, container_of(fence, struct st_reused, base));
}

static const struct dma_fence_ops st_reused_ops = {
	.get_driver_name = st_fence_name,
	.get_timeline_name = st_fence_name,
	.signaled = st_reused_signaled,
	.release = st_reused_release,
};

static void st_reuse_issue(void *arg)
{
	struct st_reuse *r = arg;
	int i;

	kunit_turns_meet(&r->race, false, 1);
	for (i = 0; i < ST_REUSES; i++) {
		struct st_reused *old, *f = kmem_cache_alloc(r->cache, GFP_KERNEL);

		if (!f) {
			r->no_memory++;
			break;
		}
		/* What the ops read is set first: the last reference is gone. */
		WRITE_ONCE(f->cookie, i);
		dma_fence_init(&f->base, &st_reused_ops, 1, i);
		old = rcu_replace_pointer(r->slot[i % ST_SLOTS], f, true);
		if (old) {
			dma_fence_signal(&old->base);
			dma_fence_put(&old->base);
		}
	}
	WRITE_ONCE(r->over, true);
}

static void st_reuse_read(void *arg)
{
	struct st_reuse *r = arg;
	struct st_reused *stale[ST_SLOTS];
	int i;

	kunit_turns_meet(&r->race, true, 1);
	while (!READ_ONCE(r->over)) {
		/* Memory, not fences, stays for as long as this section. */
		rcu_read_lock();
		for (i = 0; i < ST_SLOTS; i++)
			stale[i] = rcu_dereference(r->slot[i]);
		for (i = 0; i < 64 * ST_SLOTS; i++) {
			struct st_reused *f = stale[i % ST_SLOTS];

			if (!f || !dma_fence_get_rcu(&f->base))
				continue;
			r->got++;
			if (f->base.seqno != READ_ONCE(f->cookie))
				r->bad++;
			/* Signals it, unless the other CPU does. */
			dma_fence_is_signaled(&f->base);
			if (!dma_fence_test_signaled_flag(&f->base))
				r->bad++;
			dma_fence_put(&f->base);
		}
		rcu_read_unlock();
	}
}

static void st_test_reuse(struct kunit *test)
{
	struct st_reuse *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	kunit_turns_require_cpus(test);
	r->cache = KMEM_CACHE(st_reused, SLAB_TYPESAFE_BY_RCU);
	KUNIT_ASSERT_NOT_NULL(test, r->cache);
	st_reuse_cache = r->cache;

	kunit_turns_run(test, &r->race, st_reuse_issue, st_reuse_read, r);

	for (i = 0; i < ST_SLOTS; i++) {
		struct st_reused *f = rcu_dereference_protected(r->slot[i], true);

		if (f) {
			dma_fence_signal(&f->base);
			dma_fence_put(&f->base);
		}
	}
	rcu_barrier();
	kmem_cache_destroy(r->cache);

	KUNIT_EXPECT_EQ(test, r->no_memory, 0);
	KUNIT_EXPECT_GT(test, r->got, 0);
	KUNIT_EXPECT_EQ(test, r->bad, 0);
}

/* Waiting */

static void st_wait_other(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	c->left = dma_fence_wait_timeout(&c->f->base, false, c->timeout);
	c->verdict = READ_ONCE(c->cb[0].done);
	WRITE_ONCE(c->returned, true);
}

static void st_wait_any_other(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	c->left = dma_fence_wait_any_timeout(c->any, 2, false, c->timeout,
					     &c->idx);
	c->verdict = READ_ONCE(c->cb[0].done);
	WRITE_ONCE(c->returned, true);
}

/* Signaled before the wait began, but the callbacks are not through. */
static void st_test_wait_in_dispatch(struct kunit *test)
{
	static const long timeouts[] = { 0, 1, HZ, MAX_SCHEDULE_TIMEOUT };
	int i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct st_ctx *c = st_ctx_new(test);

		c->timeout = timeouts[i];
		dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_linger);
		kunit_turns_run(test, &c->race, st_signal, st_wait_other, c);

		KUNIT_EXPECT_GT(test, c->left, 0);
		KUNIT_EXPECT_FALSE_MSG(test, c->premature,
				       "returned with a callback running, timeout %ld",
				       timeouts[i]);
		KUNIT_EXPECT_TRUE(test, c->verdict);
		dma_fence_put(&c->f->base);
	}
}

static void st_test_wait_any_in_dispatch(struct kunit *test)
{
	static const long timeouts[] = { 0, 1, HZ };
	int i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct st_ctx *c = st_ctx_new(test);
		struct st_fence *never = st_fence_new(test);

		c->any[0] = &never->base;
		c->any[1] = &c->f->base;
		c->timeout = timeouts[i];
		dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_linger);
		kunit_turns_run(test, &c->race, st_signal, st_wait_any_other, c);

		KUNIT_EXPECT_GT(test, c->left, 0);
		KUNIT_EXPECT_EQ(test, c->idx, 1);
		KUNIT_EXPECT_FALSE_MSG(test, c->premature,
				       "returned with a callback running, timeout %ld",
				       timeouts[i]);
		KUNIT_EXPECT_TRUE(test, c->verdict);
		KUNIT_EXPECT_TRUE(test, list_empty(&never->base.cb_list));
		dma_fence_signal(&never->base);
		dma_fence_put(&never->base);
		dma_fence_put(&c->f->base);
	}
}

/* Somebody's callback is on the list: the waiter is about to sleep, or does. */
static bool st_await_waiter(struct kunit_turns *race, struct dma_fence *f)
{
	/* Without the lock, which the waiter would be held up at. A hint is enough. */
	return kunit_turns_until(race, !data_race(list_empty_careful(&f->cb_list)));
}

static void st_signal_waiter(void *arg)
{
	struct st_ctx *c = arg;

	kunit_turns_reach(&c->race, 1);
	st_await_waiter(&c->race, &c->f->base);
	/* Behind the waiter's own: it wakes up with this one still running. */
	c->ret[0] = dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_linger);
	dma_fence_signal(&c->f->base);
}

static void st_test_wait_sleeping(struct kunit *test)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct st_ctx *c = st_ctx_new(test);
		struct st_fence *never = st_fence_new(test);

		c->any[0] = &never->base;
		c->any[1] = &c->f->base;
		c->timeout = 10 * HZ;
		kunit_turns_run(test, &c->race, st_signal_waiter,
				i ? st_wait_any_other : st_wait_other, c);

		KUNIT_EXPECT_EQ(test, c->ret[0], 0);
		KUNIT_EXPECT_GT(test, c->left, 0);
		KUNIT_EXPECT_FALSE_MSG(test, c->premature,
				       "woke up and returned with a callback running");
		KUNIT_EXPECT_TRUE(test, c->verdict);
		dma_fence_signal(&never->base);
		dma_fence_put(&never->base);
		dma_fence_put(&c->f->base);
	}
}

/* The signal lands while the wait enables signaling. */
static void st_wait_first(void *arg)
{
	struct st_ctx *c = arg;

	c->left = dma_fence_wait_timeout(&c->f->base, true, 10 * HZ);
}

static void st_test_wait_signal_in_enable(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	c->f->enable = st_enable_hold;
	c->op_result = true;
	kunit_turns_run(test, &c->race, st_wait_first, st_signal_other, c);
	KUNIT_EXPECT_GT(test, c->left, 0);
	dma_fence_put(&c->f->base);
}

/* Lands anywhere around going to sleep: no wake-up is lost. */

#define ST_SLEEPS	1000

static void st_sleep_signal(void *arg)
{
	struct st_duel *d = arg;
	int i;

	for (i = 0; i < ST_SLEEPS && st_duel_round(d, 0, i); i++) {
		u64 end;

		if (!st_await_waiter(&d->race, d->f[i]))
			return;
		/* The waiter has between nothing and 4 us for its way to sleep. */
		end = ktime_get_mono_fast_ns() + i % 64 * 64;
		while (ktime_get_mono_fast_ns() < end)
			cpu_relax();
		dma_fence_signal(d->f[i]);
	}
}

static void st_sleep_wait(void *arg)
{
	struct st_duel *d = arg;
	int i;

	for (i = 0; i < ST_SLEEPS && st_duel_round(d, 1, i); i++)
		if (dma_fence_wait_timeout(d->f[i], i & 1, 10 * HZ) <= 0)
			d->bad++;
}

static void st_test_wait_no_lost_wakeup(struct kunit *test)
{
	struct st_duel *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, d);
	for (i = 0; i < ST_ROUNDS; i++)
		d->f[i] = &st_fence_new(test)->base;
	kunit_turns_run(test, &d->race, st_sleep_signal, st_sleep_wait, d);

	KUNIT_EXPECT_EQ(test, d->bad, 0);
	st_duel_free(d);
}

static void st_test_wait_times_out(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);
	struct dma_fence *any[2] = { &c->f->base, &c->f->base };

	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_timeout(&c->f->base, false, 0));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_timeout(&c->f->base, true, 1));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_any_timeout(any, 2, false, 0, NULL));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_any_timeout(any, 2, false, 1, NULL));
	KUNIT_EXPECT_TRUE(test, list_empty(&c->f->base.cb_list));
	dma_fence_signal(&c->f->base);
	KUNIT_EXPECT_EQ(test, 1, dma_fence_wait_timeout(&c->f->base, false, 0));
	KUNIT_EXPECT_EQ(test, 7, dma_fence_wait_timeout(&c->f->base, false, 7));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_wait_any_timeout(any, 2, false, 0, NULL));
	dma_fence_put(&c->f->base);
}

static void st_wait_interruptible(void *arg)
{
	struct st_ctx *c = arg;

	allow_signal(SIGUSR1);
	WRITE_ONCE(c->task, current);
	kunit_turns_reach(&c->race, 1);
	c->left = dma_fence_wait_timeout(&c->f->base, true, 10 * HZ);
	flush_signals(current);
	/* Keeps the task for the one who sends to it. */
	kunit_turns_await(&c->race, 2);
}

static void st_interrupt(void *arg)
{
	struct st_ctx *c = arg;

	if (!kunit_turns_await(&c->race, 1))
		return;
	if (st_await_waiter(&c->race, &c->f->base))
		send_sig(SIGUSR1, c->task, 1);
	kunit_turns_reach(&c->race, 2);
}

static void st_test_wait_interrupted(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	kunit_turns_run(test, &c->race, st_wait_interruptible, st_interrupt, c);

	KUNIT_EXPECT_EQ(test, c->left, -ERESTARTSYS);
	KUNIT_EXPECT_TRUE(test, list_empty(&c->f->base.cb_list));
	dma_fence_signal(&c->f->base);
	dma_fence_put(&c->f->base);
}

/* A wait of the issuer's own that says "done" does not know of callbacks. */

static signed long st_custom_wait(struct dma_fence *fence, bool intr,
				  signed long timeout)
{
	return timeout ?: 1;
}

static const struct dma_fence_ops st_custom_wait_ops = {
	.get_driver_name = st_fence_name,
	.get_timeline_name = st_fence_name,
	.wait = st_custom_wait,
};

static void st_test_wait_custom(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);

	dma_fence_put(&c->f->base);
	c->f = __st_fence_new(test, &st_custom_wait_ops);
	c->timeout = HZ;
	dma_fence_add_callback(&c->f->base, &c->cb[0].base, st_linger);
	kunit_turns_run(test, &c->race, st_signal, st_wait_other, c);

	KUNIT_EXPECT_EQ(test, c->left, HZ);
	KUNIT_EXPECT_FALSE_MSG(test, c->premature, "returned with a callback running");
	KUNIT_EXPECT_TRUE(test, c->verdict);
	/* Later waits go to the op as well. */
	KUNIT_EXPECT_NOT_NULL(test, rcu_access_pointer(c->f->base.ops));
	dma_fence_put(&c->f->base);
}

/* Independence of the issuer */

static void st_test_ops_detached(struct kunit *test)
{
	struct st_ctx *c = st_ctx_new(test);
	struct st_ctx *r = st_ctx_new_release(test);
	const char *driver, *timeline;

	dma_fence_signal(&c->f->base);
	dma_fence_signal(&r->f->base);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(c->f->base.ops));
	KUNIT_EXPECT_NOT_NULL(test, rcu_access_pointer(r->f->base.ops));

	rcu_read_lock();
	driver = (__force const char *)dma_fence_driver_name(&c->f->base);
	timeline = (__force const char *)dma_fence_timeline_name(&r->f->base);
	rcu_read_unlock();
	/* Constants both, or else this would be a use after free. */
	KUNIT_EXPECT_STREQ(test, driver, "detached-driver");
	KUNIT_EXPECT_STREQ(test, timeline, "signaled-timeline");

	dma_fence_set_deadline(&c->f->base, ktime_get());
	dma_fence_put(&c->f->base);
	dma_fence_put(&r->f->base);
	KUNIT_EXPECT_TRUE(test, r->released);
	rcu_barrier();
	KUNIT_EXPECT_TRUE(test, r->freed);
}

static struct kunit_case st_signal_cases[] = {
	KUNIT_CASE(st_test_callback_context),
	KUNIT_CASE(st_test_enable_context),
	KUNIT_CASE(st_test_irqs_in_callback),
	KUNIT_CASE(st_test_irqs_disabled),
	KUNIT_CASE(st_test_irqs_in_interrupt),
	KUNIT_CASE(st_test_callback_order),
	KUNIT_CASE(st_test_callback_gives_up_memory),
	KUNIT_CASE(st_test_signal_from_callback),
	KUNIT_CASE(st_test_remove_pending),
	KUNIT_CASE(st_test_remove_running),
	KUNIT_CASE(st_test_remove_next),
	KUNIT_CASE(st_test_remove_in_signal),
	KUNIT_CASE(st_test_flush_idle),
	KUNIT_CASE(st_test_flush_running),
	KUNIT_CASE(st_test_preempted_dispatch),
	KUNIT_CASE(st_test_priority_inversion),
	KUNIT_CASE(st_test_woken_runs),
	KUNIT_CASE(st_test_reap),
	KUNIT_CASE(st_test_signal_does_not_wait),
	KUNIT_CASE(st_test_signal_signal),
	KUNIT_CASE(st_test_signaled_shows_all),
	KUNIT_CASE(st_test_change_takes_lock),
	KUNIT_CASE(st_test_read_without_lock),
	KUNIT_CASE(st_test_try_set_error),
	KUNIT_CASE(st_test_set_error_in_signal),
	KUNIT_CASE(st_test_add_in_signal),
	KUNIT_CASE(st_test_add_lazy_in_signal),
	KUNIT_CASE(st_test_add_in_dispatch),
	KUNIT_CASE(st_test_add_in_enable),
	KUNIT_CASE(st_test_add_in_enable_false),
	KUNIT_CASE(st_test_enable_signals),
	KUNIT_CASE(st_test_signal_in_enable),
	KUNIT_CASE(st_test_enable_takes_lock),
	KUNIT_CASE(st_test_preempted_enable),
	KUNIT_CASE(st_test_enable_enable),
	KUNIT_CASE(st_test_last_ref_in_callback),
	KUNIT_CASE(st_test_last_ref_in_dispatch),
	KUNIT_CASE(st_test_last_ref_outlives_dispatch),
	KUNIT_CASE(st_test_reuse),
	KUNIT_CASE(st_test_wait_in_dispatch),
	KUNIT_CASE(st_test_wait_any_in_dispatch),
	KUNIT_CASE(st_test_wait_sleeping),
	KUNIT_CASE(st_test_wait_signal_in_enable),
	KUNIT_CASE(st_test_wait_no_lost_wakeup),
	KUNIT_CASE(st_test_wait_times_out),
	KUNIT_CASE(st_test_wait_interrupted),
	KUNIT_CASE(st_test_wait_custom),
	KUNIT_CASE(st_test_ops_detached),
	{}
};

static struct kunit_suite st_signal_suite = {
	.name = "dma-fence-signal",
	.test_cases = st_signal_cases,
};

kunit_test_suite(st_signal_suite);

MODULE_DESCRIPTION("KUnit tests for the signaling of DMA fences");
MODULE_LICENSE("GPL");
