// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sample of Documentation/driver-api/dma-fence-porting.rst, after. Nothing
 * is to be found here.
 */
#include <linux/dma-fence.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/slab.h>

struct demo_ring {
	spinlock_t lock;		/* pending, and what demo_fence says */
	struct list_head pending;	/* demo_fence.head, in order */
	u64 context;
	u32 seqno;
	void __iomem *regs;
};

struct demo_fence {
	struct dma_fence base;
	struct demo_ring *ring;		/* until a grace period after the signal */
	struct list_head head;
	bool pending;			/* on ring->pending; ring->lock */
	bool armed;			/* has the interrupt; ring->lock */
};

struct demo_job {
	struct dma_fence *fence;
	struct dma_fence_cb cb;
	struct demo_ring *ring;
};

static bool demo_done(struct demo_fence *f)
{
	return (s32)(readl(f->ring->regs) - (u32)f->base.seqno) >= 0;
}

static const char *demo_name(struct dma_fence *fence)
{
	return "demo";
}

/* Take a fence off the ring, under its lock. The reference goes with it. */
static void demo_collect(struct demo_fence *f, struct list_head *done)
{
	list_move_tail(&f->head, done);
	f->pending = false;
	if (f->armed)
		demo_irq_put(f->ring);
}

/* Signal what was collected, without the lock. */
static void demo_signal(struct list_head *done, int error)
{
	struct demo_fence *f, *next;

	list_for_each_entry_safe(f, next, done, head) {
		list_del(&f->head);
		if (error)
			dma_fence_try_set_error(&f->base, error);
		dma_fence_signal(&f->base);
		dma_fence_put(&f->base);
	}
}

static bool demo_enable_signaling(struct dma_fence *fence)
{
	struct demo_fence *f = container_of(fence, struct demo_fence, base);
	struct demo_ring *ring = f->ring;
	unsigned long flags;
	LIST_HEAD(done);

	spin_lock_irqsave(&ring->lock, flags);
	/* If it was taken off the ring, whoever did so signals it. */
	if (f->pending) {
		demo_irq_get(ring);
		f->armed = true;
		/* It may have been done before the interrupt was enabled. */
		if (demo_done(f))
			demo_collect(f, &done);
	}
	spin_unlock_irqrestore(&ring->lock, flags);

	demo_signal(&done, 0);
	return true;
}

static const struct dma_fence_ops demo_ops = {
	.get_driver_name = demo_name,
	.get_timeline_name = demo_name,
	.enable_signaling = demo_enable_signaling,
};

static void demo_emit(struct demo_ring *ring, struct demo_fence *f)
{
	f->ring = ring;
	f->armed = false;
	dma_fence_init(&f->base, &demo_ops, ring->context, ++ring->seqno);
	dma_fence_get(&f->base);
	spin_lock_irq(&ring->lock);
	list_add_tail(&f->head, &ring->pending);
	f->pending = true;
	spin_unlock_irq(&ring->lock);
}

static irqreturn_t demo_irq(int irq, void *data)
{
	struct demo_fence *f, *next;
	struct demo_ring *ring = data;
	LIST_HEAD(done);

	spin_lock(&ring->lock);
	list_for_each_entry_safe(f, next, &ring->pending, head) {
		if (!demo_done(f))
			break;
		demo_collect(f, &done);
	}
	spin_unlock(&ring->lock);

	demo_signal(&done, 0);

	return IRQ_HANDLED;
}

static void demo_kill(struct demo_ring *ring)
{
	struct demo_fence *f, *next;
	unsigned long flags;
	LIST_HEAD(done);

	spin_lock_irqsave(&ring->lock, flags);
	list_for_each_entry_safe(f, next, &ring->pending, head)
		demo_collect(f, &done);
	spin_unlock_irqrestore(&ring->lock, flags);

	demo_signal(&done, -ECANCELED);
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
	if (!dma_fence_is_signaled(job->fence))
		return false;

	dma_fence_flush_callbacks(job->fence);

	dma_fence_put(job->fence);
	kfree(job);
	return true;
}

static void demo_ring_free(struct demo_ring *ring)
{
	demo_kill(ring);
	synchronize_rcu();
	iounmap(ring->regs);
	kfree(ring);
}
