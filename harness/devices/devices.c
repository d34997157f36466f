// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives a GPU of QEMU so that its driver makes fences and signals them. A line for each step:
 * ok, not ok or skip, and the name. Every wait ends.
 *
 *	devices ids DRIVER	connector, CRTC, plane, mode, for modetest
 *	devices run DRIVER	all steps that the driver can do
 *	devices share		buffers of virtio-gpu used by another
 *	devices reboot
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <drm_fourcc.h>
#include <xf86drm.h>
#include <xf86drmMode.h>
/* libdrm does not have the one, and an older version of the other. */
#include <drm/vgem_drm.h>
#include <drm/virtgpu_drm.h>

#define COUNT	16
#define WAIT_MS	10000

struct card {
	const char *driver;
	int fd;
	uint32_t connector, crtc, plane;
	int pipe;
	drmModeModeInfo mode;
	uint32_t mode_blob;
};

struct buffer {
	uint32_t handle, fb, pitch;
	uint64_t size;
};

/* What the step came to: 0, or the line that it did not get past and why. */
static int failed_line, failed_errno;
#define try(what) do {							\
	errno = 0;							\
	if (!(what)) {							\
		failed_line = __LINE__;					\
		failed_errno = errno;					\
		return -1;						\
	}								\
} while (0)

static void step(const char *driver, const char *name, int result)
{
	if (!result)
		printf("ok %s.%s\n", driver, name);
	else if (result > 0)
		printf("skip %s.%s\n", driver, name);
	else
		printf("not ok %s.%s line %d: %s\n", driver, name, failed_line, strerror(failed_errno));
	fflush(stdout);
}

static int64_t deadline(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (t.tv_sec + WAIT_MS / 1000) * 1000000000LL + t.tv_nsec;
}

static int readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 && p.revents == POLLIN;
}

/* --- Cards --- */

static int open_card(const char *driver, struct card *c)
{
	char path[32];
	int i;

	memset(c, 0, sizeof(*c));
	c->driver = driver;
	for (i = 0; i < 8; i++) {
		drmVersionPtr v;
		int is;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		c->fd = open(path, O_RDWR | O_CLOEXEC);
		if (c->fd < 0)
			continue;
		v = drmGetVersion(c->fd);
		is = v && !strcmp(v->name, driver);
		drmFreeVersion(v);
		if (is)
			return 0;
		close(c->fd);
	}
	try(!"no such card");
	return -1;
}

static uint32_t property(struct card *c, uint32_t object, uint32_t type, const char *name,
			 uint64_t *value)
{
	drmModeObjectProperties *all = drmModeObjectGetProperties(c->fd, object, type);
	uint32_t i, id = 0;

	for (i = 0; all && i < all->count_props; i++) {
		drmModePropertyRes *p = drmModeGetProperty(c->fd, all->props[i]);

		if (p && !strcmp(p->name, name)) {
			id = p->prop_id;
			if (value)
				*value = all->prop_values[i];
		}
		drmModeFreeProperty(p);
	}
	drmModeFreeObjectProperties(all);
	return id;
}

static int find_ids(struct card *c)
{
	drmModeRes *res = drmModeGetResources(c->fd);
	drmModePlaneRes *planes;
	uint32_t i;
	int j;

	try(res && res->count_crtcs);
	for (j = 0; j < res->count_connectors && !c->connector; j++) {
		drmModeConnector *con = drmModeGetConnector(c->fd, res->connectors[j]);

		if (con && con->connection == DRM_MODE_CONNECTED && con->count_modes) {
			c->connector = con->connector_id;
			c->mode = con->modes[0];
		}
		drmModeFreeConnector(con);
	}
	c->crtc = res->crtcs[0];
	drmModeFreeResources(res);
	try(c->connector);
	/* Drivers without it do not have atomic, either. */
	if (drmSetClientCap(c->fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1))
		return 0;
	planes = drmModeGetPlaneResources(c->fd);
	try(planes);
	for (i = 0; i < planes->count_planes && !c->plane; i++) {
		drmModePlane *p = drmModeGetPlane(c->fd, planes->planes[i]);
		uint64_t type = ~0ULL;

		property(c, planes->planes[i], DRM_MODE_OBJECT_PLANE, "type", &type);
		if (p && p->possible_crtcs & 1 && type == DRM_PLANE_TYPE_PRIMARY)
			c->plane = p->plane_id;
		drmModeFreePlane(p);
	}
	drmModeFreePlaneResources(planes);
	return 0;
}

