// SPDX-License-Identifier: MIT
/*
 * KUnit tests for the fences of nouveau
 *
 * They run nouveau_fence.c and the client work as they are, on a channel that is
 * just a sequence number. Its event goes through nvif to a driver that counts.
 * Static stubs do not work here: they are bound to the task of the test, but
 * events are allowed and blocked by any task, by work items and from interrupts.
 */

#include <kunit/test.h>
#include <kunit/turns.h>
#include <linux/delay.h>
#include <linux/dma-fence-kunit.h>
#include <linux/ktime.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <nvif/client.h>
#include <nvif/driver.h>
#include <nvif/ioctl.h>
#include <nvif/parent.h>

#include "nouveau_drv.h"
#include "nouveau_chan.h"
#include "nouveau_fence.h"

struct fake_work {
	struct nouveau_cli_work base;
	struct fake *fake;
};

struct fake {
	struct nouveau_drm *drm;
	struct nouveau_fence_priv priv;
	struct nouveau_cli cli;
	struct nouveau_channel chan;
	struct nouveau_fence_chan *fctx;
	struct nvif_parent parent;
	struct nvif_client client;

	/* What the channel has finished. */
	u32 seq;
	/* How often somebody asked. */
	atomic_t reads;
	/* Called by emit, read and when the event is allowed; cleared before. */
	void (*on_emit)(void *arg);
	void (*on_read)(void *arg);
	void (*on_allow)(void *arg);

	/* Counted by the driver, serialized by the lock of the context. */
	int allows, blocks;
	bool unbalanced;

	/* For the tests. */
	struct nouveau_fence *f[4];
	struct dma_fence_kunit_cb cb[4];
	int ret;
	bool ended;

	struct kunit_turns race;
	struct completion wake;
	bool done;
	bool early;
	int works;
};

static int fake_ioctl(void *priv, void *data, u32 size, void **hack)
{
	struct fake *fake = priv;
	struct nvif_ioctl_v0 *args = data;
	struct nvif_ioctl_mthd_v0 *mthd = (void *)args->data;

	if (args->type != NVIF_IOCTL_V0_MTHD)
		return 0;

	switch (mthd->method) {
	case NVIF_EVENT_V0_ALLOW:
		if (fake->allows++ != fake->blocks)
			fake->unbalanced = true;
		dma_fence_kunit_hook(&fake->on_allow, fake);
		return 0;
	case NVIF_EVENT_V0_BLOCK:
		if (++fake->blocks != fake->allows)
			fake->unbalanced = true;
		return 0;
	}
	return -EINVAL;
}

static __printf(2, 3) void
fake_print(struct nvif_object *object, const char *fmt, ...)
{
}

static const struct nvif_parent_func fake_parent_func = {
	.debugf = fake_print,
	.errorf = fake_print,
};

static const struct nvif_driver fake_driver = {
	.name = "fake",
	.ioctl = fake_ioctl,
};

static int fake_emit(struct nouveau_fence *fence)
{
	struct fake *fake = container_of(unrcu_pointer(fence->channel),
					 struct fake, chan);

	dma_fence_kunit_hook(&fake->on_emit, fake);
	return 0;
}

/* Like the hardware's, the value is as of the call, not of the hook's end. */
static u32 fake_read(struct nouveau_channel *chan)
{
	struct fake *fake = container_of(chan, struct fake, chan);
	u32 seq = READ_ONCE(fake->seq);

	atomic_inc(&fake->reads);
	dma_fence_kunit_hook(&fake->on_read, fake);
	return seq;
}

static void fake_new_fence(struct kunit *test, int i)
{
	struct fake *fake = test->priv;

	KUNIT_ASSERT_EQ(test, nouveau_fence_new(&fake->f[i], &fake->chan), 0);
}

static void fake_new_fences(struct kunit *test, int n)
{
	int i;

	for (i = 0; i < n; i++)
		fake_new_fence(test, i);
}

static bool fake_signaled(struct fake *fake, int i)
{
	return dma_fence_test_signaled_flag(&fake->f[i]->base);
}

static int fake_refs(struct fake *fake, int i)
{
	return kref_read(&fake->f[i]->base.refcount);
}

static void fake_finish(struct fake *fake, u32 seq)
{
	WRITE_ONCE(fake->seq, seq);
}

/* What the event leads to, even if the channel is gone. */
static void fake_event(struct fake *fake)
{
	fake->fctx->uevent_work.func(&fake->fctx->uevent_work);
}

static int fake_add_cb(struct fake *fake, int i, void (*hook)(void *arg))
{
	return dma_fence_kunit_add_cb(&fake->f[i]->base, &fake->cb[i],
				      &fake->fctx->lock, hook, fake);
}

static void fake_put(struct fake *fake)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(fake->f); i++)
		nouveau_fence_unref(&fake->f[i]);
}

