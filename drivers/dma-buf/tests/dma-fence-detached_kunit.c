// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for fences whose issuer is gone: a signaled fence that has lost
 * its ops is safe in every path, alone and inside of containers.
 */

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/sync_file.h>

#include "dma-fence-hooks.h"

#define ST_ERROR	(-EIO)
#define ST_SECOND	secs_to_jiffies(1)

/**
 * struct st_issuer - all that a driver has
 * @ops: of its fences
 * @name: of driver and timeline
 * @deadlines: how often the set_deadline op was called
 * @hook: called once by the op that is next, in a test of two CPUs
 * @gone: how often it was called when it was gone already
 * @ctx: of the test
 */
struct st_issuer {
	struct dma_fence_ops ops;
	char name[8];
	int deadlines;
	void (*hook)(struct st_issuer *issuer);
	int gone;
	void *ctx;
};

/**
 * struct st_issued - a fence of such a driver
 * @base: the fence, first because dma_fence_free() frees the whole
 * @issuer: not to be used once the fence is signaled and a grace period is over
 */
struct st_issued {
	struct dma_fence base;
	struct st_issuer *issuer;
};

static struct st_issuer *st_issuer_of(struct dma_fence *fence)
{
	return container_of(fence, struct st_issued, base)->issuer;
}

static void st_hook(struct st_issuer *issuer)
{
	void (*hook)(struct st_issuer *issuer);

	hook = xchg(&issuer->hook, NULL);
	if (hook)
		hook(issuer);
}

static const char *st_issuer_name(struct dma_fence *fence)
{
	struct st_issuer *issuer = st_issuer_of(fence);

	st_hook(issuer);
	return issuer->name;
}

static bool st_issuer_enable(struct dma_fence *fence)
{
	st_hook(st_issuer_of(fence));
	return true;
}

static bool st_issuer_signaled(struct dma_fence *fence)
{
	st_hook(st_issuer_of(fence));
	return false;
}

static void st_issuer_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	struct st_issuer *issuer = st_issuer_of(fence);

	/* The core looks whether it is signaled first: that was another op. */
	st_hook(issuer);
	issuer->deadlines++;
}

/* The same when it is gone. */

static const char *st_gone_name(struct dma_fence *fence)
{
	st_issuer_of(fence)->gone++;
	return "gone";
}

static bool st_gone(struct dma_fence *fence)
{
	st_issuer_of(fence)->gone++;
	return true;
}

static void st_gone_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	st_issuer_of(fence)->gone++;
}

static signed long st_gone_wait(struct dma_fence *fence, bool intr,
				signed long timeout)
{
	st_issuer_of(fence)->gone++;
	return timeout;
}

static void st_gone_release(struct dma_fence *fence)
{
	st_issuer_of(fence)->gone++;
	dma_fence_free(fence);
}

static const struct dma_fence_ops st_gone_ops = {
	.get_driver_name = st_gone_name,
	.get_timeline_name = st_gone_name,
	.enable_signaling = st_gone,
	.signaled = st_gone,
	.wait = st_gone_wait,
	.release = st_gone_release,
	.set_deadline = st_gone_set_deadline,
};

static struct st_issuer *st_issuer_new(struct kunit *test)
{
	struct st_issuer *issuer = kzalloc_obj(*issuer);

	KUNIT_ASSERT_NOT_NULL(test, issuer);
	issuer->ops = (struct dma_fence_ops) {
		.get_driver_name = st_issuer_name,
		.get_timeline_name = st_issuer_name,
		.enable_signaling = st_issuer_enable,
		.signaled = st_issuer_signaled,
		.set_deadline = st_issuer_set_deadline,
	};
	strscpy(issuer->name, "issuer");
	return issuer;
}

static struct dma_fence *st_issue(struct kunit *test, struct st_issuer *issuer)
{
	struct st_issued *fence = kzalloc_obj(*fence);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	fence->issuer = issuer;
	dma_fence_init(&fence->base, &issuer->ops, dma_fence_context_alloc(1), 1);
	return &fence->base;
}

/**
 * struct st_world - what each test starts with
 * @gone: an issuer that is gone, if test->param_value says so also its memory
 * @f: two fences of it, the second one with an error
 * @live: another issuer
 * @pending: its fence
 */
struct st_world {
	struct st_issuer *gone;
	struct dma_fence *f[2];
	struct st_issuer *live;
	struct dma_fence *pending;
};

/*
 * All tests run twice: first with what is left of the issuer counting calls,
 * then with it freed, so that KASAN sees any access.
 */