static int new_buffer(struct card *c, uint32_t width, uint32_t height, struct buffer *b)
{
	struct drm_mode_create_dumb d = { .width = width, .height = height, .bpp = 32 };

	try(!drmIoctl(c->fd, DRM_IOCTL_MODE_CREATE_DUMB, &d));
	b->handle = d.handle;
	b->pitch = d.pitch;
	b->size = d.size;
	return 0;
}

static int new_fb(struct card *c, struct buffer *b)
{
	uint32_t handles[4] = { b->handle }, pitches[4] = { b->pitch }, offsets[4] = { 0 };

	try(!drmModeAddFB2(c->fd, c->mode.hdisplay, c->mode.vdisplay, DRM_FORMAT_XRGB8888, handles,
			   pitches, offsets, &b->fb, 0));
	return 0;
}

/* Two buffers to flip between. */
static int screen(struct card *c, struct buffer b[2])
{
	int i;

	if (find_ids(c))
		return -1;
	for (i = 0; i < 2; i++) {
		if (new_buffer(c, c->mode.hdisplay, c->mode.vdisplay, &b[i]) || new_fb(c, &b[i]))
			return -1;
	}
	return 0;
}

/* --- Sync files --- */

/* It signals in time, and says so. */
static int signals(int fence)
{
	struct sync_file_info info = { 0 };

	try(readable(fence, WAIT_MS));
	try(!ioctl(fence, SYNC_IOC_FILE_INFO, &info));
	try(info.status == 1);
	return 0;
}

static int syncobj_signals(struct card *c, int fence)
{
	uint32_t handle, timeline;
	uint64_t point = 1, has;

	if (drmGetCap(c->fd, DRM_CAP_SYNCOBJ_TIMELINE, &has) || !has)
		return 0;
	try(!drmSyncobjCreate(c->fd, 0, &handle));
	try(!drmSyncobjCreate(c->fd, 0, &timeline));
	try(!drmSyncobjImportSyncFile(c->fd, handle, fence));
	try(!drmSyncobjTransfer(c->fd, timeline, 1, handle, 0, 0));
	try(!drmSyncobjTimelineWait(c->fd, &timeline, &point, 1, deadline(), 0, NULL));
	try(!drmSyncobjWait(c->fd, &handle, 1, deadline(), 0, NULL));
	try(!drmSyncobjDestroy(c->fd, handle));
	try(!drmSyncobjDestroy(c->fd, timeline));
	return 0;
}

/* --- Steps --- */

static void flipped(int fd, unsigned int seq, unsigned int s, unsigned int us, void *data)
{
	(*(int *)data)++;
}

static int flips(struct card *c, struct buffer b[2])
{
	drmEventContext ev = { .version = 2, .page_flip_handler = flipped };
	int i, done = 0;

	try(!drmModeSetCrtc(c->fd, c->crtc, b[0].fb, 0, 0, &c->connector, 1, &c->mode));
	for (i = 0; i < COUNT; i++) {
		try(!drmModePageFlip(c->fd, c->crtc, b[~i & 1].fb, DRM_MODE_PAGE_FLIP_EVENT, &done));
		try(readable(c->fd, WAIT_MS));
		try(!drmHandleEvent(c->fd, &ev));
		try(done == i + 1);
	}
	return 0;
}

static int dirty(struct card *c, struct buffer *b)
{
	drmModeClip clip = { .x2 = 64, .y2 = 64 };
	int i;

	for (i = 0; i < COUNT; i++)
		try(!drmModeDirtyFB(c->fd, b->fb, &clip, 1));
	return 0;
}

static int cursors(struct card *c)
{
	struct buffer b[2];
	int i;

	for (i = 0; i < 2; i++)
		if (new_buffer(c, 64, 64, &b[i]))
			return -1;
	for (i = 0; i < COUNT; i++) {
		try(!drmModeSetCursor(c->fd, c->crtc, b[i & 1].handle, 64, 64));
		try(!drmModeMoveCursor(c->fd, c->crtc, i, i));
	}
	try(!drmModeSetCursor(c->fd, c->crtc, 0, 0, 0));
	return 0;
}

