// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma-fence-signal: signaling of fences, and everything that races with it
 *
 * Publishing the state, running, adding, removing and flushing callbacks, and
 * enabling. No callback and no op is called with the fence lock held.
 *
 * States
 * ======
 *
 * Two bits of dma_fence.flags, SIGNALED (always together with TIMESTAMP) and
 * DISPATCHING, say who owns the callback list and what the union holds:
 *
 *   SIGNALED DISPATCHING
 *      0          0       unsignaled: cb_list is valid under the fence lock
 *      1          1       the signaler runs the callbacks, timestamp is valid
 *      1          0       the callbacks have returned, timestamp is valid
 *      0          1       does not exist
 *
 *   +------------+  signal, callbacks   +-------------+
 *   | unsignaled |--------------------->| dispatching |
 *   |    0 0     |                      |     1 1     |
 *   +------------+                      +-------------+
 *         |                                    |
 *         | signal, no callbacks               | callbacks have returned
 *         v                                    v
 *   +-------------------------------------------------+
 *   |                     done 1 0                    |
 *   +-------------------------------------------------+
 *
 * ENABLE_SIGNAL is independent of them. It can be set in any of the states, and
 * says that somebody has begun to enable signaling.
 *
 * Why one atomic operation publishes both bits
 * ============================================
 *
 * If SIGNALED came first, and DISPATCHING followed:
 *
 *   CPU 0                                CPU 1
 *
 *   dma_fence_signal(f)
 *     set SIGNALED
 *                                        dma_fence_is_signaled(f): true
 *                                        dma_fence_flush_callbacks(f)
 *                                          DISPATCHING is clear, does not wait
 *                                        kfree(cb)
 *     set DISPATCHING
 *     cb->func(f, cb): use after free
 *
 * Setting DISPATCHING first would be correct as well, but costs a second atomic
 * operation, and adds the fourth state above. The litmus test is publish-once.
 *
 * Ordering
 * ========
 *
 * Each line is one pairing, with the litmus test that checks it, from
 * Documentation/litmus-tests/dma-fence/:
 *
 *   smp_mb__before_atomic() in dma_fence_publish()
 *     test_bit_acquire() in dma_fence_test_signaled_flag(): error, timestamp and
 *     all that the signaler did before are seen with SIGNALED. publish-result
 *   clear_bit_unlock(), clear_and_wake_up_bit() in dma_fence_run_callbacks()
 *     smp_cond_load_acquire(), wait_on_bit() in dma_fence_wait_for_callbacks():
 *     what the callbacks did is seen by those who waited for them. flush
 *   test_and_set_bit() in dma_fence_first_enable()
 *     a full barrier in issuers that look at ENABLE_SIGNAL without a lock: the
 *     op sees that the fence has completed, or the issuer sees the bit. enable
 *   set_current_state() in dma_fence_default_wait(), dma_fence_wait_any_timeout()
 *     the barrier in wake_up_state(), after the state is published: the waiter
 *     sees SIGNALED, or is woken. wait
 *   refcount_set_release() in __dma_fence_init()
 *     refcount_inc_not_zero_acquire() in dma_fence_get_rcu(): whoever gets a
 *     reference to memory that is being reused sees the new fence. init
 *   fence lock in __dma_fence_signal()
 *     fence lock in dma_fence_link_callback(), dma_fence_remove_callback() and
 *     dma_fence_try_set_error(): the look at SIGNALED and the change that
 *     follows are one step. add-callback, try-set-error
 *   dispatch section, which is an RCU read-side critical section
 *     grace period of whoever frees the fence, or what its ops use. detach,
 *     second-look
 */

#include <linux/atomic.h>
#include <linux/dma-fence.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/wait_bit.h>

#include <trace/events/dma_fence.h>

