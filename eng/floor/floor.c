// The floor: the least that a container start can cost on this kernel. It makes the system calls of one container (cgroups with
// limits, all namespaces but the user one, overlay root, /proc, /sys, /dev, masked paths, pivot_root, capabilities, execve), waits
// for the job, reads its output to the end and removes everything again, from a small static program with nothing around it.
// RunAsync is held against this number, so what RunAsync does in the kernel belongs here too.
//
//   floor ROOT STATE [-n RUNS] [-w WARM_UP] [--stages] [--serve] [--join tasks|procs|parent] [--upper directory|tmpfs]
//         [--cgroup v1|v2] [--without PART]... [-- COMMAND ARGUMENT...]
//
// ROOT is the read-only lower tree, STATE a directory for the upper one. --serve does one run for each line of standard input and
// prints its microseconds, which lets a harness alternate it with other programs. Built by build.sh; run as root.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

enum { MAX_CONTROLLERS = 7, MAX_STAGES = 64 };

static const char *const controller_names[MAX_CONTROLLERS] = { "memory", "pids", "cpu", "cpuacct", "devices", "freezer", "blkio" };
enum { MEMORY = 1, PIDS = 2, CPU = 4, DEVICES = 16 };

// Parts that can be left out, to learn what each costs.
enum {
    PART_NET = 1 << 0, PART_TIME = 1 << 1, PART_IPC = 1 << 2, PART_CGROUPS = 1 << 3, PART_LIMITS = 1 << 4, PART_DEVICES = 1 << 5,
    PART_SYSFS = 1 << 6, PART_MASKS = 1 << 7, PART_READONLY = 1 << 8, PART_SYNC = 1 << 9, PART_EXEC = 1 << 10, PART_MQUEUE = 1 << 11,
    PART_PTS = 1 << 12, PART_SHM = 1 << 13,
};

static const struct { const char *name; unsigned bit; } parts[] = {
    { "net", PART_NET }, { "time", PART_TIME }, { "ipc", PART_IPC }, { "cgroups", PART_CGROUPS }, { "limits", PART_LIMITS },
    { "devices", PART_DEVICES }, { "sysfs", PART_SYSFS }, { "masks", PART_MASKS }, { "readonly", PART_READONLY },
    { "sync", PART_SYNC }, { "exec", PART_EXEC }, { "mqueue", PART_MQUEUE }, { "pts", PART_PTS }, { "shm", PART_SHM },
};

// One mounted hierarchy: several controllers on v1 may share one, on v2 all do.
struct hierarchy {
    int base;
    unsigned controllers;
    char name[64];
};

enum join { JOIN_TASKS, JOIN_PROCS, JOIN_PARENT };

static struct {
    const char *root;
    const char *state;
    char *const *command;
    unsigned without;
    enum join join;
    bool upper_tmpfs;
    bool stages;
    bool v2;
    struct hierarchy hierarchies[MAX_CONTROLLERS];
    int hierarchy_count;
    int state_fd;
} config;

// Shared with the child: it runs while the parent waits, so the clock of stages is handed over by plain stores.
static struct {
    uint64_t last;
    uint64_t sum[MAX_STAGES];
    char label[MAX_STAGES][48];
    char error[160];
    int error_number;
} *shared;

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    stop = number;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// Where the next stage is expected; the child starts with the parent's copy.
static int next_stage;

// Adds the time since the previous mark to a stage, found by its name: stages appear in the order of the run.
static void mark(const char *stage, const char *detail)
{
    if (!config.stages) {
        return;
    }
    uint64_t time = now();
    char label[48];
    snprintf(label, sizeof label, detail ? "%s %s" : "%s", stage, detail);
    int slot = next_stage;
    for (int tried = 0; tried < MAX_STAGES; tried++, slot = (slot + 1) % MAX_STAGES) {
        if (shared->label[slot][0] == 0) {
            strcpy(shared->label[slot], label);
        }
        if (strcmp(shared->label[slot], label) == 0) {
            shared->sum[slot] += time - shared->last;
            next_stage = (slot + 1) % MAX_STAGES;
            break;
        }
    }
    shared->last = now();
}

static void restart_marks(void)
{
    next_stage = 0;
    shared->last = now();
}

static void fail(const char *step, const char *path)
{
    if (shared->error[0] == 0) {
        shared->error_number = errno;
        snprintf(shared->error, sizeof shared->error, "%s%s%.100s", step, path ? " " : "", path ? path : "");
    }
}

