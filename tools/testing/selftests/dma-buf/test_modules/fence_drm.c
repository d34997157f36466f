// SPDX-License-Identifier: GPL-2.0-only
/*
 * fence_drm: a DRM device that has sync objects, and nothing else
 *
 * Sync objects are all in the core of DRM, but only some drivers of real
 * devices offer them.
 */

#include <linux/device/faux.h>
#include <linux/err.h>
#include <linux/module.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_ioctl.h>

static const struct file_operations fence_drm_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = drm_release,
	.unlocked_ioctl = drm_ioctl,
	.compat_ioctl = drm_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.fop_flags = FOP_UNSIGNED_OFFSET,
};

static const struct drm_driver fence_drm_driver = {
	.driver_features = DRIVER_RENDER | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE,
	.fops = &fence_drm_fops,
	.name = "fence_drm",
	.desc = "sync objects for the dma-buf selftests",
	.major = 1,
};

static struct faux_device *faux;
static struct drm_device *drm;

static int __init fence_drm_init(void)
{
	int ret;

	faux = faux_device_create("fence_drm", NULL, NULL);
	if (!faux)
		return -ENODEV;

	drm = drm_dev_alloc(&fence_drm_driver, &faux->dev);
	if (IS_ERR(drm)) {
		ret = PTR_ERR(drm);
		goto err_faux;
	}

	ret = drm_dev_register(drm, 0);
	if (ret)
		goto err_drm;

	return 0;

err_drm:
	drm_dev_put(drm);
err_faux:
	faux_device_destroy(faux);
	return ret;
}
module_init(fence_drm_init);

static void __exit fence_drm_exit(void)
{
	drm_dev_unregister(drm);
	drm_dev_put(drm);
	faux_device_destroy(faux);
}
module_exit(fence_drm_exit);

MODULE_DESCRIPTION("DRM device with sync objects for the dma-buf selftests");
MODULE_LICENSE("GPL");
