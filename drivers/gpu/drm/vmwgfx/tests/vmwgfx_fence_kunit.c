// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * KUnit tests for the fences of vmwgfx
 *
 * The device is what vmwgfx_fence.c and vmwgfx_irq.c use of one. Its registers
 * are memory, as they are with SVGA3: the test says which fence has passed.
 */

#include <kunit/test.h>
#include <kunit/turns.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/dma-fence-kunit.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/swait.h>

#define FAKE_LOOPS		1000
/* What the tests wait for has happened, so this is not waited for. */
#define FAKE_WAIT		secs_to_jiffies(10)

struct fake {
	struct vmw_private *vmw;
	u32 *regs;
	/* The last fence that was made. */
	u32 seqno;
	int calls;

	/* The ops of the driver, behind hooks. These are cleared before. */
	struct dma_fence_ops ops;
	void (*on_enable)(void *arg);
	void (*on_enabled)(void *arg);

	/* For the tests. */
	struct vmw_fence_obj *f[4];
	struct dma_fence_kunit_cb cb[4];
	struct completion woken;
	struct completion event;
	int events;
	/* What was true when an event was sent. */
	bool signaled;
	bool locked;
	u32 tv_sec;
	u32 tv_usec;
	int ret;

	struct kunit_turns race;
};

/* For the hooks, which get a fence only. */
static struct fake *fake_now;

static bool fake_enable_signaling(struct dma_fence *fence)
{
	struct fake *fake = fake_now;
	bool ret;

	dma_fence_kunit_hook(&fake->on_enable, fake);
	ret = vmw_fence_enable_signaling(fence);
	dma_fence_kunit_hook(&fake->on_enabled, fake);
	return ret;
}

static void fake_new_fence(struct kunit *test, int i)
{
	struct fake *fake = test->priv;

	/* As vmw_cmd_send_fence() does it. */
	if (!++fake->seqno)
		fake->seqno++;
	KUNIT_ASSERT_EQ(test, vmw_fence_create(fake->vmw->fman, fake->seqno,
					       &fake->f[i]), 0);
}

static void fake_new_fences(struct kunit *test, int n)
{
	int i;

	for (i = 0; i < n; i++)
		fake_new_fence(test, i);
}

/* Have the hooks called for fence @i, which nobody uses yet. */
static void fake_intercept(struct fake *fake, int i)
{
	RCU_INIT_POINTER(fake->f[i]->base.ops, &fake->ops);
}

/* The device has got past fence @i. */
static void fake_pass(struct fake *fake, int i)
{
	WRITE_ONCE(fake->regs[SVGA_REG_FENCE], (u32)fake->f[i]->base.seqno);
}

/* What the thread of the interrupt does. */
static void fake_interrupt(struct fake *fake)
{
	vmw_fences_update(fake->vmw->fman);
}

static bool fake_signaled(struct fake *fake, int i)
{
	return dma_fence_test_signaled_flag(&fake->f[i]->base);
}

static int fake_refs(struct fake *fake, int i)
{
	return kref_read(&fake->f[i]->base.refcount);
}

/* Would the device raise an interrupt? */
static bool fake_armed(struct fake *fake)
{
	return READ_ONCE(fake->regs[SVGA_REG_IRQMASK]) & SVGA_IRQFLAG_ANY_FENCE;
}

/* Nothing is pending, and nobody waits for an interrupt. */
static bool fake_idle(struct fake *fake)
{
	return list_empty(&fake->vmw->fman->fence_list) &&
	       !fake->vmw->fence_queue_waiters && !fake_armed(fake);
}

static int fake_add_cb(struct fake *fake, int i, void (*hook)(void *arg))
{
	fake->cb[i].count = &fake->calls;
	return dma_fence_kunit_add_cb(&fake->f[i]->base, &fake->cb[i],
				      &fake->vmw->fman->lock, hook, fake);
}

