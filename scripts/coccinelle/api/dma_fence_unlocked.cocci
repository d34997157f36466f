// SPDX-License-Identifier: GPL-2.0-only
///
/// Callbacks of a dma_fence, and its enable_signaling op, are called without
/// the fence lock, and that lock belongs to the core. Find what is left of
/// code that used it:
///  - calls and members that are gone,
///  - a lock given to dma_fence_init(),
///  - the fence lock taken and dropped to wait for callbacks,
///  - an error set under the fence lock unless the fence is signaled,
///  - signaling with a lock held that an op of the same file takes,
///  - memory freed because a fence is signaled, while callbacks may use it,
///  - direct use of the list of callbacks.
///
/// See Documentation/driver-api/dma-fence-porting.rst.
///
// Confidence: Moderate
// Copyright: (C) The dma-fence series
// Comments: Patch mode changes what is the same afterwards, and the lock
//  parameter, which has to go in any case: look at all other reports of a
//  driver whose lock it was. Driver locks are told apart by the name of the
//  member. The report of freed memory is a heuristic: it looks at kfree() in
//  the branch of a test for a fence that is a member of what is freed, or
//  behind it. The core, and its tests, use what others must not.
// Options: --no-includes --include-headers
//
// Keywords: dma_fence, dma_fence_init, dma_fence_signal, enable_signaling
//

virtual patch
virtual context
virtual org
virtual report

// ---------------------------------------------------------------------------
// The lock as a barrier. Before the calls that are gone, of which it is made.

// Functions with these in them could not be parsed otherwise.
@barrier depends on !patch@
iterator name scoped_guard, intel_wedge_on_timeout;
expression f, fl;
struct dma_fence *df;
position p1, p2;
@@

(
* dma_fence_lock_irqsave@p1(f, fl);
* dma_fence_unlock_irqrestore@p2(f, fl);
|
* spin_lock_irqsave(dma_fence_spinlock@p1(f), fl);
* spin_unlock_irqrestore(dma_fence_spinlock@p2(f), fl);
|
* spin_lock_irq(dma_fence_spinlock@p1(f));
* spin_unlock_irq(dma_fence_spinlock@p2(f));
|
* spin_lock(dma_fence_spinlock@p1(f));
* spin_unlock(dma_fence_spinlock@p2(f));
|
* spin_lock_irqsave(df->lock@p1, fl);
* spin_unlock_irqrestore(df->lock@p2, fl);
)

@barrier_var depends on !patch@
expression f, fl;
identifier var;
position p1;
@@

* var = dma_fence_spinlock@p1(f);
  ... when != var
* spin_lock_irqsave(var, fl);
* spin_unlock_irqrestore(var, fl);

@barrier_patch depends on patch@
iterator name scoped_guard, intel_wedge_on_timeout;
expression f;
identifier fl;
struct dma_fence *df;
@@

(
- dma_fence_lock_irqsave(f, fl);
- dma_fence_unlock_irqrestore(f, fl);
+ dma_fence_flush_callbacks(f);
|
- spin_lock_irqsave(dma_fence_spinlock(f), fl);
- spin_unlock_irqrestore(dma_fence_spinlock(f), fl);
+ dma_fence_flush_callbacks(f);
|
- spin_lock_irqsave(df->lock, fl);
- spin_unlock_irqrestore(df->lock, fl);
+ dma_fence_flush_callbacks(df);
)

@barrier_patch_irq depends on patch@
expression f;
@@

(
- spin_lock_irq(dma_fence_spinlock(f));
- spin_unlock_irq(dma_fence_spinlock(f));
+ dma_fence_flush_callbacks(f);
|
- spin_lock(dma_fence_spinlock(f));
- spin_unlock(dma_fence_spinlock(f));
+ dma_fence_flush_callbacks(f);
)

// ---------------------------------------------------------------------------
// The error that is set under the lock. Polling of the issuer is kept.

@set_error depends on !patch@
expression f, e;
position p;
@@

  if (<+... !dma_fence_is_signaled_locked@p(f) ...+>) {
    ... when any
*   dma_fence_set_error(f, e);
    ... when any
  }

@set_error_flag depends on !patch@
expression f, e, fl;
expression s;
position p1, p2;
@@

* dma_fence_lock_irqsave@p1(f, fl);
(
  if (!dma_fence_test_signaled_flag(f))
*   dma_fence_set_error(f, e);
|
  if (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &f->flags))
