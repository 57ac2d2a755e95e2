/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORT_PIC1_MASK 0x21u
#define PORT_PIC2_MASK 0xa1u
#define PORT_EXIT      0xf4u
#define PORT_COM1      0x3f8u
#define PORT_FW_SELECT 0x510u
#define PORT_FW_DATA   0x511u

/* The memory device: 32-bit ports. */
#define PORT_DMA_LOW	 0x600u
#define PORT_DMA_HIGH	 0x604u
#define PORT_DMA_DATA	 0x608u
#define PORT_DMA_COMMAND 0x60cu /* write: 1 read, 2 write; read: what became of it */
#define DMA_READ	 1u
#define DMA_WRITE	 2u
#define DMA_DONE	 0u
#define DMA_DENIED	 1u
#define DMA_ERROR	 2u

/* More RAM: 32-bit ports. */
#define PORT_PLUG	 0x610u /* read: MiB that may still come; write 1: they shall */
#define PORT_PLUG_STATUS 0x614u /* what became of it */
#define PLUG_DONE	 0u
#define PLUG_UNDER_WAY	 1u
#define PLUG_NONE	 2u

/* 16550: registers by offset. */
#define COM_DATA  0u
#define COM_IER	  1u
#define COM_IIR	  2u
#define COM_LCR	  3u
#define COM_LSR	  5u
#define COM_MSR	  6u
#define LCR_DLAB  0x80u
#define IIR_NONE  0x01u
#define LSR_EMPTY 0x60u /* transmitter empty: the console is never busy */
#define MSR_READY 0xb0u

#define FW_SIGNATURE 0x00u
#define FW_CPUS	     0x05u

#define MMIO_LOG_MAX 8u

void devices_init(struct devices *d, uint32_t vp_count, uint32_t plug_mib)
{
	memset(d, 0, sizeof(*d));
	d->vp_count = vp_count;
	d->pic_mask[0] = 0xff;
	d->pic_mask[1] = 0xff;
	d->plug_mib = plug_mib;
	d->plug_status = PLUG_NONE;
}

static void unknown_port(struct devices *d, uint16_t port, const char *what)
{
	uint8_t bit = (uint8_t)(1u << (port & 7));

	if (d->port_logged[port >> 3] & bit)
		return;
	d->port_logged[port >> 3] |= bit;
	fprintf(stderr, "vsm-vmm: no device at port 0x%x: %s\n", port, what);
}

static void com1_write(struct devices *d, uint32_t reg, uint8_t value)
{
	if (reg <= COM_IER && (d->com1[COM_LCR] & LCR_DLAB)) {
		d->com1_divisor[reg] = value;
	} else if (reg == COM_DATA) {
		/* A line is seen as soon as it is whole, whatever stdout is. */
		if ((putchar(value) == EOF || (value == '\n' && fflush(stdout) == EOF)) &&
		    d->console_error == 0)
			d->console_error = errno;
	} else {
		d->com1[reg] = value;
	}
}

static uint8_t com1_read(const struct devices *d, uint32_t reg)
{
	if (reg <= COM_IER && (d->com1[COM_LCR] & LCR_DLAB))
		return d->com1_divisor[reg];
	switch (reg) {
	case COM_DATA:
		return 0;
	case COM_IIR:
		return IIR_NONE;
	case COM_LSR:
		return LSR_EMPTY;
	case COM_MSR:
		return MSR_READY;
	default:
		return d->com1[reg];
	}
}

/* Keys without contents read as 0. */
static uint8_t fw_read(struct devices *d)
{
	static const char signature[4] = { 'Q', 'E', 'M', 'U' };
	uint32_t at = d->fw_offset;

	if (d->fw_offset < UINT32_MAX)
		d->fw_offset++;
	if (d->fw_key == FW_SIGNATURE && at < sizeof(signature))
		return (uint8_t)signature[at];
	if (d->fw_key == FW_CPUS && at < 2)
		return (uint8_t)(d->vp_count >> (8 * at));
	return 0;
}

