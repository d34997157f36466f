/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For KUnit tests of fences, in the core and in drivers: two CPUs that go
 * through a race step by step.
 */

#ifndef __LINUX_DMA_FENCE_KUNIT_H
#define __LINUX_DMA_FENCE_KUNIT_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

/* Longer than any step takes on the slowest emulator, in ns. */
#define DMA_FENCE_RACE_TIMEOUT	(10ULL * NSEC_PER_SEC)
/* How long to watch something that must not happen, in ns. */
#define DMA_FENCE_RACE_WATCH	(50ULL * NSEC_PER_MSEC)

/**
 * struct dma_fence_race - two CPUs that take turns
 * @step: the number of the last step that was reached
 * @echo: the same for the other direction, where each CPU counts its own steps
 * @timed_out: set if something was not reached in time, or by a test that gives
 *	up; nobody waits after that
 *
 * All zero at first. For one dma_fence_race_run().
 */
struct dma_fence_race {
	int step;
	int echo;
	bool timed_out;
};

/**
 * dma_fence_race_time - the time, for what runs in a race
 *
 * The fence lock may be held. The other clocks have a seqcount, which lockdep
 * would see below it.
 *
 * Context: Any.
 * Return: The monotonic time in ns.
 */
static inline u64 dma_fence_race_time(void)
{
	return ktime_get_mono_fast_ns();
}

/**
 * dma_fence_race_expired - is it no use to wait any longer?
 * @race: the race
 * @end: the dma_fence_race_time() at which the wait has taken too long
 *
 * To be called in a loop that waits for the other CPU.
 *
 * Context: Any.
 * Return: True if @end is over, or was for another wait; then
 *	&dma_fence_race.timed_out is set.
 */
static inline bool dma_fence_race_expired(struct dma_fence_race *race, u64 end)
{
	if (READ_ONCE(race->timed_out))
		return true;
	if (dma_fence_race_time() > end) {
		WRITE_ONCE(race->timed_out, true);
		return true;
	}
	cpu_relax();
	return false;
}

/**
 * dma_fence_race_until - wait until something is true
 * @race: the race
 * @cond: an expression that the other CPU makes true
 *
 * No order comes with it but that of @cond.
 *
 * Context: Any, as far as @cond goes. Spins.
 * Return: Whether @cond was true in time.
 */
#define dma_fence_race_until(race, cond)				\
({									\
	struct dma_fence_race *__race = (race);				\
	u64 __end = dma_fence_race_time() + DMA_FENCE_RACE_TIMEOUT;	\
	bool __ok;							\
									\
	while (!(__ok = (cond)))					\
		if (dma_fence_race_expired(__race, __end))		\
			break;						\
	__ok;								\
})

/**
 * dma_fence_race_reach - tell the other CPU that a step is done
 * @race: the race
 * @n: the number of the step; they only go up
 *
 * Context: Any.
 */
static inline void dma_fence_race_reach(struct dma_fence_race *race, int n)
{
	/*
	 * Pairs with the acquire in dma_fence_race_await(): what was done so
	 * far is seen.
	 */
	smp_store_release(&race->step, n);
}

/**
 * dma_fence_race_await - wait for a step of the other CPU
 * @race: the race
 * @n: the number of the step
 *
 * Context: Any. Spins.
 * Return: Whether the step was reached in time.
 */
static inline bool dma_fence_race_await(struct dma_fence_race *race, int n)
{
	/* Pairs with the release in dma_fence_race_reach(). */
	return dma_fence_race_until(race, smp_load_acquire(&race->step) >= n);
}

/**
 * dma_fence_race_reach_echo - dma_fence_race_reach() for &dma_fence_race.echo
 * @race: the race
 * @n: the number of the step; they only go up
 *
 * Context: Any.
 */
static inline void dma_fence_race_reach_echo(struct dma_fence_race *race, int n)
{
	/* Pairs with the acquire in dma_fence_race_await_echo(). */
	smp_store_release(&race->echo, n);
}

/**
 * dma_fence_race_await_echo - dma_fence_race_await() for &dma_fence_race.echo
 * @race: the race
 * @n: the number of the step
 *
 * Context: Any. Spins.
 * Return: Whether the step was reached in time.
 */
