// SPDX-License-Identifier: GPL-2.0-only
#include "python.bpf.h"
#include "arch_x86.bpf.h"

/* The state of the current thread, as the interpreter keeps it among the thread's own data; or 0.
 */
static __always_inline __u64 python__state(const struct python_process *p, struct task_struct *task)
{
	__u64 at = arch__thread_pointer(task) + p->slot, state;

	if (bpf_probe_read_user(&state, sizeof(state), (void *)at))
		return 0;
	if (p->indirect >= 0 &&
	    bpf_probe_read_user(&state, sizeof(state), (void *)(state + p->indirect)))
		return 0;
	return state;
}

static __always_inline __u64 python__frame(const struct python_process *p, __u64 state)
{
	__u64 frame;

	if (!state || bpf_probe_read_user(&frame, sizeof(frame), (void *)(state + p->frame)))
		return 0;
	if (p->cframe >= 0 &&
	    bpf_probe_read_user(&frame, sizeof(frame), (void *)(frame + p->cframe)))
		return 0;
	return frame;
}

/* The frames are copied as they are: what they mean is user space's affair. */
int python__send(struct python_buffer *buffer, __u64 time_ns, __u64 word)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 tgid = task->tgid, n = 0;
	const struct python_process *p = bpf_map_lookup_elem(&pythons, &tgid);
	struct gil_word *gil;
	__u64 frame;

	if (!buffer || !p || p->gen != task__gen(task))
		return 0;
	frame = python__frame(p, python__state(p, task));
	for (int i = 0; i < PYTHON_FRAMES_MAX && frame; i++) {
		struct python_head *head = &buffer->heads[i];

		if (bpf_probe_read_user(head->bytes, sizeof(head->bytes), (void *)frame))
			break;
		head->at = frame;
		if (bpf_probe_read_user(head->slots, sizeof(head->slots),
					(void *)(frame + p->slots)))
			__builtin_memset(head->slots, 0, sizeof(head->slots));
		n = i + 1;
		if (bpf_probe_read_user(&frame, sizeof(frame), (void *)(frame + p->previous)))
			break;
	}
	if (!n || n > PYTHON_FRAMES_MAX)
		return 0;
	gil = gil__find(tgid, p->gen, word);
	buffer->event.type = EVENT_PYTHON;
	buffer->event.tid = task->pid;
	buffer->event.time_ns = time_ns;
	buffer->event.tgid = tgid;
	buffer->event.gen = p->gen;
	buffer->event.truncated = frame != 0;
	buffer->event.n = n;
	if (!gil ||
	    bpf_probe_read_user(&buffer->event.gil_holder, sizeof(__u64), (void *)gil->last_holder))
		buffer->event.gil_holder = 0;
	if (bpf_ringbuf_output(&events, buffer,
			       sizeof(buffer->event) + n * sizeof(struct python_head),
			       BPF_RB_NO_WAKEUP))
		loss__count(LOSS_SAMPLES_DROPPED);
	return 0;
}