/**
 * DOC: fence signaling protocol
 *
 * The fence lock guards the callback list, the step from unsignaled to signaled,
 * and the error against dma_fence_try_set_error(). It is a leaf, nothing else is
 * locked under it.
 *
 * Signaling takes the callback list off the fence, stores the timestamp where
 * the list was, and publishes the new state by one atomic operation on
 * &dma_fence.flags: signaled, timestamp valid, and *dispatching* if there are
 * callbacks. Then it drops the lock, runs the callbacks and clears
 * *dispatching*. A fence that is signaled and not dispatching has no callbacks
 * left to run.
 *
 * A fence that reads as signaled may still run callbacks on another CPU, and
 * dma_fence_signal() of a fence that is already signaled does not wait for
 * them. Three functions do: dma_fence_remove_callback(),
 * dma_fence_flush_callbacks() and every dma_fence_wait() that reports the fence
 * as signaled. Call one of them before freeing what a callback uses.
 *
 * Enabling is claimed by an atomic test-and-set, so
 * &dma_fence_ops.enable_signaling is called once, with no lock of the core
 * held. It runs concurrently with everything else, signaling of the same fence
 * included. Callbacks are linked under the fence lock after a second look at
 * the state, so none is added to a fence that nobody will signal again.
 *
 * Callbacks, and the op from the moment that it is claimed, run with preemption
 * and interrupts disabled: nobody is kept waiting by a signaler or an enabler
 * that has lost its CPU, and an op or a callback can take an interrupt-safe lock
 * without disabling interrupts itself.
 *
 * On PREEMPT_RT the fence lock is a sleeping lock, and callbacks and the op run
 * in the context of the caller with interrupts enabled. The caller can be
 * preempted there, so whoever waits for callbacks sleeps instead of spinning,
 * without priority inheritance.
 */

#if defined(CONFIG_64BIT) && !defined(CONFIG_DEBUG_SPINLOCK) && \
	!defined(CONFIG_DEBUG_LOCK_ALLOC) && !defined(CONFIG_PREEMPT_RT)
/* One cache line on the machines that have most fences. */
static_assert(sizeof(struct dma_fence) <= 64);
#endif

#ifdef CONFIG_LOCKDEP
/*
 * Not a lock, but held like one while callbacks or an enable_signaling op run,
 * and taken for a moment by everybody who may have to wait for callbacks, or
 * may come to run some. Since all fences share it, lockdep reports a lock of the
 * caller that a callback or an op takes when it has seen each half once, without
 * the two racing.
 *
 * It stands for what the fence lock told lockdep when callbacks ran under it,
 * and has the same wait type.
 */
static struct lockdep_map dma_fence_callback_map = {
	.name = "dma_fence_callback",
	.wait_type_outer = LD_WAIT_CONFIG,
	.wait_type_inner = LD_WAIT_CONFIG,
};

/*
 * Any fence can be signaled from a hard interrupt. Lockdep is told so before the
 * first one is, and then reports a callback or an op that takes a lock which is
 * held elsewhere with interrupts enabled. On PREEMPT_RT the fence lock sleeps,
 * and no fence is signaled from there.
 */
static int __init dma_fence_callback_map_init(void)
{
	unsigned long flags;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return 0;

	local_irq_save(flags);
	lockdep_hardirq_enter();
	/* As for a handler that may take a spinlock_t, which most can. */
	lockdep_hardirq_threaded();
	lock_map_acquire(&dma_fence_callback_map);
	lock_map_release(&dma_fence_callback_map);
	lockdep_hardirq_exit();
	local_irq_restore(flags);

	return 0;
}
early_initcall(dma_fence_callback_map_init);

/*
 * Returns true if this task is inside callbacks or an op already, as it is if a
 * callback signals another fence. That is no recursion, since none of them waits
 * for the other. But a lock that the callback holds is one that callbacks take,
 * so the map is taken anew, behind all locks that are held, for lockdep to see.
 */
static bool dma_fence_callbacks_begin(void)
{
	bool nested = lock_is_held(&dma_fence_callback_map);

	if (nested)
		lock_map_release(&dma_fence_callback_map);
	lock_map_acquire(&dma_fence_callback_map);

	return nested;
}

static void dma_fence_callbacks_end(bool nested)
{
	if (!nested)
		lock_map_release(&dma_fence_callback_map);
}