/* Called when the event is sent, with its lock held. */
static void fake_event_sent(struct completion *event)
{
	struct fake *fake = container_of(event, struct fake, event);

	fake->events++;
	fake->signaled = fake_signaled(fake, 0);
	fake->locked = !spin_trylock(&fake->vmw->fman->lock);
	if (!fake->locked)
		spin_unlock(&fake->vmw->fman->lock);
}

static int fake_queue_event(struct kunit *test, int i, bool time)
{
	struct fake *fake = test->priv;
	struct drm_pending_event *event = kzalloc_obj(*event);

	KUNIT_ASSERT_NOT_NULL(test, event);
	/* It is nobody's, so it is freed behind that. */
	event->completion = &fake->event;
	event->completion_release = fake_event_sent;
	return vmw_event_fence_action_queue(NULL, fake->f[i], event,
					    time ? &fake->tv_sec : NULL,
					    time ? &fake->tv_usec : NULL, false);
}

static void fake_del_device(struct fake *fake)
{
	vmw_fence_manager_takedown(fake->vmw->fman);
	kfree(fake->vmw);
	fake->vmw = NULL;
	kfree(fake->regs);
	fake->regs = NULL;
}

static int fake_init(struct kunit *test)
{
	struct vmw_private *vmw;
	struct fake *fake;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	init_completion(&fake->event);
	init_completion(&fake->woken);
	fake->ops = vmw_fence_ops;
	fake->ops.enable_signaling = fake_enable_signaling;
	fake_now = fake;
	test->priv = fake;

	fake->regs = kcalloc(SVGA_REG_TOP, sizeof(*fake->regs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->regs);
	vmw = kzalloc_obj(*vmw);
	KUNIT_ASSERT_NOT_NULL(test, vmw);
	fake->vmw = vmw;
	vmw->pci_id = VMWGFX_PCI_ID_SVGA3;
	vmw->rmmio = (__force u32 __iomem *)fake->regs;
	spin_lock_init(&vmw->drm.event_lock);
	spin_lock_init(&vmw->waiter_lock);
	init_waitqueue_head(&vmw->fence_queue);

	vmw->fman = vmw_fence_manager_init(vmw);
	KUNIT_ASSERT_NOT_NULL(test, vmw->fman);
	vmw_fence_fifo_up(vmw->fman);

	return 0;
}

static void fake_exit(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	if (fake->vmw && fake->vmw->fman) {
		/* Nothing is left on the list, unless the test has failed. */
		fake->regs[SVGA_REG_FENCE] = fake->seqno;
		fake_interrupt(fake);
		vmw_fence_fifo_down(fake->vmw->fman);
	}
	for (i = 0; i < ARRAY_SIZE(fake->f); i++)
		vmw_fence_obj_unreference(&fake->f[i]);
	if (fake->vmw && fake->vmw->fman)
		fake_del_device(fake);
}

static void test_in_order(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i, n;

	fake_new_fences(test, 4);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 2);
		KUNIT_ASSERT_EQ(test, fake_add_cb(fake, i, NULL), 0);
	}
	fake_interrupt(fake);

	/* The second interrupt is for two. */
	for (n = 0; n < 4; n += n ? 2 : 1) {
		fake_pass(fake, n);
		KUNIT_EXPECT_FALSE(test, fake_signaled(fake, n));
		fake_interrupt(fake);
		for (i = 0; i < 4; i++) {
			KUNIT_EXPECT_EQ(test, fake_signaled(fake, i), i <= n);
			KUNIT_EXPECT_EQ(test, fake->cb[i].calls, i <= n);
			KUNIT_EXPECT_EQ(test, fake->cb[i].order, i <= n ? i + 1 : 0);
			KUNIT_EXPECT_EQ(test, fake_refs(fake, i), i <= n ? 1 : 2);
		}
		KUNIT_EXPECT_EQ(test, atomic_read(&fake->vmw->last_read_seqno), n + 1);
	}
	fake_pass(fake, 3);
	fake_interrupt(fake);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[3]->base), 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* 32 bits, and never 0. */
