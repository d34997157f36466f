// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fences cost: a benchmark that prints figures and judges none of them.
 *
 * A line for each figure, in the log of the test:
 *
 *   bench: <kind> <row>/<number> <min> <p10> <median> <p90> <max> <samples>
 *
 * The kinds are count (in units of get_cycles()), time (in ns), stack and size
 * (in bytes).
 *
 * Counts are exact where the cycle counter counts instructions, as it does in
 * an emulator: QEMU's TCG with -icount shift=0 moves the virtual clock by one
 * nanosecond an instruction, and the TSC of x86 by one tick. A count is the
 * difference of two readings around one operation, less that of two readings
 * around nothing. The row "nops" has the count of 100 instructions that do
 * nothing, which tells whether this works. Interrupts are enabled; the median
 * is the figure, what is above it met one.
 *
 * Most times need two CPUs. One of them signals, and the callbacks take a while;
 * the other does something at that very moment, and the sample is how long it
 * took.
 */

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/timex.h>

#define BENCH_CBS		256
#define BENCH_MEMBERS		16
#define BENCH_WAITERS		64
#define BENCH_NOPS		100
#define BENCH_MAX_SAMPLES	201

/* Odd numbers, so that the median is a sample. */
#define BENCH_COUNTS		31
#define BENCH_TIMES		201

/* How long a callback takes in the tests of time. */
#define BENCH_CB_NS		1000

/* Nothing here takes as long, on whatever machine. */
#define BENCH_TIMEOUT_NS	(10ULL * NSEC_PER_SEC)

/* Of the stack this much is looked at, more than any path here needs. */
#define BENCH_STACK_WORDS	(2048 / sizeof(long))
#define BENCH_STACK_PATTERN	0x5aa5c33cUL

struct bench_samples {
	u64 value[BENCH_MAX_SAMPLES];
	int n;
};

/* A driver's fences in the order in which they were emitted. */
struct bench_timeline {
	/* guards @pending and @seqno */
	spinlock_t lock;
	struct list_head pending;
	u64 context;
	u64 seqno;
};

struct bench_fence {
	struct dma_fence base;
	struct list_head link;
};

struct bench;

struct bench_cb {
	struct dma_fence_cb base;
	struct bench *b;
};

struct bench {
	struct kunit *test;
	struct bench_samples samples;
	u64 overhead;
	struct bench_cb cb[BENCH_CBS];
	struct bench_cb late_cb;
	struct dma_fence *member[BENCH_MEMBERS];
	/* when the callback was called or the waiter ran, zero before that */
	u64 called;

	/* tasks that wait */
	struct task_struct *waiter[BENCH_WAITERS];
	struct dma_fence *awaited;
	atomic_t waiting;
	struct completion all_out;

	/* two CPUs that take turns */
	struct bench_timeline tl;
	void (*meanwhile)(struct bench *b);
	struct bench_fence *fence;
	struct bench_fence *next;
	struct dma_fence *old;
	struct completion main_done;
	int turn;
	bool running;
	bool finished;
	bool stuck;
};

static const char *bench_name(struct dma_fence *fence)
{
	return "bench";
}

static bool bench_enable_signaling(struct dma_fence *fence)
{
	return true;
}

static const struct dma_fence_ops bench_ops = {
	.get_driver_name = bench_name,
	.get_timeline_name = bench_name,
	.enable_signaling = bench_enable_signaling,
};

/*
 * What drivers do about their fences, and did differently while fences shared
 * the lock of their timeline. For a comparison with a kernel of that time, a
 * header that is included before this file has it in the way of that kernel.
 */
#ifndef bench_timeline_init_fence
static void bench_timeline_init_fence(struct bench_timeline *tl,
				      struct bench_fence *f)
{
	dma_fence_init(&f->base, &bench_ops, tl->context, ++tl->seqno);
}

