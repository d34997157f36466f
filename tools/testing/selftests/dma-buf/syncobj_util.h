/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls on sync objects, for the tests */
#ifndef SYNCOBJ_UTIL_H
#define SYNCOBJ_UTIL_H

#include <drm/drm.h>

#include "fence_util.h"

/* A device that has sync objects; of a real driver, or of our module. */
static inline int syncobj_find(void)
{
	struct drm_get_cap cap;
	char path[64];
	int fd, i;

	for (i = 128; i < 192; i++) {
		snprintf(path, sizeof(path), "/dev/dri/renderD%d", i);
		fd = open_or_errno(path, O_RDWR);
		if (fd < 0)
			continue;
		cap.capability = DRM_CAP_SYNCOBJ_TIMELINE;
		cap.value = 0;
		if (!call(fd, DRM_IOCTL_GET_CAP, &cap) && cap.value)
			return fd;
		close(fd);
	}

	return -ENODEV;
}

static inline int syncobj_open(void)
{
	int fd = syncobj_find();

	if (fd < 0 && !module_load("fence_drm"))
		fd = syncobj_find();

	return fd;
}

static inline int syncobj_create(int dev, __u32 *handle)
{
	struct drm_syncobj_create create = { 0 };
	int ret = call(dev, DRM_IOCTL_SYNCOBJ_CREATE, &create);

	*handle = create.handle;

	return ret;
}

static inline int syncobj_destroy(int dev, __u32 handle)
{
	struct drm_syncobj_destroy destroy = { .handle = handle };

	return call(dev, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
}

static inline int syncobj_import(int dev, __u32 handle, int sync_file)
{
	struct drm_syncobj_handle arg = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
		.fd = sync_file,
	};

	return call(dev, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &arg);
}

static inline int syncobj_export(int dev, __u32 handle, __u64 point)
{
	struct drm_syncobj_handle arg = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE |
			 (point ? DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_TIMELINE : 0),
		.fd = -1,
		.point = point,
	};
	int ret = call(dev, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &arg);

	return ret ?: arg.fd;
}

static inline int syncobj_transfer(int dev, __u32 to, __u64 to_point,
				   __u32 from, __u64 from_point)
{
	struct drm_syncobj_transfer arg = {
		.src_handle = from,
		.dst_handle = to,
		.src_point = from_point,
		.dst_point = to_point,
	};

	return call(dev, DRM_IOCTL_SYNCOBJ_TRANSFER, &arg);
}

/* The fence of a sync file becomes a point of a timeline. */
static inline int syncobj_attach(int dev, __u32 timeline, __u64 point, int fd)
{
	__u32 binary;
	int ret;

	ret = syncobj_create(dev, &binary);
	if (ret)
		return ret;
	ret = syncobj_import(dev, binary, fd);
	if (!ret)
		ret = syncobj_transfer(dev, timeline, point, binary, 0);
	syncobj_destroy(dev, binary);

	return ret;
}

static inline int syncobj_signal(int dev, __u32 handle, __u64 point)
{
	struct drm_syncobj_timeline_array arg = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return call(dev, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &arg);
}

static inline int syncobj_query(int dev, __u32 handle, __u32 flags, __u64 *point)
{
	struct drm_syncobj_timeline_array arg = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)point,
		.count_handles = 1,
		.flags = flags,
	};

	return call(dev, DRM_IOCTL_SYNCOBJ_QUERY, &arg);
}

static inline int syncobj_wait(int dev, __u32 *handles, __u64 *points,
			       __u32 count, __u32 flags, int ms)
{
	struct drm_syncobj_timeline_wait arg = {
		.handles = (uintptr_t)handles,
		.points = (uintptr_t)points,
		.timeout_nsec = ms ? in_ms(ms) : 0,
		.count_handles = count,
		.flags = flags,
	};
	int ret = call(dev, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &arg);

	/* As with poll: found when the time was over, without being woken. */
	if (!ret && ms && now_ns() >= arg.timeout_nsec)
		return -ETIME;

	return ret ?: (int)arg.first_signaled;
}

static inline int syncobj_eventfd(int dev, __u32 handle, __u64 point,
				  __u32 flags, int fd)
{
	struct drm_syncobj_eventfd arg = {
		.handle = handle,
		.flags = flags,
		.point = point,
		.fd = fd,
	};

	return call(dev, DRM_IOCTL_SYNCOBJ_EVENTFD, &arg);
}

#endif
