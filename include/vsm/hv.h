/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The wire interface of the hypervisor: what guest and hypervisor exchange, byte by byte.
 *
 * Names, numbers and layouts of the Hypervisor Top-Level Functional Specification (TLFS 6.0b and
 * its online edition; where the two differ, what the published headers of real guests use). Needs
 * nothing of the library. All values are little-endian. Bit fields are masks: the field F of a
 * word is `(word & F_MASK) >> F_SHIFT`, a single bit has no suffix. A block read from a guest may
 * hold anything: copy it once, then look only at the copy.
 */
#ifndef VSM_HV_H
#define VSM_HV_H

#include <stddef.h>
#include <stdint.h>

#include "vsm/hv_messages.h"
#include "vsm/hv_registers.h"

/**
 * @name Status codes (TLFS App. B; 0x0051, 0x0086 and 0x0087 by the published headers)
 * @{
 */
/** Status of a call, bits 15:0 of its result value. */
#define HV_STATUS_SUCCESS				       0x0000U
#define HV_STATUS_INVALID_HYPERCALL_CODE		       0x0002U
#define HV_STATUS_INVALID_HYPERCALL_INPUT		       0x0003U
#define HV_STATUS_INVALID_ALIGNMENT			       0x0004U
#define HV_STATUS_INVALID_PARAMETER			       0x0005U
#define HV_STATUS_ACCESS_DENIED				       0x0006U
#define HV_STATUS_INVALID_PARTITION_STATE		       0x0007U
#define HV_STATUS_OPERATION_DENIED			       0x0008U
#define HV_STATUS_UNKNOWN_PROPERTY			       0x0009U
#define HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE		       0x000aU
#define HV_STATUS_INSUFFICIENT_MEMORY			       0x000bU
#define HV_STATUS_PARTITION_TOO_DEEP			       0x000cU
#define HV_STATUS_INVALID_PARTITION_ID			       0x000dU
#define HV_STATUS_INVALID_VP_INDEX			       0x000eU
#define HV_STATUS_NOT_FOUND				       0x0010U
#define HV_STATUS_INVALID_PORT_ID			       0x0011U
#define HV_STATUS_INVALID_CONNECTION_ID			       0x0012U
#define HV_STATUS_INSUFFICIENT_BUFFERS			       0x0013U
#define HV_STATUS_NOT_ACKNOWLEDGED			       0x0014U
#define HV_STATUS_INVALID_VP_STATE			       0x0015U
#define HV_STATUS_ACKNOWLEDGED				       0x0016U
#define HV_STATUS_INVALID_SAVE_RESTORE_STATE		       0x0017U
#define HV_STATUS_INVALID_SYNIC_STATE			       0x0018U
#define HV_STATUS_OBJECT_IN_USE				       0x0019U
#define HV_STATUS_INVALID_PROXIMITY_DOMAIN_INFO		       0x001aU
#define HV_STATUS_NO_DATA				       0x001bU
#define HV_STATUS_INACTIVE				       0x001cU
#define HV_STATUS_NO_RESOURCES				       0x001dU
#define HV_STATUS_FEATURE_UNAVAILABLE			       0x001eU
#define HV_STATUS_PARTIAL_PACKET			       0x001fU
#define HV_STATUS_PROCESSOR_FEATURE_NOT_SUPPORTED	       0x0020U
#define HV_STATUS_PROCESSOR_CACHE_LINE_FLUSH_SIZE_INCOMPATIBLE 0x0030U
#define HV_STATUS_INSUFFICIENT_BUFFER			       0x0033U
#define HV_STATUS_INCOMPATIBLE_PROCESSOR		       0x0037U
#define HV_STATUS_INSUFFICIENT_DEVICE_DOMAINS		       0x0038U
#define HV_STATUS_CPUID_FEATURE_VALIDATION_ERROR	       0x003cU
#define HV_STATUS_CPUID_XSAVE_FEATURE_VALIDATION_ERROR	       0x003dU
#define HV_STATUS_PROCESSOR_STARTUP_TIMEOUT		       0x003eU
#define HV_STATUS_SMX_ENABLED				       0x003fU
#define HV_STATUS_INVALID_LP_INDEX			       0x0041U
#define HV_STATUS_INVALID_REGISTER_VALUE		       0x0050U
#define HV_STATUS_INVALID_VTL_STATE			       0x0051U
#define HV_STATUS_NX_NOT_DETECTED			       0x0055U
#define HV_STATUS_INVALID_DEVICE_ID			       0x0057U
#define HV_STATUS_INVALID_DEVICE_STATE			       0x0058U
#define HV_STATUS_PENDING_PAGE_REQUESTS			       0x0059U
#define HV_STATUS_PAGE_REQUEST_INVALID			       0x0060U
#define HV_STATUS_KEY_ALREADY_EXISTS			       0x0065U
#define HV_STATUS_DEVICE_ALREADY_IN_DOMAIN		       0x0066U
#define HV_STATUS_INVALID_CPU_GROUP_ID			       0x006fU
#define HV_STATUS_INVALID_CPU_GROUP_STATE		       0x0070U
#define HV_STATUS_OPERATION_FAILED			       0x0071U
#define HV_STATUS_NOT_ALLOWED_WITH_NESTED_VIRT_ACTIVE	       0x0072U
#define HV_STATUS_INSUFFICIENT_ROOT_MEMORY		       0x0073U
#define HV_STATUS_EVENT_BUFFER_ALREADY_FREED		       0x0074U
#define HV_STATUS_TIMEOUT				       0x0078U
#define HV_STATUS_CALL_PENDING				       0x0079U
#define HV_STATUS_VTL_ALREADY_ENABLED			       0x0086U
#define HV_STATUS_UNKNOWN_REGISTER_NAME			       0x0087U
/** @} */