/* Show @b on the primary plane, after @in, which can be -1; @out signals when it is shown. */
static int commit(struct card *c, struct buffer *b, int in, int *out)
{
	const uint32_t plane = DRM_MODE_OBJECT_PLANE, crtc = DRM_MODE_OBJECT_CRTC;
	drmModeAtomicReq *req = drmModeAtomicAlloc();
	int32_t fence = -1;
	const struct {
		uint32_t object, type;
		const char *name;
		uint64_t value;
	} props[] = {
		{ c->connector, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", c->crtc },
		{ c->crtc, crtc, "ACTIVE", 1 },
		{ c->crtc, crtc, "MODE_ID", c->mode_blob },
		{ c->crtc, crtc, "OUT_FENCE_PTR", (uintptr_t)&fence },
		{ c->plane, plane, "FB_ID", b->fb },
		{ c->plane, plane, "CRTC_ID", c->crtc },
		{ c->plane, plane, "CRTC_W", c->mode.hdisplay },
		{ c->plane, plane, "CRTC_H", c->mode.vdisplay },
		{ c->plane, plane, "SRC_W", c->mode.hdisplay << 16 },
		{ c->plane, plane, "SRC_H", c->mode.vdisplay << 16 },
		{ c->plane, plane, "IN_FENCE_FD", in },
	};
	unsigned int i;

	for (i = 0; i < sizeof(props) / sizeof(props[0]); i++) {
		uint32_t id = property(c, props[i].object, props[i].type, props[i].name, NULL);

		try(id && drmModeAtomicAddProperty(req, props[i].object, id, props[i].value) > 0);
	}
	try(!drmModeAtomicCommit(c->fd, req, DRM_MODE_ATOMIC_NONBLOCK | DRM_MODE_ATOMIC_ALLOW_MODESET,
				 NULL));
	drmModeAtomicFree(req);
	*out = fence;
	try(fence >= 0);
	return 0;
}

static int atomic_begin(struct card *c)
{
	if (drmSetClientCap(c->fd, DRM_CLIENT_CAP_ATOMIC, 1))
		return 1;
	try(!drmModeCreatePropertyBlob(c->fd, &c->mode, sizeof(c->mode), &c->mode_blob));
	return 0;
}

static int out_fences(struct card *c, struct buffer b[2])
{
	int i, out;

	for (i = 0; i < COUNT; i++) {
		if (commit(c, &b[i & 1], -1, &out) || syncobj_signals(c, out) || signals(out))
			return -1;
		close(out);
	}
	return 0;
}

struct sw_sync_create_fence {
	uint32_t value;
	char name[32];
	int32_t fence;
};
#define SW_SYNC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence)
#define SW_SYNC_INC		_IOW('W', 1, uint32_t)

/* The screen changes after a fence of another driver has signaled, and not before. */
static int in_fences(struct card *c, struct buffer b[2])
{
	int timeline = open("/sys/kernel/debug/sync/sw_sync", O_RDWR);
	struct sw_sync_create_fence f = { .name = "in" };
	uint32_t one = 1;
	int i, out;

	try(timeline >= 0);
	for (i = 0; i < COUNT; i++) {
		f.value = i + 1;
		try(!ioctl(timeline, SW_SYNC_CREATE_FENCE, &f));
		if (commit(c, &b[i & 1], f.fence, &out))
			return -1;
		try(!readable(out, 10));
		try(!ioctl(timeline, SW_SYNC_INC, &one));
		if (signals(out))
			return -1;
		close(out);
		close(f.fence);
	}
	close(timeline);
	return 0;
}

/* --- virtio-gpu's render node --- */

/* A fence comes with each resource, and is a sync file by way of its dma-buf. */
static int resources(struct card *c)
{
	int i;

	for (i = 0; i < COUNT; i++) {
		struct drm_virtgpu_resource_create r = {
			/* PIPE_TEXTURE_2D, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM */
			.target = 2, .format = 2, .width = 64, .height = 64, .depth = 1,
			.array_size = 1, .size = 64 * 64 * 4, .stride = 64 * 4,
		};
		struct drm_virtgpu_3d_transfer_to_host t = { .box = { .w = 64, .h = 64, .d = 1 } };
		struct dma_buf_export_sync_file e = { .flags = DMA_BUF_SYNC_RW };
		struct drm_virtgpu_3d_wait w = { 0 };
		int buf;

		try(!drmIoctl(c->fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, &r));
		try(!drmPrimeHandleToFD(c->fd, r.bo_handle, DRM_CLOEXEC | DRM_RDWR, &buf));
		try(!ioctl(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &e));
		if (i & 1 && (syncobj_signals(c, e.fd) || signals(e.fd)))
			return -1;
		t.bo_handle = w.handle = r.bo_handle;
		try(!drmIoctl(c->fd, DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST, &t));
		try(!drmIoctl(c->fd, DRM_IOCTL_VIRTGPU_WAIT, &w));
		if (signals(e.fd))
			return -1;
		try(!drmCloseBufferHandle(c->fd, r.bo_handle));
		close(e.fd);
		close(buf);
	}
	return 0;
}

/* Two contexts, each of whose command buffers waits for the other's. All are empty. */
static int execbuffer(struct card *c)
{
	int64_t has = 0;
	struct drm_virtgpu_getparam g = { .param = VIRTGPU_PARAM_3D_FEATURES, .value = (uintptr_t)&has };
	struct drm_virtgpu_execbuffer e = { .flags = VIRTGPU_EXECBUF_FENCE_FD_OUT, .fence_fd = -1 };
	struct drm_virtgpu_execbuffer_syncobj in = { 0 }, out = { 0 };
	struct card other;
	struct card *of[2] = { c, &other };
	uint64_t point;
	int i, last;

	try(!drmIoctl(c->fd, DRM_IOCTL_VIRTGPU_GETPARAM, &g));
	if (!has) {
		try(drmIoctl(c->fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, &e) == -1 && errno == ENOSYS);
		return 1;
	}
	if (open_card(c->driver, &other))
		return -1;
	for (i = 0; i < COUNT; i++) {
		last = e.fence_fd;
		if (i)
			e.flags |= VIRTGPU_EXECBUF_FENCE_FD_IN;
		try(!drmIoctl(of[i & 1]->fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, &e));
		try(e.fence_fd >= 0);
		if (i)
			close(last);
		if (i & 2 && (syncobj_signals(c, e.fence_fd) || signals(e.fence_fd)))
			return -1;
	}
	if (signals(e.fence_fd))
		return -1;
	close(e.fence_fd);

	/* By points of a timeline. */
	try(!drmSyncobjCreate(c->fd, 0, &out.handle));
	in.handle = out.handle;
	e.flags = 0;
	e.syncobj_stride = sizeof(out);
	e.out_syncobjs = (uintptr_t)&out;
	e.num_out_syncobjs = 1;
	e.in_syncobjs = (uintptr_t)&in;
	for (i = 0; i < COUNT; i++) {
		in.point = out.point++;
		e.num_in_syncobjs = !!i;
		try(!drmIoctl(c->fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, &e));
	}
	point = out.point;
	try(!drmSyncobjTimelineWait(c->fd, &out.handle, &point, 1, deadline(), 0, NULL));
	try(!drmSyncobjDestroy(c->fd, out.handle));
	close(other.fd);
	return 0;
}

/* A context whose rings are timelines of their own; one says by an event when its fence has signaled. */
static int rings(struct card *from)
{
	int64_t has = 0;
	struct drm_virtgpu_getparam g = { .param = VIRTGPU_PARAM_CONTEXT_INIT, .value = (uintptr_t)&has };
	struct drm_virtgpu_context_set_param params[] = {
		{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 2 },
		{ VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK, 1 },
	};
	struct drm_virtgpu_context_init init = { 2, 0, (uintptr_t)params };
	struct drm_virtgpu_execbuffer e = { 0 };
	struct drm_event event;
	struct card c;
	int i;

	try(!drmIoctl(from->fd, DRM_IOCTL_VIRTGPU_GETPARAM, &g));
	if (!has)
		return 1;
	if (open_card(from->driver, &c))
		return -1;
	try(!drmIoctl(c.fd, DRM_IOCTL_VIRTGPU_CONTEXT_INIT, &init));
	for (i = 0; i < COUNT; i++) {
		e.ring_idx = i & 1;
		e.flags = VIRTGPU_EXECBUF_RING_IDX | VIRTGPU_EXECBUF_FENCE_FD_OUT;
		try(!drmIoctl(c.fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, &e));
		if (signals(e.fence_fd))
			return -1;
		close(e.fence_fd);
		if (i & 1)
			continue;
		try(readable(c.fd, WAIT_MS));
		try(read(c.fd, &event, sizeof(event)) == sizeof(event));
		try(event.type == VIRTGPU_EVENT_FENCE_SIGNALED);
	}
	close(c.fd);
	return 0;
}

/* --- Sharing --- */

/* What is written through the device is in the shared buffer, and another device takes that. */
static int import(struct card *from, struct buffer *b, struct card *to, uint32_t *handle)
{
	struct drm_mode_map_dumb m = { .handle = b->handle };
	uint32_t *there, *here;
	int buf;

	try(!drmPrimeHandleToFD(from->fd, b->handle, DRM_CLOEXEC | DRM_RDWR, &buf));
	try(!drmIoctl(from->fd, DRM_IOCTL_MODE_MAP_DUMB, &m));
	there = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, from->fd, m.offset);
	here = mmap(NULL, b->size, PROT_READ, MAP_SHARED, buf, 0);
	try(there != MAP_FAILED && here != MAP_FAILED);
	there[b->size / 8] = b->size;
	try(here[b->size / 8] == b->size);
	munmap(there, b->size);
	munmap(here, b->size);
	try(!drmPrimeFDToHandle(to->fd, buf, handle));
	close(buf);
	return 0;
}