static void bench_timeline_signal(struct bench_timeline *tl)
{
	struct bench_fence *f, *next;
	LIST_HEAD(done);

	spin_lock_irq(&tl->lock);
	list_splice_init(&tl->pending, &done);
	spin_unlock_irq(&tl->lock);

	list_for_each_entry_safe(f, next, &done, link) {
		list_del_init(&f->link);
		dma_fence_signal(&f->base);
	}
}
#endif

static void bench_timeline_emit(struct bench_timeline *tl,
				struct bench_fence *f)
{
	spin_lock_irq(&tl->lock);
	bench_timeline_init_fence(tl, f);
	list_add_tail(&f->link, &tl->pending);
	spin_unlock_irq(&tl->lock);
}

static struct bench *bench_new(struct kunit *test)
{
	struct bench *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, b);
	b->test = test;
	for (i = 0; i < BENCH_CBS; i++)
		b->cb[i].b = b;
	spin_lock_init(&b->tl.lock);
	INIT_LIST_HEAD(&b->tl.pending);
	b->tl.context = dma_fence_context_alloc(1);

	return b;
}

static struct bench_fence *bench_fence_alloc(void)
{
	struct bench_fence *f = kzalloc_obj(*f);

	if (f)
		INIT_LIST_HEAD(&f->link);

	return f;
}

static struct dma_fence *bench_fence_new(struct bench *b)
{
	struct bench_fence *f = bench_fence_alloc();

	KUNIT_ASSERT_NOT_NULL(b->test, f);
	dma_fence_init(&f->base, &bench_ops, dma_fence_context_alloc(1),
		       1);

	return &f->base;
}

static int bench_compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void bench_sample(struct bench *b, u64 value)
{
	if (!WARN_ON(b->samples.n == BENCH_MAX_SAMPLES))
		b->samples.value[b->samples.n++] = value;
}

static void bench_report(struct bench *b, const char *kind, const char *row,
			 int number)
{
	u64 *value = b->samples.value;
	int n = b->samples.n;

	b->samples.n = 0;
	if (!n)
		return;

	sort(value, n, sizeof(*value), bench_compare, NULL);
	kunit_info(b->test, "bench: %s %s/%d %llu %llu %llu %llu %llu %d\n",
		   kind, row, number, value[0], value[n / 10], value[n / 2],
		   value[n - 1 - n / 10], value[n - 1], n);
}

/* Counts */

static __always_inline u64 bench_cycles(void)
{
	u64 cycles;

	/* Nothing of the operation moves out, and nothing else in. */
	barrier();
	cycles = get_cycles();
	barrier();

	return cycles;
}

/* A sample of the cycles of a statement. */
#define bench_count(b, statement) do {				\
	u64 __start = bench_cycles();				\
								\
	statement;						\
	bench_count_since(b, __start, bench_cycles());		\
} while (0)

static void bench_count_since(struct bench *b, u64 start, u64 end)
{
	bench_sample(b, end - start - b->overhead);
}

static struct bench *bench_new_count(struct kunit *test)
{
	struct bench *b;
	int i;

	if (!bench_cycles())
		kunit_skip(test, "requires a cycle counter");

	b = bench_new(test);
	for (i = 0; i < BENCH_COUNTS; i++)
		bench_count(b, barrier());
	sort(b->samples.value, b->samples.n, sizeof(u64), bench_compare, NULL);
	b->overhead = b->samples.value[b->samples.n / 2];
	b->samples.n = 0;

	return b;
}

static void bench_cb_empty(struct dma_fence *fence, struct dma_fence_cb *cb)
{
}

static void bench_cb_called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct bench *b = container_of(cb, struct bench_cb, base)->b;

	WRITE_ONCE(b->called, bench_cycles());
}

/* Has the callback been called by now, perhaps in an interrupt? */
static void bench_await_called(struct bench *b)
{
	u64 end = ktime_get_ns() + BENCH_TIMEOUT_NS;

	while (!READ_ONCE(b->called) && ktime_get_ns() < end)
		cpu_relax();
	KUNIT_ASSERT_NE(b->test, b->called, 0);
}

