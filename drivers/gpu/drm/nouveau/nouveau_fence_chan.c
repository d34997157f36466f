// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2007 Ben Skeggs.
 * All Rights Reserved.
 *
 * Permission is hereby granted, free of charge, to any person obtaining
 * a copy of this software and associated documentation files (the
 * "Software"), to deal in the Software without restriction, including
 * without limitation the rights to use, copy, modify, merge, publish,
 * distribute, sublicense, and/or sell copies of the Software, and to
 * permit persons to whom the Software is furnished to do so, subject to
 * the following conditions:
 *
 * The above copyright notice and this permission notice (including the
 * next paragraph) shall be included in all copies or substantial
 * portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
 * EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
 * MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.
 * IN NO EVENT SHALL THE COPYRIGHT OWNER(S) AND/OR ITS SUPPLIERS BE
 * LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION
 * OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
 * WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
 *
 */

/*
 * The channel side of the fences: which are pending, and who signals them.
 *
 * nouveau_fence_chan.lock guards
 *
 *  - the lists of pending and of finished fences. Whether a fence is on the
 *    first one is told by its channel pointer, which is cleared when it leaves;
 *  - the references to the event, and which fences hold one of them. Without
 *    an event there is a timer that polls, running while there are references;
 *  - that the channel is killed, after which no fence is added,
 *
 * and nothing else. It is taken by nouveau_fence_enable_signaling(), so it must
 * not be held when a fence is signaled, or asked whether it is. What finishes
 * is collected under the lock and signaled after it.
 *
 * Both happen in one read-side critical section of RCU: once a grace period has
 * passed after a channel was killed, all of its fences are signaled. A fence
 * that is not signaled keeps struct nouveau_fence_chan alive for as long as RCU
 * is held, a signaled one does not refer to it any more.
 */

#include <linux/hrtimer.h>
#include <linux/workqueue.h>

#include <nvif/if0020.h>

#include "nouveau_drv.h"
#include "nouveau_dma.h"
#include "nouveau_fence.h"

/*
 * How long the timer sleeps between two looks: half as long again each time,
 * so that a fence is found late by up to half of the time since the last one
 * was enabled. A wait for a fence that was enabled long before does not start
 * the timer over, so the longest sleep is also how late such a wait may be. At
 * this one, polling costs a third more than one task that looks and sleeps each
 * millisecond, however many tasks wait.
 */
#define NOUVEAU_FENCE_POLL_MIN	(1 * NSEC_PER_USEC)
#define NOUVEAU_FENCE_POLL_MAX	(250 * NSEC_PER_USEC)

static void
nouveau_fence_start_poll(struct nouveau_fence_chan *fctx, u64 delay)
{
	lockdep_assert_held(&fctx->lock);

	fctx->poll_delay = delay;
	hrtimer_start(&fctx->poll_timer, ns_to_ktime(delay),
		      HRTIMER_MODE_REL_SOFT);
}

static void
nouveau_fence_arm(struct nouveau_fence_chan *fctx, struct nouveau_fence *fence)
{
	lockdep_assert_held(&fctx->lock);

	fence->armed = true;
	if (!fctx->notify_ref++)
		nvif_event_allow(&fctx->event);
}

/* Take a pending fence to @list, and leave it to the caller to signal it. */
static void
nouveau_fence_take(struct nouveau_fence_chan *fctx, struct nouveau_fence *fence,
		   struct list_head *list)
{
	lockdep_assert_held(&fctx->lock);

	list_move_tail(&fence->head, list);
	RCU_INIT_POINTER(fence->channel, NULL);

	if (fence->armed) {
		fence->armed = false;
		if (!--fctx->notify_ref)
			nvif_event_block(&fctx->event);
	}
}

/* Take all that is finished to @done. */
static void
nouveau_fence_collect(struct nouveau_fence_chan *fctx, struct list_head *done)
{
	struct nouveau_fence *fence, *next;
	struct nouveau_channel *chan;
	u32 seq;

	lockdep_assert_held(&fctx->lock);

	list_splice_tail_init(&fctx->finished, done);

	fence = list_first_entry_or_null(&fctx->pending, typeof(*fence), head);
	if (!fence)
		return;

	chan = rcu_dereference_protected(fence->channel,
					 lockdep_is_held(&fctx->lock));
	seq = fctx->read(chan);

	list_for_each_entry_safe(fence, next, &fctx->pending, head) {
		if ((int)(seq - fence->base.seqno) < 0)
			break;

		nouveau_fence_take(fctx, fence, done);
	}
}

