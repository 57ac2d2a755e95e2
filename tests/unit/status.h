/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every status of every hypercall that is answered, by doc/statuses.csv: one row is one check of
 * one call. A row is proven by a scenario that spoils one thing of a good call; two scenarios
 * together prove which of two checks comes first.
 */
#ifndef STATUS_H
#define STATUS_H

#include <string.h>

#include "vsmtest.h"

/** Elements of a list in every probe: the last is number 2. */
#define STATUS_REPS 3u
#define STATUS_ANY  0u /**< Scenario of every call that has such a row. */

/** A call on its way: the machine, who calls, and with what. Scenarios change these words only. */
struct probe {
	struct vsmtest_opts opts;
	uint64_t control; /**< Input value. */
	uint64_t in_gpa;
	uint64_t out_gpa;
	uint64_t vtl_control; /**< VTL calls: control input. */
	uint32_t vp; /**< Slot that calls. */
	uint32_t caller; /**< VTL that calls. */
	uint32_t narrow; /**< 1: a 32-bit caller, with garbage in all high halves. */
	uint32_t enabled; /**< VTLs that are enabled for the partition before, besides. */
	uint32_t deny_startup; /**< 1: VTL1 on slot 0 has set DenyLowerVtlStartup. */
	uint32_t busy; /**< 1: VTL1 runs on slot 1. */
	uint32_t unloaded; /**< 1: the calling VTL is enabled on slot 1, which has not run since. */
	uint32_t first; /**< 1: VTL1 is enabled on slot 0, though VTL0 runs. */
	uint32_t protect; /**< 1: the caller has switched its protections on. */
	uint32_t mode; /**< MODE_* */
	uint32_t no_page; /**< 1: the caller has no hypercall page. */
	uint32_t deny_in; /**< 1: VTL1 on slot 0 denies all access to the input page. */
	uint32_t deny_out; /**< 1: VTL1 on slot 0 denies writes to the output page. */
	uint32_t fail_op; /**< Op that fails during the call. */
	uint32_t fail_at; /**< 1: its next call; 0: none fails. */
	int32_t fail_result;
	uint32_t missing_reg; /**< As vsmtest.missing_reg, during the call. */
	uint32_t refused_reg; /**< As vsmtest.refused_reg, during the call. */
	uint32_t element; /**< Element that the scenario is to spoil. */
	uint32_t length; /**< Bytes of `in`. */
	_Alignas(8) uint8_t in[256];
};

enum {
	MODE_GOOD,
	MODE_CPL1,
	MODE_CPL2,
	MODE_CPL3,
	MODE_REAL,
	MODE_V86
};

/* What a scenario claims for itself: two that claim the same cannot be had at once. */
#define USES_MACHINE 0x01u /**< The calling VTL, or what was enabled before. */
#define USES_TARGET  0x02u /**< The VTL that the parameters name. */
#define USES_FORM    0x04u /**< Memory or registers, or the list fields. */
#define USES_NAME    0x08u /**< The element's name and value. */
#define USES_HOST    0x10u /**< The op that fails. */
#define USES_VP	     0x20u /**< The VP that calls, or the one that is named. */

/* What a scenario does not have that others have. */
#define STATUS_ELEMENT 0x1u /**< Elements before the spoilt one are done. */
#define STATUS_EARLY   0x2u /**< Refused before any guest memory is read. */
#define STATUS_ACTS    0x4u /**< The host was asked for something, and failed. */

/** A way to run into one check. */
struct scenario {
	uint16_t code; /**< Call, or #STATUS_ANY. */
	const char *check; /**< Row of doc/statuses.csv. */
	uint32_t flags; /**< STATUS_* */
	uint32_t uses; /**< USES_* */
	/** Spoil a good call. @return 0: there is no such variant. */
	int (*spoil)(struct probe *p, uint32_t variant);
};

/** A good call, to be spoilt. */
struct good_call {
	uint16_t code;
	void (*fill)(struct probe *p);
};

/** The scenarios and good calls of one file. */
struct status_family {
	const struct scenario *scenarios;
	uint32_t scenario_count;
	const struct good_call *calls;
	uint32_t call_count;
};

extern const struct status_family status_generic, status_lists, status_vtl, status_registers;

/** A row of doc/statuses.csv. */
struct status_row {
	uint32_t code; /**< 0x10000: any code that is not answered. */
	char check[24]; /**< "-": cannot occur here. */
	char outcome[40];
};

#define STATUS_OTHER 0x10000u
#define STATUS_ROWS  400u

/** The table. @return number of rows; the test fails if it cannot be read. */
uint32_t status_rows(const struct status_row **rows);

/** Set a field of the input block. */
#define PUT(p, type, field, value_)                   \
	do {                                          \
		type put_;                            \
		memcpy(&put_, (p)->in, sizeof(put_)); \
		put_.field = (value_);                \
		memcpy((p)->in, &put_, sizeof(put_)); \
	} while (0)

/** Code of the call under way. */
uint16_t probe_code(const struct probe *p);

/** Row of the library's table of that call; kind VSM_HYPERCALL_SIMPLE if there is none. */
struct vsm_hypercall_info probe_info(const struct probe *p);

/** A good call of this code; STATUS_OTHER: of a code that nobody knows. */
void probe_good(struct probe *p, uint32_t code);

/** A machine in the state that the probe wants, with the call in its registers. */
struct vsmtest *probe_build(const struct probe *p);

/** Execute the trap. @return verdict. */
int probe_trap(struct vsmtest *t, const struct probe *p);

/** Elements that a refusal counts as done: those that earlier entries did (TLFS 3.9). */
uint32_t probe_start(const struct probe *p);

/** Does the entry that ended so have this outcome? */
int outcome_is(struct vsmtest *t, const struct probe *p, int verdict, const char *outcome);

/** What the outcome is, for people. */
const char *outcome_text(struct vsmtest *t, const struct probe *p, int verdict);

#endif /* STATUS_H */
