/* SPDX-License-Identifier: MIT */
/*
 * Disks: raw image files, opened and locked before the sandbox closes. What the guest writes goes
 * to the host's page cache, where it outlives this process; a flush waits until it is on the
 * medium.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "wedge/devices/virtio.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

_Static_assert(sizeof(struct platform_buffer) == sizeof(struct iovec) &&
		   offsetof(struct platform_buffer, size) == offsetof(struct iovec, iov_len),
	       "platform_buffer");

/*
 * QEMU marks with locks of single bytes what it does with an image, and what nobody else may do
 * (docs/system/images: image locking). Ours are understood by it: a writer has the whole file, a
 * reader the byte for "nobody else writes", and looks whether somebody does.
 */
#define QEMU_WRITES 101
#define QEMU_NO_WRITER 201
#define LOCK_TRIES 20 /* the processes of a machine that was killed take a moment to go */
#define LOCK_WAIT_NS 50000000

static struct drive {
	const char *file;
	int fd;
	bool read_only;
	uint64_t sectors;
	int told; /* the last error that was told: a full disk fails a thousand times */
} drives[LINUX_DRIVES];
static unsigned nr_drives;

static bool lock(const struct drive *d)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct flock writer = {
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = QEMU_WRITES, .l_len = 1};

	if (d->read_only) {
		if (fcntl(d->fd, F_OFD_GETLK, &writer) == 0 && writer.l_type != F_UNLCK) {
			errno = EAGAIN;
			return false;
		}
		l = (struct flock){
		    .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = QEMU_NO_WRITER, .l_len = 1};
	}
	return fcntl(d->fd, F_OFD_SETLK, &l) == 0;
}

static bool lock_soon(const struct drive *d)
{
	const struct timespec wait = {.tv_nsec = LOCK_WAIT_NS};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (lock(d))
			return true;
		if (errno != EAGAIN && errno != EACCES)
			break;
		nanosleep(&wait, NULL);
	}
	if (errno == EAGAIN || errno == EACCES)
		platform_message("%s: is in use by another machine", d->file);
	else
		platform_message("%s: cannot lock it: %s", d->file, strerror(errno));
	return false;
}

static bool open_file(struct drive *d)
{
	struct stat st;
	off_t size;

	d->fd = open(d->file, (d->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (d->fd < 0 || fstat(d->fd, &st) < 0) {
		platform_message("%s: %s", d->file, strerror(errno));
		return false;
	}
	size = lseek(d->fd, 0, SEEK_END);
	if ((!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) || size < 0) {
		platform_message("%s: is neither a regular file nor a block device", d->file);
		return false;
	}
	if (size == 0 || size % PLATFORM_SECTOR) {
		platform_message("%s: its size, %lld, is not a multiple of %u bytes", d->file,
				 (long long)size, PLATFORM_SECTOR);
		return false;
	}
	d->sectors = (uint64_t)size / PLATFORM_SECTOR;
	return true;
}

bool linux_drive(const char *file, bool read_only)
{
	struct drive *d = &drives[nr_drives];

	if (nr_drives == LINUX_DRIVES)
		return false;
	*d = (struct drive){.file = file, .fd = -1, .read_only = read_only};
	if (!open_file(d) || !lock_soon(d)) {
		if (d->fd >= 0)
			close(d->fd);
		return false;
	}
	nr_drives++;
	return true;
}

uint64_t platform_block_sectors(unsigned drive)
{
	return drives[drive].sectors;
}

bool platform_block_read_only(unsigned drive)
{
	return drives[drive].read_only;
}

static enum platform_block_result failed(struct drive *d, const char *what, uint64_t offset,
					 long error)
{
	if (d->told != error) {
		const char *text = error ? strerrordesc_np((int)-error) : "the file has shrunk";
		d->told = (int)error;
		platform_message("%s: %s at byte %llu: %s", d->file, what,
				 (unsigned long long)offset, text ? text : "unknown error");
	}
	return BLOCK_ERROR;
}

/* Drop what has been transferred from the front of a list. */
static void advance(struct iovec **v, unsigned *n, size_t done)
{
	while (*n && done >= (*v)->iov_len) {
		done -= (*v)->iov_len;
		++*v;
		--*n;
	}
	if (*n) {
		(*v)->iov_base = (char *)(*v)->iov_base + done;
		(*v)->iov_len -= done;
	}
}

static enum platform_block_result transfer(struct drive *d, long call, const char *what,
					   uint64_t offset, const struct platform_buffer *b,
					   unsigned n)
{
	struct iovec list[VIRTQ_MAX], *v = list;

	memcpy(list, b, n * sizeof *list);
	advance(&v, &n, 0);
	while (n) {
		long done = host_syscall(call, d->fd, (long)v, n, (long)offset, 0, 0);

		if (done == -EINTR)
			continue;
		if (done <= 0)
			return failed(d, what, offset, done);
		offset += (uint64_t)done;
		advance(&v, &n, (size_t)done);
	}
	return BLOCK_OK;
}

enum platform_block_result platform_block_read(unsigned drive, uint64_t offset,
					       const struct platform_buffer *to, unsigned n)
{
	return transfer(&drives[drive], SYS_preadv, "read error", offset, to, n);
}

enum platform_block_result platform_block_write(unsigned drive, uint64_t offset,
						const struct platform_buffer *from, unsigned n)
{
	return transfer(&drives[drive], SYS_pwritev, "write error", offset, from, n);
}

enum platform_block_result platform_block_flush(unsigned drive)
{
	struct drive *d = &drives[drive];
	long r;

	if (d->read_only)
		return BLOCK_OK;
	do
		r = host_syscall(SYS_fdatasync, d->fd, 0, 0, 0, 0, 0);
	while (r == -EINTR);
	return r < 0 ? failed(d, "flush error", 0, r) : BLOCK_OK;
}

static enum platform_block_result allocate(struct drive *d, int mode, uint64_t offset,
					   uint64_t size)
{
	long r;

	if (!size)
		return BLOCK_OK;
	do
		r = host_syscall(SYS_fallocate, d->fd, mode, (long)offset, (long)size, 0, 0);
	while (r == -EINTR);
	if (r == -EOPNOTSUPP || r == -ENOSYS)
		return BLOCK_UNSUPPORTED;
	return r < 0 ? failed(d, "discard error", offset, r) : BLOCK_OK;
}

enum platform_block_result platform_block_discard(unsigned drive, uint64_t offset, uint64_t size)
{
	return allocate(&drives[drive], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
}

/* Not every file system has ranges of zeroes that keep their storage; a hole reads the same. */
enum platform_block_result platform_block_zero(unsigned drive, uint64_t offset, uint64_t size,
					       bool unmap)
{
	enum platform_block_result r = BLOCK_UNSUPPORTED;

	if (!unmap)
		r = allocate(&drives[drive], FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset,
			     size);
	if (r == BLOCK_UNSUPPORTED)
		r = platform_block_discard(drive, offset, size);
	return r;
}
