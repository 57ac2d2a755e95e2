/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the backend holds for a VP beside its registers, as bytes and back: stores that KVM has
 * retired and nobody performed, parts of them for devices, exceptions for the next entry. Their
 * layout is in vsm/kvm_state.h.
 */
#include <string.h>

#include <vsm/kvm_state.h>

#include "../wire.h"
#include "kvm_private.h"

#define VERSION	      1u
#define HEADER_BYTES  24u
#define RECORD_BYTES  40u
#define TRAILER_BYTES 8u
#define RECORDS_MAX   (VK_VTLS_MAX * (VK_FRAGMENTS_MAX + 1u) + VK_FRAGMENTS_MAX)

#define KIND_STORE  1u
#define KIND_DEVICE 2u
#define KIND_EVENT  3u

#define FLAG_DEVICE 0x1u
#define FLAG_WAITS  0x2u

static const uint8_t magic[8] = { 'V', 'S', 'M', 'K', 'H', 'E', 'L', 'D' };

struct record {
	uint32_t kind;
	uint32_t vtl;
	uint64_t rip; /* Of an event: its parameter. */
	uint64_t gpa; /* Its vector. */
	uint64_t data; /* Its error code. */
	uint32_t len; /* Is there an error code? */
	uint32_t flags; /* Is there a parameter? */
};

/* All of it, before any of it counts. */
struct held {
	struct vk_store store[VK_VTLS_MAX];
	struct vsm_exception event[VK_VTLS_MAX];
	uint32_t has_event[VK_VTLS_MAX];
	struct vk_fragment device[VK_FRAGMENTS_MAX];
	uint32_t device_count;
};

static size_t bytes_of(uint32_t records)
{
	return HEADER_BYTES + (size_t)records * RECORD_BYTES + TRAILER_BYTES;
}

size_t vsm_kvm_held_size(void)
{
	return bytes_of(RECORDS_MAX);
}

/* KVM or the VMM has yet to end an exit. */
static int is_busy(const struct vsm_kvm_vp *kvp)
{
	for (uint32_t vtl = 0; vtl < kvp->k->vtls; vtl++) {
		if (kvp->vcpu[vtl].io != VK_IO_NONE)
			return 1;
	}
	return kvp->waits_msr != 0 || kvp->preparing != 0;
}

static uint8_t *put(uint8_t *at, const struct record *record)
{
	wire_put32(at, record->kind);
	wire_put32(at + 4, record->vtl);
	wire_put64(at + 8, record->rip);
	wire_put64(at + 16, record->gpa);
	wire_put64(at + 24, record->data);
	wire_put32(at + 32, record->len);
	wire_put32(at + 36, record->flags);
	return at + RECORD_BYTES;
}

static void get(const uint8_t *at, struct record *record)
{
	record->kind = wire_get32(at);
	record->vtl = wire_get32(at + 4);
	record->rip = wire_get64(at + 8);
	record->gpa = wire_get64(at + 16);
	record->data = wire_get64(at + 24);
	record->len = wire_get32(at + 32);
	record->flags = wire_get32(at + 36);
}

static uint8_t *put_part(uint8_t *at, struct record record, const struct vk_fragment *f)
{
	uint8_t data[8] = { 0 };

	memcpy(data, f->data, f->len);
	record.gpa = f->gpa;
	record.data = wire_get64(data);
	record.len = f->len;
	if (f->is_device)
		record.flags |= FLAG_DEVICE;
	return put(at, &record);
}

static uint8_t *put_vtl(uint8_t *at, const struct vk_vcpu *v, uint32_t vtl)
{
	const struct vk_store *s = &v->store;
	struct record store = { .kind = KIND_STORE, .vtl = vtl, .rip = s->rip };
	struct record event = { .kind = KIND_EVENT, .vtl = vtl };

	store.flags = s->waits != 0 ? FLAG_WAITS : 0;
	for (uint32_t i = 0; i < s->count; i++)
		at = put_part(at, store, &s->fragment[i]);
	if (!v->event_queued)
		return at;
	event.rip = v->event.parameter;
	event.gpa = v->event.vector;
	event.data = v->event.error_code;
	event.len = v->event.has_error_code;
	event.flags = v->event.has_parameter;
	return put(at, &event);
}

