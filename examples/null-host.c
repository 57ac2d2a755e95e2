/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest host that links libvsm and answers a hypercall. There is no processor: registers and
 * memory are arrays, and run() plays the guest by making the exits that its instructions would
 * cause. What a real host does instead is in doc/host-contract.md.
 */
#include <stdio.h>
#include <string.h>

#include <vsm/vsm.h>

#define INPUT_GPA   0x1000u /* Parameter block of the call, in guest memory. */
#define OUTPUT_GPA  0x2000u
#define PAGE_GPA    0x3000u /* Where the guest wants its hypercall page. */
#define TRAP_LENGTH 2u /* OUT imm8, AL: the default trap instruction. */

/*
 * The state of the only vCPU, found by HV register name: the high half of a name is the kind of
 * register, the low half its number. Opaque pointer of the VP.
 */
struct vcpu {
	struct hv_register_value file[16][256];
};

/* Opaque pointer of the partition. */
struct machine {
	uint8_t ram[4 * HV_PAGE_SIZE];
	const void *hypercall_page; /* What the guest would execute at PAGE_GPA. */
};

static struct hv_register_value *reg(struct vcpu *vcpu, uint32_t name)
{
	return &vcpu->file[name >> 16 & 15][name & 255];
}

/* The four mandatory ops. Nothing in here can fail. */

static int regs_get(void *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs, uint32_t n)
{
	(void)vtl; /* There is no op switch_vtl, so there is VTL0 only. */
	(void)groups; /* What a host would fetch that keeps its registers in a kernel. */
	for (uint32_t i = 0; i < n; i++)
		regs[i].value = *reg(vp, regs[i].name);
	return 0;
}

static int regs_set(void *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs, uint32_t n)
{
	(void)vtl, (void)groups;
	for (uint32_t i = 0; i < n; i++)
		*reg(vp, regs[i].name) = regs[i].value;
	return 0;
}

/* libvsm has checked the range: it lies in one page of the RAM that main() declares. */
static int gpa_read(void *opaque, uint64_t gpa, void *buf, uint32_t len)
{
	struct machine *machine = opaque;

	memcpy(buf, machine->ram + gpa, len);
	return 0;
}

static int gpa_write(void *opaque, uint64_t gpa, const void *buf, uint32_t len)
{
	struct machine *machine = opaque;

	memcpy(machine->ram + gpa, buf, len);
	return 0;
}

/* Optional, but without it there is no hypercall page and so no hypercall. */
static int overlay_map(void *opaque, const struct vsm_overlay *overlay, uint64_t token)
{
	struct machine *machine = opaque;

	(void)token; /* Done when this returns: nothing to complete later. */
	if (overlay->gpa == PAGE_GPA)
		machine->hypercall_page = overlay->page; /* NULL: RAM is to be seen again. */
	return 0;
}

/* 64-bit code at CPL 0, standing at the trap: HvCallGetVpRegisters of one register. */
static void prepare_call(struct vcpu *vcpu, struct machine *machine)
{
	const struct hv_segment_register cs = { .attributes = HV_X64_SEGMENT_LONG };
	const struct hv_input_get_vp_registers header = { .partition_id = HV_PARTITION_ID_SELF,
							  .vp_index = HV_VP_INDEX_SELF };
	const uint32_t name = HV_REGISTER_HYPERVISOR_VERSION;

	memcpy(machine->ram + INPUT_GPA, &header, sizeof(header));
	memcpy(machine->ram + INPUT_GPA + sizeof(header), &name, sizeof(name));
	memcpy(reg(vcpu, HV_X64_REGISTER_CS), &cs, sizeof(cs));
	reg(vcpu, HV_X64_REGISTER_CR0)->low = 0x80000011; /* PG, ET, PE */
	reg(vcpu, HV_X64_REGISTER_EFER)->low = 0x500; /* LMA, LME */
	reg(vcpu, HV_X64_REGISTER_RIP)->low = PAGE_GPA;
	reg(vcpu, HV_X64_REGISTER_RCX)->low = HVCALL_GET_VP_REGISTERS |
					      1ULL << HV_HYPERCALL_REP_COUNT_SHIFT;
	reg(vcpu, HV_X64_REGISTER_RDX)->low = INPUT_GPA;
	reg(vcpu, HV_X64_REGISTER_R8)->low = OUTPUT_GPA;
}

/* The guest: two WRMSR, then the trap in the hypercall page. 0 if all went as it should. */
static int run(struct vsm_vp *vp, struct vcpu *vcpu, struct machine *machine)
{
	struct hv_register_value version, *rax = reg(vcpu, HV_X64_REGISTER_RAX);

	if (vsm_vp_wrmsr(vp, HV_X64_MSR_GUEST_OS_ID, 0x8100000000000001) != VSM_VERDICT_RESUME ||
	    vsm_vp_wrmsr(vp, HV_X64_MSR_HYPERCALL, PAGE_GPA | 1u) != VSM_VERDICT_RESUME ||
	    machine->hypercall_page == NULL)
		return 1;
	prepare_call(vcpu, machine);
	if (vsm_vp_hypercall(vp, PAGE_GPA, TRAP_LENGTH) != VSM_VERDICT_RESUME)
		return 1;
	memcpy(&version, machine->ram + OUTPUT_GPA, sizeof(version));
	printf("%s: %s\n", vsm_hypercall_name(HVCALL_GET_VP_REGISTERS),
	       vsm_hv_status_name((uint16_t)rax->low));
	printf("%s: %u.%u\n", vsm_register_name(HV_REGISTER_HYPERVISOR_VERSION),
	       (unsigned int)(version.low >> 48), (unsigned int)(version.low >> 32) & 0xffff);
	/* One element done without an error, and the guest goes on behind the trap. */
	return rax->low != 1ULL << HV_HYPERCALL_RESULT_REPS_SHIFT ||
	       version.low >> 32 != 10u << 16 ||
	       reg(vcpu, HV_X64_REGISTER_RIP)->low != PAGE_GPA + TRAP_LENGTH;
}

int main(void)
{
	const struct vsm_host_ops ops = { .size = sizeof(ops),
					  .regs_get = regs_get,
					  .regs_set = regs_set,
					  .gpa_read = gpa_read,
					  .gpa_write = gpa_write,
					  .overlay_map = overlay_map };
	static struct machine machine;
	static struct vcpu vcpu;
	struct vsm_vp_config vp_config = { .size = sizeof(vp_config), .opaque = &vcpu };
	struct vsm_config config;
	struct vsm *vsm = NULL;
	struct vsm_vp *vp = NULL;
	int failed = 1;

	vsm_config_init(&config);
	if (vsm_partition_create(&config, &ops, &machine, &vsm) == 0 &&
	    vsm_ram_add(vsm, 0, sizeof(machine.ram)) == 0 && vsm_partition_realise(vsm) == 0 &&
	    vsm_vp_create(vsm, &vp_config, &vp) == 0)
		failed = run(vp, &vcpu, &machine);
	vsm_partition_destroy(vsm);
	puts(failed ? "null-host: failed" : "null-host: ok");
	return failed;
}