static const bool st_freed[] = { false, true };

static void st_freed_desc(const bool *freed, char *desc)
{
	strscpy(desc, *freed ? "freed" : "counts", KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(st_freed, st_freed, st_freed_desc);

static struct st_world *st_world_new(struct kunit *test)
{
	struct st_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->live = st_issuer_new(test);
	w->pending = st_issue(test, w->live);

	w->gone = st_issuer_new(test);
	for (i = 0; i < 2; i++)
		w->f[i] = st_issue(test, w->gone);
	/* Somebody waited for one of them, and nobody for the other. */
	dma_fence_enable_signaling(w->f[0]);
	dma_fence_set_error(w->f[1], ST_ERROR);
	for (i = 0; i < 2; i++)
		dma_fence_signal(w->f[i]);

	synchronize_rcu();
	w->gone->ops = st_gone_ops;
	strscpy(w->gone->name, "poison");
	if (*(const bool *)test->param_value) {
		kfree(w->gone);
		w->gone = NULL;
	}

	return w;
}

static void st_world_end(struct kunit *test, struct st_world *w)
{
	int i;

	dma_fence_signal(w->pending);
	KUNIT_EXPECT_EQ(test, kref_read(&w->pending->refcount), 1);
	dma_fence_put(w->pending);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, kref_read(&w->f[i]->refcount), 1);
		dma_fence_put(w->f[i]);
	}
	/* The last reference, too, is dropped after the issuer is gone. */
	if (w->gone)
		KUNIT_EXPECT_EQ(test, w->gone->gone, 0);
	rcu_barrier();
	kfree(w->gone);
	kfree(w->live);
}

/* An array of @a, @b, with references of its own. */
static struct dma_fence *st_array_of(struct kunit *test, struct dma_fence *a,
				     struct dma_fence *b)
{
	struct dma_fence_array *array;
	struct dma_fence **fences;

	fences = kmalloc_objs(*fences, 2);
	KUNIT_ASSERT_NOT_NULL(test, fences);
	fences[0] = dma_fence_get(a);
	fences[1] = dma_fence_get(b);
	array = dma_fence_array_create(2, fences, dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_NOT_NULL(test, array);
	return &array->base;
}

/* A chain: @b after @a, with references of its own. */
static struct dma_fence *st_chain_of(struct kunit *test, struct dma_fence *a,
				     struct dma_fence *b)
{
	struct dma_fence *prev = NULL;
	int i;

	for (i = 0; i < 2; i++) {
		struct dma_fence_chain *chain = dma_fence_chain_alloc();

		KUNIT_ASSERT_NOT_NULL(test, chain);
		dma_fence_chain_init(chain, prev, dma_fence_get(i ? b : a), i + 1);
		prev = &chain->base;
	}
	return prev;
}

static void st_called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
}

/* State */

static void st_test_state(struct kunit *test)
{
	struct st_world *w = st_world_new(test);
	struct dma_fence_cb cb = {};
	struct dma_fence *f;
	int i;

	for (i = 0; i < 2; i++) {
		f = w->f[i];
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(f));
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(f), i ? ST_ERROR : 1);
		KUNIT_EXPECT_NE(test, ktime_to_ns(dma_fence_timestamp(f)), 0);
		KUNIT_EXPECT_FALSE(test, dma_fence_try_set_error(f, -ENODEV));
		dma_fence_signal(f);
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(f), i ? ST_ERROR : 1);

		dma_fence_enable_signaling(f);
		KUNIT_EXPECT_EQ(test, dma_fence_add_callback(f, &cb, st_called), -ENOENT);
		KUNIT_EXPECT_EQ(test, dma_fence_add_callback_lazy(f, &cb, st_called),
				-ENOENT);
		KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(f, &cb));
		dma_fence_flush_callbacks(f);
	}
	st_world_end(test, w);
}

/* Names */

/* Valid until the end of the RCU read-side critical section. */
static const char *st_string(const char __rcu *name)
{
	return rcu_dereference(name);
}

static void st_test_names(struct kunit *test)
{
	struct st_world *w = st_world_new(test);
	struct seq_file seq = { .size = 256 };
	char *said;

	said = kunit_kzalloc(test, seq.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, said);
	seq.buf = said;

	rcu_read_lock();
	KUNIT_EXPECT_STREQ(test, st_string(dma_fence_driver_name(w->f[0])),
			   "detached-driver");
	KUNIT_EXPECT_STREQ(test, st_string(dma_fence_timeline_name(w->f[0])),
			   "signaled-timeline");
	KUNIT_EXPECT_STREQ(test, st_string(dma_fence_driver_name(w->pending)),
			   "issuer");
	rcu_read_unlock();

	dma_fence_describe(w->f[1], &seq);
	KUNIT_EXPECT_NOT_NULL(test, strstr(said, "signalled"));
	KUNIT_EXPECT_NULL(test, strstr(said, "poison"));
	KUNIT_EXPECT_NULL(test, strstr(said, "gone"));
	st_world_end(test, w);
}

