# SPDX-License-Identifier: GPL-2.0-only
# Programs with known truth: tests/workloads/NAME.c becomes build/workloads/NAME. Each prints one
# line of JSON when it ends. Those of WORKLOADS32 are built with -m32, where the compiler can.
WORKLOADS := blocked churn contend deadlock execer futex2 idle killed oversubscribed pingpong \
	     primitives restarter storm waitv
WORKLOADS32 := compat32
