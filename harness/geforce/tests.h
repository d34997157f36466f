/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_H
#define TESTS_H

#include <stdbool.h>
#include <pthread.h>
#include "card.h"

/* What the emulated card can do, found out before the first test that needs it. */
#define HOLDS		1	/* a push waits for its semaphore, and goes on after release() */
#define PARALLEL	2	/* meanwhile the other channels go on */
#define LAGS		4	/* a push is not executed by the write that submits it */

extern unsigned int abilities;

/* A row of the table: what came out, or what is wrong. */
void __attribute__((format(printf, 3, 4))) check(bool ok, const char *name, const char *fmt, ...);
void skip(const char *name, const char *why);

/* Lets a held push go after @ms, and notes when the card is done with it. */
struct releaser {
	pthread_t thread;
	struct channel *c;
	struct buffer *b;
	unsigned int ms;
	uint32_t mark;
	double done;
};

/* A push that waits for release(), and leaves a new mark in @b. */
int push_held(struct channel *c, struct buffer *b);
/* A push that does not wait. */
int push_free(struct channel *c, struct buffer *b);
/* Within a second, also where the driver itself has given up waiting. */
bool ends(struct channel *c, struct buffer *b);
int release_after(struct releaser *r, struct channel *c, struct buffer *b, unsigned int ms);
/* Milliseconds since the card was done. */
double released(struct releaser *r);

/* basic.c */
int test_card(void);
int test_copy(void);
int test_move(void);
int test_share(void);
int test_delete(void);
int test_clients(void);

/* wait.c */
int test_wait(void);
int test_inflight(void);
int test_poll(void);
int test_merged(void);
int test_syncobj(void);
int test_interrupted(void);
int test_idle(void);

/* teardown.c */
int test_hang(void);
int test_hang_killed(void);
int test_hang_endless(void);
int test_suspend(void);
int test_unload(void);
int test_unbind(void);

#endif /* TESTS_H */