static void test_wrap(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i, n;

	fake->seqno = U32_MAX - 2;
	fake->regs[SVGA_REG_FENCE] = fake->seqno;
	fake_new_fences(test, 4);
	KUNIT_EXPECT_EQ(test, fake->f[1]->base.seqno, U32_MAX);
	KUNIT_EXPECT_EQ(test, fake->f[2]->base.seqno, 1);
	fake_interrupt(fake);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_FALSE(test, fake_signaled(fake, i));
		KUNIT_EXPECT_EQ(test, fake_add_cb(fake, i, NULL), 0);
	}

	for (n = 0; n < 4; n++) {
		fake_pass(fake, n);
		fake_interrupt(fake);
		for (i = 0; i < 4; i++)
			KUNIT_EXPECT_EQ(test, fake_signaled(fake, i), i <= n);
	}
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* Interrupts are enabled as long as somebody waits for a fence. */
static void test_enable(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 3);
	KUNIT_EXPECT_FALSE(test, fake_armed(fake));
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	KUNIT_EXPECT_TRUE(test, fake_armed(fake));
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 2, NULL), 0);
	KUNIT_EXPECT_EQ(test, fake->vmw->fence_queue_waiters, 2);

	fake_pass(fake, 1);
	fake_interrupt(fake);
	KUNIT_EXPECT_EQ(test, fake->vmw->fence_queue_waiters, 1);
	KUNIT_EXPECT_TRUE(test, fake_armed(fake));
	fake_pass(fake, 2);
	fake_interrupt(fake);
	KUNIT_EXPECT_EQ(test, fake->cb[2].calls, 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* It has passed before anybody waited: there is no interrupt any more. */
static void test_enable_passed(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 1);
	fake_pass(fake, 0);
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 0, NULL), -ENOENT);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_FALSE(test, fake_armed(fake));
	/* It stays on the list for the next update. */
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 2);
	fake_interrupt(fake);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 0);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* Nobody waits: whoever looks signals it. */
static void test_look(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake_new_fences(test, 3);
	KUNIT_EXPECT_FALSE(test, vmw_fence_obj_signaled(fake->f[1]));
	fake_pass(fake, 1);
	KUNIT_EXPECT_TRUE(test, vmw_fence_obj_signaled(fake->f[1]));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, fake_signaled(fake, i), i < 2);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), i < 2 ? 1 : 2);
	}
	KUNIT_EXPECT_FALSE(test, vmw_fence_obj_signaled(fake->f[2]));
	fake_pass(fake, 2);
	KUNIT_EXPECT_EQ(test, vmw_fence_obj_wait(fake->f[2], false, false, FAKE_WAIT), 0);
	fake_interrupt(fake);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * The submission had to wait for idle, so the fence has passed when it is made.
 * Nobody waits for it and no other one follows, yet it does not stay listed.
 */
static void test_create_passed(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 1);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 2);
	WRITE_ONCE(fake->regs[SVGA_REG_FENCE], fake->seqno + 1);
	fake_new_fence(test, 1);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 1));
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 1), 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * The first of two fences wakes a real-time task on the CPU that signals them.
 * The second is off the list and only that CPU can signal it, so it must do so
 * before the task runs.
 */
static int look_at_second(void *arg)
{
	struct fake *fake = arg;

	wait_for_completion(&fake->woken);
	fake->ret = fake_signaled(fake, 1) ? 0 : -EBUSY;
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);

	return 0;
}

static void wake_task(void *arg)
{
	struct fake *fake = arg;

	complete(&fake->woken);
}

