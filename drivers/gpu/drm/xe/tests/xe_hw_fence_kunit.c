// SPDX-License-Identifier: GPL-2.0 AND MIT
/*
 * KUnit tests for the hardware fences
 *
 * The hardware is a seqno in memory. The handler runs from its irq_work, as
 * after a real interrupt.
 */

#include <kunit/test.h>
#include <kunit/turns.h>
#include <linux/dma-fence-kunit.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/rcupdate.h>

#include "xe_device.h"
#include "xe_kunit_helpers.h"
#include "xe_pci_test.h"

struct fake;

/* What an LRC has: a context, and the seqno that the hardware writes. */
struct fake_lrc {
	struct xe_hw_fence_ctx ctx;
	u32 seqno;
};

/* What a GT has, for one engine class. */
struct fake_gt {
	struct xe_hw_fence_irq irq;
	struct fake *fake;
};

struct fake {
	struct xe_device *xe;
	struct fake_gt *gt;
	struct fake_lrc *lrc[2];

	/* The ops of the driver, behind hooks. These are cleared before. */
	struct dma_fence_ops ops;
	void (*on_enable)(void *arg);
	void (*on_enabled)(void *arg);
	void (*on_signaled)(void *arg);

	/* For the tests. */
	struct dma_fence *f[4];
	struct dma_fence_kunit_cb cb[4];
	int ret;

	struct kunit_turns race;
	bool done;
	bool early;
};

static struct fake *to_fake(struct dma_fence *fence)
{
	return container_of(to_xe_hw_fence(fence)->irq, struct fake_gt,
			    irq)->fake;
}

static bool fake_enable_signaling(struct dma_fence *fence)
{
	struct fake *fake = to_fake(fence);
	bool ret;

	dma_fence_kunit_hook(&fake->on_enable, fake);
	ret = xe_hw_fence_enable_signaling(fence);
	dma_fence_kunit_hook(&fake->on_enabled, fake);
	return ret;
}

static bool fake_signaled_op(struct dma_fence *fence)
{
	struct fake *fake = to_fake(fence);

	dma_fence_kunit_hook(&fake->on_signaled, fake);
	return xe_hw_fence_signaled(fence);
}

static struct dma_fence *fake_emit(struct fake_lrc *lrc)
{
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(&lrc->seqno);
	struct dma_fence *fence = xe_hw_fence_alloc();

	if (!IS_ERR(fence))
		xe_hw_fence_init(fence, &lrc->ctx, map);
	return fence;
}

static void fake_new_fence(struct kunit *test, int i, int queue)
{
	struct fake *fake = test->priv;
	struct dma_fence *fence = fake_emit(fake->lrc[queue]);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence);
	fake->f[i] = fence;
}

static void fake_new_fences(struct kunit *test, int n)
{
	int i;

	for (i = 0; i < n; i++)
		fake_new_fence(test, i, 0);
}

/* Have the hooks called for fence @i, which nobody uses yet. */
static void fake_intercept(struct fake *fake, int i)
{
	RCU_INIT_POINTER(fake->f[i]->ops, &fake->ops);
}

/* The hardware has got past fence @i. */
static void fake_finish(struct fake *fake, int i)
{
	struct xe_hw_fence *fence = to_xe_hw_fence(fake->f[i]);

	WRITE_ONCE(*(u32 *)fence->seqno_map.vaddr, (u32)fence->dma.seqno);
}

/*
 * Wait for the handler. Without irq_work_sync(), which can wait for a grace
 * period, and so for the other CPU when that is in an op.
 */
static void fake_settle(struct fake *fake)
{
	kunit_turns_until(&fake->race, !irq_work_is_busy(&fake->gt->irq.work));
}

static void fake_interrupt(struct fake *fake)
{
	xe_hw_fence_irq_run(&fake->gt->irq);
	fake_settle(fake);
}

static bool fake_signaled(struct fake *fake, int i)
{
	return dma_fence_test_signaled_flag(fake->f[i]);
}

