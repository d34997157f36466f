// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for fence containers: arrays and chains signal themselves from
 * the callbacks of their members, on a stack that does not grow with them.
 */

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "dma-fence-hooks.h"

static unsigned int order_seed;
module_param(order_seed, uint, 0444);
MODULE_PARM_DESC(order_seed, "Seed of the random orders of signaling (0: random)");

/**
 * struct st_depth - the stack that is used below a function of the test
 * @base: its frame
 * @max: the largest distance from there to a sample
 */
struct st_depth {
	unsigned long base;
	unsigned long max;
};

static noinline void st_depth_sample(struct st_depth *depth)
{
	unsigned long here = (unsigned long)__builtin_frame_address(0);

	depth->max = max(depth->max, abs_diff(depth->base, here));
}

/**
 * struct st_cb - a callback that records, and does something for the test
 * @base: the callback
 * @ran: how often it has run
 * @error: the error of the fence, as the callback saw it
 * @depth: sampled if not NULL
 * @put: a reference to drop, or NULL
 * @next: a fence to signal, or NULL
 */
struct st_cb {
	struct dma_fence_cb base;
	int ran;
	int error;
	struct st_depth *depth;
	struct dma_fence *put;
	struct dma_fence *next;
};

static void st_cb_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct st_cb *c = container_of(cb, typeof(*c), base);

	c->error = fence->error;
	WRITE_ONCE(c->ran, c->ran + 1);
	if (c->depth)
		st_depth_sample(c->depth);
	if (c->next)
		dma_fence_signal(c->next);
	dma_fence_put(c->put);
}

static int st_cb_add(struct dma_fence *fence, struct st_cb *c)
{
	return dma_fence_add_callback(fence, &c->base, st_cb_func);
}

static bool st_enable_fails(struct st_fence *f)
{
	return false;
}

static bool st_lazy(struct st_fence *f)
{
	return true;
}

static void st_members_new(struct kunit *test, struct st_fence **m, int n)
{
	while (n--)
		m[n] = st_fence_new(test);
}

/* Drops the last references, so the container goes away. */
static void st_members_put(struct kunit *test, struct st_fence **m, int n)
{
	while (n--) {
		KUNIT_EXPECT_EQ(test, kref_read(&m[n]->base.refcount), 1);
		dma_fence_put(&m[n]->base);
	}
}

/* An array of @n members, to which the test keeps its own references. */
static struct dma_fence *st_array_new(struct kunit *test, struct st_fence **m,
				      int n)
{
	struct dma_fence_array *array;
	struct dma_fence **fences;
	int i;

	fences = kmalloc_objs(*fences, n);
	KUNIT_ASSERT_NOT_NULL(test, fences);
	for (i = 0; i < n; i++)
		fences[i] = dma_fence_get(&m[i]->base);

	array = dma_fence_array_create(n, fences, dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_NOT_NULL(test, array);

	return &array->base;
}

/* A new chain node. Takes the reference to @prev, gets one to @fence. */
static struct dma_fence *st_node_new(struct kunit *test, struct dma_fence *prev,
				     struct dma_fence *fence, u64 seqno)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();

	KUNIT_ASSERT_NOT_NULL(test, chain);
	dma_fence_chain_init(chain, prev, dma_fence_get(fence), seqno);

	return &chain->base;
}

static void st_order_init(int *order, int n)
{
	while (n--)
		order[n] = n;
}

/* Step to the next order, in lexical order. Returns false after the last. */
static bool st_order_next(int *order, int n)
{
	int i = n - 1, j = n - 1;

	while (i > 0 && order[i - 1] > order[i])
		i--;
	if (!i)
		return false;

	while (order[j] < order[i - 1])
		j--;
	swap(order[i - 1], order[j]);
	for (j = n - 1; i < j; i++, j--)
		swap(order[i], order[j]);

	return true;
}

static void st_order_shuffle(struct rnd_state *rnd, int *order, int n)
{
	while (--n > 0) {
		int i = prandom_u32_state(rnd) % (n + 1);

		swap(order[n], order[i]);
	}
}

static void st_order_seed(struct kunit *test, struct rnd_state *rnd)
{
	u32 seed = order_seed ?: get_random_u32();

	kunit_info(test, "order_seed=%u\n", seed);
	prandom_seed_state(rnd, seed);
}

