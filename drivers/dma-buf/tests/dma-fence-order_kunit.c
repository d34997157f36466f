// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit test for the memory ordering of fences. In each case one CPU does
 * something to plain data and to a fence, and another CPU touches that data once
 * it has seen the fence change, with nothing else that orders the two.
 *
 * A weakly ordered machine shows a missing barrier as a wrong value. KCSAN with
 * KCSAN_WEAK_MEMORY reports it as a data race on any machine. It delays accesses
 * but does not hasten any, so it finds a missing release and no missing acquire.
 *
 * It delays an access up to the end of the function that has it. So that
 * function calls what is tested, and passes no other barrier.
 */

#include <kunit/turns.h>
#include <linux/dma-fence.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

static unsigned int order_ms = 100;
module_param(order_ms, uint, 0444);
MODULE_PARM_DESC(order_ms, "How long each test of memory ordering runs, in ms");

/**
 * struct order - what the two CPUs share; no field is marked but @looked
 * @turns: where they meet, twice a round
 * @first: what the first CPU does, with the fence not signaled
 * @second: what the second CPU does meanwhile, returns false if it saw old data
 * @unborn: there is no fence yet when the round begins
 * @fence: the fence of this round
 * @cb: a callback on it
 * @round: the number of the round
 * @data: @round, once the first CPU has written it
 * @called: @round, once the callback has written it
 * @looked: the second CPU is done with the fence
 * @last: no more rounds
 * @stale: in how many rounds the second CPU saw old data
 */
struct order {
	struct kunit_turns turns;
	void (*first)(struct order *o);
	bool (*second)(struct order *o);
	bool unborn;
	struct dma_fence fence;
	struct dma_fence_cb cb;
	int round;
	int data;
	int called;
	bool looked;
	bool last;
	int stale;
};

static const char *order_name(struct dma_fence *fence)
{
	return "order";
}

/* Gives the second CPU time to look while the data may still be on its way. */
static void order_await_look(struct order *o)
{
	kunit_turns_until(&o->turns, READ_ONCE(o->looked));
}

static bool order_enable_signaling(struct dma_fence *fence)
{
	order_await_look(container_of(fence, struct order, fence));
	return true;
}

static const struct dma_fence_ops order_ops = {
	.get_driver_name = order_name,
	.get_timeline_name = order_name,
	.enable_signaling = order_enable_signaling,
};

static void order_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct order *o = container_of(cb, struct order, cb);

	o->called = o->round;
}

static void order_cpu_first(void *arg)
{
	unsigned long end = jiffies + msecs_to_jiffies(order_ms);
	struct order *o = arg;

	do {
		o->round++;
		o->looked = false;
		o->last = time_after(jiffies, end);
		memset(&o->fence, 0, sizeof(o->fence));
		if (!o->unborn) {
			dma_fence_init(&o->fence, &order_ops, 1, o->round);
			dma_fence_add_callback_lazy(&o->fence, &o->cb,
						    order_callback);
		}
		if (!kunit_turns_meet(&o->turns, false, 2 * o->round))
			return;
		o->first(o);
		if (!kunit_turns_meet(&o->turns, false, 2 * o->round + 1))
			return;
	} while (!o->last);
}

static void order_cpu_second(void *arg)
{
	struct order *o = arg;
	int round = 0;
	bool last;

	do {
		round++;
		if (!kunit_turns_meet(&o->turns, true, 2 * round))
			return;
		last = o->last;
		if (!o->second(o))
			o->stale++;
		WRITE_ONCE(o->looked, true);
		if (!kunit_turns_meet(&o->turns, true, 2 * round + 1))
			return;
	} while (!last);
}

