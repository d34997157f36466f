// SPDX-License-Identifier: GPL-2.0-only
/*
 * How late a task wakes that waits for a fence of a channel of nouveau without
 * events. The channel is a sequence number, which an interrupt writes when the
 * fence is finished; a sample is the time from there until the wait returns.
 *
 * Prints lines like those of dma-fence-bench_kunit.c: wake-new/N, signaling is
 * enabled by the wait, N us or up to twice that before the fence finishes;
 * wake-late/N, it was enabled 30 ms before the wait; wake-poll/100, the time
 * that the CPU is kept from other work while a task waits for 100 ms;
 * wake/N, how often the sequence number is read in a wait of N ms.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <uapi/linux/sched/types.h>

#include <nvif/event.h>

#include "nouveau_drv.h"
#include "nouveau_chan.h"
#include "nouveau_fence.h"

#define WAKE_SAMPLES	101
#define WAKE_ENABLED_US	30000
#define WAKE_POLL_US	100000

struct wake {
	struct nouveau_fence_priv priv;
	struct nouveau_cli cli;
	struct nouveau_channel chan;
	struct nouveau_fence_chan *fctx;
	struct hrtimer finish;
	u32 seq;
	unsigned long reads;
	ktime_t finished;
	/* how often the spinning task came round, and that when it finished */
	unsigned long spins, spun;
};

/* There is no event, so nothing is asked of it. */
int nvif_event_ctor_(struct nvif_object *parent, const char *name, u32 handle,
		     nvif_event_func func, bool wait, struct nvif_event_v0 *args,
		     u32 argc, bool warn, struct nvif_event *event)
{
	return -ENODEV;
}

void nvif_event_dtor(struct nvif_event *event) { }
int nvif_event_allow(struct nvif_event *event) { return 0; }
int nvif_event_block(struct nvif_event *event) { return 0; }

static int wake_emit(struct nouveau_fence *fence)
{
	return 0;
}

static u32 wake_read(struct nouveau_channel *chan)
{
	struct wake *w = container_of(chan, struct wake, chan);

	w->reads++;
	return READ_ONCE(w->seq);
}

static enum hrtimer_restart wake_finish(struct hrtimer *timer)
{
	struct wake *w = container_of(timer, struct wake, finish);

	w->finished = ktime_get();
	w->spun = w->spins;
	WRITE_ONCE(w->seq, w->fctx->sequence);
	return HRTIMER_NORESTART;
}

static int wake_compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 wake_sample(struct kunit *test, u64 enabled, u64 wait)
{
	struct wake *w = test->priv;
	struct nouveau_fence *fence;
	ktime_t woken;

	KUNIT_ASSERT_EQ(test, nouveau_fence_new(&fence, &w->chan), 0);
	if (enabled) {
		ktime_t to = ktime_add_ns(ktime_get(), enabled);

		dma_fence_enable_signaling(&fence->base);
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_hrtimeout(&to, HRTIMER_MODE_ABS);
	}
	hrtimer_start(&w->finish, ns_to_ktime(wait), HRTIMER_MODE_REL_HARD);
	KUNIT_EXPECT_EQ(test, dma_fence_wait(&fence->base, false), 0);
	woken = ktime_get();
	hrtimer_cancel(&w->finish);
	/* The base keeps an enabled fence on its list until it looks again. */
	nouveau_fence_done(fence);
	nouveau_fence_unref(&fence);

	return ktime_to_ns(ktime_sub(woken, w->finished));
}

/* Where in its interval a poll is found differs from sample to sample. */
static void wake_row(struct kunit *test, const char *row, u64 enabled_us,
		     int wait_us)
{
	u64 value[WAKE_SAMPLES];
	int n = WAKE_SAMPLES;
	int i;

	for (i = 0; i < n; i++) {
		u64 enabled = enabled_us * NSEC_PER_USEC;
		u64 wait = wait_us * NSEC_PER_USEC;

		if (enabled)
			enabled += NSEC_PER_MSEC * i / n;
		value[i] = wake_sample(test, enabled, wait + wait * (i * 37 % n) / n);
	}
	sort(value, n, sizeof(*value), wake_compare, NULL);
	kunit_info(test, "bench: time %s/%d %llu %llu %llu %llu %llu %d\n",
		   row, wait_us, value[0], value[n / 10], value[n / 2],
		   value[n - 1 - n / 10], value[n - 1], n);
}