/*
 * Signal what was taken, and drop the references of the lists. A fence that
 * somebody else found finished and signaled meanwhile keeps its success.
 */
static void
nouveau_fence_signal_list(struct list_head *list, int error)
{
	struct nouveau_fence *fence, *next;

	list_for_each_entry_safe(fence, next, list, head) {
		if (error)
			dma_fence_try_set_error(&fence->base, error);
		dma_fence_signal(&fence->base);
		dma_fence_put(&fence->base);
	}
}

/* Signal all fences that are finished. */
void
nouveau_fence_update(struct nouveau_fence_chan *fctx)
{
	unsigned long flags;
	LIST_HEAD(done);

	/* Pairs with synchronize_rcu() in nouveau_fence_context_del(). */
	rcu_read_lock();

	spin_lock_irqsave(&fctx->lock, flags);
	nouveau_fence_collect(fctx, &done);
	spin_unlock_irqrestore(&fctx->lock, flags);

	nouveau_fence_signal_list(&done, 0);

	rcu_read_unlock();
}

static enum hrtimer_restart
nouveau_fence_poll(struct hrtimer *timer)
{
	struct nouveau_fence_chan *fctx =
		container_of(timer, struct nouveau_fence_chan, poll_timer);
	unsigned long flags;

	nouveau_fence_update(fctx);

	/*
	 * Started under the lock only. If that was done by enable_signaling
	 * meanwhile the timer is left alone, as it comes sooner.
	 */
	spin_lock_irqsave(&fctx->lock, flags);
	if (fctx->notify_ref && !hrtimer_is_queued(timer))
		nouveau_fence_start_poll(fctx, min(fctx->poll_delay * 3 / 2,
						   NOUVEAU_FENCE_POLL_MAX));
	spin_unlock_irqrestore(&fctx->lock, flags);

	return HRTIMER_NORESTART;
}

/*
 * Make an emitted fence pending, with a reference of its own. Fails if the
 * channel was killed, the fence will then never be signaled.
 */
int
nouveau_fence_add(struct nouveau_fence_chan *fctx, struct nouveau_fence *fence)
{
	unsigned long flags;
	LIST_HEAD(done);
	int ret = 0;

	rcu_read_lock();

	spin_lock_irqsave(&fctx->lock, flags);
	if (unlikely(fctx->killed)) {
		ret = -ENODEV;
	} else {
		nouveau_fence_collect(fctx, &done);
		dma_fence_get(&fence->base);
		list_add_tail(&fence->head, &fctx->pending);
	}
	spin_unlock_irqrestore(&fctx->lock, flags);

	nouveau_fence_signal_list(&done, 0);

	rcu_read_unlock();

	return ret;
}

/*
 * Have @fence signaled when it finishes. Returns false if it has, it is then
 * for the caller to signal it.
 */
bool
nouveau_fence_enable(struct nouveau_fence_chan *fctx, struct nouveau_fence *fence)
{
	struct nouveau_channel *chan;
	unsigned long flags;
	bool ret = true;

	spin_lock_irqsave(&fctx->lock, flags);
	chan = rcu_dereference_protected(fence->channel,
					 lockdep_is_held(&fctx->lock));
	/* Who took it off the list has yet to signal it, maybe with an error. */
	if (!chan)
		goto out;

	/* Armed first: what finishes after this look raises the event. */
	nouveau_fence_arm(fctx, fence);
	if ((int)(fctx->read(chan) - fence->base.seqno) < 0) {
		/* Somebody waits from now on, so look more often again. */
		if (!nvif_event_constructed(&fctx->event))
			nouveau_fence_start_poll(fctx, NOUVEAU_FENCE_POLL_MIN);
		goto out;
	}

	/*
	 * The reference goes with the next ones that are collected. They are
	 * signaled before, so it does not matter if the caller is slower.
	 */
	nouveau_fence_take(fctx, fence, &fctx->finished);
	ret = false;
out:
	spin_unlock_irqrestore(&fctx->lock, flags);

	return ret;
}

