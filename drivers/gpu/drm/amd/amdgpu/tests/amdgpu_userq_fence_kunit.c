// SPDX-License-Identifier: MIT
/*
 * KUnit tests for the fences of user queues
 *
 * Included by amdgpu_userq_fence.c. The device is its seq64 memory and the
 * workqueue for hangs, the hardware is the sequence number of a queue.
 */

#include <kunit/test.h>
#include <kunit/turns.h>
#include <linux/bitmap.h>
#include <linux/dma-fence-kunit.h>
#include <linux/irq_work.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/workqueue.h>

#include "amdgpu_reset.h"

#define FAKE_QUEUES		2
#define FAKE_FENCES		4

struct fake {
	struct amdgpu_device *adev;
	struct amdgpu_reset_domain domain;
	struct amdgpu_userq_mgr mgr;
	struct amdgpu_usermode_queue queue[FAKE_QUEUES];
	u64 seq64[FAKE_QUEUES];
	/* Of the last fence that was emitted. */
	u64 seq[FAKE_QUEUES];

	/* The interrupt of a queue, and what its handler has returned. */
	struct irq_work irq[FAKE_QUEUES];
	int processed[FAKE_QUEUES];

	/* For the tests. */
	struct amdgpu_userq_fence *f[FAKE_FENCES];
	struct dma_fence_kunit_cb cb[FAKE_FENCES];
	int ret;

	struct kunit_turns race;
};

/* Give the other CPU time to get to a lock that this one holds. */
static void fake_watch(void)
{
	u64 end = kunit_turns_time() + KUNIT_TURNS_WATCH;

	while (kunit_turns_time() < end)
		cpu_relax();
}

static struct amdgpu_userq_fence_driver *fake_drv(struct fake *fake, int q)
{
	return fake->queue[q].fence_drv;
}

static struct dma_fence *fake_fence(struct fake *fake, int i)
{
	return &fake->f[i]->base;
}

static int fake_emit(struct fake *fake, int i, int q, u64 seq)
{
	struct amdgpu_userq_fence *fence;
	int ret;

	ret = amdgpu_userq_fence_alloc(&fake->queue[q], &fence);
	if (ret)
		return ret;
	amdgpu_userq_fence_init(&fake->queue[q], fence, seq);
	fake->f[i] = fence;
	fake->seq[q] = seq;
	return 0;
}

static void fake_new_fence(struct kunit *test, int i, int q)
{
	struct fake *fake = test->priv;

	KUNIT_ASSERT_EQ(test, fake_emit(fake, i, q, fake->seq[q] + 1), 0);
}

static void fake_new_fences(struct kunit *test, int n)
{
	int i;

	for (i = 0; i < n; i++)
		fake_new_fence(test, i, 0);
}

/* The hardware has got past @seq. */
static void fake_write(struct fake *fake, int q, u64 seq)
{
	WRITE_ONCE(*fake_drv(fake, q)->cpu_addr, (__force u64)cpu_to_le64(seq));
}

/* The hardware has got past fence @i. */
static void fake_finish(struct fake *fake, int i)
{
	WRITE_ONCE(*fake->f[i]->fence_drv->cpu_addr,
		   (__force u64)cpu_to_le64(fake->f[i]->base.seqno));
}

/* What the handler does for a queue. */
static int fake_process(struct fake *fake, int q)
{
	LIST_HEAD(finished);
	int ret;

	guard(dma_fence_reap)();
	ret = amdgpu_userq_fence_driver_take(fake_drv(fake, q), &finished);
	amdgpu_userq_fence_signal_list(&finished);
	return ret;
}

static void fake_irq(struct irq_work *irq)
{
	struct fake *fake = container_of(irq, struct fake, irq[0]);

	fake->processed[0] = fake_process(fake, 0);
}

static void fake_irq1(struct irq_work *irq)
{
	struct fake *fake = container_of(irq, struct fake, irq[1]);

	fake->processed[1] = fake_process(fake, 1);
}

