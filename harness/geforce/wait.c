// SPDX-License-Identifier: GPL-2.0-only
/* Who waits for a push is woken soon after the card is done, and costs little until then. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests.h"

#define HELD_MS		50
#define TIMEOUT_MS	2000
#define SOON_MS		100

/* Calls that nobody wakes look once more when their time is over. */
static void check_woken(const char *name, double late)
{
	if (late < -HELD_MS || late >= TIMEOUT_MS - 2 * HELD_MS)
		check(false, name, "not woken in %d ms", TIMEOUT_MS);
	else
		check(late < SOON_MS, name, "%.2f ms", late);
}

static int begin(struct channel *c, struct buffer *b)
{
	return channel_open(c) || buffer_new(c, b, BUFFER_BYTES, VRAM) ? -1 : 0;
}

/* CPU_PREP of a push that was held for a short, a long time. */
int test_wait(void)
{
	static const unsigned int held[] = { 5, 20, 100, 400 };
	struct releaser r;
	struct channel c;
	struct buffer b;
	unsigned int i;
	char name[32];

	if (begin(&c, &b))
		return -1;
	for (i = 0; i < 4; i++) {
		if (push_held(&c, &b) || release_after(&r, &c, &b, held[i]))
			return -1;
		try(!wait_idle(&c, &b));
		snprintf(name, sizeof(name), "wait.held_%u_ms", held[i]);
		check_woken(name, released(&r));
	}
	channel_close(&c);
	return 0;
}

/* Whoever waits for the last of many does not wait for what the others cost. */
int test_inflight(void)
{
	struct buffer first, b;
	struct job other = { .dst = &first, .bytes = 64 };
	const unsigned int pushes = 400;
	struct releaser r;
	struct channel c;
	unsigned int i;

	if (begin(&c, &b) || buffer_new(&c, &first, BUFFER_BYTES, VRAM) || push_free(&c, &b))
		return -1;
	try(!wait_idle(&c, &b));
	if (push_held(&c, &first))
		return -1;
	for (i = 2; i < pushes; i++)
		if (push(&c, &other))
			return -1;
	if (push_free(&c, &b))
		return -1;
	check(busy(&c, &b), "inflight.busy", "%u pushes", pushes);
	if (release_after(&r, &c, &b, HELD_MS))
		return -1;
	try(!wait_idle(&c, &b));
	check_woken("inflight.last", released(&r));
	check(!busy(&c, &b), "inflight.idle", "");
	channel_close(&c);
	return 0;
}

/* poll() of a held push, which is then released. */
static int poll_released(const char *name, int fd, short events, struct channel *c,
			 struct buffer *b)
{
	struct releaser r;
	double waited, late;

	if (release_after(&r, c, b, HELD_MS))
		return -1;
	waited = poll_ms(fd, events, TIMEOUT_MS);
	late = released(&r);
	check_woken(name, waited < 0 ? -TIMEOUT_MS : late);
	try(!wait_idle(c, b));
	return 0;
}

static int poll_in_four(int file, struct channel *c, struct buffer *b)
{
	bool timed_out = false;
	pid_t pid[4];
	int i, status;
	double begun;

	for (i = 0; i < 4; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(poll_ms(file, POLLIN, TIMEOUT_MS) < 0);
	}
	sleep_ms(HELD_MS);
	release(c);
	begun = now();
	for (i = 0; i < 4; i++) {
		waitpid(pid[i], &status, 0);
		timed_out |= status != 0;
	}
	check_woken("poll.four_processes", timed_out ? -TIMEOUT_MS : now() - begun);
	try(!wait_idle(c, b));
	return 0;
}

