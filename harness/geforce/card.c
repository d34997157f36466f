// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include "drm/nouveau_drm.h"
#include "card.h"

/* Names of objects within a channel. */
#define HANDLE_VRAM		0xbeef0201
#define HANDLE_GART		0xbeef0202
#define HANDLE_COPY		0xbeef0039
#define HANDLE_NOTIFIER		0xbeef0300
#define HANDLE_SEMAPHORE	0xbeef0400

/* NV03_MEMORY_TO_MEMORY_FORMAT */
#define CLASS_COPY		0x0039

/* A push has a slot of its own, used again after that many others. */
#define SLOTS			1024
#define SLOT_WORDS		32

#define DOMAINS			(NOUVEAU_GEM_DOMAIN_VRAM | NOUVEAU_GEM_DOMAIN_GART)

/* The kernel's headers have these two calls by number alone. */
struct grobj_alloc {
	int channel;
	uint32_t handle;
	int class;
};

#define IOCTL_GROBJ_ALLOC							\
	DRM_IOW(DRM_COMMAND_BASE + DRM_NOUVEAU_GROBJ_ALLOC, struct grobj_alloc)
#define IOCTL_NOTIFIEROBJ_ALLOC							\
	DRM_IOWR(DRM_COMMAND_BASE + DRM_NOUVEAU_NOTIFIEROBJ_ALLOC,		\
		 struct drm_nouveau_notifierobj_alloc)

const char *failed_file = "";
int failed_line, failed_errno;

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

void sleep_ms(unsigned int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* Signals and the driver start a call over. */
static int call(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret;
}

/* --- Buffers --- */

static int buffer_info(struct channel *c, struct buffer *b, uint64_t *map)
{
	struct drm_nouveau_gem_info info = { .handle = b->handle };

	try(!call(c->fd, DRM_IOCTL_NOUVEAU_GEM_INFO, &info));
	b->offset = info.offset;
	b->domain = info.domain & DOMAINS;
	b->bytes = info.size;
	if (map)
		*map = info.map_handle;
	return 0;
}

static int buffer_map(struct channel *c, struct buffer *b, uint64_t map)
{
	b->map = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, map);
	try(b->map != MAP_FAILED);
	return 0;
}

/* With both domains it is wherever the last push wanted it. */
int buffer_new(struct channel *c, struct buffer *b, uint64_t bytes, uint32_t domain)
{
	struct drm_nouveau_gem_new new = {
		.info = { .size = bytes, .domain = domain | NOUVEAU_GEM_DOMAIN_MAPPABLE },
		.align = 4096,
	};
	uint64_t map;

	memset(b, 0, sizeof(*b));
	b->dmabuf = -1;
	try(!call(c->fd, DRM_IOCTL_NOUVEAU_GEM_NEW, &new));
	b->handle = new.info.handle;
	if (buffer_info(c, b, &map))
		return -1;
	return buffer_map(c, b, map);
}

int buffer_dmabuf(struct channel *c, struct buffer *b)
{
	struct drm_prime_handle h = { .handle = b->handle, .flags = DRM_CLOEXEC | DRM_RDWR };

	if (b->dmabuf < 0) {
		try(!call(c->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &h));
		b->dmabuf = h.fd;
	}
	return b->dmabuf;
}

int buffer_import(struct channel *c, struct buffer *b, int dmabuf)
{
	struct drm_prime_handle h = { .fd = dmabuf };

	memset(b, 0, sizeof(*b));
	b->dmabuf = -1;
	try(!call(c->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &h));
	b->handle = h.handle;
	return buffer_info(c, b, NULL);
}

/* What keeps the client's file open besides its descriptor. */
void buffer_unmap(struct buffer *b)
{
	if (b->map)
		munmap((void *)b->map, b->bytes);
	if (b->dmabuf >= 0)
		close(b->dmabuf);
	b->map = NULL;
	b->dmabuf = -1;
}

void buffer_free(struct channel *c, struct buffer *b)
{
	struct drm_gem_close close = { .handle = b->handle };

	buffer_unmap(b);
	call(c->fd, DRM_IOCTL_GEM_CLOSE, &close);
}

