/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For KUnit tests of races: two CPUs take turns, so that a race goes step by
 * step.
 */

#ifndef _KUNIT_TURNS_H
#define _KUNIT_TURNS_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

/* Longer than any step takes on the slowest emulator, in ns. */
#define KUNIT_TURNS_TIMEOUT	(10ULL * NSEC_PER_SEC)
/* How long to watch something that must not happen, in ns. */
#define KUNIT_TURNS_WATCH	(50ULL * NSEC_PER_MSEC)

/**
 * struct kunit_turns - two CPUs that take turns
 * @step: the number of the last step that was reached
 * @echo: the same for the other direction, where each CPU counts its own steps
 * @timed_out: set if something was not reached in time, or by a test that gives
 *	up; nobody waits after that
 *
 * All zero at first. For one kunit_turns_run().
 */
struct kunit_turns {
	int step;
	int echo;
	bool timed_out;
};

/**
 * kunit_turns_time - the time, for what takes turns
 *
 * Any lock may be held. The other clocks have a seqcount, which lockdep would
 * see below it.
 *
 * Context: Any.
 * Return: The monotonic time in ns.
 */
static inline u64 kunit_turns_time(void)
{
	return ktime_get_mono_fast_ns();
}

/**
 * kunit_turns_expired - is it no use to wait any longer?
 * @turns: the two CPUs
 * @end: the kunit_turns_time() at which the wait has taken too long
 *
 * To be called in a loop that waits for the other CPU.
 *
 * Context: Any.
 * Return: True if @end is over, or was for another wait; then
 *	&kunit_turns.timed_out is set.
 */
static inline bool kunit_turns_expired(struct kunit_turns *turns, u64 end)
{
	if (READ_ONCE(turns->timed_out))
		return true;
	if (kunit_turns_time() > end) {
		WRITE_ONCE(turns->timed_out, true);
		return true;
	}
	cpu_relax();
	return false;
}

/**
 * kunit_turns_until - wait until something is true
 * @turns: the two CPUs
 * @cond: an expression that the other CPU makes true
 *
 * No order comes with it but that of @cond.
 *
 * Context: Any, as far as @cond goes. Spins.
 * Return: Whether @cond was true in time.
 */
#define kunit_turns_until(turns, cond)					\
({									\
	struct kunit_turns *__turns = (turns);				\
	u64 __end = kunit_turns_time() + KUNIT_TURNS_TIMEOUT;		\
	bool __ok;							\
									\
	while (!(__ok = (cond)))					\
		if (kunit_turns_expired(__turns, __end))		\
			break;						\
	__ok;								\
})

/**
 * kunit_turns_reach - tell the other CPU that a step is done
 * @turns: the two CPUs
 * @n: the number of the step; they only go up
 *
 * Context: Any.
 */
static inline void kunit_turns_reach(struct kunit_turns *turns, int n)
{
	/*
	 * Pairs with the acquire in kunit_turns_await(): what was done so far
	 * is seen.
	 */
	smp_store_release(&turns->step, n);
}

/**
 * kunit_turns_await - wait for a step of the other CPU
 * @turns: the two CPUs
 * @n: the number of the step
 *
 * Context: Any. Spins.
 * Return: Whether the step was reached in time.
 */
static inline bool kunit_turns_await(struct kunit_turns *turns, int n)
{
	/* Pairs with the release in kunit_turns_reach(). */
	return kunit_turns_until(turns, smp_load_acquire(&turns->step) >= n);
}

/**
 * kunit_turns_reach_echo - kunit_turns_reach() for &kunit_turns.echo
 * @turns: the two CPUs
 * @n: the number of the step; they only go up
 *
 * Context: Any.
 */
static inline void kunit_turns_reach_echo(struct kunit_turns *turns, int n)
{
	/* Pairs with the acquire in kunit_turns_await_echo(). */
	smp_store_release(&turns->echo, n);
}