/* The end of the channel, as nouveau_channel_del() does it. */
static void fake_end(struct fake *fake)
{
	if (fake->ended)
		return;
	nouveau_fence_context_fini(&fake->chan);
	nouveau_fence_context_del(fake->fctx);
	fake->ended = true;
}

static void fake_del(struct fake *fake)
{
	if (!fake->fctx)
		return;
	fake_end(fake);
	fake->chan.fence = NULL;
	nouveau_fence_context_free(fake->fctx);
	fake->fctx = NULL;
}

static int fake_init(struct kunit *test, bool uevent)
{
	struct fake *fake;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	test->priv = fake;
	init_completion(&fake->wake);

	fake->drm = kunit_kzalloc(test, sizeof(*fake->drm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->drm);
	fake->drm->runl = kunit_kzalloc(test, sizeof(*fake->drm->runl),
					GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->drm->runl);
	fake->drm->runl->context_base = dma_fence_context_alloc(1);
	fake->drm->fence = &fake->priv;
	fake->priv.uevent = uevent;

	nvif_parent_ctor(&fake_parent_func, &fake->parent);
	fake->client.driver = &fake_driver;
	fake->client.object.client = &fake->client;
	fake->client.object.priv = fake;
	fake->chan.user.parent = &fake->parent;
	fake->chan.user.client = &fake->client;

	fake->cli.drm = fake->drm;
	strscpy(fake->cli.name, "fake client");
	nouveau_cli_work_init(&fake->cli);
	fake->chan.cli = &fake->cli;

	fake->fctx = kzalloc_obj(*fake->fctx);
	KUNIT_ASSERT_NOT_NULL(test, fake->fctx);
	nouveau_fence_context_new(&fake->chan, fake->fctx);
	fake->fctx->emit = fake_emit;
	fake->fctx->read = fake_read;
	fake->chan.fence = fake->fctx;

	return 0;
}

static int fake_init_uevent(struct kunit *test)
{
	return fake_init(test, true);
}

static int fake_init_legacy(struct kunit *test)
{
	return fake_init(test, false);
}

static void fake_exit(struct kunit *test)
{
	struct fake *fake = test->priv;

	if (!fake)
		return;

	fake_del(fake);
	fake_put(fake);

	/* Whatever the test did, it is the same for each of them. */
	KUNIT_EXPECT_EQ(test, fake->allows, fake->blocks);
	KUNIT_EXPECT_FALSE(test, fake->unbalanced);
}

static void test_in_order(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake_new_fences(test, 3);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, (u32)fake->f[i]->base.seqno, i + 1);
		KUNIT_EXPECT_FALSE(test, nouveau_fence_done(fake->f[i]));
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 2);
	}

	for (i = 0; i < 3; i++) {
		fake_finish(fake, i + 1);

		KUNIT_EXPECT_TRUE(test, nouveau_fence_done(fake->f[i]));
		KUNIT_EXPECT_TRUE(test, fake_signaled(fake, i));
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[i]->base), 1);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 2);
		if (i < 2)
			KUNIT_EXPECT_FALSE(test, fake_signaled(fake, i + 1));
	}

	/* The references of the list go when the next one is emitted. */
	fake_new_fence(test, 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 3));
	KUNIT_EXPECT_TRUE(test, list_is_singular(&fake->fctx->pending));
	KUNIT_EXPECT_EQ(test, fake->allows, 0);
}

static void test_out_of_order(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 4);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 1, NULL), 0);

	/* Nobody but the list has this one. */
	nouveau_fence_unref(&fake->f[2]);

	/* Only the one that is asked about is signaled. */
	fake_finish(fake, 3);
	KUNIT_EXPECT_TRUE(test, nouveau_fence_done(fake->f[1]));
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 3));

	/* Emitting one signals all that have finished. */
	nouveau_fence_unref(&fake->f[1]);
	fake_finish(fake, 4);
	fake_new_fence(test, 1);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 3));
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 3), 1);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 1));
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 1), 2);
}

/* Many pushes are in flight, and a wait for the last does not pay for the others. */
static void test_asked_only(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 4);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 2, NULL), 0);

	fake_finish(fake, 4);
	fake_event(fake);
	KUNIT_EXPECT_EQ(test, fake->cb[2].calls, 1);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 1));
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 3));

	/* Whoever asks is told, in any way. */
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&fake->f[0]->base));
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 1, NULL), -ENOENT);
	KUNIT_EXPECT_EQ(test, fake->allows, 1);

	nouveau_fence_unref(&fake->f[2]);
	fake_new_fence(test, 2);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 3));
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 1), 1);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 3), 1);
}

