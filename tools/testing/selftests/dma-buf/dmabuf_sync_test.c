// SPDX-License-Identifier: GPL-2.0-only
/* Sync files into dma-bufs and out of them, and what waits for a dma-buf */

#include <pthread.h>

#include "fence_util.h"
#include "kselftest_harness.h"

FIXTURE(dmabuf) {
	char name[16];
	int timeline, other, buf;
};

FIXTURE_SETUP(dmabuf)
{
	if (access(SW_SYNC, R_OK | W_OK))
		SKIP(return, "no " SW_SYNC);
	if (access("/dev/udmabuf", R_OK | W_OK))
		SKIP(return, "no /dev/udmabuf");

	own_name(self->name, "dmabuf");
	self->timeline = timeline_create();
	ASSERT_GE(self->timeline, 0);
	self->other = timeline_create();
	ASSERT_GE(self->other, 0);
	self->buf = dmabuf_create();
	ASSERT_GE(self->buf, 0);
}

FIXTURE_TEARDOWN(dmabuf)
{
	close(self->buf);
	close(self->timeline);
	close(self->other);
	EXPECT_EQ(0, timelines_gone(self->name));
}

TEST_F(dmabuf, export_of_nothing)
{
	int fd = dmabuf_export(self->buf, DMA_BUF_SYNC_RW);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(POLLIN, poll_for(fd, POLLIN, 0));
	EXPECT_EQ(1, sync_status(fd));
	close(fd);
	EXPECT_EQ(POLLIN | POLLOUT, poll_for(self->buf, POLLIN | POLLOUT, 0));
}

/* Who reads waits for who writes; who writes waits for all. */
TEST_F(dmabuf, import_and_export)
{
	int reader, writer, for_read, for_write;

	reader = fence_create(self->timeline, 1);
	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, dmabuf_import(self->buf, DMA_BUF_SYNC_READ, reader));
	close(reader);
	for_read = dmabuf_export(self->buf, DMA_BUF_SYNC_READ);
	ASSERT_GE(for_read, 0);
	EXPECT_EQ(1, sync_status(for_read));
	close(for_read);
	EXPECT_EQ(POLLIN, poll_for(self->buf, POLLIN | POLLOUT, 0));

	writer = fence_create(self->other, 1);
	ASSERT_GE(writer, 0);
	ASSERT_EQ(0, dmabuf_import(self->buf, DMA_BUF_SYNC_WRITE, writer));
	close(writer);
	for_read = dmabuf_export(self->buf, DMA_BUF_SYNC_READ);
	ASSERT_GE(for_read, 0);
	for_write = dmabuf_export(self->buf, DMA_BUF_SYNC_WRITE);
	ASSERT_GE(for_write, 0);
	EXPECT_EQ(1, sync_count(for_read));
	EXPECT_EQ(2, sync_count(for_write));
	EXPECT_EQ(0, poll_for(self->buf, POLLIN | POLLOUT, 0));

	ASSERT_EQ(0, timeline_inc(self->other, 1));
	EXPECT_EQ(POLLIN, poll_for(for_read, POLLIN, PATIENCE));
	EXPECT_EQ(0, poll_for(for_write, POLLIN, 0));
	EXPECT_EQ(POLLIN, poll_for(self->buf, POLLIN, PATIENCE));
	EXPECT_EQ(0, poll_for(self->buf, POLLOUT, 0));

	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(POLLIN, poll_for(for_write, POLLIN, PATIENCE));
	EXPECT_EQ(POLLOUT, poll_for(self->buf, POLLOUT, PATIENCE));
	close(for_read);
	close(for_write);
}

/* A merged file goes in fence by fence, and comes out as one file again. */
TEST_F(dmabuf, import_of_an_array)
{
	int a, b, merged, out, deadline;
	struct sw_sync_get_deadline get = { 0 };

	a = fence_create(self->timeline, 1);
	b = fence_create(self->other, 1);
	merged = sync_merge("both", a, b);
	ASSERT_GE(merged, 0);
	ASSERT_EQ(0, dmabuf_import(self->buf, DMA_BUF_SYNC_RW, merged));
	close(merged);
	out = dmabuf_export(self->buf, DMA_BUF_SYNC_RW);
	ASSERT_GE(out, 0);
	EXPECT_EQ(2, sync_count(out));

	EXPECT_EQ(0, sync_deadline(out, 1234));
	get.fence_fd = a;
	deadline = call(self->timeline, SW_SYNC_GET_DEADLINE, &get);
	EXPECT_EQ(0, deadline);
	EXPECT_EQ(1234, get.deadline_ns);
	close(a);
	close(b);

	/* The buffer goes first, the file that came out of it stays. */
	close(self->buf);
	self->buf = -1;
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(0, poll_for(out, POLLIN, 0));
	ASSERT_EQ(0, timeline_inc(self->other, 1));
	EXPECT_EQ(POLLIN, poll_for(out, POLLIN, PATIENCE));
	close(out);
}

/* Closed with a poll of it pending: the fence has the last reference. */
TEST_F(dmabuf, close_while_polled)
{
	int fd = fence_create(self->timeline, 1);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, dmabuf_import(self->buf, DMA_BUF_SYNC_WRITE, fd));
	EXPECT_EQ(0, poll_for(self->buf, POLLIN | POLLOUT, 0));
	close(self->buf);
	self->buf = -1;
	close(fd);
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
}