/**
 * @name Hypercall codes (TLFS App. A)
 * @{
 */
/** Call code, bits 15:0 of the input value. */
#define HVCALL_SWITCH_VIRTUAL_ADDRESS_SPACE	      0x0001U
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE	      0x0002U
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST	      0x0003U
#define HVCALL_NOTIFY_LONG_SPIN_WAIT		      0x0008U
#define HVCALL_SEND_SYNTHETIC_CLUSTER_IPI	      0x000bU
#define HVCALL_MODIFY_VTL_PROTECTION_MASK	      0x000cU
#define HVCALL_ENABLE_PARTITION_VTL		      0x000dU
#define HVCALL_DISABLE_PARTITION_VTL		      0x000eU
#define HVCALL_ENABLE_VP_VTL			      0x000fU
#define HVCALL_DISABLE_VP_VTL			      0x0010U
#define HVCALL_VTL_CALL				      0x0011U
#define HVCALL_VTL_RETURN			      0x0012U
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX	      0x0013U
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX	      0x0014U
#define HVCALL_SEND_SYNTHETIC_CLUSTER_IPI_EX	      0x0015U
#define HVCALL_GET_PARTITION_ID			      0x0046U
#define HVCALL_INSTALL_INTERCEPT		      0x004dU
#define HVCALL_GET_VP_REGISTERS			      0x0050U
#define HVCALL_SET_VP_REGISTERS			      0x0051U
#define HVCALL_TRANSLATE_VIRTUAL_ADDRESS	      0x0052U
#define HVCALL_POST_MESSAGE			      0x005cU
#define HVCALL_SIGNAL_EVENT			      0x005dU
#define HVCALL_RETARGET_DEVICE_INTERRUPT	      0x007eU
#define HVCALL_ASSERT_VIRTUAL_INTERRUPT		      0x0094U
#define HVCALL_START_VIRTUAL_PROCESSOR		      0x0099U
#define HVCALL_GET_VP_INDEX_FROM_APIC_ID	      0x009aU
#define HVCALL_TRANSLATE_VIRTUAL_ADDRESS_EX	      0x00acU
#define HVCALL_CHECK_FOR_IO_INTERCEPT		      0x00adU
#define HVCALL_FLUSH_GUEST_PHYSICAL_ADDRESS_SPACE     0x00afU
#define HVCALL_FLUSH_GUEST_PHYSICAL_ADDRESS_LIST      0x00b0U
#define HVCALL_SIGNAL_EVENT_DIRECT		      0x00c0U
#define HVCALL_POST_MESSAGE_DIRECT		      0x00c1U
#define HVCALL_CHECK_SPARSE_GPA_PAGE_VTL_ACCESS	      0x00d4U
#define HVCALL_ACCEPT_GPA_PAGES			      0x00d9U
#define HVCALL_MODIFY_SPARSE_GPA_PAGE_HOST_VISIBILITY 0x00dbU
#define HVCALL_RESTORE_PARTITION_TIME		      0x0103U
#define HVCALL_QUERY_SPARSE_GPA_PAGE_HOST_VISIBILITY  0x011cU
#define HVEXTCALL_QUERY_CAPABILITIES		      0x8001U
#define HVEXTCALL_GET_BOOT_ZEROED_MEMORY	      0x8002U
/** Bit 15 of a call code marks an extended hypercall. */
#define HV_EXT_CALL_BIT				      0x8000U
/** @} */

/**
 * @name Hypercall input value (TLFS 3.7; variable header and nested bit as the online edition)
 * @{
 */
/** Field of the input value: RCX, or EDX:EAX of a 32-bit caller. */
#define HV_HYPERCALL_CODE_MASK	     0x000000000000ffffULL
#define HV_HYPERCALL_FAST	     0x0000000000010000ULL
#define HV_HYPERCALL_VARHEAD_SHIFT   17
#define HV_HYPERCALL_VARHEAD_MASK    0x0000000007fe0000ULL
#define HV_HYPERCALL_NESTED	     0x0000000080000000ULL
#define HV_HYPERCALL_REP_COUNT_SHIFT 32
#define HV_HYPERCALL_REP_COUNT_MASK  0x00000fff00000000ULL
#define HV_HYPERCALL_REP_START_SHIFT 48
#define HV_HYPERCALL_REP_START_MASK  0x0fff000000000000ULL
/** Bits 30:27, 47:44 and 63:60. */
#define HV_HYPERCALL_RSVD_MASK	     0xf000f00078000000ULL
/** @} */

/**
 * @name Hypercall result value (TLFS ch. 3)
 * Reps completed are counted from element 0, not from the rep start index.
 * @{
 */
/** Field of the result value: RAX, or EDX:EAX of a 32-bit caller. */
#define HV_HYPERCALL_RESULT_STATUS_MASK 0x000000000000ffffULL
#define HV_HYPERCALL_RESULT_REPS_SHIFT	32
#define HV_HYPERCALL_RESULT_REPS_MASK	0x00000fff00000000ULL
/** @} */

/**
 * @name Register parameters (TLFS 3.7; the XMM forms of the online edition)
 * @{
 */
/** Bytes of RDX and R8. */
#define HV_HYPERCALL_FAST_BYTES	    16U
/** Bytes of RDX, R8 and XMM0..XMM5. */
#define HV_HYPERCALL_FAST_XMM_BYTES 112U
#define HV_HYPERCALL_FAST_XMM_COUNT 6U
/** @} */

