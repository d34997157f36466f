// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks that race on the same fences
 *
 * Two tasks meet, wait a random moment and act. Nothing sleeps in the hope of
 * a race: what has to happen is waited for, and nothing waits for ever.
 */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "fence_util.h"
#include "kselftest_harness.h"

/* The first check that failed, in whatever task; the test looks at it in the end. */
struct verdict {
	atomic_int line;
	atomic_int value;
};

static void check(struct verdict *verdict, int line, bool good, int value)
{
	int zero = 0;

	if (!good && atomic_compare_exchange_strong(&verdict->line, &zero, line))
		atomic_store(&verdict->value, value);
}

#define CHECK(verdict, condition, value)	\
	check(verdict, __LINE__, condition, value)

struct pair {
	struct verdict verdict;
	pthread_barrier_t barrier;
	atomic_uint arrived;
	atomic_bool stop;
	const struct race *race;
	pthread_t thread;
	unsigned int seed;
	unsigned int value;	/* that the timelines will reach in this round */
	bool merged;
	int epoll;
	int timeline, other;	/* advanced by the test itself */
	int fd, second;		/* for the partner */
	int result;		/* what it made of it */
	__u64 before;
};

/* Both act at the same time, between prepare and look. */
struct race {
	void (*prepare)(struct pair *pair);
	void (*act)(struct pair *pair);
	void (*partner)(struct pair *pair);
	void (*look)(struct pair *pair);
};

static unsigned int next_random(unsigned int *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;

	return *seed;
}

static void moment(unsigned int *seed)
{
	unsigned int i = next_random(seed) % 16384;

	while (i--)
		atomic_signal_fence(memory_order_seq_cst);
}

/*
 * Returns in both tasks at the same time. The first to come sleeps, so as not
 * to keep the other from its work; then they wait for each other to be awake.
 */
static void meet(struct pair *pair)
{
	unsigned int all;
	int spins = 0;

	pthread_barrier_wait(&pair->barrier);
	all = (atomic_fetch_add(&pair->arrived, 1) | 1) + 1;
	while ((int)(atomic_load(&pair->arrived) - all) < 0)
		if (++spins > 10000)
			sched_yield();
}

static void *partner(void *arg)
{
	struct pair *pair = arg;
	unsigned int seed = pair->seed * 7919;

	for (;;) {
		meet(pair);
		if (atomic_load(&pair->stop))
			return NULL;
		moment(&seed);
		pair->race->partner(pair);
		pthread_barrier_wait(&pair->barrier);
	}
}

/* Returns how many rounds there were. */
static int run(struct pair *pair, const struct race *race)
{
	__u64 end = in_ms(DURATION);
	unsigned int seed = pair->seed;
	int rounds = 0;

	pair->race = race;
	pthread_barrier_init(&pair->barrier, NULL, 2);
	if (pthread_create(&pair->thread, NULL, partner, pair))
		return -1;
	while ((now_ns() < end || rounds < MIN_ROUNDS) &&
	       !atomic_load(&pair->verdict.line)) {
		pair->value++;
		race->prepare(pair);
		meet(pair);
		moment(&seed);
		race->act(pair);
		pthread_barrier_wait(&pair->barrier);
		race->look(pair);
		rounds++;
	}
	atomic_store(&pair->stop, true);
	meet(pair);
	pthread_join(pair->thread, NULL);

	return rounds;
}

FIXTURE(race) {
	struct pair pair;
	char name[16];
};

FIXTURE_VARIANT(race) {
	bool merged;
};

FIXTURE_VARIANT_ADD(race, fence) {
	.merged = false,
};

FIXTURE_VARIANT_ADD(race, array) {
	.merged = true,
};

FIXTURE_SETUP(race)
{
	if (access(SW_SYNC, R_OK | W_OK))
		SKIP(return, "no " SW_SYNC);

	own_name(self->name, "race");
	self->pair.seed = getpid();
	self->pair.merged = variant->merged;
	self->pair.epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_GE(self->pair.epoll, 0);
	self->pair.timeline = timeline_create();
	ASSERT_GE(self->pair.timeline, 0);
	self->pair.other = timeline_create();
	ASSERT_GE(self->pair.other, 0);
}