static int fake_refs(struct fake *fake, int i)
{
	return kref_read(&fake->f[i]->refcount);
}

static bool fake_idle(struct fake *fake)
{
	return list_empty(&fake->gt->irq.pending);
}

static int fake_add_cb(struct fake *fake, int i, void (*hook)(void *arg))
{
	return dma_fence_kunit_add_cb(fake->f[i], &fake->cb[i],
				      &fake->gt->irq.lock, hook, fake);
}

/* The end of the LRCs, then of the GT. All fences are signaled. */
static void fake_del_lrc(struct fake *fake, int i)
{
	if (!fake->lrc[i])
		return;
	xe_hw_fence_ctx_stop(&fake->lrc[i]->ctx);
	xe_hw_fence_ctx_finish(&fake->lrc[i]->ctx);
	kfree(fake->lrc[i]);
	fake->lrc[i] = NULL;
}

static void fake_del_gt(struct fake *fake)
{
	if (!fake->gt)
		return;
	xe_hw_fence_irq_finish(&fake->gt->irq);
	kfree(fake->gt);
	fake->gt = NULL;
}

static int fake_init(struct kunit *test)
{
	struct xe_device *xe;
	struct fake *fake;
	int i;

	xe_kunit_helper_xe_device_test_init(test);
	xe = test->priv;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->xe = xe;
	test->priv = fake;

	fake->ops = xe_hw_fence_ops;
	fake->ops.enable_signaling = fake_enable_signaling;
	fake->ops.signaled = fake_signaled_op;

	fake->gt = kzalloc_obj(*fake->gt);
	KUNIT_ASSERT_NOT_NULL(test, fake->gt);
	fake->gt->fake = fake;
	xe_hw_fence_irq_init(&fake->gt->irq);

	for (i = 0; i < ARRAY_SIZE(fake->lrc); i++) {
		fake->lrc[i] = kzalloc_obj(*fake->lrc[i]);
		KUNIT_ASSERT_NOT_NULL(test, fake->lrc[i]);
		xe_hw_fence_ctx_init(&fake->lrc[i]->ctx, xe_device_get_gt(xe, 0),
				     &fake->gt->irq, "fake");
		fake->lrc[i]->seqno = XE_FENCE_INITIAL_SEQNO - 1;
	}

	return 0;
}

static void fake_exit(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	/* Nothing is left on the list, unless the test has failed. */
	for (i = 0; i < ARRAY_SIZE(fake->lrc); i++)
		if (fake->lrc[i])
			WRITE_ONCE(fake->lrc[i]->seqno,
				   fake->lrc[i]->ctx.next_seqno - 1);
	if (fake->gt)
		fake_interrupt(fake);

	for (i = 0; i < ARRAY_SIZE(fake->f); i++)
		dma_fence_put(fake->f[i]);
	for (i = 0; i < ARRAY_SIZE(fake->lrc); i++)
		fake_del_lrc(fake, i);
	fake_del_gt(fake);
}

static void test_in_order(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake_new_fences(test, 3);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
		KUNIT_EXPECT_EQ(test, fake_add_cb(fake, i, NULL), 0);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 2);
	}
	fake_interrupt(fake);

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, fake_signaled(fake, i));
		fake_finish(fake, i);
		KUNIT_EXPECT_FALSE(test, fake_signaled(fake, i));
		fake_interrupt(fake);

		KUNIT_EXPECT_TRUE(test, fake_signaled(fake, i));
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake->f[i]), 1);
		KUNIT_EXPECT_EQ(test, fake->cb[i].calls, 1);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* Two queues that finish as they like, enabled in any order. */
