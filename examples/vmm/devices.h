/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMM_DEVICES_H
#define VMM_DEVICES_H

#include <stdint.h>

#include <vsm/vsm.h>

/*
 * The few devices of the machine: COM1, exit port, fw_cfg, PIC masks, one that moves a word to or
 * from the guest's memory by itself, and one by which the guest asks for more of it. One thread at
 * a time uses it: vmm.h has the lock.
 */
struct devices {
	uint32_t vp_count;
	uint32_t done; /* the guest has written to the exit port */
	uint32_t exit_code; /* what it wrote */

	int console_error; /* errno of the first output that was lost, or 0 */
	uint8_t com1[8]; /* the registers that only hold what was written */
	uint8_t com1_divisor[2];
	uint8_t pic_mask[2];
	uint16_t fw_key;
	uint32_t fw_offset;

	struct vsm *vsm; /* whom the memory device asks; NULL: not yet */
	uint8_t *unchecked_ram; /* --inject-bug=unchecked-dma: it asks nobody */
	uint64_t unchecked_size;
	uint32_t dma_address[2]; /* low and high half */
	uint32_t dma_data;
	uint32_t dma_status;

	uint32_t plug_mib; /* RAM that may still come */
	uint32_t plug_wanted; /* the guest has asked for it; then devices_plugged() */
	uint32_t plug_status;

	uint32_t mmio_logged;
	uint8_t port_logged[65536 / 8]; /* a bit per unknown port that was logged */
};

void devices_init(struct devices *d, uint32_t vp_count, uint32_t plug_mib);

/* One port access of 1, 2 or 4 bytes; a string instruction is count of them. */
void devices_port_write(struct devices *d, uint16_t port, uint32_t size, uint32_t value);
uint32_t devices_port_read(struct devices *d, uint16_t port, uint32_t size);

/* The RAM that was wanted is there, or it is not to be had. */
void devices_plugged(struct devices *d, int is_there);

/* An access outside of RAM: there is no memory-mapped device, it reads as all ones. */
void devices_mmio_write(struct devices *d, uint64_t gpa);
void devices_mmio_read(struct devices *d, uint64_t gpa, void *data, uint32_t size);

#endif
