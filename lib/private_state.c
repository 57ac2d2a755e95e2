/* SPDX-License-Identifier: BSD-3-Clause */
#include "private_state.h"

#include <string.h>

#include "fmt.h"
#include "register_table.h"
#include "vsm/error.h"

/* GUEST_OS_ID, HYPERCALL and REFERENCE_TSC are private though all VPs of a VTL share them (TLFS
 * 15.11.1). */
static int is_private(const struct vsm_register_info *row, uint32_t flags)
{
	if ((row->flags & (VSM_REG_ALIAS | VSM_REG_STATELESS)) != 0)
		return 0;
	if (row->scope == VSM_SCOPE_MIXED)
		return (flags & VSM_PRIVATE_STATE_DR6_SHARED) == 0;
	return row->scope == VSM_SCOPE_PRIVATE || row->scope == VSM_SCOPE_PARTITION_VTL;
}

int vsm_private_state_init(struct vsm_private_state *state, uint32_t flags)
{
	const struct vsm_register_info *row;

	if (state == NULL || (flags & ~PRIVATE_STATE_FLAGS) != 0)
		return -VSM_ERR_INVAL;
	memset(state, 0, sizeof(*state));
	state->size = sizeof(*state);
	state->flags = flags;
	for (uint32_t i = 0; (row = register_row_at(i)) != NULL; i++) {
		struct vsm_reg *reg = &state->regs[state->count];

		if (!is_private(row, flags) || state->count == VSM_PRIVATE_STATE_REGS)
			continue;
		reg->name = row->name;
		reg->value.low = row->reset;
		if (row->name == HV_REGISTER_SCONTROL &&
		    (flags & VSM_PRIVATE_STATE_SCONTROL_0) != 0)
			reg->value.low = 0;
		state->count++;
	}
	return 0;
}

static int is_initialised(const struct vsm_private_state *state)
{
	return state != NULL && state->size == sizeof(*state) &&
	       (state->flags & ~PRIVATE_STATE_FLAGS) == 0 && state->count != 0 &&
	       state->count <= VSM_PRIVATE_STATE_REGS;
}

int private_state_whole(const struct vsm_private_state *state)
{
	const struct vsm_register_info *row;
	uint32_t n = 0;

	if (!is_initialised(state))
		return 0;
	for (uint32_t i = 0; (row = register_row_at(i)) != NULL; i++) {
		if (!is_private(row, state->flags))
			continue;
		if (n == state->count || state->regs[n].name != row->name ||
		    state->regs[n].reserved != 0)
			return 0;
		n++;
	}
	return n == state->count;
}

int private_state_find(const struct vsm_private_state *state, uint32_t name)
{
	uint32_t low = 0;
	uint32_t high = state->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (state->regs[middle].name == name)
			return (int)middle;
		if (state->regs[middle].name < name)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

int vsm_private_state_get(const struct vsm_private_state *state, uint32_t name,
			  struct hv_register_value *value)
{
	int at;

	if (!is_initialised(state) || value == NULL)
		return -VSM_ERR_INVAL;
	at = private_state_find(state, name);
	if (at < 0)
		return -VSM_ERR_NOTFOUND;
	*value = state->regs[at].value;
	return 0;
}

int vsm_private_state_set(struct vsm_private_state *state, const struct vsm_register_limits *limits,
			  const struct vsm_reg *reg)
{
	int at;

	if (!is_initialised(state) || reg == NULL)
		return -VSM_ERR_INVAL;
	at = private_state_find(state, reg->name);
	if (at < 0)
		return -VSM_ERR_NOTFOUND;
	if (vsm_register_check(limits, reg) != 1)
		return -VSM_ERR_INVAL;
	state->regs[at].value = reg->value;
	return 0;
}

int vsm_private_state_at(const struct vsm_private_state *state, uint32_t position,
			 struct vsm_reg *reg)
{
	if (!is_initialised(state) || reg == NULL)
		return -VSM_ERR_INVAL;
	if (position >= state->count)
		return -VSM_ERR_NOTFOUND;
	*reg = state->regs[position];
	return 0;
}

int vsm_private_state_for_each(const struct vsm_private_state *state,
			       int (*visit)(void *opaque, const struct vsm_reg *reg), void *opaque)
{
	int r = 0;

	if (!is_initialised(state) || visit == NULL)
		return -VSM_ERR_INVAL;
	for (uint32_t i = 0; i < state->count && r == 0; i++)
		r = visit(opaque, &state->regs[i]);
	return r;
}

static void field(struct line *line, const char *name, uint64_t value)
{
	line_str(line, name);
	line_hex(line, value);
}

static void describe_segment(struct line *line, const struct hv_register_value *value)
{
	struct hv_segment_register segment;

	memcpy(&segment, value, sizeof(segment));
	field(line, " selector ", segment.selector);
	field(line, " base ", segment.base);
	field(line, " limit ", segment.limit);
	field(line, " attributes ", segment.attributes);
}

static void describe_table(struct line *line, const struct hv_register_value *value)
{
	struct hv_table_register table;

	memcpy(&table, value, sizeof(table));
	field(line, " base ", table.base);
	field(line, " limit ", table.limit);
}

static void describe(struct line *line, const struct vsm_reg *reg)
{
	line_init(line);
	line_str(line, vsm_register_name(reg->name));
	if (reg->name >= HV_X64_REGISTER_ES && reg->name <= HV_X64_REGISTER_TR) {
		describe_segment(line, &reg->value);
	} else if (reg->name == HV_X64_REGISTER_IDTR || reg->name == HV_X64_REGISTER_GDTR) {
		describe_table(line, &reg->value);
	} else {
		field(line, " ", reg->value.low);
		if (reg->value.high != 0)
			field(line, " high ", reg->value.high);
	}
}

int vsm_private_state_print(const struct vsm_private_state *state,
			    void (*line)(void *opaque, const char *text), void *opaque)
{
	struct line text;

	if (!is_initialised(state) || line == NULL)
		return -VSM_ERR_INVAL;
	for (uint32_t i = 0; i < state->count; i++) {
		describe(&text, &state->regs[i]);
		line(opaque, text.text);
	}
	return 0;
}