int test_poll(void)
{
	struct channel c;
	struct buffer b;
	int file;

	if (begin(&c, &b))
		return -1;

	if (push_free(&c, &b))
		return -1;
	try(!wait_idle(&c, &b));
	file = sync_file(&c, &b);
	check(poll_ms(file, POLLIN, 0) >= 0 && sync_status(file, NULL) == 1,
	      "poll.finished", "");
	close(file);

	if (push_held(&c, &b))
		return -1;
	file = sync_file(&c, &b);
	check(poll_ms(file, POLLIN, HELD_MS) < 0 && !sync_status(file, NULL), "poll.held", "");
	if (poll_released("poll.sync_file", file, POLLIN, &c, &b))
		return -1;
	check(poll_ms(file, POLLIN, 0) >= 0 && sync_status(file, NULL) == 1, "poll.again", "");
	close(file);

	if (push_held(&c, &b))
		return -1;
	file = sync_file(&c, &b);
	if (poll_in_four(file, &c, &b))
		return -1;
	close(file);

	if (push_held(&c, &b))
		return -1;
	check(poll_ms(b.dmabuf, POLLOUT, HELD_MS) < 0, "poll.dmabuf_held", "");
	if (poll_released("poll.dmabuf_write", b.dmabuf, POLLOUT, &c, &b) || push_held(&c, &b) ||
	    poll_released("poll.dmabuf_read", b.dmabuf, POLLIN, &c, &b))
		return -1;
	channel_close(&c);
	return 0;
}

/* A sync file with fences of three channels. */
int test_merged(void)
{
	int files[3], two, all, status;
	struct channel c[3];
	struct buffer b[3];
	unsigned int i, n = 0;

	for (i = 0; i < 3; i++) {
		if (begin(&c[i], &b[i]) || push_held(&c[i], &b[i]))
			return -1;
		files[i] = sync_file(&c[i], &b[i]);
		try(files[i] >= 0);
	}
	two = sync_merge(files[0], files[1]);
	all = sync_merge(two, files[2]);
	status = sync_status(all, &n);
	check(poll_ms(all, POLLIN, HELD_MS) < 0 && !status && n == 3, "merged.held",
	      "%u fences", n);
	release(&c[0]);
	release(&c[1]);
	check(poll_ms(all, POLLIN, HELD_MS) < 0, "merged.one_held", "");
	if (poll_released("merged.poll", all, POLLIN, &c[2], &b[2]))
		return -1;
	for (i = 0; i < 3; i++)
		try(!wait_idle(&c[i], &b[i]));
	check(poll_ms(all, POLLIN, 0) >= 0 && sync_status(all, NULL) == 1, "merged.again", "");
	return 0;
}

/* A held push, as the fence of a sync object or of a point. */
static int fence_to(struct channel *c, struct buffer *b, uint32_t handle, uint32_t timeline,
		    uint64_t point)
{
	int file, ret;

	if (push_held(c, b))
		return -1;
	file = sync_file(c, b);
	try(file >= 0);
	ret = syncobj_import(c, handle, file);
	close(file);
	if (!ret && point)
		ret = syncobj_transfer(c, timeline, point, handle);
	return ret;
}

static int wait_released(const char *name, struct channel *c, struct buffer *b, uint32_t handle,
			 uint64_t point)
{
	struct releaser r;
	double late;
	int ret;

	if (release_after(&r, c, b, HELD_MS))
		return -1;
	ret = syncobj_wait(c, handle, point, TIMEOUT_MS);
	late = released(&r);
	check_woken(name, ret ? -TIMEOUT_MS : late);
	try(!wait_idle(c, b));
	return 0;
}