/**
 * kunit_turns_await_echo - kunit_turns_await() for &kunit_turns.echo
 * @turns: the two CPUs
 * @n: the number of the step
 *
 * Context: Any. Spins.
 * Return: Whether the step was reached in time.
 */
static inline bool kunit_turns_await_echo(struct kunit_turns *turns, int n)
{
	/* Pairs with the release in kunit_turns_reach_echo(). */
	return kunit_turns_until(turns, smp_load_acquire(&turns->echo) >= n);
}

/**
 * kunit_turns_meet - wait until both CPUs have come to the same place
 * @turns: the two CPUs
 * @second: which of the two this is
 * @n: how often they have met, with this time; it only goes up
 *
 * What each did before is seen by the other one after.
 *
 * Context: Any. Spins.
 * Return: Whether the other CPU came in time.
 */
static inline bool kunit_turns_meet(struct kunit_turns *turns, bool second,
				    int n)
{
	if (second) {
		kunit_turns_reach_echo(turns, n);
		return kunit_turns_await(turns, n);
	}
	kunit_turns_reach(turns, n);
	return kunit_turns_await_echo(turns, n);
}

/**
 * kunit_turns_stays_false - watch something that must not happen yet
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
static inline bool kunit_turns_stays_false(const bool *done)
{
	u64 end = kunit_turns_time() + KUNIT_TURNS_WATCH;

	while (kunit_turns_time() < end) {
		if (READ_ONCE(*done))
			return false;
		cpu_relax();
	}
	return true;
}

/**
 * struct kunit_turns_thread - what a thread runs
 * @start: what it waits for first
 * @done: completed when it will not touch this, or a module, any more
 * @func: the function
 * @arg: its argument
 */
struct kunit_turns_thread {
	struct completion *start;
	struct completion done;
	void (*func)(void *arg);
	void *arg;
};

/**
 * kunit_turns_thread_main - function of a kthread that takes turns
 * @data: a struct kunit_turns_thread
 *
 * Context: Process. Sleeps until &kunit_turns_thread.start is complete.
 * Return: None, it exits.
 */
static inline int kunit_turns_thread_main(void *data)
{
	struct kunit_turns_thread *t = data;

	wait_for_completion(t->start);
	t->func(t->arg);
	/* Not a return into what could be a module on its way out. */
	kthread_complete_and_exit(&t->done, 0);
}

/**
 * kunit_turns_require_cpus - skip a test if there is only one CPU
 * @test: the test
 *
 * Comes before whatever would wait for the other CPU if the test is skipped.
 *
 * Context: That of a test.
 */
static inline void kunit_turns_require_cpus(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "requires at least 2 CPUs");
}

/**
 * kunit_turns_run - run two functions on two CPUs, and wait for both
 * @test: the test
 * @turns: the two CPUs
 * @a: what runs on one CPU
 * @b: what runs on another one
 * @arg: the argument of both, which usually has @turns in it
 *
 * Fails the test if something timed out, skips it if there is only one CPU.
 *
 * Context: That of a test. Sleeps.
 */
static inline void kunit_turns_run(struct kunit *test, struct kunit_turns *turns,
				   void (*a)(void *arg), void (*b)(void *arg),
				   void *arg)
{
	DECLARE_COMPLETION_ONSTACK(start);
	struct kunit_turns_thread t[2] = {
		{ .start = &start, .func = a, .arg = arg },
		{ .start = &start, .func = b, .arg = arg },
	};
	struct task_struct *task[2];
	unsigned int cpu;
	int i;

	kunit_turns_require_cpus(test);

	cpu = cpumask_first(cpu_online_mask);
	for (i = 0; i < 2; i++) {
		init_completion(&t[i].done);
		task[i] = kthread_create_on_cpu(kunit_turns_thread_main,
						&t[i], cpu, "kunit-turns:%u");
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

	KUNIT_EXPECT_FALSE_MSG(test, turns->timed_out,
			       "stuck after step %d", turns->step);
}

#endif /* _KUNIT_TURNS_H */