static void test_out_of_order(struct kunit *test)
{
	static const int order[] = { 1, 3, 0, 2 };
	struct fake *fake = test->priv;
	int i;

	for (i = 0; i < 4; i++)
		fake_new_fence(test, i, i / 2);
	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, fake_add_cb(fake, order[i], NULL), 0);

	/* The first of the first, which is behind its successor. */
	fake_finish(fake, 0);
	fake_interrupt(fake);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fake_signaled(fake, i), i == 0);

	/* All of the second. */
	fake_finish(fake, 3);
	fake_interrupt(fake);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fake_signaled(fake, i), i != 1);

	fake_finish(fake, 1);
	fake_interrupt(fake);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, fake->cb[i].calls, 1);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

static void test_wrap(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i, n;

	fake->lrc[0]->ctx.next_seqno = U32_MAX - 1;
	fake->lrc[0]->seqno = U32_MAX - 2;
	fake_new_fences(test, 4);
	KUNIT_EXPECT_EQ(test, fake->f[1]->seqno, U32_MAX);
	KUNIT_EXPECT_EQ(test, fake->f[2]->seqno, 0);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fake_add_cb(fake, i, NULL), 0);

	fake_interrupt(fake);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_FALSE(test, fake_signaled(fake, i));

	for (n = 0; n < 4; n++) {
		fake_finish(fake, n);
		fake_interrupt(fake);
		for (i = 0; i < 4; i++)
			KUNIT_EXPECT_EQ(test, fake_signaled(fake, i), i <= n);
	}
}

/* Nobody waits: no interrupt signals it, but whoever looks. */
static void test_not_enabled(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 1);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fake->f[0]));
	fake_finish(fake, 0);
	fake_interrupt(fake);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fake->f[0]));
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
}

/* The interrupt came before anybody waited, there is no second one. */
static void test_enable_finished(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 1);
	fake_finish(fake, 0);
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	fake_settle(fake);

	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* As xe_sched_job_set_error() does it, for a job that does not finish. */
static void test_set_error(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake_new_fences(test, 3);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);

	/* Pending, or not yet. */
	KUNIT_EXPECT_TRUE(test, dma_fence_try_set_error(fake->f[0], -ECANCELED));
	fake_interrupt(fake);
	KUNIT_EXPECT_TRUE(test, dma_fence_try_set_error(fake->f[1], -ECANCELED));
	dma_fence_enable_signaling(fake->f[1]);
	fake_settle(fake);

	/* Too late, or not at all. */
	KUNIT_EXPECT_FALSE(test, dma_fence_try_set_error(fake->f[0], -EIO));
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 2));

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake->f[i]), -ECANCELED);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_EQ(test, fake->cb[0].error, -ECANCELED);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * One CPU sets an error, another one signals. Whoever wins, both know it, and
 * so does the callback.
 */
#define FAKE_ERROR_LOOPS 1000

static void set_errors(void *arg)
{
	struct fake *fake = arg;
	struct dma_fence_kunit_cb *cb = &fake->cb[0];
	struct dma_fence *fence;
	bool set;
	int n;

	for (n = 1; n <= FAKE_ERROR_LOOPS; n++) {
		fence = fake_emit(fake->lrc[0]);
		if (IS_ERR(fence)) {
			fake->ret = PTR_ERR(fence);
			WRITE_ONCE(fake->race.timed_out, true);
			return;
		}
		fake->f[0] = fence;
		dma_fence_add_callback_lazy(fence, &cb->base,
					    dma_fence_kunit_called);
		kunit_turns_reach(&fake->race, n);
		set = dma_fence_try_set_error(fence, -ECANCELED);
		kunit_turns_await_echo(&fake->race, n);

		if (cb->calls != n || cb->error != (set ? -ECANCELED : 0) ||
		    dma_fence_get_status(fence) != (set ? -ECANCELED : 1))
			fake->ret++;
		fake->f[0] = NULL;
		dma_fence_put(fence);
	}
}

static void signal_by_looks(void *arg)
{
	struct fake *fake = arg;
	int n;

	for (n = 1; n <= FAKE_ERROR_LOOPS; n++) {
		if (!kunit_turns_await(&fake->race, n))
			return;
		fake_finish(fake, 0);
		dma_fence_is_signaled(fake->f[0]);
		kunit_turns_reach_echo(&fake->race, n);
	}
}

