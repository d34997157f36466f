// SPDX-License-Identifier: MIT
/*
 * KUnit tests for the fences of virtio-gpu
 *
 * The device is what virtgpu_fence.c uses of one. The host is the test, which
 * says which fence ids it has completed.
 */

#include <kunit/test.h>
#include <kunit/turns.h>
#include <linux/completion.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-kunit.h>
#include <linux/ktime.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/rcupdate.h>

#include "../virtgpu_drv.h"

#define FAKE_LOOPS		1000

struct fake {
	struct virtio_gpu_device *vgdev;
	struct drm_device *ddev;
	/* The first of the contexts that a process has for its rings. */
	u64 rings;
	int calls;

	/* For the tests. */
	struct virtio_gpu_fence *f[4];
	struct virtio_gpu_fence *late;
	struct dma_fence_kunit_cb cb[4];
	struct completion event;
	int events;
	int ret;

	struct kunit_turns race;
};

/* On ring @ring of the process, or, if it is -1, the queue that all share. */
static struct virtio_gpu_fence *fake_alloc(struct fake *fake, int ring)
{
	struct virtio_gpu_device *vgdev = fake->vgdev;

	if (ring < 0)
		return virtio_gpu_fence_alloc(vgdev, vgdev->fence_drv.context, 0);
	return virtio_gpu_fence_alloc(vgdev, fake->rings, ring);
}

static void fake_emit(struct fake *fake, struct virtio_gpu_fence *fence)
{
	struct virtio_gpu_ctrl_hdr hdr = {};

	virtio_gpu_fence_emit(fake->vgdev, &hdr, fence);
}

static void fake_new_fence(struct kunit *test, int i, int ring)
{
	struct fake *fake = test->priv;

	fake->f[i] = fake_alloc(fake, ring);
	KUNIT_ASSERT_NOT_NULL(test, fake->f[i]);
	fake_emit(fake, fake->f[i]);
}

static void fake_new_fences(struct kunit *test, int n)
{
	int i;

	for (i = 0; i < n; i++)
		fake_new_fence(test, i, -1);
}

/* The host says that it has completed fence @i. */
static void fake_complete(struct fake *fake, int i)
{
	virtio_gpu_fence_event_process(fake->vgdev, fake->f[i]->fence_id);
}

/* The host completes all that is pending, whatever it is. */
static void fake_complete_all(struct fake *fake)
{
	struct list_head *fences = &fake->vgdev->fence_drv.fences;
	struct virtio_gpu_fence *fence;

	while (!list_empty(fences)) {
		fence = list_first_entry(fences, typeof(*fence), node);
		virtio_gpu_fence_event_process(fake->vgdev, fence->fence_id);
	}
}

static bool fake_signaled(struct fake *fake, int i)
{
	return dma_fence_test_signaled_flag(&fake->f[i]->f);
}

static int fake_refs(struct fake *fake, int i)
{
	return kref_read(&fake->f[i]->f.refcount);
}

static bool fake_idle(struct fake *fake)
{
	return list_empty(&fake->vgdev->fence_drv.fences);
}

static int fake_add_cb(struct fake *fake, int i, void (*hook)(void *arg))
{
	fake->cb[i].count = &fake->calls;
	return dma_fence_kunit_add_cb(&fake->f[i]->f, &fake->cb[i],
				      &fake->vgdev->fence_drv.lock, hook, fake);
}