static void test_not_preempted(struct kunit *test)
{
	unsigned long end = jiffies + FAKE_WAIT;
	struct fake *fake = test->priv;
	struct task_struct *task;
	cpumask_var_t old;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "the section does nothing on PREEMPT_RT");

	fake_new_fences(test, 2);
	fake->ret = -ENOENT;
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, wake_task), 0);
	KUNIT_ASSERT_TRUE(test, alloc_cpumask_var(&old, GFP_KERNEL));
	cpumask_copy(old, current->cpus_ptr);
	set_cpus_allowed_ptr(current, cpumask_of(0));

	task = kthread_create_on_cpu(look_at_second, fake, 0, "look/%u");
	if (!IS_ERR(task)) {
		sched_set_fifo(task);
		get_task_struct(task);
		wake_up_process(task);
		/* Until it waits for the completion. */
		while (!swait_active(&fake->woken.wait) && time_before(jiffies, end))
			schedule_timeout_uninterruptible(1);
		fake_pass(fake, 1);
		fake_interrupt(fake);
		kthread_stop_put(task);
	}
	set_cpus_allowed_ptr(current, old);
	free_cpumask_var(old);

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* A callback may wait for the next fence, and look at it, which updates. */
static void use_manager(void *arg)
{
	struct fake *fake = arg;

	/* It would not come back from that. */
	if (fake->cb[0].locked)
		return;
	fake->ret = fake_add_cb(fake, 1, NULL);
	if (vmw_fence_obj_signaled(fake->f[1]))
		fake->ret = -EBUSY;
}

static void test_callback_uses_manager(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 2);
	fake->ret = -EDEADLK;
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, use_manager), 0);
	fake_pass(fake, 0);
	fake_interrupt(fake);

	KUNIT_EXPECT_FALSE(test, fake->cb[0].locked);
	KUNIT_ASSERT_EQ(test, fake->ret, 0);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 1));
	KUNIT_EXPECT_TRUE(test, fake_armed(fake));
	fake_pass(fake, 1);
	fake_interrupt(fake);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
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

static void pass_and_update(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake_pass(fake, 0);
	fake_interrupt(fake);
	kunit_turns_reach(&fake->race, 2);
}

/* One CPU calls @stop at @hook of the op, the other one runs @other. */
static void op_race(struct kunit *test, void (**hook)(void *arg),
		    void (*stop)(void *arg), void (*other)(void *arg))
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 1);
	fake_intercept(fake, 0);
	*hook = stop;
	kunit_turns_run(test, &fake->race, enable_first, other, fake);
	KUNIT_EXPECT_EQ(test, fake->ret, -ENOENT);
}

/* It is signaled, was never added, is off the list, and needs no interrupt. */
static void enable_race(struct kunit *test, void (**hook)(void *arg),
			void (*stop)(void *arg), void (*other)(void *arg))
{
	struct fake *fake = test->priv;

	op_race(test, hook, stop, other);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	fake_interrupt(fake);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 0);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* The fence is signaled when the op is about to start. */
static void test_update_then_enable(struct kunit *test)
{
	struct fake *fake = test->priv;

	enable_race(test, &fake->on_enable, stop_in_op, pass_and_update);
}

/* The same when the op has returned, and the callback is not yet added. */
static void test_enable_then_update(struct kunit *test)
{
	struct fake *fake = test->priv;

	enable_race(test, &fake->on_enabled, stop_in_op, pass_and_update);
}

/*
 * The fence passes when the op has looked at it and is about to enable
 * interrupts, for which it needs the lock. No interrupt comes for this.
 */
static void pass_before_armed(void *arg)
{
	struct fake *fake = arg;
	spinlock_t *lock = &fake->vmw->waiter_lock;

	spin_lock_irq(lock);
	kunit_turns_reach(&fake->race, 1);
	/* It waits for the lock. */
	kunit_turns_until(&fake->race, spin_is_contended(lock));
	fake_pass(fake, 0);
	spin_unlock_irq(lock);
}

static void await_lock(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
}