/*
 * The map is taken with interrupts disabled because one that came in between
 * could signal, as far as lockdep knows, and would have to wait.
 */
static void dma_fence_might_run_callbacks(void)
{
	unsigned long flags;

	local_irq_save(flags);
	dma_fence_callbacks_end(dma_fence_callbacks_begin());
	local_irq_restore(flags);
}

/* Unlike running callbacks this must not be nested. */
static void dma_fence_might_wait_for_callbacks(void)
{
	unsigned long flags;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		might_sleep();

	local_irq_save(flags);
	lock_map_acquire(&dma_fence_callback_map);
	lock_map_release(&dma_fence_callback_map);
	local_irq_restore(flags);
}
#else
static inline bool dma_fence_callbacks_begin(void)
{
	return true;
}

static inline void dma_fence_callbacks_end(bool nested) {}
static inline void dma_fence_might_run_callbacks(void) {}

static inline void dma_fence_might_wait_for_callbacks(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		might_sleep();
}
#endif

/**
 * struct dma_fence_dispatch - state of a section in which callbacks or ops run
 * @flags: interrupt state of the caller
 * @nested: the section is inside another one, for lockdep
 *
 * Passed by value, so that it stays in registers.
 */
struct dma_fence_dispatch {
	unsigned long flags;
	bool nested;
};

/*
 * Enter a section in which others may come to depend on this CPU: they spin for
 * the callbacks that it runs, or sleep until the fence is signaled that it is
 * about to enable. Neither an interrupt nor another task gets in between. Also,
 * the section is a read-side critical section of RCU, so the memory of the fence
 * stays even if a callback drops the last reference.
 *
 * PREEMPT_RT must not disable interrupts, since callbacks and ops take sleeping
 * locks there. The section is one of RCU only, which can be preempted, and is
 * boosted only when it holds up a grace period.
 */
static __always_inline struct dma_fence_dispatch dma_fence_dispatch_enter(void)
{
	struct dma_fence_dispatch dispatch = {};

	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		rcu_read_lock();
	} else {
		preempt_disable();
		local_irq_save(dispatch.flags);
	}
	dispatch.nested = dma_fence_callbacks_begin();

	return dispatch;
}

static __always_inline void
dma_fence_dispatch_exit(struct dma_fence_dispatch dispatch)
{
	dma_fence_callbacks_end(dispatch.nested);
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		rcu_read_unlock();
	} else {
		/* In this order, so that a task woken by a callback can run now. */
		local_irq_restore(dispatch.flags);
		preempt_enable();
	}
}

/*
 * Make @fence signaled. Called once for a fence, with its lock held. Returns
 * the first node of its callbacks, to be run by dma_fence_run_callbacks(), or
 * NULL. The last of them points to NULL, since the timestamp is where the head
 * of the list was.
 */
static __always_inline struct list_head *
dma_fence_publish(struct dma_fence *fence, ktime_t timestamp)
{
	unsigned long state = BIT(DMA_FENCE_FLAG_SIGNALED_BIT) |
			      BIT(DMA_FENCE_FLAG_TIMESTAMP_BIT);
	struct list_head *first;

	lockdep_assert_held(&fence->lock);

	first = fence->cb_list.next;
	if (first != &fence->cb_list) {
		fence->cb_list.prev->next = NULL;
		state |= BIT(DMA_FENCE_FLAG_DISPATCHING_BIT);
	} else {
		first = NULL;
	}
	fence->timestamp = timestamp;

	/*
	 * Orders error and timestamp before the flags. Pairs with the acquire
	 * in dma_fence_test_signaled_flag(), so whoever sees the fence signaled
	 * sees both. The bits change together: no reader can find the fence
	 * signaled and miss that its callbacks are yet to run.
	 */
	smp_mb__before_atomic();
	atomic_long_or(state, (atomic_long_t *)&fence->flags);

	return first;
}

