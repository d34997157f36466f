// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sync objects with fences of software timelines in them, and vgem's fences
 *
 * A timeline of sync objects is made of chains, its waits and eventfds are
 * callbacks. If no driver of a device offers them, the module fence_drm does.
 */

#include <pthread.h>
#include <sys/eventfd.h>

#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>

#include "syncobj_util.h"
#include "kselftest_harness.h"

#define ALL		DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
#define FOR_SUBMIT	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define AVAILABLE	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE

FIXTURE(syncobj) {
	char name[16];
	int dev, timeline, other;
	__u32 handle;
};

FIXTURE_SETUP(syncobj)
{
	if (access(SW_SYNC, R_OK | W_OK))
		SKIP(return, "no " SW_SYNC);
	self->dev = syncobj_open();
	if (self->dev < 0)
		SKIP(return, "no device with sync objects, and no fence_drm");

	own_name(self->name, "syncobj");
	self->timeline = timeline_create();
	ASSERT_GE(self->timeline, 0);
	self->other = timeline_create();
	ASSERT_GE(self->other, 0);
	ASSERT_EQ(0, syncobj_create(self->dev, &self->handle));
}

FIXTURE_TEARDOWN(syncobj)
{
	close(self->dev);
	close(self->timeline);
	close(self->other);
	EXPECT_EQ(0, timelines_gone(self->name));
	module_unload_patiently("fence_drm");
}

TEST_F(syncobj, points_of_a_timeline)
{
	__u64 point = 0;
	int i, fd;

	for (i = 1; i <= 5; i++) {
		fd = fence_create(self->timeline, i);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 10 * i, fd));
		close(fd);
	}
	ASSERT_EQ(0, syncobj_query(self->dev, self->handle, 0, &point));
	EXPECT_EQ(0, point);
	ASSERT_EQ(0, syncobj_query(self->dev, self->handle,
				   DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED, &point));
	EXPECT_EQ(50, point);

	point = 10;
	EXPECT_EQ(-ETIME, syncobj_wait(self->dev, &self->handle, &point, 1, 0, 0));
	EXPECT_EQ(0, syncobj_wait(self->dev, &self->handle, &point, 1, AVAILABLE, 0));
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(0, syncobj_wait(self->dev, &self->handle, &point, 1, 0, PATIENCE));
	point = 11;
	EXPECT_EQ(-ETIME, syncobj_wait(self->dev, &self->handle, &point, 1, 0, 0));

	ASSERT_EQ(0, timeline_inc(self->timeline, 3));
	point = 40;
	EXPECT_EQ(0, syncobj_wait(self->dev, &self->handle, &point, 1, 0, PATIENCE));
	ASSERT_EQ(0, syncobj_query(self->dev, self->handle, 0, &point));
	EXPECT_EQ(40, point);
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	point = 50;
	EXPECT_EQ(0, syncobj_wait(self->dev, &self->handle, &point, 1, 0, PATIENCE));
}

/* Points whose fences are of two timelines signal in order all the same. */
TEST_F(syncobj, points_out_of_order)
{
	int a, b, out;

	a = fence_create(self->timeline, 1);
	b = fence_create(self->other, 1);
	ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 1, a));
	ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 2, b));
	out = syncobj_export(self->dev, self->handle, 2);
	ASSERT_GE(out, 0);
	EXPECT_EQ(2, sync_count(out));
	EXPECT_EQ(0, poll_for(out, POLLIN, 0));

	ASSERT_EQ(0, timeline_inc(self->other, 1));
	EXPECT_EQ(0, poll_for(out, POLLIN, 0));
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(POLLIN, poll_for(out, POLLIN, PATIENCE));
	close(a);
	close(b);
	close(out);
}