/* A buffer with another device's fence is shown after that has signaled, and not before. */
static int shown_after(struct card *c, struct buffer *b, struct card *vgem, uint32_t handle)
{
	int i, out;

	for (i = 0; i < COUNT; i++) {
		struct drm_vgem_fence_attach a = { .handle = handle, .flags = VGEM_FENCE_WRITE };
		struct drm_vgem_fence_signal s = { 0 };

		try(!drmIoctl(vgem->fd, DRM_IOCTL_VGEM_FENCE_ATTACH, &a));
		if (commit(c, b, -1, &out))
			return -1;
		try(!readable(out, 10));
		s.fence = a.out_fence;
		try(!drmIoctl(vgem->fd, DRM_IOCTL_VGEM_FENCE_SIGNAL, &s));
		if (signals(out))
			return -1;
		close(out);
	}
	return 0;
}

static void share(const char *driver)
{
	struct card c, vgem;
	struct buffer b[2];
	uint32_t handle = 0;

	if (open_card(driver, &c) || open_card("vgem", &vgem) || screen(&c, b) || atomic_begin(&c)) {
		step(driver, "share", -1);
		return;
	}
	step(driver, "exports", import(&c, &b[0], &vgem, &handle));
	if (!handle)
		return;
	step(driver, "shown_after_vgem", shown_after(&c, &b[0], &vgem, handle));
}