static bool has(unsigned part)
{
    return (config.without & part) == 0;
}

// ---- the child: every step fails the run ----

static int need(int result, const char *step, const char *path)
{
    if (result < 0) {
        fail(step, path);
        _exit(125);
    }
    return result;
}

static int resolve(int root, const char *path, uint64_t flags)
{
    struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static void attach(int mount, int root, const char *path)
{
    int target = need(resolve(root, path, O_PATH), "openat2", path);
    need(move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), "move_mount to", path);
    close(target);
}

struct option_pair { const char *key; const char *value; };

static int new_mount(const char *type, const struct option_pair *options, unsigned attributes)
{
    int context = need(fsopen(type, FSOPEN_CLOEXEC), "fsopen", type);
    for (; options && options->key; options++) {
        unsigned kind = options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
        need(fsconfig(context, kind, options->key, options->value, 0), "fsconfig", options->key);
    }
    need(fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0), "fsconfig create", type);
    int mount = need(fsmount(context, FSMOUNT_CLOEXEC, attributes), "fsmount", type);
    close(context);
    return mount;
}

static int attach_new(int root, const char *type, const char *path, const struct option_pair *options, unsigned attributes)
{
    int mount = new_mount(type, options, attributes);
    attach(mount, root, path);
    return mount;
}

static int mount_root(const char *directory)
{
    need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make private", "/");
    mark("private mounts", NULL);

    char upper[PATH_MAX], work[PATH_MAX];
    int scratch = -1;
    if (config.upper_tmpfs) {
        scratch = new_mount("tmpfs", (struct option_pair[]){ { "mode", "0755" }, { 0 } }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        need(move_mount(scratch, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), "move_mount to", "/");
        need(mkdirat(scratch, "upper", 0755), "mkdir", "upper");
        need(mkdirat(scratch, "work", 0700), "mkdir", "work");
        snprintf(upper, sizeof upper, "/proc/self/fd/%d/upper", scratch);
        snprintf(work, sizeof work, "/proc/self/fd/%d/work", scratch);
    } else {
        snprintf(upper, sizeof upper, "%s/%s/upper", config.state, directory);
        snprintf(work, sizeof work, "%s/%s/work", config.state, directory);
    }
    struct option_pair options[] = {
        { "source", "overlay" }, { "lowerdir", config.root }, { "upperdir", upper }, { "workdir", work },
        { has(PART_SYNC) ? NULL : "volatile", NULL }, { 0 },
    };
    int root = new_mount("overlay", options, 0);
    // The new root goes on top of the old one: no mount point is needed, and fds, not paths, name it from here on.
    need(move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), "move_mount to", "/");
    if (scratch >= 0) {
        close(scratch);
    }
    mark("overlay", NULL);
    return root;
}