/**
 * @name VTL call and return control input (TLFS 15.6, 15.7)
 * @{
 */
/** VTL return only: leave RAX and RCX as they are; all other bits are 0. */
#define HV_VTL_RETURN_FAST 0x0000000000000001ULL
/** @} */

/**
 * @name Pages
 * @{
 */
/** Size of a guest page: 4096 bytes. */
#define HV_PAGE_SHIFT 12
#define HV_PAGE_SIZE  4096U
/** @} */

/**
 * @name Partition and VP identifiers (TLFS ch. 4, ch. 7)
 * @{
 */
/** Reserved identifier: an index or id that stands for something else than itself. */
#define HV_PARTITION_ID_INVALID 0x0000000000000000ULL
#define HV_PARTITION_ID_SELF	0xffffffffffffffffULL
#define HV_VP_INDEX_ANY		0xffffffffU
#define HV_VP_INDEX_SELF	0xfffffffeU
/** @} */

/**
 * @name VTL numbers (TLFS ch. 15)
 * HV_VTL is a plain number. HV_INPUT_VTL (a byte too) names a VTL only with USE_TARGET_VTL set;
 * without it the caller's own VTL is meant.
 * @{
 */
/** Number of a VTL, or field of an HV_INPUT_VTL byte. */
#define HV_VTL_MAX		     15U
#define HV_VTL_ALL		     0x0fU
#define HV_VTL_INVALID		     0xffU
#define HV_INPUT_VTL_TARGET_VTL_MASK 0x0fU
#define HV_INPUT_VTL_USE_TARGET_VTL  0x10U
#define HV_INPUT_VTL_RSVD_MASK	     0xe0U
/** @} */

/**
 * @name Page access of ModifyVtlProtectionMask (TLFS 15.9; HV_MAP_GPA_FLAGS)
 * Kernel execute is bit 2, as the online edition and the published headers have it.
 * @{
 */
/** Right of the VTLs below to a page, or modifier of it. */
#define HV_MAP_GPA_PERMISSIONS_NONE	     0x0000U
#define HV_MAP_GPA_READABLE		     0x0001U
#define HV_MAP_GPA_WRITABLE		     0x0002U
#define HV_MAP_GPA_KERNEL_EXECUTABLE	     0x0004U
#define HV_MAP_GPA_USER_EXECUTABLE	     0x0008U
#define HV_MAP_GPA_EXECUTABLE		     0x000cU
#define HV_MAP_GPA_PERMISSIONS_MASK	     0x000fU
#define HV_MAP_GPA_SUPERVISOR_SHADOW_STACK   0x0010U
#define HV_MAP_GPA_PAGING_WRITABILITY	     0x0020U
#define HV_MAP_GPA_VERIFY_PAGING_WRITABILITY 0x0040U
#define HV_MAP_GPA_ADJUSTABLE		     0x8000U
/** @} */

/** State in which a VTL runs first (TLFS 15.15). The segments are not in register-name order. */
struct hv_initial_vp_context {
	uint64_t rip; /**< RIP */
	uint64_t rsp; /**< RSP */
	uint64_t rflags; /**< RFLAGS */
	struct hv_segment_register cs; /**< CS */
	struct hv_segment_register ds; /**< DS */
	struct hv_segment_register es; /**< ES */
	struct hv_segment_register fs; /**< FS */
	struct hv_segment_register gs; /**< GS */
	struct hv_segment_register ss; /**< SS */
	struct hv_segment_register tr; /**< TR */
	struct hv_segment_register ldtr; /**< LDTR */
	struct hv_table_register idtr; /**< IDTR */
	struct hv_table_register gdtr; /**< GDTR */
	uint64_t efer; /**< EFER */
	uint64_t cr0; /**< CR0; PE must be 1. */
	uint64_t cr3; /**< CR3 */
	uint64_t cr4; /**< CR4 */
	uint64_t msr_cr_pat; /**< IA32_PAT */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_initial_vp_context, 224) &&
			 HV_OFFSET_IS(hv_initial_vp_context, rip, 0) &&
			 HV_OFFSET_IS(hv_initial_vp_context, rsp, 8) &&
			 HV_OFFSET_IS(hv_initial_vp_context, rflags, 16) &&
			 HV_OFFSET_IS(hv_initial_vp_context, cs, 24) &&
			 HV_OFFSET_IS(hv_initial_vp_context, ds, 40) &&
			 HV_OFFSET_IS(hv_initial_vp_context, es, 56) &&
			 HV_OFFSET_IS(hv_initial_vp_context, fs, 72) &&
			 HV_OFFSET_IS(hv_initial_vp_context, gs, 88) &&
			 HV_OFFSET_IS(hv_initial_vp_context, ss, 104) &&
			 HV_OFFSET_IS(hv_initial_vp_context, tr, 120) &&
			 HV_OFFSET_IS(hv_initial_vp_context, ldtr, 136) &&
			 HV_OFFSET_IS(hv_initial_vp_context, idtr, 152) &&
			 HV_OFFSET_IS(hv_initial_vp_context, gdtr, 168) &&
			 HV_OFFSET_IS(hv_initial_vp_context, efer, 184) &&
			 HV_OFFSET_IS(hv_initial_vp_context, cr0, 192) &&
			 HV_OFFSET_IS(hv_initial_vp_context, cr3, 200) &&
			 HV_OFFSET_IS(hv_initial_vp_context, cr4, 208) &&
			 HV_OFFSET_IS(hv_initial_vp_context, msr_cr_pat, 216),
		 "HV_INITIAL_VP_CONTEXT");