static int fake_interrupt(struct fake *fake, int q)
{
	irq_work_queue(&fake->irq[q]);
	if (!kunit_turns_until(&fake->race, !irq_work_is_busy(&fake->irq[q])))
		return -ETIMEDOUT;
	return fake->processed[q];
}

static bool fake_signaled(struct fake *fake, int i)
{
	return dma_fence_test_signaled_flag(fake_fence(fake, i));
}

static int fake_refs(struct fake *fake, int i)
{
	return kref_read(&fake_fence(fake, i)->refcount);
}

static int fake_drv_refs(struct fake *fake, int q)
{
	return kref_read(&fake_drv(fake, q)->refcount);
}

static bool fake_idle(struct fake *fake, int q)
{
	return list_empty(&fake_drv(fake, q)->fences);
}

/* How many fence drivers have their memory. */
static int fake_slots(struct fake *fake)
{
	return bitmap_weight(fake->adev->seq64.used, fake->adev->seq64.num_sem);
}

static int fake_add_cb(struct fake *fake, int i, void (*hook)(void *arg))
{
	return dma_fence_kunit_add_cb(fake_fence(fake, i), &fake->cb[i],
				      &fake->f[i]->fence_drv->fence_list_lock,
				      hook, fake);
}

static void fake_put(struct fake *fake, int i)
{
	if (fake->f[i])
		dma_fence_put(fake_fence(fake, i));
	fake->f[i] = NULL;
}

/* The end of a queue, as amdgpu_userq_destroy() does it. */
static void fake_del(struct fake *fake, int q)
{
	if (!fake_drv(fake, q))
		return;
	cancel_delayed_work_sync(&fake->queue[q].hang_detect_work);
	amdgpu_userq_fence_driver_free(&fake->queue[q]);
	fake->queue[q].fence_drv = NULL;
}

static void fake_hang(struct work_struct *work)
{
}

static int fake_init(struct kunit *test)
{
	struct amdgpu_usermode_queue *queue;
	struct amdgpu_device *adev;
	struct fake *fake;
	int q;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	adev = kunit_kzalloc(test, sizeof(*adev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, adev);
	test->priv = fake;

	fake->adev = adev;
	fake->mgr.adev = adev;
	fake->domain.wq = system_percpu_wq;
	adev->reset_domain = &fake->domain;
	adev->gfx_timeout = 1000 * HZ;
	adev->vm_manager.max_pfn = BIT_ULL(36);
	adev->seq64.num_sem = FAKE_QUEUES;
	adev->seq64.cpu_base_addr = fake->seq64;
	fake->irq[0] = IRQ_WORK_INIT_HARD(fake_irq);
	fake->irq[1] = IRQ_WORK_INIT_HARD(fake_irq1);

	for (q = 0; q < FAKE_QUEUES; q++) {
		queue = &fake->queue[q];
		queue->queue_type = AMDGPU_RING_TYPE_GFX;
		queue->userq_mgr = &fake->mgr;
		mutex_init(&queue->fence_drv_lock);
		xa_init_flags(&queue->fence_drv_xa, XA_FLAGS_ALLOC);
		INIT_DELAYED_WORK(&queue->hang_detect_work, fake_hang);
		KUNIT_ASSERT_EQ(test,
				amdgpu_userq_fence_driver_alloc(adev, &queue->fence_drv),
				0);
	}
	return 0;
}

static void fake_exit(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i, q;

	if (!fake)
		return;

	for (i = 0; i < FAKE_FENCES; i++)
		fake_put(fake, i);
	for (q = 0; q < FAKE_QUEUES; q++)
		fake_del(fake, q);

	/* Whatever the test has left on the lists, all is freed now. */
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, fake_slots(fake), 0);
	KUNIT_EXPECT_FALSE(test, fake->race.timed_out);
}