static void order_run(struct kunit *test, bool unborn,
		      void (*first)(struct order *o),
		      bool (*second)(struct order *o))
{
	struct order *o = kunit_kzalloc(test, sizeof(*o), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, o);
	o->unborn = unborn;
	o->first = first;
	o->second = second;
	kunit_turns_run(test, &o->turns, order_cpu_first, order_cpu_second, o);

	KUNIT_EXPECT_EQ(test, o->stale, 0);
	KUNIT_EXPECT_GT(test, o->round, 0);
	kunit_info(test, "%d rounds", o->round);
}

static void order_signal(struct order *o)
{
	o->data = o->round;
	dma_fence_set_error(&o->fence, -EIO);
	dma_fence_signal(&o->fence);
}

/* Whether @o->fence came to be signaled; without a wait for its callbacks. */
static bool order_signaled(struct order *o)
{
	return kunit_turns_until(&o->turns, dma_fence_is_signaled(&o->fence));
}

/* What the signaler wrote, the error and the timestamp are seen with the state. */
static bool order_see_result(struct order *o)
{
	return order_signaled(o) && o->data == o->round &&
	       o->fence.error == -EIO && o->fence.timestamp;
}

static void st_test_signal(struct kunit *test)
{
	order_run(test, false, order_signal, order_see_result);
}

/* What the callback wrote is seen, and its memory can be used for something else. */
static bool order_reuse(struct order *o)
{
	bool fresh = o->called == o->round;

	o->cb.func = NULL;
	o->cb.node.next = NULL;
	return fresh;
}

static bool order_flush(struct order *o)
{
	if (!order_signaled(o))
		return false;
	dma_fence_flush_callbacks(&o->fence);
	return order_reuse(o);
}

static void st_test_flush(struct kunit *test)
{
	order_run(test, false, order_signal, order_flush);
}

static bool order_remove(struct order *o)
{
	return order_signaled(o) &&
	       !dma_fence_remove_callback(&o->fence, &o->cb) && order_reuse(o);
}

static void st_test_remove(struct kunit *test)
{
	order_run(test, false, order_signal, order_remove);
}

static bool order_wait(struct order *o)
{
	return order_signaled(o) && !dma_fence_wait(&o->fence, false) &&
	       order_reuse(o);
}

static void st_test_wait(struct kunit *test)
{
	order_run(test, false, order_signal, order_wait);
}

static void order_enable(struct order *o)
{
	o->data = o->round;
	dma_fence_enable_signaling(&o->fence);
}

/* An issuer that finds the fence enabled sees what was written before that. */
static bool order_see_enabled(struct order *o)
{
	return kunit_turns_until(&o->turns,
				    test_bit_acquire(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
						     &o->fence.flags)) &&
	       o->data == o->round;
}

static void st_test_enable(struct kunit *test)
{
	order_run(test, false, order_enable, order_see_enabled);
}

static void order_init(struct order *o)
{
	o->data = o->round;
	dma_fence_init(&o->fence, &order_ops, 1, o->round);
	order_await_look(o);
}

static bool order_get(struct order *o)
{
	struct dma_fence *fence;

	rcu_read_lock();
	fence = dma_fence_get_rcu(&o->fence);
	rcu_read_unlock();
	return fence;
}

/* With a reference to memory that is being reused comes the new fence. */
static bool order_see_init(struct order *o)
{
	bool fresh;

	if (!kunit_turns_until(&o->turns, order_get(o)))
		return false;
	fresh = o->data == o->round && o->fence.seqno == o->round;
	dma_fence_put(&o->fence);
	return fresh;
}

static void st_test_init(struct kunit *test)
{
	order_run(test, true, order_init, order_see_init);
}

static struct kunit_case order_cases[] = {
	KUNIT_CASE(st_test_signal),
	KUNIT_CASE(st_test_flush),
	KUNIT_CASE(st_test_remove),
	KUNIT_CASE(st_test_wait),
	KUNIT_CASE(st_test_enable),
	KUNIT_CASE(st_test_init),
	{}
};

static struct kunit_suite order_suite = {
	.name = "dma-fence-order",
	.test_cases = order_cases,
};

kunit_test_suite(order_suite);