FIXTURE_TEARDOWN(race)
{
	close(self->pair.epoll);
	close(self->pair.timeline);
	close(self->pair.other);
	EXPECT_EQ(0, timelines_gone(self->name));
}

#define EXPECT_GOOD(rounds, pair) do {						\
	struct verdict *verdict = &(pair)->verdict;				\
										\
	TH_LOG("%d rounds", rounds);						\
	EXPECT_EQ(0, verdict->line)						\
		TH_LOG("the check in line %d failed: %d", verdict->line,	\
		       verdict->value);						\
} while (0)

/* A file that signals once signal_both() has been called. */
static int pair_file(struct pair *pair)
{
	int a, b, both;

	a = fence_create(pair->timeline, pair->value);
	CHECK(&pair->verdict, a >= 0, a);
	if (!pair->merged)
		return a;

	b = fence_create(pair->other, pair->value);
	CHECK(&pair->verdict, b >= 0, b);
	both = sync_merge("both", a, b);
	CHECK(&pair->verdict, both >= 0, both);
	close(a);
	close(b);

	return both;
}

static void advance(struct pair *pair, int timeline, unsigned int by)
{
	int ret = timeline_inc(timeline, by);

	CHECK(&pair->verdict, !ret, ret);
}

static void expect_signaled(struct pair *pair, int fd)
{
	int events = poll_for(fd, POLLIN, PATIENCE);

	CHECK(&pair->verdict, events == POLLIN, events);
	close(fd);
}

/* Adds the callback of the file, whether the fence is signaled or not. */
static void touch(struct pair *pair, int fd)
{
	int ret = watch(pair->epoll, fd);

	CHECK(&pair->verdict, !ret, ret);
}

/* A file that was touched: its callback has to come, or the file was ready. */
static void expect_woken(struct pair *pair, int fd)
{
	struct epoll_event events[4];
	__u64 end = in_ms(PATIENCE);
	int i, n;

	do {
		n = epoll_wait(pair->epoll, events, 4, PATIENCE);
		for (i = 0; i < n; i++)
			if (events[i].data.fd == fd)
				return expect_signaled(pair, fd);
	} while (n > 0 && now_ns() < end);
	CHECK(&pair->verdict, false, n);
	close(fd);
}

static void one_file(struct pair *pair)
{
	pair->fd = pair_file(pair);
}

static void two_files(struct pair *pair)
{
	pair->fd = pair_file(pair);
	pair->second = pair_file(pair);
}

static void one_touched(struct pair *pair)
{
	one_file(pair);
	touch(pair, pair->fd);
}

static void two_touched(struct pair *pair)
{
	two_files(pair);
	touch(pair, pair->second);
	touch(pair, pair->fd);
}

static void signal_both(struct pair *pair)
{
	advance(pair, pair->other, 1);
	advance(pair, pair->timeline, 1);
}

static void touch_and_signal(struct pair *pair)
{
	touch(pair, pair->second);
	signal_both(pair);
}

static void wait_for_file(struct pair *pair)
{
	pair->result = poll_for(pair->fd, POLLIN, PATIENCE);
}

static void close_file(struct pair *pair)
{
	close(pair->fd);
}

static void was_ready(struct pair *pair)
{
	CHECK(&pair->verdict, pair->result == POLLIN, pair->result);
	close(pair->fd);
}

static void both_were_ready(struct pair *pair)
{
	was_ready(pair);
	expect_woken(pair, pair->second);
}

static void second_is_ready(struct pair *pair)
{
	expect_woken(pair, pair->second);
}

static void nothing(struct pair *pair)
{
}

/* The first poll of a file adds a callback. It must not come too late. */
TEST_F_TIMEOUT(race, poll_while_signaling, 300)
{
	const struct race race = { one_file, signal_both, wait_for_file, was_ready };
	int rounds = run(&self->pair, &race);

	EXPECT_GOOD(rounds, &self->pair);
}

/* Two files of one fence, or two arrays of it: two callbacks race. */
TEST_F_TIMEOUT(race, two_polls, 300)
{
	const struct race race = {
		two_files, touch_and_signal, wait_for_file, both_were_ready
	};
	int rounds = run(&self->pair, &race);

	EXPECT_GOOD(rounds, &self->pair);
}

