/*
 * What a hostile job tries. One program with a command for each kind of attack; each attempt prints a line "name: result", where the
 * result is "ok" or the error's name, so that a test can say what must have been refused.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

#include "inherited.h"
#include "exhaust.h"

static void tell(const char *name, long result)
{
    printf("%s: %s\n", name, result >= 0 ? "ok" : strerrorname_np(errno));
    fflush(stdout);
}

/* Runs the attempt in a child, so that one that kills or changes the process does not end the rest. */
#define ATTEMPT(name, expression)                                                      \
    do {                                                                               \
        fflush(stdout);                                                                \
        pid_t child = fork();                                                          \
        if (child == 0) {                                                              \
            alarm(5);                                                                  \
            tell(name, (long)(expression));                                            \
            _exit(0);                                                                  \
        }                                                                              \
        int status = 0;                                                                \
        waitpid(child, &status, 0);                                                    \
        if (WIFSIGNALED(status))                                                       \
            printf("%s: killed by %s\n", name, sigabbrev_np(WTERMSIG(status)));        \
        fflush(stdout);                                                                \
    } while (0)

static long join_namespace(const char *path)
{
    int fd = open(path, O_RDONLY);
    return fd < 0 ? -1 : setns(fd, 0);
}

static long load_filter_program(void)
{
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    struct bpf_insn instructions[] = {{.code = 0xb7}, {.code = 0x95}};
    attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attributes.insns = (uint64_t)(uintptr_t)instructions;
    attributes.insn_cnt = 2;
    attributes.license = (uint64_t)(uintptr_t)"GPL";
    return syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
}

static long count_cycles(void)
{
    struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_CPU_CLOCK};
    return syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}

static long handle_of_root(void)
{
    char buffer[sizeof(struct file_handle) + 128];
    struct file_handle *handle = (struct file_handle *)buffer;
    memset(buffer, 0, sizeof buffer);
    handle->handle_bytes = 8;
    handle->handle_type = 1;
    ((uint32_t *)handle->f_handle)[0] = 2; /* the root directory of ext4 */
    return open_by_handle_at(AT_FDCWD, handle, O_RDONLY);
}

static long clone_into(unsigned long flag)
{
    pid_t child = syscall(SYS_clone, flag | SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        _exit(0);
    return child;
}

static long clone3_into(unsigned long flag)
{
    struct clone_args arguments = {.flags = flag, .exit_signal = SIGCHLD};
    pid_t child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0)
        _exit(0);
    return child;
}

