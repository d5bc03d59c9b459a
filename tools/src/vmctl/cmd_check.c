// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmctl check: can this host run virtual machines, and if not, what has to be done? Every line
 * stands for one thing that was looked at: ok, warn (works, but something is lost or unknown) or
 * FAIL (has to be mended first), with the remedy in the same line.
 */
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/rundir.h"
#include "tools/src/vmctl/kvm.h"
#include "tools/src/vmctl/util.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum level { OK, WARN, FAIL };

struct check {
	const char *node;
	unsigned int counts[3];
	bool works;		/* the node makes VMs: problems further down do not matter */
	bool amd, intel;
	bool has_extension;
};

static void line(struct check *c, enum level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void line(struct check *c, enum level level, const char *fmt, ...)
{
	static const char *const words[] = { "ok", "warn", "FAIL" };
	va_list ap;

	c->counts[level]++;
	printf("%-5s ", words[level]);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* Something that stops Redoubt is only worth a warning when the node asked for works anyway. */
static enum level severity(const struct check *c)
{
	return c->works ? WARN : FAIL;
}

static bool default_node(const struct check *c)
{
	return !strcmp(c->node, RD_DEFAULT_DEVICE);
}

static void read_cpu(struct check *c, char vendor[13])
{
	unsigned int a, b = 0, cx = 0, d = 0;

	memset(vendor, 0, 13);
	if (__get_cpuid(0, &a, &b, &cx, &d)) {
		memcpy(vendor, &b, 4);
		memcpy(vendor + 4, &d, 4);
		memcpy(vendor + 8, &cx, 4);
	}
	c->amd = !strcmp(vendor, "AuthenticAMD") || !strcmp(vendor, "HygonGenuine");
	c->intel = !strcmp(vendor, "GenuineIntel");
	if (c->amd && __get_cpuid(0x80000001, &a, &b, &cx, &d))
		c->has_extension = cx & 1u << 2;
	else if (c->intel && __get_cpuid(1, &a, &b, &cx, &d))
		c->has_extension = cx & 1u << 5;
}

static bool under_hypervisor(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & 1u << 31);
}

static void check_cpu(struct check *c)
{
	char vendor[13];

	read_cpu(c, vendor);
	if (c->has_extension)
		line(c, OK, "CPU: %s with %s", vendor, c->amd ? "SVM" : "VMX");
	else if (!c->amd && !c->intel)
		line(c, severity(c), "CPU: %s is not supported; use an AMD or Intel machine",
		     vendor);
	else
		line(c, severity(c), "CPU: %s without %s; %s", vendor, c->amd ? "SVM" : "VMX",
		     under_hypervisor() ? "let the outer hypervisor offer nested virtualization" :
					  "switch it on in the firmware setup");
}

static void check_amd_features(struct check *c)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} known[] = {
		{ 0, "nested paging" }, { 3, "NRIP save" }, { 4, "TSC ratio" },
		{ 5, "clean bits" }, { 6, "flush by ASID" }, { 7, "decode assists" },
		{ 10, "PAUSE filter" }, { 16, "virtual GIF" },
	};
	unsigned int a, b, cx, d;
	char have[256] = "";
	size_t n = 0;

	if (!c->amd || !c->has_extension || !__get_cpuid(0x8000000a, &a, &b, &cx, &d))
		return;
	for (size_t i = 0; i < RD_ARRAY_SIZE(known); i++)
		if (d & 1u << known[i].bit)
			n += (size_t)snprintf(have + n, sizeof(have) - n, "%s%s", n ? ", " : "",
					      known[i].name);
	if (d & 1)
		line(c, OK, "SVM features: %s", have);
	else
		line(c, severity(c), "SVM features: no nested paging; another CPU or emulator "
		     "setting is needed");
}

static bool read_msr(uint32_t msr, uint64_t *value)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && pread(fd, value, sizeof(*value), msr) == sizeof(*value);

	if (fd >= 0)
		close(fd);
	return ok;
}

