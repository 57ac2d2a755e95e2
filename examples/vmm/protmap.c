/* SPDX-License-Identifier: BSD-3-Clause */
#include "protmap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE_SIZE   4096u
#define COLUMNS	    512u /* cells of a row, one pixel each */
#define ROWS_MAX    512u
#define HEIGHT_WANT 512u /* pixels of a panel, about */
#define LEFT	    90u /* addresses stand there */
#define TOP	    50u
#define GAP	    110u
#define LEGEND_LINE 18u
#define LABEL_EVERY 40u /* pixels between addresses, at least */

#define MIXED 16u /* a cell whose pages have several rights */
#define KINDS 17u

static const struct {
	const char *name;
	const char *color;
} kinds[KINDS] = {
	[0x0] = { "no access", "#d62728" },	    [0x1] = { "R", "#9467bd" },
	[0x3] = { "R W, no execute", "#ff9f1c" },   [0x9] = { "R, user execute", "#17becf" },
	[0xb] = { "R W, user execute", "#bcbd22" }, [0xd] = { "R X, no write", "#1f77b4" },
	[0xf] = { "R W X, all rights", "#e3e3e3" }, [MIXED] = { "several in one cell", "#555555" },
};

struct map {
	FILE *f;
	const struct vsm *vsm;
	uint64_t pages;
	uint32_t per_cell; /* pages */
	uint32_t rows, row_height;
	uint64_t count[KINDS]; /* pages of the panel that is drawn */
};

static uint32_t rights_of(const struct map *m, uint32_t vtl, uint64_t page)
{
	uint32_t rights = 0;

	if (vsm_gpa_rights(m->vsm, vtl, page * PAGE_SIZE, &rights) < 0)
		return 0;
	return rights & 0xf;
}

/* What the cell is drawn as; its pages are counted. */
static uint32_t cell(struct map *m, uint32_t vtl, uint64_t index)
{
	uint64_t page = index * m->per_cell, end = page + m->per_cell;
	uint32_t kind = rights_of(m, vtl, page);

	for (; page < end && page < m->pages; page++) {
		uint32_t rights = rights_of(m, vtl, page);

		m->count[rights]++;
		if (rights != kind)
			kind = MIXED;
	}
	return kind;
}

static void draw_run(const struct map *m, uint32_t x, uint32_t y, uint32_t width, uint32_t kind)
{
	/* All rights are the background. */
	if (width && kind != 0xf)
		fprintf(m->f, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\"/>\n",
			x, y, width, m->row_height,
			kinds[kind].color ? kinds[kind].color : "#000000");
}

static void draw_row(struct map *m, uint32_t vtl, uint32_t row, uint32_t left)
{
	uint64_t first = (uint64_t)row * COLUMNS;
	uint32_t y = TOP + row * m->row_height, from = 0, kind = 0, x;

	for (x = 0; x < COLUMNS && (first + x) * m->per_cell < m->pages; x++) {
		uint32_t now = cell(m, vtl, first + x);

		if (x && now != kind) {
			draw_run(m, left + from, y, x - from, kind);
			from = x;
		}
		kind = now;
	}
	draw_run(m, left + from, y, x - from, kind);
}

static void draw_addresses(const struct map *m)
{
	uint32_t every = (LABEL_EVERY + m->row_height - 1) / m->row_height;
	uint32_t rounded = 1;

	while (rounded < every)
		rounded *= 2;
	for (uint32_t row = 0; row < m->rows; row += rounded)
		fprintf(m->f, "<text x=\"%u\" y=\"%u\" text-anchor=\"end\">0x%llx</text>\n",
			LEFT - 8, TOP + row * m->row_height + 5,
			(unsigned long long)row * COLUMNS * m->per_cell * PAGE_SIZE);
}

