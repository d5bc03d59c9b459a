// SPDX-License-Identifier: GPL-2.0-only
/* First process of the guest whose boot is timed: says that it is there and powers off. */
#include <fcntl.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	static const char text[] = "\nBENCH init\n";
	int fd = open("/dev/console", O_WRONLY);

	if (write(fd < 0 ? 1 : fd, text, sizeof(text) - 1) < 0)
		return 1;
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