#define MSR_VM_CR 0xc0010114u
#define VM_CR_SVMDIS (1u << 4)
#define MSR_FEATURE_CONTROL 0x3au
#define FEATURE_CONTROL_LOCKED (1u << 0)
#define FEATURE_CONTROL_VMX (1u << 2)

static void check_firmware(struct check *c)
{
	uint64_t v;
	bool off;

	if (!c->has_extension)
		return;
	if (!read_msr(c->amd ? MSR_VM_CR : MSR_FEATURE_CONTROL, &v)) {
		line(c, c->works ? OK : WARN, "firmware: %s", c->works ? "not switched off" :
		     "cannot tell whether it is switched off; as root: modprobe msr");
		return;
	}
	if (c->amd)
		off = v & VM_CR_SVMDIS;
	else
		off = (v & FEATURE_CONTROL_LOCKED) && !(v & FEATURE_CONTROL_VMX);
	if (off)
		line(c, severity(c), "firmware: virtualization is switched off; switch it on in "
		     "the firmware setup");
	else
		line(c, OK, "firmware: not switched off");
}

static bool module_loaded(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return !access(path, F_OK);
}

static void module_version(char *buf, size_t len)
{
	int fd = open("/sys/module/redoubt/version", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buf, len - 1) : 0;

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = 0;
	buf[strcspn(buf, "\n")] = 0;
}

static void check_owner(struct check *c)
{
	const char *rival = module_loaded("kvm_amd") ? "kvm_amd" :
			    module_loaded("kvm_intel") ? "kvm_intel" : NULL;
	char version[64];

	if (module_loaded("redoubt")) {
		module_version(version, sizeof(version));
		line(c, OK, "module: redoubt %s%s", version, *version ? "" : "is loaded");
	} else if (rival) {
		line(c, severity(c), "module: %s holds the virtualization extension; end its VMs, "
		     "then modprobe -r %s and modprobe redoubt", rival, rival);
	} else {
		line(c, severity(c), "module: redoubt is not loaded; modprobe redoubt, and see the "
		     "kernel log if that fails");
	}
}

