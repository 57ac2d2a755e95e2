/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared state of one plain vCPU to another (TLFS 15.11.2). */
#include <errno.h>
#include <string.h>

#include <vsm/hv.h>
#include <vsm/registers.h>

#include "kvm_private.h"
#include "vcpu_state.h"

#define XSAVE_BYTES 4096u

#define CARRY_ALL                                                                           \
	(VSM_KVM_CARRY_FPU | VSM_KVM_CARRY_DEBUG | VSM_KVM_CARRY_XCR0 | VSM_KVM_CARRY_MSR | \
	 VSM_KVM_CARRY_DR6)
#define CARRY_ANY_DEBUG (VSM_KVM_CARRY_DEBUG | VSM_KVM_CARRY_DR6)

#define MTRR_PAIR(n)                                                     \
	{ HV_X64_REGISTER_MTRR_PHYS_BASE##n, 0x200 + 2 * (n), 0, 0 },    \
	{                                                                \
		HV_X64_REGISTER_MTRR_PHYS_MASK##n, 0x201 + 2 * (n), 0, 0 \
	}

/* KVM has eight pairs of MTRRs (Linux, arch/x86/include/asm/kvm_host.h). CET, which may lack, is
 * last. */
static const struct vk_msr_row rows[] = {
	{ HV_X64_REGISTER_MTRR_DEF_TYPE, 0x2ff, 0, 0 },
	MTRR_PAIR(0),
	MTRR_PAIR(1),
	MTRR_PAIR(2),
	MTRR_PAIR(3),
	MTRR_PAIR(4),
	MTRR_PAIR(5),
	MTRR_PAIR(6),
	MTRR_PAIR(7),
	{ HV_X64_REGISTER_MTRR_FIX_64K_00000, 0x250, 0, 0 },
	{ HV_X64_REGISTER_MTRR_FIX_16K_80000, 0x258, 0, 0 },
	{ HV_X64_REGISTER_MTRR_FIX_16K_A0000, 0x259, 0, 0 },
	{ HV_X64_REGISTER_MTRR_FIX_4K_C0000, 0x268, 0, 0 },
	{ HV_X64_REGISTER_MTRR_FIX_4K_C8000, 0x269, 0, 0 },
	{ HV_X64_REGISTER_MTRR_FIX_4K_D0000, 0x26a, 0, 0 },
	{ HV_X64_REGISTER_MTRR_FIX_4K_D8000, 0x26b, 0, 0 },
	{ HV_X64_REGISTER_MTRR_FIX_4K_E0000, 0x26c, 0, 0 },
	{ HV_X64_REGISTER_MTRR_FIX_4K_E8000, 0x26d, 0, 0 },
	{ HV_X64_REGISTER_MTRR_FIX_4K_F0000, 0x26e, 0, 0 },
	{ HV_X64_REGISTER_MTRR_FIX_4K_F8000, 0x26f, 0, 0 },
	{ 0, 0x17a, 0, 0 }, /* MCG_STATUS */
	{ HV_X64_REGISTER_IA32_MISC_ENABLE, 0x1a0, 0, 0 },
	{ HV_X64_REGISTER_DEBUGCTL, 0x1d9, 0, 0 },
	{ HV_X64_REGISTER_TSX_CTRL, 0x122, 0, 0 },
	{ HV_X64_REGISTER_U_CET, 0x6a0, 0, 5 },
	{ HV_X64_REGISTER_PL0_SSP, 0x6a4, 0, 4 },
	{ HV_X64_REGISTER_PL1_SSP, 0x6a5, 0, 0 },
	{ HV_X64_REGISTER_PL2_SSP, 0x6a6, 0, 0 },
	{ HV_X64_REGISTER_PL3_SSP, 0x6a7, 0, 0 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

_Static_assert(ROWS <= VK_BATCH_MAX, "a batch holds the shared MSRs");

/* What `to` had, as far as it was read, and how much of it is no longer there. */
struct copy {
	const struct vsm_kvm_vcpu *from, *to;
	uint32_t done; /* VSM_KVM_CARRY_* of which `to` has the values of `from`. */
	struct vk_msr_values msr_old, msr;
	struct kvm_debugregs debug_old;
	struct kvm_xcrs xcrs_old;
};

static int refused(void)
{
	return errno == EINVAL ? -VSM_ERR_INVAL : -VSM_ERR_SYS;
}

static int copy_msrs(struct copy *c)
{
	int r = kvm_batch_get(c->from->fd, rows, ROWS, &c->msr, 0);

	if (r == 0)
		r = kvm_batch_get(c->to->fd, rows, ROWS, &c->msr_old, 0);
	if (r == 0 && (c->msr.has & ~c->msr_old.has) != 0)
		r = -VSM_ERR_NOSUP;
	return r == 0 ? kvm_batch_set(c->to->fd, rows, ROWS, &c->msr_old, &c->msr) : r;
}

static int copy_debug(struct copy *c, uint32_t carry)
{
	struct kvm_debugregs d, next;

	if (kvm_ioctl(c->from->fd, KVM_GET_DEBUGREGS, &d) != 0 ||
	    kvm_ioctl(c->to->fd, KVM_GET_DEBUGREGS, &c->debug_old) != 0)
		return -VSM_ERR_SYS;
	next = c->debug_old;
	if ((carry & VSM_KVM_CARRY_DEBUG) != 0)
		memcpy(next.db, d.db, sizeof(next.db));
	if ((carry & VSM_KVM_CARRY_DR6) != 0)
		next.dr6 = d.dr6;
	if (memcmp(next.db, c->debug_old.db, sizeof(next.db)) == 0 && next.dr6 == c->debug_old.dr6)
		return 0;
	return kvm_ioctl(c->to->fd, KVM_SET_DEBUGREGS, &next) == 0 ? 0 : refused();
}

static int copy_xcr0(struct copy *c)
{
	struct kvm_xcrs x = { .nr_xcrs = 0 };

	c->xcrs_old.nr_xcrs = 0;
	if (kvm_ioctl(c->from->fd, KVM_GET_XCRS, &x) != 0 ||
	    kvm_ioctl(c->to->fd, KVM_GET_XCRS, &c->xcrs_old) != 0)
		return -VSM_ERR_SYS;
	/* KVM has only one; a vCPU without XSAVE has none. */
	if (x.nr_xcrs == 0 || c->xcrs_old.nr_xcrs == 0)
		return -VSM_ERR_NOSUP;
	if (x.xcrs[0].value == c->xcrs_old.xcrs[0].value)
		return 0;
	return kvm_ioctl(c->to->fd, KVM_SET_XCRS, &x) == 0 ? 0 : refused();
}

/* An image, because KVM_SET_FPU loses SSE state that is the initial one so far. */
static int copy_fpu(const struct copy *c)
{
	_Alignas(64) uint8_t here[XSAVE_BYTES];
	uint8_t *image = here;
	unsigned long get = KVM_GET_XSAVE;

	if (c->from->xsave_size != 0) {
		image = c->from->xsave;
		get = c->from->xsave_size > XSAVE_BYTES ? VK_GET_XSAVE2 : KVM_GET_XSAVE;
	}
	if (kvm_ioctl(c->from->fd, get, image) != 0)
		return -VSM_ERR_SYS;
	kvm_fpu_image_full(image);
	return kvm_ioctl(c->to->fd, KVM_SET_XSAVE, image) == 0 ? 0 : refused();
}

static uint32_t image_size(const struct vsm_kvm_vcpu *v)
{
	return v->xsave_size != 0 ? v->xsave_size : XSAVE_BYTES;
}

static int put_back(struct copy *c, int why)
{
	int saved = errno;

	if ((c->done & VSM_KVM_CARRY_XCR0) != 0 &&
	    kvm_ioctl(c->to->fd, KVM_SET_XCRS, &c->xcrs_old) != 0)
		return -VSM_ERR_STATE;
	if ((c->done & CARRY_ANY_DEBUG) != 0 &&
	    kvm_ioctl(c->to->fd, KVM_SET_DEBUGREGS, &c->debug_old) != 0)
		return -VSM_ERR_STATE;
	if ((c->done & VSM_KVM_CARRY_MSR) != 0 &&
	    kvm_batch_set(c->to->fd, rows, ROWS, &c->msr, &c->msr_old) != 0)
		return -VSM_ERR_STATE;
	errno = saved;
	return why;
}

/* In the order in which it can be taken back: the FPU, whose old image nobody reads, is last. XCR0
 * before it says which components the image may have. */
static int copy(struct copy *c, uint32_t carry)
{
	static const uint32_t steps[] = { VSM_KVM_CARRY_MSR, CARRY_ANY_DEBUG, VSM_KVM_CARRY_XCR0,
					  VSM_KVM_CARRY_FPU };

	for (uint32_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint32_t bits = steps[i] & carry;
		int r = 0;

		if (bits == VSM_KVM_CARRY_MSR)
			r = copy_msrs(c);
		else if (bits == VSM_KVM_CARRY_XCR0)
			r = copy_xcr0(c);
		else if (bits == VSM_KVM_CARRY_FPU)
			r = copy_fpu(c);
		else if (bits != 0)
			r = copy_debug(c, carry);
		if (r != 0)
			return r == -VSM_ERR_STATE ? r : put_back(c, r);
		c->done |= bits;
	}
	return 0;
}

static int check(const struct vsm_kvm_vcpu *v)
{
	if (v == NULL || v->size != sizeof(*v))
		return -VSM_ERR_INVAL;
	if (v->xsave_size != 0 && (v->xsave_size < XSAVE_BYTES || v->xsave == NULL))
		return -VSM_ERR_INVAL;
	return kvm_vcpu_check(v->fd, v->run);
}

int vsm_kvm_shared_copy(const struct vsm_kvm_vcpu *from, const struct vsm_kvm_vcpu *to,
			uint32_t carry)
{
	struct copy c = { .from = from, .to = to };
	int r = check(from);

	if (r == 0)
		r = check(to);
	if (r != 0)
		return r;
	if (from->fd == to->fd || from->run == to->run || (carry & ~CARRY_ALL) != 0)
		return -VSM_ERR_INVAL;
	/* KVM_SET_XSAVE takes as many bytes as `to` has. */
	if ((carry & VSM_KVM_CARRY_FPU) != 0 && image_size(from) < image_size(to))
		return -VSM_ERR_INVAL;
	r = copy(&c, carry);
	if (r == 0)
		kvm_gprs_copy(from->run, to->run);
	return r;
}

static int is_moved(const struct vsm_register_info *info, uint32_t carry)
{
	switch (info->group) {
	case VSM_REGS_GPR:
		return 1;
	case VSM_REGS_CONTROL:
		return info->name == HV_X64_REGISTER_CR2;
	case VSM_REGS_XMM:
		return (carry & VSM_KVM_CARRY_FPU) != 0;
	case VSM_REGS_DEBUG:
		return (carry & VSM_KVM_CARRY_DEBUG) != 0;
	case VSM_REGS_XCR:
		return (carry & VSM_KVM_CARRY_XCR0) != 0;
	default:
		for (uint32_t i = 0; i < ROWS; i++) {
			if (rows[i].name == info->name)
				return (carry & VSM_KVM_CARRY_MSR) != 0;
		}
		return 0;
	}
}

int vsm_kvm_shared_left_out(uint32_t carry, uint32_t *names, uint32_t max)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	int n = 0;

	if ((names == NULL && max != 0) || (carry & ~CARRY_ALL) != 0)
		return -VSM_ERR_INVAL;
	for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
		if (info.owner != VSM_OWNER_HOST || info.scope != VSM_SCOPE_SHARED ||
		    (info.flags & (VSM_REG_ALIAS | VSM_REG_STATELESS)) != 0 ||
		    is_moved(&info, carry))
			continue;
		if ((uint32_t)n < max)
			names[n] = info.name;
		n++;
	}
	return n;
}
