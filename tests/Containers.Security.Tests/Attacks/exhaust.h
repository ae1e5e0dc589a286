/* Things that the kernel has a number of, for all together: how many can be had. */
#include <mqueue.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/timerfd.h>

static int take(const char *kind, unsigned long i)
{
    char name[64];
    snprintf(name, sizeof name, "/containers-%lu", i);
    if (!strcmp(kind, "terminals"))
        return posix_openpt(O_RDWR | O_NOCTTY);
    if (!strcmp(kind, "queues"))
        return (int)mq_open(name, O_CREAT | O_RDWR, 0600, &(struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = 1});
    if (!strcmp(kind, "shared-memory"))
        return shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    if (!strcmp(kind, "semaphores"))
        return semget(IPC_PRIVATE, 250, IPC_CREAT | 0600);
    if (!strcmp(kind, "messages"))
        return msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    if (!strcmp(kind, "watches"))
        return inotify_init1(0);
    if (!strcmp(kind, "timers"))
        return timerfd_create(CLOCK_MONOTONIC, 0);
    if (!strcmp(kind, "descriptors"))
        return open("/dev/null", O_RDONLY);
    if (!strcmp(kind, "keys"))
        return (int)syscall(SYS_add_key, "user", name, "x", 1, -2);
    return -1;
}

/* Takes from several processes, as the limit of one process is not what is looked for; then holds what it has for a while. */
static int exhaust(const char *kind)
{
    int ends[2];
    if (pipe(ends))
        return 2;
    for (int process = 0; process < 4; process++)
        if (fork() == 0) {
            unsigned long had = 0;
            while (had < 20000 && take(kind, had + 100000ul * (unsigned long)process) >= 0)
                had++;
            if (write(ends[1], &had, sizeof had) < 0)
                return 2;
            pause();
        }
    unsigned long sum = 0, had;
    for (int process = 0; process < 4; process++)
        sum += read(ends[0], &had, sizeof had) == sizeof had ? had : 0;
    printf("%lu\n", sum);
    fflush(stdout);
    pause();
    return 0;
}

/* Memory that is the kernel's, on behalf of the job. 4: a limit other than memory came first. */
static int kernel_bomb(const char *kind, unsigned long i)
{
    static int watched = -1;
    char path[128];
    if (!strcmp(kind, "watches")) {
        watched = watched < 0 ? inotify_init1(0) : watched;
        snprintf(path, sizeof path, "/tmp/w%lu", i);
        return mkdir(path, 0700) || inotify_add_watch(watched, path, IN_ALL_EVENTS) < 0 ? 4 : 0;
    }
    if (!strcmp(kind, "names")) {
        /* Entries for names that do not exist. */
        snprintf(path, sizeof path, "/tmp/%060lu", i);
        return access(path, F_OK) == 0 || i == 300000 ? 4 : 0;
    }
    if (!strcmp(kind, "polls")) {
        static int all[1000];
        static unsigned count;
        if (watched < 0 || i % 900 == 0)
            watched = epoll_create1(0);
        if (count < 900 && (all[count++] = eventfd(0, 0)) < 0)
            return 4;
        return watched < 0 || epoll_ctl(watched, EPOLL_CTL_ADD, all[i % count], &(struct epoll_event){.events = EPOLLIN}) ? (errno == EEXIST ? 0 : 4) : 0;
    }
    if (!strcmp(kind, "areas"))
        return mmap((void *)(0x100000000000ul + i * 8192), 4096, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? 4 : 0;
    if (!strcmp(kind, "unlinked")) {
        static char block[1 << 20];
        int fd = open("/tmp/unlinked", O_CREAT | O_EXCL | O_RDWR, 0600);
        unlink("/tmp/unlinked");
        return fd < 0 || write(fd, block, sizeof block) != (ssize_t)sizeof block ? 4 : 0;
    }
    if (!strcmp(kind, "threads")) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 1 << 18);
        return pthread_create(&thread, &attributes, (void *(*)(void *))pause, 0) ? 4 : 0;
    }
    return 2;
}

/* More spinners than there are processors, each of which tries to come before all others. */
static _Noreturn void spin(void)
{
    for (int i = 0; i < 8; i++)
        if (fork() == 0)
            break;
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 50});
    setpriority(PRIO_PROCESS, 0, -20);
    for (;;)
        ;
}