/* Returns the open node, or -1 after saying what is wrong. */
static int check_node(struct check *c)
{
	struct stat st;
	int fd;

	if (stat(c->node, &st)) {
		line(c, FAIL, "node: %s: %s; load the module that makes it", c->node,
		     strerror(errno));
		return -1;
	}
	if (!S_ISCHR(st.st_mode)) {
		line(c, FAIL, "node: %s is not a device; name another one with --device", c->node);
		return -1;
	}
	fd = open(c->node, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		line(c, FAIL, "node: %s: %s; %s", c->node, strerror(errno),
		     errno == EACCES ? "become root or a member of the group that owns it" :
				       "load the module that makes it");
	else
		line(c, OK, "node: %s opens", c->node);
	return fd;
}

static bool check_version(struct check *c, int fd)
{
	int version = ioctl(fd, KVM_GET_API_VERSION, 0);

	if (version == KVM_API_VERSION) {
		line(c, OK, "API: version %d", version);
		return true;
	}
	if (version < 0)
		line(c, FAIL, "API: %s does not speak the KVM API (%s); name another node with "
		     "--device", c->node, strerror(errno));
	else
		line(c, FAIL, "API: version %d, %d is needed; update the module", version,
		     KVM_API_VERSION);
	return false;
}

#define WANT(cap, lost) { KVM_CAP_##cap, "KVM_CAP_" #cap, lost }

static const struct rd_kvm_need wanted[] = {
	WANT(PIT2, "no 8254 timer"),
	WANT(GET_TSC_KHZ, "guests have to measure the TSC"),
	WANT(TSC_DEADLINE_TIMER, "slower guest timers"),
	WANT(BINARY_STATS_FD, "only exits to user space are counted"),
	WANT(SPLIT_IRQCHIP, "no --irqchip split"),
	WANT(SIGNAL_MSI, "no virtio devices, no --irqchip split"),
	WANT(IOEVENTFD, "virtio devices are notified through user space"),
	WANT(IRQFD, "virtio interrupts take one more system call"),
	WANT(X2APIC_API, "at most 255 vCPUs"),
	WANT(SET_IDENTITY_MAP_ADDR, "its default place is used"),
	{ 0, NULL, NULL },
};

static bool check_required(struct check *c, int fd)
{
	unsigned int missing = 0, n = 0;

	for (const struct rd_kvm_need *k = rd_kvm_required; k->name; k++, n++) {
		if (rd_kvm_cap(fd, k->cap))
			continue;
		missing++;
		line(c, FAIL, "capability: %s is missing (%s); update the module", k->name,
		     k->what_for);
	}
	if (!missing)
		line(c, OK, "capabilities: all %u that are required", n);
	return !missing;
}

static void check_wanted(struct check *c, int fd)
{
	unsigned int n = 0, missing = 0;

	for (const struct rd_kvm_need *k = wanted; k->name; k++, n++) {
		if (rd_kvm_cap(fd, k->cap))
			continue;
		missing++;
		line(c, WARN, "capability: %s is missing: %s", k->name, k->what_for);
	}
	if (!missing)
		line(c, OK, "capabilities: all %u that are optional", n);
}

/* The only proof is to make one. */
static void check_vm(struct check *c, int fd)
{
	int max = rd_kvm_cap(fd, KVM_CAP_MAX_VCPUS);
	int vm = ioctl(fd, KVM_CREATE_VM, 0);
	int vcpu = -1;

	if (vm >= 0 && !ioctl(vm, KVM_CREATE_IRQCHIP, 0))
		vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu >= 0)
		line(c, OK, "VM: made one with a vCPU; at most %d vCPUs", max ? max : 1);
	else
		line(c, FAIL, "VM: %s: %s; see the kernel log", vm < 0 ? "none can be made" :
		     "no vCPU can be made", strerror(errno));
	c->works = vcpu >= 0;
	if (vcpu >= 0)
		close(vcpu);
	if (vm >= 0)
		close(vm);
}

static void check_run_dir(struct check *c)
{
	const char *dir = rd_run_dir();

	if (!access(dir, W_OK) || (errno == ENOENT && !access("/run", W_OK)))
		line(c, OK, "control sockets: in %s", dir);
	else
		line(c, WARN, "control sockets: %s: %s; set REDOUBT_RUN_DIR to a directory of your "
		     "own", dir, strerror(errno));
}

static void check_device(struct check *c)
{
	int fd = check_node(c);

	if (fd < 0)
		return;
	if (check_version(c, fd) && check_required(c, fd)) {
		check_wanted(c, fd);
		check_vm(c, fd);
	}
	close(fd);
}

static int set_device(void *ctx, const char *v)
{
	((struct check *)ctx)->node = v;
	return RD_OK;
}

static const struct rd_opt check_opts[] = {
	{ "device", "NODE", "hypervisor to look at (default: " RD_DEFAULT_DEVICE ")", set_device },
	{ NULL, NULL, NULL, NULL },
};

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct check c = { .node = RD_DEFAULT_DEVICE };
	int operands;
	int status = rd_opts_parse(self, &c, argc, argv, &operands);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	if (operands)
		return rd_fail(RD_USAGE, "check: unexpected \"%s\"", argv[0]);
	check_device(&c);
	check_cpu(&c);
	check_amd_features(&c);
	check_firmware(&c);
	if (default_node(&c))
		check_owner(&c);
	check_run_dir(&c);
	printf("check: %u ok, %u warnings, %u failed\n", c.counts[OK], c.counts[WARN],
	       c.counts[FAIL]);
	return c.counts[FAIL] ? RD_HOST_ERROR : RD_OK;
}

const struct rd_command rd_cmd_check = {
	.name = "check",
	.args = "[--device NODE]",
	.summary = "Tell what this host can do and what is missing",
	.opts = check_opts,
	.run = run,
};