static void mount_dev(int root)
{
    static const struct { const char *name; unsigned major, minor; } nodes[] = {
        { "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
    };
    static const struct { const char *target, *name; } links[] = {
        { "/proc/self/fd", "fd" }, { "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
        { "pts/ptmx", "ptmx" }, { "/proc/kcore", "core" },
    };
    struct option_pair options[] = { { "mode", "0755" }, { "size", "65536k" }, { 0 } };
    int dev = attach_new(root, "tmpfs", "dev", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        need(mknodat(dev, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), "mknod", nodes[i].name);
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        need(symlinkat(links[i].target, dev, links[i].name), "symlink", links[i].name);
    }
    need(mkdirat(dev, "pts", 0755), "mkdir", "dev/pts");
    need(mkdirat(dev, "shm", 01777), "mkdir", "dev/shm");
    need(mkdirat(dev, "mqueue", 0755), "mkdir", "dev/mqueue");
    close(dev);
    mark("dev", NULL);
    if (has(PART_PTS)) {
        struct option_pair pts[] = { { "newinstance", NULL }, { "ptmxmode", "0666" }, { "mode", "0620" }, { "gid", "5" }, { 0 } };
        close(attach_new(root, "devpts", "dev/pts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
        mark("dev/pts", NULL);
    }
    if (has(PART_SHM)) {
        struct option_pair shm[] = { { "mode", "1777" }, { "size", "65536k" }, { 0 } };
        close(attach_new(root, "tmpfs", "dev/shm", shm, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
        mark("dev/shm", NULL);
    }
    if (has(PART_MQUEUE)) {
        close(attach_new(root, "mqueue", "dev/mqueue", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
        mark("dev/mqueue", NULL);
    }
}

static void mask_paths(int root)
{
    static const char *const masked[] = {
        "proc/asound", "proc/acpi", "proc/interrupts", "proc/kcore", "proc/keys", "proc/latency_stats", "proc/timer_list",
        "proc/timer_stats", "proc/sched_debug", "proc/scsi", "sys/firmware", "sys/devices/virtual/powercap",
    };
    int null = need(resolve(root, "dev/null", O_PATH), "openat2", "dev/null");
    int empty = -1;
    for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) {
        int target = resolve(root, masked[i], O_PATH);
        if (target < 0 && errno == ENOENT) {
            continue;
        }
        need(target, "openat2", masked[i]);
        struct stat status;
        need(fstat(target, &status), "fstat", masked[i]);
        int cover;
        if (!S_ISDIR(status.st_mode)) {
            cover = need(open_tree(null, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH), "open_tree", "dev/null");
        } else if (empty < 0) {
            unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
            cover = empty = new_mount("tmpfs", (struct option_pair[]){ { "mode", "0755" }, { 0 } }, attributes);
        } else {
            cover = need(open_tree(empty, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH), "open_tree", "empty");
        }
        need(move_mount(cover, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), "mask", masked[i]);
        if (cover != empty) {
            close(cover);
        }
        close(target);
    }
    close(null);
    if (empty >= 0) {
        close(empty);
    }
    mark("masked paths", NULL);
}

static void protect_paths(int root)
{
    static const char *const read_only[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger" };
    struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };
    for (size_t i = 0; i < sizeof read_only / sizeof *read_only; i++) {
        int target = resolve(root, read_only[i], O_PATH);
        if (target < 0 && errno == ENOENT) {
            continue;
        }
        need(target, "openat2", read_only[i]);
        int tree = need(open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE), "open_tree",
            read_only[i]);
        need(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes), "mount_setattr", read_only[i]);
        need(move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), "move_mount to", read_only[i]);
        close(tree);
        close(target);
    }
    mark("read-only paths", NULL);
}

static void enter_root(int root)
{
    need(fchdir(root), "fchdir", "root");
    need((int)syscall(SYS_pivot_root, ".", "."), "pivot_root", NULL);
    need(umount2(".", MNT_DETACH), "umount", "old root");
    need(chdir("/"), "chdir", "/");
    close(root);
    mark("pivot_root", NULL);
}

static void bring_loopback_up(void)
{
    int socket_fd = need(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket", NULL);
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    need(ioctl(socket_fd, SIOCSIFFLAGS, &request), "loopback up", NULL);
    close(socket_fd);
    mark("loopback up", NULL);
}

static void drop_privileges(void)
{
    // chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod,
    // audit_write, setfcap: what Docker leaves.
    const uint64_t kept = 0xa80425fb;
    for (int capability = 0; capability < 64; capability++) {
        if ((kept >> capability & 1) == 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
            if (errno == EINVAL) {
                break;  // past the last one this kernel knows
            }
            need(-1, "drop capability", NULL);
        }
    }
    need((int)syscall(SYS_setgroups, 0, NULL), "setgroups", NULL);
    need((int)syscall(SYS_setresgid, 0, 0, 0), "setresgid", NULL);
    need((int)syscall(SYS_setresuid, 0, 0, 0), "setresuid", NULL);
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { { .effective = (uint32_t)kept, .permitted = (uint32_t)kept } };
    need((int)syscall(SYS_capset, &header, data), "capset", NULL);
    need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs", NULL);
    mark("privileges", NULL);
}

static void child(const int *joins, const char *directory, int output, int error)
{
    mark("clone", NULL);
    for (int i = 0; config.join != JOIN_PARENT && !config.v2 && i < config.hierarchy_count; i++) {
        need((int)write(joins[i], "0", 1), "join", config.hierarchies[i].name);
        mark("join", config.hierarchies[i].name);
    }
    if (!config.v2) {
        // The namespace is rooted where its maker is: made before the joins it would show the host's paths inside.
        need(unshare(CLONE_NEWCGROUP), "unshare", "cgroup");
        mark("cgroup namespace", NULL);
    }
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    need(setsid(), "setsid", NULL);
    umask(0);
    need(sethostname("floor", 5), "sethostname", NULL);

    int root = mount_root(directory);
    unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    close(attach_new(root, "proc", "proc", NULL, attributes));
    mark("proc", NULL);
    if (has(PART_SYSFS)) {
        close(attach_new(root, "sysfs", "sys", NULL, attributes | MOUNT_ATTR_RDONLY));
        mark("sysfs", NULL);
    }
    mount_dev(root);
    if (has(PART_MASKS)) {
        mask_paths(root);
    }
    if (has(PART_READONLY)) {
        protect_paths(root);
    }
    enter_root(root);
    if (has(PART_NET)) {
        bring_loopback_up();
    }
    drop_privileges();

    umask(022);
    int input = need(open("/dev/null", O_RDONLY), "open", "/dev/null");
    need(dup2(input, 0), "dup2", "stdin");
    need(dup2(output, 1), "dup2", "stdout");
    need(dup2(error, 2), "dup2", "stderr");
    if (!has(PART_EXEC)) {
        _exit(0);
    }
    need((int)syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC), "close_range", NULL);
    char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
    execve(config.command[0], config.command, environment);
    need(-1, "execve", config.command[0]);
}

// ---- the parent: remembers the first failure, and always cleans up ----

static bool put(int directory, const char *cgroup, const char *file, const char *const *values)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", cgroup, file);
    int fd = openat(directory, path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0;
    for (; written && *values; values++) {
        written = write(fd, *values, strlen(*values)) >= 0;
    }
    if (!written) {
        fail("write", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return written;
}

static bool limit(const struct hierarchy *hierarchy, const char *cgroup)
{
    // 100 MB, 64 processes, one CPU, and the device nodes of /dev only.
    static const char *const memory[] = { "104857600", NULL }, *const processes[] = { "64", NULL };
    static const char *const period[] = { "100000", NULL }, *const quota[] = { "100000", NULL }, *const max[] = { "100000 100000", NULL };
    static const char *const deny[] = { "a", NULL };
    static const char *const allow[] = {
        "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm", "c *:* m", "b *:* m",
        NULL,
    };
    if (!has(PART_LIMITS)) {
        return true;
    }
    bool done = true;
    int base = hierarchy->base;
    if (hierarchy->controllers & MEMORY) {
        done = done && put(base, cgroup, config.v2 ? "memory.max" : "memory.limit_in_bytes", memory);
    }
    if (hierarchy->controllers & PIDS) {
        done = done && put(base, cgroup, "pids.max", processes);
    }
    if (hierarchy->controllers & CPU) {
        done = done && (config.v2 ? put(base, cgroup, "cpu.max", max)
            : put(base, cgroup, "cpu.cfs_period_us", period) && put(base, cgroup, "cpu.cfs_quota_us", quota));
    }
    // On v2 device rules are a BPF program, which this program does not build.
    if (!config.v2 && has(PART_DEVICES) && (hierarchy->controllers & DEVICES)) {
        done = done && put(base, cgroup, "devices.deny", deny) && put(base, cgroup, "devices.allow", allow);
    }
    return done;
}

static void remove_tree(int parent, const char *name)
{
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || (errno == ENOTDIR && unlinkat(parent, name, 0) == 0)) {
        return;
    }
    if (errno != ENOTEMPTY && errno != EEXIST) {
        if (errno != ENOENT) {
            fail("remove", name);
        }
        return;
    }
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            remove_tree(fd, entry->d_name);
        }
    }
    if (directory) {
        closedir(directory);
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0) {
        fail("remove", name);
    }
}

static void remove_cgroup(const struct hierarchy *hierarchy, const char *name)
{
    // The last process is reaped, but its cgroup may be released a moment later.
    for (int tries = 0; unlinkat(hierarchy->base, name, AT_REMOVEDIR) < 0; tries++) {
        if (errno != EBUSY || tries == 1000) {
            if (errno != ENOENT) {
                fail("rmdir cgroup", name);
            }
            return;
        }
        usleep(1000);
    }
}

static void remove_upper(const char *name)
{
    static const char *const inner[] = { "work/work", "work", "upper", "" };
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        snprintf(path, sizeof path, "%s/%s", name, inner[i]);
        if (unlinkat(config.state_fd, path, AT_REMOVEDIR) < 0 && errno != ENOENT) {
            remove_tree(config.state_fd, name);
            return;
        }
    }
}

static void drain(int output, int error)
{
    char buffer[4096];
    struct pollfd fds[2] = { { .fd = output, .events = POLLIN }, { .fd = error, .events = POLLIN } };
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        if (poll(fds, 2, -1) < 0) {
            continue;
        }
        for (int i = 0; i < 2; i++) {
            ssize_t count = fds[i].fd >= 0 && fds[i].revents ? read(fds[i].fd, buffer, sizeof buffer) : -1;
            if (count == 0) {
                close(fds[i].fd);
                fds[i].fd = -1;
            } else if (count > 0 && write(i + 1, buffer, (size_t)count) < 0) {
                fail("write", "output");
            }
        }
    }
}

static pid_t spawn(const char *name, const int *joins, int cgroup, int *output, int *error)
{
    struct clone_args arguments = { .exit_signal = SIGCHLD };
    arguments.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | (has(PART_IPC) ? CLONE_NEWIPC : 0) | (has(PART_NET) ? CLONE_NEWNET : 0)
        | (has(PART_TIME) ? CLONE_NEWTIME : 0);
    if (cgroup >= 0) {
        // Together these two root the new cgroup namespace at the cgroup that is entered.
        arguments.flags |= CLONE_INTO_CGROUP | CLONE_NEWCGROUP;
        arguments.cgroup = (uint64_t)cgroup;
    }
    pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) {
        child(joins, name, output[1], error[1]);
    }
    return pid;
}

