// SPDX-License-Identifier: GPL-2.0-only
/* Channels that never finish, suspend, and a driver that goes while its fences are in use. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests.h"

/* More than nouveau itself waits for a channel, 15 s. */
#define GIVE_UP_MS	25000

static int begin(struct channel *c, struct buffer *b)
{
	return channel_open(c) || buffer_new(c, b, BUFFER_BYTES, VRAM) ? -1 : 0;
}

static int works(struct channel *c, struct buffer *b)
{
	if (push_free(c, b))
		return -1;
	try(!wait_idle(c, b));
	try(b->map[0] == c->src.map[0]);
	return 0;
}

/* --- Channels that hang --- */

struct waiter {
	pthread_t thread;
	int file;
	struct channel *c;
	struct buffer *b;
	double ended;
};

static void *poller(void *data)
{
	struct waiter *w = data;

	if (poll_ms(w->file, POLLIN, 2 * GIVE_UP_MS) >= 0)
		w->ended = now();
	return NULL;
}

static void *preparer(void *data)
{
	struct waiter *w = data;

	wait_idle(w->c, w->b);
	w->ended = now();
	return NULL;
}

/* The last to have the client's file open is a process that is killed. */
static int kill_holder(struct channel *c, struct buffer *b)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		for (;;)
			pause();
	try(pid > 0);
	buffer_unmap(b);
	channel_close(c);
	sleep_ms(50);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return 0;
}

static void row(bool ok, const char *test, const char *step, const char *fmt, double x)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%s", test, step);
	check(ok, name, fmt, x);
}

/*
 * The GeForce of Bochs keeps where it was in a method by the number of the channel, and the next
 * one of that number goes on there. One that was made to lag is taken to have learned that as well.
 */
static void check_new_channel(const char *test)
{
	struct channel c;
	struct buffer b;
	char name[64];

	if (abilities & LAGS) {
		row(!begin(&c, &b) && !works(&c, &b), test, "new_channel", "", 0);
		return;
	}
	snprintf(name, sizeof(name), "%s.new_channel", test);
	skip(name, "the card does not reset a channel that was held");
}

/*
 * Two wait for a channel that does not end. When it is closed they are woken, and the fence has an
 * error, since the work was not done.
 */
static int hang(const char *name, bool endless, bool killed)
{
	struct waiter polls = { 0 }, prepares = { 0 };
	struct channel c, other;
	struct buffer b, o, imported;
	struct job job = { .dst = &b, .bytes = 4096, .held = !endless, .endless = endless };
	double begun, took;
	int i, status;

	if (begin(&other, &o) || begin(&c, &b))
		return -1;
	hold(&c);
	if (push(&c, &job))
		return -1;
	for (i = 0; i < 3; i++)
		if (push_free(&c, &b))
			return -1;
	sleep_ms(20);
	row(busy(&c, &b), name, "busy", "", 0);
	polls.file = sync_file(&c, &b);
	try(polls.file >= 0);
	if (buffer_import(&other, &imported, b.dmabuf))
		return -1;
	if (abilities & PARALLEL)
		row(!works(&other, &o), name, "others_meanwhile", "", 0);

	prepares.c = &other;
	prepares.b = &imported;
	try(!pthread_create(&polls.thread, NULL, poller, &polls));
	try(!pthread_create(&prepares.thread, NULL, preparer, &prepares));
	sleep_ms(50);

	begun = now();
	if (killed && kill_holder(&c, &b))
		return -1;
	if (!killed) {
		buffer_unmap(&b);
		channel_close(&c);
	}
	took = now() - begun;
	pthread_join(polls.thread, NULL);
	pthread_join(prepares.thread, NULL);
	row(took < GIVE_UP_MS, name, "closed", "%.0f s", took / 1e3);
	row(polls.ended && polls.ended - begun < GIVE_UP_MS, name, "poll", "%.0f s",
	    (polls.ended - begun) / 1e3);
	row(prepares.ended - begun < GIVE_UP_MS, name, "prep_of_importer", "%.0f s",
	    (prepares.ended - begun) / 1e3);
	status = sync_status(polls.file, NULL);
	row(status < 0, name, "error", "status %.0f", status);
	row(!works(&other, &o), name, "others_after", "", 0);
	check_new_channel(name);
	return 0;
}

int test_hang(void)
{
	return hang("hang", false, false);
}

int test_hang_killed(void)
{
	return hang("hang_killed", false, true);
}

int test_hang_endless(void)
{
	return hang("hang_endless", true, false);
}

/* --- Suspend --- */

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), written;

	try(fd >= 0);
	written = write(fd, text, strlen(text));
	close(fd);
	try(written == (int)strlen(text));
	return 0;
}

/* As far as the devices, then back. */
static int suspend_devices(void)
{
	if (put("/sys/module/suspend/parameters/pm_test_delay", "1") ||
	    put("/sys/power/pm_test", "devices"))
		return -1;
	return put("/sys/power/state", "freeze");
}