*   dma_fence_set_error(f, e);
|
(
  s = dma_fence_test_signaled_flag(f);
|
  s = test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &f->flags);
)
  if (!s)
*   dma_fence_set_error(f, e);
)
* dma_fence_unlock_irqrestore@p2(f, fl);

@set_error_patch depends on patch@
expression f, e;
identifier fl;
@@

- dma_fence_lock_irqsave(f, fl);
(
- if (!dma_fence_is_signaled_locked(f))
-   dma_fence_set_error(f, e);
+ if (!dma_fence_is_signaled(f))
+   dma_fence_try_set_error(f, e);
|
- if (!\(dma_fence_test_signaled_flag(f)\|test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &f->flags)\))
-   dma_fence_set_error(f, e);
+ dma_fence_try_set_error(f, e);
)
- dma_fence_unlock_irqrestore(f, fl);

@set_error_result_patch depends on patch@
expression f, e;
identifier fl;
idexpression s;
@@

- dma_fence_lock_irqsave(f, fl);
- s = \(dma_fence_test_signaled_flag(f)\|test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &f->flags)\);
- if (!s)
-   dma_fence_set_error(f, e);
- dma_fence_unlock_irqrestore(f, fl);
+ s = !(dma_fence_try_set_error(f, e));

// ---------------------------------------------------------------------------
// Calls that are gone. The unlocked form takes the place of one call between
// lock and unlock.

@locked_patch depends on patch@
expression f, ts, s;
identifier fl;
@@

- dma_fence_lock_irqsave(f, fl);
(
- dma_fence_signal_locked(f);
+ dma_fence_signal(f);
|
- dma_fence_signal_timestamp_locked(f, ts);
+ dma_fence_signal_timestamp(f, ts);
|
- s = dma_fence_check_and_signal_locked(f);
+ s = dma_fence_check_and_signal(f);
|
- s = dma_fence_is_signaled_locked(f);
+ s = dma_fence_is_signaled(f);
|
- s = dma_fence_get_status_locked(f);
+ s = dma_fence_get_status(f);
)
- dma_fence_unlock_irqrestore(f, fl);

// The variable for the interrupt state, if that was its only use.

@barrier_unused depends on patch@
identifier barrier_patch.fl;
@@

- unsigned long fl;
  ... when != fl
      when strict

@set_error_unused depends on patch@
identifier set_error_patch.fl;
@@

- unsigned long fl;
  ... when != fl
      when strict

@set_error_result_unused depends on patch@
identifier set_error_result_patch.fl;
@@

- unsigned long fl;
  ... when != fl
      when strict

@locked_unused depends on patch@
identifier locked_patch.fl;
@@

- unsigned long fl;
  ... when != fl
      when strict

@signal_locked depends on !patch@
position p;
@@

(
* dma_fence_signal_locked@p(...)
|
* dma_fence_check_and_signal_locked@p(...)
|
* dma_fence_signal_timestamp_locked@p(...)
)

@state_locked depends on !patch@
position p != set_error.p;
@@

(
* dma_fence_is_signaled_locked@p(...)
|
* dma_fence_get_status_locked@p(...)
)

@lock_used depends on !patch@
position p != {barrier.p1, barrier.p2, barrier_var.p1, set_error_flag.p1, set_error_flag.p2};
@@

(
* dma_fence_lock_irqsave@p(...)
|
* dma_fence_unlock_irqrestore@p(...)
|
* dma_fence_assert_held@p(...)
|
* dma_fence_spinlock@p(...)
)

@lock_member depends on !patch@
expression f;
struct dma_fence *df;
position p != {barrier.p1, barrier.p2};
@@

(
* df->lock@p
|
* f->extern_lock@p
|
* f->inline_lock@p
|
* f.extern_lock@p
|
* f.inline_lock@p
)

// ---------------------------------------------------------------------------
// The lock parameter

@init_patch depends on patch@
expression f, ops, lock, ctx, seqno;
@@

(
 dma_fence_init
|
 dma_fence_init64
)
  (f, ops,
-  lock,
   ctx, seqno)

@init_null depends on !patch@
expression f, ops, ctx, seqno;
position p;
@@

(
* dma_fence_init@p(f, ops, NULL, ctx, seqno)
|
* dma_fence_init64@p(f, ops, NULL, ctx, seqno)
)

@init_lock depends on !patch@
expression f, ops, lock, ctx, seqno;
position p != init_null.p;
@@