static uint32_t pattern(uint32_t seed, unsigned int word)
{
	return seed + word * 2654435761u;
}

void buffer_fill(struct buffer *b, uint32_t seed, unsigned int words)
{
	unsigned int i;

	for (i = 0; i < words; i++)
		b->map[i] = pattern(seed, i);
}

bool buffer_has(struct buffer *b, uint32_t seed, unsigned int from, unsigned int to)
{
	for (; from < to; from++)
		if (b->map[from] != pattern(seed, from))
			return false;
	return true;
}

/* --- Channels --- */

static int new_notifier(struct channel *c, uint32_t handle, uint32_t *offset)
{
	struct drm_nouveau_notifierobj_alloc n = {
		.channel = c->id, .handle = handle, .size = 32,
	};

	try(!call(c->fd, IOCTL_NOTIFIEROBJ_ALLOC, &n));
	*offset = n.offset;
	return 0;
}

static int channel_fill(struct channel *c)
{
	struct drm_nouveau_channel_alloc alloc = {
		.fb_ctxdma_handle = HANDLE_VRAM,
		.tt_ctxdma_handle = HANDLE_GART,
	};
	struct grobj_alloc copy = { .handle = HANDLE_COPY, .class = CLASS_COPY };
	struct drm_nouveau_gem_info info = { 0 };
	uint32_t unused;

	try(!call(c->fd, DRM_IOCTL_NOUVEAU_CHANNEL_ALLOC, &alloc));
	c->id = alloc.channel;
	copy.channel = alloc.channel;
	try(!call(c->fd, IOCTL_GROBJ_ALLOC, &copy));
	if (new_notifier(c, HANDLE_NOTIFIER, &unused) ||
	    new_notifier(c, HANDLE_SEMAPHORE, &c->semaphore))
		return -1;
	info.handle = alloc.notifier_handle;
	try(!call(c->fd, DRM_IOCTL_NOUVEAU_GEM_INFO, &info));
	c->notifiers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, info.map_handle);
	try(c->notifiers != MAP_FAILED);
	hold(c);
	if (buffer_new(c, &c->words, SLOTS * SLOT_WORDS * 4, NOUVEAU_GEM_DOMAIN_GART))
		return -1;
	return buffer_new(c, &c->src, BUFFER_BYTES, NOUVEAU_GEM_DOMAIN_GART);
}

int chipset(struct channel *c)
{
	struct drm_nouveau_getparam p = { .param = NOUVEAU_GETPARAM_CHIPSET_ID };

	try(!call(c->fd, DRM_IOCTL_NOUVEAU_GETPARAM, &p));
	return p.value;
}

int channel_open(struct channel *c)
{
	int i;

	memset(c, 0, sizeof(*c));
	/* The node comes a moment after the driver. */
	for (i = 0; i < 50; i++) {
		c->fd = open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC);
		if (c->fd >= 0)
			break;
		sleep_ms(20);
	}
	try(c->fd >= 0);
	if (!channel_fill(c))
		return 0;
	close(c->fd);
	return -1;
}

void channel_unmap(struct channel *c)
{
	munmap((void *)c->notifiers, 4096);
	buffer_unmap(&c->words);
	buffer_unmap(&c->src);
}

void channel_close(struct channel *c)
{
	channel_unmap(c);
	close(c->fd);
}

/* --- Pushes --- */

static void set_semaphore(struct channel *c, uint32_t value)
{
	c->notifiers[c->semaphore / 4] = value;
	__sync_synchronize();
}

void hold(struct channel *c)
{
	set_semaphore(c, 0);
}

void release(struct channel *c)
{
	set_semaphore(c, 1);
}

struct request {
	struct drm_nouveau_gem_pushbuf_bo bo[3];
	struct drm_nouveau_gem_pushbuf_reloc reloc[4];
	volatile uint32_t *words;
	uint32_t start;		/* of the words, in bytes */
	unsigned int bos, relocs, count;
};

static void emit(struct request *r, uint32_t word)
{
	r->words[r->count++] = word;
}

