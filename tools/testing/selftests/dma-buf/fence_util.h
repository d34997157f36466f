/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls on sync files, software timelines and dma-bufs, for the tests */
#ifndef FENCE_UTIL_H
#define FENCE_UTIL_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>

#define SW_SYNC		"/sys/kernel/debug/sync/sw_sync"
#define SW_SYNC_INFO	"/sys/kernel/debug/sync/info"

/* What is tried over and over is tried for so long, in ms, or so many times. */
#define DURATION	1000
#define MIN_ROUNDS	30

/* No test waits longer than this for what has to happen, in ms. */
#define PATIENCE	20000

/* drivers/dma-buf/sw_sync.c; there is no header for it. */
struct sw_sync_create_fence_data {
	__u32	value;
	char	name[32];
	__s32	fence;
};

struct sw_sync_get_deadline {
	__u64	deadline_ns;
	__u32	pad;
	__s32	fence_fd;
};

#define SW_SYNC_IOC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC			_IOW('W', 1, __u32)
#define SW_SYNC_GET_DEADLINE		_IOWR('W', 2, struct sw_sync_get_deadline)

/* All of these return a negative errno when they fail. */
static inline int call(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static inline int open_or_errno(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static inline int timeline_create(void)
{
	return open_or_errno(SW_SYNC, O_RDWR);
}

static inline int fence_create(int timeline, __u32 value)
{
	struct sw_sync_create_fence_data data = { .value = value, .fence = -1 };
	int ret = call(timeline, SW_SYNC_IOC_CREATE_FENCE, &data);

	return ret ?: data.fence;
}

static inline int timeline_inc(int timeline, __u32 value)
{
	return call(timeline, SW_SYNC_IOC_INC, &value);
}

static inline int sync_merge(const char *name, int a, int b)
{
	struct sync_merge_data data = { .fd2 = b, .fence = -1 };
	int ret;

	snprintf(data.name, sizeof(data.name), "%.31s", name);
	ret = call(a, SYNC_IOC_MERGE, &data);

	return ret ?: data.fence;
}

/* Details of up to @max fences; 0 asks for the summary only. */
static inline int sync_info(int fd, struct sync_file_info *info,
			    struct sync_fence_info *fences, unsigned int max)
{
	memset(info, 0, sizeof(*info));
	info->num_fences = max;
	info->sync_fence_info = (uintptr_t)fences;

	return call(fd, SYNC_IOC_FILE_INFO, info);
}

/* 1 signaled, 0 not, negative: signaled with that error, or the call failed */
static inline int sync_status(int fd)
{
	struct sync_file_info info;

	return sync_info(fd, &info, NULL, 0) ?: info.status;
}

static inline int sync_count(int fd)
{
	struct sync_file_info info;

	return sync_info(fd, &info, NULL, 0) ?: (int)info.num_fences;
}

static inline int sync_deadline(int fd, __u64 ns)
{
	struct sync_set_deadline data = { .deadline_ns = ns };

	return call(fd, SYNC_IOC_SET_DEADLINE, &data);
}

/*
 * From now on @epoll knows of @fd what its callbacks tell. Unlike poll, which
 * asks for the state once more, it sees that a callback got lost.
 */
static inline int watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static inline __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static inline __u64 in_ms(unsigned int ms)
{
	return now_ns() + ms * 1000000ull;
}

/*
 * The events that came within @ms, 0 if none did. When the time is over poll
 * asks for the state once more; what that finds nobody was woken for.
 */
static inline int poll_for(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	__u64 end = ms ? in_ms(ms) : 0;
	int ret = poll(&p, 1, ms);

	if (ret < 0)
		return -errno;

	return ret && (!ms || now_ns() < end) ? p.revents : 0;
}

/* Every other round a task that was just started gets the time to go to sleep. */
static inline void let_it_wait(int round)
{
	if (round % 2)
		poll(NULL, 0, 1);
}

/* A page that can be read and not written. */
static inline void *readonly_page(const void *data, size_t size)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	memcpy(page, data, size);
	mprotect(page, 4096, PROT_READ);

	return page;
}

/* How many files this process has open, which is the size of this directory. */
static inline int open_files(void)
{
	struct stat status;

	return stat("/proc/self/fd", &status) ? -errno : status.st_size;
}

static inline int allow_files(rlim_t count)
{
	struct rlimit limit = { .rlim_cur = count, .rlim_max = count };

	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

/* Timelines are named after the task that makes them; give it a name of its own. */
static inline void own_name(char name[16], const char *what)
{
	snprintf(name, 16, "%.8s-%d", what, getpid() % 100000);
	prctl(PR_SET_NAME, name);
}

/*
 * How many timelines of that name there are. A timeline goes with the last of
 * its fences, so none is left if no reference to a fence was lost.
 */
static inline int timelines_left(const char *name)
{
	size_t length = strlen(name);
	char line[256];
	int count = 0;
	FILE *file;

	file = fopen(SW_SYNC_INFO, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, length) && line[length] == ':')
			count++;
	fclose(file);

	return count;
}

/* Waits for the last: what work items and grace periods hold goes a bit later. */
static inline int timelines_gone(const char *name)
{
	__u64 end = in_ms(PATIENCE);
	int left;

	while ((left = timelines_left(name)) > 0 && now_ns() < end)
		poll(NULL, 0, 10);

	return left;
}

static inline int dmabuf_create(void)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC };
	int dev, mem, ret;

	dev = open_or_errno("/dev/udmabuf", O_RDWR);
	if (dev < 0)
		return dev;
	mem = memfd_create("fences", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (mem < 0) {
		ret = -errno;
		goto out;
	}
	create.size = sysconf(_SC_PAGESIZE);
	if (ftruncate(mem, create.size) ||
	    fcntl(mem, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		ret = -errno;
		close(mem);
		goto out;
	}
	create.memfd = mem;
	ret = call(dev, UDMABUF_CREATE, &create);
	close(mem);
out:
	close(dev);

	return ret;
}

static inline int dmabuf_export(int dmabuf, __u32 flags)
{
	struct dma_buf_export_sync_file data = { .flags = flags, .fd = -1 };
	int ret = call(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &data);

	return ret ?: data.fd;
}

static inline int dmabuf_import(int dmabuf, __u32 flags, int sync_file)
{
	struct dma_buf_import_sync_file data = { .flags = flags, .fd = sync_file };

	return call(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &data);
}

/* Load a module from where this program is; 0 also if it is there already. */
static inline int module_load(const char *name)
{
	char path[4096];
	ssize_t length;
	int fd, ret = 0;
	char *slash;

	length = readlink("/proc/self/exe", path, sizeof(path) - 64);
	if (length < 0)
		return -errno;
	path[length] = 0;
	slash = strrchr(path, '/');
	sprintf(slash, "/test_modules/%.32s.ko", name);
	fd = open_or_errno(path, O_RDONLY);
	if (fd < 0)
		return fd;
	if (syscall(__NR_finit_module, fd, "", 0) && errno != EEXIST)
		ret = -errno;
	close(fd);

	return ret;
}

static inline int module_unload(const char *name)
{
	return syscall(__NR_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/* Other users of the module may be about to go. */
static inline int module_unload_patiently(const char *name)
{
	__u64 end = in_ms(PATIENCE);
	int ret;

	while ((ret = module_unload(name)) == -EWOULDBLOCK && now_ns() < end)
		poll(NULL, 0, 10);

	return ret;
}

#endif
