/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/vsm.h
 * Everything of libvsm in one include. Each header also works alone.
 *
 * The order of a partition's life: vsm_partition_create() → vsm_ram_add() for each range of RAM →
 * vsm_partition_realise() → vsm_vp_create() for each VP → the entries of vp.h at each exit →
 * vsm_partition_destroy().
 */
#ifndef VSM_VSM_H
#define VSM_VSM_H

#include <vsm/error.h>
#include <vsm/export.h>
#include <vsm/gpa.h>
#include <vsm/host.h>
#include <vsm/hv.h>
#include <vsm/hypercall.h>
#include <vsm/message.h>
#include <vsm/partition.h>
#include <vsm/protect.h>
#include <vsm/registers.h>
#include <vsm/save.h>
#include <vsm/state.h>
#include <vsm/types.h>
#include <vsm/version.h>
#include <vsm/vp.h>
#include <vsm/vpset.h>

#endif /* VSM_VSM_H */
