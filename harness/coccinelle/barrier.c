// SPDX-License-Identifier: GPL-2.0-only
/* The fence lock taken and dropped, to wait for callbacks. */
#include <linux/dma-fence.h>

static void helpers(struct vm *vm)
{
	unsigned long flags;

	dma_fence_wait(vm->last, false);
	dma_fence_lock_irqsave(vm->last, flags);
	dma_fence_unlock_irqrestore(vm->last, flags);
	dma_fence_put(vm->last);
}

/* The variable is used elsewhere, and stays. */
static void flags_used(struct vm *vm)
{
	unsigned long flags;

	dma_fence_lock_irqsave(vm->last, flags);
	dma_fence_unlock_irqrestore(vm->last, flags);

	spin_lock_irqsave(&vm->lock, flags);
	vm->last = NULL;
	spin_unlock_irqrestore(&vm->lock, flags);
}

static void inner(struct work *work)
{
	if (dma_fence_is_signaled(work->fence)) {
		unsigned long flags;

		spin_lock_irqsave(dma_fence_spinlock(work->fence), flags);
		spin_unlock_irqrestore(dma_fence_spinlock(work->fence), flags);
		work->func(work);
	}
}

static void irq(struct dma_fence *fence)
{
	spin_lock_irq(dma_fence_spinlock(fence));
	spin_unlock_irq(dma_fence_spinlock(fence));
}

/* When the lock was a pointer. */
static void pointer(struct dma_fence *fence)
{
	unsigned long flags;

	spin_lock_irqsave(fence->lock, flags);
	spin_unlock_irqrestore(fence->lock, flags);
}

/* Reported only: what keeps the fence has to be looked at. */
static u64 variable(struct vm *vm)
{
	unsigned long flags;
	spinlock_t *lock;

	rcu_read_lock();
	lock = dma_fence_spinlock(vm->last);
	rcu_read_unlock();

	spin_lock_irqsave(lock, flags);
	spin_unlock_irqrestore(lock, flags);

	return vm->seq;
}

/* Not a barrier. */
static void other(struct vm *vm)
{
	unsigned long flags;

	spin_lock_irqsave(&vm->lock, flags);
	spin_unlock_irqrestore(&vm->lock, flags);
}