static void test_wrap(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake->fctx->sequence = U32_MAX - 2;
	fake_finish(fake, U32_MAX - 2);

	fake_new_fences(test, 4);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, (u32)fake->f[i]->base.seqno,
				(u32)(U32_MAX - 1 + i));
		KUNIT_EXPECT_EQ(test, fake_add_cb(fake, i, NULL), 0);
	}

	fake_finish(fake, U32_MAX);
	fake_event(fake);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 1));
	KUNIT_EXPECT_FALSE(test, nouveau_fence_done(fake->f[2]));

	fake_finish(fake, 0);
	fake_event(fake);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 2));
	KUNIT_EXPECT_FALSE(test, nouveau_fence_done(fake->f[3]));

	fake_finish(fake, 1);
	fake_event(fake);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 3));
}

static void test_enable_finished(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 2);

	fake_finish(fake, 1);
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 0, NULL), -ENOENT);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[0]->base), 1);
	KUNIT_EXPECT_EQ(test, fake->allows, 1);
	KUNIT_EXPECT_EQ(test, fake->blocks, 1);

	/* The reference of the list is still there, and goes with the next. */
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 2);
	fake_new_fence(test, 2);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(fake->f[0]->channel), NULL);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 1), 2);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 1));
}

static void do_nothing(void *arg)
{
}

static void finish_all(void *arg)
{
	struct fake *fake = arg;

	fake_finish(fake, fake->fctx->sequence);
}

/* Finished just before the event is allowed, so there will be no event. */
static void test_enable_rereads(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 1);
	fake->on_allow = finish_all;
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 0, NULL), -ENOENT);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_EQ(test, fake->allows, 1);
	KUNIT_EXPECT_EQ(test, fake->blocks, 1);
}

static void use_other_fence(void *arg)
{
	struct fake *fake = arg;

	/* Deadlocks with the lock of the context held, do not even try then. */
	if (fake->cb[0].locked)
		return;
	fake->ret = fake_add_cb(fake, 1, NULL);
	nouveau_fence_done(fake->f[1]);
}

static void test_callback_uses_channel(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 2);
	fake->ret = 1;
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, use_other_fence), 0);

	fake_finish(fake, 1);
	fake_event(fake);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_FALSE(test, fake->cb[0].locked);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 0);

	nouveau_fence_context_kill(fake->fctx, -ENODEV);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
	KUNIT_EXPECT_FALSE(test, fake->cb[1].locked);
	KUNIT_EXPECT_EQ(test, fake->cb[1].error, -ENODEV);
}

static void test_kill_keeps_success(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 3);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 2, NULL), 0);

	/* One that was found by enabling it and is yet to be collected. */
	fake_finish(fake, 2);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 1, NULL), -ENOENT);

	nouveau_fence_context_kill(fake->fctx, -ENODEV);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[0]->base), 1);
	KUNIT_EXPECT_EQ(test, fake->cb[0].error, 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[1]->base), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[2]->base), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake->cb[2].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[2].error, -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 1), 1);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 2), 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&fake->fctx->pending));
}

static void kill_channel(void *arg)
{
	struct fake *fake = arg;

	nouveau_fence_context_kill(fake->fctx, -ENODEV);
}

static void test_kill_while_emitting(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 1);
	fake->on_emit = kill_channel;
	KUNIT_ASSERT_EQ(test, nouveau_fence_create(&fake->f[1], &fake->chan), 0);
	KUNIT_EXPECT_EQ(test, nouveau_fence_emit(fake->f[1]), -ENODEV);
	/* The channel may be deleted before this fence is. */
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(fake->f[1]->channel), NULL);
	nouveau_fence_unref(&fake->f[1]);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[0]->base), -ENODEV);
	KUNIT_EXPECT_TRUE(test, list_empty(&fake->fctx->pending));
	KUNIT_EXPECT_EQ(test, nouveau_fence_new(&fake->f[1], &fake->chan),
			-ENODEV);
	KUNIT_EXPECT_PTR_EQ(test, fake->f[1], NULL);
}

/* Between fini and del the channel is destroyed, so nobody asks it any more. */
static void test_parted(struct kunit *test)
{
	struct fake *fake = test->priv;
	int reads;

	fake_new_fences(test, 3);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 1, NULL), 0);
	fake_finish(fake, 1);

	nouveau_fence_context_fini(&fake->chan);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 1));
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 2));

	reads = atomic_read(&fake->reads);
	fake_finish(fake, 3);
	KUNIT_EXPECT_FALSE(test, nouveau_fence_done(fake->f[1]));
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 2, NULL), 0);
	fake_event(fake);
	KUNIT_EXPECT_EQ(test, nouveau_fence_new(&fake->f[3], &fake->chan),
			-ENODEV);
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(fake->f[1]->channel), NULL);
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(fake->f[2]->channel), NULL);

	nouveau_fence_context_del(fake->fctx);
	fake->ended = true;
	KUNIT_EXPECT_EQ(test, atomic_read(&fake->reads), reads);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[0]->base), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[1]->base), -ENODEV);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[2]->base), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[2].calls, 1);
}