static int fake_init(struct kunit *test)
{
	struct virtio_gpu_fence_driver *drv;
	struct fake *fake;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	init_completion(&fake->event);
	fake->rings = dma_fence_context_alloc(MAX_RINGS);
	test->priv = fake;

	fake->ddev = kunit_kzalloc(test, sizeof(*fake->ddev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->ddev);
	spin_lock_init(&fake->ddev->event_lock);

	fake->vgdev = kzalloc_obj(*fake->vgdev);
	KUNIT_ASSERT_NOT_NULL(test, fake->vgdev);
	fake->vgdev->ddev = fake->ddev;

	drv = &fake->vgdev->fence_drv;
	drv->context = dma_fence_context_alloc(1);
	INIT_LIST_HEAD(&drv->fences);
	spin_lock_init(&drv->lock);

	return 0;
}

static void fake_exit(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	/* Nothing is left on the list, unless the test has failed. */
	if (fake->vgdev)
		fake_complete_all(fake);

	for (i = 0; i < ARRAY_SIZE(fake->f); i++)
		if (fake->f[i])
			dma_fence_put(&fake->f[i]->f);
	if (fake->late)
		dma_fence_put(&fake->late->f);
	kfree(fake->vgdev);
}

/* What the host is told, and that ids are those of the device, not of a ring. */
static void test_emit(struct kunit *test)
{
	static const int rings[] = { -1, 0, 63, -1 };
	struct fake *fake = test->priv;
	u32 flags;
	int i;

	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		struct virtio_gpu_ctrl_hdr hdr = {};

		fake->f[i] = fake_alloc(fake, rings[i]);
		KUNIT_ASSERT_NOT_NULL(test, fake->f[i]);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
		virtio_gpu_fence_emit(fake->vgdev, &hdr, fake->f[i]);

		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 2);
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&fake->f[i]->f));
		KUNIT_EXPECT_EQ(test, fake->f[i]->fence_id, i + 1);
		KUNIT_EXPECT_EQ(test, fake->f[i]->f.seqno, i + 1);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(hdr.fence_id), i + 1);
		flags = VIRTIO_GPU_FLAG_FENCE;
		if (rings[i] >= 0)
			flags |= VIRTIO_GPU_FLAG_INFO_RING_IDX;
		KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.flags), flags);
		KUNIT_EXPECT_EQ(test, hdr.ring_idx, max(rings[i], 0));
		KUNIT_EXPECT_EQ(test, fake->f[i]->f.context, rings[i] < 0 ?
				fake->vgdev->fence_drv.context :
				fake->rings + rings[i]);
	}

	for (i = 0; i < ARRAY_SIZE(rings); i++)
		fake_complete(fake, i);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

static void test_in_order(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i, n;

	fake_new_fences(test, 3);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, fake_add_cb(fake, i, NULL), 0);

	for (n = 0; n < 3; n++) {
		fake_complete(fake, n);
		for (i = 0; i < 3; i++) {
			KUNIT_EXPECT_EQ(test, fake_signaled(fake, i), i <= n);
			KUNIT_EXPECT_EQ(test, fake->cb[i].calls, i <= n);
			KUNIT_EXPECT_EQ(test, fake_refs(fake, i), i <= n ? 1 : 2);
		}
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[n]->f), 1);
	}
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* The host reports the third only: it has done the first two, in their order. */
static void test_out_of_order(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	fake_new_fences(test, 4);
	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, fake_add_cb(fake, i, NULL), 0);

	fake_complete(fake, 2);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, fake_signaled(fake, i));
		KUNIT_EXPECT_EQ(test, fake->cb[i].order, i + 1);
	}
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 3));

	/* The report of the first comes late. */
	fake_complete(fake, 0);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 3));
	fake_complete(fake, 3);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, fake->cb[i].calls, 1);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* Each ring finishes on its own, though they share their ids. */
static void test_contexts(struct kunit *test)
{
	static const int rings[] = { 0, 1, 0, -1 };
	static const int order[] = { 3, 2, 1 };
	static const int done[] = { BIT(3), BIT(3) | BIT(2) | BIT(0), 0xf };
	struct fake *fake = test->priv;
	int i, n;

	for (i = 0; i < 4; i++) {
		fake_new_fence(test, i, rings[i]);
		KUNIT_ASSERT_EQ(test, fake_add_cb(fake, i, NULL), 0);
	}

	for (n = 0; n < ARRAY_SIZE(order); n++) {
		fake_complete(fake, order[n]);
		for (i = 0; i < 4; i++) {
			KUNIT_EXPECT_EQ(test, fake_signaled(fake, i),
					!!(done[n] & BIT(i)));
			KUNIT_EXPECT_EQ(test, fake->cb[i].calls,
					!!(done[n] & BIT(i)));
		}
	}
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* Ids that are nobody's, or nobody's any more, are only remembered. */
static void test_unknown_id(struct kunit *test)
{
	struct fake *fake = test->priv;
	u64 last, ids[] = { 0, 1, 3, U64_MAX };
	int i;

	fake_new_fences(test, 2);
	fake_complete(fake, 0);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		virtio_gpu_fence_event_process(fake->vgdev, ids[i]);
		last = atomic64_read(&fake->vgdev->fence_drv.last_fence_id);
		KUNIT_EXPECT_EQ(test, last, ids[i]);
		KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 1));
		KUNIT_EXPECT_EQ(test, fake_refs(fake, 1), 2);
	}
	fake_complete(fake, 1);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 1));
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* Called when the event is sent, with its lock held. */
static void event_sent(struct completion *event)
{
	struct fake *fake = container_of(event, struct fake, event);
	spinlock_t *lock = &fake->vgdev->fence_drv.lock;

	fake->events++;
	if (!fake_signaled(fake, 0))
		fake->ret = -EBUSY;
	if (spin_trylock(lock))
		spin_unlock(lock);
	else
		fake->ret = -EDEADLK;
}