/* The callback of a file goes while it is, perhaps, being run. */
TEST_F_TIMEOUT(race, close_while_signaling, 300)
{
	const struct race race = { one_touched, signal_both, close_file, nothing };
	int rounds = run(&self->pair, &race);

	EXPECT_GOOD(rounds, &self->pair);
}

/* The same with a second file, whose callback must not get lost with it. */
TEST_F_TIMEOUT(race, close_one_of_two_while_signaling, 300)
{
	const struct race race = {
		two_touched, signal_both, close_file, second_is_ready
	};
	int rounds = run(&self->pair, &race);

	EXPECT_GOOD(rounds, &self->pair);
}

/* What is merged from fences that signal meanwhile signals too. */
static void file_and_fence(struct pair *pair)
{
	pair->fd = pair_file(pair);
	pair->second = fence_create(pair->other, pair->value);
	CHECK(&pair->verdict, pair->second >= 0, pair->second);
}

static void merge_files(struct pair *pair)
{
	pair->result = sync_merge("merged", pair->fd, pair->second);
	CHECK(&pair->verdict, pair->result >= 0, pair->result);
	touch(pair, pair->result);
}

static void merged_is_ready(struct pair *pair)
{
	int status;

	close(pair->fd);
	close(pair->second);
	status = poll_for(pair->result, POLLIN, PATIENCE);
	CHECK(&pair->verdict, status == POLLIN, status);
	status = sync_status(pair->result);
	CHECK(&pair->verdict, status == 1, status);
	expect_woken(pair, pair->result);
}

TEST_F_TIMEOUT(race, merge_while_signaling, 300)
{
	const struct race race = {
		file_and_fence, signal_both, merge_files, merged_is_ready
	};
	int rounds = run(&self->pair, &race);

	EXPECT_GOOD(rounds, &self->pair);
}

/*
 * Asking for the state can signal the fence, before the timeline gets to it.
 * Whoever signals it, one who sees it signaled sees the time, and the time
 * does not change after that.
 */
static void timed_file(struct pair *pair)
{
	pair->before = now_ns();
	one_file(pair);
}

static void ask_until_signaled(struct pair *pair)
{
	struct sync_fence_info fences[2], again[2];
	__u64 end = in_ms(PATIENCE);
	struct verdict *verdict = &pair->verdict;
	struct sync_file_info info;
	int ret, i;

	do {
		ret = sync_info(pair->fd, &info, fences, 2);
		CHECK(verdict, !ret, ret);
		for (i = 0; !ret && i < info.num_fences; i++) {
			CHECK(verdict, fences[i].status >= 0, fences[i].status);
			if (!fences[i].status)
				continue;
			CHECK(verdict, fences[i].timestamp_ns >= pair->before, i);
			CHECK(verdict, fences[i].timestamp_ns <= now_ns(), i);
		}
	} while (!ret && !info.status && now_ns() < end);
	CHECK(verdict, info.status == 1, info.status);

	/* An array drops what is signaled by the time it is asked for it. */
	ret = sync_info(pair->fd, &info, again, 2);
	CHECK(verdict, !ret, ret);
	for (i = 0; !ret && i < info.num_fences; i++)
		CHECK(verdict, again[i].timestamp_ns == fences[i].timestamp_ns, i);
}

static void file_is_ready(struct pair *pair)
{
	expect_signaled(pair, pair->fd);
}

TEST_F_TIMEOUT(race, info_while_signaling, 300)
{
	const struct race race = {
		timed_file, signal_both, ask_until_signaled, file_is_ready
	};
	int rounds = run(&self->pair, &race);

	EXPECT_GOOD(rounds, &self->pair);
}

/* Two tasks advance a timeline; a callback on each of the fences. */
static void two_values(struct pair *pair)
{
	one_touched(pair);
	pair->value++;
	pair->second = fence_create(pair->timeline, pair->value);
	CHECK(&pair->verdict, pair->second >= 0, pair->second);
	touch(pair, pair->second);
}

static void signal_one(struct pair *pair)
{
	advance(pair, pair->other, 2);
	advance(pair, pair->timeline, 1);
}

static void signal_another(struct pair *pair)
{
	advance(pair, pair->timeline, 1);
}

static void both_are_ready(struct pair *pair)
{
	expect_woken(pair, pair->fd);
	expect_woken(pair, pair->second);
}

