// SPDX-License-Identifier: GPL-2.0-only
/* What sync files on software timelines say and do, one task at a time */

#include "fence_util.h"
#include "kselftest_harness.h"

FIXTURE(sync_file) {
	char name[16];
	int timeline, other;
	int epoll;
	int files;
};

FIXTURE_SETUP(sync_file)
{
	if (access(SW_SYNC, R_OK | W_OK))
		SKIP(return, "no " SW_SYNC);

	own_name(self->name, "sync");
	self->files = open_files();
	self->epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_GE(self->epoll, 0);
	self->timeline = timeline_create();
	ASSERT_GE(self->timeline, 0);
	self->other = timeline_create();
	ASSERT_GE(self->other, 0);
}

FIXTURE_TEARDOWN(sync_file)
{
	close(self->epoll);
	close(self->timeline);
	close(self->other);
	EXPECT_EQ(0, timelines_gone(self->name));
	EXPECT_EQ(self->files, open_files());
}

TEST_F(sync_file, info)
{
	struct sync_fence_info fence;
	struct sync_file_info info;
	__u64 before, after;
	int fd;

	fd = fence_create(self->timeline, 1);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, sync_info(fd, &info, &fence, 1));
	EXPECT_EQ(0, info.status);
	EXPECT_EQ(1, info.num_fences);
	EXPECT_EQ(0, strncmp(info.name, "sw_sync-", 8));
	EXPECT_EQ(0, fence.status);
	EXPECT_EQ(0, fence.timestamp_ns);
	EXPECT_STREQ("sw_sync", fence.driver_name);
	EXPECT_STREQ(self->name, fence.obj_name);

	before = now_ns();
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	after = now_ns();

	ASSERT_EQ(0, sync_info(fd, &info, &fence, 1));
	EXPECT_EQ(1, info.status);
	EXPECT_EQ(1, fence.status);
	EXPECT_LE(before, fence.timestamp_ns);
	EXPECT_GE(after, fence.timestamp_ns);
	close(fd);
}

/* Whoever sees a fence signaled by asking sees its time, without poll. */
TEST_F(sync_file, info_of_an_expired_one)
{
	struct sync_fence_info fence;
	struct sync_file_info info;
	__u64 before = now_ns();
	int fd;

	ASSERT_EQ(0, timeline_inc(self->timeline, 5));
	fd = fence_create(self->timeline, 5);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, sync_info(fd, &info, &fence, 1));
	EXPECT_EQ(1, info.status);
	EXPECT_LE(before, fence.timestamp_ns);
	EXPECT_GE(now_ns(), fence.timestamp_ns);
	EXPECT_EQ(POLLIN, poll_for(fd, POLLIN, 0));
	close(fd);
}

TEST_F(sync_file, error_of_a_closed_timeline)
{
	int timeline, fd, good, merged;

	timeline = timeline_create();
	ASSERT_GE(timeline, 0);
	fd = fence_create(timeline, 1);
	ASSERT_GE(fd, 0);
	good = fence_create(self->timeline, 1);
	ASSERT_GE(good, 0);
	merged = sync_merge("merged", fd, good);
	ASSERT_GE(merged, 0);

	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(0, poll_for(merged, POLLIN, 0));
	close(timeline);

	EXPECT_EQ(-ENOENT, sync_status(fd));
	EXPECT_EQ(POLLIN, poll_for(fd, POLLIN, PATIENCE));
	EXPECT_EQ(POLLIN, poll_for(merged, POLLIN, PATIENCE));
	EXPECT_EQ(1, sync_status(good));
	close(fd);
	close(good);
	close(merged);
}

TEST_F(sync_file, poll)
{
	int fd = fence_create(self->timeline, 2);
	struct epoll_event event;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, watch(self->epoll, fd));
	EXPECT_EQ(0, poll_for(fd, POLLIN, 0));
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(0, poll_for(fd, POLLIN | POLLOUT | POLLPRI, 0));
	EXPECT_EQ(0, epoll_wait(self->epoll, &event, 1, 0));
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(1, epoll_wait(self->epoll, &event, 1, PATIENCE));
	EXPECT_EQ(POLLIN, poll_for(fd, POLLIN | POLLOUT | POLLPRI, PATIENCE));
	EXPECT_EQ(0, poll_for(fd, POLLOUT | POLLPRI, 0));
	close(fd);
}

