// SPDX-License-Identifier: GPL-2.0-only
/* Copies, moved and shared buffers, and clients that are killed at random. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <poll.h>
#include "tests.h"

#define WORDS	1024

int test_card(void)
{
	struct channel c;
	int chip;

	if (channel_open(&c))
		return -1;
	chip = chipset(&c);
	check((chip & 0xf0) == 0x40, "card.chipset", "0x%x", chip);
	channel_close(&c);
	return 0;
}

static int copy(struct channel *c, struct buffer *src, struct buffer *dst, unsigned int words)
{
	struct job job = { .src = src, .dst = dst, .bytes = words * 4 };

	return push(c, &job);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int test_copy(void)
{
	struct buffer one, two, back;
	double ms[200], begun;
	unsigned int i, bad = 0;
	struct channel c;

	if (channel_open(&c) || buffer_new(&c, &one, BUFFER_BYTES, VRAM) ||
	    buffer_new(&c, &two, BUFFER_BYTES, VRAM) || buffer_new(&c, &back, BUFFER_BYTES, GART))
		return -1;
	for (i = 0; i < 8; i++) {
		buffer_fill(&c.src, i, WORDS);
		if (copy(&c, NULL, &one, WORDS) || copy(&c, &one, &two, WORDS) ||
		    copy(&c, &two, &back, WORDS))
			return -1;
		try(!wait_idle(&c, &back));
		bad += !buffer_has(&back, i, 0, WORDS);
	}
	check(!bad, "copy.data", "%u of %u wrong", bad, i);

	for (i = bad = 0; i < 200; i++) {
		c.src.map[0] = i;
		begun = now();
		if (copy(&c, NULL, &back, WORDS))
			return -1;
		try(!wait_idle(&c, &back));
		ms[i] = now() - begun;
		bad += back.map[0] != i;
	}
	check(!bad, "copy.waited", "%u of %u wrong", bad, i);
	qsort(ms, i, sizeof(*ms), compare);
	check(true, "copy.median", "%.2f ms", ms[i / 2]);
	check(true, "copy.p99", "%.2f ms", ms[i * 99 / 100]);
	channel_close(&c);
	return 0;
}

/* From VRAM to GART and back, between pushes that use it. */
int test_move(void)
{
	unsigned int i, moves = 0, bad = 0;
	struct buffer b, back;
	struct channel c;

	if (channel_open(&c) || buffer_new(&c, &b, BUFFER_BYTES, VRAM | GART) ||
	    buffer_new(&c, &back, BUFFER_BYTES, GART))
		return -1;
	for (i = 0; i < 12; i++) {
		struct job job = { .dst = &b, .bytes = WORDS * 4, .domain = i & 1 ? GART : VRAM };
		uint64_t offset = b.offset;

		buffer_fill(&c.src, i, WORDS);
		if (push(&c, &job))
			return -1;
		moves += b.offset != offset;
		if (copy(&c, &b, &back, WORDS))
			return -1;
		try(!wait_idle(&c, &back));
		bad += !buffer_has(&back, i, 0, WORDS);
	}
	check(moves && !bad, "move.data", "%u of %u wrong, %u moves", bad, i, moves);
	channel_close(&c);
	return 0;
}

/* Two clients write one buffer in turn, which orders their channels with semaphores. */
int test_share(void)
{
	struct buffer shared, imported, back;
	unsigned int i, bad = 0;
	struct channel a, b;

	if (channel_open(&a) || channel_open(&b) || buffer_new(&a, &shared, BUFFER_BYTES, VRAM) ||
	    buffer_new(&b, &back, BUFFER_BYTES, GART) || buffer_dmabuf(&a, &shared) < 0 ||
	    buffer_import(&b, &imported, shared.dmabuf))
		return -1;
	for (i = 0; i < 100; i++) {
		buffer_fill(&a.src, i, WORDS);
		buffer_fill(&b.src, ~i, WORDS / 2);
		if (copy(&a, NULL, &shared, WORDS) || copy(&b, NULL, &imported, WORDS / 2) ||
		    copy(&b, &imported, &back, WORDS))
			return -1;
		try(!wait_idle(&b, &back));
		bad += !buffer_has(&back, ~i, 0, WORDS / 2) ||
		       !buffer_has(&back, i, WORDS / 2, WORDS);
		try(!wait_idle(&a, &a.src));
	}
	check(!bad, "share.data", "%u of %u wrong", bad, i);
	channel_close(&a);
	channel_close(&b);
	return 0;
}

/*
 * Handles are closed while the card has yet to write the buffers. Each was written before, so that
 * we know where it is: the kernel waits for all earlier pushes before it corrects a word of one.
 */
