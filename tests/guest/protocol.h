/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest payload and the host program that runs it agree on: the image header, the ports
 * through which the payload reports, the layout of guest memory, and the shared page.
 *
 * Included by freestanding guest code (32 and 64 bit), by assembler files, and by the host's
 * library, so it holds constants first and C declarations last.
 */
#ifndef RD_TEST_PROTOCOL_H
#define RD_TEST_PROTOCOL_H

/*
 * Ports. A write to PASS, FAIL or SKIP ends the payload; the text of the last two is in the
 * shared page. SYNC hands control to the host program, which may look at the machine, change it
 * and answer in the shared page. The rest belongs to the test device.
 */
#define RDP_PORT_PASS		0x5f0
#define RDP_PORT_FAIL		0x5f1
#define RDP_PORT_SKIP		0x5f2
#define RDP_PORT_MESSAGE	0x5f3
#define RDP_PORT_SYNC		0x5f4
#define RDP_PORT_YIELD		0x5f5	/* give the host's processor to another thread */

/* The test device: ports whose bytes read back as written, and memory that does the same. */
#define RDP_PORT_ECHO		0x600
#define RDP_PORT_ECHO_SIZE	0x20
#define RDP_PORT_EVENT		(RDP_PORT_ECHO + 0x10)	/* may be tied to an eventfd */
#define RDP_PORT_STREAM		0x620	/* reads count up 0, 1, 2…; writes are added up */
#define RDP_MMIO_GPA		0xd0000000
#define RDP_MMIO_SIZE		0x4000
#define RDP_MMIO_EVENT		(RDP_MMIO_GPA + 0x100)	/* may be tied to an eventfd */
#define RDP_EVENT_VECTOR	0x62	/* of the interrupt that the eventfd may raise */

/* Guest memory below the payload. */
#define RDP_GDT_GPA		0x1000
#define RDP_PML4_GPA		0x2000
#define RDP_PDPT_GPA		0x3000
#define RDP_PD_GPA		0x4000	/* four pages, 4 GiB in 2 MiB steps */
#define RDP_TRAMPOLINE_GPA	0x8000
#define RDP_SHARED_GPA		0x9000
#define RDP_REAL_GPA		0x10000	/* 16-bit payloads */
#define RDP_IMAGE_GPA		0x100000
#define RDP_RAM_MIN		0x400000

/* Selectors of the table at RDP_GDT_GPA; boot.S loads the same one on application processors. */
#define RDP_CS64		0x08
#define RDP_DS			0x10
#define RDP_CS32		0x18
#define RDP_CS16		0x20
#define RDP_DS16		0x28
#define RDP_TSS			0x30	/* 16 bytes */
#define RDP_USER_CS		0x43
#define RDP_USER_DS		0x4b
#define RDP_GDT_LIMIT		0x4f

#define RDP_MAGIC		0x3154534554445200	/* "\0RDTEST1" */
#define RDP_MESSAGE_SIZE	512
#define RDP_ARGS		8
#define RDP_ARG_EMULATED	7	/* args[7]: the machine below is QEMU's TCG */

/* Flags of a test: what the machine must have. */
#define RDP_IRQCHIP		0x0001	/* LAPIC, IOAPIC, both 8259 */
#define RDP_PIT			0x0002	/* and the 8254 */
#define RDP_PAIRED		0x0004	/* needs its own host program, skipped by the generic one */
#define RDP_LATE_PAGE		0x0008	/* a slot that the host adds at the first SYNC */
#define RDP_ROM			0x0010	/* a read-only slot at RDP_ROM_GPA */
#define RDP_NO_X2APIC		0x0020	/* hide x2APIC */
#define RDP_BEYOND		0x0040	/* right by the manual, known to fail on stock KVM */

#define RDP_ROM_GPA		0xe0000000
#define RDP_ROM_SIZE		0x2000
#define RDP_LATE_GPA		0xe1000000
#define RDP_LATE_SIZE		0x2000

/*
 * What the image of the test for integrity mode does (mode_image.S): RDI; a, b, c are the three
 * others. Its data page begins with these quads:
 */