/* Two files of one fence have a callback each; one goes before the signal. */
TEST_F(sync_file, poll_of_two_files)
{
	int a = fence_create(self->timeline, 1);
	int b = fence_create(self->timeline, 1);
	struct epoll_event event;

	ASSERT_GE(a, 0);
	ASSERT_GE(b, 0);
	EXPECT_EQ(0, poll_for(a, POLLIN, 0));
	ASSERT_EQ(0, watch(self->epoll, b));
	close(a);
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(1, epoll_wait(self->epoll, &event, 1, PATIENCE));
	EXPECT_EQ(POLLIN, poll_for(b, POLLIN, 0));
	close(b);
}

TEST_F(sync_file, merge_of_one_timeline)
{
	int a, b, merged;

	a = fence_create(self->timeline, 1);
	b = fence_create(self->timeline, 2);
	ASSERT_GE(a, 0);
	ASSERT_GE(b, 0);
	merged = sync_merge("later", a, b);
	ASSERT_GE(merged, 0);
	EXPECT_EQ(1, sync_count(merged));

	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(1, sync_status(a));
	EXPECT_EQ(0, sync_status(merged));
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(1, sync_status(merged));
	close(a);
	close(b);
	close(merged);
}

TEST_F(sync_file, merge_of_two_timelines)
{
	struct sync_fence_info fences[4];
	struct sync_file_info info;
	int a, b, merged, again;

	a = fence_create(self->timeline, 1);
	b = fence_create(self->other, 1);
	ASSERT_GE(a, 0);
	ASSERT_GE(b, 0);
	merged = sync_merge("0123456789012345678901234567890123456789", a, b);
	ASSERT_GE(merged, 0);
	again = sync_merge("again", merged, a);
	ASSERT_GE(again, 0);
	close(a);
	close(b);

	ASSERT_EQ(0, sync_info(merged, &info, fences, 4));
	EXPECT_EQ(2, info.num_fences);
	EXPECT_STREQ("0123456789012345678901234567890", info.name);
	EXPECT_STREQ("sw_sync", fences[0].driver_name);
	EXPECT_STREQ("sw_sync", fences[1].driver_name);
	EXPECT_EQ(2, sync_count(again));

	ASSERT_EQ(0, timeline_inc(self->other, 1));
	EXPECT_EQ(0, poll_for(merged, POLLIN, 0));
	ASSERT_EQ(0, sync_info(merged, &info, fences, 4));
	EXPECT_EQ(0, info.status);
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(POLLIN, poll_for(merged, POLLIN, PATIENCE));
	EXPECT_EQ(POLLIN, poll_for(again, POLLIN, PATIENCE));
	EXPECT_EQ(1, sync_status(merged));
	close(merged);
	close(again);
}

/* What is signaled already is not in the merged file, but its time is. */
TEST_F(sync_file, merge_of_signaled_ones)
{
	struct sync_fence_info fence;
	struct sync_file_info info;
	__u64 before = now_ns();
	int a, b, merged;

	a = fence_create(self->timeline, 1);
	b = fence_create(self->other, 1);
	ASSERT_GE(a, 0);
	ASSERT_GE(b, 0);
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	merged = sync_merge("one left", a, b);
	ASSERT_GE(merged, 0);
	EXPECT_EQ(1, sync_count(merged));
	close(merged);

	ASSERT_EQ(0, timeline_inc(self->other, 1));
	merged = sync_merge("none left", a, b);
	ASSERT_GE(merged, 0);
	ASSERT_EQ(0, sync_info(merged, &info, &fence, 1));
	EXPECT_EQ(1, info.status);
	EXPECT_LE(before, fence.timestamp_ns);
	EXPECT_GE(now_ns(), fence.timestamp_ns);
	close(a);
	close(b);
	close(merged);
}

