// SPDX-License-Identifier: GPL-2.0
/*
 * How many jobs go through the scheduler, and how late the last one is: a
 * benchmark that prints figures and judges none of them.
 *
 * A line for each figure, in ns, in the log of the test:
 *
 *   bench: time <row>/<number> <min> <p10> <median> <p90> <max> <samples>
 */

#include <linux/sort.h>

#include "sched_tests.h"

#define BENCH_CLIENTS	4
#define BENCH_JOBS	64
#define BENCH_SAMPLES	51

struct bench_samples {
	u64 value[BENCH_SAMPLES];
};

static int bench_compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void bench_report(struct kunit *test, const char *row, int number,
			 struct bench_samples *samples)
{
	u64 *value = samples->value;
	int n = BENCH_SAMPLES;

	sort(value, n, sizeof(*value), bench_compare, NULL);
	kunit_info(test, "bench: time %s/%d %llu %llu %llu %llu %llu %d\n",
		   row, number, value[0], value[n / 10], value[n / 2],
		   value[n - 1 - n / 10], value[n - 1], n);
}

static struct drm_mock_sched_job *bench_job(struct kunit *test,
					    struct drm_mock_sched_entity *entity)
{
	struct drm_mock_sched_job *job = drm_mock_sched_job_new(test, entity);

	drm_sched_job_arm(&job->base);

	return job;
}

/* Clients that keep the scheduler busy: time for each job. */
static void bench_jobs(struct kunit *test)
{
	struct drm_mock_sched_entity *entity[BENCH_CLIENTS];
	struct drm_mock_sched_job *job[BENCH_JOBS];
	struct dma_fence *finished[BENCH_JOBS];
	struct bench_samples *samples;
	struct drm_mock_scheduler *sched;
	int i, rep;

	samples = kunit_kzalloc(test, sizeof(*samples), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, samples);
	sched = drm_mock_sched_new(test, MAX_SCHEDULE_TIMEOUT);
	for (i = 0; i < BENCH_CLIENTS; i++)
		entity[i] = drm_mock_sched_entity_new(test,
						      DRM_SCHED_PRIORITY_NORMAL,
						      sched);

	for (rep = 0; rep < BENCH_SAMPLES; rep++) {
		unsigned long end = jiffies + 10 * HZ;
		unsigned int done = 0;
		u64 start;

		for (i = 0; i < BENCH_JOBS; i++) {
			job[i] = bench_job(test, entity[i % BENCH_CLIENTS]);
			finished[i] = dma_fence_get(&job[i]->base.s_fence->finished);
		}

		start = ktime_get_ns();
		for (i = 0; i < BENCH_JOBS; i++)
			drm_sched_entity_push_job(&job[i]->base);

		/* All of them may finish as soon as they are scheduled. */
		done = drm_mock_sched_advance(sched, BENCH_JOBS);
		while (done < BENCH_JOBS && time_before(jiffies, end)) {
			done += drm_mock_sched_advance(sched, 0);
			cond_resched();
		}
		for (i = 0; i < BENCH_JOBS; i++)
			dma_fence_wait_timeout(finished[i], false, 10 * HZ);
		samples->value[rep] = (ktime_get_ns() - start) / BENCH_JOBS;

		KUNIT_EXPECT_EQ(test, done, BENCH_JOBS);
		for (i = 0; i < BENCH_JOBS; i++)
			dma_fence_put(finished[i]);
	}
	bench_report(test, "sched_job", BENCH_CLIENTS, samples);

	for (i = 0; i < BENCH_CLIENTS; i++)
		drm_mock_sched_entity_free(entity[i]);
	drm_mock_sched_fini(sched);
}

/* One job at a time: from the hardware to who waits for the job. */
static void bench_latency(struct kunit *test)
{
	struct drm_mock_sched_entity *entity;
	struct bench_samples *samples;
	struct drm_mock_scheduler *sched;
	int rep;

	samples = kunit_kzalloc(test, sizeof(*samples), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, samples);
	sched = drm_mock_sched_new(test, MAX_SCHEDULE_TIMEOUT);
	entity = drm_mock_sched_entity_new(test, DRM_SCHED_PRIORITY_NORMAL,
					   sched);

	for (rep = 0; rep < BENCH_SAMPLES; rep++) {
		struct drm_mock_sched_job *job = bench_job(test, entity);
		struct dma_fence *finished;
		u64 start;

		finished = dma_fence_get(&job->base.s_fence->finished);
		drm_sched_entity_push_job(&job->base);
		KUNIT_EXPECT_TRUE(test,
				  drm_mock_sched_job_wait_scheduled(job, 10 * HZ));

		start = ktime_get_ns();
		KUNIT_EXPECT_EQ(test, drm_mock_sched_advance(sched, 1), 1);
		dma_fence_wait_timeout(finished, false, 10 * HZ);
		samples->value[rep] = ktime_get_ns() - start;
		dma_fence_put(finished);
	}
	bench_report(test, "sched_finish", 1, samples);

	drm_mock_sched_entity_free(entity);
	drm_mock_sched_fini(sched);
}

static struct kunit_case bench_cases[] = {
	KUNIT_CASE_SLOW(bench_jobs),
	KUNIT_CASE_SLOW(bench_latency),
	{}
};

static struct kunit_suite bench_suite = {
	.name = "drm_sched_bench",
	.test_cases = bench_cases,
};

kunit_test_suite(bench_suite);
