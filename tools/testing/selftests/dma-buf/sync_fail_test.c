// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out at each allocation of a call, one after the other
 *
 * Each call is made with its first allocation failing, then its second, until
 * one goes through without a failure. A call that fails says so, leaves no file
 * and no reference behind, and the fences it was about still work.
 */

#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "syncobj_util.h"
#include "test_modules/fence_issuer.h"
#include "kselftest_harness.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define FAIL_USERCOPY	"/sys/kernel/debug/fail_usercopy"
#define MAX_ALLOCATIONS	1000

static int write_file(const char *path, const char *text)
{
	int fd = open_or_errno(path, O_WRONLY);
	int ret = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);

	return ret;
}

static int read_file(const char *path, char *text, size_t size)
{
	int fd = open_or_errno(path, O_RDONLY);
	ssize_t length;

	if (fd < 0)
		return fd;
	length = read(fd, text, size - 1);
	close(fd);
	if (length < 0)
		return -errno;
	text[length] = 0;

	return 0;
}

FIXTURE(fail) {
	char name[16];
	char gfp_wait[8], verbose[8];	/* settings to put back */
	int nth;		/* which allocation of this task fails */
	int timeline, other;
	int a, b, c;		/* fences of timeline, other and other again */
	int both;		/* a and b */
	int buf;
	int dev, issuer;
	__u32 handle;
	pid_t load;
};

/* The same things with memory to spare, on fences of its own. */
static void run_load(void)
{
	unsigned int value = 0;
	int timelines[2], a, b, both;

	timelines[0] = timeline_create();
	timelines[1] = timeline_create();
	while (getppid() != 1) {
		value++;
		a = fence_create(timelines[0], value);
		b = fence_create(timelines[1], value);
		both = sync_merge("load", a, b);
		poll_for(both, POLLIN, 0);
		timeline_inc(timelines[0], 1);
		timeline_inc(timelines[1], 1);
		poll_for(both, POLLIN, PATIENCE);
		close(a);
		close(b);
		close(both);
	}
	_exit(0);
}

FIXTURE_SETUP(fail)
{
	self->load = -1;
	if (access(SW_SYNC, R_OK | W_OK))
		SKIP(return, "no " SW_SYNC);
	/* Copies from and to user space would be counted, those of the test, too. */
	if (!access(FAIL_USERCOPY, F_OK))
		SKIP(return, "CONFIG_FAULT_INJECTION_USERCOPY is set");
	self->nth = open_or_errno("/proc/thread-self/fail-nth", O_RDWR);
	if (self->nth < 0 ||
	    read_file(FAILSLAB "ignore-gfp-wait", self->gfp_wait, sizeof(self->gfp_wait)) ||
	    read_file(FAILSLAB "verbose", self->verbose, sizeof(self->verbose)) ||
	    write_file(FAILSLAB "ignore-gfp-wait", "N"))
		SKIP(return, "allocations do not fail on demand");
	/* Which one failed is known, and there are hundreds. */
	write_file(FAILSLAB "verbose", "0");

	own_name(self->name, "fail");
	self->timeline = timeline_create();
	ASSERT_GE(self->timeline, 0);
	self->other = timeline_create();
	ASSERT_GE(self->other, 0);
	self->a = fence_create(self->timeline, 1);
	ASSERT_GE(self->a, 0);
	self->b = fence_create(self->other, 1);
	ASSERT_GE(self->b, 0);
	self->c = fence_create(self->other, 2);
	ASSERT_GE(self->c, 0);
	self->both = sync_merge("both", self->a, self->b);
	ASSERT_GE(self->both, 0);
	self->buf = dmabuf_create();
	self->dev = syncobj_open();
	if (self->dev >= 0)
		ASSERT_EQ(0, syncobj_create(self->dev, &self->handle));
	self->issuer = module_load("fence_issuer") ? -1 :
		       open_or_errno("/dev/fence_issuer", O_RDWR);

	self->load = fork();
	ASSERT_GE(self->load, 0);
	if (!self->load) {
		own_name(self->name, "load");
		run_load();
	}
}

FIXTURE_TEARDOWN(fail)
{
	if (self->verbose[0]) {
		EXPECT_EQ(0, write_file(FAILSLAB "ignore-gfp-wait", self->gfp_wait));
		EXPECT_EQ(0, write_file(FAILSLAB "verbose", self->verbose));
	}
	if (self->load <= 0)
		return;
	kill(self->load, SIGKILL);
	waitpid(self->load, NULL, 0);

	/* All that failed before did not break what was there. */
	EXPECT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(POLLIN, poll_for(self->a, POLLIN, PATIENCE));
	EXPECT_EQ(0, poll_for(self->both, POLLIN, 0));
	EXPECT_EQ(0, timeline_inc(self->other, 2));
	EXPECT_EQ(POLLIN, poll_for(self->b, POLLIN, PATIENCE));
	EXPECT_EQ(POLLIN, poll_for(self->c, POLLIN, PATIENCE));
	EXPECT_EQ(POLLIN, poll_for(self->both, POLLIN, PATIENCE));

	close(self->a);
	close(self->b);
	close(self->c);
	close(self->both);
	close(self->buf);
	close(self->dev);
	close(self->issuer);
	close(self->timeline);
	close(self->other);
	EXPECT_EQ(0, timelines_gone(self->name));
	module_unload_patiently("fence_drm");
	module_unload_patiently("fence_issuer");
}