TEST_F_TIMEOUT(race, two_signalers, 300)
{
	const struct race race = {
		two_values, signal_one, signal_another, both_are_ready
	};
	int rounds = run(&self->pair, &race);

	EXPECT_GOOD(rounds, &self->pair);
}

/* A timeline is closed: its fences end with an error, if they are not done. */
static void short_lived_timeline(struct pair *pair)
{
	int own = fence_create(pair->timeline, pair->value);

	CHECK(&pair->verdict, own >= 0, own);
	pair->result = timeline_create();
	CHECK(&pair->verdict, pair->result >= 0, pair->result);
	pair->fd = fence_create(pair->result, 1);
	CHECK(&pair->verdict, pair->fd >= 0, pair->fd);
	pair->second = pair->merged ? sync_merge("both", pair->fd, own) :
				      dup(pair->fd);
	CHECK(&pair->verdict, pair->second >= 0, pair->second);
	close(own);
}

static void close_timeline(struct pair *pair)
{
	close(pair->result);
}

static void ended_with_error(struct pair *pair)
{
	int status;

	expect_woken(pair, pair->second);
	status = sync_status(pair->fd);
	CHECK(&pair->verdict, status == -ENOENT, status);
	close(pair->fd);
}

TEST_F_TIMEOUT(race, closed_timeline, 300)
{
	const struct race race = {
		short_lived_timeline, touch_and_signal, close_timeline,
		ended_with_error
	};
	int rounds = run(&self->pair, &race);

	EXPECT_GOOD(rounds, &self->pair);
}

/* --- Everything at once --- */

#define TASKS		4
#define TIMELINES	3
#define FILES		32

static struct crowd {
	struct verdict verdict;
	atomic_int timelines[TIMELINES];
	atomic_int files[FILES];
	atomic_uint values[TIMELINES];
	atomic_ulong done;
	__u64 end;
} crowd;

/* A file belongs to who has its number in hand: take it out, put it back. */
static int take(unsigned int *seed)
{
	return atomic_exchange(&crowd.files[next_random(seed) % FILES], -1);
}

static void put(unsigned int *seed, int fd)
{
	if (fd < 0)
		return;
	fd = atomic_exchange(&crowd.files[next_random(seed) % FILES], fd);
	if (fd >= 0)
		close(fd);
}

static void act(unsigned int *seed)
{
	unsigned int t = next_random(seed) % TIMELINES;
	struct sync_fence_info fences[TIMELINES];
	struct sync_file_info info;
	int fd = -1, second, ret;

	switch (next_random(seed) % 16) {
	case 0 ... 4:
		fd = fence_create(crowd.timelines[t], atomic_load(&crowd.values[t]) +
				  next_random(seed) % 8);
		CHECK(&crowd.verdict, fd >= 0, fd);
		break;
	case 5 ... 8:
		fd = take(seed);
		second = take(seed);
		if (fd >= 0 && second >= 0) {
			ret = sync_merge("crowd", fd, second);
			CHECK(&crowd.verdict, ret >= 0, ret);
			put(seed, ret);
		}
		put(seed, second);
		break;
	case 9 ... 10:
		fd = take(seed);
		ret = fd < 0 ? 0 : poll_for(fd, POLLIN, 0);
		CHECK(&crowd.verdict, !ret || ret == POLLIN, ret);
		if (ret == POLLIN) {
			ret = sync_status(fd);
			CHECK(&crowd.verdict, ret == 1, ret);
		}
		break;
	case 11:
		fd = take(seed);
		ret = fd < 0 ? 0 : sync_info(fd, &info, fences, TIMELINES);
		CHECK(&crowd.verdict, !ret, ret);
		break;
	case 12:
		fd = take(seed);
		ret = fd < 0 ? 0 : sync_deadline(fd, now_ns() + 1000000);
		CHECK(&crowd.verdict, !ret, ret);
		break;
	case 13:
		fd = take(seed);
		if (fd >= 0)
			close(fd);
		fd = -1;
		break;
	case 14 ... 15:
		ret = next_random(seed) % 3;
		atomic_fetch_add(&crowd.values[t], ret);
		ret = timeline_inc(crowd.timelines[t], ret);
		CHECK(&crowd.verdict, !ret, ret);
		break;
	}
	put(seed, fd);
	atomic_fetch_add(&crowd.done, 1);
}

