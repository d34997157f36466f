/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the KUnit tests for the signaling of fences share: a fence with hooks,
 * and two CPUs that go through a race step by step.
 */

#ifndef __ST_DMA_FENCE_H
#define __ST_DMA_FENCE_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/dma-fence.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/slab.h>

/*
 * Longer than any step takes on the slowest emulator, in ns. Measured by
 * ktime_get_mono_fast_ns() wherever the fence lock may be held: the other
 * clocks have a seqcount that lockdep would see below it.
 */
#define ST_STEP_TIMEOUT		(10ULL * NSEC_PER_SEC)

/**
 * struct st_fence - a fence whose ops the test provides
 * @base: the fence, first because dma_fence_free() frees the whole
 * @enable: called by the enable_signaling op, which returns true without it
 * @signaled: called by the signaled op, which returns false without it
 * @released: set by the release op, of fences from st_fence_new_release()
 * @freed: set a grace period after that
 * @priv: for the test
 */
struct st_fence {
	struct dma_fence base;
	bool (*enable)(struct st_fence *f);
	bool (*signaled)(struct st_fence *f);
	bool *released;
	bool *freed;
	void *priv;
};

#define to_st_fence(fence)	container_of(fence, struct st_fence, base)

static inline const char *st_fence_name(struct dma_fence *fence)
{
	return "st";
}

static inline bool st_fence_enable_signaling(struct dma_fence *fence)
{
	struct st_fence *f = to_st_fence(fence);

	return f->enable ? f->enable(f) : true;
}

static inline bool st_fence_signaled(struct dma_fence *fence)
{
	struct st_fence *f = to_st_fence(fence);

	return f->signaled ? f->signaled(f) : false;
}

static inline void st_fence_free_rcu(struct rcu_head *rcu)
{
	struct st_fence *f = container_of(rcu, struct st_fence, base.rcu);

	WRITE_ONCE(*f->freed, true);
	kfree(f);
}

static inline void st_fence_release(struct dma_fence *fence)
{
	struct st_fence *f = to_st_fence(fence);

	WRITE_ONCE(*f->released, true);
	/* Unlike kfree_rcu(), this always uses what is in the union. */
	call_rcu(&fence->rcu, st_fence_free_rcu);
}

static const struct dma_fence_ops st_fence_ops = {
	.get_driver_name = st_fence_name,
	.get_timeline_name = st_fence_name,
	.enable_signaling = st_fence_enable_signaling,
	.signaled = st_fence_signaled,
};

static const struct dma_fence_ops st_fence_release_ops = {
	.get_driver_name = st_fence_name,
	.get_timeline_name = st_fence_name,
	.enable_signaling = st_fence_enable_signaling,
	.signaled = st_fence_signaled,
	.release = st_fence_release,
};

static inline struct st_fence *
__st_fence_new(struct kunit *test, const struct dma_fence_ops *ops)
{
	struct st_fence *f = kzalloc_obj(*f);

	KUNIT_ASSERT_NOT_NULL(test, f);
	dma_fence_init(&f->base, ops, dma_fence_context_alloc(1), 1);
	return f;
}

/* A fence that loses its ops when it is signaled. */
static inline struct st_fence *st_fence_new(struct kunit *test)
{
	return __st_fence_new(test, &st_fence_ops);
}

/* A fence that keeps its ops, and tells when it is gone: rcu_barrier() first. */
static inline struct st_fence *
st_fence_new_release(struct kunit *test, bool *released, bool *freed)
{
	struct st_fence *f = __st_fence_new(test, &st_fence_release_ops);

	f->released = released;
	f->freed = freed;
	return f;
}

/**
 * struct st_race - two CPUs that take turns
 * @step: the number of the last step that was reached
 * @timed_out: set if a step was not reached in time; nobody waits after that
 */
struct st_race {
	int step;
	bool timed_out;
};

/* Tell the other CPU that step @n is done. Steps only go up. */
static inline void st_reach(struct st_race *race, int n)
{
	/* Pairs with the acquire in st_await(): what was done so far is seen. */
	smp_store_release(&race->step, n);
}

/* Wait for step @n of the other CPU, in any context. */
static inline bool st_await(struct st_race *race, int n)
{
	u64 end = ktime_get_mono_fast_ns() + ST_STEP_TIMEOUT;

	/* Pairs with the release in st_reach(). */
	while (smp_load_acquire(&race->step) < n) {
		if (READ_ONCE(race->timed_out))
			return false;
		if (ktime_get_mono_fast_ns() > end) {
			WRITE_ONCE(race->timed_out, true);
			return false;
		}
		cpu_relax();
	}
	return true;
}

/*
 * Give the other CPU, which is past its last step and on its way into a wait
 * that must not end yet, time to get there and out of it again by mistake.
 * Returns whether @done stayed false. A correct wait never fails this, however
 * slow the machine; a wrong one is seen as soon as it returns.
 */
static inline bool st_stays_false(const bool *done)
{
	u64 end = ktime_get_mono_fast_ns() + 50 * NSEC_PER_MSEC;

	while (ktime_get_mono_fast_ns() < end) {
		if (READ_ONCE(*done))
			return false;
		cpu_relax();
	}
	return true;
}

struct st_thread {
	struct completion *start;
	struct completion done;
	void (*func)(void *arg);
	void *arg;
};

static inline int st_thread_main(void *data)
{
	struct st_thread *t = data;

	wait_for_completion(t->start);
	t->func(t->arg);
	/* Not a return into what could be a module on its way out. */
	kthread_complete_and_exit(&t->done, 0);
}

/*
 * Run @a on one CPU and @b on another, and wait for both. Fails the test if a
 * step of @race timed out, skips it if there is only one CPU.
 */
static inline void st_run_pair(struct kunit *test, struct st_race *race,
			       void (*a)(void *arg), void (*b)(void *arg),
			       void *arg)
{
	DECLARE_COMPLETION_ONSTACK(start);
	struct st_thread t[2] = {
		{ .start = &start, .func = a, .arg = arg },
		{ .start = &start, .func = b, .arg = arg },
	};
	struct task_struct *task[2];
	unsigned int cpu[2];
	int i;

	if (num_online_cpus() < 2)
		kunit_skip(test, "requires at least 2 CPUs");

	cpu[0] = cpumask_first(cpu_online_mask);
	cpu[1] = cpumask_next(cpu[0], cpu_online_mask);

	for (i = 0; i < 2; i++) {
		init_completion(&t[i].done);
		task[i] = kthread_create_on_cpu(st_thread_main, &t[i], cpu[i],
						"st-fence:%u");
		if (IS_ERR(task[i])) {
			if (i)
				kthread_stop(task[0]);
			KUNIT_FAIL_AND_ABORT(test, "no kthread: %pe", task[i]);
		}
	}
	for (i = 0; i < 2; i++)
		wake_up_process(task[i]);
	/*
	 * Both are made runnable in one go: either may spin with interrupts
	 * disabled on the CPU that this runs on.
	 */
	complete_all(&start);
	for (i = 0; i < 2; i++)
		wait_for_completion(&t[i].done);

	KUNIT_EXPECT_FALSE_MSG(test, race->timed_out,
			       "stuck after step %d", race->step);
}

/* How many locks of the class of fence locks does the current context hold? */
static inline int st_fence_locks_held(struct dma_fence *fence)
{
	int n = 0;
#ifdef CONFIG_LOCKDEP
	int i;

	for (i = 0; i < lockdep_depth(current); i++)
		if (current->held_locks[i].instance->key ==
		    fence->lock.dep_map.key)
			n++;
#endif
	return n;
}

#endif /* __ST_DMA_FENCE_H */