/* The array is signaled when dma_fence_signal() of its last member returns. */
static void st_array_orders(struct kunit *test)
{
	struct st_fence *m[4];
	int order[4];
	int i;

	st_order_init(order, 4);
	do {
		struct dma_fence *array;
		struct st_cb cb = {};

		st_members_new(test, m, 4);
		array = st_array_new(test, m, 4);
		KUNIT_ASSERT_EQ(test, st_cb_add(array, &cb), 0);

		for (i = 0; i < 4; i++) {
			KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(array));
			KUNIT_EXPECT_EQ(test, cb.ran, 0);
			dma_fence_signal(&m[order[i]]->base);
		}
		KUNIT_EXPECT_TRUE(test, dma_fence_test_signaled_flag(array));
		KUNIT_EXPECT_EQ(test, cb.ran, 1);
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(array), 1);

		dma_fence_put(array);
		st_members_put(test, m, 4);
	} while (st_order_next(order, 4));
}

/* The array keeps the error of the first member that fails. */
static void st_array_error(struct kunit *test)
{
	struct st_fence *m[4];
	int order[4];
	int fails, i;

	st_order_init(order, 4);
	do {
		for (fails = 0; fails < BIT(4); fails++) {
			int error = fails ? -(__ffs(fails) + 1) : 0;
			struct dma_fence *array;
			struct st_cb cb = {};

			st_members_new(test, m, 4);
			array = st_array_new(test, m, 4);
			KUNIT_ASSERT_EQ(test, st_cb_add(array, &cb), 0);

			for (i = 0; i < 4; i++) {
				struct dma_fence *f = &m[order[i]]->base;

				if (fails & BIT(i))
					dma_fence_set_error(f, -(i + 1));
				dma_fence_signal(f);
			}
			KUNIT_EXPECT_EQ(test, cb.error, error);
			KUNIT_EXPECT_EQ(test, array->error, error);
			KUNIT_EXPECT_EQ(test, dma_fence_get_status(array),
					error ?: 1);

			dma_fence_put(array);
			st_members_put(test, m, 4);
		}
	} while (st_order_next(order, 4));
}

/* Polling the members signals them, and thereby an array that is enabled. */
static void st_array_lazy(struct kunit *test)
{
	struct dma_fence *array;
	struct st_cb cb = {};
	struct st_fence *m[3];
	int i;

	/* Enabled, the first member has failed. */
	st_members_new(test, m, 3);
	array = st_array_new(test, m, 3);
	KUNIT_ASSERT_EQ(test, st_cb_add(array, &cb), 0);
	dma_fence_set_error(&m[0]->base, -EIO);
	dma_fence_signal(&m[0]->base);
	for (i = 1; i < 3; i++) {
		m[i]->signaled = st_lazy;
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(array));
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&m[i]->base));
	}
	KUNIT_EXPECT_TRUE(test, dma_fence_test_signaled_flag(array));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(array));
	KUNIT_EXPECT_EQ(test, cb.ran, 1);
	KUNIT_EXPECT_EQ(test, cb.error, -EIO);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(array), -EIO);
	dma_fence_put(array);
	st_members_put(test, m, 3);

	/* Not enabled: enabling it later finds it signaled. */
	st_members_new(test, m, 3);
	array = st_array_new(test, m, 3);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(array), 0);
		m[i]->signaled = st_lazy;
	}
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(array), 1);
	KUNIT_EXPECT_EQ(test, st_cb_add(array, &cb), -ENOENT);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(array), 1);
	KUNIT_EXPECT_EQ(test, cb.ran, 1);
	dma_fence_put(array);
	st_members_put(test, m, 3);
}

/* What the two CPUs of a race on a container share. */
struct st_container_race {
	struct kunit_turns race;
	struct dma_fence *container;
	struct st_fence *m[4];
	struct dma_fence *node[4];
	unsigned int mask;
	int left;
	struct st_cb cb[2];
	int ret[2];
	bool done;
	bool waited;
};

/* Hook of the member at which one CPU stops, with what it has read so far. */
static bool st_stop_at_member(struct st_fence *f)
{
	struct st_container_race *r = f->priv;

	if (r->race.step == 0) {
		kunit_turns_reach(&r->race, 1);
		kunit_turns_await(&r->race, 2);
	}
	return true;
}

static void st_lazy_race_poll(void *arg)
{
	struct st_container_race *r = arg;

	r->ret[0] = dma_fence_get_status(r->container);
}

static void st_lazy_race_signal(void *arg)
{
	struct st_container_race *r = arg;
	int i;

	kunit_turns_await(&r->race, 1);
	r->ret[1] = st_cb_add(r->container, &r->cb[1]);
	for (i = 0; i < 3; i++) {
		dma_fence_set_error(&r->m[i]->base, -(i + 1));
		dma_fence_signal(&r->m[i]->base);
	}
	kunit_turns_reach(&r->race, 2);
}

/*
 * One CPU polls an array that is not enabled. Before it is done, the other
 * enables the array, which is signaled with an error. The poller then finds all
 * members signaled. It must not clear the error, nor signal again.
 */