static void *crowd_task(void *arg)
{
	unsigned int seed = (uintptr_t)arg;

	while (now_ns() < crowd.end && !atomic_load(&crowd.verdict.line))
		act(&seed);

	return NULL;
}

/* Blocks until something is done, over and over. */
static void *crowd_waiter(void *arg)
{
	unsigned int seed = (uintptr_t)arg;

	while (now_ns() < crowd.end && !atomic_load(&crowd.verdict.line)) {
		int fd = take(&seed);

		if (fd >= 0)
			poll_for(fd, POLLIN, 20);
		else
			sched_yield();
		put(&seed, fd);
	}

	return NULL;
}

FIXTURE(crowd) {
	char name[16];
};

FIXTURE_SETUP(crowd)
{
	if (access(SW_SYNC, R_OK | W_OK))
		SKIP(return, "no " SW_SYNC);
	own_name(self->name, "crowd");
}

FIXTURE_TEARDOWN(crowd)
{
	EXPECT_EQ(0, timelines_gone(self->name));
}

TEST_F_TIMEOUT(crowd, everything, 300)
{
	pthread_t tasks[TASKS];
	unsigned int seed = getpid();
	int i, ret;

	for (i = 0; i < TIMELINES; i++) {
		crowd.timelines[i] = timeline_create();
		ASSERT_GE(crowd.timelines[i], 0);
	}
	for (i = 0; i < FILES; i++)
		crowd.files[i] = -1;
	crowd.end = in_ms(3 * DURATION);
	for (i = 0; i < TASKS; i++)
		ASSERT_EQ(0, pthread_create(&tasks[i], NULL,
					    i ? crowd_task : crowd_waiter,
					    (void *)(uintptr_t)(seed + 7919 * (i + 1))));
	for (i = 0; i < TASKS; i++)
		pthread_join(tasks[i], NULL);
	TH_LOG("%lu operations", crowd.done);

	/* Past all that was ever created: every file has to be done now. */
	for (i = 0; i < TIMELINES; i++)
		ASSERT_EQ(0, timeline_inc(crowd.timelines[i], 16));
	for (i = 0; i < FILES; i++) {
		if (crowd.files[i] < 0)
			continue;
		ret = poll_for(crowd.files[i], POLLIN, PATIENCE);
		EXPECT_EQ(POLLIN, ret);
		close(crowd.files[i]);
	}
	for (i = 0; i < TIMELINES; i++)
		close(crowd.timelines[i]);
	EXPECT_EQ(0, crowd.verdict.line)
		TH_LOG("the check in line %d failed: %d",
		       crowd.verdict.line, crowd.verdict.value);
}

/*
 * One advance completes two fences. From then on nobody but the task that
 * advances finds the second one, and the first one takes its time.
 */
#define HOG_ROUNDS	5
#define HOG_MS		200
#define CALLBACKS	1000
#define WRAP_ROUNDS	20

FIXTURE(advance) {
	char name[16];
	int timeline;
	int first, second;
	pthread_barrier_t barrier;
	bool failed;		/* the other task cannot do its part */
};

FIXTURE_SETUP(advance)
{
	if (access(SW_SYNC, R_OK | W_OK))
		SKIP(return, "no " SW_SYNC);

	own_name(self->name, "advance");
	pthread_barrier_init(&self->barrier, NULL, 2);
	self->timeline = timeline_create();
	ASSERT_GE(self->timeline, 0);
}

FIXTURE_TEARDOWN(advance)
{
	close(self->timeline);
	EXPECT_EQ(0, timelines_gone(self->name));
}

static int use_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);

	return sched_setaffinity(0, sizeof(set), &set);
}

static bool is_preempt_rt(void)
{
	char text = '0';
	int fd = open_or_errno("/sys/kernel/realtime", O_RDONLY);

	if (fd < 0)
		return false;
	if (read(fd, &text, 1) != 1)
		text = '0';
	close(fd);

	return text == '1';
}