/* The event of a fence is sent once, when the fence is signaled. */
static void test_event(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct virtio_gpu_fence_event *e;

	fake->f[0] = fake_alloc(fake, 0);
	KUNIT_ASSERT_NOT_NULL(test, fake->f[0]);
	e = kzalloc_obj(*e);
	KUNIT_ASSERT_NOT_NULL(test, e);
	/* It is nobody's, so it is freed behind that. */
	e->base.completion = &fake->event;
	e->base.completion_release = event_sent;
	fake->f[0]->e = e;
	fake_emit(fake, fake->f[0]);
	fake_new_fence(test, 1, 0);
	KUNIT_EXPECT_EQ(test, fake->events, 0);

	fake_complete(fake, 1);
	KUNIT_EXPECT_EQ(test, fake->events, 1);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	KUNIT_EXPECT_TRUE(test, completion_done(&fake->event));
	KUNIT_EXPECT_NULL(test, fake->f[0]->e);

	fake_complete(fake, 0);
	KUNIT_EXPECT_EQ(test, fake->events, 1);
}

static const char *out_fence_name(struct dma_fence *f)
{
	return "out-fence";
}

static const struct dma_fence_ops out_fence_ops = {
	.get_driver_name = out_fence_name,
	.get_timeline_name = out_fence_name,
};

/* A callback that takes the lock of the events would not come back. */
static void try_event_lock(void *arg)
{
	struct fake *fake = arg;
	spinlock_t *lock = &fake->ddev->event_lock;

	if (spin_trylock(lock))
		spin_unlock(lock);
	else
		fake->ret = -EDEADLK;
}

/*
 * The fence of an event is signaled with the lock of the events held, and that
 * goes for the callbacks of an array with this fence in it, too.
 */
static void test_event_fence(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct virtio_gpu_fence_event *e;
	struct dma_fence_array *array;
	struct dma_fence **members;
	struct dma_fence *out;

	fake->f[0] = fake_alloc(fake, 0);
	KUNIT_ASSERT_NOT_NULL(test, fake->f[0]);
	e = kzalloc_obj(*e);
	KUNIT_ASSERT_NOT_NULL(test, e);
	out = kzalloc_obj(*out);
	KUNIT_ASSERT_NOT_NULL(test, out);
	dma_fence_init(out, &out_fence_ops, dma_fence_context_alloc(1), 1);
	e->base.fence = dma_fence_get(out);
	fake->f[0]->e = e;
	fake_emit(fake, fake->f[0]);
	fake_new_fence(test, 1, 1);

	members = kmalloc_objs(*members, 2);
	KUNIT_ASSERT_NOT_NULL(test, members);
	members[0] = out;
	members[1] = dma_fence_get(&fake->f[1]->f);
	array = dma_fence_array_create(2, members, dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_NOT_NULL(test, array);
	KUNIT_ASSERT_EQ(test, dma_fence_kunit_add_cb(&array->base, &fake->cb[2],
						     &fake->vgdev->fence_drv.lock,
						     try_event_lock, fake), 0);

	fake_complete(fake, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[2].calls, 0);
	fake_complete(fake, 0);
	KUNIT_EXPECT_EQ(test, fake->cb[2].calls, 1);
	KUNIT_EXPECT_FALSE(test, fake->cb[2].locked);
	KUNIT_EXPECT_EQ(test, fake->ret, -EDEADLK);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), 1);
	dma_fence_put(&array->base);
}

