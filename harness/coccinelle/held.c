// SPDX-License-Identifier: GPL-2.0-only
/* Signaling with a lock held that an op takes. */
#include <linux/dma-fence.h>

static bool held_enable_signaling(struct dma_fence *fence)
{
	struct held_fence *f = to_held_fence(fence);
	unsigned long flags;

	spin_lock_irqsave(&f->ring->lock, flags);
	f->armed = f->pending;
	spin_unlock_irqrestore(&f->ring->lock, flags);
	return true;
}

static void held_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	struct held_fence *f = to_held_fence(fence);
	unsigned long flags;

	spin_lock_irqsave(&f->deadline_lock, flags);
	f->deadline = deadline;
	spin_unlock_irqrestore(&f->deadline_lock, flags);
}

static const struct dma_fence_ops held_ops = {
	.get_driver_name = held_name,
	.get_timeline_name = held_name,
	.enable_signaling = held_enable_signaling,
	.set_deadline = held_set_deadline,
};

static irqreturn_t under_list_lock(int irq, void *data)
{
	struct held_fence *f, *next;
	struct held_ring *ring = data;

	spin_lock(&ring->lock);
	list_for_each_entry_safe(f, next, &ring->pending, head) {
		list_del(&f->head);
		dma_fence_signal(&f->base);
		dma_fence_put(&f->base);
	}
	spin_unlock(&ring->lock);
	return IRQ_HANDLED;
}

static void under_deadline_lock(struct held_fence *f)
{
	unsigned long flags;

	spin_lock_irqsave(&f->deadline_lock, flags);
	if (f->deadline && !dma_fence_is_signaled(&f->base))
		f->late = true;
	spin_unlock_irqrestore(&f->deadline_lock, flags);
}

/* Right. */
static void after_list_lock(struct held_ring *ring)
{
	struct held_fence *f, *next;
	LIST_HEAD(done);

	spin_lock_irq(&ring->lock);
	list_splice_init(&ring->pending, &done);
	spin_unlock_irq(&ring->lock);

	list_for_each_entry_safe(f, next, &done, head)
		dma_fence_signal(&f->base);
}

/* Right: dropped for each. */
static void one_by_one(struct held_ring *ring)
{
	struct held_fence *f;

	spin_lock(&ring->lock);
	while ((f = held_first(ring))) {
		list_del_init(&f->head);
		spin_unlock(&ring->lock);
		dma_fence_signal(&f->base);
		spin_lock(&ring->lock);
	}
	spin_unlock(&ring->lock);
}

/* Right: no op takes this one. */
static void under_other_lock(struct held_ring *ring, struct dma_fence *fence)
{
	spin_lock(&ring->submit_lock);
	dma_fence_signal(fence);
	spin_unlock(&ring->submit_lock);
}
