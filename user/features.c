// SPDX-License-Identifier: GPL-2.0-only
#include "features.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sampler.h"
#include "uprobes.h"
#include "util.h"

#define INIT_PID_NS 0xEFFFFFFC /* include/linux/proc_ns.h: PROC_PID_INIT_INO */

#define CAP(n) (1ULL << (n))

/* A capability set that may stand for one of ours: CAP_SYS_ADMIN did, before they were split. */
struct capability {
	const char *name;
	uint64_t any_of;
};

static const struct capability needed[] = {
	{ "CAP_BPF", CAP(CAP_BPF) | CAP(CAP_SYS_ADMIN) },
	{ "CAP_PERFMON", CAP(CAP_PERFMON) | CAP(CAP_SYS_ADMIN) },
	{ "CAP_SYS_PTRACE", CAP(CAP_SYS_PTRACE) },
	{ "CAP_DAC_READ_SEARCH", CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_DAC_OVERRIDE) },
};

/*
 * Kept after attaching: reading maps (BPF, PERFMON), other processes' memory and files
 * (SYS_PTRACE, DAC_READ_SEARCH, CHECKPOINT_RESTORE for map_files), BPF statistics (SYS_ADMIN) and
 * writing exports where the caller stands (DAC_OVERRIDE).
 */
static const uint64_t kept = CAP(CAP_BPF) | CAP(CAP_PERFMON) | CAP(CAP_SYS_PTRACE) |
			     CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_DAC_OVERRIDE) |
			     CAP(CAP_CHECKPOINT_RESTORE) | CAP(CAP_SYS_ADMIN);

static uint64_t capabilities(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	if (syscall(SYS_capget, &header, data))
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

void features__drop_privileges(bool keep_kill)
{
	uint64_t keep = kept | (keep_kill ? CAP(CAP_KILL) : 0);
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	capabilities(data);
	for (int i = 0; i < 2; i++) {
		data[i].effective &= (uint32_t)(keep >> (32 * i));
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].inheritable = 0;
	}
	syscall(SYS_capset, &header, data);
}

void features__drop_thread(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};

	syscall(SYS_capset, &header, none);
}

/* Names of the missing capabilities, separated by blanks; "" if none is. */
static void missing_capabilities(char *buf, size_t size)
{
	struct __user_cap_data_struct data[2] = {};
	uint64_t have = capabilities(data);
	size_t len = 0;

	buf[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!(have & needed[i].any_of) && len < size)
			len += snprintf(buf + len, size - len, "%s%s", len ? " " : "",
					needed[i].name);
}

/* Capabilities are not all: a seccomp filter or a locked down kernel may refuse the call. */
static bool has_bpf(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARRAY, NULL) == 1;
}

int features__require(char *error, size_t size)
{
	char missing[128];

	missing_capabilities(missing, sizeof(missing));
	if (missing[0]) {
		snprintf(error, size, "not permitted: run as root (sudo locktop), or grant %s",
			 missing);
		return -EPERM;
	}
	if (!has_bpf()) {
		snprintf(error, size,
			 "the bpf system call is refused, though the capabilities are there: by a "
			 "container's seccomp profile, or a locked down kernel");
		return -EPERM;
	}
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		snprintf(error, size,
			 "this kernel has no type information (/sys/kernel/btf/vmlinux): locktop "
			 "needs Linux 5.15 or newer built with CONFIG_DEBUG_INFO_BTF");
		return -ENOTSUP;
	}
	return 0;
}

/* Loaded once and used for several questions; megabytes, so features__done() gives it back. */
static struct btf *kernel_btf;

static struct btf *vmlinux_btf(void)
{
	if (!kernel_btf)
		kernel_btf = btf__load_vmlinux_btf();
	return kernel_btf;
}

void features__done(void)
{
	btf__free(kernel_btf);
	kernel_btf = NULL;
}

bool features__switch_has_state(void)
{
	struct btf *btf = vmlinux_btf();
	const struct btf_type *t;
	int id = btf ? btf__find_by_name_kind(btf, "btf_trace_sched_switch", BTF_KIND_TYPEDEF) : -1;

	if (id < 0)
		return false;
	t = btf__type_by_id(btf, id); /* typedef -> pointer -> function: context and arguments */
	t = btf__type_by_id(btf, t->type);
	t = t && btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;
	return t && btf_is_func_proto(t) && btf_vlen(t) >= 5;
}

