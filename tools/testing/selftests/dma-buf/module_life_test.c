// SPDX-License-Identifier: GPL-2.0-only
/*
 * The issuer of fences is unloaded, the sync files of its fences stay
 *
 * A fence that is signaled needs nothing of its issuer, unless its ops have a
 * release or a wait; then it holds a reference to the issuer.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "fence_util.h"
#include "test_modules/fence_issuer.h"
#include "kselftest_harness.h"

FIXTURE(module) {
	int dev;
};

FIXTURE_SETUP(module)
{
	int ret = module_load("fence_issuer");

	if (ret)
		SKIP(return, "cannot load test_modules/fence_issuer.ko: %s",
		     strerror(-ret));
	self->dev = open_or_errno("/dev/fence_issuer", O_RDWR);
	ASSERT_GE(self->dev, 0);
}

FIXTURE_TEARDOWN(module)
{
	if (self->dev >= 0)
		close(self->dev);
	module_unload_patiently("fence_issuer");
	EXPECT_EQ(-ENOENT, module_unload("fence_issuer"));
}

static int issue(int dev, __u32 flags)
{
	struct issuer_create data = { .flags = flags, .fd = -1 };
	int ret = call(dev, ISSUER_CREATE, &data);

	return ret ?: data.fd;
}

TEST_F(module, files_outlive_it)
{
	struct sync_fence_info info[2], before;
	struct sync_file_info file;
	int a, b, merged, later;
	__u64 start, end;

	a = issue(self->dev, 0);
	ASSERT_GE(a, 0);
	b = issue(self->dev, 0);
	ASSERT_GE(b, 0);
	/* A callback on one of them; the other is polled for the first time later. */
	EXPECT_EQ(0, poll_for(a, POLLIN, 0));
	merged = sync_merge("before", a, b);
	ASSERT_GE(merged, 0);
	EXPECT_EQ(0, poll_for(merged, POLLIN, 0));
	ASSERT_EQ(0, sync_info(a, &file, &before, 1));
	EXPECT_STREQ("fence_issuer", before.driver_name);
	EXPECT_STREQ("issued", before.obj_name);
	EXPECT_EQ(0, before.status);

	start = now_ns();
	ASSERT_EQ(0, call(self->dev, ISSUER_SIGNAL, NULL));
	end = now_ns();
	close(self->dev);
	self->dev = -1;
	ASSERT_EQ(0, module_unload_patiently("fence_issuer"));

	EXPECT_EQ(POLLIN, poll_for(a, POLLIN, PATIENCE));
	EXPECT_EQ(POLLIN, poll_for(b, POLLIN, PATIENCE));
	EXPECT_EQ(POLLIN, poll_for(merged, POLLIN, PATIENCE));
	ASSERT_EQ(0, sync_info(a, &file, info, 1));
	EXPECT_EQ(1, file.status);
	EXPECT_STREQ("detached-driver", info[0].driver_name);
	EXPECT_STREQ("signaled-timeline", info[0].obj_name);
	EXPECT_LE(start, info[0].timestamp_ns);
	EXPECT_GE(end, info[0].timestamp_ns);
	EXPECT_EQ(0, sync_deadline(a, now_ns()));
	later = sync_merge("after", a, b);
	ASSERT_GE(later, 0);
	EXPECT_EQ(1, sync_status(later));
	EXPECT_EQ(POLLIN, poll_for(later, POLLIN, PATIENCE));
	close(a);
	close(merged);
	close(b);
	close(later);
}

/* In a buffer nobody asks for the fences until the module is gone. */
TEST_F(module, fences_in_a_buffer_outlive_it)
{
	int fd, buf, out;

	buf = dmabuf_create();
	if (buf < 0)
		SKIP(return, "no /dev/udmabuf");
	fd = issue(self->dev, 0);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, dmabuf_import(buf, DMA_BUF_SYNC_WRITE, fd));
	close(fd);
	EXPECT_EQ(0, poll_for(buf, POLLIN | POLLOUT, 0));
	close(self->dev);	/* signals, too */
	self->dev = -1;
	ASSERT_EQ(0, module_unload_patiently("fence_issuer"));

	EXPECT_EQ(POLLIN | POLLOUT, poll_for(buf, POLLIN | POLLOUT, PATIENCE));
	out = dmabuf_export(buf, DMA_BUF_SYNC_RW);
	ASSERT_GE(out, 0);
	EXPECT_EQ(1, sync_status(out));
	close(out);
	close(buf);
}

TEST_F(module, release_keeps_it)
{
	struct sync_file_info file;
	struct sync_fence_info info;
	int fd;

	fd = issue(self->dev, ISSUER_WITH_RELEASE);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, poll_for(fd, POLLIN, 0));
	close(self->dev);
	self->dev = -1;
	EXPECT_EQ(POLLIN, poll_for(fd, POLLIN, PATIENCE));
	EXPECT_EQ(-EWOULDBLOCK, module_unload("fence_issuer"));
	ASSERT_EQ(0, sync_info(fd, &file, &info, 1));
	EXPECT_EQ(1, info.status);
	close(fd);
	EXPECT_EQ(0, module_unload_patiently("fence_issuer"));
}

#define FILES	16

static struct {
	int files[FILES];
	atomic_bool stop;
	atomic_int bad;
} query;

static void *do_query(void *arg)
{
	struct sync_fence_info info;
	struct sync_file_info file;
	int i;

	while (!atomic_load(&query.stop)) {
		for (i = 0; i < FILES; i++) {
			if (sync_info(query.files[i], &file, &info, 1) ||
			    (strcmp(info.driver_name, "fence_issuer") &&
			     strcmp(info.driver_name, "detached-driver")))
				atomic_store(&query.bad, 1);
			sync_deadline(query.files[i], now_ns());
			poll_for(query.files[i], POLLIN, 0);
		}
	}

	return NULL;
}

/* Names, deadlines and callbacks while the issuer signals and goes. */
TEST_F_TIMEOUT(module, queries_while_it_goes, 300)
{
	pthread_t task;
	int i, round;

	for (round = 0; round < 10; round++) {
		if (self->dev < 0) {
			ASSERT_EQ(0, module_load("fence_issuer"));
			self->dev = open_or_errno("/dev/fence_issuer", O_RDWR);
			ASSERT_GE(self->dev, 0);
		}
		for (i = 0; i < FILES; i++) {
			query.files[i] = issue(self->dev, 0);
			ASSERT_GE(query.files[i], 0);
		}
		atomic_store(&query.stop, false);
		ASSERT_EQ(0, pthread_create(&task, NULL, do_query, NULL));
		if (round % 2)
			call(self->dev, ISSUER_SIGNAL, NULL);
		close(self->dev);
		self->dev = -1;
		EXPECT_EQ(0, module_unload_patiently("fence_issuer"));
		atomic_store(&query.stop, true);
		pthread_join(task, NULL);
		for (i = 0; i < FILES; i++) {
			EXPECT_EQ(1, sync_status(query.files[i]));
			close(query.files[i]);
		}
	}
	EXPECT_EQ(0, query.bad);
}

TEST_HARNESS_MAIN