TEST_F(sync_file, deadline)
{
	struct sw_sync_get_deadline get = { 0 };
	int fd, other, merged;

	fd = fence_create(self->timeline, 1);
	other = fence_create(self->other, 1);
	ASSERT_GE(fd, 0);
	ASSERT_GE(other, 0);
	merged = sync_merge("both", fd, other);
	ASSERT_GE(merged, 0);

	get.fence_fd = fd;
	EXPECT_EQ(-ENOENT, call(self->timeline, SW_SYNC_GET_DEADLINE, &get));

	/* Through the array to both; then the earlier one of each wins. */
	EXPECT_EQ(0, sync_deadline(merged, 3000));
	EXPECT_EQ(0, sync_deadline(fd, 2000));
	EXPECT_EQ(0, sync_deadline(other, 4000));

	EXPECT_EQ(0, call(self->timeline, SW_SYNC_GET_DEADLINE, &get));
	EXPECT_EQ(2000, get.deadline_ns);
	get.deadline_ns = 0;
	get.fence_fd = other;
	EXPECT_EQ(0, call(self->timeline, SW_SYNC_GET_DEADLINE, &get));
	EXPECT_EQ(3000, get.deadline_ns);

	/* None for what is signaled; and no error. */
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(0, sync_deadline(fd, 1000));
	get.deadline_ns = 0;
	get.fence_fd = fd;
	EXPECT_EQ(0, call(self->timeline, SW_SYNC_GET_DEADLINE, &get));
	EXPECT_EQ(2000, get.deadline_ns);
	close(fd);
	close(other);
	close(merged);
}

/*
 * 10,000 fences of one timeline, merged pairwise down to one; each round
 * leaves the later of two, and the last signals with the last fence.
 */
TEST_F_TIMEOUT(sync_file, many_of_one_timeline, 900)
{
	const int count = 10000;
	int *fds = calloc(count, sizeof(*fds));
	int i, left, merged;

	ASSERT_NE(NULL, fds);
	if (allow_files(count + 100))
		SKIP(return, "cannot have %d files", count + 100);

	for (i = 0; i < count; i++) {
		fds[i] = fence_create(self->timeline, i + 1);
		ASSERT_GE(fds[i], 0);
		/* A callback on each, for the signals and the closes to come. */
		ASSERT_EQ(0, poll_for(fds[i], POLLIN, 0));
	}

	/* A quarter of them goes while the merging goes on. */
	for (left = count; left > 1; left = (left + 1) / 2) {
		for (i = 0; i + 1 < left; i += 2) {
			merged = sync_merge("pair", fds[i], fds[i + 1]);
			ASSERT_GE(merged, 0);
			close(fds[i]);
			close(fds[i + 1]);
			fds[i / 2] = merged;
		}
		if (left % 2)
			fds[left / 2] = fds[left - 1];
		ASSERT_EQ(1, sync_count(fds[0]));
		if (left == count)
			ASSERT_EQ(0, timeline_inc(self->timeline, count / 4));
	}
	ASSERT_EQ(0, timeline_inc(self->timeline, count - count / 4 - 1));
	EXPECT_EQ(0, poll_for(fds[0], POLLIN, 0));
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(POLLIN, poll_for(fds[0], POLLIN, PATIENCE));
	close(fds[0]);
	free(fds);
}

/* 10,000 fences with their callbacks, signaled by one call. */
TEST_F_TIMEOUT(sync_file, many_at_once, 900)
{
	const int count = 10000;
	int *fds = calloc(count, sizeof(*fds));
	struct epoll_event event;
	int i, ready = 0;

	ASSERT_NE(NULL, fds);
	if (allow_files(count + 100))
		SKIP(return, "cannot have %d files", count + 100);
	for (i = 0; i < count; i++) {
		fds[i] = fence_create(self->timeline, count - i);
		ASSERT_GE(fds[i], 0);
		ASSERT_EQ(0, watch(self->epoll, fds[i]));
	}
	ASSERT_EQ(0, timeline_inc(self->timeline, count));
	/* A file that is ready is ready again until it is closed. */
	while (ready < count && epoll_wait(self->epoll, &event, 1, PATIENCE) == 1) {
		close(event.data.fd);
		ready++;
	}
	EXPECT_EQ(count, ready);
	free(fds);
}

