// SPDX-License-Identifier: GPL-2.0-only
#include "state.bpf.h"
#include "python.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile bool knob_scoped = false;
const volatile bool knob_switch_has_state = true;
const volatile __u32 knob_stack_bytes = STACK_BYTES_DEFAULT;
const volatile __u64 knob_sample_period_ns = 100000000;
const volatile __u32 knob_samples_second = 1000;
const volatile __u32 knob_events_second = 0;
const volatile bool knob_exact = false;
const volatile bool knob_exact_scoped = false;

__u32 enabled = 0;
__u32 epoch = 0;
__u64 exact_bias_ns = 0;
__u64 exact_end_bias_ns = 0;
__u64 exact_dear = 0;
__u32 exact_self = 0;
__u32 exact_slice = 0;
__u64 losses[LOSS_COUNT] = {};

struct sleeps_map sleeps SEC(".maps");
struct processes_map processes SEC(".maps");
struct exact_scope_map exact_scope SEC(".maps");
struct exact_threads_map exact_threads SEC(".maps");
struct events_map events SEC(".maps");
struct sleep_events_map sleep_events SEC(".maps");
struct sample_buffers_map sample_buffers SEC(".maps");
struct pythons_map pythons SEC(".maps");
struct gils_map gils SEC(".maps");
