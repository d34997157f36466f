// SPDX-License-Identifier: GPL-2.0-only
/* The list of callbacks, used directly. */
#include <linux/dma-fence.h>

static void steal(struct request *rq, struct list_head *list)
{
	spin_lock(&rq->lock);
	list_replace(&rq->fence.cb_list, list);
	spin_unlock(&rq->lock);
}

static bool waited_for(struct dma_fence *fence)
{
	return !list_empty(&fence->cb_list);
}

static void move(struct active *active, struct dma_fence *fence)
{
	__list_del_entry(&active->cb.node);
	list_add_tail(&active->cb.node, &fence->cb_list);
}
