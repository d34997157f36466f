/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before dma-fence-bench_kunit.c when it is compiled for the base. */
#include <linux/dma-fence.h>

/* The base's call has a lock that is optional; the series' need not have one. */
#define dma_fence_init(...) \
	BASE_PICK(__VA_ARGS__, BASE_INIT_5, BASE_INIT_4)(__VA_ARGS__)
#define BASE_PICK(fence, ops, c, d, e, name, ...) name
#define BASE_INIT_4(fence, ops, context, seqno) \
	(dma_fence_init)(fence, ops, NULL, context, seqno)
#define BASE_INIT_5 (dma_fence_init)

/* As the drivers of the base do it: one lock for the list, the fences and their callbacks. */
#define bench_timeline_init_fence(tl, f) \
	(dma_fence_init)(&(f)->base, &bench_ops, &(tl)->lock, (tl)->context, ++(tl)->seqno)

#define bench_timeline_signal(tl) do {						\
	struct bench_fence *__f, *__next;					\
										\
	spin_lock_irq(&(tl)->lock);						\
	list_for_each_entry_safe(__f, __next, &(tl)->pending, link) {		\
		list_del_init(&__f->link);					\
		dma_fence_signal_locked(&__f->base);				\
	}									\
	spin_unlock_irq(&(tl)->lock);						\
} while (0)