static void join_from_parent(pid_t pid, const char *name)
{
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    for (int i = 0; i < config.hierarchy_count; i++) {
        put(config.hierarchies[i].base, name, "cgroup.procs", (const char *[]){ text, NULL });
    }
}

// One container from nothing to nothing. False when any step failed; what it made is removed all the same.
static bool run(int number)
{
    char name[64], path[PATH_MAX];
    int joins[MAX_CONTROLLERS], made = 0, cgroup = -1, output[2] = { -1, -1 }, error[2] = { -1, -1 };
    snprintf(name, sizeof name, "floor-%d-%d", getpid(), number);
    shared->error[0] = 0;
    restart_marks();

    for (; made < config.hierarchy_count; made++) {
        const struct hierarchy *hierarchy = &config.hierarchies[made];
        joins[made] = -1;
        if (mkdirat(hierarchy->base, name, 0755) < 0) {
            fail("mkdir cgroup", hierarchy->name);
            break;
        }
        mark("make cgroup", hierarchy->name);
        if (!limit(hierarchy, name)) {
            made++;
            break;
        }
        if (config.v2) {
            cgroup = openat(hierarchy->base, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        } else if (config.join != JOIN_PARENT) {
            snprintf(path, sizeof path, "%s/%s", name, config.join == JOIN_TASKS ? "tasks" : "cgroup.procs");
            joins[made] = openat(hierarchy->base, path, O_WRONLY | O_CLOEXEC);
            if (joins[made] < 0) {
                fail("open", path);
            }
        }
        mark("limit", hierarchy->name);
    }
    bool directory = !config.upper_tmpfs && shared->error[0] == 0;
    if (directory) {
        char upper[PATH_MAX];
        snprintf(upper, sizeof upper, "%s/upper", name);
        snprintf(path, sizeof path, "%s/work", name);
        if (mkdirat(config.state_fd, name, 0700) < 0 || mkdirat(config.state_fd, upper, 0755) < 0
            || mkdirat(config.state_fd, path, 0700) < 0) {
            fail("mkdir", name);
        }
        mark("make upper", NULL);
    }
    if (shared->error[0] == 0 && (pipe2(output, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0)) {
        fail("pipe", NULL);
    }
    mark("pipes", NULL);
    if (shared->error[0] == 0) {
        pid_t pid = spawn(name, joins, cgroup, output, error);
        if (pid < 0) {
            fail("clone3", NULL);
        } else {
            if (config.join == JOIN_PARENT) {
                join_from_parent(pid, name);
            }
            close(output[1]);
            close(error[1]);
            drain(output[0], error[0]);
            output[0] = output[1] = error[0] = error[1] = -1;
            int status;
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
            }
            if (shared->error[0] == 0 && WIFSIGNALED(status)) {
                errno = 0;
                fail("the job was killed", strsignal(WTERMSIG(status)));
            }
            mark("exec, run, exit", NULL);
        }
    }
    for (int i = 0; i < 2; i++) {
        if (output[i] >= 0) {
            close(output[i]);
        }
        if (error[i] >= 0) {
            close(error[i]);
        }
    }
    if (cgroup >= 0) {
        close(cgroup);
    }
    for (int i = 0; i < made; i++) {
        if (joins[i] >= 0) {
            close(joins[i]);
        }
    }
    mark("close", NULL);
    while (made-- > 0) {
        remove_cgroup(&config.hierarchies[made], name);
        mark("remove cgroup", config.hierarchies[made].name);
    }
    if (directory) {
        remove_upper(name);
        mark("remove upper", NULL);
    }
    return shared->error[0] == 0;
}

// ---- start-up ----

static _Noreturn void die(const char *what, const char *detail)
{
    fprintf(stderr, "floor: %s%s%s: %s\n", what, detail ? " " : "", detail ? detail : "", strerror(errno));
    exit(1);
}

// The path of this process' cgroup below a mount of its hierarchy.
static void own_cgroup(const char *mount_root, unsigned controllers, char *path, size_t size)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX];
    path[0] = 0;
    while (file && fgets(line, sizeof line, file)) {
        char *list = strchr(line, ':'), *place = list ? strchr(list + 1, ':') : NULL;
        if (!place) {
            continue;
        }
        *place++ = 0;
        place[strcspn(place, "\n")] = 0;
        for (char *save, *word = strtok_r(list + 1, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
            for (int i = 0; i < MAX_CONTROLLERS; i++) {
                if ((controllers >> i & 1) && strcmp(word, controller_names[i]) == 0) {
                    size_t prefix = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);
                    if (strncmp(place, mount_root, prefix) == 0) {
                        snprintf(path, size, "%s", place + prefix);
                    }
                }
            }
        }
    }
    if (file) {
        fclose(file);
    }
}

