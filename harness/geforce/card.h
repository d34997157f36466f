/* SPDX-License-Identifier: GPL-2.0-only */
/* A channel of nouveau on an NV40, by system calls alone. */
#ifndef CARD_H
#define CARD_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* What a step came to: 0, or the line that it did not get past and why. */
extern const char *failed_file;
extern int failed_line, failed_errno;
#define try(what) do {							\
	errno = 0;							\
	if (!(what)) {							\
		failed_file = __FILE_NAME__;				\
		failed_line = __LINE__;					\
		failed_errno = errno;					\
		return -1;						\
	}								\
} while (0)

#define BUFFER_BYTES	65536
#define VRAM		(1 << 1)	/* NOUVEAU_GEM_DOMAIN_VRAM */
#define GART		(1 << 2)	/* NOUVEAU_GEM_DOMAIN_GART */

/* A mapped GEM object. @domain is where it is now, for the card at @offset. */
struct buffer {
	uint32_t handle, domain;
	uint64_t bytes, offset;
	volatile uint32_t *map;
	int dmabuf;
};

/* A client of its own, with one channel. */
struct channel {
	int fd, id;
	volatile uint32_t *notifiers;
	uint32_t semaphore;
	unsigned int pushes;
	struct buffer words, src;
};

/* One push: a copy from @src, which is the channel's own if NULL, to @dst. */
struct job {
	struct buffer *src, *dst;
	uint32_t offset, bytes;
	uint32_t domain;	/* where @dst has to be; 0: where it is */
	bool held;		/* not before release() */
	bool endless;		/* then jumps to itself */
};

/* Milliseconds of the monotonic clock. */
double now(void);
void sleep_ms(unsigned int ms);

int chipset(struct channel *c);
int channel_open(struct channel *c);
void channel_unmap(struct channel *c);
void channel_close(struct channel *c);

int buffer_new(struct channel *c, struct buffer *b, uint64_t bytes, uint32_t domain);
int buffer_import(struct channel *c, struct buffer *b, int dmabuf);
int buffer_dmabuf(struct channel *c, struct buffer *b);
void buffer_unmap(struct buffer *b);
void buffer_free(struct channel *c, struct buffer *b);

/* Of the first @words words each has a value of its own for each @seed. */
void buffer_fill(struct buffer *b, uint32_t seed, unsigned int words);
bool buffer_has(struct buffer *b, uint32_t seed, unsigned int from, unsigned int to);

void hold(struct channel *c);
void release(struct channel *c);
int push(struct channel *c, const struct job *job);

/* Wait until the card is done with a buffer: 0 or a negative errno. */
int wait_idle(struct channel *c, struct buffer *b);
bool busy(struct channel *c, struct buffer *b);
int wait_interruptible(struct channel *c, struct buffer *b);

int sync_file(struct channel *c, struct buffer *b);
int sync_merge(int a, int b);
/* 1: signaled, 0: not, negative: signaled with this error. */
int sync_status(int file, unsigned int *fences);

/* How long it took until there was something, or -1 for a timeout. */
double poll_ms(int fd, short events, int ms);

int syncobj_new(struct channel *c, uint32_t *handle);
int syncobj_import(struct channel *c, uint32_t handle, int file);
int syncobj_transfer(struct channel *c, uint32_t to, uint64_t point, uint32_t from);
int syncobj_eventfd(struct channel *c, uint32_t handle, uint64_t point);
/* 0 or a negative errno; of a timeline if @point is not 0. */
int syncobj_wait(struct channel *c, uint32_t handle, uint64_t point, int ms);

#endif /* CARD_H */