static void test_enable_rereads(struct kunit *test)
{
	struct fake *fake = test->priv;

	enable_race(test, &fake->on_enable, await_lock, pass_before_armed);
}

/*
 * One CPU updates and is in a callback of the first fence. It has not come to
 * the second, which the other one finds signaled.
 */
static void pass_all(void *arg)
{
	struct fake *fake = arg;

	fake_pass(fake, 3);
	fake_interrupt(fake);
}

static void update_too(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	/* It has passed, so it is too late for a callback. */
	fake->ret = fake_add_cb(fake, 1, NULL);
	if (!vmw_fence_obj_signaled(fake->f[2]))
		fake->ret = -EBUSY;
	kunit_turns_reach(&fake->race, 2);
}

static void test_two_updates(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 4);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, stop_in_op), 0);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 3, NULL), 0);
	kunit_turns_run(test, &fake->race, pass_all, update_too, fake);

	KUNIT_EXPECT_FALSE(test, fake->cb[0].locked);
	KUNIT_EXPECT_EQ(test, fake->ret, -ENOENT);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, fake_signaled(fake, i));
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[3].calls, 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * One CPU adds a callback, the device gets past the fence at the same time. The
 * interrupt comes if it was enabled when that happened, not otherwise. Whatever
 * the order is: whoever waits gets to know.
 */
static void create_and_add(void *arg)
{
	struct fake *fake = arg;
	struct dma_fence_kunit_cb *cb = &fake->cb[0];
	int n, calls, added;

	for (n = 1; n <= FAKE_LOOPS; n++) {
		if (vmw_fence_create(fake->vmw->fman, ++fake->seqno, &fake->f[0])) {
			fake->ret = -ENOMEM;
			WRITE_ONCE(fake->race.timed_out, true);
			return;
		}
		calls = cb->calls;
		kunit_turns_reach(&fake->race, n);
		added = fake_add_cb(fake, 0, NULL) == 0;
		if (!kunit_turns_await_echo(&fake->race, n))
			return;

		if (!fake_signaled(fake, 0) || cb->calls != calls + added ||
		    cb->locked)
			fake->ret = n;
		fake_interrupt(fake);
		if (fake_refs(fake, 0) != 1 || !fake_idle(fake))
			fake->ret = n;
		vmw_fence_obj_unreference(&fake->f[0]);
	}
}

static void pass_each(void *arg)
{
	struct fake *fake = arg;
	spinlock_t *lock = &fake->vmw->waiter_lock;
	bool armed;
	int n;

	for (n = 1; n <= FAKE_LOOPS; n++) {
		if (!kunit_turns_await(&fake->race, n))
			return;
		fake_pass(fake, 0);
		/* The device looks at the mask behind that, which this orders. */
		spin_lock_irq(lock);
		armed = fake_armed(fake);
		spin_unlock_irq(lock);
		if (armed)
			fake_interrupt(fake);
		/* Signaled by this, or by the other CPU's enable_signaling. */
		if (!kunit_turns_until(&fake->race, fake_signaled(fake, 0)))
			return;
		dma_fence_flush_callbacks(&fake->f[0]->base);
		kunit_turns_reach_echo(&fake->race, n);
	}
}

static void test_enable_race(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	kunit_turns_run(test, &fake->race, create_and_add, pass_each, fake);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
}