static void add_hierarchy(const char *mount_point, const char *mount_root, unsigned controllers, bool v2)
{
    for (int i = 0; i < config.hierarchy_count; i++) {
        if (v2 || (config.hierarchies[i].controllers & controllers)) {
            return;  // mounted twice
        }
    }
    struct hierarchy *hierarchy = &config.hierarchies[config.hierarchy_count++];
    char path[PATH_MAX], own[PATH_MAX] = "";
    if (!v2) {
        own_cgroup(mount_root, controllers, own, sizeof own);
    }
    snprintf(path, sizeof path, "%.2000s%.2000s", mount_point, own);
    hierarchy->controllers = controllers;
    hierarchy->base = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (hierarchy->base < 0) {
        die("open", path);
    }
    for (int i = 0; i < MAX_CONTROLLERS; i++) {
        if (!v2 && (controllers >> i & 1)) {
            size_t length = strlen(hierarchy->name);
            snprintf(hierarchy->name + length, sizeof hierarchy->name - length, "%s%s", length ? "," : "", controller_names[i]);
        }
    }
    if (v2) {
        strcpy(hierarchy->name, "v2");
    }
}

static void find_hierarchies(const char *version)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file) {
        die("open", "/proc/self/mountinfo");
    }
    char line[PATH_MAX * 2], mount_point[PATH_MAX], mount_root[PATH_MAX], type[64], options[PATH_MAX], v2_point[PATH_MAX] = "";
    while (fgets(line, sizeof line, file)) {
        char *rest = strstr(line, " - ");
        if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", mount_root, mount_point) != 2
            || sscanf(rest, " - %63s %*s %4095s", type, options) != 2) {
            continue;
        }
        if (strcmp(type, "cgroup2") == 0 && v2_point[0] == 0) {
            strcpy(v2_point, mount_point);
        } else if (strcmp(type, "cgroup") == 0 && (!version || strcmp(version, "v1") == 0)) {
            unsigned controllers = 0;
            for (char *save, *word = strtok_r(options, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
                for (int i = 0; i < MAX_CONTROLLERS; i++) {
                    controllers |= strcmp(word, controller_names[i]) == 0 ? 1u << i : 0;
                }
            }
            if (controllers) {
                add_hierarchy(mount_point, mount_root, controllers, false);
            }
        }
    }
    fclose(file);
    if (config.hierarchy_count == 0 && v2_point[0] && (!version || strcmp(version, "v2") == 0)) {
        config.v2 = true;
        add_hierarchy(v2_point, "/", MEMORY | PIDS | CPU, true);
        if (has(PART_LIMITS) && !put(config.hierarchies[0].base, ".", "cgroup.subtree_control", (const char *[]){ "+memory +pids +cpu", NULL })) {
            errno = shared->error_number;
            die("enable controllers in", v2_point);
        }
    }
    if (config.hierarchy_count == 0) {
        errno = ENOENT;
        die("find cgroup hierarchies", version);
    }
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint64_t timed_run(int number)
{
    uint64_t start = now();
    if (!run(number)) {
        fprintf(stderr, "floor: %s: %s\n", shared->error, strerror(shared->error_number));
        exit(1);
    }
    return now() - start;
}

