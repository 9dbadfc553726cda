/* An HTTP/1.1 server that does nothing but answer, so that what is measured is the client: epoll, one thread, a fixed JSON reply.
   usage: echo PORT REPLY_BYTES */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 4096, BUFFER = 262144 };
static char *buffers[MOST];
static size_t held[MOST];
static char *reply;
static size_t reply_length;

/* Length of the first whole request in the buffer, or 0. */
static size_t whole(const char *text, size_t length) {
  const char *end = memmem(text, length, "\r\n\r\n", 4);
  if (!end) return 0;
  size_t head = (size_t)(end - text) + 4, body = 0;
  for (const char *at = text; at < end; at++)
    if (*at == '\n' && strncasecmp(at + 1, "content-length:", 15) == 0) body = strtoul(at + 16, NULL, 10);
  return length >= head + body ? head + body : 0;
}

int main(int argc, char **argv) {
  size_t body = argc > 2 ? strtoul(argv[2], NULL, 10) : 195;
  reply = malloc(body + 256);
  int head = sprintf(reply, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body);
  memset(reply + head, 'x', body);
  memcpy(reply + head, "{\"outputs\":\"", 12);
  memcpy(reply + head + body - 2, "\"}", 2);
  reply_length = (size_t)head + body;

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) return perror("listen"), 1;
  int poll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[256];
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  puts("ready");
  fflush(stdout);
  for (;;) {
    int count = epoll_wait(poll, ready, 256, -1);
    for (int i = 0; i < count; i++) {
      int fd = ready[i].data.fd;
      if (fd == listener) {
        int client;
        while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          if (client >= MOST) { close(client); continue; }
          setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          if (!buffers[client]) buffers[client] = malloc(BUFFER);
          held[client] = 0;
          event.events = EPOLLIN;
          event.data.fd = client;
          epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
        }
        continue;
      }
      ssize_t got = read(fd, buffers[fd] + held[fd], BUFFER - held[fd]);
      if (got <= 0) { close(fd); continue; }
      held[fd] += (size_t)got;
      size_t used;
      while ((used = whole(buffers[fd], held[fd])) > 0) {
        memmove(buffers[fd], buffers[fd] + used, held[fd] - used);
        held[fd] -= used;
        if (write(fd, reply, reply_length) != (ssize_t)reply_length) { close(fd); break; }
      }
    }
  }
}