/*
 * The signaler's last use of the ops, after the fence lock was dropped: a name
 * may take a lock of the driver. The caller of dma_fence_signal() keeps the
 * fence, and the dispatch section, which began before the fence was signaled,
 * keeps what the issuer frees a grace period after that.
 *
 * Without release and wait nobody needs the ops any more, and the fence becomes
 * independent of its issuer. Those who still use them have found the fence
 * unsignaled inside an RCU read-side critical section.
 */
static __always_inline void dma_fence_detach(struct dma_fence *fence)
{
	trace_dma_fence_signaled(fence);

	if (!test_bit(DMA_FENCE_FLAG_KEEP_OPS_BIT, &fence->flags))
		RCU_INIT_POINTER(fence->ops, NULL);
}

/* Run the callbacks that dma_fence_publish() took off the fence. */
static __always_inline void dma_fence_run_callbacks(struct dma_fence *fence,
						    struct list_head *node)
{
	while (node) {
		struct dma_fence_cb *cb;

		cb = list_entry(node, struct dma_fence_cb, node);
		node = node->next;
		/* The function may free @cb, this is the last look at it. */
		INIT_LIST_HEAD(&cb->node);
		cb->func(fence, cb);
	}

	/*
	 * Releases what the callbacks did to those who wait for them. Pairs
	 * with the acquire in dma_fence_wait_for_callbacks().
	 *
	 * The last reference may be gone by now. That is fine for flags, which
	 * RCU does not reuse while the fence waits to be freed, and for the
	 * wake-up, which uses only the address.
	 */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		clear_and_wake_up_bit(DMA_FENCE_FLAG_DISPATCHING_BIT,
				      &fence->flags);
	else
		clear_bit_unlock(DMA_FENCE_FLAG_DISPATCHING_BIT, &fence->flags);
}

/* Returns once the callbacks of @fence have returned, if it is signaled. */
static void dma_fence_wait_for_callbacks(struct dma_fence *fence)
{
	/*
	 * The caller has seen the fence signaled, and by that the dispatching
	 * bit as it was published, or later. The acquire pairs with the release
	 * in dma_fence_run_callbacks().
	 *
	 * Spinning ends: the other CPU has preemption and interrupts disabled,
	 * and waits for nothing but what lockdep was told about. On PREEMPT_RT
	 * it can be preempted, by this very task if that has the higher
	 * priority.
	 */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		wait_on_bit(&fence->flags, DMA_FENCE_FLAG_DISPATCHING_BIT,
			    TASK_UNINTERRUPTIBLE);
	else
		smp_cond_load_acquire(&fence->flags,
				      !(VAL & BIT(DMA_FENCE_FLAG_DISPATCHING_BIT)));
}

/* Returns true if it was this call that made @fence signaled. */
static __always_inline bool __dma_fence_signal(struct dma_fence *fence,
					       ktime_t timestamp)
{
	struct dma_fence_dispatch dispatch;
	struct list_head *callbacks;
	bool signaled = false;

	dispatch = dma_fence_dispatch_enter();

	spin_lock(&fence->lock);
	if (dma_fence_test_signaled_flag(fence)) {
		spin_unlock(&fence->lock);
		goto out;
	}
	callbacks = dma_fence_publish(fence, timestamp);
	spin_unlock(&fence->lock);

	signaled = true;
	dma_fence_detach(fence);
	if (callbacks)
		dma_fence_run_callbacks(fence, callbacks);
out:
	dma_fence_dispatch_exit(dispatch);

	return signaled;
}

/**
 * dma_fence_signal_timestamp - signal completion of a fence at a given time
 * @fence: the fence to signal
 * @timestamp: time of completion, in ns of CLOCK_MONOTONIC
 *
 * Like dma_fence_signal(), but with the time of completion given by the caller,
 * and without the annotation of a signaling critical section.
 *
 * Context: see dma_fence_signal().
 */
void dma_fence_signal_timestamp(struct dma_fence *fence, ktime_t timestamp)
{
	if (WARN_ON(!fence))
		return;

	__dma_fence_signal(fence, timestamp);
}
EXPORT_SYMBOL(dma_fence_signal_timestamp);