static void wake_new(struct kunit *test)
{
	wake_row(test, "wake-new", 0, 3);
	wake_row(test, "wake-new", 0, 30);
	wake_row(test, "wake-new", 0, 300);
	wake_row(test, "wake-new", 0, 3000);
	wake_row(test, "wake-new", 0, 30000);
}

static void wake_late(struct kunit *test)
{
	wake_row(test, "wake-late", WAKE_ENABLED_US, 3);
	wake_row(test, "wake-late", WAKE_ENABLED_US, 30);
	wake_row(test, "wake-late", WAKE_ENABLED_US, 300);
	wake_row(test, "wake-late", WAKE_ENABLED_US, 3000);
}

static void wake_reads(struct kunit *test)
{
	static const int ms[] = { 1, 10, 100, 1000, 2000 };
	struct wake *w = test->priv;
	unsigned long n;
	int i;

	for (i = 0; i < ARRAY_SIZE(ms); i++) {
		w->reads = 0;
		wake_sample(test, 0, ms[i] * NSEC_PER_MSEC);
		n = w->reads;
		kunit_info(test, "bench: reads wake/%d %lu %lu %lu %lu %lu 1\n",
			   ms[i], n, n, n, n, n);
	}
}

static int wake_spin(void *data)
{
	struct wake *w = data;

	while (!kthread_should_stop()) {
		WRITE_ONCE(w->spins, w->spins + 1);
		cond_resched();
	}
	return 0;
}

/* What a task of the lowest priority gets done, with and without the wait. */
static void wake_poll(struct kunit *test)
{
	struct sched_param idle = { };
	struct wake *w = test->priv;
	struct task_struct *task;
	unsigned long alone, polled;
	ktime_t kt = us_to_ktime(WAKE_POLL_US);
	ktime_t longer = us_to_ktime(2 * WAKE_POLL_US);
	u64 cost;

	task = kthread_run(wake_spin, w, "wake-spin");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	sched_setscheduler_nocheck(task, SCHED_IDLE, &idle);
	sched_set_fifo(current);
	/* It has to start first. */
	msleep(20);

	w->spins = 0;
	hrtimer_start(&w->finish, kt, HRTIMER_MODE_REL_HARD);
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_hrtimeout(&longer, HRTIMER_MODE_REL);
	alone = w->spun;

	w->spins = 0;
	wake_sample(test, 0, WAKE_POLL_US * NSEC_PER_USEC);
	polled = w->spun;

	sched_set_normal(current, 0);
	kthread_stop(task);

	KUNIT_ASSERT_GT(test, alone, 0);
	cost = WAKE_POLL_US * NSEC_PER_USEC;
	cost -= min(cost, div64_ul(cost * polled, alone));
	kunit_info(test, "bench: time wake-poll/%d %llu %llu %llu %llu %llu 1\n",
		   WAKE_POLL_US / 1000, cost, cost, cost, cost, cost);
}

static int wake_init(struct kunit *test)
{
	struct nouveau_drm *drm;
	struct wake *w;

	w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, w);
	drm = kunit_kzalloc(test, sizeof(*drm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, drm);
	drm->runl = kunit_kzalloc(test, sizeof(*drm->runl), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, drm->runl);
	drm->runl->context_base = dma_fence_context_alloc(1);
	drm->fence = &w->priv;
	w->cli.drm = drm;
	w->chan.cli = &w->cli;
	hrtimer_setup(&w->finish, wake_finish, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);

	w->fctx = kzalloc_obj(*w->fctx);
	KUNIT_ASSERT_NOT_NULL(test, w->fctx);
	nouveau_fence_context_new(&w->chan, w->fctx);
	w->fctx->emit = wake_emit;
	w->fctx->read = wake_read;
	w->chan.fence = w->fctx;
	test->priv = w;

	return 0;
}

static void wake_exit(struct kunit *test)
{
	struct wake *w = test->priv;

	if (!w)
		return;
#ifdef WAKE_FINI
	/* The base does it in nouveau_fence_context_del(). */
	nouveau_fence_context_fini(&w->chan);
#endif
	nouveau_fence_context_del(w->fctx);
	nouveau_fence_context_free(w->fctx);
}

static struct kunit_case wake_cases[] = {
	KUNIT_CASE_SLOW(wake_new),
	KUNIT_CASE_SLOW(wake_late),
	KUNIT_CASE_SLOW(wake_poll),
	KUNIT_CASE_SLOW(wake_reads),
	{ }
};

static struct kunit_suite wake_suite = {
	.name = "nouveau-wake",
	.init = wake_init,
	.exit = wake_exit,
	.test_cases = wake_cases,
};

kunit_test_suite(wake_suite);
