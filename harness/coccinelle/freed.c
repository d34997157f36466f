// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is freed because a fence is signaled. */
#include <linux/dma-fence.h>

static int start(struct job *job)
{
	return dma_fence_add_callback(job->fence, &job->cb, job_done);
}

static void wrong(struct job *job)
{
	if (dma_fence_is_signaled(job->fence)) {
		dma_fence_put(job->fence);
		kfree(job);
	}
}

static void wrong_in_loop(struct client *client)
{
	struct job *job, *next;

	list_for_each_entry_safe(job, next, &client->jobs, head) {
		if (!job->fence || dma_fence_is_signaled(job->fence)) {
			list_del(&job->head);
			kmem_cache_free(job_cache, job);
		}
	}
}

static void wrong_early(struct job *job)
{
	if (!dma_fence_is_signaled(job->fence))
		return;
	kfree(job);
}

static void flushed(struct job *job)
{
	if (dma_fence_is_signaled(job->fence)) {
		dma_fence_flush_callbacks(job->fence);
		kfree(job);
	}
}

static void removed(struct job *job)
{
	if (!dma_fence_is_signaled(job->fence))
		return;
	dma_fence_remove_callback(job->fence, &job->cb);
	kfree(job);
}

static void something_else(struct job *job)
{
	if (dma_fence_is_signaled(job->fence))
		kfree(job->name);
}