struct access {
	int buf, fd;
};

/* 1 if the fence was signaled when the access had begun */
static void *begin_access(void *arg)
{
	struct dma_buf_sync sync = {
		.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ,
	};
	struct access *access = arg;
	int ret = call(access->buf, DMA_BUF_IOCTL_SYNC, &sync);

	return (void *)(intptr_t)(ret ?: sync_status(access->fd));
}

/* Access by the CPU waits in the kernel for the fences. */
TEST_F_TIMEOUT(dmabuf, cpu_access, 300)
{
	struct dma_buf_sync sync = {
		.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ,
	};
	struct access access = { .buf = self->buf };
	__u64 end = in_ms(DURATION);
	pthread_t task;
	void *result;
	int i;

	for (i = 1; i < MIN_ROUNDS || now_ns() < end; i++) {
		access.fd = fence_create(self->timeline, i);
		ASSERT_GE(access.fd, 0);
		ASSERT_EQ(0, dmabuf_import(self->buf, DMA_BUF_SYNC_WRITE, access.fd));
		ASSERT_EQ(0, pthread_create(&task, NULL, begin_access, &access));
		let_it_wait(i);
		ASSERT_EQ(0, timeline_inc(self->timeline, 1));
		pthread_join(task, &result);
		ASSERT_EQ(1, (intptr_t)result);
		EXPECT_EQ(0, call(self->buf, DMA_BUF_IOCTL_SYNC, &sync));
		close(access.fd);
	}
}

struct user {
	int timeline, buf;
};

static void *import_and_poll(void *arg)
{
	struct user *user = arg;
	__u64 end = in_ms(DURATION);
	intptr_t bad = 0;
	int i, fd, out;

	for (i = 1; !bad && (i < MIN_ROUNDS || now_ns() < end); i++) {
		fd = fence_create(user->timeline, i);
		if (fd < 0 || dmabuf_import(user->buf, DMA_BUF_SYNC_WRITE, fd))
			bad = __LINE__;
		out = dmabuf_export(user->buf, DMA_BUF_SYNC_WRITE);
		if (out < 0 || (poll_for(user->buf, POLLIN | POLLOUT, 0) & POLLERR))
			bad = __LINE__;
		if (timeline_inc(user->timeline, 1))
			bad = __LINE__;
		if (poll_for(fd, POLLIN, PATIENCE) != POLLIN)
			bad = __LINE__;
		close(out);
		close(fd);
	}

	return (void *)bad;
}

/* Two tasks put fences into one buffer, take them out, poll and signal. */
TEST_F_TIMEOUT(dmabuf, two_tasks, 300)
{
	struct user first = { self->timeline, self->buf };
	struct user second = { self->other, self->buf };
	pthread_t tasks[2];
	void *bad;

	ASSERT_EQ(0, pthread_create(&tasks[0], NULL, import_and_poll, &first));
	ASSERT_EQ(0, pthread_create(&tasks[1], NULL, import_and_poll, &second));
	pthread_join(tasks[0], &bad);
	EXPECT_EQ(0, (intptr_t)bad);
	pthread_join(tasks[1], &bad);
	EXPECT_EQ(0, (intptr_t)bad);
	EXPECT_EQ(POLLIN | POLLOUT,
		  poll_for(self->buf, POLLIN | POLLOUT, PATIENCE));
}

TEST_F(dmabuf, errors)
{
	struct dma_buf_export_sync_file out = { .flags = DMA_BUF_SYNC_RW }, *page;
	int fd, files;

	fd = fence_create(self->timeline, 1);
	ASSERT_GE(fd, 0);
	files = open_files();
	EXPECT_EQ(-EINVAL, dmabuf_export(self->buf, 0));
	EXPECT_EQ(-EINVAL, dmabuf_export(self->buf, DMA_BUF_SYNC_RW | 1 << 3));
	EXPECT_EQ(-EINVAL, dmabuf_export(self->buf, DMA_BUF_SYNC_END));
	EXPECT_EQ(-EFAULT, call(self->buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, NULL));
	page = readonly_page(&out, sizeof(out));
	ASSERT_NE(NULL, page);
	EXPECT_EQ(-EFAULT, call(self->buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, page));
	munmap(page, 4096);

	EXPECT_EQ(-EINVAL, dmabuf_import(self->buf, 0, fd));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->buf, 1 << 3, fd));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->buf, DMA_BUF_SYNC_RW, -1));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->buf, DMA_BUF_SYNC_RW, self->buf));
	EXPECT_EQ(-EFAULT, call(self->buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, NULL));
	EXPECT_EQ(-ENOTTY, call(self->buf, SYNC_IOC_FILE_INFO, &out));
	EXPECT_EQ(-ENOTTY, call(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &out));
	EXPECT_EQ(-ENOENT, sync_merge("x", fd, self->buf));
	EXPECT_EQ(files, open_files());

	ASSERT_EQ(0, allow_files(fd + 1));
	EXPECT_EQ(-EMFILE, dmabuf_export(self->buf, DMA_BUF_SYNC_RW));
	close(fd);
}

TEST_HARNESS_MAIN