int test_suspend(void)
{
	struct buffer b, data, back;
	struct job to = { .dst = &data, .bytes = 4096 };
	struct job from = { .src = &data, .dst = &back, .bytes = 4096 };
	struct releaser r;
	struct channel c;
	double late;
	int file;

	if (begin(&c, &b) || buffer_new(&c, &data, BUFFER_BYTES, VRAM) ||
	    buffer_new(&c, &back, BUFFER_BYTES, GART))
		return -1;
	buffer_fill(&c.src, 1, 1024);
	if (push(&c, &to))
		return -1;
	try(!wait_idle(&c, &data));

	/* Polled while it was held, so that whatever the driver has for that is at work. */
	if (push_held(&c, &b))
		return -1;
	file = sync_file(&c, &b);
	poll_ms(file, POLLIN, 20);
	release(&c);
	try(!wait_idle(&c, &b));

	check(!suspend_devices(), "suspend.devices", "");
	check(sync_status(file, NULL) == 1, "suspend.fence", "");
	if (push(&c, &from))
		return -1;
	try(!wait_idle(&c, &back));
	check(buffer_has(&back, 1, 0, 1024), "suspend.data", "");

	if (push_held(&c, &b))
		return -1;
	file = sync_file(&c, &b);
	if (release_after(&r, &c, &b, 50))
		return -1;
	late = poll_ms(file, POLLIN, 2000) < 0 ? -1 : 0;
	late += released(&r);
	check(late >= 0 && late < 100, "suspend.poll_after", "%.2f ms", late);
	channel_close(&c);
	return 0;
}

/* --- The driver goes --- */

/* Sync files of all kinds: looked at, polled and then finished, merged, never looked at. */
static int some_files(int files[4])
{
	struct channel c, d;
	struct buffer b, e;
	int other, i;

	if (begin(&c, &b) || begin(&d, &e) || push_free(&c, &b))
		return -1;
	files[0] = sync_file(&c, &b);
	try(!wait_idle(&c, &b) && sync_status(files[0], NULL) == 1);
	if (push_held(&c, &b) || push_held(&d, &e))
		return -1;
	files[1] = sync_file(&c, &b);
	poll_ms(files[1], POLLIN, 20);
	other = sync_file(&d, &e);
	files[2] = sync_merge(files[1], other);
	close(other);
	poll_ms(files[2], POLLIN, 20);
	release(&c);
	release(&d);
	if (push_free(&c, &b))
		return -1;
	files[3] = sync_file(&c, &b);
	for (i = 0; i < 4; i++)
		try(files[i] >= 0);
	buffer_unmap(&b);
	buffer_unmap(&e);
	channel_close(&c);
	channel_close(&d);
	return 0;
}

int test_unload(void)
{
	int files[4], i, ret;
	bool good = true;

	if (some_files(files))
		return -1;
	for (i = 0; i < 100; i++) {
		ret = system("rmmod nouveau 2>/dev/null");
		if (!ret)
			break;
		sleep_ms(50);
	}
	check(!ret, "unload.rmmod", "");
	if (ret)
		return 0;
	for (i = 0; i < 4; i++)
		good &= sync_status(files[i], NULL) == 1 && poll_ms(files[i], POLLIN, 0) >= 0;
	check(good, "unload.files", "");
	for (i = 0; i < 4; i++)
		close(files[i]);
	sleep_ms(100);
	check(!system("modprobe nouveau $NOUVEAU"), "unload.load", "");
	check(!some_files(files), "unload.works_again", "");
	return 0;
}

static int unbind(void)
{
	const char *driver = "/sys/bus/pci/drivers/nouveau";
	DIR *dir = opendir(driver);
	struct dirent *d;
	char path[64];
	int ret = -1;

	try(dir);
	snprintf(path, sizeof(path), "%s/unbind", driver);
	while ((d = readdir(dir)))
		if (strchr(d->d_name, ':'))
			ret = put(path, d->d_name);
	closedir(dir);
	return ret;
}

int test_unbind(void)
{
	struct waiter polls = { 0 };
	struct channel c;
	struct buffer b;
	double begun;
	int status;

	if (begin(&c, &b) || push_held(&c, &b))
		return -1;
	polls.file = sync_file(&c, &b);
	try(polls.file >= 0);
	try(!pthread_create(&polls.thread, NULL, poller, &polls));
	sleep_ms(50);
	begun = now();
	check(!unbind(), "unbind.unbind", "%.0f s", (now() - begun) / 1e3);
	buffer_unmap(&b);
	channel_close(&c);
	check(true, "unbind.close", "");
	pthread_join(polls.thread, NULL);
	check(polls.ended, "unbind.poll", "%.0f s", (polls.ended - begun) / 1e3);
	status = sync_status(polls.file, NULL);
	check(status < 0, "unbind.error", "status %d", status);
	close(polls.file);
	return 0;
}