(
* dma_fence_init@p(f, ops, lock, ctx, seqno)
|
* dma_fence_init64@p(f, ops, lock, ctx, seqno)
)

// ---------------------------------------------------------------------------
// Signaling with a lock held that an op takes, in the same file

@op depends on !patch@
identifier ops, fn, m = {enable_signaling, signaled, set_deadline, release};
@@

  struct dma_fence_ops ops = { .m = fn, };

@op_lock depends on !patch@
identifier op.fn, lk;
expression E;
@@

  fn(...)
  {
  <+...
(
  spin_lock(&E->lk)
|
  spin_lock_irq(&E->lk)
|
  spin_lock_irqsave(&E->lk, ...)
)
  ...+>
  }

@held depends on !patch@
identifier op_lock.lk;
expression E, f;
position p;
@@

(
  spin_lock(&E->lk);
|
  spin_lock_irq(&E->lk);
|
  spin_lock_irqsave(&E->lk, ...);
)
  ... when != spin_unlock(&E->lk)
      when != spin_unlock_irq(&E->lk)
      when != spin_unlock_irqrestore(&E->lk, ...)
      when any
(
* dma_fence_signal@p(f)
|
* dma_fence_check_and_signal@p(f)
|
* dma_fence_signal_timestamp@p(f, ...)
|
* dma_fence_is_signaled@p(f)
|
* dma_fence_add_callback@p(f, ...)
|
* dma_fence_enable_signaling@p(f)
)

// ---------------------------------------------------------------------------
// Freed because the fence is signaled. A heuristic.

@has_cb depends on !patch@
expression f, E;
identifier memb;
@@

  dma_fence_add_callback(f, &E->memb, ...)

@freed depends on has_cb && !patch@
expression x;
identifier m, fn = {dma_fence_is_signaled, dma_fence_test_signaled_flag};
position p;
@@

  if (<+... fn(x->m) ...+>) {
    ... when != dma_fence_flush_callbacks(x->m)
        when != dma_fence_remove_callback(x->m, ...)
        when != dma_fence_wait(x->m, ...)
        when != dma_fence_wait_timeout(x->m, ...)
        when != dma_fence_lock_irqsave(x->m, ...)
        when any
(
*   kfree@p(x);
|
*   kvfree@p(x);
|
*   kmem_cache_free@p(..., x);
)
    ... when any
  }

@freed_early depends on has_cb && !patch@
expression x;
identifier m, fn = {dma_fence_is_signaled, dma_fence_test_signaled_flag};
statement S;
position p;
@@

  if (!fn(x->m)) S
  ... when != dma_fence_flush_callbacks(x->m)
      when != dma_fence_remove_callback(x->m, ...)
      when != dma_fence_wait(x->m, ...)
      when != dma_fence_wait_timeout(x->m, ...)
      when != dma_fence_lock_irqsave(x->m, ...)
(
* kfree@p(x);
|
* kvfree@p(x);
|
* kmem_cache_free@p(..., x);
)

// ---------------------------------------------------------------------------
// The list of callbacks

// Other structures have a member of that name, too.
@cb_list depends on !patch@
identifier other != dma_fence;
struct other *o;
expression f;
position p;
@@

(
  o->cb_list
|
* f->cb_list@p
|
* f.cb_list@p
)

@cb_node depends on !patch@
expression f;
position p;
@@

(
* list_del@p(&f->cb.node)
|
* list_del_init@p(&f->cb.node)
|
* __list_del_entry@p(&f->cb.node)
)

// ---------------------------------------------------------------------------

@initialize:python@
@@

say = {
    "barrier": "fence lock taken to wait for callbacks, use dma_fence_flush_callbacks()",
    "error": "error set under the fence lock, use dma_fence_try_set_error()",
    "signal": "signals with the fence lock held, collect under the driver's lock and signal after it",
    "state": "state read with the fence lock held, use the unlocked call without the lock",
    "lock": "the fence lock is the core's, use a lock of the driver",
    "null": "fences have a lock of their own, it is no parameter any more",
    "init": "fence is given a lock of its issuer: %s",
    "held": "may signal with %s held, which an op takes",
    "freed": "%s is freed because %s is signaled, a callback may still use it",
    "list": "the callbacks are the core's, use the calls for them",
}

@script:python depends on report@
p << barrier.p1;
@@
coccilib.report.print_report(p[0], "WARNING: " + say["barrier"])

@script:python depends on org@
p << barrier.p1;
@@
coccilib.org.print_todo(p[0], "WARNING: " + say["barrier"])

