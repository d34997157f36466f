/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the KUnit tests for the signaling of fences share: a fence with hooks.
 */

#ifndef __DMA_FENCE_HOOKS_H
#define __DMA_FENCE_HOOKS_H

#include <kunit/test.h>
#include <kunit/turns.h>
#include <linux/dma-fence.h>
#include <linux/lockdep.h>
#include <linux/slab.h>

/**
 * struct st_fence - a fence whose ops the test provides
 * @base: the fence, first because dma_fence_free() frees the whole
 * @enable: called by the enable_signaling op, which returns true without it
 * @signaled: called by the signaled op, which returns false without it
 * @released: set by the release op, of fences from st_fence_new_release()
 * @freed: set a grace period after that
 * @priv: for the test
 */
struct st_fence {
	struct dma_fence base;
	bool (*enable)(struct st_fence *f);
	bool (*signaled)(struct st_fence *f);
	bool *released;
	bool *freed;
	void *priv;
};

#define to_st_fence(fence)	container_of(fence, struct st_fence, base)

static inline const char *st_fence_name(struct dma_fence *fence)
{
	return "st";
}

static inline bool st_fence_enable_signaling(struct dma_fence *fence)
{
	struct st_fence *f = to_st_fence(fence);

	return f->enable ? f->enable(f) : true;
}

static inline bool st_fence_signaled(struct dma_fence *fence)
{
	struct st_fence *f = to_st_fence(fence);

	return f->signaled ? f->signaled(f) : false;
}

static inline void st_fence_free_rcu(struct rcu_head *rcu)
{
	struct st_fence *f = container_of(rcu, struct st_fence, base.rcu);

	WRITE_ONCE(*f->freed, true);
	kfree(f);
}

static inline void st_fence_release(struct dma_fence *fence)
{
	struct st_fence *f = to_st_fence(fence);

	WRITE_ONCE(*f->released, true);
	/* Unlike kfree_rcu(), this always uses what is in the union. */
	call_rcu(&fence->rcu, st_fence_free_rcu);
}

static const struct dma_fence_ops st_fence_ops = {
	.get_driver_name = st_fence_name,
	.get_timeline_name = st_fence_name,
	.enable_signaling = st_fence_enable_signaling,
	.signaled = st_fence_signaled,
};

static const struct dma_fence_ops st_fence_release_ops = {
	.get_driver_name = st_fence_name,
	.get_timeline_name = st_fence_name,
	.enable_signaling = st_fence_enable_signaling,
	.signaled = st_fence_signaled,
	.release = st_fence_release,
};

static inline struct st_fence *
__st_fence_new(struct kunit *test, const struct dma_fence_ops *ops)
{
	struct st_fence *f = kzalloc_obj(*f);

	KUNIT_ASSERT_NOT_NULL(test, f);
	dma_fence_init(&f->base, ops, dma_fence_context_alloc(1), 1);
	return f;
}

/* A fence that loses its ops when it is signaled. */
static inline struct st_fence *st_fence_new(struct kunit *test)
{
	return __st_fence_new(test, &st_fence_ops);
}

/* A fence that keeps its ops, and tells when it is gone: rcu_barrier() first. */
static inline struct st_fence *
st_fence_new_release(struct kunit *test, bool *released, bool *freed)
{
	struct st_fence *f = __st_fence_new(test, &st_fence_release_ops);

	f->released = released;
	f->freed = freed;
	return f;
}

/* How many locks of the class of fence locks does the current context hold? */
static inline int st_fence_locks_held(struct dma_fence *fence)
{
	int n = 0;
#ifdef CONFIG_LOCKDEP
	int i;

	for (i = 0; i < lockdep_depth(current); i++)
		if (current->held_locks[i].instance->key ==
		    fence->lock.dep_map.key)
			n++;
#endif
	return n;
}

#endif /* __DMA_FENCE_HOOKS_H */