static int calls(void)
{
    char io_uring_parameters[128] = {0};
    struct timespec now = {1, 0};
    struct timeval then = {1, 0};
    ATTEMPT("io_uring_setup", syscall(SYS_io_uring_setup, 8, io_uring_parameters));
    ATTEMPT("userfaultfd", syscall(SYS_userfaultfd, 0));
    ATTEMPT("bpf", load_filter_program());
    ATTEMPT("perf_event_open", count_cycles());
    ATTEMPT("add_key", syscall(SYS_add_key, "user", "attack", "x", 1, -3));
    ATTEMPT("keyctl", syscall(SYS_keyctl, 1, 0));
    ATTEMPT("request_key", syscall(SYS_request_key, "user", "attack", 0, -3));
    ATTEMPT("kexec_load", syscall(SYS_kexec_load, 0, 0, 0, 0));
    ATTEMPT("init_module", syscall(SYS_init_module, "x", 1, ""));
    ATTEMPT("delete_module", syscall(SYS_delete_module, "x", 0));
    ATTEMPT("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0));
    ATTEMPT("swapon", syscall(SYS_swapon, "/tmp", 0));
    ATTEMPT("acct", syscall(SYS_acct, "/tmp/acct"));
    ATTEMPT("syslog", syscall(SYS_syslog, 3, io_uring_parameters, 100));
    ATTEMPT("settimeofday", settimeofday(&then, 0));
    ATTEMPT("clock_settime", clock_settime(CLOCK_REALTIME, &now));
    ATTEMPT("sethostname", sethostname("x", 1));
    ATTEMPT("quotactl", syscall(SYS_quotactl, 0x800001, "/dev/vda", 0, 0));
    ATTEMPT("open_by_handle_at", handle_of_root());
    ATTEMPT("pivot_root", syscall(SYS_pivot_root, ".", "."));
    ATTEMPT("mount tmpfs", mount("x", "/tmp", "tmpfs", 0, 0));
    ATTEMPT("mount proc", mount("x", "/tmp", "proc", 0, 0));
    ATTEMPT("mount sysfs", mount("x", "/tmp", "sysfs", 0, 0));
    ATTEMPT("mount cgroup", mount("x", "/tmp", "cgroup", 0, "memory"));
    ATTEMPT("mount cgroup2", mount("x", "/tmp", "cgroup2", 0, 0));
    ATTEMPT("mount debugfs", mount("x", "/tmp", "debugfs", 0, 0));
    ATTEMPT("mount bpf", mount("x", "/tmp", "bpf", 0, 0));
    ATTEMPT("mount overlay", mount("x", "/tmp", "overlay", 0, "lowerdir=/bin:/usr"));
    ATTEMPT("mount binfmt_misc", mount("x", "/tmp", "binfmt_misc", 0, 0));
    ATTEMPT("bind", mount("/proc", "/tmp", 0, MS_BIND | MS_REC, 0));
    ATTEMPT("remount writable", mount(0, "/proc/sys", 0, MS_REMOUNT | MS_BIND, 0));
    ATTEMPT("remount of a bind", mount(0, "/usr", 0, MS_REMOUNT | MS_BIND, 0));
    ATTEMPT("make shared", mount(0, "/", 0, MS_SHARED | MS_REC, 0));
    ATTEMPT("umount", umount2("/proc/sys", MNT_DETACH));
    ATTEMPT("umount of the root", umount2("/", MNT_DETACH));
    ATTEMPT("fsopen", syscall(430, "tmpfs", 0));
    ATTEMPT("open_tree clone", syscall(428, AT_FDCWD, "/", 1));
    ATTEMPT("unshare user", unshare(CLONE_NEWUSER));
    ATTEMPT("unshare mount", unshare(CLONE_NEWNS));
    ATTEMPT("unshare network", unshare(CLONE_NEWNET));
    ATTEMPT("unshare pid", unshare(CLONE_NEWPID));
    ATTEMPT("unshare ipc", unshare(CLONE_NEWIPC));
    ATTEMPT("unshare uts", unshare(CLONE_NEWUTS));
    ATTEMPT("unshare cgroup", unshare(CLONE_NEWCGROUP));
    ATTEMPT("unshare time", unshare(0x80));
    ATTEMPT("clone user", clone_into(CLONE_NEWUSER));
    ATTEMPT("clone mount", clone_into(CLONE_NEWNS));
    ATTEMPT("clone network", clone_into(CLONE_NEWNET));
    ATTEMPT("clone3 user", clone3_into(CLONE_NEWUSER));
    ATTEMPT("setns user", join_namespace("/proc/1/ns/user"));
    ATTEMPT("setns mount", join_namespace("/proc/self/ns/mnt"));
    ATTEMPT("setns pid", join_namespace("/proc/1/ns/pid"));
    ATTEMPT("iopl", syscall(SYS_iopl, 3));
    ATTEMPT("ioperm", syscall(SYS_ioperm, 0x70, 2, 1));
    ATTEMPT("real-time scheduling", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}));
    ATTEMPT("raise priority", setpriority(PRIO_PROCESS, 0, -5));
    ATTEMPT("raise limit", setrlimit(RLIMIT_NOFILE, &(struct rlimit){1 << 30, 1 << 30}));
    ATTEMPT("move_pages", syscall(SYS_move_pages, 1, 0, 0, 0, 0, 0));
    ATTEMPT("lookup_dcookie", syscall(SYS_lookup_dcookie, 0, io_uring_parameters, 100));
    ATTEMPT("ptrace that stops the dying", ptrace(PTRACE_SEIZE, getppid(), 0, PTRACE_O_TRACEEXIT));
    ATTEMPT("personality read-implies-exec", syscall(SYS_personality, 0x0400000));
    return 0;
}