/** Header of HVCALL_MODIFY_VTL_PROTECTION_MASK; elements are 8-byte GPA pages (TLFS 15.15). */
struct hv_input_modify_vtl_protection_mask {
	uint64_t target_partition_id; /**< #HV_PARTITION_ID_SELF or own id. */
	uint32_t map_flags; /**< HV_MAP_GPA_* */
	uint8_t target_vtl; /**< HV_INPUT_VTL */
	uint8_t reserved[3]; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_input_modify_vtl_protection_mask, 16) &&
			 HV_OFFSET_IS(hv_input_modify_vtl_protection_mask, target_partition_id,
				      0) &&
			 HV_OFFSET_IS(hv_input_modify_vtl_protection_mask, map_flags, 8) &&
			 HV_OFFSET_IS(hv_input_modify_vtl_protection_mask, target_vtl, 12) &&
			 HV_OFFSET_IS(hv_input_modify_vtl_protection_mask, reserved, 13),
		 "TLFS call 0x000C");

/** Input of HVCALL_ENABLE_PARTITION_VTL (TLFS 15.15); target_vtl is a plain number. */
struct hv_input_enable_partition_vtl {
	uint64_t target_partition_id; /**< #HV_PARTITION_ID_SELF or own id. */
	uint8_t target_vtl; /**< VTL to enable. */
	uint8_t flags; /**< HV_ENABLE_PARTITION_VTL_* */
	uint8_t reserved[6]; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_input_enable_partition_vtl, 16) &&
			 HV_OFFSET_IS(hv_input_enable_partition_vtl, target_partition_id, 0) &&
			 HV_OFFSET_IS(hv_input_enable_partition_vtl, target_vtl, 8) &&
			 HV_OFFSET_IS(hv_input_enable_partition_vtl, flags, 9) &&
			 HV_OFFSET_IS(hv_input_enable_partition_vtl, reserved, 10),
		 "TLFS call 0x000D");

/**
 * @name Flags of HVCALL_ENABLE_PARTITION_VTL (TLFS 15.15)
 * @{
 */
/** What the VTL is enabled with. */
#define HV_ENABLE_PARTITION_VTL_MBEC			0x01U
#define HV_ENABLE_PARTITION_VTL_SUPERVISOR_SHADOW_STACK 0x02U
#define HV_ENABLE_PARTITION_VTL_HARDWARE_HVPT		0x04U
#define HV_ENABLE_PARTITION_VTL_RSVD_MASK		0xf8U
/** @} */

/** Input of HVCALL_ENABLE_VP_VTL (TLFS 15.15); target_vtl is a plain number. */
struct hv_input_enable_vp_vtl {
	uint64_t target_partition_id; /**< #HV_PARTITION_ID_SELF or own id. */
	uint32_t vp_index; /**< VP index or #HV_VP_INDEX_SELF. */
	uint8_t target_vtl; /**< VTL to enable. */
	uint8_t reserved[3]; /**< 0 */
	struct hv_initial_vp_context vp_vtl_context; /**< Where it starts. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_input_enable_vp_vtl, 240) &&
			 HV_OFFSET_IS(hv_input_enable_vp_vtl, target_partition_id, 0) &&
			 HV_OFFSET_IS(hv_input_enable_vp_vtl, vp_index, 8) &&
			 HV_OFFSET_IS(hv_input_enable_vp_vtl, target_vtl, 12) &&
			 HV_OFFSET_IS(hv_input_enable_vp_vtl, reserved, 13) &&
			 HV_OFFSET_IS(hv_input_enable_vp_vtl, vp_vtl_context, 16),
		 "TLFS call 0x000F");

/** Input of HVCALL_START_VIRTUAL_PROCESSOR (TLFS 15.15); target_vtl is a plain number. */
struct hv_input_start_virtual_processor {
	uint64_t target_partition_id; /**< #HV_PARTITION_ID_SELF or own id. */
	uint32_t vp_index; /**< VP to start. */
	uint8_t target_vtl; /**< VTL that gets the context. */
	uint8_t reserved[3]; /**< 0 */
	struct hv_initial_vp_context vp_context; /**< Where it starts. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_input_start_virtual_processor, 240) &&
			 HV_OFFSET_IS(hv_input_start_virtual_processor, target_partition_id, 0) &&
			 HV_OFFSET_IS(hv_input_start_virtual_processor, vp_index, 8) &&
			 HV_OFFSET_IS(hv_input_start_virtual_processor, target_vtl, 12) &&
			 HV_OFFSET_IS(hv_input_start_virtual_processor, reserved, 13) &&
			 HV_OFFSET_IS(hv_input_start_virtual_processor, vp_context, 16),
		 "TLFS call 0x0099");

/** Header of HVCALL_GET_VP_REGISTERS; elements are 4-byte names, outputs are values (TLFS 7.10). */
struct hv_input_get_vp_registers {
	uint64_t partition_id; /**< #HV_PARTITION_ID_SELF or own id. */
	uint32_t vp_index; /**< VP index or #HV_VP_INDEX_SELF. */
	uint8_t input_vtl; /**< HV_INPUT_VTL */
	uint8_t reserved[3]; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_input_get_vp_registers, 16) &&
			 HV_OFFSET_IS(hv_input_get_vp_registers, partition_id, 0) &&
			 HV_OFFSET_IS(hv_input_get_vp_registers, vp_index, 8) &&
			 HV_OFFSET_IS(hv_input_get_vp_registers, input_vtl, 12) &&
			 HV_OFFSET_IS(hv_input_get_vp_registers, reserved, 13),
		 "TLFS call 0x0050");

/** Header of HVCALL_SET_VP_REGISTERS; elements are struct hv_register_assoc (TLFS 7.10). */
struct hv_input_set_vp_registers {
	uint64_t partition_id; /**< #HV_PARTITION_ID_SELF or own id. */
	uint32_t vp_index; /**< VP index or #HV_VP_INDEX_SELF. */
	uint8_t input_vtl; /**< HV_INPUT_VTL */
	uint8_t reserved[3]; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_input_set_vp_registers, 16) &&
			 HV_OFFSET_IS(hv_input_set_vp_registers, partition_id, 0) &&
			 HV_OFFSET_IS(hv_input_set_vp_registers, vp_index, 8) &&
			 HV_OFFSET_IS(hv_input_set_vp_registers, input_vtl, 12) &&
			 HV_OFFSET_IS(hv_input_set_vp_registers, reserved, 13),
		 "TLFS call 0x0051");