/*
 * One CPU is inside enable_signaling and has found the fence unfinished, when
 * the other finishes it and updates, kills or deletes. Either the callback was
 * added and is called once, or it was not.
 */
static void in_enable(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_reach(&fake->race, 1);
	kunit_turns_await(&fake->race, 2);
}

static void enable_first(void *arg)
{
	struct fake *fake = arg;

	/* Holds the lock of the context in there. */
	fake->on_read = in_enable;
	fake->ret = fake_add_cb(fake, 0, NULL);
}

static void update_second(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake_finish(fake, 1);
	kunit_turns_reach(&fake->race, 2);
	fake_event(fake);
}

static void kill_second(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	kunit_turns_reach(&fake->race, 2);
	nouveau_fence_context_kill(fake->fctx, -ENODEV);
}

static void del_second(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	kunit_turns_reach(&fake->race, 2);
	fake_end(fake);
}

static void enable_first_race(struct kunit *test, void (*second)(void *arg),
			      int status)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 1);
	kunit_turns_run(test, &fake->race, enable_first, second, fake);

	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, fake->ret ? 0 : 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[0]->base), status);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);
	KUNIT_EXPECT_EQ(test, fake->allows, 1);
	KUNIT_EXPECT_EQ(test, fake->blocks, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&fake->fctx->pending));
}

static void test_enable_then_update(struct kunit *test)
{
	enable_first_race(test, update_second, 1);
}

static void test_enable_then_kill(struct kunit *test)
{
	enable_first_race(test, kill_second, -ENODEV);
}

static void test_enable_then_del(struct kunit *test)
{
	enable_first_race(test, del_second, -ENODEV);
}

/*
 * One CPU has taken both fences off the list and is in a callback of the first
 * when the other enables the second: it is not on the list, and not signaled. If
 * it has finished, it is signaled there and then. If it is killed, the callback
 * is added and gets the error.
 */
static void before_second_fence(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_reach(&fake->race, 1);
	kunit_turns_await(&fake->race, 2);
}

static void update_first(void *arg)
{
	struct fake *fake = arg;

	fake_finish(fake, 2);
	fake_event(fake);
}

static void kill_first(void *arg)
{
	struct fake *fake = arg;

	nouveau_fence_context_kill(fake->fctx, -ENODEV);
}

static void del_first(void *arg)
{
	struct fake *fake = arg;

	fake_end(fake);
}

static void enable_second(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake->ret = fake_add_cb(fake, 1, NULL);
	kunit_turns_reach(&fake->race, 2);
}

static void enable_second_race(struct kunit *test, void (*first)(void *arg),
			       int ret, int status)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 2);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, before_second_fence), 0);
	kunit_turns_run(test, &fake->race, first, enable_second, fake);

	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 1));
	KUNIT_EXPECT_EQ(test, fake->ret, ret);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, ret ? 0 : 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[1]->base), status);
	KUNIT_EXPECT_EQ(test, fake->cb[1].error, status == 1 ? 0 : status);
	KUNIT_EXPECT_EQ(test, fake->allows, 1);
	KUNIT_EXPECT_EQ(test, fake->blocks, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&fake->fctx->pending));
}

static void test_update_then_enable(struct kunit *test)
{
	enable_second_race(test, update_first, -ENOENT, 1);
}

static void test_kill_then_enable(struct kunit *test)
{
	enable_second_race(test, kill_first, 0, -ENODEV);
}

static void test_del_then_enable(struct kunit *test)
{
	enable_second_race(test, del_first, 0, -ENODEV);
}

/*
 * Somebody waits for both fences. One CPU has taken them and is held up in the
 * callback of the first, the other looks at the second: it has finished.
 */
static void look_second(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake->ret = dma_fence_is_signaled(&fake->f[1]->base);
	fake->early = fake->cb[1].calls;
	kunit_turns_reach(&fake->race, 2);
}

static void look_second_race(struct kunit *test, void (*first)(void *arg))
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 2);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, before_second_fence), 0);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 1, NULL), 0);
	fake_finish(fake, 2);
	kunit_turns_run(test, &fake->race, first, look_second, fake);

	KUNIT_EXPECT_TRUE(test, fake->ret);
	KUNIT_EXPECT_TRUE(test, fake->early);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[1]->base), 1);
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 1), 1);
}

static void test_update_then_look(struct kunit *test)
{
	look_second_race(test, update_first);
}

static void test_kill_then_look(struct kunit *test)
{
	look_second_race(test, kill_first);
}

