/* What a process has from its parent: a host that has everything odd, and what its job finds of that. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/ioprio.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/personality.h>

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        errno = 0;
    close(fd);
}

/* Becomes the program, with all that goes through execve as no job may find it. What the caller may not set stays as it is. */
static int odd_host(char **program)
{
    static const struct { int resource; rlim_t soft; } limits[] = {
        {RLIMIT_STACK, 4 << 20}, {RLIMIT_CORE, 0}, {RLIMIT_NOFILE, 5000}, {RLIMIT_SIGPENDING, 900}, {RLIMIT_MSGQUEUE, 5000}, {RLIMIT_RTTIME, 1000000000},
    };
    for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit limit;
        getrlimit(limits[i].resource, &limit);
        limit.rlim_cur = limits[i].soft < limit.rlim_max ? limits[i].soft : limit.rlim_max;
        setrlimit(limits[i].resource, &limit);
    }
    sigset_t blocked;
    sigemptyset(&blocked);
    static const int signals[] = {SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGWINCH, SIGTSTP};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaddset(&blocked, signals[i]);
        sigaction(signals[i], &(struct sigaction){.sa_handler = SIG_IGN}, 0);
    }
    sigprocmask(SIG_BLOCK, &blocked, 0);
    write_text("/proc/self/oom_score_adj", "-500");
    setpriority(PRIO_PROCESS, 0, -7);
    syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 2));
    sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 1});
    personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    umask(0777 & ~0700);
    putenv("CONTAINERS_TEST_SECRET=0f1e2d3c4b5a");
    for (int i = 0; i < 40; i++)
        dup2(open("/", O_RDONLY | O_DIRECTORY), 40 + i);
    execv(program[0], program);
    return 1;
}

static void copy_lines(const char *path, const char *const *prefixes)
{
    static char text[65536];
    int fd = open(path, O_RDONLY);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    close(fd);
    text[length < 0 ? 0 : length] = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(0, "\n"))
        for (const char *const *prefix = prefixes; *prefix; prefix++)
            if (!strncmp(line, *prefix, strlen(*prefix)))
                puts(line);
}

/* All of it, as lines. */
static int state(void)
{
    int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    copy_lines("/proc/self/status", (const char *const[]){"Umask", "Groups", "Sig", "Shd", "Cap", "NoNewPrivs", "Seccomp:", "THP_enabled", 0});
    copy_lines("/proc/self/limits", (const char *const[]){"Max", 0});
    copy_lines("/proc/self/oom_score_adj", (const char *const[]){"", 0});
    printf("personality %lx\n", syscall(SYS_personality, 0xffffffff));
    printf("timer slack %d\n", prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    printf("THP disabled %d\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    printf("keeps capabilities %d\n", prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    printf("real-time %d\n", policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE);
    printf("above others %d\n", getpriority(PRIO_PROCESS, 0) < 0);
    printf("disk before others %d\n", IOPRIO_PRIO_CLASS(syscall(SYS_ioprio_get, 1, 0)) == IOPRIO_CLASS_RT);
    printf("session of its own %d\n", getsid(0) == getpid() || getsid(0) == 1);
    for (int fd = 0; fd < 256; fd++) {
        struct stat status;
        if (fstat(fd, &status) == 0)
            printf("descriptor %d %o\n", fd, status.st_mode & S_IFMT);
    }
    for (char **variable = environ; *variable; variable++)
        if (strncmp(*variable, "HOSTNAME=", 9))
            puts(*variable);
    return 0;
}

/* What it could do if a wall were not there, as lines; and the walls as the kernel tells of them. */
static int walls(void)
{
    char line[4096];
    copy_lines("/proc/self/status", (const char *const[]){"Cap", "NoNewPrivs", "Seccomp:", 0});
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    while (mounts && fgets(line, sizeof line, mounts)) {
        char target[1024], options[1024];
        if (sscanf(line, "%*s %*s %*s %*s %1023s %1023s", target, options) == 2)
            printf("%s %s\n", target, options);
    }
    for (int fd = 3; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && (!mounts || fd != fileno(mounts)))
            printf("descriptor %d\n", fd);
    static const char *const written[] = {"/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper", "/usr/new", "/data/new"};
    for (unsigned i = 0; i < sizeof written / sizeof *written; i++)
        printf("write %s %d\n", written[i], open(written[i], O_WRONLY | O_CREAT, 0600) >= 0);
    printf("unshare %d\n", unshare(CLONE_NEWUSER) == 0);
    printf("mount %d\n", mount("x", "/tmp", "tmpfs", 0, 0) == 0);
    printf("keys %d\n", syscall(SYS_keyctl, 0, -3, 0) >= 0);
    return 0;
}

/* Becomes a program for which this system call does not exist, or is forbidden: an old kernel, or another sandbox. */
static int without(long number, int error, char **program)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};

    /* Without no_new_privs where that can be had: it would stand in for the one that is looked for. */
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0)))
        return 1;
    execv(program[0], program);
    return 1;
}

/* Every number of a call, each in a child, with arguments that are no pointer, no descriptor and no flag. */
static int sweep_calls(void)
{
    for (long number = 0; number <= 600; number++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            struct itimerval soon = {{0, 0}, {0, 200000}};
            setitimer(ITIMER_REAL, &soon, 0);
            errno = 0;
            long result = syscall(number, -1l, -1l, -1l, -1l, -1l, -1l);
            _exit(result == -1 && errno > 0 && errno < 200 ? errno : 0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        printf("%ld %s%d\n", number, WIFSIGNALED(status) ? "signal " : "", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    return 0;
}

/* Looks for bytes in the memory of every other process, given so that they are not in this one's arguments. */
static int scan_memory(const char *hex)
{
    static char needle[256], block[1 << 20], line[4096];
    size_t length = strlen(hex) / 2;
    int readable = 0, found = 0;
    for (size_t i = 0; i < length && i < sizeof needle; i++)
        sscanf(hex + 2 * i, "%2hhx", &needle[i]);
    for (int pid = 1; pid < 1000; pid++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/maps", pid);
        FILE *maps = pid == getpid() ? 0 : fopen(path, "re");
        if (!maps)
            continue;
        snprintf(path, sizeof path, "/proc/%d/mem", pid);
        int memory = open(path, O_RDONLY | O_CLOEXEC);
        while (memory >= 0 && fgets(line, sizeof line, maps)) {
            unsigned long from, to;
            if (sscanf(line, "%lx-%lx", &from, &to) != 2)
                continue;
            for (unsigned long at = from; at < to; at += sizeof block - 256) {
                ssize_t bytes = pread(memory, block, to - at < sizeof block ? to - at : sizeof block, (off_t)at);
                readable += bytes > 0;
                if (bytes > 0 && memmem(block, (size_t)bytes, needle, length)) {
                    printf("found in %d\n", pid);
                    found++;
                }
            }
        }
        if (memory >= 0)
            close(memory);
        fclose(maps);
    }
    printf("looked at %s\n", readable ? "some" : "none");
    return found;
}