static void test_in_order(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake_new_fences(test, 3);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&fake->queue[0].hang_detect_work));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, fake_add_cb(fake, i, NULL), 0);
		/* Ours, of the list, and of the queue for the last one. */
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), i == 2 ? 3 : 2);
	}
	KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, 0), 4);
	KUNIT_EXPECT_EQ(test, fake_interrupt(fake, 0), -ENOENT);

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, fake_signaled(fake, i));
		fake_finish(fake, i);
		KUNIT_EXPECT_EQ(test, fake_interrupt(fake, 0), i == 2 ? 0 : 1);

		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake_fence(fake, i)), 1);
		KUNIT_EXPECT_EQ(test, fake->cb[i].calls, 1);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), i == 2 ? 2 : 1);
	}
	KUNIT_EXPECT_TRUE(test, fake_idle(fake, 0));
}

/* Two queues that finish as they like, several fences at once. */
static void test_out_of_order(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	for (i = 0; i < 4; i++) {
		fake_new_fence(test, i, i % 2);
		KUNIT_EXPECT_EQ(test, fake_add_cb(fake, i, NULL), 0);
	}

	fake_finish(fake, 3);
	KUNIT_EXPECT_EQ(test, fake_interrupt(fake, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, fake_interrupt(fake, 1), 0);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fake->cb[i].calls, i % 2);

	fake_finish(fake, 2);
	KUNIT_EXPECT_EQ(test, fake_interrupt(fake, 0), 0);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fake->cb[i].calls, 1);
}

/* Sequence numbers have 64 bits and do not wrap. */
static void test_seq64(struct kunit *test)
{
	static const u64 seq[] = { U32_MAX, 1ULL << 32, S64_MAX, 1ULL << 63 };
	struct fake *fake = test->priv;
	int i, n;

	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, fake_emit(fake, i, 0, seq[i]), 0);
	for (n = 0; n < 4; n++) {
		fake_write(fake, 0, seq[n] - 1);
		fake_interrupt(fake, 0);
		KUNIT_EXPECT_FALSE(test, fake_signaled(fake, n));
		fake_write(fake, 0, seq[n]);
		fake_interrupt(fake, 0);
		for (i = 0; i < 4; i++)
			KUNIT_EXPECT_EQ(test, fake_signaled(fake, i), i <= n);
	}
}

/* The hardware was faster. */
static void test_emit_finished(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_write(fake, 0, 1);
	fake_new_fences(test, 1);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 0, NULL), -ENOENT);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 2);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake, 0));
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&fake->queue[0].hang_detect_work));
}

/* Whoever looks signals it, the interrupt takes it off the list. */
static void test_look(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 1);
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fake_fence(fake, 0)));
	fake_finish(fake, 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fake_fence(fake, 0)));
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 3);

	KUNIT_EXPECT_EQ(test, fake_interrupt(fake, 0), 0);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 2);
}

static void test_force_completion(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake_new_fences(test, 3);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, fake_add_cb(fake, i, NULL), 0);
	amdgpu_userq_fence_driver_force_completion(&fake->queue[0]);

	/* The error is that of the last one. */
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake_fence(fake, i)),
				i == 2 ? -ECANCELED : 1);
		KUNIT_EXPECT_EQ(test, fake->cb[i].calls, 1);
		KUNIT_EXPECT_FALSE(test, fake->cb[i].locked);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), i == 2 ? 2 : 1);
	}
	KUNIT_EXPECT_EQ(test, fake->cb[2].error, -ECANCELED);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake, 0));
	KUNIT_EXPECT_FALSE(test, dma_fence_try_set_error(fake_fence(fake, 0), -EIO));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake_fence(fake, 0)), 1);
}