/**
 * dma_fence_check_and_signal - signal a fence unless it is signaled
 * @fence: the fence to check and signal
 *
 * Like dma_fence_signal(), and tells whether it was needed. Of any number of
 * concurrent callers exactly one signals @fence.
 *
 * Context: see dma_fence_signal().
 *
 * Return: true if @fence was signaled already, its callbacks may then still be
 * running on another CPU; false if this call signaled it, its callbacks have
 * then returned.
 */
bool dma_fence_check_and_signal(struct dma_fence *fence)
{
	return !__dma_fence_signal(fence, ktime_get());
}
EXPORT_SYMBOL(dma_fence_check_and_signal);

/**
 * dma_fence_signal - signal completion of a fence
 * @fence: the fence to signal
 *
 * Marks @fence as signaled, wakes those who wait for it in dma_fence_wait() and
 * runs the callbacks added by dma_fence_add_callback(), in the order in which
 * they were added. A fence goes from unsignaled to signaled once. A further
 * call returns at once, even while another CPU still runs the callbacks; see
 * dma_fence_flush_callbacks() for waiting for them.
 *
 * The callbacks are called without any lock of the core, with preemption and
 * interrupts disabled (on PREEMPT_RT: as they are), and may themselves signal
 * fences. The interrupt state is that of the caller again on return. On a kernel
 * that preempts, a task that a callback has woken and that should run on this CPU
 * has run by then, unless the caller has preemption or interrupts disabled.
 *
 * Context: any, on PREEMPT_RT any that may take a spinlock_t. The caller holds
 * a reference to @fence, which a callback may drop, or is inside an RCU
 * read-side critical section in which the fence was found alive. If the memory
 * of fences is reused without a grace period (SLAB_TYPESAFE_BY_RCU), the caller
 * keeps a reference until this function has returned. The caller holds no lock
 * that a callback, or one of the ops of a fence on which a callback acts, may
 * take.
 */
void dma_fence_signal(struct dma_fence *fence)
{
	bool tmp;

	if (WARN_ON(!fence))
		return;

	tmp = dma_fence_begin_signalling();

	/* The time is taken first, the fence lock has no other lock below. */
	__dma_fence_signal(fence, ktime_get());

	dma_fence_end_signalling(tmp);
}
EXPORT_SYMBOL(dma_fence_signal);

/*
 * Enable signaling of a fence on which nobody has done so, or somebody does it
 * at this moment. Out of line: this happens once for a fence.
 */
static noinline bool dma_fence_first_enable(struct dma_fence *fence)
{
	struct dma_fence_dispatch dispatch;
	const struct dma_fence_ops *ops;
	bool enabled = true;

	/*
	 * From the bit to the end of the op: others who see the bit link their
	 * callbacks and sleep. If this task was preempted before the op has
	 * made sure that the fence will be signaled, nobody would wake them.
	 */
	dispatch = dma_fence_dispatch_enter();

	/*
	 * The bit elects the one who calls the op. Others do not wait for it:
	 * what they add will be run when the fence signals, however enabling
	 * ends. The full barrier comes before the op looks at the hardware, and
	 * pairs with one between completion and a look at ENABLE_SIGNAL in
	 * issuers that signal only what is enabled.
	 */
	if (test_and_set_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags))
		goto out;

	/*
	 * Keeps ops, and what the issuer frees a grace period after the fence
	 * was signaled: for that it is looked at again in here, since ops stay
	 * if there is a release or wait op.
	 */
	rcu_read_lock();
	ops = rcu_dereference(fence->ops);
	if (ops && ops->enable_signaling &&
	    !dma_fence_test_signaled_flag(fence)) {
		trace_dma_fence_enable_signal(fence);

		enabled = ops->enable_signaling(fence);
		if (!enabled)
			dma_fence_signal_timestamp(fence, ktime_get());
	}
	rcu_read_unlock();
out:
	dma_fence_dispatch_exit(dispatch);

	return enabled;
}

/* Returns false if @fence is signaled, or was by enabling it. */
static __always_inline bool __dma_fence_enable_signaling(struct dma_fence *fence)
{
	if (dma_fence_test_signaled_flag(fence))
		return false;

	/* The op may find the fence completed, and then it is signaled. */
	dma_fence_might_run_callbacks();

	return test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags) ||
	       dma_fence_first_enable(fence);
}