/* A long chain, its tail exported, merged with others, then signaled. */
TEST_F_TIMEOUT(syncobj, long_chain, 300)
{
	const int count = 1000;
	int i, fd, out, merged;
	__u64 point;

	for (i = 1; i <= count; i++) {
		fd = fence_create(i % 2 ? self->timeline : self->other, (i + 1) / 2);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, i, fd));
		close(fd);
	}
	out = syncobj_export(self->dev, self->handle, count);
	ASSERT_GE(out, 0);
	fd = fence_create(self->other, count / 2);
	merged = sync_merge("long", out, fd);
	ASSERT_GE(merged, 0);
	EXPECT_EQ(2, sync_count(merged));
	EXPECT_EQ(0, poll_for(out, POLLIN, 0));
	EXPECT_EQ(0, poll_for(merged, POLLIN, 0));
	close(fd);

	/* First every other point, the last one among them. */
	ASSERT_EQ(0, timeline_inc(self->other, count / 2));
	EXPECT_EQ(0, poll_for(out, POLLIN, 0));
	EXPECT_EQ(0, poll_for(merged, POLLIN, 0));
	ASSERT_EQ(0, timeline_inc(self->timeline, count / 2));
	EXPECT_EQ(POLLIN, poll_for(out, POLLIN, PATIENCE));
	EXPECT_EQ(POLLIN, poll_for(merged, POLLIN, PATIENCE));
	point = count;
	EXPECT_EQ(0, syncobj_wait(self->dev, &self->handle, &point, 1, 0, PATIENCE));
	close(out);
	close(merged);
}

TEST_F(syncobj, signal_by_hand)
{
	__u64 point = 7;
	int out;

	EXPECT_EQ(-EINVAL, syncobj_export(self->dev, self->handle, 0));
	EXPECT_EQ(-EINVAL, syncobj_wait(self->dev, &self->handle, &point, 1, 0, 0));
	EXPECT_EQ(-ETIME, syncobj_wait(self->dev, &self->handle, &point, 1,
				       FOR_SUBMIT, 0));
	ASSERT_EQ(0, syncobj_signal(self->dev, self->handle, 7));
	EXPECT_EQ(0, syncobj_wait(self->dev, &self->handle, &point, 1, 0, PATIENCE));
	out = syncobj_export(self->dev, self->handle, 7);
	ASSERT_GE(out, 0);
	EXPECT_EQ(POLLIN, poll_for(out, POLLIN, PATIENCE));
	close(out);
}

TEST_F(syncobj, wait_for_any_and_all)
{
	__u32 handles[2] = { self->handle };
	__u64 points[2] = { 1, 1 };
	int a, b;

	ASSERT_EQ(0, syncobj_create(self->dev, &handles[1]));
	a = fence_create(self->timeline, 1);
	b = fence_create(self->other, 1);
	ASSERT_EQ(0, syncobj_attach(self->dev, handles[0], 1, a));
	ASSERT_EQ(0, syncobj_attach(self->dev, handles[1], 1, b));
	close(a);
	close(b);

	EXPECT_EQ(-ETIME, syncobj_wait(self->dev, handles, points, 2, 0, 0));
	EXPECT_EQ(-ETIME, syncobj_wait(self->dev, handles, points, 2, 0, 20));
	ASSERT_EQ(0, timeline_inc(self->other, 1));
	EXPECT_EQ(1, syncobj_wait(self->dev, handles, points, 2, 0, PATIENCE));
	EXPECT_EQ(-ETIME, syncobj_wait(self->dev, handles, points, 2, ALL, 0));
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_LE(0, syncobj_wait(self->dev, handles, points, 2, ALL, PATIENCE));
}

/* --- Waits and eventfds that race with the signal --- */

struct waiter {
	int dev;
	__u32 handle;
	__u64 point;
	__u32 flags;
};

static void *do_wait(void *arg)
{
	struct waiter *waiter = arg;

	return (void *)(intptr_t)syncobj_wait(waiter->dev, &waiter->handle,
					      &waiter->point, 1, waiter->flags,
					      PATIENCE);
}

TEST_F_TIMEOUT(syncobj, wait_while_signaling, 300)
{
	struct waiter waiter = { .dev = self->dev, .handle = self->handle };
	__u64 end = in_ms(DURATION);
	pthread_t task;
	void *result;
	int i, fd;

	for (i = 1; i < MIN_ROUNDS || now_ns() < end; i++) {
		waiter.point = i;
		waiter.flags = i % 2 ? 0 : FOR_SUBMIT;
		fd = fence_create(self->timeline, i);
		ASSERT_GE(fd, 0);
		if (i % 2)
			ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, i, fd));
		ASSERT_EQ(0, pthread_create(&task, NULL, do_wait, &waiter));
		if (!(i % 2))
			ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, i, fd));
		let_it_wait(i / 2);
		ASSERT_EQ(0, timeline_inc(self->timeline, 1));
		pthread_join(task, &result);
		ASSERT_EQ(0, (intptr_t)result);
		close(fd);
	}
}