/* A callback may submit the next job. */
static void emit_late(void *arg)
{
	struct fake *fake = arg;

	/* It would not come back from that. */
	if (fake->cb[0].locked)
		return;
	fake_emit(fake, fake->late);
	fake->ret = 0;
}

static void test_callback_emits(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->late = fake_alloc(fake, -1);
	KUNIT_ASSERT_NOT_NULL(test, fake->late);
	fake_new_fences(test, 2);
	fake->ret = -EDEADLK;
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, emit_late), 0);
	fake_complete(fake, 1);

	KUNIT_EXPECT_FALSE(test, fake->cb[0].locked);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 1));
	KUNIT_EXPECT_EQ(test, fake->late->fence_id, 3);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&fake->late->f));
	KUNIT_EXPECT_EQ(test, kref_read(&fake->late->f.refcount), 2);

	virtio_gpu_fence_event_process(fake->vgdev, 3);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&fake->late->f));
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* The list has the last reference: the fence lives until it is signaled. */
static void test_last_reference(struct kunit *test)
{
	struct fake *fake = test->priv;
	u64 id;

	fake_new_fences(test, 1);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, NULL), 0);
	id = fake->f[0]->fence_id;
	KUNIT_ASSERT_EQ(test, fake_refs(fake, 0), 2);
	dma_fence_put(&fake->f[0]->f);
	fake->f[0] = NULL;
	synchronize_rcu();

	virtio_gpu_fence_event_process(fake->vgdev, id);
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * One CPU has taken the fences off the list and is in a callback of the first.
 * The others are not signaled yet, and not on the list.
 */
static void stop_in_callback(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_reach(&fake->race, 1);
	kunit_turns_await(&fake->race, 2);
}

static void complete_all_taken(void *arg)
{
	struct fake *fake = arg;

	fake_complete(fake, 2);
}

static void use_taken(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake->ret = fake_add_cb(fake, 1, NULL);
	if (fake_signaled(fake, 2) || dma_fence_is_signaled(&fake->f[2]->f))
		fake->ret = -EINVAL;
	if (!dma_fence_try_set_error(&fake->f[2]->f, -ECANCELED))
		fake->ret = -EINVAL;
	kunit_turns_reach(&fake->race, 2);
}

static void test_taken(struct kunit *test)
{
	struct fake *fake = test->priv;
	int i;

	kunit_turns_require_cpus(test);
	fake_new_fences(test, 3);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, stop_in_callback), 0);
	kunit_turns_run(test, &fake->race, complete_all_taken, use_taken, fake);

	KUNIT_EXPECT_FALSE(test, fake->cb[0].locked);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fake->f[i]->f),
				i == 2 ? -ECANCELED : 1);
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);
	}
	KUNIT_EXPECT_EQ(test, fake->cb[0].calls, 1);
	KUNIT_EXPECT_EQ(test, fake->cb[1].calls, 1);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* The other CPU submits meanwhile, to the same ring. */
static void emit_meanwhile(void *arg)
{
	struct fake *fake = arg;

	kunit_turns_await(&fake->race, 1);
	fake_emit(fake, fake->late);
	kunit_turns_reach(&fake->race, 2);
}

static void test_emit_while_signaling(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	fake->late = fake_alloc(fake, -1);
	KUNIT_ASSERT_NOT_NULL(test, fake->late);
	fake_new_fences(test, 3);
	KUNIT_ASSERT_EQ(test, fake_add_cb(fake, 0, stop_in_callback), 0);
	kunit_turns_run(test, &fake->race, complete_all_taken, emit_meanwhile, fake);

	KUNIT_EXPECT_TRUE(test, fake_signaled(fake, 2));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&fake->late->f));
	KUNIT_EXPECT_EQ(test, kref_read(&fake->late->f.refcount), 2);
	virtio_gpu_fence_event_process(fake->vgdev, fake->late->fence_id);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&fake->late->f));
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/*
 * Two CPUs submit, each time at the same time: the ids are in the order of the
 * list, none is used twice.
 */
static void emit_many(struct fake *fake, bool second)
{
	struct virtio_gpu_fence *fence;
	int n;

	for (n = 1; n <= FAKE_LOOPS; n++) {
		fence = fake_alloc(fake, n % 2);
		if (!fence) {
			fake->ret = -ENOMEM;
			WRITE_ONCE(fake->race.timed_out, true);
			return;
		}
		kunit_turns_meet(&fake->race, second, n);
		fake_emit(fake, fence);
		dma_fence_put(&fence->f);
	}
}