static void serve(void)
{
    char line[16];
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int number = 0; !stop && fgets(line, sizeof line, stdin); number++) {
        printf("%.1f\n", (double)timed_run(number) / 1000);
    }
}

static void print_stages(int runs)
{
    double total = 0;
    for (int i = 0; i < MAX_STAGES && shared->label[i][0]; i++) {
        double mean = (double)shared->sum[i] / runs / 1000;
        total += mean;
        printf("%-28s %9.1f us\n", shared->label[i], mean);
    }
    printf("%-28s %9.1f us\n", "total", total);
}

static void measure(int runs, int warm_up)
{
    uint64_t *times = calloc((size_t)runs, sizeof *times);
    if (!times) {
        die("allocate", NULL);
    }
    for (int i = 0; i < warm_up && !stop; i++) {
        timed_run(i);
    }
    memset(shared->sum, 0, sizeof shared->sum);
    int done = 0;
    for (; done < runs && !stop; done++) {
        times[done] = timed_run(warm_up + done);
    }
    if (done == 0) {
        return;
    }
    qsort(times, (size_t)done, sizeof *times, compare);
    printf("runs %d  p50 %.1f us  p90 %.1f us\n", done, (double)times[done / 2] / 1000, (double)times[done * 9 / 10] / 1000);
    if (config.stages) {
        print_stages(done);
    }
    free(times);
}

