// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sample of Documentation/driver-api/dma-fence-porting.rst, before: the
 * fences of a ring use the lock of the ring.
 */
#include <linux/dma-fence.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/slab.h>

struct demo_ring {
	spinlock_t lock;		/* the list, and all fences of the ring */
	struct list_head pending;	/* demo_fence.head, in order */
	u64 context;
	u32 seqno;
	void __iomem *regs;
};

struct demo_fence {
	struct dma_fence base;
	struct list_head head;
	bool armed;
};

struct demo_job {
	struct dma_fence *fence;
	struct dma_fence_cb cb;
	struct demo_ring *ring;
};

static struct demo_ring *demo_ring(struct demo_fence *f)
{
	return container_of(f->base.extern_lock, struct demo_ring, lock);
}

static bool demo_done(struct demo_fence *f)
{
	return (s32)(readl(demo_ring(f)->regs) - (u32)f->base.seqno) >= 0;
}

static const char *demo_name(struct dma_fence *fence)
{
	return "demo";
}

/* Called with the lock of the ring held, since it is the fence lock. */
static bool demo_enable_signaling(struct dma_fence *fence)
{
	struct demo_fence *f = container_of(fence, struct demo_fence, base);
	struct demo_ring *ring = demo_ring(f);

	demo_irq_get(ring);
	f->armed = true;

	/* The interrupt handler will take it off the list. */
	return !demo_done(f);
}

static const struct dma_fence_ops demo_ops = {
	.get_driver_name = demo_name,
	.get_timeline_name = demo_name,
	.enable_signaling = demo_enable_signaling,
};

static void demo_emit(struct demo_ring *ring, struct demo_fence *f)
{
	dma_fence_init(&f->base, &demo_ops, &ring->lock, ring->context,
		       ++ring->seqno);
	dma_fence_get(&f->base);
	spin_lock_irq(&ring->lock);
	list_add_tail(&f->head, &ring->pending);
	spin_unlock_irq(&ring->lock);
}

static void demo_finish(struct demo_ring *ring, struct demo_fence *f)
{
	list_del(&f->head);
	if (f->armed)
		demo_irq_put(ring);
	dma_fence_signal_locked(&f->base);
	dma_fence_put(&f->base);
}

static irqreturn_t demo_irq(int irq, void *data)
{
	struct demo_fence *f, *next;
	struct demo_ring *ring = data;

	spin_lock(&ring->lock);
	list_for_each_entry_safe(f, next, &ring->pending, head) {
		if (!demo_done(f))
			break;
		demo_finish(ring, f);
	}
	spin_unlock(&ring->lock);

	return IRQ_HANDLED;
}

static void demo_kill(struct demo_ring *ring)
{
	struct demo_fence *f, *next;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	list_for_each_entry_safe(f, next, &ring->pending, head) {
		if (!dma_fence_is_signaled_locked(&f->base))
			dma_fence_set_error(&f->base, -ECANCELED);
		demo_finish(ring, f);
	}
	spin_unlock_irqrestore(&ring->lock, flags);
}

static void demo_job_done(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct demo_job *job = container_of(cb, struct demo_job, cb);

	wake_up_all(&job->ring->idle);
}

static int demo_job_start(struct demo_job *job)
{
	return dma_fence_add_callback(job->fence, &job->cb, demo_job_done);
}

static bool demo_job_reap(struct demo_job *job)
{
	unsigned long flags;

	if (!dma_fence_is_signaled(job->fence))
		return false;

	/* The callback may still be running. */
	dma_fence_lock_irqsave(job->fence, flags);
	dma_fence_unlock_irqrestore(job->fence, flags);

	dma_fence_put(job->fence);
	kfree(job);
	return true;
}

static void demo_ring_free(struct demo_ring *ring)
{
	demo_kill(ring);
	iounmap(ring->regs);
	kfree(ring);
}