static void test_set_error_race(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	kunit_turns_run(test, &fake->race, set_errors, signal_by_looks, fake);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
}

/* Callbacks may do to other fences of the queue what they like. */
static void use_queue(void *arg)
{
	struct fake *fake = arg;

	/* It would not come back from that. */
	if (fake->cb[0].locked)
		return;
	fake->ret = fake_add_cb(fake, 1, NULL) ?:
		    fake_add_cb(fake, 2, NULL);
}

static void test_callback_uses_queue(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 3);
	fake->ret = -EDEADLK;
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, use_queue), 0);
	/* The second has finished, too, so enabling it kicks the handler. */
	fake_finish(fake, 1);
	fake_interrupt(fake);
	fake_interrupt(fake);

	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	KUNIT_EXPECT_FALSE(test, fake->cb[0].locked);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[2].calls, 0);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 2), 2);

	fake_finish(fake, 2);
	fake_interrupt(fake);
	KUNIT_EXPECT_EQ(test, fake->cb[2].calls, 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

static void enable_first(void *arg)
{
	struct fake *fake = arg;

	fake->ret = fake_add_cb(fake, 0, NULL);
}

static void stop_in_op(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_reach(&fake->race, 1);
	kunit_turns_await(&fake->race, 2);
}

/* One CPU is in @a, calls @stop at @hook of the fence, the other one runs @b. */
static void op_race(struct kunit *test, void (**hook)(void *arg),
		    void (*stop)(void *arg), void (*a)(void *arg),
		    void (*b)(void *arg))
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 1);
	fake_intercept(fake, 0);
	*hook = stop;
	kunit_turns_run(test, &fake->race, a, b, fake);
}

/* However the race went: signaled, called if added, off the list, not leaked. */
static void enable_race(struct kunit *test, void (**hook)(void *arg),
			void (*stop)(void *arg), void (*other)(void *arg))
{
	struct fake *fake = test->priv;

	op_race(test, hook, stop, enable_first, other);
	fake_settle(fake);

	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, fake->ret ? 0 : 1);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * The handler has found nothing and holds its lock, enable_signaling waits for
 * that, and the fence finishes. The interrupt of that was the last.
 */
static void hold_lock(void *arg)
{
	struct fake *fake = arg;
	struct xe_hw_fence_irq *irq = &fake->gt->irq;

	spin_lock_irq(&irq->lock);
	kunit_turns_reach(&fake->race, 1);
	kunit_turns_await(&fake->race, 2);
	/* Time for the other CPU to get to the lock. */
	kunit_turns_stays_false(&fake->done);
	fake_finish(fake, 0);
	spin_unlock_irq(&irq->lock);
}

static void before_lock(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	kunit_turns_reach(&fake->race, 2);
}

static void test_enable_looks_late(struct kunit *test)
{
	struct fake *fake = test->priv;

	enable_race(test, &fake->on_enable, before_lock, hold_lock);
}

/* The fence finishes, and the handler runs, when the op is about to start. */
static void finish_and_handle(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake_finish(fake, 0);
	fake_interrupt(fake);
	kunit_turns_reach(&fake->race, 2);
}

static void test_handled_then_enable(struct kunit *test)
{
	struct fake *fake = test->priv;

	enable_race(test, &fake->on_enable, stop_in_op, finish_and_handle);
}

/* The same when the op has returned, and the callback is not yet added. */
static void test_enable_then_handled(struct kunit *test)
{
	struct fake *fake = test->priv;

	enable_race(test, &fake->on_enabled, stop_in_op, finish_and_handle);
	KUNIT_EXPECT_EQ(test, fake->ret, -ENOENT);
}

/* Somebody looks and signals it, when the op is about to start. */
static void finish_and_look(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake_finish(fake, 0);
	dma_fence_is_signaled(fake->f[0]);
	kunit_turns_reach(&fake->race, 2);
}

