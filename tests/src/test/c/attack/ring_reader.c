/*
 * A module that connects, close-on-exec as strict registrations want it, writes a request, and lets a child read the answer
 * through an io_uring with which the child registered the socket. The child has closed its descriptor by then, so no table of
 * descriptors shows that it holds the socket.
 *
 *   SOCKET REQUEST     ends with 3 where the kernel lets nobody make an io_uring
 */
#include "caller.h"

#include <linux/io_uring.h>

/* What the kernel shares with this process. */
struct ring {
  int fd;
  struct io_uring_params params;
  char *submissions;
  char *completions;
  struct io_uring_sqe *entries;
};

static void *map(int fd, size_t length, off_t what) {
  void *mapped = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);
  if (mapped == MAP_FAILED) {
    fail("mmap");
  }
  return mapped;
}

static struct ring open_ring(void) {
  struct ring ring = {0};
  ring.fd = (int)syscall(SYS_io_uring_setup, 1, &ring.params);
  if (ring.fd < 0 && (errno == EPERM || errno == ENOSYS)) {
    exit(3);
  }
  check(ring.fd, "io_uring_setup");
  struct io_uring_params *params = &ring.params;
  ring.submissions = map(ring.fd, params->sq_off.array + params->sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
  ring.completions =
      map(ring.fd, params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
  ring.entries = map(ring.fd, params->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
  return ring;
}

/* Reads from the first file that is registered; the number of octets. */
static int read_registered(struct ring *ring, char *into, unsigned room) {
  memset(ring->entries, 0, sizeof *ring->entries);
  ring->entries->opcode = IORING_OP_READ;
  ring->entries->flags = IOSQE_FIXED_FILE;
  ring->entries->fd = 0;
  ring->entries->addr = (unsigned long)into;
  ring->entries->len = room;
  ((unsigned *)(ring->submissions + ring->params.sq_off.array))[0] = 0;
  __atomic_fetch_add((unsigned *)(ring->submissions + ring->params.sq_off.tail), 1, __ATOMIC_RELEASE);
  check((int)syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0), "io_uring_enter");
  return ((struct io_uring_cqe *)(ring->completions + ring->params.cq_off.cqes))[0].res;
}

/* A new program, whose only hold on the socket is the ring. */
static void child_reads(int fd, int ready) {
  static char answer[1 << 16];
  struct ring ring = open_ring();
  check((int)syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &fd, 1), "io_uring_register");
  close(fd);
  close(ready);
  int status = 0;
  int count = read_registered(&ring, answer, sizeof answer - 1);
  report(count > 0 && sscanf(answer, "HTTP/1.1 %3d", &status) == 1 ? status : 0);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    return 2;
  }
  int fd = connect_to(argv[1], SOCK_CLOEXEC);
  int ready[2];
  check(pipe2(ready, O_CLOEXEC), "pipe2");
  pid_t child = check(fork(), "fork");
  if (child == 0) {
    close(ready[0]);
    child_reads(fd, ready[1]);
    return 0;
  }
  char octet;
  close(ready[1]);
  while (read(ready[0], &octet, 1) > 0) {
  }
  say(fd, argv[2]);
  int status;
  check(waitpid(child, &status, 0), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