static void st_array_lazy_race(struct kunit *test)
{
	struct st_container_race r = {};

	st_members_new(test, r.m, 3);
	r.m[0]->signaled = st_stop_at_member;
	r.m[0]->priv = &r;
	r.container = st_array_new(test, r.m, 3);

	kunit_turns_run(test, &r.race, st_lazy_race_poll, st_lazy_race_signal, &r);

	KUNIT_EXPECT_EQ(test, r.ret[1], 0);
	KUNIT_EXPECT_EQ(test, r.cb[1].ran, 1);
	KUNIT_EXPECT_EQ(test, r.cb[1].error, -1);
	KUNIT_EXPECT_EQ(test, r.ret[0], -1);
	KUNIT_EXPECT_EQ(test, r.container->error, -1);

	dma_fence_put(r.container);
	st_members_put(test, r.m, 3);
}

/* Some members, or all, are signaled when the array gets enabled. */
static void st_array_enable(struct kunit *test)
{
	unsigned int before;
	int i, n;

	for (n = 1; n <= 3; n++) {
		for (before = 0; before < BIT(n); before++) {
			bool all = before == BIT(n) - 1;
			struct dma_fence *array;
			struct st_fence *m[3];
			struct st_cb cb = {};
			int error = 0;

			st_members_new(test, m, n);
			array = st_array_new(test, m, n);
			for (i = 0; i < n; i++) {
				if (!(before & BIT(i)))
					continue;
				error = error ?: -(i + 1);
				dma_fence_set_error(&m[i]->base, -(i + 1));
				dma_fence_signal(&m[i]->base);
			}

			KUNIT_EXPECT_EQ(test, st_cb_add(array, &cb),
					all ? -ENOENT : 0);
			for (i = 0; i < n; i++) {
				if (before & BIT(i))
					continue;
				KUNIT_EXPECT_FALSE(test, dma_fence_test_signaled_flag(array));
				dma_fence_signal(&m[i]->base);
			}
			KUNIT_EXPECT_TRUE(test, dma_fence_test_signaled_flag(array));
			KUNIT_EXPECT_EQ(test, cb.ran, all ? 0 : 1);
			KUNIT_EXPECT_EQ(test, array->error, error);

			dma_fence_put(array);
			st_members_put(test, m, n);
		}
	}
}

/* The enable_signaling op of some members, or of all, finds them completed. */
static void st_array_enable_fails(struct kunit *test)
{
	unsigned int fails;
	int i;

	for (fails = 1; fails < BIT(3); fails++) {
		bool all = fails == BIT(3) - 1;
		struct dma_fence *array;
		struct st_fence *m[3];
		struct st_cb cb = {};
		int error = -(__ffs(fails) + 1);

		st_members_new(test, m, 3);
		array = st_array_new(test, m, 3);
		for (i = 0; i < 3; i++) {
			if (!(fails & BIT(i)))
				continue;
			m[i]->enable = st_enable_fails;
			dma_fence_set_error(&m[i]->base, -(i + 1));
		}

		KUNIT_EXPECT_EQ(test, st_cb_add(array, &cb), all ? -ENOENT : 0);
		for (i = 0; i < 3; i++) {
			bool signaled = dma_fence_test_signaled_flag(&m[i]->base);

			KUNIT_EXPECT_EQ(test, signaled, !!(fails & BIT(i)));
			dma_fence_signal(&m[i]->base);
		}
		KUNIT_EXPECT_TRUE(test, dma_fence_test_signaled_flag(array));
		KUNIT_EXPECT_EQ(test, cb.ran, all ? 0 : 1);
		KUNIT_EXPECT_EQ(test, array->error, error);

		dma_fence_put(array);
		st_members_put(test, m, 3);
	}
}

static void st_enable_race_enable(void *arg)
{
	struct st_container_race *r = arg;

	r->ret[0] = st_cb_add(r->container, &r->cb[0]);
}

static void st_enable_race_signal(void *arg)
{
	struct st_container_race *r = arg;
	int i;

	kunit_turns_await(&r->race, 1);
	r->ret[1] = st_cb_add(r->container, &r->cb[1]);
	for (i = 0; i < 3; i++)
		if (r->mask & BIT(i))
			dma_fence_signal(&r->m[i]->base);
	kunit_turns_reach(&r->race, 2);
}

/*
 * One CPU is inside the enable_signaling op of the container when another adds
 * a callback to the container and signals members. If that was all of them,
 * enabling fails, and runs the callback that the other CPU added.
 */
