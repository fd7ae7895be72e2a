/* What the tests of `verify` compile in several ways: a function that asks for its first invocation, and a worker
 * that it starts of itself, as ours does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef NEW_GLIBC
unsigned int arc4random(void); /* Since glibc 2.36. */
#endif

#ifdef LIBRARY
int from_a_library(void);
#endif

#ifdef MUPDF
/* As MuPDF has them. */
const char *volatile messages[] = {
    "cannot find page %d in page tree", "cannot find startxref", "xref subsection length missing"};
#endif

/* A loop that compilers vectorise: with instructions that are as new as they may be. */
static __attribute__((noinline)) float sum(const float *numbers, float *out, int count)
{
    float all = 0;
    for (int i = 0; i < count; i++)
        out[i] = numbers[i] * numbers[i] + 1;
    for (int i = 0; i < count; i++)
        all += out[i];
    return all;
}

static void work(void)
{
    static float numbers[1024], out[1024];
    for (int i = 0; i < 1024; i++)
        numbers[i] = (float)(getpid() % 7 + i);
    fprintf(stderr, "computed %f\n", sum(numbers, out, 1024));
}

static int ask(const char *address, const char *request)
{
    char host[64];
    const char *colon = strchr(address, ':');
    if (!colon || colon - address >= (long)sizeof host)
        return 2;
    memcpy(host, address, colon - address);
    host[colon - address] = 0;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
    inet_pton(AF_INET, host, &at.sin_addr);
    int socket_ = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(socket_, (struct sockaddr *)&at, sizeof at) != 0)
        return 3;
    if (write(socket_, request, strlen(request)) < 0)
        return 4;
    char answer[64];
    return read(socket_, answer, sizeof answer) < 0;
}

int main(int count, char **arguments)
{
#ifdef NEW_GLIBC
    fprintf(stderr, "%u\n", arc4random());
#endif
#ifdef LIBRARY
    fprintf(stderr, "%d\n", from_a_library());
#endif
#ifdef MUPDF
    fprintf(stderr, "%s\n", messages[count % 3]);
#endif
    if (count > 1 && strcmp(arguments[1], "worker") == 0) {
        work();
        return 0;
    }
    const char *address = getenv("AWS_LAMBDA_RUNTIME_API");
    if (!address) {
        work();
        return 0;
    }
    if (strcmp(getenv("PDF2IMG_BACKEND"), "ghostscript") == 0)
        return ask(address, "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 33\r\n\r\n"
                            "ghostscript is not in this build.");
    pid_t worker = fork();
    if (worker == 0) {
        execl("/proc/self/exe", "bootstrap", "worker", (char *)NULL);
        _exit(1);
    }
    waitpid(worker, NULL, 0);
    return ask(address, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n");
}