/* An event enables interrupts, and is sent once, when the fence is signaled. */
static void test_event(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 1);
	KUNIT_ASSERT_EQ(test, fake_queue_event(test, 0, false), 0);
	KUNIT_ASSERT_EQ(test, fake_queue_event(test, 0, true), 0);
	KUNIT_EXPECT_EQ(test, fake->events, 0);
	KUNIT_EXPECT_TRUE(test, fake_armed(fake));
	KUNIT_EXPECT_EQ(test, fake->vmw->fence_queue_waiters, 1);

	fake_pass(fake, 0);
	fake_interrupt(fake);
	KUNIT_EXPECT_EQ(test, fake->events, 2);
	KUNIT_EXPECT_TRUE(test, fake->signaled);
	KUNIT_EXPECT_FALSE(test, fake->locked);
	KUNIT_EXPECT_EQ(test, fake->tv_sec * (u64)USEC_PER_SEC + fake->tv_usec,
			ktime_to_us(dma_fence_timestamp(&fake->f[0]->base)));
	KUNIT_EXPECT_TRUE(test, list_empty(&fake->f[0]->events));
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));

	/* Somebody looks again: not sent again. */
	fake_interrupt(fake);
	KUNIT_EXPECT_TRUE(test, vmw_fence_obj_signaled(fake->f[0]));
	KUNIT_EXPECT_EQ(test, fake->events, 2);
}

/* It is late: the fence has passed, or is signaled. */
static void test_event_late(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 1);
	fake_pass(fake, 0);
	KUNIT_ASSERT_EQ(test, fake_queue_event(test, 0, true), 0);
	KUNIT_EXPECT_EQ(test, fake->events, 1);
	KUNIT_EXPECT_TRUE(test, fake->signaled);
	KUNIT_EXPECT_FALSE(test, fake_armed(fake));
	fake_interrupt(fake);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_EQ(test, fake->events, 1);

	KUNIT_ASSERT_EQ(test, fake_queue_event(test, 0, false), 0);
	KUNIT_EXPECT_EQ(test, fake->events, 2);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * One CPU has the fence off the list and is in a callback, so it has not sent
 * the events. The other one queues another, and sends both.
 */
static void pass_first(void *arg)
{
	struct fake *fake = arg;

	fake_pass(fake, 0);
	fake_interrupt(fake);
}

static void queue_taken(void *arg)
{
	struct fake *fake = arg;
	struct drm_pending_event *event;

	kunit_turns_await(&fake->race, 1);
	event = kzalloc_obj(*event);
	fake->ret = -ENOMEM;
	if (event) {
		event->completion = &fake->event;
		event->completion_release = fake_event_sent;
		fake->ret = vmw_event_fence_action_queue(NULL, fake->f[0], event,
							 NULL, NULL, false);
	}
	if (!fake->ret && fake->events != 2)
		fake->ret = -EBUSY;
	kunit_turns_reach(&fake->race, 2);
}

static void test_event_taken(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 1);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, stop_in_op), 0);
	KUNIT_ASSERT_EQ(test, fake_queue_event(test, 0, false), 0);
	kunit_turns_run(test, &fake->race, pass_first, queue_taken, fake);

	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	KUNIT_EXPECT_EQ(test, fake->events, 2);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* The device stops. What it has done is signaled without an interrupt. */
static void test_fifo_down(struct kunit *test)
{
	struct vmw_fence_obj *fence;
	struct fake *fake = test->priv;
	struct vmw_fence_manager *fman = fake->vmw->fman;
	int i;

	fake_new_fences(test, 3);
	fake_pass(fake, 2);
	vmw_fence_fifo_down(fman);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, fake_signaled(fake, i));
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));

	/* Nothing is accepted meanwhile. */
	KUNIT_EXPECT_EQ(test, vmw_fence_create(fman, 4, &fence), -EBUSY);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
	vmw_fence_fifo_up(fman);
	fake_new_fence(test, 3);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 3));
	fake_pass(fake, 3);
	fake_interrupt(fake);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 3));
}

/*
 * The device hangs. Its fences are signaled after one timeout, not one for each,
 * and the event is sent.
 */