/** A register name with its value, one element of HVCALL_SET_VP_REGISTERS (TLFS 7.10). */
struct hv_register_assoc {
	uint32_t name; /**< HV_REGISTER_* or HV_X64_REGISTER_* */
	uint32_t reserved1; /**< 0 */
	uint64_t reserved2; /**< 0 */
	struct hv_register_value value; /**< Value. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_register_assoc, 32) && HV_OFFSET_IS(hv_register_assoc, name, 0) &&
			 HV_OFFSET_IS(hv_register_assoc, reserved1, 4) &&
			 HV_OFFSET_IS(hv_register_assoc, reserved2, 8) &&
			 HV_OFFSET_IS(hv_register_assoc, value, 16),
		 "HV_REGISTER_ASSOC");

/**
 * Header of HVCALL_GET_VP_INDEX_FROM_APIC_ID; elements are 4-byte APIC IDs, outputs are 4-byte VP
 * indices, both packed, as in the published headers (TLFS 6.0b pads them). target_vtl is plain.
 */
struct hv_input_get_vp_index_from_apic_id {
	uint64_t partition_id; /**< #HV_PARTITION_ID_SELF or own id. */
	uint8_t target_vtl; /**< VTL whose APIC ids are meant. */
	uint8_t padding[7]; /**< Ignored. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_input_get_vp_index_from_apic_id, 16) &&
			 HV_OFFSET_IS(hv_input_get_vp_index_from_apic_id, partition_id, 0) &&
			 HV_OFFSET_IS(hv_input_get_vp_index_from_apic_id, target_vtl, 8) &&
			 HV_OFFSET_IS(hv_input_get_vp_index_from_apic_id, padding, 9),
		 "TLFS call 0x009A");

/** Start of a set of VPs (TLFS data types). Then come the banks, 8 bytes each, in ascending
 *  order. */
struct hv_vp_set {
	uint64_t format; /**< HV_GENERIC_SET_* */
	uint64_t valid_banks_mask; /**< Bit n: bank n, VPs 64n .. 64n+63, follows. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_vp_set, 16) && HV_OFFSET_IS(hv_vp_set, format, 0) &&
			 HV_OFFSET_IS(hv_vp_set, valid_banks_mask, 8),
		 "HV_VP_SET");

/** hv_vp_set.format: a mask of banks, and the banks. */
#define HV_GENERIC_SET_SPARSE_4K 0U
/** hv_vp_set.format: all VPs of the partition. */
#define HV_GENERIC_SET_ALL	 1U

/** Input of HVCALL_NOTIFY_LONG_SPIN_WAIT (TLFS 10.5). */
struct hv_input_notify_long_spin_wait {
	uint32_t spin_count; /**< How often the guest has spun. */
	uint32_t reserved; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_input_notify_long_spin_wait, 8) &&
			 HV_OFFSET_IS(hv_input_notify_long_spin_wait, spin_count, 0) &&
			 HV_OFFSET_IS(hv_input_notify_long_spin_wait, reserved, 4),
		 "TLFS call 0x0008");

/** What the hypervisor and the active VTL tell each other (TLFS 7.8.7, 15.6, 15.7). */
struct hv_vp_vtl_control {
	uint32_t entry_reason; /**< HV_VTL_ENTRY_*, set at each entry. */
	uint8_t vina_status; /**< HV_VINA_STATUS_* */
	uint8_t reserved1; /**< 0 */
	uint16_t reserved2; /**< 0 */
	/** A 32-bit VTL keeps EAX in the low and ECX in the high half. */
	uint64_t vtl_return_x64_rax;
	/** A 32-bit VTL keeps EDX in the low half. */
	uint64_t vtl_return_x64_rcx;
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_vp_vtl_control, 24) &&
			 HV_OFFSET_IS(hv_vp_vtl_control, entry_reason, 0) &&
			 HV_OFFSET_IS(hv_vp_vtl_control, vina_status, 4) &&
			 HV_OFFSET_IS(hv_vp_vtl_control, reserved1, 5) &&
			 HV_OFFSET_IS(hv_vp_vtl_control, reserved2, 6) &&
			 HV_OFFSET_IS(hv_vp_vtl_control, vtl_return_x64_rax, 8) &&
			 HV_OFFSET_IS(hv_vp_vtl_control, vtl_return_x64_rcx, 16),
		 "HV_VP_VTL_CONTROL");

/**
 * @name Fields of the VTL control (TLFS 15.6, 15.12.4; reason 3 of the online edition)
 * @{
 */
/** Entry reason (TLFS 15.6), or bit of the VINA status. */
#define HV_VTL_ENTRY_RESERVED	0U
#define HV_VTL_ENTRY_VTL_CALL	1U
#define HV_VTL_ENTRY_INTERRUPT	2U
#define HV_VTL_ENTRY_INTERCEPT	3U
#define HV_VINA_STATUS_ASSERTED 0x01U
/** @} */

/**
 * @name HV_X64_MSR_CRASH_CTL (TLFS App. C)
 * @{
 */
/** Field of the MSR. */
#define HV_CRASH_CTL_NOTIFY	     0x8000000000000000ULL
/** P3 is the GPA of a text, P4 its length. */
#define HV_CRASH_CTL_MESSAGE	     0x4000000000000000ULL
#define HV_CRASH_CTL_NO_DUMP	     0x2000000000000000ULL
#define HV_CRASH_CTL_PRE_OS_ID_SHIFT 58
#define HV_CRASH_CTL_PRE_OS_ID_MASK  0x1c00000000000000ULL
/** Value that is read. */
#define HV_CRASH_CTL_CAPABILITIES    (HV_CRASH_CTL_NOTIFY | HV_CRASH_CTL_MESSAGE)
/** @} */

/** The reference TSC page, one per VTL (TLFS ch. 12). Time is ((tsc * scale) >> 64) + offset. */
struct hv_reference_tsc_page {
	uint32_t tsc_sequence; /**< 0: scale and offset are not valid. */
	uint32_t reserved1; /**< 0 */
	uint64_t tsc_scale; /**< Units of 100 ns per tick, as a fraction of 2^64. */
	int64_t tsc_offset; /**< Units of 100 ns; the sum is modulo 2^64. */
	uint64_t reserved2[509]; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_reference_tsc_page, 4096) &&
			 HV_OFFSET_IS(hv_reference_tsc_page, tsc_sequence, 0) &&
			 HV_OFFSET_IS(hv_reference_tsc_page, reserved1, 4) &&
			 HV_OFFSET_IS(hv_reference_tsc_page, tsc_scale, 8) &&
			 HV_OFFSET_IS(hv_reference_tsc_page, tsc_offset, 16) &&
			 HV_OFFSET_IS(hv_reference_tsc_page, reserved2, 24),
		 "TLFS ch. 12");