static inline bool dma_fence_race_await_echo(struct dma_fence_race *race, int n)
{
	/* Pairs with the release in dma_fence_race_reach_echo(). */
	return dma_fence_race_until(race, smp_load_acquire(&race->echo) >= n);
}

/**
 * dma_fence_race_meet - wait until both CPUs have come to the same place
 * @race: the race
 * @second: which of the two this is
 * @n: how often they have met, with this time; it only goes up
 *
 * What each did before is seen by the other one after.
 *
 * Context: Any. Spins.
 * Return: Whether the other CPU came in time.
 */
static inline bool dma_fence_race_meet(struct dma_fence_race *race, bool second,
				       int n)
{
	if (second) {
		dma_fence_race_reach_echo(race, n);
		return dma_fence_race_await(race, n);
	}
	dma_fence_race_reach(race, n);
	return dma_fence_race_await_echo(race, n);
}

/**
 * dma_fence_race_stays_false - watch something that must not happen yet
 * @done: what the other CPU sets when that has happened
 *
 * Gives the other CPU, which is past its last step and on its way into a wait
 * that must not end yet, time to get there and out of it again by mistake. A
 * correct wait never fails this, however slow the machine; a wrong one is seen
 * as soon as it returns.
 *
 * Context: Any. Spins.
 * Return: Whether @done stayed false.
 */
static inline bool dma_fence_race_stays_false(const bool *done)
{
	u64 end = dma_fence_race_time() + DMA_FENCE_RACE_WATCH;

	while (dma_fence_race_time() < end) {
		if (READ_ONCE(*done))
			return false;
		cpu_relax();
	}
	return true;
}

/**
 * struct dma_fence_race_thread - what a thread of a race runs
 * @start: what it waits for first
 * @done: completed when it will not touch this, or a module, any more
 * @func: the function
 * @arg: its argument
 */
struct dma_fence_race_thread {
	struct completion *start;
	struct completion done;
	void (*func)(void *arg);
	void *arg;
};

/**
 * dma_fence_race_thread_main - function of a kthread in a race
 * @data: a struct dma_fence_race_thread
 *
 * Context: Process. Sleeps until &dma_fence_race_thread.start is complete.
 * Return: None, it exits.
 */
static inline int dma_fence_race_thread_main(void *data)
{
	struct dma_fence_race_thread *t = data;

	wait_for_completion(t->start);
	t->func(t->arg);
	/* Not a return into what could be a module on its way out. */
	kthread_complete_and_exit(&t->done, 0);
}

/**
 * dma_fence_race_require_cpus - skip a test if there is only one CPU
 * @test: the test
 *
 * Comes before whatever would wait for the other CPU if the test is skipped.
 *
 * Context: That of a test.
 */
static inline void dma_fence_race_require_cpus(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "requires at least 2 CPUs");
}

/**
 * dma_fence_race_run - run two functions on two CPUs, and wait for both
 * @test: the test
 * @race: the race
 * @a: what runs on one CPU
 * @b: what runs on another one
 * @arg: the argument of both, which usually has @race in it
 *
 * Fails the test if something in @race timed out, skips it if there is only one
 * CPU.
 *
 * Context: That of a test. Sleeps.
 */
static inline void dma_fence_race_run(struct kunit *test,
				      struct dma_fence_race *race,
				      void (*a)(void *arg), void (*b)(void *arg),
				      void *arg)
{
	DECLARE_COMPLETION_ONSTACK(start);
	struct dma_fence_race_thread t[2] = {
		{ .start = &start, .func = a, .arg = arg },
		{ .start = &start, .func = b, .arg = arg },
	};
	struct task_struct *task[2];
	unsigned int cpu;
	int i;

	dma_fence_race_require_cpus(test);

	cpu = cpumask_first(cpu_online_mask);
	for (i = 0; i < 2; i++) {
		init_completion(&t[i].done);
		task[i] = kthread_create_on_cpu(dma_fence_race_thread_main,
						&t[i], cpu, "fence-race:%u");
		if (IS_ERR(task[i])) {
			if (i)
				kthread_stop(task[0]);
			KUNIT_FAIL_AND_ABORT(test, "no kthread: %pe", task[i]);
		}
		cpu = cpumask_next(cpu, cpu_online_mask);
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

#endif /* __LINUX_DMA_FENCE_KUNIT_H */
