/* An HTTP/1.1 server of known behaviour, so that what is measured is the client: epoll, one thread, keep-alive, a fixed JSON reply. And a client
   that does nothing but wait for it, whose figures are the wire's.

   server echo PORT REPLY_BYTES                     answers at once
   server clocked PORT SERVICE_MICROSECONDS STAMPS  answers a known time after a request came, and notes when each came and was answered by the
                                                    clock that the client uses too (CLOCK_MONOTONIC); at SIGTERM: three 64-bit numbers for each
                                                    request: N of its path "/N", came, answered (ns)
   server probe PORT REQUESTS                       one connection, one request at a time; prints "p50 p99" of the round trips, ns */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 4096, BUFFER = 262144, MOST = 1 << 22 };

typedef struct {
  int64_t number, came, answered;
} Stamp;

/* Nanoseconds from a request to its reply; negative: at once, and nothing is noted. */
static int64_t service = -1;
static char *reply;
static size_t reply_length;
static char *buffers[CONNECTIONS];
static size_t held[CONNECTIONS];

static Stamp *stamps;
static int *sockets;
static size_t arrived, replied;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static struct sockaddr_in local(const char *port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A reply with a JSON body of so many bytes, 14 at least. */
static void make_reply(size_t body) {
  reply = malloc(body + 256);
  int head = sprintf(reply, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body);
  memset(reply + head, 'x', body);
  memcpy(reply + head, "{\"outputs\":\"", 12);
  memcpy(reply + head + body - 2, "\"}", 2);
  reply_length = (size_t)head + body;
}

/* Length of the first whole request in the buffer, or 0. */
static size_t whole(const char *text, size_t length) {
  const char *end = memmem(text, length, "\r\n\r\n", 4);
  if (!end) return 0;
  size_t head = (size_t)(end - text) + 4, body = 0;
  for (const char *at = text; at < end; at++)
    if (*at == '\n' && strncasecmp(at + 1, "content-length:", 15) == 0) body = strtoul(at + 16, NULL, 10);
  return length >= head + body ? head + body : 0;
}

static void note(int fd, const char *request, size_t length, int64_t came) {
  if (arrived == MOST) return;
  const char *slash = memchr(request, '/', length);
  stamps[arrived] = (Stamp){.number = slash ? strtoll(slash + 1, NULL, 10) : -1, .came = came};
  sockets[arrived++] = fd;
}

static void receive(int fd) {
  ssize_t got = read(fd, buffers[fd] + held[fd], BUFFER - held[fd]);
  int64_t came = service < 0 ? 0 : now();
  if (got <= 0) {
    close(fd);
    return;
  }
  held[fd] += (size_t)got;
  for (size_t used; (used = whole(buffers[fd], held[fd])) > 0;) {
    if (service >= 0) note(fd, buffers[fd], used, came);
    memmove(buffers[fd], buffers[fd] + used, held[fd] - used);
    held[fd] -= used;
    if (service < 0 && write(fd, reply, reply_length) != (ssize_t)reply_length) {
      close(fd);
      return;
    }
  }
}

static void welcome(int listener, int poll) {
  int client, one = 1;
  while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (client >= CONNECTIONS) {
      close(client);
      continue;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!buffers[client]) buffers[client] = malloc(BUFFER);
    held[client] = 0;
    epoll_ctl(poll, EPOLL_CTL_ADD, client, &(struct epoll_event){.events = EPOLLIN, .data.fd = client});
  }
}

/* The service time is the same for all: replies are due in the order of arrival. */
static void answer_due(int timer) {
  for (; replied < arrived && stamps[replied].came + service <= now(); replied++) {
    stamps[replied].answered = now();
    if (write(sockets[replied], reply, reply_length) < 0 && errno != EPIPE && errno != EBADF) perror("write");
  }
  if (replied == arrived) return;
  int64_t due = stamps[replied].came + service;
  struct itimerspec at = {.it_value = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static int save(const char *file) {
  FILE *out = fopen(file, "w");
  if (!out || fwrite(stamps, sizeof *stamps, replied, out) != replied || fclose(out)) return perror(file), 1;
  return 0;
}

/* `file`: where the stamps go at SIGTERM; NULL where there are none, and SIGTERM just ends it. */
static int serve(const char *port, const char *file) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = local(port);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) return perror("listen"), 1;
  int stop = -1, timer = -1, poll = epoll_create1(0);
  if (file) {
    stamps = malloc(sizeof *stamps * MOST);
    sockets = malloc(sizeof *sockets * MOST);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    stop = signalfd(-1, &ends, 0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  }
  for (int *fd = (int[]){listener, stop, timer, -1}; *fd >= 0; fd++)
    epoll_ctl(poll, EPOLL_CTL_ADD, *fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = *fd});
  puts("ready");
  fflush(stdout);
  for (struct epoll_event ready[256];;) {
    int count = epoll_wait(poll, ready, 256, -1);
    for (int i = 0; i < count; i++) {
      int fd = ready[i].data.fd;
      uint64_t expired;
      if (fd == listener) welcome(listener, poll);
      else if (fd == stop) return save(file);
      else if (fd == timer) (void)!read(timer, &expired, sizeof expired);
      else receive(fd);
    }
    if (service >= 0) answer_due(timer);
  }
}

static int by_value(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int probe(const char *port, size_t requests) {
  int64_t *took = malloc(sizeof *took * requests);
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sockaddr_in address = local(port);
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) return perror("connect"), 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  char text[256], answer[1024];
  for (size_t i = 0; i < requests; i++) {
    int length = sprintf(text, "POST /%zu HTTP/1.1\r\nhost: probe\r\ncontent-length: 2\r\n\r\n{}", i);
    int64_t sent = now();
    if (write(fd, text, (size_t)length) != length) return perror("write"), 1;
    for (size_t got = 0; got < reply_length;) {
      ssize_t more = read(fd, answer, sizeof answer);
      if (more <= 0) return perror("read"), 1;
      got += (size_t)more;
    }
    took[i] = now() - sent;
  }
  qsort(took, requests, sizeof *took, by_value);
  printf("%lld %lld\n", (long long)took[requests / 2], (long long)took[requests * 99 / 100]);
  return 0;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  make_reply(argc == 4 && strcmp(argv[1], "echo") == 0 ? strtoul(argv[3], NULL, 10) : 14);
  if (argc == 4 && strcmp(argv[1], "echo") == 0) return serve(argv[2], NULL);
  if (argc == 4 && strcmp(argv[1], "probe") == 0) return probe(argv[2], strtoul(argv[3], NULL, 10));
  if (argc == 5 && strcmp(argv[1], "clocked") == 0) {
    service = atoll(argv[3]) * 1000;
    return serve(argv[2], argv[4]);
  }
  fputs("usage: server echo PORT BYTES | clocked PORT MICROSECONDS STAMPS | probe PORT REQUESTS\n", stderr);
  return 2;
}