static int untrusted_calls(void)
{
    char byte;
    struct iovec local = {&byte, 1}, remote = {&byte, 1};
    ATTEMPT("ptrace", ptrace(PTRACE_TRACEME, 0, 0, 0));
    ATTEMPT("process_vm_readv", process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
    ATTEMPT("kcmp", syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 0));
    ATTEMPT("memfd_secret", syscall(447, 0));
    ATTEMPT("vmsplice", syscall(SYS_vmsplice, 1, &local, 1, 0));
    ATTEMPT("modify_ldt", syscall(SYS_modify_ldt, 0, &byte, 1));
    ATTEMPT("name_to_handle_at", syscall(SYS_name_to_handle_at, AT_FDCWD, "/", 0, 0, 0));
    ATTEMPT("mq_open", syscall(SYS_mq_open, "attack", O_CREAT | O_RDWR, 0600, 0));
    ATTEMPT("core limit", setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}));
    ATTEMPT("PR_SET_MM", prctl(PR_SET_MM, PR_SET_MM_ARG_START, 0, 0, 0));
    return 0;
}

static int sockets(void)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
    for (int family = 0; family < 50; family++)
        for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
            int fd = socket(family, types[i], 0);
            if (fd >= 0) {
                printf("%d/%d\n", family, types[i]);
                close(fd);
            }
        }
    return 0;
}

#if defined(__x86_64__)
static long by_int80(void)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory"); /* getpid of i386 */
    errno = (int)-result;
    return result < 0 ? -1 : result;
}
#endif

static int abi(void)
{
#if defined(__x86_64__)
    ATTEMPT("int80", by_int80());
    ATTEMPT("x32", syscall(0x40000000 + SYS_getpid));
#endif
    ATTEMPT("unknown call", syscall(9999));
    ATTEMPT("call of the future", syscall(599));
    return 0;
}

/* Prints every file below that can be opened for writing. */
static void sweep(const char *directory, int depth)
{
    DIR *entries = opendir(directory);
    if (!entries || depth > 12)
        return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        char path[4096];
        struct stat status;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= sizeof path || lstat(path, &status))
            continue;
        if (S_ISDIR(status.st_mode)) {
            /* Of the processes this one is enough, and its descriptors are not what is looked for. */
            if (depth == 0 && !strcmp(directory, "/proc") && entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
                continue;
            if (!strcmp(entry->d_name, "fd") || !strcmp(entry->d_name, "map_files") || !strcmp(entry->d_name, "task"))
                continue;
            sweep(path, depth + 1);
        } else if (S_ISREG(status.st_mode)) {
            int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
            if (fd >= 0) {
                /* Whoever may do everything to files can open all of them; most take no writes. */
                if (write(fd, "", 0) == 0)
                    puts(path);
                close(fd);
            }
        }
    }
    closedir(entries);
}

/* Whether a process is not confined yet, as one is that joins the container. */
static int is_joining(int pid)
{
    char path[64], status[4096] = {0};
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, status, sizeof status - 1);
    close(fd);
    char *filter = length > 0 ? strstr(status, "Seccomp:\t") : 0;
    return filter && filter[9] == '0';
}

/* For some seconds, tries to get at every process that appears. */
static int spy(int seconds)
{
    time_t end = time(0) + seconds;
    long seen = 0;
    pid_t parent = getppid();
    while (time(0) < end) {
        for (int pid = 1; pid < 400; pid++) {
            char path[64];
            if (pid == getpid() || pid == parent)
                continue;
            snprintf(path, sizeof path, "/proc/%d/stat", pid);
            if (access(path, F_OK))
                continue;
            if (!is_joining(pid))
                continue;
            seen++;
            static const char *const names[] = {"mem", "exe", "root", "cwd", "fd/3", "fd/5", "fd/6", "environ", "maps"};
            for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
                snprintf(path, sizeof path, "/proc/%d/%s", pid, names[i]);
                int fd = open(path, O_RDONLY);
                char byte;
                /* One that has become the container's own meanwhile is no catch. */
                if (fd >= 0 && (strcmp(names[i], "mem") == 0 || read(fd, &byte, 1) > 0 || errno == EISDIR) && is_joining(pid))
                    printf("caught %s\n", path);
                if (fd >= 0)
                    close(fd);
            }
            if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
                if (is_joining(pid))
                    printf("traced %d\n", pid);
                /* Let go, which takes a stop: who holds commands is killed for it. */
                ptrace(PTRACE_INTERRUPT, pid, 0, 0);
                waitpid(pid, 0, __WALL);
                ptrace(PTRACE_DETACH, pid, 0, 0);
            }
        }
    }
    printf("looked at %s\n", seen > 0 ? "some" : "none");
    return 0;
}