/* Once woken by the first fence, this leaves its CPU to nobody for a while. */
static void *hog(void *arg)
{
	const struct sched_param param = { .sched_priority = 10 };
	FIXTURE_DATA(advance) *self = arg;
	__u64 end;
	int i;

	self->failed = use_cpu(0) || sched_setscheduler(0, SCHED_FIFO, &param);
	pthread_barrier_wait(&self->barrier);
	for (i = 0; i < HOG_ROUNDS && !self->failed; i++) {
		pthread_barrier_wait(&self->barrier);
		poll_for(self->first, POLLIN, PATIENCE);
		for (end = in_ms(HOG_MS); now_ns() < end; )
			;
		pthread_barrier_wait(&self->barrier);
	}

	return NULL;
}

static __u64 signaled_at(int fd)
{
	struct sync_fence_info fence = { 0 };
	struct sync_file_info info;

	return sync_info(fd, &info, &fence, 1) || fence.status != 1 ?
	       0 : fence.timestamp_ns;
}

/* Who is woken by the first fence does not keep the second one from being signaled. */
TEST_F_TIMEOUT(advance, woken_task_runs_on_the_same_cpu, 300)
{
	__u64 first, second, longest = 0;
	pthread_t thread;
	int i;

	if (is_preempt_rt())
		SKIP(return, "the task that advances can be preempted on PREEMPT_RT");
	if (use_cpu(0))
		SKIP(return, "CPU 0 is not ours");
	ASSERT_EQ(0, pthread_create(&thread, NULL, hog, self));
	pthread_barrier_wait(&self->barrier);
	if (self->failed) {
		pthread_join(thread, NULL);
		SKIP(return, "no real-time task on CPU 0");
	}

	for (i = 0; i < HOG_ROUNDS; i++) {
		self->first = fence_create(self->timeline, 2 * i + 1);
		self->second = fence_create(self->timeline, 2 * i + 2);
		/* It has the same CPU, so it sleeps in poll() after this. */
		pthread_barrier_wait(&self->barrier);
		EXPECT_EQ(0, timeline_inc(self->timeline, 2));
		pthread_barrier_wait(&self->barrier);

		first = signaled_at(self->first);
		second = signaled_at(self->second);
		EXPECT_NE(0, first);
		EXPECT_NE(0, second);
		if (second > first && second - first > longest)
			longest = second - first;
		close(self->first);
		close(self->second);
	}
	pthread_join(thread, NULL);
	TH_LOG("signaled at most %llu us after the first", longest / 1000);
	EXPECT_LT(longest, HOG_MS * 1000000ull / 2);
}

static void *advance_by_two(void *arg)
{
	FIXTURE_DATA(advance) *self = arg;

	pthread_barrier_wait(&self->barrier);
	self->failed = timeline_inc(self->timeline, 2);

	return NULL;
}

/* A fence that has been passed stays so when the timeline wraps around. */
TEST_F_TIMEOUT(advance, wraps_around, 300)
{
	int files[CALLBACKS];
	unsigned int value = 0;
	pthread_t thread;
	__u64 end;
	int i, n;

	ASSERT_EQ(0, allow_files(CALLBACKS + 64));
	for (n = 0; n < WRAP_ROUNDS; n++) {
		self->first = fence_create(self->timeline, value + 1);
		ASSERT_GE(self->first, 0);
		self->second = fence_create(self->timeline, value + 2);
		ASSERT_GE(self->second, 0);
		for (i = 0; i < CALLBACKS; i++) {
			files[i] = sync_merge("again", self->first, self->first);
			ASSERT_GE(files[i], 0);
			ASSERT_EQ(0, poll_for(files[i], POLLIN, 0));
		}
		ASSERT_EQ(0, pthread_create(&thread, NULL, advance_by_two, self));
		pthread_barrier_wait(&self->barrier);

		/* Its callbacks run now, and there are many. */
		end = in_ms(PATIENCE);
		while (sync_status(self->first) != 1 && now_ns() < end)
			;
		/* More than half way round: the second one seems to be ahead. */
		EXPECT_EQ(0, timeline_inc(self->timeline, 0x80000001));
		EXPECT_EQ(1, sync_status(self->second));

		pthread_join(thread, NULL);
		EXPECT_FALSE(self->failed);
		value += 2 + 0x80000001;
		for (i = 0; i < CALLBACKS; i++)
			close(files[i]);
		close(self->first);
		close(self->second);
	}
}

TEST_HARNESS_MAIN