static void bench_add_callbacks(struct bench *b, struct dma_fence *fence, int n,
				dma_fence_func_t func)
{
	int i;

	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(b->test, 0,
				dma_fence_add_callback(fence, &b->cb[i].base,
						       func));
}

static void count_nops(struct kunit *test)
{
	struct bench *b = bench_new_count(test);
	int i;

	for (i = 0; i < BENCH_COUNTS; i++)
		bench_count(b, asm volatile(".rept %c0\n\tnop\n\t.endr"
					    : : "i" (BENCH_NOPS)));
	bench_report(b, "count", "nops", BENCH_NOPS);
}

/* A part of every signal that is not the core's to change. */
static void count_ktime_get(struct kunit *test)
{
	struct bench *b = bench_new_count(test);
	int i;

	for (i = 0; i < BENCH_COUNTS; i++)
		bench_count(b, ktime_get());
	bench_report(b, "count", "ktime_get", 1);
}

/* What a signal does beside disabling interrupts, on a kernel that preempts. */
static void count_preempt(struct kunit *test)
{
	struct bench *b = bench_new_count(test);
	int i;

	for (i = 0; i < BENCH_COUNTS; i++)
		bench_count(b, {
			preempt_disable();
			preempt_enable();
		});
	bench_report(b, "count", "preempt", 1);
}

static void count_signal(struct kunit *test)
{
	static const int callbacks[] = { 0, 1, 4, 64 };
	struct bench *b = bench_new_count(test);
	int i, n;

	for (n = 0; n < ARRAY_SIZE(callbacks); n++) {
		for (i = 0; i < BENCH_COUNTS; i++) {
			struct dma_fence *fence = bench_fence_new(b);

			bench_add_callbacks(b, fence, callbacks[n],
					    bench_cb_empty);
			bench_count(b, dma_fence_signal(fence));
			dma_fence_put(fence);
		}
		bench_report(b, "count", "signal", callbacks[n]);
	}

	/* The second call finds nothing to do. */
	for (i = 0; i < BENCH_COUNTS; i++) {
		struct dma_fence *fence = bench_fence_new(b);

		dma_fence_signal(fence);
		bench_count(b, dma_fence_signal(fence));
		dma_fence_put(fence);
	}
	bench_report(b, "count", "signal_again", 0);
}

static void count_add_remove(struct kunit *test)
{
	struct bench *b = bench_new_count(test);
	struct dma_fence_cb *cb = &b->cb[0].base;
	struct dma_fence *fence = bench_fence_new(b);
	int i;

	dma_fence_enable_signaling(fence);

	for (i = 0; i < BENCH_COUNTS; i++) {
		bench_count(b, dma_fence_add_callback(fence, cb,
						      bench_cb_empty));
		dma_fence_remove_callback(fence, cb);
	}
	bench_report(b, "count", "add", 1);

	for (i = 0; i < BENCH_COUNTS; i++) {
		dma_fence_add_callback(fence, cb, bench_cb_empty);
		bench_count(b, dma_fence_remove_callback(fence, cb));
	}
	bench_report(b, "count", "remove", 1);

	for (i = 0; i < BENCH_COUNTS; i++)
		bench_count(b, {
			dma_fence_add_callback(fence, cb, bench_cb_empty);
			dma_fence_remove_callback(fence, cb);
		});
	bench_report(b, "count", "add+remove", 1);

	dma_fence_signal(fence);
	for (i = 0; i < BENCH_COUNTS; i++)
		bench_count(b, dma_fence_add_callback(fence, cb,
						      bench_cb_empty));
	bench_report(b, "count", "add_signaled", 1);

	dma_fence_put(fence);
}

/* A call like those of drivers, which do something about the answer. */
static noinline bool bench_is_signaled(struct dma_fence *fence)
{
	return dma_fence_is_signaled(fence);
}