/** The VP assist page, one per VP and VTL (TLFS 7.8.7). */
struct hv_vp_assist_page {
	uint32_t apic_assist; /**< HV_APIC_ASSIST_* */
	uint32_t reserved1; /**< 0 */
	struct hv_vp_vtl_control vtl_control; /**< Entry reason and return registers. */
	uint32_t nested_enlightenments_features; /**< Nested virtualization only. */
	uint32_t nested_hypercall_controls; /**< Nested virtualization only. */
	uint8_t enlighten_vm_entry; /**< Nested virtualization only. */
	uint8_t reserved2[7]; /**< 0 */
	uint64_t current_nested_vmcs; /**< Nested virtualization only. */
	uint8_t synthetic_time_unhalted_timer_expired; /**< 1: it expired. */
	uint8_t reserved3[7]; /**< 0 */
	uint8_t virtualization_fault_information[40]; /**< Of a virtualization fault. */
	uint64_t reserved4; /**< 0 */
	/** Used with HV_VSM_PARTITION_CONFIG_INTERCEPT_PAGE only. */
	struct hv_message intercept_message;
	uint8_t vtl_return_actions[256]; /**< Requests at VTL return. */
	uint8_t reserved5[3472]; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_vp_assist_page, 4096) &&
			 HV_OFFSET_IS(hv_vp_assist_page, apic_assist, 0) &&
			 HV_OFFSET_IS(hv_vp_assist_page, reserved1, 4) &&
			 HV_OFFSET_IS(hv_vp_assist_page, vtl_control, 8) &&
			 HV_OFFSET_IS(hv_vp_assist_page, vtl_control.entry_reason, 8) &&
			 HV_OFFSET_IS(hv_vp_assist_page, vtl_control.vina_status, 12) &&
			 HV_OFFSET_IS(hv_vp_assist_page, vtl_control.vtl_return_x64_rax, 16) &&
			 HV_OFFSET_IS(hv_vp_assist_page, vtl_control.vtl_return_x64_rcx, 24) &&
			 HV_OFFSET_IS(hv_vp_assist_page, nested_enlightenments_features, 32) &&
			 HV_OFFSET_IS(hv_vp_assist_page, nested_hypercall_controls, 36) &&
			 HV_OFFSET_IS(hv_vp_assist_page, enlighten_vm_entry, 40) &&
			 HV_OFFSET_IS(hv_vp_assist_page, reserved2, 41) &&
			 HV_OFFSET_IS(hv_vp_assist_page, current_nested_vmcs, 48) &&
			 HV_OFFSET_IS(hv_vp_assist_page, synthetic_time_unhalted_timer_expired,
				      56) &&
			 HV_OFFSET_IS(hv_vp_assist_page, reserved3, 57) &&
			 HV_OFFSET_IS(hv_vp_assist_page, virtualization_fault_information, 64) &&
			 HV_OFFSET_IS(hv_vp_assist_page, reserved4, 104) &&
			 HV_OFFSET_IS(hv_vp_assist_page, intercept_message, 112) &&
			 HV_OFFSET_IS(hv_vp_assist_page, vtl_return_actions, 368) &&
			 HV_OFFSET_IS(hv_vp_assist_page, reserved5, 624),
		 "HV_VP_ASSIST_PAGE");

/** apic_assist: the interrupt in service needs no EOI (TLFS 10.3). */
#define HV_APIC_ASSIST_NO_EOI_REQUIRED 0x00000001U

/**
 * @name Leaf numbers (TLFS 2.4)
 * @{
 */
