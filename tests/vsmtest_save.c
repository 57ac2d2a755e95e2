/* SPDX-License-Identifier: BSD-3-Clause */
/* The fake host saves and loads itself. */
#include <stdlib.h>
#include <string.h>

#include "vsmtest_internal.h"

int vsmtest_save(struct vsmtest *t, uint8_t **bytes, size_t *size)
{
	uint8_t *buffer = NULL;
	size_t room = 0, used = 0;
	int err;

	/* Quiet: no guest runs after it, so flushes may be owed, and no op of it may fail. */
	t->quiet++;
	vsmtest_entry_begin(t, VSMTEST_ENTRY_PARTITION);
	err = vsm_save_size(t->vsm, &room);
	if (!err) {
		/* Not a byte more, and none that was not written goes unseen. */
		buffer = malloc(room);
		memset(buffer, 0xa5, room);
		err = vsm_save(t->vsm, buffer, room, &used);
	}
	if (!err && used != room)
		vsmtest_breach(t, "vsm_save_size() says %zu, vsm_save() writes %zu", room, used);
	vsmtest_entry_end(t, err);
	t->quiet--;
	if (err) {
		free(buffer);
		return err;
	}
	*bytes = buffer;
	*size = used;
	return 0;
}

int vsmtest_load(struct vsmtest *t, const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size + !size);
	int err;

	memcpy(copy, bytes, size);
	vsmtest_entry_begin(t, VSMTEST_ENTRY_PARTITION);
	err = vsm_load(t->vsm, copy, size);
	free(copy);
	return vsmtest_entry_end(t, err);
}

static void copy_file(const struct vsmtest *t, struct vsmtest_file *to,
		      const struct vsmtest_file *from)
{
	if (!from->values)
		return;
	memcpy(to->values, from->values, t->rows * sizeof(*to->values));
	memcpy(to->xmm, from->xmm, sizeof(to->xmm));
	to->hidden = from->hidden;
}

static void copy_vp(const struct vsmtest *t, struct vsmtest_vp *to, const struct vsmtest_vp *from)
{
	uint32_t vtl;

	for (vtl = 0; vtl <= t->opts.config.max_vtl; vtl++)
		copy_file(t, &to->file[vtl], &from->file[vtl]);
	copy_file(t, &to->cpu, &from->cpu);
	to->active = from->active;
	to->loaded = from->loaded;
}

static uint64_t hot_pages(const struct vsmtest *t)
{
	uint64_t pages = 0;
	uint32_t page, rights;

	for (page = 0; page < VSMTEST_HOT_PAGES; page++)
		if (!vsm_gpa_rights(t->vsm, 0, VSMTEST_HOT_GPA + page * (uint64_t)VSMTEST_PAGE,
				    &rights))
			pages |= 1ull << page;
	return pages;
}

struct vsmtest *vsmtest_twin(struct vsmtest *t)
{
	struct vsmtest_opts opts = t->opts;
	struct vsmtest *twin;
	uint32_t i;

	opts.hot_pages = hot_pages(t);
	twin = vsmtest_alloc(&opts);
	memcpy(twin->ram[0], t->ram[0], VSMTEST_RAM0_SIZE);
	memcpy(twin->ram[1], t->ram[1], VSMTEST_RAM1_SIZE);
	memcpy(twin->ram[2], t->ram[2], VSMTEST_HOT_SIZE);
	for (i = 0; i < t->vps; i++)
		copy_vp(t, &twin->vp[i], &t->vp[i]);
	twin->trap_len = t->trap_len;
	twin->relaxed = t->relaxed;
	twin->hook = t->hook;
	twin->hook_arg = t->hook_arg;
	twin->tsc = t->tsc;
	if (!vsmtest_create(twin))
		return twin;
	vsmtest_free(twin);
	return NULL;
}

struct vsmtest *vsmtest_move(struct vsmtest *t)
{
	struct vsmtest *twin = vsmtest_twin(t);
	uint8_t *bytes = NULL;
	size_t size = 0;
	int err = twin ? vsmtest_save(t, &bytes, &size) : -VSM_ERR_NOMEM;

	if (!err)
		err = vsmtest_load(twin, bytes, size);
	free(bytes);
	if (err || !twin) {
		vsmtest_breach(t, "the machine does not move: %d", err);
		vsmtest_report(t);
		return t;
	}
	vsmtest_free(t);
	return twin;
}