/* Is there a helper or an attach type of this name, in any enum of the kernel's BTF? */
static bool has_enumerator(const char *name)
{
	struct btf *btf = vmlinux_btf();
	uint32_t n = btf ? btf__type_cnt(btf) : 0;

	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const struct btf_enum *e;

		if (!btf_is_enum(t))
			continue;
		e = btf_enum(t);
		for (int i = 0; i < btf_vlen(t); i++)
			if (!strcmp(btf__name_by_offset(btf, e[i].name_off), name))
				return true;
	}
	return false;
}

static bool has_struct(const char *name)
{
	struct btf *btf = vmlinux_btf();

	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) > 0;
}

static bool has_permission(void)
{
	char missing[128];

	missing_capabilities(missing, sizeof(missing));
	return !missing[0];
}

static bool has_btf(void)
{
	return vmlinux_btf() != NULL;
}

static bool has_tracing(void)
{
	/* libbpf 1.1 cannot probe for this program type by loading one */
	return has_enumerator("BPF_TRACE_RAW_TP") &&
	       btf__find_by_name_kind(vmlinux_btf(), "btf_trace_sched_waking", BTF_KIND_TYPEDEF) >
		       0;
}

static bool has_storage(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) == 1;
}

static bool has_ringbuf(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 1;
}

static bool has_pt_regs(void)
{
	return has_enumerator("BPF_FUNC_task_pt_regs");
}

static bool has_task_iterator(void)
{
	return has_struct("bpf_iter__task");
}

static bool has_statistics(void)
{
	struct __user_cap_data_struct data[2] = {};

	return capabilities(data) & CAP(CAP_SYS_ADMIN);
}

static bool has_map_files(void)
{
	struct __user_cap_data_struct data[2] = {};

	return capabilities(data) & (CAP(CAP_SYS_ADMIN) | CAP(CAP_CHECKPOINT_RESTORE));
}

static bool in_first_pid_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == INIT_PID_NS;
}

static bool has_compat(void)
{
	return access("/proc/sys/abi/vsyscall32", F_OK) == 0;
}

static const struct feature {
	const char *name;
	bool required;
	bool (*has)(void);
	const char *lack;
} features[] = {
	{ "permission", true, has_permission,
	  "run as root, or grant the capabilities named above" },
	{ "bpf system call", true, has_bpf,
	  "refused by a seccomp profile or a locked down kernel, or the permission is missing" },
	{ "kernel type information (BTF)", true, has_btf, "needs CONFIG_DEBUG_INFO_BTF" },
	{ "scheduler tracepoints with types", true, has_tracing, "needs Linux 5.5 or newer" },
	{ "task storage", true, has_storage, "needs Linux 5.11 or newer" },
	{ "registers of a task", true, has_pt_regs, "needs Linux 5.15 or newer" },
	{ "task iterator", true, has_task_iterator, "needs Linux 5.8 or newer" },
	{ "ring buffer", true, has_ringbuf, "needs Linux 5.8 or newer" },
	{ "state in sched_switch", false, features__switch_has_state,
	  "a few sleeps that end while they begin are not counted (Linux 5.18)" },
	{ "BPF statistics", false, has_statistics,
	  "the probes' own cost is unknown (CAP_SYS_ADMIN)" },
	{ "files behind mappings", false, has_map_files,
	  "replaced or deleted programs have no function names (CAP_CHECKPOINT_RESTORE)" },
	{ "sampling clock", false, sampler__possible,
	  "owners that run have no stacks (perf_event_open is refused; where "
	  "kernel.perf_event_paranoid is above 2 it wants CAP_SYS_ADMIN)" },
	{ "uprobes in bulk", false, uprobes__supports_multi,
	  "the exact tier's probes come one by one, go slowly, and want CAP_SYS_ADMIN (needs Linux "
	  "6.10 or newer)" },
	{ "first PID namespace", false, in_first_pid_namespace,
	  "process numbers are the host's and may not be found in this /proc" },
	{ "32-bit programs", false, has_compat, "none run on this kernel" },
};

int features__check(FILE *out)
{
	struct utsname uts;
	char missing[128];
	int err = 0;

	uname(&uts);
	fprintf(out, "locktop " LOCKTOP_VERSION " on %s %s %s\n\n", uts.sysname, uts.release,
		uts.machine);
	missing_capabilities(missing, sizeof(missing));
	if (missing[0])
		fprintf(out, "missing capabilities: %s\n", missing);
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];
		bool has = f->has();

		fprintf(out, "%-8s %s%s%s\n",
			has	      ? "yes"
			: f->required ? "MISSING"
				      : "no",
			f->name, has ? "" : ": ", has ? "" : f->lack);
		if (!has && f->required)
			err = -ENOTSUP;
	}
	fprintf(out, "\nNot seen by design: spinning that never sleeps, and futex waits that "
		     "io_uring does for a thread.\n");
	return err;
}