static void emit_many_a(void *arg)
{
	emit_many(arg, false);
}

static void emit_many_b(void *arg)
{
	emit_many(arg, true);
}

static void test_emit_race(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct virtio_gpu_fence *fence;
	u64 id = 0;

	kunit_turns_require_cpus(test);
	kunit_turns_run(test, &fake->race, emit_many_a, emit_many_b, fake);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);

	list_for_each_entry(fence, &fake->vgdev->fence_drv.fences, node)
		if (fence->fence_id != ++id)
			break;
	KUNIT_EXPECT_EQ(test, id, 2 * FAKE_LOOPS);
	fake_complete_all(fake);
}

/*
 * One CPU adds a callback, the host completes the fence at the same time. It
 * is called, or was not added. Then the fence is signaled.
 */
static void emit_and_add(void *arg)
{
	struct fake *fake = arg;
	struct dma_fence_kunit_cb *cb = &fake->cb[0];
	int n, calls, added;

	for (n = 1; n <= FAKE_LOOPS; n++) {
		fake->f[0] = fake_alloc(fake, 0);
		if (!fake->f[0]) {
			fake->ret = -ENOMEM;
			WRITE_ONCE(fake->race.timed_out, true);
			return;
		}
		fake_emit(fake, fake->f[0]);
		calls = cb->calls;
		kunit_turns_reach(&fake->race, n);
		added = fake_add_cb(fake, 0, NULL) == 0;
		if (!added && !fake_signaled(fake, 0))
			fake->ret = -EINVAL;
		if (!kunit_turns_await_echo(&fake->race, n))
			return;

		if (cb->calls != calls + added || cb->locked ||
		    fake_refs(fake, 0) != 1)
			fake->ret = -EINVAL;
		dma_fence_put(&fake->f[0]->f);
		fake->f[0] = NULL;
	}
}

static void complete_each(void *arg)
{
	struct fake *fake = arg;
	int n;

	for (n = 1; n <= FAKE_LOOPS; n++) {
		if (!kunit_turns_await(&fake->race, n))
			return;
		fake_complete(fake, 0);
		kunit_turns_reach_echo(&fake->race, n);
	}
}

static void test_add_race(struct kunit *test)
{
	struct fake *fake = test->priv;

	kunit_turns_require_cpus(test);
	kunit_turns_run(test, &fake->race, emit_and_add, complete_each, fake);
	KUNIT_EXPECT_EQ(test, fake->ret, 0);
}

/* A submission that fails drops the fence before it has an id. */
static void test_not_emitted(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->f[0] = fake_alloc(fake, 0);
	KUNIT_ASSERT_NOT_NULL(test, fake->f[0]);
	/* Its id is 0 until then, which must not make it known to the host. */
	virtio_gpu_fence_event_process(fake->vgdev, 0);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_EQ(test, fake_refs(fake, 0), 1);

	fake_new_fence(test, 1, 0);
	KUNIT_EXPECT_EQ(test, fake->f[1]->fence_id, 1);
	fake_complete(fake, 1);
	KUNIT_EXPECT_FALSE(test, fake_signaled(fake, 0));
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

/* Nothing of a signaled fence leads to the device, or to the driver. */
static void test_outlives(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct dma_fence *fence;
	int i;

	fake_new_fence(test, 0, -1);
	fake_new_fence(test, 1, 0);
	rcu_read_lock();
	fence = &fake->f[1]->f;
	KUNIT_EXPECT_STREQ(test, dma_fence_kunit_name(dma_fence_driver_name(fence)),
			   "virtio_gpu");
	KUNIT_EXPECT_STREQ(test, dma_fence_kunit_name(dma_fence_timeline_name(fence)),
			   "controlq");
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(test, dma_fence_try_set_error(fence, -ECANCELED));

	fake_complete(fake, 0);
	fake_complete(fake, 1);
	kfree(fake->vgdev);
	fake->vgdev = NULL;
	synchronize_rcu();

	for (i = 0; i < 2; i++) {
		fence = &fake->f[i]->f;
		KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(fence->ops), NULL);
		KUNIT_ASSERT_TRUE(test, dma_fence_is_signaled(fence));
		KUNIT_EXPECT_EQ(test, fake_add_cb(fake, i, NULL), -ENOENT);
		KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, false), 0);
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence),
				i ? -ECANCELED : 1);
		dma_fence_set_deadline(fence, ktime_get());
		KUNIT_EXPECT_EQ(test, fake_refs(fake, i), 1);

		rcu_read_lock();
		KUNIT_EXPECT_STRNEQ(test, dma_fence_kunit_name(dma_fence_driver_name(fence)),
				    "virtio_gpu");
		KUNIT_EXPECT_STRNEQ(test, dma_fence_kunit_name(dma_fence_timeline_name(fence)),
				    "controlq");
		rcu_read_unlock();
	}
}

