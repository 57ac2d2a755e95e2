/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that knows libvsm-kvm only from its installed header and its .pc file. It runs without
 * /dev/kvm too: it then sees the error that says so.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vsm/kvm.h>
#include <vsm/vsm.h>

int main(void)
{
	struct vsm_kvm_host host = { .size = sizeof(host) };
	struct vsm_kvm_options options;
	int r;

	vsm_kvm_options_init(&options);
	if (options.size != sizeof(options) || options.kvm_fd != -1) {
		puts("consumer: vsm_kvm_options_init left something undone");
		return 1;
	}
	r = vsm_kvm_probe(-1, &host);
	printf("consumer: probe: %s\n", r ? vsm_strerror(r) : "this host has KVM");
	if (access("/dev/kvm", R_OK | W_OK) == 0 ? r != 0 : r != -VSM_ERR_SYS)
		return 1;
	if (vsm_kvm_probe(-1, NULL) != -VSM_ERR_INVAL) {
		puts("consumer: a probe into nothing was not refused");
		return 1;
	}
	puts("consumer: ok");
	return 0;
}