TEST_F(syncobj, eventfd_of_a_point)
{
	int event, available, fd;
	__u64 count;

	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	available = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_GE(available, 0);
	ASSERT_EQ(0, syncobj_eventfd(self->dev, self->handle, 3, 0, event));
	ASSERT_EQ(0, syncobj_eventfd(self->dev, self->handle, 3, AVAILABLE,
				     available));
	EXPECT_EQ(0, poll_for(event, POLLIN, 0));
	EXPECT_EQ(0, poll_for(available, POLLIN, 0));

	fd = fence_create(self->timeline, 1);
	ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 3, fd));
	EXPECT_EQ(POLLIN, poll_for(available, POLLIN, PATIENCE));
	EXPECT_EQ(0, poll_for(event, POLLIN, 0));
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(POLLIN, poll_for(event, POLLIN, PATIENCE));
	ASSERT_EQ(8, read(event, &count, 8));
	EXPECT_EQ(1, count);
	close(event);
	close(available);
	close(fd);
}

static void *do_advance(void *arg)
{
	return (void *)(intptr_t)timeline_inc(*(int *)arg, 1);
}

TEST_F_TIMEOUT(syncobj, eventfd_while_signaling, 300)
{
	__u64 end = in_ms(DURATION);
	pthread_t task;
	__u64 count;
	int i, fd, event;

	for (i = 1; i < MIN_ROUNDS || now_ns() < end; i++) {
		event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ASSERT_GE(event, 0);
		fd = fence_create(self->timeline, i);
		ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, i, fd));
		close(fd);
		ASSERT_EQ(0, pthread_create(&task, NULL, do_advance, &self->timeline));
		ASSERT_EQ(0, syncobj_eventfd(self->dev, self->handle, i, 0, event));
		pthread_join(task, NULL);
		ASSERT_EQ(POLLIN, poll_for(event, POLLIN, PATIENCE));
		ASSERT_EQ(8, read(event, &count, 8));
		ASSERT_EQ(1, count);
		close(event);
	}
}

/* The object goes with an eventfd and a fence pending. */
TEST_F(syncobj, destroy_with_eventfd)
{
	int event, fd;

	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_EQ(0, syncobj_eventfd(self->dev, self->handle, 1, 0, event));
	fd = fence_create(self->timeline, 1);
	ASSERT_EQ(0, syncobj_attach(self->dev, self->handle, 1, fd));
	ASSERT_EQ(0, syncobj_eventfd(self->dev, self->handle, 2, 0, event));
	ASSERT_EQ(0, syncobj_destroy(self->dev, self->handle));
	ASSERT_EQ(0, timeline_inc(self->timeline, 1));
	EXPECT_EQ(1, sync_status(fd));
	close(event);
	close(fd);
}