/* Deadlines */

static void st_test_deadline(struct kunit *test)
{
	struct st_world *w = st_world_new(test);

	dma_fence_set_deadline(w->f[0], ktime_get());
	dma_fence_set_deadline(w->f[1], ktime_get());
	dma_fence_set_deadline(w->pending, ktime_get());
	KUNIT_EXPECT_EQ(test, w->live->deadlines, 1);

	/* It is signaled. Its issuer still exists, but was not asked again. */
	dma_fence_signal(w->pending);
	dma_fence_set_deadline(w->pending, ktime_get());
	KUNIT_EXPECT_EQ(test, w->live->deadlines, 1);
	st_world_end(test, w);
}

/* A container passes it only to those that are not signaled yet. */
static void st_test_deadline_containers(struct kunit *test)
{
	struct st_world *w = st_world_new(test);
	struct dma_fence *c[4];
	int i;

	c[0] = st_array_of(test, w->f[0], w->pending);
	c[1] = st_chain_of(test, w->f[0], w->pending);
	c[2] = st_chain_of(test, w->pending, w->f[1]);
	c[3] = st_chain_of(test, c[0], w->f[1]);
	for (i = 0; i < 4; i++) {
		w->live->deadlines = 0;
		dma_fence_set_deadline(c[i], ktime_get());
		KUNIT_EXPECT_EQ(test, w->live->deadlines, 1);
	}

	dma_fence_signal(w->pending);
	for (i = 4; i--;) {
		dma_fence_set_deadline(c[i], ktime_get());
		dma_fence_put(c[i]);
	}
	KUNIT_EXPECT_EQ(test, w->live->deadlines, 1);
	st_world_end(test, w);
}

/* Waits */

static void st_test_wait(struct kunit *test)
{
	struct st_world *w = st_world_new(test);
	struct dma_fence *any[] = { w->pending, w->f[1] };
	u32 idx = ~0;
	int i;

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_wait(w->f[i], false), 0);
		KUNIT_EXPECT_EQ(test, dma_fence_wait(w->f[i], true), 0);
		KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(w->f[i], false, ST_SECOND),
				ST_SECOND);
		KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(w->f[i], false, 0), 0);
	}
	KUNIT_EXPECT_GT(test, dma_fence_wait_any_timeout(any, 2, false, ST_SECOND, &idx), 0);
	KUNIT_EXPECT_EQ(test, idx, 1);
	idx = ~0;
	KUNIT_EXPECT_GT(test, dma_fence_wait_any_timeout(any, 2, false, 0, &idx), 0);
	KUNIT_EXPECT_EQ(test, idx, 1);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(w->pending));
	st_world_end(test, w);
}

static void st_test_wait_containers(struct kunit *test)
{
	struct st_world *w = st_world_new(test);
	struct dma_fence *c[3];
	int i;

	c[0] = st_array_of(test, w->f[0], w->f[1]);
	c[1] = st_chain_of(test, w->f[0], w->f[1]);
	c[2] = st_chain_of(test, c[0], w->f[0]);
	for (i = 3; i--;) {
		KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(c[i], false, ST_SECOND),
				ST_SECOND);
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(c[i]));
		dma_fence_put(c[i]);
	}

	/* With a fence that is pending they wait for that one. */
	c[0] = st_array_of(test, w->f[0], w->pending);
	c[1] = st_chain_of(test, w->pending, w->f[0]);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(c[i], false, 1), 0);
		dma_fence_enable_signaling(c[i]);
	}
	dma_fence_signal(w->pending);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_wait(c[i], false), 0);
		dma_fence_put(c[i]);
	}
	st_world_end(test, w);
}

/* Containers that are made of them */

