/* SPDX-License-Identifier: BSD-3-Clause */
/* Hypercalls of a guest: one struct guest_hv for each VTL, as each has a hypercall page. */
#ifndef GUEST_HV_H
#define GUEST_HV_H

#include <vsm/hv.h>

#include "guest.h"

/* Vendor 0 would switch the hypercall page off; this is the "open source, undefined OS" form. */
#define GUEST_OS_ID_VTL(n) (0x8000000000000000ull | (uint64_t)(n) << 8 | 1)

struct guest_hv {
	uint8_t code[HV_PAGE_SIZE]; /* under the hypercall page */
	uint8_t input[HV_PAGE_SIZE];
	uint8_t output[HV_PAGE_SIZE];
	const void *page; /* the hypercall page of this VTL: `code` of its own or of another VP */
	const void *vtl_call; /* stubs in the page, as VsmCodePageOffsets has them */
	const void *vtl_return;
} __attribute__((aligned(4096)));

/* Sets GUEST_OS_ID and the hypercall page of the current VTL. */
void hv_setup(struct guest_hv *hv, uint64_t os_id);

/* A VP uses the hypercall page that another has set: there is one for all VPs of a VTL. */
void hv_share(struct guest_hv *hv, const struct guest_hv *owner);

/* Looks up the stubs for VTL call and return; gives the HV status. */
uint16_t hv_setup_vtl_stubs(struct guest_hv *hv);

/* Memory form, with hv->input and hv->output as the parameter pages; gives the result value. */
uint64_t hv_hypercall(struct guest_hv *hv, uint64_t control);

/* Calls by name; they give the HV status. */
uint16_t hv_get_register(struct guest_hv *hv, uint32_t name, uint64_t *value);
uint16_t hv_get_register_of(struct guest_hv *hv, uint32_t vp, uint32_t name, uint64_t *value);
uint16_t hv_set_register(struct guest_hv *hv, uint32_t name, uint64_t value);
uint16_t hv_enable_partition_vtl(struct guest_hv *hv, uint8_t vtl);
/* The same with HV_ENABLE_PARTITION_VTL_*. */
uint16_t hv_enable_partition_vtl_with(struct guest_hv *hv, uint8_t vtl, uint8_t flags);
uint16_t hv_enable_vp_vtl(struct guest_hv *hv, uint8_t vtl,
			  const struct hv_initial_vp_context *context);
uint16_t hv_enable_vp_vtl_of(struct guest_hv *hv, uint32_t vp, uint8_t vtl,
			     const struct hv_initial_vp_context *context);
uint16_t hv_start_vp(struct guest_hv *hv, uint32_t vp, uint8_t vtl,
		     const struct hv_initial_vp_context *context);
/* The rights (HV_MAP_GPA_*) that VTLs below the caller's have to a page. */
uint16_t hv_protect(struct guest_hv *hv, const void *page, uint32_t rights);

/* TLFS 11.10.2: empties a slot of the SIMP; then another message that waits for it comes. */
void hv_message_done(struct hv_message *slot);

/*
 * The state in which another VTL of this processor starts: its own root of the page tables, stack
 * and descriptor tables, 64-bit. The caller may change fields before it uses it.
 */
void hv_context_init(struct hv_initial_vp_context *c, struct guest_cpu *cpu, void (*entry)(void),
		     void *stack_top);

#endif