/* TLFS 15.9: a device has the rights of VTL0. */
static int dma_move(struct devices *d, uint32_t command, uint64_t gpa)
{
	void *data = &d->dma_data;

	if (command != DMA_READ && command != DMA_WRITE)
		return -VSM_ERR_INVAL;
	if (d->unchecked_ram) {
		if (gpa > d->unchecked_size - sizeof(d->dma_data))
			return -VSM_ERR_RANGE;
		if (command == DMA_READ)
			memcpy(data, d->unchecked_ram + gpa, sizeof(d->dma_data));
		else
			memcpy(d->unchecked_ram + gpa, data, sizeof(d->dma_data));
		return 0;
	}
	if (command == DMA_READ)
		return vsm_gpa_read(d->vsm, VSM_VP_DMA, 0, gpa, data, sizeof(d->dma_data));
	return vsm_gpa_write(d->vsm, VSM_VP_DMA, 0, gpa, data, sizeof(d->dma_data));
}

static void dma_command(struct devices *d, uint32_t command)
{
	int r = dma_move(d, command, (uint64_t)d->dma_address[1] << 32 | d->dma_address[0]);

	d->dma_status = r == 0 ? DMA_DONE : r == -VSM_ERR_DENIED ? DMA_DENIED : DMA_ERROR;
}

static void plug_command(struct devices *d, uint32_t command)
{
	d->plug_wanted = command == 1 && d->plug_mib != 0;
	d->plug_status = d->plug_wanted ? PLUG_UNDER_WAY : PLUG_NONE;
}

void devices_plugged(struct devices *d, int is_there)
{
	d->plug_wanted = 0;
	d->plug_status = is_there ? PLUG_DONE : PLUG_NONE;
	if (is_there)
		d->plug_mib = 0;
}

static int port_write_32(struct devices *d, uint16_t port, uint32_t value)
{
	switch (port) {
	case PORT_DMA_LOW:
		d->dma_address[0] = value;
		return 1;
	case PORT_DMA_HIGH:
		d->dma_address[1] = value;
		return 1;
	case PORT_DMA_DATA:
		d->dma_data = value;
		return 1;
	case PORT_DMA_COMMAND:
		dma_command(d, value);
		return 1;
	case PORT_PLUG:
		plug_command(d, value);
		return 1;
	default:
		return 0;
	}
}

void devices_port_write(struct devices *d, uint16_t port, uint32_t size, uint32_t value)
{
	if (port == PORT_EXIT && size == 4) {
		d->exit_code = value;
		d->done = 1;
	} else if (size == 4 && port_write_32(d, port, value)) {
		return;
	} else if (port >= PORT_COM1 && port < PORT_COM1 + 8 && size == 1) {
		com1_write(d, port - PORT_COM1, (uint8_t)value);
	} else if (port == PORT_FW_SELECT && size == 2) {
		d->fw_key = (uint16_t)value;
		d->fw_offset = 0;
	} else if (port == PORT_PIC1_MASK && size == 1) {
		d->pic_mask[0] = (uint8_t)value;
	} else if (port == PORT_PIC2_MASK && size == 1) {
		d->pic_mask[1] = (uint8_t)value;
	} else {
		unknown_port(d, port, "the write is lost");
	}
}

uint32_t devices_port_read(struct devices *d, uint16_t port, uint32_t size)
{
	if (size == 1) {
		if (port >= PORT_COM1 && port < PORT_COM1 + 8)
			return com1_read(d, port - PORT_COM1);
		if (port == PORT_FW_DATA)
			return fw_read(d);
		if (port == PORT_PIC1_MASK)
			return d->pic_mask[0];
		if (port == PORT_PIC2_MASK)
			return d->pic_mask[1];
	}
	if (size == 4 && port == PORT_DMA_DATA)
		return d->dma_data;
	if (size == 4 && port == PORT_DMA_COMMAND)
		return d->dma_status;
	if (size == 4 && port == PORT_PLUG)
		return d->plug_mib;
	if (size == 4 && port == PORT_PLUG_STATUS)
		return d->plug_status;
	unknown_port(d, port, "it reads as all ones");
	return 0xffffffffu >> (32 - 8 * size);
}

static void unknown_mmio(struct devices *d, uint64_t gpa, const char *what)
{
	if (d->mmio_logged >= MMIO_LOG_MAX)
		return;
	d->mmio_logged++;
	fprintf(stderr, "vsm-vmm: nothing at guest address 0x%llx: %s%s\n", (unsigned long long)gpa,
		what, d->mmio_logged == MMIO_LOG_MAX ? " (further ones are not logged)" : "");
}

void devices_mmio_write(struct devices *d, uint64_t gpa)
{
	unknown_mmio(d, gpa, "the write is lost");
}

void devices_mmio_read(struct devices *d, uint64_t gpa, void *data, uint32_t size)
{
	unknown_mmio(d, gpa, "it reads as all ones");
	memset(data, 0xff, size);
}
