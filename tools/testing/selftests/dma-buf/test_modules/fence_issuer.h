/* SPDX-License-Identifier: GPL-2.0-only */
/* What /dev/fence_issuer can be asked for, see fence_issuer.c */
#ifndef FENCE_ISSUER_H
#define FENCE_ISSUER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define ISSUER_WITH_RELEASE	1	/* ops with a release, they stay */

struct issuer_create {
	__u32 flags;
	__s32 fd;
};

struct issuer_wait_any {
	__u64 fds;		/* array of __s32 */
	__u32 count;
	__u32 timeout_ms;
	__u32 index;		/* of one that is signaled */
	__u32 pad;
};

#define ISSUER_CREATE	_IOWR('f', 0, struct issuer_create)
#define ISSUER_SIGNAL	_IO('f', 1)
#define ISSUER_WAIT_ANY	_IOWR('f', 2, struct issuer_wait_any)

#endif