/* One file of a fence on each of many timelines, signaled in turn. */
TEST_F_TIMEOUT(sync_file, one_of_many_timelines, 300)
{
	enum { COUNT = 128 };
	struct sync_fence_info fences[COUNT];
	int timelines[COUNT], fd, all = -1, merged, i;
	struct sync_file_info info;

	for (i = 0; i < COUNT; i++) {
		timelines[i] = timeline_create();
		ASSERT_GE(timelines[i], 0);
		fd = fence_create(timelines[i], 1);
		ASSERT_GE(fd, 0);
		if (all < 0) {
			all = fd;
			continue;
		}
		merged = sync_merge("all", all, fd);
		ASSERT_GE(merged, 0);
		close(all);
		close(fd);
		all = merged;
	}
	ASSERT_EQ(0, sync_info(all, &info, fences, COUNT));
	EXPECT_EQ(COUNT, info.num_fences);
	for (i = 0; i < COUNT; i++) {
		EXPECT_EQ(0, poll_for(all, POLLIN, 0));
		ASSERT_EQ(0, timeline_inc(timelines[COUNT - 1 - i], 1));
		close(timelines[COUNT - 1 - i]);
	}
	EXPECT_EQ(POLLIN, poll_for(all, POLLIN, PATIENCE));
	EXPECT_EQ(1, sync_status(all));
	close(all);
}

/* --- Arguments that are wrong --- */

TEST_F(sync_file, errors_of_merge)
{
	struct sync_merge_data data = { .name = "x" }, *page;
	int fd, files, null;

	fd = fence_create(self->timeline, 1);
	ASSERT_GE(fd, 0);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ASSERT_GE(null, 0);
	files = open_files();

	EXPECT_EQ(-EFAULT, call(fd, SYNC_IOC_MERGE, NULL));
	EXPECT_EQ(-EFAULT, call(fd, SYNC_IOC_MERGE, (void *)-4096));
	data.fd2 = fd;
	data.flags = 1;
	EXPECT_EQ(-EINVAL, call(fd, SYNC_IOC_MERGE, &data));
	data.flags = 0;
	data.pad = 1;
	EXPECT_EQ(-EINVAL, call(fd, SYNC_IOC_MERGE, &data));
	data.pad = 0;
	data.fd2 = -1;
	EXPECT_EQ(-ENOENT, call(fd, SYNC_IOC_MERGE, &data));
	data.fd2 = 1 << 30;
	EXPECT_EQ(-ENOENT, call(fd, SYNC_IOC_MERGE, &data));
	data.fd2 = null;
	EXPECT_EQ(-ENOENT, call(fd, SYNC_IOC_MERGE, &data));
	data.fd2 = self->timeline;
	EXPECT_EQ(-ENOENT, call(fd, SYNC_IOC_MERGE, &data));

	/* It works, but the result cannot be told. */
	data.fd2 = fd;
	page = readonly_page(&data, sizeof(data));
	ASSERT_NE(NULL, page);
	EXPECT_EQ(-EFAULT, call(fd, SYNC_IOC_MERGE, page));
	munmap(page, 4096);

	EXPECT_EQ(-ENOTTY, call(null, SYNC_IOC_MERGE, &data));
	EXPECT_EQ(-ENOTTY, call(self->timeline, SYNC_IOC_MERGE, &data));
	EXPECT_EQ(-EBADF, call(-1, SYNC_IOC_MERGE, &data));
	EXPECT_EQ(-ENOTTY, call(fd, _IOWR('>', 2, struct sync_merge_data), &data));
	EXPECT_EQ(-ENOTTY, call(fd, _IO('>', 3), &data));
	EXPECT_EQ(-ENOTTY, call(fd, SW_SYNC_IOC_INC, &data));

	/* No number is left for the result. */
	EXPECT_EQ(files, open_files());
	close(null);
	ASSERT_EQ(0, allow_files(fd + 1));
	EXPECT_EQ(-EMFILE, sync_merge("x", fd, fd));
	EXPECT_EQ(-EMFILE, fence_create(self->timeline, 2));
	close(fd);
}