/* What has finished is a success, whoever is first to see it. */
static void test_force_keeps_success(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 1);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	fake_finish(fake, 0);
	amdgpu_userq_fence_driver_force_completion(&fake->queue[0]);

	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake_fence(fake, 0)), 1);
	KUNIT_EXPECT_EQ(test, fake->cb[0].error, 0);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);

	/* Nor is it one when it is already signaled. */
	amdgpu_userq_fence_driver_force_completion(&fake->queue[0]);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake_fence(fake, 0)), 1);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 2);

	/* The sequence number does not go back. */
	fake_write(fake, 0, 7);
	amdgpu_userq_fence_driver_force_completion(&fake->queue[0]);
	KUNIT_EXPECT_EQ(test, amdgpu_userq_fence_read(fake_drv(fake, 0)), 7);
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
		if (fake_emit(fake, 0, 0, n)) {
			WRITE_ONCE(fake->race.timed_out, true);
			return;
		}
		fence = fake_fence(fake, 0);
		fake_add_cb(fake, 0, NULL);
		kunit_turns_reach(&fake->race, n);
		set = dma_fence_try_set_error(fence, -ECANCELED);
		kunit_turns_await_echo(&fake->race, n);

		if (cb->calls != n || cb->error != (set ? -ECANCELED : 0) ||
		    dma_fence_get_status(fence) != (set ? -ECANCELED : 1))
			fake->ret++;
		fake_put(fake, 0);
	}
}

static void process_all(void *arg)
{
	struct fake *fake = arg;
	int n;

	for (n = 1; n <= FAKE_ERROR_LOOPS; n++) {
		if (!kunit_turns_await(&fake->race, n))
			return;
		fake_write(fake, 0, n);
		amdgpu_userq_fence_driver_process(fake_drv(fake, 0));
		kunit_turns_reach_echo(&fake->race, n);
	}
}

static void test_set_error_race(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	kunit_turns_run(test, &fake->race, set_errors, process_all, fake);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
}

/* Callbacks may do to the queue and its other fences what they like. */
static void use_queue(void *arg)
{
	struct fake *fake = arg;

	/* It would not come back from that. */
	if (fake->cb[0].locked)
		return;
	fake->ret = fake_add_cb(fake, 1, NULL);
	if (fake_process(fake, 0) != -ENOENT)
		fake->ret = -EBUSY;
	amdgpu_userq_fence_init(&fake->queue[0], fake->f[3], 4);
	/* Its own, and one that is then the last but that of the list. */
	fake_put(fake, 0);
	fake_put(fake, 2);
}

static void test_callback_uses_queue(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 3);
	KUNIT_ASSERT_EQ(test, amdgpu_userq_fence_alloc(&fake->queue[0],
						       &fake->f[3]), 0);
	fake->ret = -EDEADLK;
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, use_queue), 0);
	fake_finish(fake, 0);
	KUNIT_EXPECT_EQ(test, fake_interrupt(fake, 0), 1);

	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_FALSE(test, fake->cb[0].locked);
	KUNIT_ASSERT_EQ(test, fake->ret, 0);
	rcu_barrier();
	/* The queue's, and those of three fences that are still pending. */
	KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, 0), 4);

	fake_write(fake, 0, 3);
	KUNIT_EXPECT_EQ(test, fake_interrupt(fake, 0), 1);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 3));
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, 0), 3);

	fake_write(fake, 0, 4);
	KUNIT_EXPECT_EQ(test, fake_interrupt(fake, 0), 0);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 3));
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 3), 2);
}

/*
 * The handler has found nothing and holds the lock, emit waits for that, and
 * the fence finishes. The interrupt of that was the last.
 */
static void emit(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	kunit_turns_reach(&fake->race, 2);
	fake->ret = fake_emit(fake, 0, 0, 1);
}

static void hold_lock(void *arg)
{
	struct fake *fake = arg;
	struct amdgpu_userq_fence_driver *drv = fake_drv(fake, 0);

	spin_lock_irq(&drv->fence_list_lock);
	kunit_turns_reach(&fake->race, 1);
	kunit_turns_await(&fake->race, 2);
	fake_watch();
	fake_write(fake, 0, 1);
	spin_unlock_irq(&drv->fence_list_lock);
}