/** Leaf, the EAX of CPUID. */
#define HV_CPUID_VENDOR_AND_MAX_FUNCTION 0x40000000U
#define HV_CPUID_INTERFACE		 0x40000001U
#define HV_CPUID_VERSION		 0x40000002U
#define HV_CPUID_FEATURES		 0x40000003U
#define HV_CPUID_ENLIGHTENMENT_INFO	 0x40000004U
#define HV_CPUID_IMPLEMENTATION_LIMITS	 0x40000005U
#define HV_CPUID_HARDWARE_FEATURES	 0x40000006U
#define HV_CPUID_CPU_MANAGEMENT_FEATURES 0x40000007U
#define HV_CPUID_SVM_FEATURES		 0x40000008U
#define HV_CPUID_NESTED_FEATURES	 0x40000009U
#define HV_CPUID_NESTED_OPTIMIZATIONS	 0x4000000aU
#define HV_CPUID_IPT_FEATURES		 0x4000000bU
#define HV_CPUID_ISOLATION_CONFIG	 0x4000000cU
#define HV_CPUID_MIN			 HV_CPUID_VENDOR_AND_MAX_FUNCTION
#define HV_CPUID_MAX			 HV_CPUID_ISOLATION_CONFIG
/** @} */

/**
 * @name Signatures (TLFS 2.4)
 * Leaf 0x40000000 EBX, ECX, EDX spell "Microsoft Hv"; leaf 0x40000001 EAX spells "Hv#1".
 * @{
 */
/** Constant of the identification leaves. */
#define HV_CPUID_VENDOR_EBX		  0x7263694dU
#define HV_CPUID_VENDOR_ECX		  0x666f736fU
#define HV_CPUID_VENDOR_EDX		  0x76482074U
#define HV_CPUID_INTERFACE_HV1		  0x31237648U
/** Hypervisor-present bit in ECX of leaf 1 (TLFS 2.4). */
#define HV_CPUID_1_ECX_HYPERVISOR_PRESENT (1U << 31)
/** The smallest maximum leaf a conforming hypervisor may report (TLFS 2.4). */
#define HV_CPUID_MAX_FUNCTION_MIN	  HV_CPUID_IMPLEMENTATION_LIMITS
/** @} */

/**
 * @name Partition privileges (TLFS 4.2.2)
 * Bits 31:0 are EAX and bits 63:32 are EBX of leaf 0x40000003.
 * @{
 */
/** Privilege of the partition. */
#define HV_PRIV_ACCESS_VP_RUN_TIME_REG			 (1ULL << 0)
#define HV_PRIV_ACCESS_PARTITION_REFERENCE_COUNTER	 (1ULL << 1)
#define HV_PRIV_ACCESS_SYNIC_REGS			 (1ULL << 2)
#define HV_PRIV_ACCESS_SYNTHETIC_TIMER_REGS		 (1ULL << 3)
#define HV_PRIV_ACCESS_INTR_CTRL_REGS			 (1ULL << 4)
#define HV_PRIV_ACCESS_HYPERCALL_MSRS			 (1ULL << 5)
#define HV_PRIV_ACCESS_VP_INDEX				 (1ULL << 6)
#define HV_PRIV_ACCESS_RESET_REG			 (1ULL << 7)
#define HV_PRIV_ACCESS_STATS_REG			 (1ULL << 8)
#define HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC		 (1ULL << 9)
#define HV_PRIV_ACCESS_GUEST_IDLE_REG			 (1ULL << 10)
#define HV_PRIV_ACCESS_FREQUENCY_REGS			 (1ULL << 11)
#define HV_PRIV_ACCESS_DEBUG_REGS			 (1ULL << 12)
#define HV_PRIV_ACCESS_REENLIGHTENMENT_CONTROLS		 (1ULL << 13)
#define HV_PRIV_ACCESS_ROOT_SCHEDULER_REG		 (1ULL << 14)
#define HV_PRIV_ACCESS_TSC_INVARIANT_CONTROLS		 (1ULL << 15)
#define HV_PRIV_CREATE_PARTITIONS			 (1ULL << 32)
#define HV_PRIV_ACCESS_PARTITION_ID			 (1ULL << 33)
#define HV_PRIV_ACCESS_MEMORY_POOL			 (1ULL << 34)
#define HV_PRIV_ADJUST_MESSAGE_BUFFERS			 (1ULL << 35)
#define HV_PRIV_POST_MESSAGES				 (1ULL << 36)
#define HV_PRIV_SIGNAL_EVENTS				 (1ULL << 37)
#define HV_PRIV_CREATE_PORT				 (1ULL << 38)
#define HV_PRIV_CONNECT_PORT				 (1ULL << 39)
#define HV_PRIV_ACCESS_STATS				 (1ULL << 40)
#define HV_PRIV_DEBUGGING				 (1ULL << 43)
#define HV_PRIV_CPU_MANAGEMENT				 (1ULL << 44)
#define HV_PRIV_CONFIGURE_PROFILER			 (1ULL << 45)
#define HV_PRIV_ACCESS_VP_EXIT_TRACING			 (1ULL << 46)
#define HV_PRIV_ENABLE_EXTENDED_GVA_RANGES_FLUSH_VA_LIST (1ULL << 47)
#define HV_PRIV_ACCESS_VSM				 (1ULL << 48)
#define HV_PRIV_ACCESS_VP_REGISTERS			 (1ULL << 49)
#define HV_PRIV_FAST_HYPERCALL_OUTPUT			 (1ULL << 51)
#define HV_PRIV_ENABLE_EXTENDED_HYPERCALLS		 (1ULL << 52)
#define HV_PRIV_START_VIRTUAL_PROCESSOR			 (1ULL << 53)
#define HV_PRIV_ISOLATION				 (1ULL << 54)
/** @} */