static int terminal(void)
{
    char c = 'x';
    char paste[] = {3, 0};
    ATTEMPT("TIOCSTI", ioctl(0, TIOCSTI, &c));
    ATTEMPT("TIOCSTI with high bits", syscall(SYS_ioctl, 0, 0xffffffff00000000ul | TIOCSTI, &c));
    ATTEMPT("TIOCLINUX", ioctl(0, TIOCLINUX, paste));
    return 0;
}

static int devices(void)
{
    static const struct { mode_t kind; int major, first, last; } sweep_of[] = {
        {S_IFBLK, 7, 0, 2}, {S_IFBLK, 8, 0, 3}, {S_IFBLK, 253, 0, 2}, {S_IFBLK, 254, 0, 3}, {S_IFBLK, 259, 0, 2},
        {S_IFCHR, 1, 1, 4}, {S_IFCHR, 10, 1, 240}, {S_IFCHR, 4, 0, 2},
    };
    int opened = 0;
    for (unsigned i = 0; i < sizeof sweep_of / sizeof *sweep_of; i++)
        for (int minor = sweep_of[i].first; minor <= sweep_of[i].last; minor++) {
            unlink("/tmp/node");
            if (mknod("/tmp/node", sweep_of[i].kind | 0666, makedev(sweep_of[i].major, minor)) == 0) {
                int fd = open("/tmp/node", O_RDWR | O_NONBLOCK);
                printf("made %d:%d%s\n", sweep_of[i].major, minor, fd >= 0 ? " and opened" : "");
                opened += fd >= 0;
            }
        }
    return opened;
}

static void touch_all(char *memory, size_t length)
{
    for (size_t i = 0; i < length; i += 4096)
        memory[i] = 1;
}

/* Orphans, for PID 1 to reap: how many zombies there were at the most, looked at now and then. */
static int orphans(long count)
{
    long most = 0;
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (fork() == 0)
                _exit(0);
            _exit(0);
        }
        if (child < 0)
            usleep(1000);
        else
            waitpid(child, 0, 0);
        if (i % 500 == 0) {
            long zombies = 0;
            DIR *entries = opendir("/proc");
            for (struct dirent *entry; entries && (entry = readdir(entries));)
                zombies += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
            closedir(entries);
            most = zombies > most ? zombies : most;
        }
    }
    printf("%ld\n", most);
    return 0;
}

static int bomb(const char *kind)
{
    char path[64];
    static char block[1 << 20];
    memset(block, 'x', sizeof block);
    for (unsigned long i = 0;; i++) {
        if (!strcmp(kind, "heap")) {
            char *memory = mmap(0, sizeof block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (memory != MAP_FAILED)
                touch_all(memory, sizeof block);
        } else if (!strcmp(kind, "shm") || !strcmp(kind, "tmp")) {
            snprintf(path, sizeof path, !strcmp(kind, "shm") ? "/dev/shm/%lu" : "/tmp/%lu", i);
            int fd = open(path, O_CREAT | O_WRONLY, 0600);
            if (fd < 0 || write(fd, block, sizeof block) != (ssize_t)sizeof block)
                return 3; /* a limit of the file system came first */
            close(fd);
        } else if (!strcmp(kind, "inodes")) {
            snprintf(path, sizeof path, "/tmp/%lu", i);
            int fd = open(path, O_CREAT | O_WRONLY, 0600);
            if (fd < 0)
                return 3;
            close(fd);
        } else if (!strcmp(kind, "memfd")) {
            int fd = syscall(SYS_memfd_create, "x", 0);
            if (fd < 0)
                return 4;
            for (int n = 0; n < 16; n++)
                if (write(fd, block, sizeof block) < 0)
                    return 4;
        } else if (!strcmp(kind, "pipes")) {
            int ends[2];
            if (pipe2(ends, O_NONBLOCK))
                return 4; /* the limit of descriptors */
            fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
            while (write(ends[1], block, 65536) > 0)
                ;
        } else if (!strcmp(kind, "sockets")) {
            int ends[2], size = 1 << 20;
            if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends))
                return 4;
            setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
            while (write(ends[1], block, 65536) > 0)
                ;
        } else if (!strcmp(kind, "maps")) {
            /* Page tables: one page touched in each two megabytes. */
            char *memory = mmap((void *)(0x100000000000ul + i * (1ul << 21)), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            if (memory == MAP_FAILED)
                return 4;
            *memory = 1;
        } else if (!strcmp(kind, "descriptors")) {
            if (open("/dev/null", O_RDONLY) < 0)
                return 4;
        } else if (!strcmp(kind, "forks")) {
            if (fork() < 0)
                usleep(1000);
        } else if (!strcmp(kind, "zombies")) {
            return orphans(3000);
        } else if (!strcmp(kind, "output")) {
            if (write(1, block, sizeof block) < 0)
                return 4;
        } else {
            int end = kernel_bomb(kind, i);
            if (end)
                return end;
        }
    }
}