int test_syncobj(void)
{
	uint32_t handle, timeline;
	struct channel c;
	struct buffer b;
	int event;

	if (begin(&c, &b) || syncobj_new(&c, &handle) || syncobj_new(&c, &timeline))
		return -1;

	if (fence_to(&c, &b, handle, 0, 0))
		return -1;
	check(syncobj_wait(&c, handle, 0, HELD_MS) == -ETIME, "syncobj.held", "");
	if (wait_released("syncobj.wait", &c, &b, handle, 0))
		return -1;

	if (fence_to(&c, &b, handle, timeline, 1))
		return -1;
	check(syncobj_wait(&c, timeline, 1, HELD_MS) == -ETIME, "syncobj.point_held", "");
	if (wait_released("syncobj.point", &c, &b, timeline, 1))
		return -1;

	if (fence_to(&c, &b, handle, timeline, 2))
		return -1;
	event = syncobj_eventfd(&c, timeline, 2);
	try(event >= 0);
	if (poll_released("syncobj.eventfd", event, POLLIN, &c, &b))
		return -1;
	channel_close(&c);
	return 0;
}

/* --- What waiting costs --- */

static void ring(int sig)
{
	(void)sig;
}

static void ring_after(unsigned int ms)
{
	struct itimerval t = {
		.it_value = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 },
	};

	setitimer(ITIMER_REAL, &t, NULL);
}

static double cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

int test_interrupted(void)
{
	struct sigaction act = { .sa_handler = ring };
	struct channel c;
	struct buffer b;
	double begun, cpu;
	int ret;

	sigaction(SIGALRM, &act, NULL);
	if (begin(&c, &b) || push_held(&c, &b))
		return -1;
	ring_after(100);
	begun = now();
	ret = wait_interruptible(&c, &b);
	check(ret == -EINTR && now() - begun < 100 + SOON_MS, "interrupted.prep",
	      "%d after %.0f ms", ret, now() - begun);

	cpu = cpu_ms();
	ring_after(2000);
	ret = wait_interruptible(&c, &b);
	cpu = cpu_ms() - cpu;
	check(ret == -EINTR && cpu < 100, "interrupted.cpu_time_of_2_s", "%.0f ms", cpu);
	release(&c);
	try(!wait_idle(&c, &b));
	channel_close(&c);
	return 0;
}

/* A line of /proc/softirqs or /proc/interrupts, the sum of all CPUs. */
static long sum_of(const char *path, const char *label)
{
	char line[512], *p, *end;
	long n, sum = 0;
	FILE *f;

	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		p = line + strspn(line, " ");
		if (strncmp(p, label, strlen(label)))
			continue;
		for (p += strlen(label); n = strtol(p, &end, 10), end != p; p = end)
			sum += n;
	}
	if (f)
		fclose(f);
	return sum;
}

/* Timers that expired in the next second, in softirqs and as interrupts. */
static long timers_of_a_second(void)
{
	long soft = sum_of("/proc/softirqs", "HRTIMER:"), hard = sum_of("/proc/interrupts", "LOC:");

	sleep_ms(1000);
	soft = sum_of("/proc/softirqs", "HRTIMER:") - soft;
	hard = sum_of("/proc/interrupts", "LOC:") - hard;
	return soft > hard ? soft : hard;
}

/*
 * A channel that hangs, and that nobody waits for any more, costs next to nothing: at once if
 * nobody ever asked, and after the driver's own timeout of 15 s if somebody did.
 */
int test_idle(void)
{
	const long few = 20;
	long idle, n;
	struct channel c;
	struct buffer b;
	int file;

	if (begin(&c, &b))
		return -1;
	idle = timers_of_a_second();
	if (push_held(&c, &b))
		return -1;
	n = timers_of_a_second() - idle;
	check(n <= few, "idle.never_asked", "%ld/s", n > 0 ? n : 0);
	file = sync_file(&c, &b);
	poll_ms(file, POLLIN, 20);
	close(file);
	n = timers_of_a_second() - idle;
	check(true, "idle.asked_once", "%ld/s", n > 0 ? n : 0);
	sleep_ms(16000);
	n = timers_of_a_second() - idle;
	check(n <= few, "idle.asked_once_16_s_ago", "%ld/s", n > 0 ? n : 0);
	release(&c);
	try(ends(&c, &b));
	channel_close(&c);
	return 0;
}