static void count_is_signaled(struct kunit *test)
{
	struct bench *b = bench_new_count(test);
	struct dma_fence *fence = bench_fence_new(b);
	int i, signaled;

	for (signaled = 0; signaled < 2; signaled++) {
		for (i = 0; i < BENCH_COUNTS; i++)
			bench_count(b, bench_is_signaled(fence));
		bench_report(b, "count", "is_signaled", signaled);
		dma_fence_signal(fence);
	}
	dma_fence_put(fence);
}

static void count_enable(struct kunit *test)
{
	struct bench *b = bench_new_count(test);
	struct dma_fence_cb *cb = &b->cb[0].base;
	int i;

	for (i = 0; i < BENCH_COUNTS; i++) {
		struct dma_fence *fence = bench_fence_new(b);

		bench_count(b, dma_fence_enable_signaling(fence));
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	bench_report(b, "count", "enable", 1);

	for (i = 0; i < BENCH_COUNTS; i++) {
		struct dma_fence *fence = bench_fence_new(b);

		bench_count(b, dma_fence_add_callback(fence, cb,
						      bench_cb_empty));
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	bench_report(b, "count", "enable+add", 1);
}

static int bench_waiter(void *data)
{
	struct bench *b = data;

	dma_fence_wait(b->awaited, false);
	if (atomic_dec_and_test(&b->waiting)) {
		b->called = bench_cycles();
		complete(&b->all_out);
	}

	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);

	return 0;
}

/* Start @n tasks that wait, and return when all of them are asleep. */
static bool bench_start_waiters(struct bench *b, int n)
{
	u64 end = ktime_get_ns() + BENCH_TIMEOUT_NS;
	int i;

	for (i = 0; i < n; i++) {
		b->waiter[i] = kthread_create(bench_waiter, b, "st-bench/%d", i);
		if (IS_ERR(b->waiter[i])) {
			while (i--)
				kthread_stop(b->waiter[i]);
			return false;
		}
	}
	for (i = 0; i < n; i++)
		wake_up_process(b->waiter[i]);
	for (i = 0; i < n; i++)
		while (READ_ONCE(b->waiter[i]->__state) !=
		       TASK_UNINTERRUPTIBLE && ktime_get_ns() < end)
			schedule_timeout_uninterruptible(1);

	return true;
}

static void bench_count_wait(struct bench *b, int n)
{
	int i, rep;
	u64 start;

	for (rep = 0; rep < BENCH_COUNTS; rep++) {
		b->awaited = bench_fence_new(b);
		atomic_set(&b->waiting, n);
		init_completion(&b->all_out);
		KUNIT_ASSERT_TRUE(b->test, bench_start_waiters(b, n));

		start = bench_cycles();
		dma_fence_signal(b->awaited);
		wait_for_completion(&b->all_out);
		bench_count_since(b, start, b->called);

		for (i = 0; i < n; i++)
			kthread_stop(b->waiter[i]);
		dma_fence_put(b->awaited);
	}
	bench_report(b, "count", "wait", n);
}

static void count_wait(struct kunit *test)
{
	struct bench *b = bench_new_count(test);

	bench_count_wait(b, 1);
	bench_count_wait(b, BENCH_WAITERS);
}

/* An array of the first @n members, with a callback. */
static struct dma_fence *bench_array_new(struct bench *b, int n)
{
	struct dma_fence **fences = kmalloc_objs(*fences, n);
	struct dma_fence_array *array;
	int i;

	KUNIT_ASSERT_NOT_NULL(b->test, fences);
	for (i = 0; i < n; i++) {
		b->member[i] = bench_fence_new(b);
		fences[i] = dma_fence_get(b->member[i]);
	}
	array = dma_fence_array_create(n, fences, dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_NOT_NULL(b->test, array);
	b->called = 0;
	bench_add_callbacks(b, &array->base, 1, bench_cb_called);

	return &array->base;
}

static struct dma_fence *bench_chain_new(struct bench *b, int n)
{
	struct dma_fence *prev = NULL;
	int i;

	for (i = 0; i < n; i++) {
		struct dma_fence_chain *chain = dma_fence_chain_alloc();

		KUNIT_ASSERT_NOT_NULL(b->test, chain);
		b->member[i] = bench_fence_new(b);
		dma_fence_chain_init(chain, prev, dma_fence_get(b->member[i]),
				     i + 1);
		prev = &chain->base;
	}
	b->called = 0;
	bench_add_callbacks(b, prev, 1, bench_cb_called);

	return prev;
}

static void bench_container_free(struct bench *b, struct dma_fence *container,
				 int n)
{
	dma_fence_put(container);
	while (n--)
		dma_fence_put(b->member[n]);
}

static void bench_count_container(struct bench *b, const char *row, int n,
				  struct dma_fence *(*new)(struct bench *b, int n),
				  bool backwards)
{
	int i, rep;

	for (rep = 0; rep < BENCH_COUNTS; rep++) {
		struct dma_fence *container = new(b, n);
		u64 start;

		for (i = 0; i < n - 1; i++) {
			dma_fence_signal(b->member[backwards ? n - 1 - i : i]);
			/* Whatever is to be done in interrupts is done. */
			ndelay(100);
		}

		start = bench_cycles();
		dma_fence_signal(b->member[backwards ? 0 : n - 1]);
		bench_await_called(b);
		bench_count_since(b, start, b->called);

		bench_container_free(b, container, n);
	}
	bench_report(b, "count", row, n);
}

static void count_containers(struct kunit *test)
{
	struct bench *b = bench_new_count(test);

	bench_count_container(b, "array", 2, bench_array_new, false);
	bench_count_container(b, "array", 16, bench_array_new, false);
	bench_count_container(b, "chain", 16, bench_chain_new, false);
	bench_count_container(b, "chain_backwards", 16, bench_chain_new, true);
}

/* Stack and size */

#ifdef CONFIG_ARCH_HAS_CURRENT_STACK_POINTER
/*
 * Signal @fence with a pattern below this frame, and return how much of the
 * stack was used. Interrupts are disabled, so that none leaves its traces.
 */
static noinline unsigned long bench_stack_of_signal(struct dma_fence *fence)
{
	unsigned long *top = __builtin_frame_address(0);
	unsigned long *low, *p;
	unsigned long flags;

	low = max(end_of_stack(current) + 1, top - BENCH_STACK_WORDS);

	local_irq_save(flags);
	/* What is between top and the stack pointer is in use already. */
	for (p = low; (unsigned long)p < current_stack_pointer; p++)
		WRITE_ONCE(*p, BENCH_STACK_PATTERN);
	dma_fence_signal(fence);
	for (p = low; p < top && READ_ONCE(*p) == BENCH_STACK_PATTERN; p++)
		;
	local_irq_restore(flags);

	return (unsigned long)top - (unsigned long)p;
}

static void stack_signal(struct kunit *test)
{
	struct bench *b = bench_new(test);
	struct dma_fence *fence;
	int i, n, rep;

	for (n = 0; n < 2; n++) {
		for (rep = 0; rep < BENCH_COUNTS; rep++) {
			fence = bench_fence_new(b);
			bench_add_callbacks(b, fence, n, bench_cb_called);
			bench_sample(b, bench_stack_of_signal(fence));
			dma_fence_put(fence);
		}
		bench_report(b, "stack", "signal", n);
	}

	for (rep = 0; rep < BENCH_COUNTS; rep++) {
		fence = bench_array_new(b, 2);
		dma_fence_signal(b->member[0]);
		bench_sample(b, bench_stack_of_signal(b->member[1]));
		bench_await_called(b);
		bench_container_free(b, fence, 2);
	}
	bench_report(b, "stack", "array", 2);

	for (rep = 0; rep < BENCH_COUNTS; rep++) {
		fence = bench_chain_new(b, BENCH_MEMBERS);
		for (i = 0; i < BENCH_MEMBERS - 1; i++)
			dma_fence_signal(b->member[i]);
		bench_sample(b, bench_stack_of_signal(b->member[i]));
		bench_await_called(b);
		bench_container_free(b, fence, BENCH_MEMBERS);
	}
	bench_report(b, "stack", "chain", BENCH_MEMBERS);
}
#else
static void stack_signal(struct kunit *test)
{
	kunit_skip(test, "requires the stack pointer");
}
#endif

static void size_structs(struct kunit *test)
{
	struct bench *b = bench_new(test);

	bench_sample(b, sizeof(struct dma_fence));
	bench_report(b, "size", "dma_fence", 1);
	bench_sample(b, sizeof(struct dma_fence_cb));
	bench_report(b, "size", "dma_fence_cb", 1);
	bench_sample(b, sizeof(struct dma_fence_array));
	bench_report(b, "size", "dma_fence_array", 1);
	bench_sample(b, sizeof(struct dma_fence_chain));
	bench_report(b, "size", "dma_fence_chain", 1);
}

/* Times */

static void bench_cb_slow(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct bench *b = container_of(cb, struct bench_cb, base)->b;
	u64 end = ktime_get_mono_fast_ns() + BENCH_CB_NS;

	WRITE_ONCE(b->running, true);
	while (ktime_get_mono_fast_ns() < end)
		cpu_relax();
}

static void bench_cb_called_time(struct dma_fence *fence,
				 struct dma_fence_cb *cb)
{
	struct bench *b = container_of(cb, struct bench_cb, base)->b;

	WRITE_ONCE(b->called, ktime_get_mono_fast_ns());
}

/* Wait until it is the turn of @n, in any context. */
static bool bench_await_turn(struct bench *b, int n)
{
	u64 end = ktime_get_mono_fast_ns() + BENCH_TIMEOUT_NS;

	/* Pairs with the release in bench_next_turn(). */
	while (smp_load_acquire(&b->turn) < n) {
		if (READ_ONCE(b->stuck))
			return false;
		if (ktime_get_mono_fast_ns() > end) {
			WRITE_ONCE(b->stuck, true);
			return false;
		}
		cpu_relax();
	}

	return true;
}

static void bench_next_turn(struct bench *b, int n)
{
	/* Pairs with the acquire in bench_await_turn(). */
	smp_store_release(&b->turn, n);
}

/* Signals, in the odd turns. */
static int bench_signaler(void *data)
{
	struct bench *b = data;
	int i;

	for (i = 0; i < BENCH_TIMES; i++) {
		if (!bench_await_turn(b, 2 * i + 1))
			break;
		bench_timeline_signal(&b->tl);
		bench_next_turn(b, 2 * i + 2);
		cond_resched();
	}
	kthread_complete_and_exit(&b->main_done, 0);
}

static struct task_struct *bench_start(struct bench *b, int (*func)(void *data))
{
	struct task_struct *task;
	unsigned int cpu;

	/* On the CPU where the test is not, which keeps to its own meanwhile. */
	cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	init_completion(&b->main_done);
	b->turn = 0;
	b->stuck = false;
	task = kthread_create_on_cpu(func, b, cpu, "st-bench:%u");
	if (!IS_ERR(task))
		wake_up_process(task);

	return task;
}

static struct bench *bench_new_time(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "requires at least 2 CPUs");

	return bench_new(test);
}

/* What @meanwhile takes while the other CPU runs @n callbacks. */
static void bench_time_meanwhile(struct bench *b, const char *row, int n,
				 void (*meanwhile)(struct bench *b))
{
	struct task_struct *task;
	int i;

	migrate_disable();
	task = bench_start(b, bench_signaler);
	if (IS_ERR(task)) {
		migrate_enable();
		KUNIT_FAIL_AND_ABORT(b->test, "no kthread: %pe", task);
	}

	for (i = 0; i < BENCH_TIMES; i++) {
		u64 start, end;
		bool done;

		b->fence = bench_fence_alloc();
		b->next = bench_fence_alloc();
		if (!b->fence || !b->next) {
			kfree(b->fence);
			kfree(b->next);
			WRITE_ONCE(b->stuck, true);
			break;
		}
		bench_timeline_emit(&b->tl, b->fence);
		bench_add_callbacks(b, &b->fence->base, n, bench_cb_slow);
		WRITE_ONCE(b->running, false);
		bench_next_turn(b, 2 * i + 1);

		while (!READ_ONCE(b->running) && !READ_ONCE(b->stuck))
			cpu_relax();
		/* On a busy machine this CPU may have been too late to see it. */
		done = READ_ONCE(b->turn) != 2 * i + 1;
		start = ktime_get_mono_fast_ns();
		meanwhile(b);
		end = ktime_get_mono_fast_ns();
		if (!done)
			bench_sample(b, end - start);

		if (!bench_await_turn(b, 2 * i + 2))
			break;
		/* If it was emitted it is signaled, too. */
		bench_timeline_signal(&b->tl);
		if (dma_fence_was_initialized(&b->next->base))
			dma_fence_put(&b->next->base);
		else
			kfree(b->next);
		dma_fence_put(&b->fence->base);
		cond_resched();
	}
	wait_for_completion(&b->main_done);
	migrate_enable();
	KUNIT_EXPECT_FALSE(b->test, b->stuck);
	bench_report(b, "time", row, n);
}

static void bench_emit(struct bench *b)
{
	bench_timeline_emit(&b->tl, b->next);
}

static void bench_add(struct bench *b)
{
	dma_fence_add_callback(&b->fence->base, &b->late_cb.base,
			       bench_cb_empty);
}

static void bench_get_status(struct bench *b)
{
	dma_fence_get_status(&b->fence->base);
}

static void bench_enable(struct bench *b)
{
	dma_fence_enable_signaling(&b->fence->base);
}

static void bench_wait(struct bench *b)
{
	dma_fence_wait(b->old, false);
}

static void bench_time_held_up(struct kunit *test, const char *row,
			       void (*meanwhile)(struct bench *b))
{
	static const int callbacks[] = { 1, 16, BENCH_CBS };
	struct bench *b = bench_new_time(test);
	struct bench_fence *old = bench_fence_alloc();
	int i;

	KUNIT_ASSERT_NOT_NULL(test, old);
	bench_timeline_emit(&b->tl, old);
	bench_timeline_signal(&b->tl);
	b->old = &old->base;
	for (i = 0; i < ARRAY_SIZE(callbacks); i++)
		bench_time_meanwhile(b, row, callbacks[i], meanwhile);
	dma_fence_put(b->old);
}

static void time_emit(struct kunit *test)
{
	bench_time_held_up(test, "emit", bench_emit);
}

static void time_add_callback(struct kunit *test)
{
	bench_time_held_up(test, "add_callback", bench_add);
}

static void time_get_status(struct kunit *test)
{
	bench_time_held_up(test, "get_status", bench_get_status);
}

static void time_enable(struct kunit *test)
{
	bench_time_held_up(test, "enable", bench_enable);
}

static void time_wait(struct kunit *test)
{
	bench_time_held_up(test, "wait_signaled", bench_wait);
}

static void time_array(struct kunit *test)
{
	struct bench *b = bench_new_time(test);
	int i;

	for (i = 0; i < BENCH_TIMES; i++) {
		struct dma_fence *array = bench_array_new(b, 2);
		u64 start;

		dma_fence_remove_callback(array, &b->cb[0].base);
		bench_add_callbacks(b, array, 1, bench_cb_called_time);
		dma_fence_signal(b->member[0]);

		start = ktime_get_mono_fast_ns();
		dma_fence_signal(b->member[1]);
		bench_await_called(b);
		bench_sample(b, b->called - start);

		bench_container_free(b, array, 2);
	}
	bench_report(b, "time", "array", 2);
}

static int bench_urgent_waiter(void *data)
{
	struct bench *b = data;

	dma_fence_wait(b->awaited, false);
	WRITE_ONCE(b->called, ktime_get_mono_fast_ns());
	kthread_complete_and_exit(&b->main_done, 0);
}

/*
 * From a signal until the task that it wakes runs, on the CPU of the signaler,
 * which goes on until it is preempted.
 */
static void time_wait_same_cpu(struct kunit *test)
{
	struct bench *b = bench_new(test);
	struct task_struct *task;
	u64 start;
	int i;

	if (!preempt_model_preemptible())
		kunit_skip(test, "requires a kernel that preempts");

	for (i = 0; i < BENCH_TIMES; i++) {
		b->awaited = bench_fence_new(b);
		b->called = 0;
		init_completion(&b->main_done);

		migrate_disable();
		task = kthread_create_on_cpu(bench_urgent_waiter, b,
					     smp_processor_id(), "st-bench:%u");
		if (!IS_ERR(task)) {
			sched_set_fifo(task);
			/* Runs until it sleeps. */
			wake_up_process(task);
			start = ktime_get_mono_fast_ns();
			dma_fence_signal(b->awaited);
			while (!READ_ONCE(b->called) &&
			       ktime_get_mono_fast_ns() < start + BENCH_TIMEOUT_NS)
				cpu_relax();
			wait_for_completion(&b->main_done);
		}
		migrate_enable();
		dma_fence_put(b->awaited);
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
		bench_sample(b, b->called - start);
	}
	bench_report(b, "time", "wait_same_cpu", 1);
}

/* Signals a fence that nobody else knows, over and over until told to stop. */
static int bench_signals_others(void *data)
{
	struct bench *b = data;
	struct bench_fence *f = bench_fence_alloc();

	while (f && !READ_ONCE(b->finished)) {
		dma_fence_init(&f->base, &bench_ops, b->tl.context, 1);
		dma_fence_signal(&f->base);
		cond_resched();
	}
	kfree(f);
	kthread_complete_and_exit(&b->main_done, 0);
}

static void time_read(struct kunit *test)
{
	struct bench *b = bench_new_time(test);
	struct dma_fence *fence = dma_fence_get_stub();
	struct task_struct *task;
	int i, j;

	migrate_disable();
	task = bench_start(b, bench_signals_others);
	if (IS_ERR(task)) {
		migrate_enable();
		KUNIT_FAIL_AND_ABORT(test, "no kthread: %pe", task);
	}
	for (i = 0; i < BENCH_TIMES; i++) {
		u64 start = ktime_get_mono_fast_ns();

		for (j = 0; j < 1000; j++)
			bench_is_signaled(fence);
		bench_sample(b, ktime_get_mono_fast_ns() - start);
		cond_resched();
	}
	WRITE_ONCE(b->finished, true);
	wait_for_completion(&b->main_done);
	migrate_enable();
	dma_fence_put(fence);
	bench_report(b, "time", "is_signaled", 1000);
}

static struct kunit_case bench_cases[] = {
	KUNIT_CASE_SLOW(count_nops),
	KUNIT_CASE_SLOW(count_ktime_get),
	KUNIT_CASE_SLOW(count_preempt),
	KUNIT_CASE_SLOW(count_signal),
	KUNIT_CASE_SLOW(count_add_remove),
	KUNIT_CASE_SLOW(count_is_signaled),
	KUNIT_CASE_SLOW(count_enable),
	KUNIT_CASE_SLOW(count_wait),
	KUNIT_CASE_SLOW(count_containers),
	KUNIT_CASE_SLOW(stack_signal),
	KUNIT_CASE_SLOW(size_structs),
	KUNIT_CASE_SLOW(time_emit),
	KUNIT_CASE_SLOW(time_add_callback),
	KUNIT_CASE_SLOW(time_get_status),
	KUNIT_CASE_SLOW(time_enable),
	KUNIT_CASE_SLOW(time_wait),
	KUNIT_CASE_SLOW(time_array),
	KUNIT_CASE_SLOW(time_wait_same_cpu),
	KUNIT_CASE_SLOW(time_read),
	{}
};

static struct kunit_suite bench_suite = {
	.name = "dma-fence-bench",
	.test_cases = bench_cases,
};

kunit_test_suite(bench_suite);

MODULE_DESCRIPTION("Benchmark of DMA fences");
MODULE_LICENSE("GPL");