static void test_signaled_then_enable(struct kunit *test)
{
	struct fake *fake = test->priv;

	enable_race(test, &fake->on_enable, stop_in_op, finish_and_look);
	KUNIT_EXPECT_EQ(test, fake->ret, -ENOENT);
}

/* The same when the op has returned: the fence is signaled and on the list. */
static void test_enable_then_signaled(struct kunit *test)
{
	struct fake *fake = test->priv;

	op_race(test, &fake->on_enabled, stop_in_op, enable_first, finish_and_look);

	/* The interrupt of that is still to come. */
	KUNIT_EXPECT_EQ(test, fake->ret, -ENOENT);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 2);
	fake_interrupt(fake);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 0);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * The handler has taken all fences off the list and is in a callback of the
 * first. The others are not signaled, and not on the list.
 */
static void handle_all(void *arg)
{
	struct fake *fake = arg;

	fake_finish(fake, 3);
	fake_interrupt(fake);
}

static void use_taken(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake->ret = fake_add_cb(fake, 1, NULL);
	if (!dma_fence_is_signaled(fake->f[2]))
		fake->ret = -EBUSY;
	if (!dma_fence_try_set_error(fake->f[3], -ECANCELED))
		fake->ret = -EINVAL;
	kunit_turns_reach(&fake->race, 2);
}

static void test_taken(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 4);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, stop_in_op), 0);
	for (i = 1; i < 4; i++)
		dma_fence_enable_signaling(fake->f[i]);
	kunit_turns_run(test, &fake->race, handle_all, use_taken, fake);

	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake->f[i]),
				i == 3 ? -ECANCELED : 1);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* The GT goes with fences pending: that is a bug, but nobody waits for ever. */
static void test_finish_pending(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake_new_fences(test, 3);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, fake_add_cb(fake, i, NULL), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_try_set_error(fake->f[1], -EIO));

	kunit_warning_suppress(test) {
		xe_hw_fence_irq_finish(&fake->gt->irq);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake->f[i]),
				i == 1 ? -EIO : 1);
		KUNIT_EXPECT_EQ(test, fake->cb[i].calls, 1);
		KUNIT_EXPECT_FALSE(test, fake->cb[i].locked);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_EQ(test, fake->cb[1].error, -EIO);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * One CPU is about to enter the op for a fence that another one signals, which
 * then deletes the GT. The op links the fence and kicks the handler.
 */
static void watch_other(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_reach(&fake->race, 1);
	/* The other one is about to wait for us. */
	kunit_turns_await(&fake->race, 2);
	if (!kunit_turns_stays_false(&fake->done))
		WRITE_ONCE(fake->early, true);
}

static void signal_and_del_gt(void *arg)
{
	struct fake *fake = arg;
	struct xe_hw_fence_irq *irq = &fake->gt->irq;

	kunit_turns_await(&fake->race, 1);
	fake_finish(fake, 0);
	dma_fence_is_signaled(fake->f[0]);
	kunit_turns_reach(&fake->race, 2);

	/* Expedited while booting, it can end before the handler has run. */
	xe_hw_fence_irq_finish(irq);
	WRITE_ONCE(fake->done, true);

	/* After that it can be freed, and the fence is not leaked. */
	if (irq_work_is_busy(&irq->work) || !fake_idle(fake) ||
	    fake_refs(fake, 0) != 1)
		fake->early = true;
}

static void test_finish_waits(struct kunit *test)
{
	struct fake *fake = test->priv;

	op_race(test, &fake->on_enable, watch_other, enable_first, signal_and_del_gt);

	KUNIT_EXPECT_FALSE(test, fake->early);
	KUNIT_EXPECT_EQ(test, fake->ret, -ENOENT);
}

/* One CPU is about to read the seqno of a fence, when its LRC goes. */
static void look(void *arg)
{
	struct fake *fake = arg;

	dma_fence_is_signaled(fake->f[0]);
}