/* Make the nth allocation from now on fail. */
static void fail_nth(int fd, int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(fd, text, length, 0) != length)
		abort();
}

/* Did it? Nothing fails any more after this. */
static bool failed(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 1)
		abort();
	fail_nth(fd, 0);

	return !atoi(text);
}

/*
 * @call returns a negative errno, or what @undo takes back. Of the errors only
 * @error may come. Something that is only tried may fail without harm.
 */
#define FAIL_EACH(call, error, undo) do {					\
	int n, ret, files, refused = 0;						\
	bool fault = true;							\
										\
	for (n = 1; fault; n++) {						\
		ASSERT_LT(n, MAX_ALLOCATIONS);					\
		files = open_files();						\
		fail_nth(self->nth, n);						\
		ret = call;							\
		fault = failed(self->nth);					\
		if (ret < 0) {							\
			ASSERT_TRUE(fault);					\
			ASSERT_EQ(error, ret)					\
				TH_LOG("allocation %d", n);			\
			refused++;						\
		} else {							\
			undo;							\
		}								\
		ASSERT_EQ(files, open_files())					\
			TH_LOG("allocation %d", n);				\
	}									\
	TH_LOG("%d allocations, %d of them needed", n - 2, refused);		\
	EXPECT_LT(0, refused);							\
} while (0)

TEST_F_TIMEOUT(fail, timeline, 300)
{
	FAIL_EACH(timeline_create(), -ENOMEM, close(ret));
}

TEST_F_TIMEOUT(fail, fence, 300)
{
	FAIL_EACH(fence_create(self->timeline, 5), -ENOMEM, close(ret));
}

/* The timeline has passed it: created and signaled. */
TEST_F_TIMEOUT(fail, expired_fence, 300)
{
	FAIL_EACH(fence_create(self->timeline, 0), -ENOMEM, {
		EXPECT_EQ(1, sync_status(ret));
		close(ret);
	});
}

TEST_F_TIMEOUT(fail, merge_of_fences, 300)
{
	FAIL_EACH(sync_merge("x", self->a, self->b), -ENOMEM, {
		EXPECT_EQ(2, sync_count(ret));
		EXPECT_EQ(0, poll_for(ret, POLLIN, 0));
		close(ret);
	});
}

TEST_F_TIMEOUT(fail, merge_of_one_timeline, 300)
{
	FAIL_EACH(sync_merge("x", self->b, self->c), -ENOMEM, {
		EXPECT_EQ(1, sync_count(ret));
		close(ret);
	});
}

TEST_F_TIMEOUT(fail, merge_of_arrays, 300)
{
	int second = sync_merge("second", self->a, self->c);

	ASSERT_GE(second, 0);
	FAIL_EACH(sync_merge("x", self->both, second), -ENOMEM, {
		EXPECT_EQ(2, sync_count(ret));
		EXPECT_EQ(0, poll_for(ret, POLLIN, 0));
		close(ret);
	});
	close(second);
}

TEST_F_TIMEOUT(fail, merge_of_signaled_ones, 300)
{
	int old = fence_create(self->timeline, 0);

	ASSERT_GE(old, 0);
	FAIL_EACH(sync_merge("x", old, old), -ENOMEM, {
		EXPECT_EQ(1, sync_status(ret));
		close(ret);
	});
	close(old);
}

static int details(int fd)
{
	struct sync_fence_info fences[4];
	struct sync_file_info info;

	return sync_info(fd, &info, fences, 4);
}

TEST_F_TIMEOUT(fail, info, 300)
{
	FAIL_EACH(details(self->both), -ENOMEM, (void)ret);
}

/* The fence of a poll needs no memory, so poll cannot lose it. */
TEST_F_TIMEOUT(fail, poll, 300)
{
	int n;

	for (n = 1; n < 10; n++) {
		int fd = sync_merge("x", self->a, self->b), ret;

		ASSERT_GE(fd, 0);
		fail_nth(self->nth, n);
		ret = poll_for(fd, POLLIN, 0);
		failed(self->nth);
		EXPECT_TRUE(ret == 0 || ret == -ENOMEM);
		close(fd);
	}
}