static int run(const char *driver)
{
	struct card c;
	struct buffer b[2];
	int ret;

	ret = open_card(driver, &c);
	step(driver, "open", ret);
	if (ret)
		return 1;
	ret = screen(&c, b);
	step(driver, "screen", ret);
	if (ret)
		return 1;
	step(driver, "flips", flips(&c, b));
	step(driver, "dirty", dirty(&c, &b[0]));
	step(driver, "cursors", cursors(&c));
	ret = atomic_begin(&c);
	step(driver, "out_fences", ret ?: out_fences(&c, b));
	step(driver, "in_fences", ret ?: in_fences(&c, b));
	if (!strcmp(driver, "virtio_gpu")) {
		step(driver, "resources", resources(&c));
		step(driver, "execbuffer", execbuffer(&c));
		step(driver, "rings", rings(&c));
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct card c;

	if (!strcmp(what, "run") && argc == 3)
		return run(argv[2]);
	if (!strcmp(what, "ids") && argc == 3) {
		if (open_card(argv[2], &c) || find_ids(&c))
			return 1;
		printf("%u %u %u %s\n", c.connector, c.crtc, c.plane, c.mode.name);
		return 0;
	}
	if (!strcmp(what, "share")) {
		share("virtio_gpu");
		return 0;
	}
	if (!strcmp(what, "reboot"))
		return reboot(RB_AUTOBOOT);
	return 2;
}
