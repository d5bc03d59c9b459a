// SPDX-License-Identifier: GPL-2.0-only
/*
 * What makes a guest out of a Debian root directory. The two hooks get the directory as $1, the
 * words that the user chose in the environment.
 */
#include "tools/src/vmctl/image.h"

/*
 * Before the kernel is installed, whose installation builds the initrd. There is no hardware to
 * look at, so the initrd is told its modules, and which fsck it needs.
 */
const char rd_image_before[] =
	"set -e\n"
	"etc=$1/etc\n"
	"mkdir -p \"$etc/initramfs-tools/conf.d\" \"$etc/initramfs-tools/hooks\"\n"
	"printf 'MODULES=list\\nFSTYPE=ext4\\nCOMPRESS=gzip\\n' "
	">\"$etc/initramfs-tools/conf.d/redoubt\"\n"
	"cat >\"$etc/initramfs-tools/hooks/redoubt\" <<'END'\n"
	"#!/bin/sh\n"
	"[ \"$1\" != prereqs ] || exit 0\n"
	". /usr/share/initramfs-tools/hook-functions\n"
	"manual_add_modules virtio_pci virtio_blk ext4\n"
	"END\n"
	"chmod 755 \"$etc/initramfs-tools/hooks/redoubt\"\n"
	"echo '/dev/vda / ext4 errors=remount-ro 0 1' >\"$etc/fstab\"\n"
	"echo \"$RD_IMAGE_HOSTNAME\" >\"$etc/hostname\"\n"
	"printf '127.0.0.1 localhost\\n127.0.1.1 %s\\n::1 localhost ip6-localhost\\n' "
	"\"$RD_IMAGE_HOSTNAME\" >\"$etc/hosts\"\n";

/*
 * When all packages are installed. Nothing waits for the network: a machine without a card would
 * do so for two minutes.
 */
const char rd_image_after[] =
	"set -e\n"
	"cat >\"$1/etc/systemd/network/80-dhcp.network\" <<'END'\n"
	"[Match]\n"
	"Name=en* eth*\n"
	"[Network]\n"
	"DHCP=yes\n"
	"END\n"
	"chroot \"$1\" systemctl enable systemd-networkd systemd-resolved serial-getty@ttyS0\n"
	"chroot \"$1\" systemctl disable systemd-networkd-wait-online\n"
	"if [ -n \"$RD_IMAGE_PASSWORD\" ]; then\n"
	"	printf 'root:%s\\n' \"$RD_IMAGE_PASSWORD\" | chroot \"$1\" chpasswd\n"
	"else\n"
	"	chroot \"$1\" passwd -d root\n"
	"fi\n";

/*
 * From root.tar in the working directory to image, kernel and initrd; $1 is the image's size in
 * MiB. An empty machine-id is filled in at every first boot; a missing one would start systemd's
 * questions of a first boot. Device files are the guest kernel's business, and a user cannot make
 * them.
 */
const char rd_image_finish[] =
	"set -e\n"
	"trap 'rm -rf root' EXIT\n"
	"trap 'exit 130' HUP INT TERM\n"
	"mkdir root\n"
	"tar -C root -x -p --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' "
	"-f root.tar\n"
	"rm root.tar\n"
	": >root/etc/machine-id\n"
	"ln -sfn ../run/systemd/resolve/stub-resolv.conf root/etc/resolv.conf\n"
	"version=$(cd root/boot && ls -d vmlinuz-* | sed s/vmlinuz-// | sort -V | tail -n 1)\n"
	"cp \"root/boot/vmlinuz-$version\" kernel\n"
	"cp \"root/boot/initrd.img-$version\" initrd\n"
	"chmod 644 kernel initrd\n"
	"mke2fs -q -t ext4 -L root -d root image \"$1M\"\n"
	"sync image kernel initrd\n";