static void st_enable_race_check(struct kunit *test, struct st_container_race *r)
{
	bool all = r->mask == BIT(3) - 1;
	int i;

	kunit_turns_run(test, &r->race, st_enable_race_enable,
			st_enable_race_signal, r);

	KUNIT_EXPECT_EQ(test, r->ret[0], all ? -ENOENT : 0);
	KUNIT_EXPECT_EQ(test, r->ret[1], 0);
	KUNIT_EXPECT_EQ(test, dma_fence_test_signaled_flag(r->container), all);
	KUNIT_EXPECT_EQ(test, r->cb[0].ran, 0);
	KUNIT_EXPECT_EQ(test, r->cb[1].ran, all ? 1 : 0);

	for (i = 0; i < 3; i++)
		dma_fence_signal(&r->m[i]->base);
	KUNIT_EXPECT_TRUE(test, dma_fence_test_signaled_flag(r->container));
	KUNIT_EXPECT_EQ(test, r->cb[0].ran, all ? 0 : 1);
	KUNIT_EXPECT_EQ(test, r->cb[1].ran, 1);
}

static void st_array_enable_race(struct kunit *test)
{
	unsigned int mask;
	int at;

	for (at = 0; at < 3; at++) {
		for (mask = 0; mask < BIT(3); mask++) {
			struct st_container_race r = { .mask = mask };

			st_members_new(test, r.m, 3);
			r.m[at]->enable = st_stop_at_member;
			r.m[at]->priv = &r;
			r.container = st_array_new(test, r.m, 3);

			st_enable_race_check(test, &r);

			dma_fence_put(r.container);
			st_members_put(test, r.m, 3);
		}
	}
}

/* The last reference goes in the array's own callback, or right after it. */
static void st_array_last_put(struct kunit *test)
{
	bool own;

	own = true;
	do {
		struct dma_fence *array;
		struct st_fence *m[2];
		struct st_cb cb = {};

		st_members_new(test, m, 2);
		array = st_array_new(test, m, 2);
		cb.put = own ? array : NULL;
		KUNIT_ASSERT_EQ(test, st_cb_add(array, &cb), 0);
		if (!own)
			dma_fence_put(array);

		dma_fence_signal(&m[0]->base);
		KUNIT_EXPECT_EQ(test, kref_read(&m[1]->base.refcount), 2);
		dma_fence_signal(&m[1]->base);
		KUNIT_EXPECT_EQ(test, cb.ran, 1);
		st_members_put(test, m, 2);

		own = !own;
	} while (!own);
}

static void st_array_remove(struct kunit *test)
{
	struct st_cb removed = {}, kept = {};
	struct dma_fence *array;
	struct st_fence *m[2];

	st_members_new(test, m, 2);
	array = st_array_new(test, m, 2);
	KUNIT_ASSERT_EQ(test, st_cb_add(array, &removed), 0);
	KUNIT_ASSERT_EQ(test, st_cb_add(array, &kept), 0);

	dma_fence_signal(&m[0]->base);
	KUNIT_EXPECT_TRUE(test, dma_fence_remove_callback(array, &removed.base));
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(array, &removed.base));
	dma_fence_signal(&m[1]->base);
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(array, &kept.base));
	KUNIT_EXPECT_EQ(test, removed.ran, 0);
	KUNIT_EXPECT_EQ(test, kept.ran, 1);

	dma_fence_put(array);
	st_members_put(test, m, 2);
}

static void st_slow_cb_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct st_container_race *r = container_of(cb, typeof(*r), cb[0].base);

	kunit_turns_reach(&r->race, 1);
	kunit_turns_await(&r->race, 2);
	r->waited = kunit_turns_stays_false(&r->done);
	r->cb[0].ran++;
}

static void st_remove_race_signal(void *arg)
{
	struct st_container_race *r = arg;

	dma_fence_signal(&r->m[0]->base);
}

static void st_remove_race_remove(void *arg)
{
	struct st_container_race *r = arg;

	kunit_turns_await(&r->race, 1);
	kunit_turns_reach(&r->race, 2);
	r->ret[1] = dma_fence_remove_callback(r->container, &r->cb[0].base);
	r->ret[0] = r->cb[0].ran;
	WRITE_ONCE(r->done, true);
}

/* Removing waits for a callback of the array that the member's signaler runs. */
static void st_array_remove_race(struct kunit *test)
{
	struct st_container_race r = {};

	st_members_new(test, r.m, 1);
	r.container = st_array_new(test, r.m, 1);
	KUNIT_ASSERT_EQ(test, dma_fence_add_callback(r.container, &r.cb[0].base,
						     st_slow_cb_func), 0);

	kunit_turns_run(test, &r.race, st_remove_race_signal, st_remove_race_remove,
			&r);

	KUNIT_EXPECT_TRUE(test, r.waited);
	KUNIT_EXPECT_EQ(test, r.ret[1], false);
	KUNIT_EXPECT_EQ(test, r.ret[0], 1);

	dma_fence_put(r.container);
	st_members_put(test, r.m, 1);
}

