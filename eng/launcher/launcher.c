/*
 * The launcher: an interpreter for programs of system calls.
 *
 * A multi-threaded runtime cannot fork and go on, so the host compiles the whole set-up of a container into a flat
 * program of system calls, and this freestanding binary runs it. It knows nothing of containers: what is done, in
 * which order, and what each failure means is decided by the host, where it can be read, printed and tested.
 *
 * Started by the host with the program as descriptor 3. A program can contain OP_SERVE: the process then becomes the
 * guardian of an engine, which forks a child for every program that arrives on its socket. When the host dies, and the
 * socket with it, the guardian kills all that is below it, and ends. It is PID 1 of a PID namespace, so that the kernel
 * does that when it is killed itself; a guardian of containers that share the host's processes has none.
 *
 * Rules: no libc, no allocation, no writable data of its own; jumps go forward only; every address a program names is
 * checked against the program's own mapping.
 */
#include "launcher.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

/* ---- system calls, the one part that differs by machine --------------------------------------------------------- */

#if defined(__x86_64__)
enum {
    NR_read = 0, NR_close = 3, NR_lseek = 8, NR_mmap = 9, NR_sendmsg = 46, NR_recvmsg = 47, NR_getpid = 39, NR_clone = 56, NR_wait4 = 61,
    NR_dup3 = 292, NR_kill = 62, NR_rt_sigtimedwait = 128, NR_exit_group = 231, NR_openat = 257, NR_ppoll = 271, NR_signalfd4 = 289,
    NR_pidfd_send_signal = 424, NR_clone3 = 435, NR_close_range = 436, NR_munmap = 11
};