static void method(struct request *r, uint32_t method, uint32_t count)
{
	const uint32_t subchannel = 3;

	emit(r, count << 18 | subchannel << 13 | method);
}

static unsigned int add_buffer(struct request *r, struct buffer *b, uint32_t read, uint32_t write)
{
	r->bo[r->bos] = (struct drm_nouveau_gem_pushbuf_bo) {
		.handle = b->handle,
		.read_domains = read,
		.write_domains = write,
		.valid_domains = read | write,
		.presumed = { .valid = 1, .domain = b->domain, .offset = b->offset },
	};
	return r->bos++;
}

/* A word that the kernel replaces if the buffer is not where we think. */
static void emit_reloc(struct request *r, unsigned int bo, uint32_t flags, uint32_t data,
		       uint32_t word)
{
	r->reloc[r->relocs++] = (struct drm_nouveau_gem_pushbuf_reloc) {
		.reloc_bo_index = 0,
		.reloc_bo_offset = r->start + r->count * 4,
		.bo_index = bo,
		.flags = flags,
		.data = data,
		.vor = HANDLE_VRAM,
		.tor = HANDLE_GART,
	};
	emit(r, word);
}

static void emit_object(struct request *r, unsigned int bo, struct buffer *b)
{
	emit_reloc(r, bo, NOUVEAU_GEM_RELOC_OR, 0,
		   b->domain & NOUVEAU_GEM_DOMAIN_VRAM ? HANDLE_VRAM : HANDLE_GART);
}

static void emit_copy(struct request *r, struct buffer *src, const struct job *job)
{
	uint32_t to = job->domain ?: job->dst->domain;
	unsigned int in = add_buffer(r, src, src->domain, 0);
	unsigned int out = add_buffer(r, job->dst, 0, to);

	method(r, 0x0000, 1);
	emit(r, HANDLE_COPY);
	method(r, 0x0180, 3);
	emit(r, HANDLE_NOTIFIER);
	emit_object(r, in, src);
	emit_object(r, out, job->dst);
	method(r, 0x030c, 8);
	emit_reloc(r, in, NOUVEAU_GEM_RELOC_LOW, job->offset, src->offset + job->offset);
	emit_reloc(r, out, NOUVEAU_GEM_RELOC_LOW, job->offset, job->dst->offset + job->offset);
	emit(r, job->bytes);	/* pitch in */
	emit(r, job->bytes);	/* pitch out */
	emit(r, job->bytes);	/* length of a line */
	emit(r, 1);		/* lines */
	emit(r, 0x0101);	/* format: bytes */
	emit(r, 0);		/* no notification */
}

static void moved(struct request *r, unsigned int bo, struct buffer *b)
{
	if (r->bo[bo].presumed.valid)
		return;
	b->offset = r->bo[bo].presumed.offset;
	b->domain = r->bo[bo].presumed.domain;
}

int push(struct channel *c, const struct job *job)
{
	struct buffer *src = job->src ?: &c->src;
	unsigned int slot = c->pushes++ % SLOTS;
	struct request r = {
		.start = slot * SLOT_WORDS * 4,
		.words = c->words.map + slot * SLOT_WORDS,
	};
	struct drm_nouveau_gem_pushbuf_push words = { .offset = r.start };
	struct drm_nouveau_gem_pushbuf req = { .channel = c->id, .nr_push = 1 };

	add_buffer(&r, &c->words, NOUVEAU_GEM_DOMAIN_GART, 0);
	if (job->held) {
		method(&r, 0x0060, 3);	/* semaphore: object, offset, value to wait for */
		emit(&r, HANDLE_SEMAPHORE);
		emit(&r, 0);
		emit(&r, 1);
	}
	emit_copy(&r, src, job);
	if (job->endless)
		emit(&r, (c->words.offset + r.start + r.count * 4) | 1);	/* jump */
	emit(&r, 0x00020000);	/* return */
	emit(&r, 0);
	try(r.count <= SLOT_WORDS);
	__sync_synchronize();

	words.length = r.count * 4;
	req.nr_buffers = r.bos;
	req.buffers = (uintptr_t)r.bo;
	req.nr_relocs = r.relocs;
	req.relocs = (uintptr_t)r.reloc;
	req.push = (uintptr_t)&words;
	try(!call(c->fd, DRM_IOCTL_NOUVEAU_GEM_PUSHBUF, &req));
	moved(&r, 0, &c->words);
	moved(&r, 1, src);
	moved(&r, 2, job->dst);
	return 0;
}