/*
 * After any sequence of calls a fence is signaled if the host has completed it
 * or a later one of its ring, and the list has a reference if it is not.
 */
static void test_random(struct kunit *test)
{
	u64 seed = get_random_u64();
	struct fake *fake = test->priv;
	bool done[4], added[4];
	struct rnd_state rnd;
	int n, i, k;

	kunit_info(test, "seed %llu\n", seed);
	prandom_seed_state(&rnd, seed);

	for (n = 0; n < 2000; n++) {
		i = prandom_u32_state(&rnd) % 4;

		switch (prandom_u32_state(&rnd) % 4) {
		case 0:
			if (fake->f[i] && !done[i])
				break;
			if (fake->f[i])
				dma_fence_put(&fake->f[i]->f);
			memset(&fake->cb[i], 0, sizeof(fake->cb[i]));
			done[i] = false;
			added[i] = false;
			fake_new_fence(test, i, (int)(prandom_u32_state(&rnd) % 3) - 1);
			break;
		case 1:
			if (fake->f[i] && !added[i])
				added[i] = !fake_add_cb(fake, i, NULL);
			break;
		case 2:
			if (!fake->f[i])
				break;
			/* The report of a fence that is done is ignored. */
			for (k = 0; k < 4 && !done[i]; k++)
				if (k != i && fake->f[k] &&
				    fake->f[k]->f.context == fake->f[i]->f.context &&
				    fake->f[k]->fence_id < fake->f[i]->fence_id)
					done[k] = true;
			done[i] = true;
			fake_complete(fake, i);
			break;
		case 3:
			virtio_gpu_fence_event_process(fake->vgdev, 0);
			break;
		}

		for (i = 0; i < 4; i++)
			if (fake->f[i] && (fake_signaled(fake, i) != done[i] ||
					   fake_refs(fake, i) != 2 - done[i] ||
					   fake->cb[i].calls != (added[i] && done[i])))
				break;
		if (i < 4) {
			KUNIT_FAIL(test, "step %d: fence %d: refs %d, calls %d, signaled %d not %d",
				   n, i, fake_refs(fake, i), fake->cb[i].calls,
				   fake_signaled(fake, i), done[i]);
			break;
		}
	}

	for (i = 0; i < 4; i++)
		if (fake->f[i])
			fake_complete(fake, i);
	KUNIT_EXPECT_TRUE(test, fake_idle(fake));
}

static struct kunit_case virtgpu_fence_test_cases[] = {
	KUNIT_CASE(test_emit),
	KUNIT_CASE(test_in_order),
	KUNIT_CASE(test_out_of_order),
	KUNIT_CASE(test_contexts),
	KUNIT_CASE(test_unknown_id),
	KUNIT_CASE(test_event),
	KUNIT_CASE(test_event_fence),
	KUNIT_CASE(test_callback_emits),
	KUNIT_CASE(test_last_reference),
	KUNIT_CASE(test_taken),
	KUNIT_CASE(test_emit_while_signaling),
	KUNIT_CASE(test_emit_race),
	KUNIT_CASE(test_add_race),
	KUNIT_CASE(test_not_emitted),
	KUNIT_CASE(test_outlives),
	KUNIT_CASE_SLOW(test_random),
	{}
};

static struct kunit_suite virtgpu_fence_suite = {
	.name = "virtio-gpu-fence",
	.test_cases = virtgpu_fence_test_cases,
	.init = fake_init,
	.exit = fake_exit,
};

kunit_test_suite(virtgpu_fence_suite);