static void test_fifo_down_hangs(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned long begin;
	int i;

	fake_new_fences(test, 4);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	KUNIT_ASSERT_EQ(test, fake_queue_event(test, 0, false), 0);
	begin = jiffies;
	vmw_fence_fifo_down(fake->vmw->fman);

	KUNIT_EXPECT_GE(test, jiffies - begin, VMW_FENCE_WAIT_TIMEOUT);
	KUNIT_EXPECT_LT(test, jiffies - begin, 2 * VMW_FENCE_WAIT_TIMEOUT);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, fake_signaled(fake, i));
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_FALSE(test, fake->cb[0].locked);
	KUNIT_EXPECT_EQ(test, fake->events, 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* The device stops while fences are pending, which it then gets past. */
static void stop_device(void *arg)
{
	struct fake *fake = arg;

	vmw_fence_fifo_down(fake->vmw->fman);
}

static void pass_when_armed(void *arg)
{
	struct fake *fake = arg;

	/* It waits for the last one first. */
	if (!kunit_turns_until(&fake->race, fake_armed(fake)))
		return;
	fake_pass(fake, 1);
	fake_interrupt(fake);
	if (fake_signaled(fake, 2))
		fake->ret = -EINVAL;
	fake_pass(fake, 2);
	fake_interrupt(fake);
}

static void test_fifo_down_waits(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 3);
	kunit_turns_run(test, &fake->race, stop_device, pass_when_armed, fake);

	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, fake_signaled(fake, i));
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * One CPU is about to enter the op for a fence that another one signals, which
 * then removes the device. The op looks at the manager after that.
 */
static void remove_device(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake_pass(fake, 0);
	fake_interrupt(fake);
	vmw_fence_manager_takedown(fake->vmw->fman);
	fake->vmw->fman = NULL;
	kunit_turns_reach(&fake->race, 2);
}

static void test_takedown_waits(struct kunit *test)
{
	struct fake *fake = test->priv;

	op_race(test, &fake->on_enable, stop_in_op, remove_device);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);

	fake->vmw->fman = vmw_fence_manager_init(fake->vmw);
	KUNIT_ASSERT_NOT_NULL(test, fake->vmw->fman);
}

/* Nothing of a signaled fence leads to the device, or to the driver. */
static void test_outlives(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct dma_fence *fence;
	int i;

	fake_new_fences(test, 2);
	rcu_read_lock();
	fence = &fake->f[0]->base;
	KUNIT_EXPECT_STREQ(test, dma_fence_kunit_name(dma_fence_driver_name(fence)), "vmwgfx");
	KUNIT_EXPECT_STREQ(test, dma_fence_kunit_name(dma_fence_timeline_name(fence)), "svga");
	rcu_read_unlock();

	/* One that somebody has waited for, one that nobody has. */
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	fake_pass(fake, 1);
	fake_interrupt(fake);
	fake_del_device(fake);
	rcu_barrier();

	for (i = 0; i < 2; i++) {
		fence = &fake->f[i]->base;
		KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(fence->ops), NULL);
		KUNIT_ASSERT_TRUE(test, dma_fence_is_signaled(fence));
		KUNIT_EXPECT_EQ(test, fake_add_cb(fake, i, NULL), -ENOENT);
		KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, false), 0);
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), 1);
		dma_fence_set_deadline(fence, ktime_get());
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);

		rcu_read_lock();
		KUNIT_EXPECT_STRNEQ(test, dma_fence_kunit_name(dma_fence_driver_name(fence)),
				    "vmwgfx");
		KUNIT_EXPECT_STRNEQ(test, dma_fence_kunit_name(dma_fence_timeline_name(fence)),
				    "svga");
		rcu_read_unlock();
	}
}

/*
 * After any sequence of calls the list has a reference to what has not been
 * taken off it, and interrupts are enabled if somebody waits for one of these.
 */