int test_delete(void)
{
	struct buffer b[32], last;
	struct channel c;
	unsigned int i;

	if (channel_open(&c) || buffer_new(&c, &last, BUFFER_BYTES, VRAM))
		return -1;
	for (i = 0; i < 32; i++)
		if (buffer_new(&c, &b[i], 4 * BUFFER_BYTES, i & 1 ? VRAM : GART) ||
		    copy(&c, NULL, &b[i], WORDS))
			return -1;
	try(!wait_idle(&c, &c.src));
	if (push_held(&c, &last))
		return -1;
	for (i = 0; i < 32; i++) {
		if (copy(&c, NULL, &b[i], WORDS))
			return -1;
		buffer_free(&c, &b[i]);
	}
	if (push_free(&c, &last))
		return -1;
	sleep_ms(50);
	try(busy(&c, &last));
	release(&c);
	check(!wait_idle(&c, &last), "delete.waited", "%u buffers", i);
	channel_close(&c);
	return 0;
}

/* --- Many clients --- */

#define CLIENTS	8
#define FILES	8

static unsigned int seed;

static unsigned int any(unsigned int below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

/*
 * The state of a client, shared with the parent. While its channel waits for a semaphore it is
 * HOLDING, and not killed, because a card may stop the other channels meanwhile.
 */
enum { FREE, HOLDING, DOOMED };

static int hold_a_moment(struct channel *c, struct buffer *b, int file, int *state)
{
	if (!__sync_bool_compare_and_swap(state, FREE, HOLDING))
		return 0;
	if (push_held(c, b))
		return -1;
	if (file >= 0)
		poll_ms(file, POLLIN, 2);
	release(c);
	__atomic_store_n(state, FREE, __ATOMIC_RELEASE);
	return 0;
}

static int merge_and_poll(int a, int b)
{
	int merged;

	if (a < 0 || b < 0)
		return 0;
	merged = sync_merge(a, b);
	try(merged >= 0);
	poll_ms(merged, POLLIN, any(5));
	close(merged);
	return 0;
}

static int act(struct channel *c, struct buffer *b, int files[FILES], int *state)
{
	unsigned int i = any(FILES);

	switch (any(10)) {
	case 0 ... 2:
		return copy(c, NULL, b, 256);
	case 3:
		return wait_idle(c, b);
	case 4:
		busy(c, b);
		return 0;
	case 5:
		if (files[i] >= 0)
			close(files[i]);
		files[i] = sync_file(c, b);
		return files[i] < 0 ? -1 : 0;
	case 6:
		if (files[i] >= 0)
			poll_ms(files[i], POLLIN, any(20));
		return 0;
	case 7:
		return merge_and_poll(files[i], files[i ^ 1]);
	case 8:
		try(buffer_dmabuf(c, b) >= 0);
		poll_ms(b->dmabuf, any(2) ? POLLIN : POLLOUT, any(5));
		return 0;
	default:
		return any(4) ? 0 : hold_a_moment(c, b, files[i], state);
	}
}

/* Ends with work in flight that somebody polls, or is killed before that. */
static int client(unsigned int ms, int *state)
{
	struct buffer b[2];
	int i, files[FILES];
	struct channel c;
	double end = now() + ms;

	for (i = 0; i < FILES; i++)
		files[i] = -1;
	/* There are only so many channels. */
	if (channel_open(&c))
		return failed_errno == ENOSPC ? 0 : 1;
	if (buffer_new(&c, &b[0], BUFFER_BYTES, VRAM) || buffer_new(&c, &b[1], BUFFER_BYTES, GART))
		return 2;
	while (now() < end)
		if (act(&c, &b[any(2)], files, state))
			return 3;
	for (i = 0; i < 3; i++)
		if (copy(&c, NULL, &b[0], BUFFER_BYTES / 4))
			return 4;
	poll_ms(sync_file(&c, &b[0]), POLLIN, 0);
	return 0;
}

static bool one_turn(pid_t *pid, int *state, bool start, unsigned int count[3])
{
	int status;

	if (!*pid && start) {
		unsigned int ms = 50 + any(600);

		*state = FREE;
		*pid = fork();
		if (!*pid)
			_exit(client(ms, state));
		count[0]++;
	}
	if (*pid && !any(60) && __sync_bool_compare_and_swap(state, FREE, DOOMED)) {
		kill(*pid, SIGKILL);
		count[1]++;
	}
	if (*pid && waitpid(*pid, &status, WNOHANG) == *pid) {
		*pid = 0;
		if (WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) != SIGKILL)
			count[2]++;
	}
	return *pid;
}

int test_clients(void)
{
	unsigned int i, count[3] = { 0 };
	pid_t pids[CLIENTS] = { 0 };
	double end = now() + 8000;
	bool running;
	int *states;

	states = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	try(states != MAP_FAILED);
	do {
		running = false;
		for (i = 0; i < CLIENTS; i++)
			running |= one_turn(&pids[i], &states[i], now() < end, count);
		sleep_ms(10);
	} while (running || now() < end);
	check(count[1] && !count[2], "clients.ended", "%u ran, %u killed, %u bad",
	      count[0], count[1], count[2]);
	return 0;
}