static void signal_and_del_lrc(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake_finish(fake, 0);
	dma_fence_is_signaled(fake->f[0]);
	kunit_turns_reach(&fake->race, 2);
	fake_del_lrc(fake, 0);
	WRITE_ONCE(fake->done, true);
}

static void test_lrc_waits(struct kunit *test)
{
	struct fake *fake = test->priv;

	op_race(test, &fake->on_signaled, watch_other, look, signal_and_del_lrc);

	KUNIT_EXPECT_FALSE(test, fake->early);
}

/*
 * LRCs that go together wait for one grace period, and those that never had a
 * fence for none: they do not wait for a reader that comes later.
 */
static void read_late(void *arg)
{
	struct fake *fake = arg;

	rcu_read_lock();
	kunit_turns_reach(&fake->race, 1);
	kunit_turns_await(&fake->race, 2);
	rcu_read_unlock();
}

static void finish_others(void *arg)
{
	struct fake *fake = arg;
	struct xe_hw_fence_ctx unused;

	kunit_turns_await(&fake->race, 1);
	xe_hw_fence_ctx_finish(&fake->lrc[1]->ctx);
	xe_hw_fence_ctx_init(&unused, fake->lrc[0]->ctx.gt, &fake->gt->irq, "");
	xe_hw_fence_ctx_finish(&unused);
	kunit_turns_reach(&fake->race, 2);
}

static void test_lrcs_wait_once(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	kunit_turns_require_cpus(test);
	for (i = 0; i < 2; i++) {
		fake_new_fence(test, i, i);
		fake_finish(fake, i);
		KUNIT_ASSERT_TRUE(test, dma_fence_is_signaled(fake->f[i]));
	}
	/* The last one to be stopped waits longest. */
	xe_hw_fence_ctx_stop(&fake->lrc[1]->ctx);
	xe_hw_fence_ctx_stop(&fake->lrc[0]->ctx);
	xe_hw_fence_ctx_finish(&fake->lrc[0]->ctx);
	kunit_turns_run(test, &fake->race, read_late, finish_others, fake);
}

static void test_outlives(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct dma_fence *fence;
	int i;

	fake_new_fences(test, 3);
	rcu_read_lock();
	fence = fake->f[0];
	KUNIT_EXPECT_STREQ(test, dma_fence_kunit_name(dma_fence_driver_name(fence)),
			   dev_name(fake->xe->drm.dev));
	KUNIT_EXPECT_STREQ(test, dma_fence_kunit_name(dma_fence_timeline_name(fence)),
			   "fake");
	rcu_read_unlock();

	/* Signaled by the handler, by a look, and with an error. */
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	fake_finish(fake, 1);
	fake_interrupt(fake);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fake->f[1]));
	KUNIT_EXPECT_TRUE(test, dma_fence_try_set_error(fake->f[2], -ECANCELED));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fake->f[2]));

	for (i = 0; i < ARRAY_SIZE(fake->lrc); i++)
		fake_del_lrc(fake, i);
	fake_del_gt(fake);
	synchronize_rcu();

	for (i = 0; i < 3; i++) {
		fence = fake->f[i];
		KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(fence->ops), NULL);
		KUNIT_ASSERT_TRUE(test, dma_fence_is_signaled(fence));
		KUNIT_EXPECT_EQ(test, fake_add_cb(fake, i, NULL), -ENOENT);
		KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, false), 0);
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence),
				i == 2 ? -ECANCELED : 1);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);

		rcu_read_lock();
		KUNIT_EXPECT_STRNEQ(test, dma_fence_kunit_name(dma_fence_driver_name(fence)),
				    "");
		KUNIT_EXPECT_STRNEQ(test, dma_fence_kunit_name(dma_fence_timeline_name(fence)),
				    "");
		rcu_read_unlock();
	}
}