/* Three dispatches each; lockdep has room for 48 held locks. */
#define ST_STAGES	6

/*
 * A member signals an array, the array signals the chain that it is in, and a
 * callback of the chain signals the next member, all in one call.
 */
static void st_nested(struct kunit *test)
{
	struct st_depth depth = {
		.base = (unsigned long)__builtin_frame_address(0),
	};
	struct dma_fence *chain[ST_STAGES];
	struct st_fence *m[2 * ST_STAGES];
	struct st_cb *cb;
	int i;

	cb = kunit_kcalloc(test, ST_STAGES, sizeof(*cb), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, cb);

	st_members_new(test, m, 2 * ST_STAGES);
	for (i = 0; i < ST_STAGES; i++) {
		struct dma_fence *array = st_array_new(test, &m[2 * i], 2);

		chain[i] = st_node_new(test, NULL, array, 1);
		dma_fence_put(array);

		cb[i].depth = &depth;
		if (i < ST_STAGES - 1)
			cb[i].next = &m[2 * (i + 1)]->base;
		KUNIT_ASSERT_EQ(test, st_cb_add(chain[i], &cb[i]), 0);
		dma_fence_signal(&m[2 * i + 1]->base);
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(chain[i]));
	}

	dma_fence_signal(&m[0]->base);

	for (i = 0; i < ST_STAGES; i++) {
		KUNIT_EXPECT_EQ(test, cb[i].ran, 1);
		KUNIT_EXPECT_TRUE(test, dma_fence_test_signaled_flag(chain[i]));
		dma_fence_put(chain[i]);
	}
	kunit_info(test, "%d nested calls of dma_fence_signal(): %lu bytes of stack\n",
		   3 * ST_STAGES, depth.max);
	st_members_put(test, m, 2 * ST_STAGES);
}

/**
 * struct st_chain - a chain of which the test knows all links
 * @n: how many
 * @member: the contained fences, oldest first
 * @node: the chain nodes around them
 * @cb: a callback for each node
 * @order: in which the members get signaled
 */
struct st_chain {
	int n;
	struct st_fence **member;
	struct dma_fence **node;
	struct st_cb *cb;
	int *order;
};

static void st_chain_new(struct kunit *test, struct st_chain *c, int n,
			 const struct dma_fence_ops *ops)
{
	struct dma_fence *prev = NULL;
	int i;

	c->n = n;
	c->member = kunit_kcalloc(test, n, sizeof(*c->member), GFP_KERNEL);
	c->node = kunit_kcalloc(test, n, sizeof(*c->node), GFP_KERNEL);
	c->cb = kunit_kcalloc(test, n, sizeof(*c->cb), GFP_KERNEL);
	c->order = kunit_kcalloc(test, n, sizeof(*c->order), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c->member);
	KUNIT_ASSERT_NOT_NULL(test, c->node);
	KUNIT_ASSERT_NOT_NULL(test, c->cb);
	KUNIT_ASSERT_NOT_NULL(test, c->order);

	for (i = 0; i < n; i++) {
		c->member[i] = __st_fence_new(test, ops);
		c->node[i] = st_node_new(test, prev, &c->member[i]->base, i + 1);
		prev = dma_fence_get(c->node[i]);
		c->order[i] = i;
	}
	dma_fence_put(prev);
}

static void st_chain_put_nodes(struct st_chain *c)
{
	int i;

	/* The newest first: nobody else has a reference to the next one then. */
	for (i = c->n - 1; i >= 0; i--) {
		dma_fence_put(c->node[i]);
		c->node[i] = NULL;
	}
}

static void st_chain_free(struct kunit *test, struct st_chain *c)
{
	st_chain_put_nodes(c);
	st_members_put(test, c->member, c->n);
	kunit_kfree(test, c->member);
	kunit_kfree(test, c->node);
	kunit_kfree(test, c->cb);
	kunit_kfree(test, c->order);
}

/* Add a callback to all nodes, or only to the last. */
static void st_chain_arm(struct kunit *test, struct st_chain *c, bool all)
{
	int i;

	for (i = all ? 0 : c->n - 1; i < c->n; i++)
		KUNIT_ASSERT_EQ(test, st_cb_add(c->node[i], &c->cb[i]), 0);
}

/*
 * Signal the members in the order given. After each step, exactly those nodes
 * are signaled of which all members are, and their callbacks have run.
 */
static void st_chain_signal(struct kunit *test, struct st_chain *c, bool all)
{
	int i, k;

	st_chain_arm(test, c, all);
	for (i = 0; i < c->n; i++) {
		bool signaled = true;

		dma_fence_signal(&c->member[c->order[i]]->base);
		for (k = 0; k < c->n; k++) {
			if (!dma_fence_test_signaled_flag(&c->member[k]->base))
				signaled = false;
			if (!all && k < c->n - 1)
				continue;
			KUNIT_EXPECT_EQ(test, dma_fence_test_signaled_flag(c->node[k]),
					signaled);
			KUNIT_EXPECT_EQ(test, c->cb[k].ran, signaled ? 1 : 0);
		}
	}
}