TEST_F(syncobj, wrong_arguments)
{
	struct drm_syncobj_timeline_array array = { .count_handles = 1 };
	struct drm_syncobj_create create = { .flags = 1 << 5 };
	struct drm_syncobj_handle handle = { .handle = self->handle };
	struct drm_syncobj_transfer transfer = { .pad = 1 };
	__u32 none = self->handle + 1000;
	int fd, event, null;
	__u64 point = 1;

	fd = fence_create(self->timeline, 1);
	ASSERT_GE(fd, 0);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	EXPECT_EQ(-EINVAL, call(self->dev, DRM_IOCTL_SYNCOBJ_CREATE, &create));
	EXPECT_EQ(-EFAULT, call(self->dev, DRM_IOCTL_SYNCOBJ_CREATE, NULL));
	EXPECT_EQ(-EINVAL, syncobj_destroy(self->dev, none));

	handle.flags = 1 << 5;
	EXPECT_EQ(-EINVAL, call(self->dev, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle));
	handle.flags = 0;
	handle.pad = 1;
	EXPECT_EQ(-EINVAL, call(self->dev, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle));
	EXPECT_EQ(-ENOENT, syncobj_export(self->dev, none, 0));
	EXPECT_EQ(-EINVAL, syncobj_export(self->dev, self->handle, 1));

	EXPECT_EQ(-EINVAL, syncobj_import(self->dev, self->handle, -1));
	EXPECT_EQ(-EINVAL, syncobj_import(self->dev, self->handle, null));
	EXPECT_EQ(-ENOENT, syncobj_import(self->dev, none, fd));

	EXPECT_EQ(-EINVAL, call(self->dev, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer));
	EXPECT_EQ(-ENOENT, syncobj_transfer(self->dev, none, 1, self->handle, 0));
	EXPECT_EQ(-ENOENT, syncobj_transfer(self->dev, self->handle, 1, none, 0));
	EXPECT_EQ(-EINVAL, syncobj_transfer(self->dev, self->handle, 1,
					    self->handle, 5));

	EXPECT_EQ(-EFAULT, call(self->dev, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array));
	array.flags = 1;
	EXPECT_EQ(-EINVAL, call(self->dev, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array));
	EXPECT_EQ(-ENOENT, syncobj_signal(self->dev, none, 1));
	EXPECT_EQ(-EINVAL, syncobj_query(self->dev, self->handle, 1 << 5, &point));
	EXPECT_EQ(-ENOENT, syncobj_query(self->dev, none, 0, &point));
	EXPECT_EQ(-EFAULT, syncobj_query(self->dev, self->handle, 0, NULL));

	EXPECT_EQ(-EINVAL, syncobj_wait(self->dev, &self->handle, &point, 1, 1 << 9, 0));
	EXPECT_EQ(-ENOENT, syncobj_wait(self->dev, &none, &point, 1, 0, 0));
	EXPECT_EQ(-EFAULT, syncobj_wait(self->dev, NULL, &point, 1, 0, 0));

	event = eventfd(0, EFD_CLOEXEC);
	EXPECT_EQ(-EINVAL, syncobj_eventfd(self->dev, self->handle, 1, 1 << 9, event));
	EXPECT_EQ(-ENOENT, syncobj_eventfd(self->dev, none, 1, 0, event));
	EXPECT_EQ(-EBADF, syncobj_eventfd(self->dev, self->handle, 1, 0, -1));
	EXPECT_EQ(-EINVAL, syncobj_eventfd(self->dev, self->handle, 1, 0, null));
	close(event);
	close(null);
	close(fd);
}

/* --- vgem --- */

FIXTURE(vgem) {
	int dev, buf;
	__u32 handle;
};