/**
 * @name Features, EDX of leaf 0x40000003 (TLFS 2.4)
 * @{
 */
/** Feature that the partition has. */
#define HV_FEATURE_MWAIT			     (1U << 0)
#define HV_FEATURE_GUEST_DEBUGGING		     (1U << 1)
#define HV_FEATURE_PERFORMANCE_MONITOR		     (1U << 2)
#define HV_FEATURE_CPU_DYNAMIC_PARTITIONING	     (1U << 3)
#define HV_FEATURE_XMM_HYPERCALL_INPUT		     (1U << 4)
#define HV_FEATURE_GUEST_IDLE_STATE		     (1U << 5)
#define HV_FEATURE_HYPERVISOR_SLEEP_STATE	     (1U << 6)
#define HV_FEATURE_NUMA_DISTANCE_QUERY		     (1U << 7)
#define HV_FEATURE_FREQUENCY_REGS		     (1U << 8)
#define HV_FEATURE_SYNTHETIC_MACHINE_CHECK	     (1U << 9)
#define HV_FEATURE_GUEST_CRASH_REGS		     (1U << 10)
#define HV_FEATURE_DEBUG_REGS			     (1U << 11)
#define HV_FEATURE_NPIEP			     (1U << 12)
#define HV_FEATURE_DISABLE_HYPERVISOR		     (1U << 13)
#define HV_FEATURE_EXTENDED_GVA_RANGES_FLUSH_VA_LIST (1U << 14)
#define HV_FEATURE_FAST_HYPERCALL_OUTPUT	     (1U << 15)
#define HV_FEATURE_SVM				     (1U << 16)
#define HV_FEATURE_SINT_POLLING_MODE		     (1U << 17)
#define HV_FEATURE_HYPERCALL_MSR_LOCK		     (1U << 18)
#define HV_FEATURE_DIRECT_SYNTHETIC_TIMERS	     (1U << 19)
#define HV_FEATURE_VSM_PAT_REGISTER		     (1U << 20)
#define HV_FEATURE_VSM_BNDCFGS_REGISTER		     (1U << 21)
#define HV_FEATURE_WATCHDOG			     (1U << 22)
#define HV_FEATURE_SYNTHETIC_TIME_UNHALTED_TIMER     (1U << 23)
#define HV_FEATURE_LBR				     (1U << 26)
#define HV_FEATURE_IPT				     (1U << 27)
#define HV_FEATURE_CROSS_VTL_FLUSH		     (1U << 28)
#define HV_FEATURE_IDLE_SPEC_CTRL		     (1U << 29)
#define HV_FEATURE_TRANSLATE_GVA_FLAGS		     (1U << 30)
#define HV_FEATURE_APIC_EOI_INTERCEPT		     (1U << 31)
/** @} */

/**
 * @name Recommendations, EAX of leaf 0x40000004 (TLFS 2.4)
 * @{
 */
/** What the guest had better do. */
#define HV_RECOMMEND_HYPERCALL_ADDRESS_SPACE_SWITCH    (1U << 0)
#define HV_RECOMMEND_HYPERCALL_LOCAL_FLUSH	       (1U << 1)
#define HV_RECOMMEND_HYPERCALL_REMOTE_FLUSH	       (1U << 2)
#define HV_RECOMMEND_APIC_MSRS			       (1U << 3)
#define HV_RECOMMEND_RESET_MSR			       (1U << 4)
#define HV_RECOMMEND_RELAXED_TIMING		       (1U << 5)
#define HV_RECOMMEND_DMA_REMAPPING		       (1U << 6)
#define HV_RECOMMEND_INTERRUPT_REMAPPING	       (1U << 7)
#define HV_RECOMMEND_X2APIC_MSRS		       (1U << 8)
#define HV_RECOMMEND_DEPRECATE_AUTO_EOI		       (1U << 9)
#define HV_RECOMMEND_SYNTHETIC_CLUSTER_IPI	       (1U << 10)
#define HV_RECOMMEND_EX_PROCESSOR_MASKS		       (1U << 11)
#define HV_RECOMMEND_NESTED			       (1U << 12)
#define HV_RECOMMEND_INT_FOR_MBEC_SYSCALLS	       (1U << 13)
#define HV_RECOMMEND_ENLIGHTENED_VMCS		       (1U << 14)
#define HV_RECOMMEND_SYNCED_TIMELINE		       (1U << 15)
#define HV_RECOMMEND_CORE_SCHEDULER_REQUESTED	       (1U << 16)
#define HV_RECOMMEND_DIRECT_LOCAL_FLUSH_ENTIRE	       (1U << 17)
#define HV_RECOMMEND_NO_NON_ARCHITECTURAL_CORE_SHARING (1U << 18)
#define HV_RECOMMEND_USE_X2APIC			       (1U << 19)
#define HV_RECOMMEND_RESTORE_TIME_ON_RESUME	       (1U << 20)
#define HV_RECOMMEND_MMIO_HYPERCALLS		       (1U << 21)
#define HV_RECOMMEND_GPA_PINNING_HYPERCALL	       (1U << 22)
#define HV_RECOMMEND_WAKE_VPS			       (1U << 23)
/** EBX of the same leaf: never call HvCallNotifyLongSpinWait. */
#define HV_SPIN_WAIT_NEVER			       0xffffffffU
/** ECX of the same leaf: implemented physical address bits, 0 if not reported. */
#define HV_ENLIGHTENMENT_PHYSICAL_ADDRESS_BITS_MASK    0x7fU
/** @} */

#endif