/* After any sequence of calls the list has a reference to what is on it. */
static void test_random(struct kunit *test)
{
	u64 seed = get_random_u64();
	struct fake *fake = test->priv;
	struct xe_hw_fence *fence;
	struct rnd_state rnd;
	struct fake_lrc *lrc;
	int n, i, refs[4];
	bool added[4] = {};

	kunit_info(test, "seed %llu\n", seed);
	prandom_seed_state(&rnd, seed);
	for (i = 0; i < 4; i++)
		fake_new_fence(test, i, i % 2);

	for (n = 0; n < 2000; n++) {
		i = prandom_u32_state(&rnd) % 4;

		switch (prandom_u32_state(&rnd) % 8) {
		case 0:
			/* Its callback is part of the test. */
			if (added[i] && !fake->cb[i].calls)
				break;
			dma_fence_put(fake->f[i]);
			fake->f[i] = NULL;
			fake_new_fence(test, i, i % 2);
			memset(&fake->cb[i], 0, sizeof(fake->cb[i]));
			added[i] = false;
			break;
		case 1:
			dma_fence_enable_signaling(fake->f[i]);
			break;
		case 2:
			if (!added[i])
				added[i] = !fake_add_cb(fake, i, NULL);
			break;
		case 3:
		case 4:
			lrc = fake->lrc[i % 2];
			if (lrc->seqno != lrc->ctx.next_seqno - 1)
				WRITE_ONCE(lrc->seqno, lrc->seqno + 1);
			break;
		case 5:
			fake_interrupt(fake);
			break;
		case 6:
			dma_fence_is_signaled(fake->f[i]);
			break;
		case 7:
			if (prandom_u32_state(&rnd) % 4)
				break;
			dma_fence_try_set_error(fake->f[i], -ECANCELED);
			xe_hw_fence_irq_run(&fake->gt->irq);
			break;
		}
		/* Kicks are asynchronous. */
		fake_settle(fake);

		for (i = 0; i < 4; i++)
			refs[i] = 1;
		list_for_each_entry(fence, &fake->gt->irq.pending, irq_link)
			for (i = 0; i < 4; i++)
				refs[i] += fake->f[i] == &fence->dma;
		for (i = 0; i < 4; i++)
			if (fake_refs(fake, i) != refs[i] ||
			    fake->cb[i].calls !=
			    (added[i] && fake_signaled(fake, i)))
				break;
		if (i < 4) {
			KUNIT_FAIL(test, "step %d: fence %d has %d references, not %d, %d calls",
				   n, i, fake_refs(fake, i), refs[i],
				   fake->cb[i].calls);
			break;
		}
	}

	for (i = 0; i < 2; i++)
		fake->lrc[i]->seqno = fake->lrc[i]->ctx.next_seqno - 1;
	fake_interrupt(fake);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fake->f[i]));
		KUNIT_EXPECT_EQ(test, fake->cb[i].calls, added[i]);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

static struct kunit_case hw_fence_test_cases[] = {
	KUNIT_CASE(test_in_order),
	KUNIT_CASE(test_out_of_order),
	KUNIT_CASE(test_wrap),
	KUNIT_CASE(test_not_enabled),
	KUNIT_CASE(test_enable_finished),
	KUNIT_CASE(test_set_error),
	KUNIT_CASE(test_set_error_race),
	KUNIT_CASE(test_callback_uses_queue),
	KUNIT_CASE(test_enable_looks_late),
	KUNIT_CASE(test_handled_then_enable),
	KUNIT_CASE(test_enable_then_handled),
	KUNIT_CASE(test_signaled_then_enable),
	KUNIT_CASE(test_enable_then_signaled),
	KUNIT_CASE(test_taken),
	KUNIT_CASE(test_finish_pending),
	KUNIT_CASE(test_finish_waits),
	KUNIT_CASE(test_lrc_waits),
	KUNIT_CASE(test_lrcs_wait_once),
	KUNIT_CASE(test_outlives),
	KUNIT_CASE_SLOW(test_random),
	{}
};

static struct kunit_suite hw_fence_suite = {
	.name = "xe_hw_fence",
	.test_cases = hw_fence_test_cases,
	.init = fake_init,
	.exit = fake_exit,
};

kunit_test_suites(&hw_fence_suite);