static void st_test_merge(struct kunit *test)
{
	struct st_world *w = st_world_new(test);
	struct dma_fence *merged, *array, *f;
	struct dma_fence_unwrap iter;
	int n = 0;

	/* One that was signaled without an error is left out. */
	merged = dma_fence_unwrap_merge(w->f[0], w->pending);
	KUNIT_EXPECT_PTR_EQ(test, merged, w->pending);
	dma_fence_put(merged);

	/* One that failed stays beside what is pending. */
	merged = dma_fence_unwrap_merge(w->f[0], w->pending, w->f[1]);
	KUNIT_ASSERT_NOT_NULL(test, merged);
	dma_fence_unwrap_for_each(f, &iter, merged) {
		KUNIT_EXPECT_TRUE(test, f == w->pending || f == w->f[1]);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, 2);
	dma_fence_put(merged);

	/* With nothing pending, it is the result. */
	merged = dma_fence_unwrap_merge(w->f[0], w->f[1]);
	KUNIT_EXPECT_PTR_EQ(test, merged, w->f[1]);
	dma_fence_put(merged);

	/* Without an error, a stub that is signaled. */
	merged = dma_fence_unwrap_merge(w->f[0], w->f[0]);
	KUNIT_ASSERT_NOT_NULL(test, merged);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merged));
	dma_fence_put(merged);

	n = 0;
	array = st_array_of(test, w->f[0], w->f[1]);
	dma_fence_unwrap_for_each(f, &iter, array)
		KUNIT_EXPECT_PTR_EQ(test, f, w->f[n++]);
	KUNIT_EXPECT_EQ(test, n, 2);
	dma_fence_put(array);
	st_world_end(test, w);
}

/* A buffer's */

static void st_test_resv(struct kunit *test)
{
	struct st_world *w = st_world_new(test);
	const enum dma_resv_usage usage = DMA_RESV_USAGE_READ;
	struct seq_file seq = { .size = 256 };
	struct dma_resv resv;
	int i;

	seq.buf = kunit_kzalloc(test, seq.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seq.buf);

	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(&resv, 3), 0);
	for (i = 0; i < 2; i++)
		dma_resv_add_fence(&resv, w->f[i], usage);
	dma_resv_describe(&resv, &seq);
	dma_resv_unlock(&resv);
	KUNIT_EXPECT_NULL(test, strstr(seq.buf, "poison"));

	dma_resv_set_deadline(&resv, usage, ktime_get());
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(&resv, usage));
	KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout(&resv, usage, false, ST_SECOND),
			ST_SECOND);

	dma_resv_lock(&resv, NULL);
	dma_resv_add_fence(&resv, w->pending, usage);
	dma_resv_unlock(&resv);
	dma_resv_set_deadline(&resv, usage, ktime_get());
	KUNIT_EXPECT_EQ(test, w->live->deadlines, 1);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(&resv, usage));
	dma_resv_fini(&resv);
	st_world_end(test, w);
}

/* A user's */

static long st_ioctl(struct sync_file *sync, unsigned int cmd, unsigned long arg)
{
	return sync->file->f_op->unlocked_ioctl(sync->file, cmd, arg);
}

static void st_test_sync_file(struct kunit *test)
{
	struct sync_set_deadline deadline = { .deadline_ns = 1 };
	struct sync_fence_info said[2] = {};
	struct st_world *w = st_world_new(test);
	struct sync_file_info info;
	struct sync_file *sync;
	struct dma_fence *array;
	unsigned long user;
	int i;

	if (!IS_ENABLED(CONFIG_SYNC_FILE)) {
		st_world_end(test, w);
		kunit_skip(test, "requires sync files");
	}

	user = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, user, 0);
	KUNIT_ASSERT_LT(test, user, TASK_SIZE);

	/* The name that it makes from those of the fence. */
	sync = sync_file_create(w->f[0]);
	KUNIT_ASSERT_NOT_NULL(test, sync);
	info = (struct sync_file_info) {};
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &info, sizeof(info)), 0);
	KUNIT_EXPECT_EQ(test, st_ioctl(sync, SYNC_IOC_FILE_INFO, user), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(&info, (void __user *)user, sizeof(info)), 0);
	KUNIT_EXPECT_EQ(test, info.status, 1);
	KUNIT_EXPECT_TRUE(test, strstarts(info.name, "detached-driver-signaled-"));
	__fput_sync(sync->file);

	array = st_array_of(test, w->f[0], w->f[1]);
	sync = sync_file_create(array);
	KUNIT_ASSERT_NOT_NULL(test, sync);
	dma_fence_put(array);

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &deadline,
					   sizeof(deadline)), 0);
	KUNIT_EXPECT_EQ(test, st_ioctl(sync, SYNC_IOC_SET_DEADLINE, user), 0);

	info = (struct sync_file_info) {
		.num_fences = 2,
		.sync_fence_info = user + sizeof(info),
	};
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &info, sizeof(info)), 0);
	KUNIT_EXPECT_EQ(test, st_ioctl(sync, SYNC_IOC_FILE_INFO, user), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(&info, (void __user *)user, sizeof(info)), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(said, (void __user *)user + sizeof(info),
					     sizeof(said)), 0);
	KUNIT_EXPECT_EQ(test, info.num_fences, 2);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, said[i].status, i ? ST_ERROR : 1);
		KUNIT_EXPECT_STREQ(test, said[i].driver_name, "detached-driver");
		KUNIT_EXPECT_STREQ(test, said[i].obj_name, "signaled-timeline");
		KUNIT_EXPECT_NE(test, said[i].timestamp_ns, 0);
	}
	__fput_sync(sync->file);
	st_world_end(test, w);
}