static void test_random(struct kunit *test)
{
	u64 seed = get_random_u64();
	struct fake *fake = test->priv;
	struct vmw_fence_obj *fence;
	int n, i, waiters, refs[4];
	bool added[4] = {};
	struct rnd_state rnd;

	kunit_info(test, "seed %llu\n", seed);
	prandom_seed_state(&rnd, seed);
	/* It wraps on the way. */
	fake->seqno = U32_MAX - 50;
	fake->regs[SVGA_REG_FENCE] = fake->seqno;

	for (n = 0; n < 2000; n++) {
		i = prandom_u32_state(&rnd) % 4;

		switch (prandom_u32_state(&rnd) % 6) {
		case 0:
			/* Its callback is part of the test. */
			if (fake->f[i] && added[i] && !fake->cb[i].calls)
				break;
			vmw_fence_obj_unreference(&fake->f[i]);
			memset(&fake->cb[i], 0, sizeof(fake->cb[i]));
			added[i] = false;
			fake_new_fence(test, i);
			break;
		case 1:
			if (fake->f[i] && !added[i])
				added[i] = !fake_add_cb(fake, i, NULL);
			break;
		case 2:
			if (fake->regs[SVGA_REG_FENCE] != fake->seqno &&
			    !++fake->regs[SVGA_REG_FENCE])
				fake->regs[SVGA_REG_FENCE]++;
			break;
		case 3:
			fake_interrupt(fake);
			break;
		case 4:
			if (fake->f[i])
				vmw_fence_obj_signaled(fake->f[i]);
			break;
		case 5:
			if (fake->f[i])
				dma_fence_enable_signaling(&fake->f[i]->base);
			break;
		}

		waiters = 0;
		for (i = 0; i < 4; i++)
			refs[i] = 1;
		list_for_each_entry(fence, &fake->vmw->fman->fence_list, head) {
			waiters += fence->waiter_added;
			for (i = 0; i < 4; i++)
				refs[i] += fake->f[i] == fence;
		}
		for (i = 0; i < 4; i++)
			if (fake->f[i] &&
			    (fake_refs(fake, i) != refs[i] ||
			     fake->cb[i].calls != (added[i] && fake_signaled(fake, i))))
				break;
		if (i < 4 || fake->vmw->fence_queue_waiters != waiters ||
		    fake_armed(fake) != !!waiters) {
			KUNIT_FAIL(test, "step %d: fence %d, %d waiters, not %d",
				   n, i, fake->vmw->fence_queue_waiters, waiters);
			break;
		}
	}

	fake->regs[SVGA_REG_FENCE] = fake->seqno;
	fake_interrupt(fake);
	for (i = 0; i < 4; i++)
		if (fake->f[i])
			KUNIT_EXPECT_EQ(test, fake->cb[i].calls, added[i]);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

static struct kunit_case vmw_fence_test_cases[] = {
	KUNIT_CASE(test_in_order),
	KUNIT_CASE(test_wrap),
	KUNIT_CASE(test_enable),
	KUNIT_CASE(test_enable_passed),
	KUNIT_CASE(test_look),
	KUNIT_CASE(test_create_passed),
	KUNIT_CASE(test_not_preempted),
	KUNIT_CASE(test_callback_uses_manager),
	KUNIT_CASE(test_update_then_enable),
	KUNIT_CASE(test_enable_then_update),
	KUNIT_CASE(test_enable_rereads),
	KUNIT_CASE(test_two_updates),
	KUNIT_CASE(test_enable_race),
	KUNIT_CASE(test_event),
	KUNIT_CASE(test_event_late),
	KUNIT_CASE(test_event_taken),
	KUNIT_CASE(test_fifo_down),
	KUNIT_CASE_SLOW(test_fifo_down_hangs),
	KUNIT_CASE(test_fifo_down_waits),
	KUNIT_CASE(test_takedown_waits),
	KUNIT_CASE(test_outlives),
	KUNIT_CASE_SLOW(test_random),
	{}
};

static struct kunit_suite vmw_fence_suite = {
	.name = "vmwgfx-fence",
	.test_cases = vmw_fence_test_cases,
	.init = fake_init,
	.exit = fake_exit,
};

kunit_test_suite(vmw_fence_suite);