static int vgem_open(void)
{
	struct drm_version version;
	char path[64], name[16];
	int fd, i;

	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open_or_errno(path, O_RDWR);
		if (fd < 0)
			continue;
		memset(&version, 0, sizeof(version));
		memset(name, 0, sizeof(name));
		version.name = name;
		version.name_len = sizeof(name) - 1;
		if (!call(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgem"))
			return fd;
		close(fd);
	}

	return -ENODEV;
}

FIXTURE_SETUP(vgem)
{
	struct drm_mode_create_dumb dumb = { .width = 16, .height = 16, .bpp = 32 };
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC };

	self->dev = vgem_open();
	if (self->dev < 0)
		SKIP(return, "no vgem");

	ASSERT_EQ(0, call(self->dev, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	self->handle = dumb.handle;
	prime.handle = dumb.handle;
	ASSERT_EQ(0, call(self->dev, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	self->buf = prime.fd;
}

FIXTURE_TEARDOWN(vgem)
{
	close(self->buf);
	if (self->dev >= 0)
		close(self->dev);
}

static int vgem_attach(int dev, __u32 handle, __u32 flags, __u32 *fence)
{
	struct drm_vgem_fence_attach attach = { .handle = handle, .flags = flags };
	int ret = call(dev, DRM_IOCTL_VGEM_FENCE_ATTACH, &attach);

	*fence = attach.out_fence;

	return ret;
}

static int vgem_signal(int dev, __u32 fence)
{
	struct drm_vgem_fence_signal signal = { .fence = fence };

	return call(dev, DRM_IOCTL_VGEM_FENCE_SIGNAL, &signal);
}

TEST_F(vgem, attach_and_signal)
{
	struct sync_fence_info info[2];
	struct sync_file_info file;
	__u32 fence;
	int out;

	ASSERT_EQ(0, vgem_attach(self->dev, self->handle, VGEM_FENCE_WRITE, &fence));
	EXPECT_EQ(0, poll_for(self->buf, POLLIN | POLLOUT, 0));
	out = dmabuf_export(self->buf, DMA_BUF_SYNC_READ);
	ASSERT_GE(out, 0);
	EXPECT_EQ(0, poll_for(out, POLLIN, 0));
	ASSERT_EQ(0, sync_info(out, &file, info, 2));
	EXPECT_STREQ("vgem", info[0].driver_name);
	EXPECT_STREQ("unbound", info[0].obj_name);

	/* At once, and not after 10 seconds, when vgem gives up on user space. */
	ASSERT_EQ(0, vgem_signal(self->dev, fence));
	EXPECT_EQ(POLLIN, poll_for(out, POLLIN, 0));
	EXPECT_EQ(POLLIN | POLLOUT, poll_for(self->buf, POLLIN | POLLOUT, PATIENCE));
	ASSERT_EQ(0, sync_info(out, &file, info, 2));
	EXPECT_EQ(1, file.status);
	EXPECT_STREQ("detached-driver", info[0].driver_name);
	close(out);
}

static void *do_poll(void *arg)
{
	return (void *)(intptr_t)poll_for(*(int *)arg, POLLIN, PATIENCE);
}

TEST_F_TIMEOUT(vgem, poll_while_signaling, 300)
{
	__u64 end = in_ms(DURATION);
	pthread_t task;
	void *result;
	__u32 fence;
	int i, out;

	for (i = 0; i < MIN_ROUNDS || now_ns() < end; i++) {
		ASSERT_EQ(0, vgem_attach(self->dev, self->handle,
					 VGEM_FENCE_WRITE, &fence));
		out = dmabuf_export(self->buf, DMA_BUF_SYNC_WRITE);
		ASSERT_GE(out, 0);
		ASSERT_EQ(0, pthread_create(&task, NULL, do_poll, &out));
		let_it_wait(i);
		ASSERT_EQ(0, vgem_signal(self->dev, fence));
		ASSERT_EQ(1, sync_status(out));
		pthread_join(task, &result);
		ASSERT_EQ(POLLIN, (intptr_t)result);
		close(out);
	}
}

/* The issuer signals what is left, the files stay good. */
TEST_F(vgem, close_of_the_issuer)
{
	__u32 fence;
	int out;

	ASSERT_EQ(0, vgem_attach(self->dev, self->handle, VGEM_FENCE_WRITE, &fence));
	out = dmabuf_export(self->buf, DMA_BUF_SYNC_READ);
	ASSERT_GE(out, 0);
	EXPECT_EQ(0, poll_for(out, POLLIN, 0));
	close(self->dev);
	self->dev = -1;
	EXPECT_EQ(POLLIN, poll_for(out, POLLIN, 0));
	EXPECT_EQ(1, sync_status(out));
	close(out);
}

TEST_F(vgem, wrong_arguments)
{
	struct drm_vgem_fence_attach attach = { .handle = self->handle };
	struct drm_vgem_fence_signal signal = { .flags = 1 };
	__u32 fence, second;

	EXPECT_EQ(-EINVAL, vgem_attach(self->dev, self->handle, 1 << 5, &fence));
	attach.pad = 1;
	EXPECT_EQ(-EINVAL, call(self->dev, DRM_IOCTL_VGEM_FENCE_ATTACH, &attach));
	EXPECT_EQ(-ENOENT, vgem_attach(self->dev, self->handle + 1000, 0, &fence));
	EXPECT_EQ(-EFAULT, call(self->dev, DRM_IOCTL_VGEM_FENCE_ATTACH, NULL));
	EXPECT_EQ(-EINVAL, call(self->dev, DRM_IOCTL_VGEM_FENCE_SIGNAL, &signal));
	EXPECT_EQ(-ENOENT, vgem_signal(self->dev, 12345));

	ASSERT_EQ(0, vgem_attach(self->dev, self->handle, VGEM_FENCE_WRITE, &fence));
	EXPECT_EQ(-EBUSY, vgem_attach(self->dev, self->handle, 0, &second));
	ASSERT_EQ(0, vgem_signal(self->dev, fence));
	EXPECT_EQ(-ENOENT, vgem_signal(self->dev, fence));
}

TEST_HARNESS_MAIN