static void draw_legend(const struct map *m, uint32_t left)
{
	uint32_t y = TOP + m->rows * m->row_height + 24;

	for (uint32_t k = 0; k < KINDS; k++) {
		if (!kinds[k].name || (k != MIXED && m->count[k] == 0) ||
		    (k == MIXED && m->per_cell == 1))
			continue;
		fprintf(m->f,
			"<rect x=\"%u\" y=\"%u\" width=\"12\" height=\"12\" fill=\"%s\" "
			"stroke=\"#444\"/>\n<text x=\"%u\" y=\"%u\">%s",
			left, y - 10, kinds[k].color, left + 20, y, kinds[k].name);
		if (k != MIXED)
			fprintf(m->f, ": %llu pages", (unsigned long long)m->count[k]);
		fprintf(m->f, "</text>\n");
		y += LEGEND_LINE;
	}
}

static void draw_panel(struct map *m, uint32_t vtl)
{
	uint32_t left = LEFT + vtl * (COLUMNS + GAP - LEFT / 2);

	memset(m->count, 0, sizeof(m->count));
	fprintf(m->f, "<text x=\"%u\" y=\"%u\" font-size=\"16\">VTL%u</text>\n", left, TOP - 12,
		vtl);
	fprintf(m->f,
		"<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\" stroke=\"#444\"/>\n",
		left, TOP, COLUMNS, m->rows * m->row_height, kinds[0xf].color);
	for (uint32_t row = 0; row < m->rows; row++)
		draw_row(m, vtl, row, left);
	draw_legend(m, left);
}

static void measure(struct map *m)
{
	uint64_t cells;

	m->per_cell = 1;
	while ((m->pages + m->per_cell - 1) / m->per_cell > (uint64_t)COLUMNS * ROWS_MAX)
		m->per_cell *= 2;
	cells = (m->pages + m->per_cell - 1) / m->per_cell;
	m->rows = (uint32_t)((cells + COLUMNS - 1) / COLUMNS);
	m->row_height = m->rows >= HEIGHT_WANT ? 1 : HEIGHT_WANT / m->rows;
}

static void draw(struct map *m, uint32_t vtls)
{
	uint32_t width = LEFT + vtls * (COLUMNS + GAP - LEFT / 2);
	uint32_t height = TOP + m->rows * m->row_height + 24 + 8 * LEGEND_LINE;

	fprintf(m->f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"viewBox=\"0 0 %u %u\" font-family=\"sans-serif\" font-size=\"12\" "
		"shape-rendering=\"crispEdges\">\n"
		"<rect width=\"%u\" height=\"%u\" fill=\"#ffffff\"/>\n"
		"<text x=\"%u\" y=\"18\" font-size=\"14\">Page rights of each VTL: one row is %u KiB "
		"from left to right, one cell %u KiB</text>\n",
		width, height, width, height, width, height, LEFT, COLUMNS * m->per_cell * 4,
		m->per_cell * 4);
	draw_addresses(m);
	for (uint32_t vtl = 0; vtl < vtls; vtl++)
		draw_panel(m, vtl);
	fprintf(m->f, "</svg>\n");
}

static int cannot_be_written(const struct vmm *vmm)
{
	fprintf(stderr, "vsm-vmm: --protmap '%s': %s\n", vmm->options->protmap, strerror(errno));
	return VMM_EXIT_HOST;
}

int protmap_open(struct vmm *vmm)
{
	if (!vmm->options->protmap)
		return 0;
	vmm->protmap = fopen(vmm->options->protmap, "we");
	return vmm->protmap ? 0 : cannot_be_written(vmm);
}

void protmap_close(struct vmm *vmm)
{
	if (vmm->protmap)
		fclose(vmm->protmap);
	vmm->protmap = NULL;
}

int protmap_write(struct vmm *vmm, const struct vsm *vsm, uint32_t vtls)
{
	struct map m = { .f = vmm->protmap, .vsm = vsm, .pages = vmm->ram_size / PAGE_SIZE };

	if (!m.f)
		return 0;
	measure(&m);
	draw(&m, vtls);
	return fflush(m.f) != 0 || ferror(m.f) ? cannot_be_written(vmm) : 0;
}
