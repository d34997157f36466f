// SPDX-License-Identifier: GPL-2.0-only
/*
 * fence_issuer: an issuer of fences that goes away while its fences stay
 *
 * Fences are handed out as sync files and signaled on request, or when the
 * file of the device is closed. Those without a release in their ops need
 * nothing of this module after that. Those with one hold a reference to it.
 */

#include <linux/dma-fence.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include "fence_issuer.h"

#define MAX_FENCES	64

struct issued {
	struct dma_fence base;	/* first: without release it is kfree'd as is */
	struct list_head link;
};

struct issuer {
	struct mutex mutex;	/* guards all below */
	struct list_head pending;
	u64 context;
	u64 seqno;
};

static const char *issuer_driver_name(struct dma_fence *fence)
{
	return KBUILD_MODNAME;
}

static const char *issuer_timeline_name(struct dma_fence *fence)
{
	return "issued";
}

static const struct dma_fence_ops issuer_ops = {
	.get_driver_name = issuer_driver_name,
	.get_timeline_name = issuer_timeline_name,
};

static void issuer_release(struct dma_fence *fence)
{
	dma_fence_free(fence);
	/* The caller is inside an RCU read-side critical section, see exit. */
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops issuer_release_ops = {
	.get_driver_name = issuer_driver_name,
	.get_timeline_name = issuer_timeline_name,
	.release = issuer_release,
};

static void issuer_signal(struct issuer *issuer)
{
	struct issued *issued, *next;

	mutex_lock(&issuer->mutex);
	list_for_each_entry_safe(issued, next, &issuer->pending, link) {
		list_del(&issued->link);
		dma_fence_signal(&issued->base);
		dma_fence_put(&issued->base);
	}
	mutex_unlock(&issuer->mutex);
}

static int issuer_create(struct issuer *issuer, void __user *arg)
{
	const struct dma_fence_ops *ops = &issuer_ops;
	struct sync_file *sync_file;
	struct issuer_create data;
	struct issued *issued;

	if (copy_from_user(&data, arg, sizeof(data)))
		return -EFAULT;
	if (data.flags & ~ISSUER_WITH_RELEASE)
		return -EINVAL;

	issued = kzalloc_obj(*issued);
	if (!issued)
		return -ENOMEM;

	if (data.flags & ISSUER_WITH_RELEASE) {
		ops = &issuer_release_ops;
		__module_get(THIS_MODULE);
	}

	mutex_lock(&issuer->mutex);
	/* The only call of the kind: what it takes is changing. */
	dma_fence_init(&issued->base, ops, issuer->context,
		       ++issuer->seqno);
	list_add_tail(&issued->link, &issuer->pending);
	/* The list has the reference from now on, and may drop it. */
	dma_fence_get(&issued->base);
	mutex_unlock(&issuer->mutex);

	sync_file = sync_file_create(&issued->base);
	dma_fence_put(&issued->base);
	if (!sync_file)
		return -ENOMEM;

	data.fd = get_unused_fd_flags(O_CLOEXEC);
	if (data.fd < 0) {
		fput(sync_file->file);
		return data.fd;
	}
	if (copy_to_user(arg, &data, sizeof(data))) {
		put_unused_fd(data.fd);
		fput(sync_file->file);
		return -EFAULT;
	}
	fd_install(data.fd, sync_file->file);

	return 0;
}

static int issuer_wait_any(void __user *arg)
{
	struct dma_fence *fences[MAX_FENCES];
	struct issuer_wait_any data;
	unsigned int count = 0;
	signed long ret = 0;
	s32 __user *fds;

	if (copy_from_user(&data, arg, sizeof(data)))
		return -EFAULT;
	if (!data.count || data.count > MAX_FENCES || data.pad)
		return -EINVAL;

	fds = u64_to_user_ptr(data.fds);
	while (count < data.count) {
		s32 fd;

		if (get_user(fd, fds + count)) {
			ret = -EFAULT;
			goto put;
		}
		fences[count] = sync_file_get_fence(fd);
		if (!fences[count]) {
			ret = -EINVAL;
			goto put;
		}
		count++;
	}

	ret = dma_fence_wait_any_timeout(fences, count, true,
					 msecs_to_jiffies(data.timeout_ms),
					 &data.index);
	if (ret > 0)
		ret = copy_to_user(arg, &data, sizeof(data)) ? -EFAULT : 0;
	else if (!ret)
		ret = -ETIME;
put:
	while (count--)
		dma_fence_put(fences[count]);

	return ret;
}

static long issuer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct issuer *issuer = file->private_data;

	switch (cmd) {
	case ISSUER_CREATE:
		return issuer_create(issuer, (void __user *)arg);
	case ISSUER_SIGNAL:
		issuer_signal(issuer);
		return 0;
	case ISSUER_WAIT_ANY:
		return issuer_wait_any((void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int issuer_open(struct inode *inode, struct file *file)
{
	struct issuer *issuer;

	issuer = kzalloc_obj(*issuer);
	if (!issuer)
		return -ENOMEM;

	mutex_init(&issuer->mutex);
	INIT_LIST_HEAD(&issuer->pending);
	issuer->context = dma_fence_context_alloc(1);
	file->private_data = issuer;

	return 0;
}

static int issuer_close(struct inode *inode, struct file *file)
{
	struct issuer *issuer = file->private_data;

	issuer_signal(issuer);
	mutex_destroy(&issuer->mutex);
	kfree(issuer);

	return 0;
}

static const struct file_operations issuer_fops = {
	.owner = THIS_MODULE,
	.open = issuer_open,
	.release = issuer_close,
	.unlocked_ioctl = issuer_ioctl,
};

static struct miscdevice issuer_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "fence_issuer",
	.fops = &issuer_fops,
};

static int __init fence_issuer_init(void)
{
	return misc_register(&issuer_device);
}
module_init(fence_issuer_init);

static void __exit fence_issuer_exit(void)
{
	misc_deregister(&issuer_device);
	/* For those who found the ops of a fence before it was signaled. */
	synchronize_rcu();
}
module_exit(fence_issuer_exit);

MODULE_DESCRIPTION("Issuer of fences for the dma-buf selftests");
MODULE_LICENSE("GPL");