static int usage(void)
{
    fprintf(stderr, "usage: floor ROOT STATE [-n RUNS] [-w WARM_UP] [--stages] [--serve] [--join tasks|procs|parent]\n"
        "             [--upper directory|tmpfs] [--cgroup v1|v2] [--without PART]... [-- COMMAND ARGUMENT...]\nparts:");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        fprintf(stderr, " %s", parts[i].name);
    }
    fputc('\n', stderr);
    return 2;
}

static bool leave_out(const char *name)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(parts[i].name, name) == 0) {
            config.without |= parts[i].bit;
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "runs", required_argument, NULL, 'n' }, { "warm-up", required_argument, NULL, 'w' }, { "stages", no_argument, NULL, 's' },
        { "serve", no_argument, NULL, 'S' }, { "join", required_argument, NULL, 'j' }, { "upper", required_argument, NULL, 'u' },
        { "cgroup", required_argument, NULL, 'c' }, { "without", required_argument, NULL, 'x' }, { 0 },
    };
    static char *const job[] = { "/bin/true", NULL };
    int runs = 200, warm_up = 20;
    bool server = false;
    const char *version = NULL;
    config.command = job;
    for (int option; (option = getopt_long(argc, argv, "n:w:", options, NULL)) >= 0;) {
        switch (option) {
        case 'n': runs = atoi(optarg); break;
        case 'w': warm_up = atoi(optarg); break;
        case 's': config.stages = true; break;
        case 'S': server = true; break;
        case 'j': config.join = strcmp(optarg, "parent") == 0 ? JOIN_PARENT : strcmp(optarg, "procs") == 0 ? JOIN_PROCS : JOIN_TASKS; break;
        case 'u': config.upper_tmpfs = strcmp(optarg, "tmpfs") == 0; break;
        case 'c': version = optarg; break;
        case 'x':
            if (!leave_out(optarg)) {
                return usage();
            }
            break;
        default: return usage();
        }
    }
    if (argc - optind < 2 || runs < 1 || warm_up < 0) {
        return usage();
    }
    config.root = argv[optind];
    config.state = argv[optind + 1];
    if (argc - optind > 2) {
        config.command = &argv[optind + 2];
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        die("map shared memory", NULL);
    }
    config.state_fd = open(config.state, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (config.state_fd < 0) {
        die("open", config.state);
    }
    if (has(PART_CGROUPS)) {
        find_hierarchies(version);
    }
    // An interrupted run is finished first, so that its cgroups and directories go.
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (server) {
        serve();
    } else {
        measure(runs, warm_up);
    }
    return stop ? 128 + stop : 0;
}