/* --- Waiting --- */

static int cpu_prep(struct channel *c, struct buffer *b, uint32_t flags)
{
	struct drm_nouveau_gem_cpu_prep p = {
		.handle = b->handle,
		.flags = NOUVEAU_GEM_CPU_PREP_WRITE | flags,
	};

	return ioctl(c->fd, DRM_IOCTL_NOUVEAU_GEM_CPU_PREP, &p) ? -errno : 0;
}

int wait_idle(struct channel *c, struct buffer *b)
{
	int ret;

	do {
		ret = cpu_prep(c, b, 0);
	} while (ret == -EINTR || ret == -EAGAIN);
	return ret;
}

int wait_interruptible(struct channel *c, struct buffer *b)
{
	return cpu_prep(c, b, 0);
}

bool busy(struct channel *c, struct buffer *b)
{
	return cpu_prep(c, b, NOUVEAU_GEM_CPU_PREP_NOWAIT) == -EBUSY;
}

/* --- Sync files and sync objects --- */

int sync_file(struct channel *c, struct buffer *b)
{
	struct dma_buf_export_sync_file e = { .flags = DMA_BUF_SYNC_RW, .fd = -1 };

	if (buffer_dmabuf(c, b) < 0)
		return -1;
	try(!call(b->dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &e));
	return e.fd;
}

int sync_merge(int a, int b)
{
	struct sync_merge_data m = { .name = "merged", .fd2 = b, .fence = -1 };

	try(!call(a, SYNC_IOC_MERGE, &m));
	return m.fence;
}

int sync_status(int file, unsigned int *fences)
{
	struct sync_file_info info = { 0 };

	try(!call(file, SYNC_IOC_FILE_INFO, &info));
	if (fences)
		*fences = info.num_fences;
	return info.status;
}

double poll_ms(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	double begun = now();
	int ret;

	do {
		ret = poll(&p, 1, ms);
	} while (ret < 0 && errno == EINTR);
	return ret > 0 && p.revents & events ? now() - begun : -1;
}

int syncobj_new(struct channel *c, uint32_t *handle)
{
	struct drm_syncobj_create create = { 0 };

	try(!call(c->fd, DRM_IOCTL_SYNCOBJ_CREATE, &create));
	*handle = create.handle;
	return 0;
}

int syncobj_import(struct channel *c, uint32_t handle, int file)
{
	struct drm_syncobj_handle h = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
		.fd = file,
	};

	try(!call(c->fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &h));
	return 0;
}

int syncobj_transfer(struct channel *c, uint32_t to, uint64_t point, uint32_t from)
{
	struct drm_syncobj_transfer t = {
		.src_handle = from, .dst_handle = to, .dst_point = point,
	};

	try(!call(c->fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &t));
	return 0;
}

int syncobj_eventfd(struct channel *c, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_eventfd e = { .handle = handle, .point = point };

	e.fd = eventfd(0, EFD_CLOEXEC);
	try(e.fd >= 0);
	try(!call(c->fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &e));
	return e.fd;
}

int syncobj_wait(struct channel *c, uint32_t handle, uint64_t point, int ms)
{
	int64_t deadline = (now() + ms) * 1e6;
	struct drm_syncobj_wait w = {
		.handles = (uintptr_t)&handle, .count_handles = 1, .timeout_nsec = deadline,
	};
	struct drm_syncobj_timeline_wait t = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1,
		.timeout_nsec = deadline,
	};
	int ret;

	if (point)
		ret = call(c->fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &t);
	else
		ret = call(c->fd, DRM_IOCTL_SYNCOBJ_WAIT, &w);
	return ret ? -errno : 0;
}