/*
 * One CPU is in an op when another one signals the fence, and waits for a grace
 * period to free the issuer.
 */

struct st_end {
	struct kunit_turns race;
	struct st_issuer *issuer;
	struct dma_fence *fence;
	void (*use)(struct dma_fence *fence);
	bool over;
	bool premature;
};

static void st_linger_in_op(struct st_issuer *issuer)
{
	struct st_end *e = issuer->ctx;

	kunit_turns_reach(&e->race, 1);
	/* The other CPU is about to wait for this section to end. */
	kunit_turns_await(&e->race, 2);
	e->premature = !kunit_turns_stays_false(&e->over);
}

static void st_end_use(void *arg)
{
	struct st_end *e = arg;

	e->use(e->fence);
}

static void st_end_issuer(void *arg)
{
	struct st_end *e = arg;

	kunit_turns_await(&e->race, 1);
	dma_fence_signal(e->fence);
	kunit_turns_reach(&e->race, 2);
	synchronize_rcu();
	WRITE_ONCE(e->over, true);
}

static void st_use_deadline(struct dma_fence *fence)
{
	dma_fence_set_deadline(fence, 0);
}

static void st_use_state(struct dma_fence *fence)
{
	dma_fence_is_signaled(fence);
}

static const struct st_use {
	const char *name;
	void (*func)(struct dma_fence *fence);
	/* The set_deadline op is called only after the signaled op. */
	bool no_signaled;
} st_uses[] = {
	{ "set_deadline", st_use_deadline, true },
	{ "signaled", st_use_state },
	{ "enable_signaling", dma_fence_enable_signaling },
};

KUNIT_ARRAY_PARAM_DESC(st_uses, st_uses, name);

static void st_test_op_ends_first(struct kunit *test)
{
	const struct st_use *use = test->param_value;
	struct st_end *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);

	kunit_turns_require_cpus(test);
	KUNIT_ASSERT_NOT_NULL(test, e);
	e->issuer = st_issuer_new(test);
	e->issuer->ctx = e;
	e->issuer->hook = st_linger_in_op;
	if (use->no_signaled)
		e->issuer->ops.signaled = NULL;
	e->fence = st_issue(test, e->issuer);
	e->use = use->func;
	kunit_turns_run(test, &e->race, st_end_use, st_end_issuer, e);

	KUNIT_EXPECT_FALSE_MSG(test, e->premature, "the issuer could be freed in its op");
	KUNIT_EXPECT_NULL(test, e->issuer->hook);
	KUNIT_EXPECT_TRUE(test, e->over);
	dma_fence_put(e->fence);
	kfree(e->issuer);
}

static struct kunit_case st_detached_cases[] = {
	KUNIT_CASE_PARAM(st_test_state, st_freed_gen_params),
	KUNIT_CASE_PARAM(st_test_names, st_freed_gen_params),
	KUNIT_CASE_PARAM(st_test_deadline, st_freed_gen_params),
	KUNIT_CASE_PARAM(st_test_deadline_containers, st_freed_gen_params),
	KUNIT_CASE_PARAM(st_test_wait, st_freed_gen_params),
	KUNIT_CASE_PARAM(st_test_wait_containers, st_freed_gen_params),
	KUNIT_CASE_PARAM(st_test_merge, st_freed_gen_params),
	KUNIT_CASE_PARAM(st_test_resv, st_freed_gen_params),
	KUNIT_CASE_PARAM(st_test_sync_file, st_freed_gen_params),
	KUNIT_CASE_PARAM(st_test_op_ends_first, st_uses_gen_params),
	{}
};

static struct kunit_suite st_detached_suite = {
	.name = "dma-fence-detached",
	.test_cases = st_detached_cases,
};

kunit_test_suite(st_detached_suite);