static void test_del_then_look(struct kunit *test)
{
	look_second_race(test, del_first);
}

/*
 * The first fence wakes a real-time task on the CPU that signals. By the time it
 * runs the second fence is signaled as well.
 */
static void wake_task(void *arg)
{
	struct fake *fake = arg;

	complete(&fake->wake);
}

static void run_when_woken(void *arg)
{
	struct fake *fake = arg;

	wait_for_completion(&fake->wake);
	fake->early = !fake_signaled(fake, 1);
}

static void test_not_preempted(struct kunit *test)
{
	DECLARE_COMPLETION_ONSTACK(start);
	struct kunit_turns_thread t = {
		.start = &start, .func = run_when_woken,
	};
	struct fake *fake = test->priv;
	struct task_struct *task;

	if (!IS_ENABLED(CONFIG_PREEMPTION) || IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "requires PREEMPT, and not PREEMPT_RT");
	kunit_turns_require_cpus(test);

	fake_new_fences(test, 2);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, wake_task), 0);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 1, NULL), 0);

	t.arg = fake;
	init_completion(&t.done);
	task = kthread_create_on_cpu(kunit_turns_thread_main, &t,
				     cpumask_first(cpu_online_mask), "fence-fifo:%u");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	sched_set_fifo(task);
	wake_up_process(task);
	complete(&start);

	/* The first function runs on the first CPU. */
	kunit_turns_run(test, &fake->race, update_first, do_nothing, fake);

	complete(&fake->wake);
	wait_for_completion(&t.done);
	KUNIT_EXPECT_FALSE(test, fake->early);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
}

/*
 * A real-time task is in a busy wait, and whoever finishes the fence has to run
 * on the same CPU.
 */
static void busy_wait(void *arg)
{
	struct fake *fake = arg;

	sched_set_fifo(current);
	complete(&fake->wake);
	fake->f[0]->timeout = jiffies + HZ / 2;
	fake->ret = nouveau_fence_wait(fake->f[0], false, false);
	sched_set_normal(current, 0);
}

static void finish_when_woken(void *arg)
{
	struct fake *fake = arg;

	fake_finish(fake, 1);
}

static void test_busy_wait_sleeps(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct kunit_turns_thread t = {
		.start = &fake->wake, .func = finish_when_woken, .arg = fake,
	};
	struct task_struct *task;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 1);
	fake->ret = 1;

	init_completion(&t.done);
	task = kthread_create_on_cpu(kunit_turns_thread_main, &t,
				     cpumask_first(cpu_online_mask), "fence-late:%u");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	wake_up_process(task);
	kunit_turns_run(test, &fake->race, busy_wait, do_nothing, fake);
	wait_for_completion(&t.done);

	KUNIT_EXPECT_EQ(test, fake->ret, 0);
}

/*
 * One CPU has taken both fences and is in a callback of the first, the other
 * deletes the context. When that returns, both fences are signaled.
 */
static void watch_del(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_reach(&fake->race, 1);
	fake->early = !kunit_turns_stays_false(&fake->done);
}

static void del_while_updating(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake_end(fake);
	fake->ret = fake_signaled(fake, 1);
	WRITE_ONCE(fake->done, true);
}

static void test_del_waits_for_update(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 2);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, watch_del), 0);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 1, NULL), 0);
	kunit_turns_run(test, &fake->race, update_first, del_while_updating, fake);

	KUNIT_EXPECT_FALSE(test, fake->early);
	KUNIT_EXPECT_TRUE(test, fake->ret);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
}

/* One CPU looks at the name when the channel and its context go. */
static void read_name(void *arg)
{
	struct fake *fake = arg;
	const char *name;

	rcu_read_lock();
	name = dma_fence_kunit_name(dma_fence_timeline_name(&fake->f[0]->base));
	kunit_turns_reach(&fake->race, 1);
	fake->early = !kunit_turns_stays_false(&fake->done);
	/* Under KASAN this is seen if the name was freed. */
	fake->ret = strcmp(name, "fake client");
	rcu_read_unlock();
}

static void del_while_reading(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake_del(fake);
	WRITE_ONCE(fake->done, true);
}

static void test_del_waits_for_reader(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 1);
	fake->ret = 1;
	kunit_turns_run(test, &fake->race, read_name, del_while_reading, fake);

	KUNIT_EXPECT_FALSE(test, fake->early);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
}

