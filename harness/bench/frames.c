// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames of 30 buffers, as the first process of a user-mode kernel: each buffer
 * has a fence of the renderer and one of the display, all are merged into one
 * fence, somebody waits for that, and another thread signals. Prints lines like
 * those of dma-fence-bench_kunit.c to a file, then ends the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sync_file.h>
#include <linux/types.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Not in a header for user space. */
struct sw_sync_create_fence_data {
	__u32 value;
	char name[32];
	__s32 fence;
};
#define SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC _IOW('W', 1, __u32)

#define FRAMES 201
#define BUFFERS 30
#define TIMEOUT_MS 10000

static int timeline[2], to_signaler[2];
static long long first_signal, last_signal;
static FILE *result;

static void check(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(result, "failed: %s: %s\n", what, strerror(errno));
	fclose(result);
	reboot(RB_POWER_OFF);
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int fence(int on, unsigned int value)
{
	struct sw_sync_create_fence_data data = { .value = value, .name = "frame" };

	check(!ioctl(on, SW_SYNC_IOC_CREATE_FENCE, &data), "create");
	return data.fence;
}

/* The merged fence, instead of the two. */
static int merge(int a, int b)
{
	struct sync_merge_data data = { .name = "frame", .fd2 = b };

	check(!ioctl(a, SYNC_IOC_MERGE, &data), "merge");
	close(a);
	close(b);
	return data.fence;
}

static void *signaler(void *arg)
{
	__u32 one = 1;
	char byte;
	int i, j;

	while (read(to_signaler[0], &byte, 1) == 1) {
		first_signal = now();
		for (i = 0; i < BUFFERS; i++) {
			for (j = 0; j < 2; j++) {
				if (j && i == BUFFERS - 1)
					__atomic_store_n(&last_signal, now(), __ATOMIC_RELEASE);
				check(!ioctl(timeline[j], SW_SYNC_IOC_INC, &one), "signal");
			}
		}
	}
	return arg;
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *row, long long *v, int n)
{
	qsort(v, n, sizeof(*v), compare);
	fprintf(result, "bench: time %s/%d %lld %lld %lld %lld %lld %d\n", row, BUFFERS,
		v[0], v[n / 10], v[n / 2], v[n - 1 - n / 10], v[n - 1], n);
}

int main(void)
{
	static long long create[FRAMES], wake[FRAMES], signal[FRAMES], latency[FRAMES], buffer[FRAMES];
	unsigned int value = 0;
	pthread_t thread;
	int i, f;

	result = fopen("/result", "w");
	if (!result)
		reboot(RB_POWER_OFF);
	mkdir("/debug", 0755);
	check(!mount("none", "/debug", "debugfs", 0, NULL), "mount");
	for (i = 0; i < 2; i++) {
		timeline[i] = open("/debug/sync/sw_sync", O_RDWR);
		check(timeline[i] >= 0, "open");
	}
	check(!pipe(to_signaler), "pipe");
	check(!pthread_create(&thread, NULL, signaler, NULL), "thread");

	for (f = 0; f < FRAMES; f++) {
		struct pollfd wait = { .fd = -1, .events = POLLIN };
		long long start = now(), created, last, end;

		for (i = 0; i < BUFFERS; i++) {
			int both;

			value++;
			both = merge(fence(timeline[0], value), fence(timeline[1], value));
			wait.fd = wait.fd < 0 ? both : merge(wait.fd, both);
		}
		created = now();
		check(write(to_signaler[1], "", 1) == 1, "write");
		check(poll(&wait, 1, TIMEOUT_MS) == 1, "wait");
		end = now();
		/* What the signaler wrote before that is there, too. */
		last = __atomic_load_n(&last_signal, __ATOMIC_ACQUIRE);
		latency[f] = end - last;
		buffer[f] = (end - start) / BUFFERS;
		create[f] = (created - start) / BUFFERS;
		wake[f] = first_signal - created;
		signal[f] = (last - first_signal) / BUFFERS;
		close(wait.fd);
	}
	report("buffer", buffer, FRAMES);
	report("buffer_create", create, FRAMES);
	report("wake_signaler", wake, FRAMES);
	report("buffer_signal", signal, FRAMES);
	report("last_signal_to_poll", latency, FRAMES);
	fclose(result);
	reboot(RB_POWER_OFF);
}