/**
 * dma_fence_enable_signaling - enable signaling on a fence
 * @fence: the fence to enable
 *
 * Asks the issuer of @fence to signal it as soon as it completes. The first
 * call for a fence, and the first dma_fence_add_callback(), lead to
 * &dma_fence_ops.enable_signaling. If that finds the fence completed, @fence is
 * signaled when this function returns.
 *
 * The op is called with preemption and interrupts disabled (on PREEMPT_RT: as
 * they are).
 *
 * Context: any, on PREEMPT_RT any that may take a spinlock_t, with interrupts
 * in any state. The caller holds a reference to @fence, and no lock that the
 * op or a callback of @fence may take.
 */
void dma_fence_enable_signaling(struct dma_fence *fence)
{
	__dma_fence_enable_signaling(fence);
}
EXPORT_SYMBOL(dma_fence_enable_signaling);

/* The look at the state and the linking are one step for every signaler. */
static __always_inline int dma_fence_link_callback(struct dma_fence *fence,
						   struct dma_fence_cb *cb,
						   dma_fence_func_t func)
{
	unsigned long flags;
	int ret = -ENOENT;

	spin_lock_irqsave(&fence->lock, flags);
	if (!dma_fence_test_signaled_flag(fence)) {
		cb->func = func;
		list_add_tail(&cb->node, &fence->cb_list);
		ret = 0;
	}
	spin_unlock_irqrestore(&fence->lock, flags);

	if (ret)
		INIT_LIST_HEAD(&cb->node);

	return ret;
}

/**
 * dma_fence_add_callback - have a function called when a fence is signaled
 * @fence: the fence
 * @cb: the callback to register, need not be initialized
 * @func: the function to call
 *
 * Enables signaling of @fence and adds @cb to its callbacks. If this succeeds,
 * @func is called exactly once when @fence is signaled, unless
 * dma_fence_remove_callback() comes first, possibly before this function has
 * returned. If it fails, @func is never called. A fence takes any number of
 * callbacks; a callback can be on one fence at a time.
 *
 * @func is called without any lock of the core, possibly from hard interrupt
 * context, with interrupts disabled (on PREEMPT_RT: in the context of the
 * signaler). It may free @cb, drop references to @fence, signal other fences
 * and add callbacks to them, but not with a lock held that it has taken itself.
 * It must neither wait for a fence nor remove or flush callbacks. Memory that it
 * uses stays until one of dma_fence_remove_callback(),
 * dma_fence_flush_callbacks() and dma_fence_wait() has returned: that the fence
 * reads as signaled is not enough.
 *
 * Context: see dma_fence_enable_signaling().
 *
 * Return: 0 on success, -ENOENT if @fence is already signaled, or was found so
 * by enabling it, -EINVAL if @fence or @func is NULL.
 */
int dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
			   dma_fence_func_t func)
{
	if (WARN_ON(!fence || !func))
		return -EINVAL;

	if (!__dma_fence_enable_signaling(fence)) {
		INIT_LIST_HEAD(&cb->node);
		return -ENOENT;
	}

	return dma_fence_link_callback(fence, cb, func);
}
EXPORT_SYMBOL(dma_fence_add_callback);

/**
 * dma_fence_add_callback_lazy - add a callback without enabling signaling
 * @fence: the fence
 * @cb: the callback to register, need not be initialized
 * @func: the function to call
 *
 * Like dma_fence_add_callback(), but does not ask the issuer of @fence to signal
 * it as soon as it completes. So @func is called whenever somebody else causes
 * @fence to be signaled, which can be late. This is for bookkeeping that must
 * not cost an interrupt; whoever starts to wait for @func to be called has to
 * call dma_fence_enable_signaling() on @fence.
 *
 * Context: any, on PREEMPT_RT any that may take a spinlock_t, with interrupts
 * in any state. The caller holds a reference to @fence.
 *
 * Return: 0 on success, -ENOENT if @fence is already signaled, in which case
 * @func is not called, -EINVAL if @fence or @func is NULL.
 */