#define RDP_M_SUM		0	/* leave with a + b + c */
#define RDP_M_WRITE		1	/* b to linear address a; leave with what is there then */
#define RDP_M_READ		2
#define RDP_M_JUMP		3	/* to a */
#define RDP_M_CALL		4	/* hypercall a, RBX b, RCX c; leave with its result */
#define RDP_M_CPUID		5
#define RDP_M_UD		6
#define RDP_M_COUNT		7	/* up to a, which may be for ever */
#define RDP_M_SSE		8
#define RDP_M_STACK		9	/* leave with RSP */
#define RDP_M_STI		10	/* open interrupts, then count to a */
#define RDP_M_UNKNOWN		11	/* from here on: leave with -EINVAL */

#define RDP_MD_LET_GPA		0	/* the judge lets these bytes through here, */
#define RDP_MD_LET_BYTES	1
#define RDP_MD_ASKED		2	/* and counts, */
#define RDP_MD_GPA		3	/* and remembers what it was asked last */
#define RDP_MD_LEN		4
#define RDP_MD_BYTES		5

/* How "trace" writes: args[0]. */
#define RDP_W_BYTE		1
#define RDP_W_LONG		2
#define RDP_W_QUAD		3
#define RDP_W_ADD		4	/* adds the value */
#define RDP_W_LOCK_ADD		5
#define RDP_W_EXCHANGE		6	/* LOCK CMPXCHG with what is there */
#define RDP_W_PUSH		7
#define RDP_W_STRING		8	/* 64 bytes of the value by REP STOSB */
#define RDP_W_VECTOR		9	/* 16 bytes by MOVUPS */
#define RDP_W_FXSAVE		10	/* 512 bytes, by an instruction that is not emulated */
#define RDP_W_FRAME		11	/* the frame of an exception, at the end of the page */
#define RDP_W_TABLES		12	/* the CPU's walk through a page table there */
#define RDP_W_MILLION		13	/* a million quads, over as many pages as the value */
#define RDP_W_PAGES		14	/* one quad in each of as many pages; results[2]: faults */
#define RDP_W_MSR		15	/* no write: WRMSR of address + low half, MSR in the high */
#define RDP_W_HYPERCALL		17	/* not a write: VMMCALL value; RBX: address; RCX, RDX, RSI:
					 * args[3] on; results[2] */
#define RDP_W_READ		16	/* not a write: the quad, in results[2] */

#ifndef __ASSEMBLER__

typedef unsigned char rdp_u8;
typedef unsigned short rdp_u16;
typedef unsigned int rdp_u32;
typedef unsigned long long rdp_u64;

/* A guest address that is 64 bits wide in the image, whatever the guest's pointers are. */
union rdp_ptr {
	const void *p;
	rdp_u64 gva;
} __attribute__((aligned(8)));

struct rdp_test {
	union rdp_ptr name;
	union rdp_ptr entry;
	rdp_u32 cpus;		/* at least 1 */
	rdp_u32 flags;
};

struct rdp_header {
	rdp_u64 magic;
	rdp_u32 bits;		/* mode the payload starts in: 16, 32 or 64 */
	rdp_u32 count;
	rdp_u64 load;		/* guest physical address; the file holds .bss too */
	union rdp_ptr entry;
	union rdp_ptr tests;
};

/* One kind of access as the host saw it; the payload reads it to check the exit itself. */
struct rdp_seen {
	rdp_u64 reads;
	rdp_u64 writes;
	rdp_u64 addr;
	rdp_u64 len;
	rdp_u64 data;
	rdp_u64 count;		/* of a string operation, in the last exit */
};

struct rdp_shared {
	rdp_u64 args[RDP_ARGS];		/* host to guest */
	rdp_u64 results[RDP_ARGS];	/* guest to host */
	struct rdp_seen mmio;
	struct rdp_seen pio;
	rdp_u64 stream_sum;		/* of what was written to RDP_PORT_STREAM */
	char message[RDP_MESSAGE_SIZE];
};

/*
 * What "pressure" writes: word i of a page in a generation, and where it stands. A page that was
 * never written is all zeros; generations count from 1.
 */
#define RDP_PATTERN_WORDS	8

static inline rdp_u64 rdp_pattern_word(rdp_u64 page, rdp_u64 generation, rdp_u32 i)
{
	return (page << 32 | (generation & 0xfffffff) << 4 | i) * 0x9e3779b97f4a7c15ull;
}

static inline rdp_u32 rdp_pattern_at(rdp_u64 page, rdp_u32 i)
{
	return i * (4096 / RDP_PATTERN_WORDS) + (rdp_u32)(page % 64) * 8;
}

#endif /* __ASSEMBLER__ */
#endif