static uint32_t count_of(const struct vsm_kvm_vp *kvp)
{
	uint32_t count = kvp->device_count - kvp->device_next;

	for (uint32_t vtl = 0; vtl < kvp->k->vtls; vtl++)
		count += kvp->vcpu[vtl].store.count + (kvp->vcpu[vtl].event_queued != 0);
	return count;
}

int vsm_kvm_held_save(const struct vsm_kvm_vp *kvp, void *buf, size_t size, size_t *used)
{
	struct record device = { .kind = KIND_DEVICE };
	uint8_t *bytes = buf, *at;
	uint32_t count;
	size_t all;

	if (kvp == NULL || buf == NULL || used == NULL)
		return -VSM_ERR_INVAL;
	if (is_busy(kvp))
		return kvm_fail(kvp->k, VSM_ERR_BUSY, "vsm_kvm_held_save: an exit is not finished");
	count = count_of(kvp);
	all = bytes_of(count);
	if (size < all)
		return kvm_fail(kvp->k, VSM_ERR_INVAL, "vsm_kvm_held_save: size is too small");
	memcpy(bytes, magic, sizeof(magic));
	wire_put32(bytes + 8, VERSION);
	wire_put32(bytes + 12, count);
	wire_put32(bytes + 16, kvp->index);
	wire_put32(bytes + 20, 0);
	at = bytes + HEADER_BYTES;
	for (uint32_t vtl = 0; vtl < kvp->k->vtls; vtl++)
		at = put_vtl(at, &kvp->vcpu[vtl], vtl);
	for (uint32_t i = kvp->device_next; i < kvp->device_count; i++)
		at = put_part(at, device, &kvp->device[i]);
	wire_put64(at, wire_sum(WIRE_SUM_START, bytes, all - TRAILER_BYTES));
	*used = all;
	return 0;
}

/* Number of records, or an error. */
static int read_header(const struct vsm_kvm_vp *kvp, const uint8_t *bytes, size_t size)
{
	const struct vsm_kvm *k = kvp->k;
	uint32_t count;

	if (size < bytes_of(0) || memcmp(bytes, magic, sizeof(magic)) != 0)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_held_load: not what was saved");
	if (wire_get32(bytes + 8) != VERSION)
		return kvm_fail(k, VSM_ERR_NOSUP, "vsm_kvm_held_load: of an unknown version");
	count = wire_get32(bytes + 12);
	if (count > RECORDS_MAX || size != bytes_of(count) || wire_get32(bytes + 20) != 0)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_held_load: the length is wrong");
	if (wire_get64(bytes + size - TRAILER_BYTES) !=
	    wire_sum(WIRE_SUM_START, bytes, size - TRAILER_BYTES))
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_held_load: the checksum is wrong");
	if (wire_get32(bytes + 16) != kvp->index)
		return kvm_fail(k, VSM_ERR_NOSUP, "vsm_kvm_held_load: of another VP");
	return (int)count;
}

/* A part as KVM gives them: within a page, and no device where RAM is. */
static int part_of(const struct vsm_kvm_vp *kvp, const struct record *r, struct vk_fragment *f)
{
	const struct vk_range *range = kvm_range_find(kvp->k, r->gpa);
	uint8_t data[8];

	if (r->len == 0 || r->len > sizeof(data) || r->gpa % VK_PAGE + r->len > VK_PAGE ||
	    (r->len < sizeof(data) && r->data >> (8 * r->len) != 0))
		return 0;
	if ((r->flags & FLAG_DEVICE) != 0 && range != NULL && range->is_ram)
		return 0;
	wire_put64(data, r->data);
	f->gpa = r->gpa;
	f->len = r->len;
	f->is_device = r->flags & FLAG_DEVICE;
	memcpy(f->data, data, sizeof(f->data));
	return 1;
}