static i64 syscall6(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    i64 result;
    register u64 r10 __asm__("r10") = d;
    register u64 r8 __asm__("r8") = e;
    register u64 r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  and $-16, %rsp\n  call launcher_main\n  hlt\n");

#elif defined(__aarch64__)
enum {
    NR_dup3 = 24, NR_openat = 56, NR_close = 57, NR_lseek = 62, NR_read = 63, NR_ppoll = 73, NR_signalfd4 = 74, NR_exit_group = 94, NR_kill = 129,
    NR_rt_sigtimedwait = 137, NR_getpid = 172, NR_sendmsg = 211, NR_clone = 220, NR_recvmsg = 212, NR_munmap = 215, NR_mmap = 222, NR_wait4 = 260,
    NR_pidfd_send_signal = 424, NR_clone3 = 435, NR_close_range = 436
};

static i64 syscall6(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    register u64 x8 __asm__("x8") = nr;
    register u64 x0 __asm__("x0") = a;
    register u64 x1 __asm__("x1") = b;
    register u64 x2 __asm__("x2") = c;
    register u64 x3 __asm__("x3") = d;
    register u64 x4 __asm__("x4") = e;
    register u64 x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return (i64)x0;
}

__asm__(".globl _start\n_start:\n  mov x29, #0\n  bl launcher_main\n  brk #0\n");

#else
#error "no launcher for this machine"
#endif

#define CALL(nr, a, b, c, d) syscall6((nr), (u64)(a), (u64)(b), (u64)(c), (u64)(d), 0, 0)

enum { ERR_INTR = 4, ERR_CHILD = 10, ERR_AGAIN = 11, ERR_INVAL = 22, ERR_NOSYS = 38, ERR_PROTO = 71 };

static void exit_with(int code)
{
    for (;;)
        CALL(NR_exit_group, code, 0, 0, 0);
}

/* ---- the program ------------------------------------------------------------------------------------------------ */

static struct header *const header = (struct header *)PROGRAM_BASE;

static void fail(u32 step, i64 error)
{
    header->failed_errno = (int)error;
    /* The step is stored last: a reader that sees it sees the errno too. */
    __atomic_store_n(&header->failed_step, step + 1, __ATOMIC_RELEASE);
    exit_with(EXIT_FAILED);
}

static int inside(u64 address, u64 length, u64 size)
{
    return address >= PROGRAM_BASE && length <= size && address - PROGRAM_BASE <= size - length;
}

/* Maps the header as shared memory, which the host reads, and the rest as this process's own copy. */
static u64 map_program(int fd)
{
    u64 size = (u64)CALL(NR_lseek, fd, 0, 2 /* SEEK_END */, 0);
    if ((i64)size < (i64)(HEADER_SIZE + sizeof(struct step)) || size > MAX_PROGRAM)
        exit_with(EXIT_NO_PROGRAM);
    i64 at = syscall6(NR_mmap, PROGRAM_BASE, HEADER_SIZE, 3 /* READ|WRITE */, 0x100001 /* SHARED|FIXED_NOREPLACE */, (u64)fd, 0);
    if (at != (i64)PROGRAM_BASE)
        exit_with(EXIT_NO_PROGRAM);
    at = syscall6(NR_mmap, PROGRAM_BASE + HEADER_SIZE, size - HEADER_SIZE, 3, 0x100002 /* PRIVATE|FIXED_NOREPLACE */, (u64)fd, HEADER_SIZE);
    if (at != (i64)(PROGRAM_BASE + HEADER_SIZE))
        exit_with(EXIT_NO_PROGRAM);
    if (header->magic != PROGRAM_MAGIC || header->version != PROGRAM_VERSION || header->size != size ||
        header->steps_offset < HEADER_SIZE || header->steps_offset > size || header->steps_offset % 8 != 0 ||
        header->step_count == 0 || header->step_count > (size - header->steps_offset) / sizeof(struct step))
        exit_with(EXIT_NO_PROGRAM);
    return size;
}

static int ignored(const struct step *step, i64 error)
{
    for (u32 i = 0; i < MAX_IGNORED; i++)
        if (step->ignored[i] == IGNORE_ALL || (step->ignored[i] != 0 && step->ignored[i] == error))
            return 1;
    return 0;
}

static void store(const struct step *step, i64 value)
{
    if (step->flags & STEP_RESULT_32)
        *(int *)step->result = (int)value;
    else
        *(i64 *)step->result = value;
}

static void serve(u64 socket);
static void reap(u64 main_pid);

static void run(u64 size)
{
    const struct step *steps = (const struct step *)(PROGRAM_BASE + header->steps_offset);
    u32 count = header->step_count;
    u32 next;

    for (u32 i = 0; i < count; i = next) {
        const struct step *step = &steps[i];
        u64 args[6];
        i64 result = 0;

        next = i + 1;
        for (u32 a = 0; a < 6; a++) {
            args[a] = step->args[a];
            if (step->indirect & (1u << a)) {
                if (!inside(args[a], 8, size))
                    fail(i, ERR_PROTO);
                args[a] = *(u64 *)args[a];
            }
        }
        if ((step->result != 0 && !inside(step->result, 8, size)) || (step->target != 0 && (step->target <= i || step->target > count)))
            fail(i, ERR_PROTO);

        switch (step->operation) {
        case OP_SYSCALL:
            for (u32 attempt = 0;; attempt++) {
                result = syscall6(step->number, args[0], args[1], args[2], args[3], args[4], args[5]);
                if (result == -ERR_INTR)
                    continue;
                /* openat2 asks to try again when a rename elsewhere raced its walk; bounded, so that nobody can keep us here. */
                if (result == -ERR_AGAIN && (step->flags & STEP_RETRY_AGAIN) && attempt < MAX_RETRIES)
                    continue;
                break;
            }
            if (step->result)
                store(step, result);
            if (result < 0 && result > -4096) {
                if (!ignored(step, -result))
                    fail(i, -result);
                if (step->target)
                    next = step->target;
            }
            break;
        case OP_JUMP_IF_ZERO:
            if (args[0] == 0)
                next = step->target;
            break;
        case OP_ASSERT: /* address, mask, expected value, errno to report */
            if (!inside(args[0], 8, size) || (*(u64 *)args[0] & args[1]) != args[2])
                fail(i, (i64)args[3]);
            break;
        case OP_COPY_32: /* destination, value */
            if (!inside(args[0], 4, size))
                fail(i, ERR_PROTO);
            *(int *)args[0] = (int)args[1];
            break;
        case OP_PHASE:
            __atomic_store_n(&header->phase, (u32)args[0], __ATOMIC_RELEASE);
            break;
        case OP_FAIL:
            fail(i, (i64)args[0]);
            break;
        case OP_SERVE:
            serve(args[0]);
            break;
        case OP_REAP:
            reap(args[0]);
            break;
        default:
            fail(i, ERR_PROTO);
        }
    }
    exit_with(0);
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static int is_first(void)
{
    return CALL(NR_getpid, 0, 0, 0, 0) == 1;
}

static void keep_status(int status)
{
    header->wait_status = status;
    __atomic_store_n(&header->wait_status_valid, 1, __ATOMIC_RELEASE);
}

/*
 * Outside a PID namespace of its own nothing ends with this process by itself. Orphans below it become its own
 * (PR_SET_CHILD_SUBREAPER), so it kills what it has until it has nothing. A child's id stays its own until it is reaped,
 * which only this process does. Keeps the wait status of the main one.
 */
static void end_children(u64 main_pid)
{
    char text[4096];
    for (;;) {
        i64 file = CALL(NR_openat, -100 /* AT_FDCWD */, "/proc/thread-self/children", 0x80000 /* CLOEXEC */, 0);
        i64 length = CALL(NR_read, file, text, sizeof text, 0);
        u64 pid = 0;
        for (i64 i = 0; i < length; i++)
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (u64)(text[i] - '0');
            } else if (pid) { /* a number that the buffer's end cuts off has its turn in the next round */
                CALL(NR_kill, pid, 9, 0, 0);
                pid = 0;
            }
        CALL(NR_close, file, 0, 0, 0);
        int status;
        i64 ended = CALL(NR_wait4, -1, &status, 0x40000000 /* __WALL */, 0);
        if (ended == -ERR_CHILD)
            return;
        if (main_pid != 0 && (u64)ended == main_pid)
            keep_status(status);
    }
}

/* ---- init: the process above a job ------------------------------------------------------------------------------ */

/*
 * Above the job of a container with an init: reaps what is orphaned, passes signals on, ends when the main process does.
 * Where it is not PID 1, whose end is everyone's, it ends the others itself.
 */
static void reap(u64 main_pid)
{
    u64 all = ~0ul;
    for (;;) {
        i64 signal = CALL(NR_rt_sigtimedwait, &all, 0, 0, sizeof all);
        if (signal == SIGNAL_CHILD) {
            int status;
            i64 pid;
            while ((pid = CALL(NR_wait4, -1, &status, 0x40000001 /* WNOHANG|__WALL */, 0)) > 0)
                if ((u64)pid == main_pid) {
                    keep_status(status);
                    if (!is_first())
                        end_children(0);
                    exit_with((status & 0x7f) ? 128 + (status & 0x7f) : (status >> 8) & 0xff);
                }
        } else if (signal == SIGNAL_END && !is_first()) {
            end_children(main_pid);
            exit_with(EXIT_FAILED);
        } else if (signal > 0) {
            CALL(NR_kill, main_pid, signal, 0, 0);
        }
    }
}

/* ---- guardian: the process that forks containers ---------------------------------------------------------------- */

/*
 * The host is gone, and so must everything below be: before this process, whose descriptors the kernel closes before it kills
 * the namespace of a PID 1. What is held must be there longer than the last of them.
 */
static void end(void)
{
    if (!is_first()) {
        end_children(0);
    } else {
        /* Nobody escapes by a fork: the kernel looks for signals once more before there is a child. */
        CALL(NR_kill, -1, 9, 0, 0);
        while (CALL(NR_wait4, -1, 0, 0x40000000 /* __WALL */, 0) != -ERR_CHILD)
            ;
    }
    exit_with(0);
}

/* All that came with a request, and what was made of it; not what is held. */
static void close_passed(void)
{
    CALL(NR_close_range, FIRST_PASSED_FD, HELD_FD - 1, 0, 0);
    CALL(NR_close_range, HELD_FD + 1, ~0u, 0, 0);
}

/* Keeps the descriptor that came with the request, or none, in place of the last one. */
static void hold(void)
{
    if (CALL(NR_dup3, FIRST_PASSED_FD, HELD_FD, 0x80000 /* CLOEXEC */, 0) < 0)
        CALL(NR_close, HELD_FD, 0, 0, 0);
    close_passed();
}

static void send_message(u64 socket, struct message *message, int fd)
{
    struct {
        u64 length;
        int level, type;
        int fd, padding;
    } control = {20, 1 /* SOL_SOCKET */, 1 /* SCM_RIGHTS */, fd, 0};
    struct iovec_ {
        void *base;
        u64 length;
    } part = {message, sizeof *message};
    struct msghdr_ {
        void *name;
        u64 name_length;
        struct iovec_ *parts;
        u64 part_count;
        void *control;
        u64 control_length;
        u64 flags;
    } header_ = {0, 0, &part, 1, fd < 0 ? 0 : (void *)&control, fd < 0 ? 0 : sizeof control, 0};
    i64 sent;
    do
        sent = CALL(NR_sendmsg, socket, &header_, 0x4000 /* MSG_NOSIGNAL */, 0);
    while (sent == -ERR_INTR);
    if (sent < 0)
        end();
}

static void report_exits(u64 socket)
{
    struct {
        i64 user_seconds, user_microseconds, system_seconds, system_microseconds, max_resident_kib, rest[13];
    } usage;
    int status;
    i64 pid;
    while ((pid = CALL(NR_wait4, -1, &status, 0x40000001 /* WNOHANG|__WALL */, &usage)) > 0) {
        struct message message = {MESSAGE_EXITED, 0, (int)pid, status,
                                  (u64)(usage.user_seconds * 1000000 + usage.user_microseconds),
                                  (u64)(usage.system_seconds * 1000000 + usage.system_microseconds),
                                  (u64)usage.max_resident_kib * 1024};
        send_message(socket, &message, -1);
    }
}

/* For a host that is an ordinary user, and may not signal those of its jobs that have another of its ids. */
static void signal_process(const struct request *request)
{
    CALL(NR_pidfd_send_signal, FIRST_PASSED_FD, request->cgroup_index, 0, 0);
    close_passed();
}

static void spawn(u64 socket, const struct request *request)
{
    int pidfd = -1;
    struct {
        u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
    } args = {request->clone_flags | 0x1000 /* CLONE_PIDFD */, (u64)&pidfd, 0, 0, SIGNAL_CHILD, 0, 0, 0, 0, 0,
              FIRST_PASSED_FD + request->cgroup_index};
    i64 pid = CALL(NR_clone3, &args, sizeof args, 0, 0);
    /* Other sandboxes hide clone3, whose flags their filters cannot see; without namespaces the old call does as well. */
    if (pid == -ERR_NOSYS && request->clone_flags == 0)
        pid = CALL(NR_clone, 0x1000 | SIGNAL_CHILD, 0, &pidfd, 0);
    if (pid == 0) {
        CALL(NR_close, HELD_FD, 0, 0, 0);
        run(map_program(FIRST_PASSED_FD));
    }

    struct message message = {MESSAGE_SPAWNED, request->id, (int)pid, 0, 0, 0, 0};
    send_message(socket, &message, pidfd);
    close_passed();
}

static void serve(u64 socket)
{
    u64 all = ~0ul;
    struct {
        int fd;
        short events, revents;
    } polled[2] = {{SIGNAL_FD, 1, 0}, {(int)socket, 1, 0}};

    /* The bootstrap program is done with; its descriptor becomes the signal descriptor. */
    u64 size = header->size;
    CALL(NR_munmap, PROGRAM_BASE, size, 0, 0);
    CALL(NR_close, SIGNAL_FD, 0, 0, 0);
    if (CALL(NR_signalfd4, -1, &all, sizeof all, 0x80800 /* NONBLOCK|CLOEXEC */) != SIGNAL_FD)
        exit_with(EXIT_FAILED);

    for (;;) {
        if (CALL(NR_ppoll, polled, 2, 0, 0) < 0)
            continue;
        if (polled[0].revents) {
            u8 signals[128 * 8];
            CALL(NR_read, SIGNAL_FD, signals, sizeof signals, 0);
            report_exits(socket);
        }
        if (polled[1].revents) {
            struct request request;
            u64 control[2 + (MAX_PASSED_FDS * 4 + 7) / 8];
            struct {
                void *base;
                u64 length;
            } part = {&request, sizeof request};
            struct {
                void *name;
                u64 name_length;
                void *parts;
                u64 part_count;
                void *control;
                u64 control_length;
                u64 flags;
            } header_ = {0, 0, &part, 1, control, sizeof control, 0};
            i64 received = CALL(NR_recvmsg, socket, &header_, 0x40000000 /* MSG_CMSG_CLOEXEC */, 0);
            if (received == sizeof request && request.clone_flags == REQUEST_SIGNAL)
                signal_process(&request);
            else if (received == sizeof request && request.clone_flags == REQUEST_HOLD)
                hold();
            else if (received == sizeof request)
                spawn(socket, &request);
            else if (received != -ERR_INTR)
                end(); /* end of file: the host is gone */
        }
    }
}

__attribute__((used)) void launcher_main(void)
{
    run(map_program(PROGRAM_FD));
}
