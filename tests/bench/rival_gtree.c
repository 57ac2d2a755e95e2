/* SPDX-License-Identifier: BSD-3-Clause */
/* A balanced tree of GLib with a node for each page that was set. */
#include <glib.h>

#include "rival.h"

static gint compare(gconstpointer a, gconstpointer b)
{
	return (a > b) - (a < b);
}

static void *gtree_open(void)
{
	return g_tree_new(compare);
}

static void gtree_close(void *map)
{
	g_tree_destroy(map);
}

static int gtree_set(void *map, uint64_t page, uint64_t count, uint32_t mask)
{
	for (; count != 0; count--, page++)
		g_tree_insert(map, GUINT_TO_POINTER(page), GUINT_TO_POINTER(mask + 1));
	return 0;
}

static uint32_t gtree_get(void *map, uint64_t page)
{
	guint value = GPOINTER_TO_UINT(g_tree_lookup(map, GUINT_TO_POINTER(page)));

	return value != 0 ? value - 1 : 15;
}

const struct rival rival_gtree = { "gtree", gtree_open, gtree_close, gtree_set, gtree_get, NULL };