TEST_F_TIMEOUT(fail, import, 300)
{
	int buf;

	if (self->buf < 0)
		SKIP(return, "no /dev/udmabuf");
	/* The room that one import makes is there for the next. */
	buf = dmabuf_create();
	FAIL_EACH(dmabuf_import(buf, DMA_BUF_SYNC_WRITE, self->both), -ENOMEM, (void)ret);
	close(buf);
}

TEST_F_TIMEOUT(fail, export, 300)
{
	if (self->buf < 0)
		SKIP(return, "no /dev/udmabuf");
	ASSERT_EQ(0, dmabuf_import(self->buf, DMA_BUF_SYNC_WRITE, self->both));
	FAIL_EACH(dmabuf_export(self->buf, DMA_BUF_SYNC_RW), -ENOMEM, {
		EXPECT_EQ(2, sync_count(ret));
		close(ret);
	});
}

TEST_F_TIMEOUT(fail, chain, 300)
{
	__u32 binary;
	int i = 0;

	if (self->dev < 0)
		SKIP(return, "no device with sync objects");
	ASSERT_EQ(0, syncobj_create(self->dev, &binary));
	ASSERT_EQ(0, syncobj_import(self->dev, binary, self->both));
	FAIL_EACH(syncobj_transfer(self->dev, self->handle, ++i, binary, 0),
		  -ENOMEM, (void)ret);
	FAIL_EACH(syncobj_signal(self->dev, self->handle, ++i), -ENOMEM, (void)ret);
}

TEST_F_TIMEOUT(fail, export_of_a_chain, 300)
{
	if (self->dev < 0)
		SKIP(return, "no device with sync objects");
	ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 1, self->a));
	ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 2, self->b));
	/* The error is DRM's own; it does not tell that memory was short. */
	FAIL_EACH(syncobj_export(self->dev, self->handle, 2), -EINVAL, {
		EXPECT_EQ(2, sync_count(ret));
		EXPECT_EQ(0, poll_for(ret, POLLIN, 0));
		close(ret);
	});
}

TEST_F_TIMEOUT(fail, merge_of_chains, 300)
{
	int one, two;

	if (self->dev < 0)
		SKIP(return, "no device with sync objects");
	ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 1, self->a));
	one = syncobj_export(self->dev, self->handle, 1);
	ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 2, self->both));
	two = syncobj_export(self->dev, self->handle, 2);
	FAIL_EACH(sync_merge("x", one, two), -ENOMEM, {
		EXPECT_EQ(2, sync_count(ret));
		EXPECT_EQ(0, poll_for(ret, POLLIN, 0));
		close(ret);
	});
	close(one);
	close(two);
}

/* -ETIME is what a wait ends with that has the memory which it needs. */
static int wait_or_zero(int dev, __u32 handle, __u64 point)
{
	int ret = syncobj_wait(dev, &handle, &point, 1, 0, 1);

	return ret == -ETIME ? 0 : ret;
}

TEST_F_TIMEOUT(fail, wait_for_a_chain, 300)
{
	if (self->dev < 0)
		SKIP(return, "no device with sync objects");
	ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 1, self->a));
	FAIL_EACH(wait_or_zero(self->dev, self->handle, 1), -ENOMEM, (void)ret);
}

TEST_F_TIMEOUT(fail, eventfd_of_a_chain, 300)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	__u64 count = 0;
	int good = 0;

	if (self->dev < 0)
		SKIP(return, "no device with sync objects");
	ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 1, self->a));
	FAIL_EACH(syncobj_eventfd(self->dev, self->handle, 1, 0, event), -ENOMEM,
		  good++);

	/* One event for each that was accepted, none for the others. */
	ASSERT_EQ(0, syncobj_signal(self->dev, self->handle, 2));
	EXPECT_EQ(0, poll_for(event, POLLIN, 0));
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	ASSERT_EQ(POLLIN, poll_for(event, POLLIN, PATIENCE));
	ASSERT_EQ(8, read(event, &count, 8));
	EXPECT_EQ(good, count);
	close(event);
}

static int wait_any(int issuer, __s32 *fds, __u32 count)
{
	struct issuer_wait_any arg = {
		.fds = (uintptr_t)fds,
		.count = count,
		.timeout_ms = 1,
	};
	int ret = call(issuer, ISSUER_WAIT_ANY, &arg);

	return ret == -ETIME ? 0 : ret;
}

TEST_F_TIMEOUT(fail, wait_any, 300)
{
	__s32 fds[3] = { self->a, self->both, self->c };

	if (self->issuer < 0)
		SKIP(return, "cannot load test_modules/fence_issuer.ko");
	FAIL_EACH(wait_any(self->issuer, fds, 3), -ENOMEM, (void)ret);
}

TEST_HARNESS_MAIN