/* However the race went: signaled, off the list, not leaked. */
static void emit_race(struct kunit *test, void (*other)(void *arg), int status)
{
	struct fake *fake = test->priv;

	kunit_turns_run(test, &fake->race, emit, other, fake);

	KUNIT_ASSERT_EQ(test, fake->ret, 0);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake_fence(fake, 0)), status);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake, 0));
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 2);
}

static void test_emit_looks_late(struct kunit *test)
{
	emit_race(test, hold_lock, 1);
}

/*
 * The queue is reset when the fence is known to it and not on the list. The
 * lock is held up to the look at the list, so that emit stops before it.
 */
static void force_while_emitting(void *arg)
{
	struct fake *fake = arg;
	struct amdgpu_userq_fence_driver *drv = fake_drv(fake, 0);
	struct dma_fence *last;

	spin_lock_irq(&drv->fence_list_lock);
	kunit_turns_reach(&fake->race, 1);
	if (kunit_turns_until(&fake->race,
			      READ_ONCE(fake->queue[0].last_fence))) {
		last = fake->queue[0].last_fence;
		fake_watch();
		dma_fence_try_set_error(last, -ECANCELED);
		amdgpu_userq_fence_write(drv, last->seqno);
	}
	spin_unlock_irq(&drv->fence_list_lock);
	amdgpu_userq_fence_driver_process(drv);
}

static void test_force_while_emitting(struct kunit *test)
{
	emit_race(test, force_while_emitting, -ECANCELED);
}

/*
 * The handler has taken all fences off the list and is in a callback of the
 * first. The others are not signaled, and not on the list.
 */
static void in_first(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_reach(&fake->race, 1);
	kunit_turns_await(&fake->race, 2);
}

static void handle(void *arg)
{
	struct fake *fake = arg;

	fake_interrupt(fake, 0);
}

static void use_taken(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake->ret = fake_add_cb(fake, 1, NULL);
	if (!dma_fence_is_signaled(fake_fence(fake, 2)))
		fake->ret = -EBUSY;
	if (!dma_fence_try_set_error(fake_fence(fake, 3), -ECANCELED))
		fake->ret = -EINVAL;
	if (fake_process(fake, 0) != -ENOENT)
		fake->ret = -EEXIST;
	kunit_turns_reach(&fake->race, 2);
}

static void test_taken(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 4);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, in_first), 0);
	fake_finish(fake, 3);
	kunit_turns_run(test, &fake->race, handle, use_taken, fake);

	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake_fence(fake, i)),
				i == 3 ? -ECANCELED : 1);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), i == 3 ? 2 : 1);
	}
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->processed[0], 0);
}

/* The same, and the other CPU emits. */
static void emit_second(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake->ret = fake_emit(fake, 1, 0, 2);
	kunit_turns_reach(&fake->race, 2);
}

static void test_emit_while_signaling(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 1);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, in_first), 0);
	fake_finish(fake, 0);
	kunit_turns_run(test, &fake->race, handle, emit_second, fake);

	KUNIT_ASSERT_EQ(test, fake->ret, 0);
	/* None was when the first was taken. */
	KUNIT_EXPECT_EQ(test, fake->processed[0], 0);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 1));
	fake_finish(fake, 1);
	KUNIT_EXPECT_EQ(test, fake_interrupt(fake, 0), 0);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 1));
}

/* As amdgpu_userq_wait_ioctl() does it: queue @q waits for fences of @on. */
static int fake_wait_for(struct fake *fake, int q, int on)
{
	struct amdgpu_usermode_queue *queue = &fake->queue[q];
	u32 index;
	int ret;

	mutex_lock(&queue->fence_drv_lock);
	ret = xa_alloc(&queue->fence_drv_xa, &index, fake_drv(fake, on),
		       xa_limit_32b, GFP_KERNEL);
	mutex_unlock(&queue->fence_drv_lock);
	if (!ret)
		amdgpu_userq_fence_driver_get(fake_drv(fake, on));
	return ret;
}