static void test_outlives_channel(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct dma_fence *fence;
	int i;

	fake_new_fences(test, 3);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 1, NULL), 0);
	fake_finish(fake, 1);
	KUNIT_EXPECT_TRUE(test, nouveau_fence_done(fake->f[0]));

	fake_del(fake);
	/* The second grace period, for the memory of the context. */
	rcu_barrier();
	memset(&fake->chan, 0xff, sizeof(fake->chan));

	for (i = 0; i < 3; i++) {
		fence = &fake->f[i]->base;

		KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(fence->ops), NULL);
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
		KUNIT_EXPECT_TRUE(test, nouveau_fence_done(fake->f[i]));
		KUNIT_EXPECT_EQ(test, nouveau_fence_wait(fake->f[i], false, false), 0);
		KUNIT_EXPECT_EQ(test, nouveau_fence_wait(fake->f[i], true, false), 0);
		/* What had not finished never will. */
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), i ? -ENODEV : 1);
		KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(fake->f[i]->channel),
				    NULL);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);

		rcu_read_lock();
		KUNIT_EXPECT_STRNEQ(test, dma_fence_kunit_name(dma_fence_driver_name(fence)),
				    "");
		KUNIT_EXPECT_STRNEQ(test, dma_fence_kunit_name(dma_fence_timeline_name(fence)),
				    "");
		rcu_read_unlock();
	}
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
}

/* Any sequence of calls leaves the event as the armed fences want it. */
static void test_event_random(struct kunit *test)
{
	u64 seed = get_random_u64();
	struct fake *fake = test->priv;
	struct rnd_state rnd;
	struct nouveau_fence *f;
	int n, i, armed;

	kunit_info(test, "seed %llu\n", seed);
	prandom_seed_state(&rnd, seed);

	for (n = 0; n < 5000; n++) {
		i = prandom_u32_state(&rnd) % ARRAY_SIZE(fake->f);

		switch (prandom_u32_state(&rnd) % 6) {
		case 0:
			nouveau_fence_unref(&fake->f[i]);
			fake_new_fence(test, i);
			break;
		case 1:
			if (fake->f[i])
				dma_fence_enable_signaling(&fake->f[i]->base);
			break;
		case 2:
			if ((int)(fake->fctx->sequence - fake->seq) > 0)
				fake_finish(fake, fake->seq + 1);
			break;
		case 3:
			fake_event(fake);
			break;
		case 4:
			if (fake->f[i])
				nouveau_fence_done(fake->f[i]);
			break;
		case 5:
			if (fake->f[i])
				dma_fence_is_signaled(&fake->f[i]->base);
			break;
		}

		armed = 0;
		list_for_each_entry(f, &fake->fctx->pending, head)
			armed += f->armed;
		if (armed != fake->fctx->notify_ref ||
		    fake->allows - fake->blocks != !!armed ||
		    fake->unbalanced) {
			KUNIT_FAIL(test, "step %d: %d armed, %d references, %d allowed, %d blocked",
				   n, armed, fake->fctx->notify_ref,
				   fake->allows, fake->blocks);
			break;
		}
	}
	KUNIT_EXPECT_GT(test, fake->allows, 0);

	nouveau_fence_context_kill(fake->fctx, -ENODEV);
	KUNIT_EXPECT_EQ(test, fake->allows, fake->blocks);
	KUNIT_EXPECT_EQ(test, fake->fctx->notify_ref, 0);
}

static void fake_work_func(struct nouveau_cli_work *base)
{
	struct fake_work *work = container_of(base, struct fake_work, base);
	struct fake *fake = work->fake;

	kfree(work);
	WRITE_ONCE(fake->works, fake->works + 1);
	/* Who watches goes on to use what was freed, if this is early. */
	WRITE_ONCE(fake->done, true);
}

static void fake_queue_work(struct kunit *test, int i)
{
	struct fake *fake = test->priv;
	struct fake_work *work = kzalloc_obj(*work);

	KUNIT_ASSERT_NOT_NULL(test, work);
	work->fake = fake;
	work->base.func = fake_work_func;
	nouveau_cli_work_queue(&fake->cli, &fake->f[i]->base, &work->base);
}

/*
 * One CPU found the fence finished and signals it. It is in the callback before
 * the one of the client work, which is on its stack, when the client work sees
 * the fence signaled on the other CPU, and frees what the callback is part of.
 */
static void watch_work(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_reach(&fake->race, 1);
	fake->early = !kunit_turns_stays_false(&fake->done);
}

static void signal_by_look(void *arg)
{
	struct fake *fake = arg;

	fake_finish(fake, 1);
	dma_fence_is_signaled(&fake->f[0]->base);
}

static void run_client_work(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake->cli.work.func(&fake->cli.work);
}

static void test_client_work(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 1);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, watch_work), 0);
	fake_queue_work(test, 0);
	kunit_turns_run(test, &fake->race, signal_by_look, run_client_work, fake);

	KUNIT_EXPECT_FALSE(test, fake->early);
	KUNIT_EXPECT_EQ(test, fake->works, 1);
	nouveau_cli_work_fini(&fake->cli);
}

/*
 * The same when the client is on its way out. Its channel stays, the end of
 * which would wait for the callback as well, if the fence is one of its own.
 */