@script:python depends on report@
p << barrier_var.p1;
@@
coccilib.report.print_report(p[0], "WARNING: " + say["barrier"])

@script:python depends on org@
p << barrier_var.p1;
@@
coccilib.org.print_todo(p[0], "WARNING: " + say["barrier"])

@script:python depends on report@
p << set_error.p;
@@
coccilib.report.print_report(p[0], "WARNING: " + say["error"])

@script:python depends on org@
p << set_error.p;
@@
coccilib.org.print_todo(p[0], "WARNING: " + say["error"])

@script:python depends on report@
p << set_error_flag.p1;
@@
coccilib.report.print_report(p[0], "WARNING: " + say["error"])

@script:python depends on org@
p << set_error_flag.p1;
@@
coccilib.org.print_todo(p[0], "WARNING: " + say["error"])

@script:python depends on report@
p << signal_locked.p;
@@
coccilib.report.print_report(p[0], "ERROR: " + say["signal"])

@script:python depends on org@
p << signal_locked.p;
@@
coccilib.org.print_todo(p[0], "ERROR: " + say["signal"])

@script:python depends on report@
p << state_locked.p;
@@
coccilib.report.print_report(p[0], "ERROR: " + say["state"])

@script:python depends on org@
p << state_locked.p;
@@
coccilib.org.print_todo(p[0], "ERROR: " + say["state"])

@script:python depends on report@
p << lock_used.p;
@@
coccilib.report.print_report(p[0], "ERROR: " + say["lock"])

@script:python depends on org@
p << lock_used.p;
@@
coccilib.org.print_todo(p[0], "ERROR: " + say["lock"])

@script:python depends on report@
p << lock_member.p;
@@
coccilib.report.print_report(p[0], "ERROR: " + say["lock"])

@script:python depends on org@
p << lock_member.p;
@@
coccilib.org.print_todo(p[0], "ERROR: " + say["lock"])

@script:python depends on report@
p << init_null.p;
@@
coccilib.report.print_report(p[0], "ERROR: " + say["null"])

@script:python depends on org@
p << init_null.p;
@@
coccilib.org.print_todo(p[0], "ERROR: " + say["null"])

@script:python depends on report@
p << init_lock.p;
lock << init_lock.lock;
@@
coccilib.report.print_report(p[0], "ERROR: " + say["init"] % lock.replace(" ", ""))

@script:python depends on org@
p << init_lock.p;
lock << init_lock.lock;
@@
msg = "ERROR: " + say["init"] % lock.replace(" ", "")
coccilib.org.print_todo(p[0], msg.replace("[", "@(").replace("]", ")"))

@script:python depends on report@
p << held.p;
lk << op_lock.lk;
@@
coccilib.report.print_report(p[0], "WARNING: " + say["held"] % lk)

@script:python depends on org@
p << held.p;
lk << op_lock.lk;
@@
coccilib.org.print_todo(p[0], "WARNING: " + say["held"] % lk)

@script:python depends on report@
p << freed.p;
x << freed.x;
m << freed.m;
@@
coccilib.report.print_report(p[0], "WARNING: " + say["freed"] % (x.replace(" ", ""), m))

@script:python depends on org@
p << freed.p;
x << freed.x;
m << freed.m;
@@
msg = "WARNING: " + say["freed"] % (x.replace(" ", ""), m)
coccilib.org.print_todo(p[0], msg.replace("[", "@(").replace("]", ")"))

@script:python depends on report@
p << freed_early.p;
x << freed_early.x;
m << freed_early.m;
@@
coccilib.report.print_report(p[0], "WARNING: " + say["freed"] % (x.replace(" ", ""), m))

@script:python depends on org@
p << freed_early.p;
x << freed_early.x;
m << freed_early.m;
@@
msg = "WARNING: " + say["freed"] % (x.replace(" ", ""), m)
coccilib.org.print_todo(p[0], msg.replace("[", "@(").replace("]", ")"))

@script:python depends on report@
p << cb_list.p;
@@
coccilib.report.print_report(p[0], "ERROR: " + say["list"])

@script:python depends on org@
p << cb_list.p;
@@
coccilib.org.print_todo(p[0], "ERROR: " + say["list"])

@script:python depends on report@
p << cb_node.p;
@@
coccilib.report.print_report(p[0], "ERROR: " + say["list"])

@script:python depends on org@
p << cb_node.p;
@@
coccilib.org.print_todo(p[0], "ERROR: " + say["list"])
