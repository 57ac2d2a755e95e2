/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/save.h
 * Saved state: what libvsm itself holds for a partition and its VPs, as bytes, and back.
 *
 * It is one of three parts of a saved machine; the others are guest RAM and the registers that the
 * host keeps (state.h has the private ones of a VTL). doc/saved-state.md says who saves what, in
 * which order, and has the layout of the bytes.
 *
 *     size_t size, used;
 *
 *     if (vsm_save_size(vsm, &size) != 0 || (buf = malloc(size)) == NULL)
 *             return failed("nothing to save into");
 *     if (vsm_save(vsm, buf, size, &used) != 0)
 *             return failed("a VP waits, or is in an entry");
 *
 * and elsewhere, with a partition that was made in the same way:
 *
 *     if (vsm_load(vsm, buf, used) != 0)
 *             return failed("damaged, or of another machine");
 */
#ifndef VSM_SAVE_H
#define VSM_SAVE_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/** Version that vsm_save() writes and the highest that vsm_load() reads. */
#define VSM_SAVED_VERSION 1u

/**
 * Bytes that vsm_save() would write now. It grows with what the guest has done: two pages for each
 * VTL of a VP at most, and 16 bytes for each run of pages that a VTL has given equal rights.
 *
 * @param vsm  as for vsm_save().
 * @param size set on success.
 * @retval 0 done.
 * @retval other as vsm_save().
 * Thread: any, with all VPs stopped.
 */
VSM_EXPORT int vsm_save_size(struct vsm *vsm, size_t *size);

/**
 * Save the partition and its VPs. Nothing changes by it, and the guest may run on.
 *
 * No VP may be in the guest or in an entry, and none may be blocked, but for those that wait for
 * their start: what goes on elsewhere cannot be saved. A blocked VP gets there by
 * vsm_vp_run_prepare(), which all VPs can be given without running the guest; its work may depend
 * on that of another one. Verdicts must have been carried out: an exception that an entry asked for
 * is the VMM's. No op is called but `tsc` and `log`.
 *
 * @param vsm  realised.
 * @param buf  filled in; undefined after a failure.
 * @param size of buf, at least what vsm_save_size() gives.
 * @param used set to the bytes written, a multiple of 8; on success only.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL, or size is too small.
 * @retval -VSM_ERR_BUSY   a VP is blocked. The log line says so.
 * @retval -VSM_ERR_STATE  the host could not follow the library before, and the guest sees what is
 *                         not recorded: reset the partition or give it up.
 * @retval -VSM_ERR_MISUSE not realised, a VP is in an entry, or called from within an op.
 * Thread: any, with all VPs stopped.
 */
VSM_EXPORT int vsm_save(struct vsm *vsm, void *buf, size_t size, size_t *used);

/**
 * Make a partition what vsm_save() saved.
 *
 * It has the same configuration, RAM and VPs, and is as vsm_vp_create() or vsm_partition_reset()
 * left it: no guest has changed it since. What the guest was told must be so here too; this host
 * may be able to do more. RAM may lie in other ranges of the same pages. What vsm_ram_hot_add() had
 * added is declared by vsm_ram_add().
 *
 * All bytes are read and checked before anything changes, and nothing in them is trusted: a state
 * that no guest could have brought about is refused. They are protected against accidents, not
 * against forgers: who can write them decides over the guest, so a VMM that keeps them where others
 * write authenticates them, and sees to it that they are not old.
 *
 * Then the host gets to know: `protect` with all ranges that have not all rights, as few calls as
 * they fit in, `tlb_flush`, `overlay_map` for each overlay page, `inject_event` for each
 * PendingEvent0; at last `tsc` is asked. Ops may not answer #VSM_PENDING here. switch_vtl, regs_get
 * and regs_set are not called: which VTL runs vsm_vp_active_vtl() tells, and registers are the
 * host's own.
 *
 * Reference time goes on from where it stood; a guest that reads it by the reference TSC page finds
 * a new sequence number there. A message that waited is delivered by vsm_vp_run_prepare().
 *
 * @param vsm  realised, with its VPs, none of which has run.
 * @param buf  saved state; not needed afterwards. Nobody may change it meanwhile.
 * @param size exactly its bytes.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL, or the bytes are damaged: nothing has changed.
 * @retval -VSM_ERR_NOSUP  of a version that this library does not know, or of another machine; the
 *                         log line tells what differs. Nothing has changed.
 * @retval -VSM_ERR_NOMEM  vsm_config.protmap_max_bytes is too small. Nothing has changed.
 * @retval -VSM_ERR_MISUSE not realised, a VP is in an entry, called from within an op, or the
 *                         partition is not as it was created. Nothing has changed.
 * @retval -VSM_ERR_HOST   an op failed. All is taken back: the partition is as after
 *                         vsm_partition_reset(), and may be given the same bytes again.
 * @retval -VSM_ERR_STATE  an op failed, and so did one of the way back: as -VSM_ERR_HOST of
 *                         vsm_partition_reset(), which may be called; or give the machine up.
 * Thread: any, before the VPs run. With #VSM_CONFIG_CHECK_THREADS it binds no VP to its thread.
 */
VSM_EXPORT int vsm_load(struct vsm *vsm, const void *buf, size_t size);

VSM_END_DECLS

#endif /* VSM_SAVE_H */
