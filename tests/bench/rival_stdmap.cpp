/* SPDX-License-Identifier: BSD-3-Clause */
/* Intervals of equal masks in a std::map, by their first page. */
#include <iterator>
#include <map>

#include "rival.h"

namespace
{

using intervals = std::map<uint64_t, uint32_t>;

void *stdmap_open(void)
{
	return new intervals{ { 0, 15u } };
}

void stdmap_close(void *map)
{
	delete static_cast<intervals *>(map);
}

uint32_t stdmap_get(void *map, uint64_t page)
{
	return std::prev(static_cast<intervals *>(map)->upper_bound(page))->second;
}

int stdmap_set(void *map, uint64_t page, uint64_t count, uint32_t mask)
{
	intervals &m = *static_cast<intervals *>(map);
	uint32_t behind = stdmap_get(map, page + count - 1);
	auto end = m.upper_bound(page + count - 1);

	/* What follows keeps its mask, and is one with this if it has the same. */
	if (end == m.end() || end->first != page + count)
		end = m.emplace_hint(end, page + count, behind);
	if (end->second == mask)
		++end;
	m.erase(m.lower_bound(page), end);
	if (page == 0 || stdmap_get(map, page - 1) != mask)
		m[page] = mask;
	return 0;
}

} // namespace

extern "C" const struct rival rival_stdmap = { "stdmap",   stdmap_open, stdmap_close,
					       stdmap_set, stdmap_get,	nullptr };