TEST_F(sync_file, errors_of_info)
{
	struct sync_fence_info fences[2];
	struct sync_file_info info, *page;
	int a, b, merged, files;

	a = fence_create(self->timeline, 1);
	b = fence_create(self->other, 1);
	merged = sync_merge("x", a, b);
	ASSERT_GE(merged, 0);
	files = open_files();

	EXPECT_EQ(-EFAULT, call(merged, SYNC_IOC_FILE_INFO, NULL));
	memset(&info, 0, sizeof(info));
	info.flags = 1;
	EXPECT_EQ(-EINVAL, call(merged, SYNC_IOC_FILE_INFO, &info));
	info.flags = 0;
	info.pad = 1;
	EXPECT_EQ(-EINVAL, call(merged, SYNC_IOC_FILE_INFO, &info));
	EXPECT_EQ(-EINVAL, sync_info(merged, &info, fences, 1));
	EXPECT_EQ(-EFAULT, sync_info(merged, &info, NULL, 2));
	EXPECT_EQ(-EFAULT, sync_info(merged, &info, (void *)-4096, 2));
	EXPECT_EQ(0, sync_info(merged, &info, fences, 0x7fffffff));
	EXPECT_EQ(2, info.num_fences);

	memset(&info, 0, sizeof(info));
	page = readonly_page(&info, sizeof(info));
	ASSERT_NE(NULL, page);
	EXPECT_EQ(-EFAULT, call(merged, SYNC_IOC_FILE_INFO, page));
	EXPECT_EQ(-EFAULT, sync_info(merged, &info, (void *)page, 2));
	munmap(page, 4096);
	EXPECT_EQ(files, open_files());
	close(a);
	close(b);
	close(merged);
}

TEST_F(sync_file, errors_of_deadline)
{
	struct sync_set_deadline data = { .deadline_ns = 1, .pad = 1 };
	struct sw_sync_get_deadline get = { 0 }, *page;
	int fd, other, merged, null;

	fd = fence_create(self->timeline, 1);
	other = fence_create(self->other, 1);
	merged = sync_merge("x", fd, other);
	ASSERT_GE(merged, 0);
	EXPECT_EQ(-EFAULT, call(fd, SYNC_IOC_SET_DEADLINE, NULL));
	EXPECT_EQ(-EINVAL, call(fd, SYNC_IOC_SET_DEADLINE, &data));
	EXPECT_EQ(0, sync_deadline(fd, 0));
	EXPECT_EQ(0, sync_deadline(fd, ~0ull));

	EXPECT_EQ(-EFAULT, call(self->timeline, SW_SYNC_GET_DEADLINE, NULL));
	get.fence_fd = -1;
	EXPECT_EQ(-EINVAL, call(self->timeline, SW_SYNC_GET_DEADLINE, &get));
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	get.fence_fd = null;
	EXPECT_EQ(-EINVAL, call(self->timeline, SW_SYNC_GET_DEADLINE, &get));
	close(null);
	get.fence_fd = merged;
	EXPECT_EQ(-EINVAL, call(self->timeline, SW_SYNC_GET_DEADLINE, &get));
	get.fence_fd = fd;
	get.pad = 1;
	EXPECT_EQ(-EINVAL, call(self->timeline, SW_SYNC_GET_DEADLINE, &get));
	get.pad = 0;
	get.deadline_ns = 1;
	EXPECT_EQ(-EINVAL, call(self->timeline, SW_SYNC_GET_DEADLINE, &get));
	get.deadline_ns = 0;
	page = readonly_page(&get, sizeof(get));
	ASSERT_NE(NULL, page);
	EXPECT_EQ(-EFAULT, call(self->timeline, SW_SYNC_GET_DEADLINE, page));
	munmap(page, 4096);
	EXPECT_EQ(0, call(self->timeline, SW_SYNC_GET_DEADLINE, &get));
	close(fd);
	close(other);
	close(merged);
}

TEST_F(sync_file, errors_of_timeline)
{
	struct sw_sync_create_fence_data data = { .value = 1 }, *page;
	int files = open_files();

	EXPECT_EQ(-EFAULT, call(self->timeline, SW_SYNC_IOC_CREATE_FENCE, NULL));
	EXPECT_EQ(-EFAULT, call(self->timeline, SW_SYNC_IOC_INC, NULL));
	EXPECT_EQ(-ENOTTY, call(self->timeline, _IO('W', 3), &data));
	EXPECT_EQ(-ENOTTY, call(self->timeline, SYNC_IOC_FILE_INFO, &data));
	page = readonly_page(&data, sizeof(data));
	ASSERT_NE(NULL, page);
	EXPECT_EQ(-EFAULT, call(self->timeline, SW_SYNC_IOC_CREATE_FENCE, page));
	munmap(page, 4096);
	EXPECT_EQ(files, open_files());
}

TEST_HARNESS_MAIN
