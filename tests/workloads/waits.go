// SPDX-License-Identifier: GPL-2.0-only

// go KIND [ROUNDS [HOLD_MS]]: one goroutine waits ROUNDS times for another. Goroutines do not sleep
// in the kernel; the threads that have none to run do.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func number(i, otherwise int) int {
	if len(os.Args) > i {
		if n, err := strconv.Atoi(os.Args[i]); err == nil {
			return n
		}
	}
	return otherwise
}

func main() {
	var mutex sync.Mutex
	var started, done int32
	channel := make(chan int)
	rounds, hold := number(2, 23), time.Duration(number(3, 5))*time.Millisecond
	if len(os.Args) < 2 || (os.Args[1] != "mutex" && os.Args[1] != "channel") {
		fmt.Fprintln(os.Stderr, "usage: go mutex|channel [ROUNDS [HOLD_MS]]")
		os.Exit(1)
	}
	kind := os.Args[1]
	go func() {
		for round := int32(1); round <= int32(rounds); round++ {
			for atomic.LoadInt32(&started) < round {
				time.Sleep(50 * time.Microsecond)
			}
			if kind == "mutex" {
				mutex.Lock()
				mutex.Unlock()
			} else {
				<-channel
			}
			atomic.StoreInt32(&done, round)
		}
	}()
	for round := int32(1); round <= int32(rounds); round++ {
		if kind == "mutex" {
			mutex.Lock()
		}
		atomic.StoreInt32(&started, round)
		time.Sleep(hold)
		if kind == "mutex" {
			mutex.Unlock()
		} else {
			channel <- 1
		}
		for atomic.LoadInt32(&done) < round {
			time.Sleep(50 * time.Microsecond)
		}
	}
	fmt.Printf("{\"pid\":%d,\"kind\":\"park\",\"rounds\":%d}\n", os.Getpid(), rounds)
}