/* Like an array: signaled when dma_fence_signal() of the last one returns. */
static void st_chain_orders(struct kunit *test)
{
	struct rnd_state rnd;
	int round, all, i;

	st_order_seed(test, &rnd);
	for (round = 0; round < 32; round++) {
		for (all = 0; all < 2; all++) {
			struct st_chain c;

			st_chain_new(test, &c, round < 2 ? 8 : 1 + round,
				     &st_fence_ops);
			if (round == 1)
				for (i = 0; i < c.n; i++)
					c.order[i] = c.n - 1 - i;
			else if (round > 1)
				st_order_shuffle(&rnd, c.order, c.n);

			st_chain_signal(test, &c, all);
			st_chain_free(test, &c);
		}
	}
}

static void st_chain_enable_race(struct kunit *test)
{
	unsigned int mask;
	int i;

	for (mask = 0; mask < BIT(3); mask++) {
		struct st_container_race r = { .mask = mask };

		st_members_new(test, r.m, 3);
		for (i = 0; i < 3; i++)
			r.container = st_node_new(test, r.container,
						  &r.m[i]->base, i + 1);
		r.m[2]->enable = st_stop_at_member;
		r.m[2]->priv = &r;

		st_enable_race_check(test, &r);

		dma_fence_put(r.container);
		st_members_put(test, r.m, 3);
	}
}

/* The last reference to the chain goes in its own callback. */
static void st_chain_last_put(struct kunit *test)
{
	struct dma_fence *chain = NULL;
	struct st_fence *m[3];
	struct st_cb cb = {};
	int i;

	st_members_new(test, m, 3);
	for (i = 0; i < 3; i++)
		chain = st_node_new(test, chain, &m[i]->base, i + 1);
	cb.put = chain;
	KUNIT_ASSERT_EQ(test, st_cb_add(chain, &cb), 0);

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, cb.ran, 0);
		dma_fence_signal(&m[i]->base);
	}
	KUNIT_EXPECT_EQ(test, cb.ran, 1);
	st_members_put(test, m, 3);
}

static bool st_deep_lazy(struct st_fence *f)
{
	st_depth_sample(f->priv);
	return true;
}

static bool st_deep_enable(struct st_fence *f)
{
	st_depth_sample(f->priv);
	return true;
}

static void st_deep_release(struct dma_fence *fence)
{
	st_depth_sample(to_st_fence(fence)->priv);
	dma_fence_free(fence);
}

static const struct dma_fence_ops st_deep_ops = {
	.get_driver_name = st_fence_name,
	.get_timeline_name = st_fence_name,
	.enable_signaling = st_fence_enable_signaling,
	.signaled = st_fence_signaled,
	.release = st_deep_release,
};

static void st_deep_new(struct kunit *test, struct st_chain *c, int n,
			struct st_depth *depth)
{
	int i;

	st_chain_new(test, c, n, &st_deep_ops);
	for (i = 0; i < n; i++) {
		c->member[i]->priv = depth;
		c->member[i]->enable = st_deep_enable;
		c->member[i]->signaled = st_deep_lazy;
		c->cb[i].depth = depth;
	}
}

enum st_deep_how {
	/* All nodes have a callback. */
	ST_DEEP_NEWEST_FIRST,
	ST_DEEP_OLDEST_FIRST,
	ST_DEEP_POLL_NODES,
	/* Only the last node has one, and nobody keeps the others. */
	ST_DEEP_ONE_NEWEST_FIRST,
	ST_DEEP_ONE_OLDEST_FIRST,
	ST_DEEP_ONE_POLL,
	ST_DEEP_HOWS
};

/*
 * With a callback on each node, signaling the newest first moves each callback
 * to the next member, over and over. The work grows with the square.
 */
#define ST_DEEP_SQUARE	256

