/* What the host and the launcher agree on. src/Containers.Core/Launch mirrors every number here. */

#define PROGRAM_BASE 0x10000000ul
#define PROGRAM_MAGIC 0x53594350u /* "PCYS" */
#define PROGRAM_VERSION 1u
#define HEADER_SIZE 4096ul
#define MAX_PROGRAM (64ul << 20)
#define MAX_IGNORED 4
#define MAX_RETRIES 128
#define IGNORE_ALL 0xffffu

/* Descriptors. */
#define PROGRAM_FD 3      /* of a process started by the host or by execve */
#define SIGNAL_FD 3       /* of the guardian */
#define FIRST_PASSED_FD 5 /* in a child of the guardian: its program, then what came with it */
#define MAX_PASSED_FDS 64
#define HELD_FD (FIRST_PASSED_FD + MAX_PASSED_FDS) /* of the guardian alone: open until all below it have ended */

#define SIGNAL_CHILD 17
#define SIGNAL_END 64 /* to an init that is not PID 1: end the job and everything below */

/* Exit codes of a launcher process that did not get to run user code. */
#define EXIT_FAILED 125
#define EXIT_NO_PROGRAM 124

/* The first page of a program: shared with the host. Offsets 256 and up are cells that steps may name as results. */
struct header {
    unsigned int magic, version;
    unsigned long size;
    unsigned long steps_offset;
    unsigned int step_count;
    unsigned int phase;
    unsigned int failed_step; /* index + 1; 0 means none */
    int failed_errno;
    unsigned int wait_status_valid;
    int wait_status;
};

enum {
    OP_SYSCALL = 0,
    OP_JUMP_IF_ZERO = 1,
    OP_ASSERT = 2,
    OP_COPY_32 = 3,
    OP_PHASE = 4,
    OP_FAIL = 5,
    OP_SERVE = 6,
    OP_REAP = 7,
};

#define STEP_RESULT_32 1   /* the result cell is four bytes, as descriptors in messages are */
#define STEP_RETRY_AGAIN 2 /* try again on EAGAIN, at most MAX_RETRIES times */

struct step {
    unsigned short operation;
    unsigned short flags;
    unsigned int number;                 /* of the system call */
    unsigned int indirect;               /* bit i: argument i is the address of the value */
    unsigned int target;                 /* where to go: on zero, or after an ignored error; 0: the next step */
    unsigned long result;                /* address of the cell the result goes to; 0: none */
    unsigned short ignored[MAX_IGNORED]; /* errnos that are no failure */
    unsigned long args[6];
};

/* Of a request that is none for a process: send the signal in cgroup_index to the one whose pidfd came with it. */
#define REQUEST_SIGNAL (~0ul)

/* The other: hold the descriptor that came with it, or none. */
#define REQUEST_HOLD (~0ul - 1)

/* Host to guardian; descriptors ride along: the program first. */
struct request {
    unsigned int id;
    unsigned int cgroup_index; /* which of the passed descriptors CLONE_INTO_CGROUP means */
    unsigned long clone_flags;
};

enum { MESSAGE_SPAWNED = 1, MESSAGE_EXITED = 2, MESSAGE_HANDOVER = 3, MESSAGE_READY = 4 };

/* Guardian, or a program, to host. */
struct message {
    unsigned int kind;
    unsigned int id;
    int pid; /* of the guardian's PID namespace; negative: -errno of clone3 */
    int status;
    unsigned long user_microseconds, system_microseconds, max_resident_bytes;
};
