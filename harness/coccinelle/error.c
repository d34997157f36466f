// SPDX-License-Identifier: GPL-2.0-only
/* An error that is set under the fence lock, unless the fence is signaled. */
#include <linux/dma-fence.h>

/* Asks the issuer, so the patch does, too. */
static void polled(struct dma_fence *fence)
{
	unsigned long flags;

	dma_fence_lock_irqsave(fence, flags);
	if (!dma_fence_is_signaled_locked(fence))
		dma_fence_set_error(fence, -ENODATA);
	dma_fence_unlock_irqrestore(fence, flags);
}

static void flag(struct job *job, int error)
{
	unsigned long flags;

	dma_fence_lock_irqsave(job->fence, flags);
	if (!dma_fence_test_signaled_flag(job->fence))
		dma_fence_set_error(job->fence, error);
	dma_fence_unlock_irqrestore(job->fence, flags);
}

static bool result(struct dma_fence *fence, int error)
{
	unsigned long flags;
	bool signaled;

	dma_fence_lock_irqsave(fence, flags);
	signaled = test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
	if (!signaled)
		dma_fence_set_error(fence, error);
	dma_fence_unlock_irqrestore(fence, flags);

	return signaled;
}

/* Under the driver's lock, which is the fence lock: reported only. */
static void all(struct ring *ring, int error)
{
	unsigned long flags;
	int i;

	spin_lock_irqsave(&ring->lock, flags);
	for (i = 0; i < ring->count; i++) {
		struct dma_fence *fence = ring->fences[i];

		if (fence && !dma_fence_is_signaled_locked(fence))
			dma_fence_set_error(fence, error);
	}
	spin_unlock_irqrestore(&ring->lock, flags);
}

static void cancel(struct ring *ring, struct dma_fence *fence)
{
	spin_lock(&ring->lock);
	if (!dma_fence_is_signaled_locked(fence)) {
		dma_fence_set_error(fence, -ECANCELED);
		dma_fence_signal_locked(fence);
	}
	spin_unlock(&ring->lock);
}

/* Before the fence is known to others: nothing to find. */
static void early(struct job *job)
{
	dma_fence_set_error(job->fence, -EIO);
	dma_fence_signal(job->fence);
}