/* The depth of the stack that a chain of @n links takes to signal and free. */
static unsigned long st_deep_run(struct kunit *test, int n, enum st_deep_how how)
{
	bool all = how < ST_DEEP_ONE_NEWEST_FIRST;
	struct st_depth depth = {
		.base = (unsigned long)__builtin_frame_address(0),
	};
	struct dma_fence *last;
	struct st_chain c;
	int newest = 0;
	int i, ran = 0;

	st_deep_new(test, &c, n, &depth);
	st_chain_arm(test, &c, all);
	last = dma_fence_get(c.node[n - 1]);
	if (!all)
		st_chain_put_nodes(&c);

	switch (how) {
	case ST_DEEP_NEWEST_FIRST:
		newest = n <= ST_DEEP_SQUARE ? n : 16;
		break;
	case ST_DEEP_ONE_NEWEST_FIRST:
		newest = n;
		break;
	case ST_DEEP_POLL_NODES:
		for (i = 0; i < n; i++)
			KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(c.node[i]));
		break;
	case ST_DEEP_ONE_POLL:
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(last));
		break;
	default:
		break;
	}
	for (i = 0; i < newest; i++)
		dma_fence_signal(&c.member[n - 1 - i]->base);
	for (i = 0; i < n; i++)
		dma_fence_signal(&c.member[i]->base);

	KUNIT_EXPECT_TRUE(test, dma_fence_test_signaled_flag(last));
	for (i = 0; i < n; i++)
		ran += c.cb[i].ran;
	KUNIT_EXPECT_EQ(test, ran, all ? n : 1);

	dma_fence_put(last);
	st_chain_free(test, &c);

	return depth.max;
}

/* A chain that nobody has enabled, freed from its head. */
static unsigned long st_deep_run_free(struct kunit *test, int n)
{
	struct st_depth depth = {
		.base = (unsigned long)__builtin_frame_address(0),
	};
	struct dma_fence *last;
	struct st_chain c;
	int i;

	st_deep_new(test, &c, n, &depth);
	last = dma_fence_get(c.node[n - 1]);
	st_chain_put_nodes(&c);
	for (i = 0; i < n; i++)
		dma_fence_put(&c.member[i]->base);

	KUNIT_EXPECT_EQ(test, depth.max, 0);
	dma_fence_put(last);
	KUNIT_EXPECT_GT(test, depth.max, 0);

	/* The members are gone with it. */
	c.n = 0;
	st_chain_free(test, &c);

	return depth.max;
}

/*
 * Start with lengths at which a recursion still fits on the stack, so that the
 * test reports it instead of crashing. A chain of two does not take every path,
 * hence the slack, which is less than six rounds of a recursion need.
 */
static const int st_deep_lengths[] = { 2, 8, 100, 10000 };

#define ST_DEEP_SLACK	512

static void st_deep_check(struct kunit *test, const char *name, int n,
			  unsigned long depth, unsigned long *shortest)
{
	if (!*shortest)
		*shortest = depth;
	KUNIT_ASSERT_LE_MSG(test, depth, *shortest + ST_DEEP_SLACK,
			    "%s: the stack grows with the chain, %d links", name,
			    n);
	if (n == 10000)
		kunit_info(test, "%s: %lu bytes of stack\n", name, depth);
}

static void st_chain_stack(struct kunit *test)
{
	static const char * const name[] = {
		[ST_DEEP_NEWEST_FIRST] = "newest first",
		[ST_DEEP_OLDEST_FIRST] = "oldest first",
		[ST_DEEP_POLL_NODES] = "polled",
		[ST_DEEP_ONE_NEWEST_FIRST] = "one callback, newest first",
		[ST_DEEP_ONE_OLDEST_FIRST] = "one callback, oldest first",
		[ST_DEEP_ONE_POLL] = "one callback, polled",
	};
	enum st_deep_how how;
	int i;

	for (how = 0; how < ST_DEEP_HOWS; how++) {
		unsigned long shortest = 0;

		for (i = 0; i < ARRAY_SIZE(st_deep_lengths); i++) {
			int n = st_deep_lengths[i];

			st_deep_check(test, name[how], n,
				      st_deep_run(test, n, how), &shortest);
		}
	}
}

static void st_chain_stack_free(struct kunit *test)
{
	unsigned long shortest = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(st_deep_lengths); i++) {
		int n = st_deep_lengths[i];

		st_deep_check(test, "freed", n, st_deep_run_free(test, n),
			      &shortest);
	}
}

static void st_gc_race_walk(void *arg)
{
	struct st_container_race *r = arg;
	struct dma_fence *next;

	next = dma_fence_chain_walk(dma_fence_get(r->container));
	r->ret[0] = next == r->node[r->left];
	dma_fence_put(next);
}

static void st_gc_race_signal(void *arg)
{
	struct st_container_race *r = arg;
	struct dma_fence *next;
	int i;

	kunit_turns_await(&r->race, 1);
	for (i = 2; i > r->left; i--)
		dma_fence_signal(&r->m[i]->base);
	next = dma_fence_chain_walk(dma_fence_get(r->container));
	r->ret[1] = next == r->node[r->left];
	dma_fence_put(next);
	kunit_turns_reach(&r->race, 2);
}

/*
 * Two CPUs drop the same node. The second one has seen the node and must give
 * back its references. If the first one has dropped the next node as well, the
 * second must not bring it back.
 */