/* References to other fence drivers go with the next fence, or the queue. */
static void test_wait_references(struct kunit *test)
{
	struct fake *fake = test->priv;

	/* Dropped when the fence is signaled. */
	KUNIT_ASSERT_EQ(test, fake_wait_for(fake, 1, 0), 0);
	KUNIT_ASSERT_EQ(test, fake_wait_for(fake, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, 0), 3);
	fake_new_fence(test, 0, 1);
	KUNIT_EXPECT_TRUE(test, xa_empty(&fake->queue[1].fence_drv_xa));
	KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, 0), 3);
	fake_finish(fake, 0);
	fake_interrupt(fake, 1);
	KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, 0), 1);

	/* The same when it was signaled by a look before. */
	KUNIT_ASSERT_EQ(test, fake_wait_for(fake, 1, 0), 0);
	fake_new_fence(test, 1, 1);
	fake_finish(fake, 1);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fake_fence(fake, 1)));
	fake_interrupt(fake, 1);
	KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, 0), 1);

	/* The hardware was faster. */
	KUNIT_ASSERT_EQ(test, fake_wait_for(fake, 1, 0), 0);
	fake_write(fake, 1, 3);
	fake_new_fence(test, 2, 1);
	KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, 0), 1);

	/* No further fence. */
	KUNIT_ASSERT_EQ(test, fake_wait_for(fake, 1, 0), 0);
	fake_del(fake, 1);
	KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, 0), 1);
}

/*
 * The interrupt of a queue, as far as its doorbell. What a callback does comes
 * after that, and without the lock of the doorbells.
 */
#define FAKE_DOORBELL 5

static void emit_in_callback(void *arg)
{
	struct fake *fake = arg;
	struct xarray *doorbells = &fake->adev->userq_doorbell_xa;

	fake->ret = xa_trylock(doorbells) ? 0 : -EDEADLK;
	if (!fake->ret)
		xa_unlock(doorbells);
	amdgpu_userq_fence_init(&fake->queue[0], fake->f[1], 2);
}

static void test_doorbell(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct delayed_work *hang = &fake->queue[0].hang_detect_work;
	struct xarray *doorbells = &fake->adev->userq_doorbell_xa;

	xa_init_flags(doorbells, XA_FLAGS_LOCK_IRQ);
	KUNIT_ASSERT_EQ(test, xa_insert_irq(doorbells, FAKE_DOORBELL,
					    &fake->queue[0], GFP_KERNEL), 0);
	fake_new_fences(test, 1);
	KUNIT_ASSERT_EQ(test, amdgpu_userq_fence_alloc(&fake->queue[0],
						       &fake->f[1]), 0);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, emit_in_callback), 0);
	fake_finish(fake, 0);
	amdgpu_userq_process_fence_irq(fake->adev, FAKE_DOORBELL);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(hang));

	fake_finish(fake, 1);
	amdgpu_userq_process_fence_irq(fake->adev, FAKE_DOORBELL);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 1));
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(hang));

	xa_erase_irq(doorbells, FAKE_DOORBELL);
	xa_destroy(doorbells);
}

/*
 * A look has signaled the last fence, the interrupt is yet to come, and the
 * queue goes.
 */
static void test_del_before_interrupt(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake_new_fences(test, 2);
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_EQ(test, fake_add_cb(fake, i, NULL), 0);
	fake_finish(fake, 1);
	KUNIT_ASSERT_TRUE(test, dma_fence_is_signaled(fake_fence(fake, 1)));
	fake_del(fake, 0);

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake_fence(fake, i)), 1);
		KUNIT_EXPECT_EQ(test, fake->cb[i].calls, 1);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
		fake_put(fake, i);
	}
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, fake_slots(fake), 1);
}

