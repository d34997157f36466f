// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives nouveau on an emulated NV40. A line for each row of the table: ok, not ok or skip, the
 * name, and what came out. Every wait ends, and each test is a process of its own.
 *
 *	tests run|hang|killed|suspend|unload|unbind	the tests of one boot
 *	tests off					end the emulator
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests.h"

unsigned int abilities;

static const struct test {
	const char *boot, *name;
	int (*run)(void);
	unsigned int needs, seconds;
} tests[] = {
	{ "run", "card", test_card, 0, 30 },
	{ "run", "copy", test_copy, 0, 120 },
	{ "run", "move", test_move, 0, 60 },
	{ "run", "share", test_share, 0, 60 },
	{ "run", "wait", test_wait, HOLDS, 60 },
	{ "run", "inflight", test_inflight, HOLDS, 60 },
	{ "run", "poll", test_poll, HOLDS, 60 },
	{ "run", "merged", test_merged, HOLDS, 60 },
	{ "run", "syncobj", test_syncobj, HOLDS, 60 },
	{ "run", "interrupted", test_interrupted, HOLDS, 60 },
	{ "run", "delete", test_delete, HOLDS, 60 },
	{ "run", "clients", test_clients, HOLDS, 120 },
	{ "run", "idle", test_idle, HOLDS, 90 },
	{ "hang", "hang_endless", test_hang_endless, HOLDS | PARALLEL | LAGS, 120 },
	{ "hang", "hang", test_hang, HOLDS, 120 },
	{ "killed", "hang_killed", test_hang_killed, HOLDS, 120 },
	{ "suspend", "suspend", test_suspend, HOLDS, 120 },
	{ "unload", "unload", test_unload, HOLDS, 120 },
	{ "unbind", "unbind", test_unbind, HOLDS, 120 },
};

#define COUNT	(sizeof(tests) / sizeof(tests[0]))

/* --- Rows --- */

static void row(const char *status, const char *name, const char *fmt, va_list args)
{
	char text[160];

	vsnprintf(text, sizeof(text), fmt, args);
	printf("geforce: %s %s %s\n", status, name, text);
	fflush(stdout);
}

void check(bool ok, const char *name, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	row(ok ? "ok" : "not ok", name, fmt, args);
	va_end(args);
}

void skip(const char *name, const char *why)
{
	printf("geforce: skip %s %s\n", name, why);
	fflush(stdout);
}

static const char *lacks(unsigned int needs)
{
	needs &= ~abilities;
	if (needs & HOLDS)
		return "the card cannot hold a push at a semaphore";
	if (needs & PARALLEL)
		return "a channel that is held stops the others";
	return "the card executes a push while it is submitted";
}

/* --- Held pushes --- */

static uint32_t last_mark;

static int push_mark(struct channel *c, struct buffer *b, bool held)
{
	struct job job = { .dst = b, .bytes = 4096, .held = held };

	/* The source is still the one of the push before unless that is done. */
	c->src.map[0] = ++last_mark;
	return push(c, &job);
}

int push_held(struct channel *c, struct buffer *b)
{
	hold(c);
	return push_mark(c, b, true);
}

int push_free(struct channel *c, struct buffer *b)
{
	return push_mark(c, b, false);
}

static void *release_fn(void *data)
{
	struct releaser *r = data;
	double end;

	sleep_ms(r->ms);
	end = now() + 1000;
	release(r->c);
	do {
		r->done = now();
	} while (r->b->map[0] != r->mark && r->done < end);
	return NULL;
}

int release_after(struct releaser *r, struct channel *c, struct buffer *b, unsigned int ms)
{
	*r = (struct releaser) { .c = c, .b = b, .ms = ms, .mark = c->src.map[0] };
	try(!pthread_create(&r->thread, NULL, release_fn, r));
	return 0;
}

double released(struct releaser *r)
{
	double t = now();

	pthread_join(r->thread, NULL);
	return t - r->done;
}

/* --- What the card can do --- */

bool ends(struct channel *c, struct buffer *b)
{
	double end = now() + 1000;

	while (busy(c, b)) {
		if (now() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

static int probe(void)
{
	struct job big = { .bytes = BUFFER_BYTES };
	struct channel c, d;
	struct buffer b, e;
	int i;

	if (channel_open(&c) || channel_open(&d) || buffer_new(&c, &b, BUFFER_BYTES, VRAM) ||
	    buffer_new(&d, &e, BUFFER_BYTES, VRAM))
		return -1;
	big.dst = &b;
	for (i = 0; i < 64; i++)
		if (push(&c, &big))
			return -1;
	if (busy(&c, &b))
		abilities |= LAGS;
	if (!ends(&c, &b))
		return -1;
	if (push_held(&c, &b))
		return -1;
	sleep_ms(100);
	if (busy(&c, &b)) {
		if (push_free(&d, &e))
			return -1;
		if (ends(&d, &e))
			abilities |= PARALLEL;
	}
	release(&c);
	if (ends(&c, &b) && ends(&d, &e) && b.map[0] == c.src.map[0])
		abilities |= HOLDS;
	/* What stays mapped keeps the driver in use. */
	buffer_unmap(&b);
	buffer_unmap(&e);
	channel_close(&c);
	channel_close(&d);
	check(true, "card.can", "%s%s%s", abilities & HOLDS ? "hold " : "",
	      abilities & PARALLEL ? "parallel " : "", abilities & LAGS ? "lag" : "");
	return 0;
}

/* --- Running --- */

static void fail_row(const char *name)
{
	check(false, name, "%s line %d: %s", failed_file, failed_line, strerror(failed_errno));
}

static void run(const struct test *t)
{
	unsigned int waited = 0;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (t->run())
			fail_row(t->name);
		exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (waited++ == t->seconds * 20) {
			check(false, t->name, "no end in %u s", t->seconds);
			kill(pid, SIGKILL);
		} else if (waited > t->seconds * 40) {
			check(false, t->name, "cannot be killed");
			return;
		}
		sleep_ms(50);
	}
	if (WIFSIGNALED(status) && waited <= t->seconds * 20)
		check(false, t->name, "signal %d", WTERMSIG(status));
}

/* A port of Bochs: it exits after this word. */
static int off(void)
{
	const char *word;

	if (ioperm(0x8900, 1, 1))
		return 1;
	for (word = "Shutdown"; *word; word++)
		outb(*word, 0x8900);
	return 1;
}

int main(int argc, char **argv)
{
	const char *boot = argc == 2 ? argv[1] : "";
	bool probed = false;
	unsigned int i;

	if (!strcmp(boot, "off"))
		return off();
	for (i = 0; i < COUNT; i++) {
		if (strcmp(tests[i].boot, boot))
			continue;
		if (tests[i].needs && !probed) {
			probed = true;
			if (probe())
				fail_row("probe");
		}
		if (tests[i].needs & ~abilities)
			skip(tests[i].name, lacks(tests[i].needs));
		else
			run(&tests[i]);
	}
	return 0;
}