static void st_chain_gc_race(struct kunit *test)
{
	int left, i;

	for (left = 1; left >= 0; left--) {
		struct st_container_race r = { .left = left };

		st_members_new(test, r.m, 4);
		for (i = 0; i < 4; i++) {
			r.container = st_node_new(test, r.container,
						  &r.m[i]->base, i + 1);
			r.node[i] = dma_fence_get(r.container);
		}
		r.m[2]->signaled = st_stop_at_member;
		r.m[2]->priv = &r;

		kunit_turns_run(test, &r.race, st_gc_race_walk, st_gc_race_signal,
				&r);

		KUNIT_EXPECT_TRUE(test, r.ret[0]);
		KUNIT_EXPECT_TRUE(test, r.ret[1]);
		/* Out of the chain, only the test still has it. */
		KUNIT_EXPECT_EQ(test, kref_read(&r.node[2]->refcount), 1);
		/* The test and the node after it; the one that is left: the head. */
		for (i = left; i < 2; i++)
			KUNIT_EXPECT_EQ(test, kref_read(&r.node[i]->refcount),
					i == left ? 3 : 2);

		for (i = 0; i < 4; i++) {
			dma_fence_signal(&r.m[i]->base);
			dma_fence_put(r.node[i]);
		}
		dma_fence_put(r.container);
		st_members_put(test, r.m, 4);
	}
}

struct st_gc_loop {
	struct kunit_turns race;
	struct st_chain c;
	struct dma_fence *last;
};

static void st_gc_loop_walk(void *arg)
{
	struct st_gc_loop *l = arg;
	struct dma_fence *f;

	kunit_turns_reach(&l->race, 1);
	do {
		dma_fence_chain_for_each(f, l->last)
			;

		/* Trades the reference for one to what it finds, if anything. */
		f = dma_fence_get(l->last);
		dma_fence_chain_find_seqno(&f, l->c.n / 2);
		dma_fence_put(f);
		/* Pairs with the release in kunit_turns_reach(). */
	} while (smp_load_acquire(&l->race.step) < 2);
}

static void st_gc_loop_signal(void *arg)
{
	struct st_gc_loop *l = arg;
	int i;

	kunit_turns_await(&l->race, 1);
	for (i = 0; i < l->c.n; i++)
		dma_fence_signal(&l->c.member[l->c.order[i]]->base);
	kunit_turns_reach(&l->race, 2);
}

/* Nodes are dropped by a walk on one CPU and by callbacks on the other. */
static void st_chain_gc(struct kunit *test)
{
	struct rnd_state rnd;
	int round, i;

	st_order_seed(test, &rnd);
	for (round = 0; round < 100; round++) {
		struct st_gc_loop l = {};
		int ran = 0;

		st_chain_new(test, &l.c, 64, &st_fence_ops);
		st_order_shuffle(&rnd, l.c.order, l.c.n);
		l.last = dma_fence_get(l.c.node[l.c.n - 1]);
		st_chain_arm(test, &l.c, round & 1);
		/* With the nodes kept by nobody else, they are freed as well. */
		if (round & 2)
			st_chain_put_nodes(&l.c);

		kunit_turns_run(test, &l.race, st_gc_loop_walk, st_gc_loop_signal,
				&l);

		KUNIT_EXPECT_TRUE(test, dma_fence_test_signaled_flag(l.last));
		dma_fence_put(l.last);
		for (i = 0; i < l.c.n; i++)
			ran += l.c.cb[i].ran;
		KUNIT_EXPECT_EQ(test, ran, round & 1 ? l.c.n : 1);
		st_chain_free(test, &l.c);
	}
}

static struct kunit_case st_container_cases[] = {
	KUNIT_CASE(st_array_orders),
	KUNIT_CASE(st_array_error),
	KUNIT_CASE(st_array_lazy),
	KUNIT_CASE(st_array_lazy_race),
	KUNIT_CASE(st_array_enable),
	KUNIT_CASE(st_array_enable_fails),
	KUNIT_CASE(st_array_enable_race),
	KUNIT_CASE(st_array_last_put),
	KUNIT_CASE(st_array_remove),
	KUNIT_CASE(st_array_remove_race),
	KUNIT_CASE(st_nested),
	KUNIT_CASE(st_chain_orders),
	KUNIT_CASE(st_chain_enable_race),
	KUNIT_CASE(st_chain_last_put),
	KUNIT_CASE(st_chain_stack),
	KUNIT_CASE(st_chain_stack_free),
	KUNIT_CASE(st_chain_gc_race),
	KUNIT_CASE(st_chain_gc),
	{}
};

static struct kunit_suite st_container_suite = {
	.name = "dma-fence-containers",
	.test_cases = st_container_cases,
};

kunit_test_suite(st_container_suite);
