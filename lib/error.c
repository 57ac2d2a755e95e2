/* SPDX-License-Identifier: BSD-3-Clause */
#include <vsm/error.h>
#include <vsm/version.h>

const char *vsm_strerror(int err)
{
	switch (err < 0 ? -(int64_t)err : err) {
	case 0:
		return "success";
	case VSM_ERR_MISUSE:
		return "misuse: wrong order, state or thread of a call";
	case VSM_ERR_INVAL:
		return "invalid argument";
	case VSM_ERR_NOMEM:
		return "out of memory";
	case VSM_ERR_HOST:
		return "a host operation failed";
	case VSM_ERR_NOSUP:
		return "not supported by this version or host";
	case VSM_ERR_EXISTS:
		return "exists already";
	case VSM_ERR_NOTFOUND:
		return "not found";
	case VSM_ERR_RANGE:
		return "outside of guest RAM or address space";
	case VSM_ERR_DENIED:
		return "denied by the rights of the VTL";
	case VSM_ERR_STATE:
		return "host state was lost";
	case VSM_ERR_SYS:
		return "a system call failed";
	case VSM_ERR_BUSY:
		return "busy: try again later";
	default:
		return "unknown error";
	}
}

uint32_t vsm_version(void)
{
	return VSM_VERSION_NUMBER;
}