/* The same, and user space has let the write pointer go backwards. */
static void test_del_pending(struct kunit *test)
{
	struct fake *fake = test->priv;

	KUNIT_ASSERT_EQ(test, fake_wait_for(fake, 0, 1), 0);
	KUNIT_ASSERT_EQ(test, fake_emit(fake, 0, 0, 5), 0);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	KUNIT_ASSERT_EQ(test, fake_emit(fake, 1, 0, 3), 0);
	fake_write(fake, 0, 3);
	KUNIT_ASSERT_TRUE(test, dma_fence_is_signaled(fake_fence(fake, 1)));
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 0));
	fake_del(fake, 0);

	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fake_fence(fake, 0)), -ECANCELED);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[0].error, -ECANCELED);
	KUNIT_EXPECT_FALSE(test, fake->cb[0].locked);
	KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, 1), 1);
	fake_put(fake, 0);
	fake_put(fake, 1);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, fake_slots(fake), 1);
}

/* A fence keeps its fence driver, until it is freed. */
static void test_outlives(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct dma_fence *fence;

	fake_new_fences(test, 2);
	fence = fake_fence(fake, 1);
	rcu_read_lock();
	KUNIT_EXPECT_STREQ(test, dma_fence_kunit_name(dma_fence_driver_name(fence)),
			   "amdgpu_userq_fence");
	KUNIT_EXPECT_STREQ(test, dma_fence_kunit_name(dma_fence_timeline_name(fence)),
			   current->comm);
	rcu_read_unlock();

	amdgpu_userq_fence_driver_force_completion(&fake->queue[0]);
	fake_del(fake, 0);
	fake_put(fake, 0);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, fake_slots(fake), 2);

	KUNIT_ASSERT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 1, NULL), -ENOENT);
	KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, false), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), -ECANCELED);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 1), 1);
	rcu_read_lock();
	KUNIT_EXPECT_STRNEQ(test, dma_fence_kunit_name(dma_fence_driver_name(fence)),
			    "");
	KUNIT_EXPECT_STRNEQ(test, dma_fence_kunit_name(dma_fence_timeline_name(fence)),
			    "");
	rcu_read_unlock();

	fake_put(fake, 1);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, fake_slots(fake), 1);
}

/* One CPU looks at the name when the fence and the queue go. */
static void read_name(void *arg)
{
	struct fake *fake = arg;
	const char *name;

	rcu_read_lock();
	name = dma_fence_kunit_name(dma_fence_timeline_name(fake_fence(fake, 0)));
	kunit_turns_reach(&fake->race, 1);
	kunit_turns_await(&fake->race, 2);
	/* Under KASAN this is seen if the name was freed. */
	fake->ret = strlen(name) ? fake_slots(fake) : 0;
	rcu_read_unlock();
}

static void del_while_reading(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake_finish(fake, 0);
	amdgpu_userq_fence_driver_process(fake_drv(fake, 0));
	fake_put(fake, 0);
	fake_del(fake, 0);
	kunit_turns_reach(&fake->race, 2);
}

static void test_free_waits_for_reader(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 1);
	kunit_turns_run(test, &fake->race, read_name, del_while_reading, fake);

	KUNIT_EXPECT_EQ(test, fake->ret, 2);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, fake_slots(fake), 1);
}