static void fini_client_work(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	nouveau_cli_work_fini(&fake->cli);
	fake->ret = READ_ONCE(fake->works);
}

static void test_client_fini(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 1);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, watch_work), 0);
	fake_queue_work(test, 0);
	kunit_turns_run(test, &fake->race, signal_by_look, fini_client_work, fake);

	KUNIT_EXPECT_FALSE(test, fake->early);
	KUNIT_EXPECT_EQ(test, fake->ret, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&fake->cli.worker));

	/* For what came late if that failed. */
	flush_work(&fake->cli.work);
}

/* No event and nobody who waits, the callback is called all the same. */
static void test_poll(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake_new_fences(test, 3);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 1, NULL), 0);
	msleep(20);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->cb[0].calls), 0);

	fake_finish(fake, 1);
	for (i = 0; i < 500 && !READ_ONCE(fake->cb[0].calls); i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->cb[0].calls), 1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->cb[1].calls), 0);

	fake_finish(fake, 2);
	KUNIT_EXPECT_EQ(test, nouveau_fence_wait(fake->f[1], true, false), 0);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);

	/* Nothing is armed, so the timer stops; the next one starts it. */
	for (i = 0; i < 500 && hrtimer_active(&fake->fctx->poll_timer); i++)
		msleep(20);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&fake->fctx->poll_timer));
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 2, NULL), 0);
	fake_finish(fake, 3);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(&fake->f[2]->base, false,
						     10 * HZ), 0);
	KUNIT_EXPECT_EQ(test, fake->cb[2].calls, 1);
}

/* The channel goes while the timer runs, which must not outlive it. */
static void test_poll_del(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 2);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	/* As if it had been put off: it would expire long after the end. */
	hrtimer_start(&fake->fctx->poll_timer, ms_to_ktime(10 * MSEC_PER_SEC),
		      HRTIMER_MODE_REL_SOFT);

	fake_end(fake);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&fake->fctx->poll_timer));
	hrtimer_cancel(&fake->fctx->poll_timer);
}

static void fake_await_call(struct fake *fake, int i)
{
	int n;

	for (n = 0; n < 500 && !READ_ONCE(fake->cb[i].calls); n++)
		msleep(20);
}

/* A look of the timer, @ago after signaling was enabled: how long it sleeps then. */
static s64 fake_look(struct fake *fake, u64 ago)
{
	struct hrtimer *timer = &fake->fctx->poll_timer;
	u64 now;
	s64 ns;

	/* Or the timer expires before it is canceled. */
	local_bh_disable();
	now = ktime_get_ns();
	fake->fctx->poll_start = now - ago;
	ACCESS_PRIVATE(timer, function)(timer);
	ns = ktime_to_ns(hrtimer_get_expires(timer)) - now;
	hrtimer_cancel(timer);
	local_bh_enable();
	return ns;
}

/* How often the register is read during a wait, in time that is made up. */
static void test_poll_reads(struct kunit *test)
{
	static const struct {
		int ms, most;
	} waits[] = {
		{ 1, 18 }, { 10, 54 }, { 100, 414 }, { 1000, 2434 },
		{ 2000, 3144 }, { 15000, 5209 },
	};
	struct fake *fake = test->priv;
	u64 t = NSEC_PER_USEC;
	int i, reads;
	s64 ns;

	fake_new_fences(test, 1);
	local_bh_disable();
	fake->ret = fake_add_cb(fake, 0, NULL);
	hrtimer_cancel(&fake->fctx->poll_timer);
	local_bh_enable();
	KUNIT_ASSERT_EQ(test, fake->ret, 0);

	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		while (t < waits[i].ms * NSEC_PER_MSEC) {
			ns = fake_look(fake, t);
			KUNIT_ASSERT_GT(test, ns, 0);
			t += ns;
		}
		reads = atomic_read(&fake->reads);
		kunit_info(test, "%d reads in %d ms\n", reads, waits[i].ms);
		KUNIT_EXPECT_LE(test, reads, waits[i].most);
		/* Each look is late by the time that it takes. */
		KUNIT_EXPECT_GT(test, reads, waits[i].most / 2);
	}
}

/* Nobody can tell whether there is a waiter left, so it has to cost nothing. */
static void test_poll_hung(struct kunit *test)
{
	struct fake *fake = test->priv;
	int reads;

	fake_new_fences(test, 1);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);

	/* As if that had been a minute ago. */
	spin_lock_irq(&fake->fctx->lock);
	fake->fctx->poll_start -= 60 * NSEC_PER_SEC;
	spin_unlock_irq(&fake->fctx->lock);
	/* The last sleep that is shorter. */
	msleep(50);

	reads = atomic_read(&fake->reads);
	msleep(1000);
	reads = atomic_read(&fake->reads) - reads;
	KUNIT_EXPECT_GE(test, reads, 1);
	KUNIT_EXPECT_LE(test, reads, 5);

	fake_finish(fake, 1);
	fake_await_call(fake, 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->cb[0].calls), 1);
}

