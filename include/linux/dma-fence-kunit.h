/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For KUnit tests of drivers that issue fences: a callback that records how it
 * was called.
 */

#ifndef __LINUX_DMA_FENCE_KUNIT_H
#define __LINUX_DMA_FENCE_KUNIT_H

#include <linux/compiler.h>
#include <linux/dma-fence.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

/* What a test does in a callback or in an op. */
typedef void (*dma_fence_kunit_hook_t)(void *arg);

/**
 * struct dma_fence_kunit_cb - a callback that records
 * @base: the callback
 * @lock: a lock that nobody may hold while it runs, or NULL
 * @hook: called from the callback, on the CPU that signals; may be NULL
 * @arg: argument of @hook
 * @count: goes up by one with each call of a callback that has it, or NULL
 * @calls: how often it was called
 * @order: what @count was at the last call, with this call
 * @error: of the fence, as the last call saw it
 * @locked: was @lock held then?
 *
 * All zero at first. What the callback records is looked at where a test may
 * report: when interrupts are enabled again.
 */
struct dma_fence_kunit_cb {
	struct dma_fence_cb base;
	/* of the driver */
	spinlock_t *lock;
	dma_fence_kunit_hook_t hook;
	void *arg;
	int *count;

	int calls;
	int order;
	int error;
	bool locked;
};

/**
 * dma_fence_kunit_called - function of a callback that records
 * @fence: the fence
 * @base: the base of a struct dma_fence_kunit_cb
 *
 * Context: That of a callback.
 */
static inline void dma_fence_kunit_called(struct dma_fence *fence,
					  struct dma_fence_cb *base)
{
	struct dma_fence_kunit_cb *cb =
		container_of(base, struct dma_fence_kunit_cb, base);

	cb->error = fence->error;
	if (cb->lock) {
		cb->locked = !spin_trylock(cb->lock);
		if (!cb->locked)
			spin_unlock(cb->lock);
	}
	if (cb->count)
		cb->order = ++*cb->count;
	if (cb->hook)
		cb->hook(cb->arg);
	WRITE_ONCE(cb->calls, cb->calls + 1);
}

/**
 * dma_fence_kunit_add_cb - add a callback that records
 * @fence: the fence
 * @cb: the callback
 * @lock: a lock that nobody may hold while it runs, or NULL
 * @hook: called from the callback, on the CPU that signals; may be NULL
 * @arg: argument of @hook
 *
 * Context: That of dma_fence_add_callback().
 * Return: What dma_fence_add_callback() returns.
 */
static inline int dma_fence_kunit_add_cb(struct dma_fence *fence,
					 struct dma_fence_kunit_cb *cb,
					 spinlock_t *lock,
					 dma_fence_kunit_hook_t hook, void *arg)
{
	cb->lock = lock;
	cb->hook = hook;
	cb->arg = arg;
	return dma_fence_add_callback(fence, &cb->base, dma_fence_kunit_called);
}

/**
 * dma_fence_kunit_name - what dma_fence_driver_name() and its like return
 * @name: the name
 *
 * Context: An RCU read-side critical section, as long as the name is used.
 * Return: The name, to be passed to string functions.
 */
static inline const char *dma_fence_kunit_name(const char __rcu *name)
{
	return rcu_dereference(name);
}

/**
 * dma_fence_kunit_hook - call a hook once
 * @hook: where the hook is, or NULL; cleared before the call
 * @arg: its argument
 *
 * For what stands between the core and the op of a driver.
 *
 * Context: Any, as far as the hook goes.
 */
static inline void dma_fence_kunit_hook(dma_fence_kunit_hook_t *hook, void *arg)
{
	dma_fence_kunit_hook_t func;

	func = xchg(hook, NULL);
	if (func)
		func(arg);
}

#endif /* __LINUX_DMA_FENCE_KUNIT_H */