static int read_store(const struct vsm_kvm_vp *kvp, const struct record *r, struct vk_store *s)
{
	uint32_t waits = (r->flags & FLAG_WAITS) != 0;

	if (s->count == VK_FRAGMENTS_MAX || (r->flags & ~(FLAG_DEVICE | FLAG_WAITS)) != 0)
		return 0;
	/* All parts are of one instruction. */
	if (s->count != 0 && (s->rip != r->rip || s->waits != waits))
		return 0;
	s->rip = r->rip;
	s->waits = waits;
	return part_of(kvp, r, &s->fragment[s->count++]);
}

static int read_device(const struct vsm_kvm_vp *kvp, const struct record *r, struct held *held)
{
	if (held->device_count == VK_FRAGMENTS_MAX || r->vtl != 0 || r->rip != 0 ||
	    r->flags != FLAG_DEVICE)
		return 0;
	return part_of(kvp, r, &held->device[held->device_count++]);
}

static int read_event(const struct record *r, struct held *held)
{
	struct vsm_exception *event = &held->event[r->vtl];

	if (held->has_event[r->vtl] || r->gpa > 31 || r->data >> 32 != 0 || r->len > 1 ||
	    r->flags > 1 || (r->len == 0 && r->data != 0) || (r->flags == 0 && r->rip != 0))
		return 0;
	held->has_event[r->vtl] = 1;
	event->vector = (uint8_t)r->gpa;
	event->has_error_code = (uint8_t)r->len;
	event->has_parameter = (uint8_t)r->flags;
	event->error_code = (uint32_t)r->data;
	event->parameter = r->rip;
	return 1;
}

static int read_record(const struct vsm_kvm_vp *kvp, const struct record *r, struct held *held)
{
	if (r->vtl >= kvp->k->vtls || (vsm_vp_enabled_vtls(kvp->vp) >> r->vtl & 1) == 0)
		return 0;
	switch (r->kind) {
	case KIND_STORE:
		return read_store(kvp, r, &held->store[r->vtl]);
	case KIND_DEVICE:
		return read_device(kvp, r, held);
	case KIND_EVENT:
		return read_event(r, held);
	default:
		return 0;
	}
}

static void take(struct vsm_kvm_vp *kvp, const struct held *held)
{
	for (uint32_t vtl = 0; vtl < kvp->k->vtls; vtl++) {
		struct vk_vcpu *v = &kvp->vcpu[vtl];

		v->store = held->store[vtl];
		/* Others are those that vsm_load() has told of, and stay. */
		if (!held->has_event[vtl])
			continue;
		v->event = held->event[vtl];
		v->event_queued = 1;
	}
	memcpy(kvp->device, held->device, sizeof(kvp->device));
	kvp->device_next = 0;
	kvp->device_count = held->device_count;
}

static int holds(const struct vsm_kvm_vp *kvp)
{
	uint32_t count = kvp->device_count - kvp->device_next;

	for (uint32_t vtl = 0; vtl < kvp->k->vtls; vtl++)
		count += kvp->vcpu[vtl].store.count;
	return count != 0;
}

int vsm_kvm_held_load(struct vsm_kvm_vp *kvp, const void *buf, size_t size)
{
	const uint8_t *at = buf;
	struct record record;
	struct held held;
	int count;

	if (kvp == NULL || buf == NULL)
		return -VSM_ERR_INVAL;
	if (is_busy(kvp))
		return kvm_fail(kvp->k, VSM_ERR_MISUSE,
				"vsm_kvm_held_load: an exit is not finished");
	if (holds(kvp))
		return kvm_fail(kvp->k, VSM_ERR_MISUSE,
				"vsm_kvm_held_load: the VP holds a store already");
	count = read_header(kvp, at, size);
	if (count < 0)
		return count;
	memset(&held, 0, sizeof(held));
	at += HEADER_BYTES;
	for (int i = 0; i < count; i++, at += RECORD_BYTES) {
		get(at, &record);
		if (!read_record(kvp, &record, &held))
			return kvm_fail(kvp->k, VSM_ERR_INVAL,
					"vsm_kvm_held_load: what KVM never gives");
	}
	take(kvp, &held);
	return 0;
}