/* Nobody reads from a device that is suspended, and nothing is lost by that. */
static void test_suspend(struct kunit *test)
{
	struct fake *fake = test->priv;
	int reads;

	fake_new_fences(test, 3);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);

	nouveau_fence_suspend(fake->drm);
	reads = atomic_read(&fake->reads);
	fake_finish(fake, 2);
	fake_event(fake);
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 2, NULL), 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&fake->f[0]->base));
	msleep(50);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake->reads), reads);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&fake->fctx->poll_timer));

	nouveau_fence_resume(fake->drm);
	fake_await_call(fake, 0);
	fake_await_call(fake, 1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->cb[0].calls), 1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->cb[1].calls), 1);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 2));
}

/* The channel goes while the device is suspended. */
static void test_suspend_del(struct kunit *test)
{
	struct fake *fake = test->priv;
	int reads;

	fake_new_fences(test, 1);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	nouveau_fence_suspend(fake->drm);
	reads = atomic_read(&fake->reads);
	fake_end(fake);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake->reads), reads);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[0].error, -ENODEV);
	nouveau_fence_resume(fake->drm);
}

/* An event that is allowed while suspended is not allowed in the hardware. */
static void test_suspend_event(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_new_fences(test, 2);
	fake_finish(fake, 1);
	nouveau_fence_suspend(fake->drm);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&fake->f[0]->base));
	KUNIT_EXPECT_EQ(test, fake_add_cb(fake, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, fake->allows, 0);

	nouveau_fence_resume(fake->drm);
	KUNIT_EXPECT_EQ(test, fake->allows, 1);
}

static struct kunit_case nouveau_fence_cases[] = {
	KUNIT_CASE(test_in_order),
	KUNIT_CASE(test_out_of_order),
	KUNIT_CASE(test_asked_only),
	KUNIT_CASE(test_wrap),
	KUNIT_CASE(test_enable_finished),
	KUNIT_CASE(test_enable_rereads),
	KUNIT_CASE(test_callback_uses_channel),
	KUNIT_CASE(test_kill_keeps_success),
	KUNIT_CASE(test_kill_while_emitting),
	KUNIT_CASE(test_parted),
	KUNIT_CASE(test_enable_then_update),
	KUNIT_CASE(test_enable_then_kill),
	KUNIT_CASE(test_enable_then_del),
	KUNIT_CASE(test_update_then_enable),
	KUNIT_CASE(test_kill_then_enable),
	KUNIT_CASE(test_del_then_enable),
	KUNIT_CASE(test_update_then_look),
	KUNIT_CASE(test_kill_then_look),
	KUNIT_CASE(test_del_then_look),
	KUNIT_CASE(test_not_preempted),
	KUNIT_CASE(test_busy_wait_sleeps),
	KUNIT_CASE(test_del_waits_for_update),
	KUNIT_CASE(test_del_waits_for_reader),
	KUNIT_CASE(test_outlives_channel),
	KUNIT_CASE(test_event_random),
	KUNIT_CASE(test_suspend),
	KUNIT_CASE(test_suspend_del),
	KUNIT_CASE(test_suspend_event),
	KUNIT_CASE(test_client_work),
	KUNIT_CASE(test_client_fini),
	{}
};

static struct kunit_suite nouveau_fence_suite = {
	.name = "nouveau-fence",
	.init = fake_init_uevent,
	.exit = fake_exit,
	.test_cases = nouveau_fence_cases,
};

/* What does not depend on the event, and polling. */
static struct kunit_case nouveau_fence_legacy_cases[] = {
	KUNIT_CASE(test_in_order),
	KUNIT_CASE(test_out_of_order),
	KUNIT_CASE(test_kill_keeps_success),
	KUNIT_CASE(test_kill_while_emitting),
	KUNIT_CASE(test_parted),
	KUNIT_CASE(test_outlives_channel),
	KUNIT_CASE(test_suspend),
	KUNIT_CASE(test_suspend_del),
	KUNIT_CASE(test_poll),
	KUNIT_CASE(test_poll_del),
	KUNIT_CASE(test_poll_reads),
	KUNIT_CASE_SLOW(test_poll_hung),
	{}
};

static struct kunit_suite nouveau_fence_legacy_suite = {
	.name = "nouveau-fence-legacy",
	.init = fake_init_legacy,
	.exit = fake_exit,
	.test_cases = nouveau_fence_legacy_cases,
};

kunit_test_suites(&nouveau_fence_suite, &nouveau_fence_legacy_suite);
