// SPDX-License-Identifier: GPL-2.0-only
/* Calls and members that are gone. */
#include <linux/dma-fence.h>

static void signal_alone(struct dma_fence *fence)
{
	unsigned long flags;

	dma_fence_lock_irqsave(fence, flags);
	dma_fence_signal_locked(fence);
	dma_fence_unlock_irqrestore(fence, flags);
}

static void signal_at(struct dma_fence *fence, ktime_t when)
{
	unsigned long flags;

	dma_fence_lock_irqsave(fence, flags);
	dma_fence_signal_timestamp_locked(fence, when);
	dma_fence_unlock_irqrestore(fence, flags);
}

static bool check(struct thing *t)
{
	unsigned long flags;
	bool was;

	dma_fence_lock_irqsave(&t->fence, flags);
	was = dma_fence_check_and_signal_locked(&t->fence);
	dma_fence_unlock_irqrestore(&t->fence, flags);

	return was;
}

static int status(struct dma_fence *fence)
{
	unsigned long flags;
	int ret;

	dma_fence_lock_irqsave(fence, flags);
	ret = dma_fence_get_status_locked(fence);
	dma_fence_unlock_irqrestore(fence, flags);

	return ret;
}

/* Not to be patched: something else is done under the lock. */
static void more(struct thing *t)
{
	unsigned long flags;

	dma_fence_lock_irqsave(&t->fence, flags);
	t->count++;
	dma_fence_signal_locked(&t->fence);
	dma_fence_unlock_irqrestore(&t->fence, flags);
}

/* Nor this: it is the caller who has the lock. */
static void locked(struct thing *t)
{
	dma_fence_assert_held(&t->fence);
	if (dma_fence_is_signaled_locked(&t->fence))
		return;
	dma_fence_check_and_signal_locked(&t->fence);
}

static struct parent *parent_of(struct dma_fence *fence)
{
	return container_of(fence->extern_lock, struct parent, lock);
}

static void init(struct thing *t, struct parent *parent)
{
	dma_fence_init(&t->fence, &thing_ops, &parent->lock, parent->context, 1);
	dma_fence_init(&t->done, &thing_ops, NULL, parent->context, 2);
	dma_fence_init64(&t->late, &thing_ops, &t->lock, parent->context,
			 parent->seqno++);
	lockdep_set_class(&t->done.inline_lock, &thing_key);
}

static void own_lock(struct thing *t)
{
	guard(spinlock_irqsave)(dma_fence_spinlock(&t->fence));
	t->count++;
}

static void scoped(struct queue *queue)
{
	struct thing *t, *next;

	scoped_guard(spinlock_irqsave, &queue->lock) {
		list_for_each_entry_safe(t, next, &queue->things, node) {
			dma_fence_set_error(&t->fence, -EIO);
			dma_fence_signal_locked(&t->fence);
		}
	}
}

/* The lock itself, by whatever form. */
static bool busy(struct dma_fence *fence)
{
	return spin_is_locked(&fence->lock);
}