/* Any sequence of calls leaves the references as they should be. */
static void test_random(struct kunit *test)
{
	u64 seed = get_random_u64();
	struct fake *fake = test->priv;
	bool added[FAKE_FENCES] = {};
	struct amdgpu_userq_fence *fence;
	int n, i, q, refs[FAKE_FENCES];
	struct rnd_state rnd;

	kunit_info(test, "seed %llu\n", seed);
	prandom_seed_state(&rnd, seed);
	for (i = 0; i < FAKE_FENCES; i++)
		fake_new_fence(test, i, i % FAKE_QUEUES);

	for (n = 0; n < 2000; n++) {
		i = prandom_u32_state(&rnd) % FAKE_FENCES;
		q = i % FAKE_QUEUES;

		switch (prandom_u32_state(&rnd) % 8) {
		case 0:
		case 1:
			/* Its callback is part of the test. */
			if (added[i] && !fake->cb[i].calls)
				break;
			fake_put(fake, i);
			memset(&fake->cb[i], 0, sizeof(fake->cb[i]));
			added[i] = false;
			fake_new_fence(test, i, q);
			break;
		case 2:
			if (!added[i])
				added[i] = !fake_add_cb(fake, i, NULL);
			break;
		case 3:
			/* Now and then before the fence is emitted. */
			if (fake->seq64[q] <= fake->seq[q])
				fake_write(fake, q, fake->seq64[q] + 1);
			break;
		case 4:
			fake_interrupt(fake, q);
			break;
		case 5:
			dma_fence_is_signaled(fake_fence(fake, i));
			break;
		case 6:
			KUNIT_ASSERT_EQ(test, fake_wait_for(fake, q, !q), 0);
			break;
		case 7:
			if (!(prandom_u32_state(&rnd) % 8))
				amdgpu_userq_fence_driver_force_completion(&fake->queue[q]);
			break;
		}

		for (i = 0; i < FAKE_FENCES; i++)
			refs[i] = 1 + (fake->queue[i % FAKE_QUEUES].last_fence ==
				       fake_fence(fake, i));
		for (q = 0; q < FAKE_QUEUES; q++)
			list_for_each_entry(fence, &fake_drv(fake, q)->fences, link)
				for (i = 0; i < FAKE_FENCES; i++)
					refs[i] += fake->f[i] == fence;
		for (i = 0; i < FAKE_FENCES; i++)
			if (fake_refs(fake, i) != refs[i] ||
			    fake->cb[i].calls !=
			    (added[i] && fake_signaled(fake, i)))
				break;
		if (i < FAKE_FENCES) {
			KUNIT_FAIL(test, "step %d: fence %d has %d references, not %d, %d calls",
				   n, i, fake_refs(fake, i), refs[i],
				   fake->cb[i].calls);
			break;
		}
	}

	/* All that is left is a reference of its queue, and none is waited for. */
	for (i = 0; i < FAKE_FENCES; i++)
		fake_put(fake, i);
	for (q = 0; q < FAKE_QUEUES; q++) {
		fake_write(fake, q, U64_MAX);
		fake_interrupt(fake, q);
		dma_fence_put(fake->queue[q].last_fence);
		fake->queue[q].last_fence = NULL;
		amdgpu_userq_walk_and_drop_fence_drv(&fake->queue[q].fence_drv_xa);
	}
	rcu_barrier();
	for (q = 0; q < FAKE_QUEUES; q++)
		KUNIT_EXPECT_EQ(test, fake_drv_refs(fake, q), 1);
}

static struct kunit_case amdgpu_userq_fence_cases[] = {
	KUNIT_CASE(test_in_order),
	KUNIT_CASE(test_out_of_order),
	KUNIT_CASE(test_seq64),
	KUNIT_CASE(test_emit_finished),
	KUNIT_CASE(test_look),
	KUNIT_CASE(test_force_completion),
	KUNIT_CASE(test_force_keeps_success),
	KUNIT_CASE(test_set_error_race),
	KUNIT_CASE(test_callback_uses_queue),
	KUNIT_CASE(test_emit_looks_late),
	KUNIT_CASE(test_force_while_emitting),
	KUNIT_CASE(test_taken),
	KUNIT_CASE(test_emit_while_signaling),
	KUNIT_CASE(test_wait_references),
	KUNIT_CASE(test_doorbell),
	KUNIT_CASE(test_del_before_interrupt),
	KUNIT_CASE(test_del_pending),
	KUNIT_CASE(test_outlives),
	KUNIT_CASE(test_free_waits_for_reader),
	KUNIT_CASE_SLOW(test_random),
	{}
};

static struct kunit_suite amdgpu_userq_fence_suite = {
	.name = "amdgpu_userq_fence",
	.init = fake_init,
	.exit = fake_exit,
	.test_cases = amdgpu_userq_fence_cases,
};

kunit_test_suites(&amdgpu_userq_fence_suite);