static _Noreturn void deaf(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, 0);
    for (int signal = 1; signal < 65; signal++)
        sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, 0);
    prctl(PR_SET_PDEATHSIG, 0);
    if (fork() == 0 && fork() == 0)
        setsid();
    for (;;)
        ;
}

/* Exchanges two names for as long as it is let. */
static _Noreturn void swap(const char *one, const char *other)
{
    for (;;)
        renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

static int keys(const char *command)
{
    static const int rings[] = {-3, -4, -5}; /* of the session, of the user, of the user's session */
    if (!strcmp(command, "add"))
        return syscall(SYS_add_key, "user", "containers-attack", "x", 1, -5) < 0;
    if (!strcmp(command, "remove"))
        return syscall(SYS_keyctl, 9, syscall(SYS_keyctl, 10, -5, "user", "containers-attack", 0), -5) < 0;
    for (unsigned i = 0; i < sizeof rings / sizeof *rings; i++)
        tell("search", syscall(SYS_keyctl, 10, rings[i], "user", "containers-attack", 0));
    return 0;
}

static int segfault(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    *(volatile int *)8 = 1;
    return 0;
}

/*
 * Holds processes by tracing them and never waiting: one that is killed stops once more, when it exits (PTRACE_EVENT_EXIT), or stays a
 * zombie that its parent is not told of, for as long as the tracer lives.
 */
static _Noreturn void hold(const char *whom, long options)
{
    pid_t self = getpid();
    puts("holding");
    fflush(stdout);
    if (!strcmp(whom, "parent")) {
        if (fork() == 0) {
            ptrace(PTRACE_SEIZE, self, 0, options);
            for (;;)
                pause();
        }
        for (;;)
            pause();
    }
    for (;;) {
        for (pid_t pid = 1; pid < 400; pid++)
            if (pid != self)
                ptrace(PTRACE_SEIZE, pid, 0, options);
        usleep(500);
    }
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    if (!strcmp(what, "calls"))
        return calls();
    if (!strcmp(what, "untrusted-calls"))
        return untrusted_calls();
    if (!strcmp(what, "sockets"))
        return sockets();
    if (!strcmp(what, "abi"))
        return abi();
    if (!strcmp(what, "sweep"))
        return sweep("/proc", 0), sweep("/proc/self", 1), sweep("/sys", 0), 0;
    if (!strcmp(what, "spy") && count > 2)
        return spy(atoi(arguments[2]));
    if (!strcmp(what, "hold") && count > 3)
        hold(arguments[2], !strcmp(arguments[3], "exit") ? PTRACE_O_TRACEEXIT : 0);
    if (!strcmp(what, "terminal"))
        return terminal();
    if (!strcmp(what, "devices"))
        return devices();
    if (!strcmp(what, "bomb") && count > 2)
        return bomb(arguments[2]);
    if (!strcmp(what, "deaf"))
        deaf();
    if (!strcmp(what, "swap") && count > 3)
        swap(arguments[2], arguments[3]);
    if (!strcmp(what, "keys") && count > 2)
        return keys(arguments[2]);
    if (!strcmp(what, "segfault"))
        return segfault();
    if (!strcmp(what, "odd-host") && count > 2)
        return odd_host(arguments + 2);
    if (!strcmp(what, "state"))
        return state();
    if (!strcmp(what, "walls"))
        return walls();
    if (!strcmp(what, "without") && count > 4)
        return without(atol(arguments[2]), atoi(arguments[3]), arguments + 4);
    if (!strcmp(what, "sweep-calls"))
        return sweep_calls();
    if (!strcmp(what, "scan-memory") && count > 2)
        return scan_memory(arguments[2]);
    if (!strcmp(what, "exhaust") && count > 2)
        return exhaust(arguments[2]);
    if (!strcmp(what, "orphans") && count > 2)
        return orphans(atol(arguments[2]));
    if (!strcmp(what, "spin"))
        spin();
    fprintf(stderr, "unknown attack: %s\n", what);
    return 2;
}