int dma_fence_add_callback_lazy(struct dma_fence *fence,
				struct dma_fence_cb *cb, dma_fence_func_t func)
{
	if (WARN_ON(!fence || !func))
		return -EINVAL;

	return dma_fence_link_callback(fence, cb, func);
}
EXPORT_SYMBOL(dma_fence_add_callback_lazy);

/**
 * dma_fence_remove_callback - take a callback off a fence, or see it finish
 * @fence: the fence that @cb was added to
 * @cb: the callback to remove, set up by dma_fence_add_callback()
 *
 * When this function returns, @cb is not on the callback list of @fence and its
 * function is not running: it was removed in time, or it has returned. In the
 * second case the other callbacks of @fence have returned, too.
 *
 * The wait is short, since callbacks are: this function spins for callbacks
 * that run on another CPU (on PREEMPT_RT it sleeps). It must not be called from
 * a callback, and not with a lock held that a callback of @fence may take;
 * lockdep checks this on each call, whether there is something to wait for or
 * not.
 *
 * Context: any but callbacks, on PREEMPT_RT any that may sleep. The caller
 * holds a reference to @fence.
 *
 * Return: true if @cb was removed and will not be called; false if @fence is
 * signaled, or if @cb was not on its list.
 */
bool dma_fence_remove_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	bool removed = false;
	unsigned long flags;

	dma_fence_might_wait_for_callbacks();

	spin_lock_irqsave(&fence->lock, flags);
	/* The list of a signaled fence is the signaler's. */
	if (!dma_fence_test_signaled_flag(fence)) {
		removed = !list_empty(&cb->node);
		if (removed)
			list_del_init(&cb->node);
	}
	spin_unlock_irqrestore(&fence->lock, flags);

	if (!removed)
		dma_fence_wait_for_callbacks(fence);

	return removed;
}
EXPORT_SYMBOL(dma_fence_remove_callback);

/**
 * dma_fence_flush_callbacks - wait until the callbacks of a fence have run
 * @fence: the fence to wait for
 *
 * A fence reads as signaled before its callbacks have run. Whoever learns from
 * dma_fence_is_signaled() that a fence is done and is about to free what a
 * callback uses calls this function in between. It returns at once if @fence is
 * not signaled, or has been for long. Otherwise, all callbacks of @fence have
 * returned when this function does.
 *
 * It spins for callbacks that run on another CPU (on PREEMPT_RT it sleeps). The
 * restrictions of dma_fence_remove_callback() apply.
 *
 * Context: any but callbacks, on PREEMPT_RT any that may sleep. The caller
 * holds a reference to @fence.
 */
void dma_fence_flush_callbacks(struct dma_fence *fence)
{
	dma_fence_might_wait_for_callbacks();
	dma_fence_wait_for_callbacks(fence);
}
EXPORT_SYMBOL(dma_fence_flush_callbacks);

/**
 * dma_fence_try_set_error - set the error of a fence unless it is signaled
 * @fence: the fence
 * @error: the error to store, a negative errno
 *
 * The check and the store are one step for every signaler: if the error is
 * stored, whoever sees @fence signaled sees the error too. A fence that is
 * already signaled keeps the result that it was signaled with. See
 * dma_fence_set_error() for the errors that drivers should use.
 *
 * Context: any, on PREEMPT_RT any that may take a spinlock_t. The caller holds
 * a reference to @fence.
 *
 * Return: true if the error was stored, false if @fence is already signaled.
 */
bool dma_fence_try_set_error(struct dma_fence *fence, int error)
{
	unsigned long flags;
	bool unsignaled;

	spin_lock_irqsave(&fence->lock, flags);
	unsignaled = !dma_fence_test_signaled_flag(fence);
	if (unsignaled)
		dma_fence_set_error(fence, error);
	spin_unlock_irqrestore(&fence->lock, flags);

	return unsignaled;
}
EXPORT_SYMBOL(dma_fence_try_set_error);