/*
 * Signal all fences and take no new ones. With an error, it is for those that
 * are not finished.
 */
void
nouveau_fence_context_kill(struct nouveau_fence_chan *fctx, int error)
{
	struct nouveau_fence *fence, *next;
	LIST_HEAD(killed);
	unsigned long flags;
	LIST_HEAD(done);

	rcu_read_lock();

	spin_lock_irqsave(&fctx->lock, flags);
	/* Without an error all are the same, and the channel is not asked. */
	if (error)
		nouveau_fence_collect(fctx, &done);
	else
		list_splice_tail_init(&fctx->finished, &done);
	list_for_each_entry_safe(fence, next, &fctx->pending, head)
		nouveau_fence_take(fctx, fence, &killed);
	fctx->killed = true;
	spin_unlock_irqrestore(&fctx->lock, flags);

	nouveau_fence_signal_list(&done, 0);
	nouveau_fence_signal_list(&killed, error);

	rcu_read_unlock();
}

void
nouveau_fence_context_del(struct nouveau_fence_chan *fctx)
{
	disable_work_sync(&fctx->uevent_work);
	nouveau_fence_context_kill(fctx, 0);
	/* No fence is left that it could be started for. */
	hrtimer_cancel(&fctx->poll_timer);
	nvif_event_dtor(&fctx->event);

	/*
	 * What others have collected before is signaled after this, and nobody
	 * looks at the channel by way of its fences any more.
	 */
	synchronize_rcu();
}

void
nouveau_fence_context_free(struct nouveau_fence_chan *fctx)
{
	/*
	 * All fences are signaled, see nouveau_fence_context_del(). Those who
	 * have not seen that yet are inside RCU read-side critical sections.
	 */
	kfree_rcu(fctx, rcu);
}

static void
nouveau_fence_uevent_work(struct work_struct *work)
{
	struct nouveau_fence_chan *fctx = container_of(work, struct nouveau_fence_chan,
						       uevent_work);

	nouveau_fence_update(fctx);
}

static int
nouveau_fence_wait_uevent_handler(struct nvif_event *event, void *repv, u32 repc)
{
	struct nouveau_fence_chan *fctx = container_of(event, typeof(*fctx), event);

	schedule_work(&fctx->uevent_work);
	return NVIF_EVENT_KEEP;
}

void
nouveau_fence_context_new(struct nouveau_channel *chan, struct nouveau_fence_chan *fctx)
{
	struct nouveau_cli *cli = chan->cli;
	struct nouveau_drm *drm = cli->drm;
	struct nouveau_fence_priv *priv = (void *)drm->fence;
	DEFINE_RAW_FLEX(struct nvif_event_v0, args, data,
			sizeof(struct nvif_chan_event_v0));
	struct nvif_chan_event_v0 *host =
				(struct nvif_chan_event_v0 *)args->data;
	int ret;

	INIT_WORK(&fctx->uevent_work, nouveau_fence_uevent_work);
	INIT_LIST_HEAD(&fctx->flip);
	INIT_LIST_HEAD(&fctx->pending);
	INIT_LIST_HEAD(&fctx->finished);
	spin_lock_init(&fctx->lock);
	hrtimer_setup(&fctx->poll_timer, nouveau_fence_poll, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
	fctx->context = drm->runl[chan->runlist].context_base + chan->chid;

	if (chan == drm->cechan)
		strscpy(fctx->name, "copy engine channel");
	else if (chan == drm->channel)
		strscpy(fctx->name, "generic kernel channel");
	else
		strscpy(fctx->name, cli->name);

	if (!priv->uevent)
		return;

	host->version = 0;
	host->type = NVIF_CHAN_EVENT_V0_NON_STALL_INTR;

	ret = nvif_event_ctor(&chan->user, "fenceNonStallIntr", (chan->runlist << 16) | chan->chid,
			      nouveau_fence_wait_uevent_handler, false,
			      args, __struct_size(args), &fctx->event);

	WARN_ON(ret);
}
